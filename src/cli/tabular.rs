//! Reads a CSV file row by row, however it was exported: with or without a byte order mark, any line ends, any size
//! of field, bytes that are no UTF-8. It knows columns by their heads and nothing of what is in them.
//!
//! A file is refused with one line that names file and line; it is never read in half and taken for whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::output;
use super::problem::Problem;
use crate::domain::text::clean;

/// A CSV file being read.
pub struct Tabular {
    path: PathBuf,
    reader: Reader<Counted>,
    columns: Vec<String>,
    record: ByteRecord,
    delimiter: u8,
    /// Where the first byte after the byte order mark lies.
    begin: u64,
    /// Byte and line at which the last row begins.
    last: (u64, u64),
    /// Rows with bytes that are no UTF-8, and the line of the first.
    replaced: (u64, u64),
    size: u64,
}

/// One row; fields are asked for by column.
pub struct Row<'a> {
    record: &'a ByteRecord,
    /// The line of the file it begins on.
    pub line: u64,
}

impl<'a> Row<'a> {
    /// A field without blanks around it; empty for a column the file does not have. Bytes that are no UTF-8 become
    /// U+FFFD.
    pub fn text(&self, column: Option<usize>) -> Cow<'a, str> {
        let bytes = column.and_then(|column| self.record.get(column)).unwrap_or_default();
        match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}

