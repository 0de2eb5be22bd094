//! Two records beside each other for whoever decides: every field that waits, what each choice would leave behind, and
//! the fields that agree. Reads the journal's copies; decides and sends nothing.

use super::{OperateError, Operator};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ConflictId;
use crate::domain::record::value_text;
use crate::domain::review::{Choice, Conflict};
use crate::domain::text::shorten;
use crate::journal::beside::Alike;
use crate::mapping::judge::{left_value, right_as_one, right_values, same};
use crate::recipes::mend;

/// Letters of an agreeing value.
const SHOWN: usize = 200;

/// What both sides hold after a choice, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Intercom.
    pub left: String,
    /// The CRM.
    pub right: String,
}

/// One field of the two that waits for a decision, or is being decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Disputed {
    /// The conflict.
    pub conflict: Conflict,
    /// After Intercom's value was taken, or why it cannot be.
    pub by_left: Result<After, String>,
    /// After the CRM's value was taken, or why it cannot be.
    pub by_right: Result<After, String>,
    /// When the two last agreed on it.
    pub agreed_at: Option<Timestamp>,
    /// How many open conflicts a rule made from it would decide.
    pub alike: Alike,
}

/// One field that does not wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// As the mapping calls it.
    pub field: String,
    /// Intercom's value.
    pub left: String,
    /// The CRM's value.
    pub right: String,
    /// The two say the same; false where a difference is nobody's question (one direction, nobody's field).
    pub equal: bool,
}

/// Two records field by field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// What waits, oldest first.
    pub disputed: Vec<Disputed>,
    /// What does not, in the order of the mapping; fields that are empty on both sides are left out.
    pub settled: Vec<Settled>,
}

impl Operator {
    /// The two records of a conflict beside each other. Empty when the conflict is gone.
    pub async fn compare(&self, id: ConflictId) -> Result<Compared, OperateError> {
        self.in_force().await.compare_by_these(id).await
    }

    async fn compare_by_these(&self, id: ConflictId) -> Result<Compared, OperateError> {
        let Some(asked) = self.journal.conflict(id).await? else { return Ok(Compared::default()) };
        let mut conflicts = self.journal.conflicts_between(&asked.left, &asked.right).await?;
        if !conflicts.iter().any(|conflict| conflict.id == id) {
            conflicts.push(asked.clone());
        }
        let known = self.journal.known(&asked.left).await?;
        let mapping = self.mapping_of(asked.right.object);
        let mut compared = Compared::default();
        for conflict in conflicts {
            compared.disputed.push(Disputed {
                by_left: self.after(&conflict, &Choice::Left),
                by_right: self.after(&conflict, &Choice::Right),
                agreed_at: known.agreed_at.get(&conflict.field).copied(),
                alike: self.journal.alike(&conflict).await?,
                conflict,
            });
        }
        let (left, right) =
            (self.journal.mirror(&asked.left).await?, self.journal.mirror(&asked.right).await?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(compared) };
        for field in &mapping.fields {
            if compared.disputed.iter().any(|disputed| disputed.conflict.field == field.name) {
                continue;
            }
            let (own, other) = (left_value(field, &left.fields), right_values(field, &right.fields));
            let turned = field.transform.forward(&own).ok();
            let equal = turned.is_some_and(|turned| {
                turned.len() == other.len()
                    && turned.iter().zip(&other).all(|(one, two)| same(field, one, two))
            });
            let text = |value: &serde_json::Value| shorten(&value_text(value), SHOWN).into_owned();
            let (own, other) = (text(&own), text(&right_as_one(&other)));
            if own.is_empty() && other.is_empty() {
                continue;
            }
            compared.settled.push(Settled { field: field.name.clone(), left: own, right: other, equal });
        }
        Ok(compared)
    }

    /// What both sides hold after a choice, by the values that were found.
    pub fn after(&self, conflict: &Conflict, choice: &Choice) -> Result<After, String> {
        let (left, right) = (value_text(&conflict.left_value), value_text(&conflict.right_value));
        let Some(field) = self.mapping_of(conflict.right.object).field(&conflict.field) else {
            // Who somebody is, or a field the mapping does not have any more: the records stay as they are.
            return Ok(After { left, right });
        };
        // A value in several parts is shown as the whole it is stored as.
        let parts = if field.crm.len() == 1 { 1 } else { field.crm.len().max(1) };
        let held: Vec<serde_json::Value> = match &conflict.right_value {
            serde_json::Value::Array(several) if parts > 1 && several.len() == parts => several.clone(),
            one => vec![one.clone(); parts],
        };
        let (left, right) = mend::outcome(choice, conflict.kind, field, &conflict.left_value, &held)
            .map_err(|error| error.to_string())?;
        Ok(After { left: value_text(&left), right: value_text(&right_as_one(&right)) })
    }
}
