//! Lines of the work itself: how long it takes, what waits, the echo ledger, every monitor with its alerts, the channels.

use super::super::asks::Facts;
use super::{Entry, Fix, Level, Part};
use crate::console::ctx::Ctx;
use crate::console::panes::Screen;
use crate::console::panes::overview::took;
use crate::console::text::{age, counted, thousands};
use crate::domain::execution::Status;
use crate::domain::monitor::{MonitorName, MonitorState, Severity, Standing, Tidings};

pub(super) fn of(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let mut entries = vec![lag(ctx, facts), queue(ctx, facts), echoes(ctx, facts)];
    // What alerts stands first; within that, as they are named.
    let mut standings: Vec<&Standing> = facts.standings.iter().collect();
    standings.sort_by_key(|standing| standing.state != MonitorState::Alerting);
    entries.extend(standings.into_iter().map(|standing| monitor(ctx, facts, standing)));
    if facts.standings.is_empty() {
        let mut entry = Entry::new("monitor", "Monitors", "none looked yet");
        entry.level = Level::Unknown;
        entry.say(
            "Monitors are looked at by whoever works the journal: `reknit serve`, or a console with tokens.",
            ctx.theme.text,
        );
        "reknit monitors".clone_into(&mut entry.command);
        entries.push(entry);
    }
    entries.extend(channels(ctx, facts));
    entries
}

fn lag(ctx: &Ctx, facts: &Facts) -> Entry {
    let theme = &ctx.theme;
    let mut entry = Entry::new("lag", "Work", "lag, event to end");
    "reknit monitors --series latency".clone_into(&mut entry.command);
    match facts.trends.lag_of_hours {
        Some((half, most)) => {
            entry.state = format!("p95 {}", took(most));
            entry.number = format!("p50 {}", took(half));
        }
        None => {
            entry.level = Level::Unknown;
            "nothing ended in 24 h".clone_into(&mut entry.state);
        }
    }
    entry.say(
        "From an event's arrival to the end of what it caused, retries and waits for limits included.",
        theme.text,
    );
    let pick = |half: bool| {
        facts
            .trends
            .hours
            .iter()
            .map(move |slot| {
                slot.lag.map_or(0, |(low, high)| if half { low } else { high }.max(0).cast_unsigned())
            })
            .collect::<Vec<u64>>()
    };
    let word = |lag: Option<i64>| lag.map_or_else(|| "—".to_owned(), took);
    let [hours, days] = [facts.trends.lag_of_hours, facts.trends.lag_of_days];
    entry.parts.push(Part::Spark("p50, 24 h".to_owned(), pick(true), word(hours.map(|lag| lag.0))));
    entry.parts.push(Part::Spark("p95, 24 h".to_owned(), pick(false), word(hours.map(|lag| lag.1))));
    let of_days = |half: bool| {
        facts
            .trends
            .days
            .iter()
            .map(|slot| {
                slot.lag.map_or(0, |(low, high)| if half { low } else { high }.max(0).cast_unsigned())
            })
            .collect::<Vec<u64>>()
    };
    entry.parts.push(Part::Spark("p50, 14 d".to_owned(), of_days(true), word(days.map(|lag| lag.0))));
    entry.parts.push(Part::Spark("p95, 14 d".to_owned(), of_days(false), word(days.map(|lag| lag.1))));
    let lately = &facts.gauges.latency;
    if let (Some(half), Some(most)) = (lately.percentile(0.5), lately.percentile(0.95)) {
        entry.fact(
            "15 min",
            format!("p50 {}, p95 {}, longest {}", took(half), took(most), took(lately.most)),
            theme.text,
        );
    }
    let rule = MonitorName::Latency;
    if facts.standings.iter().any(|it| it.monitor == rule && it.state == MonitorState::Alerting) {
        entry.at_least(Level::Warning);
        entry.mended_by("see what waits", Fix::Line("queue".to_owned()));
    }
    entry.rows = Some((Screen::Executions, String::new()));
    entry
}

