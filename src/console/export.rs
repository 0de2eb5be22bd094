//! The filtered rows of a list as a file: page by page to `exports` in the data folder, wholly there or not at all.
//!
//! Cells that a spreadsheet would take for a formula are marked as text. Only the owner may read the file: it holds
//! personal data. Between two pages the journal serves everybody else, and no more than a page is in memory.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::msg::Answer;
use super::panes::Screen;
use super::panes::listing::Given;
use super::rows::{self, Row};
use crate::domain::clock::Timestamp;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::journal::Journal;

/// How the rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, with a header.
    Csv,
    /// One array of objects, each with everything that is known of the row.
    Json,
}

impl Format {
    /// The end of the file's name.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// A file that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Of which list.
    pub screen: Screen,
    /// Which rows.
    pub filter: Filter,
    /// Only these of them; none = all.
    pub only: Option<BTreeSet<i64>>,
    /// None of these.
    pub except: BTreeSet<i64>,
    /// All of them, where no page of the journal is read for them.
    pub given: Option<Given>,
    /// How.
    pub format: Format,
    /// When it was asked for; names the file.
    pub at: Timestamp,
    /// The file it will be, once it is begun.
    pub path: PathBuf,
    /// The last row that was read.
    pub after: Option<i64>,
    /// Rows in the file.
    pub written: u64,
    /// All of them are.
    pub finished: bool,
}

impl Job {
    /// A file that is still to be begun.
    pub fn new(screen: Screen, filter: Filter, format: Format, at: Timestamp) -> Self {
        Self {
            screen,
            filter,
            only: None,
            except: BTreeSet::new(),
            given: None,
            format,
            at,
            path: PathBuf::new(),
            after: None,
            written: 0,
            finished: false,
        }
    }

    fn making(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".part");
        name.into()
    }
}

/// The next piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The next page.
    Page(Job),
    /// Nobody wants it any more.
    Drop(Job),
}

/// What a piece came to.
#[derive(Debug)]
pub enum Told {
    /// How far it is.
    Went(Answer<Job>),
    /// What was written is gone again.
    Dropped,
}

/// Does a piece.
pub(super) async fn answer(journal: &Journal, ask: Ask) -> Told {
    match ask {
        Ask::Page(job) => {
            let making = job.making();
            let went = page(journal, job).await;
            if went.is_err() {
                // What is left of it is of no use; that it cannot be removed either changes nothing.
                let _ = fs::remove_file(making);
            }
            Told::Went(went)
        }
        Ask::Drop(job) => {
            let _ = fs::remove_file(job.making());
            Told::Dropped
        }
    }
}

async fn page(journal: &Journal, mut job: Job) -> Answer<Job> {
    let folder = journal.path().parent().map_or_else(PathBuf::new, Path::to_path_buf).join("exports");
    if let Some(given) = job.given.as_mut() {
        let mut rows = std::mem::take(&mut given.rows);
        rows.iter_mut().for_each(rows::conceal);
        return written(folder, job, rows, true).await;
    }
    let anchor = job.after.map_or(Anchor::First, Anchor::After);
    let found = rows::page(journal, job.screen, &job.filter, anchor, rows::PAGE).await?;
    let last = found.len() < rows::PAGE;
    job.after = found.last().map(Row::key).or(job.after);
    let wanted: Vec<Value> = found
        .into_iter()
        .filter(|row| job.only.as_ref().is_none_or(|only| only.contains(&row.key())))
        .filter(|row| !job.except.contains(&row.key()))
        .map(|row| row.json())
        .collect();
    written(folder, job, wanted, last).await
}

