//! Lines of where news comes from: webhooks needed and arrived, when each connection was heard of, jobs that read a vendor
//! page by page, and whether the vendors' fields still are what the rules expect.

use super::super::asks::Facts;
use super::connections::title;
use super::{Entry, Fix, Level, Part};
use crate::console::ctx::Ctx;
use crate::console::panes::Screen;
use crate::console::text::{age, ahead, counted, thousands};
use crate::domain::clock::Timestamp;
use crate::domain::drift::Finding;
use crate::domain::event::EventSource;
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::record::{Connection, System};
use crate::engine::intake::{Needed, present_name};

/// A source that was silent for so long is worth a look, in milliseconds.
const SILENT: i64 = 3_600_000;
/// A wrong signature within this time is news.
const LATELY: i64 = 24 * 3_600_000;

pub(super) fn of(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let mut entries = webhooks(ctx, facts);
    entries.extend(heard(ctx, facts));
    entries.extend(facts.vitals.jobs.iter().filter(|job| is_news(ctx, job)).map(|job| of_job(ctx, job)));
    entries.extend(schema(ctx, facts));
    entries
}

/// How a topic was heard of lately: by webhook, and how often something of its kind was only found by looking.
fn came(facts: &Facts, system: System, topic: &str) -> Option<(u64, Timestamp)> {
    let of_it = facts.arrivals.iter().filter(|arrival| {
        arrival.source == EventSource::Webhook
            && arrival.connection.system == system
            && present_name(system, &arrival.topic) == topic
    });
    of_it.fold(None, |known, arrival| {
        let (count, last) = known.unwrap_or((0, arrival.last_at));
        Some((count + arrival.count, last.max(arrival.last_at)))
    })
}

fn webhooks(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let outside = ctx.outside.borrow();
    let mut systems: Vec<System> = facts
        .arrivals
        .iter()
        .filter(|arrival| arrival.source == EventSource::Webhook)
        .map(|arrival| arrival.connection.system)
        .collect();
    systems.extend(outside.needed.iter().flatten().map(|needed| needed.system));
    systems.extend(
        facts.vitals.refused.iter().filter_map(|one| Some(one.connection.parse::<Connection>().ok()?.system)),
    );
    systems.sort_by_key(|system| *system as u8);
    systems.dedup();
    systems
        .into_iter()
        .map(|system| {
            let needed: Vec<&Needed> =
                outside.needed.iter().flatten().filter(|needed| needed.system == system).collect();
            of_webhooks(ctx, facts, system, &needed, &outside.public_url)
        })
        .collect()
}

fn of_webhooks(ctx: &Ctx, facts: &Facts, system: System, needed: &[&Needed], address: &str) -> Entry {
    let theme = &ctx.theme;
    let mut entry = Entry::new(format!("webhooks/{system}"), "Webhooks", system.title());
    "reknit doctor".clone_into(&mut entry.command);
    let arrived: Vec<_> = facts
        .arrivals
        .iter()
        .filter(|it| it.source == EventSource::Webhook && it.connection.system == system)
        .collect();
    let polled: u64 = facts
        .arrivals
        .iter()
        .filter(|it| it.source == EventSource::Poll && it.connection.system == system)
        .map(|it| it.count)
        .sum();
    let last = arrived.iter().map(|it| it.last_at).max();
    entry.number = last.map_or_else(|| "—".to_owned(), |at| age(ctx.now, at));
    let quiet: Vec<&&Needed> = needed.iter().filter(|one| came(facts, system, one.topic).is_none()).collect();
    entry.state = if needed.is_empty() {
        format!("{} came lately", counted(arrived.len() as u64, "topic"))
    } else {
        format!("{} of {} topics", needed.len() - quiet.len(), needed.len())
    };
    match last {
        Some(at) => entry.say(format!("The last one came at {}.", ctx.full(at)), theme.text),
        None => entry.say("None has arrived yet.", theme.text),
    }
    if !address.is_empty() {
        entry.fact("Address", format!("{}/webhooks/{system}", address.trim_end_matches('/')), theme.text);
    }
    refused(ctx, facts, &mut entry, system);
    if last.is_none() && polled > 0 {
        entry.at_least(Level::Warning);
        entry.say(
            format!(
                "{} found by looking and none by webhook: the app is not subscribed, or its messages do not come through.",
                counted(polled, "change")
            ),
            theme.warn,
        );
        entry.mended_by("copy the command that checks it", Fix::Run("reknit doctor".to_owned()));
    } else if last.is_none() {
        entry.at_least(Level::Unknown);
    }
    entry.head("Subscribed against needed");
    if needed.is_empty() {
        entry.say(
            "What recipes need is not known here: the rules could not be read, or the vendor's messages are made in its \
             own settings.",
            theme.muted,
        );
    } else {
        entry.say(
            format!(
                "{} does not say what an app is subscribed to; what came lately is all there is to go by.",
                system.title()
            ),
            theme.muted,
        );
    }
    for one in needed {
        let (words, style) = match came(facts, system, one.topic) {
            Some((count, at)) => (
                format!(
                    "✓ came {} times, last {} ago · {}",
                    thousands(count),
                    age(ctx.now, at),
                    one.recipes.join(", ")
                ),
                theme.text,
            ),
            None => (format!("– none lately; needed by {}", one.recipes.join(", ")), theme.warn),
        };
        entry.fact(one.topic, words, style);
    }
    let unneeded: Vec<&str> = arrived
        .iter()
        .map(|it| present_name(system, &it.topic))
        .filter(|topic| !needed.iter().any(|one| one.topic == *topic))
        .collect();
    if !needed.is_empty() && !unneeded.is_empty() {
        entry.fact("Not needed", unneeded.join(", "), theme.muted);
    }
    entry
}

