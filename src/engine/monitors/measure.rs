//! From what the journal counts to one value and one sentence for each monitor and subject.
//!
//! Sentences leave this machine, so they hold counts, recipes and connections and never a person's data or a vendor's
//! words. Says what is; what is too much stands in the rules.

use super::settings::Settings;
use crate::domain::breaker::{BreakerCause, BreakerState};
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::monitor::{ChannelKind, MonitorName, Reading};
use crate::domain::record::Connection;
use crate::journal::monitors::gauges::Gauges;
use crate::vendors::Standing;

/// A token that nothing renews is called expiring this long before its end, in milliseconds.
const EXPIRES_SOON: i64 = 7 * 24 * 3_600_000;
/// Fewer processing times than this say nothing about the slowest of them.
const ENOUGH: u64 = 5;
/// A forecast from less than this share of the budget is a guess.
const SPOKEN_FOR: u64 = 25;

/// How a connection stands with its tokens.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Which connection.
    pub connection: Connection,
    /// As the process that looks knows it.
    pub standing: Standing,
}

/// What health a credential is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialHealth {
    /// Nothing speaks against it.
    Ok,
    /// It ends, or will be lost: why.
    Expiring(String),
    /// It is refused or missing: why.
    Failed(String),
}

impl CredentialHealth {
    /// One word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expiring(_) => "expiring",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it is not well; empty where it is.
    pub fn why(&self) -> &str {
        match self {
            Self::Ok => "",
            Self::Expiring(why) | Self::Failed(why) => why,
        }
    }
}

/// The health of a credential: by the breaker first, which every process shares, then by what this one knows.
pub fn health(credential: &Credential, gauges: &Gauges) -> CredentialHealth {
    let Credential { connection, standing } = credential;
    let title = connection.system.title();
    let refused = gauges.breakers.iter().any(|breaker| {
        breaker.connection == *connection
            && breaker.cause == BreakerCause::Auth
            && breaker.state != BreakerState::Closed
    });
    if refused {
        return CredentialHealth::Failed(format!(
            "{title} refuses the token; its work waits and nothing is lost. `reknit doctor` says what to do."
        ));
    }
    if standing.grant.is_err() {
        return CredentialHealth::Failed(format!("There is no usable token for {connection}."));
    }
    if standing.rotated_unkept || standing.not_written.is_some() {
        return CredentialHealth::Expiring(format!(
            "{title} has replaced a token that could not be kept: it is lost when the service ends."
        ));
    }
    match standing.expires_at {
        Some(at) if !standing.renews && at.since(gauges.at) < EXPIRES_SOON => CredentialHealth::Expiring(
            format!("The token of {connection} ends at {} and nothing renews it.", at.rfc3339()),
        ),
        _ => CredentialHealth::Ok,
    }
}

