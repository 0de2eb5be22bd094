//! Screen 2: executions, newest first, and beside them what happened, why, and what mends it; or the causes of failures.
//!
//! | file | subject |
//! |---|---|
//! | `asks` | what is asked beyond the rows |
//! | `doing` | what the keys do, and why not |
//! | `fixing` | what `f` does about a failure |
//! | `columns` | the list's columns |
//! | `boxes` | the detail and the third box, drawn |
//! | `causes` | one row for each cause |
//! | `sheet` | lines one walks through: folding JSON, doors |
//! | `around` | calls, event, related as such lines |
//! | `diff` | what two bodies differ in |
//!
//! Never retries by itself and never hides a failure: it only asks the operator module and shows its answer.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::execution_detail::Tab;
use super::listing::{self, Listed};
use super::parts::{self, Frame};
use super::window::{Row, Window};
use super::{Focus, Pane, Screen, split};
use crate::console::actions::Action;
use crate::console::ctx::{Ctx, Target};
use crate::console::effect::{Effect, Query};
use crate::console::keys;
use crate::console::layers::toast::Tone;
use crate::console::msg::{Loaded, Msg, Ticket};
use crate::console::session::Kept;
use crate::domain::execution::{Execution, ExecutionDetail};
use crate::domain::filter::Filter;
use crate::domain::ids::ExecutionId;
use crate::domain::team::Item;

mod around;
pub mod asks;
mod boxes;
mod causes;
mod columns;
mod diff;
mod doing;
pub(in crate::console) mod fixing;
mod sheet;

use asks::{Around, Ask, Told};
use causes::Causes;
use columns::COLUMNS;
use sheet::{Sheet, Way};

/// What needs or awaits something; Esc shows everything.
const OPEN: &str = "status:open";

/// From how many columns on a third box stands beside the detail.
const THREE: u16 = 160;

impl Row for Execution {
    fn key(&self) -> i64 {
        self.id.0
    }

    fn item(&self) -> Option<Item> {
        Some(Item::Execution(self.id))
    }
}

/// The screen's state.
#[derive(Debug)]
pub struct Executions {
    window: Window<Execution>,
    focus: Focus,
    tab: Tab,
    detail: Option<Box<ExecutionDetail>>,
    around: Option<(ExecutionId, Box<Around>)>,
    asked: Option<(Ticket, ExecutionId)>,
    asked_around: Option<Ticket>,
    page: Option<Ticket>,
    gone: Option<ExecutionId>,
    scroll: Cell<usize>,
    /// The lines of a tab that one walks through.
    sheet: Option<Sheet>,
    /// Only what differs between two tries.
    compared: bool,
    /// Causes in the place of executions.
    causes: Option<Causes>,
}

impl Default for Executions {
    fn default() -> Self {
        Self {
            window: Window::new(Screen::Executions).of(&COLUMNS).filtered(OPEN),
            focus: Focus::List,
            tab: Tab::Explain,
            detail: None,
            around: None,
            asked: None,
            asked_around: None,
            page: None,
            gone: None,
            scroll: Cell::new(0),
            sheet: None,
            compared: false,
            causes: None,
        }
    }
}

impl Executions {
    /// The marked executions, else the selected one.
    fn chosen(&self) -> Vec<ExecutionId> {
        if self.window.marks().is_empty() {
            return self.window.current().map(|row| row.id).into_iter().collect();
        }
        self.window.marks().iter().map(|key| ExecutionId(*key)).collect()
    }

    /// The detail of the selected execution, once it is loaded.
    fn known(&self) -> Option<&ExecutionDetail> {
        let id = self.window.current()?.id;
        self.detail.as_deref().filter(|detail| detail.execution.id == id)
    }

    fn known_around(&self) -> Option<&Around> {
        let id = self.window.current()?.id;
        self.around.as_ref().filter(|(of, _)| *of == id).map(|(_, around)| &**around)
    }

    /// Loads the selected execution whole; only the newest question counts.
    fn look(&mut self, ctx: &Ctx, again: bool) -> Vec<Effect> {
        let Some(id) = self.window.current().map(|row| row.id) else { return Vec::new() };
        let shown = self.detail.as_ref().is_some_and(|detail| detail.execution.id == id);
        let asked = self.asked.is_some_and(|(_, asked)| asked == id);
        if !again && (shown || asked) {
            return Vec::new();
        }
        if !shown {
            self.scroll.set(0);
            self.sheet = None;
        }
        let ticket = ctx.ticket();
        self.asked = Some((ticket, id));
        vec![Effect::Load(ticket, Query::Execution(id))]
    }

