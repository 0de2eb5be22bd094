//! The table of the promises and their checks (`tests/guarantees.md`) against the code: every check it names exists,
//! every check there is stands in it, every variable of a long form is read somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The promises are numbered from 1.
const PROMISES: u32 = 15;

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

fn code() -> String {
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        sources(&root().join(folder), &mut paths);
    }
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Whatever stands between backticks in the first cell, and in the last.
fn cells(table: &str, place: usize) -> BTreeSet<String> {
    let rows = table.lines().filter(|line| line.starts_with("| `") || line.starts_with("| |"));
    let cells = rows.filter_map(|row| row.split('|').nth(place)).map(str::trim);
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_promise_has_its_checks_and_every_check_exists() {
    let table = fs::read_to_string(root().join("tests/guarantees.md")).unwrap();
    let code = code();
    for promise in 1..=PROMISES {
        let (_, section) =
            table.split_once(&format!("\n## G{promise} ")).expect("a section for each promise");
        let section = section.split("\n## ").next().unwrap_or_default();
        assert!(!cells(section, 1).is_empty(), "G{promise} has no check");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for check in cells(&table, 1) {
        let exists = match check.strip_prefix("cargo bench --bench ") {
            Some(bench) => manifest.contains(&format!("name = \"{bench}\"")),
            None => code.contains(&format!("fn {check}(")),
        };
        assert!(exists, "{check} stands in the table and nowhere else");
    }
    for long in cells(&table, 3) {
        for word in long.split_whitespace().filter(|word| word.contains('=')) {
            let (variable, _) = word.split_once('=').unwrap();
            assert!(code.contains(&format!("\"{variable}\"")), "nobody reads {variable}");
        }
    }
}

#[test]
fn every_check_in_the_code_stands_in_the_table() {
    let named = cells(&fs::read_to_string(root().join("tests/guarantees.md")).unwrap(), 1);
    let code = code();
    let checks = code.match_indices("fn g").filter_map(|(at, _)| {
        let name = code[at + 3..].split('(').next()?;
        let number = name.strip_prefix('g')?.split('_').next()?;
        (number.parse::<u32>().is_ok_and(|number| (1..=PROMISES).contains(&number))).then_some(name)
    });
    let missing: BTreeSet<&str> = checks.filter(|name| !named.contains(*name)).collect();
    assert!(missing.is_empty(), "not in tests/guarantees.md: {missing:#?}");
}
