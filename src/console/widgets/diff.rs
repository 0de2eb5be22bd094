//! What differs between two texts, word by word and inside words: the same pieces on both sides plain, the others
//! marked. Bounded: of megabytes only the beginning is compared, and only what a cell shows is laid out.

use std::borrow::Cow;

use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::console::text::{shown, span, width};
use crate::domain::text::clean;

/// Characters of each text that are compared; what lies behind is not looked at, and said to be cut.
const LOOKED: usize = 4_000;
/// Pairs of words that are compared at the most; beyond that the middle counts as changed whole.
const WORDS: usize = 200_000;
/// Pairs of letters that are compared within two words.
const LETTERS: usize = 10_000;

/// A piece of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its text, safe to draw.
    pub text: String,
    /// The other side does not have it here; an empty one keeps the place of what only the other side has.
    pub changed: bool,
}

/// The part of a text that is looked at, safe to draw.
fn looked(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LOOKED) {
        None => clean(text),
        Some((at, _)) => Cow::Owned(format!("{}…", clean(&text[..at]))),
    }
}

/// Both texts in pieces.
pub fn compare(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    // While the screen is shared, what is compared are pseudonyms: a piece of a value is found by nobody.
    let (left, right) = (shown(left), shown(right));
    let (left, right) = (looked(&left), looked(&right));
    let (a, b): (Vec<&str>, Vec<&str>) =
        (left.split_word_bounds().collect(), right.split_word_bounds().collect());
    let kept = common(&a, &b, WORDS);
    let (mut one, mut other) = (Pieces::default(), Pieces::default());
    let (mut at, mut to) = (0, 0);
    for (i, j) in kept.into_iter().chain([(a.len(), b.len())]) {
        within(&a[at..i], &b[to..j], &mut one, &mut other);
        if i < a.len() {
            one.push(a[i], false);
            other.push(b[j], false);
        }
        (at, to) = (i + 1, j + 1);
    }
    (one.0, other.0)
}

/// Two runs of words of which none is the other's: compared by letters where they are mostly alike.
fn within(a: &[&str], b: &[&str], one: &mut Pieces, other: &mut Pieces) {
    if a.is_empty() && b.is_empty() {
        return;
    }
    let (left, right) = (a.concat(), b.concat());
    if left.is_empty() || right.is_empty() {
        part(&left, &right, one, other);
        return;
    }
    let (x, y): (Vec<&str>, Vec<&str>) = (left.graphemes(true).collect(), right.graphemes(true).collect());
    let kept = if x.len() * y.len() <= LETTERS { common(&x, &y, LETTERS) } else { Vec::new() };
    // Letters that happen to be alike make two different words only harder to read.
    if kept.is_empty() || kept.len() * 2 < x.len().min(y.len()) || kept.len() * 3 < x.len().max(y.len()) {
        one.push(&left, true);
        other.push(&right, true);
        return;
    }
    let (mut at, mut to) = (0, 0);
    for (i, j) in kept.into_iter().chain([(x.len(), y.len())]) {
        part(&x[at..i].concat(), &y[to..j].concat(), one, other);
        if i < x.len() {
            one.push(x[i], false);
            other.push(y[j], false);
        }
        (at, to) = (i + 1, j + 1);
    }
}

/// What stands in the same place on both sides and is not alike; where a side has nothing, the place is kept.
fn part(left: &str, right: &str, one: &mut Pieces, other: &mut Pieces) {
    for (pieces, own, theirs) in [(one, left, right), (other, right, left)] {
        pieces.push(own, true);
        if own.is_empty() && !theirs.is_empty() {
            pieces.gap();
        }
    }
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn push(&mut self, text: &str, changed: bool) {
        if text.is_empty() {
            return;
        }
        self.add(text, changed);
    }

    /// The other side has something here that this one lacks.
    fn gap(&mut self) {
        if self.0.last().is_none_or(|last| !last.changed) {
            self.add("", true);
        }
    }

    fn add(&mut self, text: &str, changed: bool) {
        match self.0.last_mut() {
            Some(last) if last.changed == changed => last.text.push_str(text),
            _ => self.0.push(Piece { text: text.to_owned(), changed }),
        }
    }
}

