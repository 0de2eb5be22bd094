//! What the keys of screen 2 do to executions, and why they cannot now. What is grave only opens its question.

use super::Executions;
use super::asks::Ask;
use super::fixing::{self, Fixing};
use crate::console::actions::Action;
use crate::console::bulk::Deed;
use crate::console::ctx::Ctx;
use crate::console::curl;
use crate::console::effect::{Effect, Query};
use crate::console::layers::Over;
use crate::console::layers::bulk::Bulk;
use crate::console::layers::choice::Choice;
use crate::console::layers::confirm::Pending;
use crate::console::layers::edit::{Edit, How};
use crate::console::layers::gates::Gates;
use crate::console::layers::menu::{Entry, Menu};
use crate::console::layers::prompt::{Purpose, Question};
use crate::console::layers::toast::Tone;
use crate::console::panes::{Screen, pausing};
use crate::console::text::counted;
use crate::console::wishes::{Wish as AnyWish, executions::Wish};
use crate::domain::clock::Timestamp;
use crate::domain::execution::{Execution, PROBE, Status};
use crate::domain::ids::ExecutionId;
use crate::domain::record::RecordRef;
use crate::domain::review::Decision;
use crate::domain::trouble::{advise, without_console};
use crate::domain::undo::MERGING;

fn wish(wish: Wish) -> Vec<Effect> {
    vec![Effect::Do(Box::new(AnyWish::Executions(wish)))]
}

impl Executions {
    /// Carries out an action of this screen; none when it is not one.
    pub(super) fn act(&mut self, ctx: &Ctx, action: Action) -> Option<Vec<Effect>> {
        let row = self.window.current()?.clone();
        Some(match action {
            Action::Retry => self.retry(),
            Action::RetryFromStart => match self.window.several() {
                Some(chosen) => vec![Bulk::open(Deed::FromStart, chosen)],
                None => self.whole_again(),
            },
            Action::Fix => self.fix(ctx, &row),
            Action::Replay => over(Edit::of(row.id, How::Here)),
            Action::ReplayOutside => over(Edit::of(row.id, How::Outside)),
            Action::Probe => wish(Wish::Probe(row.id)),
            Action::Hold if self.window.marked() > 0 => self.hold_marked(),
            Action::Snooze if self.window.marked() > 0 => self.snooze_marked(ctx),
            Action::Hold if row.status == Status::Held => wish(Wish::TakeUp(self.chosen())),
            Action::Hold => wish(Wish::Aside(self.chosen(), None)),
            Action::Snooze => {
                let ids = self.chosen();
                let title = format!("Put {} off", counted(ids.len() as u64, "execution"));
                let entry = |(words, at)| (words, AnyWish::Executions(Wish::Aside(ids.clone(), Some(at))));
                over(Choice::new(title, times(ctx).into_iter().map(entry).collect()))
            }
            Action::PauseRecipe => self.pause(&row),
            Action::Discard if self.window.marked() > 0 => {
                let deed = Deed::Discard(String::new());
                self.window.several().map(|chosen| Bulk::open(deed, chosen)).into_iter().collect()
            }
            Action::Discard => {
                let ids = self.chosen();
                let subjects = self.subjects(&ids);
                vec![Effect::Ask(Box::new(Question::new(Purpose::Reason { ids, subjects })))]
            }
            Action::UndoMerge => {
                let title = format!("Take back the merge of {}", row.subject);
                let decision = Decision::UndoMerge { merge: row.id };
                vec![Effect::Confirm(Box::new(Pending::Decide { decision, title }))]
            }
            Action::MarkSame => self.mark_same(&row),
            Action::WhyStopped => match &row.record {
                Some(record) => over(Gates::of(format!("Why: {}", row.subject), record.clone())),
                None => Vec::new(),
            },
            Action::OpenPage => match self.record_here() {
                Some(record) => self.open_page(ctx, record),
                None => Vec::new(),
            },
            Action::CopyCurl => {
                let attempts = &self.known()?.attempts;
                let failed = attempts.iter().rev().find(|attempt| attempt.class.is_some());
                let wanted = failed.or(attempts.last());
                wanted.map(|attempt| Effect::copied(curl::of(attempt))).into_iter().collect()
            }
            _ => return None,
        })
    }

    fn retry(&mut self) -> Vec<Effect> {
        if let Some(chosen) = self.window.several() {
            return vec![Bulk::open(Deed::Retry, chosen)];
        }
        let ids = self.chosen();
        for id in &ids {
            self.window.edit(id.0, |row| row.status = Status::Retrying);
        }
        if ids.is_empty() { Vec::new() } else { vec![Effect::Retry(ids)] }
    }

    /// Holds the marked ones; where all of them that are loaded are held, lets them go.
    fn hold_marked(&self) -> Vec<Effect> {
        let Some(chosen) = self.window.several() else { return Vec::new() };
        let mut loaded =
            self.window.rows().iter().filter(|row| self.window.marks().contains(&row.id.0)).peekable();
        let held = loaded.peek().is_some() && loaded.all(|row| row.status == Status::Held);
        vec![Bulk::open(if held { Deed::LetGo } else { Deed::Hold }, chosen)]
    }

