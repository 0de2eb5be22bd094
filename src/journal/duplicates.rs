//! Duplicate candidates as looks find them: stored once, refreshed, reopened when what was judged has changed, and their
//! groups. What humans say of them is in `verdicts`.
//!
//! A look over everything has a number; each pair it finds is stamped with it, and what stands open without the stamp at
//! its end is no candidate any more. So a look may store its findings page by page, and what one changed record brings
//! meanwhile survives it.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{self, from_json, to_json};
use super::{Journal, Result, erasure, verdicts};
use crate::domain::clock::Timestamp;
use crate::domain::evidence::Evidence;
use crate::domain::ids::DuplicateId;
use crate::domain::record::{Fields, RecordRef};
use crate::domain::review::verdict::changes;
use crate::domain::review::{Duplicate, ReviewState, Verdict};

/// Records of one group that are looked at: whoever reads more has a list, not a group.
const MEMBERS: usize = 200;
/// The mark that counts the looks.
const LOOKS: &str = "duplicates.looks";

/// The order of the list, by a row's own columns.
pub(super) const RANK: &str =
    "probability + CASE verdict WHEN 'same' THEN 1 WHEN 'unsure' THEN -1 ELSE 0 END";

/// All records believed to be one, and every pair among them that stands or was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateGroup {
    /// The records, in the order of their names; two for a pair by itself.
    pub members: Vec<RecordRef>,
    /// The pairs, surest first; those judged different are among them.
    pub pairs: Vec<Duplicate>,
}

/// A pair as far as grouping needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// Its number.
    pub id: DuplicateId,
    /// One record.
    pub left: String,
    /// The other.
    pub right: String,
    /// Probability that they are the same.
    pub probability: f64,
    /// Its bars.
    pub evidence: Vec<Evidence>,
    /// What a human said of it.
    pub verdict: Option<Verdict>,
    /// It stands in the list.
    pub listed: bool,
}

/// The group a pair was put in: its name and size, and whether it stands for the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The pair.
    pub id: DuplicateId,
    /// The group's name; none for a pair by itself.
    pub group: Option<String>,
    /// Records in it.
    pub members: usize,
    /// It is the one pair that lists show of the group.
    pub leads: bool,
}

impl Journal {
    /// Replaces the open duplicate candidates by what a look found. Pairs a human judged stay judged while the compared
    /// fields are the same; open pairs no longer found become obsolete. The id and state given are ignored.
    pub async fn put_duplicates(&self, found: Vec<Duplicate>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            let look = begin(connection)?;
            for pair in &found {
                put(connection, now, look, pair)?;
            }
            end(connection, look)
        })
        .await
    }

    /// Begins a look over everything: its number.
    pub async fn begin_scan(&self) -> Result<i64> {
        self.write(begin).await
    }

    /// Stores some of what a look found.
    pub async fn put_found(&self, look: i64, found: Vec<Duplicate>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| found.iter().try_for_each(|pair| put(connection, now, look, pair))).await
    }

    /// Ends a look: what stands open and was found neither by it nor since is no candidate any more.
    pub async fn end_scan(&self, look: i64) -> Result<()> {
        self.write(move |connection| end(connection, look)).await
    }

    /// Shows again what was put off until a time that has come; how many.
    pub async fn wake_later(&self) -> Result<usize> {
        let now = self.now();
        let due = self
            .read(move |connection| {
                Ok(connection
                    .prepare_cached(
                        "SELECT 1 FROM duplicates WHERE state = 'ignored' AND verdict_until IS NOT NULL AND verdict_until <= ?1",
                    )?
                    .exists([now.0])?)
            })
            .await?;
        if !due {
            return Ok(0);
        }
        self.write(move |connection| {
            let words = "The time it was put off for is over.";
            connection
                .prepare_cached(
                    "UPDATE duplicate_verdicts SET ended_at = ?1, ended = ?2 WHERE ended_at IS NULL AND duplicate_id IN \
                     (SELECT id FROM duplicates WHERE state = 'ignored' AND verdict_until IS NOT NULL AND verdict_until <= ?1)",
                )?
                .execute(params![now.0, words])?;
            Ok(connection
                .prepare_cached(
                    "UPDATE duplicates SET state = 'open', verdict = NULL, verdict_until = NULL, reopened = ?2, \
                     resolution = NULL WHERE state = 'ignored' AND verdict_until IS NOT NULL AND verdict_until <= ?1",
                )?
                .execute(params![now.0, words])?)
        })
        .await
    }

    /// The group a pair belongs to: all its records and pairs. None when there is no such pair.
    pub async fn group_of(&self, id: DuplicateId) -> Result<Option<DuplicateGroup>> {
        self.read(move |connection| group_of(connection, id)).await
    }

    /// Every pair that is tied to one of these records, directly or through others, as far as groups reach.
    pub async fn tied_to(&self, records: Vec<String>) -> Result<Vec<Tie>> {
        self.read(move |connection| tied_to(connection, records)).await
    }

    /// A page of the pairs that groups are made of, by their numbers.
    pub async fn tied_after(&self, after: DuplicateId, limit: usize) -> Result<Vec<Tie>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {TIE} FROM duplicates WHERE id > ?1 AND {TIED} ORDER BY id LIMIT ?2"
            ))?;
            let mut found = statement.query(params![after.0, limit as i64])?;
            let mut ties = Vec::new();
            while let Some(row) = found.next()? {
                ties.push(tie(row)?);
            }
            Ok(ties)
        })
        .await
    }

    /// Stores which group each pair belongs to.
    pub async fn put_groups(&self, places: Vec<Place>) -> Result<()> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE duplicates SET cluster = ?2, members = ?3, leads = ?4 \
                 WHERE id = ?1 AND (cluster IS NOT ?2 OR members <> ?3 OR leads <> ?4)",
            )?;
            for place in &places {
                statement.execute(params![
                    place.id.0,
                    place.group,
                    place.members as i64,
                    i64::from(place.leads)
                ])?;
            }
            Ok(())
        })
        .await
    }
}

