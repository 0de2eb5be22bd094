//! A real journal with something of everything, filled through its own verbs, and an operator over it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::domain::clock::{ManualClock, Timestamp};
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{EventKind, EventSource, NewEvent, Sent};
use crate::domain::evidence::Evidence;
use crate::domain::execution::{Attempt, Execution, Outcome, Priority, Status};
use crate::domain::filter::Filter;
use crate::domain::ids::{DuplicateId, UnlinkedId};
use crate::domain::page::Anchor;
use crate::domain::plan::{Effect, FoundConflict, Plan, Step, StepState};
use crate::domain::record::{Connection, Fields, Mirror, ObjectKind, RecordRef, System};
use crate::domain::review::{Band, ConflictKind, Duplicate, LinkCandidate, ReviewState, Standing, Unlinked};
use crate::domain::schema::{FieldKind, FieldSchema, ObjectSchema, OptionValue};
use crate::engine::operate::Operator;
use crate::journal::Journal;
use crate::journal::drift::Checked;
use crate::journal::intake::{Appended, Disposition, NewExecution};
use crate::journal::queue::Settlement;

pub(super) const NOW: Timestamp = Timestamp(1_795_000_000_000);
const LEASE: Duration = Duration::from_secs(60);

/// A journal, who decides on it, and its clock.
pub(super) struct World {
    pub(super) journal: Journal,
    pub(super) operator: Operator,
    pub(super) clock: ManualClock,
    pub(super) folder: tempfile::TempDir,
}

