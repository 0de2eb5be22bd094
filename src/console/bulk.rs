//! One action on many rows: frozen into numbers, judged one by one, done in small pieces, each row with its result.
//!
//! A row that changed since it was shown is left alone and listed. Between two pieces the journal serves everybody
//! else, and whoever wants to stop has stopped: the next piece is only begun when the layer asks for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::hints;
use super::msg::Answer;
use super::panes::Screen;
use super::panes::listing::Chosen;
use super::rows::{self, Row};
use super::text::{counted, thousands};
use crate::domain::clock::Timestamp;
use crate::domain::ids::{ConflictId, DuplicateId, ExecutionId, UnlinkedId};
use crate::domain::limit::{Family, FamilyState};
use crate::domain::links::LinkVerdict;
use crate::domain::page::Anchor;
use crate::domain::record::Connection;
use crate::domain::review::{Choice, Decision, LinkAs, ReviewState, Verdict};
use crate::domain::team::{CLAIM, Item as Team};
use crate::engine::operate::disputes::{Reach, Wish};
use crate::engine::operate::{OperateError, Operator};
use crate::journal::Journal;
use crate::journal::team::Taken;
use crate::journal::verdicts::NewVerdict;

mod deed;

pub use deed::{Deed, Hint};

/// At most so many rows in one bulk, or in one range: what is more is narrowed by a filter first.
pub const MOST: usize = 20_000;
/// Rows whose calls are counted exactly; the rest is counted like them.
const SAMPLE: usize = 50;

/// A row of a bulk, as it was when it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub key: i64,
    /// Its public id.
    pub id: String,
    /// What it is about, in one line.
    pub label: String,
    /// Whether it is still the same.
    pub stamp: u64,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its public id.
    pub id: String,
    /// What it is about.
    pub label: String,
    /// Done, or why not.
    pub done: Result<(), String>,
}

/// The calls of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toll {
    /// Whose.
    pub connection: Connection,
    /// About how many.
    pub calls: u64,
    /// Calls used in the day, and allowed; none where no limit of a day is known.
    pub day: Option<(u32, u32)>,
    /// How long they take at the rate limit; none where no limit is known.
    pub takes: Option<Duration>,
}

impl Toll {
    /// In words: `HubSpot about 12 calls, 0.03 % of the day's 40,000 (20,811 used)`.
    pub fn words(&self) -> String {
        let mut text = format!("{} about {}", self.connection.system.title(), counted(self.calls, "call"));
        if let Some((used, limit)) = self.day {
            let share = self.calls as f64 * 100.0 / f64::from(limit.max(1));
            let share = if share >= 10.0 { format!("{share:.0}") } else { format!("{share:.2}") };
            text.push_str(&format!(
                ", {share} % of the day's {} ({} used)",
                thousands(u64::from(limit)),
                thousands(u64::from(used))
            ));
        }
        text
    }

    /// There are fewer calls left in the day than it takes.
    pub fn exceeds(&self) -> bool {
        self.day.is_some_and(|(used, limit)| u64::from(used) + self.calls > u64::from(limit))
    }
}

/// What would be done, frozen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frozen {
    /// The rows it would be done to.
    pub items: Vec<Item>,
    /// Rows that it cannot be done to, and why.
    pub left_out: Vec<Outcome>,
    /// How many of the rows stand where: `6 failed, 2 pending`.
    pub states: BTreeMap<&'static str, u64>,
    /// There were more rows than one bulk takes.
    pub more: bool,
    /// What it costs.
    pub tolls: Vec<Toll>,
    /// What the rows tell of people, for what hides them: fields and their values.
    pub people: Vec<(String, String)>,
}

/// The next piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Make numbers of what was chosen, judge each row, count the calls.
    Freeze(Deed, Chosen),
    /// Do it to these.
    Do(Deed, Vec<Item>),
}

/// What a piece came to.
#[derive(Debug)]
pub enum Told {
    /// What would be done.
    Frozen(Answer<Frozen>),
    /// What became of the rows, and the executions that carry it out.
    Done(Vec<Outcome>, Vec<ExecutionId>),
}

