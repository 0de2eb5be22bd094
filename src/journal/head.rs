//! The head kept outside the database: a small file beside the journal that knows how far the journal has come.
//!
//! It shows what the journal itself cannot: that its end was cut off, that an older file stands in its place, that one
//! flipped bit in the write-ahead log made SQLite drop every later commit. It is written after a commit is durable, so
//! it never runs ahead of the journal. It may lag behind: by the one commit under way when the process is killed, by up
//! to [`SYNC_EVERY`] when the power fails (one sync for each commit would halve the speed of taking events in).
//!
//! Four lines of 512 bytes, a sector each: two anchors written in turn and synced, the live line written after every
//! commit, and the dispute: what a start found that does not fit. A torn line fails its checksum, and the others stand.
//! A dispute stays until a person accepts it with a reason; nothing papers over it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::{JournalError, Result, audit, rows::sha256};
use crate::domain::audit::Head;

/// How long the synced line may lag behind the journal while commits go on.
pub(super) const SYNC_EVERY: Duration = Duration::from_secs(2);

const LINE: usize = 512;
const ANCHORS: [usize; 2] = [0, 1];
const LIVE: usize = 2;
const DISPUTE: usize = 3;
const LINES: usize = 4;

/// The file beside a journal.
pub(super) fn path(journal: &Path) -> PathBuf {
    super::beside(journal, "-head")
}

/// How far a journal has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// Commits since the journal counts them.
    pub(super) commits: i64,
    /// The number of the newest event.
    pub(super) events: i64,
    /// Where the audit log ends.
    pub(super) audit: Head,
}

/// Commits since the journal counts them.
pub(super) fn commits(connection: &Connection) -> Result<i64> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT value FROM counters WHERE name = 'commits'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// How far the journal has come.
pub(super) fn mark(connection: &Connection) -> Result<Mark> {
    let events: Option<i64> =
        connection.prepare_cached("SELECT max(id) FROM events")?.query_row([], |row| row.get(0))?;
    Ok(Mark { commits: commits(connection)?, events: events.unwrap_or(0), audit: audit::last(connection)? })
}

/// Counts the commit under way and says how far the journal will have come with it.
pub(super) fn advance(connection: &Connection) -> Result<Mark> {
    connection
        .prepare_cached(
            "INSERT INTO counters VALUES ('commits', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
        )?
        .execute([])?;
    mark(connection)
}

/// What the file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    path: PathBuf,
    there: bool,
    /// The furthest of the lines that can be read.
    pub(super) latest: Option<Mark>,
    /// What a start found that does not fit, until somebody accepts it.
    pub(super) disputed: Option<Mark>,
    why: String,
    /// The first audit entry that a start found beyond the head, though no commit of ours brought it.
    pub(super) added: Option<i64>,
}

/// What is said of such an entry.
pub(super) fn added(first: i64) -> String {
    format!("audit entry {first} was added by another program than Reknit: no commit of Reknit brought it")
}

impl Outside {
    /// Reads the file; one that cannot be read is as good as none.
    pub(super) fn read(path: &Path) -> Self {
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take((LINE * LINES) as u64).read_to_end(&mut bytes)) {
            Ok(_) => found.understand(&bytes),
            Err(_) => return found,
        }
        found
    }

    fn understand(&mut self, bytes: &[u8]) {
        self.there = true;
        let mut lines = bytes.chunks(LINE).map(parse);
        let standing = lines.by_ref().take(DISPUTE).flatten().map(|(mark, _)| mark);
        self.latest = standing.max_by_key(|mark| mark.commits);
        if let Some((mark, why)) = lines.next().flatten() {
            self.added = (why == "added").then_some(mark.audit.number + 1);
            self.disputed = Some(mark);
            self.why = why;
        }
    }

    /// What does not fit a journal that has come so far, as a sentence.
    pub(super) fn doubt(&self, commits: i64) -> Option<String> {
        let file = self.path.display();
        if let Some(disputed) = &self.disputed {
            return Some(match self.why.as_str() {
                "missing" => format!(
                    "{file} was missing at a start: that nothing was cut off the journal before then cannot be proved"
                ),
                "damaged" => format!(
                    "{file} was damaged at a start: that nothing was cut off the journal before then cannot be proved"
                ),
                "added" => added(disputed.audit.number + 1),
                _ => format!(
                    "at a start the journal did not reach what {file} knew: commit {}, event ev_{}, audit entry {}. \
                     Later commits were lost, or an older file was put in its place",
                    disputed.commits, disputed.events, disputed.audit.number
                ),
            });
        }
        match &self.latest {
            Some(latest) if latest.commits > commits => Some(format!(
                "{file} knows {} commits more than the journal holds, up to event ev_{} and audit entry {}",
                latest.commits - commits,
                latest.events,
                latest.audit.number
            )),
            Some(_) => None,
            None if commits == 0 => None,
            None => Some(format!(
                "{file} {}: that nothing was cut off the journal cannot be proved",
                if self.there { "is damaged" } else { "is missing" }
            )),
        }
    }
}

