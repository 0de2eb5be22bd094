//! Editing what runs again: the values of a step or the payload of an event as JSON, checked while it is typed, then the
//! exact calls, then a capital `Y`.
//!
//! Nothing is stored before that `Y`. What the vendor would refuse cannot be sent: each problem has its line and column.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::textarea::TextArea;
use super::{Layer, Reply, Told as LayerTold, dialog};
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::panes::executions::asks::{Ask, Told};
use crate::console::text::{cut_end, put, span, width, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::list::scrolled;
use crate::console::wishes::{Wish, executions};
use crate::domain::edits::{Change, Draft, Part, Problem};
use crate::domain::ids::ExecutionId;
use crate::domain::plan::Preview;

/// What it was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// To edit in place.
    Here,
    /// To edit in the operator's own editor.
    Outside,
    /// To mend what was refused: the cursor goes there.
    Fix,
}

#[derive(Debug)]
enum Stage {
    Loading(Ticket),
    Editing,
    /// In the operator's own editor.
    Away,
    Asking(Ticket, Change),
    Sure(Box<Preview>, Change),
    Failed(String),
}

/// The dialog.
#[derive(Debug)]
pub struct Edit {
    execution: ExecutionId,
    how: How,
    stage: Stage,
    draft: Option<Box<Draft>>,
    area: TextArea,
    problems: Vec<Problem>,
    /// Esc was pressed over something that was changed.
    leaving: bool,
    at: std::cell::Cell<usize>,
    top: std::cell::Cell<usize>,
}

impl Edit {
    /// About an execution.
    pub fn of(execution: ExecutionId, how: How) -> Self {
        Self {
            execution,
            how,
            stage: Stage::Loading(Ticket(0)),
            draft: None,
            area: TextArea::default(),
            problems: Vec::new(),
            leaving: false,
            at: std::cell::Cell::new(0),
            top: std::cell::Cell::new(0),
        }
    }

    fn ask(&mut self, ctx: &Ctx, payload: bool) -> Effect {
        let ticket = ctx.ticket();
        self.stage = Stage::Loading(ticket);
        Effect::Load(ticket, Query::AboutExecutions(Ask::Draft(self.execution, payload)))
    }

