//! Text on a grid of cells: measured by display width, cut at grapheme borders, ages in two or three cells.
//!
//! Everything that reaches a cell goes through [`put`], which cleans it: record data can never move the cursor.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::mask;
use crate::domain::clock::Timestamp;
use crate::domain::text::clean;

/// The text as it may be drawn: harmless, and while the screen is shared without what is personal. Whole texts come
/// here before they are measured or cut, so that no half of a name is left over.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let Some(veil) = mask::drawn_under() else { return clean(text) };
    match veil.hide(text) {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => Cow::Owned(clean(&text).into_owned()),
    }
}

/// How many cells a text takes, once cleaned.
pub fn width(text: &str) -> usize {
    shown(text).width()
}

/// The text cleaned and cut at its end to `limit` cells, with `…` where something is missing.
pub fn cut_end(text: &str, limit: usize) -> String {
    let text = shown(text);
    if text.width() <= limit {
        return text.into_owned();
    }
    let mut short = head(&text, limit.saturating_sub(1));
    if limit > 0 {
        short.push('…');
    }
    short
}

/// The text cleaned and cut in its middle, for ids and e-mails, whose two ends both tell something.
pub fn cut_middle(text: &str, limit: usize) -> String {
    let text = shown(text);
    if text.width() <= limit {
        return text.into_owned();
    }
    if limit < 4 {
        return cut_end(&text, limit);
    }
    let left = limit.div_ceil(2) - 1;
    let right = limit - 1 - left;
    let mut tail: Vec<&str> = Vec::new();
    let mut used = 0;
    for grapheme in text.graphemes(true).rev() {
        used += grapheme.width();
        if used > right {
            break;
        }
        tail.push(grapheme);
    }
    tail.reverse();
    format!("{}…{}", head(&text, left), tail.concat())
}

/// The path cleaned and cut to `limit` cells: what it ends with tells most, down to its last two parts.
pub fn cut_path(text: &str, limit: usize) -> String {
    let whole = shown(text);
    let mut rest: &str = &whole;
    while rest.width() + usize::from(rest.len() < whole.len()) > limit && rest.matches('/').count() > 2 {
        let next = rest.char_indices().skip(1).find(|(_, letter)| *letter == '/');
        rest = next.map_or("", |(at, _)| &rest[at..]);
    }
    if rest.len() == whole.len() || rest.width() + 1 > limit {
        return cut_middle(&whole, limit);
    }
    format!("…{rest}")
}

fn head(text: &str, limit: usize) -> String {
    let mut used = 0;
    text.graphemes(true)
        .take_while(|grapheme| {
            used += grapheme.width();
            used <= limit
        })
        .collect()
}

/// The text cut to `cells` and filled with blanks at its right.
pub fn left(text: &str, cells: usize) -> String {
    let mut shown = cut_end(text, cells);
    shown.push_str(&" ".repeat(cells.saturating_sub(shown.width())));
    shown
}

/// The text cut to `cells` and filled with blanks at its left.
pub fn right(text: &str, cells: usize) -> String {
    let shown = cut_end(text, cells);
    format!("{}{shown}", " ".repeat(cells.saturating_sub(shown.width())))
}

/// The text broken at blanks into lines of at most `cells`; a longer word is broken inside.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    // A name may go over the end of a line.
    let veil = mask::drawn_under();
    let text = veil.as_ref().map_or(Cow::Borrowed(text), |veil| veil.hide(text));
    for paragraph in text.lines() {
        let paragraph = clean(paragraph);
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + word.width() <= cells {
                if gap == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            let mut used = 0;
            for grapheme in word.graphemes(true) {
                if used + grapheme.width() > cells && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                used += grapheme.width();
                line.push_str(grapheme);
            }
        }
        lines.push(line);
    }
    lines
}

/// The same, at most so many lines: the last one says that more was said.
pub fn wrap_most(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines = wrap(text, cells);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept = last.trim_end_matches(['.', ',', ';', ':', ' ']).to_owned();
            *last = format!("{}…", head(&kept, cells.saturating_sub(1)));
        }
    }
    lines
}

/// What columns of these natural widths get of `room` cells: theirs, or the widest give way first, evenly.
pub fn fair(natural: &[usize], room: usize) -> Vec<usize> {
    let mut most = natural.iter().copied().max().unwrap_or(0);
    let sum = |most: usize| natural.iter().map(|cells| (*cells).min(most)).sum::<usize>();
    while most > 1 && sum(most) > room {
        most -= 1;
    }
    let mut left = room.saturating_sub(sum(most));
    natural
        .iter()
        .map(|cells| {
            let more = usize::from(*cells > most && left > 0);
            left -= more;
            (*cells).min(most) + more
        })
        .collect()
}

