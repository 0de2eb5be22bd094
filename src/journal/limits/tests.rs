//! Counting: windows, days, what vendors tell, and what survives a restart.

use std::sync::Arc;

use super::*;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::limit::Window;
use crate::domain::record::System;
use crate::journal::Journal;

const START: Timestamp = Timestamp(1_795_219_200_000); // a midnight, UTC

struct Desk {
    clock: ManualClock,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { clock: ManualClock::at(START), folder: tempfile::tempdir().unwrap() }
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.folder.path().join("journal.db"), Arc::new(self.clock.clone())).unwrap()
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }
}

fn rule(most: u32, day: u32) -> Rule {
    let tomorrow = Timestamp(START.0 + DAY);
    Rule {
        connection: Vendor::only(System::Hubspot),
        family: Family::General,
        window: Some(Window { length: Duration::from_secs(10), most }),
        daily: vec![Daily {
            family: Family::General,
            most: day,
            day: Some((START, tomorrow)),
            budget_percent: 80,
            urgent_percent: 95,
        }],
    }
}

async fn take(journal: &Journal, rule: &Rule, calls: u32, urgency: Urgency, told: Told) -> Reservation {
    journal.reserve_calls(rule.clone(), calls, urgency, told).await.unwrap()
}

fn granted(reservation: Reservation) -> Grant {
    match reservation {
        Reservation::Granted(grant) => grant,
        Reservation::NotBefore { until, why } => panic!("not before {until:?}: {why:?}"),
    }
}

fn refused(reservation: Reservation) -> (Timestamp, Waiting) {
    match reservation {
        Reservation::NotBefore { until, why } => (until, why),
        Reservation::Granted(grant) => panic!("{grant:?}"),
    }
}

#[tokio::test]
async fn a_full_window_opens_when_its_oldest_calls_have_passed() {
    let desk = Desk::new();
    let journal = desk.journal();
    let rule = rule(10, 1_000_000);
    assert_eq!(granted(take(&journal, &rule, 4, Urgency::Usual, Told::default()).await).calls, 4);
    desk.pass(3_000);
    assert_eq!(granted(take(&journal, &rule, 9, Urgency::Usual, Told::default()).await).calls, 6);
    let (until, why) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert_eq!(until, START.plus(Duration::from_secs(10) + GUARD));
    assert_eq!(why.phrase(System::Hubspot), "our limit of 10 calls in 10 s to HubSpot");
    // Neither an operator nor work that has begun gets past a window.
    refused(take(&journal, &rule, 1, Urgency::Operator, Told::default()).await);
    refused(take(&journal, &rule, 1, Urgency::Begun, Told::default()).await);
    desk.pass(7_150);
    assert_eq!(granted(take(&journal, &rule, 9, Urgency::Usual, Told::default()).await).calls, 4);
}

#[tokio::test]
async fn what_was_not_used_is_given_back_and_what_came_late_counts_from_then() {
    let desk = Desk::new();
    let journal = desk.journal();
    let rule = rule(10, 1_000_000);
    let block = granted(take(&journal, &rule, 10, Urgency::Usual, Told::default()).await);
    desk.pass(5_000);
    let late = (Grant { calls: 3, ..block }, desk.clock.now());
    let told = Told { returned: vec![Grant { calls: 7, ..block }], late: vec![late], ..Told::default() };
    assert_eq!(granted(take(&journal, &rule, 10, Urgency::Usual, told).await).calls, 7);
    let states = journal.call_limits().await.unwrap();
    assert_eq!((states[0].used, states[0].daily_used), (10, 10));
    // The three of the old block count five seconds longer.
    desk.pass(5_150);
    let (until, _) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert_eq!(until, START.plus(Duration::from_secs(15) + GUARD));
}

#[tokio::test]
async fn r20_the_days_calls_are_known_after_a_restart_and_stop_before_the_limit() {
    let desk = Desk::new();
    let rule = rule(1_000, 100);
    {
        let journal = desk.journal();
        granted(take(&journal, &rule, 60, Urgency::Usual, Told::default()).await);
    }
    desk.pass(3_600_000);
    let journal = desk.journal();
    // Sixty are used; twenty more are within the budget of 80.
    assert_eq!(granted(take(&journal, &rule, 50, Urgency::Usual, Told::default()).await).calls, 20);
    let (until, why) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert_eq!(until, Timestamp(START.0 + DAY), "parked until the renewal");
    assert_eq!(why, Waiting::Budget { used: 80, limit: 100, percent: 80 });
    // What an operator asked for passes, to the second mark.
    assert_eq!(granted(take(&journal, &rule, 50, Urgency::Operator, Told::default()).await).calls, 15);
    refused(take(&journal, &rule, 1, Urgency::Operator, Told::default()).await);
    // Work that has begun is finished all the same, and counted.
    granted(take(&journal, &rule, 1, Urgency::Begun, Told::default()).await);
    let state = journal.call_limits().await.unwrap().remove(0);
    assert_eq!((state.daily_used, state.daily_limit, state.daily_budget), (96, 100, 80));
    assert_eq!(state.renewed_at, Some(Timestamp(START.0 + DAY)));
    // The next day begins at nothing.
    desk.pass(DAY as u64);
    let next = Rule {
        daily: vec![Daily {
            day: Some((Timestamp(START.0 + DAY), Timestamp(START.0 + 2 * DAY))),
            ..rule.daily[0]
        }],
        ..rule
    };
    granted(take(&journal, &next, 50, Urgency::Usual, Told::default()).await);
}

