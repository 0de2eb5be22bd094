//! What is left when the console ends by a fault: the terminal as it was, and a report without secrets and without
//! record data. What the program was doing is told by the names of the last actions, never by what they were done to.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::domain::clock::{SharedClock, Timestamp};

/// Actions that are remembered.
const REMEMBERED: usize = 24;
/// Letters of a message that are kept.
const MESSAGE: usize = 400;
/// Names the last report that nobody has been told of yet.
const NEWS: &str = "crash.new";
/// Reports that are kept; the oldest go.
const KEPT: usize = 10;

static DESK: OnceLock<Desk> = OnceLock::new();
static DONE: Mutex<VecDeque<&'static str>> = Mutex::new(VecDeque::new());

struct Desk {
    folder: PathBuf,
    clock: SharedClock,
    version: &'static str,
}

/// From here on a fault leaves its report in this folder. Only the first call counts.
pub fn report_into(folder: &Path, clock: SharedClock, version: &'static str) {
    let _ = DESK.set(Desk { folder: folder.to_owned(), clock, version });
}

/// Remembers an action by its name.
pub fn note(action: &'static str) {
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if done.len() == REMEMBERED {
        done.pop_front();
    }
    done.push_back(action);
}

/// What a panic says. Its own `payload_as_str` came with Rust 1.91.
pub(super) fn said<'a>(panic: &'a PanicHookInfo<'_>) -> Option<&'a str> {
    let payload = panic.payload();
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// Writes the report and says on standard error where it is. For the panic hook, once the terminal is given back.
pub fn report(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
    let message = said(panic).map_or_else(|| "(no message)".to_owned(), scrubbed);
    let mut out = io::stderr().lock();
    let mut say = |text: &str| {
        // Where standard error is gone there is nobody to tell.
        let _ = writeln!(out, "{text}");
    };
    say(
        "error: Reknit ended by a fault of its own. What was decided is in the journal; what was under way goes on at the next start.",
    );
    say(&format!("  why:  {message} ({place})"));
    let Some(desk) = DESK.get() else {
        say("  next: start it again; report this if it happens twice");
        return;
    };
    let done: Vec<&str> = match DONE.try_lock() {
        Ok(done) => done.iter().copied().collect(),
        // The fault was met while an action was being noted.
        Err(_) => Vec::new(),
    };
    let backtrace = Backtrace::force_capture().to_string();
    let at = desk.clock.now();
    let text = written(desk.version, at, &message, &place, &done, &backtrace);
    match keep(&desk.folder, at, &text) {
        Ok(path) => say(&format!(
            "  next: start it again. {} holds a report without secrets and without record data",
            path.display()
        )),
        Err(error) => say(&format!(
            "  next: start it again; no report could be written to {}: {error}",
            desk.folder.display()
        )),
    }
}

/// The report of a fault that nobody has been told of yet; asked once, it is told.
pub fn news(folder: &Path) -> Option<PathBuf> {
    let marker = folder.join(NEWS);
    let name = fs::read_to_string(&marker).ok()?;
    // It is told now or never: a folder that cannot be written would tell it at every start.
    fs::remove_file(&marker).ok()?;
    let name = name.trim();
    let ours = name.starts_with("crash-") && !name.contains(['/', '\\']);
    let path = folder.join(name);
    (ours && path.is_file()).then_some(path)
}

fn written(
    version: &str,
    at: Timestamp,
    message: &str,
    place: &str,
    done: &[&str],
    backtrace: &str,
) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Reknit {version} on {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let _ = writeln!(text, "{}", at.rfc3339());
    let _ = writeln!(text, "fault: {message}");
    let _ = writeln!(text, "at: {place}");
    let _ =
        writeln!(text, "last actions: {}", if done.is_empty() { "none".to_owned() } else { done.join(", ") });
    let _ = writeln!(
        text,
        "\nThis report holds no secrets and nothing of any record: values in the message are left out."
    );
    let _ = writeln!(text, "\n{backtrace}");
    text
}

fn keep(folder: &Path, at: Timestamp, text: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let stamp: String = at.rfc3339().chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    let name = format!("crash-{stamp}-{}.txt", std::process::id());
    let path = folder.join(&name);
    let mut file = fs::File::create(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::write(folder.join(NEWS), name)?;
    let mut reports: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("crash-") && path.extension().is_some_and(|extension| extension == "txt")
        })
        .collect();
    reports.sort();
    for old in reports.iter().take(reports.len().saturating_sub(KEPT)) {
        let _ = fs::remove_file(old);
    }
    Ok(path)
}