impl World {
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(NOW);
        let shared: Arc<ManualClock> = Arc::new(clock.clone());
        let journal =
            Journal::open(&folder.path().join("journal.db"), shared.clone()).expect("a new journal");
        let operator = Operator::shipped(journal.clone(), shared, "ana");
        Self { journal, operator, clock, folder }
    }

    /// Somebody else at the same journal.
    pub(super) fn operator_named(&self, name: &str) -> Operator {
        Operator::shipped(self.journal.clone(), Arc::new(self.clock.clone()), name)
    }

    /// `bulk` succeeded executions below 9 failed ones, 4 retrying ones and 1 pending; 4 conflicts, 3 duplicates and
    /// 2 unlinked people.
    pub(super) async fn rich(bulk: usize) -> Self {
        let world = Self::empty();
        let succeeded: Vec<String> = (0..bulk).map(|number| format!("Person {number}")).collect();
        world.run(&succeeded, |_| (Status::Succeeded, done())).await;
        world.conflicts().await;
        let auth: Vec<String> =
            ["Priya Patel", "Noor Haddad", "Globex", "Liam Walsh", "Sofia Costa", "Hana Kim"]
                .map(str::to_owned)
                .to_vec();
        world.run(&auth, |_| (Status::Failed, failed(ErrorClass::Auth, 401, "Invalid token."))).await;
        world
            .run(&["Ken Ito".to_owned(), "Ruth Stone".to_owned()], |_| {
                (
                    Status::Failed,
                    failed(ErrorClass::DuplicateDetected, 409, "Contact already exists. Existing ID: 151"),
                )
            })
            .await;
        let retrying = ["Marta Rossi", "Aiko Tanaka", "Omar Diaz", "Ines Duarte"].map(str::to_owned);
        world
            .run(&retrying, |_| {
                let due_at = Some(NOW.plus(Duration::from_secs(42)));
                (
                    Status::Retrying,
                    Settlement { due_at, outcome: None, ..failed(ErrorClass::Unavailable, 503, "Busy.") },
                )
            })
            .await;
        world.append("Zoë Ångström", NOW.plus(Duration::from_secs(6 * 3600))).await;
        world.run(&["Jane Doe".to_owned()], |_| (Status::Failed, explained())).await;
        world.review().await;
        world
    }

    /// Executions that all failed for one cause, without a plan.
    pub(super) async fn failing(count: usize) -> Self {
        let world = Self::empty();
        let subjects: Vec<String> = (1..=count).map(|number| format!("Person {number}")).collect();
        world.run(&subjects, |_| (Status::Failed, failed(ErrorClass::Auth, 401, "Invalid token."))).await;
        world
    }

    /// Queues one more execution, due at a time.
    pub(super) async fn append(&self, subject: &str, due_at: Timestamp) {
        self.journal.append(vec![incoming(subject, due_at)]).await.expect("stored");
    }

    /// People whose execution fails for good, for the same cause.
    pub(super) async fn failures(&self, subjects: &[&str]) {
        for subject in subjects {
            let stored = self.journal.append(vec![incoming(subject, NOW)]).await.expect("stored");
            let Appended::Queued(_, id) = stored[0] else { panic!("not queued: {stored:?}") };
            let claim = self.journal.claim_one(id, LEASE).await.expect("claimed").expect("due");
            let words = failed(ErrorClass::Auth, 401, "Invalid token.");
            self.journal.settle(id, claim.token, Status::Failed, words).await.expect("settled");
        }
    }

    /// What HubSpot's contacts look like, as far as the tests edit them.
    pub(super) async fn know_fields(&self) {
        let option =
            |value: &str| OptionValue { value: value.to_owned(), label: value.to_owned(), retired: false };
        let field = |name: &str, kind, options: &[&str]| FieldSchema {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            vendor_kind: String::new(),
            options: options.iter().map(|value| option(value)).collect(),
            writable: true,
            required: false,
            unique: false,
            longest: None,
        };
        let schema = ObjectSchema {
            connection: Connection::only(System::Hubspot),
            object: ObjectKind::Contact,
            fields: vec![
                field("hs_lead_status", FieldKind::Option, &["NEW", "OPEN", "UNQUALIFIED_OLD"]),
                field("jobtitle", FieldKind::Text, &[]),
            ],
            creatable: true,
            updatable: true,
        };
        let looked = Checked {
            connection: schema.connection.clone(),
            object: schema.object,
            schema: Some((schema.clone(), schema)),
            findings: Vec::new(),
        };
        self.journal.put_drift(looked).await.expect("stored");
    }

    /// The newest execution of a status.
    pub(super) async fn newest(&self, status: &str) -> Execution {
        let filter = Filter::parse(&format!("status:{status}")).expect("a filter");
        let page = self.journal.executions(&filter, Anchor::First, 1).await.expect("rows");
        page.rows.into_iter().next().expect("one of them")
    }

    /// So many calls of one execution: two of three to HubSpot, every tenth refused for its rate.
    pub(super) async fn calls(&self, count: usize) {
        let call = |number: usize| {
            let intercom = number % 3 == 1;
            let refused = number.is_multiple_of(10);
            Attempt {
                number: 1,
                step: Some(0),
                purpose: "update contact".to_owned(),
                started_at: NOW.plus(Duration::from_millis(number as u64)),
                duration_ms: 40 + number as u32,
                method: if intercom { "PUT" } else { "PATCH" }.to_owned(),
                url: if intercom {
                    format!("api.intercom.io/contacts/64e{number}")
                } else {
                    format!("api.hubapi.com/crm/v3/objects/contacts/{number}")
                },
                request: format!(
                    r#"{{"properties":{{"firstname":"Marta","jobtitle":"VP of call {number}"}}}}"#
                ),
                status: Some(if refused { 429 } else { 200 }),
                response: r#"{"id":"1","properties":{"email":"marta.rossi@acme.test"}}"#.to_owned(),
                request_id: Some(format!("request-{number}")),
                class: refused.then_some(ErrorClass::RateLimited),
            }
        };
        let attempts: Vec<Attempt> = (0..count).map(call).collect();
        self.run(&["Marta Rossi".to_owned()], |_| {
            (Status::Succeeded, Settlement { attempts: attempts.clone(), ..done() })
        })
        .await;
    }

    async fn run(&self, subjects: &[String], settlement: impl Fn(usize) -> (Status, Settlement)) {
        let incoming = subjects.iter().map(|subject| incoming(subject, NOW)).collect();
        self.journal.append(incoming).await.expect("stored");
        let mut claims = Vec::new();
        loop {
            let some = self.journal.claim(512, LEASE).await.expect("claimed");
            if some.is_empty() {
                break;
            }
            claims.extend(some);
        }
        assert_eq!(claims.len(), subjects.len());
        // No more at a time than may wait for the journal.
        let mut settled = claims.iter().enumerate().map(|(number, claim)| {
            let (status, settlement) = settlement(number);
            self.journal.settle(claim.execution.id, claim.token, status, settlement)
        });
        loop {
            let some = join_all(settled.by_ref().take(512)).await;
            if some.is_empty() {
                break;
            }
            for result in some {
                result.expect("settled");
            }
        }
    }

    async fn conflicts(&self) {
        let jane = |field: &str, kind, left: Value, right: Value, base: Option<Value>, allowed: &[&str]| {
            FoundConflict {
                kind,
                field: field.to_owned(),
                left: contact(System::Intercom, "64e2f1a3"),
                left_field: if field == "Phone" { "phone" } else { "custom_attributes.lifecycle_stage" }
                    .to_owned(),
                left_value: left,
                right: contact(System::Hubspot, "151"),
                right_field: if field == "Phone" { "phone" } else { "lifecyclestage" }.to_owned(),
                right_value: right,
                base,
                rule: "a human decides when both changed".to_owned(),
                line: "contact.toml:47".into(),
                decides: "revops".into(),
                left_by: None,
                right_by: None,
                allowed: allowed.iter().map(|text| (*text).to_owned()).collect(),
            }
        };
        let found = vec![
            jane(
                "Phone",
                ConflictKind::BothChanged,
                json!("+1 415 555 0199"),
                json!("+1 415 555 0100"),
                Some(json!("1")),
                &[],
            ),
            jane(
                "Lifecycle stage",
                ConflictKind::NotAllowed,
                json!("MQL"),
                json!("lead"),
                None,
                &["lead", "opportunity", "customer"],
            ),
        ];
        self.journal.put_mirrors(people()).await.expect("stored");
        self.run(&["Jane Doe".to_owned()], |_| {
            (Status::Succeeded, Settlement { conflicts: found.clone(), ..done() })
        })
        .await;
        for (number, name) in ["Ken Ito", "Omar \u{1b}[31mFarah\u{202e}"].into_iter().enumerate() {
            let mut other =
                jane("Phone", ConflictKind::OwnershipBreach, json!("1"), json!("2"), Some(json!("1")), &[]);
            other.left = contact(System::Intercom, &format!("other{number}"));
            self.run(&[name.to_owned()], |_| {
                (Status::Succeeded, Settlement { conflicts: vec![other.clone()], ..done() })
            })
            .await;
        }
    }

    async fn review(&self) {
        let copies = people();
        let pair = |left: usize, right: usize, probability: f64, band, obstacle: Option<&str>| Duplicate {
            id: DuplicateId(0),
            subject: copies[left].display_name(),
            left: copies[left].record.clone(),
            left_fields: copies[left].fields.clone(),
            right: copies[right].record.clone(),
            right_fields: copies[right].fields.clone(),
            probability,
            band,
            evidence: vec![bar("prior", -3_000), bar("email", 5_100), bar("phone", 3_600)],
            fingerprint: format!("{left}-{right}"),
            mergeable: obstacle.is_none(),
            obstacle: obstacle.map(str::to_owned),
            state: ReviewState::Open,
            deciding: None,
            created_at: NOW,
            resolution: None,
            standing: Standing::default(),
        };
        let found = vec![
            pair(1, 2, 0.97, Band::Auto, None),
            pair(1, 3, 0.81, Band::Review, None),
            pair(0, 4, 0.58, Band::Review, Some("Intercom cannot merge two users.")),
        ];
        self.journal.put_duplicates(found).await.expect("stored");
        self.journal
            .put_unlinked(vec![unlinked(0, "Priya Patel"), unlinked(1, "Dev Shah")])
            .await
            .expect("stored");
    }
}

