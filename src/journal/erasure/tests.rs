//! What is left of somebody who was erased: nothing in any file, everything that counts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use super::*;
use crate::domain::agreement::{Agreement, Echo};
use crate::domain::capsule::PreImage;
use crate::domain::clock::{Clock as _, ManualClock};
use crate::domain::error_class::ErrorClass;
use crate::domain::event::{EventKind, EventSource, NewEvent};
use crate::domain::execution::Attempt;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::domain::plan::{Effect, FoundConflict, Plan, Step};
use crate::domain::record::{Connection as Account, Fields, ObjectKind};
use crate::domain::review::{Band, ConflictKind, Duplicate, ReviewState, Standing, Unlinked};
use crate::journal::intake::{Appended, Disposition};
use crate::journal::queue::Intent;

const EMAIL: &str = "mara.quint@Example-Canary.test";
const NAME: &str = "Mara Quïnt-Ŵarblé";
const PHONE: &str = "+49 30 7771234";
const LEASE: Duration = Duration::from_secs(60);

struct World {
    folder: tempfile::TempDir,
    clock: ManualClock,
    journal: Journal,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = ManualClock::at(Timestamp(1_795_000_000_000));
    let journal =
        Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("a new journal");
    World { folder, clock, journal }
}

fn left(id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, ObjectKind::Contact, id)
}

fn right(id: &str) -> RecordRef {
    RecordRef::new(System::Hubspot, ObjectKind::Contact, id)
}

fn mirror(record: RecordRef, fields: &Value) -> Mirror {
    Mirror {
        record,
        fields: fields.as_object().expect("an object").clone(),
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    }
}

fn mara(record: RecordRef) -> Mirror {
    mirror(
        record,
        &json!({"email": EMAIL, "name": NAME, "phone": PHONE, "external_id": "customer-998877", "created_at": 1_700_000_000}),
    )
}

fn event(key: &str, record: Option<RecordRef>, body: &Value) -> NewEvent {
    NewEvent {
        connection: Account::only(System::Intercom),
        source: EventSource::Webhook,
        delivery_key: key.into(),
        topic: "contact.user.updated".into(),
        kind: EventKind::ContactUpdated,
        record,
        occurred_at: None,
        body: body.to_string(),
        sent: crate::domain::event::Sent::default(),
    }
}

fn run(record: &RecordRef, subject: &str, now: Timestamp) -> Disposition {
    Disposition::Run(vec![NewExecution {
        recipe: "contact-to-crm".into(),
        subject: subject.into(),
        record: Some(record.clone()),
        person: None,
        lane: record.to_string(),
        priority: Priority::Live,
        due_at: now,
        sentence: format!("Waits for {subject}."),
        max_attempts: 12,
    }])
}

fn attempt(now: Timestamp, text: &str) -> Attempt {
    Attempt {
        number: 1,
        step: None,
        purpose: "find contact by e-mail".into(),
        started_at: now,
        duration_ms: 3,
        method: "GET".into(),
        url: format!("https://api.hubapi.com/crm/v3/objects/contacts/{}", EMAIL.replace('@', "%40")),
        request: text.into(),
        status: Some(200),
        response: json!({"results": [{"email": EMAIL, "name": NAME, "phone": PHONE}]}).to_string(),
        request_id: Some("req-1".into()),
        class: None,
    }
}

