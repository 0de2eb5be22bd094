//! The table of the requirements and the tests that prove each (`tests/requirements.md`), made from the tests' names:
//! `r43_...` proves one, `r53_r54_...` two, `r34_to_r39_...` six. `REKNIT_RENEW=1` writes it anew; it runs no test.

mod list;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use list::{ELSEWHERE, REQUIREMENTS};

/// A test and the file it stands in.
type Proof = (String, String);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The numbers a test's name begins with.
fn numbers(name: &str) -> Vec<usize> {
    let number = |word: &str| word.strip_prefix('r').and_then(|digits| digits.parse::<usize>().ok());
    let mut found = Vec::new();
    let mut words = name.split('_').peekable();
    while let Some(word) = words.next() {
        if let Some(number) = number(word) {
            found.push(number);
            continue;
        }
        match (word, found.last().copied(), words.peek().and_then(|next| number(next))) {
            ("to", Some(first), Some(last)) => found.extend(first + 1..last),
            _ => break,
        }
    }
    found
}

fn proofs() -> BTreeMap<usize, Vec<Proof>> {
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        sources(&root().join(folder), &mut paths);
    }
    paths.sort();
    let mut proofs: BTreeMap<usize, Vec<Proof>> = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let place = path.strip_prefix(root()).unwrap().components();
        let place: Vec<_> = place.map(|part| part.as_os_str().to_string_lossy()).collect();
        let names = text.lines().filter_map(|line| {
            let line = line.trim_start();
            let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
            rest.split('(').next()
        });
        for name in names {
            for number in numbers(name) {
                proofs.entry(number).or_default().push((name.to_owned(), place.join("/")));
            }
        }
    }
    proofs
}

/// Why no test of a name is asked for.
fn elsewhere(number: usize) -> Option<&'static str> {
    let within = |ranges: &[(u32, u32)]| {
        ranges.iter().any(|(first, last)| (*first as usize..=*last as usize).contains(&number))
    };
    ELSEWHERE.iter().find(|(ranges, _)| within(ranges)).map(|(_, why)| *why)
}

fn table(proofs: &BTreeMap<usize, Vec<Proof>>) -> String {
    let mut text = String::from(
        "# What is asked for, and the tests that show it\n\n\
         Made from the tests' names by `tests/it/requirements.rs`; `REKNIT_RENEW=1 cargo test --test it requirements`\n\
         writes it anew.\n\n| | What | Shown by |\n|---|---|---|\n",
    );
    for (place, what) in REQUIREMENTS.iter().enumerate() {
        let Some(proofs) = proofs.get(&(place + 1)) else { continue };
        let proofs: Vec<String> = proofs
            .iter()
            .map(|(name, file)| format!("`{name}` ({})", file.trim_end_matches(".rs")))
            .collect();
        writeln!(text, "| R{} | {what} | {} |", place + 1, proofs.join("<br>")).unwrap();
    }
    text.push_str("\n## No test of a name\n");
    for (_, why) in ELSEWHERE {
        let open = REQUIREMENTS
            .iter()
            .enumerate()
            .filter(|(place, _)| elsewhere(place + 1) == Some(*why) && !proofs.contains_key(&(place + 1)));
        let open: Vec<String> = open.map(|(place, what)| format!("- R{} {what}", place + 1)).collect();
        if !open.is_empty() {
            write!(text, "\n{why}\n\n{}\n", open.join("\n")).unwrap();
        }
    }
    text
}

#[test]
fn every_requirement_has_its_test_or_a_reason_and_the_table_is_true() {
    let proofs = proofs();
    let path = root().join("tests/requirements.md");
    let text = table(&proofs);
    if std::env::var_os("REKNIT_RENEW").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let missing: Vec<String> = REQUIREMENTS
        .iter()
        .enumerate()
        .filter(|(place, _)| !proofs.contains_key(&(place + 1)) && elsewhere(place + 1).is_none())
        .map(|(place, what)| format!("R{}: {what}", place + 1))
        .collect();
    assert!(missing.is_empty(), "{} have no test:\n{}", missing.len(), missing.join("\n"));
    let unknown: Vec<_> =
        proofs.keys().filter(|number| **number == 0 || **number > REQUIREMENTS.len()).collect();
    assert!(unknown.is_empty(), "no such requirements: {unknown:?}");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "tests/requirements.md is not what the tests say: run it with REKNIT_RENEW=1");
}

#[test]
fn names_are_read_as_they_are_meant() {
    assert_eq!(numbers("r34_to_r36_a_user"), [34, 35, 36]);
    assert_eq!(numbers("r53_r54_each_score"), [53, 54]);
    assert_eq!(numbers("r15_r265_to_r267_every_topic"), [15, 265, 266, 267]);
    assert_eq!(numbers("rows_of_r5"), [0usize; 0]);
    assert_eq!(numbers("r7_up_to_r9_nothing"), [7]);
}
