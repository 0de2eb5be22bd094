//! Which scopes a call needs, told from its route. Knows no token.

use super::area;
use super::shelf::Kind;

/// All scopes the portal's apps can hold.
pub(super) const ALL: [&str; 16] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.objects.owners.read",
    "tickets",
    "communication_preferences.read_write",
    "timeline",
];

fn scope(part: &str, kind: Kind, writes: bool) -> String {
    let verb = if writes { "write" } else { "read" };
    match kind {
        Kind::Tickets => "tickets".to_owned(),
        // Notes and tasks hang on people: whoever may see those may see them.
        Kind::Notes | Kind::Tasks => format!("crm.objects.contacts.{verb}"),
        _ => format!("crm.{part}.{}.{verb}", kind.plural()),
    }
}

/// The scopes a call needs, most telling first.
pub(in crate::sandbox) fn needed(method: &str, path: &[&str]) -> Vec<String> {
    let reads = method == "GET" || path.ends_with(&["search"]) || path.ends_with(&["batch", "read"]);
    let kind = |name: Option<&&str>| name.and_then(|name| Kind::read(name));
    let Some((area, rest)) = area(path) else { return Vec::new() };
    let mut scopes = match area {
        "objects" => {
            let to = match rest {
                [_, _, "associations", "default", to, _] | [_, _, "associations", to, ..] => kind(Some(to)),
                _ => None,
            };
            [kind(rest.first()), to]
                .into_iter()
                .flatten()
                .map(|kind| scope("objects", kind, !reads))
                .collect()
        }
        "associations" => [kind(rest.first()), kind(rest.get(1))]
            .into_iter()
            .flatten()
            .map(|kind| scope("objects", kind, !reads))
            .collect(),
        "properties" | "pipelines" => {
            kind(rest.first()).map(|kind| scope("schemas", kind, !reads)).into_iter().collect()
        }
        "contacts" => vec![scope("objects", Kind::Contacts, !reads)],
        "owners" => vec!["crm.objects.owners.read".to_owned()],
        "timeline" => vec!["timeline".to_owned()],
        "communication-preferences" => vec!["communication_preferences.read_write".to_owned()],
        _ => Vec::new(),
    };
    scopes.dedup();
    scopes
}
