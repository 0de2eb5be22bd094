//! Two CRM records are one person: preview, capsule, merge, everything follows; or they are not, and stay apart.

use std::io::Write as _;

use reknit::domain::execution::Status;
use reknit::domain::ids::CapsuleId;
use reknit::domain::record::{RecordRef, System};
use reknit::domain::review::Duplicate;
use reknit::sandbox::Webhook;
use serde_json::{Value, json};

use crate::support::Bench;

/// A bench over a seeded world, loaded and scanned, showing the duplicates.
async fn scanned() -> Bench {
    let mut bench = Bench::build().seeded(7, 60, 30).start().await;
    bench.load().await;
    bench.scan().await;
    bench.press("4").await;
    bench
}

/// The first mergeable CRM pair that fits, selected on the screen.
async fn selected(bench: &mut Bench, fits: impl Fn(&Bench, &Duplicate) -> bool) -> Duplicate {
    let all = bench.duplicates().await;
    let place = all
        .iter()
        .position(|pair| {
            pair.left.system() == System::Hubspot && pair.obstacle.is_none() && fits(bench, pair)
        })
        .unwrap_or_else(|| panic!("no such pair among {}", all.len()));
    bench.press("g").await;
    for _ in 0..place {
        bench.press("j").await;
    }
    all[place].clone()
}

fn tied(bench: &Bench, record: &RecordRef) -> Option<String> {
    let query = format!(
        "SELECT record FROM identities WHERE record LIKE 'intercom/%' AND person_id = \
         (SELECT person_id FROM identities WHERE record = '{record}')"
    );
    bench.tables().texts(&query).into_iter().next()
}

#[tokio::test]
async fn a_merge_leaves_one_record_and_everything_follows_it() {
    let mut bench = scanned().await;
    let pair = selected(&mut bench, |bench, pair| {
        tied(bench, &pair.left).is_some() || tied(bench, &pair.right).is_some()
    })
    .await;
    let twin = tied(&bench, &pair.left).or_else(|| tied(&bench, &pair.right)).unwrap();
    let twin_id = twin.rsplit('/').next().unwrap().to_owned();
    let before = [&pair.left, &pair.right].map(|record| bench.sandbox.hubspot_contact(&record.id).unwrap());
    let contacts = bench.books()["records"]["hubspot"]["contacts"].as_u64().unwrap();
    let effects = bench.effects().len();

    bench.press("m").await;
    for text in [
        "This cannot be taken back at the vendor.",
        "/crm/v3/objects/contacts/merge",
        &format!("\"primaryObjectId\":\"{}\"", pair.left.id),
        &format!("\"objectIdToMerge\":\"{}\"", pair.right.id),
        &format!("/contacts/{twin_id}"),
        "Y Merge",
    ] {
        bench.says(text);
    }
    bench.press("Enter").await;
    bench.says_not("Y Merge");
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    assert_eq!(bench.effects().len(), effects);
    bench.press("m Y").await;
    bench.says("being carried out");
    bench.work().await;

    let row = bench.tables().row("SELECT * FROM executions WHERE recipe = 'merge-duplicates'");
    assert_eq!(row["status"], "succeeded", "{row}");
    let books = bench.books();
    let merge = books["effects"].as_array().unwrap().iter().find(|effect| effect["kind"] == "merge").unwrap();
    let new = merge["id"].as_str().unwrap().to_owned();
    assert_eq!(merge["detail"], json!({"primary": pair.left.id, "absorbed": pair.right.id}));
    assert!(new != pair.left.id && new != pair.right.id, "HubSpot gives the merged record an id of its own");
    assert_eq!(books["records"]["hubspot"]["contacts"].as_u64().unwrap(), contacts - 1);

    // Identity map, cross-reference and copies follow.
    let merged = format!("hubspot/contact/{new}");
    let tables = bench.tables();
    assert_eq!(tied(&bench, &merged.parse().unwrap()).as_deref(), Some(twin.as_str()));
    assert_eq!(bench.intercom(&twin_id)["custom_attributes"]["hubspot_contact_id"], json!(new));
    for old in [&pair.left, &pair.right] {
        assert_eq!(tables.number(&format!("SELECT count(*) FROM identities WHERE record = '{old}'")), 0);
        assert_eq!(tables.number(&format!("SELECT deleted FROM mirror WHERE record = '{old}'")), 1);
        for (table, column) in [("unlinked", "contact"), ("conflicts", "right_record")] {
            let open = format!("SELECT count(*) FROM {table} WHERE state = 'open' AND {column} = '{old}'");
            assert_eq!(tables.number(&open), 0, "{table} {old}");
        }
    }

    // The capsule holds both records as they were.
    let capsule = tables.row("SELECT id, execution_id FROM capsules WHERE taken = 'before'");
    assert_eq!(capsule["execution_id"], row["id"]);
    let id = CapsuleId(capsule["id"].as_i64().unwrap());
    let images = bench.journal.capsule(id).await.unwrap().unwrap();
    let records: Vec<Value> = images.iter().map(|image| serde_json::to_value(image).unwrap()).collect();
    assert_eq!(records.len(), 2);
    for (image, before) in records.iter().zip(&before) {
        assert_eq!(image["record"], json!(format!("hubspot/contact/{}", before["id"].as_str().unwrap())));
        let kept = image["fields"].as_object().unwrap();
        for (name, value) in before["properties"].as_object().unwrap() {
            if let Some(kept) = kept.get(name).filter(|kept| !kept.is_null()) {
                assert_eq!(kept, value, "{name}");
            }
        }
        assert_eq!(kept["email"], before["properties"]["email"]);
        assert_eq!(kept["hubspot_owner_id"], before["properties"]["hubspot_owner_id"]);
        let all = before["properties"].as_object().unwrap();
        let missing: Vec<_> = all.keys().filter(|name| !kept.contains_key(*name)).collect();
        assert!(missing.is_empty(), "not in the capsule: {missing:?}");
    }
    let related = records.iter().filter(|image| image["associations"]["companies"].is_array()).count();
    assert!(related > 0, "the capsule says whose company it was: {records:#?}");

    let audit = bench.audit().await;
    assert!(
        audit.iter().any(|line| line.starts_with(&format!("olga merge {}: Survivor {}", pair.id, pair.left)))
    );
    let done = format!("olga merge {merged}: merge-duplicates ");
    assert!(audit.iter().any(|line| line.starts_with(&done)), "{audit:#?}");

    // A new look finds neither of the two again, and asks for no further write.
    let effects = bench.effects().len();
    bench.scan().await;
    bench.work().await;
    let again = bench.duplicates().await;
    assert!(
        !again
            .iter()
            .any(|other| [&other.left, &other.right].iter().any(|r| **r == pair.left || **r == pair.right))
    );
    assert_eq!(bench.effects().len(), effects);
}

