//! G3: every fault a vendor can have, on every kind of call the contact sync makes, alone and in a batch.
//!
//! Each cell strikes once and is then left to itself, in virtual time; it must end with the change carried over, nothing
//! made twice and every connection in use. Prints what an operator would have seen of each. `REKNIT_MATRIX=all` strikes
//! 3 and 6 times as well.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use reknit::domain::breaker::Breaker;
use reknit::domain::clock::Timestamp;
use reknit::domain::error_class::Retry;
use reknit::domain::execution::{Execution, Status};
use reknit::sandbox::{Fault, Vendor, Webhook};
use serde_json::{Value, json};

use crate::support::Bench;

/// Enough for every batch of ours to be worth a call.
const TOGETHER: usize = 4;
/// Nothing waits longer than the retries of a day.
const LONGEST: Duration = Duration::from_secs(2 * 24 * 3_600);
/// Benches at work at once: those of hanging faults wait for real seconds.
const AT_ONCE: usize = 6;

/// What happens at a vendor, so that a call is made.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    SignUp,
    Company,
    EditInIntercom,
    EditInHubspot,
}

#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    vendor: Vendor,
    act: Act,
    people: usize,
    method: &'static str,
    /// `{left}`, `{right}` and `{mail}` stand for the first person's.
    path: &'static str,
    body: &'static str,
}

const fn one(name: &'static str, vendor: Vendor, act: Act, method: &'static str, path: &'static str) -> Call {
    Call { name, vendor, act, people: 1, method, path, body: "" }
}

const fn many(name: &'static str, act: Act, path: &'static str, body: &'static str) -> Call {
    Call { name, vendor: Vendor::HubSpot, act, people: TOGETHER, method: "POST", path, body }
}

const CALLS: [Call; 14] = [
    one("Intercom: read contact", Vendor::Intercom, Act::EditInIntercom, "GET", "/contacts/{left}"),
    one("Intercom: read company", Vendor::Intercom, Act::Company, "GET", "/companies/"),
    one("Intercom: update contact", Vendor::Intercom, Act::EditInHubspot, "PUT", "/contacts/{left}"),
    one("HubSpot: read contact", Vendor::HubSpot, Act::EditInIntercom, "GET", "/contacts/{right}"),
    one("HubSpot: find by external id", Vendor::HubSpot, Act::SignUp, "GET", "/contacts/{left}"),
    one("HubSpot: find by e-mail", Vendor::HubSpot, Act::SignUp, "GET", "/contacts/{mail}"),
    one("HubSpot: create", Vendor::HubSpot, Act::SignUp, "POST", "/objects/contacts"),
    one("HubSpot: update", Vendor::HubSpot, Act::EditInIntercom, "PATCH", "/contacts/{right}"),
    many("HubSpot: read contacts, batch", Act::EditInIntercom, "/contacts/batch/read", "\"{right}\""),
    many("HubSpot: their companies, batch", Act::EditInIntercom, "/contacts/companies/batch/read", ""),
    many(
        "HubSpot: by external id, batch",
        Act::SignUp,
        "/batch/read",
        "\"idProperty\":\"intercom_contact_id\"",
    ),
    many("HubSpot: by e-mail, batch", Act::SignUp, "/batch/read", "\"idProperty\":\"email\""),
    many("HubSpot: create, batch", Act::SignUp, "/contacts/batch/create", ""),
    many("HubSpot: update, batch", Act::EditInIntercom, "/contacts/batch/update", ""),
];

/// Every kind the sandbox has; amounts that a patience of one second meets within a second.
fn kinds() -> VecDeque<String> {
    let mut kinds: VecDeque<String> = Fault::kinds()
        .map(|kind| match kind.as_str() {
            "slow=N" => "slow=200".to_owned(),
            "slow_drip=N" => "slow_drip=400".to_owned(),
            other => other.trim_end_matches("=N").to_owned(),
        })
        .collect();
    kinds.push_back("unavailable=1800".to_owned());
    // Those that hang or wait take longest.
    kinds
        .make_contiguous()
        .sort_by_key(|kind| !(["timeout", "slow_", "rate_"].iter().any(|slow| kind.starts_with(slow))));
    kinds
}

