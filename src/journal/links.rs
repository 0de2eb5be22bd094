//! People without a company, what was decided about them, rules about their domains, and how many have an account.
//!
//! An item is found once: a second finding refreshes it. A verdict of a human stays until the evidence it was given on
//! changes. Never links anybody.

use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{self, sha256, to_json};
use super::{Journal, Result, audit, erasure, operate};
use crate::domain::clock::Timestamp;
use crate::domain::execution::Status;
use crate::domain::ids::{ExecutionId, UnlinkedId};
use crate::domain::links::{Coverage, DomainRule, LinkMade, LinkVerdict, day_of};
use crate::domain::record::{Connection as Account, RecordRef};
use crate::domain::review::{Decision, ReviewState, Unlinked};

/// Closed conversations are remembered so long; after that they say nothing about today.
const CLOSING_LIFE: i64 = 90 * 86_400_000;

impl Journal {
    /// Replaces the open unlinked relations by what a scan found; those no longer found become obsolete. What a human
    /// judged stays judged while its evidence is the same.
    pub async fn put_unlinked(&self, found: Vec<Unlinked>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| put_unlinked(connection, now, &found)).await
    }

    /// Open items of an e-mail domain and of what is below it, oldest first.
    pub async fn unlinked_of_domain(&self, domain: &str) -> Result<Vec<Unlinked>> {
        let domain = domain.to_lowercase();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM unlinked WHERE state = 'open' AND (domain = ?1 \
                 OR substr(domain, -length(?1) - 1) = '.' || ?1) ORDER BY id",
            )?;
            let mut found = statement.query([domain])?;
            let mut items = Vec::new();
            while let Some(row) = found.next()? {
                items.push(rows::unlinked(row)?);
            }
            Ok(items)
        })
        .await
    }

    /// Stores what a human said about a person without a company, where it is not a company.
    pub async fn judge_unlinked(
        &self,
        id: UnlinkedId,
        verdict: LinkVerdict,
        reason: String,
        actor: String,
    ) -> Result<()> {
        let now = self.now();
        self.write(move |connection| judge(connection, now, id, verdict, reason.trim(), &actor)).await
    }

    /// Takes back what a human said of a person without a company; false when nothing was said.
    pub async fn reopen_unlinked(&self, id: UnlinkedId, actor: String) -> Result<bool> {
        let now = self.now();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE unlinked SET state = 'open', ignored_until = NULL, resolution = NULL \
                     WHERE id = ?1 AND state IN ('ignored', 'dismissed') AND ruled_by IS NULL",
                )?
                .execute([id.0])?;
            if changed == 1 {
                let words = "What was said of them is taken back.".to_owned();
                audit::note(connection, now, &actor, "reopen", &id.to_string(), words)?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// Shows again what was left alone until a time that has come; how many.
    pub async fn wake_unlinked(&self) -> Result<usize> {
        let now = self.now();
        let due = "state = 'ignored' AND ignored_until IS NOT NULL AND ignored_until <= ?1";
        let any = self
            .read(move |connection| {
                Ok(connection
                    .prepare_cached(&format!("SELECT 1 FROM unlinked WHERE {due}"))?
                    .exists([now.0])?)
            })
            .await?;
        if !any {
            return Ok(0);
        }
        self.write(move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "UPDATE unlinked SET state = 'open', ignored_until = NULL, \
                     resolution = 'The time it was left alone for is over.' WHERE {due}"
                ))?
                .execute([now.0])?)
        })
        .await
    }

    /// Every rule about a domain, by domain.
    pub async fn domain_rules(&self) -> Result<Vec<DomainRule>> {
        self.read(domain_rules).await
    }

    /// Makes a rule about a domain, or replaces the one there is. One that says never closes the open items of the
    /// domain; how many.
    pub async fn put_domain_rule(&self, rule: DomainRule) -> Result<usize> {
        let now = self.now();
        self.write(move |connection| put_rule(connection, now, &rule)).await
    }

    /// Takes a rule away; what it closed is asked about again. False when there is none.
    pub async fn remove_domain_rule(&self, domain: &str, actor: &str) -> Result<bool> {
        let now = self.now();
        let (domain, actor) = (domain.to_lowercase(), actor.to_owned());
        self.write(move |connection| {
            let gone =
                connection.prepare_cached("DELETE FROM domain_rules WHERE domain = ?1")?.execute([&domain])?;
            if gone == 0 {
                return Ok(false);
            }
            // The next scan finds them anew, and opens what it finds.
            connection
                .prepare_cached(
                    "UPDATE unlinked SET state = 'obsolete', ruled_by = NULL WHERE state = 'dismissed' AND ruled_by = ?1",
                )?
                .execute([&domain])?;
            audit::note(connection, now, &actor, "unrule", &domain, "Asked about again from now on.".to_owned())?;
            Ok(true)
        })
        .await
    }

    /// The newest link of an item that was not taken back.
    pub async fn link_of(&self, id: UnlinkedId) -> Result<Option<LinkMade>> {
        self.read(move |connection| {
            link(connection, "unlinked_id = ?1 AND undone_by IS NULL ORDER BY execution_id DESC", id.0)
        })
        .await
    }

    /// The link that an execution carries out.
    pub async fn link_by(&self, execution: ExecutionId) -> Result<Option<LinkMade>> {
        self.read(move |connection| link(connection, "execution_id = ?1", execution.0)).await
    }

    /// Pairs of person and company that a human parted again.
    pub async fn parted(&self) -> Result<Vec<(RecordRef, RecordRef)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT contact, company FROM links WHERE undone_by IS NOT NULL AND company IS NOT NULL",
            )?;
            let mut found = statement.query([])?;
            let mut pairs = Vec::new();
            while let Some(row) = found.next()? {
                pairs.push((rows::word(row, "contact")?, rows::word(row, "company")?));
            }
            Ok(pairs)
        })
        .await
    }

    /// Notes that a conversation of these people of Intercom was closed.
    pub async fn note_closing(&self, people: Vec<RecordRef>) -> Result<()> {
        let now = self.now();
        self.write(move |connection| {
            for person in &people {
                if !erasure::is_erased(connection, person)? {
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO closings VALUES (?1, ?2)")?
                        .execute(params![person.to_string(), now.0])?;
                }
            }
            Ok(())
        })
        .await
    }

    /// People of Intercom of whom a conversation was closed lately, and when the last one was.
    pub async fn closings(&self) -> Result<Vec<(RecordRef, Timestamp)>> {
        let since = self.now().0 - CLOSING_LIFE;
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT record, at FROM closings WHERE at >= ?1 ORDER BY record")?;
            let mut found = statement.query([since])?;
            let mut closings = Vec::new();
            while let Some(row) = found.next()? {
                closings.push((rows::word(row, "record")?, Timestamp(row.get("at")?)));
            }
            Ok(closings)
        })
        .await
    }

    /// Stores how many people of each owner have an account today, in place of what was stored today before.
    pub async fn put_coverage(&self, of: &Account, counted: Vec<(String, u64, u64)>) -> Result<()> {
        let (day, of) = (day_of(self.now()), of.to_string());
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM coverage WHERE day = ?1 AND connection = ?2")?
                .execute(params![day, of])?;
            for (owner, people, linked) in &counted {
                connection
                    .prepare_cached("INSERT INTO coverage VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![day, of, owner, (*people).cast_signed(), (*linked).cast_signed()])?;
            }
            connection
                .prepare_cached("DELETE FROM closings WHERE at < ?1")?
                .execute([day * 86_400_000 - CLOSING_LIFE])?;
            Ok(())
        })
        .await
    }

    /// How many people had an account on each of the last days, oldest first, each owner by itself.
    pub async fn coverage(&self, days: u32) -> Result<Vec<Coverage>> {
        let since = day_of(self.now()) - i64::from(days) + 1;
        self.read(move |connection| coverage(connection, since)).await
    }
}

