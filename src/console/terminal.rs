//! Taking the terminal and giving it back: raw mode, alternate screen, mouse, paste; every frame written whole.
//!
//! Whatever happens (panic, signal, error), [`leave`] puts the terminal back; calling it twice is harmless.

use std::io::{self, Stdout, Write};
use std::pin::Pin;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread::ThreadId;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture, Event, EventStream,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use futures_util::{Stream, StreamExt as _};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use crate::domain::text::clean;

/// How long the terminal may take to tell its ground: over a slow line it is not worth waiting for.
const PATIENCE: Duration = Duration::from_millis(100);

static ENTERED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Another program has it for now.
static LENT: AtomicBool = AtomicBool::new(false);
/// The mouse was taken with it.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Collects a frame and writes it in one synchronized update, so that no half of it is ever shown.
#[derive(Debug)]
pub struct Frames<W: Write> {
    out: W,
    pending: Vec<u8>,
}

impl<W: Write> Frames<W> {
    /// Frames for an output.
    pub const fn new(out: W) -> Self {
        Self { out, pending: Vec::new() }
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(self.pending.len() + 16);
        queue!(frame, BeginSynchronizedUpdate)?;
        frame.append(&mut self.pending);
        queue!(frame, EndSynchronizedUpdate)?;
        self.out.write_all(&frame)?;
        self.out.flush()
    }
}

/// Asks the terminal whether its ground is light, when nothing else says so; a terminal that answers nothing within
/// the time is taken as dark. Call it before [`enter`], and only for the scheme that wants to know.
pub fn ground_is_light() -> Option<bool> {
    let says = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if says("NO_COLOR") || says("COLORFGBG") {
        return None;
    }
    let mut options = QueryOptions::default();
    options.timeout = PATIENCE;
    theme_mode(options).ok().map(|mode| mode == ThemeMode::Light)
}

/// Takes the terminal over. From here on a panic restores it before its message is shown.
pub fn enter(mouse: bool) -> io::Result<Terminal<CrosstermBackend<Frames<Stdout>>>> {
    HOOK.call_once(|| {
        let owner = std::thread::current().id();
        std::panic::set_hook(Box::new(move |panic| {
            // A turn of a worker may panic on another thread; it is caught there and the console goes on.
            if ends_the_console(owner, std::thread::current().id(), ENTERED.load(Ordering::SeqCst)) {
                leave();
                super::crash::report(panic);
            } else {
                let fault = super::crash::said(panic).map(super::crash::scrubbed).unwrap_or_default();
                let place = panic.location().map(ToString::to_string).unwrap_or_default();
                tracing::error!(fault, place, "a task panicked; what it held is recorded as failed");
            }
        }));
    });
    MOUSE.store(mouse, Ordering::SeqCst);
    take_screen()?;
    Terminal::new(CrosstermBackend::new(Frames::new(io::stdout())))
}

fn take_screen() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let taken =
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, EnableBracketedPaste, EnableFocusChange);
    let mouse = MOUSE.load(Ordering::SeqCst);
    let taken = taken.and_then(|()| if mouse { execute!(io::stdout(), EnableMouseCapture) } else { Ok(()) });
    if let Err(error) = taken {
        leave();
        return Err(error);
    }
    Ok(())
}

/// Gives the terminal to another program for a while; [`Keyboard`] reads nothing from it until [`take_back`].
pub fn lend() {
    if ENTERED.load(Ordering::SeqCst) {
        LENT.store(true, Ordering::SeqCst);
        leave();
    }
}

/// Takes the terminal back from the program it was given to.
pub fn take_back() -> io::Result<()> {
    if LENT.swap(false, Ordering::SeqCst) { take_screen() } else { Ok(()) }
}

/// Keys, clicks and sizes of the terminal, as long as it is ours.
#[derive(Debug, Default)]
pub struct Keyboard {
    events: Option<EventStream>,
}

impl Stream for Keyboard {
    type Item = io::Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if LENT.load(Ordering::SeqCst) {
            // Dropped, it stops reading; a new one begins with the next look.
            self.events = None;
            return Poll::Pending;
        }
        self.events.get_or_insert_with(EventStream::new).poll_next_unpin(context)
    }
}

/// Whether a panic ends the console: on its own thread, or when the terminal is not taken at all.
fn ends_the_console(owner: ThreadId, panicked: ThreadId, taken: bool) -> bool {
    !taken || owner == panicked
}

/// Gives the terminal back as it was. Errors are not told: there is nothing left to tell them on.
pub fn leave() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableFocusChange,
        DisableBracketedPaste,
        DisableMouseCapture,
        cursor::Show,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
}

/// Takes clicks and the wheel, or leaves them to the terminal, when the terminal is ours.
pub fn mouse(taken: bool) {
    if ENTERED.load(Ordering::SeqCst) {
        let mut out = io::stdout();
        MOUSE.store(taken, Ordering::SeqCst);
        let _ = if taken { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) };
    }
}

/// Puts cleaned text on the clipboard (OSC 52), when the terminal is ours; otherwise does nothing.
pub fn copy(text: &str) {
    if ENTERED.load(Ordering::SeqCst) {
        let lines: Vec<_> = text.lines().map(clean).collect();
        let _ = execute!(io::stdout(), CopyToClipboard::to_clipboard_from(lines.join("\n")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_elsewhere_leaves_the_terminal_to_the_console() {
        let own = std::thread::current().id();
        let other = std::thread::spawn(|| std::thread::current().id()).join().expect("a thread id");
        assert!(ends_the_console(own, own, true));
        assert!(!ends_the_console(own, other, true));
        assert!(ends_the_console(own, other, false), "without a screen every panic is told as usual");
    }
}
