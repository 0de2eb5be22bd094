//! Calls to the sandbox beyond what our clients make: every route it has, what goes well and what it refuses. The
//! calls are written in `tests/fixtures/contract/calls`; the requests may be wrong on purpose.

use std::collections::{BTreeMap, BTreeSet};

use reknit::domain::record::System;
use reknit::sandbox::{Fault, FaultKind, Sandbox, Vendor};
use serde_json::Value;

use super::traffic::empty_sandbox;
use crate::support::{Exchange, Recorder};

/// One line of a file of calls.
struct Line<'a> {
    status: u16,
    method: &'a str,
    path: String,
    body: Option<Body>,
    /// The name of the token to call with, if not the usual one.
    token: Option<&'a str>,
    /// The name for a part of the answer, and where that part is.
    keeps: Option<(&'a str, &'a str)>,
}

/// What is sent.
#[derive(Debug)]
enum Body {
    Json(Value),
    Form(String),
    Csv(String),
}

/// The lines for one variant, with names replaced as far as they are known when each is reached.
fn read(line: &'static str, variant: &str, names: &Names) -> Option<Line<'static>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let line = match line.split_once(": ").filter(|(first, _)| !first.contains(' ')) {
        Some((only, rest)) if only == variant => rest,
        Some(_) => return None,
        None => line,
    };
    let (line, keeps) = line.rsplit_once(" > ").map_or((line, None), |(line, keeps)| (line, Some(keeps)));
    let keeps = keeps.map(|keeps| keeps.split_once(' ').unwrap_or((keeps, "/id")));
    let mut parts = line.splitn(4, ' ');
    let mut next = || parts.next().unwrap_or_default();
    let (status, method, path, body) = (next(), next(), next(), next());
    let filled = |text: &str| filled(text, names);
    let body = match filled(body) {
        body if body.is_empty() => None,
        body if body.starts_with(['{', '[']) => Some(Body::Json(serde_json::from_str(&body).expect(line))),
        body => match body.strip_prefix("csv:") {
            Some(rows) => Some(Body::Csv(rows.replace("\\n", "\n"))),
            None => Some(Body::Form(body)),
        },
    };
    let (method, token) =
        method.split_once('@').map_or((method, None), |(method, name)| (method, Some(name)));
    Some(Line { status: status.parse().expect(line), method, path: filled(path), body, token, keeps })
}

/// Names for ids, filled while a file of calls is played.
pub(crate) type Names = BTreeMap<&'static str, String>;

/// An HTTP client that knows no vendor.
fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// Somebody with a token who makes calls as a file says.
struct Caller<'a> {
    client: reqwest::Client,
    base: &'a str,
    variant: &'a str,
}

impl<'a> Caller<'a> {
    fn new(base: &'a str, variant: &'a str) -> Self {
        Self { client: client(), base, variant }
    }

