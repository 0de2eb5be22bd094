//! The built binary as a child process: started with settings of its own, killed, stopped, asked for words.
//! It never reads the child's memory or calls its code; what it knows comes from the output and the exit.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reknit::sandbox::Sandbox;
use tempfile::TempDir;

/// A folder with settings and journal, and what every process over it needs to know.
pub(super) struct Place {
    folder: TempDir,
    tokens: [(&'static str, &'static str); 4],
    pub(super) port: u16,
}

/// What the tests want differently, in seconds.
pub(super) struct Wishes {
    pub(super) timeout: u64,
    pub(super) lease: u64,
    pub(super) poll: u64,
}

impl Place {
    pub(super) fn new(sandbox: &Sandbox, wishes: &Wishes) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let settings = format!(
            "[engine]\nfirst_run = \"on\"\nlease_seconds = {}\npoll_seconds = {}\nscan_seconds = {}\n\
             intercom_calls_per_10_seconds = 100000\nhubspot_calls_per_10_seconds = 100000\n\
             [limits.hubspot]\nsearches_per_second = 100000\n\
             [vendors.timeouts]\nread_seconds = {timeout}\nwrite_seconds = {timeout}\n\
             page_seconds = {slow}\nslow_write_seconds = {slow}\n\
             [vendors.intercom]\nbase_url = \"{}\"\n[vendors.hubspot]\nbase_url = \"{}\"\n\
             [webhook]\nbind = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n",
            wishes.lease,
            wishes.poll,
            wishes.poll,
            sandbox.intercom_base_url(),
            sandbox.hubspot_base_url(),
            timeout = wishes.timeout,
            slow = wishes.timeout * 3,
        );
        std::fs::write(folder.path().join("reknit.toml"), settings).expect("settings written");
        let tokens = [
            ("INTERCOM_ACCESS_TOKEN", sandbox.intercom_token()),
            ("INTERCOM_CLIENT_SECRET", sandbox.intercom_client_secret()),
            ("HUBSPOT_ACCESS_TOKEN", sandbox.hubspot_token()),
            ("HUBSPOT_CLIENT_SECRET", sandbox.hubspot_client_secret()),
        ];
        Self { folder, tokens, port }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    pub(super) fn url(&self, vendor: &str) -> String {
        format!("http://127.0.0.1:{}/webhooks/{vendor}", self.port)
    }

    /// Leaves the folder on the disk, for whoever has to find out why.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// A command of the binary over this folder.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reknit"));
        command
            .args(arguments)
            .env("REKNIT_CONFIG", self.folder.path().join("reknit.toml"))
            .env("REKNIT_DATA", self.folder.path())
            .envs(self.tokens)
            .stdin(Stdio::null());
        command
    }

    /// Starts the service; its log goes to a file beside the journal.
    pub(super) fn serve(&self) -> Service {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .expect("the log can be opened");
        let mut process = self
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary can be started");
        let output = process.stdout.take();
        Service { process, output, receiving: false }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A running `reknit serve`. Killed when dropped.
pub(super) struct Service {
    process: Child,
    output: Option<ChildStdout>,
    receiving: bool,
}

impl Service {
    /// Waits until it says that it receives; false when it ended instead.
    pub(super) async fn is_receiving(&mut self) -> bool {
        if self.receiving {
            return true;
        }
        let Some(output) = self.output.take() else { return false };
        let (line, output) = tokio::task::spawn_blocking(move || {
            let mut reader = BufReader::new(output);
            let mut line = String::new();
            let _ = reader.read_line(&mut line);
            (line, reader.into_inner())
        })
        .await
        .expect("reading a line does not panic");
        // Kept open: a child that may not write to its output would be another test.
        self.output = Some(output);
        self.receiving = line.starts_with("Receiving on");
        self.receiving
    }

    pub(super) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.process.id().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill {name}");
    }

    /// SIGKILL, and waits until the process is gone.
    pub(super) fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it can be waited for");
    }

    /// SIGTERM; how it ended and how long that took.
    pub(super) async fn terminate(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.signal("-TERM");
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Some(status) = self.process.try_wait().expect("it can be waited for") {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < Duration::from_secs(60), "still there a minute after SIGTERM");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