/// Every kind of row that can speak of a person, theirs and others'.
async fn filled(world: &World) -> (RecordRef, RecordRef) {
    let journal = &world.journal;
    let (one, two, other) = (left("6500aa00bb00cc00dd00ee01"), right("151"), right("152"));
    journal.put_mirrors(vec![mara(one.clone()), mara(two.clone())]).await.expect("stored");
    let somebody = json!({"email": "sam@other.test", "name": "Sam Other"});
    journal.put_mirrors(vec![mirror(other.clone(), &somebody)]).await.expect("stored");
    let agreed = Agreement { field: "Email".into(), left: json!(EMAIL), right: json!(EMAIL) };
    journal.unite(vec![(vec![one.clone(), two.clone()], vec![agreed])]).await.expect("stored");
    let body = json!({"data": {"item": {"email": EMAIL, "name": NAME, "phone": PHONE}}});
    let now = journal.now();
    let conversation = RecordRef::new(System::Intercom, ObjectKind::Conversation, "77");
    let stored = journal
        .append(vec![
            (event("k1", Some(one.clone()), &body), run(&one, NAME, now)),
            (event("k2", Some(conversation), &body), Disposition::Ignore("no recipe".into())),
            (event("k3", None, &body), Disposition::Ignore("no recipe".into())),
            (event("k4", Some(other.clone()), &json!({"a": 1})), run(&other, "Sam Other", now)),
            (event("k5", Some(two.clone()), &body), run(&two, NAME, now)),
        ])
        .await
        .expect("stored");
    for (place, record) in [(0, &one), (3, &other)] {
        let Appended::Queued(_, id) = stored[place] else { panic!("{stored:?}") };
        let claim = journal.claim_one(id, LEASE).await.expect("read").expect("due");
        let fields: Fields = mara(one.clone()).fields;
        let effect = Effect::Update { record: record.clone(), fields };
        let plan = Plan { steps: vec![Step::new(format!("Update {NAME}"), effect)], ..Plan::default() };
        let intent = Intent {
            plan: plan.clone(),
            capsule: vec![PreImage {
                mirror: mara(one.clone()),
                associations: std::collections::BTreeMap::new(),
                incomplete: None,
            }],
            echoes: vec![Echo { record: record.clone(), field: "email".into(), value_hash: "x".into() }],
            ..Intent::default()
        };
        journal.begin(id, claim.token, intent, LEASE).await.expect("begun");
        let settlement = Settlement {
            sentence: format!("{NAME} was refused."),
            vendor_words: Some(format!("{EMAIL} exists")),
            error_class: Some(ErrorClass::Conflict),
            plan: Some(plan),
            attempts: vec![attempt(now, &json!({"email": EMAIL}).to_string())],
            conflicts: vec![FoundConflict {
                kind: ConflictKind::BothChanged,
                field: "Phone".into(),
                left: one.clone(),
                left_field: "phone".into(),
                left_value: json!(PHONE),
                right: two.clone(),
                right_field: "phone".into(),
                right_value: json!(PHONE),
                base: Some(json!(PHONE)),
                rule: "review".into(),
                line: "contact.toml:47".into(),
                decides: "revops".into(),
                left_by: None,
                right_by: None,
                allowed: vec![PHONE.into()],
            }],
            ..Settlement::default()
        };
        journal.settle(id, claim.token, Status::Failed, settlement).await.expect("settled");
    }
    let pair = Duplicate {
        id: crate::domain::ids::DuplicateId(0),
        subject: NAME.into(),
        left: two.clone(),
        left_fields: mara(two.clone()).fields,
        right: other.clone(),
        right_fields: mirror(other, &somebody).fields,
        probability: 0.9,
        band: Band::Auto,
        evidence: Vec::new(),
        fingerprint: EMAIL.into(),
        mergeable: true,
        obstacle: None,
        state: ReviewState::Open,
        deciding: None,
        created_at: now,
        resolution: None,
        standing: Standing::default(),
    };
    journal.put_duplicates(vec![pair]).await.expect("stored");
    let unlinked = Unlinked {
        id: crate::domain::ids::UnlinkedId(0),
        subject: NAME.into(),
        contact: two.clone(),
        domain: "example-canary.test".into(),
        hint: format!("the only one is {NAME}"),
        candidates: Vec::new(),
        owner: String::new(),
        ruled_by: None,
        ignored_until: None,
        state: ReviewState::Open,
        deciding: None,
        created_at: now,
        resolution: None,
    };
    journal.put_unlinked(vec![unlinked]).await.expect("stored");
    (one, two)
}

/// Where the texts stand in the files of a folder, plain, as JSON writes them, or in base64.
fn traces(folder: &Path) -> Vec<String> {
    let mut needles: Vec<Vec<u8>> = Vec::new();
    for text in [EMAIL, NAME, PHONE, "customer-998877"] {
        for form in [text.to_owned(), text.to_lowercase(), text.replace('@', "%40")] {
            needles.push(form.clone().into_bytes());
            let escaped: String =
                form.encode_utf16()
                    .map(|unit| {
                        if unit < 128 { char::from(unit as u8).to_string() } else { format!("\\u{unit:04x}") }
                    })
                    .collect();
            needles.push(escaped.into_bytes());
            // At each of the three places a text can have inside base64, its middle looks the same.
            for shift in 0..3 {
                let padded = [vec![b'x'; shift], form.clone().into_bytes()].concat();
                let whole = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
                needles.push(whole.as_bytes()[4..whole.len() - 4].to_vec());
            }
        }
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        for needle in &needles {
            if bytes.windows(needle.len()).any(|window| window == needle) {
                found.push(format!("{}: {}", path.display(), String::from_utf8_lossy(needle)));
            }
        }
    }
    found
}

