//! Accuracy, time and memory on labelled sets, each part of a set in a child process.
//!
//! A directory with `contacts.csv`, `companies.csv` and their truths is matched by the library in this program; one
//! with `schema.toml` and `records.csv` (or `records_a.csv` and `records_b.csv`) by the built `reknit match`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use reknit::matching::{
    AccountIndex, Index, Organisation, Person, Settings, Source, duplicate_organisations, rank_accounts,
};

use super::accuracy::{Accuracy, LinkTruth, Truth, judge_links};
use super::process::{child, peak_memory, shown};

type Line = HashMap<String, String>;

/// A line for each part of each set.
pub(crate) fn print(sets: &[String]) {
    println!(
        "| set | records | true pairs | precision | recall | F1 | best F1 | at | pairs compared | wall s | peak MiB |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let part = |name: &str, set: &String| {
        println!("{}", child(&["--child".to_owned(), name.to_owned(), set.clone()]));
    };
    for set in sets {
        let has = |file: &str| Path::new(set).join(file).exists();
        if has("contacts.csv") && has("truth_contacts.csv") {
            part("contacts", set);
        }
        if has("companies.csv") && has("truth_companies.csv") {
            part("companies", set);
        }
        if has("schema.toml") {
            part("table", set);
        }
    }
    println!(
        "\n| links of | contacts | accuracy | precision | recall | correct abstention | wrong | wall s |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for set in sets.iter().filter(|set| Path::new(set).join("truth_links.csv").exists()) {
        part("links", set);
    }
}

/// Child: one part of one set.
pub(crate) fn measure(part: &str, set: &str) {
    match part {
        "contacts" => contacts(set),
        "companies" => companies(set),
        "table" => table(set),
        _ => links(set),
    }
}

fn contacts(set: &str) {
    let people = people(set);
    let truth = truth(set, "truth_contacts.csv", Some("ignore_contacts.csv"));
    let start = Instant::now();
    let index = Index::with_settings(&people, Settings::default());
    let scan = index.scan();
    let pairs: Vec<_> = scan.pairs().iter().map(|pair| index.candidate(pair)).collect();
    let wall = start.elapsed().as_secs_f64();
    let found = truth.judge(pairs.into_iter().map(|pair| (pair.left, pair.right, pair.probability)));
    line(set, "contacts", people.len(), &found, Some(scan.compared()), wall, peak_memory());
}

fn companies(set: &str) {
    let firms = organisations(set);
    let truth = truth(set, "truth_companies.csv", Some("ignore_companies.csv"));
    let start = Instant::now();
    let pairs = duplicate_organisations(&firms, &Settings::default());
    let wall = start.elapsed().as_secs_f64();
    let found = truth.judge(pairs.into_iter().map(|pair| (pair.left, pair.right, pair.probability)));
    line(set, "companies", firms.len(), &found, None, wall, peak_memory());
}

fn links(set: &str) {
    let (people, firms) = (people(set), organisations(set));
    let settings = Settings::default();
    let start = Instant::now();
    let index = AccountIndex::build(&firms, &[]);
    let linked: HashMap<String, (f64, String)> = people
        .iter()
        .filter_map(|person| {
            let best = rank_accounts(person, &index, &settings).into_iter().next()?;
            Some((person.key.clone(), (best.probability, best.key)))
        })
        .collect();
    let wall = start.elapsed().as_secs_f64();
    let truth: Vec<LinkTruth> = lines(&Path::new(set).join("truth_links.csv"))
        .into_iter()
        .filter(|line| text(line, "abstain_ok") != "x")
        .map(|line| LinkTruth {
            contact: text(&line, "contact_id"),
            acceptable: text(&line, "acceptable")
                .split('|')
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
            may_abstain: text(&line, "abstain_ok") == "1",
        })
        .collect();
    let [accuracy, precision, recall, abstention, wrong] = judge_links(&truth, &linked);
    println!(
        "| {} | {} | {accuracy:.4} | {precision:.4} | {recall:.4} | {abstention:.4} | {wrong} | {wall:.2} |",
        name(set),
        truth.len()
    );
}

