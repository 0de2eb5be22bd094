//! How the console looks and takes the mouse: themes, the divider, small and large terminals, ASCII.

use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::{Color, Modifier};

use super::bench::Bench;
use super::lines;
use super::world::World;
use crate::console::effect::Effect;
use crate::console::theme::{Palette, Scheme, Terminal, Theme, Themes};

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Input {
    Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

/// Where the list's right border stands.
fn border(bench: &mut Bench) -> usize {
    let screen = lines(&bench.console.frame());
    screen[1].chars().position(|letter| letter == '╮').expect("a box")
}

#[tokio::test]
async fn the_divider_is_dragged_and_moved_by_keys_and_never_leaves_the_screen() {
    let mut bench = Bench::rich().await;
    bench.press("2").await;
    let before = border(&mut bench);
    bench.press("<").await;
    assert!(border(&mut bench) < before);
    bench.press("> >").await;
    let at = border(&mut bench);
    bench.console.input(mouse(MouseEventKind::Down(MouseButton::Left), at as u16, 10));
    bench.console.input(mouse(MouseEventKind::Drag(MouseButton::Left), 40, 10));
    bench.console.input(mouse(MouseEventKind::Up(MouseButton::Left), 40, 10));
    assert!(border(&mut bench).abs_diff(40) <= 1);
    // The button is up: moving on drags nothing.
    bench.console.input(mouse(MouseEventKind::Drag(MouseButton::Left), 90, 10));
    assert!(border(&mut bench).abs_diff(40) <= 1);
    let at = border(&mut bench);
    bench.console.input(mouse(MouseEventKind::Down(MouseButton::Left), at as u16, 10));
    bench.console.input(mouse(MouseEventKind::Drag(MouseButton::Left), 119, 10));
    let last = border(&mut bench);
    assert!(last < 95, "the detail keeps its room: {last}");
}

#[tokio::test]
async fn the_key_for_themes_goes_through_all_of_them_and_each_says_its_name() {
    let mut bench = Bench::sized(World::rich(3).await, (100, 30)).await;
    let mut seen = Vec::new();
    for _ in 0..Scheme::SHIPPED.len() {
        bench.press("t").await;
        let screen = bench.screen();
        let name = screen.split("Theme: ").nth(1).expect("the toast");
        seen.push(name.split_whitespace().next().expect("a name").to_owned());
        bench.press("Esc").await;
    }
    let mut known: Vec<&str> = Scheme::SHIPPED.iter().map(|scheme| scheme.as_str()).collect();
    known.retain(|name| *name != "auto");
    known.rotate_left(1);
    assert_eq!(seen[..known.len()], known);
}

#[test]
fn themes_of_the_users_own_follow_the_shipped_ones_and_wrong_names_are_told_what_there_is() {
    let palette = Palette::parse("[colours]\naccent = \"#ffaa00\"\n").expect("valid");
    let themes = Themes { own: vec![("amber".to_owned(), palette)] };
    let own = themes.named("amber").expect("known");
    assert_eq!(themes.after(Scheme::Mono), own);
    assert_eq!(themes.after(own), Scheme::Dark);
    let why = themes.named("ambre").expect_err("unknown");
    assert!(
        why.starts_with("console.theme") && why.contains("amber") && why.contains("high-contrast"),
        "{why}"
    );
    let terminal = Terminal { truecolor: true, ..Terminal::default() };
    assert_eq!(themes.theme(own, terminal).accent.fg, Some(Color::Rgb(0xff, 0xaa, 0)));
    let plain = Terminal { no_color: true, ..terminal };
    assert_eq!(themes.theme(own, plain).accent.fg, None);
}

#[test]
fn a_terminal_gets_as_many_colours_as_it_has() {
    let terminal = |truecolor, indexed| Terminal { truecolor, indexed, ..Terminal::default() };
    let error = |terminal| Theme::new(Scheme::Dark, terminal).error.fg.expect("a colour");
    assert!(matches!(error(terminal(true, true)), Color::Rgb(..)));
    assert!(matches!(error(terminal(false, true)), Color::Indexed(16..)));
    assert_eq!(error(terminal(false, false)), Color::Red);
    // On 16 colours nothing is painted "bright black": on some palettes that is the ground itself.
    let sixteen = Theme::new(Scheme::Dark, terminal(false, false));
    assert_eq!(sixteen.muted.fg, None);
    assert!(sixteen.muted.add_modifier.contains(Modifier::DIM));
}

#[tokio::test]
async fn the_mouse_is_left_to_the_terminal_and_taken_again() {
    let mut bench = Bench::rich().await;
    bench.press("Ctrl-o").await;
    bench.says("The mouse is the terminal's now.");
    bench.press("Esc Ctrl-o").await;
    bench.says("The mouse works here");
    assert_ne!(Effect::Mouse(true), Effect::Mouse(false));
}

#[tokio::test]
async fn every_screen_says_what_it_is_from_sixty_by_fifteen_to_two_hundred_and_forty() {
    let mut bench = Bench::rich().await;
    for size in [(60, 15), (80, 24), (100, 30), (140, 40), (160, 20), (240, 60)] {
        bench.console.input(Input::Resize(size.0, size.1));
        bench.console.settle().await;
        for (key, name) in [
            ("1", "Needs you"),
            ("2", "Executions"),
            ("3", "Conflicts"),
            ("4", "Duplicates"),
            ("5", "Contacts"),
        ] {
            bench.press(key).await;
            let screen = lines(&bench.console.frame());
            assert_eq!(screen.len(), usize::from(size.1));
            let body = screen[1..].join("\n");
            assert!(body.contains(name) || screen[0].contains(name), "{name} at {size:?}:\n{body}");
            let last = screen.last().expect("a footer");
            assert!(last.contains("? help"), "{name} at {size:?}: {last}");
        }
    }
    bench.console.input(Input::Resize(60, 14));
    bench.says("too small");
}