#[tokio::test]
async fn the_chosen_survivor_survives() {
    let mut bench = scanned().await;
    let pair = selected(&mut bench, |_, _| true).await;
    bench.press("S m").await;
    bench.says(&format!("\"primaryObjectId\":\"{}\"", pair.right.id));
    bench.press("Y").await;
    bench.work().await;
    let books = bench.books();
    let merge = books["effects"].as_array().unwrap().iter().find(|effect| effect["kind"] == "merge").unwrap();
    assert_eq!(merge["detail"], json!({"primary": pair.right.id, "absorbed": pair.left.id}));
    let row = bench.tables().row(&format!("SELECT state FROM duplicates WHERE id = {}", pair.id.0));
    assert_eq!(row["state"], "done");
}

#[tokio::test]
async fn a_pair_called_different_stays_away() {
    let mut bench = scanned().await;
    let pair = selected(&mut bench, |_, pair| pair.standing.members == 2).await;
    let count = bench.duplicates().await.len();
    bench.press("x").await;
    bench.says("Two different people?");
    bench.press("Enter").await;
    assert_eq!(bench.duplicates().await.len(), count);
    bench.press("x Y").await;
    assert_eq!(bench.duplicates().await.len(), count - 1);
    bench.scan().await;
    assert!(!bench.duplicates().await.iter().any(|other| other.id == pair.id));
    assert_eq!(bench.effects(), Vec::<String>::new(), "nothing is sent for it");
    let audit = bench.audit().await;
    assert_eq!(audit, [format!("olga distinct {}: Judged to be two different records.", pair.id)]);
}

#[tokio::test]
async fn a_merge_whose_answer_is_lost_happens_once() {
    use reknit::sandbox::{Fault, FaultKind, Vendor};
    let mut bench = Bench::build().seeded(7, 60, 30).patience(1).start().await;
    bench.load().await;
    bench.scan().await;
    bench.press("4").await;
    selected(&mut bench, |_, _| true).await;
    bench
        .sandbox
        .add_fault(Fault::new(Vendor::HubSpot, FaultKind::TimeoutAfterEffect).path("/merge").times(1));
    bench.press("m Y").await;
    bench.work().await;
    let id = bench.tables().number("SELECT id FROM executions WHERE recipe = 'merge-duplicates'");
    assert_eq!(bench.row(id).await.status, Status::InDoubt);
    bench.work_when_due().await;
    let row = bench.row(id).await;
    assert_eq!(row.status, Status::Succeeded, "{}", row.sentence);
    assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
    assert_eq!(bench.tables().number("SELECT count(*) FROM capsules WHERE taken = 'before'"), 1);
}

