//! Sealing: what a row holds of a person is stored under a key of their record; destroying the key erases it.
//!
//! One place for all who write or read such a cell: bodies of events, plans, calls, pre-images, typed values. A cell is
//! `s1.KEY.BASE64(nonce, ciphertext)`, one that was overwritten `e1.MILLISECONDS`, and anything else is plain text of an
//! older format. ChaCha20-Poly1305; the cell's table, column and row are sealed along, so a cell moved to another row
//! does not open. Nonces are random: 2^32 cells under one key are safe, and a key serves one record. The keys stand in
//! the same file, so this keeps nobody out who has the whole journal; it makes erasing a matter of one small row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OptionalExtension, params};

use super::{JournalError, Result};
use crate::domain::clock::Timestamp;
use crate::domain::ids::ExecutionId;
use crate::domain::plan::Plan;
use crate::domain::record::RecordRef;

const SEALED: &str = "s1.";
const ERASED: &str = "e1.";
const KEY: usize = 32;

/// What a cell turned out to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opened {
    /// Its text.
    Text(String),
    /// Nothing any more, since then.
    Erased(Timestamp),
}

impl Opened {
    /// The text, or a JSON text that says when it was erased: for whoever shows or parses it.
    pub(super) fn or_notice(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Erased(at) => format!("{{\"erased\":\"{}\"}}", at.rfc3339()),
        }
    }

    /// The text, where nothing can be done without it.
    pub(super) fn needed(self, what: &'static str) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Erased(at) => Err(JournalError::Damaged { what, why: erased_words(at) }),
        }
    }
}

/// What is shown in the place of something erased.
pub(super) fn erased_words(at: Timestamp) -> String {
    format!("erased on {}", at.rfc3339())
}

/// The cell that says that something was erased.
pub(super) fn erased_cell(at: Timestamp) -> String {
    format!("{ERASED}{}", at.0)
}

/// What is sealed along with a plan.
pub(super) fn plan_place(id: ExecutionId) -> String {
    format!("executions.plan/{}", id.0)
}

/// Seals a cell under the key of a record, made where there is none yet. Of an erased record nothing is stored.
pub(super) fn seal(connection: &Connection, record: Option<&str>, place: &str, text: &str) -> Result<String> {
    let (id, key) = match key_for(connection, record.unwrap_or_default())? {
        Ok(known) => known,
        Err(destroyed) => return Ok(erased_cell(destroyed)),
    };
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    let mut bytes = Vec::with_capacity(NONCE_LEN + text.len() + 16);
    bytes.extend_from_slice(text.as_bytes());
    let tag = cipher(&key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.as_bytes()),
            &mut bytes,
        )
        .map_err(|_| JournalError::Sql("a text is too long to be sealed".into()))?;
    bytes.extend_from_slice(tag.as_ref());
    bytes.splice(0..0, nonce);
    let mut cell = format!("{SEALED}{id}.");
    BASE64.encode_string(&bytes, &mut cell);
    Ok(cell)
}

/// The same for the cell of an execution that may be there already, such as its plan: under its own record's key.
pub(super) fn seal_of(connection: &Connection, id: ExecutionId, place: &str, text: &str) -> Result<String> {
    let record = record_of(connection, id)?;
    seal(connection, record.as_deref(), place, text)
}

/// A plan, sealed. One that erases names a record and fields without values, and is needed when its record has no key
/// any more.
pub(super) fn seal_plan(connection: &Connection, id: ExecutionId, plan: &Plan) -> Result<String> {
    let text = super::rows::to_json(plan)?;
    let erases: Option<String> = connection
        .prepare_cached("SELECT recipe FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    if erases.as_deref() == Some(crate::domain::erasure::RECIPE) {
        return seal(connection, None, &plan_place(id), &text);
    }
    seal_of(connection, id, &plan_place(id), &text)
}

