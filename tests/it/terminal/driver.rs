//! A program in a pseudo-terminal: keys go in, every byte that comes out is kept and drawn on an emulated screen.
//!
//! It waits for what the screen shows, never for a time: each wait has a deadline and prints the screen when it
//! passes. It knows nothing of the program, so the benchmark drives the release binary with it too.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};

/// How long anything may take before a wait gives up; far above what is normal, so that only a fault meets it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The end of a frame: the console writes each one as a synchronized update.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What came out so far.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// How much of `raw` is drawn.
    drawn: usize,
    /// When the last byte came.
    last: Instant,
    frames: Frames,
    before: Vec<u8>,
    ended: bool,
}

/// Frames the program has written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frames {
    /// All of them.
    pub(crate) all: usize,
    /// Those after which the screen was as before them.
    pub(crate) idle: usize,
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.last = Instant::now();
        // An end mark may arrive in two pieces.
        let mut from = self.drawn.saturating_sub(FRAME_END.len() - 1);
        while let Some(at) = self.raw[from..].windows(FRAME_END.len()).position(|part| part == FRAME_END) {
            let end = from + at + FRAME_END.len();
            from = end;
            if end <= self.drawn {
                continue;
            }
            self.parser.process(&self.raw[self.drawn..end]);
            self.drawn = end;
            let now = self.parser.screen().contents_formatted();
            self.frames.all += 1;
            self.frames.idle += usize::from(now == self.before);
            self.before = now;
        }
        self.parser.process(&self.raw[self.drawn..]);
        self.drawn = self.raw.len();
    }
}

#[derive(Clone)]
struct Shared(Arc<(Mutex<Seen>, Condvar)>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'seen>(&self, seen: MutexGuard<'seen, Seen>, most: Duration) -> MutexGuard<'seen, Seen> {
        self.0.1.wait_timeout(seen, most).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: u32,
    /// Every byte it wrote.
    pub(crate) raw: Vec<u8>,
    /// The text on the screen it left behind.
    pub(crate) text: String,
    /// What it left of the terminal's modes, in words; empty when all is as before.
    pub(crate) left_behind: Vec<&'static str>,
}

/// A running program and its terminal.
pub(crate) struct Terminal {
    shared: Shared,
    master: Box<dyn MasterPty + Send>,
    slave: Option<Box<dyn SlavePty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    reader: Option<JoinHandle<()>>,
    /// The line settings before the program was started, as text.
    line: String,
    /// When the program was started.
    pub(crate) started: Instant,
}

