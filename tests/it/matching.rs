//! `reknit match` as a script calls it: files in, files out, exit codes, and the same bytes whatever the circumstances.
//! All records are invented here.

mod input;
mod links;
mod skew;
mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A folder to match in.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a run did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Refused in one line that says all of these words.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{self:#?}");
        assert_eq!(self.err.lines().count(), 1, "{self:#?}");
        assert!(self.out.is_empty() && !self.err.contains("panicked"), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?}: {self:#?}");
        }
    }

    #[track_caller]
    pub(crate) fn fine(&self) -> &Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }
}

/// One row of pairs.csv.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) score: f64,
    pub(crate) band: String,
    pub(crate) reasons: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path().join(name), bytes).expect("written");
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs `reknit match` with nothing of this machine's around it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_reknit"))
            .arg("match")
            .args(arguments)
            .env_clear()
            .current_dir(self.path())
            .output()
            .expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The pairs of a file, after everything the contract says of it has been looked at.
    #[track_caller]
    pub(crate) fn pairs(&self, name: &str) -> Vec<Pair> {
        let text = self.read(name);
        assert!(text.starts_with("left_id,right_id,score,band,reasons\n"), "{text}");
        assert!(!text.contains('\r') && text.ends_with('\n'));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let pairs: Vec<Pair> = reader
            .records()
            .map(|row| {
                let row = row.expect("a row");
                let (digits, score) =
                    (row[2].split_once('.').expect("a point").1, row[2].parse().expect("a number"));
                assert_eq!(digits.len(), 6, "{row:?}");
                Pair {
                    left: row[0].to_owned(),
                    right: row[1].to_owned(),
                    score,
                    band: row[3].to_owned(),
                    reasons: row[4].to_owned(),
                }
            })
            .collect();
        for pair in &pairs {
            assert!(pair.left < pair.right, "{pair:?}");
            assert!(["auto", "review", "weak"].contains(&pair.band.as_str()), "{pair:?}");
            let mut bits = 0.0;
            for reason in pair.reasons.split(';') {
                let parts: Vec<&str> = reason.split(':').collect();
                let [name, level, weight] = parts.as_slice() else { panic!("{reason:?} of {pair:?}") };
                assert!(
                    !name.is_empty() && !level.is_empty() && weight.starts_with(['+', '-']),
                    "{reason:?}"
                );
                assert_eq!(weight.split_once('.').expect("decimals").1.len(), 2, "{reason:?}");
                bits += weight.parse::<f64>().expect("a weight");
            }
            assert!((1.0 / (1.0 + (-bits).exp2()) - pair.score).abs() < 0.02, "{pair:?}");
            assert!(pair.reasons.contains("prior:"), "{pair:?}");
        }
        let sorted = pairs.windows(2).all(|two| {
            (two[0].score > two[1].score)
                || (two[0].score >= two[1].score
                    && (&two[0].left, &two[0].right) < (&two[1].left, &two[1].right))
        });
        assert!(sorted, "not sorted, or a pair comes twice");
        pairs
    }

    /// id to cluster.
    pub(crate) fn clusters(&self, name: &str) -> BTreeMap<String, String> {
        let text = self.read(name);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader
            .records()
            .map(|row| row.expect("a row"))
            .map(|row| (row[0].to_owned(), row[1].to_owned()))
            .collect()
    }
}

/// The pairs that are decided to be the same.
pub(crate) fn same(pairs: &[Pair]) -> Vec<(&str, &str)> {
    let mut same: Vec<(&str, &str)> = pairs
        .iter()
        .filter(|pair| pair.score >= 0.5)
        .map(|pair| (pair.left.as_str(), pair.right.as_str()))
        .collect();
    same.sort_unstable();
    same
}

/// Syllables that make names nobody has.
const SYLLABLES: [&str; 24] = [
    "bar", "den", "fol", "gim", "hus", "jor", "kel", "lav", "mur", "nes", "pol", "quin", "rost", "sev",
    "tam", "ulf", "ver", "wex", "yor", "zan", "brik", "crun", "drov", "fent",
];

/// A word for a number; different words for different numbers up to some thousands.
pub(crate) fn word(mut number: usize) -> String {
    let mut word = String::new();
    for _ in 0..3 {
        word.push_str(SYLLABLES[number % SYLLABLES.len()]);
        number = number / SYLLABLES.len() + number % 7;
    }
    word[..1].to_uppercase() + &word[1..]
}

/// Contacts of which every fourth comes twice, the second time written differently.
pub(crate) fn contacts(count: usize) -> (Vec<String>, Vec<(String, String)>) {
    let mut rows = Vec::new();
    let mut twice = Vec::new();
    for number in 0..count {
        let (given, family) = (word(number * 7 + 1), word(number * 13 + 5));
        let firm = word(number / 3 + 900);
        let email = format!("{given}.{family}@{firm}.com").to_lowercase();
        let phone = format!("+44 20 7{:03} {:04}", number * 37 % 1000, number * 7919 % 10000);
        rows.push(format!(
            "c{number:05},hubspot_contact,{given},{family},,{email},{phone},{firm} Ltd,,,London,GB,2024-01-0{}T10:00:00Z",
            number % 9 + 1
        ));
        if number % 4 == 0 {
            let mut slip = family.clone();
            slip.remove(slip.len() / 2);
            rows.push(format!(
                "d{number:05},salesforce_lead,{given},{slip},,{},{phone},{firm},,,london,United Kingdom,",
                email.to_uppercase()
            ));
            twice.push((format!("c{number:05}"), format!("d{number:05}")));
        }
    }
    (rows, twice)
}

/// Heads of an export of contacts.
pub(crate) const HEADS: &str =
    "id,source,first_name,last_name,name,email,phone,company,title,domain,city,country,created_at";

/// A file of rows under heads.
pub(crate) fn file(heads: &str, rows: &[String]) -> String {
    let mut text = format!("{heads}\n");
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text
}
