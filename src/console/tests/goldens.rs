//! Pictures of every screen as text: a rich world wide and narrow, its detail, and an empty one.
//!
//! A picture is what the operator reads, so a change of one is read too before it is kept:
//! `REKNIT_RENEW=1 cargo test --lib console::tests::goldens` draws them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;

use super::bench::Bench;
use super::lines;
use super::world::World;
use crate::console::outside::still;
use crate::console::theme::Theme;
use crate::domain::audit::NewEntry;

const RENEW: &str = "REKNIT_RENEW=1 cargo test --lib console::tests::goldens";

/// The screens as their pictures are named, and the keys that open them.
const SCREENS: [(&str, &str); 9] = [
    ("overview", "1"),
    ("executions", "2"),
    ("conflicts", "3"),
    ("duplicates", "4"),
    ("unlinked", "5"),
    ("recipes", "6"),
    ("health", "7"),
    ("audit", "8"),
    ("log", "9"),
];

/// What is pictured of each screen: its name, the size, the keys pressed after the screen's own, and whether the world
/// has something in it.
const VIEWS: [(&str, (u16, u16), &str, bool); 4] = [
    ("wide", (140, 40), "", true),
    ("narrow", (80, 24), "", true),
    ("inside", (80, 24), "Enter", true),
    ("empty", (100, 30), "", false),
];

/// Dialogs and what else lies over a screen: the name, the size, and the keys that open it.
const LAYERS: [(&str, (u16, u16), &str); 9] = [
    ("help", (100, 30), "2 ?"),
    ("palette", (100, 30), "4 :"),
    ("merge", (140, 40), "4 m"),
    ("send", (100, 30), "3 Left d"),
    ("link", (100, 30), "5 l"),
    ("edit", (100, 30), "2 e"),
    ("discard", (80, 24), "2 D"),
    ("views", (80, 24), "2 V"),
    ("undo", (100, 30), "2 r U"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/console")
}

/// A world in which every screen has something to say.
async fn world() -> World {
    let world = super::health::troubled().await;
    world.calls(12).await;
    let line = |verb: &str, object: &str, note: &str| NewEntry {
        actor: "olga".into(),
        verb: verb.into(),
        object: object.into(),
        note: note.into(),
    };
    let said = vec![
        line("link", "ul_2", "Related to Globex Corporation. Carried out by ex_7."),
        line("resolve", "cf_1", "Took Intercom's value. Carried out by ex_4."),
    ];
    world.journal.audit(said).await.expect("stored");
    world
}

async fn open(size: (u16, u16), full: bool) -> Bench {
    let mut bench = Bench::sized(if full { world().await } else { World::empty() }, size).await;
    if full {
        bench.console.look_outside(still(super::health::outside()));
    }
    bench
}

/// The text of a frame, and below it the rows that are selected with the role of each run of cells.
fn picture(theme: &Theme, frame: &Buffer) -> String {
    let mut text = without_digests(&lines(frame).join("\n"));
    text.push_str("\n── selected ──\n");
    let width = usize::from(frame.area.width).max(1);
    for (number, row) in frame.content.chunks(width).enumerate() {
        let on = |cell: &&Cell| cell.bg == theme.selection.bg.unwrap_or_default();
        if !row.iter().any(|cell| on(&cell)) {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{:>2} ", number + 1);
        let mut before = "";
        for cell in row.iter().filter(on) {
            let role = role(theme, cell);
            if role != before && cell.symbol() != " " {
                let _ = write!(text, "{{{role}}}");
                before = role;
            }
            text.push_str(cell.symbol());
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The hashes of the audit log begin with chance; their places are kept.
fn without_digests(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_digit() || ('a'..='f').contains(&letter) {
            run.push(letter);
            continue;
        }
        out.push_str(&if run.len() >= 16 { "#".repeat(run.len()) } else { std::mem::take(&mut run) });
        run.clear();
        out.push(letter);
    }
    out.pop();
    out
}

/// The role of a cell's colour, as the theme names it.
fn role(theme: &Theme, cell: &Cell) -> &'static str {
    let roles = [
        ("accent", theme.accent),
        ("ok", theme.ok),
        ("warn", theme.warn),
        ("error", theme.error),
        ("muted", theme.muted),
        ("faint", theme.faint),
    ];
    let found = roles.into_iter().find(|(_, style)| style.fg == Some(cell.fg));
    match found {
        Some((name, _)) => name,
        None if cell.modifier.contains(Modifier::BOLD) => "bold",
        None => "text",
    }
}

/// Compares a frame with its picture, or draws the picture anew; what differs comes back, line by line.
fn differs(name: &str, bench: &mut Bench) -> Option<String> {
    let frame = bench.console.frame();
    let now = picture(&bench.console.app().ctx.theme, &frame);
    let file = folder().join(format!("{name}.txt"));
    if std::env::var_os("REKNIT_RENEW").is_some() {
        fs::create_dir_all(folder()).expect("a folder");
        fs::write(&file, &now).expect("written");
        return None;
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    if kept == now {
        return None;
    }
    let mut said = format!("{name}: the screen is not as its picture.\n");
    let (old, new): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    for number in 0..old.len().max(new.len()) {
        let (was, is) = (old.get(number).copied(), new.get(number).copied());
        if was != is {
            let _ = writeln!(said, "{:>3} - {}\n    + {}", number + 1, was.unwrap_or(""), is.unwrap_or(""));
        }
    }
    Some(said)
}

async fn compare(screen: &str, key: &str) {
    let mut all = String::new();
    for (view, size, keys, full) in VIEWS {
        let mut bench = open(size, full).await;
        bench.press(key).await;
        if !keys.is_empty() {
            // The boxes of the overview are not gone into; its lower ones are looked at instead.
            bench.press(if screen == "overview" { "Tab Tab Tab Tab" } else { keys }).await;
        }
        all.extend(differs(&format!("{screen}-{view}"), &mut bench));
    }
    assert!(all.is_empty(), "{all}\nRead what changed; if it is meant, renew it: {RENEW}");
}

macro_rules! screens {
    ($($name:ident)+) => { $(
        #[tokio::test]
        async fn $name() {
            let (screen, key) =
                SCREENS.into_iter().find(|(screen, _)| *screen == stringify!($name)).expect("a screen");
            compare(screen, key).await;
        }
    )+ };
}

screens! { overview executions conflicts duplicates unlinked recipes health audit log }

#[tokio::test]
async fn layers() {
    let mut all = String::new();
    for (name, size, keys) in LAYERS {
        let mut bench = open(size, true).await;
        bench.press(keys).await;
        all.extend(differs(&format!("over-{name}"), &mut bench));
    }
    assert!(all.is_empty(), "{all}\nRead what changed; if it is meant, renew it: {RENEW}");
}

#[test]
fn no_picture_is_left_over_and_none_shows_this_machine() {
    let screens = SCREENS
        .iter()
        .flat_map(|(screen, _)| VIEWS.iter().map(move |(view, ..)| format!("{screen}-{view}.txt")));
    let layers = LAYERS.iter().map(|(name, ..)| format!("over-{name}.txt"));
    let wanted: BTreeSet<String> = screens.chain(layers).collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder()).expect("the folder of the pictures").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a text");
        for private in ["/tmp/", "/home/", env!("CARGO_PKG_VERSION")] {
            assert!(!text.contains(private), "{private} stands in {:?}", entry.file_name());
        }
        found.insert(entry.file_name().to_string_lossy().into_owned());
    }
    assert_eq!(found, wanted, "renew them: {RENEW}");
}
