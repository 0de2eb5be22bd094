//! Making record data safe to show: whatever a vendor's field holds, it stays data.
//!
//! Control characters, terminal escapes, bidi controls, tag characters and piles of combining marks become visible
//! escapes; nothing here ever drops text silently. Cutting to a width is the console's business.

use std::borrow::Cow;

/// At most this many combining marks in a row are shown as they are; a name needs two or three, an attack hundreds.
const MARKS: usize = 6;

/// The text with everything that could move a cursor, colour, reorder or hide shown as `\u{..}`.
///
/// Line breaks and tabs are shown as `⏎` and a blank, so the result is always one line.
pub fn clean(text: &str) -> Cow<'_, str> {
    let mut marks = 0;
    let harmless = text.chars().all(|c| {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        marks <= MARKS && !is_hostile(c)
    });
    if harmless {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let mut skipped = 0_usize;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS {
            skipped += 1;
            continue;
        }
        flush_marks(&mut shown, &mut skipped);
        match c {
            '\n' => shown.push('⏎'),
            '\r' => {}
            '\t' => shown.push(' '),
            c if is_hostile(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    flush_marks(&mut shown, &mut skipped);
    Cow::Owned(shown)
}

/// The text cleaned line by line, for places that show several lines.
pub fn clean_lines(text: &str) -> Vec<String> {
    text.lines().map(|line| clean(line).into_owned()).collect()
}

/// A text short enough for a row of the journal or a message: cut at `limit` characters, saying how much is left.
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}… ({} bytes in all)", &text[..at], text.len())),
    }
}

fn flush_marks(shown: &mut String, skipped: &mut usize) {
    if *skipped > 0 {
        shown.push_str(&format!("⟨+{skipped} marks⟩"));
        *skipped = 0;
    }
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x0610..=0x061A | 0x064B..=0x065F | 0x0E31 |
        0x0E34..=0x0E3A | 0x0E47..=0x0E4E | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

fn is_hostile(c: char) -> bool {
    let code = u32::from(c);
    c.is_control()
        || matches!(code,
            0x061C | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB |
            0xFE00..=0xFE0E | 0x0001_D173..=0x0001_D17A | 0x000E_0000..=0x000E_0FFF | 0xE000..=0xF8FF | 0x000F_0000..=0x0010_FFFF)
        // A joiner is needed inside emoji and Indic words, but alone it hides text: shown, not dropped.
        || code == 0x00AD
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["Zoë Ångström", "佐藤 花子", "Nguyễn Thị Minh", "O’Brien-Łukasz", "José (sales) 🙂"]
        {
            assert!(matches!(clean(name), Cow::Borrowed(_)), "{name}");
        }
    }

    #[test]
    fn escapes_and_bidi_become_visible() {
        assert_eq!(clean("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(clean("abc\u{202e}cba"), "abc\\u{202e}cba");
        assert_eq!(clean("a\nb\tc"), "a⏎b c");
        assert!(clean(&format!("e{}", "\u{301}".repeat(200))).contains("+194 marks"));
    }

    proptest! {
        #[test]
        fn nothing_hostile_survives(text in "\\PC*|.*") {
            let shown = clean(&text);
            prop_assert!(shown.chars().all(|c| !is_hostile(c)));
        }
    }
}
