//! HubSpot's associations: default and labelled links between records, one by one and in batches, and the
//! rule that a contact has at most one primary company.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::answers::{self, invalid, missing, no_such_path, unknown_kind};
use super::shelf::Kind;
use super::{Link, Portal};
use crate::sandbox::wire::{Answer, Call};

/// from, to, default type, primary type (0: none).
const TYPES: [(Kind, Kind, u32, u32); 28] = [
    (Kind::Contacts, Kind::Companies, 279, 1),
    (Kind::Companies, Kind::Contacts, 280, 2),
    (Kind::Contacts, Kind::Deals, 4, 0),
    (Kind::Deals, Kind::Contacts, 3, 0),
    (Kind::Deals, Kind::Companies, 341, 5),
    (Kind::Companies, Kind::Deals, 342, 6),
    (Kind::Contacts, Kind::Tickets, 15, 0),
    (Kind::Tickets, Kind::Contacts, 16, 0),
    (Kind::Companies, Kind::Tickets, 340, 25),
    (Kind::Tickets, Kind::Companies, 339, 26),
    (Kind::Deals, Kind::Tickets, 27, 0),
    (Kind::Tickets, Kind::Deals, 28, 0),
    (Kind::Notes, Kind::Contacts, 202, 0),
    (Kind::Contacts, Kind::Notes, 201, 0),
    (Kind::Notes, Kind::Companies, 190, 0),
    (Kind::Companies, Kind::Notes, 189, 0),
    (Kind::Notes, Kind::Deals, 214, 0),
    (Kind::Deals, Kind::Notes, 213, 0),
    (Kind::Tasks, Kind::Contacts, 204, 0),
    (Kind::Contacts, Kind::Tasks, 203, 0),
    (Kind::Tasks, Kind::Companies, 192, 0),
    (Kind::Companies, Kind::Tasks, 191, 0),
    (Kind::Tasks, Kind::Deals, 216, 0),
    (Kind::Deals, Kind::Tasks, 215, 0),
    (Kind::Notes, Kind::Tickets, 228, 0),
    (Kind::Tickets, Kind::Notes, 227, 0),
    (Kind::Tasks, Kind::Tickets, 230, 0),
    (Kind::Tickets, Kind::Tasks, 229, 0),
];

pub(super) fn types_between(from: Kind, to: Kind) -> Option<(u32, u32)> {
    TYPES.iter().find(|row| row.0 == from && row.1 == to).map(|row| (row.2, row.3))
}

/// The type a given association type leads to.
fn target(from: Kind, type_id: u32) -> Option<Kind> {
    TYPES
        .iter()
        .find(|row| row.0 == from && (row.2 == type_id || (row.3 == type_id && row.3 != 0)))
        .map(|row| row.1)
}

/// The name old answers use for a type, such as `contact_to_company_unlabeled`.
pub(super) fn type_name(from: Kind, to: Kind, type_id: u32) -> String {
    let base = format!("{}_to_{}", from.singular(), to.singular());
    match types_between(from, to) {
        Some((default, primary)) if primary != 0 && type_id == default => format!("{base}_unlabeled"),
        _ => base,
    }
}

