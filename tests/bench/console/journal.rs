//! A journal with as many executions as asked for, as months of a healthy service would leave it.
//!
//! The rows do not go through the journal's verbs: those commit each step for safety, so a million executions would
//! take hours, and they would give all rows the time of now. The file is made by the journal itself and its
//! triggers stay on, so counters and changes are what they would be. Only the audit log is left empty.

use std::fmt::Write as _;
use std::path::Path;

use reknit::cli::wiring;
use reknit::domain::clock::Timestamp;
use reknit::journal::Journal;
use rusqlite::{Connection, params};
use serde_json::json;
use sha2::{Digest, Sha256};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// What the executions are spread over.
const PERIOD: i64 = 60 * DAY;
/// Changes that a journal keeps.
const CHANGES_KEPT: i64 = 20_000;

const FIRST: [&str; 12] =
    ["Priya", "Maria", "Sven", "Wanda", "Omar", "Aiko", "Zoë", "Liam", "Noor", "Ken", "Rosa", "Jovana"];
const LAST: [&str; 12] = [
    "Santos",
    "Halvorsen",
    "Rossi",
    "Tanaka",
    "Nguyen",
    "Ito",
    "Ångström",
    "Okonkwo",
    "Weber",
    "Keller",
    "Patel",
    "Dubois",
];

/// Makes the journal. Afterwards nothing holds the file open.
pub(crate) fn make(path: &Path, executions: usize) {
    drop(Journal::open(path, wiring::clock()).expect("a new journal"));
    let mut connection = Connection::open(path).expect("the journal just made");
    // Losing this file in a power cut would cost a second run.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -64000;").expect("settings");
    let transaction = connection.transaction().expect("a transaction");
    fill(&transaction, executions, wiring::clock().now());
    transaction.commit().expect("a commit");
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").expect("a checkpoint");
}