fn begin(connection: &Connection) -> Result<i64> {
    Ok(connection
        .prepare_cached(
            "INSERT INTO settings VALUES (?1, '1') ON CONFLICT (name) DO UPDATE SET value = value + 1 \
             RETURNING CAST(value AS INTEGER)",
        )?
        .query_row([LOOKS], |row| row.get(0))?)
}

/// The number of the look that runs or ran last: what one changed record brings belongs to it.
pub(super) fn look_now(connection: &Connection) -> Result<i64> {
    let found = connection
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM settings WHERE name = ?1")?
        .query_row([LOOKS], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn end(connection: &Connection, look: i64) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE duplicates SET state = 'obsolete', resolution = 'The records no longer look alike.' \
             WHERE state IN ('open', 'ignored') AND seen_scan < ?1",
        )?
        .execute([look])?;
    Ok(())
}

/// A pair as it stands in the journal.
struct Stored {
    id: i64,
    state: String,
    fingerprint: String,
    left: String,
    left_fields: String,
    right_fields: String,
    probability: f64,
    obstacle: Option<String>,
    judged: bool,
}

fn stored(connection: &Connection, left: &str, right: &str) -> Result<Option<Stored>> {
    Ok(connection
        .prepare_cached(
            "SELECT id, state, fingerprint, left_record, left_fields, right_fields, probability, obstacle, \
             verdict IS NOT NULL FROM duplicates \
             WHERE (left_record = ?1 AND right_record = ?2) OR (left_record = ?2 AND right_record = ?1) LIMIT 1",
        )?
        .query_row([left, right], |row| {
            Ok(Stored {
                id: row.get(0)?,
                state: row.get(1)?,
                fingerprint: row.get(2)?,
                left: row.get(3)?,
                left_fields: row.get(4)?,
                right_fields: row.get(5)?,
                probability: row.get(6)?,
                obstacle: row.get(7)?,
                judged: row.get(8)?,
            })
        })
        .optional()?)
}

/// What changed in the compared fields since a pair was stored, as a sentence.
fn changed(known: &Stored, pair: &Duplicate) -> Result<Option<String>> {
    let left: Fields = from_json(&known.left_fields, "duplicates.left_fields")?;
    let right: Fields = from_json(&known.right_fields, "duplicates.right_fields")?;
    let turned = known.left != pair.left.to_string();
    let (left, right) = if turned { (right, left) } else { (left, right) };
    let mut words = Vec::new();
    for (record, before, after) in
        [(&pair.left, &left, &pair.left_fields), (&pair.right, &right, &pair.right_fields)]
    {
        let found = changes(before, after);
        if !found.is_empty() {
            words.push(format!("{}: {}", record.title(), found.join(", ")));
        }
    }
    Ok((!words.is_empty()).then(|| format!("{}.", words.join("; "))))
}

