//! Merging two HubSpot records: a new id stands for both, the primary's values win, gaps are filled.
//! There is no undo.

use serde_json::json;

use super::Portal;
use super::answers::{self, invalid, missing, refused};
use super::associations::id_of;
use super::shelf::{Kind, Record};
use crate::sandbox::desk::Who;
use crate::sandbox::wire::{Answer, Call};

const MOST_MERGES: u32 = 250;

impl Portal {
    pub(super) fn merge_objects(&mut self, kind: Kind, call: &Call) -> Result<Answer, Answer> {
        let ids = id_of(&call.body["primaryObjectId"]).zip(id_of(&call.body["objectIdToMerge"]));
        let Some((primary, absorbed)) = ids else {
            return Err(invalid("primaryObjectId and objectIdToMerge are required"));
        };
        let id = self.merge(kind, primary, absorbed)?;
        Ok(Answer::ok(answers::written(kind, &self.shelf(kind).records[&id])))
    }

    /// Merges by the vendor's rules, whoever asks; the answer is the new id.
    pub(in crate::sandbox) fn merge(
        &mut self,
        kind: Kind,
        primary: u64,
        absorbed: u64,
    ) -> Result<u64, Answer> {
        let winner = self.shelf(kind).live(primary).ok_or_else(missing)?.clone();
        let loser = self.shelf(kind).live(absorbed).ok_or_else(missing)?.clone();
        if winner.id == loser.id {
            return Err(invalid("The two objects to merge are already the same object"));
        }
        if winner.merges + loser.merges + 1 > MOST_MERGES {
            return Err(refused(414, "VALIDATION_ERROR", "A record can take part in at most 250 merges"));
        }
        let (old, new_id) = ((winner.id, loser.id), self.next_id());
        let (merged, moved) = self.merged_record(kind, winner, &loser, new_id);
        let shelf = self.shelf_mut(kind);
        for id in [old.0, old.1] {
            shelf.take(id);
            shelf.redirects.insert(id, new_id);
        }
        shelf.put(merged);
        self.move_links((kind, old.0), (kind, new_id));
        self.move_links((kind, old.1), (kind, new_id));
        self.effect(
            kind,
            "merge",
            new_id,
            &json!({"primary": old.0.to_string(), "absorbed": old.1.to_string()}),
        );
        self.notify_merge(kind, old, new_id, moved);
        Ok(new_id)
    }

    fn merged_record(&self, kind: Kind, winner: Record, loser: &Record, new_id: u64) -> (Record, usize) {
        let now = self.now();
        let (winner_id, winner_merges) = (winner.id, winner.merges);
        let mut merged = Record {
            id: new_id,
            created: winner.created.min(loser.created),
            updated: now.max(winner.updated + 1).max(loser.updated + 1),
            by_api: winner.by_api && loser.by_api && self.who == Who::Api,
            merges: winner_merges + loser.merges + 1,
            archived: None,
            values: winner.values,
            former: winner.former,
        };
        let mut moved = 0;
        for (name, value) in &loser.values {
            if matches!(name.as_str(), "hs_additional_emails" | "hs_merged_object_ids") {
                continue;
            }
            if !merged.values.contains_key(name) {
                merged.values.insert(name.clone(), value.clone());
                moved += 1;
            }
        }
        if kind == Kind::Contacts {
            let own = merged.values.get("email").cloned().unwrap_or_default();
            let emails = [
                merged.values.get("hs_additional_emails"),
                loser.values.get("email"),
                loser.values.get("hs_additional_emails"),
            ];
            let mut additional: Vec<String> = Vec::new();
            for email in emails.into_iter().flatten().flat_map(|list| list.split(';')) {
                if email != own && !additional.iter().any(|known| known == email) {
                    additional.push(email.to_owned());
                }
            }
            if !additional.is_empty() {
                merged.values.insert("hs_additional_emails".to_owned(), additional.join(";"));
            }
            // An opt-out on either record stands for the merged person.
            if loser.values.get("hs_email_optout").is_some_and(|optout| optout == "true") {
                merged.values.insert("hs_email_optout".to_owned(), "true".to_owned());
            }
        }
        let mut history: Vec<String> = Vec::new();
        for list in [merged.values.get("hs_merged_object_ids"), loser.values.get("hs_merged_object_ids")] {
            history.extend(list.into_iter().flat_map(|list| list.split(';')).map(str::to_owned));
        }
        history.push(winner_id.to_string());
        history.push(loser.id.to_string());
        merged.values.insert("hs_merged_object_ids".to_owned(), history.join(";"));
        (merged, moved)
    }
}
