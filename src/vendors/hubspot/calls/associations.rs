//! Relations between records: plain ones, labelled ones, and many at once. Only builds requests.
//!
//! HubSpot changes a record's primary company without a word when its type is used, so a builder that would do that
//! must be told to.

use serde_json::{Value, json};

use crate::domain::record::ObjectKind;

use super::super::paths::{Place, ask, path};
use super::{delete, given, plural, post, put, refused};
use crate::vendors::error::VendorError;
use crate::vendors::request::{Manner, Request};
use crate::vendors::settings::{HubspotPaths, Settings};

/// Two records, from and to.
pub(crate) struct Ends<'a> {
    pub(crate) from: (ObjectKind, &'a str),
    pub(crate) to: (ObjectKind, &'a str),
}

impl Ends<'_> {
    fn path(&self, settings: &Settings, place: Place) -> Result<String, VendorError> {
        let (from, to) = (plural(self.from.0)?, plural(self.to.0)?);
        Ok(path(settings, place, &[from, self.from.1, to, self.to.1]))
    }

    fn purpose(&self, verb: &str) -> String {
        format!("{verb} {} to {}", self.from.0, self.to.0)
    }
}

/// Types that mean "primary", by the kinds they lead from and to.
const PRIMARY: [(ObjectKind, ObjectKind, u64); 6] = [
    (ObjectKind::Contact, ObjectKind::Company, 1),
    (ObjectKind::Company, ObjectKind::Contact, 2),
    (ObjectKind::Deal, ObjectKind::Company, 5),
    (ObjectKind::Company, ObjectKind::Deal, 6),
    (ObjectKind::Company, ObjectKind::Ticket, 25),
    (ObjectKind::Ticket, ObjectKind::Company, 26),
];

/// The unlabelled types, by the kinds they lead from and to.
const PLAIN: [(ObjectKind, ObjectKind, u64); 20] = [
    (ObjectKind::Contact, ObjectKind::Company, 279),
    (ObjectKind::Contact, ObjectKind::Deal, 4),
    (ObjectKind::Contact, ObjectKind::Ticket, 15),
    (ObjectKind::Company, ObjectKind::Contact, 280),
    (ObjectKind::Company, ObjectKind::Deal, 342),
    (ObjectKind::Company, ObjectKind::Ticket, 340),
    (ObjectKind::Deal, ObjectKind::Contact, 3),
    (ObjectKind::Deal, ObjectKind::Company, 341),
    (ObjectKind::Deal, ObjectKind::Ticket, 27),
    (ObjectKind::Ticket, ObjectKind::Contact, 16),
    (ObjectKind::Ticket, ObjectKind::Company, 339),
    (ObjectKind::Ticket, ObjectKind::Deal, 28),
    (ObjectKind::Note, ObjectKind::Contact, 202),
    (ObjectKind::Note, ObjectKind::Company, 190),
    (ObjectKind::Note, ObjectKind::Deal, 214),
    (ObjectKind::Note, ObjectKind::Ticket, 228),
    (ObjectKind::Task, ObjectKind::Contact, 204),
    (ObjectKind::Task, ObjectKind::Company, 192),
    (ObjectKind::Task, ObjectKind::Deal, 216),
    (ObjectKind::Task, ObjectKind::Ticket, 230),
];

/// What a new record is related to, as its create takes it; none where there is nothing.
pub(crate) fn inline(
    object: ObjectKind,
    related: &[(ObjectKind, &str)],
) -> Result<Option<Value>, VendorError> {
    let mut rows = Vec::with_capacity(related.len());
    for (to, id) in related {
        let known = PLAIN.iter().find(|row| row.0 == object && row.1 == *to);
        let Some((_, _, type_id)) = known else {
            return Err(refused(&format!("Reknit relates no {object}s to a {to} in HubSpot")));
        };
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
        rows.push(json!({"to": {"id": id}, "types": types}));
    }
    Ok((!rows.is_empty()).then_some(Value::Array(rows)))
}

/// Refuses types that would change a primary company, unless that is what was asked for.
pub(crate) fn no_silent_primary(
    from: ObjectKind,
    to: Option<ObjectKind>,
    types: &Value,
    asked: bool,
) -> Result<(), VendorError> {
    let primary = |spec: &Value| {
        let own = spec.get("associationCategory").and_then(Value::as_str) == Some("HUBSPOT_DEFINED");
        let id = spec.get("associationTypeId").and_then(Value::as_u64);
        own && PRIMARY.iter().any(|row| row.0 == from && to.is_none_or(|to| to == row.1) && Some(row.2) == id)
    };
    if asked || !types.as_array().is_some_and(|types| types.iter().any(primary)) {
        return Ok(());
    }
    Err(refused(
        "this association type would change the primary company, and HubSpot asks nobody; say that the primary \
         company is to change",
    ))
}

