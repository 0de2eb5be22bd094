//! One action on many rows: what it would do and what it costs, a yes, its progress, and what became of each row.
//!
//! Cancel has the focus and Enter never says yes; a big bulk wants its count typed first. Esc stops a running one
//! after the piece that is under way. The results stay until they are closed.

use std::cell::Cell;
use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::input::TextLine;
use super::{Layer, Over, Reply, dialog};
use crate::console::bulk::{Ask, Deed, Frozen, MOST, Outcome, Told};
use crate::console::ctx::Ctx;
use crate::console::effect::Effect;
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Loaded, Ticket};
use crate::console::panes::listing::{Change, Chosen};
use crate::console::text::{counted, cut_end, left, put, span, thousands, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::gauge;
use crate::console::widgets::list::{hidden, scrolled};
use crate::domain::ids::ExecutionId;

/// Executions of one bulk that are followed to their end; of more only the result table speaks.
const FOLLOWED: usize = 50;

#[derive(Debug)]
enum Stage {
    /// Why they are given up.
    Reason(TextLine),
    /// The rows are being counted and looked at.
    Freezing(Ticket),
    /// What would be done is shown.
    Ready(Frozen),
    /// It is being done.
    Running { ticket: Ticket, frozen: Frozen, done: Vec<Outcome>, stopping: bool },
    /// It is over.
    Finished { left_out: Vec<Outcome>, done: Vec<Outcome>, not_begun: usize },
    /// The rows could not be looked at.
    Failed(String),
}

/// The dialog.
#[derive(Debug)]
pub struct Bulk {
    deed: Deed,
    chosen: Chosen,
    stage: Stage,
    /// The count, as far as it was typed.
    typed: String,
    executions: Vec<ExecutionId>,
    at: Cell<usize>,
}

impl Bulk {
    /// The effect that opens the question about an action on several rows.
    pub fn open(deed: Deed, chosen: Chosen) -> Effect {
        Effect::Over(Over(Box::new(Self {
            deed,
            chosen,
            stage: Stage::Freezing(Ticket(0)),
            typed: String::new(),
            executions: Vec::new(),
            at: Cell::new(0),
        })))
    }

    fn freeze(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.stage = Stage::Freezing(ticket);
        let ask = Ask::Freeze(self.deed.clone(), self.chosen.clone());
        vec![Effect::Bulk(ticket, Box::new(ask))]
    }

    /// The count has to be typed before it is done.
    fn wants_count(&self, ctx: &Ctx) -> Option<String> {
        let Stage::Ready(frozen) = &self.stage else { return None };
        let count = frozen.items.len();
        (count as u64 >= ctx.typed_count_from).then(|| count.to_string())
    }

    fn ready(&self, ctx: &Ctx) -> bool {
        let Stage::Ready(frozen) = &self.stage else { return false };
        !frozen.items.is_empty() && self.wants_count(ctx).is_none_or(|count| count == self.typed)
    }

    /// The next piece, or the end.
    fn go_on(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let stage = std::mem::replace(&mut self.stage, Stage::Failed(String::new()));
        let (frozen, done, stopping) = match stage {
            Stage::Ready(frozen) => (frozen, Vec::new(), false),
            Stage::Running { frozen, done, stopping, .. } => (frozen, done, stopping),
            other => {
                self.stage = other;
                return Vec::new();
            }
        };
        let rest = &frozen.items[done.len().min(frozen.items.len())..];
        if rest.is_empty() || stopping {
            let not_begun = rest.len();
            self.stage = Stage::Finished { left_out: frozen.left_out, done, not_begun };
            self.at.set(0);
            let mut effects = vec![Effect::List(Change::Unmark)];
            if self.executions.len() <= FOLLOWED {
                effects.push(Effect::Follow(std::mem::take(&mut self.executions)));
            }
            return effects;
        }
        let piece = rest.iter().take(self.deed.piece()).cloned().collect();
        let ticket = ctx.ticket();
        let ask = Ask::Do(self.deed.clone(), piece);
        self.stage = Stage::Running { ticket, frozen, done, stopping };
        vec![Effect::Bulk(ticket, Box::new(ask))]
    }

    fn scroll(&self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    fn scrolls(&self, name: Option<&str>) {
        match name {
            Some("Down" | "j") => self.scroll(1),
            Some("Up" | "k") => self.scroll(-1),
            Some("PgDn" | "Ctrl-d") => self.scroll(10),
            Some("PgUp" | "Ctrl-u") => self.scroll(-10),
            Some("g" | "Home") => self.at.set(0),
            Some("G" | "End") => self.at.set(usize::MAX / 2),
            _ => {}
        }
    }

    fn reason(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let Stage::Reason(line) = &mut self.stage else { return Reply::stay() };
        match keys::name(key).as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Enter") if !line.text().trim().is_empty() => {
                self.deed = Deed::Discard(line.text().trim().to_owned());
                return Reply { effects: self.freeze(ctx), ..Reply::default() };
            }
            Some("Enter") => {}
            _ => {
                line.key(key);
            }
        }
        Reply::stay()
    }

    fn title(&self) -> String {
        match &self.stage {
            Stage::Ready(frozen) => format!("{}?", self.deed.title(frozen.items.len() as u64)),
            Stage::Running { frozen, .. } => self.deed.title(frozen.items.len() as u64),
            Stage::Finished { done, .. } => self.deed.title(done.len() as u64),
            _ => format!("{}?", self.deed.title(self.chosen.count())),
        }
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let mut say = |text: &str, style| {
            lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
        };
        match &self.stage {
            Stage::Reason(line) => {
                say("Why give them up? It stays with them, and in the audit log.", theme.muted);
                let mut typed = vec![span("› ", theme.key)];
                typed.extend(line.spans(ctx, cells.saturating_sub(2)));
                lines.push(Line::from(typed));
            }
            Stage::Freezing(_) => say("Looking at the rows and counting what it would cost…", theme.muted),
            Stage::Failed(why) => {
                say("This cannot be done now. Nothing was changed.", theme.error);
                say(why, theme.text);
            }
            Stage::Ready(frozen) => return self.question(ctx, frozen, cells),
            Stage::Running { frozen, done, stopping, .. } => {
                let share = done.len() as f64 / frozen.items.len().max(1) as f64;
                let bar = cells.saturating_sub(26).min(50);
                let [full, rest] = gauge(theme, share, bar, theme.accent);
                let text =
                    format!("{} of {}  ", thousands(done.len() as u64), thousands(frozen.items.len() as u64));
                lines.push(Line::from(vec![span(text, theme.bold), full, rest]));
                let words = if *stopping {
                    "It stops after the rows that are under way."
                } else {
                    "Esc stops it; what is done stays done."
                };
                lines.push(Line::from(span(words, theme.muted)));
                let refused = done.iter().filter(|one| one.done.is_err()).count() as u64;
                if refused > 0 {
                    lines
                        .push(Line::from(span(format!("{} skipped so far", thousands(refused)), theme.warn)));
                }
            }
            Stage::Finished { left_out, done, not_begun } => {
                return self.results(ctx, (left_out, done, *not_begun), cells);
            }
        }
        lines
    }

    fn question(&self, ctx: &Ctx, frozen: &Frozen, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let mut say = |text: &str, style| {
            lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
        };
        if frozen.items.is_empty() {
            say("It can be done to none of these rows. Nothing was changed.", theme.warn);
        } else {
            say(&self.deed.means(), theme.text);
        }
        let states: Vec<String> =
            frozen.states.iter().map(|(state, count)| format!("{} {state}", thousands(*count))).collect();
        say(&format!("Rows     {}", states.join(", ")), theme.muted);
        if frozen.more {
            let text = format!("There are more: one bulk takes {} rows at most.", thousands(MOST as u64));
            say(&text, theme.warn);
        }
        if !frozen.items.is_empty() {
            if frozen.tolls.is_empty() {
                say("Calls    none is sent", theme.muted);
            }
            for toll in &frozen.tolls {
                let style = if toll.exceeds() { theme.error } else { theme.muted };
                say(&format!("Calls    {}", toll.words()), style);
                if let Some(takes) = toll.takes.filter(|takes| *takes >= Duration::from_secs(1)) {
                    say(&format!("         at least {} at the rate limit", length(takes)), theme.muted);
                }
                if toll.exceeds() {
                    say("         more than is left today; the rest waits for the renewal", theme.error);
                }
            }
        }
        say("", theme.text);
        if !frozen.left_out.is_empty() {
            let count = frozen.left_out.len() as u64;
            let text = format!("{} left out, since it cannot be done to them:", counted(count, "row"));
            say(&text, theme.warn);
            let heads = heads(frozen.left_out.iter().take(200).map(|one| one.label.as_str()));
            lines
                .extend(frozen.left_out.iter().take(200).flat_map(|one| outcome(ctx, one, heads, "", cells)));
            lines.push(Line::default());
        }
        let labels = frozen.items.iter().take(500);
        let heads = heads(labels.clone().map(|item| item.label.as_str()));
        lines.extend(labels.map(|item| {
            Line::from(vec![
                span(left(&item.id, 10), theme.muted),
                span(cut_end(&aligned(&item.label, heads), cells.saturating_sub(10)), theme.text),
            ])
        }));
        if frozen.items.len() > 500 {
            let text = format!("and {} more", thousands(frozen.items.len() as u64 - 500));
            lines.push(Line::from(span(text, theme.muted)));
        }
        lines
    }

    fn results(
        &self,
        ctx: &Ctx,
        (left_out, done, not_begun): (&[Outcome], &[Outcome], usize),
        cells: usize,
    ) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let good = done.iter().filter(|one| one.done.is_ok()).count();
        let skipped = done.len() - good;
        let mut parts = vec![format!("{} {}", thousands(good as u64), self.deed.did())];
        if skipped > 0 {
            parts.push(format!("{} skipped", thousands(skipped as u64)));
        }
        if !left_out.is_empty() {
            parts.push(format!("{} left out", thousands(left_out.len() as u64)));
        }
        if not_begun > 0 {
            parts.push(format!("stopped before the last {}", thousands(not_begun as u64)));
        }
        let whole = skipped == 0 && not_begun == 0;
        let mut lines: Vec<Line<'static>> = wrap(&format!("{}.", parts.join(", ")), cells)
            .into_iter()
            .map(|line| Line::from(span(line, if whole { theme.ok } else { theme.warn })))
            .collect();
        lines.push(Line::default());
        // What needs a look comes first.
        let refused = done.iter().filter(|one| one.done.is_err()).chain(left_out);
        let heads = heads(done.iter().chain(left_out).map(|one| one.label.as_str()));
        lines.extend(refused.flat_map(|one| outcome(ctx, one, heads, "", cells)));
        let fine = done.iter().filter(|one| one.done.is_ok());
        lines.extend(fine.flat_map(|one| outcome(ctx, one, heads, self.deed.did(), cells)));
        lines
    }
}

