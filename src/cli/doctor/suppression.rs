//! `reknit doctor suppression`: the filter for marketing e-mails, and contacts whose flag is wrong. Changes nothing.

use serde_json::json;

use super::super::output;
use super::super::problem::Problem;
use super::super::wiring::{self, Opening, Place};
use crate::domain::record::{Connection, System};
use crate::domain::text::clean;
use crate::engine::suppression::{self, Failed, Leak, RECIPE, Report, Rule, Wrong};
use crate::vendors;

/// Contacts that are listed; the others are counted.
const SHOWN: usize = 50;

/// Compares and tells; ends with 1 when a flag is wrong.
pub(super) async fn run(place: &Place, json: bool) -> Result<(), Problem> {
    let config = place.settings()?;
    let mapping = place.mapping(&config)?;
    let clients = wiring::clients(&config, &mapping, wiring::vault(place)?)?;
    let journal =
        if place.journal(&config).exists() { Some(place.open(&config, Opening::Look)?) } else { None };
    let rules = wiring::rules(&config)?.current();
    let rule = Rule::of(rules.book.recipe(RECIPE).map(AsRef::as_ref));
    let sides = (&Connection::only(System::Intercom), &Connection::only(System::Hubspot));
    let mut log = vendors::Log::new();
    let report = suppression::check(&clients, journal.as_ref(), rule, sides, &mapping.crm_identity, &mut log)
        .await
        .map_err(failed)?;
    if json {
        output::json(&json!({"filter": report.rule.filter(), "report": report}))?;
    } else {
        tell(&report)?;
    }
    let wrong = report.leaks.len();
    if wrong == 0 {
        return Ok(());
    }
    Err(Problem::runtime(
        format!("{wrong} contacts have a wrong {}; nothing was changed.", clean(&report.rule.property)),
        "news was missed, or somebody changed the property by hand",
        "correct the property in HubSpot (searches lag some minutes: look twice); the recipe keeps it from then on",
    ))
}

fn failed(error: Failed) -> Problem {
    match error {
        Failed::Vendor(error) => Problem::runtime(
            "Who is flagged and who waits could not be read, so no leak was looked for.",
            format!("a vendor said: \"{}\"", clean(&error.words)),
            "run `reknit doctor`; HubSpot needs the property of the flag, see `reknit recipe show support-suppression`",
        ),
        Failed::Journal(error) => Problem::runtime(
            "The journal could not be read, so no leak was looked for.",
            error.to_string(),
            "run `reknit journal check`",
        ),
    }
}

fn tell(report: &Report) -> Result<(), Problem> {
    output::line(&format!("Filter for every marketing e-mail: {}", clean(&report.rule.filter())))?;
    output::line(&format!(
        "{} contacts are flagged; {} conversations are open or snoozed, {} of them of the type \"{}\".",
        report.flagged,
        report.open,
        report.counting,
        clean(&report.rule.kind)
    ))?;
    if report.unknown > 0 {
        output::line(&format!(
            "{} people who wait are not in HubSpot: nothing to keep quiet.",
            report.unknown
        ))?;
    }
    for leak in report.leaks.iter().take(SHOWN) {
        output::line(&format!("✗ {}", clean(&words(leak))))?;
    }
    if report.leaks.len() > SHOWN {
        output::line(&format!("… and {} more (--json lists all)", report.leaks.len() - SHOWN))?;
    }
    if report.leaks.is_empty() {
        output::line("✓ Every flag is right.")?;
    }
    Ok(())
}

fn words(leak: &Leak) -> String {
    match leak.wrong {
        Wrong::NotFlagged => format!(
            "{} may get marketing although conversation {} is open",
            leak.contact,
            leak.conversations.join(", ")
        ),
        Wrong::StillFlagged => format!("{} gets no marketing although no conversation is open", leak.contact),
    }
}