/// A contact of HubSpot without an account, and the one that fits.
pub(super) fn unlinked(number: usize, name: &str) -> Unlinked {
    let company = RecordRef::new(System::Hubspot, ObjectKind::Company, "812");
    Unlinked {
        id: UnlinkedId(0),
        subject: name.to_owned(),
        contact: contact(System::Hubspot, &format!("90{number}")),
        domain: "globex.test".to_owned(),
        hint: "Intercom says Globex".to_owned(),
        candidates: vec![LinkCandidate {
            company,
            name: "Globex Corporation".to_owned(),
            domain: "globex.test".to_owned(),
            probability: 0.96,
            evidence: vec![bar("domain", 9_000)],
            family: String::new(),
        }],
        owner: String::new(),
        ruled_by: None,
        ignored_until: None,
        state: ReviewState::Open,
        deciding: None,
        created_at: NOW,
        resolution: None,
    }
}

fn contact(system: System, id: &str) -> RecordRef {
    RecordRef::new(system, ObjectKind::Contact, id)
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

/// Jane in Intercom, her three HubSpot records, another Intercom user, and a company.
fn people() -> Vec<Mirror> {
    let mirror = |record: RecordRef, value: Value| Mirror {
        record,
        fields: fields(value),
        vendor_updated_at: Some(NOW),
        companies: Vec::new(),
        deleted: false,
    };
    let hubspot = |id, value| mirror(contact(System::Hubspot, id), value);
    let company = RecordRef::new(System::Hubspot, ObjectKind::Company, "812");
    vec![
        mirror(
            contact(System::Intercom, "64e2f1a3"),
            json!({"name": "Jane Doe", "role": "user", "phone": "+1 415 555 0199"}),
        ),
        hubspot(
            "151",
            json!({"firstname": "Jane", "lastname": "Doe", "email": "jane@acme.test", "company": "Acme", "phone": "+1 415 555 0100", "address": null}),
        ),
        hubspot(
            "8841",
            json!({"firstname": "Jane", "lastname": "Doe", "email": "jane.doe@acme.test", "company": "Acme Inc."}),
        ),
        hubspot("9020", json!({"firstname": "jane", "lastname": "doe", "email": "j@home.test"})),
        mirror(contact(System::Intercom, "77b1"), json!({"name": "Jane D.", "role": "user"})),
        hubspot("900", json!({"firstname": "Priya"})),
        hubspot("901", json!({"firstname": "Dev"})),
        mirror(company, json!({"name": "Globex Corporation", "domain": "globex.test"})),
    ]
}

fn bar(comparison: &str, millibits: i32) -> Evidence {
    Evidence {
        comparison: comparison.to_owned(),
        level: "same".to_owned(),
        millibits,
        left: String::new(),
        right: String::new(),
        note: None,
    }
}

fn incoming(subject: &str, due_at: Timestamp) -> (NewEvent, Disposition) {
    let key = format!("{subject}-{}", fastrand::u64(..));
    let record = contact(System::Intercom, "64e2f1a3");
    let event = NewEvent {
        connection: Connection::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.clone(),
        topic: "contact.user.updated".to_owned(),
        kind: EventKind::ContactUpdated,
        record: Some(record.clone()),
        occurred_at: None,
        sent: Sent::default(),
        body: r#"{"amount": 12000.50}"#.to_owned(),
    };
    let execution = NewExecution {
        recipe: "contact-to-crm".to_owned(),
        subject: subject.to_owned(),
        record: Some(record),
        person: None,
        lane: key,
        priority: Priority::Live,
        due_at,
        sentence: "Waits for a worker.".to_owned(),
        max_attempts: 12,
    };
    (event, Disposition::Run(vec![execution]))
}

fn done() -> Settlement {
    Settlement {
        sentence: "Both sides agree; nothing had to be written.".to_owned(),
        outcome: Some(Outcome::Unchanged),
        ..Settlement::default()
    }
}

fn failed(class: ErrorClass, code: u16, words: &str) -> Settlement {
    Settlement {
        sentence: format!("Update HubSpot contact 151: {class}. Nothing was written."),
        outcome: Some(Outcome::Error),
        error_class: Some(class),
        error_code: Some(code),
        vendor_words: Some(words.to_owned()),
        failed_try: true,
        ..Settlement::default()
    }
}

/// A failure with all there is to explain it.
fn explained() -> Settlement {
    let mut step = Step::new(
        "Update HubSpot contact 151: Plan",
        Effect::Update {
            record: contact(System::Hubspot, "151"),
            fields: fields(json!({"hs_lead_status": "UNQUALIFIED"})),
        },
    );
    step.state = StepState::Failed;
    let attempt = Attempt {
        number: 1,
        step: Some(0),
        purpose: "update contact".to_owned(),
        started_at: NOW,
        duration_ms: 127,
        method: "PATCH".to_owned(),
        url: "api.hubapi.com/crm/v3/objects/contacts/151".to_owned(),
        request: r#"{"properties":{"hs_lead_status":"UNQUALIFIED","amount":12000.50}}"#.to_owned(),
        status: Some(400),
        response: r#"{"status":"error","message":"Property values were not valid"}"#.to_owned(),
        request_id: Some("abc".to_owned()),
        class: Some(ErrorClass::NotAllowedValue),
    };
    Settlement {
        plan: Some(Plan { steps: vec![step], ..Plan::default() }),
        attempts: vec![attempt],
        ..failed(ErrorClass::NotAllowedValue, 400, "Property values were not valid")
    }
}
