//! Who is to be erased: every record that is theirs, what rows may say of them, and the marks by which they are known
//! again. Only looks.

use std::collections::BTreeSet;

use ring::hmac;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::super::{Result, rows, sealing};
use crate::domain::clock::Timestamp;
use crate::domain::record::{Mirror, ObjectKind, RecordRef, value_text};

/// The setting that holds the key of the marks.
const KEY: &str = "erasure.key";

/// More records than any one person has: an address that so many share belongs to nobody in particular.
const MOST: usize = 200;

/// Fields that hold nothing but one person's own words, by their names in lower case.
const VALUES: [&str; 9] = [
    "email",
    "phone",
    "mobilephone",
    "external_id",
    "name",
    "hs_additional_emails",
    "intercom_user_id",
    "address",
    "homephone",
];

/// Everything known to be one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Their records, absorbed and lost ones too.
    pub records: Vec<RecordRef>,
    /// Their copies here: which of the records the journal holds fields of.
    pub copies: Vec<RecordRef>,
    /// What they are called, where a copy says so.
    pub name: Option<String>,
    /// Their addresses.
    pub addresses: BTreeSet<String>,
    /// Addresses and external ids, as marks name them.
    pub(super) identifiers: BTreeSet<String>,
    /// Texts that speak of them wherever they stand.
    pub(super) values: BTreeSet<String>,
}

impl Person {
    /// What to look for in rows that are not theirs: texts long enough to mean nobody else, as JSON and as URLs too.
    pub(super) fn needles(&self) -> Vec<String> {
        let mut needles = BTreeSet::new();
        let ids = self.records.iter().map(|record| record.id.clone()).filter(|id| id.len() >= 15);
        for value in self.values.iter().cloned().chain(ids) {
            let value = value.to_lowercase();
            if value.chars().count() < 6 || value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < 8
            {
                continue;
            }
            let quoted = Value::String(value.clone()).to_string();
            needles.insert(quoted[1..quoted.len() - 1].to_owned());
            needles.insert(escaped(&value));
            needles.insert(value.replace('@', "%40").replace('+', "%2b"));
            needles.insert(value);
        }
        needles.into_iter().collect()
    }
}

/// A text as cautious writers of JSON put it: everything beyond ASCII as `\uXXXX`.
fn escaped(text: &str) -> String {
    let mut units = [0; 2];
    text.chars().fold(String::new(), |mut all, letter| {
        if letter.is_ascii() {
            all.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                all.push_str(&format!("\\u{unit:04x}"));
            }
        }
        all
    })
}

/// Follows the identity map from some records, or from an address, until nothing new turns up.
pub(super) fn find(
    connection: &Connection,
    records: &[RecordRef],
    address: Option<&str>,
    by_address: bool,
) -> Result<Person> {
    let mut person = Person::default();
    let mut waiting: Vec<RecordRef> = records.to_vec();
    if let Some(address) = address.map(|address| address.trim().to_lowercase()).filter(|it| !it.is_empty()) {
        waiting.extend(with_address(connection, &address)?);
        person.identifiers.insert(format!("email:{address}"));
        person.values.insert(address.clone());
        person.addresses.insert(address);
    }
    while let Some(record) = waiting.pop() {
        let theirs = matches!(record.object, ObjectKind::Contact | ObjectKind::Lead);
        if !theirs || person.records.contains(&record) || person.records.len() >= MOST {
            continue;
        }
        waiting.extend(tied_to(connection, &record)?);
        for address in earlier_addresses(connection, &record)? {
            person.identifiers.insert(format!("email:{address}"));
            person.values.insert(address);
        }
        let copy = connection
            .prepare_cached("SELECT * FROM mirror WHERE record = ?1")?
            .query_row([record.to_string()], |row| Ok(rows::mirror(row)))
            .optional()?
            .transpose()?;
        if let Some(mirror) = copy {
            person.copies.push(record.clone());
            learn(&mut person, &mirror);
            if by_address {
                for address in addresses(&mirror) {
                    waiting.extend(with_address(connection, &address)?);
                }
            }
        }
        person.records.push(record);
    }
    person.records.sort();
    Ok(person)
}

fn tied_to(connection: &Connection, record: &RecordRef) -> Result<Vec<RecordRef>> {
    let mut statement = connection.prepare_cached(
        "WITH mine AS (SELECT person_id FROM identities WHERE record = ?1 \
                       UNION SELECT person_id FROM former_identities WHERE record = ?1) \
         SELECT record FROM identities WHERE person_id IN mine \
         UNION SELECT record FROM former_identities WHERE person_id IN mine",
    )?;
    let mut found = statement.query([record.to_string()])?;
    let mut tied = Vec::new();
    while let Some(row) = found.next()? {
        tied.push(rows::word(row, "record")?);
    }
    Ok(tied)
}

