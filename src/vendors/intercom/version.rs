//! What each version of Intercom's API has: one table from capability to the version that brought it.
//!
//! We hold the vendor's documents of 2.14 and 2.16. What stands in the older one is taken for granted in every version
//! from 2.11 on, for which there is no document; what stands only in the newer one is taken to have come with it,
//! unless the vendor's change log names another. Nothing here is learnt from answers.

use crate::domain::error_class::ErrorClass;

use super::super::error::VendorError;
use super::super::settings::Settings;

/// A version of the API, as in `Intercom-Version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

impl Version {
    /// The version the settings name. `Preview` and `Unstable`, which have no number, have everything.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self::read(&settings.intercom.version).unwrap_or(Self(u32::MAX, 0))
    }

    fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }

    /// Whether a capability is there.
    pub(crate) fn has(self, capability: Capability) -> bool {
        self >= capability.row().since
    }
}

/// Something that not every version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Notes on companies.
    CompanyNotes,
    /// A conversation's company.
    ConversationCompany,
    /// `GET /contacts/{id}/merge_history` and `include_merge_history`.
    MergeHistory,
    /// `skip_duplicate_validation`, and the check it waives.
    DuplicateCheck,
    /// `email_verified` of contacts.
    EmailVerified,
    /// `owner_id` is a text; before, a number.
    OwnerAsText,
    /// `update_last_request_at` of companies.
    LastRequest,
    /// `/conversations/attributes`; before, `/data_attributes?model=conversation`.
    ConversationAttributes,
    /// `POST /conversations/{id}/merge`.
    ConversationMerge,
    /// `GET /conversations/deleted`.
    DeletedConversations,
    /// `retain_metrics` when a conversation is deleted.
    RetainMetrics,
    /// `skip_notifications` of replies.
    SkipNotifications,
    /// Dates in searches are compared to the second; before, by whole days.
    ExactDates,
}

struct Row {
    capability: Capability,
    what: &'static str,
    since: Version,
}

const fn row(capability: Capability, since: (u32, u32), what: &'static str) -> Row {
    Row { capability, what, since: Version(since.0, since.1) }
}

/// The one table. 2.15 and 2.17 are the change log's words, 2.16 is where the newer document has it and the older not.
const TABLE: [Row; 13] = [
    row(Capability::CompanyNotes, (2, 15), "notes on companies"),
    row(Capability::ConversationCompany, (2, 15), "the company of a conversation"),
    row(Capability::MergeHistory, (2, 16), "the merge history of contacts"),
    row(Capability::DuplicateCheck, (2, 16), "skip_duplicate_validation"),
    row(Capability::EmailVerified, (2, 16), "email_verified"),
    row(Capability::OwnerAsText, (2, 16), "owner_id as a text"),
    row(Capability::LastRequest, (2, 16), "update_last_request_at"),
    row(Capability::ConversationAttributes, (2, 16), "conversation attributes as an endpoint of their own"),
    row(Capability::ConversationMerge, (2, 16), "merging conversations"),
    row(Capability::DeletedConversations, (2, 16), "the list of deleted conversations"),
    row(Capability::RetainMetrics, (2, 16), "retain_metrics"),
    row(Capability::SkipNotifications, (2, 16), "skip_notifications"),
    row(Capability::ExactDates, (2, 17), "dates compared to the second"),
];

impl Capability {
    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.capability == self).expect("a test asks for the row of every capability")
    }

    /// Refuses, before anything is sent, what the version in the settings does not have.
    pub(crate) fn needed(self, settings: &Settings) -> Result<(), VendorError> {
        let Row { what, since: Version(major, minor), .. } = self.row();
        if Version::of(settings).has(self) {
            return Ok(());
        }
        Err(VendorError::new(
            ErrorClass::Validation,
            &format!(
                "Intercom's API has {what} from version {major}.{minor} on, and vendors.intercom.version is {}; \
                 nothing was sent. Set the version to {major}.{minor} or later to use it.",
                settings.intercom.version
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(version: &str) -> Settings {
        let mut settings = Settings::default();
        version.clone_into(&mut settings.intercom.version);
        settings
    }

    #[test]
    fn every_capability_has_its_row_and_says_which_version_it_needs() {
        for (capability, before, since) in [
            (Capability::CompanyNotes, "2.14", "2.15"),
            (Capability::ConversationCompany, "2.14", "2.15"),
            (Capability::MergeHistory, "2.15", "2.16"),
            (Capability::DuplicateCheck, "2.15", "2.16"),
            (Capability::EmailVerified, "2.14", "2.16"),
            (Capability::OwnerAsText, "2.11", "2.16"),
            (Capability::LastRequest, "2.14", "2.16"),
            (Capability::ConversationAttributes, "2.15", "2.16"),
            (Capability::ConversationMerge, "2.15", "2.16"),
            (Capability::DeletedConversations, "2.14", "2.16"),
            (Capability::RetainMetrics, "2.14", "2.16"),
            (Capability::SkipNotifications, "2.14", "2.16"),
            (Capability::ExactDates, "2.16", "2.17"),
        ] {
            assert_eq!(capability.needed(&at(since)), Ok(()), "{capability:?}");
            let error = capability.needed(&at(before)).expect_err("the older version lacks it");
            assert_eq!(error.class, ErrorClass::Validation);
            assert!(error.words.contains(since) && error.words.contains(before), "{error}");
            assert!(Version::of(&at("Unstable")).has(capability));
        }
    }

    #[test]
    fn versions_are_compared_by_number_not_by_letters() {
        assert!(Version::of(&at("2.9")) < Version::of(&at("2.11")));
        assert!(Version::of(&at("3.0")) > Version::of(&at("2.17")));
    }
}
