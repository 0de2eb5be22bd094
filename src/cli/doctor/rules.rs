//! What `reknit doctor` says of the rules: whether the vendors' fields fit them, what is held back because they changed,
//! and what tokens may write that nothing needs. Reads only.

use super::super::wiring;
use crate::config::Config;
use crate::domain::drift::Uses;
use crate::domain::error_class::ErrorClass;
use crate::domain::lint::Lint;
use crate::domain::record::{Connection, ObjectKind, System};
use crate::domain::schema::ObjectSchema;
use crate::engine::drift::uses_of;
use crate::engine::rules::InForce;
use crate::journal::Journal;
use crate::mapping::Mapping;
use crate::mapping::lint as mapping_lint;
use crate::recipes::lint::schema as recipe_lint;
use crate::recipes::recipe::State;
use crate::vendors::{self, Clients};

/// Findings that are listed; the others are counted.
const SHOWN: usize = 5;

/// A finding: what it is about, whether it is good, the words, and whether it is only worth a thought.
pub(super) type Row = (String, bool, String, bool);

/// What the findings of drift hold back now.
pub(super) async fn held(journal: &Journal) -> Vec<Row> {
    let Ok(open) = journal.drift(true).await else { return Vec::new() };
    open.iter()
        .map(|finding| {
            let held: Vec<String> = finding.held().map(|hit| format!("{} {}", hit.user, hit.at())).collect();
            let words = if held.is_empty() {
                format!("{} `reknit drift show {}`", finding.change.sentence(), finding.id)
            } else {
                let held = held.join(", ");
                format!("{} Held back: {held}. `reknit drift show {}`", finding.change.sentence(), finding.id)
            };
            ("Drift".to_owned(), held.is_empty(), words, held.is_empty())
        })
        .collect()
}

/// The rules in force against the vendors' fields as they are now; and what the CRM's token may write without need.
pub(super) async fn fields(config: &Config, clients: &Clients) -> Vec<Row> {
    let rules = match wiring::rules(config) {
        Ok(rules) => rules.current(),
        Err(problem) => return vec![("Rules".to_owned(), false, problem.why, false)],
    };
    let uses = uses_of(&rules.book, mappings(&rules).into_iter(), rules.crm);
    let mut rows = Vec::new();
    let mut schemas: Vec<ObjectSchema> = Vec::new();
    for system in [System::Intercom, System::Hubspot, System::Salesforce] {
        for object in vendors::described_objects(system).iter().filter(|object| uses.of(system, **object)) {
            let connection = Connection::only(system);
            let mut log = vendors::Log::new();
            match vendors::schema(clients, &connection, *object, &mut log).await {
                Ok(schema) => schemas.push(schema),
                // That a token or a vendor does not work is told where those are looked at.
                Err(error) if error.class != ErrorClass::Permission => {}
                Err(error) => {
                    let words = format!("{object}: {} said \"{}\"", system.title(), error.words);
                    rows.push((format!("{} fields", system.title()), false, words, false));
                }
            }
        }
    }
    rows.extend(lints(&rules, &schemas));
    for connection in [System::Hubspot, System::Salesforce].map(Connection::only) {
        if connection.system == rules.crm
            && let Ok(Some(rights)) = vendors::rights(clients, &connection, &mut vendors::Log::new()).await
        {
            rows.push(unneeded(&connection, &rights, &uses));
        }
    }
    rows
}

fn mappings(rules: &InForce) -> Vec<&Mapping> {
    let own = |mapping: &&Mapping| mapping.name != rules.contact.name;
    std::iter::once(&*rules.contact).chain(rules.mappings.of_system(rules.crm).filter(own)).collect()
}

/// What is wrong with the rules that run.
fn lints(rules: &InForce, schemas: &[ObjectSchema]) -> Vec<Row> {
    let of = |system: System, object: ObjectKind| {
        schemas.iter().find(|it| it.connection.system == system && it.object == object)
    };
    let mut found: Vec<Lint> = Vec::new();
    for mapping in mappings(rules) {
        let crm = mapping.system.unwrap_or(rules.crm);
        let (left, right) = (of(System::Intercom, mapping.intercom), of(crm, mapping.crm));
        found.extend(mapping_lint::against_schemas(mapping, left, right));
    }
    for recipe in rules.book.all().filter(|recipe| rules.state(recipe) != State::Off) {
        found.extend(recipe_lint::against_schemas(recipe, rules.crm, &of));
    }
    let mut rows: Vec<Row> = Vec::new();
    for lint in found.iter().take(SHOWN) {
        rows.push(("Mapping".to_owned(), true, lint.to_string(), true));
    }
    if found.len() > SHOWN {
        let more = found.len() - SHOWN;
        rows.push(("Mapping".to_owned(), true, format!("{more} findings more: `reknit mapping lint`"), true));
    }
    if found.is_empty() && !schemas.is_empty() {
        let words = format!("the rules fit the fields of {} kinds of records", schemas.len());
        rows.push(("Mapping".to_owned(), true, words, false));
    }
    rows
}

/// What may be written and no rule writes.
fn unneeded(connection: &Connection, rights: &[vendors::Right], uses: &Uses) -> Row {
    let written = |object: ObjectKind| {
        let of = |system, kind| system == connection.system && kind == object;
        uses.fields.iter().any(|one| one.writes && of(one.system, one.object))
            || uses.creates.iter().any(|one| of(one.system, one.object))
    };
    let more: Vec<&str> = rights
        .iter()
        .filter(|right| !right.object.is_some_and(written))
        .map(|right| right.name.as_str())
        .collect();
    let title = format!("{} rights", connection.system.title());
    if more.is_empty() {
        return (title, true, "the integration user may write what the rules need and no more".into(), false);
    }
    let shown = more.iter().take(12).copied().collect::<Vec<_>>().join(", ");
    let rest = if more.len() > 12 { format!(" and {} more", more.len() - 12) } else { String::new() };
    (
        title,
        true,
        format!("the integration user may write what no rule needs: {shown}{rest}; take these rights away"),
        true,
    )
}
