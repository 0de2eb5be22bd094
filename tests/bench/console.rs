//! How fast the console is, measured from outside: the built program in a pseudo-terminal over a large journal.
//!
//! `cargo bench --bench console` prints figures and judges nothing. After `--`: `--rows 10000,100000,1000000,5000000`
//! for other sizes (each has a fifth as many people), `--live 3600` for so many seconds of 200 events a second while the
//! console shows them, `--folder PLACE` to make the journals there and find them again, `--quick` for a short run that an unoptimised build can stand. Where `csvlens` and `lnav` are on
//! the PATH they show the same executions in the same run. Under `cargo bench` the program is built with the release
//! settings and is `target/release/reknit`; its path stands in the first line.
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

/// Takes out what stands in the filter's line.
const ERASE: &str = "\u{15}";
/// Events a second while the console is watched.
const LIVE: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).map_or("", String::as_str).replace('_', ""))
    };
    let kept = given("--folder").map(std::path::PathBuf::from);
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let sizes: Vec<usize> = given("--rows").map_or_else(
        || vec![if quick { 2_000 } else { 100_000 }],
        |list| list.split(',').map(|size| size.parse().expect("--rows wants numbers")).collect(),
    );
    let seconds = given("--live")
        .map_or(if quick { 2 } else { 20 }, |text| text.parse().expect("--live wants seconds"));
    let times = if quick { 5 } else { 100 };
    println!("{REKNIT} in {}x{}, milliseconds; the median and the 99th of 100", SIZE.0, SIZE.1);
    let mut tables: Vec<(String, Vec<Figures>)> = Vec::new();
    for size in sizes {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder =
            kept.as_ref().map_or_else(|| temporary.path().to_owned(), |kept| kept.join(size.to_string()));
        let path = folder.join("journal.db");
        let before = Instant::now();
        if !path.exists() {
            std::fs::create_dir_all(&folder).expect("a folder");
            journal::make(&path, size);
        }
        let file = std::fs::metadata(&path).expect("the journal").len();
        println!(
            "\n{size} executions, {} people, {} MB, made in {:.0} s",
            size / 5,
            file / 1_000_000,
            before.elapsed().as_secs_f64()
        );
        tables.push((format!("{size}"), measure(&folder, times)));
        watched(&folder, seconds);
        let others: Vec<&str> = ["csvlens", "lnav"].into_iter().filter(|name| is_there(name)).collect();
        if !others.is_empty() {
            let (table, log) = (folder.join("rows.csv"), folder.join("rows.log"));
            journal::export(&path, &table, &log);
            for name in others {
                let shown = if name == "csvlens" { &table } else { &log };
                tables.push((format!("{size} {name}"), theirs(name, shown, &folder, times / 10)));
            }
        }
    }
    print(&tables);
}

