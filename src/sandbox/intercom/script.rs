//! What tests and the day's script do to the workspace from outside its API: its settings, its team's own doings, its
//! bad days. Nothing here passes the rate limit or needs a token.

use crate::sandbox::desk::lock;
use crate::sandbox::{Sandbox, Webhook};

use super::{Workspace, dates};

impl Workspace {
    /// The time zone whose days searches compare; false for a name nobody knows.
    pub(in crate::sandbox) fn set_zone(&mut self, zone: &str) -> bool {
        let Some(zone) = dates::zone(zone) else { return false };
        self.zone = zone;
        true
    }

    /// Takes a topic out of the app's subscription, or puts it back.
    pub(in crate::sandbox) fn mute(&mut self, topic: &str, muted: bool) {
        if muted {
            self.muted.insert(topic.to_owned());
        } else {
            self.muted.remove(topic);
        }
    }

    /// How long new contacts cannot be found by search.
    pub(in crate::sandbox) fn set_search_lag(&mut self, milliseconds: i64) {
        self.search_lag = milliseconds;
    }
}

impl Sandbox {
    fn with_intercom<T>(&self, change: impl FnOnce(&mut Workspace) -> T) -> T {
        change(&mut lock(&self.world.intercom))
    }

    /// Intercom's token stops working: 401 `token_not_found` until another is issued.
    pub fn revoke_intercom_token(&self) {
        self.with_intercom(Workspace::revoke_token);
    }

    /// Another Intercom token works from now on; the one before it is revoked.
    pub fn issue_intercom_token(&self, token: &str) {
        self.with_intercom(|intercom| intercom.issue_token(token));
    }

    /// Whether the app has a topic ticked; all are from the start. No call of the API can do this at the vendor either.
    pub fn subscribe_intercom_topic(&self, topic: &str, subscribed: bool) {
        self.with_intercom(|intercom| intercom.mute(topic, !subscribed));
    }

    /// The version of calls without `Intercom-Version`; false when the sandbox has no such version.
    pub fn set_intercom_default_version(&self, version: &str) -> bool {
        self.with_intercom(|intercom| intercom.set_default_version(version))
    }

    /// The workspace's time zone, by name or as `+05:45`; false for one nobody knows.
    pub fn set_intercom_time_zone(&self, zone: &str) -> bool {
        self.with_intercom(|intercom| intercom.set_zone(zone))
    }

    /// How long, in milliseconds, new contacts cannot be found by search, as happens for minutes at the vendor.
    pub fn set_intercom_search_lag(&self, milliseconds: i64) {
        self.with_intercom(|intercom| intercom.set_search_lag(milliseconds));
    }

    /// Whether the workspace's plan is paid; else conversations answer 403 `api_plan_restricted`.
    pub fn set_intercom_subscribed(&self, subscribed: bool) {
        self.with_intercom(|intercom| intercom.set_subscribed(subscribed));
    }

    /// Takes the token's permission for calls under `/area` away, or gives it back: 401 `token_unauthorized`.
    pub fn withhold_from_intercom_token(&self, area: &str, withheld: bool) {
        self.with_intercom(|intercom| intercom.withhold(area, withheld));
    }

    /// The next calls to the companies' scroll fail with the vendor's 500 and lose it.
    pub fn break_intercom_scroll(&self, times: u32) {
        self.with_intercom(|intercom| intercom.break_scroll(times));
    }

    /// The team archives many contacts at once in the UI, of which the vendor tells nobody; how many there were.
    pub fn archive_intercom_contacts_in_bulk(&self, ids: &[&str]) -> usize {
        ids.iter().filter(|id| self.archive_intercom_contact(id, Webhook::Silent)).count()
    }

    /// The team makes a segment of everything with a tag (`by` is `tag`) or a custom attribute (`attribute`).
    pub fn new_intercom_segment(&self, name: &str, by: &str, value: &str) -> Option<String> {
        self.with_intercom(|intercom| intercom.add_segment(name, by, value))
    }

    /// The team writes to a contact first; the answer is the conversation's id.
    pub fn start_conversation_as_admin(&self, contact: &str, body: &str, webhook: Webhook) -> Option<String> {
        self.in_intercom(webhook, |intercom| intercom.admin_starts(contact, body)).map(|id| id.to_string())
    }

    /// The contact answers in its conversation.
    pub fn reply_as_contact(&self, conversation: &str, body: &str, webhook: Webhook) {
        if let Ok(id) = conversation.parse() {
            self.in_intercom(webhook, |intercom| intercom.contact_replies(id, body));
        }
    }

    /// The team writes a note only it sees.
    pub fn note_on_conversation(&self, conversation: &str, body: &str, webhook: Webhook) {
        if let Ok(id) = conversation.parse() {
            self.in_intercom(webhook, |intercom| intercom.admin_notes(id, body));
        }
    }

    /// The contact rates the help, 1 to 5; false when there is no such conversation.
    pub fn rate_conversation(&self, conversation: &str, score: i64, remark: &str, webhook: Webhook) -> bool {
        conversation
            .parse()
            .is_ok_and(|id| self.in_intercom(webhook, |intercom| intercom.rate(id, score, remark)))
    }

    /// A person does something in the product, told as `event.created`; false when there is nobody of that id.
    pub fn act_in_product(
        &self,
        contact: &str,
        event: &str,
        details: &serde_json::Value,
        webhook: Webhook,
    ) -> bool {
        self.in_intercom(webhook, |intercom| intercom.act(contact, event, details))
    }

    /// The team puts a tag on a conversation; false when there is no such conversation.
    pub fn tag_conversation(&self, conversation: &str, tag: &str, webhook: Webhook) -> bool {
        conversation
            .parse()
            .is_ok_and(|id| self.in_intercom(webhook, |intercom| intercom.admin_tags(id, tag)))
    }

    /// The team says how urgent it is: `none`, `low`, `medium`, `high` or `urgent`; false for anything else.
    pub fn prioritise_conversation(&self, conversation: &str, priority: &str, webhook: Webhook) -> bool {
        conversation
            .parse()
            .is_ok_and(|id| self.in_intercom(webhook, |intercom| intercom.prioritise(id, priority)))
    }
}