fn refused(ctx: &Ctx, facts: &Facts, entry: &mut Entry, system: System) {
    let theme = &ctx.theme;
    let of_it = |name: &str| name.parse::<Connection>().is_ok_and(|connection| connection.system == system);
    let Some(one) = facts.vitals.refused.iter().find(|one| of_it(&one.connection)) else {
        entry.fact("Signatures", "all were right", theme.text);
        return;
    };
    let news = ctx.now.since(one.at) < LATELY;
    entry.fact(
        "Signatures",
        format!(
            "{} wrong, the last {} ago; nothing of them was stored",
            thousands(one.count),
            age(ctx.now, one.at)
        ),
        if news { theme.warn } else { theme.text },
    );
    if news {
        entry.at_least(Level::Warning);
        entry.state = format!("{} bad signatures", thousands(one.count));
        let name = if system == System::Salesforce { "WEBHOOK_SECRET" } else { "CLIENT_SECRET" };
        entry.mended_by(
            "copy the command that keeps the right signing secret",
            Fix::Run(format!("reknit vault set {}_{name}", system.as_str().to_uppercase())),
        );
    }
}

fn heard(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let theme = &ctx.theme;
    let mut names: Vec<&str> = facts.gauges.heard.iter().map(|one| one.connection.as_str()).collect();
    names.dedup();
    let poll = ctx.outside.borrow().poll_seconds;
    let mut entries = Vec::new();
    for name in names {
        let of_it = || facts.gauges.heard.iter().filter(|one| one.connection == name);
        let Some(last) = of_it().map(|one| one.at).max() else { continue };
        let shown = name.parse().map_or_else(|_| name.to_owned(), |connection| title(&connection));
        let mut entry = Entry::new(format!("source/{name}"), "Last heard of", shown);
        let silent = ctx.now.since(last);
        entry.level = if silent >= SILENT { Level::Warning } else { Level::Well };
        entry.number = age(ctx.now, last);
        let ways: Vec<String> =
            of_it().map(|one| format!("{} {}", one.source, age(ctx.now, one.at))).collect();
        entry.state = ways.join(" · ");
        for one in of_it() {
            entry.fact(
                one.source.clone(),
                format!("{} ago, {} in all", age(ctx.now, one.at), thousands(one.count)),
                theme.text,
            );
        }
        if let Some((_, mark)) = facts.vitals.polled.iter().find(|(known, _)| known == name) {
            entry.fact("Read up to", ctx.full(*mark), theme.text);
        }
        let looked = of_it().find(|one| one.source == "look").map(|one| one.at);
        if let (Some(at), true) = (looked, poll > 0) {
            let next = Timestamp(at.0.saturating_add(i64::try_from(poll).unwrap_or(0) * 1_000));
            let words = if next < ctx.now && ctx.now.since(next) > 60_000 {
                format!("was due {} ago: does a service run?", age(ctx.now, next))
            } else {
                ahead(ctx.now, next)
            };
            entry.fact("Next look", words, theme.text);
        }
        entry.command = format!("reknit events --connection {name}");
        if entry.level == Level::Warning {
            entry.say(
                "Nothing for an hour: either nothing changes there, or no service runs, or the token sees nothing.",
                theme.warn,
            );
            entry.mended_by("copy the command that checks it", Fix::Run("reknit doctor".to_owned()));
        }
        entries.push(entry);
    }
    entries
}

