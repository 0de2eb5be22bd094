//! A journal with as many executions as asked for and a fifth as many people, as months of a healthy service would leave
//! it.
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
    let connection = Connection::open(path).expect("the journal just made");
    // Losing this file in a power cut would cost a second run. Without a log the disk holds it once only.
    connection
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; \
             PRAGMA locking_mode = EXCLUSIVE;",
        )
        .expect("settings");
    let now = wiring::clock().now();
    connection.execute_batch("BEGIN").expect("begun");
    people(&connection, executions / 5, now);
    fill(&connection, executions, now);
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;").expect("a commit");
}

/// A person's name. Some are frequent, as in life; most are their own.
fn name(person: usize) -> String {
    let mut rng = fastrand::Rng::with_seed(person as u64);
    let first = FIRST[rng.usize(..FIRST.len())];
    if rng.u8(..50) == 0 {
        return format!("{first} {}", LAST[rng.usize(..LAST.len())]);
    }
    let syllables = [
        "ha", "lo", "ver", "san", "to", "ki", "ra", "mon", "del", "per", "shi", "nu", "ga", "bel", "tor",
        "win",
    ];
    let mut last: String = (0..3).map(|_| syllables[rng.usize(..syllables.len())]).collect();
    last[..1].make_ascii_uppercase();
    format!("{first} {last}")
}

fn record(person: usize) -> String {
    format!("intercom/contact/{:024x}", (person as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 12)
}

/// Everybody known, in Intercom and in the CRM, tied to each other; some without an account, some twice.
fn people(connection: &Connection, number: usize, now: Timestamp) {
    let mut person = connection.prepare("INSERT INTO people (id) VALUES (?1)").expect("the table");
    let mut tie = connection.prepare("INSERT INTO identities VALUES (?1, ?2)").expect("the table");
    let mut mirror = connection
        .prepare(
            "INSERT INTO mirror (record, connection, object, fields, companies, email, vendor_updated_at, seen_at) \
             VALUES (?1, ?2, 'contact', ?3, '[]', ?4, ?5, ?5)",
        )
        .expect("the table");
    let mut unlinked = connection
        .prepare(
            "INSERT INTO unlinked (subject, contact, domain, hint, candidates, best, state, created_at, owner) \
             VALUES (?1, ?2, ?3, 'No company in the CRM.', '[]', ?4, ?5, ?6, ?7)",
        )
        .expect("the table");
    let mut duplicate = connection
        .prepare(
            "INSERT INTO duplicates (subject, left_record, left_fields, right_record, right_fields, probability, band, \
             evidence, fingerprint, state, created_at, rank) \
             VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6, '[]', 'x', 'open', ?7, ?5)",
        )
        .expect("the table");
    let mut rng = fastrand::Rng::with_seed(9);
    for at in 1..=number {
        let name = name(at);
        let email = format!(
            "{}.{at}@example{}.com",
            name.split(' ').next_back().unwrap_or("x").to_lowercase(),
            at % 5_000
        );
        let fields = json!({ "name": name, "email": email, "role": "user" }).to_string();
        person.execute([at as i64]).expect("a person");
        let crm = format!("hubspot/contact/{at}");
        for (record, connection) in [(record(at), "intercom"), (crm.clone(), "hubspot")] {
            mirror.execute(params![record, connection, fields, email, now.0 - PERIOD]).expect("a record");
            tie.execute(params![record, at as i64]).expect("a tie");
        }
        if at % 10 == 0 {
            let state = if at % 20 == 0 { "open" } else { "done" };
            let best = f64::from(rng.u16(..1_000)) / 1_000.0;
            let (domain, owner) = (format!("example{}.com", at % 5_000), (at % 40).to_string());
            unlinked
                .execute(params![name, record(at), domain, best, state, now.0 - PERIOD + at as i64, owner])
                .expect("an unlinked person");
        }
        if at % 100 == 7 {
            let sure = f64::from(rng.u16(400..1_000)) / 1_000.0;
            let band = if sure > 0.95 { "auto" } else { "review" };
            let other = format!("hubspot/contact/{}", at + 3);
            duplicate
                .execute(params![name, crm, fields, other, sure, band, now.0 - PERIOD + at as i64])
                .expect("a duplicate");
        }
    }
    connection.execute_batch("DELETE FROM match_queue").expect("the table");
}

fn fill(connection: &Connection, executions: usize, now: Timestamp) {
    let mut rng = fastrand::Rng::with_seed(7);
    let people = (executions / 5).max(1);
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
        let person = rng.usize(..people) + 1;
        let (subject, record) = (name(person), record(person));
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
        let subject = name(number as usize + 1);
        conflicts.execute(params![subject, number, state, now.0 - PERIOD + number]).expect("a conflict");
    }
    forget(connection);
}