impl Tabular {
    /// Opens a file and reads its heads.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let unread = |error: &dyn std::fmt::Display| refused(path, &format!("cannot be read: {error}"));
        let mut file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => refused(path, "there is no such file"),
            _ => unread(&error),
        })?;
        let size = file.metadata().map_or(0, |about| about.len());
        if file.metadata().is_ok_and(|about| about.is_dir()) {
            return Err(refused(path, "is a folder, not a CSV file"));
        }
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(HEAD).read_to_end(&mut head).map_err(|error| unread(&error))?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(refused(path, "line 1: the file is UTF-16; save it as UTF-8"));
        }
        let begin = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let rest = head.split_off(begin);
        let delimiter = delimiter(&rest);
        let input = Counted { head: rest, at: 0, file: BufReader::with_capacity(1 << 16, file) };
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .buffer_capacity(1 << 16)
            .from_reader(input);
        let mut table = Self {
            path: path.to_owned(),
            reader,
            columns: Vec::new(),
            record: ByteRecord::new(),
            delimiter,
            begin: begin as u64,
            last: (0, 1),
            replaced: (0, 0),
            size,
        };
        if !table.advance()? {
            return Err(refused(path, "line 1: the file is empty; its first line must name the columns"));
        }
        table.columns =
            table.record.iter().map(|head| String::from_utf8_lossy(head).trim().to_owned()).collect();
        Ok(table)
    }

    /// The heads as they stand in the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Where a column stands: as written, else whatever its letters' case.
    pub fn column(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|head| head == name);
        exact.or_else(|| self.columns.iter().position(|head| head.eq_ignore_ascii_case(name)))
    }

    /// Where the first of some columns stands that the file has; one of them must be there.
    pub fn required(&self, names: &[&str]) -> Result<usize, Problem> {
        let found = names.iter().find_map(|name| self.column(name));
        found.ok_or_else(|| {
            let shown: Vec<&str> = self.columns.iter().take(12).map(String::as_str).collect();
            let name = names.first().copied().unwrap_or_default();
            self.refused(1, &format!("there is no column \"{name}\" (columns: {})", shown.join(", ")))
        })
    }

    /// The next row; `None` at the end of the file.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Problem> {
        if !self.advance()? {
            self.check_end()?;
            return Ok(None);
        }
        let line = self.last.1;
        let (fields, heads) = (self.record.len(), self.columns.len());
        let surplus = self.record.iter().skip(heads).any(|field| !field.is_empty());
        if fields < heads || surplus {
            // An open quote swallows lines: that is what is wrong, not the number of fields.
            if self.reader.is_done() {
                self.check_end()?;
            }
            return Err(self.refused(line, &format!("has {fields} fields where the heads name {heads}")));
        }
        if self.record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            if self.replaced.0 == 0 {
                self.replaced.1 = line;
            }
            self.replaced.0 += 1;
        }
        Ok(Some(Row { record: &self.record, line }))
    }

    /// How much of the file has been read, 0..1.
    pub fn share(&self) -> f64 {
        if self.size == 0 { 1.0 } else { (self.last.0 as f64 / self.size as f64).min(1.0) }
    }

    /// Says on standard error what was replaced on the way.
    pub fn warn(&self) {
        let (rows, line) = self.replaced;
        if rows > 0 {
            let name = self.path.display();
            output::aside(&format!(
                "warning: {name}: {rows} row(s), the first on line {line}, hold bytes that are not UTF-8; read as \u{fffd}"
            ));
        }
    }

    /// A refusal of this file.
    pub fn refused(&self, line: u64, why: &str) -> Problem {
        refused(&self.path, &format!("line {line}: {why}"))
    }

    fn advance(&mut self) -> Result<bool, Problem> {
        loop {
            let read = self.reader.read_byte_record(&mut self.record);
            match read {
                Ok(false) => return Ok(false),
                Ok(true) => {}
                Err(error) => {
                    let line = error.position().map_or(self.last.1, csv::Position::line);
                    return Err(self.refused(line, &format!("cannot be read: {error}")));
                }
            }
            if let Some(position) = self.record.position() {
                self.last = (position.byte(), position.line());
            }
            // A line of blanks, or of nothing but delimiters, is no row.
            if !self.record.iter().all(|field| field.trim_ascii().is_empty()) {
                return Ok(true);
            }
        }
    }

    /// An open quote at the end of the file: everything behind it has become one field.
    fn check_end(&mut self) -> Result<(), Problem> {
        let Ok(mut file) = File::open(&self.path) else { return Ok(()) };
        // A pipe cannot be read twice.
        if file.seek(SeekFrom::Start(self.begin + self.last.0)).is_err() {
            return Ok(());
        }
        let mut at = Place::FieldStart;
        let (mut line, mut opened) = (self.last.1, self.last.1);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = match file.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            for byte in &buffer[..length] {
                at = match (at, *byte) {
                    (Place::FieldStart, b'"') => {
                        opened = line;
                        Place::Quoted
                    }
                    (Place::Quoted, b'"') => Place::Closing,
                    (Place::Quoted, _) | (Place::Closing, b'"') => Place::Quoted,
                    (_, b'\n' | b'\r') => Place::FieldStart,
                    (_, byte) if byte == self.delimiter => Place::FieldStart,
                    _ => Place::Bare,
                };
                line += u64::from(*byte == b'\n');
            }
        }
        if at == Place::Quoted {
            return Err(self.refused(opened, "a quote is opened that nothing closes"));
        }
        Ok(())
    }
}

/// Where in a row a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Bare,
    Quoted,
    Closing,
}

/// How much is looked at before the heads are read.
const HEAD: u64 = 1 << 16;

/// The file behind the bytes that were looked at already.
struct Counted {
    head: Vec<u8>,
    at: usize,
    file: BufReader<File>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.head.len() {
            return self.file.read(buffer);
        }
        let length = buffer.len().min(self.head.len() - self.at);
        buffer[..length].copy_from_slice(&self.head[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// A comma, unless the heads have none and are parted by semicolons or tabs.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|mark| line.contains(mark)).unwrap_or(b',')
}

/// Sees that no id comes twice, in one file or in two.
#[derive(Default)]
pub struct Ids {
    /// Two hashes of an id to the place it was seen; ids themselves are kept by whoever matches them.
    seen: HashMap<u128, (u32, u64)>,
    files: Vec<PathBuf>,
}

impl Ids {
    /// Reads the id of a row; refuses an empty one and one that was there before.
    pub fn take<'a>(&mut self, path: &Path, row: &Row<'a>, column: usize) -> Result<Cow<'a, str>, Problem> {
        let id = row.text(Some(column));
        if id.is_empty() {
            return Err(refused(path, &format!("line {}: the row has no id", row.line)));
        }
        if self.files.last().is_none_or(|last| last != path) {
            self.files.push(path.to_owned());
        }
        let file = self.files.len() as u32 - 1;
        if let Some((other, line)) = self.seen.insert(wide_hash(id.as_bytes()), (file, row.line)) {
            let whose = match self.files.get(other as usize) {
                Some(other) if other != path => format!("of {}", other.display()),
                _ => "before".to_owned(),
            };
            let shown: String = id.chars().take(80).collect();
            return Err(refused(
                path,
                &format!(
                    "line {}: the id \"{shown}\" stands on line {line} {whose}; ids must differ, across two files as well",
                    row.line
                ),
            ));
        }
        Ok(id)
    }
}