/// Words of the canaries that an index of words still has, and words that are still to be taken out of it. Only whole
/// words stand there, so that no search for a whole name through the files would find them.
fn known_words(world: &World) -> Vec<String> {
    let file = rusqlite::Connection::open(world.journal.path()).expect("open");
    let mut found = Vec::new();
    for index in ["execution_words", "conflict_words", "duplicate_words", "unlinked_words"] {
        file.execute_batch(&format!(
            "CREATE VIRTUAL TABLE temp.{index}_seen USING fts5vocab(main, {index}, row)"
        ))
        .expect("a view of the index");
        let terms: Vec<String> = file
            .prepare(&format!("SELECT term FROM temp.{index}_seen"))
            .expect("readable")
            .query_map([], |row| row.get(0))
            .expect("readable")
            .collect::<std::result::Result<_, _>>()
            .expect("readable");
        found.extend(
            terms
                .into_iter()
                .filter(|term| ["mara", "quint", "warble", "7771234", "canary"].contains(&term.as_str()))
                .map(|term| format!("{index}: {term}")),
        );
    }
    let due: i64 = file
        .query_row("SELECT count(*) FROM execution_words_due WHERE subject IS NOT NULL", [], |row| row.get(0))
        .expect("readable");
    found.extend((due > 0).then(|| format!("{due} words are still to be taken out")));
    found
}

fn order(records: Vec<RecordRef>) -> NewErasure {
    NewErasure {
        asked_by: "olga".into(),
        event: None,
        records,
        address: None,
        by_address: true,
        told: Vec::new(),
        ways: Some(Ways::EVERYWHERE),
    }
}

