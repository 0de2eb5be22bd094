//! Is the journal whole? Every page, every stored body, the audit chain, the counters and the head kept outside.
//!
//! It only reads, also where the journal was opened to look, and mends nothing: each finding says what is affected.
//! Long tables are read some rows at a time, so that it holds nobody up.

use rusqlite::Connection;
use serde::Serialize;

use super::{Journal, JournalError, Result, head, rows};
use crate::domain::audit::Verdict;

/// Rows read under one snapshot.
const BATCH: i64 = 2_000;
/// Findings of one kind that are told in full.
const TOLD: usize = 50;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is affected: `events.body of ev_12`, `the audit log from entry 7`.
    pub what: String,
    /// What is wrong with it, and what that means.
    pub why: String,
    /// What to do about it.
    pub next: String,
}

/// What a check looked at and found.
#[derive(Debug, Clone, Serialize)]
pub struct Examination {
    /// Events whose bodies were compared with their hashes.
    pub events: u64,
    /// What the audit log's chain says.
    pub audit: Option<Verdict>,
    /// What is wrong, worst first; empty when the journal is whole.
    pub findings: Vec<Finding>,
}

const RESTORE: &str = "stop Reknit, copy the journal and the files beside it to another disk, look for a failing disk or \
                       memory, and go back to a backup from before; what the vendors still know is loaded again";
const AGAIN: &str =
    "the vendor still has the record: change it there, or load it again, and what the event told comes anew";

impl Journal {
    /// Examines the journal from end to end.
    pub async fn examine(&self) -> Result<Examination> {
        let mut findings = Vec::new();
        let pages = self.read(pages).await;
        gather(&mut findings, pages, "the file itself");
        let (events, found) = self.examine_events().await?;
        findings.extend(found);
        let audit = match self.verify_audit().await {
            Ok(verdict) => {
                if let Some((number, why)) = &verdict.broken {
                    findings.push(Finding {
                        what: format!("the audit log from entry {number}"),
                        why: why.clone(),
                        next: format!("the entries before {number} are whole; compare with a backup and find out who could write to the file"),
                    });
                }
                Some(verdict)
            }
            Err(error) => {
                findings.push(damage("the audit log", &error));
                None
            }
        };
        let outside = self.examine_head().await?;
        findings.extend(outside);
        gather(&mut findings, self.read(counters).await, "counters");
        Ok(Examination { events, audit, findings })
    }

