//! The cookbook: troubles people really have with these vendors, each with how it is recognised, what it means in
//! plain words and what mends it.
//!
//! The class of an error decides what the engine does; this table only says more to a person, and never hides the
//! vendor's own words. A failure it does not know falls back to the advice of its class.

use super::error_class::ErrorClass;
use super::record::System;

words! {
    /// What mends a trouble: one thing to press or run.
    pub enum Fix {
        /// It goes on by itself.
        Wait = "wait",
        /// Run the execution again.
        Retry = "retry",
        /// Decide the conflict that it raised.
        Resolve = "resolve",
        /// Merge the two records.
        Merge = "merge",
        /// Put another token in place.
        Token = "token",
        /// Allow more at the vendor, in its settings.
        Grant = "grant",
        /// Change a setting of Reknit.
        Settings = "settings",
        /// Let Reknit look for the cause.
        Doctor = "doctor",
    }
}

impl Fix {
    /// How it is reached: a key of the console and a command.
    pub const fn how(self) -> &'static str {
        match self {
            Self::Wait => "nothing to press",
            Self::Retry => "r in the console, `reknit retry EXECUTION`",
            Self::Resolve => "3 in the console, `reknit resolve CONFLICT`",
            Self::Merge => "4 in the console, `reknit merge DUPLICATE`",
            Self::Token => "set the token, then `reknit doctor`",
            Self::Grant => "the vendor's settings, then r in the console",
            Self::Settings => "the settings file; `reknit init --print` shows every setting",
            Self::Doctor => "`reknit doctor`",
        }
    }
}

/// One row of the cookbook.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// Its stable name.
    pub key: &'static str,
    /// Whose it is; none for ours or anybody's.
    pub system: Option<System>,
    /// The class its answers are read as; none for a trouble that no answer shows.
    pub class: Option<ErrorClass>,
    /// Words of which the vendor's answer holds at least one, in small letters; empty when the class says enough.
    words: &'static [&'static str],
    /// What a person notices.
    pub symptom: &'static str,
    /// What is behind it.
    pub meaning: &'static str,
    /// What to do, in the imperative.
    pub hint: &'static str,
    /// What mends it.
    pub fix: Fix,
}

/// What a person is told about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The cookbook's row, where one fits.
    pub key: Option<&'static str>,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub hint: &'static str,
}

/// The advice for a failure: the first row that fits, else its class's.
pub fn advise(system: Option<System>, class: ErrorClass, words: &str) -> Advice {
    match recognise(system, class, words) {
        Some(trouble) => Advice { key: Some(trouble.key), meaning: trouble.meaning, hint: trouble.hint },
        None => {
            let treatment = class.treatment();
            Advice { key: None, meaning: treatment.meaning, hint: treatment.advice }
        }
    }
}

/// A hint for who is not in the console: without its keys, and without sending the reader of `doctor` to `doctor`.
/// Empty when nothing else was in it.
pub fn without_console(hint: &str) -> String {
    const CONSOLE: [&str; 6] = ["ress r", "(3)", "(4)", "`reknit doctor`", "it says which", "Nothing to do"];
    let hint = hint.replace(", then press r.", ".").replace("; then press r.", ".");
    let sentences: Vec<&str> = hint
        .split_inclusive(". ")
        .map(str::trim)
        .filter(|sentence| !CONSOLE.iter().any(|word| sentence.contains(word)))
        .collect();
    sentences.join(" ")
}

/// The first row that fits an answer.
pub fn recognise(system: Option<System>, class: ErrorClass, words: &str) -> Option<&'static Trouble> {
    let words = words.to_lowercase();
    COOKBOOK.iter().find(|trouble| {
        trouble.class == Some(class)
            && (trouble.system.is_none() || trouble.system == system)
            && (trouble.words.is_empty() || trouble.words.iter().any(|word| words.contains(word)))
    })
}

const fn row(
    key: &'static str,
    system: Option<System>,
    class: Option<ErrorClass>,
    words: &'static [&'static str],
    told: [&'static str; 3],
    fix: Fix,
) -> Trouble {
    let [symptom, meaning, hint] = told;
    Trouble { key, system, class, words, symptom, meaning, hint, fix }
}

const INTERCOM: Option<System> = Some(System::Intercom);
const HUBSPOT: Option<System> = Some(System::Hubspot);
const SALESFORCE: Option<System> = Some(System::Salesforce);

