//! HubSpot: associations, the primary company, companies made for a link, a whole domain.

use reknit::domain::links::LinkVerdict;
use reknit::domain::record::System;
use reknit::domain::review::{Decision, LinkAs, ReviewState};
use reknit::sandbox::Webhook;
use serde_json::json;

use super::{company, decided, link};
use crate::support::Bench;

fn firm(bench: &Bench, name: &str, domain: &str) -> String {
    let fields = json!({"name": name, "domain": domain});
    bench.sandbox.new_hubspot_company(&fields, Webhook::Silent).unwrap()
}

fn person(bench: &Bench, mail: &str) -> String {
    let fields = json!({"email": mail, "firstname": "Ana", "lastname": mail.split('@').next().unwrap()});
    bench.sandbox.new_hubspot_contact(&fields, Webhook::Silent).unwrap()
}

#[tokio::test]
async fn r135_a_link_is_made_and_taken_back_and_the_books_show_nothing_else() {
    let mut bench = Bench::new().await;
    let northlight = firm(&bench, "Northlight GmbH", "northlight.example");
    let ana = person(&bench, "ana@northlight.example");
    bench.load().await;
    bench.scan().await;
    let before = (bench.hubspot(&ana), bench.effects().len());
    let operator = bench.operator();
    let to = company(System::Hubspot, &northlight);
    let made = link(&mut bench, &operator, &to, LinkAs::Auto).await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana), [northlight.as_str()]);
    bench.scan().await;
    assert!(bench.unlinked().await.is_empty());

    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    let preview = operator.preview(&undo).await.unwrap();
    assert_eq!(preview.calls[0].method, "DELETE");
    decided(&mut bench, &operator, &undo).await;
    assert!(bench.sandbox.hubspot_companies_of(&ana).is_empty());
    assert_eq!(bench.hubspot(&ana), before.0);
    let new: Vec<String> = bench.effects().split_off(before.1);
    assert_eq!(new.len(), 2, "{new:?}");
    assert!(new[0].contains("associate") && new[1].contains("dissociate"), "{new:?}");
    // It is a question again, and the same link is not taken back twice.
    assert_eq!(bench.unlinked().await.len(), 1);
    assert!(operator.undo_of_link(Some(made.id), None).await.is_err());
}

#[tokio::test]
async fn a_primary_company_somebody_chose_meanwhile_stays() {
    let mut bench = Bench::new().await;
    let (northlight, other) =
        (firm(&bench, "Northlight GmbH", "northlight.example"), firm(&bench, "Quint", "quint.example"));
    let ana = person(&bench, "ana@northlight.example");
    bench.load().await;
    bench.scan().await;
    let operator = bench.operator();
    bench.sandbox.link_hubspot_company(&ana, &other, Webhook::Silent).unwrap();
    let to = company(System::Hubspot, &northlight);
    link(&mut bench, &operator, &to, LinkAs::Auto).await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana), [other.as_str(), &northlight]);
    assert_eq!(bench.hubspot(&ana)["associatedcompanyid"], json!(other));
}

#[tokio::test]
async fn the_primary_company_is_changed_when_asked_for_and_restored_by_the_undo() {
    let mut bench = Bench::new().await;
    let (northlight, other) =
        (firm(&bench, "Northlight GmbH", "northlight.example"), firm(&bench, "Quint", "quint.example"));
    let ana = person(&bench, "ana@northlight.example");
    bench.load().await;
    bench.scan().await;
    let operator = bench.operator();
    bench.sandbox.link_hubspot_company(&ana, &other, Webhook::Silent).unwrap();
    let before = bench.hubspot(&ana);
    let to = company(System::Hubspot, &northlight);
    let made = link(&mut bench, &operator, &to, LinkAs::Primary).await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana), [northlight.as_str(), &other]);
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    decided(&mut bench, &operator, &undo).await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana), [other.as_str()]);
    assert_eq!(bench.hubspot(&ana), before);
}

