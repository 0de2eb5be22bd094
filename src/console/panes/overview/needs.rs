//! What needs a human, by kind, age and whose it is; and what came since the last visit. Rows only; drawn elsewhere.

use ratatui::style::Style;

use super::rows::{Cell, Row};
use super::{Overview, Screen};
use crate::console::ctx::Ctx;
use crate::console::text::{age, ahead, thousands};
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::execution::Status;
use crate::domain::links::Coverage;
use crate::domain::overview::{Moved, Overview as Facts};
use crate::domain::text::clean;

/// One kind of thing that needs somebody.
struct Need {
    glyph: &'static str,
    style: Style,
    count: u64,
    what: String,
    more: Cell,
    since: Option<Timestamp>,
    to: (Screen, &'static str),
    /// Whose it is: words and where they lead.
    roles: Vec<Cell>,
}

fn plural(count: u64, one: &str, many: &str) -> String {
    if count == 1 { one.to_owned() } else { many.to_owned() }
}

/// Who can mend a failure of a class: whoever holds the tokens and settings, or whoever owns the data.
const fn role_of(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Auth
        | ErrorClass::Permission
        | ErrorClass::QuotaExhausted
        | ErrorClass::UnknownField
        | ErrorClass::Recipe => "admin",
        _ => "data",
    }
}

/// So many milliseconds as the filter language says it, in whole minutes, rounded up: `since:90m`. In minutes however long
/// it is, because rounded to hours it would let older things in.
fn span_of(milliseconds: i64) -> String {
    format!("{}m", milliseconds.max(0).cast_unsigned().div_ceil(60_000).max(1))
}

impl Overview {
    /// How many things wait for somebody; alerts are about work that is counted beside them.
    pub(super) fn open_things(&self) -> u64 {
        let Some(facts) = &self.facts else { return 0 };
        let counts = &facts.counts;
        let executions = [Status::Failed, Status::InDoubt, Status::Retrying, Status::Held];
        executions.iter().map(|status| counts.of(*status)).sum::<u64>()
            + counts.conflicts
            + counts.duplicates
            + counts.unlinked
    }

