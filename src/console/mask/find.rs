//! Finding what is personal in a text, word by word, and what is shown in its place.
//!
//! Words are compared in lower case; what stands between them does not matter, so `Jane  Doe` and `jane.doe` are one
//! phrase. Characters of scripts without blanks are words of their own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::LazyLock;

use ratatui::buffer::Buffer;
use sha2::{Digest as _, Sha256};

use super::learn::{Kind, kind_of};
use crate::console::actions::TABLE;
use crate::console::panes::Screen;

/// No vowels, so that no pseudonym is a word; a pseudonym is never looked through again.
const LETTERS: &[u8; 24] = b"BCDFGHJKLMNPQRSTVWXZ2345";
/// Letters of a pseudonym: with seven million of them, two people of one screen hardly share one.
const TAG: usize = 5;
/// What stands for somebody's e-mail after the sign.
const HIDDEN: &str = "masked";
/// Words of a longer text that are recognised together.
const GRAM: usize = 3;
/// Words of one phrase that is looked for as a whole.
const PHRASE: usize = 8;

/// Words of the console itself: alone they name nobody.
static OURS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let titles = Screen::ALL.iter().map(|screen| screen.title());
    let table = TABLE.iter().flat_map(|row| [row.id, row.hint, row.help]);
    let more = "contact lead user person people company account deal opportunity conversation ticket case task note \
                intercom hubspot salesforce vendor open deciding done dismissed obsolete ignored pending running \
                succeeded skipped retrying failed held discarded doubt engine api record name email phone text test \
                inc ltd llc gmbh corp corporation and the for with from";
    titles.chain(table).chain([more]).flat_map(words).map(|word| word.text).collect()
});

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    at: Range<usize>,
}

/// The words of a text, in lower case, with their places.
fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut open: Option<usize> = None;
    let mut escaped = 0_u8;
    let mut close = |open: &mut Option<usize>, end: usize| {
        if let Some(start) = open.take() {
            found.push(Word { text: text[start..end].to_lowercase(), at: start..end });
        }
    };
    for (at, c) in text.char_indices() {
        // `%20` in a URL stands between words and is none.
        if escaped > 0 {
            escaped -= 1;
            continue;
        }
        let percent = c == '%'
            && text.as_bytes()[at + 1..].iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
        if percent {
            close(&mut open, at);
            escaped = 2;
        } else if stands_alone(c) {
            close(&mut open, at);
            open = Some(at);
            close(&mut open, at + c.len_utf8());
        } else if c.is_alphanumeric() || (is_mark(c) && open.is_some()) {
            open.get_or_insert(at);
        } else {
            close(&mut open, at);
        }
    }
    close(&mut open, text.len());
    found
}

/// Scripts that write without blanks.
fn stands_alone(c: char) -> bool {
    matches!(u32::from(c), 0x0E00..=0x0E7F | 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x0002_0000..=0x0003_FFFF)
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0900..=0x0DFF | 0x20D0..=0x20FF)
}

fn gram(words: &[Word]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in words {
        word.text.hash(&mut hasher);
    }
    hasher.finish()
}

#[derive(Debug)]
struct Phrase {
    rest: Vec<String>,
    kind: Kind,
}

/// What hides: everything known to be personal, ready to be found.
#[derive(Debug)]
pub struct Veil {
    key: [u8; 32],
    phrases: HashMap<String, Vec<Phrase>>,
    grams: HashMap<u64, u64>,
    phones: HashSet<String>,
    revealed: HashSet<String>,
}

impl Veil {
    /// A veil over values of people; `revealed` ones may be seen for now.
    pub fn new<'a>(
        key: [u8; 32],
        values: impl Iterator<Item = (Kind, &'a str)>,
        revealed: &[String],
    ) -> Self {
        let mut veil = Self {
            key,
            phrases: HashMap::new(),
            grams: HashMap::new(),
            phones: HashSet::new(),
            revealed: HashSet::new(),
        };
        for (kind, value) in values {
            veil.add(kind, value);
        }
        for phrases in veil.phrases.values_mut() {
            // Of the same words the most telling kind stays, in whatever order they were learnt: a pseudonym is stable.
            phrases.sort_by(|a, b| {
                let longer = b.rest.len().cmp(&a.rest.len());
                longer.then_with(|| a.rest.cmp(&b.rest)).then_with(|| a.kind.cmp(&b.kind))
            });
            phrases.dedup_by(|a, b| a.rest == b.rest);
        }
        for value in revealed {
            let words = words(value);
            veil.revealed.insert(normal(&words));
            if words.len() > 1 {
                veil.revealed.extend(words.into_iter().map(|word| word.text));
            }
            veil.revealed.insert(digits(value));
        }
        veil.revealed.remove("");
        veil
    }

