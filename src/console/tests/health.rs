//! Screen 7: each line with what mends it, what `f` does to the journal, and what is said where nothing is known.

use std::time::Duration;

use super::bench::Bench;
use super::world::{NOW, World};
use crate::console::actions::Action;
use crate::console::outside::{Credential, Outside, still};
use crate::console::panes::Screen as Pane;
use crate::domain::breaker::{Breaker, BreakerCause, BreakerState};
use crate::domain::clock::Timestamp;
use crate::domain::limit::DAY;
use crate::domain::monitor::{MonitorName, Reading, Rule, Severity};
use crate::domain::overview::Health;
use crate::domain::pause::{Pause, PauseScope};
use crate::domain::record::{Connection, System};
use crate::engine::intake::Needed;

pub(super) async fn troubled() -> World {
    let world = World::rich(20).await;
    let journal = &world.journal;
    world.connection(System::Intercom, Health::Up, "", 100).await;
    world.connection(System::Hubspot, Health::Up, "", 900).await;
    journal
        .put_breaker(Breaker {
            connection: Connection::only(System::Intercom),
            state: BreakerState::Open,
            cause: BreakerCause::Auth,
            since: NOW,
            look_at: Some(Timestamp(NOW.0 + 60_000)),
            words: "Access Token Invalid".to_owned(),
        })
        .await
        .expect("stored");
    journal
        .pause(Pause {
            scope: PauseScope::recipe("contact-to-crm"),
            actor: "bo".to_owned(),
            reason: "A migration is under way.".to_owned(),
            since: NOW,
            until: None,
        })
        .await
        .expect("paused");
    journal.note_refused_deliveries(&Connection::only(System::Intercom), 7).await.expect("noted");
    journal.note_saved_calls(&Connection::only(System::Hubspot), 1_250).await.expect("noted");
    let rule = Rule { alert: 1.0, recover: 0.0, hold: Duration::ZERO };
    let reading = |monitor, subject: &str, value, sentence: &str| Reading {
        monitor,
        subject: subject.to_owned(),
        value,
        sentence: sentence.to_owned(),
    };
    journal
        .judge(
            vec![
                reading(MonitorName::Failures, "contact-to-crm", 9.0, "9 executions failed for good."),
                reading(MonitorName::Review, "", 0.0, ""),
            ],
            vec![
                (MonitorName::Failures, rule, Severity::Error),
                (MonitorName::Review, rule, Severity::Warning),
            ],
            vec![],
        )
        .await
        .expect("judged");
    world
}

pub(super) fn outside() -> Outside {
    let credential = |system, grant: Result<&str, &str>, expires_at| Credential {
        connection: Connection::only(system),
        secrets: vec![(format!("{}_ACCESS_TOKEN", system.as_str().to_uppercase()), grant.is_ok())],
        grant: grant.map(str::to_owned).map_err(str::to_owned),
        renews: false,
        expires_at,
    };
    let needed = |topic, title| Needed {
        system: System::Intercom,
        topic,
        title,
        recipes: vec!["contact-to-crm".to_owned()],
    };
    Outside {
        credentials: vec![
            credential(System::Intercom, Ok("a fixed access token"), None),
            credential(System::Hubspot, Ok("a fixed access token"), Some(Timestamp(NOW.0 + 3 * DAY))),
            credential(System::Salesforce, Err("There is no access token for salesforce."), None),
        ],
        needed: Some(vec![
            needed("contact.user.updated", "User updated"),
            needed("contact.deleted", "Contact deleted"),
        ]),
        poll_seconds: 300,
        public_url: "https://sync.example.com/".to_owned(),
    }
}

async fn bench(size: (u16, u16)) -> Bench {
    let mut bench = Bench::sized(troubled().await, size).await;
    bench.console.look_outside(still(outside()));
    bench.press("7").await;
    bench
}

/// Goes to the line that a filter finds alone.
async fn find(bench: &mut Bench, words: &str) {
    bench.press("Esc Esc /").await;
    bench.type_text(words).await;
    bench.press("Enter").await;
}

#[tokio::test]
async fn r7_health_begins_with_what_needs_somebody_and_lists_all_there_is() {
    let mut bench = bench((140, 60)).await;
    for text in [
        "need a look",
        "CONNECTIONS",
        "Intercom",
        "refused 0s",
        "LIMITS",
        "HubSpot day",
        "900 of 1,000",
        "HubSpot batches",
        "1,250",
        "PAUSES",
        "recipe contact-to-crm",
        "WEBHOOKS",
        "7 bad signatures",
        "LAST HEARD OF",
        "WORK",
        "lag, event to end",
        "echo ledger",
        "MONITORS",
        "failures contact-to-crm",
        "SCHEMA",
    ] {
        bench.says(text);
    }
    // The first line that needs somebody is the chosen one.
    bench.says("Access Token Invalid");
}

#[tokio::test]
async fn r7_an_open_breaker_is_looked_at_now_only_after_a_capital_y() {
    let mut bench = bench((120, 40)).await;
    bench.says("Fix f look now whether it works again");
    bench.says("reknit doctor");
    bench.press("f").await;
    bench.says("Look at Intercom now?");
    bench.press("Enter").await;
    let look_at = async |bench: &Bench| bench.world.journal.breakers().await.expect("read")[0].look_at;
    assert_eq!(look_at(&bench).await, Some(Timestamp(NOW.0 + 60_000)), "Enter is never yes");
    bench.press("f Y").await;
    assert_eq!(look_at(&bench).await, Some(NOW));
    bench.says("Intercom is looked at now");
}

