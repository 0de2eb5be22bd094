//! What humans said of duplicate candidates: same, different, unsure, later; kept with who, when and why, taken back,
//! overtaken by a change; and where one verdict contradicts another. Each verb is one transaction with its audit line.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::duplicates::RANK;
use super::{Journal, JournalError, Result, audit, operate, rows};
use crate::domain::clock::Timestamp;
use crate::domain::ids::DuplicateId;
use crate::domain::review::{Band, Duplicate, ReviewState, Verdict};

/// Judged pairs that are looked through for a contradiction.
const JUDGED: usize = 500;

/// A verdict about to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVerdict {
    /// About which pair.
    pub id: DuplicateId,
    /// What is said.
    pub verdict: Verdict,
    /// Until when it is put off; for [`Verdict::Later`] alone.
    pub until: Option<Timestamp>,
    /// Why, in the human's words; may be empty.
    pub reason: String,
}

/// One verdict of the past or of now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Spoken {
    /// About which pair.
    pub duplicate: DuplicateId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// When it ended, and how.
    pub ended: Option<(Timestamp, String)>,
}

/// A pair that is kept from the list, or marked in it, by a verdict.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Exception {
    /// The pair.
    #[serde(flatten)]
    pub pair: Duplicate,
    /// When a human looked at it last.
    pub reviewed_at: Timestamp,
    /// It was looked at so long ago that it should be looked at again.
    pub due: bool,
}

impl Journal {
    /// Stores a verdict; the pair as it stands afterwards. Refused where there is nothing to judge any more.
    pub async fn give_verdict(&self, new: NewVerdict, actor: String) -> Result<Duplicate> {
        let now = self.now();
        self.write(move |connection| judge(connection, now, &new, &actor, false)).await
    }

    /// Says that two records are different although a merge of them was carried out: it was taken apart again.
    pub async fn part_after_undo(&self, id: DuplicateId, reason: String, actor: String) -> Result<Duplicate> {
        let now = self.now();
        let new = NewVerdict { id, verdict: Verdict::Different, until: None, reason };
        self.write(move |connection| judge(connection, now, &new, &actor, true)).await
    }

    /// Takes the verdict on a pair back; the pair as it stands afterwards.
    pub async fn take_back_verdict(&self, id: DuplicateId, actor: String) -> Result<Duplicate> {
        let now = self.now();
        self.write(move |connection| take_back(connection, now, id, &actor)).await
    }

    /// Every verdict on a pair, the latest first.
    pub async fn verdicts_on(&self, id: DuplicateId) -> Result<Vec<Spoken>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM duplicate_verdicts WHERE duplicate_id = ?1 ORDER BY id DESC LIMIT 100",
            )?;
            let mut found = statement.query([id.0])?;
            let mut spoken = Vec::new();
            while let Some(row) = found.next()? {
                let ended: Option<i64> = row.get("ended_at")?;
                spoken.push(Spoken {
                    duplicate: id,
                    at: Timestamp(row.get("at")?),
                    actor: row.get("actor")?,
                    verdict: rows::word(row, "verdict")?,
                    reason: row.get("reason")?,
                    ended: ended.map(|at| (Timestamp(at), row.get("ended").unwrap_or_default())),
                });
            }
            Ok(spoken)
        })
        .await
    }

    /// What a merge of this pair would contradict, as a sentence; none when nothing speaks against it.
    pub async fn contradicts(&self, id: DuplicateId) -> Result<Option<String>> {
        self.read(move |connection| {
            let judged = judged_around(connection, id)?;
            let Some(pair) = pair(connection, id)? else { return Ok(None) };
            let (left, right) = (pair.left.to_string(), pair.right.to_string());
            let mut said: Vec<Said> = judged.into_iter().filter(|said| said.id != id.0).collect();
            let already: Vec<i64> = alarms(&said).into_iter().map(|(id, _)| id).collect();
            said.push(Said { id: id.0, left, right, verdict: Verdict::Same });
            let raised =
                alarms(&said).into_iter().find(|(raised, _)| *raised == id.0 || !already.contains(raised));
            Ok(raised.map(|(_, words)| words))
        })
        .await
    }

    /// Pairs that a verdict makes an exception of (different, unsure), the longest unseen first. A verdict before
    /// `due_before` should be looked at again.
    pub async fn exceptions(&self, due_before: Timestamp, limit: usize) -> Result<Vec<Exception>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM duplicate_rows WHERE verdict IN ('different', 'unsure') AND state IN ('open', 'dismissed') \
                 ORDER BY verdict_at, id LIMIT ?1",
            )?;
            let mut found = statement.query([limit as i64])?;
            let mut exceptions = Vec::new();
            while let Some(row) = found.next()? {
                let reviewed_at = Timestamp(row.get::<_, Option<i64>>("verdict_at")?.unwrap_or(0));
                exceptions.push(Exception {
                    pair: rows::duplicate(row)?,
                    reviewed_at,
                    due: reviewed_at < due_before,
                });
            }
            Ok(exceptions)
        })
        .await
    }

    /// How many exceptions should be looked at again.
    pub async fn exceptions_due(&self, due_before: Timestamp) -> Result<u64> {
        self.read(move |connection| {
            let number: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM duplicates WHERE verdict IN ('different', 'unsure') \
                     AND state IN ('open', 'dismissed') AND verdict_at < ?1",
                )?
                .query_row([due_before.0], |row| row.get(0))?;
            Ok(number.unsigned_abs())
        })
        .await
    }
}

