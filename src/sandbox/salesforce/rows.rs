//! The rows of one org: tables in id order, their indexes, and a log that can take changes back. Stores and
//! finds; knows no rules about values and writes nothing into the books.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value, json};

use super::schema::{FieldType, ObjectType, position};
use super::{Org, ids};
use crate::sandbox::desk::Who;

/// One record. What the org keeps by itself (id, moments, master) is not among `fields`, and a field
/// without a value is not there at all.
#[derive(Clone)]
pub(in crate::sandbox) struct Row {
    pub(super) id: String,
    pub(super) object: &'static str,
    pub(super) fields: Map<String, Value>,
    /// In the recycle bin.
    pub(super) deleted: bool,
    /// The survivor, when a merge deleted this row.
    pub(super) master: Option<String>,
    /// Moments in milliseconds since 1970.
    pub(super) created: i64,
    pub(super) modified: i64,
    pub(super) system_modstamp: i64,
    pub(super) created_by: Who,
    pub(super) modified_by: Who,
}

impl Row {
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.fields.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A field as REST and SOQL show it, by its exact name; null when it has no value.
    pub(super) fn value(&self, field: &str) -> Value {
        match field {
            "Id" => json!(self.id),
            "IsDeleted" => json!(self.deleted),
            "MasterRecordId" => json!(self.master),
            "CreatedDate" => json!(moment(self.created)),
            "LastModifiedDate" => json!(moment(self.modified)),
            "SystemModstamp" => json!(moment(self.system_modstamp)),
            "CreatedById" => json!(super::user_id(self.created_by)),
            "LastModifiedById" => json!(super::user_id(self.modified_by)),
            "Name" if self.object == "Lead" || self.object == "Contact" => {
                let parts = [self.text("FirstName"), self.text("LastName")];
                json!(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
            _ => match self.fields.get(field) {
                Some(value) => value.clone(),
                None => {
                    let kind = super::schema::object(self.object).and_then(|object| object.field(field));
                    let boolean = kind.is_some_and(|field| field.kind == FieldType::Boolean);
                    if boolean { Value::Bool(false) } else { Value::Null }
                }
            },
        }
    }
}

/// A moment as Salesforce writes it.
pub(in crate::sandbox) fn moment(milliseconds: i64) -> String {
    let iso = crate::sandbox::desk::iso(milliseconds);
    iso.replace('Z', "+0000")
}

/// How an index writes a value: case does not count, nor how a telephone number is spaced.
fn key(kind: FieldType, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let key = match kind {
        FieldType::Phone => text.chars().filter(char::is_ascii_digit).collect(),
        FieldType::Reference => ids::long(text)?,
        _ => text.to_lowercase(),
    };
    Some(key).filter(|key| !key.is_empty())
}

type Keys = Vec<(&'static str, String)>;

/// All rows of one object type, deleted ones included.
pub(super) struct Table {
    pub(super) kind: &'static ObjectType,
    indexed: Vec<(&'static str, FieldType)>,
    rows: Vec<Row>,
    positions: HashMap<u64, u32>,
    index: HashMap<&'static str, HashMap<String, Vec<u32>>>,
}

impl Table {
    pub(super) fn new(kind: &'static ObjectType) -> Self {
        let indexed = kind.fields.iter().filter(|field| field.indexed());
        let indexed: Vec<_> = indexed.map(|field| (field.name, field.kind)).collect();
        let index = indexed.iter().map(|(name, _)| (*name, HashMap::new())).collect();
        Self { kind, indexed, rows: Vec::new(), positions: HashMap::new(), index }
    }

    fn position(&self, id: &str) -> Option<usize> {
        let serial = ids::serial(self.kind.prefix, id)?;
        self.positions.get(&serial).map(|position| *position as usize)
    }

    fn keys(&self, row: &Row) -> Keys {
        let keys = self.indexed.iter().map(|(name, kind)| Some((*name, key(*kind, row.fields.get(*name)?)?)));
        keys.flatten().collect()
    }

    fn push(&mut self, row: Row) -> usize {
        let position = self.rows.len();
        if let Some(serial) = ids::serial(self.kind.prefix, &row.id) {
            self.positions.insert(serial, position as u32);
        }
        let keys = self.keys(&row);
        self.rows.push(row);
        self.rekey(position, &Vec::new(), &keys);
        position
    }

    /// Moves a row from its former keys to its present ones; keys that stayed are not touched.
    fn rekey(&mut self, position: usize, before: &Keys, after: &Keys) {
        let position = position as u32;
        for (field, key) in before.iter().filter(|key| !after.contains(key)) {
            let Some(values) = self.index.get_mut(field) else { continue };
            if let Some(places) = values.get_mut(key) {
                places.retain(|place| *place != position);
                if places.is_empty() {
                    values.remove(key);
                }
            }
        }
        for (field, key) in after.iter().filter(|key| !before.contains(key)) {
            if let Some(values) = self.index.get_mut(field) {
                values.entry(key.clone()).or_default().push(position);
            }
        }
    }

    fn restore(&mut self, position: usize, former: Option<Row>) {
        let before = self.keys(&self.rows[position]);
        match former {
            Some(row) => {
                let after = self.keys(&row);
                self.rows[position] = row;
                self.rekey(position, &before, &after);
            }
            None => {
                self.rekey(position, &before, &Vec::new());
                // Changes are taken back newest first, so an inserted row is the last one again.
                if let Some(row) = self.rows.pop()
                    && let Some(serial) = ids::serial(self.kind.prefix, &row.id)
                {
                    self.positions.remove(&serial);
                }
            }
        }
    }
}

/// A row being changed; its index entries follow when it is let go.
pub(super) struct RowGuard<'a> {
    table: &'a mut Table,
    position: usize,
    before: Keys,
}

impl Deref for RowGuard<'_> {
    type Target = Row;

    fn deref(&self) -> &Row {
        &self.table.rows[self.position]
    }
}

impl DerefMut for RowGuard<'_> {
    fn deref_mut(&mut self) -> &mut Row {
        &mut self.table.rows[self.position]
    }
}

impl Drop for RowGuard<'_> {
    fn drop(&mut self) {
        let after = self.table.keys(&self.table.rows[self.position]);
        let before = std::mem::take(&mut self.before);
        self.table.rekey(self.position, &before, &after);
    }
}

