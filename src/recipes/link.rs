//! Plans the relation of a person to a company of the same system. It decides nothing and reads nothing.

use super::contact_sync::Planned;
use super::mend::Impossible;
use crate::domain::plan::{Effect, Step};
use crate::domain::record::RecordRef;

/// Plans the link of a contact to a company of the same system.
pub fn link(contact: &RecordRef, company: &RecordRef, company_name: &str) -> Result<Planned, Impossible> {
    if contact.connection != company.connection {
        return Err(Impossible(format!(
            "{} and {} live in different systems: a relation can only be made inside one.",
            contact.title(),
            company.title()
        )));
    }
    let mut planned = Planned::default();
    planned.plan.steps.push(Step::new(
        format!("Relate {} to {company_name} ({})", contact.title(), company.id),
        Effect::Link { contact: contact.clone(), company: company.clone() },
    ));
    Ok(planned)
}
