//! The shape of the code, kept by a test: which module may name which, how long a file may be, what lies where.
//!
//! STYLE asks for a ladder: a module names only those below it, and never goes round by climbing to the crate's root
//! or by passing names on. The checker reads tokens, not lines, so that groups, line breaks and comments do not fool
//! it; forged sources at the end show that it bites.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may name. `domain` is free for all but the sandbox, which is the independent witness.
const LADDER: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("mapping", &["domain"]),
    ("matching", &["domain"]),
    // A plan is made from a mapping and facts; the two pure rungs meet in this one direction.
    ("recipes", &["domain", "mapping"]),
    ("journal", &["domain"]),
    ("vendors", &["domain"]),
    ("vault", &["domain"]),
    ("engine", &["domain", "mapping", "matching", "recipes", "journal", "vendors"]),
    ("webhook", &["domain", "vendors", "engine", "journal"]),
    ("console", &["domain", "engine", "journal"]),
    ("sandbox", &[]),
    (
        "config",
        &["domain", "engine", "vendors", "webhook", "console", "mapping", "matching", "recipes", "journal"],
    ),
    ("cli", ALL),
    ("main", &["cli"]),
    ("lib", &[]),
];

const ALL: &[&str] = &[
    "domain", "mapping", "matching", "recipes", "journal", "vendors", "vault", "engine", "webhook",
    "console", "sandbox", "config",
];

/// Lines of code and comments a file may have beside its tests.
const LONGEST: usize = 600;
/// Tables may be longer: splitting one hides what it says.
const TABLES: &[&str] = &["src/console/actions.rs"];

/// A word or a mark of the source; comments and texts are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
    /// `::`
    Path,
}

fn tokens(source: &str) -> Vec<(Token, usize)> {
    let letters: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    let begins =
        |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| letters.get(at + i) == Some(&c));
    while at < letters.len() {
        let c = letters[at];
        if c == '\n' {
            line += 1;
            at += 1;
        } else if begins(at, "//") {
            while at < letters.len() && letters[at] != '\n' {
                at += 1;
            }
        } else if begins(at, "/*") {
            let mut depth = 0;
            loop {
                if begins(at, "/*") {
                    depth += 1;
                    at += 2;
                } else if begins(at, "*/") {
                    depth -= 1;
                    at += 2;
                } else {
                    line += usize::from(letters.get(at) == Some(&'\n'));
                    at += 1;
                }
                if depth == 0 || at >= letters.len() {
                    break;
                }
            }
        } else if (c == 'r' || begins(at, "br")) && raw_text(&letters, at).is_some() {
            let end = raw_text(&letters, at).unwrap_or(letters.len());
            line += letters[at..end].iter().filter(|c| **c == '\n').count();
            at = end;
        } else if c == '"' {
            at += 1;
            while at < letters.len() && letters[at] != '"' {
                line += usize::from(letters[at] == '\n');
                at += if letters[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' {
            // A letter in quotes, or a lifetime.
            if letters.get(at + 1) == Some(&'\\') {
                at += 3;
                while at < letters.len() && letters[at] != '\'' {
                    at += 1;
                }
                at += 1;
            } else if letters.get(at + 2) == Some(&'\'') {
                at += 3;
            } else {
                at += 1;
            }
        } else if begins(at, "::") {
            found.push((Token::Path, line));
            at += 2;
        } else if c.is_alphanumeric() || c == '_' {
            let start = at;
            while at < letters.len() && (letters[at].is_alphanumeric() || letters[at] == '_') {
                at += 1;
            }
            found.push((Token::Word(letters[start..at].iter().collect()), line));
        } else {
            if !c.is_whitespace() {
                found.push((Token::Mark(c), line));
            }
            at += 1;
        }
    }
    found
}

/// The end of a raw text that begins here, if one does.
fn raw_text(letters: &[char], at: usize) -> Option<usize> {
    if at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_') {
        return None;
    }
    let mut place = at + if letters[at] == 'b' { 2 } else { 1 };
    let mut hashes = 0;
    while letters.get(place) == Some(&'#') {
        hashes += 1;
        place += 1;
    }
    if letters.get(place) != Some(&'"') {
        return None;
    }
    place += 1;
    while place < letters.len() {
        if letters[place] == '"'
            && letters[place + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
        {
            return Some(place + 1 + hashes);
        }
        place += 1;
    }
    None
}

/// What a source file names that it may not. `path` is relative to `src`.
fn offences(path: &str, source: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let Some((_, allowed)) = LADDER.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{path}: the module {module} has no rung; give it one in this test")];
    };
    // How many `super`s lead from the file to the crate's root.
    let depth = path.trim_end_matches(".rs").split('/').count();
    let tokens = tokens(source);
    let mut offences = Vec::new();
    let mut offend = |line: usize, what: String| offences.push(format!("{path}:{line}: {what}"));
    let word = |at: usize| match tokens.get(at) {
        Some((Token::Word(word), _)) => Some(word.as_str()),
        _ => None,
    };
    let is = |at: usize, token: &Token| tokens.get(at).is_some_and(|(found, _)| found == token);
    // Which braces are inline modules.
    let mut braces: Vec<bool> = Vec::new();
    // Up to where a `use` that passes names on reaches.
    let mut passing = false;
    let mut at = 0;
    while at < tokens.len() {
        let (token, line) = &tokens[at];
        match token {
            Token::Mark('{') => {
                let inline = at >= 2 && word(at - 2) == Some("mod") && word(at - 1).is_some();
                braces.push(inline);
            }
            Token::Mark('}') => {
                braces.pop();
            }
            Token::Mark(';') => passing = false,
            Token::Word(word_here) if word_here == "use" => {
                passing = at > 0 && (word(at - 1) == Some("pub") || is(at - 1, &Token::Mark(')')));
            }
            Token::Word(word_here) if word_here == "crate" && is(at + 1, &Token::Path) => {
                for named in names_after(&tokens, at + 2) {
                    let own = named == module;
                    if !own && named != "words" && !allowed.contains(&named.as_str()) {
                        offend(*line, format!("{module} may not name crate::{named}"));
                    } else if passing && !own && named != "domain" {
                        offend(*line, format!("{module} passes crate::{named} on"));
                    }
                }
            }
            Token::Word(word_here) if word_here == "crate" && word(at + 1) == Some("as") => {
                offend(*line, "the crate under another name hides what is named".into());
            }
            Token::Word(word_here)
                if word_here == "reknit" && is(at + 1, &Token::Path) && module != "main" =>
            {
                offend(*line, "the crate by its own name goes round the ladder".into());
            }
            Token::Word(word_here) if word_here == "super" => {
                // Not the first of a chain: counted with it.
                let continued = at >= 2 && is(at - 1, &Token::Path) && matches!(word(at - 2), Some("super"));
                let grouped = !continued && !is_start_of_path(&tokens, at);
                let mut count = 1;
                let mut end = at;
                while is(end + 1, &Token::Path) && word(end + 2) == Some("super") {
                    count += 1;
                    end += 2;
                }
                let inline = braces.iter().filter(|inline| **inline).count();
                if grouped {
                    offend(*line, "super inside a group hides how far it climbs".into());
                } else if !continued && count >= depth + inline {
                    offend(*line, format!("{count} super climb out of {module}"));
                }
            }
            _ => {}
        }
        at += 1;
    }
    offences
}