fn pair(connection: &Connection, id: DuplicateId) -> Result<Option<Duplicate>> {
    connection
        .prepare_cached("SELECT * FROM duplicate_rows WHERE id = ?1")?
        .query_row([id.0], |row| Ok(rows::duplicate(row)))
        .optional()?
        .transpose()
}

pub(super) fn judge(
    connection: &Connection,
    now: Timestamp,
    new: &NewVerdict,
    actor: &str,
    after_undo: bool,
) -> Result<Duplicate> {
    let id = new.id;
    let Some(before) = pair(connection, id)? else { return Err(JournalError::Missing(id.to_string())) };
    let open = match before.state {
        ReviewState::Open | ReviewState::Ignored => true,
        ReviewState::Dismissed => before.standing.judgement.is_some(),
        ReviewState::Done => after_undo,
        ReviewState::Deciding | ReviewState::Obsolete => false,
    };
    if !open {
        return Err(operate::not_open(connection, "duplicates", &id.to_string(), id.0)?);
    }
    let why = new.reason.trim();
    let (state, resolution) = match new.verdict {
        Verdict::Same if before.mergeable => (ReviewState::Open, None),
        Verdict::Same => {
            (ReviewState::Dismissed, Some(format!("{actor} says they are one; they cannot be merged.")))
        }
        Verdict::Different => (ReviewState::Dismissed, Some(format!("{actor} says they are different."))),
        Verdict::Unsure => (ReviewState::Open, None),
        Verdict::Later => {
            let until = new.until.map_or_else(
                || "until one of the compared fields changes".to_owned(),
                |at| format!("until {}", at.rfc3339()),
            );
            (ReviewState::Ignored, Some(format!("{actor} put it off {until}.")))
        }
    };
    connection
        .prepare_cached(
            "UPDATE duplicate_verdicts SET ended_at = ?2, ended = 'replaced' WHERE duplicate_id = ?1 AND ended_at IS NULL",
        )?
        .execute(params![id.0, now.0])?;
    let until = new.until.filter(|_| new.verdict == Verdict::Later).map(|at| at.0);
    connection
        .prepare_cached(
            "INSERT INTO duplicate_verdicts (duplicate_id, at, actor, verdict, reason, fingerprint, until) \
             SELECT id, ?2, ?3, ?4, ?5, fingerprint, ?6 FROM duplicates WHERE id = ?1",
        )?
        .execute(params![id.0, now.0, actor, new.verdict.as_str(), why, until])?;
    connection
        .prepare_cached(
            "UPDATE duplicates SET state = ?2, resolution = ?3, verdict = ?4, verdict_by = ?5, verdict_at = ?6, \
             verdict_reason = ?7, verdict_until = ?8, reopened = NULL WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            state.as_str(),
            resolution,
            new.verdict.as_str(),
            actor,
            now.0,
            why,
            until
        ])?;
    connection
        .prepare_cached(&format!("UPDATE duplicates SET rank = {RANK} WHERE id = ?1"))?
        .execute([id.0])?;
    raise(connection, id)?;
    let words = match new.verdict {
        Verdict::Same => "Judged to be one",
        Verdict::Different => "Judged to be two different records",
        Verdict::Unsure => "Nobody can tell yet whether they are one",
        Verdict::Later => "Put off",
    };
    let until = until.map_or_else(String::new, |at| format!(" until {}", Timestamp(at).rfc3339()));
    let because = if why.is_empty() { String::new() } else { format!(" Because: {why}") };
    // The short form keeps the name it always had in the log.
    let verb = if new.verdict == Verdict::Different { "distinct" } else { new.verdict.as_str() };
    say(connection, now, actor, verb, id, format!("{words}{until}.{because}"))?;
    pair(connection, id)?.ok_or_else(|| JournalError::Missing(id.to_string()))
}