    /// Reads every event and compares its body with its hash.
    async fn examine_events(&self) -> Result<(u64, Vec<Finding>)> {
        let (mut findings, mut after, mut count) = (Vec::new(), i64::MIN, 0);
        loop {
            let found = self.read(move |connection| bodies(connection, after)).await;
            match found {
                Ok(batch) => {
                    count += batch.read;
                    findings.extend(batch.findings);
                    match batch.last {
                        Some(last) if findings.len() < TOLD => after = last,
                        _ => return Ok((count, findings)),
                    }
                }
                Err(error @ (JournalError::Damaged { .. } | JournalError::Disk(_))) => {
                    let from = if after == i64::MIN { "the first".to_owned() } else { format!("ev_{after}") };
                    findings.push(damage(&format!("events after {from}"), &error));
                    return Ok((count, findings));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What does not fit the head kept outside, if anything; cheap enough for each start.
    pub async fn examine_head(&self) -> Result<Option<Finding>> {
        let path = self.inner.head_path.clone();
        let outside = tokio::task::spawn_blocking(move || head::Outside::read(&path))
            .await
            .map_err(|_| JournalError::Closed)?;
        let commits = self.read(head::commits).await?;
        Ok(outside.doubt(commits).map(|why| Finding {
            what: "the end of the journal".to_owned(),
            why,
            next: "events acknowledged there may be missing: load both systems again, and look into the vendors' delivery logs; \
                   then `reknit journal accept REASON` ends this alarm"
                .to_owned(),
        }))
    }

    /// A person has looked into what does not fit the head kept outside: the reason goes into the audit log, and the
    /// alarm ends. False when there is none.
    pub async fn accept_head(&self, actor: String, reason: String) -> Result<bool> {
        let Some(finding) = self.examine_head().await? else { return Ok(false) };
        let entry = crate::domain::audit::NewEntry {
            actor,
            verb: "accept".into(),
            object: "audit-head".into(),
            note: format!("{reason} (accepted: {})", finding.why),
        };
        self.audit(vec![entry]).await?;
        let path = self.inner.head_path.clone();
        tokio::task::spawn_blocking(move || head::settle_dispute(&path))
            .await
            .map_err(|_| JournalError::Closed)?
            .map_err(|error| JournalError::Disk(error.to_string()))?;
        Ok(true)
    }
}

fn damage(what: &str, error: &JournalError) -> Finding {
    Finding { what: what.to_owned(), why: error.to_string(), next: RESTORE.to_owned() }
}

fn gather(findings: &mut Vec<Finding>, found: Result<Vec<Finding>>, what: &str) {
    match found {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(damage(what, &error)),
    }
}

fn pages(connection: &Connection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut statement = connection.prepare("PRAGMA integrity_check(50)")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let words: String = row.get(0)?;
        findings.extend(words.lines().filter(|line| *line != "ok").map(|line| Finding {
            what: "the file's pages".to_owned(),
            why: format!("SQLite says: {line}"),
            next: RESTORE.to_owned(),
        }));
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        if findings.len() >= TOLD {
            break;
        }
        let (table, number, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        findings.push(Finding {
            what: format!("{table}, row {}", number.unwrap_or_default()),
            why: format!("the row of {parent} that it names is not there"),
            next: RESTORE.to_owned(),
        });
    }
    Ok(findings)
}

struct Batch {
    read: u64,
    findings: Vec<Finding>,
    /// The last row read; none when there are no more.
    last: Option<i64>,
}

fn bodies(connection: &Connection, after: i64) -> Result<Batch> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM events WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut found = statement.query([after, BATCH])?;
    let mut batch = Batch { read: 0, findings: Vec::new(), last: None };
    while let Some(row) = found.next()? {
        let id: i64 = row.get("id")?;
        batch.read += 1;
        batch.last = Some(id);
        if let Err(error) = rows::event(connection, row)
            && batch.findings.len() < TOLD
        {
            let column = match &error {
                JournalError::Damaged { what, .. } => {
                    (*what).strip_prefix("events.").unwrap_or(what).to_owned()
                }
                _ => "row".to_owned(),
            };
            batch.findings.push(Finding {
                what: format!("events.{column} of ev_{id}"),
                why: format!("{error}; it is not run"),
                next: AGAIN.to_owned(),
            });
        }
    }
    if batch.read < BATCH as u64 {
        batch.last = None;
    }
    Ok(batch)
}

fn counters(connection: &Connection) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (kind, table, column) in [
        ("execution", "executions", "status"),
        ("conflict", "conflicts", "state"),
        ("duplicate", "duplicates", "state"),
        ("unlinked", "unlinked", "state"),
    ] {
        // Both in one statement, so in one snapshot.
        let mut statement = connection.prepare(&format!(
            "WITH counted AS (SELECT '{kind}.' || {column} AS name, count(*) AS rows FROM {table} GROUP BY 1), \
             told AS (SELECT name, value FROM counters WHERE name LIKE '{kind}.%') \
             SELECT coalesce(counted.name, told.name), coalesce(rows, 0), coalesce(value, 0) \
             FROM counted FULL JOIN told ON told.name = counted.name WHERE coalesce(rows, 0) <> coalesce(value, 0)"
        ))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let (name, counted, told): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            findings.push(Finding {
                what: format!("the counter {name}"),
                why: format!(
                    "it says {told}, and there are {counted}: numbers on the screen are wrong, no data is"
                ),
                next: RESTORE.to_owned(),
            });
        }
    }
    Ok(findings)
}
