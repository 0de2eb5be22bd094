//! A question for one line and, below it, what came of the answer: a recipe tried on a person, or an edited mapping held
//! against the one in force. Nothing is sent or stored from here, whatever is typed.

use std::cell::Cell;
use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::input::TextLine;
use super::reading::{Paragraph, Weight, draw, scrolls, set, wheel};
use super::{Layer, Reply};
use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::footer::Hint;
use crate::console::keys;
use crate::console::msg::{Answer, Loaded, Ticket};
use crate::console::panes::recipes::asks::{Ask, MOST, Told};
use crate::console::text::{counted, span, thousands};
use crate::engine::operate::drafts::Planned;
use crate::engine::operate::trial::Trial;
use crate::engine::why_not::Verdict;

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A recipe, on somebody.
    Recipe(String),
    /// A mapping's file, against the one in force.
    Mapping(String),
}

/// What came of it.
#[derive(Debug)]
enum Came {
    Tried(Box<Trial>),
    Planned(Box<Planned>),
}

/// The layer.
#[derive(Debug)]
pub struct Trying {
    subject: Subject,
    line: TextLine,
    asked: Option<Ticket>,
    told: Option<Answer<Came>>,
    /// What the answer is about; the line may have been changed since.
    about: String,
    at: Cell<usize>,
}

impl Trying {
    /// Something to try, with what the line begins with.
    pub fn new(subject: Subject, begin: &str) -> Self {
        Self {
            subject,
            line: TextLine::with(begin),
            asked: None,
            told: None,
            about: String::new(),
            at: Cell::new(0),
        }
    }

    fn ask(&mut self, ctx: &Ctx) -> Vec<Effect> {
        let text = self.line.text().trim().to_owned();
        if text.is_empty() {
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked = Some(ticket);
        self.told = None;
        self.at.set(0);
        self.about.clone_from(&text);
        let ask = match &self.subject {
            Subject::Recipe(name) => Ask::Try(name.clone(), text),
            Subject::Mapping(_) => Ask::Plan(PathBuf::from(text)),
        };
        vec![Effect::Load(ticket, Query::Recipes(ask))]
    }

    fn lines(&self, ctx: &Ctx, cells: usize) -> Vec<Line<'static>> {
        let theme = &ctx.theme;
        let label = match self.subject {
            Subject::Recipe(_) => "On whom: an e-mail, a record as hubspot/contact/151, or pe_3",
            Subject::Mapping(_) => "The edited mapping: the path of its file (e writes a draft to edit)",
        };
        let mut typed = vec![span("› ", theme.key)];
        typed.extend(self.line.spans(ctx, cells.saturating_sub(2)));
        let mut lines = vec![Line::from(span(label, theme.muted)), Line::from(typed), Line::default()];
        let paragraphs = match (&self.told, self.asked) {
            (None, None) => vec![Paragraph::new(
                Weight::Muted,
                match self.subject {
                    Subject::Recipe(_) => {
                        "Enter shows what it would do for them: the gates, and the exact calls."
                    }
                    Subject::Mapping(_) => {
                        "Enter shows for how many people which field would come out otherwise."
                    }
                },
            )],
            (None, Some(_)) => vec![Paragraph::new(
                Weight::Muted,
                match self.subject {
                    Subject::Recipe(_) => "Gathering what the recipe wants to know…",
                    Subject::Mapping(_) => "Judging everybody who was told of in the last 30 days…",
                },
            )],
            (Some(Err(why)), _) => vec![
                Paragraph::new(Weight::Bad, "Nothing was tried, nothing was sent."),
                Paragraph::new(Weight::Plain, why.clone()),
            ],
            (Some(Ok(Came::Tried(trial))), _) => tried(trial),
            (Some(Ok(Came::Planned(planned))), _) => plan(planned),
        };
        lines.extend(set(theme, &paragraphs, cells));
        lines
    }
}

fn tried(trial: &Trial) -> Vec<Paragraph> {
    let source = if trial.live {
        "read at the vendors just now"
    } else {
        "by Reknit's copies; what would be looked up at a vendor counts as not found"
    };
    let mut told = vec![
        Paragraph::new(Weight::Bold, format!("{} for {}", trial.recipe, trial.subject)),
        Paragraph::new(Weight::Muted, format!("Begins with {}, {source}.", trial.record.title())),
        Paragraph::gap(),
    ];
    let first = trial.gates.iter().position(|gate| gate.verdict == Verdict::Stopped);
    for (at, gate) in trial.gates.iter().enumerate() {
        let (glyph, weight) = match gate.verdict {
            Verdict::Passed => ("✓", Weight::Plain),
            Verdict::Stopped if first == Some(at) => ("✗", Weight::Bad),
            Verdict::Stopped => ("✗", Weight::Warning),
            Verdict::NotReached => ("–", Weight::Muted),
        };
        told.push(Paragraph::labelled(&format!("{glyph} {}", gate.gate), weight, gate.sentence.clone()));
    }
    told.push(Paragraph::gap());
    match trial.calls.len() as u64 {
        0 => told.push(Paragraph::new(Weight::Bold, "No call would be sent.")),
        many => told.push(Paragraph::new(Weight::Bold, format!("Would send {}", counted(many, "call")))),
    }
    for (place, step) in trial.steps.iter().enumerate() {
        told.push(Paragraph::new(Weight::Plain, format!("{}. {step}", place + 1)));
    }
    for call in &trial.calls {
        let host = call.host.trim_start_matches("https://").trim_start_matches("http://");
        told.push(Paragraph::labelled(&call.method, Weight::Bold, format!("{host}{}", call.path)));
        if let Some(body) = &call.body {
            told.push(Paragraph::labelled(" ", Weight::Muted, body.to_string().replace(",\"", ", \"")));
        }
    }
    if !trial.notes.is_empty() {
        told.push(Paragraph::gap());
    }
    told.extend(trial.notes.iter().map(|note| Paragraph::new(Weight::Muted, note.clone())));
    if !trial.reads.is_empty() {
        told.push(Paragraph::gap());
        let words = format!("{} to find out:", counted(trial.reads.len() as u64, "call"));
        told.push(Paragraph::new(Weight::Muted, words));
        told.extend(trial.reads.iter().map(|read| Paragraph::new(Weight::Muted, read.clone())));
    }
    told.push(Paragraph::gap());
    told.push(Paragraph::new(Weight::Muted, "Nothing was sent and nothing was stored."));
    told
}