#[tokio::test]
async fn a_vendors_answer_corrects_the_picture() {
    let desk = Desk::new();
    let journal = desk.journal();
    let rule = rule(100, 1_000_000);
    granted(take(&journal, &rule, 10, Urgency::Usual, Told::default()).await);
    // Another app of the account has made 50 calls of the window and 790,000 of the day; a window is 80, not 100.
    let reading = Reading { at: desk.clock.now(), window: Some((60, 80)), day: Some((799_990, 1_000_000)) };
    let told = Told { reading: Some(reading.clone()), ..Told::default() };
    assert_eq!(granted(take(&journal, &rule, 100, Urgency::Usual, told).await).calls, 10, "80 % of the day");
    let told = Told { reading: Some(Reading { day: Some((5, 1_000_000)), ..reading }), ..Told::default() };
    assert_eq!(granted(take(&journal, &rule, 100, Urgency::Usual, told).await).calls, 10, "80 in the window");
    let (until, why) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert_eq!(until, START.plus(Duration::from_secs(10) + GUARD));
    assert!(matches!(why, Waiting::Window(Window { most: 80, .. })), "{why:?}");
}

#[tokio::test]
async fn a_closed_family_is_closed_for_every_process_until_the_vendors_time() {
    let desk = Desk::new();
    let (one, other) = (desk.journal(), desk.journal());
    let rule = rule(100, 1_000_000);
    let until = START.plus(Duration::from_secs(30));
    let told = Told { closed: Some((until, "HubSpot's rate limit".into())), ..Told::default() };
    one.tell_calls(rule.clone(), told).await.unwrap();
    let (said, why) = refused(take(&other, &rule, 1, Urgency::Operator, Told::default()).await);
    assert_eq!((said, why), (until, Waiting::Closed("HubSpot's rate limit".into())));
    let state = other.call_limits().await.unwrap().remove(0);
    assert_eq!((state.closed_until, state.closed_why.as_str()), (Some(until), "HubSpot's rate limit"));
    desk.pass(30_000);
    granted(take(&other, &rule, 1, Urgency::Usual, Told::default()).await);
}