/// The unlabelled relation; asking for it twice changes nothing.
pub(crate) fn link(settings: &Settings, ends: &Ends<'_>) -> Result<Request, VendorError> {
    let path = ends.path(settings, Place::DefaultAssociation)?;
    Ok(put(ends.from.0, path).purpose(ends.purpose("relate")))
}

/// The relation as the primary one, whatever was primary before.
pub(crate) fn link_as_primary(settings: &Settings, ends: &Ends<'_>) -> Result<Request, VendorError> {
    let type_id = |table: &[(ObjectKind, ObjectKind, u64)]| {
        table.iter().find(|row| (row.0, row.1) == (ends.from.0, ends.to.0)).map(|row| row.2)
    };
    let (Some(plain), Some(primary)) = (type_id(&PLAIN), type_id(&PRIMARY)) else {
        return Err(refused(&format!("a {} has no primary {}", ends.from.0, ends.to.0)));
    };
    let own = |id: u64| json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id});
    let types = json!([own(plain), own(primary)]);
    Ok(label(settings, ends, &types, true)?.purpose(ends.purpose("make primary, relate")))
}

/// A relation with labels; `types` as HubSpot writes them.
pub(crate) fn label(
    settings: &Settings,
    ends: &Ends<'_>,
    types: &Value,
    primary: bool,
) -> Result<Request, VendorError> {
    if types.as_array().is_none_or(Vec::is_empty) {
        return Err(refused("a labelled relation needs at least one association type"));
    }
    no_silent_primary(ends.from.0, Some(ends.to.0), types, primary)?;
    let path = ends.path(settings, Place::Association)?;
    Ok(put(ends.from.0, path).body(types.clone()).purpose(ends.purpose("relate with labels")))
}

/// Takes all labels and the relation itself away.
pub(crate) fn unlink(settings: &Settings, ends: &Ends<'_>) -> Result<Request, VendorError> {
    let path = ends.path(settings, Place::Association)?;
    Ok(delete(ends.from.0, path).purpose(ends.purpose("no longer relate")))
}

/// What a record is related to. In the dated family this is a batch read of one: its documents know no other way.
pub(crate) fn list(
    settings: &Settings,
    from: (ObjectKind, &str),
    to: ObjectKind,
    limit: Option<usize>,
    after: Option<&str>,
) -> Result<Request, VendorError> {
    if settings.hubspot.paths == HubspotPaths::Dated {
        let input = given([("id", Some(json!(from.1))), ("after", after.map(|after| json!(after)))]);
        return batch(settings, from.0, to, Verb::Read, &[input], false);
    }
    let mut path = path(settings, Place::Associations, &[plural(from.0)?, from.1, plural(to)?]);
    ask(&mut path, "limit", limit.map(|limit| limit.to_string()).as_deref());
    ask(&mut path, "after", after);
    Ok(Request::get(from.0, path).page().purpose(format!("{} of {}", plural(to)?, from.0)))
}

/// What a batch does with its pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Rows are `{id}`.
    Read,
    /// Rows are `{from, to, types}`.
    Create,
    /// Rows are `{from, to}`.
    Default,
    /// Rows are `{from, to: [..]}`; everything between them goes.
    Archive,
    /// Rows are `{from, to, types}`; the named labels go.
    ArchiveLabels,
}

impl Verb {
    /// How many rows HubSpot takes.
    const fn most(self) -> usize {
        match self {
            Self::Read => 1_000,
            Self::Create | Self::Default => 2_000,
            Self::Archive | Self::ArchiveLabels => 100,
        }
    }
}

