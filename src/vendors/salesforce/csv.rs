//! The CSV of bulk jobs: rows out, results in. Knows nothing of jobs.
//!
//! An empty cell leaves a field as it is, and `#N/A` clears it: so a value that clears is written as that, and a value
//! that is not given as nothing. (A text that is exactly `#N/A` clears too; the format has no other way to write it.)

use serde_json::Value;

use crate::domain::record::{Fields, value_text};

/// What clears a field.
const NOTHING: &str = "#N/A";

/// A table as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Where a column stands.
    pub(crate) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name.eq_ignore_ascii_case(column))
    }
}

/// The columns of rows: every name once, as they first appear.
pub(crate) fn columns<'a>(rows: impl IntoIterator<Item = &'a Fields>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for name in rows.into_iter().flat_map(serde_json::Map::keys) {
        if seen.insert(name.as_str()) {
            columns.push(name.clone());
        }
    }
    columns
}

/// A value as its cell.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(value) => match value_text(value) {
            text if text.is_empty() => NOTHING.to_owned(),
            text => text,
        },
    }
}

/// A head line and a line for each row, ended by line feeds.
pub(crate) fn write<'a>(columns: &[String], rows: impl IntoIterator<Item = &'a Fields>) -> String {
    let mut writer =
        ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let head = std::iter::once(columns.to_vec());
    let lines = rows.into_iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect());
    for line in head.chain(lines) {
        writer.write_record(&line).expect("lines are as long as the head, and memory takes them");
    }
    let bytes = writer.into_inner().expect("memory takes what is left");
    String::from_utf8(bytes).expect("texts and commas are UTF-8")
}

/// Reads a table; the error says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<Table, String> {
    let mut reader = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(record.map_err(|error| error.to_string())?.iter().map(str::to_owned).collect());
    }
    Ok(Table { columns, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn any_values_come_back_as_they_went(rows in prop::collection::vec(
            prop::collection::vec(any::<String>(), 3), 0..8))
        {
            let columns: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
            let fields: Vec<Fields> = rows
                .iter()
                .map(|row| columns.iter().cloned().zip(row.iter().map(|text| json!(text))).collect())
                .collect();
            let table = read(&write(&columns, &fields)).expect("readable");
            prop_assert_eq!(&table.columns, &columns);
            let kept: Vec<Vec<String>> = rows
                .iter()
                .map(|row| row.iter().map(|text| if text.is_empty() { NOTHING.into() } else { text.clone() }).collect())
                .collect();
            prop_assert_eq!(table.rows, kept);
        }
    }

    #[test]
    fn what_is_not_given_is_empty_and_what_clears_says_so() {
        let rows: Vec<Fields> = [json!({"Id": "1", "Title": null}), json!({"Id": "2", "City": "a,\"b\"\nc"})]
            .iter()
            .map(|row| row.as_object().expect("object").clone())
            .collect();
        let columns = columns(&rows);
        assert_eq!(write(&columns, &rows), "Id,Title,City\n1,#N/A,\n2,,\"a,\"\"b\"\"\nc\"\n");
        assert_eq!(read("").expect("an empty table"), Table::default());
        assert!(read("a,b\n1\n").is_err());
    }
}
