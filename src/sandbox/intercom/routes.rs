//! The table of Intercom's calls. Finds the one meant; does nothing itself.

use super::answers::refused;
use super::{Version, Workspace, staff};
use crate::sandbox::wire::{Answer, Call};

/// From which version a call is there, where that is not from the first one emulated.
fn since(method: &str, path: &[&str]) -> Version {
    match (method, path) {
        ("GET" | "POST", ["companies", _, "notes"]) => Version(15),
        (_, ["contacts", _, "merge_history"] | ["conversations", "attributes" | "deleted", ..])
        | ("POST", ["conversations", _, "merge"]) => Version(16),
        _ => Version(0),
    }
}

impl Workspace {
    pub(super) fn routed(&mut self, call: &Call, version: Version) -> Answer {
        let (method, path) = call.route();
        if version < since(method, &path) {
            let message = "Requested resource is not available in current API version.";
            return refused(400, "intercom_version_invalid", message);
        }
        match (method, path.as_slice()) {
            (_, ["contacts", ..]) => self.contacts_routed(call, version),
            (_, ["companies", ..]) => self.companies_routed(call, version),
            (_, ["conversations", "attributes", rest @ ..]) => {
                self.conversation_attributes_routed(method, rest, call)
            }
            (_, ["conversations", ..]) => self.conversations_routed(call, version),
            ("GET", ["me"]) => Answer::ok(self.me()),
            ("GET", ["admins"]) => Answer::ok(staff::admins()),
            ("GET", ["admins", id]) => staff::admin_answer(id),
            ("GET", ["teams"]) => Answer::ok(staff::teams()),
            ("GET", ["teams", id]) => staff::team_answer(id),
            ("GET", ["segments"]) => self.list_segments(call),
            ("GET", ["subscription_types"]) => Self::list_subscription_types(),
            ("GET", ["notes", id]) => self.show_note(id),
            ("GET", ["tags"]) => self.list_tags(),
            ("POST", ["tags"]) => self.post_tag(call, version),
            ("GET", ["tags", id]) => self.show_tag(id),
            ("DELETE", ["tags", id]) => self.delete_tag(id),
            ("GET", ["data_attributes"]) => self.list_attributes(call, version),
            ("POST", ["data_attributes"]) => self.create_attribute(call),
            ("PUT", ["data_attributes", id]) => self.update_attribute(id, call),
            ("POST", ["events"]) => self.take_event(call),
            ("GET", ["events"]) => self.list_events(call),
            ("POST", ["events", "summaries"]) => self.take_event_summary(call),
            // Gone from the API since 2.0, still in old guides: takes Intercom's id or your own.
            ("DELETE", ["users", id]) => self.delete_user(id),
            _ => no_route(),
        }
    }

    fn contacts_routed(&mut self, call: &Call, version: Version) -> Answer {
        let (method, path) = call.route();
        match (method, &path[1..]) {
            ("GET", []) => self.list_contacts(call, version),
            ("POST", []) => self.create_contact(call, version),
            ("POST", ["search"]) => self.search_contacts(call, version),
            ("POST", ["merge"]) => self.merge_contacts(call, version),
            ("GET", ["find_by_external_id", external]) => self.find_by_external_id(external, call, version),
            ("GET", [id]) => self.show_contact(id, call, version),
            ("PUT", [id]) => self.update_contact(id, call, version),
            ("DELETE", [id]) => self.delete_contact(id),
            ("POST", [id, "archive"]) => self.archive_contact(id, true),
            ("POST", [id, "unarchive"]) => self.archive_contact(id, false),
            ("POST", [id, "block"]) => self.block_contact(id),
            ("GET", [id, "merge_history"]) => self.merge_history(id, call),
            ("GET", [id, "companies"]) => self.companies_of_contact(id, call),
            ("POST", [id, "companies"]) => self.attach_company(id, call),
            ("DELETE", [id, "companies", company]) => self.detach_company(id, company),
            ("GET", [id, "tags"]) => self.tags_of_contact(id),
            ("POST", [id, "tags"]) => self.tag_contact(id, call),
            ("DELETE", [id, "tags", tag]) => self.untag_contact(id, tag),
            ("GET", [id, "notes"]) => self.notes_of_contact(id, call),
            ("POST", [id, "notes"]) => self.add_note(id, call),
            ("GET", [id, "subscriptions"]) => self.subscriptions_of_contact(id),
            ("POST", [id, "subscriptions"]) => self.subscribe_contact(id, call),
            ("DELETE", [id, "subscriptions", subscription]) => self.unsubscribe_contact(id, subscription),
            ("GET", [id, "segments"]) => self.segments_of_contact(id),
            _ => no_route(),
        }
    }

    fn companies_routed(&mut self, call: &Call, version: Version) -> Answer {
        let (method, path) = call.route();
        match (method, &path[1..]) {
            ("GET", []) => self.find_companies(call),
            ("POST", []) => self.upsert_company(call),
            ("POST", ["list"]) => self.list_companies(call),
            ("GET", ["scroll"]) => self.scroll_companies(call),
            ("GET", [id]) => self.show_company(id),
            ("PUT", [id]) => self.update_company(id, call),
            ("DELETE", [id]) => self.delete_company(id),
            ("GET", [id, "contacts"]) => self.contacts_of_company(id, call, version),
            ("GET", [id, "segments"]) => self.segments_of_company(id),
            ("GET", [id, "notes"]) => self.notes_of_company(id, call),
            ("POST", [id, "notes"]) => self.add_company_note(id, call),
            _ => no_route(),
        }
    }

    fn conversations_routed(&mut self, call: &Call, version: Version) -> Answer {
        let (method, path) = call.route();
        match (method, &path[1..]) {
            ("GET", []) => self.list_conversations(call),
            ("POST", []) => self.start_conversation_by_api(call),
            ("POST", ["search"]) => self.search_conversations(call),
            ("POST", ["redact"]) => self.redact(call),
            ("GET", ["deleted"]) => self.list_deleted_conversations(call),
            ("GET", [id]) => self.show_conversation(id, call),
            ("PUT", [id]) => self.update_conversation(id, call, version),
            ("DELETE", [id]) => self.delete_conversation(id, call),
            ("POST", [id, "reply"]) => self.reply_by_api(id, call),
            ("POST", [id, "parts"]) => self.manage_by_api(id, call),
            ("POST", [id, "merge"]) => self.merge_conversation(id, call),
            ("POST", [id, "tags"]) => self.tag_conversation(id, call),
            ("DELETE", [id, "tags", tag]) => self.untag_conversation(id, tag),
            ("POST", [id, "customers"]) => self.attach_customer(id, call),
            ("DELETE", [id, "customers", contact]) => self.detach_customer(id, contact),
            _ => no_route(),
        }
    }
}

fn no_route() -> Answer {
    refused(404, "not_found", "The requested resource was not found")
}
