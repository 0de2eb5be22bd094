//! What the screens of conflicts, duplicates and unlinked people ask beside their rows, one question of a kind at a
//! time, always the newest. Looks only; nothing here decides.

use crate::console::ctx::Ctx;
use crate::console::effect::{Effect, Query};
use crate::console::msg::{Answer, Ticket};
use crate::console::panes::Screen;
use crate::domain::ids::{ConflictId, DuplicateId, UnlinkedId};
use crate::domain::merge::MergeWish;
use crate::domain::plan::Preview;
use crate::domain::record::RecordRef;
use crate::domain::review::{Decision, ReviewState};
use crate::engine::explain::{Account, explain};
use crate::engine::operate::Operator;
use crate::engine::operate::compare::Compared;
use crate::engine::operate::person::Facts;
use crate::journal::Journal;
use crate::journal::duplicates::DuplicateGroup;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// The two records of a conflict, field by field.
    Record(ConflictId),
    /// How a field of a record came about.
    History(RecordRef, String),
    /// Which of these conflicts still wait.
    Waiting(Vec<ConflictId>),
    /// The records of a pair, or of its whole group, and what a merge would make of them.
    Merge(DuplicateId, Option<RecordRef>, Box<MergeWish>),
    /// How many people wait in each of these domains.
    Domains(Vec<String>),
    /// What is known of a person without an account.
    Person(UnlinkedId),
    /// What a decision would send.
    Would(Box<Decision>),
}

/// What a merge would make of a pair or its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Merging {
    /// The records in the order of their columns: the pair's first.
    pub records: Vec<RecordRef>,
    /// The pairs among them that stand or were judged.
    pub group: Option<DuplicateGroup>,
    /// The decision as it would be taken; none where it cannot be.
    pub decision: Decision,
    /// Its preview, or why there is none.
    pub preview: Result<Preview, String>,
}

/// An answer.
#[derive(Debug)]
pub enum Told {
    /// The two records.
    Record(Answer<Box<Compared>>),
    /// How the field came about.
    History(Answer<Box<Account>>),
    /// Those that still wait.
    Waiting(Answer<Vec<ConflictId>>),
    /// What comes out.
    Merge(Answer<Box<Merging>>),
    /// Domains and how many of each.
    Domains(Answer<Vec<(String, u64)>>),
    /// What is known.
    Person(Answer<Box<Facts>>),
    /// The calls.
    Would(Answer<Box<Preview>>),
}

impl Told {
    /// The screen that asks such things.
    pub const fn screen(&self) -> Screen {
        match self {
            Self::Record(_) | Self::History(_) | Self::Waiting(_) => Screen::Conflicts,
            Self::Merge(_) => Screen::Duplicates,
            Self::Domains(_) | Self::Person(_) | Self::Would(_) => Screen::Unlinked,
        }
    }
}

/// Answers.
pub async fn answer(journal: &Journal, operator: &Operator, ask: Ask) -> Told {
    macro_rules! words {
        ($call:expr) => {
            $call.await.map_err(|error| error.to_string())
        };
    }
    match ask {
        Ask::Record(id) => Told::Record(words!(operator.compare(id)).map(Box::new)),
        Ask::History(record, field) => {
            let now = operator.in_force().await;
            Told::History(words!(explain(journal, now.mapping(), &record.to_string(), &field)).map(Box::new))
        }
        Ask::Waiting(ids) => Told::Waiting(waiting(journal, ids).await),
        Ask::Merge(pair, survivor, wish) => {
            Told::Merge(merging(journal, operator, pair, survivor, *wish).await.map(Box::new))
        }
        Ask::Domains(domains) => Told::Domains(words!(journal.unlinked_in(domains))),
        Ask::Person(id) => Told::Person(words!(operator.facts_of(id)).map(Box::new)),
        Ask::Would(decision) => Told::Would(words!(operator.preview(&decision)).map(Box::new)),
    }
}

async fn waiting(journal: &Journal, ids: Vec<ConflictId>) -> Answer<Vec<ConflictId>> {
    let mut still = Vec::new();
    for id in ids {
        let found = journal.conflict(id).await.map_err(|error| error.to_string())?;
        let waits =
            found.is_some_and(|conflict| matches!(conflict.state, ReviewState::Open | ReviewState::Ignored));
        still.extend(waits.then_some(id));
    }
    Ok(still)
}

