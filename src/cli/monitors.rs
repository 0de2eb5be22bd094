//! `reknit monitors`: what is watched and where it stands; the stored series; a test of the alert channels.

use clap::{Args, Subcommand};
use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::{self, Opening, Place};
use crate::config::Config;
use crate::console::widgets::gauge::sparkline;
use crate::domain::clock::Timestamp;
use crate::domain::monitor::{
    Alert, ChannelKind, MONITORS, MonitorState, Receipt, Severity, Standing, Tidings,
};
use crate::engine::monitors::{self, measure};
use crate::journal::Journal;
use crate::journal::monitors::series::{self, Point};
use crate::vendors::alerts::Channels;

/// Points of a series that fit into a line.
const BARS: i64 = 48;

/// Arguments of `monitors`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print a stored series instead: succeeded, failed, tries, latency, duplicates, queue, usage, ...
    #[arg(long, value_name = "NAME")]
    series: Option<String>,
    /// How many hours back the series goes; minutes are kept for 2 days, quarters of an hour for 35, days for 2 years
    #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "series",
          value_parser = clap::value_parser!(u32).range(1..=17_568))]
    hours: u32,
    #[command(subcommand)]
    command: Option<Verb>,
}

/// What to do instead of showing.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Send a test message through every channel and say what came back
    TestAlert,
}

/// Runs it.
pub async fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    if let Some(Verb::TestAlert) = arguments.command {
        return test(place, &config, read_only, arguments.json).await;
    }
    let journal = place.open(&config, Opening::Look)?;
    match &arguments.series {
        Some(name) => show_series(&journal, name, arguments).await,
        None => show(place, &config, &journal, arguments.json).await,
    }
}

