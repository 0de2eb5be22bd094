//! Plans the merge of records a human takes for one person, and says what would be lost by it. It merges nothing and
//! reads nothing: the facts are given.

use serde_json::Value;

use super::contact_sync::Planned;
use super::mend::Impossible;
use crate::domain::plan::{Effect, Fill, Loss, Step};
use crate::domain::record::{Mirror, System, value_text};
use crate::mapping::Mapping;
use crate::mapping::transform::is_blank;

/// Plans a merge of two records of one system. `linked` are the Intercom contacts that point to either of two CRM
/// records: their cross-reference follows.
pub fn merge(
    survivor: &Mirror,
    absorbed: &Mirror,
    linked: &[Mirror],
    mapping: &Mapping,
) -> Result<Planned, Impossible> {
    if let Some(obstacle) = obstacle(survivor, absorbed) {
        return Err(Impossible(obstacle));
    }
    let mut planned = Planned::default();
    // Consent always survives: whoever said no to e-mail on either record has said no.
    let opted_out = |mirror: &Mirror| mirror.text("unsubscribed_from_emails") == "true";
    if opted_out(absorbed) && !opted_out(survivor) {
        planned.plan.steps.push(Step::new(
            format!("Keep the opt-out: unsubscribe {}", survivor.record.title()),
            Effect::Update {
                record: survivor.record.clone(),
                fields: [("unsubscribed_from_emails".to_owned(), Value::Bool(true))].into_iter().collect(),
            },
        ));
    }
    let merge_step = planned.plan.steps.len() as u32;
    planned.plan.steps.push(Step::new(
        format!("Merge {} into {}", absorbed.record.title(), survivor.record.title()),
        Effect::merge(survivor.record.clone(), absorbed.record.clone()),
    ));
    for contact in linked {
        let mut step = Step::new(
            format!("Point Intercom contact {} to the merged record", contact.record.id),
            Effect::Update {
                record: contact.record.clone(),
                fields: [(mapping.intercom_identity.clone(), Value::Null)].into_iter().collect(),
            },
        );
        step.fills.push(Fill { field: mapping.intercom_identity.clone(), from_step: merge_step });
        planned.plan.steps.push(step);
    }
    Ok(planned)
}

/// Why the vendor cannot merge these two, and what would do instead; none when it can.
pub fn obstacle(survivor: &Mirror, absorbed: &Mirror) -> Option<String> {
    if survivor.record.system() != System::Intercom {
        return None;
    }
    match (survivor.text("role").as_str(), absorbed.text("role").as_str()) {
        ("user", "lead") => None,
        ("lead", "user") => Some("Intercom only merges a lead into a user: choose the user as survivor.".into()),
        ("user", "user") => Some(
            "Intercom cannot merge two users. Copy over what the other one should keep, then archive it in Intercom; \
             x marks them as different if they are."
                .into(),
        ),
        _ => Some("Intercom cannot merge two leads; one of them must become a user first.".into()),
    }
}

/// What goes away in a merge: filled values of the absorbed record that differ from the survivor's filled ones.
pub fn losses(survivor: &Mirror, absorbed: &Mirror) -> Vec<Loss> {
    const OURS: [&str; 10] = [
        "hs_object_id",
        "createdate",
        "lastmodifieddate",
        "created_at",
        "updated_at",
        "id",
        "role",
        "workspace_id",
        "hs_merged_object_ids",
        "external_id",
    ];
    absorbed
        .fields
        .iter()
        .filter(|(name, value)| !OURS.contains(&name.as_str()) && !is_blank(value))
        // HubSpot keeps the absorbed e-mail as an additional one: it is not lost.
        .filter(|(name, _)| !(name.as_str() == "email" && survivor.record.system() == System::Hubspot))
        .filter_map(|(name, value)| {
            let kept = survivor.fields.get(name).filter(|kept| !is_blank(kept))?;
            (value_text(kept) != value_text(value) && !value.is_object() && !value.is_array()).then(|| Loss {
                field: name.clone(),
                lost: value_text(value),
                kept: value_text(kept),
            })
        })
        .collect()
}