/// Many relations between two kinds at once, rows as HubSpot writes them.
pub(crate) fn batch(
    settings: &Settings,
    from: ObjectKind,
    to: ObjectKind,
    verb: Verb,
    inputs: &[Value],
    primary: bool,
) -> Result<Request, VendorError> {
    if inputs.is_empty() || inputs.len() > verb.most() {
        return Err(refused(&format!(
            "a batch of this kind holds between 1 and {} rows, and these are {}",
            verb.most(),
            inputs.len()
        )));
    }
    if verb == Verb::Create {
        for input in inputs {
            no_silent_primary(from, Some(to), input.get("types").unwrap_or(&Value::Null), primary)?;
        }
    }
    let names = (plural(from)?, plural(to)?);
    let path = match verb {
        Verb::Read => path(settings, Place::AssociationBatch, &[names.0, names.1, "read"]),
        Verb::Create => path(settings, Place::AssociationBatch, &[names.0, names.1, "create"]),
        Verb::Archive => path(settings, Place::AssociationBatch, &[names.0, names.1, "archive"]),
        Verb::Default => path(settings, Place::AssociationBatchDefault, &[names.0, names.1]),
        Verb::ArchiveLabels => path(settings, Place::AssociationBatchLabels, &[names.0, names.1]),
    };
    let manner = if verb == Verb::Read { Manner::Page } else { Manner::SlowWrite };
    let what = match verb {
        Verb::Read => format!("{} of {}", names.1, names.0),
        Verb::Create | Verb::Default => format!("relate {} {} to {}", inputs.len(), names.0, names.1),
        Verb::Archive => format!("no longer relate {} {} to {}", inputs.len(), names.0, names.1),
        Verb::ArchiveLabels => format!("unlabel {} {} and {}", inputs.len(), names.0, names.1),
    };
    Ok(post(manner, from, path, json!({"inputs": inputs})).purpose(what))
}

/// The labels two kinds can be related with.
pub(crate) fn labels(settings: &Settings, from: ObjectKind, to: ObjectKind) -> Result<Request, VendorError> {
    Ok(Request::get(from, path(settings, Place::AssociationLabels, &[plural(from)?, plural(to)?])))
}

/// A label of one's own; `inverse` is how it reads from the other end.
pub(crate) fn create_label(
    settings: &Settings,
    from: ObjectKind,
    to: ObjectKind,
    name: &str,
    label: &str,
    inverse: Option<&str>,
) -> Result<Request, VendorError> {
    let path = path(settings, Place::AssociationLabels, &[plural(from)?, plural(to)?]);
    let body = given([
        ("name", Some(json!(name))),
        ("label", Some(json!(label))),
        ("inverseLabel", inverse.map(|inverse| json!(inverse))),
    ]);
    Ok(post(Manner::Write, from, path, body).purpose(format!("create the label {label}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends<'_> = Ends { from: (ObjectKind::Contact, "151"), to: (ObjectKind::Company, "812") };

    fn own(id: u64) -> Value {
        json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}])
    }

    #[test]
    fn the_primary_company_never_changes_unasked() {
        let settings = Settings::default();
        assert!(label(&settings, &ENDS, &own(279), false).is_ok());
        assert!(label(&settings, &ENDS, &own(1), false).is_err());
        assert!(label(&settings, &ENDS, &own(1), true).is_ok());
        // Somebody's own label may have the number 1 without meaning anything by it.
        let theirs = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": 1}]);
        assert!(label(&settings, &ENDS, &theirs, false).is_ok());
        let row = json!({"from": {"id": "812"}, "to": {"id": "151"}, "types": own(2)});
        let rows = std::slice::from_ref(&row);
        let many =
            |primary| batch(&settings, ObjectKind::Company, ObjectKind::Contact, Verb::Create, rows, primary);
        assert!(many(false).is_err() && many(true).is_ok());
        let wish = json!([{"to": {"id": "812"}, "types": own(1)}]);
        assert!(super::super::objects::related(ObjectKind::Contact, Some(&wish), false).is_err());
        assert!(super::super::objects::related(ObjectKind::Deal, Some(&wish), false).is_ok());
    }

    #[test]
    fn the_dated_family_lists_by_a_batch_read_of_one() {
        let mut settings = Settings::default();
        let from = (ObjectKind::Contact, "151");
        let numbered = list(&settings, from, ObjectKind::Company, Some(500), Some("9")).expect("good");
        assert_eq!(
            (numbered.method.as_str(), numbered.path.as_str()),
            ("GET", "/crm/v4/objects/contacts/151/associations/companies?limit=500&after=9")
        );
        settings.hubspot.paths = HubspotPaths::Dated;
        let dated = list(&settings, from, ObjectKind::Company, None, Some("9")).expect("good");
        assert_eq!(dated.path, "/crm/associations/2026-09/contacts/companies/batch/read");
        assert_eq!(dated.body, Some(json!({"inputs": [{"id": "151", "after": "9"}]})));
        assert!(!dated.manner.writes());
    }
}
