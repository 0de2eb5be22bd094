//! What the console stands on goes away under it: the vendors, or the service that works the journal. It says so, it goes
//! on answering keys, and it gives the terminal back.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::demo::{Home, REKNIT, go};
use super::driver::Terminal;

/// A process that is gone with the test, however that ends.
struct Process(Child);

impl Process {
    /// Starts the program, and returns its first line of output, which says that it is ready.
    fn start(command: &mut Command) -> (Self, String) {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = Self(child.expect("the program starts"));
        let mut line = String::new();
        let output = process.0.stdout.take().expect("its output is read");
        BufReader::new(output).read_line(&mut line).expect("it says something");
        (process, line)
    }

    /// Ends it as a crash does: nothing of it has a last word.
    fn kill(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that was killed already is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Emulated vendors in a process of their own, and settings that name them.
struct Place {
    home: Home,
    vendors: Process,
    tokens: Vec<(String, String)>,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let mut command = Command::new(REKNIT);
        command.args(["sandbox", "--people", "40", "--companies", "10", "--json"]);
        command.env_clear().env("HOME", home.path()).current_dir(home.path());
        let (vendors, line) = Process::start(&mut command);
        let told: Value = serde_json::from_str(&line).expect("one line of JSON");
        let text = |vendor: &str, name: &str| told[vendor][name].as_str().expect("a text").to_owned();
        let settings = format!(
            "workspace = \"lost\"\n[engine]\nfirst_run = \"on\"\npoll_seconds = 1\n\
             [vendors.timeouts]\nread_seconds = 2\nwrite_seconds = 2\n\
             [vendors.intercom]\nbase_url = \"{}\"\n[vendors.hubspot]\nbase_url = \"{}\"\n\
             [webhook]\nbind = \"127.0.0.1:0\"\n",
            text("intercom", "base_url"),
            text("hubspot", "base_url"),
        );
        std::fs::create_dir_all(home.data()).expect("a folder");
        std::fs::write(home.data().join("reknit.toml"), settings).expect("written");
        let tokens = [
            ("INTERCOM_ACCESS_TOKEN", text("intercom", "token")),
            ("INTERCOM_CLIENT_SECRET", text("intercom", "client_secret")),
            ("HUBSPOT_ACCESS_TOKEN", text("hubspot", "token")),
            ("HUBSPOT_CLIENT_SECRET", text("hubspot", "client_secret")),
        ];
        let mut tokens: Vec<(String, String)> =
            tokens.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let data = home.data().display().to_string();
        tokens.push(("REKNIT_CONFIG".to_owned(), format!("{data}/reknit.toml")));
        tokens.push(("REKNIT_DATA".to_owned(), data));
        Self { home, vendors, tokens }
    }

    /// The console over them. A terminal is started without any variables, so `env` hands the tokens on.
    fn console(&self) -> Terminal {
        let mut arguments: Vec<String> =
            self.tokens.iter().map(|(name, value)| format!("{name}={value}")).collect();
        arguments.push(REKNIT.to_owned());
        Terminal::spawn("/usr/bin/env", arguments, self.home.path(), (140, 40))
    }

    fn service(&self) -> Process {
        let mut command = Command::new(REKNIT);
        command.arg("serve").env_clear().env("HOME", self.home.path()).current_dir(self.home.path());
        command.envs(self.tokens.iter().map(|(name, value)| (name, value)));
        Process::start(&mut command).0
    }
}

/// Both vendors were called and answered.
fn up(text: &str) -> bool {
    ["● Intercom", "● HubSpot"].iter().all(|system| text.contains(system))
}

#[test]
fn vendors_that_go_away_are_said_and_the_terminal_is_given_back() {
    let mut place = Place::new();
    let mut terminal = place.console();
    terminal.wait_for("both vendors to be up", up);
    place.vendors.kill();
    terminal.wait_for("the loss to be said", |text| text.contains("Looking for changes failed"));
    for screen in ["Executions", "Health", "Overview"] {
        go(&mut terminal, screen);
    }
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!((ended.code, ended.left_behind), (0, Vec::new()));
    assert!(!String::from_utf8_lossy(&ended.raw).contains("panicked"));
}

#[test]
fn a_service_that_is_killed_takes_no_console_with_it() {
    for ends_by in ["q", "TERM"] {
        let place = Place::new();
        let mut service = place.service();
        let mut terminal = place.console();
        terminal.wait_for("word of the service", |text| text.contains("Another Reknit on this machine"));
        terminal.wait_for("what the service brings", up);
        service.kill();
        for screen in ["Executions", "Conflicts", "Health"] {
            go(&mut terminal, screen);
        }
        if ends_by == "q" {
            terminal.press("q");
        } else {
            terminal.signal(ends_by);
        }
        let ended = terminal.ended();
        assert_eq!((ended.code, ended.left_behind), (0, Vec::new()), "ended by {ends_by}");
        // What the service left half done is in the journal, whole.
        let data = place.home.data().display().to_string();
        let verdict = place.home.json(&["audit", "verify", "--json"]);
        assert_eq!(verdict["intact"], true, "{data}: {verdict}");
    }
}
