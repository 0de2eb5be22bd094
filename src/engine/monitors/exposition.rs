//! The figures in Prometheus' text format, version 0.0.4. Counts, recipes and connections only, never personal data.

use crate::domain::breaker::BreakerState;
use crate::domain::limit::FamilyState;
use crate::domain::links::Coverage;
use crate::domain::monitor::{DeliveryStatus, MonitorState};
use crate::journal::monitors::{gauges::Gauges, series};
use crate::journal::{Journal, JournalError};

/// What is told as the format of the answer.
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The widths of the histogram's buckets, in milliseconds.
const BUCKETS: [i64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000];

/// One number of a family of endpoints, where it has one.
type Figure = fn(&FamilyState) -> Option<f64>;

/// Everything there is to scrape.
pub async fn metrics(journal: &Journal) -> Result<String, JournalError> {
    let gauges = journal.gauges().await?;
    let since = crate::domain::clock::Timestamp(gauges.at.0 - series::DAY);
    let latency = journal.latency(since).await?;
    let mut text = Text::default();
    executions(&mut text, &gauges);
    text.head(
        "reknit_processing_seconds_24h",
        "gaugehistogram",
        "Time from event to end, executions of the last 24 hours",
    );
    for width in BUCKETS {
        let bound = format!("{}", width as f64 / 1_000.0);
        text.row("reknit_processing_seconds_24h_bucket", &[("le", &bound)], latency.up_to(width) as f64);
    }
    text.row("reknit_processing_seconds_24h_bucket", &[("le", "+Inf")], latency.count() as f64);
    text.row("reknit_processing_seconds_24h_count", &[], latency.count() as f64);
    text.row("reknit_processing_seconds_24h_sum", &[], latency.sum as f64 / 1_000.0);
    for (name, help) in [
        (series::SUCCEEDED, "Executions that ended well in the last 24 hours"),
        (series::FAILED, "Executions that failed for good in the last 24 hours"),
        (series::TRIES, "Tries that failed in the last 24 hours"),
        (series::DUPLICATES, "Duplicates of our making in the last 24 hours"),
    ] {
        let full = format!("reknit_{name}_24h");
        text.head(&full, "gauge", help);
        let points = journal.series(name.to_owned(), since, series::DAY * 400).await?;
        for point in points {
            text.row(&full, &[("recipe", &point.label)], point.count as f64);
        }
    }
    vendors(&mut text, &gauges);
    text.head("reknit_alerting", "gauge", "1 while a monitor alerts");
    for standing in journal.standings().await? {
        let labels = [("monitor", standing.monitor.as_str()), ("subject", standing.subject.as_str())];
        text.row("reknit_alerting", &labels, f64::from(u8::from(standing.state == MonitorState::Alerting)));
    }
    text.head("reknit_alert_channel_healthy", "gauge", "1 while a channel takes alerts");
    text.head("reknit_alerts_waiting", "gauge", "Alerts that wait for a channel");
    for channel in &gauges.channels {
        let labels = [("channel", channel.channel.as_str())];
        text.row("reknit_alert_channel_healthy", &labels, f64::from(u8::from(channel.healthy)));
        text.row("reknit_alerts_waiting", &labels, channel.waiting as f64);
    }
    coverage(&mut text, &journal.coverage(2).await?);
    let failed = journal.deliveries(200).await?;
    let failed = failed.iter().filter(|one| one.status == DeliveryStatus::Failed).count();
    text.head(
        "reknit_alert_deliveries_failed",
        "gauge",
        "Of the newest 200 alerts on their ways, those given up",
    );
    text.row("reknit_alert_deliveries_failed", &[], failed as f64);
    Ok(text.done())
}

/// How many people have an account, as of the last day that was counted.
fn coverage(text: &mut Text, rows: &[Coverage]) {
    let Some(day) = rows.last().map(|row| row.day) else { return };
    let today: Vec<&Coverage> = rows.iter().filter(|row| row.day == day).collect();
    let mut sums: std::collections::BTreeMap<String, (u64, u64)> = std::collections::BTreeMap::new();
    for row in &today {
        let sum = sums.entry(row.connection.to_string()).or_default();
        (sum.0, sum.1) = (sum.0 + row.people, sum.1 + row.linked);
    }
    text.head("reknit_link_coverage_ratio", "gauge", "Share of the CRM's people that have an account");
    for (connection, (people, linked)) in &sums {
        if let Some(share) = Coverage::percent(*people, *linked) {
            text.row("reknit_link_coverage_ratio", &[("connection", connection)], share / 100.0);
        }
    }
    text.head(
        "reknit_people_without_account",
        "gauge",
        "People of the CRM without an account, by their owner's id",
    );
    for row in today {
        let connection = row.connection.to_string();
        let labels = [("connection", connection.as_str()), ("owner", row.owner.as_str())];
        text.row("reknit_people_without_account", &labels, row.people.saturating_sub(row.linked) as f64);
    }
}

