//! Reads names as people and forms write them: titles, suffixes, notes, "Last, First", one field or two,
//! Intercom's invented names. It guesses the split, never the gender or the nationality.

use super::hashing::{combine, hash_text};
use super::lists::lists;
use super::text::{fold, is_hangul, is_ideograph, mended, sound};

/// A name in comparable form. Both lists empty means "no name".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PersonName {
    /// Folded given names, the first being the one that counts.
    pub(crate) given: Vec<String>,
    /// Folded family names without particles.
    pub(crate) family: Vec<String>,
    /// Sound of the first given name.
    pub(crate) given_sound: String,
    /// Sounds of the family names.
    pub(crate) family_sounds: Vec<String>,
    /// Identity of the set of words, whatever their order.
    pub(crate) id: u64,
    /// Written in a script whose Latin spelling cannot be derived (Han, Kana, Hangul).
    pub(crate) native: bool,
    /// The field named a function ("Accounts Payable"), not a person.
    pub(crate) role: bool,
    /// The field held a test word ("test user", "asdf").
    pub(crate) test: bool,
    /// What stood in the fields, for display.
    pub(crate) shown: String,
}

impl PersonName {
    /// Whether nothing is known.
    pub(crate) fn is_missing(&self) -> bool {
        self.given.is_empty() && self.family.is_empty()
    }

    /// Whether both parts are known and more than initials.
    pub(crate) fn is_full(&self) -> bool {
        self.given.first().is_some_and(|word| word.len() > 1)
            && self.family.first().is_some_and(|word| word.len() > 1)
    }

    /// Identity of the first given name's sound; 0 when unknown or only an initial.
    pub(crate) fn given_id(&self) -> u64 {
        if self.given.first().is_some_and(|word| word.len() > 1) { hash_text(&self.given_sound) } else { 0 }
    }

    /// Identity of the sound of the last family name; 0 when unknown or only an initial.
    pub(crate) fn family_id(&self) -> u64 {
        self.family_sounds.first().filter(|word| word.len() > 1).map_or(0, |word| hash_text(word))
    }

    /// Reads a name from one field or two. `invented` says that the system makes up names for strangers.
    pub(crate) fn parse(whole: &str, given: &str, family: &str, invented: bool) -> Self {
        let (whole, given, family) = (&*mended(whole), &*mended(given), &*mended(family));
        let mut given_words = words_of(given, false);
        let mut family_words = words_of(family, false);
        let mut shown = format!("{} {}", given.trim(), family.trim()).trim().to_owned();
        let native = [whole, given, family].iter().any(|text| text.chars().any(is_native));
        let mut single = String::new();
        if given_words.is_empty() && family_words.is_empty() {
            whole.clone_into(&mut single);
        } else if family_words.is_empty() && given_words.len() > 1 {
            given.clone_into(&mut single);
        } else if given_words.is_empty() && family_words.len() > 1 {
            family.clone_into(&mut single);
        }
        if !single.is_empty() {
            whole.trim().clone_into(&mut shown);
            if shown.is_empty() {
                single.trim().clone_into(&mut shown);
            }
            (given_words, family_words) = split_single(&single, native);
        }
        let mut given_words = exploded(&given_words);
        let mut family_words = exploded(&without_particles(family_words));
        // "Customer / Silva": a word for anybody is no given name.
        if !family_words.is_empty() && lists().is_no_name(&given_words.join(" ")) {
            given_words.clear();
        }
        // The whole name once more in one of the two fields ("Ada" / "Ada King").
        if family_words.len() > 1 && given_words.len() == 1 && family_words.first() == given_words.first() {
            family_words.remove(0);
        }
        let all: Vec<&str> = given_words.iter().chain(&family_words).map(String::as_str).collect();
        let lists = lists();
        let joined = all.join(" ");
        let test = !all.is_empty()
            && all.iter().all(|word| {
                matches!(
                    *word,
                    "test" | "tester" | "testing" | "demo" | "asdf" | "qwerty" | "foo" | "bar" | "dummy"
                ) || matches!(*word, "user" | "account" | "contact" | "lead")
            })
            && !matches!(joined.as_str(), "user" | "account" | "contact" | "lead");
        let role = !all.is_empty() && all.iter().all(|word| lists.is_role_word(word) || *word == "and");
        if all.is_empty()
            || role
            || test
            || lists.is_no_name(&joined)
            || all.iter().all(|word| lists.is_no_name(word))
            || is_invented(&all, invented)
            || all.iter().all(|word| word.len() == 1 && all.len() == 1)
        {
            return Self { role, test, shown, ..Self::default() };
        }
        given_words.retain(|word| !word.is_empty());
        family_words.retain(|word| !word.is_empty());
        let mut name =
            Self { given: given_words, family: family_words, native, shown, role, test, ..Self::default() };
        name.given_sound = name.given.first().map(|word| sound(word)).unwrap_or_default();
        name.family_sounds = name.family.iter().map(|word| sound(word)).collect();
        let mut sorted: Vec<&str> = name.given.iter().chain(&name.family).map(String::as_str).collect();
        sorted.sort_unstable();
        name.id = sorted.iter().fold(1, |state, word| combine(state, hash_text(word)));
        name
    }
}

