//! `reknit mapping list | show | lint | import`: what the mappings in force say, field by field, and what is wrong with
//! one before it is used.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::output;
use super::problem::Problem;
use super::progress::Desk;
use super::wiring::{self, Place};
use crate::domain::lint::{Lint, LintRule, Severity};
use crate::domain::text::{clean, clean_lines};
use crate::engine::rules::InForce;
use crate::mapping::{FieldMapping, Mapping, MappingError, Side};

/// Arguments of `mapping list`.
#[derive(Debug, Args)]
pub struct List {
    /// Print the mappings as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `mapping show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The mapping's name
    name: String,
    /// Print its file as it stands: the text to begin with for one of your own
    #[arg(long, conflicts_with = "json")]
    file: bool,
    /// Print the mapping as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `mapping lint`.
#[derive(Debug, Args)]
pub struct LintArguments {
    /// Files to check instead of the mappings in force
    files: Vec<PathBuf>,
    /// Ask no vendor: only what is wrong with the files by themselves
    #[arg(long)]
    offline: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `mapping import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The old connector's settings, as JSON
    file: PathBuf,
}

fn in_force(place: &Place) -> Result<std::sync::Arc<InForce>, Problem> {
    Ok(wiring::rules(&place.settings()?)?.current())
}

/// All mappings by name; of the people's the one that is used.
fn all(rules: &InForce) -> Vec<&Mapping> {
    let others = rules.mappings.iter().filter(|mapping| mapping.name != rules.contact.name);
    std::iter::once(&*rules.contact).chain(others).collect()
}

/// Prints one line for each mapping.
pub fn list(place: &Place, arguments: &List) -> Result<(), Problem> {
    let rules = in_force(place)?;
    let mappings = all(&rules);
    if arguments.json {
        return output::json(&mappings.iter().map(|mapping| heading(mapping)).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = mappings
        .iter()
        .map(|mapping| {
            vec![
                mapping.name.clone(),
                mapping.version.to_string(),
                format!("Intercom {} : {} {}", mapping.intercom, crm_of(mapping), mapping.crm),
                mapping.fields.len().to_string(),
                mapping.file.clone(),
            ]
        })
        .collect();
    output::table(&["NAME", "VERSION", "BETWEEN", "FIELDS", "FILE"], &rows)
}

fn crm_of(mapping: &Mapping) -> &'static str {
    mapping.system.map_or("CRM", crate::domain::record::System::title)
}

fn heading(mapping: &Mapping) -> Value {
    json!({
        "name": mapping.name, "version": mapping.version, "intercom": mapping.intercom, "crm": mapping.crm,
        "system": mapping.system, "creates": mapping.creates, "define": mapping.define, "file": mapping.file,
        "fields": mapping.fields.len(),
    })
}

/// Prints one mapping field by field.
pub fn show(place: &Place, arguments: &Show) -> Result<(), Problem> {
    let rules = in_force(place)?;
    let mappings = all(&rules);
    let Some(mapping) = mappings.iter().find(|mapping| mapping.name == arguments.name) else {
        let known: Vec<&str> = mappings.iter().map(|mapping| mapping.name.as_str()).collect();
        return Err(Problem::usage(
            "Nothing was shown.",
            format!("there is no mapping \"{}\"", arguments.name),
            format!("there are {}", known.join(", ")),
        ));
    };
    if arguments.file {
        // A mapping is a human's own, but it may have come by mail.
        for line in mapping.text.trim_end().lines() {
            output::line(&clean_lines(line).join(" "))?;
        }
        return Ok(());
    }
    if arguments.json {
        let mut shape = heading(mapping);
        shape["fields"] = mapping.fields.iter().map(field).collect();
        return output::json(&shape);
    }
    let rows: Vec<Vec<String>> = mapping
        .fields
        .iter()
        .map(|field| {
            vec![
                field.line.to_string(),
                field.name.clone(),
                field.intercom_fields().collect::<Vec<_>>().join(" + "),
                field.direction.arrow().to_owned(),
                field.crm.join(" + "),
                field.owner.to_string(),
                field.transform.name().to_owned(),
                flags(field),
            ]
        })
        .collect();
    output::line(&clean(&format!(
        "{} (version {}, {}): Intercom {} and {} {}",
        mapping.name,
        mapping.version,
        mapping.file,
        mapping.intercom,
        crm_of(mapping),
        mapping.crm
    )))?;
    output::table(&["LINE", "FIELD", "INTERCOM", "", "CRM", "OWNER", "TRANSFORM", "FLAGS"], &rows)
}

/// What else is said of a field, and who decides its conflicts.
fn flags(field: &FieldMapping) -> String {
    let mut flags = crate::engine::operate::shelf::flags(field);
    flags.push(format!("decides: {}", field.decides));
    flags.join(", ")
}

fn field(field: &FieldMapping) -> Value {
    json!({
        "line": field.line, "name": field.name, "intercom": field.intercom_fields().collect::<Vec<_>>(),
        "crm": field.crm, "direction": field.direction, "arrow": field.direction.arrow(), "owner": field.owner,
        "transform": field.transform.name(), "write": field.write,
        "blank": {"missing": field.blanks.missing, "null": field.blanks.null, "empty": field.blanks.empty},
        "read_only": field.read_only().map(Side::title), "fill": field.fill, "ignore_case": field.ignore_case,
        "allowed": field.allowed, "role": field.role, "decides": field.decides,
    })
}

/// Checks mappings; ends with 2 when one must not be used.
pub async fn lint(place: &Place, read_only: bool, arguments: &LintArguments) -> Result<(), Problem> {
    let mut findings: Vec<Lint> = Vec::new();
    let mut own: Vec<Mapping> = Vec::new();
    for path in &arguments.files {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Problem::usage(
                "Nothing was checked.",
                format!("{file}: {error}"),
                "check the path; without a file the mappings in force are checked",
            )
        })?;
        match Mapping::read(&text, &file) {
            Ok(mapping) => own.push(mapping),
            Err(errors) => findings.extend(errors.into_iter().map(inner)),
        }
    }
    // With errors of its own no file of the installation is in force: they are told by the loader.
    let rules = if arguments.files.is_empty() { Some(in_force(place)?) } else { None };
    let mappings: Vec<&Mapping> = match &rules {
        Some(rules) => all(rules),
        None => own.iter().collect(),
    };
    if !arguments.offline && !mappings.is_empty() {
        let desk = Desk::open(place, read_only, "a check against the vendors").await?;
        // Of a CRM that is not used nothing is asked.
        let crm = desk.engine.crm_system();
        let used: Vec<&Mapping> =
            mappings.iter().copied().filter(|mapping| mapping.system.is_none_or(|own| own == crm)).collect();
        let found = desk.engine.check_mappings(&used).await.map_err(|error| {
            Problem::runtime(
                "The mappings could not be held against the vendors' fields.",
                error.to_string(),
                "see `reknit doctor`, or check the files alone with --offline",
            )
        })?;
        findings.extend(found);
    }
    if arguments.json {
        output::json(&findings)?;
    } else {
        for finding in &findings {
            let mark = if finding.refuses() { "✗" } else { "!" };
            output::line(&format!("{mark} {}", clean(&finding.to_string())))?;
        }
        if findings.is_empty() {
            output::line(&format!("{} mappings checked; nothing is wrong.", mappings.len()))?;
        }
    }
    let refused = findings.iter().filter(|finding| finding.refuses()).count();
    match findings.iter().find(|finding| finding.refuses()) {
        None => Ok(()),
        Some(first) => Err(Problem::usage(
            format!("{refused} findings keep the mappings from being used as they are; nothing was changed."),
            format!("{}, line {}: {}", first.file, first.line, first.what),
            first.fix.clone(),
        )),
    }
}

/// What is wrong with a file by itself, among the others.
fn inner(error: MappingError) -> Lint {
    Lint {
        file: error.file,
        line: error.line,
        rule: LintRule::Unreadable,
        severity: Severity::Refused,
        place: String::new(),
        field: String::new(),
        what: error.why,
        fix: error.fix,
    }
}

/// Turns an old connector's settings into a mapping file on standard output; what could not be taken over is said beside.
pub fn import(arguments: &Import) -> Result<(), Problem> {
    let failed = |why: String| {
        Problem::usage("Nothing was taken over.", why, "give the old connector's settings as JSON")
    };
    let text = std::fs::read_to_string(&arguments.file)
        .map_err(|error| failed(format!("{}: {error}", arguments.file.display())))?;
    let imported = crate::mapping::import::import(&text).map_err(|error| failed(error.to_string()))?;
    output::line(imported.text.trim_end())?;
    for change in &imported.changed {
        output::aside(&format!("Changed: {change}"));
    }
    for (what, why) in &imported.left_out {
        output::aside(&format!("Left out: {what}: {why}"));
    }
    for (events, way) in
        [(&imported.outgoing_events, "to Intercom"), (&imported.incoming_events, "from Intercom")]
    {
        if !events.is_empty() {
            output::aside(&format!("Events {way} (a recipe's list): {}", events.join(", ")));
        }
    }
    Ok(())
}