/// Does a piece.
pub(super) async fn answer(journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    match ask {
        Ask::Freeze(deed, chosen) => Told::Frozen(freeze(journal, operator, &deed, chosen).await),
        Ask::Do(deed, items) => {
            let (outcomes, executions) = carry_out(journal, operator, &deed, items).await;
            Told::Done(outcomes, executions)
        }
    }
}

async fn freeze(journal: &Journal, operator: &Operator, deed: &Deed, chosen: Chosen) -> Answer<Frozen> {
    let screen = deed.screen();
    let mut frozen = Frozen::default();
    let mut sample = Vec::new();
    let mut take = |rows: Vec<Row>, except: &BTreeSet<i64>| {
        for row in rows.into_iter().filter(|row| !except.contains(&row.key())) {
            if frozen.items.len() + frozen.left_out.len() >= MOST {
                frozen.more = true;
                return false;
            }
            *frozen.states.entry(row.state()).or_default() += 1;
            let (id, label) = (row.id(), row.label());
            frozen.people.extend(row.people());
            match deed.allows(&row) {
                Ok(()) => {
                    frozen.items.push(Item { key: row.key(), id, label, stamp: row.stamp() });
                    if sample.len() < SAMPLE {
                        sample.push(row);
                    }
                }
                Err(why) => frozen.left_out.push(Outcome { id, label, done: Err(why) }),
            }
        }
        true
    };
    match chosen {
        Chosen::These(keys) => {
            let none = BTreeSet::new();
            for some in keys.chunks(rows::PAGE) {
                if !take(rows::numbered(journal, screen, some).await?, &none) {
                    break;
                }
            }
        }
        Chosen::Matching { filter, except, .. } => {
            let mut anchor = Anchor::First;
            loop {
                let rows = rows::page(journal, screen, &filter, anchor, rows::PAGE).await?;
                let (full, last) = (rows.len() == rows::PAGE, rows.last().map(Row::key));
                let goes_on = take(rows, &except);
                match last {
                    Some(last) if full && goes_on => anchor = Anchor::After(last),
                    _ => break,
                }
            }
        }
    }
    frozen.tolls = tolls(journal, operator, deed, &sample, frozen.items.len()).await?;
    Ok(frozen)
}

/// The calls of the sample, counted for all of them, beside what is left of each quota.
async fn tolls(
    journal: &Journal,
    operator: &Operator,
    deed: &Deed,
    sample: &[Row],
    all: usize,
) -> Answer<Vec<Toll>> {
    let mut calls: BTreeMap<Connection, u64> = BTreeMap::new();
    let ids = || -> Vec<ExecutionId> { sample.iter().map(|row| ExecutionId(row.key())).collect() };
    match deed {
        Deed::Retry => {
            calls = operator.calls_ahead(&ids()).await.map_err(|error| error.to_string())?.calls;
        }
        Deed::FromStart => {
            calls = operator.calls_from_start(&ids()).await.map_err(|error| error.to_string())?.calls;
        }
        _ => {}
    }
    for row in sample {
        let (decision, connection) = match (deed, row) {
            (Deed::Link, Row::Unlinked(person)) => match deed::best(person) {
                Some(decision) => (decision, person.contact.connection.clone()),
                None => continue,
            },
            (Deed::Settle(choice), Row::Conflict(conflict)) => {
                let to = if *choice == Choice::Right { &conflict.left } else { &conflict.right };
                let decision = Decision::Resolve { conflict: conflict.id, choice: choice.clone() };
                (decision, to.connection.clone())
            }
            _ => continue,
        };
        // One that cannot be shown is refused when its turn comes, with its reason.
        let preview = operator.preview(&decision).await;
        *calls.entry(connection).or_default() += preview.map_or(0, |preview| preview.calls.len() as u64);
    }
    let limits = journal.call_limits().await.map_err(|error| error.to_string())?;
    let scale = |calls: u64| (calls * all as u64).div_ceil(sample.len().max(1) as u64);
    Ok(calls
        .into_iter()
        .filter(|(_, calls)| *calls > 0)
        .map(|(connection, calls)| toll(&limits, connection, scale(calls)))
        .collect())
}