    fn is_payload(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.part == Part::Payload)
    }

    fn changed(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.text != self.area.text())
    }

    fn check(&mut self) -> Option<Change> {
        let draft = self.draft.as_ref()?;
        match draft.read(&self.area.text()) {
            Ok(change) => {
                self.problems.clear();
                Some(change)
            }
            Err(problems) => {
                self.problems = problems;
                None
            }
        }
    }

    /// What is wrong is said while one types, but not that nothing was changed yet.
    fn look(&mut self) {
        if self.changed() {
            self.check();
        } else {
            self.problems.clear();
        }
    }

    fn drafted(&mut self, answer: Answer<Box<Draft>>) -> Vec<Effect> {
        match answer {
            Err(why) => {
                self.stage = Stage::Failed(why);
                Vec::new()
            }
            Ok(draft) => {
                self.area = TextArea::with(&draft.text);
                self.stage = Stage::Editing;
                let first = draft.read(&draft.text).err().and_then(|problems| problems.into_iter().next());
                self.draft = Some(draft);
                match (self.how, first) {
                    (How::Outside, _) => {
                        self.stage = Stage::Away;
                        self.how = How::Here;
                        return vec![Effect::Outside(self.area.text())];
                    }
                    (How::Fix, Some(problem)) => {
                        self.area.go(problem.line - 1, problem.column - 1);
                        self.check();
                    }
                    _ => self.area.go(1, 2),
                }
                Vec::new()
            }
        }
    }

    /// Name and value on the cursor's line, and where the value stands.
    fn here(&self) -> Option<(String, std::ops::Range<usize>)> {
        let line = self.area.lines().get(self.area.cursor().0)?;
        let from = line.find('"')?;
        let key_end = from + 1 + line[from + 1..].find('"')?;
        let name = line[from + 1..key_end].to_owned();
        let colon = key_end + line[key_end..].find(':')?;
        let value = colon + 1 + (line[colon + 1..].len() - line[colon + 1..].trim_start().len());
        let end = line.trim_end().trim_end_matches(',').len();
        (value <= end).then_some((name, value..end))
    }

    /// Puts the next allowed value in.
    fn complete(&mut self) {
        let Some((name, place)) = self.here() else { return };
        let Some(draft) = &self.draft else { return };
        let allowed = draft.allowed(&name);
        if allowed.is_empty() {
            return;
        }
        let line = self.area.lines()[self.area.cursor().0].clone();
        let typed = line[place.clone()].trim_matches('"').to_owned();
        let at = allowed.iter().position(|value| *value == typed);
        let next = match at {
            Some(at) => allowed[(at + 1) % allowed.len()],
            None => {
                let near = |value: &&&str| {
                    rapidfuzz::distance::levenshtein::distance(
                        value.to_lowercase().chars(),
                        typed.to_lowercase().replace(' ', "_").chars(),
                    )
                };
                allowed.iter().min_by_key(near).copied().unwrap_or_default()
            }
        };
        let quoted = serde_json::Value::String(next.to_owned()).to_string();
        self.area.set_line(format!("{}{quoted}{}", &line[..place.start], &line[place.end..]));
        self.look();
    }

    fn edit_key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let leaving = std::mem::take(&mut self.leaving);
        match key.code {
            KeyCode::Esc if self.changed() && !leaving => self.leaving = true,
            KeyCode::Esc => return Reply::close(),
            KeyCode::Tab => self.complete(),
            KeyCode::Char('s') if control => {
                if let Some(change) = self.check() {
                    let ticket = ctx.ticket();
                    let ask = Ask::Preview(self.execution, change.clone());
                    self.stage = Stage::Asking(ticket, change);
                    self.at.set(0);
                    let effects = vec![Effect::Load(ticket, Query::AboutExecutions(ask))];
                    return Reply { effects, ..Reply::default() };
                }
            }
            KeyCode::Char('e') if control => {
                self.stage = Stage::Away;
                return Reply { effects: vec![Effect::Outside(self.area.text())], ..Reply::default() };
            }
            KeyCode::Char('p') if control => {
                let effect = self.ask(ctx, !self.is_payload());
                return Reply { effects: vec![effect], ..Reply::default() };
            }
            _ => {
                if self.area.key(key) {
                    self.look();
                }
            }
        }
        Reply::stay()
    }

    fn sure_key(&mut self, key: KeyEvent) -> Reply {
        match keys::name(key).as_deref() {
            Some("Y") => {
                if let Stage::Sure(_, change) = &self.stage {
                    let wish = executions::Wish::Replay(self.execution, change.clone());
                    return Reply::then(vec![Effect::Do(Box::new(Wish::Executions(wish)))]);
                }
            }
            Some("Esc") => self.stage = Stage::Editing,
            Some("Down" | "j") => self.at.set(self.at.get() + 1),
            Some("Up" | "k") => self.at.set(self.at.get().saturating_sub(1)),
            _ => {}
        }
        Reply::stay()
    }

    fn title(&self) -> String {
        match &self.draft {
            None => format!("Edit and replay {}", self.execution),
            Some(draft) => format!("Edit and replay {}: {}", self.execution, draft.title),
        }
    }

    /// What stands below the text: what is wrong, what the field takes, what the keys do.
    fn below(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let say = |text: &str, style: Style| -> Vec<Line<'static>> {
            wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))).collect()
        };
        if self.leaving {
            return say("Esc again drops what you changed; any other key goes on.", theme.warn);
        }
        if let Some(problem) = self.problems.first() {
            let more = match self.problems.len() - 1 {
                0 => String::new(),
                more => format!(" And {more} more."),
            };
            return say(&format!("{problem}.{more}"), theme.error);
        }
        let here = self.here();
        let allowed = match (&here, &self.draft) {
            (Some((name, _)), Some(draft)) => draft.allowed(name),
            _ => Vec::new(),
        };
        if let Some((name, _)) = here.filter(|_| !allowed.is_empty()) {
            let some = allowed.iter().take(12).copied().collect::<Vec<_>>().join(", ");
            return say(
                &format!("{name} takes {some}{}", if allowed.len() > 12 { ", …" } else { "" }),
                theme.muted,
            );
        }
        let known = self.draft.as_ref().is_some_and(|draft| draft.schema.is_some());
        let text = if self.is_payload() {
            "The event as it was told. It is planned anew from this; records are read as they are now."
        } else if known {
            "Only what you change is kept as an edit. The original execution stays as it is."
        } else {
            "Nobody has read this vendor's fields yet (reknit drift), so only the JSON is checked."
        };
        say(text, theme.muted)
    }

    fn draw_text(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let below = self.below(ctx, usize::from(area.width));
        let height = area.height.saturating_sub(below.len() as u16 + 1);
        let (row, _) = self.area.cursor();
        let top = self.top.get().min(row).max((row + 1).saturating_sub(usize::from(height)));
        self.top.set(top);
        for line in 0..height {
            let at = top + usize::from(line);
            if at >= self.area.lines().len() {
                break;
            }
            let y = area.y + line;
            let bad = self.problems.iter().any(|problem| problem.line == at + 1);
            let style = if bad { theme.error } else { theme.faint };
            put(buffer, area.x, y, 5, &Line::from(span(format!("{:>4} ", at + 1), style)));
            let cells = area.width.saturating_sub(5);
            put(buffer, area.x + 5, y, cells, &self.area.line(theme, at, usize::from(cells)));
        }
        for (at, line) in below.iter().enumerate() {
            put(buffer, area.x, area.y + height + 1 + at as u16, area.width, line);
        }
    }
}

