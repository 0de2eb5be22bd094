//! Every path of HubSpot that Reknit calls, in both of HubSpot's families: the only place where one is written.
//!
//! A row is a template whose `{}` are filled, percent-encoded, in order. Where the dated documents know no path of
//! their own, both columns hold the numbered one. Never decides which call to make.

use super::super::request::encode;
use super::super::settings::{HubspotPaths, Settings};

macro_rules! paths {
    ($($(#[$about:meta])* $name:ident = $numbered:literal, $dated:literal;)*) => {
        /// What a path leads to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Place {
            $($(#[$about])* $name,)*
        }

        impl Place {
            /// Every row, for the tests.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)*];

            const fn template(self, family: HubspotPaths) -> &'static str {
                match (self, family) {
                    $(
                        (Self::$name, HubspotPaths::V3v4) => $numbered,
                        (Self::$name, HubspotPaths::Dated) => $dated,
                    )*
                }
            }
        }
    };
}

paths! {
    /// All records of a type.
    Objects = "/crm/v3/objects/{}", "/crm/objects/2026-09/{}";
    /// One record.
    Object = "/crm/v3/objects/{}/{}", "/crm/objects/2026-09/{}/{}";
    /// Its search.
    Search = "/crm/v3/objects/{}/search", "/crm/objects/2026-09/{}/search";
    /// Type and verb: read, create, update, upsert, archive.
    ObjectBatch = "/crm/v3/objects/{}/batch/{}", "/crm/objects/2026-09/{}/batch/{}";
    /// Two records become one.
    Merge = "/crm/v3/objects/{}/merge", "/crm/objects/2026-09/{}/merge";
    /// A contact's additional e-mail. Only the oldest documents have it, marked as a preview.
    AdditionalEmail = "/contacts/v1/secondary-email/{}/email/{}", "/contacts/v1/secondary-email/{}/email/{}";
    /// Erasure for good.
    GdprDelete = "/crm/v3/objects/{}/gdpr-delete", "/crm/objects/2026-09/{}/gdpr-delete";
    /// The unlabelled relation of two records.
    DefaultAssociation = "/crm/v4/objects/{}/{}/associations/default/{}/{}",
        "/crm/objects/2026-09/{}/{}/associations/default/{}/{}";
    /// The relation of two records with its labels.
    Association = "/crm/v4/objects/{}/{}/associations/{}/{}", "/crm/objects/2026-09/{}/{}/associations/{}/{}";
    /// A record's relations to a type. The dated documents have none: there a batch read of one stands in.
    Associations = "/crm/v4/objects/{}/{}/associations/{}", "/crm/v4/objects/{}/{}/associations/{}";
    /// From, to, and the verb: read, create, archive.
    AssociationBatch = "/crm/v4/associations/{}/{}/batch/{}", "/crm/associations/2026-09/{}/{}/batch/{}";
    /// The unlabelled relation of many pairs.
    AssociationBatchDefault = "/crm/v4/associations/{}/{}/batch/associate/default",
        "/crm/associations/2026-09/{}/{}/batch/associate/default";
    /// Labels taken off many pairs, which stay related.
    AssociationBatchLabels = "/crm/v4/associations/{}/{}/batch/labels/archive",
        "/crm/associations/2026-09/{}/{}/batch/labels/archive";
    /// The labels two types can be related with.
    AssociationLabels = "/crm/associations/v4/{}/{}/labels", "/crm/associations/v4/{}/{}/labels";
    /// The properties of a type.
    Properties = "/crm/v3/properties/{}", "/crm/properties/2026-09/{}";
    /// One property.
    Property = "/crm/v3/properties/{}/{}", "/crm/properties/2026-09/{}/{}";
    /// Type and verb: read, create, archive.
    PropertyBatch = "/crm/v3/properties/{}/batch/{}", "/crm/properties/2026-09/{}/batch/{}";
    /// The property groups of a type.
    Groups = "/crm/v3/properties/{}/groups", "/crm/properties/2026-09/{}/groups";
    /// One property group.
    Group = "/crm/v3/properties/{}/groups/{}", "/crm/properties/2026-09/{}/groups/{}";
    /// The portal's users who may own records.
    Owners = "/crm/v3/owners", "/crm/owners/2026-09";
    /// One of them.
    Owner = "/crm/v3/owners/{}", "/crm/owners/2026-09/{}";
    /// The pipelines of a type.
    Pipelines = "/crm/v3/pipelines/{}", "/crm/pipelines/2026-09/{}";
    /// One pipeline.
    Pipeline = "/crm/v3/pipelines/{}/{}", "/crm/pipelines/2026-09/{}/{}";
    /// Its stages.
    Stages = "/crm/v3/pipelines/{}/{}/stages", "/crm/pipelines/2026-09/{}/{}/stages";
    /// One stage.
    Stage = "/crm/v3/pipelines/{}/{}/stages/{}", "/crm/pipelines/2026-09/{}/{}/stages/{}";
    /// The portal behind the token.
    AccountDetails = "/account-info/v3/details", "/account-info/v3/details";
    /// Today's calls of private apps.
    DailyUsage = "/account-info/v3/api-usage/daily/private-apps", "/account-info/v3/api-usage/daily/private-apps";
    /// Whose an access token is, and what it may; the token's place is filled when the call is sent.
    TokenInfo = "/oauth/v1/access-tokens/••••", "/oauth/v1/access-tokens/••••";
    /// Posting to records' timelines.
    TimelineEvents = "/integrators/timeline/v3/events", "/integrators/timeline/v3/events";
    /// Posting many at once.
    TimelineBatch = "/integrators/timeline/v3/events/batch/create", "/integrators/timeline/v3/events/batch/create";
    /// One event, by template and id.
    TimelineEvent = "/integrators/timeline/v3/events/{}/{}", "/integrators/timeline/v3/events/{}/{}";
    /// The kinds of mail a person can subscribe to.
    Subscriptions = "/communication-preferences/v4/definitions", "/communication-preferences/v4/definitions";
    /// What a person has subscribed to.
    SubscriptionStatus = "/communication-preferences/v4/statuses/{}", "/communication-preferences/v4/statuses/{}";
    /// Whether a person has unsubscribed from everything.
    UnsubscribedFromAll = "/communication-preferences/v4/statuses/{}/unsubscribe-all",
        "/communication-preferences/v4/statuses/{}/unsubscribe-all";
}

/// The path of a place, without host.
pub(crate) fn path(settings: &Settings, place: Place, parts: &[&str]) -> String {
    let mut template = place.template(settings.hubspot.paths).split("{}");
    let mut path = template.next().unwrap_or_default().to_owned();
    debug_assert_eq!(template.clone().count(), parts.len(), "{place:?} takes other parts");
    for (part, rest) in parts.iter().zip(template) {
        path.push_str(&encode(part));
        path.push_str(rest);
    }
    path
}

/// Adds a query parameter; nothing when there is no value.
pub(crate) fn ask(path: &mut String, name: &str, value: Option<&str>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return };
    path.push(if path.contains('?') { '&' } else { '?' });
    path.push_str(name);
    path.push('=');
    // Lists are written with plain commas, as HubSpot's own guides do: a third shorter than with escapes.
    path.push_str(&encode(value).replace("%2C", ","));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(paths: HubspotPaths) -> Settings {
        let mut settings = Settings::default();
        settings.hubspot.paths = paths;
        settings
    }

    #[test]
    fn both_families_take_the_same_parts() {
        for place in Place::ALL {
            let [numbered, dated] = [HubspotPaths::V3v4, HubspotPaths::Dated]
                .map(|family| place.template(family).matches("{}").count());
            assert_eq!(numbered, dated, "{place:?}");
        }
    }

    #[test]
    fn the_token_s_place_is_the_one_the_sender_fills() {
        let path = path(&Settings::default(), Place::TokenInfo, &[]);
        assert!(path.ends_with(crate::vendors::request::TOKEN_PLACE), "{path}");
    }

    #[test]
    fn no_path_is_written_elsewhere() {
        for source in [
            include_str!("calls.rs"),
            include_str!("calls/objects.rs"),
            include_str!("calls/associations.rs"),
            include_str!("calls/schema.rs"),
            include_str!("calls/account.rs"),
            include_str!("operations.rs"),
            include_str!("batch.rs"),
            include_str!("../hubspot.rs"),
        ] {
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            for start in ["\"/crm", "\"/account", "\"/integrators", "\"/communication", "\"/oauth"] {
                assert!(!code.contains(start), "{start} stands in a file that is not the table");
            }
        }
    }

    #[test]
    fn parts_are_encoded_and_lists_keep_their_commas() {
        let settings = family(HubspotPaths::Dated);
        let mut asked = path(&settings, Place::Object, &["contacts", "a/b?c@d"]);
        assert_eq!(asked, "/crm/objects/2026-09/contacts/a%2Fb%3Fc%40d");
        ask(&mut asked, "properties", Some("email,a&b"));
        ask(&mut asked, "after", Some(""));
        ask(&mut asked, "idProperty", None);
        ask(&mut asked, "limit", Some("5"));
        assert!(asked.ends_with("?properties=email,a%26b&limit=5"), "{asked}");
    }
}
