//! `reknit doctor salesforce`: what the integration user may do, lacks, and has beyond what it needs. Changes nothing.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::output;
use super::super::problem::Problem;
use super::super::wiring::{self, Place};
use crate::domain::record::{Connection, System};
use crate::domain::secret::{Credentials, Grant};
use crate::domain::text::clean;
use crate::recipes::recipe::{Act, Recipe, State};
use crate::vendors::salesforce::rights::{self, Rights, Writable};
use crate::vendors::{self, VendorError};

/// Objects that are named one by one; the others are counted.
const SHOWN: usize = 12;

/// One line: a subject, whether it is good, whether it is only a warning, and words.
pub(in crate::cli) struct Line {
    /// What it is about.
    pub(in crate::cli) subject: &'static str,
    /// Nothing is wrong.
    pub(in crate::cli) good: bool,
    /// It works, and is worth a thought.
    pub(in crate::cli) warning: bool,
    /// What was found and what to do.
    pub(in crate::cli) words: String,
}

/// Reads the user's rights and says what is missing and what is too much; ends with 1 when something is missing.
pub(super) async fn run(place: &Place, json: bool) -> Result<(), Problem> {
    let lines = look(place).await?;
    if json {
        let rows: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({"subject": line.subject, "good": line.good, "warning": line.warning, "finding": line.words})
            })
            .collect();
        output::json(&rows)?;
    } else {
        for line in &lines {
            let mark = match (line.good, line.warning) {
                (false, _) => "✗",
                (true, true) => "!",
                (true, false) => "✓",
            };
            output::line(&format!("{mark} {}: {}", line.subject, clean(&line.words)))?;
        }
    }
    let bad = lines.iter().filter(|line| !line.good).count();
    if bad == 0 {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{bad} of {} checks failed; nothing was changed.", lines.len()),
        "see the lines marked ✗",
        "give the integration user what is missing, by a permission set, and run `reknit doctor salesforce` again",
    ))
}

/// All of it, without printing.
pub(in crate::cli) async fn look(place: &Place) -> Result<Vec<Line>, Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let vault = wiring::vault(place)?;
    let connection = Connection::only(System::Salesforce);
    let mut lines = vec![grant(&vault.grant(&connection))];
    if !lines[0].good {
        return Ok(lines);
    }
    let clients = wiring::clients(&config, &mapping, vault)?;
    let book = wiring::rules(&config)?.current();
    let on: Vec<&Recipe> =
        book.book.all().map(AsRef::as_ref).filter(|recipe| recipe.state != State::Off).collect();
    let needed = needed(config.engine.crm, &on);
    let mut log = vendors::Log::new();
    match rights::rights(&clients, &connection, &mut log).await {
        Ok(rights) => lines.extend(of_user(rights)),
        Err(error) => lines.push(refused("Rights of the user", &error)),
    }
    match rights::writable(&clients, &connection, &mut log).await {
        Ok(objects) => lines.extend(of_objects(&objects, &needed)),
        Err(error) => lines.push(refused("Objects", &error)),
    }
    match rights::is_sandbox(&clients, &connection, &mut log).await {
        Ok((true, name)) => lines.push(good("Org", format!("\"{name}\" is a sandbox"))),
        Ok((false, name)) => lines.push(Line {
            subject: "Org",
            good: true,
            warning: true,
            words: format!(
                "\"{name}\" is a production org: try recipes in a sandbox first (reknit selftest refuses it)"
            ),
        }),
        Err(error) => lines.push(refused("Org", &error)),
    }
    Ok(lines)
}

fn good(subject: &'static str, words: String) -> Line {
    Line { subject, good: true, warning: false, words }
}

fn refused(subject: &'static str, error: &VendorError) -> Line {
    let words = format!("could not be read; Salesforce said: \"{}\"", error.words);
    Line { subject, good: false, warning: false, words }
}

/// How the token is come by, and what a connected app needs for it.
fn grant(grant: &Result<Grant, String>) -> Line {
    let subject = "Connected app";
    match grant {
        Ok(grant @ Grant::Fixed(_)) => Line {
            subject,
            good: true,
            warning: true,
            words: format!(
                "{}: it ends with its session and nothing renews it. Give the connected app the scopes api and \
                 refresh_token (offline_access is the same), a callback URL, https://login.salesforce.com/services/oauth2/success \
                 will do, authorise it once in a browser, and set SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET and \
                 SALESFORCE_REFRESH_TOKEN",
                grant.title()
            ),
        },
        Ok(grant @ Grant::RefreshToken { .. }) => good(
            subject,
            format!(
                "{}; its policy in Salesforce must be \"valid until revoked\", and a user's password change revokes it",
                grant.title()
            ),
        ),
        Ok(grant) => {
            good(subject, format!("{}, which needs no callback and no refresh token", grant.title()))
        }
        Err(why) => Line {
            subject,
            good: false,
            warning: false,
            words: format!(
                "{why} A connected app needs the scopes api and refresh_token; without the second Salesforce gives no \
                 refresh token and the connection ends with the session"
            ),
        },
    }
}