fn queue(ctx: &Ctx, facts: &Facts) -> Entry {
    let theme = &ctx.theme;
    let gauges = &facts.gauges;
    let mut entry = Entry::new("queue", "Work", "queue");
    let depth = gauges.queue();
    entry.number = thousands(depth);
    entry.state = if depth == 0 { "nothing waits".to_owned() } else { "waiting".to_owned() };
    for (word, status) in [
        ("ready or timed", Status::Pending),
        ("running", Status::Running),
        ("tried again", Status::Retrying),
        ("in doubt", Status::InDoubt),
        ("held", Status::Held),
    ] {
        entry.fact(word, thousands(gauges.of(status)), theme.text);
    }
    if let Some(at) = gauges.oldest_due {
        let late = ctx.now.since(at);
        let near = late < 60_000;
        entry.fact(
            "oldest due",
            format!("{} ago", age(ctx.now, at)),
            if near { theme.text } else { theme.warn },
        );
        if !near {
            entry.at_least(Level::Warning);
            entry.say(
                "Work is due and nobody takes it: the workers do not keep up, a limit is reached, or no service runs.",
                theme.warn,
            );
        }
    }
    for (key, count) in &facts.vitals.held {
        let more = if *count >= crate::journal::vitals::COUNTED as u64 { "+" } else { "" };
        entry.fact(format!("by {key}"), format!("{}{more}", thousands(*count)), theme.text);
    }
    let saved: u64 = facts.vitals.saved.iter().map(|saved| saved.calls).sum();
    entry.fact("saved", format!("{} by batches in 24 h", counted(saved, "call")), theme.text);
    entry.rows = Some((Screen::Executions, "status:pending,retrying,in_doubt".to_owned()));
    if entry.level >= Level::Warning {
        entry.mended_by(
            "open what waits",
            Fix::Go(Screen::Executions, "status:pending,retrying,in_doubt".to_owned()),
        );
    }
    "reknit list executions --filter status:pending".clone_into(&mut entry.command);
    entry
}

fn echoes(ctx: &Ctx, facts: &Facts) -> Entry {
    let theme = &ctx.theme;
    let mut entry = Entry::new("echoes", "Work", "echo ledger");
    entry.state = format!("{} dropped", thousands(facts.vitals.echoes_dropped));
    entry.number = thousands(facts.vitals.echoes_kept);
    entry.say(
        "What we write comes back as news. The ledger knows our writes by their values, so that an echo is dropped and a \
         change by somebody is not.",
        theme.text,
    );
    entry.fact("kept", format!("{} of our writes", thousands(facts.vitals.echoes_kept)), theme.text);
    entry.fact("dropped", format!("{} events in all", thousands(facts.vitals.echoes_dropped)), theme.text);
    let by_hour: Vec<u64> = facts.trends.hours.iter().map(|slot| slot.echoes).collect();
    let sum = by_hour.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    entry.parts.push(Part::Spark("24 h".to_owned(), by_hour, thousands(sum)));
    let flapping = "kind:flapping".to_owned();
    entry.fact("loops", "a field that goes to and fro becomes a conflict: o opens those", theme.muted);
    entry.rows = Some((Screen::Conflicts, flapping));
    "reknit list conflicts --filter kind:flapping".clone_into(&mut entry.command);
    entry
}

/// Where an alert of a monitor is mended.
fn mend(standing: &Standing) -> (&'static str, Fix) {
    use MonitorName as N;
    let subject = &standing.subject;
    let executions = |filter: String| Fix::Go(Screen::Executions, filter);
    match standing.monitor {
        N::Failures => ("open what failed", executions(format!("status:failed recipe:{subject}"))),
        N::Retries => ("open what is tried again", executions(format!("status:retrying recipe:{subject}"))),
        N::DeadLetters => ("open what failed", executions("status:failed".to_owned())),
        N::Doubt => ("open what is in doubt", executions("status:in_doubt".to_owned())),
        N::Queue | N::Overdue => ("see what waits", Fix::Line("queue".to_owned())),
        N::Latency => ("see the lag", Fix::Line("lag".to_owned())),
        N::Duplicates => ("open the duplicates", Fix::Go(Screen::Duplicates, String::new())),
        N::Review => ("open the oldest conflicts", Fix::Go(Screen::Conflicts, String::new())),
        N::Credentials | N::Expiry | N::Reach => {
            ("see the connection", Fix::Line(format!("connection/{subject}")))
        }
        N::Usage | N::Pace => ("see the limit", Fix::Line(format!("limit/{subject}/day"))),
        N::Silence => ("see its source", Fix::Line(format!("source/{subject}"))),
        N::Channel => {
            ("copy the command that tests the channels", Fix::Run("reknit monitors test-alert".to_owned()))
        }
        N::Drift => ("see what changed", Fix::Line("drift".to_owned())),
    }
}