async fn written(folder: PathBuf, job: Job, wanted: Vec<Value>, last: bool) -> Answer<Job> {
    let work = tokio::task::spawn_blocking(move || append(&folder, job, &wanted, last));
    let failed = |why: String| format!("Nothing was exported: {why}.");
    match work.await {
        Ok(Ok(job)) => Ok(job),
        Ok(Err(error)) => Err(failed(format!("the file cannot be written: {error}"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn append(folder: &Path, mut job: Job, rows: &[Value], last: bool) -> io::Result<Job> {
    let begins = job.path.as_os_str().is_empty();
    let mut file = if begins {
        fs::create_dir_all(folder)?;
        begin(folder, &mut job)?
    } else {
        OpenOptions::new().append(true).open(job.making())?
    };
    let text = match job.format {
        Format::Csv => {
            let columns = job.given.as_ref().map_or_else(|| columns(job.screen), |given| given.columns);
            csv(columns, rows, begins)?
        }
        Format::Json => json(rows, job.written, begins, last),
    };
    file.write_all(&text)?;
    job.written += rows.len() as u64;
    if last {
        file.sync_all()?;
        drop(file);
        fs::rename(job.making(), &job.path)?;
        job.finished = true;
    }
    Ok(job)
}

/// A name that no file has yet: `executions-20261121-190253.csv`, or with a number behind it.
fn begin(folder: &Path, job: &mut Job) -> io::Result<File> {
    let stamp: String = job.at.rfc3339().chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, time) = stamp.split_at(stamp.len().min(8));
    let screen = job.screen.title().to_lowercase();
    let list = job.given.as_ref().map_or(screen.as_str(), |given| given.name).to_owned();
    for number in 1..1_000 {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        job.path = folder.join(format!("{list}-{day}-{time}{more}.{}", job.format.ending()));
        if job.path.exists() {
            continue;
        }
        match private(OpenOptions::new().create_new(true).write(true)).open(job.making()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return file,
        }
    }
    Err(io::Error::other("a thousand files of this second are there"))
}

/// Readable by the owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// The columns of a CSV file, by the names that `reknit list --json` uses.
const fn columns(screen: Screen) -> &'static [&'static str] {
    match screen {
        Screen::Conflicts => &[
            "id",
            "state",
            "kind",
            "subject",
            "field",
            "left",
            "left_field",
            "left_value",
            "right",
            "right_field",
            "right_value",
            "base",
            "rule",
            "decides",
            "allowed",
            "created_at",
            "resolution",
        ],
        Screen::Duplicates => &[
            "id",
            "state",
            "subject",
            "probability",
            "band",
            "left",
            "right",
            "mergeable",
            "obstacle",
            "created_at",
            "resolution",
        ],
        Screen::Unlinked => &[
            "id",
            "state",
            "subject",
            "contact",
            "domain",
            "hint",
            "owner",
            "candidates",
            "created_at",
            "resolution",
        ],
        Screen::Audit => &["number", "at", "actor", "verb", "object", "note", "erased", "hash"],
        Screen::Log => {
            &["id", "execution", "purpose", "started_at", "duration_ms", "method", "url", "status", "class"]
        }
        _ => &[
            "id",
            "status",
            "outcome",
            "recipe",
            "subject",
            "record",
            "sentence",
            "error_class",
            "error_code",
            "attempts",
            "max_attempts",
            "due_at",
            "created_at",
            "updated_at",
            "editions",
        ],
    }
}

fn csv(columns: &[&str], rows: &[Value], begins: bool) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if begins {
        writer.write_record(columns)?;
    }
    for row in rows {
        writer.write_record(columns.iter().map(|column| cell(column, &row[*column])))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A value as the text of a cell. What begins like a formula gets an apostrophe, so that no spreadsheet runs it.
fn cell(column: &str, value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) if column == "at" || column.ends_with("_at") => {
            number.as_i64().map_or_else(|| number.to_string(), |at| Timestamp(at).rfc3339())
        }
        other => other.to_string(),
    };
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula && !value.is_number() { format!("'{text}") } else { text }
}

fn json(rows: &[Value], written: u64, begins: bool, last: bool) -> Vec<u8> {
    let mut text = String::new();
    if begins {
        text.push('[');
    }
    for (at, row) in rows.iter().enumerate() {
        text.push_str(if written == 0 && at == 0 { "\n" } else { ",\n" });
        text.push_str(&row.to_string());
    }
    if last {
        text.push_str("\n]\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_as_text() {
        for text in ["=1+1", "+1 415 555 0199", "-2", "@SUM(A1)", "\t=1", "＝1"] {
            assert_eq!(cell("subject", &json!(text)), format!("'{text}"));
        }
        assert_eq!(cell("subject", &json!("Jane")), "Jane");
        assert_eq!(cell("error_code", &json!(-401)), "-401");
        assert_eq!(cell("due_at", &Value::Null), "");
        assert_eq!(cell("created_at", &json!(0)), "1970-01-01T00:00:00.000Z");
    }
}