/// How many people had an account on each day from one on, oldest first.
pub(super) fn coverage(connection: &Connection, since: i64) -> Result<Vec<Coverage>> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM coverage WHERE day >= ?1 ORDER BY day, connection, people DESC, owner",
    )?;
    let mut found = statement.query([since])?;
    let mut days = Vec::new();
    while let Some(row) = found.next()? {
        days.push(Coverage {
            day: row.get("day")?,
            connection: rows::word(row, "connection")?,
            owner: row.get("owner")?,
            people: row.get::<_, i64>("people")?.max(0).cast_unsigned(),
            linked: row.get::<_, i64>("linked")?.max(0).cast_unsigned(),
        });
    }
    Ok(days)
}

/// People whose company is known, those of them with an account, and how many points that share grew in 30 days.
pub(super) fn summed(connection: &Connection, now: Timestamp) -> Result<Option<(u64, u64, f64)>> {
    let days = coverage(connection, day_of(now) - 29)?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(None) };
    let of = |day: i64| {
        let rows = days.iter().filter(|row| row.day == day);
        rows.fold((0, 0), |sum, row| (sum.0 + row.people, sum.1 + row.linked))
    };
    let (then, today) = (of(first.day), of(last.day));
    let share = |(people, linked)| Coverage::percent(people, linked).unwrap_or_default();
    Ok(Some((today.0, today.1, share(today) - share(then))))
}