    pub(super) fn needs(&self, ctx: &Ctx) -> Vec<Row> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let theme = &ctx.theme;
        let muted = |text: String| Cell::fill(text, theme.muted);
        let of = |status| facts.counts.of(status);
        let mut needs: Vec<Need> = Vec::new();
        let alerts = facts.alerts.len() as u64;
        needs.push(Need {
            glyph: "!",
            style: theme.error,
            count: alerts,
            what: plural(alerts, "alert", "alerts"),
            more: muted(facts.alerts.first().map_or_else(String::new, |first| clean(first).into_owned())),
            since: None,
            to: (Screen::Health, "monitor"),
            roles: Vec::new(),
        });
        let failed = of(Status::Failed);
        needs.push(Need {
            glyph: "✗",
            style: theme.error,
            count: failed,
            what: plural(failed, "failed execution", "failed executions"),
            more: self.shared_cause(ctx, failed),
            since: facts.oldest[0],
            to: (Screen::Executions, "status:failed"),
            roles: self.roles_of_failures(ctx),
        });
        needs.push(Need {
            glyph: "?",
            style: theme.warn,
            count: of(Status::InDoubt),
            what: "in doubt".into(),
            more: muted("looked up before any replay".into()),
            since: None,
            to: (Screen::Executions, "status:in_doubt"),
            roles: Vec::new(),
        });
        let due =
            facts.next_due.map_or_else(String::new, |due| format!("by themselves, {}", ahead(ctx.now, due)));
        needs.push(Need {
            glyph: "↻",
            style: theme.warn,
            count: of(Status::Retrying),
            what: "retrying".into(),
            more: muted(due),
            since: None,
            to: (Screen::Executions, "status:retrying"),
            roles: Vec::new(),
        });
        let conflicts = facts.counts.conflicts;
        needs.push(Need {
            glyph: "≠",
            style: theme.warn,
            count: conflicts,
            what: plural(conflicts, "field conflict", "field conflicts"),
            more: muted("the rest of each record is written".into()),
            since: facts.oldest[1],
            to: (Screen::Conflicts, ""),
            roles: self.roles_of_conflicts(ctx),
        });
        let duplicates = facts.counts.duplicates;
        needs.push(Need {
            glyph: "≈",
            style: theme.warn,
            count: duplicates,
            what: plural(duplicates, "duplicate group", "duplicate groups"),
            more: muted(match facts.certain_duplicates {
                0 => "all need a look".to_owned(),
                certain => format!("{certain} certain, {} need a look", duplicates.saturating_sub(certain)),
            }),
            since: facts.oldest[2],
            to: (Screen::Duplicates, ""),
            roles: Vec::new(),
        });
        let unlinked = facts.counts.unlinked;
        needs.push(Need {
            glyph: "∅",
            style: theme.warn,
            count: unlinked,
            what: "without an account".to_owned(),
            more: muted(linked(facts)),
            since: facts.oldest[3],
            to: (Screen::Unlinked, ""),
            roles: Vec::new(),
        });
        needs.push(Need {
            glyph: "‖",
            style: theme.muted,
            count: of(Status::Held),
            what: "held".into(),
            more: muted("wait for a decision".into()),
            since: None,
            to: (Screen::Executions, "status:held"),
            roles: Vec::new(),
        });
        needs.into_iter().filter(|need| need.count > 0).map(|need| row(ctx, need)).collect()
    }

    fn shared_cause(&self, ctx: &Ctx, failed: u64) -> Cell {
        let theme = &ctx.theme;
        let most = self.failing().into_iter().max_by_key(|cause| cause.failed);
        match most {
            Some(cause) if cause.failed > 1 => {
                let words = if cause.failed < failed {
                    format!("{} of them share one cause", thousands(cause.failed))
                } else {
                    "all share one cause".to_owned()
                };
                Cell::fill(words, theme.muted)
                    .to(Screen::Executions, format!("cause:{} status:failed", cause.cause))
            }
            _ => Cell::fill("", theme.muted),
        }
    }

    /// Who can mend how many of the failures, by their causes.
    fn roles_of_failures(&self, ctx: &Ctx) -> Vec<Cell> {
        let mut roles: Vec<(&str, u64, Vec<&str>)> = Vec::new();
        for cause in self.failing() {
            let (role, class) = (role_of(cause.class), cause.class.as_str());
            match roles.iter_mut().find(|(known, ..)| *known == role) {
                Some((_, count, classes)) => {
                    *count += cause.failed;
                    if !classes.contains(&class) {
                        classes.push(class);
                    }
                }
                None => roles.push((role, cause.failed, vec![class])),
            }
        }
        roles.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
        let cell = |(role, count, classes): (&str, u64, Vec<&str>)| {
            Cell::words(format!("{} {role}", thousands(count)), ctx.theme.text)
                .to(Screen::Executions, format!("status:failed error:{}", classes.join(",")))
                .drop(2)
        };
        roles.into_iter().map(cell).collect()
    }

    fn roles_of_conflicts(&self, ctx: &Ctx) -> Vec<Cell> {
        let Some(lately) = &self.lately else { return Vec::new() };
        let named = lately.roles.iter().filter(|(role, _)| !role.is_empty());
        named
            .take(2)
            .map(|(role, count)| {
                Cell::words(format!("{} {role}", thousands(*count)), ctx.theme.text)
                    .to(Screen::Conflicts, format!("role:{role}"))
                    .drop(2)
            })
            .collect()
    }

    pub(super) fn since(&self, ctx: &Ctx) -> Vec<Row> {
        let Some(since) = self.lately.as_ref().and_then(|lately| lately.since.as_ref()) else {
            return Vec::new();
        };
        let theme = &ctx.theme;
        let filter = format!("since:{}", span_of(ctx.now.since(since.at)));
        let more = if since.whole { "" } else { "+" };
        let mut cells = Vec::new();
        let kinds: [(&str, Style, Moved, &str, &str, Screen, String); 4] = [
            (
                "✗",
                theme.error,
                since.failed,
                "new failure",
                "new failures",
                Screen::Executions,
                format!("status:failed {filter}"),
            ),
            (
                "≠",
                theme.warn,
                since.conflicts,
                "new conflict",
                "new conflicts",
                Screen::Conflicts,
                filter.clone(),
            ),
            (
                "≈",
                theme.warn,
                since.duplicates,
                "new duplicate",
                "new duplicates",
                Screen::Duplicates,
                filter.clone(),
            ),
            (
                "∅",
                theme.warn,
                since.unlinked,
                "new without an account",
                "new without an account",
                Screen::Unlinked,
                filter.clone(),
            ),
        ];
        for (glyph, style, moved, one, many, screen, filter) in kinds {
            if moved.came > 0 {
                cells.push(Cell::words(glyph, style).gap(1));
                let words = format!("{}{more} {}", thousands(moved.came), plural(moved.came, one, many));
                cells.push(Cell::words(words, theme.bold).to(screen, filter).gap(3));
            }
        }
        let solved = since.failed.gone;
        if solved > 0 {
            cells.push(Cell::words("✓", theme.ok).gap(1));
            let words = format!("{} solved", thousands(solved));
            cells.push(
                Cell::words(words, theme.bold)
                    .to(Screen::Executions, format!("status:succeeded {filter}"))
                    .gap(3),
            );
        }
        for (glyph, gone, word, screen) in [
            ("≠", since.conflicts.gone, "decided", Screen::Conflicts),
            ("≈", since.duplicates.gone, "settled", Screen::Duplicates),
            ("∅", since.unlinked.gone, "settled", Screen::Unlinked),
        ] {
            if gone > 0 {
                cells.push(Cell::words(glyph, theme.ok).gap(1));
                let words = format!("{} {word}", thousands(gone));
                cells.push(Cell::words(words, theme.text).to(screen, "status:done,dismissed").gap(3));
            }
        }
        for (actor, count) in since.others.iter().take(3) {
            let words = format!("{actor} {}", counted_actions(*count));
            cells.push(Cell::words(words, theme.text).to(Screen::Audit, actor.clone()).gap(3));
        }
        if cells.is_empty() {
            cells.push(Cell::words("✓", theme.ok).gap(1));
            cells.push(Cell::words("Nothing new.", theme.text).to(Screen::Audit, ""));
        }
        // What stands last is given up first; a glyph goes with its number.
        let count = cells.len();
        for (index, cell) in cells.iter_mut().enumerate() {
            *cell = cell.clone().drop(if index < 2 { 0 } else { (index + 100 - count.min(50)) as u8 });
        }
        vec![Row { group: 0, cells }]
    }
}