struct Person {
    left: String,
    right: String,
    email: String,
}

/// A bench with people known to both sides, and cells that are played on it one after the other.
struct Table {
    bench: Bench,
    kind: String,
    strikes: u32,
    people: Vec<Person>,
    /// Cells begun.
    cells: usize,
    lines: String,
    struck: u32,
    recoveries: Vec<(i64, String)>,
}

impl Table {
    /// With everybody these calls are about.
    async fn new(kind: &str, strikes: u32, calls: &[Call]) -> Self {
        let mut bench = Bench::build().patience(1).start().await;
        let known = calls.iter().filter(|call| call.act != Act::SignUp).map(|call| call.people).sum();
        let emails: Vec<String> = (0..known).map(|number| format!("known{number}@quint.example")).collect();
        for email in &emails {
            let user = json!({"role": "user", "email": email, "name": "Mara Quint"});
            bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        }
        bench.work().await;
        let people = emails.into_iter().map(|email| person(&bench, email)).collect();
        let (kind, lines, recoveries) = (kind.to_owned(), String::new(), Vec::new());
        Self { bench, kind, strikes, people, cells: 0, lines, struck: 0, recoveries }
    }

    async fn play(&mut self, call: Call) {
        self.cells += 1;
        let cell = format!("{} x{} on {}", self.kind, self.strikes, call.name);
        let before = self.bench.tables().number("SELECT max(id) FROM executions");
        let created = self.bench.count("hubspot.contact.create.api");
        let phone = format!("+4930{:07}", self.cells);
        let company = format!("Company {}", self.cells);
        let people = self.happen(call, &phone, &company);
        self.strike(call, &people[0]);
        let began = self.bench.now();
        self.turns().await;
        let after_first = counted(&self.since(before).await);
        let mut end = self.settle(before, began, &cell).await;
        let tries = end.iter().map(|row| row.attempts).max().unwrap_or(0);
        let mut seconds = self.bench.now().since(began) / 1_000;
        let mut last = counted(&end);
        // What is never tried again by itself waits for a human, who needs no more than one key for each strike.
        for _ in 0..=self.strikes {
            let failed: Vec<&Execution> = end.iter().filter(|row| row.status == Status::Failed).collect();
            if failed.is_empty() {
                break;
            }
            for row in &failed {
                let class = row.error_class.unwrap_or_else(|| panic!("{cell}: no class: {}", row.sentence));
                assert_eq!(class.treatment().retry, Retry::Never, "{cell}: {class}: {}", row.sentence);
            }
            let ids: Vec<_> = failed.iter().map(|row| row.id).collect();
            self.bench.operator().retry(&ids).await.unwrap();
            end = self.settle(before, began, &cell).await;
            last = format!(
                "{}, then {} by a human's retry",
                last.split(", then").next().unwrap(),
                counted(&end)
            );
            seconds = self.bench.now().since(began) / 1_000;
        }
        for row in &end {
            let good = matches!(row.status, Status::Succeeded | Status::Skipped);
            assert!(good, "{cell}: ended {}: {}", row.status, row.sentence);
        }
        self.carried_over(call, &people, &phone, &company, &cell);
        let expected = if call.act == Act::SignUp { call.people as u64 } else { 0 };
        assert_eq!(self.bench.count("hubspot.contact.create.api") - created, expected, "{cell}");
        assert_eq!(self.bench.books()["double_creates"], json!([]), "{cell}");
        let breakers = self.bench.journal.breakers().await.unwrap();
        assert!(!breakers.iter().any(Breaker::holds), "{cell}: {breakers:?}");
        let left = self.bench.sandbox.faults()[0].times.unwrap();
        assert!(left < self.strikes && (self.strikes > 1 || left == 0), "{cell}: it never struck");
        self.struck += self.strikes - left;
        self.bench.sandbox.clear_faults();
        let class = self.bench.tables().texts(&format!(
            "SELECT class FROM attempts WHERE execution_id > {before} AND class IS NOT NULL AND class <> 'not_found' LIMIT 1"
        ));
        let class = class.first().map_or("—", String::as_str);
        self.recoveries.push((seconds, cell));
        writeln!(
            self.lines,
            "{:<22} {} {:<32} {class:<15} {after_first:<28} {tries:>2} {seconds:>7}  {last}",
            self.kind, self.strikes, call.name
        )
        .unwrap();
    }

