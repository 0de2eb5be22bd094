//! Duplicate candidates before a human: found as soon as a webhook tells, judged, kept away, come back, contradicted.

use std::io::Write as _;
use std::time::Duration;

use reknit::domain::filter::Filter;
use reknit::domain::ids::DuplicateId;
use reknit::domain::page::Anchor;
use reknit::domain::review::{Duplicate, ReviewState, Verdict};
use reknit::journal::verdicts::NewVerdict;
use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

const ONE: &str = "mara.quint@quint.example";
const OTHER: &str = "m.quint@quint.example";

/// Everybody of a small CRM was looked over once; among them Mara.
async fn learned() -> (Bench, String) {
    let mut bench = Bench::build().seeded(7, 60, 30).start().await;
    let mara = contact(&bench, ONE, Webhook::Silent);
    bench.load().await;
    bench.scan().await;
    (bench, mara)
}

fn contact(bench: &Bench, email: &str, webhook: Webhook) -> String {
    let properties = json!({
        "email": email, "firstname": "Mara", "lastname": "Quintessa", "phone": "+49 30 5550 1234",
        "company": "Quint Werke GmbH", "jobtitle": "Head of Operations", "city": "Berlin", "country": "Germany",
    });
    bench.sandbox.new_hubspot_contact(&properties, webhook).unwrap()
}

/// The candidate of two HubSpot contacts, wherever it stands.
async fn pair(bench: &Bench, one: &str, other: &str) -> Option<Duplicate> {
    let id = bench.tables().number(&format!(
        "SELECT coalesce(max(id), 0) FROM duplicates WHERE left_record IN ('hubspot/contact/{one}', 'hubspot/contact/{other}') \
         AND right_record IN ('hubspot/contact/{one}', 'hubspot/contact/{other}')"
    ));
    bench.journal.duplicate(DuplicateId(id)).await.unwrap()
}

/// What happened is taken in, and whoever changed is compared: no look over everybody.
async fn turn(bench: &mut Bench) {
    bench.delivered().await;
    bench.work().await;
    bench.engine.match_changed().await.unwrap();
    bench.look().await;
}

fn say(id: DuplicateId, verdict: Verdict) -> NewVerdict {
    NewVerdict { id, verdict, until: None, reason: "asked her".into() }
}

#[tokio::test]
async fn a_duplicate_is_found_within_the_turn_of_its_webhook_and_stays_away_until_the_data_changes() {
    let (mut bench, mara) = learned().await;
    let second = contact(&bench, OTHER, Webhook::Sent);
    turn(&mut bench).await;
    let found = pair(&bench, &mara, &second).await.expect("found without a look over everybody");
    assert_eq!(found.state, ReviewState::Open);
    let looks = "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'duplicates.looks'";
    assert_eq!(bench.tables().number(looks), 1, "one look over everybody, the first");

    let operator = bench.operator();
    operator.judge(say(found.id, Verdict::Different)).await.unwrap();
    // Something that is not compared changes: the verdict holds, whoever looks.
    bench.hubspot_app_writes(&second, &json!({"hs_lead_status": "OPEN"})).await;
    turn(&mut bench).await;
    bench.scan().await;
    assert_eq!(pair(&bench, &mara, &second).await.unwrap().state, ReviewState::Dismissed);

    bench.hubspot_app_writes(&second, &json!({"email": "mara.quint@quint-werke.example"})).await;
    turn(&mut bench).await;
    let again = pair(&bench, &mara, &second).await.unwrap();
    assert_eq!((again.id, again.state), (found.id, ReviewState::Open));
    let why = again.standing.reopened.unwrap_or_default();
    assert!(why.contains("different") && why.contains(OTHER) && why.contains("quint-werke"), "{why}");
    assert_eq!(again.standing.judgement, None);
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with(&format!("reknit reopen {}:", found.id))), "{audit:#?}");
    assert_eq!(bench.journal.verdicts_on(found.id).await.unwrap().len(), 1, "what was said stays known");
}