fn take_back(connection: &Connection, now: Timestamp, id: DuplicateId, actor: &str) -> Result<Duplicate> {
    let Some(before) = pair(connection, id)? else { return Err(JournalError::Missing(id.to_string())) };
    let Some(judgement) = before.standing.judgement else {
        return Err(JournalError::Refused(format!("{id} has no verdict that could be taken back")));
    };
    if !matches!(before.state, ReviewState::Open | ReviewState::Ignored | ReviewState::Dismissed) {
        return Err(operate::not_open(connection, "duplicates", &id.to_string(), id.0)?);
    }
    let words = format!("{actor} took it back");
    end(connection, now, id.0, &words)?;
    connection
        .prepare_cached(
            "UPDATE duplicates SET state = 'open', resolution = NULL, reopened = NULL WHERE id = ?1",
        )?
        .execute([id.0])?;
    raise(connection, id)?;
    say(connection, now, actor, "undo-verdict", id, format!("Was {}.", judgement.verdict))?;
    pair(connection, id)?.ok_or_else(|| JournalError::Missing(id.to_string()))
}

/// Takes a verdict off a row; what it was stays in the history.
fn end(connection: &Connection, now: Timestamp, id: i64, how: &str) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE duplicate_verdicts SET ended_at = ?2, ended = ?3 WHERE duplicate_id = ?1 AND ended_at IS NULL",
        )?
        .execute(params![id, now.0, how])?;
    connection
        .prepare_cached(
            "UPDATE duplicates SET verdict = NULL, verdict_by = NULL, verdict_at = NULL, verdict_reason = NULL, \
             verdict_until = NULL, alarm = NULL WHERE id = ?1",
        )?
        .execute([id])?;
    connection
        .prepare_cached(&format!("UPDATE duplicates SET rank = {RANK} WHERE id = ?1"))?
        .execute([id])?;
    Ok(())
}

/// What was judged has changed: the verdict holds no more, and the pair says why.
pub(super) fn overtaken(connection: &Connection, now: Timestamp, id: i64, words: &str) -> Result<()> {
    let verdict: Option<String> = connection
        .prepare_cached("SELECT verdict FROM duplicates WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    let verdict = verdict.unwrap_or_default();
    end(connection, now, id, "the compared fields changed")?;
    connection
        .prepare_cached("UPDATE duplicates SET reopened = ?2 WHERE id = ?1")?
        .execute(params![id, format!("Was judged {verdict}; since then changed: {words}")])?;
    let entry = format!("The verdict \"{verdict}\" ended: a compared field changed.");
    say(connection, now, "reknit", "reopen", DuplicateId(id), entry)?;
    raise(connection, DuplicateId(id))
}

fn say(
    connection: &Connection,
    now: Timestamp,
    actor: &str,
    verb: &str,
    id: DuplicateId,
    note: String,
) -> Result<()> {
    audit::note(connection, now, actor, verb, &id.to_string(), note)
}

/// A pair a human said is one or is two.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    id: i64,
    left: String,
    right: String,
    verdict: Verdict,
}

