//! Contacts found: by external id, page by page, by search. Looks at all of them only when no index can help.

use std::ops::Bound;

use serde_json::{Value, json};

use super::super::answers::{bad_cursor, contact_missing, cursor, pages, read_cursor, refused};
use super::super::search::{Cell, Kind, Page, Query, Rules, Wish, cut, sort};
use super::super::{Contact, Version, Workspace, shapes};
use crate::sandbox::wire::{Answer, Call};

/// Fields an index answers for.
const INDEXED: [&str; 4] = ["email", "external_id", "id", "phone"];

const TEXTS: [&str; 26] = [
    "id",
    "role",
    "name",
    "avatar",
    "owner_id",
    "email",
    "email_domain",
    "phone",
    "formatted_phone",
    "external_id",
    "language_override",
    "browser",
    "browser_language",
    "os",
    "location.country",
    "location.region",
    "location.city",
    "segment_id",
    "ios_app_version",
    "ios_device",
    "ios_os_version",
    "ios_app_name",
    "ios_sdk_version",
    "android_app_version",
    "android_device",
    "android_app_name",
];
const DATES: [&str; 10] = [
    "created_at",
    "signed_up_at",
    "updated_at",
    "last_seen_at",
    "last_contacted_at",
    "last_replied_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "ios_last_seen_at",
    "android_last_seen_at",
];
const FLAGS: [&str; 3] = ["unsubscribed_from_emails", "marked_email_as_spam", "has_hard_bounced"];

impl Workspace {
    fn kind_of_contact_field(&self, field: &str) -> Option<Kind> {
        if let Some(name) = field.strip_prefix("custom_attributes.") {
            return Some(
                match self.attribute("contact", name).map(|attribute| attribute.data_type.as_str()) {
                    Some("string") => Kind::Text,
                    Some("integer" | "float") => Kind::Number,
                    Some("boolean") => Kind::Flag,
                    Some("date") => Kind::Date,
                    _ => Kind::Any,
                },
            );
        }
        match field {
            "tag_id" => Some(Kind::Tag),
            _ if TEXTS.contains(&field) => Some(Kind::Text),
            _ if DATES.contains(&field) => Some(Kind::Date),
            _ if FLAGS.contains(&field) => Some(Kind::Flag),
            _ => None,
        }
    }

    fn contact_cell<'a>(&'a self, contact: &'a Contact, field: &str) -> Cell<'a> {
        match field {
            "id" => Cell::text(Some(&contact.id)),
            "role" => Cell::text(Some(shapes::role(contact))),
            "name" => Cell::text(contact.name.as_deref()),
            "avatar" => Cell::text(contact.avatar.as_deref()),
            "email" => Cell::text(contact.email.as_deref()),
            "email_domain" => Cell::text(shapes::domain(contact)),
            "phone" | "formatted_phone" => Cell::text(contact.phone.as_deref()),
            "external_id" => Cell::text(contact.external_id.as_deref()),
            "owner_id" => Cell::text(contact.owner.as_deref()),
            "created_at" => Cell::seconds(Some(contact.created.div_euclid(1_000))),
            "updated_at" => Cell::seconds(Some(contact.updated.div_euclid(1_000))),
            "signed_up_at" => Cell::seconds(contact.signed_up),
            "last_seen_at" => Cell::seconds(contact.last_seen),
            "unsubscribed_from_emails" => Cell::Flag(contact.unsubscribed),
            "marked_email_as_spam" | "has_hard_bounced" => Cell::Flag(false),
            "location.country" => Cell::text(contact.country.as_deref()),
            "location.city" => Cell::text(contact.city.as_deref()),
            "tag_id" => Cell::Several(contact.tags.iter().map(|(tag, _)| tag.into()).collect()),
            "segment_id" => {
                Cell::Several(self.segments_with(contact).map(|segment| segment.id.as_str().into()).collect())
            }
            _ => Cell::of(field.strip_prefix("custom_attributes.").and_then(|name| contact.custom.get(name))),
        }
    }

    /// Milliseconds where we have them: rows of one second keep their order.
    fn contact_key(&self, contact: &Contact, field: &str) -> Value {
        match field {
            "updated_at" => json!(contact.updated),
            "created_at" => json!(contact.created),
            _ => self.contact_cell(contact, field).key(),
        }
    }

    pub(in crate::sandbox::intercom) fn find_by_external_id(
        &self,
        external: &str,
        call: &Call,
        version: Version,
    ) -> Answer {
        let user = self.contacts.with_external_id(external).find(|contact| contact.user && !contact.archived);
        if let Some(contact) = user {
            return Answer::ok(self.contact_answer(contact, call, version));
        }
        let merged = self.merged.iter().find(|(_, merged)| merged.external_id.as_deref() == Some(external));
        match merged.map(|(id, _)| self.contact_or_refusal(id, version)) {
            Some(Err(refusal)) => refusal,
            _ => contact_missing(),
        }
    }