fn forget(connection: &Connection) {
    connection
        .execute("DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1", [CHANGES_KEPT])
        .expect("the table");
}

/// What happens while somebody looks: rows come, begin and end, so many a second, for so long.
pub(crate) fn live(path: &Path, rate: usize, length: std::time::Duration) -> usize {
    let connection = Connection::open(path).expect("the journal");
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;",
        )
        .expect("settings");
    let began = std::time::Instant::now();
    let mut done = 0;
    let mut rng = fastrand::Rng::with_seed(5);
    let gap = std::time::Duration::from_millis(100);
    let (_never, wait) = std::sync::mpsc::channel::<()>();
    while began.elapsed() < length {
        let due = (began.elapsed().as_secs_f64() * rate as f64) as usize;
        connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
        while done < due {
            let now = wiring::clock().now().0;
            connection
                .prepare_cached(
                    "INSERT INTO executions (recipe, subject, record, lane, status, sentence, max_attempts, priority, \
                     created_at, updated_at) VALUES ('contact-to-crm', ?1, ?2, ?2, 'running', '', 12, 1, ?3, ?3)",
                )
                .and_then(|mut insert| {
                    let person = rng.usize(1..1_000);
                    insert.execute(params![name(person), record(person), now])
                })
                .expect("an execution");
            let id = connection.last_insert_rowid();
            connection
                .prepare_cached(
                    "UPDATE executions SET status = 'succeeded', outcome = 'updated', sentence = 'Job title, Phone.', \
                     updated_at = ?2 WHERE id = ?1",
                )
                .and_then(|mut update| update.execute(params![id - 40, now]))
                .expect("an end");
            done += 1;
        }
        connection.execute_batch("COMMIT").expect("a commit");
        // The channel never says anything: a wait that is no sleep of the program's.
        let _ = wait.recv_timeout(gap);
    }
    forget(&connection);
    done
}

/// The executions as lines of a log and as a table, for programs that show such.
pub(crate) fn export(journal: &Path, table: &Path, log: &Path) {
    use std::io::Write as _;
    let connection = Connection::open(journal).expect("the journal");
    let mut statement = connection
        .prepare("SELECT id, updated_at, status, recipe, subject, coalesce(error_class, ''), sentence FROM executions ORDER BY id DESC")
        .expect("the table");
    let file = |path| std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    let (mut table, mut log) = (file(table), file(log));
    writeln!(table, "id,at,status,recipe,person,error,sentence").expect("written");
    let mut rows = statement.query([]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let texts: Vec<String> = (2..7).map(|at| row.get(at).expect("a text")).collect();
        let (id, at): (i64, i64) = (row.get(0).expect("an id"), row.get(1).expect("a time"));
        writeln!(table, "{id},{at},{},{},{},{},\"{}\"", texts[0], texts[1], texts[2], texts[3], texts[4])
            .expect("written");
        let at = Timestamp(at).rfc3339();
        writeln!(log, "{at} {} ex_{id} {} {}: {} {}", texts[0], texts[1], texts[2], texts[3], texts[4])
            .expect("written");
    }
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
