//! Several conflicts decided in one go: all their calls are shown together first, and exactly those are sent. Each is
//! an execution of its own; what changed since it was shown is left out and named. Makes no rule.

use super::disputes::{Applied, Proposal, Reach, Wish};
use super::{OperateError, Operator};
use crate::domain::ids::ConflictId;
use crate::domain::plan::{Becomes, Preview};
use crate::domain::record::value_text;
use crate::domain::review::Choice;
use crate::domain::text::shorten;

/// Letters of a value in the list of what becomes of each.
const SHOWN: usize = 60;
/// Calls that are shown; their number is said whole.
const CALLS: usize = 60;

/// What several decisions would do, frozen.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What is shown.
    pub preview: Preview,
    /// One for each that can be carried out.
    pub proposals: Vec<Proposal>,
    /// What cannot be, and why.
    pub left_out: Vec<(ConflictId, String)>,
}

impl Operator {
    /// What deciding these conflicts would send.
    pub async fn propose_each(&self, wanted: &[(ConflictId, Choice)]) -> Result<Batch, OperateError> {
        let mut batch = Batch { preview: Preview::default(), proposals: Vec::new(), left_out: Vec::new() };
        let (mut calls, mut subjects) = (0, Vec::<String>::new());
        for (id, choice) in wanted {
            let conflict = self.journal.conflict(*id).await?;
            let wish = Wish::Settle(choice.clone());
            let outcome = self.propose(*id, &wish, Reach::This).await;
            let becomes = match (&outcome, &conflict) {
                (Ok(_), Some(conflict)) => match self.after(conflict, choice) {
                    Ok(after) if after.left == after.right => format!("both {}", dash(&after.left)),
                    Ok(after) => format!("Intercom {}, CRM {}", dash(&after.left), dash(&after.right)),
                    Err(why) => why,
                },
                (Err(error), _) => format!("stays open: {}", plain(error)),
                (Ok(_), None) => String::new(),
            };
            if let Some(conflict) = &conflict {
                batch.preview.becomes.push(Becomes {
                    conflict: *id,
                    subject: format!("{}: {}", conflict.subject, conflict.field),
                    left: shorten(&value_text(&conflict.left_value), SHOWN).into_owned(),
                    right: shorten(&value_text(&conflict.right_value), SHOWN).into_owned(),
                    becomes,
                });
            }
            match outcome {
                Ok(mut proposal) => {
                    calls += proposal.preview.calls.len();
                    let room = CALLS.saturating_sub(batch.preview.calls.len());
                    batch.preview.calls.extend(proposal.preview.calls.iter().take(room).cloned());
                    batch.preview.retries.append(&mut proposal.preview.retries.clone());
                    batch.preview.irreversible |= proposal.preview.irreversible;
                    for note in std::mem::take(&mut proposal.preview.notes) {
                        if !batch.preview.notes.contains(&note) {
                            batch.preview.notes.push(note);
                        }
                    }
                    if let Some(subject) = conflict.map(|conflict| conflict.subject)
                        && !subjects.contains(&subject)
                    {
                        subjects.push(subject);
                    }
                    batch.proposals.push(proposal);
                }
                Err(OperateError::Impossible(why) | OperateError::Missing(why)) => {
                    batch.left_out.push((*id, why));
                }
                Err(error) => return Err(error),
            }
        }
        if batch.proposals.is_empty() {
            let why = batch
                .left_out
                .first()
                .map_or_else(|| "nothing is decided.".to_owned(), |(id, why)| format!("{id}: {why}"));
            return Err(OperateError::Impossible(why));
        }
        let fields = batch.proposals.len();
        batch.preview.title = match subjects.as_slice() {
            [one] => format!("Settle {} of {one}", counted(fields, "field")),
            several => format!("Settle {} of {} records", counted(fields, "field"), several.len()),
        };
        if calls > batch.preview.calls.len() {
            batch.preview.notes.push(format!("{calls} calls in all; the first {CALLS} are shown."));
        }
        if fields > 1 {
            batch
                .preview
                .notes
                .push("Each field is an execution of its own: one that fails stops no other.".into());
        }
        Ok(batch)
    }

    /// Sends what was shown, and nothing else.
    pub async fn carry_out_each(&self, batch: &Batch) -> Result<Applied, OperateError> {
        self.may_write()?;
        let mut all = Applied { refused: batch.left_out.clone(), ..Applied::default() };
        for proposal in &batch.proposals {
            match self.carry_out(proposal).await {
                Ok(applied) => {
                    all.executions.extend(applied.executions);
                    all.retried.extend(applied.retried);
                    all.refused.extend(applied.refused);
                }
                Err(OperateError::Impossible(why) | OperateError::Missing(why)) => {
                    all.refused.push((proposal.conflict, why));
                }
                Err(OperateError::Claimed { claim, .. }) => {
                    all.refused.push((proposal.conflict, super::team::words(&claim)));
                }
                Err(error) => return Err(error),
            }
        }
        all.sentence = match all.executions.as_slice() {
            [one] => format!("Decided. It is sent as {one}; 2 shows it."),
            several => format!("{} decided; 2 shows how they are sent.", counted(several.len(), "field")),
        };
        if let Some((id, why)) = all.refused.first() {
            all.sentence.push_str(&format!(" {id} is left as it is: {why}"));
            if all.refused.len() > 1 {
                all.sentence.push_str(&format!(" And {} more.", all.refused.len() - 1));
            }
        }
        Ok(all)
    }
}

fn dash(value: &str) -> String {
    if value.is_empty() { "—".to_owned() } else { shorten(value, SHOWN).into_owned() }
}

fn plain(error: &OperateError) -> String {
    let text = error.to_string();
    text.strip_prefix("Nothing was changed: ").unwrap_or(&text).to_owned()
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
