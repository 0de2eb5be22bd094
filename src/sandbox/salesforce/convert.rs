//! Converting leads: a contact, an account and perhaps an opportunity take over, the lead stays behind
//! read-only. There is no way back.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::rows::Change;
use super::schema;
use super::verbs::{RowError, WriteOptions};
use super::{Org, Row};
use crate::sandbox::desk::Who;

/// One conversion as asked for.
#[derive(Default)]
pub(super) struct LeadConvert {
    pub(super) lead: String,
    pub(super) account: Option<String>,
    pub(super) contact: Option<String>,
    pub(super) opportunity: Option<String>,
    pub(super) status: String,
    pub(super) without_opportunity: bool,
    pub(super) opportunity_name: Option<String>,
    pub(super) overwrite_source: bool,
    pub(super) owner: Option<String>,
}

/// What a conversion made of the lead.
pub(super) struct Converted {
    pub(super) lead: String,
    pub(super) account: String,
    pub(super) contact: String,
    pub(super) opportunity: Option<String>,
}

/// The standard mapping: the lead's field, the account's. Custom fields follow only where an administrator
/// has mapped them, and in this org nobody has.
const TO_ACCOUNT: [(&str, &str); 11] = [
    ("Phone", "Phone"),
    ("Fax", "Fax"),
    ("Website", "Website"),
    ("Industry", "Industry"),
    ("NumberOfEmployees", "NumberOfEmployees"),
    ("AnnualRevenue", "AnnualRevenue"),
    ("Street", "BillingStreet"),
    ("City", "BillingCity"),
    ("State", "BillingState"),
    ("PostalCode", "BillingPostalCode"),
    ("Country", "BillingCountry"),
];
const TO_CONTACT: [(&str, &str); 17] = [
    ("Salutation", "Salutation"),
    ("FirstName", "FirstName"),
    ("LastName", "LastName"),
    ("Title", "Title"),
    ("Email", "Email"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Fax", "Fax"),
    ("LeadSource", "LeadSource"),
    ("Description", "Description"),
    ("HasOptedOutOfEmail", "HasOptedOutOfEmail"),
    ("DoNotCall", "DoNotCall"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
];

impl Org {
    /// Converts, or changes nothing.
    pub(super) fn convert(&mut self, request: &LeadConvert, who: Who) -> Result<Converted, RowError> {
        self.begin();
        let result = self.convert_in_transaction(request, who);
        if result.is_ok() {
            self.commit();
        } else {
            self.roll_back();
        }
        result
    }

    fn convert_in_transaction(&mut self, request: &LeadConvert, who: Who) -> Result<Converted, RowError> {
        let kind = schema::object("Lead").expect("the schema has leads");
        let lead = self.row_for_write(kind, &request.lead)?.clone();
        if lead.flag("IsConverted") {
            return Err(RowError::new("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"));
        }
        self.check_lock(&lead.id, &Map::new())?;
        self.check_status(&request.status)?;
        if request.contact.is_some() && request.account.is_none() {
            let message = "an accountId must be given together with a contactId";
            return Err(RowError::new("REQUIRED_FIELD_MISSING", message).on("accountId"));
        }
        // Saved in spite of a resembling row: the lead itself resembles what is made of it.
        let options = WriteOptions { allow_save: true, who, ..WriteOptions::default() };
        let owner = request.owner.clone().or_else(|| lead.text("OwnerId").map(str::to_owned));
        let account = self.account_for(request, &lead, owner.as_deref(), &options)?;
        let contact = self.contact_for(request, &lead, &account, owner.as_deref(), &options)?;
        let opportunity = match (&request.opportunity, request.without_opportunity) {
            (_, true) => None,
            (Some(given), false) => Some(self.existing("Opportunity", given, "opportunityId")?.id.clone()),
            (None, false) => Some(self.opportunity_for(
                request,
                &lead,
                (&account, &contact),
                owner.as_deref(),
                &options,
            )?),
        };
        self.move_activities(&lead.id, &contact, &account, who);
        let now = self.now();
        if let Some(mut row) = self.row_mut("Lead", &lead.id) {
            let fields = &mut row.fields;
            fields.insert("IsConverted".to_owned(), json!(true));
            fields.insert("Status".to_owned(), json!(request.status));
            fields.insert("ConvertedDate".to_owned(), json!(day(now).to_string()));
            fields.insert("ConvertedAccountId".to_owned(), json!(account));
            fields.insert("ConvertedContactId".to_owned(), json!(contact));
            if let Some(opportunity) = &opportunity {
                fields.insert("ConvertedOpportunityId".to_owned(), json!(opportunity));
            }
            if let Some(owner) = &owner {
                fields.insert("OwnerId".to_owned(), json!(owner));
            }
            row.modified = now;
            row.system_modstamp = now;
            row.modified_by = who;
        }
        let detail = json!({"account": account, "contact": contact, "opportunity": opportunity});
        self.note(Change { object: "Lead", kind: "convert", id: lead.id.clone(), who, detail });
        Ok(Converted { lead: lead.id, account, contact, opportunity })
    }

    fn check_status(&self, status: &str) -> Result<(), RowError> {
        let known = self.rows("LeadStatus").any(|row| {
            row.flag("IsConverted") && [row.text("ApiName"), row.text("MasterLabel")].contains(&Some(status))
        });
        if known {
            return Ok(());
        }
        let message = format!("invalid convertedStatus: {status}");
        Err(RowError::new("INVALID_STATUS", message).on("convertedStatus"))
    }

    /// A live row a conversion names; anything else is a broken reference.
    fn existing(&self, object: &str, id: &str, argument: &str) -> Result<&Row, RowError> {
        match self.row(object, id) {
            Some(row) if !row.deleted => Ok(row),
            Some(_) => Err(RowError::new("ENTITY_IS_DELETED", "entity is deleted").on(argument)),
            None => {
                let message = format!("{argument}: invalid cross reference id");
                Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", message).on(argument))
            }
        }
    }

    fn account_for(
        &mut self,
        request: &LeadConvert,
        lead: &Row,
        owner: Option<&str>,
        options: &WriteOptions,
    ) -> Result<String, RowError> {
        let mut fields = mapped(lead, &TO_ACCOUNT);
        if let Some(given) = &request.account {
            let account = self.existing("Account", given, "accountId")?;
            let (id, fields) = (account.id.clone(), into_gaps(account, fields));
            if !fields.is_empty() {
                self.update("Account", &id, &fields, options)?;
            }
            return Ok(id);
        }
        fields.insert("Name".to_owned(), lead.value("Company"));
        own(&mut fields, owner);
        self.insert("Account", &fields, options)
    }

    fn contact_for(
        &mut self,
        request: &LeadConvert,
        lead: &Row,
        account: &str,
        owner: Option<&str>,
        options: &WriteOptions,
    ) -> Result<String, RowError> {
        let mut fields = mapped(lead, &TO_CONTACT);
        if let Some(given) = &request.contact {
            let contact = self.existing("Contact", given, "contactId")?;
            let at = contact.text("AccountId");
            if at.is_some_and(|at| at != account) {
                let message = "contactId: the contact does not belong to the account";
                return Err(RowError::new("INVALID_CROSS_REFERENCE_KEY", message).on("contactId"));
            }
            let alone = at.is_none();
            let source = fields.get("LeadSource").cloned();
            let (id, mut fields) = (contact.id.clone(), into_gaps(contact, fields));
            if alone {
                fields.insert("AccountId".to_owned(), json!(account));
            }
            if let Some(source) = source.filter(|_| request.overwrite_source) {
                fields.insert("LeadSource".to_owned(), source);
            }
            if !fields.is_empty() {
                self.update("Contact", &id, &fields, options)?;
            }
            return Ok(id);
        }
        fields.insert("AccountId".to_owned(), json!(account));
        own(&mut fields, owner);
        self.insert("Contact", &fields, options)
    }

    fn opportunity_for(
        &mut self,
        request: &LeadConvert,
        lead: &Row,
        (account, contact): (&str, &str),
        owner: Option<&str>,
        options: &WriteOptions,
    ) -> Result<String, RowError> {
        let name = match &request.opportunity_name {
            Some(name) => name.clone(),
            None => lead.text("Company").unwrap_or_default().chars().take(120).collect(),
        };
        let mut fields = Map::new();
        fields.insert("Name".to_owned(), json!(name));
        fields.insert("AccountId".to_owned(), json!(account));
        fields.insert("ContactId".to_owned(), json!(contact));
        fields.insert("StageName".to_owned(), json!("Prospecting"));
        fields.insert("CloseDate".to_owned(), json!(quarter_end(day(self.now())).to_string()));
        if let Some(source) = lead.text("LeadSource") {
            fields.insert("LeadSource".to_owned(), json!(source));
        }
        own(&mut fields, owner);
        self.insert("Opportunity", &fields, options)
    }

    /// Tasks and events of the lead become the contact's.
    fn move_activities(&mut self, lead: &str, contact: &str, account: &str, who: Who) {
        for object in ["Task", "Event"] {
            let Some(kind) = schema::object(object) else { continue };
            let going: Vec<String> =
                self.live(object, "WhoId", lead).iter().map(|row| row.id.clone()).collect();
            for id in going {
                self.repoint(kind, &id, "WhoId", Some(json!(contact)), who);
                self.repoint(kind, &id, "AccountId", Some(json!(account)), who);
            }
        }
    }
}

fn mapped(lead: &Row, table: &[(&str, &str)]) -> Map<String, Value> {
    let found =
        table.iter().filter_map(|(from, to)| Some(((*to).to_owned(), lead.fields.get(*from)?.clone())));
    found.collect()
}

/// Only what the existing row has no value for; nothing is overwritten.
fn into_gaps(row: &Row, mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|name, value| match row.value(name) {
        Value::Null => true,
        // An opt-out survives the conversion, whichever of the two had it.
        Value::Bool(false) => value == &Value::Bool(true),
        _ => false,
    });
    fields
}

fn own(fields: &mut Map<String, Value>, owner: Option<&str>) {
    if let Some(owner) = owner {
        fields.insert("OwnerId".to_owned(), json!(owner));
    }
}

fn day(now: i64) -> Date {
    Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC).date()
}

/// When an opportunity from a lead is expected to close: the last day of the quarter.
fn quarter_end(day: Date) -> Date {
    let month = (day.month() - 1) / 3 * 3 + 3;
    Date::new(day.year(), month, 1).map_or(day, Date::last_of_month)
}

#[cfg(test)]
mod tests {
    use super::quarter_end;

    #[test]
    fn a_quarter_ends_on_its_last_day() {
        for (day, end) in
            [("2026-01-01", "2026-03-31"), ("2026-06-30", "2026-06-30"), ("2026-11-21", "2026-12-31")]
        {
            assert_eq!(quarter_end(day.parse().unwrap()).to_string(), end);
        }
    }
}
