//! The control calls as somebody meets them who knows nothing, and links that lead nowhere else.

use serde_json::{Value, json};

use super::{Reply, client, empty, hubspot, intercom, read, send, started};
use crate::sandbox::{Sandbox, Settings, Vendor};

async fn control(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(sandbox, Vendor::HubSpot, method, &format!("/_sandbox{path}"), body).await
}

#[tokio::test]
async fn the_control_calls_are_listed_with_what_is_emulated_and_what_is_not() {
    let sandbox = empty().await;
    let reply = control(&sandbox, "GET", "", None).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    for path in ["books", "faults", "tokens", "webhooks"] {
        assert!(reply.body["control"][format!("/_sandbox/{path}")].is_string(), "{path}: {}", reply.body);
    }
    for vendor in Vendor::ALL {
        for part in ["emulated", "not_emulated"] {
            let areas = reply.body[part][vendor.word()].as_array().unwrap();
            assert!(areas.len() > 2, "{part} {vendor:?}");
        }
    }
}

#[tokio::test]
async fn a_control_call_that_asks_for_nothing_hears_what_it_could_ask_for() {
    let sandbox = empty().await;
    for (path, key) in [("/tokens", "revoke_refresh"), ("/webhooks", "redeliver")] {
        let wrong = [Some(json!({})), None, Some(json!([])), Some(json!({"nonsense": true}))];
        for body in wrong {
            let reply = control(&sandbox, "POST", path, body.clone()).await;
            assert_eq!(reply.status, 400, "{path} {body:?}: {}", reply.body);
            assert!(reply.body["message"].as_str().unwrap().contains(key), "{path} {body:?}: {}", reply.body);
        }
        let reply = control(&sandbox, "GET", path, None).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{}", reply.body);
        assert!(reply.body["message"].as_str().unwrap().contains(key), "{}", reply.body);
    }
    let reply = control(&sandbox, "POST", "/webhooks", Some(json!({"vendor": "hubspot"}))).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let reply = control(&sandbox, "POST", "/tokens", Some(json!({"expire": "yes"}))).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let reply = control(&sandbox, "POST", "/tokens", Some(json!({"expire": true}))).await;
    assert_eq!((reply.status, &reply.body["revoked"]), (200, &json!(0)), "{}", reply.body);
    let reply = control(&sandbox, "GET", "/nonsense", None).await;
    assert_eq!(reply.status, 404);
    assert!(reply.body["message"].as_str().unwrap().contains("/_sandbox/webhooks"), "{}", reply.body);
    let reply =
        control(&sandbox, "POST", "/faults", Some(json!({"vendor": "hubspot", "kind": "sloow"}))).await;
    assert!(reply.body["message"].as_str().unwrap().contains("slow_drip"), "{}", reply.body);
}

#[tokio::test]
async fn the_books_count_the_root_as_a_route() {
    let sandbox = empty().await;
    hubspot(&sandbox, "GET", "/", None).await;
    assert_eq!(sandbox.books()["calls"], json!({"hubspot GET /": 1}));
}

/// Follows a link as a client does: as it stands.
async fn followed(link: &Value, token: &str, method: &str) -> Reply {
    let request = client().request(method.parse().unwrap(), link.as_str().unwrap());
    read(request.bearer_auth(token).send().await.unwrap()).await
}

#[tokio::test]
async fn hubspots_links_stay_on_the_sandbox_and_keep_what_was_asked() {
    let sandbox = started().await;
    let path = "/crm/v3/objects/contacts?limit=2&properties=email&properties=lifecyclestage";
    let first = hubspot(&sandbox, "GET", path, None).await.body;
    let link = &first["paging"]["next"]["link"];
    let base = sandbox.hubspot_base_url();
    assert!(link.as_str().unwrap().starts_with(&format!("{base}/crm/v3/objects/contacts?")), "{link}");
    let second = followed(link, sandbox.hubspot_token(), "GET").await.body;
    assert_eq!(second["results"].as_array().unwrap().len(), 2);
    assert_ne!(second["results"][0]["id"], first["results"][0]["id"]);
    assert!(second["results"][0]["properties"].get("lifecyclestage").is_some(), "{second}");
    // Under another name of the same machine the link has that name.
    let port = base.rsplit(':').next().unwrap();
    let url = format!("http://localhost:{port}{path}");
    let request = client().get(format!("{base}{path}")).header("host", format!("localhost:{port}"));
    let reply = read(request.bearer_auth(sandbox.hubspot_token()).send().await.unwrap()).await;
    let link = reply.body["paging"]["next"]["link"].as_str().unwrap();
    assert!(link.starts_with(url.split('?').next().unwrap()), "{link}");
}

#[tokio::test]
async fn hubspots_links_between_associations_stay_on_the_sandbox() {
    let sandbox = started().await;
    let contacts = hubspot(&sandbox, "GET", "/crm/v3/objects/contacts?limit=3", None).await.body;
    let company = json!({"properties": {"name": "Linkworks"}});
    let company = hubspot(&sandbox, "POST", "/crm/v3/objects/companies", Some(company)).await.body;
    let company = company["id"].as_str().unwrap();
    for contact in contacts["results"].as_array().unwrap() {
        let contact = contact["id"].as_str().unwrap();
        let path = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
        assert_eq!(hubspot(&sandbox, "PUT", &path, None).await.status, 200);
    }
    let path = format!("/crm/v4/objects/companies/{company}/associations/contacts?limit=2");
    let page = hubspot(&sandbox, "GET", &path, None).await.body;
    let link = &page["paging"]["next"]["link"];
    assert!(link.as_str().unwrap().starts_with(sandbox.hubspot_base_url()), "{page}");
    let rest = followed(link, sandbox.hubspot_token(), "GET").await.body;
    assert_eq!(rest["results"].as_array().unwrap().len(), 1, "{rest}");
}

#[tokio::test]
async fn intercoms_pages_are_addresses_on_the_sandbox() {
    let sandbox = Sandbox::start(Settings { companies: 40, ..super::fixed() }).await.unwrap();
    let first =
        intercom(&sandbox, "POST", "/companies/list?per_page=5&order=asc", Some(json!({}))).await.body;
    let next = &first["pages"]["next"];
    let base = sandbox.intercom_base_url();
    assert!(next.as_str().unwrap().starts_with(&format!("{base}/companies/list?")), "{next}");
    let second = followed(next, sandbox.intercom_token(), "POST").await.body;
    assert_eq!(second["pages"]["page"], 2, "{second}");
    // The order goes along: the page after the first five of a whole list in that order.
    let whole =
        intercom(&sandbox, "POST", "/companies/list?per_page=10&order=asc", Some(json!({}))).await.body;
    assert_eq!(second["data"].as_array().unwrap()[..], whole["data"].as_array().unwrap()[5..]);
}
