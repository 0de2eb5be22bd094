//! A person without a company: the operator links the best candidate.

use reknit::sandbox::Webhook;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn a_link_makes_the_association_and_the_item_stays_away() {
    let mut bench = Bench::build().seeded(7, 60, 30).start().await;
    bench.load().await;
    bench.scan().await;
    bench.press("5").await;
    let people = bench.unlinked().await;
    let place = people.iter().position(|person| !person.candidates.is_empty()).unwrap();
    for _ in 0..place {
        bench.press("j").await;
    }
    let person = &people[place];
    let company = &person.candidates[0].company;
    let contact = person.contact.id.clone();
    assert_eq!(bench.sandbox.hubspot_companies_of(&contact), Vec::<String>::new());
    let before = bench.hubspot(&contact);

    bench.press("l").await;
    let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{}", company.id);
    bench.says("PUT");
    bench.says(&path[..40]);
    bench.press("Enter").await;
    assert_eq!(bench.work().await, 0, "Enter is never yes");
    bench.press("l Y").await;
    bench.work().await;

    assert_eq!(bench.sandbox.hubspot_companies_of(&contact), [company.id.as_str()]);
    let mut after = bench.hubspot(&contact);
    // HubSpot's own: the primary company stands on the contact too.
    after.as_object_mut().unwrap().remove("associatedcompanyid");
    assert_eq!(after, before);
    let row =
        bench.tables().row(&format!("SELECT state, deciding_id FROM unlinked WHERE id = {}", person.id.0));
    assert_eq!(row["state"], "done");
    bench.scan().await;
    assert!(!bench.unlinked().await.iter().any(|other| other.id == person.id));
    let audit = bench.audit().await;
    let decided = format!("olga link {}: To {company}. Carried out by ", person.id);
    assert!(audit.iter().any(|line| line.starts_with(&decided)), "{audit:#?}");
    assert!(
        audit.iter().any(|line| line.starts_with(&format!("olga link {}: link-company", person.contact)))
    );
}

#[tokio::test]
async fn somebody_who_was_linked_at_the_vendor_meanwhile_is_no_longer_asked_about() {
    let mut bench = Bench::new().await;
    let company = json!({"name": "Northlight GmbH", "domain": "northlight.example"});
    let company = bench.sandbox.new_hubspot_company(&company, Webhook::Silent).unwrap();
    let contact = json!({"email": "ana@northlight.example", "firstname": "Ana", "lastname": "Berg", "company": "Northlight"});
    let contact = bench.sandbox.new_hubspot_contact(&contact, Webhook::Silent).unwrap();
    bench.load().await;
    bench.scan().await;
    let open = bench.unlinked().await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].candidates[0].company.id, company);
    bench.sandbox.link_hubspot_company(&contact, &company, Webhook::Silent).unwrap();
    // An edit brings the record, and with it its companies, back to our eyes.
    let edit = json!({"lifecyclestage": "customer"});
    bench.sandbox.edit_hubspot_contact(&contact, &edit, Webhook::Sent).unwrap();
    bench.work().await;
    bench.scan().await;
    assert_eq!(bench.unlinked().await.len(), 0);
    assert_eq!(bench.tables().row("SELECT state FROM unlinked")["state"], "obsolete");
}