/// The command itself, because only it reads schemas.
fn table(set: &str) {
    let Some(program) = option_env!("CARGO_BIN_EXE_reknit") else {
        println!("| {} | not measured: built without the command |", name(set));
        return;
    };
    let at = Path::new(set);
    let two = at.join("records_b.csv").exists();
    let first = if two { "records_a.csv" } else { "records.csv" };
    let out = tempfile::tempdir().expect("a directory for the output");
    let (pairs, stats) = (out.path().join("pairs.csv"), out.path().join("stats.json"));
    let mut command = Command::new(program);
    command.arg("match").arg("--input").arg(at.join(first)).arg("--schema").arg(at.join("schema.toml"));
    command.arg("--output").arg(&pairs).arg("--stats").arg(&stats);
    if two {
        command.arg("--against").arg(at.join("records_b.csv"));
    }
    let start = Instant::now();
    let ended = command.output().expect("the command starts");
    let wall = start.elapsed().as_secs_f64();
    if !ended.status.success() {
        let why = String::from_utf8_lossy(&ended.stderr);
        println!("| {} | not measured: {} |", name(set), why.lines().next().unwrap_or("the command failed"));
        return;
    }
    let mut truth = truth(set, "truth_contacts.csv", None);
    if two {
        for (side, file) in ["records_a.csv", "records_b.csv"].iter().enumerate() {
            truth.side.extend(lines(&at.join(file)).into_iter().map(|line| (text(&line, "id"), side)));
        }
    }
    let found = truth.judge(lines(&pairs).into_iter().map(|line| {
        let score = text(&line, "score").parse().unwrap_or(0.0);
        (text(&line, "left_id"), text(&line, "right_id"), score)
    }));
    let stats: serde_json::Value = std::fs::read_to_string(&stats)
        .ok()
        .and_then(|stats| serde_json::from_str(&stats).ok())
        .unwrap_or_default();
    let peak = ["peak_memory_bytes", "peak_bytes"]
        .iter()
        .find_map(|field| stats[field].as_f64())
        .map(|bytes| bytes / 1_048_576.0);
    let compared = ["pairs_compared", "compared"].iter().find_map(|field| stats[field].as_u64());
    line(set, "table", truth.entity.len(), &found, compared, wall, peak);
}

fn line(
    set: &str,
    part: &str,
    records: usize,
    found: &Accuracy,
    compared: Option<u64>,
    wall: f64,
    peak: Option<f64>,
) {
    println!(
        "| {} {part} | {records} | {} | {:.4} | {:.4} | {:.4} | {:.4} | {:.3} | {} | {wall:.2} | {} |",
        name(set),
        found.true_pairs,
        found.precision,
        found.recall,
        found.f1(),
        found.best_f1,
        found.best_threshold,
        compared.map_or_else(|| "not measured".to_owned(), |pairs| pairs.to_string()),
        shown(peak, 0)
    );
}

fn name(set: &str) -> String {
    Path::new(set).file_name().map_or_else(|| set.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn lines(file: &Path) -> Vec<Line> {
    let Ok(mut reader) = csv::ReaderBuilder::new().flexible(true).from_path(file) else { return Vec::new() };
    let heads: Vec<String> = match reader.headers() {
        Ok(heads) => heads.iter().map(|head| head.trim_start_matches('\u{feff}').to_owned()).collect(),
        Err(_) => return Vec::new(),
    };
    let records = reader.records().filter_map(Result::ok);
    records.map(|record| heads.iter().cloned().zip(record.iter().map(str::to_owned)).collect()).collect()
}

fn text(line: &Line, field: &str) -> String {
    line.get(field).cloned().unwrap_or_default()
}

fn truth(set: &str, file: &str, ignored: Option<&str>) -> Truth {
    let at = Path::new(set);
    let mut truth = Truth::default();
    for line in lines(&at.join(file)) {
        truth.entity.insert(text(&line, "id"), text(&line, "entity_id"));
    }
    for line in ignored.map(|file| lines(&at.join(file))).unwrap_or_default() {
        let (left, right) = (text(&line, "left_id"), text(&line, "right_id"));
        truth.ignored.insert(if left < right { (left, right) } else { (right, left) });
    }
    let tests = if file == "truth_contacts.csv" { lines(&at.join("test_ids.csv")) } else { Vec::new() };
    truth.tests = tests.iter().map(|line| text(line, "id")).collect::<HashSet<_>>();
    truth
}

fn people(set: &str) -> Vec<Person> {
    let several = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
    lines(&Path::new(set).join("contacts.csv"))
        .into_iter()
        .map(|line| Person {
            key: text(&line, "id"),
            source: match text(&line, "source").as_str() {
                "intercom_user" => Source::IntercomUser,
                "intercom_lead" => Source::IntercomLead,
                "hubspot_contact" => Source::HubspotContact,
                "salesforce_lead" => Source::SalesforceLead,
                "salesforce_contact" => Source::SalesforceContact,
                _ => Source::Other,
            },
            name: text(&line, "name"),
            given_name: text(&line, "first_name"),
            family_name: text(&line, "last_name"),
            emails: several(text(&line, "email")),
            phones: several(text(&line, "phone")),
            company: text(&line, "company"),
            company_domain: text(&line, "domain"),
            title: text(&line, "title"),
            city: text(&line, "city"),
            country: text(&line, "country"),
            created_at: text(&line, "created_at")
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_second),
        })
        .collect()
}

fn organisations(set: &str) -> Vec<Organisation> {
    lines(&Path::new(set).join("companies.csv"))
        .into_iter()
        .map(|line| Organisation {
            key: text(&line, "id"),
            name: text(&line, "name"),
            domain: text(&line, "domain"),
            website: text(&line, "website"),
            phone: text(&line, "phone"),
            city: text(&line, "city"),
            country: text(&line, "country"),
            industry: text(&line, "industry"),
            parent_key: Some(text(&line, "parent_id")).filter(|parent| !parent.is_empty()),
        })
        .collect()
}
