//! Screen 6: the switch that asks, the dry run that sends nothing, the mapping with its arrows, and what vendors changed.

use std::path::PathBuf;

use serde_json::json;

use super::super::{Console, Settings};
use super::bench::Bench;
use super::world::World;
use super::{TRUECOLOR, lines};
use crate::console::panes::Screen as Pane;
use crate::domain::drift::{Change, DriftKind, Hit, UserKind};
use crate::domain::edition::EditionKind;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef, System};
use crate::engine::rules::Sources;
use crate::journal::drift::Checked;
use crate::journal::rules::Text;

/// A rich world whose rules lie beside its journal.
async fn world() -> World {
    let mut world = World::rich(10).await;
    let folder = folder(&world);
    world.operator = world.operator.clone().with_sources(Sources {
        recipes: Some(folder.join("recipes")),
        mappings: Some(folder.join("mappings")),
        contact: None,
    });
    world
}

pub(super) fn folder(world: &World) -> PathBuf {
    world.journal.path().parent().expect("it lies in a folder").to_owned()
}

async fn bench() -> Bench {
    let mut bench = Bench::sized(world().await, (140, 44)).await;
    bench.press("6").await;
    bench
}

async fn find(bench: &mut Bench, filter: &str) {
    bench.press("/").await;
    bench.type_text(filter).await;
    bench.press("Enter").await;
}

/// A finding that holds the mapping's field back.
pub(super) fn gone() -> Checked {
    let connection = Connection::only(System::Hubspot);
    let change = Change {
        connection: connection.clone(),
        object: ObjectKind::Contact,
        field: "phone".to_owned(),
        kind: DriftKind::Removed,
        was: "text".to_owned(),
        now: String::new(),
        values: Vec::new(),
    };
    let hit = Hit {
        kind: UserKind::Mapping,
        user: "contact".to_owned(),
        file: "contact.toml".to_owned(),
        line: 7,
        place: "Phone".to_owned(),
        holds: true,
        whole: false,
    };
    Checked { connection, object: ObjectKind::Contact, schema: None, findings: vec![(change, vec![hit])] }
}

