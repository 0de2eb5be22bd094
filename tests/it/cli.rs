//! The built binary as a shell sees it: exit codes, what it prints, what it leaves behind. The vendors are a bench's
//! sandbox, so a command really calls them.

mod acting;
mod actions;
mod api;
mod emulated;
mod info;
mod merging;
mod monitors;
mod problems;
mod reading;
mod recipe;
mod sources;
mod vault;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Bench;

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    /// Its one line of JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "{self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Its exit code.
    pub(crate) fn code(&self) -> i32 {
        self.code
    }

    /// All it said.
    pub(crate) fn all(&self) -> Vec<u8> {
        format!("{}{}", self.out, self.err).into_bytes()
    }

    /// What it printed.
    pub(crate) fn text(&self) -> &str {
        &self.out
    }

    /// It went well and said nothing on the side.
    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:#?}");
        self
    }

    /// A problem in three parts: what failed, why, what next; and no trace of the inside.
    #[track_caller]
    pub(crate) fn problem(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        let lines: Vec<&str> = self.err.lines().collect();
        let [what, why, next] = lines.as_slice() else { panic!("not three lines: {self:#?}") };
        assert!(
            what.starts_with("error: ") && why.starts_with("  why:  ") && next.starts_with("  next: "),
            "{self:#?}"
        );
        assert!([what, why, next].iter().all(|line| line.len() > 12), "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?}: {self:#?}");
        }
        for inside in ["panicked", "backtrace", "src/", "Err(", "JournalError"] {
            assert!(!self.err.contains(inside), "{inside:?}: {self:#?}");
        }
    }
}

/// A shell with nothing of this machine's in it.
pub(crate) struct Shell {
    folder: PathBuf,
    tokens: bool,
    more: Vec<(String, String)>,
}

impl Shell {
    /// Data and settings in this folder; a file `reknit.toml` there is used.
    fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tokens: true, more: Vec::new() }
    }

    /// Without tokens in the environment.
    fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// With one more variable in the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reknit"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", &self.folder)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("REKNIT_USER", "olga")
            .env("REKNIT_DATA", &self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        let config = self.folder.join("reknit.toml");
        if config.exists() {
            command.env("REKNIT_CONFIG", config);
        }
        if self.tokens {
            command
                .env("INTERCOM_ACCESS_TOKEN", "sandbox-intercom-token")
                .env("INTERCOM_CLIENT_SECRET", "sandbox-intercom-client-secret")
                .env("HUBSPOT_ACCESS_TOKEN", "sandbox-hubspot-token")
                .env("HUBSPOT_CLIENT_SECRET", "sandbox-hubspot-client-secret");
        }
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end, beside whatever this test's runtime serves.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "").await
    }

    /// The same, with something on standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(arguments);
        let input = input.to_owned();
        let output = tokio::task::spawn_blocking(move || {
            let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = pipes.spawn().unwrap();
            // Whoever reads nothing may be gone by now.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        })
        .await
        .unwrap();
        Run {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A shell over a bench's journal and vendors.
pub(crate) fn shell(bench: &Bench) -> Shell {
    let config = format!(
        "workspace = \"bench\"\n[engine]\nhubspot_calls_per_10_seconds = 1000\n[vendors.timeouts]\nread_seconds = 5\nwrite_seconds = 5\n\
         [vendors.intercom]\nbase_url = \"{}\"\n[vendors.hubspot]\nbase_url = \"{}\"\n",
        bench.sandbox.intercom_base_url(),
        bench.sandbox.hubspot_base_url()
    );
    std::fs::write(bench.folder().join("reknit.toml"), config).unwrap();
    Shell::in_folder(bench.folder())
}