#[tokio::test]
async fn r284_an_added_address_runs_the_check_anew_and_a_record_that_is_gone_ends_it() {
    let (mut bench, mara) = learned().await;
    let stranger = json!({"email": "x91@other.example", "firstname": "Mara", "lastname": "Quintessa"});
    let second = bench.sandbox.new_hubspot_contact(&stranger, Webhook::Sent).unwrap();
    turn(&mut bench).await;
    let before = pair(&bench, &mara, &second).await.map_or(0.0, |pair| pair.probability);
    let more =
        json!({"hs_additional_emails": ONE, "phone": "+49 30 5550 1234", "company": "Quint Werke GmbH"});
    bench.hubspot_app_writes(&second, &more).await;
    turn(&mut bench).await;
    let found = pair(&bench, &mara, &second).await.expect("the address ties them");
    assert!(found.probability > before && found.state == ReviewState::Open);
    assert!(bench.sandbox.archive_hubspot_contact(&second, Webhook::Sent));
    turn(&mut bench).await;
    assert_eq!(pair(&bench, &mara, &second).await.unwrap().state, ReviewState::Obsolete);
}

#[tokio::test]
async fn what_is_put_off_comes_back_at_its_time_and_unsure_goes_below() {
    let (mut bench, mara) = learned().await;
    let second = contact(&bench, OTHER, Webhook::Sent);
    turn(&mut bench).await;
    let id = pair(&bench, &mara, &second).await.expect("found").id;
    let operator = bench.operator();
    let until = bench.now().plus(Duration::from_secs(3 * 24 * 3600));
    let later = NewVerdict { until: Some(until), ..say(id, Verdict::Later) };
    operator.judge(later.clone()).await.unwrap();
    let listed = async |bench: &Bench| {
        let page = bench.journal.duplicates(&Filter::default(), Anchor::First, 1_000).await.unwrap();
        page.rows.iter().position(|row| row.id == id)
    };
    assert_eq!(listed(&bench).await, None);
    assert_eq!(bench.journal.wake_later().await.unwrap(), 0);
    bench.advance(Duration::from_secs(3 * 24 * 3600 + 1));
    assert_eq!(bench.journal.wake_later().await.unwrap(), 1);
    assert!(listed(&bench).await.is_some());
    operator.judge(later).await.expect_err("a time that is over is no later");

    operator.judge(say(id, Verdict::Unsure)).await.unwrap();
    let all = bench.journal.duplicates(&Filter::default(), Anchor::First, 1_000).await.unwrap().rows;
    assert_eq!(all.last().map(|row| row.id), Some(id), "the last of {}", all.len());
    operator.take_back_verdict(id).await.unwrap();
    let all = bench.journal.duplicates(&Filter::default(), Anchor::First, 1_000).await.unwrap().rows;
    assert_ne!(all.last().map(|row| row.id), Some(id));
    operator.take_back_verdict(id).await.expect_err("nothing is left to take back");
    bench.work_out().await;
}

#[tokio::test]
async fn three_of_one_person_are_one_group_and_verdicts_that_contradict_stop_a_merge() {
    let (mut bench, mara) = learned().await;
    let second = contact(&bench, OTHER, Webhook::Sent);
    let third = contact(&bench, "quintessa.mara@quint.example", Webhook::Sent);
    turn(&mut bench).await;
    let first = pair(&bench, &mara, &second).await.expect("one");
    let middle = pair(&bench, &second, &third).await.expect("two");
    let outer = pair(&bench, &mara, &third).await.expect("three");
    assert_eq!(first.standing.members, 3);
    let group = bench.journal.group_of(outer.id).await.unwrap().unwrap();
    assert_eq!((group.members.len(), group.pairs.len()), (3, 3));
    let shown = bench.duplicates().await;
    let of_group = shown.iter().filter(|row| row.standing.group == first.standing.group).count();
    assert_eq!(of_group, 1, "the list shows a group once");

    let operator = bench.operator();
    operator.judge(say(first.id, Verdict::Same)).await.unwrap();
    operator.judge(say(outer.id, Verdict::Different)).await.unwrap();
    let merge = |pair: &Duplicate| reknit::domain::review::Decision::Merge {
        duplicate: pair.id,
        survivor: pair.left.clone(),
        wish: Box::default(),
    };
    let refused = operator.preview(&merge(&middle)).await.expect_err("it would make the two one").to_string();
    assert!(refused.contains(&outer.id.to_string()) && refused.contains("--undo"), "{refused}");
    let said = operator.judge(say(middle.id, Verdict::Same)).await.unwrap();
    assert!(said.standing.alarm.is_some(), "{said:?}");
    for other in [&first, &outer] {
        let alarm = bench.journal.duplicate(other.id).await.unwrap().unwrap().standing.alarm;
        assert!(alarm.is_some_and(|words| words.contains(&outer.id.to_string())));
    }
    operator.take_back_verdict(outer.id).await.unwrap();
    assert_eq!(bench.journal.duplicate(first.id).await.unwrap().unwrap().standing.alarm, None);
    operator.preview(&merge(&middle)).await.expect("nothing speaks against it any more");
}

