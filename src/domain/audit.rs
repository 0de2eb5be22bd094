//! Who did what to what and why: entries chained by hash, so that any change to the log shows.
//!
//! The hash of an entry covers its place, its time, its actor and verb, the hash before it, and a *seal*: a salted
//! hash of the object and the note. Those two may name a person; both and their salt can be erased later, and what
//! stays still proves that the entry was there. An erasure is itself an entry that names the numbers it covers, so
//! that nobody can empty an entry in silence. This module only computes; the journal stores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::Timestamp;

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands in place of an erased object or note.
pub const ERASED: &str = "erased";

/// The verb of the entry that says which entries were erased; its object has
/// their [`AuditEntry::reference`]s between commas, and it is never erased.
pub const REDACT: &str = "redact";

/// The first word of a line that says where the chain ended at some moment.
const LINE: &str = "reknit-audit-head";

/// An entry before it is chained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    /// Who: a user name, or `engine`.
    pub actor: String,
    /// What was done, one word: `retry`, `merge`, `write`.
    pub verb: String,
    /// To what: an id or a record reference.
    pub object: String,
    /// Why or with what result, as a sentence; no personal data.
    pub note: String,
}

/// How an entry's object and note are bound to its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum Binding {
    /// Directly: entries of before the salted seal.
    Plain,
    /// Through a salted hash, so that both can be erased and the chain stays whole.
    Sealed {
        /// Random, hex; gone once the entry is erased.
        salt: Option<String>,
        /// Hash of salt, object and note.
        seal: String,
    },
    /// Through something a newer Reknit knows.
    Unknown {
        /// Its number.
        number: i64,
    },
}

/// A chained entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// 1, 2, 3, … without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, what, to what, why.
    #[serde(flatten)]
    pub entry: NewEntry,
    /// How object and note are bound to the hash.
    #[serde(flatten)]
    pub binding: Binding,
    /// Object and note were erased on purpose; an entry with the verb `redact` says so.
    pub erased: bool,
    /// Hash of the entry before.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
}

impl AuditEntry {
    /// An entry as it is written today: sealed with this salt and chained to the hash before it.
    pub fn chain(number: i64, at: Timestamp, entry: NewEntry, salt: String, previous: String) -> Self {
        let seal = seal(&salt, &entry.object, &entry.note);
        let hash = sealed_hash(number, at, &entry.actor, &entry.verb, &seal, &previous);
        let binding = Binding::Sealed { salt: Some(salt), seal };
        Self { number, at, entry, binding, erased: false, previous, hash }
    }

    /// How the entry that tells of an erasure names this one. An old entry's hash cannot be computed any more without
    /// what was erased, so what stays of it is vouched for there.
    pub fn reference(&self) -> String {
        match self.binding {
            Binding::Sealed { .. } => self.number.to_string(),
            Binding::Plain | Binding::Unknown { .. } => {
                let (number, at) = (self.number.to_string(), self.at.0.to_string());
                let NewEntry { actor, verb, .. } = &self.entry;
                format!("{number}={}", digest(&[&self.previous, &number, &at, actor, verb, &self.hash]))
            }
        }
    }

    /// What is wrong with this entry by itself, if anything.
    fn fault(&self) -> Option<String> {
        let edited = || Some("its text does not match its hash: it was edited".to_owned());
        let expected = match &self.binding {
            // Nothing is left to compute it from; the entry that tells of the erasure vouches for the rest.
            Binding::Plain if self.erased => self.hash.clone(),
            Binding::Plain => plain_hash(self.number, self.at, &self.entry, &self.previous),
            Binding::Sealed { salt, seal: expected } => {
                let whole = match salt {
                    Some(salt) => {
                        !self.erased && seal(salt, &self.entry.object, &self.entry.note) == *expected
                    }
                    None => self.erased,
                };
                if !whole {
                    return edited();
                }
                let NewEntry { actor, verb, .. } = &self.entry;
                sealed_hash(self.number, self.at, actor, verb, expected, &self.previous)
            }
            Binding::Unknown { number } => {
                return Some(format!("its format is {number}, which only a newer Reknit can check"));
            }
        };
        let emptied = self.entry.object == ERASED && self.entry.note == ERASED;
        if expected != self.hash || (self.erased && !emptied) { edited() } else { None }
    }
}

/// Where the chain ended at some moment: kept outside the journal, it shows a cut-off end and an old file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last entry's number; 0 of an empty log.
    pub number: i64,
    /// The last entry's hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { number: 0, hash: GENESIS.to_owned() }
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{LINE} {} {}", self.number, self.hash)
    }
}