/// Labels say two things with two blanks between them, as a recipe and a name: how wide the first one is at most.
fn heads<'a>(labels: impl Iterator<Item = &'a str>) -> usize {
    labels.filter_map(|label| Some(width(label.split_once("  ")?.0))).max().unwrap_or(0).min(28)
}

/// A label whose second part begins where those of the others do.
fn aligned(label: &str, heads: usize) -> String {
    match label.split_once("  ") {
        Some((head, rest)) => format!("{}  {rest}", left(head, heads)),
        None => label.to_owned(),
    }
}

/// A row of the table of results. A reason is a sentence that says what to do: it is never cut, it goes on below itself.
fn outcome(ctx: &Ctx, one: &Outcome, heads: usize, did: &str, cells: usize) -> Vec<Line<'static>> {
    let theme = &ctx.theme;
    let (glyph, style, words) = match &one.done {
        Ok(()) => ("✓ ", theme.ok, did.to_owned()),
        Err(why) => ("– ", theme.warn, why.clone()),
    };
    let rest = cells.saturating_sub(12);
    let label = (heads + 22).max(rest * 2 / 5).min(rest * 3 / 5);
    let room = rest.saturating_sub(label + 2).max(1);
    let said = if width(&words) > room { wrap(&words, room) } else { vec![words] };
    let mut lines: Vec<Line<'static>> = said
        .into_iter()
        .map(|words| Line::from(vec![span(" ".repeat(14 + label), theme.text), span(words, theme.muted)]))
        .collect();
    if let Some(first) = lines.first_mut() {
        first.spans.splice(
            ..1,
            [
                span(glyph, style),
                span(left(&one.id, 10), theme.muted),
                span(left(&aligned(&one.label, heads), label), theme.text),
                span("  ", theme.text),
            ],
        );
    }
    lines
}

