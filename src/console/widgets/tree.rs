//! A JSON text as a tree that folds: a container's members are looked for when it is opened, a line is built when it is
//! drawn. A text of megabytes costs a look at its outermost members.
//!
//! Everything shown is a slice of the text as it came: numbers keep their digits, keys their order, strings their
//! escapes. What is no JSON is shown as its lines.

use ratatui::text::{Line, Span};

use crate::console::text::{cut_end, span};
use crate::console::theme::Theme;

/// A container of at most so many bytes is open at first.
const SMALL: usize = 4_096;
/// And not deeper than this.
const DEEP: u16 = 6;
/// Letters of one line of a long text that is unfolded, or of a text that is no JSON.
const CHUNK: usize = 96;
/// Lines of a text that is no JSON.
const LINES: usize = 5_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Leaf,
    Plain,
}

#[derive(Debug, Clone)]
struct Node {
    key: Option<(usize, usize)>,
    value: (usize, usize),
    depth: u16,
    kind: Kind,
    open: bool,
    last: bool,
    members: Option<Vec<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Close,
    /// A piece of a long leaf: from, to.
    Piece(usize, usize),
}

/// The tree of one text.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    text: String,
    nodes: Vec<Node>,
    rows: Vec<(usize, Part)>,
}

impl Tree {
    /// The tree of a text; its small parts are open.
    pub fn new(text: &str) -> Self {
        let mut tree = Self { text: text.to_owned(), ..Self::default() };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return tree;
        }
        let from = text.len() - text.trim_start().len();
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            tree.plain();
            return tree;
        }
        let root = tree.node(None, (from, from + trimmed.len()), 0, true);
        tree.unfold_small(root);
        tree.lay_out();
        tree
    }

    /// How many lines are visible.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// There is nothing to show.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether a line can be folded or unfolded, and is unfolded.
    pub fn is_open(&self, row: usize) -> Option<bool> {
        let (node, part) = *self.rows.get(row)?;
        let node = &self.nodes[node];
        let foldable = match node.kind {
            Kind::Object | Kind::Array => true,
            Kind::Leaf => node.value.1 - node.value.0 > CHUNK,
            Kind::Plain => false,
        };
        (foldable && part == Part::Head).then_some(node.open)
    }

    /// Folds or unfolds the part a line belongs to; the line it is on then.
    pub fn toggle(&mut self, row: usize) -> Option<usize> {
        let (node, _) = *self.rows.get(row)?;
        if self.nodes[node].kind == Kind::Plain {
            return None;
        }
        if self.nodes[node].open {
            self.nodes[node].open = false;
        } else {
            self.open(node);
        }
        self.lay_out();
        self.rows.iter().position(|(at, part)| *at == node && *part == Part::Head)
    }

    /// The whole text of the value on a line, for the clipboard.
    pub fn value(&self, row: usize) -> Option<&str> {
        let (node, _) = *self.rows.get(row)?;
        let (from, to) = self.nodes[node].value;
        self.text.get(from..to)
    }

    /// One line.
    pub fn line(&self, theme: &Theme, row: usize, cells: usize) -> Line<'static> {
        let Some((at, part)) = self.rows.get(row).copied() else { return Line::default() };
        let node = &self.nodes[at];
        let pad = " ".repeat(usize::from(node.depth) * 2);
        let mut spans: Vec<Span<'static>> = vec![span(pad.clone(), theme.text)];
        let room = |spans: &[Span<'_>]| cells.saturating_sub(spans.iter().map(Span::width).sum());
        match part {
            Part::Close => {
                let close = if node.kind == Kind::Object { "}" } else { "]" };
                spans.push(span(format!("{close}{}", comma(node)), theme.muted));
                return Line::from(spans);
            }
            Part::Piece(from, to) => {
                let piece = self.text.get(from..to).unwrap_or_default();
                if node.kind != Kind::Plain {
                    spans.push(span("    ", theme.text));
                }
                spans.push(span(cut_end(piece, room(&spans)), theme.text));
                return Line::from(spans);
            }
            Part::Head => {}
        }
        if let Some((from, to)) = node.key {
            let key = cut_end(&self.text[from..to], cells / 2);
            spans.push(span(format!("{key}: "), theme.muted));
        }
        let value = &self.text[node.value.0..node.value.1];
        match (node.kind, node.open) {
            (Kind::Object, true) => spans.push(span("{", theme.muted)),
            (Kind::Array, true) => spans.push(span("[", theme.muted)),
            (Kind::Object | Kind::Array, false) => {
                let (open, close) = if node.kind == Kind::Object { ("{", "}") } else { ("[", "]") };
                let inside = value[1..value.len() - 1].trim();
                let size =
                    if inside.is_empty() { String::new() } else { format!(" … {} ", size(value.len())) };
                let style = if inside.is_empty() { theme.muted } else { theme.accent };
                spans.push(span(format!("{open}{size}{close}{}", comma(node)), style));
            }
            (Kind::Leaf | Kind::Plain, open) => {
                let style = if value == "null" { theme.muted } else { theme.text };
                let left = room(&spans).saturating_sub(1);
                let long = value.len() > CHUNK;
                if open && long {
                    spans.push(span(format!("({})", size(value.len())), theme.muted));
                } else {
                    // Only as much of it as a line may show is looked at.
                    let some: String = value.chars().take(left + 2).collect();
                    spans.push(span(cut_end(&some, left), style));
                }
                spans.push(span(comma(node), theme.muted));
            }
        }
        Line::from(spans)
    }

    fn node(&mut self, key: Option<(usize, usize)>, value: (usize, usize), depth: u16, last: bool) -> usize {
        let kind = match self.text.as_bytes().get(value.0) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            _ => Kind::Leaf,
        };
        self.nodes.push(Node { key, value, depth, kind, open: false, last, members: None });
        self.nodes.len() - 1
    }

    /// A text that is no JSON, as lines of a bearable length.
    fn plain(&mut self) {
        let mut from = 0;
        for line in self.text.clone().split_inclusive('\n').take(LINES) {
            let end = from + line.trim_end_matches(['\n', '\r']).len();
            let node = self.nodes.len();
            self.nodes.push(Node {
                key: None,
                value: (from, end),
                depth: 0,
                kind: Kind::Plain,
                open: true,
                last: true,
                members: None,
            });
            for (start, stop) in pieces(&self.text, from, end).take(LINES) {
                self.rows.push((node, Part::Piece(start, stop)));
            }
            from += line.len();
        }
    }

    fn unfold_small(&mut self, node: usize) {
        let (from, to) = self.nodes[node].value;
        let depth = self.nodes[node].depth;
        if self.nodes[node].kind == Kind::Leaf || depth > DEEP || (depth > 0 && to - from > SMALL) {
            return;
        }
        self.open(node);
        for member in self.nodes[node].members.clone().unwrap_or_default() {
            self.unfold_small(member);
        }
    }

    /// Opens a node; its members are looked for the first time.
    fn open(&mut self, node: usize) {
        self.nodes[node].open = true;
        if self.nodes[node].members.is_some() || self.nodes[node].kind == Kind::Leaf {
            return;
        }
        let found = members(&self.text, self.nodes[node].value, self.nodes[node].kind == Kind::Object);
        let depth = self.nodes[node].depth + 1;
        let count = found.len();
        let ids: Vec<usize> = found
            .into_iter()
            .enumerate()
            .map(|(at, (key, value))| self.node(key, value, depth, at + 1 == count))
            .collect();
        self.nodes[node].members = Some(ids);
    }

    fn lay_out(&mut self) {
        let mut rows = Vec::new();
        // Members still to come, the next one last; a container's end comes behind its members.
        let mut left = vec![(0, Part::Head)];
        while let Some((at, part)) = left.pop() {
            let node = &self.nodes[at];
            rows.push((at, part));
            if part == Part::Close || !node.open {
                continue;
            }
            if node.kind == Kind::Leaf {
                if node.value.1 - node.value.0 > CHUNK {
                    let pieces = pieces(&self.text, node.value.0, node.value.1);
                    rows.extend(pieces.map(|(from, to)| (at, Part::Piece(from, to))));
                }
                continue;
            }
            left.push((at, Part::Close));
            left.extend(node.members.iter().flatten().rev().map(|member| (*member, Part::Head)));
        }
        self.rows = rows;
    }
}

