//! Writing the filtered rows to a file: how, how far it is, and where the file is. The pieces are written elsewhere.

use std::collections::BTreeSet;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Layer, Reply, dialog};
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::Effect;
use crate::console::export::{Ask, Format, Job, Told};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Loaded, Ticket};
use crate::console::panes::Screen;
use crate::console::panes::listing::{Chosen, Given, Listed};
use crate::console::text::{counted, cut_end, cut_middle, put, span, thousands, wrap};
use crate::console::widgets::boxes::Panel;
use crate::console::widgets::gauge::gauge;
use crate::console::widgets::list::mark_selected;
use crate::domain::filter::Filter;

const FORMATS: [(Format, &str); 2] = [
    (Format::Csv, "CSV, for a spreadsheet; formulas are marked as text"),
    (Format::Json, "JSON, with everything that is known of each row"),
];

#[derive(Debug)]
enum Stage {
    Choosing(usize),
    /// The page under way, and whether it is the last one wanted.
    Running {
        ticket: Ticket,
        job: Job,
        stopping: bool,
    },
    Finished(Job),
    Failed(String),
}

/// The dialog.
#[derive(Debug)]
pub struct Export {
    screen: Screen,
    filter: Filter,
    text: String,
    chosen: Option<Chosen>,
    total: u64,
    given: Option<Given>,
    stage: Stage,
}

impl Export {
    /// Of a list's filtered rows, or of the marked ones where some are marked.
    const fn new(screen: Screen, filter: Filter, text: String, chosen: Option<Chosen>, total: u64) -> Self {
        Self { screen, filter, text, chosen, total, given: None, stage: Stage::Choosing(0) }
    }

    /// Of a list as it is: the marked rows where some are, else what its filter lets through.
    pub fn of_list(list: &dyn Listed) -> Self {
        let chosen = (list.marked() > 0).then(|| list.subject());
        let filter = match &chosen {
            Some(Chosen::Matching { filter, .. }) => filter.clone(),
            _ => list.filter().clone(),
        };
        let given = list.given();
        Self { given, ..Self::new(list.screen(), filter, list.shape().filter, chosen, list.total()) }
    }

    fn count(&self) -> u64 {
        self.chosen.as_ref().map_or(self.total, Chosen::count)
    }

    fn begin(&mut self, ctx: &Ctx, format: Format) -> Reply {
        let mut job = Job::new(self.screen, self.filter.clone(), format, ctx.now);
        job.given = self.given.take();
        match &self.chosen {
            Some(Chosen::These(keys)) => job.only = Some(keys.iter().copied().collect::<BTreeSet<i64>>()),
            Some(Chosen::Matching { except, .. }) => job.except.clone_from(except),
            None => {}
        }
        Reply { effects: vec![self.page(ctx, job)], ..Reply::default() }
    }

    fn page(&mut self, ctx: &Ctx, job: Job) -> Effect {
        let ticket = ctx.ticket();
        self.stage = Stage::Running { ticket, job: job.clone(), stopping: false };
        Effect::Export(ticket, Box::new(Ask::Page(job)))
    }

    fn choose(&mut self, ctx: &Ctx, key: KeyEvent, at: usize) -> Reply {
        match keys::name(key).as_deref() {
            Some("Esc" | "q" | "X") => return Reply::close(),
            Some("Down" | "j" | "Tab") => self.stage = Stage::Choosing((at + 1).min(FORMATS.len() - 1)),
            Some("Up" | "k" | "Shift-Tab") => self.stage = Stage::Choosing(at.saturating_sub(1)),
            Some("Enter") => return self.begin(ctx, FORMATS[at].0),
            Some("1" | "c") => return self.begin(ctx, Format::Csv),
            Some("2" | "J") => return self.begin(ctx, Format::Json),
            _ => {}
        }
        Reply::stay()
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let mut lines = Vec::new();
        let mut say = |text: &str, style| {
            lines.extend(wrap(text, cells).into_iter().map(|line| Line::from(span(line, style))));
        };
        match &self.stage {
            Stage::Choosing(_) => {
                let which = if self.chosen.is_some() {
                    "The marked rows"
                } else {
                    "Every row the filter lets through"
                };
                let filter = if self.text.is_empty() { "no filter".to_owned() } else { self.text.clone() };
                say(
                    &format!("{which}: {} ({})", counted(self.count(), "row"), cut_end(&filter, 40)),
                    theme.text,
                );
                let holds = if self.given.is_some() { "Only" } else { "It holds personal data: only" };
                let where_to =
                    format!("Goes to the folder exports in the data folder. {holds} you may read it.");
                say(&where_to, theme.muted);
            }
            Stage::Running { job, stopping, .. } => {
                let share = job.written as f64 / self.count().max(1) as f64;
                let [full, rest] = gauge(theme, share, cells.saturating_sub(24).min(40), theme.accent);
                let text = format!("{} rows  ", thousands(job.written));
                lines.push(Line::from(vec![span(text, theme.bold), full, rest]));
                let words = if *stopping {
                    "It stops after this page."
                } else {
                    "Esc stops it and takes the file away."
                };
                lines.push(Line::from(span(words, theme.muted)));
            }
            Stage::Finished(job) => {
                say(&format!("{} written.", counted(job.written, "row")), theme.ok);
                say(&cut_middle(&job.path.display().to_string(), cells), theme.text);
                say("y copies the name.", theme.muted);
            }
            Stage::Failed(why) => say(why, theme.error),
        }
        lines
    }
}