#[tokio::test]
async fn r7_a_pause_is_resumed_from_its_line() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "paused by bo").await;
    bench.says("A migration is under way.");
    bench.says("reknit resume recipe contact-to-crm");
    bench.press("f").await;
    bench.says("Resume recipe contact-to-crm?");
    bench.press("Y").await;
    assert_eq!(bench.world.journal.pauses().await.expect("read"), []);
    bench.says("The pause of recipe contact-to-crm is over.");
}

#[tokio::test]
async fn r7_a_day_that_will_not_last_says_when_and_opens_what_waits() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "HubSpot day").await;
    bench.says("day limit reached at");
    bench.says("at this rate");
    bench.says("our budget");
    bench.press("f").await;
    assert_eq!(bench.console.app().screen(), Pane::Executions);
    bench.says("status:pending system:hubspot");
}

#[tokio::test]
async fn r7_tokens_are_shown_by_name_and_date_and_what_is_missing_has_its_command() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "connections hubspot").await;
    bench.says("HUBSPOT_ACCESS_TOKEN");
    bench.says("nothing renews it");
    bench.says("in 3 d");
    find(&mut bench, "connections salesforce").await;
    bench.says("There is no access token");
    bench.press("f").await;
    bench.says("Copied reknit vault set SALESFORCE_ACCESS_TOKEN");
}

#[tokio::test]
async fn r7_webhooks_are_held_against_what_recipes_need() {
    let mut bench = bench((140, 40)).await;
    find(&mut bench, "webhooks/intercom").await;
    bench.says("contact.user.updated");
    bench.says("✓ came");
    bench.says("contact.deleted");
    bench.says("none lately; needed by contact-to-crm");
    bench.says("https://sync.example.com/webhooks/intercom");
    bench.says("7 wrong");
    bench.press("f").await;
    bench.says("reknit vault set INTERCOM_CLIENT_SECRET");
}

#[tokio::test]
async fn r7_a_monitor_leads_to_what_it_watches() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "monitor/failures").await;
    bench.says("9 executions failed for good.");
    bench.says("Alerts from");
    bench.says("Told");
    bench.press("f").await;
    bench.says("status:failed recipe:contact-to-crm");
    bench.press("7").await;
    find(&mut bench, "monitor/review").await;
    assert!(bench.console.app().can(Action::Mend).is_err());
    bench.press("f").await;
    bench.says("nothing is wrong with this line");
    bench.press("Esc o").await;
    assert_eq!(bench.console.app().screen(), Pane::Conflicts);
}

#[tokio::test]
async fn r7_answer_times_are_percentiles_of_the_newest_calls() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "answers/hubspot").await;
    bench.says("Of the newest 1 call to it");
    bench.says("127 ms");
    bench.press("Y").await;
    bench.says("Copied reknit monitors --series latency");
    bench.press("Esc o").await;
    assert_eq!(bench.console.app().screen(), Pane::Log);
}

#[tokio::test]
async fn r7_the_selection_follows_its_line_when_others_come_and_go() {
    let mut bench = bench((120, 40)).await;
    find(&mut bench, "paused by bo").await;
    bench.press("Esc").await;
    bench.says("A migration is under way.");
    let mut breaker = bench.world.journal.breakers().await.expect("read").remove(0);
    breaker.state = BreakerState::Closed;
    bench.world.journal.put_breaker(breaker).await.expect("stored");
    bench.world.clock.advance(Duration::from_secs(5));
    bench.changed().await;
    bench.says("A migration is under way.");
    bench.press("g").await;
    bench.says_not("A migration is under way.");
}

#[tokio::test]
async fn r7_narrow_it_is_a_list_and_enter_goes_in() {
    for size in [(80, 24), (60, 16)] {
        let mut bench = bench(size).await;
        bench.says("CONNECTIONS");
        bench.says_not("Access Token Invalid");
        bench.press("Enter").await;
        bench.says("Breaker");
        bench.press("Esc").await;
        bench.says("CONNECTIONS");
    }
}

#[tokio::test]
async fn r7_an_empty_an_unread_and_a_filtered_health_say_which() {
    let mut bench = Bench::sized(World::empty(), (120, 40)).await;
    bench.press("7").await;
    bench.says("none looked yet");
    bench.says("all well");
    bench.press("f").await;
    bench.says("nothing is wrong with this line");
    find(&mut bench, "zzz").await;
    bench.says("Nothing matches \"zzz\".");
    bench.press("Esc").await;
    bench.says("echo ledger");
    let file = rusqlite::Connection::open(bench.world.journal.path()).expect("open");
    file.execute_batch("PRAGMA legacy_alter_table = ON; ALTER TABLE breakers RENAME TO away")
        .expect("renamed");
    let world = bench.world;
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.press("7").await;
    bench.says("The journal cannot be read.");
    file.execute_batch("PRAGMA legacy_alter_table = ON; ALTER TABLE away RENAME TO breakers")
        .expect("renamed");
    bench.changed().await;
    bench.says("echo ledger");
}