fn monitor(ctx: &Ctx, facts: &Facts, standing: &Standing) -> Entry {
    let theme = &ctx.theme;
    let row = standing.monitor.row();
    let subject = if standing.subject.is_empty() { String::new() } else { format!("/{}", standing.subject) };
    let words = if standing.subject.is_empty() { String::new() } else { format!(" {}", standing.subject) };
    let name = standing.monitor.to_string().replace('_', " ");
    let mut entry =
        Entry::new(format!("monitor/{}{subject}", standing.monitor), "Monitors", format!("{name}{words}"));
    let alerting = standing.state == MonitorState::Alerting;
    entry.level = match (alerting, row.severity) {
        (false, _) => Level::Well,
        (true, Severity::Warning) => Level::Warning,
        (true, Severity::Error) => Level::Bad,
    };
    let value = |value: f64| {
        let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
        if value.fract().abs() < 0.05 { format!("{value:.0}{unit}") } else { format!("{value:.1}{unit}") }
    };
    entry.state = match (alerting, standing.flapping) {
        (_, true) => "goes to and fro".to_owned(),
        (true, false) => format!("alert since {}", age(ctx.now, standing.since)),
        (false, false) => "ok".to_owned(),
    };
    entry.number = value(standing.value);
    if !standing.sentence.is_empty() {
        entry.say(standing.sentence.clone(), if alerting { theme.warn } else { theme.text });
    }
    entry.fact("Measures", row.measures, theme.text);
    entry.fact("Value", value(standing.value), theme.bold);
    entry.fact(
        "Alerts from",
        format!("{} on; well again at {}", value(row.alert), value(row.recover)),
        theme.text,
    );
    entry.fact("Since", ctx.full(standing.since), theme.text);
    entry.fact("Looked at", format!("{} ago", age(ctx.now, standing.evaluated_at)), theme.text);
    let told: Vec<_> = facts
        .alerts
        .iter()
        .filter(|alert| alert.monitor == Some(standing.monitor) && alert.subject == standing.subject)
        .take(8)
        .collect();
    if !told.is_empty() {
        entry.head("Told");
        for alert in told {
            let style = if alert.kind == Tidings::Recovered { theme.text } else { theme.warn };
            entry.fact(ctx.day(alert.at), format!("{}: {}", alert.kind, alert.sentence), style);
        }
    }
    if let (_, Fix::Go(screen, filter)) = mend(standing) {
        entry.rows = Some((screen, filter));
    }
    if alerting {
        let (words, fix) = mend(standing);
        entry.mended_by(words, fix);
    }
    entry.command = format!("reknit monitors --series {}", standing.monitor);
    entry
}

fn channels(ctx: &Ctx, facts: &Facts) -> Vec<Entry> {
    let theme = &ctx.theme;
    let line = |channel: &crate::domain::monitor::ChannelState| {
        let mut entry =
            Entry::new(format!("channel/{}", channel.channel), "Alert channels", channel.channel.to_string());
        entry.level = if channel.healthy { Level::Well } else { Level::Bad };
        entry.state = if channel.healthy { "takes alerts".to_owned() } else { "takes none".to_owned() };
        entry.number =
            if channel.waiting > 0 { format!("{} wait", thousands(channel.waiting)) } else { String::new() };
        entry.fact("Since", ctx.full(channel.since), theme.text);
        entry.fact("Waiting", counted(channel.waiting, "alert"), theme.text);
        if !channel.words.is_empty() {
            entry.fact("Said", format!("“{}”", channel.words), theme.quote);
        }
        "reknit monitors test-alert".clone_into(&mut entry.command);
        if !channel.healthy {
            entry.mended_by(
                "copy the command that tests it",
                Fix::Run("reknit monitors test-alert".to_owned()),
            );
        }
        entry
    };
    facts.gauges.channels.iter().map(line).collect()
}