fn counted_actions(count: u64) -> String {
    format!("{} {}", thousands(count), plural(count, "action", "actions"))
}

fn row(ctx: &Ctx, need: Need) -> Row {
    let theme = &ctx.theme;
    let age = need.since.map_or_else(String::new, |since| age(ctx.now, since));
    let (screen, filter) = need.to;
    let mut roles = need.roles.into_iter();
    let mut role = || roles.next().unwrap_or_else(|| Cell::words("", theme.text).drop(2));
    let (first, second) = (role(), role());
    Row {
        group: 0,
        cells: vec![
            Cell::words(need.glyph, need.style),
            Cell::number(thousands(need.count), theme.bold).to(screen, filter).gap(1),
            Cell::words(need.what, theme.text),
            need.more,
            first,
            second.drop(3),
            Cell::number(age, theme.muted),
        ],
    }
}

/// How many of the unlinked are clear, and how many people have an account by now.
fn linked(facts: &Facts) -> String {
    let clear = match facts.clear_links {
        0 => None,
        1 => Some("1 has one clear match".to_owned()),
        clear => Some(format!("{clear} have one clear match")),
    };
    let share = facts.coverage.and_then(|(people, linked, trend)| {
        let arrow = match trend {
            0.05.. => " ↑",
            ..=-0.05 => " ↓",
            _ => "",
        };
        Some(format!("{:.0} % linked{arrow}", Coverage::percent(people, linked)?))
    });
    clear.into_iter().chain(share).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_rounded_up_so_that_nothing_new_is_left_out() {
        const HOUR: i64 = 3_600_000;
        let shown: Vec<String> = [0, 61_000, 2 * HOUR, 10 * HOUR + 1].map(span_of).to_vec();
        assert_eq!(shown, ["1m", "2m", "120m", "601m"]);
        for text in shown {
            assert!(crate::domain::filter::span(&text).is_some(), "{text}");
        }
    }
}
