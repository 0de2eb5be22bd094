//! `reknit recipe`: what runs on which event, and what it would do. Reads files; calls no vendor and writes nothing; what
//! switches a recipe stands in [`super::switch`].

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::output;
use super::problem::Problem;
use super::switch;
use super::wiring::{self, Opening, Place, clock};
use crate::config::Config;
use crate::domain::plan::{Call, Plan};
use crate::domain::record::System;
use crate::domain::text::clean_lines;
use crate::engine::rules::Sources;
use crate::mapping::Mappings;
use crate::recipes::book::Book;
use crate::recipes::condition;
use crate::recipes::facts::Facts;
use crate::recipes::finding::{Finding, instead_of};
use crate::recipes::planner::{self, Ruling, Wanted};
use crate::recipes::recipe::{Recipe, State, Trigger};
use crate::recipes::{file, graph, rehearsal};
use crate::vendors;

/// Arguments of `recipe`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Print it as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every recipe: its state, what makes it run, what it does
    List,
    /// One recipe as its file holds it: the text to begin with for one of your own
    Show {
        /// Its name
        name: String,
    },
    /// What is wrong with recipes, by file and line: those given, else all in force
    Lint {
        /// Recipe files
        files: Vec<PathBuf>,
    },
    /// What a recipe would do with given facts: its verdict, what decided it, and the exact calls. Nothing is sent
    Test {
        /// Its name, or a recipe file
        name: String,
        /// A file with the event as JSON: a webhook's body, or {"kind": …, "at": …}
        #[arg(long, value_name = "FILE")]
        event: Option<PathBuf>,
        /// A file with the facts as JSON: {"contact": {"id": …}, "crm": {…}, "found": {"0": […]}}; see `recipe facts`
        #[arg(long, value_name = "FILE")]
        facts: Option<PathBuf>,
        /// The CRM, where the recipe names none: hubspot or salesforce
        #[arg(long, value_name = "SYSTEM")]
        crm: Option<String>,
        /// Instead of files: somebody the journal knows, by e-mail, record or person; Reknit's copies are taken
        #[arg(long, value_name = "WHO", conflicts_with_all = ["event", "facts", "crm"])]
        record: Option<String>,
    },
    /// A drawing of trigger, conditions, actions and error edges
    Graph {
        /// Its name
        name: String,
    },
    /// Which system emits its event, which fields it writes, how retries work
    Explain {
        /// Its name
        name: String,
    },
    /// The names and functions that expressions may use, and the triggers
    Facts,
    /// The documentation of all recipes as Markdown
    Docs,
    /// Let recipes run: at most two within a day, unless --force
    On(switch::Arguments),
    /// Let recipes plan and journal what they would do, and write nothing
    Shadow(switch::Arguments),
    /// Stop recipes; what already waits is skipped
    Off(switch::Arguments),
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let json = arguments.json;
    match &arguments.command {
        Command::On(names) => switch::run(place, read_only, State::On, names, json).await,
        Command::Shadow(names) => switch::run(place, read_only, State::Shadow, names, json).await,
        Command::Off(names) => switch::run(place, read_only, State::Off, names, json).await,
        Command::Test { name, record: Some(whom), .. } => Box::pin(try_on(place, name, whom, json)).await,
        _ => tell(place, arguments),
    }
}

fn tell(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let json = arguments.json;
    match &arguments.command {
        Command::List => {
            // One broken file is no reason to hide the others: what is in force goes on.
            let shelf = look(&config, &[])?;
            for wrong in shelf.findings.iter().filter(|finding| finding.is_error()) {
                output::aside(&format!("not taken: {wrong}"));
            }
            list(&shelf.book, json)
        }
        Command::Show { name } => {
            let shelf = shelf(&config)?;
            let recipe = named(&shelf.book, name)?;
            if json {
                return output::json(&as_json(recipe));
            }
            lines(recipe.text.trim_end().lines().map(str::to_owned))
        }
        Command::Lint { files } => lint(&config, files, json),
        Command::Test { name, event, facts, crm, .. } => {
            let given = Given { event: event.as_deref(), facts: facts.as_deref(), crm: crm.as_deref() };
            test(&config, name, &given, json)
        }
        Command::Graph { name } => {
            let shelf = shelf(&config)?;
            told(graph::drawing(named(&shelf.book, name)?), json)
        }
        Command::Explain { name } => {
            let shelf = shelf(&config)?;
            let mapping = |name: &str| shelf.mappings.named(name);
            told(graph::explanation(named(&shelf.book, name)?, &mapping), json)
        }
        Command::Facts => facts(json),
        Command::On(_) | Command::Shadow(_) | Command::Off(_) => Ok(()),
        Command::Docs => {
            let shelf = shelf(&config)?;
            let text = graph::docs(&shelf.book, &|name| shelf.mappings.named(name));
            if json {
                output::json(&json!({"markdown": text}))
            } else {
                lines(text.lines().map(str::to_owned))
            }
        }
    }
}

