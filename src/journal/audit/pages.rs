//! The audit log as a list: newest first, by actor, verb, object, time or words. Reads only what is shown.

use rusqlite::types::Value as Sql;

use super::{COLUMNS, Journal, Result, entry};
use crate::domain::audit::AuditEntry;
use crate::domain::filter::{Filter, Key, Term};
use crate::domain::page::{Anchor, Page};
use crate::journal::newest::{self, Ledger, anywhere};

/// Filters that an index answers, however long the log is.
const INDEXED: [Key; 3] = [Key::Record, Key::Verb, Key::Actor];

const AUDIT: Ledger = Ledger { table: "audit", columns: COLUMNS, key: "number", time: "at", term };

impl Journal {
    /// Entries, newest first.
    pub async fn audit_page(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<AuditEntry>> {
        let filter = filter.clone();
        let now = self.now();
        self.read(move |connection| AUDIT.page(connection, now, &filter, anchor, limit, |_, row| entry(row)))
            .await
    }
}

/// Whether a filter of the audit log looks at all of it.
pub fn reaches_all(filter: &Filter) -> bool {
    newest::reaches_all(filter, &INDEXED)
}

fn term(term: &Term) -> (String, Vec<Sql>, bool) {
    // These lists take several words with commas only where a word says how.
    let value = term.values.join(",");
    let text = |value: &str| Sql::Text(value.to_owned());
    let all = |value: &str| value.ends_with('*');
    match term.key {
        Some(Key::Record) if all(&value) => {
            // A range instead of a pattern, so that the index is used: "hubspot/*" is all of HubSpot.
            let from = value.trim_end_matches('*');
            let to = format!("{from}\u{10ffff}");
            ("object >= ? AND object < ?".into(), vec![text(from), Sql::Text(to)], false)
        }
        Some(Key::Record) => ("object = ?".into(), vec![text(&value)], true),
        Some(Key::Verb) => {
            let words: Vec<&str> = value.split(',').collect();
            let marks = vec!["?"; words.len()].join(", ");
            (format!("verb IN ({marks})"), words.into_iter().map(text).collect(), true)
        }
        // The engine's entries are most of them and need no index: the newest ones are there at once.
        Some(Key::Actor) if value == "engine" => ("actor = 'engine'".into(), Vec::new(), false),
        Some(Key::Actor) => ("actor <> 'engine' AND actor = ?".into(), vec![text(&value)], true),
        Some(Key::System) => ("object LIKE ? ESCAPE '\\'".into(), vec![anywhere(&value)], false),
        None => {
            let pattern = anywhere(&value);
            let columns = ["object", "note", "verb", "actor"];
            let any: Vec<String> =
                columns.iter().map(|column| format!("{column} LIKE ? ESCAPE '\\'")).collect();
            (format!("({})", any.join(" OR ")), vec![pattern; columns.len()], false)
        }
        // A key that means nothing here matches nothing, and the empty list says so.
        Some(_) => ("0".into(), Vec::new(), true),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::audit::NewEntry;
    use crate::domain::clock::{ManualClock, Timestamp};

    async fn numbers(journal: &Journal, filter: &str, anchor: Anchor) -> (Vec<i64>, u64, u64) {
        let filter = Filter::parse(filter).expect("valid");
        let page = journal.audit_page(&filter, anchor, 3).await.expect("read");
        (page.rows.iter().map(|row| row.number).collect(), page.total, page.before)
    }

    #[tokio::test]
    async fn pages_are_newest_first_and_filtered_by_who_what_where_and_when() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::at(Timestamp(100_000_000));
        let journal = Journal::open(&folder.path().join("journal.db"), Arc::new(clock.clone())).expect("new");
        let line = |actor: &str, verb: &str, object: &str| NewEntry {
            actor: actor.into(),
            verb: verb.into(),
            object: object.into(),
            note: "Because of 100%.".into(),
        };
        for number in 0..6 {
            let object = format!("hubspot/contact/{}", number % 2);
            let who =
                if number == 2 { line("ana", "merge", "du_1") } else { line("engine", "write", &object) };
            journal.audit(vec![who]).await.expect("stored");
            clock.advance(Duration::from_secs(3_600));
        }
        assert_eq!(numbers(&journal, "", Anchor::First).await, (vec![6, 5, 4], 6, 0));
        assert_eq!(numbers(&journal, "", Anchor::After(4)).await, (vec![3, 2, 1], 6, 3));
        assert_eq!(numbers(&journal, "", Anchor::Before(3)).await, (vec![6, 5, 4], 6, 0));
        assert_eq!(numbers(&journal, "", Anchor::Last).await, (vec![3, 2, 1], 6, 3));
        assert_eq!(numbers(&journal, "actor:ana", Anchor::First).await, (vec![3], 1, 0));
        assert_eq!(
            numbers(&journal, "verb:write -record:hubspot/contact/1", Anchor::First).await,
            (vec![5, 1], 2, 0)
        );
        assert_eq!(numbers(&journal, "record:hubspot/*", Anchor::First).await, (vec![6, 5, 4], 5, 0));
        assert_eq!(numbers(&journal, "since:150m", Anchor::First).await, (vec![6, 5], 2, 0));
        assert_eq!(numbers(&journal, "age:150m verb:write", Anchor::First).await, (vec![4, 2, 1], 3, 0));
        assert_eq!(numbers(&journal, "100%", Anchor::First).await.1, 6);
        assert_eq!(numbers(&journal, "status:failed", Anchor::First).await, (vec![], 0, 0));
        assert!(reaches_all(&Filter::parse("record:du_1 x").expect("valid")));
        assert!(!reaches_all(&Filter::parse("words").expect("valid")));
    }
}