/// Two independent FNV-1a sums side by side.
fn wide_hash(bytes: &[u8]) -> u128 {
    let (mut one, mut other) = (0xcbf2_9ce4_8422_2325_u64, 0x9ae1_6a3b_2f90_404f_u64);
    for byte in bytes {
        one = (one ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        other = (other.rotate_left(7) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    u128::from(one) << 64 | u128::from(other)
}

/// A file that cannot be used, said in one line.
pub fn refused(path: &Path, why: &str) -> Problem {
    Problem::one_line(format!("{}: {}; nothing was written", path.display(), clean(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Vec<String>>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut table = Tabular::open(&path).map_err(|problem| problem.what)?;
        let mut rows = vec![table.columns().to_vec()];
        let width = table.columns().len();
        while let Some(row) = table.next_row().map_err(|problem| problem.what)? {
            rows.push((0..width).map(|column| row.text(Some(column)).into_owned()).collect());
        }
        Ok(rows)
    }

    #[test]
    fn marks_line_ends_and_delimiters_do_not_matter() {
        let plain = read(b"id,name\n1,Ada\n2,Bob\n").unwrap();
        assert_eq!(plain, [["id", "name"], ["1", "Ada"], ["2", "Bob"]]);
        for bytes in [
            b"\xef\xbb\xbfid,name\r\n1,Ada\r\n2,Bob".as_slice(),
            b"id;name\n1;Ada\n\n2;Bob\n",
            b"id\tname\r1\tAda\r2\tBob\r",
            b"id,name\n\"1\",\"Ada\"\n2,Bob,,\n,\n",
        ] {
            assert_eq!(read(bytes).unwrap(), plain, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(read(b"id,name\n1,\"Ada\n\"\"K\"\"\"\n").unwrap()[1], ["1", "Ada\n\"K\""]);
        assert_eq!(read(b"id,name\n1,M\xfcller\n").unwrap()[1], ["1", "M\u{fffd}ller"]);
        assert_eq!(read(b"id,name\n").unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line() {
        for (bytes, words) in [
            (b"".as_slice(), "line 1: the file is empty"),
            (b"id,name\n1,Ada\n2,\"Bob\n3,Cy\n", "line 3: a quote is opened"),
            (b"id,name\n1,Ada\n2,\"Bob\n3,Cy,Dee\n", "line 3: a quote is opened"),
            (b"id,name\n1,Ada\n2\n3,Cy\n", "line 3: has 1 fields"),
            (b"id,name\n1,Ada,Smith\n", "line 2: has 3 fields"),
            (b"\xff\xfei\0d\0", "UTF-16"),
        ] {
            let problem = read(bytes).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
        assert!(read(b"id,name\n1,\"Ada\"\n").is_ok() && read(b"id,name\n1,Ada \"K\n").is_ok());
    }

    #[test]
    fn an_id_comes_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, "id,name\n7,Ada\n8,Bob\n7,Cy\n").unwrap();
        let mut table = Tabular::open(&path).unwrap();
        let mut ids = Ids::default();
        let mut taken = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            taken.push(ids.take(&path, &row, 0).map(Cow::into_owned).map_err(|problem| problem.what));
        }
        assert_eq!(taken[..2], [Ok("7".to_owned()), Ok("8".to_owned())]);
        assert!(taken[2].as_ref().unwrap_err().contains("line 4: the id \"7\" stands on line 2"));
    }
}
