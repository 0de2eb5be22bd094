//! The demo in a terminal, its folder, and its emulated vendors' books; and the commands over the journal it keeps.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::driver::{Terminal, key};

/// The program under test.
pub(super) const REKNIT: &str = env!("CARGO_BIN_EXE_reknit");

/// Who operates it.
const OPERATOR: &str = "tester";

/// A folder that is home, temporary folder and working folder of everything a test starts.
pub(super) struct Home(TempDir);

impl Home {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a kept journal is.
    pub(super) fn data(&self) -> PathBuf {
        self.path().join("kept")
    }

    /// Starts the program in a terminal.
    pub(super) fn terminal(&self, arguments: &[&str], size: (u16, u16)) -> Terminal {
        Terminal::spawn(REKNIT, arguments, self.path(), size)
    }

    /// Runs a command over the kept journal, without a terminal.
    pub(super) fn command(&self, arguments: &[&str]) -> Output {
        Command::new(REKNIT)
            .arg("--data")
            .arg(self.data())
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("USER", OPERATOR)
            .current_dir(self.path())
            .output()
            .expect("the program starts")
    }

    /// A command's JSON.
    #[track_caller]
    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("--json prints JSON")
    }

    /// The ids that `list` gives for a filter.
    #[track_caller]
    pub(super) fn ids(&self, kind: &str, filter: &str) -> Vec<String> {
        let list = self.json(&["list", kind, "--filter", filter, "--json"]);
        let rows = list["rows"].as_array().expect("rows");
        rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// What the operator has decided so far, by the audit log: verbs, oldest first.
    #[track_caller]
    pub(super) fn decided(&self) -> Vec<String> {
        let entries = self.json(&["audit", "list", "--limit", "100000", "--json"]);
        let entries = entries.as_array().expect("a list").iter().rev();
        // What a decision wrote stands there in the same name, but about a vendor's record, not an item of ours.
        let ours = |entry: &Value| entry["object"].as_str().is_some_and(|object| !object.contains('/'));
        let mine = entries.filter(|entry| entry["actor"] == OPERATOR && ours(entry));
        mine.map(|entry| entry["verb"].as_str().expect("a verb").to_owned()).collect()
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        std::fs::read_dir(self.path()).expect("a folder").next().is_none()
    }
}

/// A demo with a kept journal and known ports.
pub(super) struct Demo {
    pub(super) home: Home,
    pub(super) terminal: Terminal,
    port: u16,
}

impl Demo {
    /// Starts the demo.
    pub(super) fn start(size: (u16, u16)) -> Self {
        let home = Home::new();
        let [intercom, hubspot] = free_ports();
        let data = home.data().display().to_string();
        let (intercom_text, hubspot_text) = (intercom.to_string(), hubspot.to_string());
        let terminal = home.terminal(
            &["--data", &data, "demo", "--intercom-port", &intercom_text, "--hubspot-port", &hubspot_text],
            size,
        );
        Self { home, terminal, port: intercom }
    }

    /// Starts the demo and waits until its first trouble is on the screen.
    #[track_caller]
    pub(super) fn ready(size: (u16, u16)) -> Self {
        let demo = Self::start(size);
        demo.terminal.wait_for("failed executions", shows_failures);
        demo
    }

    /// What really happened at the emulated vendors.
    pub(super) fn books(&self) -> Value {
        self.control("books")
    }

    /// Whether each of the morning's sign-ups that lack a scope has been refused, and nothing is on its way any more.
    /// Who travelled in a call with one of them was refused with it.
    pub(super) fn has_refused(&self) -> bool {
        let faults = self.control("faults");
        let faults = faults["faults"].as_array().expect("a list").iter();
        let scopes: Vec<&Value> = faults.filter(|fault| fault["kind"] == "missing_scopes").collect();
        scopes.len() == 3
            && scopes.iter().all(|fault| fault["times"] == 0)
            && self.home.ids("executions", "status:running").is_empty()
    }

    /// What the emulated vendors tell of themselves.
    fn control(&self, what: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the emulated Intercom answers");
        let request =
            format!("GET /_sandbox/{what} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let body = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head") + 4;
        serde_json::from_slice(&answer[body..]).expect("it is JSON")
    }
}

/// The overview counts failed executions.
pub(super) fn shows_failures(text: &str) -> bool {
    text.lines().any(|line| line.contains("failed execution") && line.contains('✗'))
}

/// The screens, in the order of their keys.
pub(super) const SCREENS: [&str; 9] =
    ["Overview", "Executions", "Conflicts", "Duplicates", "Unlinked", "Recipes", "Health", "Audit", "Log"];

/// Whether a screen's name in the first row looks unlike the others': it is the one that is shown.
pub(super) fn shown(screen: &vt100::Screen, name: &str) -> bool {
    let look = |name: &str| {
        let first = screen.contents_between(0, 0, 1, 0);
        let column = first.find(name).map(|at| first[..at].chars().count())?;
        let cell = screen.cell(0, u16::try_from(column).ok()?)?;
        Some((cell.fgcolor(), cell.bgcolor(), cell.bold(), cell.inverse(), cell.underline()))
    };
    let others = SCREENS.iter().filter(|other| **other != name);
    look(name).is_some_and(|here| others.filter_map(|other| look(other)).all(|other| other != here))
}

/// Shows a screen by its key.
#[track_caller]
pub(super) fn go(terminal: &mut Terminal, name: &str) {
    let at = SCREENS.iter().position(|screen| *screen == name).expect("a screen");
    terminal.press(&(at + 1).to_string());
    terminal.wait_until(name, |screen| shown(screen, name));
}

/// Filters the list on the screen anew, and goes to its first row.
#[track_caller]
pub(super) fn filter(terminal: &mut Terminal, text: &str) {
    // The line holds the filter that is in force; Ctrl-u empties it.
    terminal.press("/");
    terminal.press("\x15");
    terminal.press(text);
    terminal.press(key::ENTER);
    terminal.wait_for("the filter", |screen| {
        let typing = screen.lines().last().is_some_and(|line| line.trim_start().starts_with("/ "));
        !typing && screen.contains(text)
    });
    terminal.press("g");
}

/// Opens a question with a key and answers with Enter, which must do nothing; then opens it again and says yes.
/// `yes` is the word beside the capital Y; the text of the question comes back.
#[track_caller]
pub(super) fn confirm(terminal: &mut Terminal, opens: &str, yes: &str, not_decided: impl Fn()) -> String {
    let asks = format!("Y {yes}");
    let asked = |text: &str| text.contains(&asks);
    terminal.press(opens);
    terminal.wait_for(&asks, asked);
    terminal.press(key::ENTER);
    terminal.wait_for("the question to close", |text| !asked(text));
    not_decided();
    terminal.press(opens);
    let question = terminal.wait_for(&asks, asked);
    terminal.press("Y");
    terminal.wait_for("the question to close", |text| !asked(text));
    question
}

/// Effects of one kind that came through a vendor's API.
pub(super) fn effects(books: &Value, object: &str, kind: &str) -> Vec<Value> {
    let effects = books["effects"].as_array().expect("effects").iter();
    effects
        .filter(|effect| effect["object"] == object && effect["kind"] == kind && effect["who"] == "api")
        .cloned()
        .collect()
}

/// Two ports nobody listens on at this moment.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
