//! What was open when the console was left, kept for each user and workspace in a file of its own, and opened again.
//!
//! The file is replaced whole or not at all; one that cannot be read is told of and begins anew; one of a newer Reknit is
//! left alone. Words that may name somebody are not kept: an erasure could not reach them here.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::panes::Screen;
use crate::domain::filter::{Filter, Key};

/// The format this Reknit writes.
const VERSION: u32 = 1;
/// A longer file is none of ours.
const LARGEST: u64 = 256 * 1024;

/// What a screen finds again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its filter, its sorting among it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub filter: String,
    /// The number of the selected row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<i64>,
    /// What else the pane names: columns, tab.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

/// A theme that was chosen by key, and the setting it was chosen over: another setting wins later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Its name.
    pub theme: String,
    /// What the settings said then.
    pub over: String,
}

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    version: u32,
    /// The screen that was shown, by its name.
    #[serde(default)]
    pub screen: String,
    /// Each screen that was visited.
    #[serde(default)]
    pub screens: BTreeMap<String, Kept>,
    /// The theme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Chosen>,
    /// The tour was seen, or was declined.
    #[serde(default)]
    pub tour_seen: bool,
    /// What else the console as a whole names: splitters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

impl Session {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// The screen that was shown.
    pub fn shown(&self) -> Option<Screen> {
        Screen::ALL.into_iter().find(|screen| screen.title() == self.screen)
    }
}

/// Of a filter what may be kept: terms about states and kinds, no words that people search somebody by.
pub fn keepable(filter: &str) -> String {
    let kept = |word: &&str| {
        let Ok(parsed) = Filter::parse(word) else { return false };
        let personal = |key| matches!(key, Key::Domain | Key::Person);
        !word.contains('@')
            && !word.contains('"')
            && (parsed.sort.is_some() || !parsed.terms.is_empty())
            && parsed.terms.iter().all(|term| term.key.is_some_and(|key| !personal(key)))
    };
    filter.split_whitespace().filter(kept).collect::<Vec<_>>().join(" ")
}

/// Where one user's session of one workspace is kept.
#[derive(Debug, Clone)]
pub struct Keeper {
    path: PathBuf,
    writes: bool,
}

impl Keeper {
    /// In a folder of the data folder; somebody who may only look leaves nothing behind.
    pub fn new(data: &Path, user: &str, workspace: &str, read_only: bool) -> Self {
        let name = format!("{}-at-{}.json", plain(user), plain(workspace));
        Self { path: data.join("sessions").join(name), writes: !read_only }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was kept; none where nothing was. An error says why it is not used, and what becomes of the file.
    pub fn read(&mut self) -> Result<Option<Session>, String> {
        let text = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(facts) if facts.len() > LARGEST => Err(format!("it has {} bytes", facts.len())),
            _ => fs::read_to_string(&self.path).map_err(|error| error.to_string()),
        };
        let begins = "The console begins anew";
        let file = self.path.display().to_string();
        let read = text.and_then(|text| {
            serde_json::from_str::<serde_json::Value>(&text).map_err(|error| error.to_string())
        });
        let version = read.as_ref().ok().and_then(|value| value.get("version")?.as_u64());
        if let Some(version) = version.filter(|version| *version > u64::from(VERSION)) {
            // Whoever wrote it will want it back.
            self.writes = false;
            return Err(format!(
                "{begins}, and this session is not kept: {file} is of a newer Reknit (format {version})."
            ));
        }
        let session = read
            .and_then(|value| serde_json::from_value::<Session>(value).map_err(|error| error.to_string()));
        match session {
            Ok(session) if session.version == VERSION => Ok(Some(session)),
            Ok(session) => Err(format!("{begins}: {file} is of an unknown format ({}).", session.version)),
            Err(why) => Err(format!(
                "{begins}: what was open last time cannot be read. {file}: {why}. It is replaced when the console is left."
            )),
        }
    }

    /// Keeps a session: the file is replaced at once, when the new one is whole and on the disk.
    pub fn write(&self, session: &Session) -> io::Result<()> {
        if !self.writes {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let making = self.path.with_extension(format!("making-{}", std::process::id()));
        let written = (|| {
            let mut file = fs::File::create(&making)?;
            file.write_all(serde_json::to_string_pretty(session).map_err(io::Error::other)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&making, &self.path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&making);
        }
        written
    }
}

/// A name as part of a file's: what is no plain letter is written as a number, so that no two names meet.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars().take(60) {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            plain.push(letter);
        } else {
            plain.push_str(&format!(".{:x}", u32::from(letter)));
        }
    }
    if plain.is_empty() { "-".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(folder: &Path) -> Keeper {
        Keeper::new(folder, "ana", "prod", false)
    }

    fn session() -> Session {
        let kept = Kept { filter: "status:failed".into(), selected: Some(7), ..Kept::default() };
        Session {
            screen: "Executions".into(),
            screens: BTreeMap::from([("Executions".into(), kept)]),
            tour_seen: true,
            ..Session::new()
        }
    }

    #[test]
    fn what_was_kept_is_read_again_and_nobody_elses() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(keeper(folder.path()).read(), Ok(None));
        keeper(folder.path()).write(&session()).expect("written");
        assert_eq!(keeper(folder.path()).read(), Ok(Some(session())));
        assert_eq!(Keeper::new(folder.path(), "olga", "prod", false).read(), Ok(None));
        assert_eq!(Keeper::new(folder.path(), "ana", "demo", false).read(), Ok(None));
        assert_eq!(fs::read_dir(folder.path().join("sessions")).expect("a folder").count(), 1);
    }

    #[test]
    fn a_damaged_file_is_told_of_and_replaced_and_a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keeper = keeper(folder.path());
        fs::create_dir_all(folder.path().join("sessions")).expect("a folder");
        for text in
            ["{\"version\": 1, \"screen\"", "[]", "{\"version\": 0}", "{\"version\": 1, \"screens\": 3}"]
        {
            fs::write(keeper.path(), text).expect("written");
            let why = keeper.read().expect_err("not used");
            assert!(why.contains("ana-at-prod.json"), "{why}");
        }
        keeper.write(&session()).expect("written");
        assert_eq!(keeper.read(), Ok(Some(session())));
        fs::write(keeper.path(), "{\"version\": 2, \"panels\": []}").expect("written");
        assert!(keeper.read().expect_err("not used").contains("newer"));
        keeper.write(&session()).expect("nothing to do");
        assert!(fs::read_to_string(keeper.path()).expect("there").contains("panels"));
    }

    #[test]
    fn somebody_who_only_looks_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        Keeper::new(folder.path(), "ana", "prod", true).write(&session()).expect("nothing to do");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn names_are_not_kept_and_no_two_users_share_a_file() {
        assert_eq!(
            keepable("status:failed jane -recipe:contact* domain:acme.test person:jane since:2h sort:-age"),
            "status:failed -recipe:contact* since:2h sort:-age"
        );
        assert_eq!(keepable("recipe:jane@acme.test"), "");
        assert_ne!(plain("../etc"), plain("..-etc"));
        assert!(!plain("../../x").contains('/'));
        assert_eq!(plain(""), "-");
    }
}