impl std::str::FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.trim();
        let rest = rest.strip_prefix(LINE).unwrap_or(rest).trim_start();
        let (number, hash) = rest
            .split_once(|c: char| c.is_whitespace() || c == ':')
            .ok_or_else(|| format!("\"{text}\" is not a line of `reknit audit export-head`"))?;
        let (hash, number) =
            (hash.trim(), number.parse::<i64>().map_err(|error| format!("\"{number}\": {error}"))?);
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) || number < 0 {
            return Err(format!(
                "\"{text}\" is not a line of `reknit audit export-head`: a number and 64 hex digits"
            ));
        }
        Ok(Self { number, hash: hash.to_ascii_lowercase() })
    }
}

/// Each part is preceded by its length, so that no two lists of parts read alike.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex(&digest.finalize())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn plain_hash(number: i64, at: Timestamp, entry: &NewEntry, previous: &str) -> String {
    let (number, at) = (number.to_string(), at.0.to_string());
    digest(&[previous, &number, &at, &entry.actor, &entry.verb, &entry.object, &entry.note])
}

fn seal(salt: &str, object: &str, note: &str) -> String {
    digest(&[salt, object, note])
}

fn sealed_hash(number: i64, at: Timestamp, actor: &str, verb: &str, seal: &str, previous: &str) -> String {
    let (number, at) = (number.to_string(), at.0.to_string());
    digest(&["2", previous, &number, &at, actor, verb, seal])
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How many entries were read and found whole, counted to the first that is not.
    pub entries: i64,
    /// The hash of the last one: keep it elsewhere to notice a cut-off end.
    pub head: String,
    /// The first entry that does not fit, and why; none when the chain is whole.
    pub broken: Option<(i64, String)>,
    /// Entries whose object and note were erased on purpose; they are no damage.
    pub erased: i64,
    /// The last entry that something outside the journal vouches for.
    pub vouched: i64,
}

/// Reads a chain entry by entry, in order, and keeps nothing of it but the last hash.
#[derive(Debug, Default)]
pub struct Verifier {
    last: Head,
    broken: Option<(i64, String)>,
    erased: i64,
    /// Erased, by number, and how a later entry has to name each.
    unexplained: BTreeMap<i64, String>,
    /// Heads from outside, with who keeps them; by number.
    anchors: Vec<(Head, String)>,
    passed: usize,
}

impl Verifier {
    /// Heads from outside, each with who keeps it.
    pub fn new(mut anchors: Vec<(Head, String)>) -> Self {
        anchors.sort_by_key(|(head, _)| head.number);
        let mut verifier = Self { anchors, ..Self::default() };
        verifier.compare();
        verifier
    }

    /// The number of the last entry read.
    pub fn read(&self) -> i64 {
        self.last.number
    }