    pub(in crate::sandbox::intercom) fn list_contacts(&self, call: &Call, version: Version) -> Answer {
        let per_page = call.number("per_page").unwrap_or(50);
        if !(1..=150).contains(&per_page) {
            return refused(400, "parameter_invalid", "per_page must be between 1 and 150");
        }
        let (page, after) = match call.parameter("starting_after") {
            None => (1, String::new()),
            Some(text) => match read_cursor(text) {
                Some((page, position)) => (page, position.as_str().unwrap_or_default().to_owned()),
                None => return bad_cursor(),
            },
        };
        let total = self.contacts.live();
        let mut rest = self.contacts.live_after(&after);
        let shown: Vec<&Contact> = rest.by_ref().take(per_page).collect();
        let next = rest.next().and_then(|_| shown.last()).map(|last| cursor(page + 1, &json!(last.id)));
        let data: Vec<Value> =
            shown.iter().map(|contact| self.contact_answer(contact, call, version)).collect();
        Answer::ok(json!({
            "type": "list",
            "data": data,
            "total_count": total,
            "pages": pages(total, page, per_page, next.as_deref()),
        }))
    }

    pub(in crate::sandbox::intercom) fn search_contacts(&self, call: &Call, version: Version) -> Answer {
        match self.found(call) {
            Err(refusal) => refusal,
            Ok(page) => {
                let found = page.shown.iter().filter_map(|id| self.contacts.get(id));
                let data: Vec<Value> =
                    found.map(|contact| self.contact_answer(contact, call, version)).collect();
                Answer::ok(
                    json!({"type": "list", "data": data, "total_count": page.total, "pages": page.pages}),
                )
            }
        }
    }

    fn found(&self, call: &Call) -> Result<Page<String>, Answer> {
        let rules = Rules { kind_of: &|field| self.kind_of_contact_field(field), days_of: Some(&self.zone) };
        let query = Query::of(call, &rules)?;
        let (field, ascending) = sort(call)?;
        let wish = Wish::of(call, 50)?;
        let span = query.span_of("updated_at");
        if let Some((span, true)) = span
            && field == "updated_at"
            && self.search_lag == 0
        {
            return Ok(self.changed_page(&wish, span, ascending));
        }
        let oldest_hidden = self.now() - self.search_lag;
        let keep = |contact: &&Contact| {
            !contact.archived
                && (self.search_lag == 0 || contact.created <= oldest_hidden)
                && query.matches(&|field| self.contact_cell(contact, field))
        };
        let row = |contact: &Contact| (self.contact_key(contact, &field), contact.id.clone());
        let matches: Vec<(Value, String)> = match (query.pinned(&INDEXED), span) {
            (Some(("email", email)), _) => self.contacts.with_email(email).filter(keep).map(row).collect(),
            (Some(("phone", phone)), _) => self.contacts.with_phone(phone).filter(keep).map(row).collect(),
            // Ids and external ids may have capitals, which the query has lost.
            (Some(("id", id)), _) if self.contacts.contains(id) => {
                self.contacts.get(id).into_iter().filter(keep).map(row).collect()
            }
            (Some(("external_id", external)), _)
                if self.contacts.with_external_id(external).next().is_some() =>
            {
                self.contacts.with_external_id(external).filter(keep).map(row).collect()
            }
            (_, Some((span, _))) => {
                let (from, to) = milliseconds(span);
                let changed = self.contacts.changed(from, to);
                changed.filter_map(|(_, id)| self.contacts.get(id)).filter(keep).map(row).collect()
            }
            _ => self.contacts.values().filter(keep).map(row).collect(),
        };
        Ok(cut(&wish, matches, ascending))
    }

    /// A page of what changed in some days, in the order it changed: the usual poll, taken from the index alone.
    fn changed_page(&self, wish: &Wish, span: (i64, i64), ascending: bool) -> Page<String> {
        let (from, to) = milliseconds(span);
        let total = self.contacts.count_changed(from, to);
        let position = wish
            .after
            .as_ref()
            .and_then(|position| Some((position[0].as_i64()?, position[1].as_str()?.to_owned())));
        let (first, last) = ((from, String::new()), (to.max(from), String::new()));
        let page = wish.per_page + 1;
        let rows: Vec<&(i64, String)> = if ascending {
            let start = match position {
                // A cursor of another query, which ended later.
                Some(position) if position >= last => Bound::Included(last.clone()),
                Some(position) if position >= first => Bound::Excluded(position),
                _ => Bound::Included(first),
            };
            self.contacts.changed_between(start, Bound::Excluded(last)).take(page).collect()
        } else {
            let end = match position {
                Some(position) if position < last => Bound::Excluded(position.max(first.clone())),
                _ => Bound::Excluded(last),
            };
            self.contacts.changed_between(Bound::Included(first), end).rev().take(page).collect()
        };
        let shown = &rows[..rows.len().min(wish.per_page)];
        let next = (rows.len() > shown.len()).then(|| shown.last()).flatten();
        let next = next.map(|(at, id)| json!([at, id]));
        wish.page(shown.iter().map(|(_, id)| id.clone()).collect(), total, next.as_ref())
    }
}

fn milliseconds((from, to): (i64, i64)) -> (i64, i64) {
    // Far beyond any date, and far enough from where sums overflow.
    const END: i64 = i64::MAX / 4;
    (from.saturating_mul(1_000).clamp(-END, END), to.saturating_mul(1_000).clamp(-END, END))
}