#[tokio::test]
async fn g12_a_clock_set_back_a_day_keeps_nobody_waiting_for_a_day() {
    let desk = Desk::new();
    let rule = rule(10, 1_000_000);
    {
        let journal = desk.journal();
        granted(take(&journal, &rule, 10, Urgency::Usual, Told::default()).await);
        let closed = Some((START.plus(Duration::from_secs(5)), "HubSpot's rate limit".into()));
        journal.tell_calls(rule.clone(), Told { closed, ..Told::default() }).await.unwrap();
    }
    let earlier = ManualClock::at(Timestamp(START.0 - DAY));
    let path = desk.folder.path().join("journal.db");
    let journal = Journal::open(&path, Arc::new(earlier.clone())).unwrap();
    let (until, _) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert!(until.since(earlier.now()) <= 5_000);
    earlier.advance(Duration::from_secs(5));
    let (until, _) = refused(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
    assert!(until.since(earlier.now()) <= 10_150);
    earlier.advance(Duration::from_millis(10_150));
    granted(take(&journal, &rule, 1, Urgency::Usual, Told::default()).await);
}

#[tokio::test]
async fn g12_no_jump_of_the_clock_stops_calls_for_long_or_lets_a_burst_through() {
    use std::io::Write as _;
    let (mut longest, mut most_in_a_window) = (0, 0);
    for jump in [DAY / 24, -DAY / 24, DAY, -DAY, -START.0, 2_147_483_647_000 - START.0] {
        let desk = Desk::new();
        let journal = desk.journal();
        // The day of the vendor's zone is the wall's, before and after.
        let rule_now = |desk: &Desk| {
            let from = desk.clock.now().0.div_euclid(DAY) * DAY;
            let mut rule = rule(10, 100);
            rule.daily[0].day = Some((Timestamp(from), Timestamp(from + DAY)));
            rule
        };
        desk.pass(3_600_000);
        let mut sent: Vec<Duration> = Vec::new();
        let mut waited = 0;
        let closed = Some((desk.clock.now().plus(Duration::from_secs(20)), "HubSpot's rate limit".into()));
        for second in 0..120 {
            if second == 5 {
                desk.clock.set(Timestamp(desk.clock.now().0 + jump));
            }
            let told = if second == 60 {
                Told { closed: closed.clone(), ..Told::default() }
            } else {
                Told::default()
            };
            let told = Told {
                closed: told.closed.map(|(_, why)| (desk.clock.now().plus(Duration::from_secs(20)), why)),
                ..told
            };
            if second == 62 {
                // And once more, now while the vendor has closed.
                desk.clock.set(Timestamp(desk.clock.now().0 - jump));
            }
            match take(&journal, &rule_now(&desk), 3, Urgency::Usual, told).await {
                Reservation::Granted(grant) => {
                    assert!(
                        !(62..79).contains(&second),
                        "{jump}: the vendor's pause was cut short after {second} s"
                    );
                    sent.extend((0..grant.calls).map(|_| desk.clock.steady()));
                    waited = 0;
                }
                Reservation::NotBefore { why: Waiting::Budget { used, .. }, .. } => {
                    // The day's calls are used up rightly: not by calls counted twice.
                    assert!(used <= sent.len() as u32, "{jump}: {used} counted, {} sent", sent.len());
                    break;
                }
                Reservation::NotBefore { .. } => waited += 1,
            }
            longest = longest.max(waited);
            desk.pass(1_000);
        }
        for from in &sent {
            let window =
                sent.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(10)).count();
            most_in_a_window = most_in_a_window.max(window);
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "G12 limits, clock set by +-1 h, +-1 day, to 1970 and 2038 and back: at most {most_in_a_window} of 10 calls in a window, \
         no call for {longest} s at the longest (a vendor's pause of 20 s among them)"
    );
    assert!(most_in_a_window <= 10, "{most_in_a_window}");
    assert!(longest <= 31, "{longest}");
}

#[tokio::test]
async fn the_last_24_hours_ease_as_time_passes_and_a_bulk_upload_counts_twice() {
    let desk = Desk::new();
    let journal = desk.journal();
    let day = |family, most| Daily { family, most, day: None, budget_percent: 80, urgent_percent: 95 };
    let rest = Rule {
        connection: Vendor::only(System::Salesforce),
        family: Family::Rest,
        window: None,
        daily: vec![day(Family::Rest, 15_000)],
    };
    let bulk = Rule {
        family: Family::Bulk,
        daily: vec![day(Family::Rest, 15_000), day(Family::Bulk, 3)],
        ..rest.clone()
    };
    // The org allows 100,000, and other apps have used 80,000 of them.
    let reading = Reading { at: desk.clock.now(), window: None, day: Some((80_000, 100_000)) };
    let told = Told { reading: Some(reading), ..Told::default() };
    let (until, why) = refused(take(&journal, &rest, 1, Urgency::Usual, told).await);
    assert!(matches!(why, Waiting::Budget { used: 80_000, limit: 100_000, percent: 80 }), "{why:?}");
    desk.pass(until.since(START) as u64);
    granted(take(&journal, &rest, 1, Urgency::Usual, Told::default()).await);
    granted(take(&journal, &bulk, 1, Urgency::Usual, Told::default()).await);
    granted(take(&journal, &bulk, 1, Urgency::Usual, Told::default()).await);
    let (_, why) = refused(take(&journal, &bulk, 1, Urgency::Usual, Told::default()).await);
    assert_eq!(why, Waiting::Budget { used: 2, limit: 3, percent: 80 });
    let states = journal.call_limits().await.unwrap();
    assert_eq!((states[0].family, states[0].limit, states[0].daily_limit), (Family::Rest, 0, 100_000));
    assert_eq!((states[1].family, states[1].daily_used), (Family::Bulk, 2));
}

#[tokio::test]
async fn r213_the_forecast_says_when_the_budget_is_reached() {
    let desk = Desk::new();
    let journal = desk.journal();
    let rule = rule(1_000_000, 1_000);
    desk.pass(6 * 3_600_000);
    granted(take(&journal, &rule, 400, Urgency::Usual, Told::default()).await);
    let state = journal.call_limits().await.unwrap().remove(0);
    // 400 in six hours: 800 after twelve.
    assert_eq!(state.budget_reached_at, Some(Timestamp(START.0 + DAY / 2)));
    desk.pass(10 * 3_600_000);
    let state = journal.call_limits().await.unwrap().remove(0);
    assert_eq!(state.budget_reached_at, None, "25 an hour end below the budget");
}