/// Stores one candidate that a look found.
pub(super) fn put(connection: &Connection, now: Timestamp, look: i64, pair: &Duplicate) -> Result<()> {
    if erasure::is_erased(connection, &pair.left)? || erasure::is_erased(connection, &pair.right)? {
        return Ok(());
    }
    let (left, right) = (pair.left.to_string(), pair.right.to_string());
    let Some(known) = stored(connection, &left, &right)? else {
        connection
            .prepare_cached(
                "INSERT INTO duplicates (subject, left_record, left_fields, right_record, right_fields, probability, \
                 band, evidence, fingerprint, obstacle, state, created_at, last_seen, evidence_at, seen_scan, rank) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open', ?11, ?11, ?11, ?12, ?6)",
            )?
            .execute(params![
                pair.subject,
                left,
                to_json(&pair.left_fields)?,
                right,
                to_json(&pair.right_fields)?,
                pair.probability,
                pair.band.as_str(),
                to_json(&pair.evidence)?,
                pair.fingerprint,
                pair.obstacle,
                now.0,
                look,
            ])?;
        return Ok(());
    };
    connection
        .prepare_cached("UPDATE duplicates SET seen_scan = max(seen_scan, ?2), last_seen = ?3 WHERE id = ?1")?
        .execute(params![known.id, look, now.0])?;
    let is = |state: ReviewState| known.state == state.as_str();
    let same = known.fingerprint == pair.fingerprint;
    let judged =
        known.judged && (is(ReviewState::Dismissed) || is(ReviewState::Ignored) || is(ReviewState::Open));
    // A fingerprint also changes with the way it is made: a verdict ends only when what was judged has changed.
    let changed = if same { None } else { changed(&known, pair)? };
    let ends = judged && changed.is_some();
    if is(ReviewState::Dismissed) || is(ReviewState::Ignored) {
        if !same && !ends {
            connection
                .prepare_cached("UPDATE duplicates SET fingerprint = ?2 WHERE id = ?1")?
                .execute(params![known.id, pair.fingerprint])?;
        }
        if !ends {
            return Ok(());
        }
    } else if !(is(ReviewState::Open) || is(ReviewState::Obsolete)) {
        return Ok(());
    }
    // Untouched rows are left alone, so that a look that finds nothing new wakes no screen.
    let as_shown = known.left == left
        && known.left_fields == to_json(&pair.left_fields)?
        && known.right_fields == to_json(&pair.right_fields)?
        && (known.probability - pair.probability).abs() < 0.005
        && known.obstacle == pair.obstacle;
    if is(ReviewState::Open) && same && as_shown {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE duplicates SET subject = ?2, left_fields = ?3, right_fields = ?4, probability = ?5, \
             band = ?6, evidence = ?7, fingerprint = ?8, obstacle = ?9, state = 'open', resolution = NULL, \
             left_record = ?10, right_record = ?11, evidence_at = CASE WHEN ?12 THEN ?13 ELSE evidence_at END WHERE id = ?1",
        )?
        .execute(params![
            known.id,
            pair.subject,
            to_json(&pair.left_fields)?,
            to_json(&pair.right_fields)?,
            pair.probability,
            pair.band.as_str(),
            to_json(&pair.evidence)?,
            pair.fingerprint,
            pair.obstacle,
            left,
            right,
            changed.is_some(),
            now.0,
        ])?;
    if let (true, Some(words)) = (ends, changed) {
        verdicts::overtaken(connection, now, known.id, &words)?;
    }
    connection
        .prepare_cached(&format!("UPDATE duplicates SET rank = {RANK} WHERE id = ?1"))?
        .execute([known.id])?;
    Ok(())
}

/// What groups are made of: what is listed, and what humans said.
const TIED: &str =
    "(state IN ('open', 'deciding') OR (state IN ('dismissed', 'ignored') AND verdict IS NOT NULL))";
const TIE: &str = "id, left_record, right_record, probability, evidence, verdict, state";

fn tie(row: &Row<'_>) -> Result<Tie> {
    let state: ReviewState = rows::word(row, "state")?;
    Ok(Tie {
        id: DuplicateId(row.get("id")?),
        left: row.get("left_record")?,
        right: row.get("right_record")?,
        probability: row.get("probability")?,
        evidence: rows::json(row, "evidence")?,
        verdict: rows::optional_word(row, "verdict")?,
        listed: matches!(state, ReviewState::Open | ReviewState::Deciding),
    })
}

fn tied_to(connection: &Connection, records: Vec<String>) -> Result<Vec<Tie>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TIE} FROM duplicates WHERE (left_record = ?1 OR right_record = ?1) AND {TIED}"
    ))?;
    let (mut queue, mut seen, mut ties) = (records.clone(), records, Vec::<Tie>::new());
    while let Some(record) = queue.pop() {
        let mut found = statement.query([&record])?;
        while let Some(row) = found.next()? {
            let tie = tie(row)?;
            for end in [&tie.left, &tie.right] {
                if !seen.contains(end) && seen.len() < MEMBERS {
                    seen.push(end.clone());
                    queue.push(end.clone());
                }
            }
            if !ties.iter().any(|known| known.id == tie.id) {
                ties.push(tie);
            }
        }
    }
    ties.sort_by_key(|tie| tie.id.0);
    Ok(ties)
}

fn group_of(connection: &Connection, id: DuplicateId) -> Result<Option<DuplicateGroup>> {
    let found = connection
        .prepare_cached("SELECT * FROM duplicate_rows WHERE id = ?1")?
        .query_row([id.0], |row| Ok(rows::duplicate(row)))
        .optional()?
        .transpose()?;
    let Some(pair) = found else { return Ok(None) };
    let mut members = vec![pair.left.clone(), pair.right.clone()];
    let mut pairs = vec![pair];
    if let Some(cluster) = pairs[0].standing.group.clone() {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT * FROM duplicate_rows WHERE cluster = ?1 AND id <> ?2 AND {TIED} LIMIT 1000"
        ))?;
        let mut found = statement.query(params![cluster, id.0])?;
        while let Some(row) = found.next()? {
            pairs.push(rows::duplicate(row)?);
        }
        members = pairs.iter().flat_map(|pair| [pair.left.clone(), pair.right.clone()]).collect();
    }
    members.sort_unstable();
    members.dedup();
    pairs.sort_by(|one, other| {
        other.probability.total_cmp(&one.probability).then_with(|| one.id.cmp(&other.id))
    });
    Ok(Some(DuplicateGroup { members, pairs }))
}
