//! Lines of connections: how each fares, its breaker, its tokens and what they may not do, how fast it answers; and of
//! what is paused.

use super::super::asks::Facts;
use super::{Entry, Fix, Level, Part};
use crate::console::ctx::Ctx;
use crate::console::outside::Credential;
use crate::console::panes::Screen;
use crate::console::panes::overview::took;
use crate::console::text::{age, ahead, counted, thousands};
use crate::domain::breaker::{self, Breaker, BreakerCause};
use crate::domain::clock::Timestamp;
use crate::domain::limit::DAY;
use crate::domain::overview::{ConnectionState, Health};
use crate::domain::pause::PauseScope;
use crate::domain::record::Connection;

const SECTION: &str = "Connections";

pub(super) fn of(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let outside = ctx.outside.borrow();
    let mut all: Vec<Connection> = Vec::new();
    let named = facts.connections.iter().map(|state| &state.connection);
    let told = outside.credentials.iter().map(|credential| &credential.connection);
    let broken = facts.gauges.breakers.iter().map(|breaker| &breaker.connection);
    for connection in named.chain(told).chain(broken) {
        if !all.contains(connection) {
            all.push(connection.clone());
        }
    }
    all.sort_by_key(|connection| (connection.system as u8, connection.name.clone()));
    let mut entries: Vec<Entry> =
        all.iter().map(|connection| one(ctx, facts, connection, outside.credential(connection))).collect();
    entries.extend(answers(ctx, facts));
    entries.extend(pauses(ctx, facts));
    entries
}

pub(super) fn title(connection: &Connection) -> String {
    if connection.name.is_empty() {
        connection.system.title().to_owned()
    } else {
        format!("{} {}", connection.system.title(), connection.name)
    }
}

/// How many executions wait for something, by its name.
fn held(facts: &Facts, key: &str) -> u64 {
    facts.vitals.held.iter().find(|(name, _)| name == key).map_or(0, |(_, count)| *count)
}

fn one(ctx: &Ctx, facts: &Facts, connection: &Connection, credential: Option<&Credential>) -> Entry {
    let theme = &ctx.theme;
    let mut entry = Entry::new(format!("connection/{connection}"), SECTION, title(connection));
    "reknit doctor".clone_into(&mut entry.command);
    let state = facts.connections.iter().find(|state| state.connection == *connection);
    let breaker = facts.gauges.breakers.iter().find(|breaker| breaker.connection == *connection);
    match breaker.filter(|breaker| breaker.holds()) {
        Some(breaker) => broken(ctx, facts, &mut entry, breaker),
        None => fares(ctx, &mut entry, state),
    }
    let scope = PauseScope::connection(connection);
    if facts.pauses.iter().any(|pause| pause.scope == scope) {
        entry.at_least(Level::Held);
        "paused".clone_into(&mut entry.state);
        let waiting = held(facts, &scope.key());
        entry.mended_by("resume it", Fix::Resume(scope, waiting));
    }
    tokens(ctx, &mut entry, connection, credential);
    rights(ctx, facts, &mut entry, connection);
    if let Some(state) = state.filter(|state| !state.note.is_empty()) {
        entry.parts.push(Part::Blank);
        entry.say(state.note.clone(), theme.muted);
    }
    entry
}

fn fares(ctx: &Ctx, entry: &mut Entry, state: Option<&ConnectionState>) {
    let theme = &ctx.theme;
    let Some(state) = state else {
        entry.level = Level::Unknown;
        "not called yet".clone_into(&mut entry.state);
        entry.say("Nothing was sent to it since this journal began.", theme.text);
        return;
    };
    let (level, word, sentence) = match state.health {
        Health::Up => (Level::Well, "ok", "Answers as it should"),
        Health::Degraded => (Level::Warning, "slow", "Slow, limited or sometimes failing"),
        Health::Down => (Level::Bad, "down", "Refuses or does not answer"),
        Health::Unknown => (Level::Unknown, "not called yet", "Not called yet"),
    };
    entry.level = level;
    word.clone_into(&mut entry.state);
    if state.latency_ms > 0 {
        entry.number = took(i64::from(state.latency_ms));
    }
    entry.say(format!("{sentence} since {}.", ctx.full(state.since)), theme.text);
}