fn comma(node: &Node) -> &'static str {
    if node.last { "" } else { "," }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Pieces of at most [`CHUNK`] letters.
fn pieces(text: &str, from: usize, to: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = from;
    let mut first = true;
    std::iter::from_fn(move || {
        if at >= to && !std::mem::take(&mut first) {
            return None;
        }
        first = false;
        let rest = &text[at..to];
        let length = rest.char_indices().nth(CHUNK).map_or(rest.len(), |(place, _)| place);
        let piece = (at, at + length);
        at += length;
        Some(piece)
    })
}

type Place = (usize, usize);

/// The members of a container of valid JSON: where each key and value stands.
fn members(text: &str, (from, to): Place, object: bool) -> Vec<(Option<Place>, Place)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = from + 1;
    let end = to.saturating_sub(1);
    loop {
        at = blank(bytes, at, end);
        if at >= end {
            return found;
        }
        let key = if object {
            let stop = value_end(bytes, at, end);
            let key = (at, stop);
            at = blank(bytes, stop, end);
            at = blank(bytes, at + 1, end);
            Some(key)
        } else {
            None
        };
        let stop = value_end(bytes, at, end);
        found.push((key, (at, stop)));
        at = blank(bytes, stop, end) + 1;
    }
}

fn blank(bytes: &[u8], mut at: usize, end: usize) -> usize {
    while at < end && matches!(bytes[at], b' ' | b'\t' | b'\n' | b'\r') {
        at += 1;
    }
    at
}