/// A `super` may stand at the start of a path, or after `self::`; elsewhere it is in the middle of a `use` group.
fn is_start_of_path(tokens: &[(Token, usize)], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before].0) else { return true };
    if *before == Token::Path {
        return matches!(at.checked_sub(2).map(|place| &tokens[place].0), Some(Token::Word(word)) if word == "self");
    }
    if !matches!(before, Token::Mark('{' | ',')) {
        return true;
    }
    // In a group of a `use` whose prefix is a path: `use super::{super::x}`.
    let mut depth = 0;
    for place in (0..at).rev() {
        match &tokens[place].0 {
            Token::Mark('}') => depth += 1,
            Token::Mark('{') if depth > 0 => depth -= 1,
            Token::Mark('{') => return place == 0 || tokens[place - 1].0 != Token::Path,
            Token::Mark(';') => return true,
            _ => {}
        }
    }
    true
}

/// The first names after `crate::`: one word, or each of a group.
fn names_after(tokens: &[(Token, usize)], at: usize) -> Vec<String> {
    match tokens.get(at).map(|(token, _)| token) {
        Some(Token::Word(word)) => vec![word.clone()],
        Some(Token::Mark('{')) => {
            let mut names = Vec::new();
            let (mut depth, mut place, mut fresh) = (1, at + 1, true);
            while depth > 0 && place < tokens.len() {
                match &tokens[place].0 {
                    Token::Mark('{') => depth += 1,
                    Token::Mark('}') => depth -= 1,
                    Token::Mark(',') if depth == 1 => fresh = true,
                    Token::Word(word) if depth == 1 && fresh => {
                        names.push(word.clone());
                        fresh = false;
                    }
                    _ => {}
                }
                place += 1;
            }
            names
        }
        Some(Token::Mark(mark)) => vec![mark.to_string()],
        _ => Vec::new(),
    }
}