/// The vendor's own labels between two types, as the labels' endpoint lists them.
pub(super) fn standing_labels(from: Kind, to: Kind) -> Result<Vec<Value>, Answer> {
    let (default, primary) = types_between(from, to).ok_or_else(no_such_path)?;
    let ids = [primary, default].into_iter().filter(|id| *id != 0);
    let label = |id: u32| if id == primary { json!("Primary") } else { Value::Null };
    Ok(ids.map(|id| json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": label(id)})).collect())
}

/// Ids come as text, sometimes as numbers.
pub(super) fn id_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl Portal {
    fn inverse(&self, from: Kind, to: Kind, type_id: u32) -> u32 {
        if let Some(inverse) = self.labels.inverse(from, to, type_id) {
            return inverse;
        }
        match (types_between(from, to), types_between(to, from)) {
            (Some((_, primary)), Some((_, back))) if primary != 0 && primary == type_id => back,
            (Some(_), Some((default, _))) => default,
            _ => type_id,
        }
    }

    fn label(&self, from: Kind, to: Kind, type_id: u32) -> Value {
        if let Some(text) = self.labels.text(from, to, type_id) {
            return json!(text);
        }
        let primary = types_between(from, to).is_some_and(|(_, primary)| primary == type_id);
        if primary { json!("Primary") } else { Value::Null }
    }

    fn linked_shape(&self, from: Kind, link: &Link, types: &BTreeSet<u32>) -> Value {
        let category = |id: u32| {
            let own = self.labels.text(from, link.0, id).is_some();
            if own { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
        };
        let types: Vec<Value> = types
            .iter()
            .map(
                |id| json!({"category": category(*id), "typeId": id, "label": self.label(from, link.0, *id)}),
            )
            .collect();
        json!({"toObjectId": link.1.to_string(), "associationTypes": types})
    }

    /// The type an association type leads to, the portal's own labels included.
    pub(super) fn target_of(&self, from: Kind, spec: &Value) -> Option<Kind> {
        let id = spec["associationTypeId"].as_u64()? as u32;
        if spec["associationCategory"] == "USER_DEFINED" {
            self.labels.target(from, id)
        } else {
            target(from, id)
        }
    }

    pub(super) fn links_of(&self, from: Link, to: Kind) -> impl Iterator<Item = (&Link, &BTreeSet<u32>)> {
        self.links.get(&from).into_iter().flat_map(move |links| links.range((to, 0)..=(to, u64::MAX)))
    }

    /// The ids linked to a record, the primary one first.
    pub(in crate::sandbox) fn linked_ids(&self, from: Link, to: Kind) -> Vec<u64> {
        let primary = types_between(from.0, to).map_or(0, |(_, primary)| primary);
        let mut ids: Vec<(bool, u64)> =
            self.links_of(from, to).map(|(link, types)| (!types.contains(&primary), link.1)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    fn set_type(&mut self, from: Link, to: Link, type_id: u32) -> bool {
        let back = self.inverse(from.0, to.0, type_id);
        self.links.entry(to).or_default().entry(from).or_default().insert(back);
        self.links.entry(from).or_default().entry(to).or_default().insert(type_id)
    }

    fn drop_type(&mut self, from: Link, to: Link, type_id: u32) {
        let back = self.inverse(from.0, to.0, type_id);
        if let Some(types) = self.links.get_mut(&from).and_then(|links| links.get_mut(&to)) {
            types.remove(&type_id);
        }
        if let Some(types) = self.links.get_mut(&to).and_then(|links| links.get_mut(&from)) {
            types.remove(&back);
        }
    }

    /// Links two records under the given types; the default type always stands beside a label. The first
    /// company of a contact becomes its primary one, and naming a new primary takes the rank from the old.
    pub(in crate::sandbox) fn link(&mut self, from: Link, to: Link, types: &[u32]) {
        let Some((default, primary)) = types_between(from.0, to.0) else { return };
        // Rank belongs to the side that has one company: seen from the company, turn the pair round.
        if from.0 == Kind::Companies && primary != 0 {
            let turned: Vec<u32> = types.iter().map(|type_id| self.inverse(from.0, to.0, *type_id)).collect();
            return self.link(to, from, &turned);
        }
        let first = self.links_of(from, to.0).next().is_none();
        let new = self.set_type(from, to, default);
        for own in types
            .iter()
            .filter(|id| self.labels.text(from.0, to.0, **id).is_some())
            .copied()
            .collect::<Vec<_>>()
        {
            self.set_type(from, to, own);
        }
        let mut raised = false;
        if primary != 0 && (first || types.contains(&primary)) {
            let others: Vec<Link> = self
                .links_of(from, to.0)
                .filter(|(link, types)| **link != to && types.contains(&primary))
                .map(|(link, _)| *link)
                .collect();
            for other in others {
                self.drop_type(from, other, primary);
            }
            raised = self.set_type(from, to, primary);
            if from.0 == Kind::Contacts {
                self.note_primary_company(from.1, Some(to.1));
            }
        }
        if new || raised {
            let detail = json!({"to": format!("{}:{}", to.0.singular(), to.1), "primary": raised});
            self.effect(from.0, "associate", from.1, &detail);
            self.notify_association(from, to, false, raised);
        }
    }

    /// Links without an effect in the books: standing data was always so.
    pub(in crate::sandbox) fn seed_link(&mut self, contact: Link, company: Link) {
        self.set_type(contact, company, 279);
        self.set_type(contact, company, 1);
        self.note_primary_company(contact.1, Some(company.1));
    }

    /// Takes a contact's companies away again, as if nobody had ever related them.
    pub(in crate::sandbox) fn seed_unlink(&mut self, contact: u64) {
        self.unlink_all((Kind::Contacts, contact));
        self.note_primary_company(contact, None);
    }

    fn note_primary_company(&mut self, contact: u64, company: Option<u64>) {
        let Some(record) = self.shelf_mut(Kind::Contacts).records.get_mut(&contact) else { return };
        match company {
            Some(company) => record.values.insert("associatedcompanyid".to_owned(), company.to_string()),
            None => record.values.remove("associatedcompanyid"),
        };
    }

    /// Removes every type between two records.
    pub(in crate::sandbox) fn unlink(&mut self, from: Link, to: Link) -> bool {
        let removed = self.links.get_mut(&from).and_then(|links| links.remove(&to));
        if let Some(links) = self.links.get_mut(&to) {
            links.remove(&from);
        }
        let Some(types) = removed else { return false };
        let primary =
            types_between(from.0, to.0).is_some_and(|(_, primary)| primary != 0 && types.contains(&primary));
        for (contact, company) in [(from, to), (to, from)] {
            if primary && contact.0 == Kind::Contacts && company.0 == Kind::Companies {
                self.note_primary_company(contact.1, None);
            }
        }
        self.effect(from.0, "dissociate", from.1, &json!({"to": format!("{}:{}", to.0.singular(), to.1)}));
        self.notify_association(from, to, true, primary);
        true
    }

    pub(super) fn unlink_all(&mut self, from: Link) {
        for to in self.links.remove(&from).unwrap_or_default().into_keys() {
            if let Some(links) = self.links.get_mut(&to) {
                links.remove(&from);
            }
        }
    }

    /// Hands all links of one record to another, as a merge does.
    pub(super) fn move_links(&mut self, from: Link, into: Link) {
        let links: BTreeMap<Link, BTreeSet<u32>> = self.links.remove(&from).unwrap_or_default();
        let quiet = std::mem::replace(&mut self.quiet, true);
        for (to, types) in links {
            if let Some(back) = self.links.get_mut(&to) {
                back.remove(&from);
            }
            let (_, primary) = types_between(into.0, to.0).unwrap_or_default();
            let taken = self.links_of(into, to.0).any(|(_, types)| types.contains(&primary));
            // What is already primary on the survivor stays so; labels go along.
            let kept: Vec<u32> = types.into_iter().filter(|id| *id != primary || !taken).collect();
            self.link(into, to, &kept);
        }
        self.quiet = quiet;
    }

    fn both_live(&self, from: (Kind, u64), to: (Kind, u64)) -> Result<(Link, Link), Answer> {
        let from_id = self.shelf(from.0).live(from.1).ok_or_else(missing)?.id;
        let to_id = self.shelf(to.0).live(to.1).ok_or_else(missing)?.id;
        Ok(((from.0, from_id), (to.0, to_id)))
    }

    fn ends(&self, kind: Kind, id: &str, to: &str, to_id: &str) -> Result<(Link, Link), Answer> {
        let to = Kind::read(to).ok_or_else(|| unknown_kind(to))?;
        let (Ok(id), Ok(to_id)) = (id.parse(), to_id.parse()) else { return Err(missing()) };
        self.both_live((kind, id), (to, to_id))
    }

    fn default_shape(from: Link, to: Link) -> Value {
        let type_id = types_between(from.0, to.0).map_or(0, |(default, _)| default);
        json!({
            "from": {"id": from.1.to_string()},
            "to": {"id": to.1.to_string()},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id},
        })
    }

    pub(super) fn associate_default(
        &mut self,
        kind: Kind,
        id: &str,
        to: &str,
        to_id: &str,
    ) -> Result<Answer, Answer> {
        let (from, to) = self.ends(kind, id, to, to_id)?;
        let Some((default, _)) = types_between(from.0, to.0) else {
            return Err(invalid("No default association type exists between these object types"));
        };
        self.link(from, to, &[default]);
        let results = vec![Self::default_shape(from, to), Self::default_shape(to, from)];
        Ok(answers::batch(200, self.now(), &results, &[]))
    }

    fn checked_types(&self, from: Kind, to: Kind, specs: &Value) -> Result<Vec<u32>, Answer> {
        let (default, primary) = types_between(from, to).unwrap_or_default();
        let mut types = Vec::new();
        for spec in specs.as_array().into_iter().flatten() {
            let id = spec["associationTypeId"].as_u64().map(|id| id as u32).unwrap_or_default();
            let known = match spec["associationCategory"].as_str() {
                Some("USER_DEFINED") => self.labels.text(from, to, id).is_some(),
                Some("HUBSPOT_DEFINED") => id != 0 && (id == default || id == primary),
                _ => false,
            };
            if !known {
                let message = format!(
                    "Association type {} {id} is not valid from {} to {}",
                    spec["associationCategory"].as_str().unwrap_or("(no category)"),
                    from.plural(),
                    to.plural()
                );
                return Err(invalid(&message));
            }
            types.push(id);
        }
        if types.is_empty() {
            return Err(invalid("At least one association type is required"));
        }
        Ok(types)
    }

    fn labels_shape(&self, from: Link, to: Link, types: &[u32]) -> Value {
        let labels: Vec<Value> =
            types.iter().map(|id| self.label(from.0, to.0, *id)).filter(Value::is_string).collect();
        json!({
            "fromObjectTypeId": from.0.type_id(),
            "fromObjectId": from.1.to_string(),
            "toObjectTypeId": to.0.type_id(),
            "toObjectId": to.1.to_string(),
            "labels": labels,
        })
    }

    pub(super) fn associate_labelled(
        &mut self,
        kind: Kind,
        id: &str,
        to: (&str, &str),
        call: &Call,
    ) -> Result<Answer, Answer> {
        let (from, to) = self.ends(kind, id, to.0, to.1)?;
        let types = self.checked_types(from.0, to.0, &call.body)?;
        self.link(from, to, &types);
        Ok(Answer::json(201, self.labels_shape(from, to, &types)))
    }

    pub(super) fn dissociate(&mut self, kind: Kind, id: &str, to: &str, to_id: &str) -> Answer {
        if let Ok((from, to)) = self.ends(kind, id, to, to_id) {
            self.unlink(from, to);
        }
        Answer::empty(204)
    }

    pub(super) fn list_associations(
        &self,
        kind: Kind,
        id: &str,
        to: &str,
        call: &Call,
    ) -> Result<Answer, Answer> {
        let to = Kind::read(to).ok_or_else(|| unknown_kind(to))?;
        let id = self.resolve(kind, id, None)?.id;
        let limit = call.number("limit").unwrap_or(500).clamp(1, 500);
        let after: u64 = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut rest = self.links_of((kind, id), to).filter(|(link, _)| link.1 > after);
        let shown: Vec<(&Link, &BTreeSet<u32>)> = rest.by_ref().take(limit).collect();
        let results: Vec<Value> =
            shown.iter().map(|(link, types)| self.linked_shape(kind, link, types)).collect();
        let mut body = json!({"results": results});
        if rest.next().is_some()
            && let Some((last, _)) = shown.last()
        {
            let after = last.1.to_string();
            let link = call.link(&[("limit", limit.to_string()), ("after", after.clone())]);
            body["paging"] = json!({"next": {"after": after, "link": link}});
        }
        Ok(Answer::ok(body))
    }

    pub(super) fn route_associations(
        &mut self,
        method: &str,
        path: &[&str],
        call: &Call,
    ) -> Result<Answer, Answer> {
        let [from, to, rest @ ..] = path else { return Err(no_such_path()) };
        let from = Kind::read(from).ok_or_else(|| unknown_kind(from))?;
        let to = Kind::read(to).ok_or_else(|| unknown_kind(to))?;
        let inputs = call.body["inputs"].as_array().map_or(&[][..], Vec::as_slice);
        // The dated family answers 200 where the numbered one says 201 or 204.
        let dated = call.path.contains("/2026-");
        match (method, rest) {
            (_, ["labels", rest @ ..]) => self.route_labels((from, to), method, rest, call),
            ("POST", ["batch", ..]) if inputs.is_empty() => Err(invalid("The batch holds no inputs")),
            ("POST", ["batch", "read"]) if inputs.len() <= 1_000 => Ok(self.read_links(from, to, inputs)),
            ("POST", ["batch", "create"]) if inputs.len() <= 2_000 => {
                let mut answer = self.link_batch(from, to, inputs, false);
                if dated && answer.status == 201 {
                    answer.status = 200;
                }
                Ok(answer)
            }
            ("POST", ["batch", "associate", "default"]) if inputs.len() <= 2_000 => {
                Ok(self.link_batch(from, to, inputs, true))
            }
            ("POST", ["batch", "archive"]) if inputs.len() <= 100 => {
                for input in inputs {
                    for target in input["to"].as_array().into_iter().flatten() {
                        if let (Some(id), Some(to_id)) = (id_of(&input["from"]["id"]), id_of(&target["id"])) {
                            self.unlink((from, id), (to, to_id));
                        }
                    }
                }
                Ok(if dated { answers::batch(200, self.now(), &[], &[]) } else { Answer::empty(204) })
            }
            ("POST", ["batch", "labels", "archive"]) if inputs.len() <= 100 => {
                let answer = self.drop_labels(from, to, inputs);
                Ok(if dated { answers::batch(200, self.now(), &[], &[]) } else { answer })
            }
            ("POST", ["batch", ..]) => {
                Err(invalid("The batch holds too many inputs, or the operation is unknown"))
            }
            _ => Err(no_such_path()),
        }
    }

    /// Takes labels off; the relation itself stays, and its unlabelled type with it.
    fn drop_labels(&mut self, from: Kind, to: Kind, inputs: &[Value]) -> Answer {
        let default = types_between(from, to).map_or(0, |(default, _)| default);
        for input in inputs {
            let ids = id_of(&input["from"]["id"]).zip(id_of(&input["to"]["id"]));
            let Some((left, right)) =
                ids.and_then(|(id, to_id)| self.both_live((from, id), (to, to_id)).ok())
            else {
                continue;
            };
            for id in self.checked_types(from, to, &input["types"]).unwrap_or_default() {
                if id != default {
                    self.drop_type(left, right, id);
                    self.effect(from, "unlabel", left.1, &json!({"to": right.1.to_string(), "type": id}));
                }
            }
        }
        Answer::empty(204)
    }

    fn read_links(&self, from: Kind, to: Kind, inputs: &[Value]) -> Answer {
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let id = id_of(&input["id"]).map(|id| self.shelf(from).current_id(id));
            let links: Vec<Value> = id
                .into_iter()
                .flat_map(|id| self.links_of((from, id), to))
                .map(|(link, types)| self.linked_shape(from, link, types))
                .collect();
            if links.is_empty() {
                errors.push(json!({
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": format!("No {} is associated with {} {}.", to.singular(), from.singular(), input["id"]),
                    "context": {"fromObjectId": [input["id"]], "fromObjectType": [from.type_id()], "toObjectType": [to.type_id()]},
                }));
            } else {
                results.push(json!({"from": {"id": input["id"]}, "to": links}));
            }
        }
        answers::batch(200, self.now(), &results, &errors)
    }

    fn link_batch(&mut self, from: Kind, to: Kind, inputs: &[Value], default: bool) -> Answer {
        let mut results = Vec::new();
        let mut errors = Vec::new();
        for input in inputs {
            let ids = id_of(&input["from"]["id"]).zip(id_of(&input["to"]["id"]));
            let ends =
                ids.ok_or_else(missing).and_then(|(id, to_id)| self.both_live((from, id), (to, to_id)));
            let types = if default {
                types_between(from, to).map(|(default, _)| vec![default]).ok_or_else(no_such_path)
            } else {
                self.checked_types(from, to, &input["types"])
            };
            match (ends, types) {
                (Ok((from, to)), Ok(types)) => {
                    self.link(from, to, &types);
                    if default {
                        results.push(Self::default_shape(from, to));
                        results.push(Self::default_shape(to, from));
                    } else {
                        results.push(self.labels_shape(from, to, &types));
                    }
                }
                (Err(_), _) => errors.push(json!({
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "message": "One of the objects to associate does not exist",
                    "context": {"fromObjectId": [input["from"]["id"]], "toObjectId": [input["to"]["id"]]},
                })),
                (_, Err(_)) => errors.push(json!({
                    "status": "error",
                    "category": "VALIDATION_ERROR",
                    "message": "The association type is not valid between these objects",
                    "context": {"fromObjectId": [input["from"]["id"]], "toObjectId": [input["to"]["id"]]},
                })),
            }
        }
        answers::batch(if default { 200 } else { 201 }, self.now(), &results, &errors)
    }
}
