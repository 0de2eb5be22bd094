//! What was open is open again, settings that change are taken over, and nothing that names somebody is kept.

use super::bench::Bench;
use super::world::World;
use super::{TRUECOLOR, lines};
use crate::console::msg::Event;
use crate::console::session::Keeper;
use crate::console::{Console, Settings};

struct Desk {
    folder: tempfile::TempDir,
    world: World,
}

impl Desk {
    async fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), world: World::rich(20).await }
    }

    fn keeper(&self) -> Keeper {
        Keeper::new(self.folder.path(), "ana", "test", false)
    }

    async fn console(&self, settings: Settings) -> Console {
        let mut console = Console::new(
            self.world.journal.clone(),
            self.world.operator.clone(),
            std::sync::Arc::new(self.world.clock.clone()),
            "test".to_owned(),
            settings,
            TRUECOLOR,
            jiff::tz::TimeZone::UTC,
            (120, 40),
        )
        .at_home(Some(self.keeper()), true);
        console.start();
        console.settle().await;
        console.frame();
        console
    }
}

async fn press(console: &mut Console, names: &str) {
    for name in names.split(' ') {
        let key = crate::console::keys::press(name).expect("a key");
        console.input(crossterm::event::Event::Key(key));
        console.settle().await;
        console.frame();
    }
}

fn screen(console: &mut Console) -> String {
    lines(&console.frame()).join("\n")
}

async fn left(desk: &Desk) -> Option<i64> {
    let mut console = desk.console(Settings::default()).await;
    press(&mut console, "2 / s t a t u s : f a i l e d Enter j j").await;
    let selected = console.app().shown_selection();
    press(&mut console, "3 j t T Esc 2").await;
    console.keep().expect("kept");
    selected
}

#[tokio::test]
async fn the_next_start_finds_screen_filters_selection_and_theme() {
    let desk = Desk::new().await;
    let selected = left(&desk).await;
    assert!(selected.is_some());
    let mut console = desk.console(Settings::default()).await;
    let text = screen(&mut console);
    assert!(text.contains("status:failed"), "{text}");
    assert_eq!(console.app().shown_selection(), selected);
    assert!(!text.contains("New here?"), "the tour was seen: {text}");
    let theme = console.app().ctx.theme.scheme;
    assert_ne!(theme, crate::console::theme::Scheme::Auto);
    // Another setting than the theme was chosen over wins.
    let settings = Settings { theme: "light".to_owned(), ..Settings::default() };
    let console = desk.console(settings).await;
    assert_eq!(console.app().ctx.theme.scheme, crate::console::theme::Scheme::Light);
}

#[tokio::test]
async fn switched_off_it_begins_on_the_overview() {
    let desk = Desk::new().await;
    left(&desk).await;
    let console = desk.console(Settings { restore: false, ..Settings::default() }).await;
    assert_eq!(console.app().screen(), crate::console::panes::Screen::Overview);
}

#[tokio::test]
async fn a_row_that_is_gone_and_a_filter_nobody_knows_do_no_harm() {
    let desk = Desk::new().await;
    left(&desk).await;
    let text = std::fs::read_to_string(desk.keeper().path()).expect("kept");
    let changed =
        text.replace("status:failed", "colour:red").replace("\"selected\": ", "\"selected\": 99999");
    std::fs::write(desk.keeper().path(), changed).expect("written");
    let mut console = desk.console(Settings::default()).await;
    let text = screen(&mut console);
    assert!(text.contains("2 Executions") && !text.contains("colour:red"), "{text}");
    press(&mut console, "j 3 k 2").await;
}

#[tokio::test]
async fn a_damaged_file_is_said_and_the_console_begins_anew() {
    let desk = Desk::new().await;
    std::fs::create_dir_all(desk.keeper().path().parent().expect("a folder")).expect("made");
    std::fs::write(desk.keeper().path(), "not a session").expect("written");
    let mut console = desk.console(Settings::default()).await;
    let text = screen(&mut console);
    assert!(text.contains("cannot be read") && text.contains("begins anew"), "{text}");
    console.keep().expect("replaced");
    assert!(std::fs::read_to_string(desk.keeper().path()).expect("kept").contains("\"version\": 1"));
}

#[tokio::test]
async fn names_that_were_searched_for_are_not_on_the_disk() {
    let desk = Desk::new().await;
    let mut console = desk.console(Settings::default()).await;
    press(&mut console, "2 / k e n Space s t a t u s : f a i l e d Enter").await;
    console.keep().expect("kept");
    let text = std::fs::read_to_string(desk.keeper().path()).expect("kept");
    assert!(text.contains("status:failed") && !text.contains("ken"), "{text}");
}

#[tokio::test]
async fn it_is_kept_now_and_then_and_only_when_something_changed() {
    let desk = Desk::new().await;
    let mut console = desk.console(Settings::default()).await;
    press(&mut console, "4").await;
    let second = async |console: &mut Console| {
        desk.world.clock.advance(std::time::Duration::from_secs(6));
        console.event(Event::Second);
        console.settle().await;
    };
    second(&mut console).await;
    let text = std::fs::read_to_string(desk.keeper().path()).expect("kept");
    assert!(text.contains("\"screen\": \"Duplicates\""), "{text}");
    std::fs::remove_file(desk.keeper().path()).expect("gone");
    second(&mut console).await;
    assert!(!desk.keeper().path().exists(), "nothing had changed");
}

#[tokio::test]
async fn changed_settings_hold_at_once_and_are_said() {
    let mut bench = Bench::rich().await;
    let settings = Settings {
        theme: "light".to_owned(),
        ascii: true,
        role: "sales".to_owned(),
        mouse: false,
        ..Settings::default()
    };
    bench.console.event(Event::Settings(Box::new(settings), "reknit.toml was read again.".to_owned()));
    bench.console.settle().await;
    bench.says("reknit.toml was read again.");
    bench.says_not("╭");
    assert_eq!(bench.console.app().ctx.theme.scheme, crate::console::theme::Scheme::Light);
    bench.press("Esc 3 i").await;
    bench.says("role:sales");
    bench.console.event(Event::Notice("reknit.toml, line 2: wrong. What was in force stays.".to_owned()));
    bench.says("line 2");
    bench.says_not("╭");
}