    /// Lays the lines of the tab out anew, where it has such lines.
    fn lay_out(&mut self, ctx: &Ctx) {
        let Some(row) = self.window.current() else { return };
        let before = self.sheet.as_ref();
        let sheet = match (self.tab, self.known()) {
            (Tab::Related, _) => Some(around::related(ctx, row, self.known_around())),
            (Tab::Calls, Some(detail)) if self.compared => Some(around::compared(ctx, detail)),
            (Tab::Calls, Some(detail)) => Some(around::calls(ctx, detail)),
            (Tab::Event, Some(detail)) => Some(around::event(ctx, detail)),
            _ => None,
        };
        self.sheet = sheet.map(|sheet| sheet.at_place_of(before));
    }

    fn show(&mut self, ctx: &Ctx, tab: Tab) {
        if tab != self.tab {
            self.tab = tab;
            self.scroll.set(0);
            self.sheet = None;
        }
        self.lay_out(ctx);
    }

    fn turn(&mut self, ctx: &Ctx, by: usize) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        self.show(ctx, Tab::ALL[(at + by) % Tab::ALL.len()]);
    }

    /// Right or left: folds in a tree, else the next tab.
    fn aside(&mut self, ctx: &Ctx, right: bool) {
        let open = self.sheet.as_ref().filter(|_| self.focus == Focus::Detail).and_then(Sheet::is_open);
        if let (Some(open), Some(sheet)) = (open, &mut self.sheet)
            && open != right
        {
            sheet.toggle();
            return;
        }
        self.turn(ctx, if right { 1 } else { Tab::ALL.len() - 1 });
    }

    fn follow(&mut self, ctx: &Ctx, way: &Way) -> Vec<Effect> {
        match way {
            Way::Execution(id) => {
                self.focus = Focus::List;
                self.show(ctx, Tab::Explain);
                vec![Effect::Go(Screen::Executions, Some(format!("id:{id}")))]
            }
            Way::Item(id) => {
                let screen = match id.split('_').next() {
                    Some("cf") => Screen::Conflicts,
                    Some("du") => Screen::Duplicates,
                    _ => Screen::Unlinked,
                };
                vec![Effect::Go(screen, Some(format!("id:{id}")))]
            }
            Way::Record(record) => self.open_page(ctx, record.clone()),
        }
    }

    /// Enter: into the detail; there into what the line leads to, or folds.
    fn open(&mut self, ctx: &Ctx) -> Vec<Effect> {
        if let Some(causes) = &self.causes {
            let Some(text) = causes.current().map(|cause| format!("cause:{}", cause.cause)) else {
                return Vec::new();
            };
            self.causes = None;
            self.focus = Focus::List;
            let filter = Filter::parse(&text).unwrap_or_default();
            return self.window.set_filter(ctx, text, filter).into_iter().collect();
        }
        if self.focus == Focus::List {
            self.focus = Focus::Detail;
            return Vec::new();
        }
        let way = self.sheet.as_ref().and_then(|sheet| sheet.way().cloned());
        match way {
            Some(way) => self.follow(ctx, &way),
            None => {
                if let Some(sheet) = &mut self.sheet {
                    sheet.toggle();
                }
                Vec::new()
            }
        }
    }

    fn told(&mut self, ctx: &Ctx, ticket: Ticket, told: Told) -> Vec<Effect> {
        match told {
            Told::Around(id, Ok(Some(around))) if self.asked_around == Some(ticket) => {
                self.asked_around = None;
                if self.around.as_ref().is_none_or(|(of, known)| *of != id || *known != around) {
                    self.around = Some((id, around));
                    if self.tab == Tab::Related {
                        self.lay_out(ctx);
                    }
                }
            }
            Told::Causes(answer) => {
                if let Some(causes) = &mut self.causes {
                    causes.take(ticket, answer);
                }
            }
            Told::Page(answer) if self.page == Some(ticket) => {
                self.page = None;
                // Copied, never opened: the console may run at the far end of ssh, where a browser would open for nobody,
                // and a program that is started with an address out of a record is one more way in. Nor is it drawn as a
                // hyperlink of the terminal (OSC 8): what is drawn are cells, a sequence inside one is measured as text,
                // sent again in part when only some cells differ, and left open where a cell is cut; every text that
                // reaches a cell has its escapes taken out for the same reason. Terminals find a plain address themselves.
                return match answer {
                    Ok(url) => vec![Effect::Copy(url)],
                    Err(why) => vec![Effect::Toast(Tone::Warning, format!("No page can be opened: {why}."))],
                };
            }
            _ => {}
        }
        Vec::new()
    }

    fn loaded(&mut self, ctx: &Ctx, id: ExecutionId, found: Option<Box<ExecutionDetail>>) -> Vec<Effect> {
        let Some(detail) = found else {
            self.gone = Some(id);
            return Vec::new();
        };
        self.window.edit(id.0, |row| *row = detail.execution.clone());
        let recipe = detail.execution.recipe.clone();
        let same = self.detail.as_ref() == Some(&detail);
        self.detail = Some(detail);
        self.gone = None;
        if !same || self.sheet.is_none() {
            self.lay_out(ctx);
        }
        // Asked only now: nobody who runs through the list wants to know it of every row.
        if self.window.selected() != Some(id.0) {
            return Vec::new();
        }
        let ticket = ctx.ticket();
        self.asked_around = Some(ticket);
        vec![Effect::Load(ticket, Query::AboutExecutions(Ask::Around(id, recipe)))]
    }

    /// Keys that move in what has the focus.
    fn step(&mut self, ctx: &Ctx, action: Action) -> Vec<Effect> {
        match (self.focus, &mut self.causes, &mut self.sheet) {
            (Focus::List, Some(causes), _) => causes.step(action),
            (Focus::List, None, _) => return self.window.step(ctx, action),
            (Focus::Detail, None, Some(sheet)) => sheet.step(action),
            (Focus::Detail, ..) => super::scroll_as(&self.scroll, action),
        }
        Vec::new()
    }

    fn group(&mut self, ctx: &Ctx) -> Vec<Effect> {
        self.focus = Focus::List;
        self.scroll.set(0);
        if self.causes.take().is_some() {
            return Vec::new();
        }
        self.causes.insert(Causes::default()).ask(ctx)
    }

    fn click(&mut self, ctx: &Ctx, target: &Target, double: bool) -> Vec<Effect> {
        match target {
            Target::Detail => self.focus = Focus::Detail,
            Target::Row(at) => {
                match &mut self.causes {
                    Some(causes) => causes.click(*at),
                    None => drop(self.window.click(*at)),
                }
                self.focus = Focus::List;
                if double {
                    return self.open(ctx);
                }
            }
            Target::Tab(at) => {
                if let Some(tab) = Tab::ALL.get(*at) {
                    self.show(ctx, *tab);
                }
                self.focus = Focus::Detail;
            }
            Target::List => self.focus = Focus::List,
            Target::Choice(line) => {
                self.focus = Focus::Detail;
                if let Some(sheet) = &mut self.sheet {
                    sheet.click(*line);
                }
                if double {
                    return self.open(ctx);
                }
            }
            _ => {}
        }
        Vec::new()
    }
}