fn line(kind: &str, mark: &Mark) -> Vec<u8> {
    let Mark { commits, events, audit } = mark;
    let text = format!("{kind} commits {commits} events {events} audit {} {}", audit.number, audit.hash);
    let sum = sha256(&text);
    let mut line = format!("{text} sum {}", &sum[..16]).into_bytes();
    line.resize(LINE - 1, b' ');
    line.push(b'\n');
    line
}

fn parse(line: &[u8]) -> Option<(Mark, String)> {
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let (text, sum) = text.rsplit_once(" sum ")?;
    if sha256(text).get(..16)? != sum {
        return None;
    }
    let words: Vec<&str> = text.split(' ').collect();
    let [kind, "commits", commits, "events", events, "audit", number, hash] = words[..] else { return None };
    let audit = Head { number: number.parse().ok()?, hash: hash.to_owned() };
    let mark = Mark { commits: commits.parse().ok()?, events: events.parse().ok()?, audit };
    Some((mark, kind.to_owned()))
}

/// The file, held open by who writes the journal.
pub(super) struct HeadFile {
    path: PathBuf,
    file: File,
    known: Mark,
    synced: Mark,
    synced_at: Instant,
    next_anchor: usize,
    /// A failing head is told of once, not at each commit.
    told: bool,
}

impl HeadFile {
    /// Opens or makes the file and compares it with the journal; what does not fit becomes the dispute.
    pub(super) fn open(journal: &Path, connection: &Connection) -> Result<Self> {
        let path = path(journal);
        let failed = |error: std::io::Error| JournalError::Unreadable {
            path: path.clone(),
            why: format!("the journal's head cannot be kept outside it: {error}"),
        };
        // First the file, then the journal: another process may commit between the two.
        let outside = Outside::read(&path);
        let known = mark(connection)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let mut head = Self {
            path: path.clone(),
            file,
            synced: known.clone(),
            known,
            synced_at: Instant::now(),
            next_anchor: 0,
            told: false,
        };
        let fresh = head.is_fresh(&outside);
        head.compare(&outside, connection, fresh).map_err(failed)?;
        Ok(head)
    }

    /// Compares anew, after the connection was closed and opened again.
    pub(super) fn reconcile(&mut self, connection: &Connection) -> Result<()> {
        let outside = Outside::read(&self.path);
        self.known = mark(connection)?;
        let fresh = self.is_fresh(&outside);
        self.compare(&outside, connection, fresh).map_err(|error| JournalError::Disk(error.to_string()))
    }

    /// Nothing was ever kept there: no file, or one whose making broke off before the first commit was counted.
    fn is_fresh(&self, outside: &Outside) -> bool {
        !outside.there || (outside.latest.is_none() && self.known.commits == 0)
    }

    fn compare(&mut self, outside: &Outside, connection: &Connection, fresh: bool) -> std::io::Result<()> {
        let known = self.known.clone();
        let dispute = match &outside.latest {
            _ if outside.disputed.is_some() => None,
            None if fresh => (known.commits > 0).then(|| ("missing", Mark::default())),
            None => Some(("damaged", Mark::default())),
            Some(latest) => {
                let hash: Option<String> = connection
                    .query_row("SELECT hash FROM audit WHERE number = ?1", [latest.audit.number], |row| {
                        row.get(0)
                    })
                    .optional()
                    .unwrap_or(None);
                let follows = latest.audit.number == 0 || hash.as_ref() == Some(&latest.audit.hash);
                let added = latest.commits == known.commits && known.audit.number > latest.audit.number;
                match (latest.commits > known.commits || !follows, added) {
                    (true, _) => Some(("behind", latest.clone())),
                    (false, true) => Some(("added", latest.clone())),
                    (false, false) => None,
                }
            }
        };
        if fresh || dispute.is_some() {
            self.file.lock()?;
            let written = self.begin(dispute.as_ref());
            self.file.unlock()?;
            written?;
            if let Some(why) = Outside::read(&self.path).doubt(known.commits).filter(|_| dispute.is_some()) {
                tracing::error!(
                    "{why}. The journal goes on; `reknit journal check` says what is affected and what to do"
                );
            }
        }
        self.synced = known;
        Ok(())
    }