/// One change that can be taken back.
pub(super) struct Undo {
    table: usize,
    position: usize,
    former: Option<Row>,
}

/// An effect that has happened but may still be rolled back.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) object: &'static str,
    /// `create`, `update`, `unchanged`, `delete`, `merge`, `convert`.
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) who: Who,
    pub(super) detail: Value,
}

/// Open transactions: where each began in the two logs.
#[derive(Default)]
pub(super) struct Transactions {
    open: Vec<(usize, usize)>,
    undo: Vec<Undo>,
    changes: Vec<Change>,
}

impl Org {
    /// A row by its id in either length; deleted rows too.
    pub(in crate::sandbox) fn row(&self, object: &str, id: &str) -> Option<&Row> {
        let table = &self.tables[position(object)?];
        table.position(id).map(|position| &table.rows[position])
    }

    /// A row to change past all rules: nothing is validated, stamped or noted, only indexed and undoable.
    pub(super) fn row_mut(&mut self, object: &str, id: &str) -> Option<RowGuard<'_>> {
        let index = position(object)?;
        let position = self.tables[index].position(id)?;
        if !self.transactions.open.is_empty() {
            let former = Some(self.tables[index].rows[position].clone());
            self.transactions.undo.push(Undo { table: index, position, former });
        }
        let table = &mut self.tables[index];
        let before = table.keys(&table.rows[position]);
        Some(RowGuard { table, position, before })
    }

    /// All rows of an object type in id order, deleted ones included; none for an unknown type.
    pub(super) fn rows(&self, object: &str) -> impl DoubleEndedIterator<Item = &Row> {
        position(object).map(|index| self.tables[index].rows.iter()).unwrap_or_default()
    }

    /// The rows with that value of an indexed field, deleted ones included and in id order; `None` when the
    /// field has no index and every row must be looked at. Ids, e-mails, telephone numbers, external ids and
    /// references (but not to users) are indexed; case does not count.
    pub(super) fn found(&self, object: &str, field: &str, value: &str) -> Option<Vec<&Row>> {
        let table = &self.tables[position(object)?];
        if field == "Id" {
            return Some(table.position(value).map(|position| &table.rows[position]).into_iter().collect());
        }
        let kind = table.kind.field(field)?;
        let values = table.index.get(kind.name)?;
        let places = key(kind.kind, &json!(value)).and_then(|key| values.get(&key));
        let mut places = places.cloned().unwrap_or_default();
        places.sort_unstable();
        Some(places.into_iter().map(|place| &table.rows[place as usize]).collect())
    }

    /// Live rows among `found`.
    pub(in crate::sandbox) fn live(&self, object: &str, field: &str, value: &str) -> Vec<&Row> {
        let found = self.found(object, field, value).unwrap_or_default();
        found.into_iter().filter(|row| !row.deleted).collect()
    }

    /// Stores a new row past all rules and returns its id.
    pub(in crate::sandbox) fn put(
        &mut self,
        object: &'static str,
        fields: Map<String, Value>,
        at: i64,
        who: Who,
    ) -> String {
        let index = position(object).expect("callers name an object type of the schema");
        self.serial += 1;
        let id = ids::minted(self.tables[index].kind.prefix, self.serial);
        let row = Row {
            id: id.clone(),
            object,
            fields,
            deleted: false,
            master: None,
            created: at,
            modified: at,
            system_modstamp: at,
            created_by: who,
            modified_by: who,
        };
        let position = self.tables[index].push(row);
        if !self.transactions.open.is_empty() {
            self.transactions.undo.push(Undo { table: index, position, former: None });
        }
        id
    }

    /// Begins a transaction; they nest. Each needs its `commit` or `roll_back`.
    pub(super) fn begin(&mut self) {
        self.transactions.open.push((self.transactions.undo.len(), self.transactions.changes.len()));
    }

    /// Keeps what was done since `begin`; the outermost one lets the books and subscribers know.
    pub(super) fn commit(&mut self) {
        self.transactions.open.pop();
        if self.transactions.open.is_empty() {
            self.transactions.undo.clear();
            for change in std::mem::take(&mut self.transactions.changes) {
                self.publish(&change);
            }
        }
    }

    /// Takes back everything since `begin`. Ids that were given out stay used.
    pub(super) fn roll_back(&mut self) {
        let Some((undo, changes)) = self.transactions.open.pop() else { return };
        while self.transactions.undo.len() > undo {
            if let Some(step) = self.transactions.undo.pop() {
                self.tables[step.table].restore(step.position, step.former);
            }
        }
        self.transactions.changes.truncate(changes);
    }

    /// Notes an effect: in the books and to subscribers at once, or at the end of the transaction.
    pub(super) fn note(&mut self, change: Change) {
        if self.transactions.open.is_empty() {
            self.publish(&change);
        } else {
            self.transactions.changes.push(change);
        }
    }

    fn publish(&mut self, change: &Change) {
        let what = (change.object, change.kind);
        self.desk.effect("salesforce", what, &change.id, change.who, &change.detail);
        if !self.quiet {
            self.announce(change);
        }
    }
}