fn broken(ctx: &Ctx, facts: &Facts, entry: &mut Entry, breaker: &Breaker) {
    let theme = &ctx.theme;
    entry.level = Level::Bad;
    let word = if breaker.cause == BreakerCause::Auth { "refused" } else { "no answer" };
    entry.state = format!("{word} {}", age(ctx.now, breaker.since));
    let waiting = held(facts, &breaker::key(&breaker.connection));
    entry.head("Breaker");
    entry.fact(
        "State",
        format!("{}: nothing is sent to it, and nothing is lost", breaker.state),
        theme.error,
    );
    entry.fact("Since", ctx.full(breaker.since), theme.text);
    entry.fact("Waiting", format!("{} for it", counted(waiting, "execution")), theme.text);
    let next = breaker.look_at.map_or_else(|| "being looked at".to_owned(), |at| ahead(ctx.now, at));
    entry.fact("Next look", next, theme.text);
    entry.fact("Said", format!("“{}”", breaker.words), theme.quote);
    entry.say(breaker.advice(), theme.text);
    let scope = PauseScope::connection(&breaker.connection);
    entry.mended_by("look now whether it works again", Fix::Resume(scope, waiting));
}

fn tokens(ctx: &Ctx, entry: &mut Entry, connection: &Connection, credential: Option<&Credential>) {
    let theme = &ctx.theme;
    entry.head("Token");
    let Some(credential) = credential else {
        entry.say(
            "This console was not told how its tokens stand; `reknit doctor` asks the vendor.",
            theme.muted,
        );
        return;
    };
    match &credential.grant {
        Ok(how) => entry.fact("Has", how.clone(), theme.text),
        Err(why) => {
            entry.fact("Missing", why.clone(), theme.error);
            entry.at_least(Level::Bad);
            "no token".clone_into(&mut entry.state);
            let name = credential.secrets.first().map_or("NAME", |(name, _)| name.as_str());
            entry.mended_by(
                "copy the command that keeps a token",
                Fix::Run(format!("reknit vault set {name}")),
            );
        }
    }
    for (name, there) in &credential.secrets {
        let (word, style) = if *there { ("set", theme.text) } else { ("not set", theme.muted) };
        entry.fact(name.clone(), word, style);
    }
    match credential.expires_at {
        Some(at) => {
            let left = at.since(ctx.now);
            let words = if left <= 0 {
                format!("at {}, it is over", ctx.full(at))
            } else {
                format!("{} ({})", ahead(ctx.now, at), ctx.full(at))
            };
            let renewed =
                if credential.renews { "; renewed before that by itself" } else { "; nothing renews it" };
            let near = !credential.renews && left < 7 * DAY;
            entry.fact("Runs out", format!("{words}{renewed}"), if near { theme.warn } else { theme.text });
            if near {
                entry.at_least(if left <= 0 { Level::Bad } else { Level::Warning });
                entry.mended_by(
                    "copy the command that keeps a new one",
                    Fix::Run(format!("reknit vault set {}", token_name(credential, connection))),
                );
            }
        }
        None if credential.grant.is_err() => {}
        None if credential.renews => entry.fact("Runs out", "renewed by itself when it does", theme.text),
        None => entry.fact("Runs out", "never, as far as the vendor says", theme.text),
    }
}

/// The name of the secret that holds the token itself.
fn token_name(credential: &Credential, connection: &Connection) -> String {
    credential.secrets.first().map_or_else(
        || format!("{}_ACCESS_TOKEN", connection.system).to_uppercase(),
        |(name, _)| name.clone(),
    )
}