/// Every row; the more particular stand before the more general.
pub const COOKBOOK: &[Trouble] = &[
    row(
        "intercom_token",
        INTERCOM,
        Some(ErrorClass::Auth),
        &[],
        [
            "every call to Intercom is answered 401",
            "Intercom refused the token: it was revoked, or the app was removed and installed again, which makes a new one.",
            "Copy the access token from the app's page in Intercom's Developer Hub into INTERCOM_ACCESS_TOKEN, then press r.",
        ],
        Fix::Token,
    ),
    row(
        "intercom_plan",
        INTERCOM,
        Some(ErrorClass::Permission),
        &["plan"],
        [
            "one kind of call to Intercom is answered 403",
            "The workspace's plan does not include this part of Intercom's API.",
            "Switch the recipe that needs it off, or change the plan; retrying fails again.",
        ],
        Fix::Grant,
    ),
    row(
        "intercom_permission",
        INTERCOM,
        Some(ErrorClass::Permission),
        &[],
        [
            "some calls to Intercom are answered 403",
            "The token may not do this: the app lacks read or write permission for conversations, contacts or companies.",
            "Give the app the permission in Intercom's Developer Hub (Authentication), copy the new token, then press r.",
        ],
        Fix::Grant,
    ),
    row(
        "intercom_archived_twin",
        INTERCOM,
        Some(ErrorClass::DuplicateDetected),
        &["archived contact"],
        [
            "a person cannot be created, though nobody finds them",
            "An archived contact holds this e-mail or external id, and archived contacts do not show in searches.",
            "Unarchive that contact in Intercom (its id stands in the words below), then press r.",
        ],
        Fix::Retry,
    ),
    row(
        "intercom_user_not_found",
        INTERCOM,
        Some(ErrorClass::NotFound),
        &["user not found", "contact not found"],
        [
            "\"User not found\"",
            "Intercom knows nobody by this id or e-mail: the person was deleted, or never was a contact.",
            "Press r: Reknit looks the person up again and makes the contact first, then writes.",
        ],
        Fix::Retry,
    ),
    row(
        "intercom_attribute_missing",
        INTERCOM,
        Some(ErrorClass::UnknownField),
        &[],
        [
            "writes to Intercom fail on one attribute",
            "Intercom takes values only for custom attributes that exist; this one does not.",
            "Create the attribute in Intercom (Settings, People data) or take it out of the mapping, then press r.",
        ],
        Fix::Grant,
    ),
    row(
        "intercom_merge_roles",
        INTERCOM,
        Some(ErrorClass::Validation),
        &["merging can only", "only be merged"],
        [
            "two Intercom contacts do not merge",
            "Intercom merges a lead into a user, and from version 2.16 on only when both share an e-mail or a phone.",
            "Copy what is worth keeping to one of the two and archive the other; Intercom offers no merge of two users.",
        ],
        Fix::Resolve,
    ),
    row(
        "hubspot_token_expired",
        HUBSPOT,
        Some(ErrorClass::Auth),
        &["expired"],
        [
            "HubSpot answered 401 after half an hour of working",
            "The OAuth access token has run out and could not be renewed.",
            "Run `reknit doctor`: it says whether the refresh token is refused. Connect the app anew if it is, then press r.",
        ],
        Fix::Token,
    ),
    row(
        "hubspot_token",
        HUBSPOT,
        Some(ErrorClass::Auth),
        &[],
        [
            "every call to HubSpot is answered 401",
            "HubSpot refused the token: it was rotated or deleted, or the app was uninstalled.",
            "Copy the token from the private app or service key into HUBSPOT_ACCESS_TOKEN, then press r.",
        ],
        Fix::Token,
    ),
    row(
        "hubspot_timeline_scope",
        HUBSPOT,
        Some(ErrorClass::Permission),
        &["timeline"],
        [
            "timeline events are missing",
            "Custom timeline events need the scope \"timeline\", which only a public (OAuth) app can have.",
            "With a private app log conversations as notes, which is the default; or connect an OAuth app that has the scope.",
        ],
        Fix::Grant,
    ),
    row(
        "hubspot_scope",
        HUBSPOT,
        Some(ErrorClass::Permission),
        &[],
        [
            "some calls to HubSpot are answered 403",
            "The token is good but lacks a scope; HubSpot names it in its words below.",
            "Add that scope to the app in HubSpot (Settings, Integrations), take its new token if it gives one, then press r.",
        ],
        Fix::Grant,
    ),
    row(
        "hubspot_search_limit",
        HUBSPOT,
        Some(ErrorClass::RateLimited),
        &["secondly limit", "your secondly"],
        [
            "HubSpot answers 429 though few calls were made",
            "HubSpot allows five searches a second for the whole account, all apps together.",
            "Nothing to do: it goes on by itself. Name unique properties in vendors.hubspot so that lookups need no search.",
        ],
        Fix::Wait,
    ),
    row(
        "hubspot_rate",
        HUBSPOT,
        Some(ErrorClass::RateLimited),
        &[],
        [
            "rate-limit errors from HubSpot",
            "HubSpot took as many calls in ten seconds as the account's tier allows.",
            "Nothing to do: it goes on by itself. If it comes often, write in batches and move the rest to off-peak hours (engine.off_peak).",
        ],
        Fix::Wait,
    ),
    row(
        "hubspot_daily",
        HUBSPOT,
        Some(ErrorClass::QuotaExhausted),
        &[],
        [
            "HubSpot takes no more calls today",
            "The account's calls of the day are used up, by all its apps together.",
            "It goes on by itself after midnight in the portal's time zone; `reknit limits` shows who used what of it.",
        ],
        Fix::Wait,
    ),
    row(
        "hubspot_duplicate_contact",
        HUBSPOT,
        Some(ErrorClass::DuplicateDetected),
        &["existing id", "already exists"],
        [
            "duplicate contacts in HubSpot",
            "A contact with this e-mail exists already; Reknit finds contacts by e-mail before it creates one.",
            "Press r: it is found now and updated. If two records are one person, merge them (4).",
        ],
        Fix::Retry,
    ),
    row(
        "hubspot_option",
        HUBSPOT,
        Some(ErrorClass::NotAllowedValue),
        &[],
        [
            "a lifecycle stage, status or other choice is refused, or a filter on it never matches",
            "HubSpot compares internal values, letter by letter and case by case; a label or another case is not one of them.",
            "Choose the internal value in the conflict it raised (3), or add the option in HubSpot, then press r.",
        ],
        Fix::Resolve,
    ),
    row(
        "hubspot_property",
        HUBSPOT,
        Some(ErrorClass::UnknownField),
        &[],
        [
            "writes to HubSpot fail on one property",
            "The mapping writes a property that the portal does not have.",
            "Create the property in HubSpot (Settings, Properties) or take it out of the mapping, then press r.",
        ],
        Fix::Grant,
    ),
    row(
        "salesforce_refresh_token",
        SALESFORCE,
        Some(ErrorClass::Auth),
        &["invalid_grant", "refresh token", "inactive_user"],
        [
            "Salesforce answers 401 and cannot be reached again by itself",
            "The refresh token is no longer accepted: it expired under the app's policy, was revoked, or its user was deactivated.",
            "Authorise the app again, put the new SALESFORCE_REFRESH_TOKEN in place, then press r.",
        ],
        Fix::Token,
    ),
    row(
        "salesforce_client",
        SALESFORCE,
        Some(ErrorClass::Auth),
        &["invalid_client", "client identifier", "client credentials"],
        [
            "Salesforce refuses to give a token at all",
            "The client id or secret is not that of the external client app.",
            "Correct SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, then run `reknit doctor`.",
        ],
        Fix::Token,
    ),
    row(
        "salesforce_session",
        SALESFORCE,
        Some(ErrorClass::Auth),
        &[],
        [
            "Salesforce answers 401",
            "The session ended and no new one could be had.",
            "Run `reknit doctor`: it says which of the credentials is refused; then press r.",
        ],
        Fix::Token,
    ),
    row(
        "salesforce_daily",
        SALESFORCE,
        Some(ErrorClass::QuotaExhausted),
        &[],
        [
            "Salesforce answers 403 REQUEST_LIMIT_EXCEEDED (older texts speak of 429)",
            "The org's calls of the last 24 hours are used up, by all its integrations together.",
            "It goes on by itself as older calls leave the 24 hours. Write in collections or by Bulk API 2.0, and lower the budget in [limits].",
        ],
        Fix::Wait,
    ),
    row(
        "salesforce_locked",
        SALESFORCE,
        Some(ErrorClass::Locked),
        &[],
        [
            "UNABLE_TO_LOCK_ROW",
            "Somebody else writes the record, its account or its parent at this moment.",
            "Nothing to do: it is tried again by itself with growing pauses.",
        ],
        Fix::Wait,
    ),
    row(
        "salesforce_duplicate_lead",
        SALESFORCE,
        Some(ErrorClass::DuplicateDetected),
        &[],
        [
            "duplicate leads in Salesforce, or DUPLICATES_DETECTED",
            "A record with this identity exists already, or one of the org's duplicate rules found a likely twin.",
            "Merge the two (4) if they are one person, else press r; writes go by the external id field of vendors.salesforce.",
        ],
        Fix::Merge,
    ),
    row(
        "salesforce_picklist",
        SALESFORCE,
        Some(ErrorClass::NotAllowedValue),
        &[],
        [
            "a restricted picklist refuses a value",
            "The value is not one of the picklist's active values for this record type.",
            "Choose an allowed value in the conflict it raised (3), or add it in Salesforce, then press r.",
        ],
        Fix::Resolve,
    ),
    row(
        "salesforce_rule",
        SALESFORCE,
        Some(ErrorClass::Validation),
        &["custom_validation", "cannot_insert_update_activate", "trigger", "flow"],
        [
            "one of the org's own rules refuses the write",
            "A validation rule, trigger or flow of the org refused the record; its own words stand below.",
            "Correct the value on the side that holds it, or ask the org's admin about the rule, then press r.",
        ],
        Fix::Resolve,
    ),
    row(
        "salesforce_access",
        SALESFORCE,
        Some(ErrorClass::Permission),
        &[],
        [
            "Salesforce answers INSUFFICIENT_ACCESS",
            "The integration's user may not read or write this object, field or record.",
            "Give its profile or permission set that right in Salesforce, then press r.",
        ],
        Fix::Grant,
    ),
    row(
        "webhooks_not_subscribed",
        None,
        None,
        &[],
        [
            "contacts do not come over from Intercom until the next poll",
            "No webhook of that topic arrives: the app does not subscribe to it, or its address is another one.",
            "Subscribe the app to contact.user.created and contact.user.updated (Developer Hub, Webhooks); `reknit doctor` says what has arrived.",
        ],
        Fix::Doctor,
    ),
    row(
        "webhook_signature",
        None,
        None,
        &[],
        [
            "webhooks are answered 401",
            "The signing secret here is not the app's: Intercom signs with the app's client secret, HubSpot with the app secret.",
            "Copy that secret into INTERCOM_CLIENT_SECRET or HUBSPOT_CLIENT_SECRET; deliveries refused meanwhile are made up for by polling.",
        ],
        Fix::Settings,
    ),
    row(
        "conversations_missing",
        None,
        None,
        &[],
        [
            "conversations do not appear",
            "There is no token for Intercom, or the conversation's person is not a contact that Intercom knows.",
            "Set INTERCOM_ACCESS_TOKEN and run `reknit doctor`; then look the person up in Intercom by the e-mail of the conversation.",
        ],
        Fix::Doctor,
    ),
    row(
        "rating_missing",
        None,
        None,
        &[],
        [
            "a conversation has no CSAT rating",
            "Nobody was asked: CSAT surveys are not switched on in Intercom, or the person has not answered yet.",
            "Switch surveys on in Intercom (Settings, Messenger); a rating arrives as an event of its own, often after the close.",
        ],
        Fix::Doctor,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error_class::Retry;

    #[test]
    fn every_row_can_be_met_and_says_something() {
        for (place, trouble) in COOKBOOK.iter().enumerate() {
            assert!(trouble.meaning.ends_with('.') && trouble.hint.ends_with('.'), "{}", trouble.key);
            assert!(!trouble.symptom.ends_with('.'), "{}", trouble.key);
            let Some(class) = trouble.class else { continue };
            let words = trouble.words.first().copied().unwrap_or_default();
            let met = recognise(trouble.system, class, words).map(|met| met.key);
            assert_eq!(met, Some(trouble.key), "row {place} is hidden by an earlier one");
        }
        let mut keys: Vec<&str> = COOKBOOK.iter().map(|trouble| trouble.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), COOKBOOK.len());
    }

    #[test]
    fn a_failure_the_cookbook_does_not_know_gets_its_class_s_advice() {
        for class in ErrorClass::ALL {
            let advice = advise(None, *class, "words nobody has a row for");
            assert_eq!((advice.key, advice.hint), (None, class.treatment().advice));
        }
    }

    #[test]
    fn outside_the_console_no_hint_speaks_of_its_keys() {
        let hints = COOKBOOK.iter().map(|trouble| trouble.hint);
        for hint in hints.chain(ErrorClass::ALL.iter().map(|class| class.treatment().advice)) {
            let told = without_console(hint);
            assert!(!told.contains("ress r") && !told.contains("(3)") && !told.contains("(4)"), "{told}");
            assert!(told.is_empty() || told.ends_with('.'), "{told}");
        }
        assert_eq!(without_console("Grant the scope, then press r."), "Grant the scope.");
    }

    #[test]
    fn only_what_goes_on_by_itself_tells_people_to_wait() {
        for trouble in COOKBOOK.iter().filter(|trouble| trouble.fix == Fix::Wait) {
            let retry = trouble.class.expect("waiting is for answers").treatment().retry;
            assert!(matches!(retry, Retry::Wait | Retry::Later), "{}", trouble.key);
        }
    }
}