fn toll(limits: &[FamilyState], connection: Connection, calls: u64) -> Toll {
    let usual = Family::of_system(connection.system).first();
    let state = limits.iter().find(|state| state.connection == connection && Some(&state.family) == usual);
    let day = state.filter(|state| state.daily_limit > 0).map(|state| (state.daily_used, state.daily_limit));
    let takes = state.filter(|state| state.limit > 0).map(|state| {
        Duration::from_millis(calls * u64::from(state.window_milliseconds) / u64::from(state.limit))
    });
    Toll { connection, calls, day, takes }
}

/// Does it to rows that are still what they were.
async fn carry_out(
    journal: &Journal,
    operator: &Operator,
    deed: &Deed,
    items: Vec<Item>,
) -> (Vec<Outcome>, Vec<ExecutionId>) {
    let keys: Vec<i64> = items.iter().map(|item| item.key).collect();
    let rows = match rows::numbered(journal, deed.screen(), &keys).await {
        Ok(rows) => rows,
        Err(why) => {
            let failed = |item: Item| Outcome { id: item.id, label: item.label, done: Err(why.clone()) };
            return (items.into_iter().map(failed).collect(), Vec::new());
        }
    };
    let now: HashMap<i64, Row> = rows.into_iter().map(|row| (row.key(), row)).collect();
    let mut results: HashMap<i64, Result<(), String>> = HashMap::new();
    let mut same = Vec::new();
    for item in &items {
        match now.get(&item.key) {
            None => drop(results.insert(item.key, Err("it is no longer in the journal".to_owned()))),
            Some(row) if !deed.takes_changed() && row.stamp() != item.stamp => {
                let why = format!("it changed since it was shown; it is {} now", row.state());
                results.insert(item.key, Err(why));
            }
            Some(row) => same.push(row),
        }
    }
    let executions = act(operator, deed, &same, &mut results).await;
    let outcomes = items
        .into_iter()
        .map(|item| {
            let done = results.remove(&item.key).unwrap_or(Ok(()));
            Outcome { id: item.id, label: item.label, done }
        })
        .collect();
    (outcomes, executions)
}

