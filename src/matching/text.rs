//! Folding of text into comparable form; it knows letters, not meanings.

use std::borrow::Cow;
use std::cell::RefCell;

use unicode_normalization::UnicodeNormalization;

/// Longest text that is looked at: a megabyte in a name field is an attack or an accident.
const LONGEST: usize = 512;

/// Lower-case ASCII words with single spaces: `"  Müller-Lüdenscheidt, Ö."` becomes `"muller ludenscheidt o"`.
///
/// Other scripts are transliterated. `&` stays as a word of its own because firms' names hang on it.
pub(crate) fn fold(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii() && byte != b'&') {
        return fold_ascii(text.as_bytes());
    }
    let mut folded = String::with_capacity(text.len().min(LONGEST));
    let mut pending_space = false;
    let text = mended(text);
    let mut previous = ' ';
    for character in text.chars().take(LONGEST).nfkc() {
        // An apostrophe joins (O'Brien, D'Angelo); every other sign separates.
        if matches!(character, '\'' | '’' | 'ʼ' | 'ʹ' | '`' | '´' | '‘') {
            continue;
        }
        let before = std::mem::replace(&mut previous, character);
        if let Some(letters) = greek(before, character, &mut folded) {
            if pending_space && !folded.is_empty() {
                folded.push(' ');
            }
            pending_space = false;
            folded.push_str(letters);
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

/// The same for what needs no table.
fn fold_ascii(text: &[u8]) -> String {
    let mut folded = String::with_capacity(text.len().min(LONGEST));
    let mut pending_space = false;
    for byte in text.iter().take(LONGEST) {
        match byte {
            b'\'' | b'`' => {}
            byte if byte.is_ascii_alphanumeric() => {
                if pending_space && !folded.is_empty() {
                    folded.push(' ');
                }
                pending_space = false;
                folded.push(char::from(byte.to_ascii_lowercase()));
            }
            _ => pending_space = true,
        }
    }
    folded
}

/// Greek as Greeks write it in Latin letters; the letter-by-letter table would give `Georgioy` for Georgiou.
fn greek(before: char, character: char, folded: &mut String) -> Option<&'static str> {
    if !matches!(character, '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}') {
        return None;
    }
    // The accent of most letters is of no interest; a dialytika (ϊ) only keeps two vowels apart.
    let base = |c: char| std::iter::once(c).nfd().next().unwrap_or(c).to_lowercase().next().unwrap_or(c);
    let letters = match (base(before), base(character)) {
        ('ο', 'υ') => "u",
        ('α' | 'ε', 'υ') => "v",
        ('γ', 'γ' | 'ξ' | 'χ') if folded.ends_with('g') => {
            folded.pop();
            if base(character) == 'γ' { "ng" } else { "nx" }
        }
        ('μ', 'π') if folded.ends_with('m') && (folded.len() == 1 || folded.ends_with(" m")) => {
            folded.pop();
            "b"
        }
        ('ν', 'τ') if folded.ends_with('n') && (folded.len() == 1 || folded.ends_with(" n")) => {
            folded.pop();
            "d"
        }
        (_, 'α') => "a",
        (_, 'β') => "v",
        (_, 'γ') => "g",
        (_, 'δ') => "d",
        (_, 'ε') => "e",
        (_, 'ζ') => "z",
        (_, 'η' | 'ι') => "i",
        (_, 'θ') => "th",
        (_, 'κ') => "k",
        (_, 'λ') => "l",
        (_, 'μ') => "m",
        (_, 'ν') => "n",
        (_, 'ξ') => "x",
        (_, 'ο' | 'ω') => "o",
        (_, 'π') => "p",
        (_, 'ρ') => "r",
        (_, 'σ' | 'ς') => "s",
        (_, 'τ') => "t",
        (_, 'υ') => "y",
        (_, 'φ') => "f",
        (_, 'χ') => "ch",
        (_, 'ψ') => "ps",
        _ => return None,
    };
    Some(letters)
}

/// Undoes what exports do to text: HTML entities, UTF-8 read as Latin-1 (`MÃ¼ller`), invisible characters.
pub(crate) fn mended(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'&') {
        return Cow::Borrowed(text);
    }
    let cut = text.char_indices().nth(LONGEST * 4).map_or(text, |(at, _)| &text[..at]);
    let mut out = Cow::Borrowed(cut);
    if out.contains('&')
        && let Some(plain) = without_entities(&out)
    {
        out = Cow::Owned(plain);
    }
    // Some exports pass through the mistake twice.
    for _ in 0..2 {
        match latin_one_undone(&out) {
            Some(plain) => out = Cow::Owned(plain),
            None => break,
        }
    }
    if out.chars().any(is_invisible) {
        out = Cow::Owned(out.chars().filter(|c| !is_invisible(*c)).collect());
    }
    out
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

fn without_entities(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| entity(&rest[1..end]).map(|plain| (plain, end))) {
            Some((plain, end)) => {
                out.push_str(&plain);
                rest = &rest[end + 1..];
                found = true;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

fn entity(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).map(String::from);
    }
    let plain = match name {
        "amp" | "AMP" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" | "rsquo" | "lsquo" => "'",
        "nbsp" => " ",
        "ndash" | "mdash" => "-",
        "szlig" => "ß",
        "aelig" | "AElig" => "æ",
        "oelig" | "OElig" => "œ",
        "oslash" | "Oslash" => "ø",
        "eth" | "ETH" => "ð",
        "thorn" | "THORN" => "þ",
        _ => {
            let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
            let mark = match &name[1..] {
                "uml" => '\u{308}',
                "acute" => '\u{301}',
                "grave" => '\u{300}',
                "circ" => '\u{302}',
                "tilde" => '\u{303}',
                "cedil" => '\u{327}',
                "ring" => '\u{30a}',
                "caron" => '\u{30c}',
                _ => return None,
            };
            return Some([letter, mark].iter().collect());
        }
    };
    Some(plain.to_owned())
}

/// The text whose UTF-8 bytes were taken for single characters; `None` when that did not happen.
fn latin_one_undone(text: &str) -> Option<String> {
    if !text.chars().any(|c| ('\u{c2}'..='\u{f4}').contains(&c)) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(single_byte).collect::<Option<_>>()?;
    // Text that was right all along is practically never valid UTF-8 byte by byte.
    String::from_utf8(bytes).ok()
}

/// The byte that Windows-1252 or Latin-1 shows as this character.
fn single_byte(character: char) -> Option<u8> {
    const HIGH: &str = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";
    const BYTES: [u8; 27] = [
        0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8e, 0x91, 0x92, 0x93, 0x94,
        0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9e, 0x9f,
    ];
    let code = u32::from(character);
    if code < 256 {
        return Some(code as u8);
    }
    HIGH.chars().position(|c| c == character).map(|at| BYTES[at])
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
    let mut out: Vec<u8> = Vec::with_capacity(word.len());
    sound_into(word, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Whether two words sound the same, without a text for either.
pub(crate) fn sounds_alike(left: &str, right: &str) -> bool {
    thread_local! {
        static SOUNDS: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
    }
    SOUNDS.with_borrow_mut(|(one, other)| {
        one.clear();
        other.clear();
        sound_into(left, one);
        sound_into(right, other);
        one == other
    })
}

fn sound_into(word: &str, out: &mut Vec<u8>) {
    let letters = word.as_bytes();
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
            [b'd', b't'] => (b"t", 2),
            [b't', b'h', ..] => (b"t", 2),
            // Long vowels are written ō, ou, oh or oo.
            [b'o', b'u', ..] => (b"o", 2),
            [b'a' | b'o' | b'u' | b'e', b'h', next, ..] if !is_vowel(*next) => (&rest[..1], 2),
            [b'a' | b'o' | b'u' | b'e', b'h'] => (&rest[..1], 2),
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
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
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
    fn what_exports_did_is_undone() {
        for text in ["MÃ¼ller", "M&uuml;ller", "M&#252;ller", "M\u{200b}üller", "Mu\u{308}ller"] {
            assert_eq!(fold(text), "muller", "{text}");
        }
        assert_eq!(fold("Kozåk"), "kozak");
        assert_eq!(fold("Smith &amp; Sons"), "smith & sons");
        assert_eq!(fold("AT&T; Co"), "at & t co");
        assert_eq!(mended("Ŀ plain &nothing;"), "Ŀ plain &nothing;");
        assert_eq!(fold("Γεωργίου Μπέης"), "georgiou beis");
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