/// What there is: every recipe and mapping, one's own among them.
struct Shelf {
    book: Book,
    mappings: Mappings,
    findings: Vec<Finding>,
}

/// Reads what is on disk. A recipe that must not run is a problem; `lint` shows it instead.
fn shelf(config: &Config) -> Result<Shelf, Problem> {
    let shelf = look(config, &[])?;
    let wrong: Vec<String> =
        shelf.findings.iter().filter(|it| it.is_error()).map(ToString::to_string).collect();
    if wrong.is_empty() {
        return Ok(shelf);
    }
    Err(Problem::usage(
        "The recipes cannot be used; nothing was changed.",
        wrong.join("\n        "),
        "correct the lines named (`reknit recipe lint` shows all)",
    ))
}

/// Where recipes and mappings of one's own lie: beside the settings file.
fn sources(config: &Config) -> Sources {
    let folder = |name: &str| (!config.folder.as_os_str().is_empty()).then(|| config.folder.join(name));
    Sources { recipes: folder("recipes"), mappings: folder("mappings"), contact: None }
}

fn look(config: &Config, files: &[PathBuf]) -> Result<Shelf, Problem> {
    let unread = |why: String| {
        Problem::usage("The recipes cannot be read.", why, "check the path and its permissions")
    };
    let on_disk = sources(config).read().map_err(unread)?;
    let mut texts = on_disk.recipes;
    for path in files {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| unread(format!("{shown}: {error}")))?;
        // A file that lies in the folder already is meant as it is here.
        texts.retain(|(known, _)| Path::new(known) != path);
        texts.push((shown, text));
    }
    let (book, findings) = Book::read(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let mappings = Mappings::with(&on_disk.mappings).map_err(|errors| {
        Problem::usage(
            "The mappings cannot be used; nothing was changed.",
            errors.to_string(),
            "correct them",
        )
    })?;
    Ok(Shelf { book, mappings, findings })
}

fn named<'a>(book: &'a Book, name: &str) -> Result<&'a Recipe, Problem> {
    book.recipe(name).map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<&str> = book.all().map(|recipe| recipe.name.as_str()).collect();
        Problem::usage(
            format!("There is no recipe \"{name}\"."),
            instead_of(name, &known),
            "reknit recipe list",
        )
    })
}

fn as_json(recipe: &Recipe) -> Value {
    json!({
        "name": recipe.name, "title": recipe.title, "about": recipe.about.trim(), "owner": recipe.owner,
        "state": recipe.state, "trigger": recipe.trigger, "crm": recipe.crm, "shipped": Book::ships(&recipe.name),
        "file": recipe.file, "actions": recipe.actions.iter().map(|it| graph::doing(&it.act)).collect::<Vec<_>>(),
        "text": recipe.text,
    })
}

fn lines(lines: impl Iterator<Item = String>) -> Result<(), Problem> {
    for line in lines {
        // Recipes are a human's own, but they may have come by mail.
        output::line(&clean_lines(&line).join(" "))?;
    }
    Ok(())
}

fn told(told: Vec<String>, json: bool) -> Result<(), Problem> {
    if json { output::json(&json!({"lines": told})) } else { lines(told.into_iter()) }
}