impl Pane for Executions {
    fn update(&mut self, ctx: &Ctx, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        match msg {
            Msg::Act(action) if keys::moves(action) => effects = self.step(ctx, action),
            Msg::Act(Action::Mark) if self.focus == Focus::Detail && self.sheet.is_some() => {
                if let Some(sheet) = &mut self.sheet {
                    sheet.toggle();
                }
            }
            Msg::Act(action) if self.causes.is_none() && listing::concerns(action) => {
                effects = self.window.act(ctx, action);
            }
            Msg::List(change) => effects = self.window.change(ctx, *change),
            Msg::Loaded(ticket, Loaded::Keys(_, keys)) => return self.window.keys(ticket, keys),
            Msg::Act(Action::Open) => effects = self.open(ctx),
            Msg::Act(Action::NextBox | Action::PreviousBox) => self.focus = self.focus.other(),
            Msg::Act(Action::NextTab) => self.aside(ctx, true),
            Msg::Act(Action::PreviousTab) => self.aside(ctx, false),
            Msg::Act(Action::GroupByCause) => effects = self.group(ctx),
            Msg::Act(Action::OnlyDifferent) => {
                self.compared = self.tab != Tab::Calls || !self.compared;
                self.tab = Tab::Calls;
                self.sheet = None;
                self.lay_out(ctx);
            }
            Msg::Act(Action::Copy) => {
                let inside =
                    self.sheet.as_ref().filter(|_| self.focus == Focus::Detail).and_then(Sheet::value);
                let id = || self.window.current().map(|row| row.id.to_string());
                return inside.or_else(id).map(Effect::Copy).into_iter().collect();
            }
            Msg::Act(action) => return self.act(ctx, action).unwrap_or_default(),
            Msg::Shown | Msg::Refresh => {
                effects.extend(self.window.refresh(ctx));
                effects.extend(self.look(ctx, true));
                if let Some(causes) = &mut self.causes {
                    effects.extend(causes.ask(ctx));
                }
            }
            Msg::Filter(text, filter) => {
                self.causes = None;
                effects.extend(self.window.set_filter(ctx, text, filter));
            }
            Msg::Select(key) => effects.extend(self.window.select(ctx, key)),
            Msg::Loaded(ticket, Loaded::Executions(page)) => {
                effects.extend(self.window.answer(ctx, ticket, page).1);
            }
            Msg::Loaded(ticket, Loaded::AboutExecutions(told)) => return self.told(ctx, ticket, *told),
            Msg::Loaded(ticket, Loaded::Execution(id, answer)) => {
                if self.asked.is_some_and(|(asked, _)| asked == ticket) {
                    self.asked = None;
                    // The rows say that the journal cannot be read; saying it twice helps nobody.
                    if let Ok(found) = answer {
                        return self.loaded(ctx, id, found);
                    }
                }
                return Vec::new();
            }
            Msg::Click(target, double) => effects = self.click(ctx, &target, double),
            Msg::Wheel(Target::Detail | Target::Tab(_) | Target::Choice(_), by) => match &mut self.sheet {
                Some(sheet) => sheet.shift(by),
                None => super::scroll_by(&self.scroll, by),
            },
            Msg::Wheel(_, by) => match &mut self.causes {
                Some(causes) => causes.shift(by.signum()),
                None => effects = self.window.shift(ctx, by),
            },
            _ => {}
        }
        effects.extend(self.look(ctx, false));
        effects
    }