fn with_address(connection: &Connection, address: &str) -> Result<Vec<RecordRef>> {
    let mut statement = connection.prepare_cached(
        "SELECT record FROM mirror WHERE email = ?1 AND object IN ('contact', 'lead') LIMIT ?2",
    )?;
    let mut found = statement.query(params![address, MOST as i64])?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        records.push(rows::word(row, "record")?);
    }
    Ok(records)
}

/// Addresses the record had before.
fn earlier_addresses(connection: &Connection, record: &RecordRef) -> Result<Vec<String>> {
    if !super::shred::has_table(connection, "aliases") {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached("SELECT email FROM aliases WHERE record = ?1")?;
    Ok(statement.query_map([record.to_string()], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn learn(person: &mut Person, mirror: &Mirror) {
    person.addresses.extend(addresses(mirror));
    person.identifiers.extend(identifiers(mirror));
    for (field, value) in &mirror.fields {
        if VALUES.contains(&field.to_lowercase().as_str()) {
            let text = value_text(value);
            person
                .values
                .extend(text.split(';').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned));
        }
    }
    let (first, last) = (mirror.text("firstname"), mirror.text("lastname"));
    if !first.trim().is_empty() && !last.trim().is_empty() {
        person.values.insert(format!("{} {}", first.trim(), last.trim()));
    }
    let name = mirror.display_name();
    if person.name.is_none() && name != mirror.record.title() {
        person.name = Some(name);
    }
}

fn addresses(mirror: &Mirror) -> Vec<String> {
    let listed = format!("{};{}", mirror.text("email"), mirror.text("hs_additional_emails"));
    let each = listed.split(';').map(|one| one.trim().to_lowercase());
    each.filter(|one| !one.is_empty()).collect()
}

/// By what somebody is known again, whatever the number of their record.
fn identifiers(mirror: &Mirror) -> Vec<String> {
    let external = mirror.text("external_id");
    let external = (!external.trim().is_empty()).then(|| format!("external_id:{}", external.trim()));
    addresses(mirror).into_iter().map(|address| format!("email:{address}")).chain(external).collect()
}

/// A mark that a record bears.
pub(super) struct Mark {
    /// The keyed hash.
    pub(super) text: String,
    at: Timestamp,
}

impl Mark {
    /// The record was made after the person who had its address was erased.
    pub(super) fn is_older_than(&self, mirror: &Mirror) -> bool {
        created_at(mirror).is_some_and(|made| made > self.at)
    }
}

/// The marks of erased people that a person's record bears.
pub(super) fn marks_on(connection: &Connection, mirror: &Mirror) -> Result<Vec<Mark>> {
    if !matches!(mirror.record.object, ObjectKind::Contact | ObjectKind::Lead) {
        return Ok(Vec::new());
    }
    let mut marks = Vec::new();
    let Some(key) = key(connection)? else { return Ok(marks) };
    for identifier in identifiers(mirror) {
        let text = hash(&key, &identifier);
        let at = connection
            .prepare_cached("SELECT at FROM erased_marks WHERE mark = ?1")?
            .query_row([&text], |row| row.get(0))
            .optional()?;
        marks.extend(at.map(|at| Mark { text, at: Timestamp(at) }));
    }
    Ok(marks)
}

/// Marks what somebody is known by, so that it is known again. An address that a living record bears stays free.
pub(super) fn mark(connection: &Connection, now: Timestamp, person: &Person) -> Result<()> {
    let key = match key(connection)? {
        Some(key) => key,
        None => {
            let mut bytes = [0; 32];
            sealing::fill(&mut bytes)?;
            let text = bytes.iter().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
            connection.prepare_cached("INSERT INTO settings VALUES (?1, ?2)")?.execute([KEY, &text])?;
            text
        }
    };
    for identifier in &person.identifiers {
        if let Some(address) = identifier.strip_prefix("email:")
            && !with_address(connection, address)?.is_empty()
        {
            continue;
        }
        connection
            .prepare_cached(
                "INSERT INTO erased_marks VALUES (?1, ?2) ON CONFLICT (mark) DO UPDATE SET at = excluded.at",
            )?
            .execute(params![hash(&key, identifier), now.0])?;
    }
    Ok(())
}

fn key(connection: &Connection) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([KEY], |row| row.get(0))
        .optional()?)
}

fn hash(key: &str, identifier: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::sign(&key, identifier.as_bytes()).as_ref().iter().fold(
        String::with_capacity(64),
        |mut hex, byte| {
            use std::fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
            hex
        },
    )
}

/// When a record says it was made: the vendors write seconds, milliseconds or RFC 3339.
fn created_at(mirror: &Mirror) -> Option<Timestamp> {
    let text = ["createdate", "created_at", "CreatedDate"]
        .iter()
        .map(|name| mirror.text(name))
        .find(|text| !text.is_empty())?;
    match text.parse::<i64>() {
        Ok(number) if number > 100_000_000_000 => Some(Timestamp(number)),
        Ok(number) => Some(Timestamp(number * 1_000)),
        Err(_) => Timestamp::parse_rfc3339(&text),
    }
}
