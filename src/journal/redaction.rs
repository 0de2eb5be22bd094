//! Texts that were taken back: of a redacted part of a conversation no stored copy keeps its words.
//!
//! Bodies of events, calls and plans of that conversation are gone through; in any JSON object with the part's id the
//! texts are replaced, and wherever else the same words stand, they are too. What was taken back is remembered by id,
//! so that an older event which comes late is stored without its words. Never touches other conversations.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::rows::sha256;
use super::sealing::{self, Opened};
use super::{Result, audit};
use crate::domain::audit::NewEntry;
use crate::domain::clock::Timestamp;
use crate::domain::event::NewEvent;
use crate::domain::record::RecordRef;

/// Stands where the words were.
const GONE: &str = "[redacted]";

/// Keys of a part under which its words stand.
const TEXTS: [&str; 8] =
    ["body", "text", "html", "subject", "plain_body", "summary", "attachments", "redacted_body"];

/// Shorter words are not looked for outside the part itself: they stand everywhere.
const SHORTEST: usize = 4;

/// Takes the words of parts that were taken back before out of an event that is about to be stored.
pub(super) fn apply_to(connection: &Connection, event: &mut NewEvent) -> Result<()> {
    let Some(record) = event.record.as_ref().filter(|_| event.kind.is_of_a_conversation()) else {
        return Ok(());
    };
    let parts = parts_of(connection, &record.to_string())?;
    if !parts.is_empty()
        && let Some(body) = without(&event.body, &parts, &mut Vec::new())
    {
        event.body = body;
    }
    Ok(())
}

fn parts_of(connection: &Connection, record: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT part FROM redacted_parts WHERE record = ?1")?;
    let mut found = statement.query([record])?;
    let mut parts = Vec::new();
    while let Some(row) = found.next()? {
        parts.push(row.get(0)?);
    }
    Ok(parts)
}

/// Redacts every stored copy of these parts of a conversation.
pub(super) fn redact(
    connection: &Connection,
    now: Timestamp,
    record: &RecordRef,
    parts: &[String],
) -> Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    // What is overwritten must not stay readable in the file's free space.
    let secure: i64 = connection.pragma_query_value(None, "secure_delete", |row| row.get(0))?;
    connection.pragma_update(None, "secure_delete", 1)?;
    let redacted = everywhere(connection, now, &record.to_string(), parts);
    connection.pragma_update(None, "secure_delete", secure)?;
    let places = redacted?;
    let entry = NewEntry {
        actor: "engine".into(),
        verb: "redact".into(),
        object: record.to_string(),
        note: format!(
            "The vendor took back {} of its texts; {places} stored copies were redacted.",
            parts.len()
        ),
    };
    audit::append(connection, now, &[entry])
}

fn everywhere(connection: &Connection, now: Timestamp, record: &str, parts: &[String]) -> Result<usize> {
    for part in parts {
        connection
            .prepare_cached("INSERT OR IGNORE INTO redacted_parts VALUES (?1, ?2, ?3)")?
            .execute(params![record, part, now.0])?;
    }
    let mut words = Vec::new();
    let mut places = 0;
    for cell in cells(
        connection,
        "SELECT id, body, 'events.body/' || connection || '/' || delivery_key FROM events WHERE record = ?1",
        record,
    )? {
        if let Some(body) = without(&cell.text, parts, &mut words) {
            let body = cell.closed(connection, record, &body)?;
            connection
                .prepare_cached("UPDATE events SET body = ?2, body_sha256 = ?3 WHERE id = ?1")?
                .execute(params![cell.id, body, sha256(&body)])?;
            places += 1;
        }
    }
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    let of_runs = "execution_id IN (SELECT id FROM executions WHERE record = ?1)";
    let of_attempts = |part: &str| {
        format!(
            "SELECT id, {part}, 'attempts.{part}/' || execution_id || '/' || started_at FROM attempts WHERE {of_runs}"
        )
    };
    let elsewhere = [
        ("attempts", "request", of_attempts("request")),
        ("attempts", "response", of_attempts("response")),
        (
            "executions",
            "plan",
            "SELECT id, plan, 'executions.plan/' || id FROM executions WHERE record = ?1 AND plan IS NOT NULL".into(),
        ),
        ("executions", "sentence", "SELECT id, sentence, '' FROM executions WHERE record = ?1".into()),
        (
            "executions",
            "vendor_words",
            "SELECT id, vendor_words, '' FROM executions WHERE record = ?1 AND vendor_words IS NOT NULL".into(),
        ),
    ];
    for (table, column, query) in elsewhere {
        for cell in cells(connection, &query, record)? {
            let by_id = without(&cell.text, parts, &mut words);
            let by_words = wordless(by_id.as_deref().unwrap_or(&cell.text), &words);
            if let Some(text) = by_words.or(by_id) {
                connection
                    .prepare_cached(&format!("UPDATE {table} SET {column} = ?2 WHERE id = ?1"))?
                    .execute(params![cell.id, cell.closed(connection, record, &text)?])?;
                places += 1;
            }
        }
    }
    Ok(places)
}

