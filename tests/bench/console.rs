//! How fast the console is, measured from outside: the built program in a pseudo-terminal over a large journal.
//!
//! `cargo bench --bench console` prints figures and judges nothing. After `--`: `--rows 10000,100000,1000000` for
//! other sizes, `--quick` for a short run that an unoptimised build can stand. Under `cargo bench` the program is
//! built with the release settings and is `target/release/reknit`; its path stands in the first line.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

#[path = "../it/terminal/driver.rs"]
#[expect(dead_code, reason = "the tests use the rest of the driver")]
mod driver;
#[path = "console/journal.rs"]
mod journal;

use std::path::Path;
use std::time::{Duration, Instant};

use driver::{Terminal, key};

const REKNIT: &str = env!("CARGO_BIN_EXE_reknit");
/// A usual large window.
const SIZE: (u16, u16) = (140, 40);
/// An answer has ended when nothing came for so long.
const QUIET: Duration = Duration::from_millis(120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let sizes = arguments.iter().position(|argument| argument == "--rows").map_or_else(
        || vec![if quick { 2_000 } else { 100_000 }],
        |at| {
            let list = arguments.get(at + 1).map_or("", String::as_str).split(',');
            list.map(|size| size.replace('_', "").parse().expect("--rows wants numbers")).collect()
        },
    );
    let times = if quick { 10 } else { 200 };
    println!("{REKNIT} in {}x{}, {times} times each, milliseconds", SIZE.0, SIZE.1);
    for size in sizes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let before = Instant::now();
        journal::make(&folder.path().join("journal.db"), size);
        let file = std::fs::metadata(folder.path().join("journal.db")).expect("the journal").len();
        println!(
            "\n{size} executions, {} MB, made in {:.1} s",
            file / 1_000_000,
            before.elapsed().as_secs_f64()
        );
        measure(folder.path(), times);
    }
}

/// Milliseconds of one kind.
struct Figures {
    name: &'static str,
    values: Vec<f64>,
    /// Answers that went on after they had seemed to end: with many, the figures are too good.
    late: usize,
}

impl Figures {
    fn print(mut self) {
        self.values.sort_by(f64::total_cmp);
        let at = |share: f64| self.values[((self.values.len() - 1) as f64 * share).round() as usize];
        println!(
            "{:<44} {:>8.1} {:>8.1} {:>8.1} {:>8.1}   {}",
            self.name,
            at(0.0),
            at(0.5),
            at(0.99),
            at(1.0),
            if self.late > 0 { format!("{} went on later", self.late) } else { String::new() }
        );
    }
}

fn start(folder: &Path) -> Terminal {
    let folder_text = folder.display().to_string();
    Terminal::spawn(REKNIT, ["--data", &folder_text, "--read-only"], folder, SIZE)
}

fn measure(folder: &Path, times: usize) {
    println!("{:<44} {:>8} {:>8} {:>8} {:>8}", "", "min", "median", "p99", "max");
    let figures = |name| Figures { name, values: Vec::new(), late: 0 };
    let (mut frame, mut useful) =
        (figures("exec to the first frame"), figures("exec to the first counts (overview)"));
    let mut list = figures("2: overview to the rows of the list");
    for _ in 0..(times / 10).max(3) {
        let mut terminal = start(folder);
        terminal.wait_for("a frame", |text| !text.trim().is_empty());
        frame.values.push(milliseconds(terminal.started));
        terminal.wait_for("counts", |text| text.contains("failed execution"));
        useful.values.push(milliseconds(terminal.started));
        terminal.wait_quiet(QUIET);
        let pressed = Instant::now();
        terminal.press("2");
        terminal.wait_for("rows", |text| text.contains("ex_"));
        list.values.push(milliseconds(pressed));
    }
    frame.print();
    useful.print();
    list.print();

    let mut terminal = start(folder);
    terminal.wait_for("counts", |text| text.contains("failed execution"));
    terminal.press("2");
    terminal.wait_for("rows", |text| text.contains("ex_"));
    terminal.wait_quiet(QUIET * 4);
    // Everything, not only what is open.
    terminal.press("/");
    terminal.press(key::ESC);
    terminal.wait_quiet(QUIET * 4);
    one(&mut terminal, "j", times, &["j"]).print();
    one(&mut terminal, "PageDown", times, &[key::PAGE_DOWN]).print();
    terminal.press("g");
    terminal.wait_quiet(QUIET * 4);
    one(&mut terminal, "G, then g: each", times, &["G", "g"]).print();
    let (fielded, clear) = ("/status:failed recipe:contact-to-crm\r", key::ESC);
    filtered(&mut terminal, "/status:failed recipe:contact-to-crm Enter", times / 4, fielded, clear).print();
    filtered(
        &mut terminal,
        "/since:2d status:retrying Enter",
        times / 4,
        "/since:2d status:retrying\r",
        clear,
    )
    .print();
    filtered(&mut terminal, "/halvorsen Enter (free text)", times / 10, "/halvorsen\r", clear).print();

    let process = terminal.process();
    terminal.wait_quiet(Duration::from_secs(1));
    let before = processor_ticks(process);
    let bytes = terminal.watch(Duration::from_secs(3));
    let ticks = processor_ticks(process) - before;
    println!("idle for 3 s: {ticks} ticks of 10 ms processor time, {bytes} bytes written");
    println!("resident: {} now, {} at most", status(process, "VmRSS"), status(process, "VmHWM"));
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!(ended.code, 0, "{}", ended.text);
}

/// Presses keys in turn; each figure is the time from a key to the last byte of its answer.
fn one(terminal: &mut Terminal, name: &'static str, times: usize, keys: &[&str]) -> Figures {
    let mut figures = Figures { name, values: Vec::new(), late: 0 };
    for key in keys.iter().cycle().take(times * keys.len()) {
        answer(terminal, key, QUIET, &mut figures);
    }
    figures
}

/// Filters and clears; the clearing is not counted.
fn filtered(terminal: &mut Terminal, name: &'static str, times: usize, keys: &str, clear: &str) -> Figures {
    let mut figures = Figures { name, values: Vec::new(), late: 0 };
    for _ in 0..times.max(3) {
        // Every letter asks anew; the answers of long queries come with pauses between them.
        answer(terminal, keys, QUIET * 8, &mut figures);
        terminal.press(clear);
        terminal.wait_quiet(QUIET * 5);
    }
    figures
}

fn answer(terminal: &mut Terminal, keys: &str, quiet: Duration, figures: &mut Figures) {
    let known = terminal.frames().all;
    let pressed = Instant::now();
    terminal.press(keys);
    // A key that changes nothing is not answered.
    let last = terminal.wait_quiet(quiet);
    if last > pressed && terminal.frames().all > known {
        figures.values.push(last.duration_since(pressed).as_secs_f64() * 1_000.0);
    }
    let ended = terminal.frames().all;
    figures.late +=
        usize::from(terminal.watch(Duration::from_millis(1)) > 0 || terminal.frames().all > ended);
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1_000.0
}

/// Processor time so far, in ticks of 10 ms.
fn processor_ticks(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold blanks; user and system time are the 12th and 13th fields after it.
    let after = text.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// A line of `/proc/PID/status`; elsewhere than on Linux there is none.
fn status(process: u32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map_or_else(|| "unknown".to_owned(), |value| value.trim().to_owned())
}