#[tokio::test]
async fn a_company_is_made_with_its_person_but_never_a_second_one() {
    let mut bench = Bench::new().await;
    let ana = person(&bench, "ana@northlight.example");
    let bea = person(&bench, "bea@quint.example");
    for (who, text) in [(&ana, "Northlight"), (&bea, "Quint")] {
        bench.sandbox.edit_hubspot_contact(who, &json!({"company": text}), Webhook::Silent).unwrap();
    }
    bench.load().await;
    bench.scan().await;
    let operator = bench.operator();
    let mut open = bench.unlinked().await;
    open.sort_by_key(|item| item.contact.id != ana);
    let (name, domain) = operator.suggested_company(open[0].id).await.unwrap();
    assert_eq!((name.as_str(), domain.as_str()), ("Northlight", "northlight.example"));
    let found = Decision::Found { unlinked: open[0].id, name, domain };
    // Somebody makes it while we look: HubSpot is asked once more, and no second one is made.
    let preview = operator.preview(&found).await.unwrap();
    assert_eq!((preview.calls.len(), preview.calls[0].method.as_str()), (2, "POST"));
    let theirs = firm(&bench, "Northlight Limited", "northlight.example");
    let id = operator.decide(&found).await.unwrap();
    bench.work().await;
    assert!(bench.detail(id).await.execution.sentence.contains("the CRM has this company"));
    assert_eq!(bench.count("hubspot.company.create.api"), 0);
    let open = bench.unlinked().await;
    assert!(open.iter().all(|item| item.state == ReviewState::Open), "{open:#?}");

    let item = open.iter().find(|item| item.contact.id == bea).unwrap();
    let found = Decision::Found { unlinked: item.id, name: "Quint".into(), domain: "quint.example".into() };
    decided(&mut bench, &operator, &found).await;
    assert_eq!(bench.count("hubspot.company.create.api"), 1);
    let made = &bench.sandbox.hubspot_companies_of(&bea)[0];
    assert_ne!(*made, theirs);
    assert_eq!(bench.sandbox.hubspot_company(made).unwrap()["properties"]["domain"], "quint.example");
    assert!(operator.preview(&found).await.is_err(), "it is done");
}

#[tokio::test]
async fn r139_a_whole_domain_is_shown_frozen_linked_and_remembered() {
    let mut bench = Bench::new().await;
    let acme = firm(&bench, "Acme", "acme.example");
    let people: Vec<String> =
        ["a", "b", "c"].iter().map(|name| person(&bench, &format!("{name}@acme.example"))).collect();
    bench.load().await;
    bench.scan().await;
    let operator = bench.operator();
    let to = company(System::Hubspot, &acme);
    let proposal = operator.propose_domain("acme.example", &to, true).await.unwrap();
    assert_eq!((proposal.rows.len(), proposal.preview.calls.len()), (3, 3));
    assert!(operator.propose_domain("gmail.com", &to, true).await.is_err());
    // Meanwhile somebody else decides about one of them.
    let snoozed = proposal.rows[1].unlinked;
    operator.judge_unlinked(snoozed, LinkVerdict::Unsure, "ask Ken").await.unwrap();
    let results = operator.carry_out_domain(&proposal).await.unwrap();
    bench.work().await;
    let left_out: Vec<_> = results.iter().filter_map(|row| row.outcome.clone().err()).collect();
    assert_eq!(left_out, ["it is ignored by now"]);
    let linked = people.iter().filter(|id| bench.sandbox.hubspot_companies_of(id) == [acme.as_str()]).count();
    assert_eq!(linked, 2);
    // Whoever comes later is proposed by the rule, and linked by nobody.
    let dora = json!({"email": "d@acme.example", "firstname": "Dora", "lastname": "Dahl"});
    let dora = bench.sandbox.new_hubspot_contact(&dora, Webhook::Sent).unwrap();
    bench.work().await;
    bench.scan().await;
    let open = bench.unlinked().await;
    let item = open.iter().find(|item| item.contact.id == dora).unwrap();
    assert_eq!(item.ruled_by.as_deref(), Some("acme.example"));
    assert!(bench.sandbox.hubspot_companies_of(&dora).is_empty());
    operator.rule_for_domain("acme.example", None, "sold").await.unwrap();
    bench.scan().await;
    assert!(bench.unlinked().await.is_empty());
    let audit = bench.audit().await;
    assert!(audit.iter().any(|line| line.starts_with("olga rule acme.example: ")), "{audit:#?}");
}

