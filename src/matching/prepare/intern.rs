//! Each distinct raw value parsed once and kept once, and the callers' keys end to end. It knows no value's meaning.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One kind of value, each distinct raw text parsed once.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    values: Vec<T>,
    /// The hash of the raw text of each value, until the table is frozen.
    raw: Vec<u64>,
    by_raw: HashMap<u64, u32, BuildHasherDefault<Ready>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { values: Vec::new(), raw: Vec::new(), by_raw: HashMap::default() }
    }
}

impl<T> Table<T> {
    /// The number of a raw value, parsing it the first time.
    pub(crate) fn intern(&mut self, raw: u64, parse: impl FnOnce() -> T) -> u32 {
        let (values, raws) = (&mut self.values, &mut self.raw);
        *self.by_raw.entry(raw).or_insert_with(|| {
            values.push(parse());
            raws.push(raw);
            values.len() as u32 - 1
        })
    }

    /// The value with a number that `intern` gave out.
    pub(crate) fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    /// Takes over another table's values; gives the new number of each.
    pub(crate) fn absorb(&mut self, other: Self) -> Vec<u32> {
        let values = other.values.into_iter().zip(other.raw);
        values.map(|(value, raw)| self.intern(raw, || value)).collect()
    }

    /// No value will come any more.
    pub(crate) fn freeze(&mut self) {
        self.by_raw = HashMap::default();
        self.raw = Vec::new();
        self.values.shrink_to_fit();
    }
}

/// Passes on what is a hash already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = super::super::hashing::hash(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The keys of all records in one text: a million small strings would cost three times as much.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyColumn {
    text: String,
    ends: Vec<usize>,
}

impl KeyColumn {
    pub(crate) fn push(&mut self, key: &str) {
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let before = self.text.len();
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end + before));
    }

    pub(crate) fn get(&self, row: u32) -> &str {
        let row = row as usize;
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[from..self.ends[row]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_taken_over_in_parts_equals_one_filled_at_once() {
        let (mut whole, mut first, mut second) = (Table::default(), Table::default(), Table::default());
        for raw in [7_u64, 3, 7, 9] {
            whole.intern(raw, || raw.to_string());
        }
        first.intern(7, || "7".to_owned());
        first.intern(3, || "3".to_owned());
        second.intern(9, || "9".to_owned());
        second.intern(7, unreachable_text);
        assert_eq!(first.absorb(second), vec![2, 0]);
        assert_eq!(first.values, whole.values);
    }

    fn unreachable_text() -> String {
        "parsed twice, kept once".to_owned()
    }

    #[test]
    fn keys_come_back_one_by_one() {
        let (mut keys, mut more) = (KeyColumn::default(), KeyColumn::default());
        keys.push("ada");
        keys.push("");
        more.push("bruno");
        keys.append(&more);
        assert_eq!((keys.get(0), keys.get(1), keys.get(2)), ("ada", "", "bruno"));
    }
}