/// Places of the longest common subsequence, in order. Its ends are walked first; what lies between is compared only
/// when that is at most `most` pairs.
#[expect(
    clippy::many_single_char_names,
    reason = "two texts and two places in them, as the algorithm is written down"
)]
fn common(a: &[&str], b: &[&str], most: usize) -> Vec<(usize, usize)> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut kept: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    if !x.is_empty() && !y.is_empty() && x.len().saturating_mul(y.len()) <= most {
        let wide = y.len() + 1;
        let mut longest = vec![0_u32; (x.len() + 1) * wide];
        for i in (0..x.len()).rev() {
            for j in (0..y.len()).rev() {
                longest[i * wide + j] = if x[i] == y[j] {
                    longest[(i + 1) * wide + j + 1] + 1
                } else {
                    longest[(i + 1) * wide + j].max(longest[i * wide + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < x.len() && j < y.len() {
            if x[i] == y[j] {
                kept.push((head + i, head + j));
                (i, j) = (i + 1, j + 1);
            } else if longest[(i + 1) * wide + j] >= longest[i * wide + j + 1] {
                i += 1;
            } else {
                j += 1;
            }
        }
    }
    kept.extend((0..tail).map(|at| (a.len() - tail + at, b.len() - tail + at)));
    kept
}

/// One side in lines of at most `cells`, at most `rows` of them; what is changed is underlined. A change that would lie
/// below them is brought into sight: the beginning gives way to `…`.
pub fn lay(pieces: &[Piece], cells: usize, rows: usize, style: Style) -> Vec<Vec<Span<'static>>> {
    let (cells, rows) = (cells.max(4), rows.max(1));
    let marked = style.add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
    let before: usize =
        pieces.iter().take_while(|piece| !piece.changed).map(|piece| width(&piece.text)).sum();
    let any = pieces.iter().any(|piece| piece.changed);
    // As much before the first change stays as fits in half of a line.
    let mut dropped = if any && before + 2 > cells * rows { before.saturating_sub(cells / 2) } else { 0 };
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    if dropped > 0 {
        lines[0].push(span("…", style));
        used = 1;
    }
    for piece in pieces {
        let style = if piece.changed { marked } else { style };
        for word in piece.text.split_word_bounds() {
            let wide = width(word);
            if dropped > 0 {
                dropped = dropped.saturating_sub(wide);
                continue;
            }
            if used + wide <= cells {
                lines.last_mut().expect("there is a first line").push(span(word.to_owned(), style));
                used += wide;
                continue;
            }
            let letters: Vec<&str> = if wide <= cells { vec![word] } else { word.graphemes(true).collect() };
            for letter in letters {
                let wide = width(letter);
                if used + wide > cells {
                    if lines.len() == rows {
                        end_with_dots(lines.last_mut().expect("there is a first line"), cells, style);
                        return lines;
                    }
                    lines.push(Vec::new());
                    used = 0;
                    if letter.trim().is_empty() {
                        continue;
                    }
                }
                lines.last_mut().expect("there is a first line").push(span(letter.to_owned(), style));
                used += wide;
            }
        }
    }
    lines
}

/// Cuts a line so that `…` fits at its end.
fn end_with_dots(line: &mut Vec<Span<'static>>, cells: usize, style: Style) {
    let mut used: usize = line.iter().map(|part| width(&part.content)).sum();
    while used + 1 > cells {
        let Some(last) = line.pop() else { break };
        let shorter = crate::console::text::cut_end(&last.content, width(&last.content).saturating_sub(1));
        let shorter = shorter.trim_end_matches('…').to_owned();
        used = used - width(&last.content) + width(&shorter);
        if !shorter.is_empty() {
            line.push(span(shorter, last.style));
        }
    }
    line.push(span("…", style));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .filter(|piece| !piece.text.is_empty())
            .map(|piece| if piece.changed { format!("[{}]", piece.text) } else { piece.text.clone() })
            .collect()
    }

    fn both(left: &str, right: &str) -> (String, String) {
        let (one, other) = compare(left, right);
        (marked(&one), marked(&other))
    }

    #[test]
    fn words_that_were_added_and_letters_that_changed_are_marked() {
        assert_eq!(
            both("VP Engineering", "VP of Engineering"),
            ("VP Engineering".into(), "VP [of ]Engineering".into())
        );
        assert_eq!(
            both("+1 415 555 0199", "+1 415 555 0100"),
            ("+1 415 555 01[99]".into(), "+1 415 555 01[00]".into())
        );
        assert_eq!(both("MQL", "lead"), ("[MQL]".into(), "[lead]".into()));
        assert_eq!(both("", "lead"), (String::new(), "[lead]".into()));
        assert_eq!(both("same", "same"), ("same".into(), "same".into()));
    }

    #[test]
    fn graphemes_stay_whole_and_escapes_are_shown() {
        assert_eq!(both("Zoe\u{301}", "Zoe"), ("Zo[e\u{301}]".into(), "Zo[e]".into()));
        let (left, _) = both("a\u{1b}[31m", "a");
        assert!(!left.contains('\u{1b}'), "{left}");
    }

    #[test]
    fn megabytes_are_compared_at_their_beginning_only() {
        let (long, other) = ("word ".repeat(1_000_000), "ward ".repeat(1_000_000));
        let (left, right) = compare(&long, &other);
        let letters = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.len()).sum::<usize>();
        assert!(letters(&left) <= 2 * LOOKED && letters(&right) <= 2 * LOOKED);
        assert!(left.iter().any(|piece| piece.changed));
    }

    #[test]
    fn a_change_far_behind_is_brought_into_sight() {
        let same = "the same words again and ".repeat(20);
        let (left, _) = compare(&format!("{same}here"), &format!("{same}there"));
        let lines = lay(&left, 20, 2, Style::default());
        let text: String = lines.iter().flatten().map(|part| part.content.to_string()).collect();
        assert!(text.starts_with('…') && text.ends_with("here"), "{text}");
        assert!(lines.iter().all(|line| line.iter().map(|part| width(&part.content)).sum::<usize>() <= 20));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_unmarked_text_is_common(left in ".{0,40}", right in ".{0,40}") {
            let (one, other) = compare(&left, &right);
            let whole = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
            let same = |pieces: &[Piece]| {
                pieces.iter().filter(|piece| !piece.changed).map(|piece| piece.text.as_str()).collect::<String>()
            };
            prop_assert_eq!(whole(&one), clean(&left).into_owned());
            prop_assert_eq!(whole(&other), clean(&right).into_owned());
            prop_assert_eq!(same(&one), same(&other));
        }

        #[test]
        fn lines_are_no_wider_and_no_more_than_asked(left in ".{0,60}", right in ".{0,60}", cells in 4_usize..30, rows in 1_usize..4) {
            let (one, _) = compare(&left, &right);
            let lines = lay(&one, cells, rows, Style::default());
            prop_assert!(lines.len() <= rows);
            for line in lines {
                prop_assert!(line.iter().map(|part| width(&part.content)).sum::<usize>() <= cells);
            }
        }
    }
}