    fn add(&mut self, kind: Kind, value: &str) {
        if kind == Kind::Phone {
            let digits = digits(value);
            if digits.len() > 5 {
                self.phones.insert(digits);
            }
            return;
        }
        let found = words(value);
        let ours = |word: &Word| OURS.contains(&word.text);
        let numbered = |word: &Word| word.text.bytes().any(|b| b.is_ascii_digit());
        // `HubSpot contact 151` names nobody, and a lone word of the console's own would hide half of the screen.
        let nobody = found.iter().any(numbered) && found.iter().all(|word| ours(word) || numbered(word));
        if found.is_empty() || nobody || (found.len() == 1 && ours(&found[0])) {
            return;
        }
        if found.len() <= PHRASE {
            self.phrase(kind, &found);
        }
        if found.len() >= GRAM && (kind == Kind::Text || found.len() > PHRASE) {
            let id = gram(&found);
            for three in found.windows(GRAM) {
                self.grams.insert(gram(three), id);
            }
        }
        if matches!(kind, Kind::Name | Kind::Email) {
            // A part of a name tells as much: it stands alone where texts are compared word by word.
            let own = if kind == Kind::Email { value.split('@').next().unwrap_or_default() } else { value };
            for word in words(own) {
                let letters = word.text.chars().count();
                if letters >= 3 && !ours(&word) && !numbered(&word) {
                    self.phrase(Kind::Name, &[word]);
                }
            }
        }
    }

    fn phrase(&mut self, kind: Kind, words: &[Word]) {
        if let Some((first, rest)) = words.split_first() {
            let rest = rest.iter().map(|word| word.text.clone()).collect();
            self.phrases.entry(first.text.clone()).or_default().push(Phrase { rest, kind });
        }
    }