async fn show(place: &Place, config: &Config, journal: &Journal, json: bool) -> Result<(), Problem> {
    let read = |error| unread(&error);
    let standings = journal.standings().await.map_err(read)?;
    let channels = journal.channels().await.map_err(read)?;
    let gauges = journal.gauges().await.map_err(read)?;
    let alerts = journal.alerts(10).await.map_err(read)?;
    let deliveries = journal.deliveries(40).await.map_err(read)?;
    let now = wiring::clock().now();
    let looked = standings.iter().map(|standing| standing.evaluated_at).max();
    let configured = configured(place, config);
    if json {
        let rows: Vec<_> = MONITORS
            .iter()
            .map(|monitor| {
                let rule = config.monitors.rule(monitor.name);
                let of: Vec<&Standing> = standings.iter().filter(|it| it.monitor == monitor.name).collect();
                json!({
                    "name": monitor.name, "measures": monitor.measures, "unit": monitor.unit,
                    "severity": monitor.severity, "off": config.monitors.is_off(monitor.name),
                    "alert": rule.alert, "recover": rule.recover, "for_seconds": rule.hold.as_secs(),
                    "subjects": of.iter().map(|standing| json!({
                        "subject": standing.subject, "state": standing.state, "since": standing.since.rfc3339(),
                        "value": standing.value, "flapping": standing.flapping, "sentence": standing.sentence,
                        "evaluated_at": standing.evaluated_at.rfc3339(),
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        return output::json(&json!({
            "evaluated_at": looked.map(Timestamp::rfc3339),
            "monitors": rows,
            "latency": {
                "window_seconds": 900, "count": gauges.latency.count(), "p50_ms": gauges.latency.percentile(0.5),
                "p95_ms": gauges.latency.percentile(0.95), "max_ms": gauges.latency.most, "error_percent": 2,
            },
            "incidents": gauges.incidents.iter().map(|incident| json!({
                "duplicate": incident.duplicate, "execution": incident.execution.0, "recipe": incident.recipe,
                "other_execution": incident.other.map(|id| id.0), "certain": incident.certain,
                "at": incident.at.rfc3339(), "cause": incident.cause, "sentence": incident.sentence,
            })).collect::<Vec<_>>(),
            "channels": ChannelKind::ALL.iter().map(|kind| {
                let state = channels.iter().find(|state| state.channel == *kind);
                json!({
                    "channel": kind, "configured": configured.as_ref().is_ok_and(|it| it.configured().contains(kind)),
                    "healthy": state.is_none_or(|state| state.healthy),
                    "words": state.map_or("", |state| state.words.as_str()),
                    "since": state.map(|state| state.since.rfc3339()),
                    "waiting": state.map_or(0, |state| state.waiting),
                })
            }).collect::<Vec<_>>(),
            "alerts": alerts.iter().map(|alert| json!({
                "id": alert.id, "kind": alert.kind, "severity": alert.severity, "monitor": alert.monitor,
                "subject": alert.subject, "sentence": alert.sentence, "value": alert.value,
                "threshold": alert.threshold, "at": alert.at.rfc3339(),
                "deliveries": deliveries.iter().filter(|one| one.alert == alert.id).map(|one| json!({
                    "channel": one.channel, "status": one.status, "sends": one.sends, "words": one.words,
                    "done_at": one.done_at.map(Timestamp::rfc3339),
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }));
    }
    let mut rows = Vec::new();
    for monitor in &MONITORS {
        let rule = config.monitors.rule(monitor.name);
        let threshold = format!("{}{}", plain(rule.alert), unit(monitor.unit));
        if config.monitors.is_off(monitor.name) {
            rows.push(
                [monitor.name.as_str(), "", "-", &threshold, "off", "-", monitor.measures]
                    .map(str::to_owned)
                    .to_vec(),
            );
            continue;
        }
        let of: Vec<&Standing> = standings.iter().filter(|it| it.monitor == monitor.name).collect();
        if of.is_empty() {
            rows.push(
                [monitor.name.as_str(), "", "-", &threshold, "ok", "-", monitor.measures]
                    .map(str::to_owned)
                    .to_vec(),
            );
        }
        for standing in of {
            let state = match (standing.state, standing.flapping, standing.turning_at) {
                (_, true, _) => "flapping".to_owned(),
                (MonitorState::Ok, _, Some(_)) => "ok, soon alerting".to_owned(),
                (state, ..) => state.to_string(),
            };
            let words = if standing.state == MonitorState::Alerting {
                standing.sentence.as_str()
            } else {
                monitor.measures
            };
            rows.push(vec![
                monitor.name.to_string(),
                standing.subject.clone(),
                format!("{}{}", plain(standing.value), unit(monitor.unit)),
                threshold.clone(),
                state,
                standing.since.rfc3339(),
                words.to_owned(),
            ]);
        }
    }
    output::table(&["MONITOR", "OF", "VALUE", "ALERTS AT", "STATE", "SINCE", ""], &rows)?;
    output::line("")?;
    if let (Some(p50), Some(p95)) = (gauges.latency.percentile(0.5), gauges.latency.percentile(0.95)) {
        output::line(&format!(
            "Event to end, last 15 min: p50 {}, p95 {} (2 % exact), longest {}, {} executions",
            seconds(p50),
            seconds(p95),
            seconds(gauges.latency.most),
            gauges.latency.count()
        ))?;
    }
    for line in channel_lines(configured.as_ref(), &channels) {
        output::line(&line)?;
    }
    match looked {
        None => output::line("Nobody has looked yet: `reknit serve` and the console watch.")?,
        Some(at) => {
            let late = monitors::unwatched_since(looked, now, &config.monitors).is_some();
            let words = if late { "; nobody watches now: start `reknit serve`" } else { "" };
            output::line(&format!("Last looked at {}{words}.", at.rfc3339()))?;
        }
    }
    Ok(())
}

/// Each channel in a line, as `doctor` shows it too.
pub fn channel_lines(
    configured: Result<&Channels, &Problem>,
    states: &[crate::domain::monitor::ChannelState],
) -> Vec<String> {
    let channels = match configured {
        Ok(channels) => channels,
        Err(problem) => return vec![format!("Alert channels: {}", problem.why)],
    };
    let mut lines = Vec::new();
    for kind in channels.configured() {
        let state = states.iter().find(|state| state.channel == kind);
        let words = match state {
            Some(state) if !state.healthy => format!(
                "UNHEALTHY since {}: {}. Set {} anew, then run `reknit monitors test-alert`",
                state.since.rfc3339(),
                state.words,
                measure::secret_of(kind)
            ),
            Some(_) => "takes alerts".to_owned(),
            None => "not used yet; `reknit monitors test-alert` tries it".to_owned(),
        };
        lines.push(format!("Channel {kind} ({}): {words}", channels.shown(kind)));
    }
    if lines.is_empty() {
        lines.push(format!(
            "No alert channel is set up: alerts are shown here and in the log only. Set {} or {}.",
            crate::vendors::alerts::SLACK_URL,
            crate::vendors::alerts::WEBHOOK_URL
        ));
    }
    lines
}

/// The channels of this place.
pub fn configured(place: &Place, config: &Config) -> Result<Channels, Problem> {
    let vault = wiring::vault(place)?;
    wiring::channels(config, &*vault)
}

async fn show_series(journal: &Journal, name: &str, arguments: &Arguments) -> Result<(), Problem> {
    let known = journal.series_names().await.map_err(|error| unread(&error))?;
    if !known.iter().any(|known| known == name) {
        return Err(Problem::usage(
            "There is no such series; nothing was changed.",
            format!("\"{name}\" is not stored yet"),
            format!(
                "name one of: {}",
                if known.is_empty() { "(none is stored yet)".into() } else { known.join(", ") }
            ),
        ));
    }
    let now = wiring::clock().now();
    let hours = i64::from(arguments.hours);
    let since = Timestamp(now.0 - hours * 60 * series::MINUTE);
    let whole = (hours * 60 * series::MINUTE / BARS).max(series::MINUTE);
    // What is older than two days is kept by the quarter, what is older than five weeks by the day.
    let grain = match hours {
        ..=48 => series::MINUTE,
        49..=840 => series::QUARTER,
        _ => series::DAY,
    };
    let step = (whole + grain - 1) / grain * grain;
    let points = journal.series(name.to_owned(), since, step).await.map_err(|error| unread(&error))?;
    // Of a gauge the highest value is shown, of what is counted the number.
    let counted = [series::SUCCEEDED, series::FAILED, series::TRIES, series::LATENCY, series::DUPLICATES]
        .contains(&name);
    let value = |point: &Point| if counted { point.count } else { point.most };
    if arguments.json {
        let rows: Vec<_> = points
            .iter()
            .map(|point| json!({"label": point.label, "at": point.at.rfc3339(), "count": point.count, "sum": point.sum, "most": point.most}))
            .collect();
        return output::json(&json!({"series": name, "step_seconds": step / 1_000, "points": rows}));
    }
    if name == series::LATENCY {
        let histogram = journal.latency(since).await.map_err(|error| unread(&error))?;
        let of = |share| histogram.percentile(share).map_or("-".to_owned(), seconds);
        output::line(&format!(
            "{} executions in {hours} h: p50 {}, p95 {}, p99 {} (2 % exact), longest {}",
            histogram.count(),
            of(0.5),
            of(0.95),
            of(0.99),
            seconds(histogram.most)
        ))?;
        return output::line(&line_of(points.iter(), since, step, now, |point| point.most));
    }
    let mut labels: Vec<&str> = points.iter().map(|point| point.label.as_str()).collect();
    labels.dedup();
    let mut rows = Vec::new();
    for label in labels {
        let of = || points.iter().filter(|point| point.label == label);
        let total = if counted { of().map(&value).sum::<i64>() } else { of().map(&value).max().unwrap_or(0) };
        let last = of().next_back().map_or(0, &value);
        rows.push(vec![
            label.to_owned(),
            line_of(of(), since, step, now, value),
            total.to_string(),
            last.to_string(),
        ]);
    }
    let head = if counted { "IN ALL" } else { "HIGHEST" };
    output::table(
        &["OF", &format!("LAST {hours} H, {} MIN A BAR", step / series::MINUTE), head, "LATEST"],
        &rows,
    )
}

/// One bar for each step; steps in which nothing happened are the lowest.
fn line_of<'a>(
    points: impl Iterator<Item = &'a Point>,
    since: Timestamp,
    step: i64,
    now: Timestamp,
    value: impl Fn(&Point) -> i64,
) -> String {
    let first = since.0 - since.0.rem_euclid(step);
    let mut bars = vec![0_u64; usize::try_from((now.0 - first) / step + 1).unwrap_or(1)];
    for point in points {
        let place = usize::try_from((point.at.0 - first) / step).unwrap_or(0);
        if let Some(bar) = bars.get_mut(place) {
            *bar = (*bar).max(u64::try_from(value(point)).unwrap_or(0));
        }
    }
    sparkline(&bars)
}

async fn test(place: &Place, config: &Config, read_only: bool, json: bool) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::usage(
            "Nothing was sent.",
            "a test message is sent to the channels, and --read-only forbids that",
            "leave --read-only away",
        ));
    }
    let channels = configured(place, config)?;
    if channels.configured().is_empty() {
        return Err(Problem::usage(
            "Nothing was sent: no alert channel is set up.",
            "neither REKNIT_SLACK_WEBHOOK_URL nor REKNIT_ALERT_WEBHOOK_URL is set",
            "set one of them, or keep it with `reknit vault set REKNIT_SLACK_WEBHOOK_URL`",
        ));
    }
    // Without a journal there is nothing to note the result in.
    let journal =
        if place.journal(config).exists() { Some(place.open(config, Opening::Work)?) } else { None };
    let now = wiring::clock().now();
    let mut rows = Vec::new();
    for kind in channels.configured() {
        let alert = Alert {
            id: 0,
            key: format!("test/{kind}/{}", now.0),
            monitor: None,
            subject: String::new(),
            kind: Tidings::Test,
            severity: Severity::Warning,
            sentence: format!("This is a test by {}. Nothing is wrong.", wiring::actor()),
            value: 0.0,
            threshold: 0.0,
            at: now,
        };
        let receipt = channels.send(kind, &[alert], false).await;
        if let Some(journal) = &journal {
            journal.channel_tested(kind, receipt.clone()).await.map_err(|error| {
                Problem::runtime(
                    "The test was sent, but its result was not noted.",
                    error.to_string(),
                    "try again in a moment",
                )
            })?;
        }
        rows.push((kind, receipt));
    }
    let words = |receipt: &Receipt| monitors::complaint(receipt).unwrap_or("taken").to_owned();
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(kind, receipt)| json!({"channel": kind, "taken": *receipt == Receipt::Taken, "words": words(receipt)}))
            .collect();
        output::json(&rows)?;
    } else {
        for (kind, receipt) in &rows {
            let mark = if *receipt == Receipt::Taken { "✓" } else { "✗" };
            output::line(&format!("{mark} {kind} ({}): {}", channels.shown(*kind), words(receipt)))?;
        }
    }
    let bad: Vec<&str> = rows
        .iter()
        .filter(|(_, receipt)| *receipt != Receipt::Taken)
        .map(|(kind, _)| measure::secret_of(*kind))
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(Problem::runtime(
        format!(
            "{} of {} channels did not take the test message; no data is touched by it.",
            bad.len(),
            rows.len()
        ),
        "see the lines marked ✗",
        format!("set {} anew, then test again", bad.join(" and ")),
    ))
}

fn plain(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn unit(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

fn seconds(milliseconds: i64) -> String {
    match milliseconds {
        ..1_000 => format!("{milliseconds} ms"),
        1_000..600_000 => format!("{:.1} s", milliseconds as f64 / 1_000.0),
        _ => format!("{} min", milliseconds / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_bar_for_every_step_and_its_peak_in_its_place() {
        let point =
            |at: i64, count: i64| Point { label: "x".into(), at: Timestamp(at), count, sum: 0, most: 0 };
        let points = [point(60_000, 2), point(180_000, 8)];
        let line = line_of(points.iter(), Timestamp(60_000), 60_000, Timestamp(300_000), |point| point.count);
        assert_eq!(line, "▃▁█▁▁");
        assert_eq!(
            (plain(1.0), plain(0.25), seconds(999), seconds(90_500)),
            ("1".into(), "0.2".into(), "999 ms".into(), "90.5 s".into())
        );
    }
}