/// The same figures side by side: a column for each size and program.
fn print(tables: &[(String, Vec<Figures>)]) {
    let mut names: Vec<&'static str> = Vec::new();
    for figures in tables.iter().flat_map(|(_, figures)| figures) {
        if !names.contains(&figures.name) {
            names.push(figures.name);
        }
    }
    print!("\n{:<46}", "median / p99 (n)");
    for (title, _) in tables {
        print!("{title:>22}");
    }
    println!();
    for name in names {
        print!("{name:<46}");
        for (_, figures) in tables {
            let cell = figures.iter().find(|one| one.name == name).map_or_else(String::new, Figures::cell);
            print!("{cell:>22}");
        }
        println!();
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
    fn new(name: &'static str) -> Self {
        Self { name, values: Vec::new(), late: 0 }
    }

    fn cell(&self) -> String {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        if values.is_empty() {
            return "no answer".to_owned();
        }
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        let late = if self.late > 0 { format!("+{}", self.late) } else { String::new() };
        format!("{:.1} / {:.1} ({}{late})", at(0.5), at(0.99), values.len())
    }
}

fn start(folder: &Path) -> Terminal {
    let folder_text = folder.display().to_string();
    Terminal::spawn(REKNIT, ["--data", &folder_text, "--read-only"], folder, SIZE)
}

fn measure(folder: &Path, times: usize) -> Vec<Figures> {
    let mut frame = Figures::new("exec to the first frame");
    let mut useful = Figures::new("exec to the first counts (overview)");
    let mut list = Figures::new("2: overview to the rows of the list");
    for _ in 0..(times / 5).max(3) {
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
    let mut all = vec![frame, useful, list];

    let mut terminal = start(folder);
    terminal.wait_for("counts", |text| text.contains("failed execution"));
    terminal.press("2");
    terminal.wait_for("rows", |text| text.contains("ex_"));
    terminal.wait_quiet(QUIET * 4);
    // Everything, not only what is open.
    terminal.press("/");
    terminal.press(key::ESC);
    terminal.wait_quiet(QUIET * 4);
    all.push(one(&mut terminal, "j", times, &["j"]));
    all.push(one(&mut terminal, "PageDown", times, &[key::PAGE_DOWN]));
    terminal.press("g");
    terminal.wait_quiet(QUIET * 4);
    all.push(one(&mut terminal, "G, then g: each", times / 2, &["G", "g"]));
    let questions = [
        ("/status:failed recipe:contact-to-crm", "/status:failed recipe:contact-to-crm\r"),
        ("/error:permission", "/error:permission\r"),
        ("/since:2d status:retrying", "/since:2d status:retrying\r"),
        ("/code:4* outcome:error attempts:>0", "/code:4* outcome:error attempts:>0\r"),
        ("/halvorsen (some)", "/halvorsen\r"),
        ("/jovana (many)", "/jovana\r"),
        ("/lomonper (few)", "/lomonper\r"),
        ("/permitted (in sentences)", "/permitted\r"),
        ("/zoe status:failed (words and a field)", "/zoe status:failed\r"),
        ("/status:failed sort:person", "/status:failed sort:person\r"),
        ("/error:permission sort:-age", "/error:permission sort:-age\r"),
    ];
    for (name, keys) in questions {
        all.push(filtered(&mut terminal, name, (times / 10).max(3), keys, key::ESC));
    }

    // An order stays when the filter goes, so each is measured against the other way round.
    let orders = [
        ("sort:age", "/sort:age\r", "/sort:-age\r"),
        ("sort:recipe", "/sort:recipe\r", "/sort:-recipe\r"),
        ("sort:person", "/sort:person\r", "/sort:-person\r"),
        ("sort:attempts", "/sort:attempts\r", "/sort:-attempts\r"),
        ("sort:code", "/sort:code\r", "/sort:-code\r"),
        ("sort:next", "/sort:next\r", "/sort:-next\r"),
        ("sort:record", "/sort:record\r", "/sort:-record\r"),
        ("sort:status", "/sort:status\r", "/sort:-status\r"),
    ];
    for (name, up, down) in orders {
        let mut figures = Figures::new(name);
        for keys in [up, down].iter().cycle().take((times / 10).max(4)) {
            terminal.press("/");
            terminal.wait_quiet(QUIET);
            terminal.press(ERASE);
            terminal.wait_quiet(QUIET * 2);
            answer(&mut terminal, &keys[1..], QUIET * 4, &mut figures);
        }
        all.push(figures);
    }

    let process = terminal.process();
    terminal.wait_quiet(Duration::from_secs(1));
    let before = processor_ticks(process);
    let bytes = terminal.watch(Duration::from_secs(5));
    let ticks = processor_ticks(process) - before;
    println!("idle for 5 s: {ticks} ticks of 10 ms processor time, {bytes} bytes written");
    println!("resident: {} now, {} at most", status(process, "VmRSS"), status(process, "VmHWM"));
    terminal.press("q");
    let ended = terminal.ended();
    assert_eq!(ended.code, 0, "{}", ended.text);
    all
}

/// The console over a list that changes all the time: what it holds before and after, and what it takes.
fn watched(folder: &Path, seconds: u64) {
    let mut terminal = start(folder);
    terminal.wait_for("counts", |text| text.contains("failed execution"));
    terminal.press("2");
    terminal.wait_for("rows", |text| text.contains("ex_"));
    terminal.press("/");
    terminal.press(key::ESC);
    terminal.wait_quiet(QUIET * 4);
    let process = terminal.process();
    let (before, ticks) = (status(process, "VmRSS"), processor_ticks(process));
    let path = folder.join("journal.db");
    let length = Duration::from_secs(seconds);
    let changing = std::thread::spawn(move || journal::live(&path, LIVE, length));
    let bytes = terminal.watch(length);
    let done = changing.join().expect("the rows came");
    println!(
        "live for {seconds} s: {done} events, {} ticks of 10 ms, {bytes} bytes written; resident before {before}, after {}, \
         at most {}",
        processor_ticks(process) - ticks,
        status(process, "VmRSS"),
        status(process, "VmHWM")
    );
    terminal.press("q");
    let _ = terminal.ended();
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Another program over the same rows: its first screen, its pages, its filter.
fn theirs(program: &str, file: &Path, home: &Path, times: usize) -> Vec<Figures> {
    let file = file.display().to_string();
    let (filter, clear) = if program == "csvlens" {
        ("&halvorsen\r", key::ESC)
    } else {
        (":filter-in halvorsen\r", ":reset-session\r")
    };
    let mut useful = Figures::new("exec to the first counts (overview)");
    for _ in 0..3 {
        let terminal = Terminal::spawn(program, [file.as_str()], home, SIZE);
        terminal.wait_for("rows", |text| text.contains("contact-to-"));
        useful.values.push(milliseconds(terminal.started));
    }
    let mut terminal = Terminal::spawn(program, [file.as_str()], home, SIZE);
    terminal.wait_for("rows", |text| text.contains("contact-to-"));
    terminal.wait_quiet(Duration::from_secs(2));
    let process = terminal.process();
    let all = vec![
        useful,
        one(&mut terminal, "PageDown", times.max(5) * 5, &[key::PAGE_DOWN]),
        filtered(&mut terminal, "/halvorsen (some)", 3, filter, clear),
    ];
    println!("{program}: resident {} at most", status(process, "VmHWM"));
    all
}

/// Presses keys in turn; each figure is the time from a key to the last byte of its answer.
fn one(terminal: &mut Terminal, name: &'static str, times: usize, keys: &[&str]) -> Figures {
    let mut figures = Figures::new(name);
    for key in keys.iter().cycle().take(times * keys.len()) {
        answer(terminal, key, QUIET, &mut figures);
    }
    figures
}

/// Filters and clears; the clearing is not counted.
fn filtered(terminal: &mut Terminal, name: &'static str, times: usize, keys: &str, clear: &str) -> Figures {
    let mut figures = Figures::new(name);
    for _ in 0..times.max(3) {
        // Every letter asks anew; the answers of long queries come with pauses between them.
        answer(terminal, keys, QUIET * 4, &mut figures);
        terminal.press(clear);
        terminal.wait_quiet(QUIET * 3);
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