    /// The text with pseudonyms in the place of what is personal.
    pub fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for (range, pseudonym) in found {
            shown.push_str(&text[at..range.start]);
            shown.push_str(&pseudonym);
            at = range.end;
        }
        shown.push_str(&text[at..]);
        Cow::Owned(shown)
    }

    /// Covers what is still readable in a frame: words that were drawn in pieces.
    pub fn hide_rest(&self, buffer: &mut Buffer) {
        let width = usize::from(buffer.area.width);
        if width == 0 {
            return;
        }
        for row in buffer.content.chunks_mut(width) {
            let mut text = String::with_capacity(width * 2);
            let starts: Vec<usize> = row
                .iter()
                .map(|cell| {
                    let at = text.len();
                    text.push_str(cell.symbol());
                    at
                })
                .collect();
            for (range, _) in self.find(&text) {
                for (cell, at) in row.iter_mut().zip(&starts) {
                    if range.contains(at) {
                        cell.set_symbol(".");
                    }
                }
            }
        }
    }

    /// What is personal, from left to right, and what is shown instead.
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let words = words(text);
        let mut taken: Vec<(Range<usize>, Option<String>)> = Vec::new();
        own(text, &mut taken);
        self.emails(text, &mut taken);
        self.members(text, &mut taken);
        self.numbers(text, &mut taken);
        let mut covered: Vec<Option<u64>> = vec![None; words.len()];
        if !self.grams.is_empty() {
            for (at, three) in words.windows(GRAM).enumerate() {
                if let Some(id) = self.grams.get(&gram(three)) {
                    covered[at..at + GRAM].fill(Some(*id));
                }
            }
        }
        let mut at = 0;
        while at < words.len() {
            if free(&taken, &words[at].at) {
                if let Some(id) = covered[at] {
                    let mut end = at;
                    while end + 1 < words.len()
                        && covered[end + 1].is_some()
                        && free(&taken, &words[end + 1].at)
                    {
                        end += 1;
                    }
                    let range = words[at].at.start..words[end].at.end;
                    taken.push((range, Some(self.pseudonym(Kind::Text, &id.to_string()))));
                    at = end + 1;
                    continue;
                }
                if let Some((count, kind)) = self.phrase_at(text, &words[at..], &taken) {
                    let these = &words[at..at + count];
                    let name = normal(these);
                    if !self.revealed.contains(&name) {
                        let range = these[0].at.start..these[count - 1].at.end;
                        taken.push((range, Some(self.pseudonym(kind, &name))));
                    }
                    at += count;
                    continue;
                }
            }
            at += 1;
        }
        taken.sort_by_key(|(range, _)| range.start);
        taken.into_iter().filter_map(|(range, shown)| shown.map(|shown| (range, shown))).collect()
    }

    /// The longest phrase that begins here.
    fn phrase_at(
        &self,
        text: &str,
        words: &[Word],
        taken: &[(Range<usize>, Option<String>)],
    ) -> Option<(usize, Kind)> {
        let near = |a: &Word, b: &Word| text[a.at.end..b.at.start].chars().count() <= 4;
        self.phrases.get(&words.first()?.text)?.iter().find_map(|phrase| {
            let rest = words.get(1..=phrase.rest.len())?;
            let fits = rest
                .iter()
                .zip(&phrase.rest)
                .all(|(word, known)| word.text == *known && free(taken, &word.at))
                && words.windows(2).take(phrase.rest.len()).all(|pair| near(&pair[0], &pair[1]));
            fits.then_some((phrase.rest.len() + 1, phrase.kind))
        })
    }

    fn emails(&self, text: &str, taken: &mut Vec<(Range<usize>, Option<String>)>) {
        for (sign, length) in
            text.match_indices('@').chain(text.match_indices("%40")).map(|(at, sign)| (at, sign.len()))
        {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '…');
            let start = text[..sign]
                .rfind(|c: char| !inside(c))
                .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
            let end = sign + length;
            let end = end + text[end..].find(|c: char| !inside(c)).unwrap_or(text.len() - end);
            if start == sign || end == sign + length || !free(taken, &(start..end)) {
                continue;
            }
            let address = text[start..end].trim_end_matches('.').to_lowercase();
            let range = start..start + address.len().min(end - start);
            let range = if text.is_char_boundary(range.end) { range } else { start..end };
            let name = local(&text[start..sign]);
            let seen = self.revealed.contains(&normal(&words(&address)));
            let shown = (!seen).then(|| self.pseudonym(Kind::Email, name.as_deref().unwrap_or(&address)));
            taken.push((range, shown));
        }
    }

    /// `"firstname": "Jane"`: members with a personal name, in texts that nobody could read as a whole.
    fn members(&self, text: &str, taken: &mut Vec<(Range<usize>, Option<String>)>) {
        let mut from = 0;
        while let Some(colon) = text[from..].find("\":").map(|at| from + at) {
            from = colon + 2;
            let Some(open) = text[..colon].rfind('"') else { continue };
            let key = &text[open + 1..colon];
            // Vendors' names have no blanks; a pseudonym that stands where a name could stand is none.
            if !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
                continue;
            }
            let Some(kind) = kind_of(key) else { continue };
            let value = text[from..].trim_start();
            let start = text.len() - value.len();
            if !value.starts_with('"') {
                continue;
            }
            let mut escaped = false;
            let end = value[1..]
                .char_indices()
                .find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                })
                .map_or(text.len(), |(at, _)| start + 1 + at);
            let range = start + 1..end;
            from = end;
            let value = &text[range.clone()];
            let name = normal(&words(value));
            // A body inside a body is looked through like any other text.
            if name.is_empty()
                || value.starts_with(['{', '['])
                || self.revealed.contains(&name)
                || !free(taken, &range)
            {
                continue;
            }
            taken.push((range, Some(self.pseudonym(kind, &name))));
        }
    }

    /// Phone numbers: those that are known, and those that begin with a plus.
    fn numbers(&self, text: &str, taken: &mut Vec<(Range<usize>, Option<String>)>) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let begins = bytes[at].is_ascii_digit()
                || (matches!(bytes[at], b'+' | b'(')
                    && bytes.get(at + 1).is_some_and(|b| b.is_ascii_digit() || *b == b'('));
            let inside_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
            if !begins || inside_word {
                at += 1;
                continue;
            }
            let mut end = at;
            let mut last = at;
            while end < bytes.len()
                && (bytes[end].is_ascii_digit()
                    || matches!(bytes[end], b'+' | b'(' | b')' | b' ' | b'-' | b'.' | b'/'))
            {
                // Two blanks are the gap between two columns.
                if bytes[end] == b' ' && bytes.get(end + 1) == Some(&b' ') {
                    break;
                }
                if bytes[end].is_ascii_digit() {
                    last = end + 1;
                }
                end += 1;
            }
            let range = at..last.max(at + 1);
            let number = digits(&text[range.clone()]);
            let known = self.phones.contains(&number);
            if number.len() > 5 && (known || bytes[at] == b'+' && number.len() > 6) && free(taken, &range) {
                let seen = self.revealed.contains(&number);
                taken.push((range.clone(), (!seen).then(|| self.pseudonym(Kind::Phone, &number))));
                at = range.end;
            } else if let Some(part) = self.known_part(text, &range).filter(|part| free(taken, part)) {
                let number = digits(&text[part.clone()]);
                let seen = self.revealed.contains(&number);
                at = part.end;
                taken.push((part, (!seen).then(|| self.pseudonym(Kind::Phone, &number))));
            } else {
                // What follows the first group may be a number by itself.
                at += bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count().max(1);
            }
        }
    }

    /// A known number at the front of a longer row of digits and blanks.
    fn known_part(&self, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        (range.start + 6..range.end)
            .filter(|end| !bytes[*end].is_ascii_digit() && bytes[end - 1].is_ascii_digit())
            .map(|end| range.start..end)
            .find(|part| self.phones.contains(&digits(&text[part.clone()])))
    }

    fn pseudonym(&self, kind: Kind, name: &str) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update(name.as_bytes());
        let hash = hasher.finalize();
        let tag: String = hash
            .iter()
            .take(TAG)
            .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
            .collect();
        match kind {
            Kind::Name => format!("Name-{tag}"),
            Kind::Email => format!("{tag}@{HIDDEN}"),
            Kind::Phone => format!("Phone-{tag}"),
            Kind::Domain => format!("domain-{tag}"),
            Kind::Text => format!("Text-{tag}"),
        }
    }
}