#[tokio::test]
async fn an_intercom_lead_is_merged_into_its_user_and_the_user_keeps_the_tie() {
    let mut bench = scanned().await;
    let all = bench.duplicates().await;
    let place = all
        .iter()
        .position(|pair| pair.left.system() == System::Intercom && pair.obstacle.is_none())
        .expect("the seed makes leads of users");
    let pair = all[place].clone();
    bench.press("g").await;
    for _ in 0..place {
        bench.press("j").await;
    }
    let roles = [&pair.left, &pair.right].map(|record| bench.intercom(&record.id)["role"].clone());
    assert_eq!(roles, ["user", "lead"], "the user survives unless somebody says otherwise");
    let before = bench.intercom(&pair.left.id)["custom_attributes"]["hubspot_contact_id"].clone();
    let crm = bench.tables().number("SELECT count(*) FROM identities WHERE record LIKE 'hubspot/%'");
    bench.press("m").await;
    bench.says("/contacts/merge");
    bench.press("Y").await;
    bench.work().await;
    let row = bench.tables().row("SELECT status, sentence FROM executions WHERE recipe = 'merge-duplicates'");
    assert_eq!(row["status"], "succeeded", "{row}");
    assert_eq!(bench.count("intercom.contact.merge.api"), 1);
    assert_eq!(bench.intercom(&pair.left.id)["custom_attributes"]["hubspot_contact_id"], before);
    let tables = bench.tables();
    assert_eq!(tables.number("SELECT count(*) FROM capsules WHERE taken = 'before'"), 1);
    assert_eq!(tables.number(&format!("SELECT count(*) FROM identities WHERE record = '{}'", pair.right)), 0);
    assert_eq!(tables.number("SELECT count(*) FROM identities WHERE record LIKE 'hubspot/%'"), crm);
    assert_eq!(bench.count("hubspot.contact.create.api"), 0);
}

#[tokio::test]
async fn a_record_that_changed_since_it_was_shown_is_not_merged_unseen() {
    let mut bench = scanned().await;
    let pair = selected(&mut bench, |_, _| true).await;
    bench
        .sandbox
        .edit_hubspot_contact(&pair.right.id, &json!({"jobtitle": "Chief Surprise Officer"}), Webhook::Silent)
        .expect("edited");
    bench.press("m Y").await;
    bench.work().await;
    let row = bench.tables().row("SELECT * FROM executions WHERE recipe = 'merge-duplicates'");
    assert_eq!(row["status"], json!(Status::Failed.as_str()), "{row}");
    assert!(row["sentence"].to_string().contains("jobtitle changed since the two were shown"), "{row}");
    assert!(bench.sandbox.hubspot_contact(&pair.right.id).is_some());
    assert!(!bench.books().to_string().contains("\"merge\""), "nothing was merged");
    // The pair comes back with what it is now, and can be merged then.
    bench.scan().await;
    let again = bench.duplicates().await.into_iter().find(|other| other.id == pair.id).expect("open again");
    assert_eq!(again.right_fields["jobtitle"], json!("Chief Surprise Officer"));
}

/// Kills the worker during each call of a merge, once before the vendor did anything and once after it, and lets
/// another take over.
#[tokio::test]
async fn g7_a_kill_between_any_two_steps_never_leaves_a_merge_without_a_capsule_nor_two_merges() {
    use reknit::sandbox::{Fault, FaultKind, Vendor};
    use std::time::Duration;
    let (mut kills, mut resumed) = (0, 0);
    for kind in [FaultKind::TimeoutBeforeEffect, FaultKind::TimeoutAfterEffect] {
        for call in 0.. {
            let mut bench = Bench::build().seeded(7, 60, 30).patience(30).start().await;
            bench.load().await;
            bench.scan().await;
            bench.press("4").await;
            selected(&mut bench, |bench, pair| tied(bench, &pair.left).is_some()).await;
            bench.press("m Y").await;
            for vendor in [Vendor::HubSpot, Vendor::Intercom] {
                bench.sandbox.add_fault(Fault::new(vendor, kind.clone()).after(call).times(1));
            }
            let engine = bench.engine.clone();
            let mut worker = tokio::spawn(async move { engine.work_off().await });
            // It is killed while it waits for an answer: no other call is on its way then.
            let hung = tokio::select! {
                () = bench.sandbox.call_held() => true,
                _ = &mut worker => false,
            };
            if hung {
                worker.abort();
                let _ = worker.await;
            }
            if !hung {
                bench.sandbox.clear_faults();
                bench.work().await;
                assert_eq!(bench.count("hubspot.contact.merge.api"), 1);
                break;
            }
            kills += 1;
            let merges = bench.count("hubspot.contact.merge.api");
            let capsules = bench.tables().number("SELECT count(*) FROM capsules WHERE taken = 'before'");
            assert!(merges <= u64::try_from(capsules).unwrap(), "{kind:?} {call}: merged without a capsule");
            resumed += merges;
            bench.sandbox.clear_faults();
            bench.advance(Duration::from_secs(61));
            bench.journal.rescue().await.unwrap();
            bench.advance(Duration::from_secs(5));
            bench.work().await;
            let row = bench
                .tables()
                .row("SELECT status, sentence FROM executions WHERE recipe = 'merge-duplicates'");
            assert_eq!(row["status"], "succeeded", "{kind:?} {call}: {row}");
            assert_eq!(bench.count("hubspot.contact.merge.api"), 1, "{kind:?} {call}");
            let lines = bench.audit().await;
            let told = lines
                .iter()
                .filter(|line| line.contains("merge hubspot/contact/") && line.contains("into"))
                .count();
            assert_eq!(told, 1, "{lines:#?}");
        }
    }
    let _ = writeln!(
        std::io::stderr(),
        "G7 merge: {kills} kills between any two steps, {resumed} after the vendor had merged: one merge each, none without a capsule"
    );
    assert!(kills > 10 && resumed > 0);
}