fn plan(planned: &Planned) -> Vec<Paragraph> {
    let rehearsal = &planned.rehearsal;
    let changed: u64 = rehearsal.fields.iter().map(|field| field.changed).sum();
    let fields = rehearsal.fields.iter().filter(|field| field.changed > 0).count() as u64;
    let mut told = vec![
        Paragraph::new(
            Weight::Bold,
            format!(
                "{} would come out otherwise, in {}",
                counted(changed, "value"),
                counted(fields, "field")
            ),
        ),
        Paragraph::new(
            Weight::Muted,
            format!(
                "{} judged, told of in the last 30 days{}; {} without another side.",
                counted(rehearsal.pairs, "person").replace("persons", "people"),
                if rehearsal.capped {
                    format!(" (the first {}; reknit mapping plan judges all)", thousands(MOST))
                } else {
                    String::new()
                },
                thousands(rehearsal.alone)
            ),
        ),
        Paragraph::gap(),
    ];
    for field in rehearsal.fields.iter().filter(|field| field.changed > 0) {
        let mut more = Vec::new();
        if field.new_conflicts > 0 {
            more.push(format!("+{} new conflicts", thousands(field.new_conflicts)));
        }
        if field.fewer_conflicts > 0 {
            more.push(format!("-{} settled", thousands(field.fewer_conflicts)));
        }
        let more = if more.is_empty() { String::new() } else { format!(" · {}", more.join(" · ")) };
        let words = format!("{}: {}{more}", field.field, counted(field.changed, "record"));
        let weight = if field.new_conflicts > 0 { Weight::Warning } else { Weight::Plain };
        told.push(Paragraph::new(weight, words));
        for example in &field.examples {
            let words = format!("  {}: {} → {}", example.subject, example.before, example.after);
            told.push(Paragraph::new(Weight::Muted, words));
        }
    }
    told.push(Paragraph::gap());
    told.push(Paragraph::labelled("Against", Weight::Plain, planned.name.clone()));
    if planned.lines.is_empty() {
        told.push(Paragraph::new(Weight::Plain, "The file says what is in force already, line by line."));
    }
    told.extend(planned.lines.iter().map(|line| signed(line)));
    told.push(Paragraph::gap());
    told.push(Paragraph::new(Weight::Muted, "Nothing was written, nobody was called."));
    told
}

/// A line of a difference.
pub fn signed(line: &str) -> Paragraph {
    let weight = match line.as_bytes().first() {
        Some(b'+') => Weight::Good,
        Some(b'-') => Weight::Bad,
        _ => Weight::Muted,
    };
    Paragraph::new(weight, line)
}

impl Layer for Trying {
    fn key(&mut self, ctx: &Ctx, key: KeyEvent) -> Reply {
        let name = keys::name(key);
        match name.as_deref() {
            Some("Esc") => return Reply::close(),
            Some("Enter") => {
                let effects = self.ask(ctx);
                return Reply { effects, ..Reply::default() };
            }
            // Letters are for the line; only these scroll.
            Some(name @ ("Down" | "Up" | "PgDn" | "PgUp" | "Ctrl-d")) => {
                scrolls(&self.at, Some(name));
            }
            _ => {
                self.line.key(key);
            }
        }
        Reply::stay()
    }

    fn paste(&mut self, text: &str) -> Reply {
        self.line.paste(text);
        Reply::stay()
    }

    fn wheel(&mut self, by: i64) {
        wheel(&self.at, by);
    }

    fn loaded(&mut self, _ctx: &Ctx, ticket: Ticket, loaded: Loaded) -> Result<Vec<Effect>, Loaded> {
        match loaded {
            Loaded::Recipes(told) if self.asked == Some(ticket) => {
                self.asked = None;
                self.told = match *told {
                    Told::Try(answer) => Some(answer.map(Came::Tried)),
                    Told::Plan(answer) => Some(answer.map(Came::Planned)),
                    _ => None,
                };
                Ok(Vec::new())
            }
            loaded => Err(loaded),
        }
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let cells = usize::from(96.min(area.width.saturating_sub(2)).saturating_sub(6));
        let title = match &self.subject {
            Subject::Recipe(name) => format!("Dry run: {name}"),
            Subject::Mapping(name) => format!("Plan the mapping {name}"),
        };
        let right = if self.told.is_some() { self.about.as_str() } else { "" };
        draw(ctx, buffer, area, &title, right, &self.lines(ctx, cells), &self.at, None);
    }

    fn hints(&self) -> Option<Vec<Hint>> {
        Some(vec![Hint::new("Enter", "try"), Hint::new("Esc", "close"), Hint::new("↑↓", "scroll")])
    }
}