/// Counters against the rows they count, and SQLite's own check.
async fn sound(journal: &Journal) {
    let wrong: Vec<String> = journal
        .read(|connection| {
            let mut wrong: Vec<String> = connection
                .prepare("PRAGMA integrity_check")?
                .query_map([], |row| row.get(0))?
                .collect::<std::result::Result<_, _>>()?;
            wrong.retain(|line| line != "ok");
            for (kind, table, column) in [
                ("execution", "executions", "status"),
                ("conflict", "conflicts", "state"),
                ("duplicate", "duplicates", "state"),
                ("unlinked", "unlinked", "state"),
            ] {
                let sql = format!(
                    "SELECT name || ' says ' || value FROM counters WHERE name LIKE '{kind}.%' AND value <> \
                     (SELECT count(*) FROM {table} WHERE '{kind}.' || {column} = name)"
                );
                wrong.extend(
                    connection
                        .prepare(&sql)?
                        .query_map([], |row| row.get::<_, String>(0))?
                        .collect::<std::result::Result<Vec<_>, _>>()?,
                );
            }
            Ok(wrong)
        })
        .await
        .expect("read");
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(journal.verify_audit().await.expect("read").broken, None);
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the check prints its figure")]
async fn g8_nothing_of_an_erased_person_is_left_in_any_file_and_everything_still_adds_up() {
    let world = world();
    let (one, two) = filled(&world).await;
    let copy = world.folder.path().join("journal.before-7.db");
    std::fs::write(&copy, format!("an old copy: {EMAIL}")).expect("written");
    let before = traces(world.folder.path());
    assert!(before.len() > 3, "the canary is not seen at all: {before:?}");
    let id = world.journal.open_erasure(order(vec![one.clone()])).await.expect("opened");
    assert_eq!(world.journal.scrub().await.expect("emptied"), 1);
    let after = traces(world.folder.path());
    assert_eq!(after, Vec::<String>::new(), "left after {} before", before.len());
    assert!(!copy.exists());
    assert_eq!(known_words(&world), Vec::<String>::new());
    sound(&world.journal).await;
    // The lists open, and say what happened.
    let rows = world.journal.executions(&Filter::default(), Anchor::First, 100).await.expect("a page").rows;
    assert!(rows.iter().any(|row| row.sentence.contains("erased")), "{rows:?}");
    for row in &rows {
        let detail = world.journal.execution(row.id).await.expect("opens").expect("there");
        assert!(!format!("{detail:?}").contains("Mara"), "{detail:?}");
    }
    let all = Filter::parse("status:open,deciding,done,dismissed,obsolete").expect("a filter");
    assert_eq!(world.journal.conflicts(&all, Anchor::First, 9).await.expect("a page").rows.len(), 1);
    assert_eq!(world.journal.duplicates(&all, Anchor::First, 9).await.expect("a page").rows.len(), 1);
    assert_eq!(world.journal.unlinked(&all, Anchor::First, 9).await.expect("a page").rows.len(), 1);
    let counts = world.journal.counts().await.expect("counts");
    assert_eq!((counts.conflicts, counts.duplicates, counts.unlinked), (0, 0, 0));
    let erasure = world.journal.erasure(id).await.expect("read").expect("there");
    assert_eq!(erasure.parts.len(), 3, "{erasure:?}");
    assert_eq!(erasure.state, ErasureState::Open, "the vendors have not been asked yet");
    assert!(
        world.journal.is_erased(&one).await.expect("read")
            && world.journal.is_erased(&two).await.expect("read")
    );
    // Somebody else's history is as it was, but for what spoke of the person.
    let sam = rows.iter().find(|row| row.record == Some(right("152"))).expect("Sam's run");
    assert_eq!((sam.status, sam.subject.as_str()), (Status::Failed, "Sam Other"));
    eprintln!(
        "G8 erasure: {} traces in the files before, {} after; chain, counters and integrity whole",
        before.len(),
        after.len()
    );
}

#[tokio::test]
async fn who_was_erased_is_not_brought_back_and_comes_back_only_by_themself() {
    let world = world();
    let (one, two) = filled(&world).await;
    world.journal.open_erasure(order(vec![two.clone()])).await.expect("opened");
    let known = async |record: &RecordRef| world.journal.mirror(record).await.expect("read").is_some();
    // By their records, as a poll or a first load would.
    let taken = world.journal.put_mirrors(vec![mara(one.clone()), mara(two.clone())]).await.expect("stored");
    assert_eq!(taken, [false, false]);
    // By a record nobody knew of, older than the erasure.
    let twin = left("6500aa00bb00cc00dd00ee02");
    assert_eq!(world.journal.put_mirrors(vec![mara(twin.clone())]).await.expect("stored"), [false]);
    assert!(!known(&twin).await && world.journal.is_barred(&mara(twin.clone())).await.expect("read"));
    world.journal.unite(vec![(vec![one.clone(), two.clone()], Vec::new())]).await.expect("stored");
    assert!(world.journal.known(&one).await.expect("read").records.is_empty());
    // A webhook that still comes is kept without a word of its body.
    let body = json!({"data": {"item": {"email": EMAIL}}});
    let late = world
        .journal
        .append(vec![(event("late", Some(one.clone()), &body), run(&one, NAME, world.journal.now()))]);
    assert!(matches!(late.await.expect("stored")[0], Appended::Kept(_)));
    world.journal.scrub().await.expect("emptied");
    assert_eq!(traces(world.folder.path()), Vec::<String>::new());
    // They sign up again, later: a new record, and the address is theirs again.
    world.clock.advance(Duration::from_secs(3_600));
    let back = left("6500aa00bb00cc00dd00ee03");
    let made = world.clock.now().seconds();
    let mut anew = mara(back.clone());
    anew.fields.insert("created_at".into(), json!(made));
    let mut copied = mara(right("990"));
    copied.fields.shift_remove("created_at");
    assert_eq!(world.journal.put_mirrors(vec![copied, anew]).await.expect("stored"), [true, true]);
    assert!(known(&back).await && known(&right("990")).await && !known(&one).await);
}

#[tokio::test]
async fn a_run_that_is_on_its_way_writes_nothing_more_and_what_it_made_is_erased_too() {
    let world = world();
    let (one, two) = (left("6500aa00bb00cc00dd00ee01"), right("151"));
    world.journal.put_mirrors(vec![mara(one.clone())]).await.expect("stored");
    let now = world.journal.now();
    let body = json!({"email": EMAIL});
    world
        .journal
        .append(vec![(event("k1", Some(one.clone()), &body), run(&one, NAME, now))])
        .await
        .expect("stored");
    world
        .journal
        .append(vec![(event("k2", Some(one.clone()), &body), run(&one, NAME, now))])
        .await
        .expect("stored");
    let claim = world.journal.claim(1, LEASE).await.expect("claims").remove(0);
    let id = world.journal.open_erasure(order(vec![one.clone()])).await.expect("opened");
    let rows = world.journal.executions(&Filter::default(), Anchor::First, 9).await.expect("a page").rows;
    let waiting = rows.iter().find(|row| row.id.0 == claim.execution.id.0 + 1).expect("the second");
    assert_eq!(waiting.status, Status::Discarded);
    assert!(waiting.sentence.contains("erased"), "{}", waiting.sentence);
    // Nothing of the person runs before the call that is on its way has ended.
    assert!(world.journal.claim(8, LEASE).await.expect("claims").is_empty());
    let settlement = Settlement {
        sentence: format!("Created {NAME}."),
        mirrors: vec![mara(one.clone()), mara(two.clone())],
        identity: vec![one.clone(), two.clone()],
        attempts: vec![attempt(now, EMAIL)],
        ..Settlement::default()
    };
    world
        .journal
        .settle(claim.execution.id, claim.token, Status::Succeeded, settlement)
        .await
        .expect("settled");
    let row = world.journal.execution(claim.execution.id).await.expect("read").expect("there").execution;
    assert_eq!(row.status, Status::Discarded);
    assert!(world.journal.mirror(&two).await.expect("read").is_none());
    let erasure = world.journal.erasure(id).await.expect("read").expect("there");
    assert!(erasure.parts.iter().any(|part| part.record.as_ref() == Some(&two)), "{erasure:?}");
    world.journal.scrub().await.expect("emptied");
    assert_eq!(traces(world.folder.path()), Vec::<String>::new());
    let again = world.journal.retry(vec![row.id], "olga".into()).await.expect("answered");
    assert!(again.queued.is_empty() && again.refused[0].1.contains("erased"), "{again:?}");
    // Before its next call the run of an erased person is stopped.
    sound(&world.journal).await;
}

#[tokio::test]
async fn a_call_for_somebody_erased_meanwhile_is_not_begun() {
    let world = world();
    let one = left("6500aa00bb00cc00dd00ee01");
    let now = world.journal.now();
    let body = json!({"email": EMAIL});
    world
        .journal
        .append(vec![(event("k1", Some(one.clone()), &body), run(&one, NAME, now))])
        .await
        .expect("stored");
    let claim = world.journal.claim(1, LEASE).await.expect("claims").remove(0);
    world.journal.open_erasure(order(vec![one.clone()])).await.expect("opened");
    let begun = world.journal.begin(claim.execution.id, claim.token, Intent::default(), LEASE).await;
    assert!(matches!(begun, Err(JournalError::LeaseLost)), "{begun:?}");
    let row = world.journal.execution(claim.execution.id).await.expect("read").expect("there").execution;
    assert_eq!(row.status, Status::Discarded, "{}", row.sentence);
    assert_eq!(world.journal.claim(8, LEASE).await.expect("claims").len(), 1, "the erasing itself");
}

#[tokio::test]
async fn plain_rows_of_an_older_format_are_overwritten_too() {
    let world = world();
    let (one, _) = filled(&world).await;
    let body = json!({"email": EMAIL}).to_string();
    world
        .journal
        .write(move |connection| {
            connection.execute(
                "UPDATE events SET body = ?1, body_sha256 = ?2 WHERE delivery_key IN ('k1', 'k3')",
                params![body, rows::sha256(&body)],
            )?;
            connection.execute("UPDATE attempts SET request = ?1, response = ?1", [&body])?;
            connection.execute("UPDATE capsules SET records = '[]' || ?1", [&body])?;
            connection
                .execute("UPDATE executions SET plan = '{\"steps\":[],\"nothing\":' || ?1 || '}'", [&body])?;
            connection.execute("INSERT INTO settings VALUES ('erasure.rewrite', '1')", [])?;
            Ok(())
        })
        .await
        .expect("written");
    world.journal.open_erasure(order(vec![one])).await.expect("opened");
    world.journal.scrub().await.expect("emptied");
    assert_eq!(traces(world.folder.path()), Vec::<String>::new());
    sound(&world.journal).await;
}

#[tokio::test]
async fn what_was_put_aside_says_nothing_of_them_and_does_not_come_back() {
    let world = world();
    let (one, _) = filled(&world).await;
    let rows = world.journal.executions(&Filter::default(), Anchor::First, 100).await.expect("a page").rows;
    let ids: Vec<ExecutionId> = rows.iter().map(|row| row.id).collect();
    let (until, aside) = (world.journal.now().plus(LEASE), "ana".to_owned());
    let wish = crate::journal::aside::Aside { until: Some(until), reason: String::new() };
    world.journal.put_aside(ids, wish, aside).await.expect("put aside");
    world.journal.open_erasure(order(vec![one.clone()])).await.expect("opened");
    world.journal.scrub().await.expect("emptied");
    assert_eq!(traces(world.folder.path()), Vec::<String>::new());
    world.clock.advance(LEASE);
    assert_eq!(world.journal.wake_put_off().await.expect("woken"), 1, "somebody else's alone");
    let rows = world.journal.executions(&Filter::default(), Anchor::First, 100).await.expect("a page").rows;
    assert!(rows.iter().all(|row| !row.sentence.contains("Mara")), "{rows:?}");
    sound(&world.journal).await;
}

#[tokio::test]
async fn a_cell_moved_to_another_row_does_not_open() {
    let world = world();
    let one = left("6500aa00bb00cc00dd00ee01");
    for key in ["k1", "k2"] {
        let body = json!({"email": EMAIL, "key": key});
        world
            .journal
            .append(vec![(event(key, Some(one.clone()), &body), run(&one, NAME, world.journal.now()))])
            .await
            .expect("stored");
    }
    world
        .journal
        .write(|connection| {
            Ok(connection.execute(
                "UPDATE events SET (body, body_sha256) = (SELECT body, body_sha256 FROM events WHERE delivery_key = 'k1') \
                 WHERE delivery_key = 'k2'",
                [],
            )?)
        })
        .await
        .expect("written");
    let read = world.journal.execution(ExecutionId(2)).await;
    assert!(matches!(read, Err(JournalError::Damaged { .. })), "{read:?}");
    assert!(
        world.journal.execution(ExecutionId(1)).await.expect("opens").expect("there").payload.contains(EMAIL)
    );
}

/// What sealing costs a body of the usual size: time beside the store it is part of, and bytes.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "the check prints its figure")]
async fn g8_what_sealing_costs() {
    let world = world();
    let body = json!({"data": {"item": {"email": EMAIL, "filling": "x".repeat(1_500)}}});
    let count = 2_000;
    let incoming: Vec<_> = (0..count)
        .map(|number| {
            let record = left(&format!("6500aa00bb00cc00dd{number:06}"));
            (
                event(&format!("k{number}"), Some(record.clone()), &body),
                run(&record, "x", world.journal.now()),
            )
        })
        .collect();
    let began = std::time::Instant::now();
    world.journal.append(incoming).await.expect("stored");
    let whole = began.elapsed();
    let text = body.to_string();
    let (sealing, stored) = world
        .journal
        .write(move |connection| {
            let began = std::time::Instant::now();
            for number in 0..count {
                let record = format!("intercom/contact/x{number}");
                crate::journal::sealing::seal(connection, Some(&record), "events.body/x", &text)?;
            }
            let took = began.elapsed();
            let stored: i64 = connection.query_row("SELECT avg(length(body)) FROM events", [], |row| {
                row.get::<_, f64>(0).map(|it| it as i64)
            })?;
            Ok((took, stored))
        })
        .await
        .expect("measured");
    let plain = body.to_string().len();
    eprintln!(
        "G8 sealing: {:.0} us of {:.0} us for each event stored, new key each; {stored} bytes for {plain}",
        sealing.as_micros() as f64 / f64::from(count),
        whole.as_micros() as f64 / f64::from(count)
    );
    assert!(stored as usize > plain && (stored as usize) < plain * 3 / 2);
}