/// Lines before the inline test module, or none in files that are tests.
fn code_lines(path: &str, source: &str) -> usize {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return 0;
    }
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]"
            && pair[1].trim_start().starts_with("mod ")
            && pair[1].trim_end().ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under a folder, as paths from the repository's root.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let path = path.strip_prefix(root()).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn every_module_names_only_those_below_it() {
    let sources = files("src");
    assert!(sources.len() > 100, "the whole tree is looked at");
    let found: Vec<String> =
        sources.iter().flat_map(|path| offences(path.trim_start_matches("src/"), &read(path))).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_file_outgrows_a_readers_patience() {
    let long: Vec<String> = files("src")
        .into_iter()
        .filter(|path| !TABLES.contains(&path.as_str()))
        .map(|path| (code_lines(&path, &read(&path)), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines; look for its second subject"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_file_opens_by_saying_what_it_is() {
    let silent: Vec<String> = [files("src"), files("tests/it")]
        .concat()
        .into_iter()
        .filter(|path| {
            let source = read(path);
            let first = source.lines().next().unwrap_or_default();
            !first.starts_with("//! ") || first.len() < 12
        })
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn no_tab_is_called_mod() {
    let mods: Vec<String> = [files("src"), files("tests/it")]
        .concat()
        .into_iter()
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(mods.is_empty(), "{mods:?}");
}

/// What may lie in the repository's root.
fn belongs(name: &str) -> bool {
    matches!(
        name,
        "Cargo.toml" | "Cargo.lock" | "README.md" | "src" | "assets" | "tests" | "clippy.toml" | "rustfmt.toml" | "deny.toml"
    ) || name.starts_with('.')
        || name.starts_with("LICENSE")
        // Not of the repository: cargo's own.
        || name == "target"
}

#[test]
fn the_top_level_holds_only_the_agreed_names() {
    let strangers: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !belongs(name))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(!belongs("docs") && !belongs("utils.rs") && belongs("LICENSE-MIT"));
}

#[test]
fn the_checker_bites() {
    let bad = [
        ("domain/clock.rs", "use crate::journal::Journal;"),
        ("vendors/http.rs", "use crate::journal::Journal;"),
        ("vendors/http.rs", "fn f(j: &crate::journal::Journal) {}"),
        ("vendors/http.rs", "use crate :: { domain::x,\n journal };"),
        ("vendors/http.rs", "use crate::{domain::{journal, x}, vault::Given};"),
        ("vendors/intercom/wire.rs", "use super::super::super::journal::Journal;"),
        ("vendors/intercom/wire.rs", "use self::super::super::super::journal::Journal;"),
        ("vendors/intercom/wire.rs", "use super::super::{super::journal::Journal};"),
        ("vendors.rs", "use super::journal::Journal;"),
        ("vendors.rs", "mod tests { use super::super::journal::Journal; }"),
        ("console/run.rs", "use crate::vendors::Clients;"),
        ("console/run.rs", "use crate::vault::Given;"),
        ("engine/worker.rs", "use crate::console::Console;"),
        ("engine/worker.rs", "use crate::cli::wiring;"),
        ("engine/operate.rs", "pub use crate::journal::operate::Report;"),
        ("engine/operate.rs", "pub(crate) use crate::{domain::x, journal::operate::Report};"),
        ("sandbox/desk.rs", "use crate::domain::record::System;"),
        ("sandbox/desk.rs", "use crate::vendors::intercom;"),
        ("webhook/serve.rs", "use crate::*;"),
        ("webhook/serve.rs", "use crate as everything;"),
        ("webhook/serve.rs", "use reknit::console::Console;"),
        ("helpers/text.rs", "fn f() {}"),
        ("domain/text.rs", "/* crate::fine */ fn f() { let s = \"crate::fine\"; crate::journal::open(); }"),
        ("domain/text.rs", "fn f() { let c = '\"'; crate::journal::open(); let d = '\"'; }"),
    ];
    for (path, source) in bad {
        assert!(!offences(path, source).is_empty(), "not caught in {path}: {source}");
    }
    let good = [
        ("domain/clock.rs", "use super::ids::Id; // crate::journal"),
        ("domain/clock.rs", "/// See [`crate::journal::Journal`].\nwords! { }"),
        ("domain/text.rs", "const X: &str = r#\"use crate::journal::\"Journal\";\"#;"),
        ("vendors/intercom/wire.rs", "use super::super::error::VendorError;"),
        ("vendors/http.rs", "mod tests { use super::super::error::VendorError; fn f<'a>(x: &'a str) {} }"),
        ("vendors.rs", "mod tests { use super::*; }"),
        ("matching/record.rs", "pub use crate::domain::review::Band;"),
        ("vendors/hubspot.rs", "pub use crate::vendors::error::VendorError;"),
        ("engine/turn.rs", "use crate::{domain::clock, journal::queue::{Claim, Settlement}, vendors};"),
        ("sandbox/desk.rs", "use crate::sandbox::wire::Answer;"),
        ("cli/wiring.rs", "use crate::{vault, console, sandbox, engine};"),
    ];
    for (path, source) in good {
        assert_eq!(offences(path, source), Vec::<String>::new(), "{path}: {source}");
    }
    assert_eq!(code_lines("src/x.rs", "a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(code_lines("src/x.rs", "a\n#[cfg(test)]\nmod tests;\nb\n"), 4);
}

#[test]
fn the_library_only_lists_its_modules_and_each_has_a_rung() {
    let source = read("src/lib.rs");
    let modules: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let other: Vec<&str> = source
        .lines()
        .filter(|line| !line.starts_with("//!") && !line.starts_with("pub mod ") && !line.starts_with("#!["))
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert_eq!(other, Vec::<&str>::new());
    let mut rungs: Vec<&str> =
        LADDER.iter().map(|(name, _)| *name).filter(|name| !["main", "lib"].contains(name)).collect();
    rungs.sort_unstable();
    assert_eq!(modules, rungs);
    assert!(Path::new(&root()).join("src/main.rs").is_file());
}
