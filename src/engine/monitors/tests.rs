//! Every monitor, from what is measured to what is told, in virtual time.

use std::sync::Arc;

use super::measure::{Credential, readings};
use super::*;
use crate::domain::breaker::{Breaker, BreakerCause, BreakerState};
use crate::domain::clock::{Clock, ManualClock};
use crate::domain::execution::Status;
use crate::domain::ids::ExecutionId;
use crate::domain::limit::{Family, FamilyState};
use crate::domain::monitor::histogram::{Histogram, bucket};
use crate::domain::monitor::{ChannelState, Tidings};
use crate::journal::monitors::gauges::{Gauges, Heard, Incident};
use crate::vendors::Standing;

fn standing() -> Standing {
    Standing {
        grant: Ok("a fixed access token"),
        renews: false,
        expires_at: None,
        instance_url: None,
        rotated_unkept: false,
        not_written: None,
    }
}

fn hubspot() -> Connection {
    Connection::only(System::Hubspot)
}

fn breaker(cause: BreakerCause) -> Breaker {
    Breaker {
        connection: hubspot(),
        state: BreakerState::Open,
        cause,
        since: Timestamp(0),
        look_at: None,
        words: "token tok-SECRET of ana@example.com refused".into(),
    }
}

fn family(used: u32, reached: Option<Timestamp>) -> FamilyState {
    FamilyState {
        connection: hubspot(),
        family: Family::General,
        used: 0,
        limit: 0,
        window_milliseconds: 0,
        daily_used: used,
        daily_limit: 100,
        daily_budget: 80,
        renewed_at: None,
        closed_until: None,
        closed_why: String::new(),
        budget_reached_at: reached,
        limit_reached_at: None,
    }
}

/// The gauges of trouble for one monitor, and the tokens.
fn trouble(name: MonitorName, now: Timestamp) -> (Gauges, Standing) {
    let ago = |seconds: i64| Timestamp(now.0 - seconds * 1_000);
    let mut gauges = Gauges { at: now, ..Gauges::default() };
    let mut token = standing();
    let executions = |status, count| vec![(status, count)];
    match name {
        MonitorName::Failures => gauges.failed = vec![("contact-to-crm".into(), 1)],
        MonitorName::Retries => gauges.tries = vec![("contact-to-crm".into(), 25)],
        MonitorName::Latency => {
            gauges.latency = Histogram { buckets: vec![(bucket(45_000), 10)], most: 45_000, sum: 450_000 };
        }
        MonitorName::Duplicates => {
            gauges.incidents = vec![Incident {
                duplicate: 1,
                execution: ExecutionId(7),
                recipe: "contact-to-crm".into(),
                other: None,
                certain: true,
                at: now,
                cause: None,
                sentence: None,
            }];
        }
        MonitorName::Credentials => gauges.breakers = vec![breaker(BreakerCause::Auth)],
        MonitorName::Expiry => token.expires_at = Some(now.plus(Duration::from_secs(86_400))),
        MonitorName::Reach => gauges.breakers = vec![breaker(BreakerCause::Unavailable)],
        MonitorName::Usage => gauges.families = vec![family(90, None)],
        MonitorName::Pace => gauges.families = vec![family(40, Some(now.plus(Duration::from_secs(600))))],
        MonitorName::Silence => {
            gauges.heard =
                vec![Heard { connection: "hubspot".into(), source: "look".into(), at: ago(4_000), count: 1 }];
        }
        MonitorName::Queue => gauges.counts.executions = executions(Status::Pending, 6_000),
        MonitorName::Overdue => gauges.oldest_due = Some(ago(400)),
        MonitorName::Doubt => gauges.counts.executions = executions(Status::InDoubt, 1),
        MonitorName::DeadLetters => gauges.counts.executions = executions(Status::Failed, 60),
        MonitorName::Review => gauges.oldest_review = Some(ago(80 * 3_600)),
        MonitorName::Drift => gauges.drift = (2, 1),
        MonitorName::Channel => {
            gauges.channels = vec![ChannelState {
                channel: ChannelKind::Slack,
                healthy: false,
                words: "it answered 404: \"no_service\"".into(),
                since: now,
                waiting: 0,
            }];
        }
    }
    (gauges, token)
}

#[tokio::test]
async fn r167_every_monitor_fires_once_within_its_time_and_recovers_once() {
    let settings = Settings { oncall: "Team Sync".into(), ..Settings::default() };
    let mut slowest = 0;
    for name in MonitorName::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(Timestamp(1_795_046_400_000));
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path, Arc::new(clock.clone())).expect("a journal");
        let began = clock.now();
        let mut told = Vec::new();
        for look in 0..160 {
            // Well for five looks, in trouble for 70, well again; in the middle of both the process restarts.
            let now = clock.now();
            let (gauges, token) = if (5..75).contains(&look) {
                trouble(*name, now)
            } else {
                (Gauges { at: now, ..Gauges::default() }, standing())
            };
            if look == 40 || look == 120 {
                journal = Journal::open(&path, Arc::new(clock.clone())).expect("a restart");
            }
            let tokens = [Credential { connection: hubspot(), standing: token }];
            let readings = readings(&gauges, &tokens, &settings);
            let alerts =
                journal.judge(readings, settings.rules(), vec![ChannelKind::Slack]).await.expect("judged");
            told.extend(alerts.into_iter().map(|alert| (alert, now.since(began) / 1_000 - 150)));
            clock.advance(settings.period());
        }
        let kinds: Vec<_> = told.iter().map(|(alert, _)| (alert.monitor, alert.kind)).collect();
        assert_eq!(kinds, [(Some(*name), Tidings::Alert), (Some(*name), Tidings::Recovered)], "{name}");
        let hold = name.row().for_seconds as i64;
        assert!(told[0].1 <= hold, "{name} fired {} s after it began", told[0].1);
        if hold == 0 {
            slowest = slowest.max(told[0].1);
        }
        let line = told[0].0.line();
        assert!(line.contains("Team Sync") && !line.contains("SECRET") && !line.contains('@'), "{line}");
    }
    // A look sees what was wrong at its moment; in the worst case trouble begins just after one.
    let line = format!(
        "R167 alerts: {} monitors told once each and recovered once; an alert at the latest {} s after the first failure\n",
        MonitorName::ALL.len(),
        slowest + settings.period().as_secs() as i64
    );
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

#[test]
fn r212_a_credential_is_ok_expiring_or_failed() {
    let now = Timestamp(1_795_046_400_000);
    let gauges = Gauges { at: now, ..Gauges::default() };
    let of = |standing: Standing, gauges: &Gauges| {
        measure::health(&Credential { connection: hubspot(), standing }, gauges).as_str()
    };
    assert_eq!(of(standing(), &gauges), "ok");
    let soon = Some(now.plus(Duration::from_secs(3_600)));
    assert_eq!(of(Standing { expires_at: soon, ..standing() }, &gauges), "expiring");
    // What is renewed by itself ends every hour and is well.
    assert_eq!(of(Standing { expires_at: soon, renews: true, ..standing() }, &gauges), "ok");
    assert_eq!(of(Standing { rotated_unkept: true, ..standing() }, &gauges), "expiring");
    assert_eq!(of(Standing { grant: Err("missing".into()), ..standing() }, &gauges), "failed");
    let refused = Gauges { breakers: vec![breaker(BreakerCause::Auth)], ..gauges };
    assert_eq!(of(standing(), &refused), "failed");
}