fn list(book: &Book, json: bool) -> Result<(), Problem> {
    if json {
        return output::json(&book.all().map(|recipe| as_json(recipe)).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = book.all().map(|recipe| graph::row(recipe, recipe.state).to_vec()).collect();
    output::table(&["RECIPE", "STATE", "TRIGGER", "CRM", "WHAT"], &rows)
}

fn lint(config: &Config, files: &[PathBuf], json: bool) -> Result<(), Problem> {
    let mut findings = look(config, files)?.findings;
    if !files.is_empty() {
        let asked: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        findings.retain(|finding| asked.contains(&finding.file));
    }
    if json {
        output::json(&findings)?;
    } else if findings.is_empty() {
        output::line("Nothing is wrong with these recipes.")?;
    } else {
        lines(findings.iter().map(|finding| format!("{}: {finding}", finding.severity)))?;
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    if errors == 0 {
        return Ok(());
    }
    Err(Problem::usage(
        format!("{errors} mistake(s): recipes with mistakes are not taken; those in force stay as they are."),
        "each is named above with its file and line",
        "correct the lines named, then run this again",
    ))
}

/// What `test` was given.
struct Given<'a> {
    event: Option<&'a Path>,
    facts: Option<&'a Path>,
    crm: Option<&'a str>,
}

fn object(path: &Path) -> Result<Map<String, Value>, Problem> {
    let wrong = |why: String| {
        Problem::usage(
            "The recipe was not tried.",
            format!("{}: {why}", path.display()),
            "give a file with one JSON object (`reknit recipe facts` lists the names)",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(wrong("it is no object".into())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

fn test(config: &Config, name: &str, given: &Given<'_>, json: bool) -> Result<(), Problem> {
    let wrong = |why: String, next: &str| Problem::usage("The recipe was not tried.", why, next);
    if given.event.is_none() && given.facts.is_none() {
        return Err(wrong(
            "without facts there is nothing to judge it by".into(),
            "give --event FILE, --facts FILE or both, or --record WHO; reknit recipe facts lists the names",
        ));
    }
    let path = PathBuf::from(name);
    let from_file = path.extension().is_some_and(|extension| extension == "toml");
    let shelf = look(config, if from_file { std::slice::from_ref(&path) } else { &[] })?;
    let own = |finding: &&Finding| finding.is_error() && (!from_file || finding.file == name);
    let mistakes: Vec<String> = shelf.findings.iter().filter(own).map(ToString::to_string).collect();
    let recipe = if from_file {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| wrong(format!("{name}: {error}"), "check the path"))?;
        if !mistakes.is_empty() {
            return Err(wrong(mistakes.join("\n        "), "correct the lines named"));
        }
        file::parse(&text, name).map_err(|found| {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong(found.join("\n        "), "correct the lines named")
        })?
    } else {
        named(&shelf.book, name)?.clone()
    };
    let crm = match given.crm {
        Some(word) => match word.parse() {
            Ok(crm @ (System::Hubspot | System::Salesforce)) => crm,
            _ => {
                return Err(wrong(
                    format!("\"{word}\" is no CRM"),
                    "write --crm hubspot or --crm salesforce",
                ));
            }
        },
        None => recipe.crm.unwrap_or(System::Hubspot),
    };
    let mut known = given.facts.map(object).transpose()?.unwrap_or_default();
    if let Some(event) = given.event {
        rehearsal::from_event(&mut known, &object(event)?);
    }
    let unfit = |why: String| wrong(why, "correct the file of facts (reknit recipe facts lists the names)");
    let mut facts = rehearsal::facts(&known, clock().now(), crm).map_err(unfit)?;
    let tried = (|| {
        let ruling = planner::judge(&recipe, &facts).map_err(|fault| Err(fault.to_string()))?;
        if !matches!(ruling, Ruling::Go { .. }) {
            return Ok((ruling, Vec::new(), None));
        }
        let wanted = planner::lookups(&recipe, &facts).map_err(|fault| Err(fault.to_string()))?;
        rehearsal::found(&mut facts, &known, &wanted).map_err(Ok)?;
        let pick = |name: &str| {
            let one = shelf.mappings.named(name)?;
            let fitting = shelf.mappings.for_pair(crm, one.intercom, one.crm);
            if one.system.is_none_or(|own| own == crm) { Some(one) } else { fitting }
        };
        let planned = planner::plan(&recipe, &facts, &pick).map_err(|fault| Err(fault.to_string()))?;
        Ok((ruling, wanted, Some(planned.plan)))
    })();
    let settings = wiring::with_instance(&config.vendors, None);
    match tried {
        Ok((ruling, wanted, plan)) => show(&recipe, &ruling, &wanted, plan.as_ref(), &settings, json),
        Err(Ok(why)) => Err(unfit(why)),
        Err(Err(fault)) => Err(Problem::runtime(
            "The recipe could not be judged; in earnest the execution would fail and nothing would be sent.",
            fault,
            "correct the recipe at the line named, or the facts",
        )),
    }
}

fn show(
    recipe: &Recipe,
    ruling: &Ruling,
    wanted: &[Wanted],
    plan: Option<&Plan>,
    settings: &vendors::Settings,
    json: bool,
) -> Result<(), Problem> {
    let calls: Vec<Vec<Call>> = plan
        .map(|plan| plan.steps.iter().map(|step| vendors::calls(settings, &step.effect)).collect())
        .unwrap_or_default();
    let (verdict, reason, explanation, route, once) = match ruling {
        Ruling::Go { once, route, explanation } => {
            ("go", "", explanation.as_str(), route.as_ref(), once.as_ref())
        }
        Ruling::Skip { reason, explanation } => ("skip", reason.as_str(), explanation.as_str(), None, None),
        Ruling::Missing(sentence) => ("missing", sentence.as_str(), "", None, None),
    };
    let asked: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    if json {
        return output::json(&json!({
            "recipe": recipe.name, "verdict": verdict, "reason": reason, "explanation": explanation, "once": once,
            "route": route.map(|route| json!({"to": route.to, "because": route.because})), "lookups": asked,
            "plan": plan, "calls": calls,
        }));
    }
    let mut said = vec![match ruling {
        Ruling::Go { .. } => "Verdict: it has something to do.".to_owned(),
        Ruling::Skip { reason, .. } => format!("Verdict: skipped, because {reason}."),
        Ruling::Missing(sentence) => format!("Verdict: failed as missing_data. {sentence}"),
    }];
    said.extend((!explanation.is_empty()).then(|| format!("Decided by: {explanation}")));
    said.extend(once.map(|once| format!("Once for: {once}")));
    said.extend(route.map(|route| format!("Route: {} ({})", route.to, route.because)));
    said.extend(asked.iter().map(|asked| format!("Looked up first: {asked}")));
    if let Some(plan) = plan {
        said.extend(plan.nothing.clone());
        for (place, (step, calls)) in plan.steps.iter().zip(&calls).enumerate() {
            said.push(format!("{}. {}", place + 1, step.title));
            for call in calls {
                said.push(format!("   {} {}{}", call.method, call.host, call.path));
                said.extend(call.body.as_ref().map(|body| format!("   {body}")));
            }
            for fill in &step.fills {
                let what = if fill.field.is_empty() { "the record" } else { &fill.field };
                said.push(format!("   {what}: given by step {}", fill.from_step + 1));
            }
        }
        said.extend(plan.skips.iter().map(|skip| format!("Left alone: {}, {}.", skip.field, skip.reason)));
        said.extend(
            plan.conflicts.iter().map(|found| format!("For a human: {} ({})", found.field, found.kind)),
        );
        for notice in &plan.notices {
            said.push(format!(
                "Told to {}: {} {}",
                notice.channel,
                notice.title,
                Value::Object(notice.fields.clone())
            ));
        }
    }
    lines(said.into_iter())
}

/// Tries a recipe on somebody the journal knows: what screen 6 shows on `d`.
async fn try_on(place: &Place, name: &str, whom: &str, json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let operator = wiring::operator(&config, journal, place.mapping(&config)?, true);
    let trial = Box::pin(operator.try_recipe(name, whom)).await.map_err(|error| {
        let why = error.to_string();
        let why = why.trim_start_matches("Nothing was changed: ").to_owned();
        Problem::usage("The recipe was not tried.", why, "reknit recipe list, reknit events --record RECORD")
    })?;
    if json {
        return output::json(&trial);
    }
    let mut said = vec![format!("{} for {} ({})", trial.recipe, trial.subject, trial.record)];
    for gate in &trial.gates {
        said.push(format!("{}: {}: {}", gate.gate, gate.verdict.as_str().replace('_', " "), gate.sentence));
    }
    said.extend(trial.steps.iter().enumerate().map(|(place, step)| format!("{}. {step}", place + 1)));
    for call in &trial.calls {
        said.push(format!("   {} {}{}", call.method, call.host, call.path));
        said.extend(call.body.as_ref().map(|body| format!("   {body}")));
    }
    said.extend(trial.notes.iter().cloned());
    said.push("By Reknit's copies; nothing was sent and nothing was stored.".to_owned());
    lines(said.into_iter())
}

fn facts(json: bool) -> Result<(), Problem> {
    if json {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, what)| ((*name).to_owned(), json!(what))).collect::<Map<String, Value>>()
        };
        return output::json(&json!({
            "variables": pairs(&Facts::VARIABLES), "functions": pairs(&condition::FUNCTIONS), "triggers": Trigger::ALL,
        }));
    }
    let rows = |pairs: &[(&str, &str)]| -> Vec<Vec<String>> {
        pairs.iter().map(|(name, what)| vec![(*name).to_owned(), (*what).to_owned()]).collect()
    };
    output::table(&["NAME", "WHAT IT IS"], &rows(&Facts::VARIABLES))?;
    output::line("")?;
    output::table(&["FUNCTION", "WHAT IT GIVES"], &rows(&condition::FUNCTIONS))?;
    output::line("")?;
    let triggers: Vec<Vec<String>> = Trigger::ALL.iter().map(|trigger| vec![trigger.to_string()]).collect();
    output::table(&["TRIGGER"], &triggers)
}
