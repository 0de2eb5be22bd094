//! The keys under which people are looked for: any key in common makes two records a pair worth comparing. Keys are
//! cheap and many, each covering a kind of noise that the others miss. It never looks at weights.

use crate::matching::hashing::{combine, hash_text};
use crate::matching::prepare::{Side, Statistics};

/// All keys of one record.
pub(crate) fn keys_of(side: Side<'_>, statistics: &Statistics, out: &mut Vec<u64>) {
    let mut add = |kind: u64, parts: &[u64]| {
        if parts.iter().all(|part| *part != 0) {
            out.push(parts.iter().fold(combine(0x5eed, kind), |state, part| combine(state, *part)));
        }
    };
    let name = side.name();
    let nameless = side.is_nameless();
    let mut stems: Vec<u64> = Vec::with_capacity(3);
    for domain in side.work_domains(statistics) {
        stems.push(domain.stem_id());
    }
    let company = side.company();
    stems.push(company.id());
    // Spelling slips and dropped last words of a firm: its first six letters stand in for it.
    let company_prefix = company.joined.get(..6).map_or(0, hash_text);
    stems.sort_unstable();
    stems.dedup();
    stems.retain(|stem| *stem != 0);
    for mailbox in side.mailboxes() {
        add(1, &[mailbox.id]);
        if !mailbox.role && mailbox.local.len() >= 5 {
            add(7, &[hash_text(&mailbox.local)]);
        }
        if !mailbox.role {
            if mailbox.letters.len() >= 8 {
                // A slip in the first letters leaves the last ones alone.
                add(17, &[hash_text(&mailbox.letters[mailbox.letters.len() - 5..]), mailbox.domain.id()]);
            }
            add(
                13,
                &[hash_text(&sorted_letters(&mailbox.letters)), hash_text(prefix(&mailbox.domain.host, 4))],
            );
            if mailbox.domain.is_corporate() {
                add(11, &[hash_text(&mailbox.letters), mailbox.domain.stem_id()]);
                add(8, &[hash_text(prefix(&mailbox.letters, 4)), mailbox.domain.stem_id()]);
            } else {
                add(14, &[hash_text(prefix(&mailbox.local, 5)), mailbox.domain.id()]);
            }
            if !company.is_missing() {
                add(11, &[hash_text(&mailbox.letters), company.id()]);
            }
        }
    }
    for phone in side.phones() {
        add(2, &[phone.tail_id()]);
    }
    // Whatever else is missing: records that are equal in every field must meet.
    add(15, &[side.row.identity]);
    if nameless {
        return;
    }
    let (given, family) = (name.given_id(), name.family_id());
    let initial = name.given.first().map_or(0, |word| hash_text(prefix(word, 1)));
    let family_prefix = name.family_sounds.first().map_or(0, |word| hash_text(prefix(word, 3)));
    let given_prefix = hash_text(prefix(&name.given_sound, 3));
    for stem in &stems {
        add(3, &[name.id, *stem]);
        for sound in &name.family_sounds {
            add(5, &[hash_text(sound), *stem]);
        }
        add(6, &[given, *stem]);
        add(9, &[family_prefix, initial, *stem]);
        // What the mailbox of this person would look like at that firm.
        let joined = name.family.concat();
        if let (Some(first), false) = (name.given.first(), joined.is_empty()) {
            add(11, &[hash_text(&format!("{first}{joined}")), *stem]);
            add(11, &[hash_text(&format!("{}{joined}", prefix(first, 1))), *stem]);
            add(11, &[hash_text(&format!("{joined}{}", prefix(first, 1))), *stem]);
        }
        if let Some(first) = name.given.first() {
            add(11, &[hash_text(first), *stem]);
        }
    }
    add(6, &[given, company_prefix]);
    add(5, &[family, company_prefix]);
    add(4, &[name.id, side.city().id]);
    // A swapped pair shares the sum of its two sounds.
    add(10, &[given.wrapping_add(family).max(1), u64::from(name.is_full())]);
    if name.is_full() {
        add(
            16,
            &[
                family_prefix.wrapping_add(given_prefix).max(1),
                side.city().id.max(u64::from(side.row.country)),
            ],
        );
        let letters = format!("{}{}", name.given.concat(), name.family.concat());
        add(7, &[hash_text(&letters)]);
    } else {
        add(12, &[name.id, side.city().id.max(u64::from(side.row.country))]);
    }
}

fn prefix(text: &str, length: usize) -> &str {
    text.char_indices().nth(length).map_or(text, |(at, _)| &text[..at])
}

fn sorted_letters(letters: &str) -> String {
    let mut sorted: Vec<u8> = letters.bytes().collect();
    sorted.sort_unstable();
    String::from_utf8(sorted).unwrap_or_default()
}