    fn snooze_marked(&self, ctx: &Ctx) -> Vec<Effect> {
        let Some(chosen) = self.window.several() else { return Vec::new() };
        let entry = |(words, until): (String, Timestamp)| Entry {
            words: format!("put them off {words}"),
            pending: Pending::Bulk { deed: Deed::Snooze(until), chosen: chosen.clone() },
        };
        let entries = times(ctx).into_iter().map(entry).collect();
        let title = format!("{}: later", counted(chosen.count(), "marked execution"));
        let label = "Nothing of them is sent until then; h brings one back before that.".to_owned();
        vec![Effect::Offer(Box::new(Menu::new(title, label, entries)))]
    }

    fn whole_again(&self) -> Vec<Effect> {
        let ids = self.chosen();
        let mut text = "Each is planned anew, by today's rules and the records as they are now. Left as it is where a step \
                        was done that must not be done twice.\n"
            .to_owned();
        for subject in self.subjects(&ids) {
            text.push('\n');
            text.push_str(&subject);
        }
        let title = format!("Run {} from the start", counted(ids.len() as u64, "execution"));
        let wish = AnyWish::Executions(Wish::FromStart(ids));
        vec![Effect::Confirm(Box::new(Pending::Wish { wish, title, text, verb: "Run from the start" }))]
    }

    fn fix(&mut self, ctx: &Ctx, row: &Execution) -> Vec<Effect> {
        let Some(detail) = self.known() else { return Vec::new() };
        let words = detail.vendor_words.as_deref().unwrap_or_default();
        let hint =
            row.error_class.map(|class| advise(detail.failed_at(), class, words).hint).unwrap_or_default();
        match fixing::of(row, detail) {
            Some(Fixing::Conflict(id)) => vec![Effect::Go(Screen::Conflicts, Some(format!("id:{id}")))],
            Some(Fixing::Values) => over(Edit::of(row.id, How::Fix)),
            Some(Fixing::Merge) => {
                let items = self
                    .around
                    .as_ref()
                    .map(|(_, around)| around.related.items.as_slice())
                    .unwrap_or_default();
                let pair = items.iter().find(|item| item.id.starts_with("du_"));
                vec![Effect::Go(Screen::Duplicates, pair.map(|item| format!("id:{}", item.id)))]
            }
            Some(Fixing::Retry) => self.retry(),
            Some(Fixing::Wait) => {
                let due = row
                    .due_at
                    .map_or_else(String::new, |due| format!(" It is tried again {}.", ctx.clock(due)));
                vec![Effect::Toast(Tone::Good, format!("Nothing to do.{due}"))]
            }
            Some(Fixing::Elsewhere) => {
                let told = without_console(hint);
                let told = if told.is_empty() { hint.to_owned() } else { told };
                vec![Effect::Toast(Tone::Warning, format!("{told} Then r runs it again."))]
            }
            None => Vec::new(),
        }
    }

    fn pause(&self, row: &Execution) -> Vec<Effect> {
        let paused = self.around.as_ref().and_then(|(_, around)| around.paused.as_ref());
        vec![pausing::question(&row.recipe, paused)]
    }

    fn mark_same(&mut self, row: &Execution) -> Vec<Effect> {
        let Some(cause) = row.cause.clone() else { return Vec::new() };
        let count =
            self.window.mark_where(|row| row.cause.as_ref() == Some(&cause) && row.status.can_retry());
        let text =
            format!("{} of this cause marked; r retries, D discards", counted(count as u64, "execution"));
        vec![Effect::Toast(Tone::Good, text)]
    }

    pub(super) fn subjects(&self, ids: &[ExecutionId]) -> Vec<String> {
        ids.iter()
            .map(|id| match self.window.rows().iter().find(|row| row.id == *id) {
                Some(row) => format!("{id}  {}  {}", row.recipe, row.subject),
                None => id.to_string(),
            })
            .collect()
    }

    /// The record the operator most likely means: the one under the cursor, the one that was written, the first one.
    fn record_here(&self) -> Option<RecordRef> {
        use super::sheet::Way;
        use crate::domain::plan::Effect as Planned;
        if let Some(Way::Record(record)) = self.sheet.as_ref().and_then(|sheet| sheet.way()) {
            return Some(record.clone());
        }
        let steps = self.known().and_then(|detail| detail.plan.as_ref()).map(|plan| plan.steps.as_slice());
        let written = steps.unwrap_or_default().iter().rev().find_map(|step| match &step.effect {
            Planned::Update { record, .. } => Some(record.clone()),
            _ => step.result.clone(),
        });
        written.or_else(|| self.window.current()?.record.clone())
    }

    pub(super) fn open_page(&mut self, ctx: &Ctx, record: RecordRef) -> Vec<Effect> {
        let ticket = ctx.ticket();
        self.page = Some(ticket);
        vec![Effect::Load(ticket, Query::AboutExecutions(Ask::Page(record)))]
    }

