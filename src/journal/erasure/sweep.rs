//! Looks through everything that rows of others may say of a person: sealed texts are opened, and whoever is found
//! speaking of them is named by number. Only looks; bounded pieces, so that no reader stands in the way of the log.

use rusqlite::{Connection, Row, params};

use super::super::{Result, rows, sealing};
use crate::domain::ids::ExecutionId;

/// Rows read at once.
const PIECE: i64 = 1_000;

/// Which cells of an execution speak of a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each cell")]
pub(super) struct Spoken {
    pub(super) id: i64,
    pub(super) plan: bool,
    pub(super) sentence: bool,
    pub(super) words: bool,
    pub(super) subject: bool,
}

/// Rows that speak of a person, and how far was looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) events: Vec<i64>,
    pub(super) attempts: Vec<i64>,
    pub(super) executions: Vec<Spoken>,
    pub(super) capsules: Vec<i64>,
    seen: [i64; 4],
}

impl Found {
    /// Both looks together: `earlier` went before this one.
    pub(super) fn after(mut self, earlier: Self) -> Self {
        self.events.extend(earlier.events);
        self.attempts.extend(earlier.attempts);
        self.executions.extend(earlier.executions);
        self.capsules.extend(earlier.capsules);
        self
    }
}

/// Looks through what came after an earlier look.
pub(super) fn sweep(connection: &Connection, needles: &[String], earlier: &Found) -> Result<Found> {
    let mut found = Found { seen: earlier.seen, ..Found::default() };
    let speaks = |text: &str| {
        let text = text.to_lowercase();
        needles.iter().any(|needle| text.contains(needle.as_str()))
    };
    // Something damaged cannot be read, by us or by anybody else: it is not what this looks for.
    let opened =
        |what: &'static str, place: &str, cell: String| match sealing::open(connection, what, place, cell) {
            Ok(sealing::Opened::Text(text)) => speaks(&text),
            _ => false,
        };
    if needles.is_empty() {
        return Ok(found);
    }
    // Pieces: between two of them no transaction is open.
    each(connection, "id, connection, delivery_key, body FROM events", &mut found.seen[0], |row| {
        let place = rows::event_place(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?);
        if opened("events.body", &place, row.get(3)?) {
            found.events.push(row.get(0)?);
        }
        Ok(())
    })?;
    let columns = "id, execution_id, started_at, request, response, url FROM attempts";
    each(connection, columns, &mut found.seen[1], |row| {
        let (execution, started): (i64, i64) = (row.get(1)?, row.get(2)?);
        let place = |part| rows::attempt_place(part, execution, started);
        if opened("attempts", &place("request"), row.get(3)?)
            || opened("attempts", &place("response"), row.get(4)?)
            || speaks(&row.get::<_, String>(5)?)
        {
            found.attempts.push(row.get(0)?);
        }
        Ok(())
    })?;
    let columns = "id, coalesce(plan, ''), sentence, coalesce(vendor_words, ''), subject FROM executions";
    each(connection, columns, &mut found.seen[2], |row| {
        let place = sealing::plan_place(ExecutionId(row.get(0)?));
        let spoken = Spoken {
            id: row.get(0)?,
            plan: opened("executions.plan", &place, row.get(1)?),
            sentence: speaks(&row.get::<_, String>(2)?),
            words: speaks(&row.get::<_, String>(3)?),
            subject: speaks(&row.get::<_, String>(4)?),
        };
        if spoken.plan || spoken.sentence || spoken.words || spoken.subject {
            found.executions.push(spoken);
        }
        Ok(())
    })?;
    each(connection, "id, execution_id, records FROM capsules", &mut found.seen[3], |row| {
        let place = format!("capsules.records/{}", row.get::<_, i64>(1)?);
        if opened("capsules.records", &place, row.get(2)?) {
            found.capsules.push(row.get(0)?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Every row after `seen`, in the order of their numbers; `seen` follows.
fn each(
    connection: &Connection,
    columns: &str,
    seen: &mut i64,
    mut look: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {columns} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    loop {
        let before = *seen;
        let mut cells = statement.query(params![before, PIECE])?;
        while let Some(row) = cells.next()? {
            look(row)?;
            *seen = row.get(0)?;
        }
        if *seen == before {
            return Ok(());
        }
    }
}