/// Does it; notes the rows that were refused, and answers the executions that were set off.
async fn act(
    operator: &Operator,
    deed: &Deed,
    rows: &[&Row],
    results: &mut HashMap<i64, Result<(), String>>,
) -> Vec<ExecutionId> {
    let mut executions = Vec::new();
    if deed.screen() == Screen::Executions && !matches!(deed, Deed::Hint(..)) {
        let ids: Vec<ExecutionId> = rows.iter().map(|row| ExecutionId(row.key())).collect();
        let report = match deed {
            Deed::Discard(reason) => operator.discard(&ids, reason).await,
            Deed::FromStart => operator.replan(&ids).await,
            Deed::Hold => operator.put_aside(&ids, None, "").await,
            Deed::Snooze(until) => operator.put_aside(&ids, Some(*until), "").await,
            Deed::LetGo => operator.take_up(&ids).await,
            _ => operator.retry(&ids).await,
        };
        match report {
            Ok(report) => {
                results.extend(report.refused.into_iter().map(|(id, why)| (id.0, Err(why))));
                if matches!(deed, Deed::Retry | Deed::FromStart) {
                    executions = report.queued;
                }
            }
            Err(error) => results.extend(ids.iter().map(|id| (id.0, Err(error.to_string())))),
        }
        return executions;
    }
    if let Deed::Hint(screen, hint) = deed {
        let items: Vec<Team> = rows.iter().filter_map(|row| hints::item(*screen, row.key())).collect();
        match leave(operator, hint, &items).await {
            Ok(refused) => results.extend(refused.into_iter().map(|(item, why)| (item.number(), Err(why)))),
            Err(error) => results.extend(items.iter().map(|item| (item.number(), Err(error.to_string())))),
        }
        return executions;
    }
    for row in rows {
        let key = row.key();
        let done = match deed {
            Deed::Retry
            | Deed::FromStart
            | Deed::Discard(_)
            | Deed::Hold
            | Deed::Snooze(_)
            | Deed::LetGo
            | Deed::Hint(..) => Ok(()),
            Deed::Different => operator.distinct(DuplicateId(key)).await.map_err(|error| error.to_string()),
            Deed::Unsure => judge(operator, key, Verdict::Unsure, None).await,
            Deed::PutOff(until) => judge(operator, key, Verdict::Later, *until).await,
            Deed::Person(verdict) => operator
                .judge_unlinked(UnlinkedId(key), *verdict, "")
                .await
                .map_err(|error| error.to_string()),
            Deed::Link => match row {
                Row::Unlinked(person) => match deed::best(person) {
                    Some(decision) => match operator.decide(&decision).await {
                        Ok(id) => {
                            executions.push(id);
                            Ok(())
                        }
                        Err(error) => Err(error.to_string()),
                    },
                    None => Err("no company fits".to_owned()),
                },
                _ => Err("it is no person".to_owned()),
            },
            Deed::Settle(choice) => {
                settle(operator, key, Wish::Settle(choice.clone()), &mut executions).await
            }
            Deed::Leave(until) => settle(operator, key, Wish::Ignore(*until), &mut executions).await,
        };
        if let Err(why) = done {
            results.insert(key, Err(why));
        }
    }
    executions
}

/// Leaves a hint on items; answers those that were refused, and why.
async fn leave(
    operator: &Operator,
    hint: &Hint,
    items: &[Team],
) -> Result<Vec<(Team, String)>, OperateError> {
    match hint {
        Hint::Claim => {
            let taken = operator.claim(items, CLAIM, false).await?;
            let why = |taken: Taken| (taken.item, format!("{} has claimed it", taken.claim.who));
            return Ok(taken.into_iter().map(why).collect());
        }
        Hint::GiveBack => {
            let mut refused = Vec::new();
            for item in items {
                if operator.give_back(std::slice::from_ref(item)).await? == 0 {
                    refused.push((*item, "it was not yours".to_owned()));
                }
            }
            return Ok(refused);
        }
        Hint::Assign(to) => drop(operator.assign(items, to.as_deref()).await?),
        Hint::Comment(text) => operator.comment(items, text).await?,
    }
    Ok(Vec::new())
}

async fn judge(
    operator: &Operator,
    key: i64,
    verdict: Verdict,
    until: Option<Timestamp>,
) -> Result<(), String> {
    let new = NewVerdict { id: DuplicateId(key), verdict, until, reason: String::new() };
    operator.judge(new).await.map(drop).map_err(|error| error.to_string())
}

async fn settle(
    operator: &Operator,
    key: i64,
    wish: Wish,
    executions: &mut Vec<ExecutionId>,
) -> Result<(), String> {
    let said = |error: crate::engine::operate::OperateError| error.to_string();
    let proposal = operator.propose(ConflictId(key), &wish, Reach::This).await.map_err(said)?;
    let applied = operator.carry_out(&proposal).await.map_err(said)?;
    executions.extend(applied.executions);
    match applied.refused.into_iter().next() {
        Some((_, why)) => Err(why),
        None => Ok(()),
    }
}

/// A row is open to be decided.
fn waits(state: ReviewState) -> Result<(), String> {
    match state {
        ReviewState::Open | ReviewState::Ignored => Ok(()),
        ReviewState::Deciding => Err("it is decided and being carried out".to_owned()),
        state => Err(format!("it is {state} already")),
    }
}

/// The screens whose rows a bulk can go through.
pub const fn goes_through(screen: Screen) -> bool {
    matches!(screen, Screen::Executions | Screen::Conflicts | Screen::Duplicates | Screen::Unlinked)
}
