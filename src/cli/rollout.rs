//! `reknit rollout`: from the first token to the first recipe that writes, step by step, with who looked at what.
//!
//! Steps that a machine can check are checked when they are ticked, and not ticked when they fail; the fields a human has
//! to look at are ticked with that human's name. Nothing is switched on from here.

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::selftest::{self, Profile, What};
use super::wiring::{self, Opening, Place};
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::text::clean;
use crate::journal::rollout::Ticked;
use crate::mapping::lint;
use crate::recipes::recipe::State;
use crate::recipes::{CONTACT_TO_CRM, CONTACT_TO_INTERCOM};
use crate::vendors::{self, Log};

/// Workflows that may be on during a rollout.
const MOST: usize = 2;

/// A step of the rollout.
struct Step {
    name: &'static str,
    what: &'static str,
    /// Checked when it is ticked; else a human's word is taken.
    checked: bool,
}

const STEPS: [Step; 9] = [
    Step {
        name: "account",
        what: "both systems answer to an account an administrator approved",
        checked: true,
    },
    Step { name: "scope", what: "at most two workflows are on", checked: true },
    Step {
        name: "values",
        what: "owners and statuses the rules name exist in the live schemas",
        checked: true,
    },
    Step { name: "duplicate", what: "somebody known is updated and not made again", checked: true },
    Step { name: "sample", what: "sample records went through the full cycle", checked: true },
    Step {
        name: "review-owner",
        what: "who owns records, and who may change that, was looked at",
        checked: false,
    },
    Step { name: "review-status", what: "which system says what a status is was looked at", checked: false },
    Step {
        name: "review-email",
        what: "where addresses come from and which one counts was looked at",
        checked: false,
    },
    Step { name: "review-company", what: "how people get their company was looked at", checked: false },
];

/// Arguments of `rollout`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<Doing>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Doing {
    /// Which steps are done, by whom, and what is next
    Status,
    /// Do one step: check it, or note that somebody looked
    Tick {
        /// Which, as `rollout status` names it
        step: String,
        /// Who answers for it
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Where `duplicate` and `sample` make their test records
        #[arg(long, value_enum, default_value = "emulated")]
        profile: Profile,
    },
    /// Run sample records through the full cycle and note what came of it
    Sample {
        /// Where the records are made
        #[arg(long, value_enum, default_value = "emulated")]
        profile: Profile,
    },
}

/// Shows the checklist, or does a step of it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    match &arguments.what {
        None | Some(Doing::Status) => status(place, arguments.json).await,
        Some(Doing::Tick { step, by, profile }) => {
            tick(place, read_only, step, by, *profile, arguments.json).await
        }
        Some(Doing::Sample { profile }) => {
            tick(place, read_only, "sample", &wiring::actor(), *profile, arguments.json).await
        }
    }
}

async fn status(place: &Place, as_json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let known = journal.rollout().await.map_err(|error| unread(&error))?;
    let of = |step: &Step| known.iter().find(|ticked| ticked.step == step.name);
    if as_json {
        let rows: Vec<_> = STEPS
            .iter()
            .map(|step| {
                let ticked = of(step);
                json!({"step": step.name, "what": step.what, "checked": step.checked,
                       "done": ticked.is_some_and(|it| it.good), "by": ticked.map(|it| &it.by),
                       "at": ticked.map(|it| it.at.rfc3339()), "evidence": ticked.map(|it| &it.evidence)})
            })
            .collect();
        return output::json(&rows);
    }
    for step in &STEPS {
        let (mark, told) = match of(step) {
            Some(ticked) => (if ticked.good { "✓" } else { "✗" }, words(ticked)),
            None => ("-", "not yet".to_owned()),
        };
        output::line(&clean(&format!("{mark} {}: {} — {told}", step.name, step.what)))?;
    }
    let next = STEPS.iter().find(|step| of(step).is_none_or(|ticked| !ticked.good));
    output::line(&match next {
        Some(step) => format!("Next: reknit rollout tick {} --by NAME", step.name),
        None => "All steps are done: switch recipes on one at a time (reknit recipe on NAME).".to_owned(),
    })
}

fn words(ticked: &Ticked) -> String {
    let verdict = if ticked.good { "right" } else { "wrong" };
    format!("{verdict} at {} by {}: {}", ticked.at.rfc3339(), ticked.by, ticked.evidence)
}

async fn tick(
    place: &Place,
    read_only: bool,
    name: &str,
    by: &str,
    profile: Profile,
    as_json: bool,
) -> Result<(), Problem> {
    let Some(step) = STEPS.iter().find(|step| step.name == name) else {
        return Err(Problem::usage(
            "Nothing was ticked.",
            format!("the rollout has no step \"{}\"", clean(name)),
            format!("it has {}", STEPS.map(|step| step.name).join(", ")),
        ));
    };
    if by.trim().is_empty() {
        return Err(Problem::usage("Nothing was ticked.", "a step is somebody's", "say whose: --by NAME"));
    }
    if read_only {
        return Err(Problem::usage(
            "Nothing was ticked.",
            "--read-only forbids to write into the journal",
            "leave --read-only away; `reknit rollout status` only looks",
        ));
    }
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Work)?;
    let (good, evidence) = match step.name {
        "account" => account(place).await?,
        "scope" => scope(place, &journal).await?,
        "values" => values(place).await?,
        "duplicate" => cycle(place, What::Duplicate, profile).await?,
        "sample" => cycle(place, What::All, profile).await?,
        _ => (true, format!("{} says so", by.trim())),
    };
    journal
        .tick(step.name.to_owned(), good, by.trim().to_owned(), evidence.clone())
        .await
        .map_err(|error| unread(&error))?;
    if as_json {
        output::json(&json!({"step": step.name, "done": good, "by": by.trim(), "evidence": evidence}))?;
    } else {
        let mark = if good { "✓" } else { "✗" };
        output::line(&clean(&format!("{mark} {}: {evidence}", step.name)))?;
    }
    if good {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("The step \"{}\" is not done.", step.name),
        "what was seen is above and in the checklist",
        "mend it and tick it again",
    ))
}

