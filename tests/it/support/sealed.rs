//! Opens what the journal keeps sealed, as a stranger who has the file and knows the format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rusqlite::Connection;

/// The text of a cell of which the place (`events.body/CONNECTION/DELIVERY_KEY`) is known; plain ones as they are.
pub(crate) fn open(connection: &Connection, place: &str, cell: &str) -> String {
    let Some((id, sealed)) = cell.strip_prefix("s1.").and_then(|rest| rest.split_once('.')) else {
        return cell.to_owned();
    };
    let query = "SELECT key FROM sealing_keys WHERE id = ?1";
    let key: Vec<u8> = connection.query_row(query, [id], |row| row.get(0)).unwrap();
    let bytes = BASE64.decode(sealed).unwrap();
    let (nonce, sealed) = bytes.split_at(12);
    let mut sealed = sealed.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
    let nonce = Nonce::assume_unique_for_key(nonce.try_into().unwrap());
    let text = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed).unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

/// Seals a text as the journal does, under the key that a record has already.
pub(crate) fn seal(connection: &Connection, record: &str, place: &str, text: &str) -> String {
    let query = "SELECT id, key FROM sealing_keys WHERE record = ?1";
    let (id, key): (i64, Vec<u8>) =
        connection.query_row(query, [record], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).unwrap());
    let nonce: [u8; 12] = std::array::from_fn(|_| fastrand::u8(..));
    let mut sealed = text.as_bytes().to_vec();
    let aad = Aad::from(place.as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).unwrap();
    sealed.splice(0..0, nonce);
    format!("s1.{id}.{}", BASE64.encode(sealed))
}

/// The bodies of events, in the order of their numbers; `which` is a condition.
pub(crate) fn bodies(connection: &Connection, which: &str) -> Vec<String> {
    let query = format!("SELECT connection, delivery_key, body FROM events WHERE {which} ORDER BY id");
    let mut statement = connection.prepare(&query).unwrap();
    let found = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    });
    found
        .unwrap()
        .map(|row| {
            let (name, key, body) = row.unwrap();
            open(connection, &format!("events.body/{name}/{key}"), &body)
        })
        .collect()
}
