//! Every class of failure, on a step that may be repeated or not, in doubt or not: its state and its next time.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::breaker;
use crate::domain::clock::{Clock as _, ManualClock, Timestamp};
use crate::domain::execution::{Execution, Priority};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::Step;
use crate::domain::record::{Fields, ObjectKind, RecordRef, System};
use crate::domain::secret::{Credentials, Secret};
use crate::engine::{Engine, Settings};
use crate::journal::Journal;
use crate::journal::queue::Claim;
use crate::mapping::Mapping;
use crate::vendors::{self, Clients};

const NOW: Timestamp = Timestamp(1_795_000_000_000);

struct Nothing;

impl Credentials for Nothing {
    fn access_token(&self, _: &Connection) -> Option<Secret> {
        None
    }

    fn webhook_secret(&self, _: &Connection) -> Option<Secret> {
        None
    }
}

struct Desk {
    engine: Engine,
    clock: ManualClock,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let clock = ManualClock::at(NOW);
        let shared = Arc::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.db"), shared.clone()).unwrap();
        let clients = Clients::new(&vendors::Settings::default(), Arc::new(Nothing), shared.clone()).unwrap();
        let engine = Engine::new(journal, clients, Arc::new(Mapping::shipped()), shared, Settings::default());
        Self { engine, clock, _folder: folder }
    }

    fn claim(attempts: u32) -> Claim {
        Claim {
            execution: Execution {
                id: ExecutionId(7),
                event: None,
                decision: None,
                recipe: recipes::CONTACT_TO_CRM.to_owned(),
                subject: "Mara Quint".to_owned(),
                record: None,
                status: Status::Pending,
                outcome: None,
                sentence: String::new(),
                error_class: None,
                error_code: None,
                attempts,
                max_attempts: 12,
                due_at: Some(NOW),
                priority: Priority::Live,
                created_at: NOW,
                updated_at: NOW,
                editions: None,
                cause: None,
                replay_of: None,
            },
            event: None,
            decision: None,
            plan: None,
            token: 1,
            alone: false,
        }
    }

    fn settle(&self, case: &Case) -> (Status, Settlement) {
        let mut turn =
            Turn::new(&self.engine, Self::claim(case.attempts), tokio::sync::watch::channel(false).1);
        let connection = Connection::only(System::Hubspot);
        let record =
            RecordRef { connection: connection.clone(), object: ObjectKind::Contact, id: "151".to_owned() };
        let effect = if case.repeatable {
            Effect::Update { record, fields: Fields::default() }
        } else {
            Effect::Create {
                connection: connection.clone(),
                object: ObjectKind::Contact,
                fields: Fields::default(),
                identity: "email".to_owned(),
                related: Vec::new(),
            }
        };
        let state = if case.doubt { StepState::InDoubt } else { StepState::Begun };
        let step = Step {
            title: "Write".to_owned(),
            effect,
            fills: Vec::new(),
            state,
            result: None,
            reads_back: false,
        };
        turn.planned.plan.steps = vec![step];
        let mut error = VendorError::new(case.class, "The vendor's words.");
        // As the vendors' clients say of an answer that never came.
        error.may_have_happened =
            breaker::BreakerCause::of(case.class) == Some(breaker::BreakerCause::Unavailable);
        error.retry_at = case.retry_after.map(|after| NOW.plus(after));
        let held = case.held.then(|| Parked {
            until: NOW.plus(Duration::from_secs(60)),
            why: "HubSpot to answer".to_owned(),
            soon: false,
            held_by: Some(breaker::key(&connection)),
        });
        turn.refused(&connection, &error, Some(0), held)
    }
}

#[derive(Clone, Copy)]
struct Case {
    class: ErrorClass,
    repeatable: bool,
    doubt: bool,
    held: bool,
    attempts: u32,
    retry_after: Option<Duration>,
}

impl Case {
    fn of(class: ErrorClass) -> Self {
        Self { class, repeatable: true, doubt: false, held: false, attempts: 0, retry_after: None }
    }
}

fn shown(settled: &(Status, Settlement), now: Timestamp) -> String {
    let (status, settlement) = settled;
    let wait = settlement.due_at.map(|due| due.since(now));
    let wait = match (wait, &settlement.held_by) {
        (_, Some(key)) => key.clone(),
        (None, None) => "-".to_owned(),
        (Some(0), None) => "now".to_owned(),
        (Some(wait), None) if (2_500..=5_000).contains(&wait) => "2.5-5 s".to_owned(),
        (Some(wait), None) => format!("{} s", wait / 1_000),
    };
    let tried = if settlement.failed_try { "1 try" } else { "0 tries" };
    format!("{status:<9} {tried:<7} {wait}")
}