    fn draw(&self, ctx: &Ctx, buffer: &mut Buffer, area: Rect) {
        let three = ctx.size.0 >= THREE && self.causes.is_none();
        let context = if three { area.width * 3 / 10 } else { 0 };
        let two = Rect { width: area.width - context, ..area };
        let list_width = match ctx.size.0 {
            200.. => two.width * 3 / 5,
            THREE.. => two.width / 2,
            _ => two.width * 27 / 50,
        };
        let (list, detail) = split(ctx, two, self.focus, list_width);
        if three {
            let place = Rect { x: two.right(), width: context, ..area };
            self.draw_context(ctx, buffer, place);
        }
        if let Some(list) = list {
            let focused = self.focus == Focus::List;
            match &self.causes {
                Some(causes) => causes.draw_list(ctx, buffer, list, focused),
                None => {
                    let frame = Frame {
                        title: "Executions",
                        order: "newest first",
                        columns: &COLUMNS,
                        nothing: if self.window.text() == OPEN {
                            "Nothing needs you, and nothing waits.\nEsc shows every execution."
                        } else {
                            "No executions yet.\nThey appear with the first webhook or poll; reknit doctor checks \
                             the connections."
                        },
                        focused,
                        below: self.below(ctx),
                    };
                    parts::list(ctx, buffer, list, &frame, &self.window, |row| self.cells(ctx, row));
                }
            }
        }
        if let Some(detail) = detail {
            self.draw_detail(ctx, buffer, detail);
        }
    }

    fn can(&self, action: Action) -> Result<(), String> {
        self.refusal(action)
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn back(&mut self, ctx: &Ctx) -> Option<Vec<Effect>> {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
            return Some(Vec::new());
        }
        if self.causes.take().is_some() || self.window.clear_marks() {
            return Some(Vec::new());
        }
        super::clear_filter(&mut self.window, ctx)
    }

    fn filter(&self) -> &str {
        self.window.typed()
    }

    fn list(&self) -> Option<&dyn Listed> {
        Some(&self.window)
    }

    fn personal(&self) -> Option<(String, Vec<String>)> {
        let row = self.window.current()?;
        Some((row.id.to_string(), vec![row.subject.clone()]))
    }

    fn selected(&self) -> Option<i64> {
        self.window.selected()
    }

    fn kept(&self) -> Kept {
        // Also that it shows everything, which is not what it opens with.
        Kept { filter: self.window.text().to_owned(), selected: self.selected(), ..Kept::default() }
    }

    fn loaded_items(&self) -> Vec<Item> {
        self.window.items()
    }

    fn items(&self) -> Vec<String> {
        self.chosen().iter().map(ToString::to_string).collect()
    }
}
