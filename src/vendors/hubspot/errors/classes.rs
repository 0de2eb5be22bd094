//! The one table from HubSpot's words to our classes: categories, sub-categories, codes of refused values, policies
//! of limits and the codes of its token endpoints. A word that is not here stays `unknown`.

use crate::domain::error_class::ErrorClass;

use ErrorClass::{
    Auth, Conflict, DuplicateDetected, Locked, NotAllowedValue, NotFound, Permission, QuotaExhausted,
    RateLimited, Unavailable, UnknownField, Validation,
};

/// Word to class.
pub(super) const TABLE: &[(&str, ErrorClass)] = &[
    // Who is calling.
    ("INVALID_AUTHENTICATION", Auth),
    ("EXPIRED_AUTHENTICATION", Auth),
    ("BAD_REFRESH_TOKEN", Auth),
    ("BAD_AUTH_CODE", Auth),
    ("BAD_CLIENT_ID", Auth),
    ("BAD_CLIENT_SECRET", Auth),
    ("invalid_grant", Auth),
    ("invalid_client", Auth),
    // What the caller may.
    ("MISSING_SCOPES", Permission),
    // How much.
    ("DAILY", QuotaExhausted),
    ("TEN_SECONDLY_ROLLING", RateLimited),
    ("SECONDLY", RateLimited),
    ("RATE_LIMITS", RateLimited),
    ("RATE_LIMIT", RateLimited),
    // What is there.
    ("OBJECT_NOT_FOUND", NotFound),
    ("crm.associations.NO_ASSOCIATIONS_FOUND", NotFound),
    ("Properties.PROPERTY_WITH_NAME_EXISTS", DuplicateDetected),
    ("OBJECT_ALREADY_EXISTS", DuplicateDetected),
    ("CONFLICTING_UNIQUE_VALUE", DuplicateDetected),
    ("CONFLICT", Conflict),
    ("LOCKED", Locked),
    ("MIGRATION", Unavailable),
    // What was written.
    ("PROPERTY_DOESNT_EXIST", UnknownField),
    ("INVALID_OPTION", NotAllowedValue),
    ("MISSING_REQUIRED_PROPERTY", Validation),
    ("MISSING_CONDITIONAL_REQUIRED_PROPERTY", Validation),
    ("INVALID_EMAIL", Validation),
    ("INVALID_INTEGER", Validation),
    ("INVALID_LONG", Validation),
    ("INVALID_DATE", Validation),
    ("READ_ONLY_VALUE", Validation),
    ("VALIDATION_ERROR", Validation),
];

/// The class of a word; none when the table has no row for it.
pub(super) fn of(word: &str) -> Option<ErrorClass> {
    TABLE.iter().find(|(known, _)| *known == word).map(|(_, class)| *class)
}
