//! A console over a real journal: press keys, look at lines. Every test of a screen stands on it.

use crossterm::event::Event as Input;
use jiff::tz::TimeZone;

use super::super::{Console, Settings, keys};
use super::world::World;
use super::{TRUECOLOR, lines};
use crate::domain::execution::Status;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::engine::operate::Operator;

/// Succeeded executions below the interesting ones of most tests.
pub(super) const BULK: usize = 100;
/// All executions of a rich world: 9 failed, 4 retrying, 1 pending, 3 that found the conflicts.
pub(super) const ALL: usize = BULK + 17;

/// A console and its world; keys go in, lines come out.
pub(super) struct Bench {
    pub(super) console: Console,
    pub(super) world: World,
}

impl Bench {
    pub(super) async fn sized(world: World, size: (u16, u16)) -> Self {
        let operator = world.operator.clone();
        Self::with(world, operator, Settings::default(), size).await
    }

    /// With an operator and settings of the test's own.
    pub(super) async fn with(world: World, operator: Operator, settings: Settings, size: (u16, u16)) -> Self {
        let mut console = Console::new(
            world.journal.clone(),
            operator,
            std::sync::Arc::new(world.clock.clone()),
            "test".to_owned(),
            settings,
            TRUECOLOR,
            TimeZone::UTC,
            size,
        );
        console.start();
        console.settle().await;
        console.frame();
        Self { console, world }
    }

    pub(super) async fn rich() -> Self {
        Self::sized(World::rich(BULK).await, (120, 40)).await
    }

    pub(super) async fn count(&self, status: Status) -> u64 {
        self.world.journal.counts().await.expect("counts").of(status)
    }

    /// Review items that are not open any more.
    pub(super) async fn decided(&self) -> u64 {
        let filter = Filter::parse("status:deciding,dismissed,done").expect("valid");
        let journal = &self.world.journal;
        journal.conflicts(&filter, Anchor::First, 9).await.expect("rows").total
            + journal.duplicates(&filter, Anchor::First, 9).await.expect("rows").total
            + journal.unlinked(&filter, Anchor::First, 9).await.expect("rows").total
    }

    /// The journal changed, as the loop would notice by itself.
    pub(super) async fn changed(&mut self) {
        self.console.event(super::super::msg::Event::Changed);
        self.console.settle().await;
    }

    pub(super) async fn press(&mut self, names: &str) {
        for name in names.split(' ') {
            let key = keys::press(name).unwrap_or_else(|| panic!("{name} is no key"));
            self.console.input(Input::Key(key));
            self.console.settle().await;
            self.console.frame();
        }
    }

    pub(super) async fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(if letter == ' ' { "Space".to_owned() } else { letter.to_string() }.as_str()).await;
        }
    }

    pub(super) fn screen(&mut self) -> String {
        lines(&self.console.frame()).join("\n")
    }

    pub(super) fn says(&mut self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "no {text:?} on:\n{screen}");
    }

    pub(super) fn says_not(&mut self, text: &str) {
        let screen = self.screen();
        assert!(!screen.contains(text), "{text:?} is on:\n{screen}");
    }
}