/// What a verdict is given on: who the candidates are and what speaks for them, not how much.
fn evidence_hash(item: &Unlinked) -> Result<String> {
    let mut said = vec![item.domain.as_str(), item.hint.as_str()];
    let companies: Vec<String> =
        item.candidates.iter().map(|candidate| candidate.company.to_string()).collect();
    for (candidate, company) in item.candidates.iter().zip(&companies) {
        said.extend([company.as_str(), candidate.name.as_str()]);
        said.extend(candidate.evidence.iter().flat_map(|bar| [bar.comparison.as_str(), bar.level.as_str()]));
    }
    Ok(sha256(&to_json(&said)?))
}

fn put_unlinked(connection: &Connection, now: Timestamp, found: &[Unlinked]) -> Result<()> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS seen (id INTEGER PRIMARY KEY); DELETE FROM temp.seen;",
    )?;
    for item in found {
        if erasure::is_erased(connection, &item.contact)? {
            continue;
        }
        let best = item.candidates.first().map_or(0.0, |candidate| candidate.probability);
        connection
            .prepare_cached(
                "INSERT INTO unlinked (subject, contact, domain, hint, candidates, best, state, created_at, owner, \
                 ruled_by, evidence_hash) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7, ?8, ?9, ?10) ON CONFLICT (contact) DO UPDATE SET \
                 subject = excluded.subject, domain = excluded.domain, hint = excluded.hint, \
                 candidates = excluded.candidates, best = excluded.best, owner = excluded.owner, \
                 ruled_by = excluded.ruled_by, evidence_hash = excluded.evidence_hash, \
                 resolution = CASE state WHEN 'ignored' THEN 'The evidence changed since it was left alone.' \
                 WHEN 'dismissed' THEN 'The evidence changed since no company was said to fit.' END, \
                 ignored_until = NULL, state = 'open' \
                 WHERE (state = 'open' AND (candidates <> excluded.candidates OR hint <> excluded.hint \
                 OR owner <> excluded.owner OR ruled_by IS NOT excluded.ruled_by)) \
                 OR (state IN ('ignored', 'dismissed') AND evidence_hash <> excluded.evidence_hash) \
                 OR state IN ('obsolete', 'done')",
            )?
            .execute(params![
                item.subject,
                item.contact.to_string(),
                item.domain,
                item.hint,
                to_json(&item.candidates)?,
                best,
                now.0,
                item.owner,
                item.ruled_by,
                evidence_hash(item)?,
            ])?;
        connection
            .prepare_cached("INSERT OR IGNORE INTO temp.seen SELECT id FROM unlinked WHERE contact = ?1")?
            .execute([item.contact.to_string()])?;
    }
    connection
        .prepare_cached(
            "UPDATE unlinked SET state = 'obsolete', resolution = 'The relation exists by now.' \
             WHERE state = 'open' AND id NOT IN (SELECT id FROM temp.seen)",
        )?
        .execute([])?;
    Ok(())
}

fn judge(
    connection: &Connection,
    now: Timestamp,
    id: UnlinkedId,
    verdict: LinkVerdict,
    reason: &str,
    actor: &str,
) -> Result<()> {
    let (state, until, words, verb) = match verdict {
        LinkVerdict::NoneFits => (ReviewState::Dismissed, None, "No company fits".to_owned(), "none_fits"),
        LinkVerdict::Unsure => (ReviewState::Ignored, None, "Cannot be said now".to_owned(), "unsure"),
        LinkVerdict::Later(at) => {
            (ReviewState::Ignored, Some(at.0), format!("Left alone until {}", at.rfc3339()), "snooze")
        }
    };
    let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let changed = connection
        .prepare_cached(
            "UPDATE unlinked SET state = ?2, ignored_until = ?3, resolution = ?4 \
             WHERE id = ?1 AND state IN ('open', 'ignored')",
        )?
        .execute(params![id.0, state.as_str(), until, format!("{words}, says {actor}{because}.")])?;
    if changed != 1 {
        return Err(operate::not_open(connection, "unlinked", &id.to_string(), id.0)?);
    }
    audit::note(
        connection,
        now,
        actor,
        verb,
        &id.to_string(),
        format!("{words}, or until the evidence changes{because}."),
    )
}

