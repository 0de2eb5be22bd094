//! The rollout checklist: which step was found or said to be right, by whom, on what evidence. Checks nothing itself.

use rusqlite::{Connection, params};

use super::{Journal, Result, audit};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;

/// A step somebody has been through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// Its name.
    pub step: String,
    /// It was right.
    pub good: bool,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was seen.
    pub evidence: String,
}

impl Journal {
    /// The steps that were looked at, in the order of their names.
    pub async fn rollout(&self) -> Result<Vec<Ticked>> {
        self.read(|connection: &Connection| {
            let mut statement = connection
                .prepare_cached("SELECT step, good, by, at, evidence FROM rollout ORDER BY step")?;
            let found = statement.query_map([], |row| {
                Ok(Ticked {
                    step: row.get(0)?,
                    good: row.get(1)?,
                    by: row.get(2)?,
                    at: Timestamp(row.get(3)?),
                    evidence: row.get(4)?,
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Notes what came of a step, in the place of what was known of it, and in the audit log.
    pub async fn tick(&self, step: String, good: bool, by: String, evidence: String) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO rollout (step, good, by, at, evidence) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (step) DO UPDATE SET good = ?2, by = ?3, at = ?4, evidence = ?5",
                )?
                .execute(params![step, good, by, now.0, evidence])?;
            let entry = NewEntry {
                actor: by,
                verb: "rollout".to_owned(),
                object: format!("step {step}"),
                note: if good { "Found right.".to_owned() } else { "Found wrong.".to_owned() },
            };
            audit::append(connection, now, &[entry])
        })
        .await
    }
}