/// Open ones, those that want a human, and the last of each kind and scope within a week.
fn is_news(ctx: &Ctx, job: &Job) -> bool {
    job.state.is_open() || job.state == JobState::Stopped || ctx.now.since(job.updated_at) < 7 * LATELY
}

fn of_job(ctx: &Ctx, job: &Job) -> Entry {
    let theme = &ctx.theme;
    let mut entry =
        Entry::new(format!("job/{}", job.id), "Sweeps and backfills", format!("{} {}", job.kind, job.scope));
    entry.level = match job.state {
        JobState::Running | JobState::Finished => Level::Well,
        JobState::Paused => Level::Held,
        JobState::Stopped => Level::Bad,
        JobState::Cancelled => Level::Unknown,
    };
    entry.state = job.state.to_string();
    entry.number = age(ctx.now, job.updated_at);
    entry.say(job.sentence.clone(), theme.text);
    if let Some(total) = job.total.filter(|total| *total > 0) {
        let numbers = format!("{} of {}", thousands(job.records), thousands(total));
        entry.parts.push(Part::Gauge(
            "read".to_owned(),
            (job.records as f64 / total as f64).min(0.79),
            numbers,
        ));
    } else {
        entry.fact("Read", counted(job.records, "record"), theme.text);
    }
    entry.fact("Events", thousands(job.events), theme.text);
    entry.fact("Left out", thousands(job.skipped), theme.text);
    entry.fact("Calls", thousands(job.calls), theme.text);
    entry.fact("Began", ctx.full(job.started_at), theme.text);
    if let Some(left) = job.seconds_left().filter(|_| job.state == JobState::Running) {
        entry.fact("Left", format!("about {} min at this rate", left.div_ceil(60)), theme.text);
    }
    entry.command = format!("reknit {}", job.kind);
    let again = match job.kind {
        JobKind::Sweep => "reknit sweep",
        JobKind::Backfill => "reknit backfill",
        JobKind::Fetch => "reknit fetch",
    };
    if matches!(job.state, JobState::Stopped | JobState::Paused) {
        entry.mended_by("copy the command that goes on with it", Fix::Run(again.to_owned()));
    }
    entry
}

fn schema(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    if facts.drift.is_empty() {
        let mut entry = Entry::new("schema", "Schema", "fields and options");
        "as expected".clone_into(&mut entry.state);
        entry.say(
            "No change at a vendor hits a recipe or a mapped field, as far as it was looked.",
            ctx.theme.text,
        );
        "reknit drift".clone_into(&mut entry.command);
        return vec![entry];
    }
    facts.drift.iter().map(|finding| of_finding(ctx, finding)).collect()
}

fn of_finding(ctx: &Ctx, finding: &Finding) -> Entry {
    let theme = &ctx.theme;
    let change = &finding.change;
    let what = if change.field.is_empty() {
        change.object.to_string()
    } else {
        format!("{} {}", change.object, change.field)
    };
    let mut entry = Entry::new(
        format!("drift/{}", finding.id),
        "Schema",
        format!("{} {what}", title(&change.connection)),
    );
    let held = finding.held().count();
    entry.level = if held > 0 { Level::Bad } else { Level::Warning };
    entry.state = change.kind.to_string().replace('_', " ");
    entry.number = age(ctx.now, finding.found_at);
    entry.say(change.sentence(), theme.text);
    entry.say(change.advice(), theme.text);
    entry.fact("Found", ctx.full(finding.found_at), theme.text);
    if !change.was.is_empty() || !change.now.is_empty() {
        entry.fact("Was", change.was.clone(), theme.text);
        entry.fact("Is", change.now.clone(), theme.text);
    }
    entry.head("What it hits");
    for hit in &finding.hits {
        let word = if hit.holds && finding.holding { "held back" } else { "goes on" };
        entry.fact(hit.at(), word, if hit.holds && finding.holding { theme.warn } else { theme.text });
    }
    entry.rows = Some((Screen::Recipes, String::new()));
    entry.command = format!("reknit drift show {}", finding.id);
    entry.mended_by(
        "copy the command that accepts it as it is",
        Fix::Run(format!("reknit drift accept {}", finding.id)),
    );
    entry
}