/// The record an execution is about.
pub(super) fn record_of(connection: &Connection, id: ExecutionId) -> Result<Option<String>> {
    Ok(connection
        .prepare_cached("SELECT coalesce(person, record) FROM executions WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Opens a cell. `what` names it in errors.
pub(super) fn open(connection: &Connection, what: &'static str, place: &str, cell: String) -> Result<Opened> {
    if let Some(at) = cell.strip_prefix(ERASED).and_then(|at| at.parse().ok()) {
        return Ok(Opened::Erased(Timestamp(at)));
    }
    let Some((id, sealed)) = cell.strip_prefix(SEALED).and_then(|rest| rest.split_once('.')) else {
        return Ok(Opened::Text(cell));
    };
    let damaged = |why: &str| JournalError::Damaged { what, why: why.to_owned() };
    let id: i64 = id.parse().map_err(|_| damaged("it names no key"))?;
    let found = connection
        .prepare_cached("SELECT key, destroyed_at FROM sealing_keys WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get::<_, Option<[u8; KEY]>>(0)?, row.get::<_, Option<i64>>(1)?)))
        .optional()?;
    let key = match found {
        Some((Some(key), _)) => key,
        Some((None, at)) => return Ok(Opened::Erased(Timestamp(at.unwrap_or_default()))),
        None => return Err(damaged("its key is not in the journal")),
    };
    let mut bytes = BASE64.decode(sealed).map_err(|_| damaged("it is no base64"))?;
    let Some((nonce, _)) = bytes.split_first_chunk::<NONCE_LEN>() else {
        return Err(damaged("it is cut off"));
    };
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let text = cipher(&key)?
        .open_within(nonce, Aad::from(place.as_bytes()), &mut bytes, NONCE_LEN..)
        .map_err(|_| damaged("it does not open: the file was damaged or changed"))?
        .to_vec();
    String::from_utf8(text).map(Opened::Text).map_err(|_| damaged("it is no text"))
}

/// A stored plan; one that was erased says so and does nothing.
pub(super) fn open_plan(
    connection: &Connection,
    id: ExecutionId,
    cell: Option<String>,
) -> Result<Option<Plan>> {
    let Some(cell) = cell else { return Ok(None) };
    match open(connection, "executions.plan", &plan_place(id), cell)? {
        Opened::Text(text) => super::rows::from_json(&text, "executions.plan").map(Some),
        Opened::Erased(at) => {
            Ok(Some(Plan { nothing: Some(format!("The plan was {}.", erased_words(at))), ..Plan::default() }))
        }
    }
}

/// Destroys the keys of a record for good: what they sealed cannot be read, and nothing is sealed under them again.
pub(super) fn destroy(connection: &Connection, now: Timestamp, record: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sealing_keys (record, key, destroyed_at) VALUES (?1, NULL, ?2) \
             ON CONFLICT (record) DO UPDATE SET key = NULL, destroyed_at = coalesce(destroyed_at, excluded.destroyed_at)",
        )?
        .execute(params![record, now.0])?;
    Ok(())
}

type Key = (i64, [u8; KEY]);

/// The key of a record, or since when it has none.
fn key_for(connection: &Connection, record: &str) -> Result<Result<Key, Timestamp>> {
    let found = connection
        .prepare_cached("SELECT id, key, destroyed_at FROM sealing_keys WHERE record = ?1")?
        .query_row([record], |row| {
            Ok((row.get(0)?, row.get::<_, Option<[u8; KEY]>>(1)?, row.get::<_, Option<i64>>(2)?))
        })
        .optional()?;
    match found {
        Some((id, Some(key), _)) => Ok(Ok((id, key))),
        Some((_, None, at)) => Ok(Err(Timestamp(at.unwrap_or_default()))),
        None => {
            let mut key = [0; KEY];
            fill(&mut key)?;
            connection
                .prepare_cached("INSERT INTO sealing_keys (record, key) VALUES (?1, ?2)")?
                .execute(params![record, key])?;
            Ok(Ok((connection.last_insert_rowid(), key)))
        }
    }
}

/// Random bytes of the system.
pub(super) fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| JournalError::Sql("the system gives no random numbers; nothing was stored".into()))
}

fn cipher(key: &[u8; KEY]) -> Result<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key)
        .map(LessSafeKey::new)
        .map_err(|_| JournalError::Damaged { what: "sealing_keys.key", why: "it has another length".into() })
}

/// The text of a record's key: what rows name it by.
pub(super) fn name(record: Option<&RecordRef>) -> Option<String> {
    record.map(ToString::to_string)
}
