//! Every action of the table at three sizes: its key is pressed on a full world, and what it is for is seen to happen.
//!
//! An action without an entry here fails the test, and so does an entry whose key is not the action's. What reaches the
//! vendors is seen here as far as the journal; `tests/it` follows it into the sandbox's books.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;

use super::super::Settings;
use super::bench::Bench;
use super::recipes::{folder, gone};
use super::world::World;
use crate::console::actions::{Action, Scope, TABLE, shown_keys};
use crate::console::outside::still;
use crate::console::panes::Screen;
use crate::domain::execution::{Outcome, Status};
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::engine::rulebook::Rulebook;
use crate::engine::rules::Sources;
use crate::journal::queue::Settlement;

const SIZES: [(u16, u16); 3] = [(140, 40), (100, 30), (80, 24)];

/// What an action needs to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Something of everything.
    Full,
    /// It has to be armed before it writes.
    Production,
    /// Health has much to say.
    Troubled,
    /// A vendor's change holds a field back.
    Drift,
    /// The first person's company is nowhere.
    Stranger,
    /// The operator has a role.
    Role,
    /// A merge was carried out.
    Merged,
    /// A conflict was decided, and that was carried out.
    Settled,
}

/// How an effect is shown.
#[derive(Debug, Clone, Copy)]
enum Shows {
    /// Words that were not on the screen before.
    Says(&'static str),
    /// Words that are on it no more.
    Drops(&'static str),
    /// That screen is open.
    Goes(Screen),
    /// The selected row is another.
    Moves,
    /// The picture is another, colours included.
    Redraws,
    /// The operator's line in the audit log.
    Noted(&'static str),
    /// One more execution is in this state.
    More(Status),
    /// An execution of this recipe is queued.
    Queued(&'static str),
    /// The text is the operator's own editor's.
    Outside,
    /// The console is left.
    Quits,
    /// At the narrowest size it says why it cannot, with this word.
    NotNarrow(&'static str),
}

use Place::{Drift, Full, Merged, Production, Role, Settled, Stranger, Troubled};
use Shows::{Drops, Goes, More, Moves, NotNarrow, Noted, Outside, Queued, Quits, Redraws, Says};

/// An action; the keys pressed beforehand; its own key and what is pressed to go through with it; what shows it.
type Entry = (Action, Place, &'static str, &'static str, &'static [Shows]);

const EFFECTS: &[Entry] = &[
    (Action::GoThere, Full, "1", "Enter", &[Goes(Screen::Executions)]),
    (Action::MendThere, Full, "1", "f", &[Goes(Screen::Executions)]),
    (Action::PreviousNumber, Full, "1 Right", "Left", &[Redraws]),
    (Action::NextNumber, Full, "1", "Right", &[Redraws]),
    (Action::Retry, Full, "2", "r", &[Noted("retry"), More(Status::Pending), Says("queued again")]),
    (Action::Fix, Full, "2", "f Tab Tab Ctrl-s Y", &[Noted("replay"), More(Status::Pending)]),
    (Action::Replay, Full, "2", "e Ctrl-s Tab Tab Ctrl-s Y", &[Noted("replay"), More(Status::Pending)]),
    (Action::ReplayOutside, Full, "2", "E", &[Outside]),
    (Action::RetryFromStart, Full, "2", "F Y", &[Noted("replan"), More(Status::Pending)]),
    (Action::WhyStopped, Full, "2", "w", &[Says("Why: Jane Doe")]),
    (Action::Probe, Full, "2", "P", &[Noted("probe"), Queued("probe")]),
    (Action::Hold, Full, "2", "h", &[Noted("hold"), More(Status::Held)]),
    (Action::Snooze, Full, "2", "z Enter", &[Noted("snooze"), More(Status::Held)]),
    (Action::PauseRecipe, Full, "2", "H b a d Enter", &[Noted("pause")]),
    (Action::GroupByCause, Full, "2", "#", &[Says("Why executions fail")]),
    (Action::OnlyDifferent, Full, "2 Esc g Enter Right Right", "=", &[Redraws]),
    (Action::OpenPage, Full, "2", "o", &[Says("No page can be opened")]),
    (Action::CopyCurl, Full, "2", "Y", &[Says("Copied curl")]),
    (Action::Discard, Full, "2", "D o l d Enter Y", &[Noted("discard"), More(Status::Discarded)]),
    (Action::MarkSame, Full, "2", "*", &[Says("of this cause marked")]),
    (Action::PreviousTab, Full, "2 Enter Right", "Left", &[Says("[Explain]")]),
    (Action::NextTab, Full, "2 Enter", "Right", &[Says("[Plan]")]),
    (Action::UndoMerge, Merged, "Esc Esc Esc 2 Esc g", "u", &[Says("Take back the merge of")]),
    (Action::TakeLeft, Full, "3", "Left", &[Says("✓ ←")]),
    (Action::TakeRight, Full, "3", "Right", &[Says("✓ →")]),
    (Action::TypeValue, Full, "3 j", "e c u s t o m e r Enter", &[Says("✓ e")]),
    (Action::SendDecided, Full, "3 Left", "d Y", &[Noted("resolve"), Queued("resolve-conflict")]),
    (Action::MakeRule, Full, "3", "R Enter Y", &[Noted("rule")]),
    (Action::Translate, Full, "3 j", "f c u s t o m e r Enter Y", &[Noted("translate")]),
    (Action::Later, Full, "3", "z Enter Y", &[Noted("ignore")]),
    (Action::Why, Full, "3", "w", &[Redraws]),
    (Action::EqualFields, Full, "3 Enter", "=", &[Redraws]),
    (Action::ClearBoth, Full, "3", "0", &[Says("✓")]),
    (Action::Block, Full, "3", "b Enter Y", &[Noted("disable")]),
    (Action::Mine, Role, "3", "i", &[Redraws]),
    (Action::Reopen, Settled, "3 / s t a t u s : d o n e Enter", "u", &[Says("Take the decision on Phone")]),
    (Action::Merge, Full, "4", "m Y", &[Noted("merge"), Queued("merge-duplicates")]),
    (Action::Distinct, Full, "4", "x Y", &[Noted("distinct")]),
    (Action::Unsure, Full, "4", "n", &[Noted("unsure")]),
    (Action::PutOff, Full, "4", "z Enter Y", &[Noted("later")]),
    (Action::UndoVerdict, Full, "4 n", "u", &[Noted("undo-verdict")]),
    (Action::SwapSurvivor, Full, "4 Enter", "S", &[Redraws]),
    (Action::ColumnLeft, Full, "4 Enter Right", "Left", &[Redraws]),
    (Action::ColumnRight, Full, "4 Enter", "Right", &[Redraws]),
    (Action::Link, Full, "5", "l Y", &[Noted("link"), Queued("link-company")]),
    (Action::LinkDomain, Full, "5", "L Enter Y", &[Noted("link"), Queued("link-company")]),
    (Action::FoundCompany, Stranger, "5", "c Y", &[Noted("found"), Queued("link-company")]),
    (Action::NoneFits, Full, "5", "x Y", &[Noted("none_fits")]),
    (Action::LinkUnsure, Full, "5", "n Y", &[Noted("unsure")]),
    (Action::LinkLater, Full, "5", "z Enter Y", &[Noted("snooze")]),
    (Action::NeverDomain, Full, "5", "D Y", &[Noted("rule")]),
    (Action::LinkUndo, Full, "5 x Y", "u Y", &[Noted("reopen")]),
    (Action::GroupByDomain, Full, "5", "#", &[Drops("surest first")]),
    (Action::AdvanceRecipe, Full, "6 / l e a d - s c o Enter", "a Y", &[Noted("switch"), Says("◐")]),
    (
        Action::BackRecipe,
        Full,
        "6 / l e a d - s c o Enter a Y Esc",
        "b Y",
        &[Noted("switch"), Says("○  lead")],
    ),
    (Action::PauseThis, Full, "6", "H b a d Enter", &[Noted("pause")]),
    (Action::TryRules, Full, "6", "d", &[Says("Dry run: contact-to-crm")]),
    (Action::AcceptDrift, Drift, "6 Right Right", "f Y", &[Noted("accept-drift"), Says("The rules fit")]),
    (Action::ResumeDrift, Drift, "6 Right Right", "h Y", &[Noted("resume-drift"), Says("Goes on")]),
    (Action::Versions, Full, "6", "v", &[Says("Versions of contact-to-crm")]),
    (Action::Lints, Full, "6", "L", &[Says("Lints of contact-to-crm")]),
    (Action::WhyRule, Full, "6", "w", &[Says("Begins with")]),
    (Action::DraftMapping, Full, "6 Right", "e", &[Says("The draft is")]),
    (Action::NextRules, Full, "6", "Right", &[Says("[Mapping]")]),
    (Action::PreviousRules, Full, "6 Right", "Left", &[Says("[Recipes]")]),
    (Action::Mend, Troubled, "7", "f Y", &[Noted("resume")]),
    (Action::OpenThere, Troubled, "7 / r / f a i l Enter", "o", &[Goes(Screen::Executions)]),
    (Action::CopyCommand, Troubled, "7", "Y", &[Says("Copied reknit")]),
    (Action::Verify, Full, "2 h 8", "V", &[Says("intact")]),
    (Action::CopyCall, Full, "9", "Y", &[Says("Copied curl")]),
    (Action::Choose, Full, "4 Tab", "2", &[Redraws]),
    (Action::TakeValue, Full, "4 Tab Right", "Space", &[Redraws]),
    (Action::Open, Full, "2", "Enter", &[Redraws]),
    (Action::Mark, Full, "2", "Space", &[Says("1 marked")]),
    (Action::MarkRange, Full, "2", "v j v", &[Says("2 marked")]),
    (Action::MarkAll, Full, "2", "Ctrl-a", &[Says("14 marked")]),
    (Action::ClearMarks, Full, "2 Space", "Ctrl-\\", &[Drops("1 marked")]),
    (Action::Filter, Full, "2", "/ z o ë Enter", &[Says("zoë"), Drops("Jane Doe")]),
    (Action::LastFilter, Full, "2 / z o ë Enter", "-", &[Says("of 14")]),
    (Action::Views, Full, "2", "V", &[Says("Views of executions")]),
    (Action::Sort, Full, "2", "s Down Enter", &[Says("· by ")]),
    (Action::SortLeft, Full, "2", "Shift-Left", &[Says("· by ")]),
    (Action::SortRight, Full, "2", "Shift-Right", &[Says("· by ")]),
    (Action::SortTurn, Full, "2 Shift-Right", "Shift-Down", &[Redraws]),
    (Action::Columns, Full, "2", "| Space Enter", &[Redraws]),
    (Action::Export, Full, "2", "X Enter", &[Says("14 rows")]),
    (Action::Narrower, Full, "2", "<", &[Redraws, NotNarrow("one box")]),
    (Action::Wider, Full, "2", ">", &[Redraws, NotNarrow("one box")]),
    (Action::Copy, Full, "2", "y", &[Says("Copied ex_")]),
    (Action::Down, Full, "2", "j", &[Moves]),
    (Action::Up, Full, "2 j", "k", &[Moves]),
    (Action::First, Full, "2 j j", "g", &[Moves]),
    (Action::Last, Full, "2", "G", &[Moves]),
    (Action::HalfDown, Full, "2", "Ctrl-d", &[Moves]),
    (Action::HalfUp, Full, "2 G", "Ctrl-u", &[Moves]),
    (Action::PageDown, Full, "2", "PgDn", &[Moves]),
    (Action::PageUp, Full, "2 G", "PgUp", &[Moves]),
    (Action::Claim, Full, "3", "a", &[Noted("claim"), Says("@me")]),
    (Action::Assign, Full, "3", "A Enter", &[Noted("assign-item")]),
    (Action::Comment, Full, "3", "C h i Enter", &[Noted("comment")]),
    (Action::Tour, Full, "1", "T", &[Says("1 of 8")]),
    (Action::Arm, Production, "1", "! Y", &[Noted("arm"), Says("armed 15 min")]),
    (Action::UndoLast, Full, "4 n 1", "u", &[Noted("undo-verdict")]),
    (Action::UndoList, Full, "4 n", "U", &[Says("Done in this session")]),
    (Action::Mask, Full, "2", "M", &[Says("masked"), Drops("Jane Doe")]),
    (Action::Reveal, Full, "2 M Esc", "K", &[Noted("reveal"), Says("shown 10 s")]),
    (Action::Calls, Full, "2", "@", &[Says("API calls")]),
    (Action::NextBox, Full, "2", "Tab", &[Redraws]),
    (Action::PreviousBox, Full, "2", "Shift-Tab", &[Redraws]),
    (Action::Back, Full, "2 Enter", "Esc", &[Redraws]),
    (Action::Overview, Full, "2", "1", &[Goes(Screen::Overview)]),
    (Action::Executions, Full, "1", "2", &[Goes(Screen::Executions)]),
    (Action::Conflicts, Full, "1", "3", &[Goes(Screen::Conflicts)]),
    (Action::Duplicates, Full, "1", "4", &[Goes(Screen::Duplicates)]),
    (Action::Unlinked, Full, "1", "5", &[Goes(Screen::Unlinked)]),
    (Action::Recipes, Full, "1", "6", &[Goes(Screen::Recipes)]),
    (Action::Health, Full, "1", "7", &[Goes(Screen::Health)]),
    (Action::Audit, Full, "1", "8", &[Goes(Screen::Audit)]),
    (Action::Log, Full, "1", "9", &[Goes(Screen::Log)]),
    (Action::HistoryBack, Full, "2 3", "[", &[Goes(Screen::Executions)]),
    (Action::HistoryForward, Full, "2 3 [", "]", &[Goes(Screen::Conflicts)]),
    (Action::Pause, Full, "2", "p", &[Says("paused: p goes on")]),
    (Action::Theme, Full, "2", "t", &[Says("Theme: "), Redraws]),
    (Action::Mouse, Full, "2", "Ctrl-o", &[Says("The mouse is the terminal's now.")]),
    (Action::Palette, Full, "2", ":", &[Says("Commands")]),
    (Action::Help, Full, "2", "?", &[Says("Keys")]),
    (Action::Quit, Full, "1", "q", &[Quits]),
];

async fn world(place: Place) -> World {
    let mut world = match place {
        Place::Troubled => super::health::troubled().await,
        _ => World::rich(3).await,
    };
    world.know_fields().await;
    world.calls(3).await;
    if place == Place::Drift {
        world.journal.put_drift(gone()).await.expect("stored");
    }
    if place == Place::Stranger {
        world.journal.put_unlinked(vec![super::reviews::stranger()]).await.expect("stored");
    }
    let rules = folder(&world);
    let sources = Sources {
        recipes: Some(rules.join("recipes")),
        mappings: Some(rules.join("mappings")),
        contact: None,
    };
    let rulebook = Rulebook::in_folder(rules.join("rules"));
    world.operator = world
        .operator
        .clone()
        .with_sources(sources)
        .with_rulebook(rulebook)
        .with_mappings(rules.join("mappings"), None);
    world
}

async fn open(place: Place, size: (u16, u16)) -> Bench {
    let world = world(place).await;
    let operator = match place {
        Place::Production => world.operator.clone().gated(),
        _ => world.operator.clone(),
    };
    let role = if place == Place::Role { "sales" } else { "" };
    let settings = Settings { role: role.to_owned(), ..Settings::default() };
    let mut bench = Bench::with(world, operator, settings, size).await;
    if place == Place::Troubled {
        bench.console.look_outside(still(super::health::outside()));
    }
    let carried_out = match place {
        Place::Merged => Some(("4 m Y", "merge-duplicates")),
        Place::Settled => Some(("3 Left d Y", "resolve-conflict")),
        _ => None,
    };
    if let Some((keys, recipe)) = carried_out {
        bench.press(keys).await;
        let journal = bench.world.journal.clone();
        let id = bench.world.newest(&format!("pending recipe:{recipe}")).await.id;
        let claim = journal.claim_one(id, Duration::from_secs(60)).await.expect("claimed").expect("due");
        let done = Settlement {
            sentence: "Done.".to_owned(),
            outcome: Some(Outcome::Updated),
            ..Settlement::default()
        };
        journal.settle(id, claim.token, Status::Succeeded, done).await.expect("settled");
        bench.changed().await;
    }
    bench
}

/// All that an effect may be seen by.
struct Seen {
    screen: String,
    frame: Buffer,
    selected: Option<i64>,
    verbs: BTreeMap<String, usize>,
    queued: BTreeMap<String, usize>,
    states: BTreeMap<Status, u64>,
}

async fn seen(bench: &mut Bench) -> Seen {
    let journal = bench.world.journal.clone();
    let mut verbs = BTreeMap::new();
    for line in journal.audit_entries(50).await.expect("read") {
        if line.entry.actor == "ana" {
            *verbs.entry(line.entry.verb).or_default() += 1;
        }
    }
    let mut queued = BTreeMap::new();
    for row in journal.executions(&Filter::default(), Anchor::First, 100).await.expect("rows").rows {
        *queued.entry(row.recipe).or_default() += 1;
    }
    let counts = journal.counts().await.expect("counts");
    let states = [Status::Pending, Status::Held, Status::Discarded].map(|status| (status, counts.of(status)));
    Seen {
        screen: bench.screen(),
        frame: bench.console.frame(),
        selected: bench.console.app().selected(),
        verbs,
        queued,
        states: states.into(),
    }
}

fn more<K: Ord, N: Copy + Default + PartialOrd>(was: &BTreeMap<K, N>, is: &BTreeMap<K, N>, key: &K) -> bool {
    let of = |map: &BTreeMap<K, N>| map.get(key).copied().unwrap_or_default();
    of(is) > of(was)
}

/// Whether the effect was seen, and what was seen instead.
fn shown(shows: Shows, was: &Seen, is: &Seen, bench: &mut Bench) -> Result<(), String> {
    let app = bench.console.app();
    let holds = match shows {
        Says(text) => is.screen.contains(text) && !was.screen.contains(text),
        Drops(text) => was.screen.contains(text) && !is.screen.contains(text),
        Goes(screen) => app.screen() == screen,
        Moves => is.selected != was.selected,
        Redraws => is.frame != was.frame,
        Noted(verb) => more(&was.verbs, &is.verbs, &verb.to_owned()),
        More(status) => more(&was.states, &is.states, &status),
        Queued(recipe) => more(&was.queued, &is.queued, &recipe.to_owned()),
        Quits => bench.console.quits(),
        Outside => bench.console.outside().is_some(),
        NotNarrow(_) => true,
    };
    if holds {
        return Ok(());
    }
    Err(format!("{shows:?} does not hold; audit {:?}, executions {:?}", is.verbs, is.queued))
}

async fn press_each(size: (u16, u16)) {
    let mut failed = String::new();
    for (action, place, before, keys, effects) in EFFECTS {
        let name = action.row().id;
        let mut bench = open(*place, size).await;
        bench.press(before).await;
        let own = keys.split(' ').next().expect("a key");
        assert!(action.row().keys.contains(&own), "{own} is no key of {name}");
        let was = seen(&mut bench).await;
        let narrow = effects.iter().find_map(|shows| match shows {
            NotNarrow(word) if size.0 < 100 => Some(*word),
            _ => None,
        });
        if let Some(word) = narrow {
            let why = bench.console.app().can(*action).expect_err("it cannot be done here");
            assert!(why.contains(word), "{name}: {why}");
            continue;
        }
        // Digits are taken by whoever offers numbered choices, whatever the table says.
        if let (Err(why), false) = (bench.console.app().can(*action), *action == Action::Choose) {
            failed.push_str(&format!("{name}: it cannot be done: {why}\n{}\n", was.screen));
            continue;
        }
        bench.press(keys).await;
        let is = seen(&mut bench).await;
        for shows in *effects {
            if let Err(why) = shown(*shows, &was, &is, &mut bench) {
                failed.push_str(&format!("{name}: {why}; the screen:\n{}\n", is.screen));
            }
        }
    }
    assert!(failed.is_empty(), "at {size:?}:\n{failed}");
}

#[tokio::test]
async fn every_action_has_its_effect_on_a_wide_screen() {
    press_each(SIZES[0]).await;
}

#[tokio::test]
async fn every_action_has_its_effect_on_a_usual_screen() {
    press_each(SIZES[1]).await;
}

#[tokio::test]
async fn every_action_has_its_effect_on_a_narrow_screen() {
    press_each(SIZES[2]).await;
}

#[test]
fn every_action_of_the_table_has_its_effect_here_once() {
    for row in TABLE {
        let entries = EFFECTS.iter().filter(|(action, ..)| *action == row.action).count();
        assert_eq!(entries, 1, "{}: say how its effect is seen", row.id);
    }
}

/// The screen on which the keys of a scope work, by the keys that open it.
fn screen_of(scope: Scope) -> &'static str {
    match scope {
        Scope::Overview | Scope::Everywhere => "1",
        Scope::Executions | Scope::Lists => "2",
        Scope::Conflicts => "3",
        Scope::Duplicates => "4",
        Scope::Choices => "4 Tab",
        Scope::Unlinked => "5",
        Scope::Recipes => "6",
        Scope::Health => "7",
        Scope::Audit => "8",
        Scope::Log => "9",
    }
}

#[tokio::test]
async fn every_action_is_found_in_help_palette_and_footer_of_its_screen() {
    for size in SIZES {
        for scope in Scope::ALL {
            let rows: Vec<_> = TABLE.iter().filter(|row| row.scope == scope).collect();
            let mut bench = open(Place::Full, size).await;
            bench.press(screen_of(scope)).await;
            let footer = bench.screen().lines().last().unwrap_or_default().to_owned();
            assert!(footer.ends_with(": commands  ? help"), "{scope:?} at {size:?}: {footer:?}");
            // Items are whole: after those that stand at the right, each is a key and words of the table.
            let items = footer.trim_end_matches(": commands  ? help").trim();
            for item in items.split("  ").map(str::trim).filter(|item| !item.is_empty()) {
                let known = TABLE.iter().any(|row| {
                    let key = shown_keys(row).first().cloned().unwrap_or_default();
                    !row.hint.is_empty() && item == format!("{key} {}", row.hint)
                });
                assert!(known, "{item:?} is no item of the table, at {size:?}: {footer:?}");
            }
            // With room for all of them every hint of the screen is there.
            bench.console.input(crossterm::event::Event::Resize(600, 40));
            bench.console.settle().await;
            let wide = bench.screen().lines().last().unwrap_or_default().to_owned();
            for row in rows.iter().filter(|row| !row.hint.is_empty() && row.action != Action::Quit) {
                let key = shown_keys(row).first().cloned().unwrap_or_default();
                let item = format!("{key} {}", row.hint);
                assert!(wide.contains(&item), "{item:?} is not in {wide:?}");
            }
            bench.console.input(crossterm::event::Event::Resize(size.0, size.1));
            bench.console.settle().await;
            bench.press("?").await;
            let mut help = String::new();
            for _ in 0..60 {
                help.push_str(&bench.screen());
                bench.press("PgDn").await;
            }
            let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
            bench.press("Esc").await;
            for row in rows {
                let words: Vec<&str> = row.help.split_whitespace().take(4).collect();
                assert!(help.contains(&words.join(" ")), "{} is not in help at {size:?}", row.id);
                let name = row.id.replace('-', " ");
                bench.press(":").await;
                bench.console.input(crossterm::event::Event::Paste(name.clone()));
                bench.says(&format!("▌ {name}"));
                bench.press("Esc").await;
            }
        }
    }
}

#[tokio::test]
async fn an_action_that_is_off_says_why_in_the_houses_style() {
    for size in SIZES {
        let world = World::rich(1).await;
        let looking = world.operator.clone().read_only();
        let mut benches = vec![
            Bench::sized(World::empty(), size).await,
            open(Place::Production, size).await,
            Bench::with(world, looking, Settings::default(), size).await,
        ];
        let mut off: BTreeMap<&str, usize> = BTreeMap::new();
        for bench in &mut benches {
            for number in 1..=9 {
                bench.press(&number.to_string()).await;
                for row in TABLE {
                    let Err(why) = bench.console.app().can(row.action) else { continue };
                    *off.entry(row.id).or_default() += 1;
                    let place = format!("{} on screen {number}: {why:?}", row.id);
                    // It follows "Cannot retry: " and a full stop follows it.
                    assert!(why.trim() == why && why.chars().count() > 5, "{place}");
                    assert!(!why.ends_with(['.', '!', ':', ',']), "{place}");
                    let begins = why.chars().next().is_some_and(char::is_uppercase);
                    assert!(!begins, "{place}");
                    for raw in ["None", "Some(", "Err(", "{", "::", "  "] {
                        assert!(!why.contains(raw), "{place}");
                    }
                }
            }
        }
        // Those of one screen are off on the others; those that write are off where one may only look.
        for row in TABLE {
            let somewhere = !matches!(row.scope, Scope::Everywhere) || row.operation.is_some();
            assert!(!somewhere || off.contains_key(row.id), "{} is never off", row.id);
        }
        let bench = &mut benches[0];
        bench.press("1 :").await;
        bench.console.input(crossterm::event::Event::Paste("merge".to_owned()));
        bench.says("off: only on the screen Duplicates");
    }
}