fn free(taken: &[(Range<usize>, Option<String>)], range: &Range<usize>) -> bool {
    taken.iter().all(|(other, _)| other.end <= range.start || range.end <= other.start)
}

/// Pseudonyms that stand in the text already, whole or cut off: they stay.
fn own(text: &str, taken: &mut Vec<(Range<usize>, Option<String>)>) {
    let tag = |text: &str| text.bytes().take(TAG).take_while(|b| LETTERS.contains(b)).count();
    for word in ["Name-", "Phone-", "Text-", "domain-"] {
        for (at, _) in text.match_indices(word) {
            let rest = &text[at + word.len()..];
            let letters = tag(rest);
            if letters == TAG || letters == rest.len() || rest[letters..].starts_with('…') {
                taken.push((at..at + word.len() + letters, None));
            }
        }
    }
    for (sign, _) in text.match_indices('@') {
        let rest = &text[sign + 1..];
        let letters = HIDDEN.bytes().zip(rest.bytes()).take_while(|(a, b)| a == b).count();
        let start = sign - text[..sign].bytes().rev().take(TAG).take_while(|b| LETTERS.contains(b)).count();
        let ends = letters == HIDDEN.len() || letters == rest.len() || rest[letters..].starts_with('…');
        if start < sign && ends {
            taken.push((start..sign + 1 + letters, None));
        }
    }
}

/// A name that does not depend on the order or the look of its words.
fn normal(words: &[Word]) -> String {
    let mut texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.sort_unstable();
    texts.join(" ")
}

/// The name that an address is made of, so that somebody's name and address share a pseudonym.
fn local(text: &str) -> Option<String> {
    let words = words(text);
    let letters = words.iter().all(|word| word.text.chars().all(char::is_alphabetic));
    (words.len() > 1 && letters).then(|| normal(&words))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