#[tokio::test]
async fn a_recipe_shows_its_switch_its_day_and_where_its_runs_ended() {
    let mut bench = bench().await;
    for text in ["[Recipes]", "●  contact-to-crm", "○ ", "LAST 24 H", "RUNS", "FAIL"] {
        bench.says(text);
    }
    // 10 done, 3 that found conflicts, 9 failed: nobody counted a row.
    bench.says("22");
    bench.says("41 %");
    for text in [
        "13 unchanged · 9 error",
        "How far the newest 27 runs came",
        "facts and plan",
        "failed: auth",
        "Does",
    ] {
        bench.says(text);
    }
    bench.press("Enter").await;
    bench.says("Enter its runs");
    bench.press("Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Executions);
    bench.says("recipe:contact-to-crm");
}

#[tokio::test]
async fn the_switch_moves_only_on_a_capital_y_and_through_shadow() {
    let mut bench = bench().await;
    let file = folder(&bench.world).join("recipes/deal-events.toml");
    find(&mut bench, "deal-events").await;
    bench.press("a").await;
    for text in [
        "Put into shadow deal-events?",
        "off → shadow",
        "nothing is written at a vendor",
        "+state = \"shadow\"",
    ] {
        bench.says(text);
    }
    bench.press("Enter").await;
    bench.press("a a Esc").await;
    assert!(!file.exists(), "neither Enter nor the opening key is a yes");
    bench.press("a Y").await;
    bench.says("deal-events is shadow (was off).");
    bench.says("◐  deal-events");
    assert!(std::fs::read_to_string(&file).expect("written").contains("state = \"shadow\""));
    bench.press("Esc a").await;
    bench.says("Switch on deal-events?");
    bench.says("It will do");
    bench.says("The vendors' fields were not checked");
    bench.press("Y").await;
    bench.says("●  deal-events");
    bench.press("Esc a").await;
    bench.says("deal-events is on already");
    bench.press("Esc b Y").await;
    bench.says("◐  deal-events");
    let lately =
        bench.world.journal.switched_on_since(crate::domain::clock::Timestamp(0)).await.expect("read");
    assert_eq!(lately, ["deal-events"]);
}

#[tokio::test]
async fn the_third_recipe_of_a_day_is_refused_with_the_reason() {
    let mut bench = bench().await;
    for name in ["deal-events", "lead-scoring"] {
        let journal = &bench.world.journal;
        journal.switched(name.to_owned(), "off".into(), "on".into(), "ana".into()).await.expect("stored");
    }
    let recipes = folder(&bench.world).join("recipes");
    std::fs::create_dir_all(&recipes).expect("a folder");
    let text = include_str!("../../../assets/recipes/deal-by-rating.toml");
    let shadow = text.replacen("state = \"off\"", "state = \"shadow\"", 1);
    std::fs::write(recipes.join("deal-by-rating.toml"), shadow).expect("written");
    bench.changed().await;
    find(&mut bench, "deal-by-rating").await;
    bench.press("a").await;
    bench.says("It cannot be switched now.");
    bench.says("more than two at once cannot be watched");
    bench.press("Y").await;
    bench.says("It cannot be switched now.");
}

#[tokio::test]
async fn a_dry_run_names_the_gates_and_the_calls_and_sends_nothing() {
    let mut bench = bench().await;
    let serde_json::Value::Object(fields) =
        json!({"email": "new@acme.test", "name": "Nell New", "role": "user"})
    else {
        unreachable!("it is an object")
    };
    let mirror = Mirror {
        record: RecordRef::new(System::Intercom, ObjectKind::Contact, "new1"),
        fields,
        vendor_updated_at: None,
        companies: Vec::new(),
        deleted: false,
    };
    bench.world.journal.put_mirrors(vec![mirror]).await.expect("stored");
    let before = bench.world.journal.change_number().await.expect("read");
    bench.press("d").await;
    bench.says("Dry run: contact-to-crm");
    bench.type_text("nobody@nowhere.test").await;
    bench.press("Enter").await;
    bench.says("nobody is known by \"nobody@nowhere.test\"");
    bench.press("Esc d").await;
    bench.type_text("new@acme.test").await;
    bench.press("Enter").await;
    for text in [
        "contact-to-crm for Nell New",
        "by Reknit's copies",
        "✓ event",
        "✓ switch",
        "Would send 2 calls",
        "POST",
    ] {
        bench.says(text);
    }
    bench.press("Esc").await;
    find(&mut bench, "support-suppression").await;
    bench.press("d").await;
    bench.type_text("intercom/contact/64e2f1a3").await;
    bench.press("Enter").await;
    bench.says("begins with conversation.open_or_closed");
    assert_eq!(bench.world.journal.change_number().await.expect("read"), before, "nothing was stored");
}

#[tokio::test]
async fn r190_the_mapping_shows_every_direction_as_an_arrow_with_owner_and_open_conflicts() {
    let mut bench = bench().await;
    bench.press("Right").await;
    for text in ["[Mapping]", "■  contact", "→", "←", "↔", "OWNER", "FIELD", "INTERCOM"] {
        bench.says(text);
    }
    find(&mut bench, "field:phone").await;
    bench.press("Down").await;
    for text in ["Phone", "↔", "both ways", "3 open"] {
        bench.says(text);
    }
    bench.press("w").await;
    bench.says("Why: Phone");
    bench.press("Esc Enter Enter").await;
    assert_eq!(bench.console.app().screen(), Pane::Conflicts);
    bench.says("field:Phone");
    bench.says("1 of 3");
}

#[tokio::test]
async fn an_edited_draft_is_planned_before_it_is_in_force() {
    let mut bench = bench().await;
    bench.press("Right e").await;
    bench.says("The draft is");
    let draft = folder(&bench.world).join("mappings/contact.toml.draft");
    let text = std::fs::read_to_string(&draft).expect("written");
    bench.press("Esc d Enter").await;
    bench.says("The file says what is in force already");
    std::fs::write(&draft, text.replacen("version = 1", "version = 2", 1)).expect("written");
    bench.press("Enter").await;
    for text in [
        "Plan the mapping contact",
        "-version = 1",
        "+version = 2",
        "Nothing was written, nobody was called.",
    ] {
        bench.says(text);
    }
    bench.press("Enter").await;
    std::fs::write(&draft, "nonsense = [").expect("written");
    bench.press("Enter").await;
    bench.says("Nothing was tried, nothing was sent.");
    bench.press("Esc").await;
    assert!(!folder(&bench.world).join("mappings/contact.toml").exists(), "a draft is no mapping");
}

#[tokio::test]
async fn a_vendors_change_holds_its_field_until_somebody_lets_it_go_or_takes_it() {
    let world = world().await;
    world.journal.put_drift(gone()).await.expect("stored");
    let mut bench = Bench::sized(world, (140, 44)).await;
    bench.press("6").await;
    bench.says("Drift 1");
    bench.press("Right").await;
    find(&mut bench, "field:phone").await;
    bench.says("‖  Phone");
    bench.press("Esc Right").await;
    bench.says("HubSpot has no contact field \"phone\" any more");
    bench.says("held back");
    bench.press("h").await;
    bench.says("Let what is held go on?");
    bench.press("Enter").await;
    bench.says("held back");
    bench.press("h Y").await;
    bench.says("Goes on: HubSpot has no contact field");
    bench.says_not("held back");
    bench.press("Esc h").await;
    bench.says("nothing is held back by it");
    bench.press("Esc f Y").await;
    bench.says("The rules fit what the vendors have.");
}

#[tokio::test]
async fn versions_show_what_each_changed_and_lints_name_file_and_line() {
    let world = world().await;
    let text = |text: &str| Text {
        kind: EditionKind::Recipe,
        name: "contact-to-crm".to_owned(),
        text: text.to_owned(),
    };
    let now = include_str!("../../../assets/recipes/contact-to-crm.toml");
    let old = now.replacen("state = \"on\"", "state = \"shadow\"", 1);
    world.journal.put_editions(vec![text(&old), text(now)]).await.expect("stored");
    let mut bench = Bench::sized(world, (140, 44)).await;
    bench.press("6 v").await;
    for text in
        ["Versions of contact-to-crm", "version 2", "in force", "-state = \"shadow\"", "+state = \"on\""]
    {
        bench.says(text);
    }
    bench.press("Down").await;
    bench.says("The first one, whole");
    bench.press("Esc L").await;
    bench.says("Nothing is wrong with it.");
    bench.says("By the files alone");
    bench.press("Esc w").await;
    bench.says("Begins with");
}

#[tokio::test]
async fn a_bad_edit_is_told_and_the_last_good_rules_stay() {
    let mut bench = bench().await;
    let recipes = folder(&bench.world).join("recipes");
    std::fs::create_dir_all(&recipes).expect("a folder");
    std::fs::write(recipes.join("mine.toml"), "name = \"mine\"\nstate = \"onn\"\n").expect("written");
    bench.changed().await;
    bench.says("The last edit is not in force");
    bench.says("mine.toml, line");
    bench.says("●  contact-to-crm");
    std::fs::remove_file(recipes.join("mine.toml")).expect("removed");
    bench.changed().await;
    bench.says_not("The last edit is not in force");
}

#[tokio::test]
async fn who_may_only_look_sees_everything_and_moves_nothing() {
    let mut world = world().await;
    world.operator = world.operator.clone().read_only();
    let before = world.journal.change_number().await.expect("read");
    let mut bench = Bench::sized(world, (140, 44)).await;
    bench.press("6 a").await;
    bench.says("this Reknit runs read-only");
    bench.press("Esc Right e").await;
    bench.says("this Reknit runs read-only");
    bench.press("Esc d Esc v Esc L Esc w Esc").await;
    assert_eq!(bench.world.journal.change_number().await.expect("read"), before);
    assert!(!folder(&bench.world).join("mappings").exists());
}

#[tokio::test]
async fn what_cannot_be_done_here_says_why_and_the_filter_finds_by_state() {
    let mut bench = bench().await;
    bench.press("f").await;
    bench.says("only a vendor's change can be");
    bench.press("Esc Right a").await;
    bench.says("only recipes have a switch");
    bench.press("Esc Left").await;
    find(&mut bench, "status:on").await;
    bench.says("1 of 2");
    find(&mut bench, "status:on -contact-to-crm").await;
    bench.says("1 of 1");
    find(&mut bench, "status:on zzz").await;
    bench.says("Nothing matches");
    bench.press("Esc").await;
    bench.says("●  contact-to-crm");
}

#[tokio::test]
async fn it_stays_readable_from_60_to_240_columns() {
    for size in [(60, 20), (80, 24), (100, 30), (240, 60)] {
        let mut bench = Bench::sized(world().await, size).await;
        bench.press("6").await;
        bench.says("contact-to-crm");
        bench.says("● ");
        bench.press("Enter").await;
        bench.says("When");
        bench.press("Esc Right").await;
        bench.says("■  contact");
        bench.press("Enter Esc Right").await;
        bench.says("The rules fit what the vendors have.");
    }
}

#[tokio::test]
async fn before_the_first_answer_the_box_is_there_and_empty() {
    let world = world().await;
    let mut console = Console::new(
        world.journal.clone(),
        world.operator.clone(),
        std::sync::Arc::new(world.clock.clone()),
        "test".to_owned(),
        Settings::default(),
        TRUECOLOR,
        jiff::tz::TimeZone::UTC,
        (100, 30),
    );
    console.start();
    console.settle().await;
    console.input(crossterm::event::Event::Key(crate::console::keys::press("6").expect("a key")));
    let screen = lines(&console.frame()).join("\n");
    assert!(screen.contains("[Recipes]") && screen.contains('…'), "{screen}");
    assert!(!screen.contains("There are no rules"), "{screen}");
    console.settle().await;
}

#[tokio::test]
async fn a_recipe_is_paused_and_let_go_on_from_here_too() {
    let mut bench = bench().await;
    find(&mut bench, "contact-to-crm").await;
    bench.press("H Enter").await;
    bench.says("A reason is wanted");
    bench.type_text("bad data").await;
    bench.press("Enter").await;
    let pauses = bench.world.journal.pauses().await.expect("pauses");
    assert_eq!((pauses.len(), pauses[0].reason.as_str()), (1, "bad data"));
    bench.changed().await;
    bench.says("bad data");
    bench.press("H").await;
    bench.says("Let contact-to-crm go on?");
    bench.press("Enter H Y").await;
    assert!(bench.world.journal.pauses().await.expect("pauses").is_empty());
    bench.press("Esc Esc Esc Right H").await;
    bench.says("only recipes are paused");
}

#[tokio::test]
async fn rules_are_sorted_chosen_columns_of_and_written_to_a_file() {
    let mut bench = bench().await;
    let folder = folder(&bench.world).join("exports");
    bench.says("running first");
    bench.press("s").await;
    bench.says("Sort by");
    bench.press("3").await;
    bench.says("RUNS▼");
    bench.says("by runs ▼");
    let screen = bench.screen();
    let first = screen.lines().find(|line| line.contains('▌')).unwrap_or_default().to_owned();
    assert!(first.contains("contact-to-crm"), "the one that ran stands first: {screen}");
    bench.press("Shift-Up").await;
    bench.says("RUNS▲");
    bench.press("s 1").await;
    bench.says("by recipe ▲");
    bench.press("Space").await;
    bench.says("rules are changed one at a time");
    bench.press("Esc |").await;
    bench.says("Columns");
    bench.press("j j j Space Esc").await;
    find(&mut bench, "status:on").await;
    bench.press("X").await;
    bench.says("2 rows (status:on)");
    bench.press("Enter").await;
    bench.says("2 rows written.");
    let file = std::fs::read_dir(&folder).expect("there").next().expect("one").expect("read").path();
    let text = std::fs::read_to_string(&file).expect("readable");
    assert!(text.starts_with("name,title,state,owner,trigger,runs,failed,last_at,paused,file"), "{text}");
    assert!(text.contains("\ncontact-to-crm,"), "{text}");
    // The other tabs have columns of their own; the order holds where they have the column.
    bench.press("Esc Esc Right").await;
    bench.says("as in the file");
    bench.press("s 1").await;
    bench.says("FIELD▲");
    bench.press("X j Enter").await;
    bench.says("rows written.");
    bench.press("Esc Right s").await;
    bench.says("Sort by");
}

#[tokio::test]
async fn previews_are_made_by_the_mapping_that_is_in_force_by_now() {
    use crate::domain::filter::Filter;
    use crate::domain::page::Anchor;
    use crate::domain::review::{Choice, Decision};
    let world = world().await;
    let phone = Filter::parse("field:Phone").expect("valid");
    let conflict = world.journal.conflicts(&phone, Anchor::Last, 9).await.expect("rows").rows.remove(0).id;
    let decision = Decision::Resolve { conflict, choice: Choice::Left };
    let body = |preview: &crate::domain::plan::Preview| format!("{:?}", preview.calls);
    let before = world.operator.preview(&decision).await.expect("shown");
    assert!(body(&before).contains("phone") && !body(&before).contains("mobilephone"), "{before:?}");
    let shipped = include_str!("../../../assets/mapping/contact.toml");
    let file = folder(&world).join("mappings/contact.toml");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    let edited = shipped.replace("\"phone\"", "\"mobilephone\"");
    std::fs::write(&file, edited.replace("intercom = \"mobilephone\"", "intercom = \"phone\""))
        .expect("written");
    let after = world.operator.preview(&decision).await.expect("shown");
    assert!(body(&after).contains("mobilephone"), "{after:?}");
    // What cannot be read changes nothing.
    std::fs::write(&file, "nonsense = [").expect("written");
    let still = world.operator.preview(&decision).await.expect("shown");
    assert!(body(&still).contains("mobilephone"), "{still:?}");
}
