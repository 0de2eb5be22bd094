//! Around a mapping: a draft of it to edit, what the draft would change, and what a vendor's change means for it. A draft is
//! a file that nothing reads by itself; a mapping comes into force only when its own file is written.

use std::path::PathBuf;
use std::time::Duration;

use super::{OperateError, Operator};
use crate::domain::clock::Timestamp;
use crate::domain::drift::Finding;
use crate::engine::drift::{accept_finding, resume_finding};
use crate::engine::rehearse::{Rehearsal, rehearse};
use crate::mapping::Mapping;

/// What an edited mapping would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The mapping in force it was held against.
    pub name: String,
    /// The file that was read.
    pub file: String,
    /// The lines in which it differs, each with its sign.
    pub lines: Vec<String>,
    /// People and fields that would come out otherwise.
    pub rehearsal: Rehearsal,
}

impl Operator {
    /// Where a mapping's draft lies; none where there is no folder for mappings of one's own.
    pub fn draft_of(&self, mapping: &str) -> Option<PathBuf> {
        let folder = self.desk.sources()?.mappings.as_ref()?;
        Some(folder.join(format!("{mapping}.toml.draft")))
    }

    /// Writes a copy of a mapping to be edited, unless there is a draft of it already; its path.
    pub async fn draft_mapping(&self, mapping: &str) -> Result<PathBuf, OperateError> {
        self.may_write()?;
        let rules = self.rules().await?;
        let known = rules
            .mapping(mapping)
            .ok_or_else(|| OperateError::Impossible(format!("there is no mapping \"{mapping}\".")))?;
        let path = self.draft_of(mapping).ok_or_else(|| {
            OperateError::Impossible(
                "this Reknit has no settings file, so its mappings have no folder.".into(),
            )
        })?;
        if !path.exists() {
            let failed = |error: std::io::Error| {
                OperateError::Impossible(format!(
                    "{}: {error}; check the folder's permissions.",
                    path.display()
                ))
            };
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            std::fs::write(&path, &known.text).map_err(failed)?;
        }
        Ok(path)
    }

    /// What a mapping in a file would change for those who were told of within a span; at most so many pairs are judged.
    pub async fn plan_mapping(
        &self,
        path: PathBuf,
        span: Duration,
        most: u64,
    ) -> Result<Planned, OperateError> {
        let file = path.display().to_string();
        let text = tokio::fs::read_to_string(&path)
            .await
            .map_err(|error| OperateError::Impossible(format!("{file}: {error}.")))?;
        let edited =
            Mapping::parse(&text, &file).map_err(|error| OperateError::Impossible(format!("{error}.")))?;
        let rules = self.rules().await?;
        let known = rules.mapping(&edited.name).ok_or_else(|| {
            OperateError::Impossible(format!(
                "no mapping \"{}\" is in force, so there is nothing to hold it against.",
                edited.name
            ))
        })?;
        let since = Timestamp(self.clock.now().0 - i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 2));
        let rehearsal = rehearse(&self.journal, known, &edited, since, most).await?;
        let lines = super::editions::compared(&known.text, &text);
        Ok(Planned { name: known.name.clone(), file, lines, rehearsal })
    }

    /// Takes a vendor's change as it is, or lets what it holds back go on without accepting it.
    pub async fn decide_drift(&self, id: i64, accept: bool) -> Result<Finding, OperateError> {
        self.may_write()?;
        let rules = self.rules().await?;
        let (book, now, actor) = (&rules.in_force.book, self.clock.now(), self.actor.clone());
        Ok(if accept {
            accept_finding(&self.journal, book, now, id, actor).await?
        } else {
            resume_finding(&self.journal, book, now, id, actor).await?
        })
    }
}