async fn merging(
    journal: &Journal,
    operator: &Operator,
    id: DuplicateId,
    survivor: Option<RecordRef>,
    wish: MergeWish,
) -> Answer<Merging> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let group = journal.group_of(id).await.map_err(|error| words(&error))?;
    let Some(pair) = journal.duplicate(id).await.map_err(|error| words(&error))? else {
        return Err(format!("{id} is gone from the journal."));
    };
    let alone = MergeWish { group: false, ..wish.clone() };
    let decision = if wish.group {
        let whole = operator.whole_merge(id, survivor.clone(), alone.clone()).await;
        match whole {
            // The same person in other systems is taken in by a key of its own (g in the dialog), never silently.
            Ok(Decision::Merge { duplicate, survivor, wish }) => Ok(Decision::Merge {
                duplicate,
                survivor,
                wish: Box::new(MergeWish { elsewhere: Vec::new(), ..*wish }),
            }),
            Ok(other) => Ok(other),
            Err(error) => Err(error.to_string()),
        }
    } else {
        let survivor = match survivor {
            Some(survivor) => Ok(survivor),
            None => operator.survivor_of(id).await,
        };
        survivor
            .map(|survivor| Decision::Merge { duplicate: id, survivor, wish: Box::new(alone.clone()) })
            .map_err(|error| error.to_string())
    };
    let mut records = vec![pair.left.clone(), pair.right.clone()];
    let fallback =
        || Decision::Merge { duplicate: id, survivor: pair.left.clone(), wish: Box::new(alone.clone()) };
    let (decision, preview) = match decision {
        Ok(decision) => {
            let preview = operator.preview(&decision).await.map_err(|error| error.to_string());
            (decision, preview)
        }
        Err(why) => (fallback(), Err(why)),
    };
    if let Decision::Merge { survivor, wish, .. } = &decision {
        let mut further: Vec<RecordRef> = wish.also.iter().chain([survivor]).cloned().collect();
        further.sort_unstable();
        further.dedup();
        further.retain(|record| !records.contains(record));
        records.extend(further);
    }
    Ok(Merging { records, group, decision, preview })
}

/// One kind of question beside a list: asked for the newest wish, one at a time, its last answer kept.
#[derive(Debug)]
pub(super) struct Beside<K, T> {
    asked: Option<(Ticket, K)>,
    told: Option<(K, Answer<T>)>,
    stale: bool,
}

impl<K, T> Default for Beside<K, T> {
    fn default() -> Self {
        Self { asked: None, told: None, stale: false }
    }
}

impl<K: PartialEq + Clone, T> Beside<K, T> {
    /// Asks when what is known is not what is wanted, or is old; waits while a question is under way.
    pub(super) fn want(&mut self, ctx: &Ctx, key: Option<K>, ask: impl FnOnce(K) -> Ask) -> Option<Effect> {
        let key = key?;
        let known = self.told.as_ref().is_some_and(|(known, _)| *known == key) && !self.stale;
        if known || self.asked.is_some() {
            return None;
        }
        self.stale = false;
        let ticket = ctx.ticket();
        self.asked = Some((ticket, key.clone()));
        Some(Effect::Load(ticket, Query::Reviews(Box::new(ask(key)))))
    }

    /// Takes an answer in, and gives back for what it was asked; a late one is dropped.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer<T>) -> Option<&(K, Answer<T>)> {
        let (_, key) = self.asked.take_if(|(asked, _)| *asked == ticket)?;
        Some(self.told.insert((key, answer)))
    }

    /// What is known may have changed.
    pub(super) const fn age(&mut self) {
        self.stale = true;
    }

    /// What is known for a wish.
    pub(super) fn told(&self, key: &K) -> Option<&Answer<T>> {
        self.told.as_ref().filter(|(known, _)| known == key).map(|(_, answer)| answer)
    }

    /// The newest answer, whatever it was asked for.
    pub(super) fn last(&self) -> Option<&T> {
        self.told.as_ref().and_then(|(_, answer)| answer.as_ref().ok())
    }
}
