//! `reknit link` on two files as a script calls it: the rows, the exit codes, the same bytes whatever the circumstances.
//! All records are invented here.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const CONTACTS: &str = "\
id,source,first_name,last_name,name,email,phone,company,domain,city,country
c1,hubspot_contact,Ilona,Balogh,,ilona@zelvora.hu,,,,,
c2,intercom_lead,,,Pekka Laine,pekka@gmail.com,,\"Harbor, Anvil & Co\",,,
c3,salesforce_lead,Astrid,Holm,,astrid@gmail.com,,Selbstständig,,,
c4,salesforce_contact,Chiara,Fontana,,chiara@gmail.com,,Twin Peak,,,
c5,,Ada,King,,,,,,,
";
const COMPANIES: &str = "\
id,source,name,domain,website,phone,city,country,industry,employees,parent_id
k1,hubspot_company,Zelvora Kft.,zelvora.hu,,,Szeged,Hungary,,,
k2,salesforce_account,Harbor Anvil,,https://harboranvil.com,,,,,,
k3,salesforce_account,Twin Peak,,twinpeak.se,,,Sweden,,,
k4,salesforce_account,Twin Peak,,tphoteis.com.br,,,Brazil,,,
";

struct Folder(TempDir);

impl Folder {
    fn new(contacts: &[u8], companies: &[u8]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        std::fs::write(folder.at("contacts.csv"), contacts).expect("written");
        std::fs::write(folder.at("companies.csv"), companies).expect("written");
        folder
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn link(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reknit"));
        command.env_clear().current_dir(self.0.path()).arg("link");
        command.args(["--contacts", "contacts.csv", "--companies", "companies.csv", "--output", "links.csv"]);
        command.args(more).output().expect("runs")
    }

    fn rows(&self) -> Vec<Vec<String>> {
        rows(&self.at("links.csv"))
    }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).expect("written");
    let row = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    reader.records().map(|found| row(found.expect("readable"))).collect()
}

fn error(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn r135_people_of_a_file_are_linked_and_doubts_left_alone() {
    let folder = Folder::new(CONTACTS.as_bytes(), COMPANIES.as_bytes());
    let output = folder.link(&["--json", "--stats", "stats.json"]);
    assert!(output.status.success(), "{output:?}");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&figures["contacts"], &figures["linked"]), (&5.into(), &2.into()));
    let stats = std::fs::read(folder.at("stats.json")).expect("written");
    let stats: serde_json::Value = serde_json::from_slice(&stats).expect("JSON");
    assert!(stats["seconds"].is_number() && stats["companies"] == 4, "{stats}");
    let rows = folder.rows();
    assert_eq!(rows[0], ["contact_id", "company_id", "score", "reason"]);
    let linked = |contact: &str| {
        let best = rows.iter().find(|row| row[0] == contact)?;
        (best[2].parse::<f64>().expect("a score") >= 0.5).then(|| best[1].clone())
    };
    assert_eq!(linked("c1").as_deref(), Some("k1"));
    assert_eq!(linked("c2").as_deref(), Some("k2"));
    for alone in ["c3", "c4", "c5"] {
        assert_eq!(linked(alone), None, "{alone}");
    }
    for row in &rows[1..] {
        let bits: f64 = row[3]
            .split(';')
            .map(|bar| bar.rsplit_once(':').expect("bits").1.parse::<f64>().expect("bits"))
            .sum();
        let score: f64 = row[2].parse().expect("a score");
        assert!((1.0 / (1.0 + (-bits).exp2()) - score).abs() < 0.02, "{row:?}");
        assert!(row[3].split(';').all(|bar| bar.matches(':').count() == 2), "{row:?}");
    }
}

#[test]
fn links_are_the_same_bytes_for_any_threads_and_any_order() {
    let folder = Folder::new(CONTACTS.as_bytes(), COMPANIES.as_bytes());
    assert!(folder.link(&["--threads", "1"]).status.success());
    let once = std::fs::read(folder.at("links.csv")).expect("written");
    assert!(folder.link(&["--threads", "5"]).status.success());
    assert_eq!(once, std::fs::read(folder.at("links.csv")).expect("written"));
    let turned = |text: &str| {
        let (head, rest) = text.split_once('\n').expect("heads");
        let mut lines: Vec<&str> = rest.lines().collect();
        lines.reverse();
        format!("\u{feff}{head}\r\n{}\r\n", lines.join("\r\n"))
    };
    let other = Folder::new(turned(CONTACTS).as_bytes(), turned(COMPANIES).as_bytes());
    assert!(other.link(&[]).status.success());
    assert_eq!(once, std::fs::read(other.at("links.csv")).expect("written"));
}

#[test]
fn what_cannot_be_linked_is_refused_in_one_line() {
    let head = "id,email\n";
    for (contacts, companies, words) in [
        ("email\na@b.se\n", COMPANIES, ["contacts.csv", "\"id\""]),
        (CONTACTS, "name\nZelvora\n", ["companies.csv", "\"id\""]),
        ("id,email\n1,a@b.se\n1,b@b.se\n", COMPANIES, ["contacts.csv: line 3", "\"1\""]),
        (CONTACTS, "id,name\nk,A\nk,B\n", ["companies.csv: line 3", "\"k\""]),
        ("id,email\n1,\"a@b.se\n", COMPANIES, ["contacts.csv: line 2", "quote"]),
        ("", COMPANIES, ["contacts.csv", "empty"]),
    ] {
        let folder = Folder::new(contacts.as_bytes(), companies.as_bytes());
        let text = error(&folder.link(&[]));
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert!(!folder.at("links.csv").exists());
    }
    let folder = Folder::new(head.as_bytes(), COMPANIES.as_bytes());
    std::fs::remove_file(folder.at("companies.csv")).expect("removed");
    assert!(error(&folder.link(&[])).contains("companies.csv: there is no such file"));
    let folder = Folder::new(head.as_bytes(), COMPANIES.as_bytes());
    assert!(folder.link(&[]).status.success());
    assert_eq!(folder.rows(), [["contact_id", "company_id", "score", "reason"]]);
    assert!(error(&folder.link(&["--min-score", "7"])).contains("--min-score"));
    let mixed = folder.link(&["un_4"]);
    assert_eq!(mixed.status.code(), Some(2), "{mixed:?}");
}

#[test]
fn bytes_that_are_no_text_are_replaced_and_said() {
    let contacts = b"id,email,company\n1,a@zelvora.hu,M\xfcller\n2,,\"two\nlines\"\n";
    let folder = Folder::new(contacts, COMPANIES.as_bytes());
    let output = folder.link(&[]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("not UTF-8"), "{output:?}");
    assert_eq!(folder.rows()[1][..2], ["1", "k1"]);
}