/// Both systems answer, and the CRM's user has the rights it needs.
async fn account(place: &Place) -> Result<(bool, String), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let clients = wiring::clients(&config, &mapping, wiring::credentials(place, &config)?)?;
    let mut good = true;
    let mut seen = Vec::new();
    for connection in wiring::systems(&config).map(Connection::only) {
        match vendors::check(&clients, &connection, &mut Log::new()).await {
            Ok(name) => seen.push(format!("{} answers as {name}", connection.system.title())),
            Err(error) => {
                good = false;
                seen.push(format!("{} said: \"{}\"", connection.system.title(), error.words));
            }
        }
    }
    if config.engine.crm == System::Salesforce && good {
        for line in super::doctor::salesforce::look(place).await?.iter().filter(|line| !line.good) {
            good = false;
            seen.push(line.words.clone());
        }
    }
    Ok((good, seen.join("; ")))
}

/// How many workflows are on; the two directions of the contact sync are one.
async fn scope(place: &Place, journal: &crate::journal::Journal) -> Result<(bool, String), Problem> {
    let config = place.settings()?;
    let rules = wiring::rules(&config)?.current();
    let shadowed = journal.first_run().await.map_err(|error| unread(&error))?;
    let mut on: Vec<&str> = rules
        .book
        .all()
        .filter(|recipe| recipe.state == State::On && !shadowed.contains(&recipe.name))
        .map(|recipe| match recipe.name.as_str() {
            CONTACT_TO_CRM | CONTACT_TO_INTERCOM => "contact sync",
            name => name,
        })
        .collect();
    on.sort_unstable();
    on.dedup();
    let list = if on.is_empty() { "nothing".to_owned() } else { on.join(", ") };
    Ok((on.len() <= MOST, format!("{} of at most {MOST} workflows are on: {list}", on.len())))
}

/// The mappings held against the live schemas, and whether there are owners to give records to.
async fn values(place: &Place) -> Result<(bool, String), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let clients = wiring::clients(&config, &mapping, wiring::credentials(place, &config)?)?;
    let (intercom, crm) = (Connection::only(System::Intercom), Connection::only(config.engine.crm));
    let mut log = Log::new();
    let failed = |connection: &Connection, error: &vendors::VendorError| {
        Problem::runtime(
            "The step \"values\" was not checked.",
            format!("{} said: \"{}\"", connection.system.title(), error.words),
            "run `reknit doctor`, then tick it again",
        )
    };
    let people = vendors::schema(&clients, &intercom, ObjectKind::Contact, &mut log)
        .await
        .map_err(|error| failed(&intercom, &error))?;
    let leads = wiring::leads(&config);
    let mut wrong = Vec::new();
    let mut fields = 0;
    for mapping in std::iter::once(&*mapping).chain(leads.as_deref()) {
        let object = vendors::schema(&clients, &crm, mapping.crm, &mut log)
            .await
            .map_err(|error| failed(&crm, &error))?;
        fields += mapping.fields.len();
        let found = lint::against_schemas(mapping, Some(&people), Some(&object));
        wrong.extend(
            found
                .iter()
                .filter(|lint| lint.refuses())
                .map(|lint| format!("{}, line {}: {}", lint.file, lint.line, lint.what)),
        );
    }
    let owners = vendors::owners(&clients, &crm, &mut log).await.map_err(|error| failed(&crm, &error))?;
    if owners.is_empty() {
        wrong.push(format!("{} names no active user a record could belong to", crm.system.title()));
    }
    Ok(if wrong.is_empty() {
        (true, format!("{fields} fields fit the live schemas, {} owners are active", owners.len()))
    } else {
        (false, wrong.join("; "))
    })
}

/// Test records through the real engine.
async fn cycle(place: &Place, what: What, profile: Profile) -> Result<(bool, String), Problem> {
    let results = Box::pin(selftest::test(place, what, profile, None, false)).await?;
    let good = results.iter().all(selftest::Outcome::is_good);
    let told: Vec<String> = results
        .iter()
        .filter(|it| !good || it.passed == Some(true))
        .map(|it| {
            let verdict = if it.is_good() { "passed" } else { "failed" };
            if it.is_good() {
                format!("{} {verdict}", it.name)
            } else {
                format!("{} {verdict}: {}", it.name, it.evidence)
            }
        })
        .collect();
    let place = match profile {
        Profile::Emulated => "at emulated vendors",
        Profile::Sandbox => "in the sandbox",
        Profile::Production => "in production",
    };
    Ok((good, format!("{place}: {}", told.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r150_r155_each_step_stands_there_once_and_the_reviews_are_a_humans() {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
        for step in &STEPS {
            assert_eq!(step.checked, !step.name.starts_with("review-"), "{}", step.name);
        }
        for field in ["owner", "status", "email", "company"] {
            assert!(names.contains(&format!("review-{field}").as_str()), "{field}");
        }
    }
}