fn domain_rules(connection: &Connection) -> Result<Vec<DomainRule>> {
    let mut statement = connection.prepare_cached("SELECT * FROM domain_rules ORDER BY domain")?;
    let mut found = statement.query([])?;
    let mut rules = Vec::new();
    while let Some(row) = found.next()? {
        rules.push(DomainRule {
            domain: row.get("domain")?,
            company: match row.get::<_, Option<String>>("company")? {
                Some(_) => Some(rows::word(row, "company")?),
                None => None,
            },
            actor: row.get("actor")?,
            reason: row.get("reason")?,
            since: Timestamp(row.get("since")?),
        });
    }
    Ok(rules)
}

fn put_rule(connection: &Connection, now: Timestamp, rule: &DomainRule) -> Result<usize> {
    connection.prepare_cached("INSERT OR REPLACE INTO domain_rules VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
        params![rule.domain, rule.company.as_ref().map(ToString::to_string), rule.actor, rule.reason, now.0],
    )?;
    let closed = if rule.company.is_none() {
        connection
            .prepare_cached(
                "UPDATE unlinked SET state = 'dismissed', ruled_by = ?1, resolution = ?2 \
                 WHERE state IN ('open', 'ignored') AND (domain = ?1 OR substr(domain, -length(?1) - 1) = '.' || ?1)",
            )?
            .execute(params![rule.domain, format!("{} said never to ask about {}.", rule.actor, rule.domain)])?
    } else {
        0
    };
    let because = if rule.reason.trim().is_empty() {
        String::new()
    } else {
        format!(" Because: {}.", rule.reason.trim())
    };
    let words = format!("From now on {}.{because} Closed {closed}.", rule.sentence());
    audit::note(connection, now, &rule.actor, "rule", &rule.domain, words)?;
    Ok(closed)
}

fn link(connection: &Connection, condition: &str, value: i64) -> Result<Option<LinkMade>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT * FROM links WHERE {condition} LIMIT 1"))?;
    let mut found = statement.query([value])?;
    let Some(row) = found.next()? else { return Ok(None) };
    Ok(Some(LinkMade {
        execution: ExecutionId(row.get("execution_id")?),
        unlinked: UnlinkedId(row.get("unlinked_id")?),
        contact: rows::word(row, "contact")?,
        company: match row.get::<_, Option<String>>("company")? {
            Some(_) => Some(rows::word(row, "company")?),
            None => None,
        },
        undone_by: row.get::<_, Option<i64>>("undone_by")?.map(ExecutionId),
    }))
}

/// A decision on an item is recorded: a link can be taken back by what stands here, and is, by the execution that does.
pub(super) fn decide(connection: &Connection, decision: &Decision, execution: ExecutionId) -> Result<()> {
    match decision {
        Decision::Link { unlinked, .. } | Decision::Found { unlinked, .. } => {
            let company = match decision {
                Decision::Link { company, .. } => Some(company.to_string()),
                _ => None,
            };
            connection
                .prepare_cached(
                    "INSERT INTO links (execution_id, unlinked_id, contact, company) \
                     SELECT ?1, id, contact, ?3 FROM unlinked WHERE id = ?2",
                )?
                .execute(params![execution.0, unlinked.0, company])?;
        }
        Decision::Unlink { link, .. } => {
            connection
                .prepare_cached(
                    "UPDATE links SET undone_by = ?2 WHERE execution_id = ?1 AND undone_by IS NULL",
                )?
                .execute(params![link.0, execution.0])?;
        }
        _ => {}
    }
    Ok(())
}

/// An execution that takes a link back has ended: the person is without a company again, or the link stands.
pub(super) fn undone(
    connection: &Connection,
    execution: ExecutionId,
    status: Status,
    sentence: &str,
) -> Result<()> {
    let is_undo = connection
        .prepare_cached("SELECT 1 FROM links WHERE undone_by = ?1")?
        .query_row([execution.0], |_| Ok(()))
        .optional()?
        .is_some();
    if !is_undo {
        return Ok(());
    }
    let done = matches!(status, Status::Succeeded | Status::Skipped);
    let state = if done { ReviewState::Open } else { ReviewState::Done };
    connection
        .prepare_cached(
            "UPDATE unlinked SET state = ?2, resolution = ?3 WHERE deciding_id = ?1 AND state = 'deciding'",
        )?
        .execute(params![execution.0, state.as_str(), sentence])?;
    if !done {
        connection
            .prepare_cached("UPDATE links SET undone_by = NULL WHERE undone_by = ?1")?
            .execute([execution.0])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