/// Paints one line, cleaned and cut to `cells`, with `…` where words are missing at its end; whatever lies outside the
/// buffer is left out.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, cells: u16, line: &Line<'_>) {
    let area = buffer.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return;
    }
    let end = x.saturating_add(cells).min(area.right());
    let mut at = x;
    let mut missing = false;
    for span in line.iter() {
        let shown = shown(&span.content);
        let rest = usize::from(end.saturating_sub(at));
        // Of blanks and rules nothing is missed.
        missing = missing
            || (shown.width() > rest && head_left(&shown, rest).chars().any(|c| c != ' ' && c != '─'));
        if rest == 0 {
            continue;
        }
        let style = line.style.patch(span.style);
        let inner = shown.trim_matches(' ');
        if inner.is_empty() || !style.add_modifier.contains(Modifier::UNDERLINED) {
            (at, _) = buffer.set_stringn(at, y, &shown, rest, style);
            continue;
        }
        // Where a key is underlined, the blanks around it are not.
        let plain = style.remove_modifier(Modifier::UNDERLINED);
        let before = shown.len() - shown.trim_start_matches(' ').len();
        for (part, style) in
            [(&shown[..before], plain), (inner, style), (&shown[before + inner.len()..], plain)]
        {
            (at, _) = buffer.set_stringn(at, y, part, usize::from(end.saturating_sub(at)), style);
        }
    }
    // A cell or two is a glyph's place, not a text's.
    if missing && end.saturating_sub(x) > 3 {
        if end >= 2 && buffer[(end - 2, y)].symbol().width() > 1 {
            buffer[(end - 2, y)].set_symbol(" ");
        }
        buffer[(end - 1, y)].set_symbol("…");
    }
}

/// What is left of a text behind its first `limit` cells.
fn head_left(text: &str, limit: usize) -> &str {
    &text[head(text, limit).len()..]
}

/// Patches the style of an area, clipped to the buffer.
pub fn tint(buffer: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buffer.area);
    buffer.set_style(area, style);
}

/// Empties an area: blanks in `style`.
pub fn wipe(buffer: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buffer[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// A span that owns its text.
pub fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// How long ago, in at most three cells: `42s`, `3m`, `5h`, `2d`, `3y`.
pub fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// How far ahead: `in 42 s`, `in 3 min`; `now` when it is due.
pub fn ahead(now: Timestamp, at: Timestamp) -> String {
    let seconds = (at.since(now).max(0) + 999) / 1000;
    match seconds {
        0 => "now".to_owned(),
        1..100 => format!("in {seconds} s"),
        100..6_000 => format!("in {} min", seconds / 60),
        6_000..172_800 => format!("in {} h", seconds / 3_600),
        _ => format!("in {} d", seconds / 86_400),
    }
}

/// A count with a comma at every thousand.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 record`, `3 records`.
pub fn counted(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ages_are_short_and_the_future_has_a_preposition() {
        let now = Timestamp(1_000_000_000);
        let shown: Vec<String> = [0, 59, 60, 3_599, 3_600, 86_400, 31_536_000]
            .iter()
            .map(|seconds| age(now, Timestamp(now.0 - seconds * 1000)))
            .collect();
        assert_eq!(shown, ["0s", "59s", "1m", "59m", "1h", "1d", "1y"]);
        assert_eq!(ahead(now, Timestamp(now.0 + 41_200)), "in 42 s");
        assert_eq!(ahead(now, Timestamp(now.0 - 5)), "now");
    }

    #[test]
    fn cutting_counts_cells_and_keeps_graphemes_whole() {
        assert_eq!(cut_end("佐藤 花子", 5), "佐藤…");
        assert_eq!(cut_end("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut_middle("jane.doe@acme.example.com", 11), "jane.…e.com");
        assert_eq!(cut_path("/crm/v3/objects/contacts/301673", 20), "…/contacts/301673");
        assert_eq!(cut_path("/crm/v3/objects/contacts/301673", 12), "/crm/…301673");
        assert_eq!(cut_path("/contacts/6b02", 20), "/contacts/6b02");
        assert_eq!(thousands(1_298), "1,298");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn columns_share_what_there_is_and_words_that_are_left_out_are_hinted_at() {
        assert_eq!(fair(&[5, 8, 3], 20), [5, 8, 3]);
        assert_eq!(fair(&[5, 30, 30], 25), [5, 10, 10]);
        assert_eq!(fair(&[5, 30, 30], 26), [5, 11, 10]);
        assert_eq!(wrap_most("one two, three four", 8, 1), ["one two…"]);
        assert_eq!(wrap_most("one two", 8, 1), ["one two"]);
    }

    fn painted(cells: u16, line: &Line<'_>) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        put(&mut buffer, 0, 0, cells, line);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn a_line_that_does_not_fit_says_so_unless_nothing_is_missed() {
        let line = Line::from(vec![span("two ", Style::new()), span("words more", Style::new())]);
        assert_eq!(painted(12, &line), "two words m…");
        assert_eq!(painted(8, &line), "two wor…");
        assert_eq!(painted(4, &line), "two…");
        assert_eq!(painted(6, &Line::raw("worn    ")), "worn");
        assert_eq!(painted(6, &Line::raw("a ────────")), "a ────");
        assert_eq!(painted(6, &Line::raw("佐藤花子")), "佐 藤  …");
    }

    proptest! {
        #[test]
        fn nothing_cut_or_wrapped_is_wider_than_asked(text in ".*", limit in 2_usize..40) {
            prop_assert!(cut_end(&text, limit).width() <= limit);
            prop_assert!(cut_middle(&text, limit).width() <= limit);
            prop_assert!(cut_path(&text, limit).width() <= limit);
            let path = ["/a/", &text, "/b/c"].concat();
            prop_assert!(cut_path(&path, limit).width() <= limit);
            prop_assert!(wrap(&text, limit).iter().all(|line| line.width() <= limit));
        }
    }
}