fn executions(text: &mut Text, gauges: &Gauges) {
    text.head("reknit_executions", "gauge", "Executions by status");
    for (status, count) in &gauges.counts.executions {
        text.row("reknit_executions", &[("status", status.as_str())], *count as f64);
    }
    text.head("reknit_queue_depth", "gauge", "Executions that wait");
    text.row("reknit_queue_depth", &[], gauges.queue() as f64);
    let overdue = gauges.oldest_due.map_or(0.0, |at| gauges.at.since(at).max(0) as f64 / 1_000.0);
    text.head("reknit_oldest_due_seconds", "gauge", "How long the oldest due execution waits");
    text.row("reknit_oldest_due_seconds", &[], overdue);
    text.head("reknit_open_reviews", "gauge", "Open review items by kind");
    let counts = &gauges.counts;
    for (kind, count) in
        [("conflict", counts.conflicts), ("duplicate", counts.duplicates), ("unlinked", counts.unlinked)]
    {
        text.row("reknit_open_reviews", &[("kind", kind)], count as f64);
    }
}

fn vendors(text: &mut Text, gauges: &Gauges) {
    text.head("reknit_breaker_open", "gauge", "1 while calls to a connection are held back");
    for breaker in &gauges.breakers {
        let labels = [("connection", breaker.connection.to_string()), ("cause", breaker.cause.to_string())];
        let labels = [(labels[0].0, labels[0].1.as_str()), (labels[1].0, labels[1].1.as_str())];
        text.row("reknit_breaker_open", &labels, f64::from(u8::from(breaker.state != BreakerState::Closed)));
    }
    let figures: [(&str, &str, Figure); 6] = [
        ("reknit_calls_window_used", "Calls used in the present window", |it| {
            (it.limit > 0).then(|| f64::from(it.used))
        }),
        ("reknit_calls_window_limit", "Calls allowed in a window", |it| {
            (it.limit > 0).then(|| f64::from(it.limit))
        }),
        ("reknit_calls_day_used", "Calls used in the day", |it| {
            (it.daily_limit > 0).then(|| f64::from(it.daily_used))
        }),
        ("reknit_calls_day_limit", "Calls allowed in a day", |it| {
            (it.daily_limit > 0).then(|| f64::from(it.daily_limit))
        }),
        ("reknit_calls_day_budget", "Calls of the day for unurgent work", |it| {
            (it.daily_limit > 0).then(|| f64::from(it.daily_budget))
        }),
        (
            "reknit_calls_budget_reached_timestamp_seconds",
            "When the day's budget is reached at this pace",
            |it| it.budget_reached_at.map(|at| at.0 as f64 / 1_000.0),
        ),
    ];
    for (name, help, figure) in figures {
        text.head(name, "gauge", help);
        for family in &gauges.families {
            let connection = family.connection.to_string();
            if let Some(value) = figure(family) {
                text.row(name, &[("connection", &connection), ("family", family.family.as_str())], value);
            }
        }
    }
    text.head("reknit_events_total", "counter", "Events received, by the way they came");
    for heard in &gauges.heard {
        let labels = [("connection", heard.connection.as_str()), ("source", heard.source.as_str())];
        text.row("reknit_events_total", &labels, heard.count as f64);
    }
    text.head("reknit_heard_timestamp_seconds", "gauge", "When a connection was last heard of");
    for heard in &gauges.heard {
        let labels = [("connection", heard.connection.as_str()), ("source", heard.source.as_str())];
        text.row("reknit_heard_timestamp_seconds", &labels, heard.at.0 as f64 / 1_000.0);
    }
}

/// Rows of one metric stand together under its head, whatever the order they are given in.
#[derive(Default)]
struct Text {
    heads: Vec<(String, String)>,
}

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // The old text format knows no gauge histograms; as one without a type it is read all the same.
        let kind = if kind == "gaugehistogram" { "untyped" } else { kind };
        self.heads.push((name.to_owned(), format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")));
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let place = self.heads.iter().position(|(head, _)| head == name).or_else(|| {
            self.heads.iter().position(|(head, _)| {
                name.strip_prefix(head.as_str())
                    .is_some_and(|rest| matches!(rest, "_bucket" | "_count" | "_sum"))
            })
        });
        if let Some(place) = place {
            self.heads[place].1.push_str(&format!("{name}{labels} {value}\n"));
        }
    }

    fn done(self) -> String {
        self.heads.into_iter().map(|(_, rows)| rows).collect()
    }
}

/// A label's value: backslash, quote and line end are escaped, other control characters do not come through.
fn escaped(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '"' => shown.push_str("\\\""),
            '\n' => shown.push_str("\\n"),
            c if c.is_control() => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_quotes_and_rows_stand_under_their_head() {
        let mut text = Text::default();
        text.head("a", "gauge", "One");
        text.head("b", "gauge", "Two");
        text.row("b", &[("x", "evil\"} 1\nreknit_up 1\\")], 2.0);
        text.row("a", &[], 1.5);
        assert_eq!(
            text.done(),
            "# HELP a One\n# TYPE a gauge\na 1.5\n# HELP b Two\n# TYPE b gauge\nb{x=\"evil\\\"} 1\\nreknit_up 1\\\\\"} 2\n"
        );
    }
}