    /// Why an action cannot run now.
    pub(super) fn refusal(&self, action: Action) -> Result<(), String> {
        const ABOUT_ONE: [Action; 20] = [
            Action::Retry,
            Action::RetryFromStart,
            Action::Fix,
            Action::Replay,
            Action::ReplayOutside,
            Action::Probe,
            Action::Hold,
            Action::Snooze,
            Action::PauseRecipe,
            Action::Discard,
            Action::UndoMerge,
            Action::MarkSame,
            Action::Mark,
            Action::MarkRange,
            Action::Copy,
            Action::WhyStopped,
            Action::OpenPage,
            Action::CopyCurl,
            Action::OnlyDifferent,
            Action::Open,
        ];
        if self.causes.is_some() && ABOUT_ONE.contains(&action) && action != Action::Open {
            return Err("a cause is many executions: Enter shows them, * marks them there".to_owned());
        }
        let Some(row) = self.window.current() else {
            if self.causes.is_none() && ABOUT_ONE.contains(&action) {
                return Err("there is no execution here".to_owned());
            }
            return Ok(());
        };
        let (id, status) = (row.id, row.status);
        let marks = self.window.marks();
        let alone = marks.is_empty();
        let no = |why: String| Err(why);
        match action {
            Action::Retry if alone && status == Status::Held => no(format!("{id} is held; h lets it go")),
            Action::Retry if alone && !status.can_retry() => {
                no(format!("{id} is {status}; only failed or waiting ones are retried"))
            }
            Action::RetryFromStart
            | Action::Replay
            | Action::ReplayOutside
            | Action::Hold
            | Action::Snooze
                if alone && status == Status::Running =>
            {
                no(format!("{id} is running at this moment"))
            }
            Action::Replay | Action::ReplayOutside if row.decision.is_some() => {
                no(format!("{id} carries out a decision; decide anew where it was decided"))
            }
            Action::Fix => match self.known().map(|detail| fixing::of(row, detail)) {
                Some(None) => no(format!("{id} is {status}; there is nothing to mend")),
                None => no("it is still being read".to_owned()),
                Some(Some(_)) => Ok(()),
            },
            Action::Probe if row.recipe == PROBE => no(format!("{id} is itself a look at the vendor")),
            Action::Probe if row.record.is_none() => no(format!("{id} names no record to look up")),
            Action::Hold | Action::Snooze
                if alone && matches!(status, Status::Succeeded | Status::Skipped | Status::Discarded) =>
            {
                no(format!("{id} is {status}; there is nothing to wait for"))
            }
            Action::Discard if alone && matches!(status, Status::Succeeded | Status::Skipped) => {
                no(format!("{id} is {status}; there is nothing to give up"))
            }
            Action::Discard if alone && status == Status::Discarded => {
                no(format!("{id} is discarded already"))
            }
            Action::Discard if alone && status == Status::Running => {
                no(format!("{id} is running at this moment"))
            }
            Action::UndoMerge if row.recipe != MERGING => {
                no(format!("{id} is no merge; only a merge can be taken back"))
            }
            Action::UndoMerge if !matches!(status, Status::Succeeded | Status::Failed) => {
                no(format!("{id} is {status}; a merge is taken back once it is done"))
            }
            Action::MarkSame if row.cause.is_none() => no("this one has not failed".to_owned()),
            Action::WhyStopped if row.record.is_none() => no(format!("{id} names no person")),
            Action::OpenPage if self.record_here().is_none() => no(format!("{id} names no record")),
            Action::CopyCurl | Action::OnlyDifferent
                if self.known().is_none_or(|detail| detail.attempts.is_empty()) =>
            {
                no(format!("{id} made no call so far"))
            }
            Action::ClearMarks if alone => no("nothing is marked".to_owned()),
            _ => Ok(()),
        }
    }
}

fn over(layer: impl crate::console::layers::Layer + 'static) -> Vec<Effect> {
    vec![Effect::Over(Over(Box::new(layer)))]
}

/// Times one would wait until: soon, tomorrow morning, next Monday, by the clock of whoever sits here.
fn times(ctx: &Ctx) -> Vec<(String, Timestamp)> {
    const HOUR: i64 = 3_600_000;
    let after = |hours: i64| Timestamp(ctx.now.0 + hours * HOUR);
    let mut times = vec![("for an hour".to_owned(), after(1)), ("for four hours".to_owned(), after(4))];
    let morning = |days: i64| -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(ctx.now.0).ok()?.to_zoned(ctx.zone.clone());
        let day = now.date().checked_add(jiff::Span::new().days(days)).ok()?;
        let at = day.at(9, 0, 0, 0).to_zoned(ctx.zone.clone()).ok()?;
        Some(Timestamp(at.timestamp().as_millisecond()))
    };
    let today = jiff::Timestamp::from_millisecond(ctx.now.0)
        .map_or(0, |now| i64::from(now.to_zoned(ctx.zone.clone()).weekday().to_monday_zero_offset()));
    for (words, days) in [("until tomorrow, 9:00", 1), ("until Monday, 9:00", 7 - today)] {
        if let Some(at) = morning(days) {
            times.push((format!("{words} ({})", ctx.full(at)), at));
        }
    }
    times.push(("for a week".to_owned(), after(7 * 24)));
    times
}