/// A stored text, opened; those of erased people are not among them.
struct Cell {
    id: i64,
    /// What it is sealed along with; empty for what is not sealed.
    place: String,
    text: String,
}

impl Cell {
    /// Another text in its place, sealed as it was.
    fn closed(&self, connection: &Connection, record: &str, text: &str) -> Result<String> {
        match self.place.as_str() {
            "" => Ok(text.to_owned()),
            place => sealing::seal(connection, Some(record), place, text),
        }
    }
}

fn cells(connection: &Connection, query: &str, record: &str) -> Result<Vec<Cell>> {
    let mut statement = connection.prepare_cached(query)?;
    let mut found = statement.query([record])?;
    let mut cells = Vec::new();
    while let Some(row) = found.next()? {
        let place: String = row.get(2)?;
        if let Opened::Text(text) = sealing::open(connection, "a stored text", &place, row.get(1)?)? {
            cells.push(Cell { id: row.get(0)?, place, text });
        }
    }
    Ok(cells)
}

/// A JSON text without the words of these parts, which are added to `words`; none when nothing had to go.
fn without(text: &str, parts: &[String], words: &mut Vec<String>) -> Option<String> {
    if !parts.iter().any(|part| text.contains(part.as_str())) {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    strip(&mut value, parts, words).then(|| value.to_string())
}

fn strip(value: &mut Value, parts: &[String], words: &mut Vec<String>) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| strip(item, parts, words) | any),
        Value::Object(fields) => {
            let id = fields.get("id").map(crate::domain::record::value_text);
            let mut any = false;
            if id.is_some_and(|id| parts.contains(&id)) {
                for name in TEXTS {
                    any |= fields.get_mut(name).is_some_and(|field| blank(field, words));
                }
            }
            fields.iter_mut().fold(any, |any, (_, field)| strip(field, parts, words) | any)
        }
        _ => false,
    }
}

fn blank(field: &mut Value, words: &mut Vec<String>) -> bool {
    match field {
        Value::String(text) if !text.is_empty() && text != GONE => {
            for word in [text.clone(), plain(text)] {
                if word.chars().count() >= SHORTEST && !word.contains(GONE) {
                    words.push(word);
                }
            }
            *field = Value::String(GONE.to_owned());
            true
        }
        Value::Array(items) if !items.is_empty() => {
            *field = Value::Array(Vec::new());
            true
        }
        _ => false,
    }
}

/// A text as it reads without its tags: what was written from it elsewhere.
fn plain(html: &str) -> String {
    let mut inside = false;
    let text: String = html
        .chars()
        .filter(|letter| {
            match letter {
                '<' => inside = true,
                '>' if inside => {
                    inside = false;
                    return false;
                }
                _ => {}
            }
            !inside
        })
        .collect();
    text.trim().to_owned()
}

/// The text with these words replaced, as they stand and as JSON writes them; none when none of them is in it.
fn wordless(text: &str, words: &[String]) -> Option<String> {
    let mut cleaned = text.to_owned();
    for word in words {
        let escaped = Value::String(word.clone()).to_string();
        for form in [escaped.trim_matches('"'), word.as_str()] {
            if !form.is_empty() && cleaned.contains(form) {
                cleaned = cleaned.replace(form, GONE);
            }
        }
    }
    (cleaned != text).then_some(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_that_was_taken_back_loses_its_words() {
        let text = r#"{"item":{"id":"9","body":"stays","parts":[{"id":"7","body":"<p>card 4111</p>","n":12.50},{"id":"8","body":"also stays"}]}}"#;
        let mut words = Vec::new();
        let clean = without(text, &["7".to_owned()], &mut words).expect("redacted");
        assert!(
            !clean.contains("4111") && clean.contains("\"also stays\"") && clean.contains("12.50"),
            "{clean}"
        );
        assert_eq!(words, ["<p>card 4111</p>", "card 4111"]);
        assert_eq!(without(&clean, &["7".to_owned()], &mut words), None, "a second time finds nothing");
        let note = r#"{"note":"She wrote: card 4111"}"#;
        assert_eq!(wordless(note, &words).as_deref(), Some(r#"{"note":"She wrote: [redacted]"}"#));
        assert_eq!(wordless("nothing of it", &words), None);
    }
}