fn fill(connection: &Connection, executions: usize, now: Timestamp) {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut events = connection
        .prepare(
            "INSERT INTO events (id, connection, source, delivery_key, topic, kind, record, received_at, body, \
             body_sha256) VALUES (?1, 'intercom', 'webhook', ?2, 'contact.user.updated', 'contact.updated', ?3, ?4, \
             ?5, ?6)",
        )
        .expect("the table");
    let mut rows = connection
        .prepare(
            "INSERT INTO executions (id, event_id, recipe, subject, record, lane, status, outcome, sentence, \
             error_class, error_code, vendor_words, attempts, max_attempts, due_at, priority, created_at, updated_at) \
             VALUES (?1, ?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 12, ?12, ?13, ?14, ?15)",
        )
        .expect("the table");
    let mut attempts = connection
        .prepare(
            "INSERT INTO attempts (execution_id, number, purpose, started_at, duration_ms, method, url, request, \
             status, response, class) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .expect("the table");
    let step = PERIOD / executions.max(1) as i64;
    for number in 1..=executions as i64 {
        // The newest is more than an hour old: ages on the screen then stand still while it is measured.
        let at = now.0 - 90 * MINUTE - (executions as i64 - number) * step;
        let subject = format!("{} {}", FIRST[rng.usize(..FIRST.len())], LAST[rng.usize(..LAST.len())]);
        let record = format!("intercom/contact/{:024x}", rng.u64(..) >> 12);
        let body = json!({
            "type": "notification_event", "id": format!("notif_{number}"), "topic": "contact.user.updated",
            "data": {"item": {"type": "contact", "id": record, "name": subject, "role": "user",
                "custom_attributes": {"plan": "pro", "job_title": "Team Lead", "seats": rng.u16(1..400)},
                "location": {"country": "Germany", "city": "Berlin"}, "last_seen_at": at / 1_000}},
        })
        .to_string();
        let hash = Sha256::digest(&body).iter().fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        events.execute(params![number, format!("notif_{number}"), record, at, body, hash]).expect("an event");
        let kind = Kind::of(rng.u16(..1_000));
        let recipe = if rng.u8(..10) < 7 { "contact-to-crm" } else { "contact-to-intercom" };
        rows.execute(params![
            number,
            recipe,
            subject,
            record,
            kind.status,
            kind.outcome,
            kind.sentence,
            kind.error.map(|(class, _)| class),
            kind.error.map(|(_, code)| code),
            kind.error.map(|_| "Property values were not valid."),
            u8::from(kind.error.is_some()),
            // Months away: no worker runs here, and what is due would not change the screen anyway.
            kind.waits.then_some(now.0 + 90 * DAY),
            if kind.status == "pending" { 2 } else { 1 },
            at,
            at + 800,
        ])
        .expect("an execution");
        let calls = [
            ("read contact", "GET", "api.intercom.io/contacts/ID", 200, None),
            ("update contact", "PATCH", "api.hubapi.com/crm/v3/objects/contacts/ID", 200, kind.error),
        ];
        for (purpose, method, url, status, error) in calls.iter().take(if kind.calls { 2 } else { 0 }) {
            attempts
                .execute(params![
                    number,
                    purpose,
                    at + 100,
                    rng.u16(20..400),
                    method,
                    url,
                    "{\"properties\":{\"jobtitle\":\"Team Lead\",\"phone\":\"+4930123456\"}}",
                    error.map_or(*status, |(_, code)| code),
                    "{\"id\":\"301563\",\"updatedAt\":\"2026-11-21T04:05:12.120Z\",\"archived\":false}",
                    error.map(|(class, _)| class),
                ])
                .expect("an attempt");
        }
    }
    let mut conflicts = connection
        .prepare(
            "INSERT INTO conflicts (kind, subject, field, left_record, left_field, left_value, right_record, \
             right_field, right_value, rule, allowed, state, created_at) VALUES ('both_changed', ?1, 'Phone', \
             'intercom/contact/' || ?2, 'phone', '\"+49301\"', 'hubspot/contact/' || ?2, 'phone', '\"+49302\"', \
             'phone ↔ phone: a human decides when both changed', '[]', ?3, ?4)",
        )
        .expect("the table");
    for number in 0..(executions as i64 / 200) {
        let state = if number % 10 == 0 { "open" } else { "done" };
        let subject = format!("{} {}", FIRST[rng.usize(..FIRST.len())], LAST[rng.usize(..LAST.len())]);
        conflicts.execute(params![subject, number, state, now.0 - PERIOD + number]).expect("a conflict");
    }
    connection
        .execute("DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1", [CHANGES_KEPT])
        .expect("the table");
}

/// How an execution stands.
struct Kind {
    status: &'static str,
    outcome: Option<&'static str>,
    sentence: &'static str,
    error: Option<(&'static str, u16)>,
    waits: bool,
    calls: bool,
}

impl Kind {
    /// One of the kinds, by a number below 1,000: their shares are those of a service that is well.
    fn of(share: u16) -> Self {
        let plain =
            Self { status: "succeeded", outcome: None, sentence: "", error: None, waits: false, calls: true };
        let failed = |class, code, sentence| Self {
            status: "failed",
            outcome: Some("error"),
            sentence,
            error: Some((class, code)),
            ..plain
        };
        match share {
            0..14 => failed(
                "not_allowed_value",
                400,
                "Plan is not one of the allowed values. Nothing was written.",
            ),
            14..20 => {
                failed("permission", 403, "Create HubSpot contact: not permitted. Nothing was written.")
            }
            20..24 => {
                failed("duplicate_detected", 409, "Another record holds this e-mail. Nothing was written.")
            }
            24..29 => Self {
                status: "retrying",
                sentence: "HubSpot could not answer; tried again by itself.",
                error: Some(("unavailable", 503)),
                waits: true,
                ..plain
            },
            29..39 => Self {
                status: "pending",
                sentence: "Found by polling; waits for the off-peak window.",
                waits: true,
                calls: false,
                ..plain
            },
            39..44 => {
                Self { status: "discarded", outcome: Some("error"), sentence: "Discarded by ruth.", ..plain }
            }
            44..144 => Self {
                status: "skipped",
                outcome: Some("duplicate"),
                sentence: "Delivered before: nothing was done again.",
                calls: false,
                ..plain
            },
            144..500 => Self { outcome: Some("unchanged"), sentence: "Both sides already agree.", ..plain },
            _ => Self { outcome: Some("updated"), sentence: "Job title, Phone.", ..plain },
        }
    }
}