fn rights(ctx: &Ctx, facts: &Facts, entry: &mut Entry, connection: &Connection) {
    let theme = &ctx.theme;
    let title = connection.system.title();
    let missing: Vec<_> = facts
        .vitals
        .missing
        .iter()
        .filter(|one| one.sentence.contains(title) || facts.connections.len() == 1)
        .collect();
    entry.head("Rights");
    if missing.is_empty() {
        entry.say(
            "No failure speaks of a missing right; `reknit doctor` asks the vendor for its scopes.",
            theme.muted,
        );
        return;
    }
    entry.at_least(Level::Warning);
    for one in missing.iter().take(6) {
        entry.fact(one.recipe.clone(), format!("“{}”", one.words), theme.quote);
        entry.fact("", one.sentence.clone(), theme.text);
    }
    entry.rows = Some((Screen::Executions, "error:permission".to_owned()));
    entry.mended_by(
        "open what failed for want of a right",
        Fix::Go(Screen::Executions, "error:permission".to_owned()),
    );
}

fn answers(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let theme = &ctx.theme;
    let line = |times: &crate::journal::vitals::AnswerTimes| {
        let mut entry =
            Entry::new(format!("answers/{}", times.system), "Answer times", times.system.title().to_owned());
        let [half, most, nearly_all, slowest] = times.milliseconds.map(i64::from);
        entry.state = format!("p95 {}", took(most));
        entry.number = format!("p50 {}", took(half));
        // A tenth of failing calls is more than a vendor's usual day.
        if times.failed * 10 >= times.calls && times.calls >= 20 {
            entry.at_least(Level::Warning);
            entry.state = format!("{} of {} failed", thousands(times.failed), thousands(times.calls));
        }
        entry.say(
            format!("Of the newest {} to it, since {}.", counted(times.calls, "call"), ctx.full(times.since)),
            theme.text,
        );
        for (word, value) in [("p50", half), ("p95", most), ("p99", nearly_all), ("slowest", slowest)] {
            let share = value as f64 / slowest.max(1) as f64;
            entry.parts.push(Part::Gauge(word.to_owned(), share.min(0.79), took(value)));
        }
        entry.fact(
            "Failed",
            format!("{} of {}", thousands(times.failed), thousands(times.calls)),
            theme.text,
        );
        entry.rows = Some((Screen::Log, String::new()));
        if entry.level >= Level::Warning {
            entry.mended_by("open the calls", Fix::Go(Screen::Log, String::new()));
        }
        "reknit monitors --series latency".clone_into(&mut entry.command);
        entry
    };
    facts.vitals.answers.iter().map(line).collect()
}

fn pauses(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let theme = &ctx.theme;
    let line = |pause: &crate::domain::pause::Pause| {
        let mut entry = Entry::new(pause.scope.key(), "Pauses", pause.scope.to_string());
        entry.level = Level::Held;
        let waiting = held(facts, &pause.scope.key());
        entry.state = format!("paused by {}", pause.actor);
        entry.number = age(ctx.now, pause.since);
        entry.say(pause.reason.clone(), theme.text);
        entry.fact("By", pause.actor.clone(), theme.text);
        entry.fact("Since", ctx.full(pause.since), theme.text);
        let until =
            pause.until.map_or_else(|| "somebody resumes it".to_owned(), |at: Timestamp| ctx.full(at));
        entry.fact("Until", until, theme.text);
        entry.fact("Waiting", format!("{} for it", counted(waiting, "execution")), theme.text);
        entry.rows = Some((Screen::Executions, "status:pending,held".to_owned()));
        entry.mended_by("resume it", Fix::Resume(pause.scope.clone(), waiting));
        entry.command = format!("reknit resume {} {}", pause.scope.kind, pause.scope.name);
        entry
    };
    facts.pauses.iter().map(line).collect()
}