#[tokio::test]
async fn r228_exceptions_are_listed_with_their_last_review_and_are_due_after_a_time() {
    let (mut bench, mara) = learned().await;
    let second = contact(&bench, OTHER, Webhook::Sent);
    turn(&mut bench).await;
    let id = pair(&bench, &mara, &second).await.expect("found").id;
    bench.operator().judge(say(id, Verdict::Different)).await.unwrap();
    let said = bench.now();
    let rows = bench.journal.exceptions(said, 10).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.pair.id, row.reviewed_at, row.due)).collect::<Vec<_>>(),
        [(id, said, false)]
    );
    bench.advance(Duration::from_secs(200 * 24 * 3600));
    let before = reknit::domain::clock::Timestamp(bench.now().0 - 180 * 24 * 3600 * 1000);
    assert_eq!(bench.journal.exceptions_due(before).await.unwrap(), 1);
    assert!(bench.journal.exceptions(before, 10).await.unwrap()[0].due);
    bench.work_out().await;
}

/// A measurement, not a proof: `REKNIT_PEOPLE=100000 cargo test --release --test it -- --ignored one_changed_record`.
#[tokio::test]
#[ignore = "prints how long one changed record takes among many"]
async fn one_changed_record_among_many_is_compared_in_milliseconds() {
    let people: usize =
        std::env::var("REKNIT_PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000);
    let mut bench = Bench::new().await;
    let mirror = |number: usize, city: &str| {
        let (given, family) = (number % 997, number / 7 % 9_973);
        let fields = json!({
            "email": format!("g{given}.f{family}.{number}@firm{}.example", number % 20_011),
            "firstname": format!("Given{given}"), "lastname": format!("Family{family}"), "city": city,
            "phone": format!("+49 30 {:07}", number * 13 % 9_999_991), "company": format!("Firm {}", number % 20_011),
        });
        reknit::domain::record::Mirror {
            record: format!("hubspot/contact/{number}").parse().unwrap(),
            fields: serde_json::from_value(fields).unwrap(),
            vendor_updated_at: None,
            companies: Vec::new(),
            deleted: false,
        }
    };
    for from in (0..people).step_by(1_000) {
        let page = (from..people.min(from + 1_000)).map(|number| mirror(number, "Berlin")).collect();
        bench.journal.put_mirrors(page).await.unwrap();
    }
    let start = std::time::Instant::now();
    bench.engine.scan_people(|_| {}).await.unwrap();
    let whole = start.elapsed();
    let mut took = Vec::new();
    for number in (0..people).step_by((people / 50).max(1)) {
        bench.journal.put_mirrors(vec![mirror(number, "Graz")]).await.unwrap();
        let start = std::time::Instant::now();
        assert_eq!(bench.engine.match_changed().await.unwrap(), 1);
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let mut out = std::io::stderr();
    writeln!(
        out,
        "{people} people: a look over everybody {whole:?}; one changed record: median {:?}, slowest {:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    )
    .unwrap();
    bench.look().await;
}
