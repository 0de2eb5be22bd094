//! Tests of the console: press keys, look at lines. What needs no journal stands here; the rest in `pressing`.

mod audit;
mod bench;
mod effects;
mod executions;
mod goldens;
mod health;
mod lists;
mod log;
mod looks;
mod many;
mod overview;
mod pressing;
mod random;
mod recipes;
mod reviews;
mod safety;
mod session;
mod states;
mod team;
mod tour;
mod world;

use super::actions::{Action, Scope, TABLE, key_table_markdown};
use super::keys;
use super::layers::help::Help;
use super::theme::{Scheme, Terminal, Theme};

/// The text of a buffer, line by line, without the blanks at the ends.
pub(super) fn lines(buffer: &ratatui::buffer::Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content
        .chunks(width)
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned())
        .collect()
}

pub(super) const TRUECOLOR: Terminal =
    Terminal { no_color: false, truecolor: true, light: false, indexed: true };

#[test]
fn every_action_stands_in_the_help_exactly_once() {
    let ctx = super::ctx::Ctx::new(
        crate::domain::clock::Timestamp(0),
        Theme::new(Scheme::Dark, TRUECOLOR),
        jiff::tz::TimeZone::UTC,
        (120, 40),
    );
    for scopes in [&[Scope::Overview, Scope::Everywhere][..], &Scope::ALL] {
        let help: Vec<String> = Help::new(scopes).lines(&ctx, 400).iter().map(ToString::to_string).collect();
        for row in TABLE {
            let shown = help.iter().filter(|line| line.ends_with(row.help)).count();
            assert_eq!(shown, 1, "{}", row.id);
        }
    }
}

#[test]
fn every_key_of_the_table_can_be_pressed_and_reads_back() {
    for row in TABLE {
        for key in row.keys {
            let press = keys::press(key).unwrap_or_else(|| panic!("{key} of {} cannot be pressed", row.id));
            assert_eq!(keys::name(press).as_deref(), Some(*key), "{}", row.id);
            assert_eq!(keys::action(press, &[row.scope]).map(|found| found.action), Some(row.action));
        }
    }
}

#[test]
fn the_readme_table_has_one_row_for_each_action_and_names_commands() {
    let table = key_table_markdown();
    assert_eq!(table.lines().count(), TABLE.len() + 2);
    assert!(table.contains("| `m` |") && table.contains("`reknit merge`"), "{table}");
    for operation in crate::domain::action::Operation::ALL {
        assert!(TABLE.iter().any(|row| row.operation == Some(*operation)), "{operation} has no key");
    }
}

#[test]
fn what_writes_to_a_vendor_is_marked_as_danger() {
    for row in TABLE.iter().filter(|row| row.operation.is_some()) {
        // These send nothing that was not asked for before, or nothing at all.
        let harmless = matches!(
            row.action,
            Action::Retry
                | Action::Unsure
                | Action::UndoVerdict
                // It reads; they keep something from being sent, and can be taken back.
                | Action::Probe
                | Action::Hold
                | Action::Snooze
                | Action::Claim
                | Action::Assign
                | Action::Comment
        );
        assert_eq!(row.danger, !harmless, "{}", row.id);
    }
}

#[test]
fn no_color_wins_over_every_theme() {
    let plain = Terminal { no_color: true, truecolor: true, light: true, indexed: true };
    for scheme in [Scheme::Auto, Scheme::Dark, Scheme::Light, Scheme::Mono] {
        let theme = Theme::new(scheme, plain);
        assert_eq!(theme.scheme, Scheme::Mono);
        for style in [theme.text, theme.error, theme.selection, theme.tab, theme.surface] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
