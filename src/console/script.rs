//! Scripts of keys, played on the console as a demonstration and in tests as a user: what is said, pressed and waited
//! for, one step to a line. A script knows the screen only by its text, as whoever watches does; it never sees data.

use std::time::Duration;

use crossterm::event::KeyEvent;

use super::keys;
use crate::domain::clock::Timestamp;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Shown to who watches, until the next one.
    Say(String),
    /// A key, as the action table writes it.
    Press(String),
    /// Goes on when the screen shows this.
    Wait(String),
    /// Goes on when the screen does not show this any more.
    Gone(String),
}

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What it shows, in a few words: its first line.
    pub title: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// How many times faster than people read it is played.
    pub speed: u32,
}

/// A line that is no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

macro_rules! shipped {
    ($($name:literal)+) => {
        /// The scripts that come with Reknit, by name, in the order of a Monday.
        pub const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../assets/scripts/", $name, ".txt")))),+];
    };
}

shipped! {
    "look-round" "retry-cause" "give-up" "settle-conflict" "two-people" "merge" "link" "share-screen" "who-is-at-it"
    "what-was-done"
}

impl Script {
    /// Reads a script: `# title` first; then `say WORDS`, `press KEY KEY`, `type WORDS`, `wait WORDS`, `gone WORDS`.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut title = String::new();
        let mut steps = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: String| ScriptError { line: number + 1, why };
            let line = line.trim();
            if let Some(words) = line.strip_prefix('#') {
                if title.is_empty() {
                    words.trim().clone_into(&mut title);
                }
                continue;
            }
            if line.is_empty() {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.trim();
            if rest.is_empty() {
                return Err(wrong(format!("\"{word}\" wants something after it")));
            }
            match word {
                "say" => steps.push(Step::Say(rest.to_owned())),
                "wait" => steps.push(Step::Wait(rest.to_owned())),
                "gone" => steps.push(Step::Gone(rest.to_owned())),
                "press" => {
                    for name in rest.split_whitespace() {
                        keys::press(name).ok_or_else(|| wrong(format!("\"{name}\" is no key")))?;
                        steps.push(Step::Press(name.to_owned()));
                    }
                }
                "type" => steps.extend(rest.chars().map(|letter| {
                    Step::Press(if letter == ' ' { "Space".to_owned() } else { letter.to_string() })
                })),
                word => {
                    return Err(wrong(format!(
                        "there is no step \"{word}\"; known are say, press, type, wait, gone"
                    )));
                }
            }
        }
        if title.is_empty() {
            return Err(ScriptError {
                line: 1,
                why: "the first line says what it shows: # TITLE".to_owned(),
            });
        }
        Ok(Self { title, steps, speed: 1 })
    }

    /// A shipped one by its name, or the names there are.
    pub fn shipped(name: &str) -> Result<Self, String> {
        let Some((_, text)) = SHIPPED.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            return Err(format!("there is no script \"{name}\"; known are {}", known.join(", ")));
        };
        Self::parse(text).map_err(|error| format!("the script {name} is wrong at {error}"))
    }
}

/// What a turn of the player leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing yet.
    Nothing,
    /// Show this instead of what was said before.
    Say(String),
    /// As if it were pressed.
    Press(KeyEvent),
    /// The script is through, or waited in vain for what it names.
    End(Option<String>),
}

/// Plays a script at a pace that can be followed.
#[derive(Debug)]
pub struct Player {
    steps: std::collections::VecDeque<Step>,
    due: Timestamp,
    waiting: Option<Timestamp>,
    speed: u32,
}

/// Between two keys.
const PACE: Duration = Duration::from_millis(450);
/// To read a letter of what is said.
const LETTER: Duration = Duration::from_millis(38);
/// What has not appeared by then will not appear.
const PATIENCE: i64 = 30_000;

impl Player {
    /// A player that begins now.
    pub fn new(script: Script, now: Timestamp) -> Self {
        let (title, speed) = (Step::Say(script.title), script.speed.max(1));
        let steps = std::iter::once(title).chain(script.steps).collect();
        Self { steps, due: now, waiting: None, speed }
    }

    /// What is to be done now, with what the screen shows.
    pub fn turn(&mut self, now: Timestamp, screen: &str) -> Turn {
        if now.since(self.due) < 0 {
            return Turn::Nothing;
        }
        let Some(step) = self.steps.front() else { return Turn::End(None) };
        let (Step::Wait(text) | Step::Gone(text)) = step else {
            let turn = match self.steps.pop_front() {
                Some(Step::Say(words)) => {
                    let letters = u32::try_from(words.chars().count()).unwrap_or(u32::MAX);
                    self.due = now.plus((PACE + LETTER.saturating_mul(letters)) / self.speed);
                    Turn::Say(words)
                }
                Some(Step::Press(name)) => {
                    self.due = now.plus(PACE / self.speed);
                    keys::press(&name).map_or(Turn::Nothing, Turn::Press)
                }
                _ => Turn::Nothing,
            };
            return turn;
        };
        let since = *self.waiting.get_or_insert(now);
        if screen.contains(text.as_str()) == matches!(step, Step::Wait(_)) {
            self.waiting = None;
            self.steps.pop_front();
            self.due = now.plus(PACE / self.speed);
        } else if now.since(since) > PATIENCE {
            let text = text.clone();
            self.steps.clear();
            return Turn::End(Some(text));
        }
        Turn::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_scripts_can_be_read() {
        for (name, text) in SHIPPED {
            let script = Script::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(script.steps.iter().any(|step| matches!(step, Step::Say(_))), "{name} says nothing");
            assert!(Script::shipped(name).is_ok());
        }
        assert!(Script::shipped("sunday").expect_err("unknown").contains(SHIPPED[0].0));
    }

    #[test]
    fn a_line_that_is_no_step_is_named() {
        for (text, part) in [
            ("press 2", "# TITLE"),
            ("# a\npress F99", "line 2: \"F99\" is no key"),
            ("# a\n\nshout loud", "line 3: there is no step \"shout\""),
            ("# a\nwait", "wants something"),
        ] {
            let error = Script::parse(text).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_player_waits_for_the_screen_and_gives_up_by_name() {
        let script = Script::parse("# t\nwait ready\npress j\ngone ready").expect("valid");
        let mut now = Timestamp(1_000_000);
        let mut player = Player::new(script, now);
        let mut seen = Vec::new();
        let mut screen = "";
        for step in 0..40 {
            now = now.plus(Duration::from_secs(1));
            if step == 5 {
                screen = "it is ready";
            }
            match player.turn(now, screen) {
                Turn::Nothing => {}
                turn => seen.push((step, turn)),
            }
        }
        assert_eq!(seen[0].1, Turn::Say("t".to_owned()));
        assert!(matches!(seen[1], (6, Turn::Press(_))), "{seen:?}");
        assert_eq!(seen[2].1, Turn::End(Some("ready".to_owned())));
    }
}