    /// Writes all lines anew, durably.
    fn begin(&mut self, dispute: Option<&(&str, Mark)>) -> std::io::Result<()> {
        let mut bytes = Vec::with_capacity(LINE * LINES);
        // The dispute first of all: a cut between the two must not leave the new lines without it.
        if let Some((why, mark)) = dispute {
            self.put(DISPUTE, &line(why, mark))?;
            self.file.sync_all()?;
        }
        for kind in ["anchor", "anchor", "live"] {
            bytes.extend(line(kind, &self.known));
        }
        if dispute.is_none() {
            bytes.resize(LINE * LINES, b' ');
        }
        self.put(0, &bytes)?;
        self.file.sync_all()?;
        sync_folder(&self.path);
        Ok(())
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start((at * LINE) as u64))?;
        self.file.write_all(bytes)
    }

    /// A commit is durable: the live line says so, without a sync.
    pub(super) fn update(&mut self, mark: Mark) {
        self.known = mark;
        let written = self.write_live();
        self.tell(written);
    }

    fn write_live(&mut self) -> std::io::Result<()> {
        let bytes = line("live", &self.known);
        self.file.lock()?;
        // Another process may have come further between our commit and this line.
        let written = match self.standing(LIVE) {
            Some(standing) if standing.commits > self.known.commits => Ok(()),
            _ => self.put(LIVE, &bytes),
        };
        self.file.unlock()?;
        written
    }

    fn standing(&mut self, at: usize) -> Option<Mark> {
        let mut bytes = [0; LINE];
        self.file.seek(SeekFrom::Start((at * LINE) as u64)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        parse(&bytes).map(|(mark, _)| mark)
    }

    /// Makes the head durable when it is due, or at once where there is time.
    pub(super) fn sync(&mut self, now: Instant, at_rest: bool) {
        if self.synced == self.known || (!at_rest && now.duration_since(self.synced_at) < SYNC_EVERY) {
            return;
        }
        let written = self.write_anchor();
        if written.is_ok() {
            self.synced = self.known.clone();
        }
        self.synced_at = now;
        self.tell(written);
    }

    fn write_anchor(&mut self) -> std::io::Result<()> {
        self.file.lock()?;
        // The older of the two gives way, whoever wrote it.
        let standing = ANCHORS.map(|at| self.standing(at).map_or(-1, |mark| mark.commits));
        self.next_anchor = usize::from(standing[1] < standing[0]);
        let written = if standing.iter().any(|commits| *commits > self.known.commits) {
            Ok(())
        } else {
            let bytes = line("anchor", &self.known);
            self.put(ANCHORS[self.next_anchor], &bytes)
        };
        self.file.unlock()?;
        written?;
        self.file.sync_data()
    }

    fn tell(&mut self, written: std::io::Result<()>) {
        match written {
            Ok(()) => self.told = false,
            Err(_) if self.told => {}
            Err(error) => {
                self.told = true;
                tracing::error!(
                    path = %self.path.display(), %error,
                    "the journal's head cannot be kept outside it: a loss at the journal's end might not be noticed"
                );
            }
        }
    }
}

/// Takes the dispute away, once a person has accepted it in the audit log.
pub(super) fn settle_dispute(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.lock()?;
    file.seek(SeekFrom::Start((DISPUTE * LINE) as u64))?;
    file.write_all(&[b' '; LINE])?;
    file.sync_all()?;
    file.unlock()
}

/// Makes a new or renamed file's entry in its folder durable, where the system has a way to.
pub(super) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        // Some file systems refuse it; then there is nothing better to do.
        let _ = folder.sync_all();
    }
}