/// Behind the value that begins here.
fn value_end(bytes: &[u8], from: usize, end: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while at < end {
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < end && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(end);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if depth <= 1 {
                    return if depth == 0 { at } else { at + 1 };
                }
                depth -= 1;
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::{Scheme, Terminal};

    fn shown(tree: &Tree, cells: usize) -> Vec<String> {
        let theme = Theme::new(Scheme::Dark, Terminal::default());
        (0..tree.len()).map(|row| tree.line(&theme, row, cells).to_string()).collect()
    }

    #[test]
    fn r18_digits_order_and_escapes_stay_as_they_came() {
        let tree = Tree::new(
            r#" {"b": 12000.50, "a": [1e400, 9007199254740993], "c": "\u001b[31m \"x\"", "d": {}} "#,
        );
        assert_eq!(
            shown(&tree, 80),
            [
                "{",
                "  \"b\": 12000.50,",
                "  \"a\": [",
                "    1e400,",
                "    9007199254740993",
                "  ],",
                "  \"c\": \"\\u001b[31m \\\"x\\\"\",",
                "  \"d\": {",
                "  }",
                "}"
            ]
        );
    }

    #[test]
    fn r18_a_part_folds_to_one_line_and_back() {
        let mut tree = Tree::new(r#"{"a":{"b":1},"c":2}"#);
        assert_eq!(tree.len(), 6);
        assert_eq!((tree.is_open(1), tree.is_open(2), tree.is_open(4)), (Some(true), None, None));
        assert_eq!(tree.toggle(3), Some(1), "its end folds it too");
        assert_eq!(shown(&tree, 80)[1], "  \"a\": { … 7 B },");
        assert_eq!(tree.value(1), Some(r#"{"b":1}"#));
        tree.toggle(1);
        assert_eq!(tree.len(), 6);
    }

    #[test]
    fn r18_megabytes_cost_their_outermost_members() {
        let items: Vec<String> =
            (0..60_000).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "x".repeat(40))).collect();
        let text = format!("{{\"items\":[{}],\"long\":\"{}\"}}", items.join(","), "y".repeat(2_000_000));
        let mut tree = Tree::new(&text);
        assert_eq!((tree.len(), tree.nodes.len()), (4, 3));
        tree.toggle(1);
        assert_eq!(tree.nodes.len(), 60_003, "only the list's own members");
        assert!(shown(&tree, 60)[2].contains('…'));
        let last = tree.len() - 2;
        assert!(tree.toggle(last).is_some(), "a long text unfolds to pieces");
        assert!(tree.len() > 80_000);
    }

    #[test]
    fn what_is_no_json_is_shown_as_its_lines() {
        let tree = Tree::new("<soap>\n\u{1b}[31mred\n</soap>");
        assert_eq!(shown(&tree, 40), ["<soap>", "\\u{1b}[31mred", "</soap>"]);
        assert_eq!(tree.is_open(0), None);
        assert!(Tree::new("  ").is_empty());
        for text in ["{\"a\":1", "[1,]", "{", "\"", &"[".repeat(100_000), "1", "\"x\"", "[]", "{}", "[[],[]]"]
        {
            let mut tree = Tree::new(text);
            for row in 0..tree.len().min(50) {
                tree.toggle(row);
            }
            drop(shown(&tree, 10));
        }
    }
}
