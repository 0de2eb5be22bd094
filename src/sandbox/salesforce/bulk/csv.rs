//! Comma-separated values as the Bulk API reads and writes them. Knows no column's meaning.

use std::borrow::Cow;

/// The six delimiters a job may name.
pub(super) const DELIMITERS: [(&str, char); 6] =
    [("BACKQUOTE", '`'), ("CARET", '^'), ("COMMA", ','), ("PIPE", '|'), ("SEMICOLON", ';'), ("TAB", '\t')];

/// Where a CSV stops making sense.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    /// Counted from 1, the header included.
    pub(super) row: usize,
}

/// Rows of a CSV, one at a time; both line endings are read, blank lines are not rows.
pub(super) struct Reader<'a> {
    rest: &'a str,
    delimiter: char,
    row: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, delimiter: char) -> Self {
        // A byte order mark is not part of the first column's name.
        Self { rest: text.trim_start_matches('\u{feff}'), delimiter, row: 0 }
    }

    /// One cell off the front, and whether its row goes on.
    fn cell(&mut self) -> Result<(Cow<'a, str>, bool), Broken> {
        let cell = if self.rest.starts_with('"') {
            self.quoted_cell()?
        } else {
            let end = self.rest.find([self.delimiter, '\n', '\r']).unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            self.rest = rest;
            Cow::Borrowed(cell)
        };
        if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
            self.rest = rest;
            return Ok((cell, true));
        }
        let ended = self.rest.strip_prefix("\r\n").or_else(|| self.rest.strip_prefix(['\n', '\r']));
        match ended {
            Some(rest) => self.rest = rest,
            None if self.rest.is_empty() => {}
            None => return Err(Broken { row: self.row }),
        }
        Ok((cell, false))
    }

    fn quoted_cell(&mut self) -> Result<Cow<'a, str>, Broken> {
        let text = &self.rest[1..];
        let mut joined = String::new();
        let mut from = 0;
        loop {
            let quote = from + text[from..].find('"').ok_or(Broken { row: self.row })?;
            if text[quote + 1..].starts_with('"') {
                joined.push_str(&text[from..=quote]);
                from = quote + 2;
                continue;
            }
            self.rest = &text[quote + 1..];
            if joined.is_empty() {
                return Ok(Cow::Borrowed(&text[from..quote]));
            }
            joined.push_str(&text[from..quote]);
            return Ok(Cow::Owned(joined));
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Vec<Cow<'a, str>>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
        if self.rest.is_empty() {
            return None;
        }
        self.row += 1;
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok((cell, more)) => {
                    cells.push(cell);
                    if !more {
                        return Some(Ok(cells));
                    }
                }
                Err(broken) => {
                    // Nothing behind a broken row can be told apart.
                    self.rest = "";
                    return Some(Err(broken));
                }
            }
        }
    }
}

/// Whether the first line ends in CRLF; `None` for a text of one line.
pub(super) fn ends_lines_with_crlf(text: &str) -> Option<bool> {
    let mut quoted = false;
    let mut before = 0_u8;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return Some(before == b'\r'),
            _ => {}
        }
        before = byte;
    }
    None
}

/// A CSV being written, every cell in quotes.
pub(super) struct Writer {
    text: String,
    delimiter: char,
    ending: &'static str,
}

impl Writer {
    pub(super) fn new(delimiter: char, ending: &'static str) -> Self {
        Self { text: String::new(), delimiter, ending }
    }

    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        for (place, cell) in cells.into_iter().enumerate() {
            if place > 0 {
                self.text.push(self.delimiter);
            }
            self.text.push('"');
            if cell.contains('"') {
                self.text.push_str(&cell.replace('"', "\"\""));
            } else {
                self.text.push_str(cell);
            }
            self.text.push('"');
        }
        self.text.push_str(self.ending);
    }

    pub(super) fn finished(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, Broken> {
        Reader::new(text, ',')
            .map(|row| row.map(|cells| cells.into_iter().map(Cow::into_owned).collect()))
            .collect()
    }

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_ends() {
        let found = rows("a,b\r\n\"x, \"\"y\"\"\nz\",\r\n,\"\"\n").unwrap();
        assert_eq!(found, [vec!["a", "b"], vec!["x, \"y\"\nz", ""], vec!["", ""]]);
    }

    #[test]
    fn the_last_line_needs_no_end_and_a_mark_is_dropped() {
        assert_eq!(rows("\u{feff}a\nb").unwrap(), [["a"], ["b"]]);
        assert_eq!(rows("\n\n").unwrap(), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_broken_row_is_named() {
        assert_eq!(rows("a\n\"b"), Err(Broken { row: 2 }));
        assert_eq!(rows("a\nb\n\"c\"d,e"), Err(Broken { row: 3 }));
    }

    #[test]
    fn the_line_ending_is_that_of_the_header() {
        assert_eq!(ends_lines_with_crlf("a,\"b\nc\"\r\nd\n"), Some(true));
        assert_eq!(ends_lines_with_crlf("a\nb\r\n"), Some(false));
        assert_eq!(ends_lines_with_crlf("a"), None);
    }

    proptest! {
        #[test]
        fn what_the_writer_writes_the_reader_reads(
            table in (1_usize..5).prop_flat_map(|width| {
                prop::collection::vec(prop::collection::vec("[a\"',;|\\r\\n \\t#é🦀]{0,8}", width), 0..6)
            }),
            delimiter in prop::sample::select(DELIMITERS.map(|(_, letter)| letter).to_vec()),
            ending in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let mut writer = Writer::new(delimiter, ending);
            for row in &table {
                writer.row(row.iter().map(String::as_str));
            }
            let text = writer.finished();
            let read: Vec<Vec<String>> = Reader::new(&text, delimiter)
                .map(|row| row.unwrap().into_iter().map(Cow::into_owned).collect())
                .collect();
            prop_assert_eq!(read, table);
        }

        #[test]
        fn any_text_ends(text in "[a,\"\\r\\n]{0,40}") {
            prop_assert!(Reader::new(&text, ',').count() <= text.len());
        }
    }
}
