//! Which pairs of a table are worth comparing: those that agree in something rare enough. It weighs nothing.
//!
//! Every record has a few marks per field (its sound, its words, its beginning). Keys are single marks and
//! combinations of two; how many pairs each kind of key would make is counted first, and the cheapest kinds are taken
//! until a budget of pairs per record is used up. Blocks above a limit compare neighbours in sorted order only.

use super::schema::FieldType;
use super::values::{Column, Special, Value};
use crate::matching::hashing::{combine, hash_text};

/// The rows of a table and which file each is from.
pub(super) struct Rows<'a> {
    pub(super) columns: &'a [Column],
    /// 0 or 1 per row.
    pub(super) sides: &'a [u8],
    /// Only pairs across the two files are wanted.
    pub(super) across: bool,
    /// Rows that stand for themselves or for a group of equals.
    pub(super) members: &'a [u32],
}

/// A block with more members compares neighbours only.
const BLOCK: usize = 60;
/// So many of them.
const WINDOW: usize = 10;

/// One kind of mark: a column, or several that may hold one another's values.
struct Family {
    marks: Vec<Vec<u64>>,
    /// Several words of one value: those that many rows have find nothing that the rarer ones do not.
    words: bool,
}

/// The pairs (smaller row first), sorted, each once.
pub(super) fn pairs(rows: &Rows<'_>) -> Vec<(u32, u32)> {
    let families = families(rows);
    let count = rows.members.len();
    let rank = ranks(rows);
    let few_fields = families.len() <= 6;
    let budget = pairs_per_row(count, few_fields) * count as f64 + 2_000.0;
    let sample = Sample::of(count);
    // Cost of every kind of key, the cheapest first.
    let mut kinds: Vec<(u64, usize, usize)> = Vec::new();
    for one in 0..families.len() {
        for other in one..=families.len() {
            // The last stands for "nothing else": a key of one mark.
            let entries = entries(&families, one, other, rows, Some(&sample));
            let cost = sample.scaled(cost(&entries, rows, &sample, of_words(&families, one, other)));
            if cost > 0 {
                kinds.push((cost, one, other));
            }
        }
    }
    kinds.sort_unstable();
    let most_kinds = if count > 300_000 { 16 } else { 64 };
    let mut found: Vec<u64> = Vec::new();
    let mut spent = 0.0;
    let mut compact_at = 1 << 22;
    for (at, (cost, one, other)) in kinds.into_iter().enumerate() {
        if at > 0 && (spent + cost as f64 > budget || at >= most_kinds) {
            break;
        }
        spent += cost as f64;
        let words = of_words(&families, one, other);
        for run in blocks(&entries(&families, one, other, rows, None)) {
            if words && run.len() > BLOCK {
                continue;
            }
            add(run, rows, &rank, &mut found);
        }
        if found.len() > compact_at {
            found.sort_unstable();
            found.dedup();
            compact_at = (found.len() * 2).max(1 << 22);
        }
    }
    if few_fields {
        let mut sorted: Vec<u32> = (0..count as u32).collect();
        sorted.sort_unstable_by_key(|member| rank[*member as usize]);
        neighbours(&sorted, 4, rows, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    let row = |member: u64| rows.members[member as usize];
    let mut pairs: Vec<(u32, u32)> = found
        .into_iter()
        .map(|pair| (row(pair >> 32), row(pair & 0xffff_ffff)))
        .map(|(one, other)| (one.min(other), one.max(other)))
        .collect();
    pairs.sort_unstable();
    pairs
}

/// With few fields there is little to combine, so that what there is may cost more.
fn pairs_per_row(count: usize, few_fields: bool) -> f64 {
    let usual = if count > 300_000 { 15.0 } else { 30.0 };
    if few_fields { usual * 2.0 } else { usual }
}

/// Costs of a long table are counted on some of its rows.
struct Sample {
    every: u64,
}

impl Sample {
    fn of(count: usize) -> Self {
        Self { every: (count as u64 / 40_000).max(1) }
    }

    fn takes(&self, member: usize) -> bool {
        self.every == 1 || combine(0x5a, member as u64).is_multiple_of(self.every)
    }

    fn scaled(&self, cost: u64) -> u64 {
        cost.saturating_mul(self.every).saturating_mul(self.every)
    }
}

fn entries(
    families: &[Family],
    one: usize,
    other: usize,
    rows: &Rows<'_>,
    sample: Option<&Sample>,
) -> Vec<(u64, u32)> {
    let mut entries = Vec::new();
    for member in 0..rows.members.len() {
        if sample.is_some_and(|sample| !sample.takes(member)) {
            continue;
        }
        let first = &families[one].marks[member];
        let Some(second) = families.get(other) else {
            entries.extend(first.iter().map(|mark| (*mark, member as u32)));
            continue;
        };
        let second = &second.marks[member];
        for (at, mark) in first.iter().enumerate() {
            // Two marks of one kind: a given and a family name, in whatever order.
            let rest = if one == other { &second[at + 1..] } else { second.as_slice() };
            entries.extend(rest.iter().map(|with| {
                let key = combine(*mark.min(with), *mark.max(with));
                (key, member as u32)
            }));
        }
    }
    entries.sort_unstable();
    entries.dedup();
    entries
}

fn blocks(entries: &[(u64, u32)]) -> impl Iterator<Item = &[(u64, u32)]> {
    entries.chunk_by(|left, right| left.0 == right.0).filter(|run| run.len() > 1)
}

/// Whether a kind of key is made of words of texts.
fn of_words(families: &[Family], one: usize, other: usize) -> bool {
    families[one].words || families.get(other).is_some_and(|family| family.words)
}

fn cost(entries: &[(u64, u32)], rows: &Rows<'_>, sample: &Sample, words: bool) -> u64 {
    let limit = BLOCK / sample.every.min(30) as usize;
    blocks(entries)
        .filter(|run| !words || run.len() <= limit)
        .map(|run| {
            let (one, other) = sizes(run, rows);
            let pairs = if rows.across { one * other } else { (one + other) * (one + other - 1) / 2 };
            // A block that is too large finds little of what it holds: it costs as if it were compared in full.
            if run.len() > limit { pairs.min(run.len() as u64 * 200) } else { pairs }
        })
        .sum()
}

fn sizes(run: &[(u64, u32)], rows: &Rows<'_>) -> (u64, u64) {
    let other = run.iter().filter(|entry| rows.sides[rows.members[entry.1 as usize] as usize] == 1).count();
    ((run.len() - other) as u64, other as u64)
}

fn add(run: &[(u64, u32)], rows: &Rows<'_>, rank: &[u32], found: &mut Vec<u64>) {
    let side = |member: u32| rows.sides[rows.members[member as usize] as usize];
    if run.len() <= BLOCK {
        for (at, one) in run.iter().enumerate() {
            for other in &run[at + 1..] {
                if !rows.across || side(one.1) != side(other.1) {
                    found.push(u64::from(one.1) << 32 | u64::from(other.1));
                }
            }
        }
        return;
    }
    let mut members: Vec<u32> = run.iter().map(|entry| entry.1).collect();
    members.sort_unstable_by_key(|member| rank[*member as usize]);
    neighbours(&members, WINDOW, rows, found);
}

fn neighbours(sorted: &[u32], window: usize, rows: &Rows<'_>, found: &mut Vec<u64>) {
    let side = |member: u32| rows.sides[rows.members[member as usize] as usize];
    for (at, one) in sorted.iter().enumerate() {
        for other in sorted[at + 1..].iter().take(window) {
            if !rows.across || side(*one) != side(*other) {
                let (one, other) = (one.min(other), one.max(other));
                found.push(u64::from(*one) << 32 | u64::from(*other));
            }
        }
    }
}

/// The place of every member when all are sorted by what they hold, the most telling column first.
fn ranks(rows: &Rows<'_>) -> Vec<u32> {
    let mut columns: Vec<&Column> = rows.columns.iter().collect();
    columns.sort_by_key(|column| std::cmp::Reverse(column.values.len()));
    let names = |column: &&Column| {
        matches!(
            column.kind,
            FieldType::FamilyName | FieldType::GivenName | FieldType::Company | FieldType::Text
        )
    };
    let mut order: Vec<&Column> = columns.iter().copied().filter(names).collect();
    order.extend(columns.iter().copied().filter(|column| !names(column)));
    order.truncate(4);
    let mut sorted: Vec<u32> = (0..rows.members.len() as u32).collect();
    let text = |column: &Column, member: u32| -> u32 { column.rows[rows.members[member as usize] as usize] };
    // Values are ranked once per column: comparing numbers sorts a million rows faster than comparing texts.
    let ranked: Vec<Vec<u32>> = order
        .iter()
        .map(|column| {
            let mut numbers: Vec<u32> = (0..column.values.len() as u32).collect();
            numbers.sort_unstable_by(|one, other| {
                let (one, other) = (&column.values[*one as usize], &column.values[*other as usize]);
                one.joined.cmp(&other.joined).then(one.id.cmp(&other.id))
            });
            let mut rank = vec![0; numbers.len()];
            for (place, number) in numbers.into_iter().enumerate() {
                rank[number as usize] = place as u32;
            }
            rank
        })
        .collect();
    let key = |member: u32| -> Vec<u32> {
        order.iter().zip(&ranked).map(|(column, rank)| rank[text(column, member) as usize]).collect()
    };
    let keys: Vec<Vec<u32>> = sorted.iter().map(|member| key(*member)).collect();
    sorted
        .sort_unstable_by(|one, other| keys[*one as usize].cmp(&keys[*other as usize]).then(one.cmp(other)));
    let mut rank = vec![0; sorted.len()];
    for (place, member) in sorted.into_iter().enumerate() {
        rank[member as usize] = place as u32;
    }
    rank
}

/// The kinds of marks of a table.
fn families(rows: &Rows<'_>) -> Vec<Family> {
    let of = |kinds: &[FieldType]| -> Vec<&Column> {
        rows.columns.iter().filter(|column| kinds.contains(&column.kind)).collect()
    };
    let mut families = Vec::new();
    let mut push = |columns: &[&Column], kind: u64, marks: &dyn Fn(&Value, &mut Vec<u64>)| {
        if columns.is_empty() {
            return;
        }
        let of_values: Vec<Vec<Vec<u64>>> = columns
            .iter()
            .map(|column| {
                let of_value = |value: &Value| {
                    let mut out = Vec::new();
                    if !value.is_missing() {
                        marks(value, &mut out);
                    }
                    out.retain(|mark| *mark != 0);
                    for mark in &mut out {
                        *mark = combine(kind, *mark);
                    }
                    out
                };
                column.values.iter().map(of_value).collect()
            })
            .collect();
        let of_member = |row: &u32| {
            let mut marks: Vec<u64> = columns
                .iter()
                .zip(&of_values)
                .flat_map(|(column, of_value)| of_value[column.rows[*row as usize] as usize].iter().copied())
                .collect();
            marks.sort_unstable();
            marks.dedup();
            marks
        };
        let words = marks_are_words(kind);
        families.push(Family { words, marks: rows.members.iter().map(of_member).collect() });
    };
    let names = of(&[FieldType::GivenName, FieldType::FamilyName]);
    push(&names, 1, &|value, out| out.push(value.sound));
    push(&names, 2, &|value, out| out.push(prefix(&value.joined, 3)));
    let addresses = of(&[FieldType::Street, FieldType::Address]);
    push(&addresses, 3, &|value, out| out.push(value.id));
    push(&addresses, 4, &|value, out| {
        let mut words: Vec<&String> = value.words.iter().filter(|word| word.len() >= 3).collect();
        words.sort_by_key(|word| (std::cmp::Reverse(word.len()), word.as_str()));
        out.extend(words.iter().take(1).map(|word| hash_text(word)));
    });
    for (number, column) in rows.columns.iter().enumerate() {
        let kind = 16 + number as u64 * 4;
        let alone = [column];
        match column.kind {
            FieldType::Email => {
                push(&alone, 5, &|value, out| out.push(value.id));
                push(&alone, 6, &|value, out| {
                    if let Special::Mail(mailbox) = &value.special
                        && !mailbox.role
                    {
                        out.push(hash_text(&mailbox.letters));
                    }
                });
            }
            FieldType::Phone => push(&alone, 7, &|value, out| {
                // The last digits: with and without area code.
                out.push(hash_text(&value.joined[value.joined.len().saturating_sub(7)..]));
            }),
            FieldType::Company => {
                push(&alone, kind, &|value, out| out.push(value.sound.max(1)));
                push(&alone, kind + 1, &|value, out| {
                    out.push(prefix(&value.joined, 5));
                    let mut words: Vec<&String> = value.words.iter().filter(|word| word.len() >= 3).collect();
                    words.sort_by_key(|word| (std::cmp::Reverse(word.len()), word.as_str()));
                    out.extend(words.iter().take(2).map(|word| hash_text(word)));
                });
            }
            FieldType::Domain => push(&alone, kind, &|value, out| out.push(value.sound.max(1))),
            FieldType::City | FieldType::Region => push(&alone, kind, &|value, out| out.push(value.sound)),
            FieldType::Text => {
                push(&alone, kind, &|value, out| out.push(value.id));
                push(&alone, kind + 1, &|value, out| {
                    // The rarest words of the text.
                    let mut words: Vec<(u64, f64)> = value.weights.clone();
                    words.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
                    out.extend(words.iter().take(6).map(|word| word.0));
                });
                push(&alone, kind + 2, &|value, out| out.push(prefix(&value.joined, 6)));
            }
            FieldType::GivenName
            | FieldType::FamilyName
            | FieldType::FullName
            | FieldType::Street
            | FieldType::Address
            | FieldType::Ignore => {}
            _ => push(&alone, kind, &|value, out| out.push(value.id)),
        }
    }
    // A slip in the only telling field: all forms of it with one letter less.
    if rows.columns.len() <= 4 {
        let telling = of(&[
            FieldType::NationalId,
            FieldType::Phone,
            FieldType::Company,
            FieldType::Email,
            FieldType::FamilyName,
        ]);
        for (number, column) in telling.into_iter().enumerate() {
            push(&[column], 512 + number as u64, &|value, out| deletions(&value.joined, out));
        }
    }
    families
}

/// The numbers under which whole words of texts and firms' names are marks.
fn marks_are_words(kind: u64) -> bool {
    (16..512).contains(&kind) && kind % 4 == 1
}

/// The text and all its forms with one letter less.
fn deletions(text: &str, out: &mut Vec<u64>) {
    let letters: Vec<char> = text.chars().collect();
    if !(4..=24).contains(&letters.len()) {
        out.push(hash_text(text));
        return;
    }
    out.push(hash_text(text));
    for without in 0..letters.len() {
        let form: String =
            letters.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, letter)| *letter).collect();
        out.push(hash_text(&form));
    }
}

fn prefix(text: &str, length: usize) -> u64 {
    hash_text(text.char_indices().nth(length).map_or(text, |(at, _)| &text[..at]))
}