/// Columns: the class; may be repeated; not in doubt, or in doubt before; then state, tries, next time.
const EXPECTED: &str = "
auth               update  retrying  1 try   2.5-5 s    | create retrying  1 try   2.5-5 s    | doubt in_doubt  1 try   2 s
permission         update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
rate_limited       update  pending   0 tries 10 s       | create pending   0 tries 10 s       | doubt in_doubt  0 tries 10 s
quota_exhausted    update  pending   0 tries 900 s      | create pending   0 tries 900 s      | doubt in_doubt  0 tries 900 s
validation         update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
unknown_field      update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
not_allowed_value  update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
duplicate_detected update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
not_found          update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
merged_away        update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
converted          update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
locked             update  retrying  1 try   2.5-5 s    | create retrying  1 try   2.5-5 s    | doubt in_doubt  1 try   2 s
conflict           update  retrying  1 try   now        | create retrying  1 try   now        | doubt in_doubt  1 try   2 s
too_large          update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
unavailable        update  retrying  1 try   2.5-5 s    | create in_doubt  1 try   2 s        | doubt in_doubt  1 try   2 s
timeout            update  retrying  1 try   2.5-5 s    | create in_doubt  1 try   2 s        | doubt in_doubt  1 try   2 s
malformed          update  retrying  1 try   2.5-5 s    | create in_doubt  1 try   2 s        | doubt in_doubt  1 try   2 s
missing_data       update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
recipe             update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
unknown            update  failed    1 try   -          | create failed    1 try   -          | doubt in_doubt  1 try   2 s
";

#[tokio::test]
async fn g6_every_class_has_its_state_and_its_time() {
    let mut table = String::from("\n");
    for &class in ErrorClass::ALL {
        // Limits that one class closes must not be seen by the next.
        let desk = Desk::new();
        let cell = |repeatable, doubt| {
            shown(&desk.settle(&Case { repeatable, doubt, ..Case::of(class) }), desk.clock.now())
        };
        let line = format!(
            "{:<18} update  {:<27} | create {:<27} | doubt {}",
            class.as_str(),
            cell(true, false),
            cell(false, false),
            cell(false, true)
        );
        table.push_str(line.trim_end());
        table.push('\n');
    }
    let _ = write!(std::io::stderr(), "G6 classes:{table}");
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed(&table), squeezed(EXPECTED), "found:{table}");
}

#[tokio::test]
async fn what_a_breaker_holds_counts_no_try_and_loses_no_doubt() {
    let desk = Desk::new();
    for class in [ErrorClass::Auth, ErrorClass::Unavailable, ErrorClass::Timeout, ErrorClass::Malformed] {
        for (repeatable, doubt) in [(true, false), (false, false), (false, true)] {
            let case = Case { repeatable, doubt, held: true, attempts: 11, ..Case::of(class) };
            let (status, settlement) = desk.settle(&case);
            let uncertain = doubt || (!repeatable && class != ErrorClass::Auth);
            let expected = if uncertain { Status::InDoubt } else { Status::Pending };
            assert_eq!(
                (status, settlement.failed_try, settlement.due_at),
                (expected, false, None),
                "{class}"
            );
            assert_eq!(settlement.held_by.as_deref(), Some("breaker/hubspot"));
            assert_eq!(
                settlement.sentence.contains("It may have happened"),
                uncertain,
                "{}",
                settlement.sentence
            );
        }
    }
}

#[tokio::test]
async fn a_vendor_that_says_when_is_not_asked_before() {
    let half_an_hour = Duration::from_secs(1_800);
    for class in
        [ErrorClass::RateLimited, ErrorClass::QuotaExhausted, ErrorClass::Unavailable, ErrorClass::Locked]
    {
        for repeatable in [true, false] {
            let desk = Desk::new();
            let case = Case { repeatable, retry_after: Some(half_an_hour), ..Case::of(class) };
            assert_eq!(desk.settle(&case).1.due_at, Some(NOW.plus(half_an_hour)), "{class}");
        }
    }
}

#[tokio::test]
async fn the_last_try_makes_a_dead_letter_that_says_so() {
    let desk = Desk::new();
    for class in [ErrorClass::Unavailable, ErrorClass::Locked, ErrorClass::Timeout] {
        for repeatable in [true, false] {
            let (status, settlement) = desk.settle(&Case { repeatable, attempts: 11, ..Case::of(class) });
            assert_eq!((status, settlement.due_at), (Status::Failed, None), "{class}");
            let end = "Given up after 12 tries. Kept until somebody decides.";
            assert!(settlement.sentence.ends_with(end), "{}", settlement.sentence);
        }
    }
    // Waiting for a limit is no try, however many there were.
    let (status, settlement) = desk.settle(&Case { attempts: 11, ..Case::of(ErrorClass::RateLimited) });
    assert_eq!((status, settlement.failed_try), (Status::Pending, false));
}