    /// Something happens at a vendor; to whom.
    fn happen(&mut self, call: Call, phone: &str, company: &str) -> Vec<Person> {
        let sandbox = &self.bench.sandbox;
        if call.act == Act::SignUp {
            let sign_up = |number| {
                let email = format!("cell{}person{number}@quint.example", self.cells);
                let user = json!({"role": "user", "email": email, "name": "Mara Quint"});
                let left = sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
                Person { left, right: String::new(), email }
            };
            return (0..call.people).map(sign_up).collect();
        }
        let people = self.people.split_off(self.people.len() - call.people);
        for person in &people {
            match call.act {
                Act::EditInHubspot => {
                    sandbox
                        .edit_hubspot_contact(&person.right, &json!({"phone": phone}), Webhook::Sent)
                        .unwrap();
                }
                Act::Company => {
                    let about = json!({"name": company});
                    let key = format!("c{}", self.cells);
                    let id = sandbox.new_intercom_company(&key, &about, Webhook::Silent);
                    sandbox.attach_intercom_company(&person.left, &id, Webhook::Sent);
                }
                _ => {
                    sandbox
                        .edit_intercom_contact(&person.left, &json!({"phone": phone}), Webhook::Sent)
                        .unwrap();
                }
            }
        }
        people
    }

    fn strike(&self, call: Call, person: &Person) {
        let mail = person.email.split('@').next().unwrap();
        let filled = |text: &str| {
            text.replace("{left}", &person.left).replace("{right}", &person.right).replace("{mail}", mail)
        };
        let mut faults = Fault::parse(&format!("{}:{}", self.kind, call.vendor.word())).unwrap();
        let fault = faults.remove(0).method(call.method).path(&filled(call.path)).times(self.strikes);
        let fault = if call.body.is_empty() { fault } else { fault.body(&filled(call.body)) };
        self.bench.sandbox.add_fault(fault);
    }

    async fn since(&self, before: i64) -> Vec<Execution> {
        let mut rows = self.bench.rows().await;
        rows.retain(|row| row.id.0 > before);
        rows
    }

    /// Works on what is due and no more; how many turns that took. Whoever waits in place for a window to open waits for
    /// time to pass, so it passes while nobody calls anybody.
    async fn turns(&self) -> usize {
        self.bench.delivered().await;
        let mut work = pin!(self.bench.engine.work_off());
        if !self.kind.starts_with("rate_limited") {
            return work.await;
        }
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let (mut quiet, mut calls) = (0, 0);
        loop {
            tokio::select! {
                turns = &mut work => return turns,
                _ = ticks.tick() => {
                    let now = self.bench.calls();
                    quiet = if now == calls { quiet + 1 } else { 0 };
                    calls = now;
                    if quiet > 3 {
                        self.bench.advance(Duration::from_millis(500));
                    }
                }
            }
        }
    }

    /// Works, and moves the time to whatever is awaited next, until nothing is.
    async fn settle(&mut self, before: i64, began: Timestamp, cell: &str) -> Vec<Execution> {
        loop {
            while self.turns().await > 0 || !self.bench.sandbox.webhooks_idle() {}
            let journal = &self.bench.journal;
            let due = journal.next_due().await.unwrap();
            let breakers = journal.breakers().await.unwrap();
            let looks =
                breakers.iter().filter(|breaker| breaker.holds()).filter_map(|breaker| breaker.look_at);
            let Some(next) = due.into_iter().chain(looks).min() else {
                return self.since(before).await;
            };
            let wait = u64::try_from(next.since(self.bench.now())).unwrap_or(0).max(1);
            self.bench.advance(Duration::from_millis(wait));
            let taken = self.bench.now().since(began);
            assert!(taken < LONGEST.as_millis() as i64, "{cell}: not settled after {taken} ms");
        }
    }