impl Layer for Edit {
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        match &self.stage {
            Stage::Editing => self.edit_key(ctx, key),
            Stage::Sure(..) => self.sure_key(key),
            Stage::Asking(..) | Stage::Away if key.code == KeyCode::Esc => {
                self.stage = Stage::Editing;
                Reply::stay()
            }
            Stage::Loading(_) | Stage::Failed(_) if key.code == KeyCode::Esc => Reply::close(),
            _ => Reply::stay(),
        }
    }

    fn paste(&mut self, text: &str) -> Reply {
        if matches!(self.stage, Stage::Editing) {
            self.area.paste(text);
            self.look();
        }
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        let at = self.at.get() as i64;
        self.at.set(at.saturating_add(by).max(0) as usize);
    }

    fn opened(&mut self, ctx: &Ctx) -> Vec<Effect> {
        vec![self.ask(ctx, false)]
    }

    fn told(&mut self, _ctx: &Ctx, told: LayerTold) {
        let LayerTold::Edited(answer) = told else { return };
        if !matches!(self.stage, Stage::Away) {
            return;
        }
        match answer {
            Ok(text) => {
                self.area = TextArea::with(text.trim_end());
                self.stage = Stage::Editing;
                self.look();
                if let Some(problem) = self.problems.first() {
                    self.area.go(problem.line - 1, problem.column - 1);
                }
            }
            Err(why) => self.stage = Stage::Failed(why),
        }
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        let asked = match &self.stage {
            Stage::Loading(asked) | Stage::Asking(asked, _) => *asked == ticket,
            _ => false,
        };
        match loaded {
            Loaded::AboutExecutions(told) if asked => match *told {
                Told::Draft(answer) => Ok(self.drafted(answer)),
                Told::Preview(answer) => {
                    let Stage::Asking(_, change) = &self.stage else { return Ok(Vec::new()) };
                    self.stage = match answer {
                        Ok(preview) => Stage::Sure(preview, change.clone()),
                        Err(why) => Stage::Failed(why),
                    };
                    Ok(Vec::new())
                }
                told => Err(Loaded::AboutExecutions(Box::new(told))),
            },
            loaded => Err(loaded),
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(match &self.stage {
            Stage::Editing => {
                let other = if self.is_payload() { "values instead" } else { "payload instead" };
                vec![
                    Hint::new("Ctrl-s", "show the calls"),
                    Hint::new("Esc", "cancel"),
                    Hint::new("Tab", "allowed value"),
                    Hint::new("Ctrl-e", "$EDITOR"),
                    Hint::new("Ctrl-p", other),
                ]
            }
            Stage::Sure(..) => {
                vec![Hint::new("Esc", "edit on"), Hint::new("Y", "replay"), Hint::new("↑↓", "scroll")]
            }
            _ => vec![Hint::new("Esc", "cancel")],
        })
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 110.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let lines = self.area.lines().len() as u16;
        let tall = match &self.stage {
            Stage::Editing | Stage::Away => lines.saturating_add(7).max(12),
            Stage::Sure(preview, _) => 14 + preview.calls.len() as u16 * 4,
            _ => 7,
        };
        let place = dialog(ctx, buffer, area, wide, tall);
        let state = match &self.stage {
            Stage::Editing if self.changed() => "changed",
            Stage::Sure(..) => "not sent yet",
            _ => "",
        };
        let inner = Panel::new(theme, &cut_end(&self.title(), cells.saturating_sub(14)), true)
            .right(Line::from(span(state, theme.warn)))
            .draw(theme, buffer, place);
        let body = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
        if inner.height < 3 {
            return;
        }
        let say = |text: &str, style: Style| -> Vec<Line<'static>> {
            wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))).collect()
        };
        match &self.stage {
            Stage::Editing => self.draw_text(ctx, buffer, body),
            Stage::Loading(_) => {
                scrolled(buffer, body, &say("Looking up what can be edited…", theme.muted), &self.at);
            }
            Stage::Away => {
                let text = "It is open in your editor. Save and close it there to come back; Esc takes it back here.";
                scrolled(buffer, body, &say(text, theme.muted), &self.at);
            }
            Stage::Asking(..) => {
                scrolled(buffer, body, &say("Asking what will be sent…", theme.muted), &self.at);
            }
            Stage::Failed(why) => {
                let mut lines = say("This cannot be replayed from here.", theme.error);
                lines.extend(say(why, theme.text));
                scrolled(buffer, body, &lines, &self.at);
            }
            Stage::Sure(preview, _) => {
                let lines = super::confirm::preview_lines_of(ctx, preview, cells);
                let text = Rect { height: body.height.saturating_sub(2), ..body };
                scrolled(buffer, text, &lines, &self.at);
                let y = inner.bottom() - 1;
                let (cancel, yes) = (" Esc Edit on ", "Y Replay");
                let yes_x = inner.right().saturating_sub(3 + width(yes) as u16);
                let cancel_x = yes_x.saturating_sub(3 + width(cancel) as u16);
                put(buffer, cancel_x, y, width(cancel) as u16, &Line::from(span(cancel, theme.tab)));
                ctx.target_key(Rect::new(cancel_x, y, width(cancel) as u16, 1), "Esc");
                let line = Line::from(vec![span("Y", theme.key), span(" Replay", theme.bold)]);
                put(buffer, yes_x, y, width(yes) as u16, &line);
                ctx.target_key(Rect::new(yes_x, y, width(yes) as u16, 1), "Y");
            }
        }
    }
}