    async fn ask(&self, line: &Line<'_>, token: &str) -> Value {
        let url = format!("{}{}", self.base, line.path);
        let mut request = self.client.request(line.method.parse().unwrap(), url).bearer_auth(token);
        if self.variant.starts_with("2.") {
            request = request.header("intercom-version", self.variant);
        }
        request = match &line.body {
            None => request,
            Some(Body::Json(body)) => {
                request.header("content-type", "application/json").body(body.to_string())
            }
            Some(Body::Csv(rows)) => request.header("content-type", "text/csv").body(rows.clone()),
            Some(Body::Form(form)) => {
                request.header("content-type", "application/x-www-form-urlencoded").body(form.clone())
            }
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert_eq!(
            status, line.status,
            "{}: {} {} {:?}: {text}",
            self.variant, line.method, line.path, line.body
        );
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Makes the calls one after the other, each with the status it must get.
    async fn play(&self, calls: &'static str, token: &str, names: &mut Names) {
        for text in calls.lines() {
            let Some(line) = read(text, self.variant, names) else { continue };
            let token = line.token.map_or(token, |name| names[name].as_str());
            let answer = self.ask(&line, token).await;
            if let Some((name, pointer)) = line.keeps {
                let value =
                    answer.pointer(pointer).unwrap_or_else(|| panic!("{text}: no {pointer} in {answer}"));
                names.insert(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
    }

    /// What every call may be refused for.
    async fn be_refused(&self, path: &str, token: &str, fault: impl Fn(FaultKind)) {
        let any = |status| Line {
            status,
            method: "GET",
            path: path.to_owned(),
            body: None,
            token: None,
            keeps: None,
        };
        self.ask(&any(401), "nobody's token").await;
        for (kind, status) in faults() {
            fault(kind);
            self.ask(&any(status), token).await;
        }
    }
}

/// Names that Intercom's calls may begin with.
fn intercom_names() -> Names {
    Names::from([("nobody", "000000000000000000000000".to_owned()), ("admin", "7400101".to_owned())])
}

/// Where HubSpot's areas are, in one family of paths.
fn hubspot_names(family: &str) -> Names {
    let area = |name: &str, numbered: &str| match family {
        "dated" => format!("/crm/{name}/2026-09"),
        _ => format!("/crm/{numbered}/{name}"),
    };
    Names::from([
        ("objects", area("objects", "v3")),
        ("linked", area("objects", "v4")),
        ("associations", area("associations", "v4")),
        ("properties", area("properties", "v3")),
        ("pipelines", area("pipelines", "v3")),
        ("owners", area("owners", "v3")),
    ])
}

/// Names that Salesforce's calls may begin with.
fn salesforce_names(sandbox: &Sandbox) -> Names {
    let now = jiff::Timestamp::now();
    let second = |hours: i64| now.saturating_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
    let written = |hours| second(hours).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Names::from([
        ("yesterday", written(24)),
        ("now", written(0)),
        ("data", "/services/data/v66.0".to_owned()),
        ("client_id", sandbox.salesforce_client_id().to_owned()),
        ("client_secret", sandbox.salesforce_client_secret().to_owned()),
        ("refresh_token", sandbox.salesforce_refresh_token().to_owned()),
    ])
}

/// The emulated Salesforce, as a file says.
pub(crate) async fn salesforce() -> Vec<Exchange> {
    let sandbox = empty_sandbox().await;
    let recorder = Recorder::before(sandbox.salesforce_instance_url()).await;
    recorder.label("raw");
    let caller = Caller::new(recorder.url(), "66.0");
    let calls = include_str!("../../fixtures/contract/calls/salesforce.txt");
    caller.play(calls, sandbox.salesforce_token(), &mut salesforce_names(&sandbox)).await;
    recorder.seen()
}

/// Every route of the emulated Intercom.
pub(crate) async fn intercom(version: &str) -> Vec<Exchange> {
    let sandbox = empty_sandbox().await;
    let recorder = Recorder::before(sandbox.intercom_base_url()).await;
    recorder.label("raw");
    let caller = Caller::new(recorder.url(), version);
    let calls = include_str!("../../fixtures/contract/calls/intercom.txt");
    caller.play(calls, sandbox.intercom_token(), &mut intercom_names()).await;
    let fault = |kind| sandbox.add_fault(once(Vendor::Intercom, kind));
    caller.be_refused("/contacts", sandbox.intercom_token(), fault).await;
    recorder.seen()
}

/// Every route of the emulated HubSpot, in one family of paths.
pub(crate) async fn hubspot(family: &str) -> Vec<Exchange> {
    let sandbox = empty_sandbox().await;
    let recorder = Recorder::before(sandbox.hubspot_base_url()).await;
    recorder.label("raw");
    let caller = Caller::new(recorder.url(), family);
    let calls = include_str!("../../fixtures/contract/calls/hubspot.txt");
    let mut names = hubspot_names(family);
    caller.play(calls, sandbox.hubspot_token(), &mut names).await;
    let fault = |kind| sandbox.add_fault(once(Vendor::HubSpot, kind));
    caller.be_refused(&format!("{}/contacts", names["objects"]), sandbox.hubspot_token(), fault).await;
    recorder.seen()
}

/// A text with names replaced by what they stand for.
pub(crate) fn filled(text: &str, names: &Names) -> String {
    // Longer names first: `$a` must not eat the beginning of `$ana`.
    let mut known: Vec<_> = names.iter().collect();
    known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let put = |text: String, (name, value): &(&&str, &String)| text.replace(&format!("${name}"), value);
    let filled = known.iter().fold(text.to_owned(), put);
    assert!(!filled.contains('$'), "{text}: a name nobody has given");
    filled
}

/// Some records for operations to work on, under names.
pub(crate) async fn world(sandbox: &Sandbox, system: System, variant: &str) -> Names {
    let (calls, mut names, base, token) = match system {
        System::Intercom => (
            include_str!("../../fixtures/contract/calls/intercom.world.txt"),
            intercom_names(),
            sandbox.intercom_base_url(),
            sandbox.intercom_token(),
        ),
        System::Salesforce => (
            include_str!("../../fixtures/contract/calls/salesforce.world.txt"),
            salesforce_names(sandbox),
            sandbox.salesforce_instance_url(),
            sandbox.salesforce_token(),
        ),
        System::Hubspot => (
            include_str!("../../fixtures/contract/calls/hubspot.world.txt"),
            hubspot_names(variant),
            sandbox.hubspot_base_url(),
            sandbox.hubspot_token(),
        ),
    };
    Caller::new(base, variant).play(calls, token, &mut names).await;
    names
}

/// An access token of the emulated HubSpot's public app.
pub(crate) async fn hubspot_access_token(sandbox: &Sandbox) -> String {
    let form = format!(
        "grant_type=refresh_token&client_id=sandbox-hubspot-client-id&client_secret={}&\
         refresh_token=sandbox-hubspot-refresh-token",
        sandbox.hubspot_client_secret()
    );
    let request = client().post(format!("{}/oauth/v1/token", sandbox.hubspot_base_url())).body(form);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let text = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).expect(&text);
    answer["access_token"].as_str().expect(&text).to_owned()
}

/// Whether the sandbox has a route for one of the operations, such as `GET /contacts/{contact_id}`.
pub(crate) async fn has_route(base: &str, token: &str, operation: &str, all: &BTreeSet<String>) -> bool {
    let (method, template) = operation.split_once(' ').unwrap();
    let object = if template.contains("/pipelines/") { "deals" } else { "contacts" };
    let filled = |part: &str| match part {
        "{objectType}" | "{fromObjectType}" => object.to_owned(),
        "{toObjectType}" => "companies".to_owned(),
        "{pipelineId}" => "default".to_owned(),
        _ if part.starts_with('{') => "0".to_owned(),
        _ => part.to_owned(),
    };
    let path: Vec<String> = template.split('/').map(filled).collect();
    let request =
        client().request(method.parse().unwrap(), format!("{base}{}", path.join("/"))).bearer_auth(token);
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    let (folder, name) = operation.rsplit_once('/').unwrap();
    // A word at the end may have been taken for the id of something.
    let taken = status == 404
        && !name.starts_with('{')
        && all.iter().any(|other| other.strip_prefix(folder).is_some_and(|rest| rest.starts_with("/{")));
    !taken && !is_no_route(&text)
}

/// Whether the sandbox says that it has no such route.
pub(crate) fn is_no_route(text: &str) -> bool {
    let unknown = ["No such path", "The requested resource was not found", "the operation is unknown"];
    unknown.iter().any(|words| text.contains(words))
}

/// Refusals that strike by themselves, with their statuses; what a gateway says is no vendor's word.
fn faults() -> [(FaultKind, u16); 7] {
    [
        (FaultKind::RateLimited, 429),
        (FaultKind::RateLimitedDaily, 429),
        (FaultKind::ServerError, 500),
        (FaultKind::Unavailable { retry_after: Some(1) }, 503),
        (FaultKind::MissingScopes, 403),
        (FaultKind::Locked, 423),
        (FaultKind::Unauthorized, 401),
    ]
}

fn once(vendor: Vendor, kind: FaultKind) -> Fault {
    Fault::new(vendor, kind).times(1)
}