impl Layer for Export {
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        match &mut self.stage {
            Stage::Choosing(at) => {
                let at = *at;
                self.choose(ctx, key, at)
            }
            Stage::Running { stopping, .. } => {
                // What is under way is waited for, so that no half file is left behind.
                *stopping |= keys::name(key).as_deref() == Some("Esc");
                Reply::stay()
            }
            Stage::Finished(job) => match keys::name(key).as_deref() {
                Some("Esc" | "Enter" | "q") => Reply::close(),
                Some("y") => {
                    let copy = Effect::Copy(job.path.display().to_string());
                    Reply { effects: vec![copy], ..Reply::default() }
                }
                _ => Reply::stay(),
            },
            Stage::Failed(_) => match keys::name(key).as_deref() {
                Some("Esc" | "Enter" | "q") => Reply::close(),
                _ => Reply::stay(),
            },
        }
    }

    fn click(&mut self, at: usize) {
        if matches!(self.stage, Stage::Choosing(_)) {
            self.stage = Stage::Choosing(at.min(FORMATS.len() - 1));
        }
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(match &self.stage {
            Stage::Choosing(_) => {
                vec![Hint::new("Enter", "write"), Hint::new("↑↓", "choose"), Hint::new("Esc", "cancel")]
            }
            Stage::Running { .. } => vec![Hint::new("Esc", "stop")],
            Stage::Finished(_) => vec![Hint::new("Esc", "close"), Hint::new("y", "copy the name")],
            Stage::Failed(_) => vec![Hint::new("Esc", "close")],
        })
    }

    fn loaded(&mut self, ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        let Loaded::Export(told) = loaded else { return Err(loaded) };
        match (&self.stage, *told) {
            (Stage::Running { ticket: asked, stopping, .. }, Told::Went(answer)) if *asked == ticket => {
                match answer {
                    Ok(job) if job.finished => {
                        self.stage = Stage::Finished(job);
                        Ok(Vec::new())
                    }
                    Ok(job) if *stopping => {
                        self.stage = Stage::Failed("Stopped. No file was left behind.".to_owned());
                        Ok(vec![Effect::Export(ctx.ticket(), Box::new(Ask::Drop(job)))])
                    }
                    Ok(job) => Ok(vec![self.page(ctx, job)]),
                    Err(why) => {
                        self.stage = Stage::Failed(why);
                        Ok(Vec::new())
                    }
                }
            }
            (_, told) => Err(Loaded::Export(Box::new(told))),
        }
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let theme = &ctx.theme;
        let wide = 78.min(area.width.saturating_sub(2));
        let cells = usize::from(wide.saturating_sub(6));
        let lines = self.lines(ctx, cells);
        let choices = if matches!(self.stage, Stage::Choosing(_)) { FORMATS.len() as u16 + 1 } else { 0 };
        let place = dialog(ctx, buffer, area, wide, lines.len() as u16 + choices + 2);
        let title = format!("Export {}", self.screen.title().to_lowercase());
        let inner = Panel::new(theme, &title, true).draw(theme, buffer, place);
        for (index, line) in lines.iter().enumerate() {
            put(buffer, inner.x + 2, inner.y + index as u16, cells as u16, line);
        }
        let Stage::Choosing(at) = self.stage else { return };
        for (index, (_, words)) in FORMATS.iter().enumerate() {
            let y = inner.y + (lines.len() + 1 + index) as u16;
            if y >= inner.bottom() {
                return;
            }
            let line = Line::from(vec![
                span(format!("{} ", index + 1), theme.key),
                span(cut_end(words, cells.saturating_sub(2)), theme.text),
            ]);
            put(buffer, inner.x + 2, y, cells as u16, &line);
            let whole = Rect::new(inner.x, y, inner.width, 1);
            ctx.target(whole, Target::Choice(index));
            if index == at {
                mark_selected(theme, buffer, whole, true);
            }
        }
    }
}