/// Everything that is watched, measured.
pub fn readings(gauges: &Gauges, credentials: &[Credential], settings: &Settings) -> Vec<Reading> {
    use MonitorName as N;
    let mut readings = Vec::new();
    let mut put = |monitor: MonitorName, subject: &str, value: f64, sentence: String| {
        let sentence = match settings.oncall.trim() {
            "" => sentence,
            oncall => format!("{sentence} On call: {oncall}."),
        };
        readings.push(Reading { monitor, subject: subject.to_owned(), value, sentence });
    };
    let count =
        |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let now = gauges.at;
    for (recipe, failed) in &gauges.failed {
        let what = count(*failed, "execution", "executions");
        put(
            N::Failures,
            recipe,
            *failed as f64,
            format!("{what} failed for good within 15 minutes and wait for a human."),
        );
    }
    for (recipe, tries) in &gauges.tries {
        let what = count(*tries, "try", "tries");
        put(N::Retries, recipe, *tries as f64, format!("{what} failed within 15 minutes."));
    }
    if gauges.latency.count() >= ENOUGH
        && let Some(late) = gauges.latency.percentile(0.95)
    {
        let seconds = late as f64 / 1_000.0;
        put(
            N::Latency,
            "",
            seconds,
            format!("One in twenty executions takes {seconds:.1} s or longer from event to end."),
        );
    }
    let mut makers: Vec<(&str, u64, i64)> = Vec::new();
    for incident in gauges.incidents.iter().filter(|incident| incident.certain) {
        match makers.iter_mut().find(|(recipe, ..)| *recipe == incident.recipe) {
            Some((_, number, _)) => *number += 1,
            None => makers.push((&incident.recipe, 1, incident.execution.0)),
        }
    }
    for (recipe, number, newest) in makers {
        let what = count(number, "record that existed already", "records that existed already");
        let sentence = format!("It made {what} within 24 hours; the last by execution {newest}.");
        put(N::Duplicates, recipe, number as f64, sentence);
    }
    for credential in credentials {
        let health = health(credential, gauges);
        let subject = credential.connection.to_string();
        let is = |expected: &str| f64::from(u8::from(health.as_str() == expected));
        put(N::Credentials, &subject, is("failed"), health.why().to_owned());
        put(N::Expiry, &subject, is("expiring"), health.why().to_owned());
    }
    for breaker in &gauges.breakers {
        let open = breaker.state != BreakerState::Closed && breaker.cause == BreakerCause::Unavailable;
        let title = breaker.connection.system.title();
        let sentence = format!(
            "{title} does not answer since {}; its work waits and nothing is lost.",
            breaker.since.rfc3339()
        );
        put(N::Reach, &breaker.connection.to_string(), f64::from(u8::from(open)), sentence);
    }
    for family in gauges.families.iter().filter(|family| family.daily_limit > 0) {
        let subject = format!("{}/{}", family.connection, family.family);
        let (used, limit, budget) = (family.daily_used, family.daily_limit, family.daily_budget);
        let percent = f64::from(used) * 100.0 / f64::from(limit);
        put(
            N::Usage,
            &subject,
            percent,
            format!("{used} of the day's {limit} calls are used; our budget is {budget}."),
        );
        let enough = u64::from(used) * 100 >= u64::from(budget) * SPOKEN_FOR;
        let reached = family.budget_reached_at.filter(|_| enough);
        let sentence = reached.map_or_else(String::new, |at| {
            format!(
                "At the present pace the day's budget of {budget} calls is reached at {}; {used} are used.",
                at.rfc3339()
            )
        });
        put(N::Pace, &subject, f64::from(u8::from(reached.is_some())), sentence);
    }
    let mut heard: Vec<(&str, Timestamp)> = Vec::new();
    for one in &gauges.heard {
        match heard.iter_mut().find(|(connection, _)| *connection == one.connection) {
            Some((_, at)) => *at = (*at).max(one.at),
            None => heard.push((&one.connection, one.at)),
        }
    }
    for (connection, at) in heard {
        let minutes = minutes(now, at);
        put(
            N::Silence,
            connection,
            minutes,
            format!("No event and no finished look for {minutes:.0} minutes."),
        );
    }
    let queue = gauges.queue();
    put(N::Queue, "", queue as f64, format!("{} wait.", count(queue, "execution", "executions")));
    let overdue = gauges.oldest_due.map_or(0.0, |at| now.since(at).max(0) as f64 / 1_000.0);
    put(
        N::Overdue,
        "",
        overdue,
        format!("The oldest due execution waits for {overdue:.0} s: the workers do not keep up."),
    );
    let doubt = gauges.of(Status::InDoubt);
    put(
        N::Doubt,
        "",
        doubt as f64,
        format!("Of {} nobody knows whether they happened.", count(doubt, "write", "writes")),
    );
    let dead = gauges.of(Status::Failed);
    put(
        N::DeadLetters,
        "",
        dead as f64,
        format!("{} wait for a human.", count(dead, "failed execution", "failed executions")),
    );
    let hours = gauges.oldest_review.map_or(0.0, |at| minutes(now, at) / 60.0);
    put(
        N::Review,
        "",
        hours,
        format!("The oldest open conflict, duplicate or unlinked person waits for {hours:.0} h."),
    );
    for channel in &gauges.channels {
        let sentence = if channel.healthy {
            String::new()
        } else {
            format!(
                "The {} channel takes no alerts: {}. Set {} anew, then run `reknit monitors test-alert`.",
                channel.channel,
                channel.words,
                secret_of(channel.channel)
            )
        };
        put(N::Channel, channel.channel.as_str(), f64::from(u8::from(!channel.healthy)), sentence);
    }
    let (open, holding) = gauges.drift;
    put(
        N::Drift,
        "",
        holding as f64,
        format!(
            "{} of a vendor's fields {} recipes or mapped fields back until somebody looks ({open} open): `reknit drift \
             list`.",
            count(holding, "change", "changes"),
            if holding == 1 { "holds" } else { "hold" },
        ),
    );
    readings
}

fn minutes(now: Timestamp, at: Timestamp) -> f64 {
    now.since(at).max(0) as f64 / 60_000.0
}

/// The secret that holds a channel's address.
pub const fn secret_of(channel: ChannelKind) -> &'static str {
    match channel {
        ChannelKind::Slack => crate::vendors::alerts::SLACK_URL,
        ChannelKind::Webhook => crate::vendors::alerts::WEBHOOK_URL,
    }
}

/// What is kept of the gauges as series: whole numbers by name and label.
pub fn samples(gauges: &Gauges, readings: &[Reading]) -> Vec<(String, String, i64)> {
    use MonitorName as N;
    let mut samples = Vec::new();
    for reading in readings {
        // What is counted where it happens has its series already.
        if matches!(reading.monitor, N::Failures | N::Retries | N::Latency | N::Duplicates) {
            continue;
        }
        samples.push((reading.monitor.to_string(), reading.subject.clone(), reading.value.round() as i64));
    }
    for family in gauges.families.iter().filter(|family| family.daily_limit > 0) {
        let label = format!("{}/{}", family.connection, family.family);
        samples.push(("calls_today".to_owned(), label, i64::from(family.daily_used)));
    }
    samples
}