impl Terminal {
    /// Starts a program in a terminal of a size, with `home` as its home and temporary folder and no settings or
    /// tokens of whoever runs this.
    pub(crate) fn spawn<A: AsRef<OsStr>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
        home: &Path,
        (columns, rows): (u16, u16),
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home);
        command.env_clear();
        let home = home.as_os_str();
        for (name, value) in [("HOME", home), ("TMPDIR", home), ("TERM", "xterm-256color".as_ref())] {
            command.env(name, value);
        }
        command.env("LANG", "C.UTF-8");
        command.env("TZ", "UTC");
        command.env("USER", "tester");
        // This terminal answers no questions; it says so beforehand, as many do, instead of being waited for.
        command.env("COLORFGBG", "15;0");
        let line = line_settings(&*pair.master);
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let shared = Shared(Arc::new((
            Mutex::new(Seen {
                parser: vt100::Parser::new(rows, columns, 0),
                raw: Vec::new(),
                drawn: 0,
                last: Instant::now(),
                frames: Frames::default(),
                before: Vec::new(),
                ended: false,
            }),
            Condvar::new(),
        )));
        let seen = shared.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            // The end of a terminal is an error on Linux and an empty read elsewhere.
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                seen.lock().take(&buffer[..count]);
                seen.0.1.notify_all();
            }
            seen.lock().ended = true;
            seen.0.1.notify_all();
        });
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        Self {
            shared,
            master: pair.master,
            slave: Some(pair.slave),
            keys: Some(keys),
            child,
            reader: Some(reader),
            line,
            started,
        }
    }

    /// The program's number.
    pub(crate) fn process(&self) -> u32 {
        self.child.process_id().expect("a process has a number")
    }

    /// The text on the screen, a line per row.
    pub(crate) fn text(&self) -> String {
        self.shared.lock().parser.screen().contents()
    }

    /// The frames so far.
    pub(crate) fn frames(&self) -> Frames {
        self.shared.lock().frames
    }

    /// Types. A key of more than one byte is written as a terminal sends it: [`key`].
    pub(crate) fn press(&mut self, keys: &str) {
        self.send(keys.as_bytes());
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let keys = self.keys.as_mut().expect("the terminal is open");
        keys.write_all(bytes).and_then(|()| keys.flush()).expect("the program's terminal takes keys");
    }

    /// Makes the terminal another size; the program is told.
    pub(crate) fn resize(&self, (columns, rows): (u16, u16)) {
        // Held while both change, so that no frame of the new size is drawn on a screen of the old one.
        let mut seen = self.shared.lock();
        // The emulator cannot count below nothing where a wide character meets a single column.
        seen.parser.screen_mut().set_size(rows, columns.max(2));
        self.master
            .resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a terminal can be resized");
    }

    /// Sends the program a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal {name} was not sent");
    }

    /// Waits until the text on the screen satisfies `is`; returns it.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |screen| is(&screen.contents()))
    }

    /// Waits until the screen, its colours included, satisfies `is`; returns its text.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is: impl Fn(&vt100::Screen) -> bool) -> String {
        self.wait_as_long(what, PATIENCE, is)
    }

    /// The same, with a patience of its own.
    #[track_caller]
    pub(crate) fn wait_as_long(
        &self,
        what: &str,
        patience: Duration,
        is: impl Fn(&vt100::Screen) -> bool,
    ) -> String {
        let deadline = Instant::now() + patience;
        let mut seen = self.shared.lock();
        loop {
            let text = seen.parser.screen().contents();
            if is(seen.parser.screen()) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!seen.ended, "the program ended while waiting for {what}; its last screen:\n{text}");
            assert!(!left.is_zero(), "{patience:?} passed while waiting for {what}; the screen:\n{text}");
            seen = self.shared.wait(seen, left);
        }
    }

    /// Waits until nothing has come for `quiet`, counted from here at the earliest; returns when the last byte came.
    #[track_caller]
    pub(crate) fn wait_quiet(&self, quiet: Duration) -> Instant {
        let called = Instant::now();
        let mut seen = self.shared.lock();
        loop {
            let until = called.max(seen.last) + quiet;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return seen.last;
            }
            let text = seen.parser.screen().contents();
            assert!(called.elapsed() < PATIENCE, "never quiet; the screen:\n{text}");
            seen = self.shared.wait(seen, left);
        }
    }

    /// Watches for a time; returns how many bytes came in it.
    pub(crate) fn watch(&self, time: Duration) -> usize {
        let deadline = Instant::now() + time;
        let mut seen = self.shared.lock();
        let before = seen.raw.len();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return seen.raw.len() - before;
            }
            seen = self.shared.wait(seen, left);
        }
    }

    /// Waits until the program has ended by itself, and says what it left behind.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            let seen = self.shared.lock();
            let text = seen.parser.screen().contents();
            assert!(Instant::now() < deadline, "the program does not end; its screen:\n{text}");
            // Its last words wake this; an end without words is looked for now and then.
            drop(self.shared.wait(seen, Duration::from_millis(20)));
        };
        let mut left_behind = Vec::new();
        if line_settings(&*self.master) != self.line {
            left_behind.push("raw mode");
        }
        // With the last handle on its other end gone, the reader meets the end and has read everything.
        drop((self.slave.take(), self.keys.take()));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader draws whatever comes");
        }
        let seen = self.shared.lock();
        let screen = seen.parser.screen();
        let modes = [
            (screen.alternate_screen(), "alternate screen"),
            (screen.hide_cursor(), "hidden cursor"),
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "mouse reports"),
            (screen.bracketed_paste(), "bracketed paste"),
            (last_of(&seen.raw, b"\x1b[?1004h", b"\x1b[?1004l"), "focus reports"),
        ];
        left_behind.extend(modes.into_iter().filter(|(on, _)| *on).map(|(_, name)| name));
        Ended { code: status.exit_code(), raw: seen.raw.clone(), text: screen.contents(), left_behind }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed must not leave its program running; one that ended is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line_settings(master: &dyn MasterPty) -> String {
    master.get_termios().map(|settings| format!("{settings:?}")).unwrap_or_default()
}

/// Whether the last switch that was written is `on`.
fn last_of(raw: &[u8], on: &[u8], off: &[u8]) -> bool {
    let last = |what: &[u8]| raw.windows(what.len()).rposition(|part| part == what);
    last(on) > last(off)
}

/// Keys of more than one byte, as a terminal sends them.
pub(crate) mod key {
    /// Esc in a form that no key after it can turn into Alt and that key.
    pub(crate) const ESC: &str = "\x1b[27u";
    pub(crate) const ENTER: &str = "\r";
    pub(crate) const UP: &str = "\x1b[A";
    pub(crate) const DOWN: &str = "\x1b[B";
    pub(crate) const RIGHT: &str = "\x1b[C";
    pub(crate) const LEFT: &str = "\x1b[D";
    pub(crate) const PAGE_UP: &str = "\x1b[5~";
    pub(crate) const PAGE_DOWN: &str = "\x1b[6~";
    pub(crate) const TAB: &str = "\t";
    pub(crate) const SHIFT_TAB: &str = "\x1b[Z";
}
