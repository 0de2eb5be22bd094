//! What is known of a person without an account, for whoever decides where they belong: their records, what each side
//! calls their company, who else waits beside them, and what waits for the link. Reads only.

use super::{OperateError, Operator};
use crate::domain::ids::UnlinkedId;
use crate::domain::record::{Connection, Mirror, RecordRef, System};
use crate::engine::link as facts;
use crate::journal::beside::Waiting;

/// One record of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Which.
    pub record: RecordRef,
    /// What it says of the person's work: job title, e-mail, city; what is not known is left out.
    pub says: Vec<String>,
    /// What it calls the company; empty when it says nothing.
    pub company: String,
}

/// What is known of somebody without an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Their records, the CRM's first.
    pub seats: Vec<Seat>,
    /// Others of the same domain who wait for an account.
    pub colleagues: Vec<String>,
    /// What waits for them.
    pub waiting: Waiting,
}

impl Operator {
    /// What is known of a person without an account; nothing when the item is gone.
    pub async fn facts_of(&self, id: UnlinkedId) -> Result<Facts, OperateError> {
        let Some(item) = self.journal.unlinked_one(id).await? else { return Ok(Facts::default()) };
        let known = self.journal.known(&item.contact).await?;
        let mut records = vec![item.contact.clone()];
        records.extend(known.records.into_iter().filter(|record| *record != item.contact));
        let mut seats = Vec::new();
        for record in &records {
            let Some(mirror) = self.journal.mirror(record).await? else {
                seats.push(Seat { record: record.clone(), says: Vec::new(), company: String::new() });
                continue;
            };
            let company = if record.system() == System::Intercom {
                let intercom: Connection = record.connection.clone();
                let theirs = facts::twin(&self.journal, &item.contact, &intercom, None).await?;
                theirs.map(|company| company.text("name")).unwrap_or_default()
            } else {
                mirror.text("company")
            };
            seats.push(Seat { record: record.clone(), says: says(&mirror), company });
        }
        Ok(Facts {
            seats,
            colleagues: self.journal.colleagues_of(id, &item.domain).await?,
            waiting: self.journal.waiting_for(&records).await?,
        })
    }
}

fn says(mirror: &Mirror) -> Vec<String> {
    let first =
        |names: &[&str]| names.iter().map(|name| mirror.text(name)).find(|text| !text.trim().is_empty());
    [
        first(&["email"]),
        first(&["jobtitle", "title", "custom_attributes.job_title"]),
        first(&["city", "mailingcity", "location.city"]),
        first(&["country", "mailingcountry", "location.country"]),
        first(&["custom_attributes.plan"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}
