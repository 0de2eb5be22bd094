//! A field of which one direction is switched off: the side that is left is its source, and nothing is a conflict.
//!
//! Pure. What the other side changes is left alone there and never carried over; it is overwritten when the source
//! changes, which is what whoever switched it off was told.

use crate::domain::pause::Direction as Way;
use crate::domain::review::ConflictKind;
use crate::domain::standing::FieldHold;
use crate::mapping::judge::{Sides, Verdict, judge};
use crate::mapping::{Direction, FieldMapping, Owner};

/// Compares a field three ways, as far as its directions are on.
pub fn judge_as_far_as_on(field: &FieldMapping, sides: &Sides<'_>, off: &[FieldHold]) -> Verdict {
    let off_to = |way: Way| off.iter().find(|hold| hold.field == field.name && hold.direction == way);
    let (to_crm, to_intercom) = (off_to(Way::ToCrm), off_to(Way::ToIntercom));
    let (hold, direction, owner) = match (to_crm, to_intercom) {
        (None, None) => return judge(field, sides),
        // An opt-out always travels; the operator module refuses to switch it off as well.
        _ if field.owner == Owner::Consent => return judge(field, sides),
        (Some(hold), Some(_)) => return Verdict::Leave(hold.sentence()),
        (Some(hold), None) if field.direction == Direction::ToCrm => return Verdict::Leave(hold.sentence()),
        (None, Some(hold)) if field.direction == Direction::ToIntercom => {
            return Verdict::Leave(hold.sentence());
        }
        (Some(hold), None) => (hold, Direction::ToIntercom, Owner::Crm),
        (None, Some(hold)) => (hold, Direction::ToCrm, Owner::Intercom),
    };
    let one_way = FieldMapping { direction, owner, original: None, fill: false, ..field.clone() };
    match judge(&one_way, sides) {
        Verdict::Conflict { kind: ConflictKind::OwnershipBreach | ConflictKind::BothChanged, .. } => {
            Verdict::Leave(hold.sentence())
        }
        Verdict::WriteRight(..) if to_crm.is_some() => Verdict::Leave(hold.sentence()),
        Verdict::WriteLeft(..) if to_intercom.is_some() => Verdict::Leave(hold.sentence()),
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::agreement::Agreement;
    use crate::domain::clock::Timestamp;
    use crate::domain::record::Fields;
    use crate::mapping::Mapping;

    fn hold(direction: Way) -> FieldHold {
        FieldHold {
            mapping: String::new(),
            field: "Job title".into(),
            direction,
            actor: "olga".into(),
            reason: "the CRM is right".into(),
            since: Timestamp(0),
        }
    }

    proptest! {
        /// Whatever both sides hold: nothing is written in a direction that is off, and nobody is asked about it.
        #[test]
        fn r219_nothing_is_written_in_a_direction_that_is_off(
            base in prop::option::of(0..3_u8), left in 0..4_u8, right in 0..4_u8, crm in any::<bool>(),
        ) {
            let mapping = Mapping::shipped();
            let field = mapping.field("Job title").expect("shipped");
            let text = |value: u8| if value == 3 { json!(null) } else { json!(format!("title {value}")) };
            let one = |name: &str, value: u8| -> Fields { [(name.to_owned(), text(value))].into_iter().collect() };
            let (lefts, rights) = (one("custom_attributes.job_title", left), one("jobtitle", right));
            let agreed = base.map(|base| Agreement { field: field.name.clone(), left: text(base), right: text(base) });
            let sides = Sides {
                left: &lefts, left_at: Some(Timestamp(1)), right: &rights, right_at: Some(Timestamp(2)),
                agreed: agreed.as_ref(),
            };
            let off = if crm { hold(Way::ToCrm) } else { hold(Way::ToIntercom) };
            let verdict = judge_as_far_as_on(field, &sides, std::slice::from_ref(&off));
            let is_conflict = matches!(verdict, Verdict::Conflict { .. });
            let off_way = if crm { matches!(verdict, Verdict::WriteRight(..)) } else { matches!(verdict, Verdict::WriteLeft(..)) };
            prop_assert!(!is_conflict && !off_way, "{verdict:?}");
            let both = [hold(Way::ToCrm), hold(Way::ToIntercom)];
            prop_assert!(matches!(judge_as_far_as_on(field, &sides, &both), Verdict::Leave(_)));
        }
    }
}