/// `12 s`, `4 min`, `2 h`.
fn length(takes: Duration) -> String {
    match takes.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

impl Layer for Bulk {
    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        if matches!(&self.deed, Deed::Discard(reason) if reason.is_empty()) {
            self.stage = Stage::Reason(TextLine::default());
            return Vec::new();
        }
        self.freeze(ctx)
    }

    fn loaded(&mut self, ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        let Loaded::Bulk(told) = loaded else { return Err(loaded) };
        match (&mut self.stage, *told) {
            (Stage::Freezing(asked), Told::Frozen(answer)) if *asked == ticket => {
                self.stage = match answer {
                    Ok(frozen) => Stage::Ready(frozen),
                    Err(why) => Stage::Failed(why),
                };
                Ok(Vec::new())
            }
            (Stage::Running { ticket: asked, done, .. }, Told::Done(outcomes, executions))
                if *asked == ticket =>
            {
                done.extend(outcomes);
                if self.executions.len() <= FOLLOWED {
                    self.executions.extend(executions);
                }
                Ok(self.go_on(ctx))
            }
            // Of a dialog that was closed.
            _ => Ok(Vec::new()),
        }
    }

    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let name = keys::name(key);
        match &mut self.stage {
            Stage::Reason(_) => return self.reason(ctx, key),
            Stage::Running { stopping, .. } => {
                if name.as_deref() == Some("Esc") {
                    *stopping = true;
                }
                return Reply::stay();
            }
            Stage::Finished { .. } | Stage::Failed(_) | Stage::Freezing(_) => {
                if matches!(name.as_deref(), Some("Esc" | "Enter" | "q")) {
                    return Reply::close();
                }
            }
            Stage::Ready(_) => match name.as_deref() {
                Some("Esc" | "Enter") => return Reply::close(),
                Some("Y") if self.ready(ctx) => {
                    return Reply { effects: self.go_on(ctx), ..Reply::default() };
                }
                Some("Backspace") => {
                    self.typed.pop();
                }
                _ => {
                    if let Some(digit) = keys::digit(key).filter(|_| self.typed.len() < 9) {
                        self.typed.push(char::from(b'0' + digit));
                    } else if key.code == crossterm::event::KeyCode::Backspace {
                        self.typed.pop();
                    }
                }
            },
        }
        self.scrolls(name.as_deref());
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        if let Stage::Reason(line) = &mut self.stage {
            line.paste(text);
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        self.scroll(by);
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(match &self.stage {
            Stage::Reason(_) => vec![Hint::new("Enter", "go on"), Hint::new("Esc", "cancel")],
            Stage::Ready(frozen) if !frozen.items.is_empty() => vec![
                Hint::new("Esc", "cancel"),
                Hint::new("Y", self.deed.verb().to_lowercase()),
                Hint::new("↑↓", "scroll"),
            ],
            Stage::Running { .. } => vec![Hint::new("Esc", "stop")],
            Stage::Finished { .. } => vec![Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")],
            _ => vec![Hint::new("Esc", "close")],
        })
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 108.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let lines = self.lines(ctx, cells);
        let place = dialog(ctx, buffer, area, wide, lines.len() as u16 + 4);
        let below = hidden(lines.len(), place.height.saturating_sub(4), &self.at);
        let more = if below > 0 { format!("↓ {below} more lines") } else { String::new() };
        let inner = Panel::new(theme, &cut_end(&self.title(), cells), true)
            .bottom_right(Line::from(span(more, theme.muted)))
            .draw(theme, buffer, place);
        if inner.height < 3 {
            return;
        }
        let body = Rect {
            x: inner.x + 2,
            y: inner.y,
            width: inner.width.saturating_sub(4),
            height: inner.height - 2,
        };
        scrolled(buffer, body, &lines, &self.at);
        let y = inner.bottom() - 1;
        let button = |buffer: &mut Buffer, right: u16, text: &str, style, key: &str| {
            let x = right.saturating_sub(width(text) as u16);
            put(buffer, x, y, width(text) as u16, &Line::from(span(text.to_owned(), style)));
            ctx.target_key(Rect::new(x, y, width(text) as u16, 1), key);
            x.saturating_sub(3)
        };
        let right = inner.right().saturating_sub(3);
        match &self.stage {
            Stage::Ready(frozen) if !frozen.items.is_empty() => {
                let edge = if self.ready(ctx) {
                    button(buffer, right, &format!("Y {}", self.deed.verb()), theme.bold, "Y")
                } else {
                    right
                };
                button(buffer, edge, " Esc Cancel ", theme.tab, "Esc");
                if let Some(count) = self.wants_count(ctx) {
                    let line = Line::from(vec![
                        span(format!("Type {count} to go on: "), theme.warn),
                        span(self.typed.clone(), theme.bold),
                        span("▏", theme.key),
                    ]);
                    put(buffer, inner.x + 2, y, inner.width / 2, &line);
                }
            }
            Stage::Running { .. } => {
                button(buffer, right, " Esc Stop ", theme.tab, "Esc");
            }
            Stage::Reason(_) => {
                button(buffer, right, " Esc Cancel ", theme.tab, "Esc");
            }
            _ => {
                button(buffer, right, " Esc Close ", theme.tab, "Esc");
            }
        }
    }
}
