//! What holds work back: the breakers of connections. Decides nothing: the engine says when one opens and closes.

use rusqlite::params;

use super::{Journal, Result, rows};
use crate::domain::breaker::Breaker;
use crate::domain::clock::Timestamp;

impl Journal {
    /// The breakers of all connections that ever had one open.
    pub async fn breakers(&self) -> Result<Vec<Breaker>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT connection, state, cause, since, look_at, words FROM breakers ORDER BY connection",
            )?;
            let mut found = statement.query([])?;
            let mut breakers = Vec::new();
            while let Some(row) = found.next()? {
                breakers.push(Breaker {
                    connection: rows::word(row, "connection")?,
                    state: rows::word(row, "state")?,
                    cause: rows::word(row, "cause")?,
                    since: Timestamp(row.get("since")?),
                    look_at: row.get::<_, Option<i64>>("look_at")?.map(Timestamp),
                    words: row.get("words")?,
                });
            }
            Ok(breakers)
        })
        .await
    }

    /// Stores the state of a breaker.
    pub async fn put_breaker(&self, breaker: Breaker) -> Result<()> {
        self.write(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO breakers VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    breaker.connection.to_string(),
                    breaker.state.as_str(),
                    breaker.cause.as_str(),
                    breaker.since.0,
                    breaker.look_at.map(|at| at.0),
                    breaker.words,
                ])?;
            Ok(())
        })
        .await
    }
}
