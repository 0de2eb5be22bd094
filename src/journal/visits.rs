//! When somebody last looked at the first screen, and what came since. Bounded reads over indexes: of what is new at
//! most some thousand rows are looked at, whatever the size of the journal.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::rows::{from_json, to_json};
use super::{Journal, Result, overview};
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::overview::{Moved, Since};

/// Who comes back within this time goes on with the same visit.
const SAME_VISIT: i64 = 30 * 60_000;
/// A visit's end is not written more often than this.
const NOTED_EVERY: i64 = 60_000;
/// Of each kind at most so many new ones are counted.
const MOST: i64 = 2_000;
/// At most so many audit lines are read.
const LINES: i64 = 5_000;

/// How many of each kind stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Standing {
    failed: u64,
    conflicts: u64,
    duplicates: u64,
    unlinked: u64,
}

impl Journal {
    /// Somebody looks now. Writes only what is needed for the next visit, at most once a minute.
    pub async fn note_visit(&self, actor: String) -> Result<()> {
        let now = self.now();
        let known = actor.clone();
        let seen: Option<i64> = self
            .read(move |connection| {
                Ok(connection
                    .prepare_cached("SELECT seen_at FROM visits WHERE actor = ?1")?
                    .query_row([known], |row| row.get(0))
                    .optional()?)
            })
            .await?;
        if seen.is_some_and(|seen| (0..NOTED_EVERY).contains(&(now.0 - seen))) {
            return Ok(());
        }
        self.write(move |connection| {
            let standing = to_json(&standing(connection)?)?;
            connection
                .prepare_cached(
                    "INSERT INTO visits (actor, seen_at, seen) VALUES (?1, ?2, ?3) ON CONFLICT (actor) DO UPDATE SET \
                     since = CASE WHEN ?2 - seen_at BETWEEN 0 AND ?4 THEN since ELSE seen_at END, \
                     base = CASE WHEN ?2 - seen_at BETWEEN 0 AND ?4 THEN base ELSE seen END, \
                     seen_at = ?2, seen = ?3",
                )?
                .execute(params![actor, now.0, standing, SAME_VISIT])?;
            Ok(())
        })
        .await
    }

    /// What came since the visit before the present one; none for somebody who is here for the first time.
    pub async fn since_visit(&self, actor: String) -> Result<Option<Since>> {
        let now = self.now();
        self.read(move |connection| since(connection, now, &actor)).await
    }
}

fn standing(connection: &Connection) -> Result<Standing> {
    let counts = overview::counts(connection)?;
    Ok(Standing {
        failed: counts.of(Status::Failed),
        conflicts: counts.conflicts,
        duplicates: counts.duplicates,
        unlinked: counts.unlinked,
    })
}