/// Every pair judged same or different that hangs together with a pair through such pairs.
fn judged_around(connection: &Connection, id: DuplicateId) -> Result<Vec<Said>> {
    let Some(pair) = pair(connection, id)? else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(
        "SELECT id, left_record, right_record, verdict FROM duplicates WHERE (left_record = ?1 OR right_record = ?1) \
         AND verdict IN ('same', 'different') AND state IN ('open', 'deciding', 'dismissed') ORDER BY id",
    )?;
    let mut queue = vec![pair.left.to_string(), pair.right.to_string()];
    let (mut seen, mut said) = (queue.clone(), Vec::<Said>::new());
    while let Some(record) = queue.pop() {
        let mut found = statement.query([&record])?;
        while let Some(row) = found.next()? {
            let one = Said {
                id: row.get("id")?,
                left: row.get("left_record")?,
                right: row.get("right_record")?,
                verdict: rows::word(row, "verdict")?,
            };
            for end in [&one.left, &one.right] {
                if !seen.contains(end) && said.len() < JUDGED {
                    seen.push(end.clone());
                    queue.push(end.clone());
                }
            }
            if !said.iter().any(|known| known.id == one.id) {
                said.push(one);
            }
        }
    }
    said.sort_by_key(|said| said.id);
    Ok(said)
}

/// The record that stands for everything it is one with.
fn of<'a>(root: &HashMap<&'a str, &'a str>, mut record: &'a str) -> &'a str {
    while let Some(&next) = root.get(record) {
        record = next;
    }
    record
}

/// Which pairs contradict which: a pair judged different whose two records others make one. A sentence for each pair
/// that takes part.
fn alarms(said: &[Said]) -> Vec<(i64, String)> {
    let mut root: HashMap<&str, &str> = HashMap::new();
    for one in said.iter().filter(|one| one.verdict == Verdict::Same) {
        let (left, right) = (of(&root, &one.left), of(&root, &one.right));
        if left != right {
            root.insert(left, right);
        }
    }
    let mut raised: Vec<(i64, String)> = Vec::new();
    for apart in said.iter().filter(|one| one.verdict == Verdict::Different) {
        let one = of(&root, &apart.left);
        if one != of(&root, &apart.right) {
            continue;
        }
        let ties: Vec<i64> = said
            .iter()
            .filter(|other| other.verdict == Verdict::Same && of(&root, &other.left) == one)
            .map(|other| other.id)
            .collect();
        let names: Vec<String> = ties.iter().map(|id| DuplicateId(*id).to_string()).collect();
        let number = DuplicateId(apart.id);
        let verb = if names.len() == 1 { "makes" } else { "make" };
        let words = format!(
            "{number} says that {} and {} are different, and {} {verb} them one: take one of these back before anything is \
             merged (`reknit verdict {number} --undo`).",
            apart.left,
            apart.right,
            names.join(", ")
        );
        for id in ties.into_iter().chain([apart.id]) {
            if !raised.iter().any(|(known, _)| *known == id) {
                raised.push((id, words.clone()));
            }
        }
    }
    raised
}

/// Writes on every pair around one what its verdict contradicts now.
fn raise(connection: &Connection, id: DuplicateId) -> Result<()> {
    let mut around = judged_around(connection, id)?;
    let raised: HashMap<i64, String> = alarms(&around).into_iter().collect();
    // One whose verdict was taken off has no alarm either.
    if !around.iter().any(|one| one.id == id.0) {
        around.push(Said { id: id.0, left: String::new(), right: String::new(), verdict: Verdict::Unsure });
    }
    for one in &around {
        let band: String = connection
            .prepare_cached("SELECT band FROM duplicates WHERE id = ?1")?
            .query_row([one.id], |row| row.get(0))?;
        let certain = one.verdict == Verdict::Different && band == Band::Auto.as_str();
        let words = raised.get(&one.id).cloned().or_else(|| {
            certain.then(|| {
                "Judged different although the evidence is certain enough to merge them unattended: look at it twice."
                    .to_owned()
            })
        });
        connection
            .prepare_cached("UPDATE duplicates SET alarm = ?2 WHERE id = ?1 AND alarm IS NOT ?2")?
            .execute(params![one.id, words])?;
    }
    Ok(())
}