/// The objects that what is switched on writes.
fn needed(crm: System, on: &[&Recipe]) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::new();
    if crm == System::Salesforce {
        needed.extend(["Lead", "Contact"]);
    }
    for recipe in on.iter().filter(|recipe| recipe.crm.unwrap_or(crm) == System::Salesforce) {
        for action in &recipe.actions {
            match &action.act {
                Act::Log { .. } => needed.extend(["Task", "Event"]),
                Act::Create { object, in_intercom: false, .. } => {
                    needed.extend(crate::vendors::salesforce::object_name(*object));
                }
                _ => {}
            }
        }
    }
    needed
}

fn of_user(rights: Rights) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |good, warning, words: &str| {
        lines.push(Line { subject: "Rights of the user", good, warning, words: words.to_owned() });
    };
    match rights.api {
        Some(true) => line(true, false, "API Enabled"),
        Some(false) => line(false, false, "API Enabled is missing: without it every call is refused"),
        None => line(
            true,
            true,
            "this org does not tell whether API Enabled is given; since calls are answered, it is",
        ),
    }
    match rights.modify_all {
        Some(true) => line(
            true,
            true,
            "Modify All Data is given: Reknit needs it on Lead and Contact alone (object permission Modify All), so \
             whoever has the token could change everything; take it away and give the two",
        ),
        Some(false) => {
            line(
                true,
                false,
                "no Modify All Data, as it should be; Modify All on Lead and Contact is enough",
            );
        }
        None => {}
    }
    if rights.customize == Some(true) {
        line(
            true,
            true,
            "Customize Application is given: it is needed once, to install the connected app and make fields; take it \
             away for daily work",
        );
    }
    lines
}

fn of_objects(objects: &[Writable], needed: &BTreeSet<&str>) -> Vec<Line> {
    let mut lines = Vec::new();
    for name in needed {
        let object = objects.iter().find(|object| object.name == *name);
        let missing: Vec<&str> =
            [(object.is_some_and(|it| it.create), "create"), (object.is_some_and(|it| it.update), "change")]
                .into_iter()
                .filter(|(may, _)| !may)
                .map(|(_, word)| word)
                .collect();
        lines.push(if missing.is_empty() {
            good("Needed", format!("{name}: {}", object.map(Writable::words).unwrap_or_default()))
        } else {
            Line {
                subject: "Needed",
                good: false,
                warning: false,
                words: format!(
                    "{name}: the user may not {} records, which recipes that are on do",
                    missing.join(" or ")
                ),
            }
        });
    }
    let more: Vec<String> = objects
        .iter()
        .filter(|object| !needed.contains(object.name.as_str()))
        .map(|object| format!("{} ({})", object.name, object.words()))
        .collect();
    if !more.is_empty() {
        let rest = more.len().saturating_sub(SHOWN);
        let mut words = more.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        if rest > 0 {
            words.push_str(&format!(" and {rest} more"));
        }
        lines.push(Line {
            subject: "More than needed",
            good: true,
            warning: true,
            words: format!(
                "nothing that is on writes {words}: take these rights away, or switch on what needs them"
            ),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, create: bool, update: bool) -> Writable {
        Writable { name: name.into(), create, update, delete: false }
    }

    #[test]
    fn r93_r193_what_is_missing_is_wrong_and_what_is_too_much_is_told() {
        let objects =
            [object("Lead", true, false), object("Contact", true, true), object("Account", true, true)];
        let lines = of_objects(&objects, &BTreeSet::from(["Lead", "Contact"]));
        let told: Vec<(bool, bool, &str)> =
            lines.iter().map(|line| (line.good, line.warning, line.words.as_str())).collect();
        assert_eq!(told[0], (true, false, "Contact: create, change"));
        assert!(!told[1].0 && told[1].2.contains("may not change"), "{told:?}");
        assert!(told[2].1 && told[2].2.contains("Account (create, change)"), "{told:?}");
        let rights = Rights { api: Some(false), modify_all: Some(true), customize: Some(true) };
        let lines = of_user(rights);
        assert!(!lines[0].good && lines[1].warning && lines[2].warning);
    }

    #[test]
    fn r94_a_token_that_nothing_renews_is_explained() {
        let fixed = grant(&Ok(Grant::Fixed(crate::domain::secret::Secret::new("00D!x"))));
        for word in ["refresh_token", "offline_access", "callback"] {
            assert!(fixed.words.contains(word), "{}", fixed.words);
        }
        assert!(fixed.good && fixed.warning);
        assert!(!grant(&Err("There is none.".into())).good);
    }
}