    /// Takes the next entry; false once the chain is broken, and reading on tells nothing.
    pub fn push(&mut self, entry: &AuditEntry) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let expected = self.last.number + 1;
        let fault = if entry.number == expected {
            if entry.previous == self.last.hash {
                entry.fault()
            } else {
                Some("it does not follow the entry before it".to_owned())
            }
        } else {
            let found = entry.number;
            Some(format!("expected entry {expected}, found {found}: entries are missing, added or moved"))
        };
        if let Some(fault) = fault {
            self.broken = Some((entry.number, fault));
            return false;
        }
        self.last = Head { number: entry.number, hash: entry.hash.clone() };
        if entry.erased {
            self.erased += 1;
            self.unexplained.insert(entry.number, entry.reference());
        } else if entry.entry.verb == REDACT {
            for reference in entry.entry.object.split(',') {
                let number = reference.split('=').next().unwrap_or_default().parse().unwrap_or_default();
                if self.unexplained.get(&number).is_some_and(|expected| expected == reference) {
                    self.unexplained.remove(&number);
                }
            }
        }
        self.compare();
        self.broken.is_none()
    }

    fn compare(&mut self) {
        while let Some((head, keeper)) = self.anchors.get(self.passed)
            && head.number <= self.last.number
        {
            if head.number == self.last.number && head.hash != self.last.hash {
                let why = format!(
                    "{keeper} knows another hash of it: it, or one before it, was replaced and what follows was chained anew"
                );
                self.broken = Some((head.number.max(1), why));
                return;
            }
            self.passed += 1;
        }
    }

    /// The verdict, once the last entry has been read.
    pub fn finish(mut self) -> Verdict {
        if self.broken.is_none()
            && let Some((head, keeper)) = self.anchors.last()
            && head.number > self.last.number
        {
            let (first, last) = (self.last.number + 1, head.number);
            let why = format!(
                "{keeper} knows the log up to entry {last}, and it ends before entry {first}: its end was cut off, or an \
                 older file was put in its place"
            );
            self.broken = Some((first, why));
        }
        // What tells of an erasure may stand beyond the break, or have been cut off with the end.
        if self.broken.is_none()
            && let Some(number) = self.unexplained.keys().next().copied()
        {
            self.broken = Some((number, "it was emptied, and no later entry tells of an erasure".to_owned()));
        }
        let vouched =
            self.passed.checked_sub(1).and_then(|at| self.anchors.get(at)).map_or(0, |(head, _)| head.number);
        Verdict {
            entries: self.last.number,
            head: self.last.hash,
            broken: self.broken,
            erased: self.erased,
            vouched,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(verb: &str, object: &str) -> NewEntry {
        NewEntry {
            actor: "engine".into(),
            verb: verb.into(),
            object: object.into(),
            note: "one field".into(),
        }
    }

    /// Half of it in the old format.
    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut previous = GENESIS.to_owned();
        (1..=length)
            .map(|number| {
                let (at, new) =
                    (Timestamp(number * 1000), entry("write", &format!("hubspot/contact/{number}")));
                let chained = if number <= length / 2 {
                    let hash = plain_hash(number, at, &new, &previous);
                    let (binding, previous) = (Binding::Plain, previous.clone());
                    AuditEntry { number, at, entry: new, binding, erased: false, previous, hash }
                } else {
                    AuditEntry::chain(number, at, new, format!("salt{number}"), previous.clone())
                };
                previous.clone_from(&chained.hash);
                chained
            })
            .collect()
    }

    fn verify(entries: &[AuditEntry], anchors: &[Head]) -> Verdict {
        let mut verifier =
            Verifier::new(anchors.iter().map(|head| (head.clone(), "paper".to_owned())).collect());
        for entry in entries {
            if !verifier.push(entry) {
                break;
            }
        }
        verifier.finish()
    }

    fn broken(entries: &[AuditEntry]) -> Option<i64> {
        verify(entries, &[]).broken.map(|broken| broken.0)
    }

    #[test]
    fn an_edit_a_removal_and_a_swap_are_each_found_at_their_place_in_both_formats() {
        assert_eq!(broken(&chain(18)), None);
        for place in [4, 13] {
            let mut edited = chain(18);
            edited[place].entry.note = "two fields".into();
            assert_eq!(broken(&edited), Some(place as i64 + 1));
            let mut removed = chain(18);
            removed.remove(place);
            assert_eq!(broken(&removed), Some(place as i64 + 2));
            let mut swapped = chain(18);
            swapped.swap(place - 1, place);
            assert_eq!(broken(&swapped), Some(place as i64 + 1));
        }
    }

    #[test]
    fn a_head_kept_elsewhere_shows_a_cut_off_end_and_a_chain_made_anew() {
        let whole = chain(18);
        let head = Head { number: 18, hash: whole[17].hash.clone() };
        assert_eq!(head.to_string().parse::<Head>(), Ok(head.clone()));
        let verdict = verify(&whole, std::slice::from_ref(&head));
        assert_eq!((verdict.broken, verdict.vouched), (None, 18));
        assert_eq!(verify(&whole[..15], std::slice::from_ref(&head)).broken.map(|broken| broken.0), Some(16));
        let mut forged = whole[..17].to_vec();
        forged.push(AuditEntry::chain(
            18,
            Timestamp(18_000),
            entry("write", "nothing"),
            "s".into(),
            whole[16].hash.clone(),
        ));
        assert_eq!(broken(&forged), None);
        assert_eq!(verify(&forged, &[head]).broken.map(|broken| broken.0), Some(18));
    }

    fn with_redaction(entries: &[AuditEntry], object: &str) -> Vec<AuditEntry> {
        let (last, mut told) = (entries[17].hash.clone(), entries.to_vec());
        told.push(AuditEntry::chain(19, Timestamp(0), entry(REDACT, object), "s".into(), last));
        told
    }

    #[test]
    fn an_erased_entry_keeps_the_chain_whole_only_if_a_later_entry_tells_of_it() {
        let mut entries = chain(18);
        for place in [2, 14] {
            let emptied = &mut entries[place];
            emptied.entry.object = ERASED.into();
            emptied.entry.note = ERASED.into();
            emptied.erased = true;
            if let Binding::Sealed { salt, .. } = &mut emptied.binding {
                *salt = None;
            }
        }
        assert_eq!(broken(&entries), Some(3));
        let told = |object: &str| verify(&with_redaction(&entries, object), &[]);
        // An old entry by its number alone is not enough: what stays of it could be edited.
        assert_eq!(told("3,15").broken.map(|broken| broken.0), Some(3));
        let both = format!("{},{}", entries[2].reference(), entries[14].reference());
        assert_eq!(told(&entries[2].reference()).broken.map(|broken| broken.0), Some(15));
        let verdict = told(&both);
        assert_eq!((verdict.broken, verdict.erased, verdict.entries), (None, 2, 19));
        entries[2].entry.actor = "eve".into();
        assert_eq!(broken(&with_redaction(&entries, &both)), Some(3));
    }
}