    /// The change reached the other side, of everybody.
    fn carried_over(&self, call: Call, people: &[Person], phone: &str, company: &str, cell: &str) {
        for known in people {
            match call.act {
                Act::SignUp => {
                    let reached = person(&self.bench, known.email.clone());
                    assert_eq!(reached.left, known.left, "{cell}");
                }
                Act::Company => {
                    assert_eq!(self.bench.hubspot(&known.right)["company"], company, "{cell}: a lost edit");
                }
                Act::EditInIntercom => {
                    assert_eq!(self.bench.hubspot(&known.right)["phone"], phone, "{cell}: a lost edit");
                }
                Act::EditInHubspot => {
                    assert_eq!(self.bench.intercom(&known.left)["phone"], phone, "{cell}: a lost edit");
                }
            }
        }
    }
}

/// Somebody both sides know, each with the other's id.
fn person(bench: &Bench, email: String) -> Person {
    let contact =
        bench.sandbox.hubspot_find_by_email(&email).unwrap_or_else(|| panic!("{email} is not there"));
    let users = bench.sandbox.intercom_find_by_email(&email);
    assert_eq!(users[0]["custom_attributes"]["hubspot_contact_id"], contact["id"], "{email}");
    assert_eq!(contact["properties"]["intercom_contact_id"], users[0]["id"], "{email}");
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    Person { left: id(&users[0]), right: id(&contact), email }
}

/// How many executions are in which state, as `3 retrying, 1 succeeded`; a single one without its number.
fn counted(rows: &[Execution]) -> String {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for row in rows.iter().rev() {
        match counts.iter_mut().find(|(status, _)| *status == row.status) {
            Some((_, count)) => *count += 1,
            None => counts.push((row.status, 1)),
        }
    }
    let words = counts.iter().map(|(status, count)| match count {
        1 => status.to_string(),
        _ => format!("{count} {status}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Lines of the report, cells, strikes, and the seconds each cell took.
type Played = (String, usize, u32, Vec<(i64, String)>);

#[test]
fn g3_every_fault_on_every_call_is_survived() {
    let all = std::env::var_os("REKNIT_MATRIX").is_some_and(|wanted| wanted == "all");
    let strikes: &[u32] = if all { &[1, 3, 6] } else { &[1] };
    let benches: VecDeque<(String, u32)> = kinds()
        .into_iter()
        .flat_map(|kind| strikes.iter().map(move |times| (kind.clone(), *times)))
        .collect();
    let waiting = Mutex::new(benches);
    let played: Mutex<Vec<Played>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let Some((kind, times)) = waiting.lock().unwrap().pop_front() else { break };
                    // After a limit, calls begin again one by one, and nothing travels together for a while.
                    let together = if kind.starts_with("rate_limited") { 1 } else { CALLS.len() };
                    for calls in CALLS.chunks(together) {
                        let table = runtime.block_on(Box::pin(async {
                            let mut table = Table::new(&kind, times, calls).await;
                            for call in calls {
                                table.play(*call).await;
                            }
                            (table.lines.clone(), table.cells, table.struck, table.recoveries.clone())
                        }));
                        played.lock().unwrap().push(table);
                    }
                }
            });
        }
    });
    let mut played = played.into_inner().unwrap();
    played.sort();
    let mut report = format!(
        "{:<22} n {:<32} {:<15} {:<28} {:>2} {:>7}  end\n",
        "fault", "call", "class", "after the first turn", "t", "seconds"
    );
    let (mut cells, mut struck, mut recoveries) = (0, 0, Vec::new());
    for (lines, some, strokes, seconds) in played {
        report.push_str(&lines);
        cells += some;
        struck += strokes;
        recoveries.extend(seconds);
    }
    recoveries.sort();
    let (longest, of) = recoveries.last().unwrap();
    let median = recoveries[recoveries.len() / 2].0;
    writeln!(
        report,
        "G3 faults: {cells} cells, {struck} strikes, all recovered, 0 created twice, 0 edits lost, 0 connections left alone; \
         median {median} s, longest {longest} s ({of})"
    )
    .unwrap();
    let _ = std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes());
}