#[tokio::test]
async fn r139_a_rule_links_by_itself_only_where_the_settings_say_so() {
    let mut bench = Bench::build().engine(|engine| engine.link_by_rule = true).start().await;
    let acme = firm(&bench, "Acme", "acme.example");
    let ana = person(&bench, "ana@acme.example");
    bench.load().await;
    let operator = bench.operator();
    let to = company(System::Hubspot, &acme);
    operator.rule_for_domain("acme.example", Some(to), "").await.unwrap();
    bench.scan().await;
    bench.work().await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana), [acme.as_str()]);
    // A human parts them: the rule does not put them together again.
    let made = bench.newest().await;
    let undo = operator.undo_of_link(Some(made.id), None).await.unwrap();
    decided(&mut bench, &operator, &undo).await;
    bench.scan().await;
    bench.work().await;
    assert!(bench.sandbox.hubspot_companies_of(&ana).is_empty());
}

#[tokio::test]
async fn r138_r140_r233_a_closed_conversation_raises_an_item_and_coverage_counts() {
    let mut bench = Bench::new().await;
    let (left, right) = bench.known_person("mara@nowhere.example", &json!({})).await;
    bench.scan().await;
    assert!(bench.unlinked().await.is_empty(), "nothing says that there is a company");
    let conversation = bench.sandbox.start_conversation(&left, "Hello", Webhook::Silent).unwrap();
    bench.sandbox.close_conversation(&conversation, Webhook::Sent);
    bench.work().await;
    bench.scan().await;
    let open = bench.unlinked().await;
    assert_eq!(open[0].contact.id, right);
    assert!(open[0].hint.contains("a conversation was closed"), "{}", open[0].hint);

    let rows = bench.journal.coverage(1).await.unwrap();
    assert_eq!((rows[0].people, rows[0].linked), (1, 0));
    let text = reknit::engine::monitors::exposition::metrics(&bench.journal).await.unwrap();
    assert!(text.contains("reknit_link_coverage_ratio{connection=\"hubspot\"} 0"), "{text}");
    bench.press("1").await;
    bench.look().await;
    bench.says("0 % linked");
}

#[tokio::test]
async fn r201_live_creates_never_wait_for_accounts() {
    let mut bench = Bench::new().await;
    // Nobody ever scanned, and the account that would fit is there.
    firm(&bench, "Nowhere", "nowhere.example");
    let (_, right) = bench.known_person("mara@nowhere.example", &json!({})).await;
    assert!(bench.sandbox.hubspot_companies_of(&right).is_empty());
    assert!(bench.rows().await.iter().all(|row| !row.recipe.contains("link")), "no link was waited for");
}

#[tokio::test]
async fn r199_the_console_says_that_none_fits_and_asks_again_on_new_evidence() {
    let mut bench = Bench::new().await;
    firm(&bench, "Northlight GmbH", "northlight.example");
    let ana = person(&bench, "ana@northlight.example");
    bench.load().await;
    bench.scan().await;
    bench.press("5 x").await;
    bench.says("No company fits");
    bench.press("Enter").await;
    assert_eq!(bench.unlinked().await.len(), 1, "Enter is never yes");
    bench.press("x Y").await;
    bench.scan().await;
    assert!(bench.unlinked().await.is_empty());
    let text = json!({"company": "Northlight GmbH"});
    bench.sandbox.edit_hubspot_contact(&ana, &text, Webhook::Sent).unwrap();
    bench.work().await;
    bench.scan().await;
    assert_eq!(bench.unlinked().await.len(), 1);
    bench.press("l Y").await;
    bench.work().await;
    assert_eq!(bench.sandbox.hubspot_companies_of(&ana).len(), 1);
    bench.press("u Y").await;
    bench.work().await;
    assert!(bench.sandbox.hubspot_companies_of(&ana).is_empty());
}