/// A message without values: what stands in quotes goes unless it is Rust's own, and so does every word that is not
/// made of small letters. What remains says what kind of fault it was.
pub fn scrubbed(message: &str) -> String {
    const OWN: [&str; 10] = [
        "Option::unwrap()",
        "Option::expect()",
        "Result::unwrap()",
        "Result::expect()",
        "None",
        "Some",
        "Ok",
        "Err",
        "RefCell",
        "Duration",
    ];
    // Whatever follows a colon is the value that was met; our own sentences have it behind them.
    let mut plain = String::new();
    let mut quoted: Option<(char, String)> = None;
    for letter in message.chars().take(4_000) {
        match &mut quoted {
            Some((end, inside)) if letter == *end => {
                if OWN.contains(&inside.as_str()) {
                    plain.push_str(inside);
                } else {
                    plain.push('…');
                }
                quoted = None;
            }
            Some((_, inside)) => inside.push(letter),
            None => match letter {
                '`' | '"' | '\'' => quoted = Some((letter, String::new())),
                '“' => quoted = Some(('”', String::new())),
                letter => plain.push(letter),
            },
        }
    }
    if quoted.is_some() {
        plain.push('…');
    }
    let (sentence, value) =
        plain.split_once(": ").map_or((plain.as_str(), false), |(sentence, _)| (sentence, true));
    let mut words: Vec<&str> = Vec::new();
    for (index, word) in sentence.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| ".,;()[]".contains(c));
        let small = bare.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '…');
        let number = bare.len() <= 6 && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        let first = index == 0 && bare.chars().skip(1).all(|c| c.is_ascii_lowercase());
        words.push(
            if OWN.contains(&word) || OWN.contains(&bare) || (small && bare.len() <= 24) || number || first {
                word
            } else {
                "…"
            },
        );
    }
    words.dedup_by(|a, b| *a == "…" && *b == "…");
    let mut text: String = words.join(" ").chars().take(MESSAGE).collect();
    if value {
        text.push_str(": …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_kind_and_loses_every_value() {
        for (message, kept) in [
            ("called `Option::unwrap()` on a `None` value", "called Option::unwrap() on a None value"),
            (
                "called `Result::unwrap()` on an `Err` value: Wrong(\"jane@acme.test\")",
                "called Result::unwrap() on an Err value: …",
            ),
            ("index out of bounds: the len is 3 but the index is 7", "index out of bounds: …"),
            (
                "byte index 3 is not a char boundary; it is inside 'é' (bytes 2..4) of `Zoë Ångström`",
                "byte index 3 is not a char boundary; it is inside … (bytes 2..4) of …",
            ),
            ("no row for Jane Doe pat-na1-1234-5678 +491234567", "no row for …"),
            ("", ""),
        ] {
            assert_eq!(scrubbed(message), kept);
        }
        assert!(!scrubbed("it said \"pat-na1-secret and never ended").contains("secret"));
    }

    #[test]
    fn a_report_is_told_of_once_and_old_ones_go() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(news(folder.path()), None);
        for hour in 0..12 {
            let at = Timestamp(1_795_000_000_000 + hour * 3_600_000);
            keep(folder.path(), at, &written("0.1.0", at, "a fault", "src/x.rs:1", &["retry"], ""))
                .expect("kept");
        }
        let path = news(folder.path()).expect("the last one");
        assert!(fs::read_to_string(&path).expect("text").contains("last actions: retry"));
        assert_eq!(news(folder.path()), None);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), KEPT);
        fs::write(folder.path().join(NEWS), "../../etc/passwd").expect("written");
        assert_eq!(news(folder.path()), None);
    }
}