fn since(connection: &Connection, now: Timestamp, actor: &str) -> Result<Option<Since>> {
    let visit: Option<(i64, String, Option<i64>, Option<String>)> = connection
        .prepare_cached("SELECT seen_at, seen, since, base FROM visits WHERE actor = ?1")?
        .query_row([actor], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((seen_at, seen, since, base)) = visit else { return Ok(None) };
    // A visit that nobody could note (a journal that may only be read) is compared with the last one that was.
    let (at, base) = if (0..=SAME_VISIT).contains(&(now.0 - seen_at)) {
        match (since, base) {
            (Some(since), Some(base)) => (since, base),
            _ => return Ok(None),
        }
    } else {
        (seen_at, seen)
    };
    let base: Standing = from_json(&base, "visits.base")?;
    let present = standing(connection)?;
    let new = |sql: &str| -> Result<u64> {
        let count: i64 = connection.prepare_cached(sql)?.query_row([at, MOST], |row| row.get(0))?;
        Ok(count.max(0).cast_unsigned())
    };
    // The newest rows of each kind, by their number: what came later has a higher one.
    let failed =
        new("SELECT count(*) FROM (SELECT updated_at FROM executions INDEXED BY executions_by_status \
         WHERE status = 'failed' ORDER BY id DESC LIMIT ?2) WHERE updated_at > ?1")?;
    let conflicts =
        new("SELECT count(*) FROM (SELECT created_at FROM conflicts INDEXED BY conflicts_by_state \
         WHERE state = 'open' ORDER BY id DESC LIMIT ?2) WHERE created_at > ?1")?;
    let duplicates = new("SELECT count(*) FROM (SELECT leads FROM duplicates INDEXED BY duplicates_by_age \
         WHERE state = 'open' AND created_at > ?1 LIMIT ?2) WHERE leads = 1")?;
    let unlinked = new("SELECT count(*) FROM (SELECT 1 FROM unlinked INDEXED BY unlinked_by_age \
         WHERE state = 'open' AND created_at > ?1 LIMIT ?2)")?;
    let moved = |before: u64, came: u64, stands: u64| Moved {
        came,
        gone: before.saturating_add(came).saturating_sub(stands),
    };
    let (others, whole) = others(connection, Timestamp(at), actor)?;
    Ok(Some(Since {
        at: Timestamp(at),
        failed: moved(base.failed, failed, present.failed),
        conflicts: moved(base.conflicts, conflicts, present.conflicts),
        duplicates: moved(base.duplicates, duplicates, present.duplicates),
        unlinked: moved(base.unlinked, unlinked, present.unlinked),
        others,
        whole: whole && [failed, conflicts, duplicates, unlinked].iter().all(|count| *count < MOST as u64),
    }))
}

/// What other people did since then, by person, most first; false when there is more than was read.
fn others(connection: &Connection, since: Timestamp, own: &str) -> Result<(Vec<(String, u64)>, bool)> {
    let mut statement =
        connection.prepare_cached("SELECT at, actor FROM audit ORDER BY number DESC LIMIT ?1")?;
    let mut found = statement.query([LINES])?;
    let mut others: Vec<(String, u64)> = Vec::new();
    let mut read = 0;
    while let Some(row) = found.next()? {
        read += 1;
        if row.get::<_, i64>(0)? <= since.0 {
            read = 0;
            break;
        }
        let actor: String = row.get(1)?;
        // What Reknit does by itself is nobody's decision.
        if actor == own || actor == "engine" || actor.starts_with("rule ") {
            continue;
        }
        match others.iter_mut().find(|(name, _)| *name == actor) {
            Some((_, count)) => *count += 1,
            None => others.push((actor, 1)),
        }
    }
    others.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok((others, read < LINES))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::audit::NewEntry;
    use crate::domain::clock::ManualClock;

    #[tokio::test]
    async fn r7_a_visit_is_compared_with_the_end_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp(1_795_219_200_000));
        let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).unwrap();
        let ana = || "ana".to_owned();
        journal.note_visit(ana()).await.unwrap();
        assert_eq!(journal.since_visit(ana()).await.unwrap(), None, "nothing to compare the first one with");
        clock.advance(Duration::from_secs(10 * 60));
        journal.note_visit(ana()).await.unwrap();
        assert_eq!(journal.since_visit(ana()).await.unwrap(), None, "ten minutes later it is the same visit");
        let left = journal.now();
        clock.advance(Duration::from_secs(16 * 3_600));
        for actor in ["bo", "engine", "bo", "ana"] {
            let entry = NewEntry {
                actor: actor.to_owned(),
                verb: "retry".to_owned(),
                object: "ex_1".to_owned(),
                note: "Again.".to_owned(),
            };
            journal.audit(vec![entry]).await.unwrap();
        }
        journal.note_visit(ana()).await.unwrap();
        let since = journal.since_visit(ana()).await.unwrap().expect("the morning after");
        assert_eq!((since.at, since.others, since.whole), (left, vec![("bo".to_owned(), 2)], true));
        clock.advance(Duration::from_secs(5 * 60));
        journal.note_visit(ana()).await.unwrap();
        let still = journal.since_visit(ana()).await.unwrap().expect("still the same visit");
        assert_eq!(still.at, left);
    }

    #[tokio::test]
    async fn r7_who_may_only_read_is_compared_with_the_last_visit_that_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp(1_795_219_200_000));
        let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).unwrap();
        journal.note_visit("ana".to_owned()).await.unwrap();
        let left = journal.now();
        clock.advance(Duration::from_secs(7_200));
        let since = journal.since_visit("ana".to_owned()).await.unwrap().expect("known from before");
        assert_eq!(since.at, left);
    }
}
