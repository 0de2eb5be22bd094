//! What a merge costs, by the rule of each vendor: values, ids, addresses, histories. Sentences and rows, no calls.

use super::Group;
use super::survivors::Survivor;
use crate::domain::plan::Loss;
use crate::domain::record::{ObjectKind, System, value_text};

/// Values that go away.
pub(super) fn losses(group: &Group, survivors: &[Survivor]) -> Vec<Loss> {
    let system = group.system();
    let mut losses = Vec::new();
    for one in survivors {
        // HubSpot keeps the other addresses as additional ones.
        if system == System::Hubspot && one.field == "email" {
            continue;
        }
        for lost in one.lost() {
            losses.push(Loss { field: one.field.clone(), lost, kept: value_text(&one.value) });
        }
    }
    losses
}

/// What the vendor does with everything that is no field, and what nobody brings back.
pub(super) fn notes(group: &Group, survivors: &[Survivor]) -> Vec<String> {
    let Some(master) = group.records.first() else { return Vec::new() };
    let others = &group.records[1..];
    let mut notes = Vec::new();
    match group.system() {
        System::Hubspot => {
            notes.push(
                "HubSpot cannot take a merge apart; `reknit merge undo` brings back what can come back."
                    .to_owned(),
            );
            notes.push("HubSpot may give the merged record a new id; everything here follows it.".to_owned());
            notes.push(
                "Deals, tickets, companies, notes and the timeline of each move to the merged record; lists, \
                 workflows and the history of the fields stay only as the merged record's."
                    .to_owned(),
            );
            let emails: Vec<String> = others
                .iter()
                .map(|mirror| mirror.text("email"))
                .filter(|email| !email.is_empty() && *email != master.text("email"))
                .collect();
            if !emails.is_empty() && master.record.object == ObjectKind::Contact {
                notes.push(format!(
                    "{} stays as an additional e-mail address of the merged contact.",
                    emails.join(", ")
                ));
            }
            let stages: Vec<String> = group
                .records
                .iter()
                .map(|mirror| mirror.text("lifecyclestage"))
                .filter(|stage| !stage.is_empty())
                .collect();
            if stages.windows(2).any(|pair| pair[0] != pair[1]) {
                notes.push(
                    "HubSpot may keep the later lifecycle stage whichever record goes on, and lets a stage be set back \
                     only after it was cleared; what it kept is read back and shown."
                        .to_owned(),
                );
            }
            if survivors.iter().any(|one| one.field == "hs_email_optout" && value_text(&one.value) == "true")
            {
                notes.push(
                    "One of the contacts has opted out of e-mail, and HubSpot lets no app set that: look at the merged \
                     contact's subscriptions afterwards, and unsubscribe them there if HubSpot did not."
                        .to_owned(),
                );
            }
        }
        System::Salesforce => {
            if others.iter().any(|other| other.record.object == master.record.object) {
                notes.push("Salesforce cannot take a merge apart; `reknit merge undo` brings back what can come back.".to_owned());
                notes.push(
                    "Cases, opportunities, tasks and campaigns of each move to the record that goes on; the others lie \
                     in Salesforce's recycle bin for 15 days, and their values that were not taken over are lost \
                     with them."
                        .to_owned(),
                );
            }
            if others.iter().any(|other| other.record.object == ObjectKind::Lead)
                && master.record.object == ObjectKind::Contact
            {
                notes.push(
                    "The lead is converted into the contact and its account: no opportunity is made, the contact keeps \
                     its owner, nobody is told by e-mail. A conversion cannot be taken back; the lead stays readable as \
                     converted."
                        .to_owned(),
                );
            }
        }
        System::Intercom => {
            notes.push(
                "Intercom cannot take a merge apart; `reknit merge undo` brings back what can come back."
                    .to_owned(),
            );
            notes.push(
                "Conversations, events, tags, notes and companies of the lead move to the user; the lead's id answers \
                 \"merged\" from then on."
                    .to_owned(),
            );
            let own = master.text("email").to_lowercase();
            for other in others {
                let email = other.text("email");
                if !email.is_empty() && email.to_lowercase() != own && !own.is_empty() {
                    notes.push(format!("Intercom keeps one e-mail address: {email} is lost for good."));
                }
            }
        }
    }
    notes
}

/// What of a merge a vendor never takes back, as the end of a compensation's sentence.
pub(super) fn stays(system: System) -> &'static str {
    match system {
        System::Hubspot => "HubSpot cannot take its merge apart",
        System::Salesforce => {
            "Salesforce cannot take its merge apart; the absorbed record lies in its recycle bin for 15 days"
        }
        System::Intercom => "Intercom cannot take its merge apart",
    }
}