fn is_native(character: char) -> bool {
    is_ideograph(character) || is_hangul(character) || matches!(character, '\u{3040}'..='\u{30ff}')
}

/// Words of one field, dress removed; empty for a placeholder. Parts joined by a hyphen stay one entry with a
/// space in it (`hans peter`), so that the place where given names end is not lost.
///
/// `whole` says that the field holds the whole name, whose last word may be the initial of the family name.
fn words_of(field: &str, whole: bool) -> Vec<String> {
    let lists = lists();
    let bare = without_notes(field);
    let folded = fold(&bare);
    if folded.is_empty() || lists.is_placeholder(&folded) {
        return Vec::new();
    }
    let mut words: Vec<String> = Vec::new();
    for token in bare.split_whitespace() {
        let parts: Vec<String> = token.split(['-', '\u{2010}', '\u{2011}']).map(fold).collect();
        if parts.len() > 1 && parts.iter().all(|part| !part.is_empty() && !part.contains(' ')) {
            words.push(parts.join(" "));
        } else {
            words.extend(fold(token).split(' ').filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    words.retain(|word| !word.chars().any(|c| c.is_ascii_digit()) && word != "&");
    let dress = |word: &String| word.split(' ').all(|part| lists.is_before_name(part));
    while words.len() > 1 && dress(&words[0]) {
        words.remove(0);
    }
    // "King Mr" and "Ada Dr." in a family field.
    while words.len() > 1
        && words.last().is_some_and(|word| {
            word.split(' ').all(|part| lists.is_after_name(part) || lists.is_pronoun(part))
        })
    {
        words.pop();
    }
    if words.len() == 1 && dress(&words[0]) && words[0].len() > 1 && !lists.is_given_name(&words[0]) {
        words.clear();
    }
    // A middle initial is noise; a first initial is all there is, and so is that of the family name.
    let last = words.len();
    let mut position = 0;
    words.retain(|word| {
        position += 1;
        position == 1 || word.len() > 1 || (whole && position == last)
    });
    words
}

/// The single words of entries that may be hyphenated.
fn exploded(entries: &[String]) -> Vec<String> {
    entries.iter().flat_map(|entry| entry.split(' ')).map(str::to_owned).collect()
}

/// Drops what stands in brackets or quotes, and notes behind a dash or bar.
fn without_notes(field: &str) -> String {
    if field.contains('@') {
        return String::new();
    }
    let mut out = String::with_capacity(field.len().min(512));
    let mut depth = 0_usize;
    for character in field.chars().take(512) {
        match character {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            '"' | '“' | '”' | '„' => depth = usize::from(depth == 0),
            _ if depth == 0 => out.push(character),
            _ => {}
        }
    }
    // Most names hold none of these signs, and looking for each costs more than all the rest.
    if !out.bytes().any(|byte| matches!(byte, b'-' | b'|' | b'/' | b'*') || !byte.is_ascii()) {
        return out;
    }
    for mark in [" - ", " – ", " — ", "|", "/", "*", "//"] {
        if let Some((before, _)) = out.split_once(mark)
            && before.chars().any(char::is_alphabetic)
        {
            out = before.to_owned();
        }
    }
    out
}

fn split_single(text: &str, native: bool) -> (Vec<String>, Vec<String>) {
    let lists = lists();
    let bare = without_notes(text);
    if let Some((before, after)) = bare.split_once(',') {
        let (family, given) = (words_of(before, false), words_of(after, false));
        let only = |test: fn(&str) -> bool| {
            let after = fold(after);
            after.split(' ').any(test) && after.split(' ').all(|word| test(word) || word.len() == 1)
        };
        if only(|word| super::lists::lists().is_after_name(word)) {
            return split_words(family);
        }
        if only(|word| super::lists::lists().is_particle(word)) {
            return split_words(family);
        }
        if !given.is_empty() && !family.is_empty() {
            return (given, family);
        }
        if given.is_empty() {
            return split_words(family);
        }
    }
    let mut words = words_of(&bare, true);
    if native {
        // East Asian scripts write the family name first; three glued Hangul syllables are one plus two.
        let compact: Vec<char> = bare.chars().filter(|c| !c.is_whitespace()).collect();
        if words.len() == 1 && compact.len() == 3 && compact.iter().all(|c| is_hangul(*c)) {
            let family = fold(&compact[..1].iter().collect::<String>());
            let given = fold(&compact[1..].iter().collect::<String>());
            return (vec![given], vec![family]);
        }
        if words.len() > 1 {
            let family = vec![words.remove(0)];
            return (vec![words.concat()], family);
        }
    }
    while words.len() > 2 && lists.is_pronoun(&words[words.len() - 1]) {
        words.pop();
    }
    split_words(words)
}

fn split_words(mut words: Vec<String>) -> (Vec<String>, Vec<String>) {
    if words.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let given = vec![words.remove(0)];
    (given, words)
}

fn without_particles(words: Vec<String>) -> Vec<String> {
    let lists = lists();
    let particle = |entry: &String| entry.split(' ').all(|word| lists.is_particle(word));
    if words.iter().all(particle) {
        return words;
    }
    // "Al-Sayed" and "Sayed" are one name.
    let bare = |entry: String| match entry.split_once(' ') {
        Some((first, rest)) if lists.is_particle(first) && !lists.is_particle(rest) => rest.to_owned(),
        _ => entry,
    };
    words.into_iter().filter(|entry| !particle(entry)).map(bare).collect()
}

fn is_invented(words: &[&str], invented: bool) -> bool {
    let lists = lists();
    match words {
        // "from" is a word of its own only in invented names.
        [colour, _, "from", ..] => lists.is_colour(colour),
        [colour, thing] => invented && lists.is_colour(colour) && lists.is_thing(thing),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(whole: &str, given: &str, family: &str) -> (String, String) {
        let name = PersonName::parse(whole, given, family, true);
        (name.given.join(" "), name.family.join(" "))
    }

    fn pair(given: &str, family: &str) -> (String, String) {
        (given.to_owned(), family.to_owned())
    }

    #[test]
    fn dress_is_removed() {
        assert_eq!(read("", "Dr. Ada M.", "King-Noël Jr."), pair("ada", "king noel"));
        assert_eq!(read("", "Ada", "King - DO NOT CALL"), pair("ada", "king"));
        assert_eq!(read("", "Ada (she/her)", "van der King"), pair("ada", "king"));
        assert_eq!(read("Ada \"Addie\" King", "", ""), pair("ada", "king"));
        assert_eq!(read("", "Ada", "[not provided]"), pair("ada", ""));
        assert_eq!(read("", "Mrs", "King"), pair("", "king"));
    }

    #[test]
    fn one_field_is_split() {
        assert_eq!(read("King, Ada", "", ""), pair("ada", "king"));
        assert_eq!(read("Ada van der King", "", ""), pair("ada", "king"));
        assert_eq!(read("", "", "Ada King"), pair("ada", "king"));
        assert_eq!(read("", "Ada", "Ada King"), pair("ada", "king"));
        assert_eq!(read("김민준", "", ""), read("", "민준", "김"));
        assert_eq!(read("Ada King, PhD", "", ""), pair("ada", "king"));
    }

    #[test]
    fn placeholders_and_invented_names_are_missing() {
        for text in [
            "-",
            "Unknown",
            "n/a",
            "ada@bigoak.com",
            "Teal Falcon from Lyon",
            "Teal Falcon",
            "12345",
            "Accounts",
        ] {
            assert!(PersonName::parse(text, "", "", true).is_missing(), "{text}");
        }
        assert!(!PersonName::parse("Ruby Fox", "", "", false).is_missing());
        assert!(PersonName::parse("Accounts Payable", "", "", false).role);
        assert!(PersonName::parse("Test User", "", "", false).test);
    }

    #[test]
    fn word_order_does_not_change_the_identity() {
        let one = PersonName::parse("", "Ada", "King", false);
        let other = PersonName::parse("", "King", "Ada", false);
        assert_eq!(one.id, other.id);
    }
}
