//! A model as bytes and back: small enough for one row of a journal, refused when a byte of it changed.
//! It knows nothing of where the bytes are kept.

use crate::matching::counts::Counts;
use crate::matching::hashing::hash;
use crate::matching::prepare::{NUMBERS, Statistics};

use super::Model;

const OPENING: &[u8; 4] = b"RKNM";
/// Rises whenever keys, hashes or columns change their meaning; an older model is then learned anew.
const VERSION: u8 = 2;
const CHECKSUM: usize = 8;

/// Why bytes are no usable model. The way out is always the same: scan again, the next scan learns a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadModel {
    /// The bytes do not begin like a model.
    #[error("these bytes are no model of the matcher")]
    NotAModel,
    /// Written by a version that hashed or counted in another way.
    #[error("the model has version {0}, this program reads version {VERSION}")]
    OtherVersion(u8),
    /// The checksum does not fit, or the bytes end too early.
    #[error("the model is damaged")]
    Damaged,
}

pub(super) fn write(model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(OPENING);
    out.push(VERSION);
    let settings = serde_json::to_vec(&model.settings).expect("settings are numbers under fixed names");
    push_number(&mut out, settings.len() as u64);
    out.extend_from_slice(&settings);
    let (numbers, columns) = model.statistics.columns();
    for number in numbers {
        push_number(&mut out, u64::from(number));
    }
    push_number(&mut out, columns.len() as u64);
    for column in columns {
        let entries = column.entries();
        push_number(&mut out, entries.len() as u64);
        let mut before = 0;
        for (value, holders) in entries {
            // The values ascend, so the way to the next one is shorter than the value.
            push_number(&mut out, value - before);
            push_number(&mut out, u64::from(holders));
            before = value;
        }
    }
    let checksum = hash(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<Model, BadModel> {
    let rest = bytes.strip_prefix(OPENING).ok_or(BadModel::NotAModel)?;
    match rest.first() {
        Some(&VERSION) => {}
        Some(other) => return Err(BadModel::OtherVersion(*other)),
        None => return Err(BadModel::Damaged),
    }
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(BadModel::Damaged)?;
    if body.len() <= OPENING.len() || hash(body).to_le_bytes() != *checksum {
        return Err(BadModel::Damaged);
    }
    let mut reader = Reader { rest: &body[OPENING.len() + 1..] };
    parse(&mut reader).ok_or(BadModel::Damaged)
}

fn parse(reader: &mut Reader<'_>) -> Option<Model> {
    let length = reader.number()? as usize;
    let settings = serde_json::from_slice(reader.bytes(length)?).ok()?;
    let mut numbers = [0; NUMBERS];
    for number in &mut numbers {
        *number = u32::try_from(reader.number()?).ok()?;
    }
    let mut columns = Vec::new();
    for _ in 0..reader.number()? {
        let length = reader.number()? as usize;
        // Two bytes an entry at least: a false length must not reserve a machine's memory.
        if length > reader.rest.len() / 2 {
            return None;
        }
        let (mut values, mut holders) = (Vec::with_capacity(length), Vec::with_capacity(length));
        let mut value = 0_u64;
        for _ in 0..length {
            value = value.checked_add(reader.number()?)?;
            values.push(value);
            holders.push(u32::try_from(reader.number()?).ok()?);
        }
        columns.push(Counts::of_columns(values, holders));
    }
    if !reader.rest.is_empty() {
        return None;
    }
    Some(Model { statistics: Statistics::from_columns(numbers, columns)?, settings })
}

/// Seven bits a byte, the last one without the high bit.
fn push_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Person, Settings};

    fn model() -> Model {
        let people: Vec<Person> = (0..400)
            .map(|row| Person {
                key: row.to_string(),
                given_name: ["Ada", "Bruno", "Cleo"][row % 3].to_owned(),
                family_name: format!("Okafor{}", ["a", "e", "i", "o"][row % 4]),
                emails: vec![format!("person{}@firm{}.com", row % 150, row % 20)],
                company: format!("Firm {}", row % 20),
                city: "Leeds".to_owned(),
                created_at: Some(row as i64 / 7),
                ..Person::default()
            })
            .collect();
        let settings = Settings { review_probability: 0.61, ..Settings::default() };
        Model::learn(&people, &settings)
    }

    #[test]
    fn a_model_comes_back_as_it_was_and_judges_the_same() {
        let learned = model();
        let bytes = learned.to_bytes();
        let read = Model::from_bytes(&bytes).expect("just written");
        assert_eq!(read, learned);
        let one = Person {
            key: "x".to_owned(),
            given_name: "Ada".to_owned(),
            family_name: "Okafora".to_owned(),
            emails: vec!["person3@firm3.com".to_owned()],
            city: "Leeds".to_owned(),
            ..Person::default()
        };
        let other = Person { key: "y".to_owned(), company: "Firm 3".to_owned(), ..one.clone() };
        assert_eq!(read.compare(&one, &other), learned.compare(&one, &other));
        assert_eq!(read.keys(&one), learned.keys(&one));
        assert!(!bytes.windows(6).any(|window| window == b"Okafor"), "no value of a record is kept");
    }

    #[test]
    fn a_changed_or_cut_model_is_refused() {
        let bytes = model().to_bytes();
        for at in (5..bytes.len()).step_by(97) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(Model::from_bytes(&changed), Err(BadModel::Damaged), "byte {at}");
            assert_eq!(Model::from_bytes(&bytes[..at]), Err(BadModel::Damaged), "cut at {at}");
        }
        assert_eq!(Model::from_bytes(b""), Err(BadModel::NotAModel));
        assert_eq!(Model::from_bytes(b"{\"settings\":1}"), Err(BadModel::NotAModel));
        let mut later = bytes;
        later[4] = VERSION + 1;
        assert_eq!(Model::from_bytes(&later), Err(BadModel::OtherVersion(VERSION + 1)));
    }
}
