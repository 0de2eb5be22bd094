//! Views: ways to look at a list, ready-made and one's own, kept by name in a file of the user's beside the journal;
//! and how each list was left.
//!
//! A file that cannot be understood is never written over: it is put aside under another name when something is to be
//! kept, and that is said. Two consoles of one user each change only what they changed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::panes::Screen;
use super::panes::listing::Shape;

/// Filters that are remembered for each list.
const RECENT: usize = 50;
/// A longer file was not written here.
const LONGEST: u64 = 4 * 1024 * 1024;

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Of which list: the screen's title in small letters.
    pub list: String,
    /// Its name; one of its own for each list.
    pub name: String,
    /// How the list is looked at.
    #[serde(flatten)]
    pub shape: Shape,
}

/// How a list was left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Left {
    #[serde(skip_serializing_if = "String::is_empty")]
    sort: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recent: Vec<String>,
}

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    lists: BTreeMap<String, Left>,
    #[serde(rename = "view", skip_serializing_if = "Vec::is_empty")]
    views: Vec<View>,
}

/// Something to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A view under a name, in the place of one of that name.
    Save(View),
    /// Another name for a view of a list.
    Rename {
        /// Of which list.
        list: String,
        /// The name so far.
        from: String,
        /// The new one.
        to: String,
    },
    /// A view of a list is not wanted any more.
    Delete {
        /// Of which list.
        list: String,
        /// Its name.
        name: String,
    },
    /// How a list is left.
    Left(Screen, Shape),
    /// A filter that was used.
    Used(Screen, String),
}

impl Kept {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Save(view) => {
                self.views.retain(|kept| kept.list != view.list || kept.name != view.name);
                self.views.push(view);
            }
            Change::Rename { list, from, to } => {
                if self.views.iter().any(|kept| kept.list == list && kept.name == from) {
                    self.views.retain(|kept| kept.list != list || kept.name != to);
                }
                for kept in self.views.iter_mut().filter(|kept| kept.list == list && kept.name == from) {
                    kept.name.clone_from(&to);
                }
            }
            Change::Delete { list, name } => {
                self.views.retain(|kept| kept.list != list || kept.name != name);
            }
            Change::Left(screen, shape) => {
                let left = self.lists.entry(list_of(screen)).or_default();
                (left.sort, left.columns) = (shape.sort, shape.columns);
            }
            Change::Used(screen, filter) => {
                let left = self.lists.entry(list_of(screen)).or_default();
                left.recent.retain(|used| *used != filter);
                left.recent.insert(0, filter);
                left.recent.truncate(RECENT);
            }
        }
    }
}

/// The name of a list in the file.
pub fn list_of(screen: Screen) -> String {
    screen.title().to_lowercase()
}

/// What a user keeps of views.
#[derive(Debug, Clone, Default)]
pub struct Views {
    kept: Kept,
    file: Option<PathBuf>,
    trouble: Option<String>,
}

impl Views {
    /// Reads the file of a user in the data folder; without a folder, or for one who may only look, nothing is written.
    pub fn read(folder: Option<&Path>, user: &str, writes: bool) -> Self {
        let Some(path) = folder.map(|folder| folder.join(file_name(user))) else { return Self::default() };
        let (kept, trouble) = match load(&path) {
            Ok(kept) => (kept, None),
            Err(why) => (
                Kept::default(),
                Some(format!(
                    "Your views were not loaded: {} {why}. It is left as it is; the first view you save puts it \
                     aside under another name. Mend it and start the console again to have them back.",
                    path.display()
                )),
            ),
        };
        Self { kept, file: writes.then_some(path), trouble }
    }

    /// What is to be said about the file at the start; said once.
    pub fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// The views of a list that were saved, by name.
    pub fn saved(&self, screen: Screen) -> Vec<View> {
        let list = list_of(screen);
        let mut views: Vec<View> = self.kept.views.iter().filter(|view| view.list == list).cloned().collect();
        views.sort_by(|one, other| one.name.cmp(&other.name));
        views
    }

    /// How a list was left, if it was ever changed.
    pub fn left(&self, screen: Screen) -> Option<Shape> {
        let left = self.kept.lists.get(&list_of(screen))?;
        (!left.sort.is_empty() || !left.columns.is_empty()).then(|| Shape {
            filter: String::new(),
            sort: left.sort.clone(),
            columns: left.columns.clone(),
        })
    }

    /// Filters used on a list, the newest first.
    pub fn recent(&self, screen: Screen) -> &[String] {
        self.kept.lists.get(&list_of(screen)).map_or(&[], |left| &left.recent)
    }

    /// Keeps a change here; the file is told with `keep`.
    pub fn apply(&mut self, change: Change) {
        self.kept.apply(change);
    }

    /// Where it is written; none when nothing is.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// `views-ana.toml`: letters, digits and dashes of the name.
fn file_name(user: &str) -> String {
    let plain: String = user
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    if plain.is_empty() { "views.toml".to_owned() } else { format!("views-{plain}.toml") }
}

fn load(path: &Path) -> Result<Kept, String> {
    let size = match fs::metadata(path) {
        Ok(about) => about.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    if size > LONGEST {
        return Err(format!("is too long ({size} bytes)"));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        format!("cannot be understood in line {line}: {}", error.message().trim())
    })
}

/// Changes the file: reads it anew, applies the change, replaces it whole. A file that cannot be understood is put
/// aside first; answers under which name.
pub(super) fn keep(path: &Path, change: Change) -> io::Result<Option<PathBuf>> {
    // One change at a time of this process; another process of the user's is met by reading anew.
    static KEEPING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _keeping = KEEPING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (mut kept, aside) = match load(path) {
        Ok(kept) => (kept, None),
        Err(_) => (Kept::default(), Some(put_aside(path)?)),
    };
    kept.apply(change);
    let text = toml::to_string(&kept).map_err(io::Error::other)?;
    let beside = path.with_extension(format!("toml-{}", std::process::id()));
    let result = write_whole(&beside, path, &text);
    if result.is_err() {
        // The old file stands; what is half written is of no use.
        let _ = fs::remove_file(&beside);
    }
    result.map(|()| aside)
}

fn write_whole(beside: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file: File = options.open(beside)?;
    file.write_all(b"# Written by the console: your views, and how each list was left.\n")?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(beside, path)
}

fn put_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1..1_000 {
        let aside = path.with_extension(format!("toml.bad-{number}"));
        if !aside.exists() {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::Error::other("a thousand files were put aside already"))
}

/// A ready-made view: its name and filter, and the value of `sort:`.
pub type Ready = (&'static str, &'static str, &'static str);

/// The ready-made views of a list.
pub const fn ready(screen: Screen) -> &'static [Ready] {
    match screen {
        Screen::Executions => &[
            ("needs me or waits", "status:open", ""),
            ("needs me", "status:failed,in_doubt,held", ""),
            ("failed today", "status:failed since:24h", ""),
            ("auth errors", "error:auth", ""),
            ("rate limited", "error:rate_limited", ""),
            ("in doubt", "status:in_doubt", ""),
            ("held", "status:held", ""),
            ("retrying by themselves", "status:retrying", ""),
            ("written in the last hour", "status:succeeded since:1h", ""),
            ("discarded", "status:discarded", ""),
            ("everything", "", ""),
        ],
        Screen::Conflicts => &[
            ("open", "", ""),
            ("older than a day", "age:1d", ""),
            ("both sides changed", "kind:both_changed", ""),
            ("value not allowed", "kind:not_allowed", ""),
            ("left alone", "status:ignored", ""),
            ("decided", "status:done", ""),
        ],
        Screen::Duplicates => &[
            ("open", "", ""),
            ("new today", "since:24h", ""),
            ("in HubSpot", "system:hubspot", ""),
            ("in Salesforce", "system:salesforce", ""),
            ("in Intercom", "system:intercom", ""),
            ("called different", "status:dismissed", ""),
            ("merged", "status:done", ""),
        ],
        Screen::Unlinked => &[
            ("open", "", ""),
            ("new today", "since:24h", ""),
            ("older than a week", "age:7d", ""),
            ("left alone", "status:ignored", ""),
            ("linked", "status:done", ""),
            ("no company fits", "status:dismissed", ""),
        ],
        Screen::Log => &[("everything", "", ""), ("the last hour", "since:1h", "")],
        _ => &[("everything", "", "")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Filter;

    fn view(name: &str, filter: &str) -> View {
        View {
            list: "executions".to_owned(),
            name: name.to_owned(),
            shape: Shape { filter: filter.to_owned(), ..Shape::default() },
        }
    }

    #[test]
    fn views_come_back_from_the_file_and_two_consoles_keep_each_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file_name("Ana Ruiz"));
        assert!(path.ends_with("views-ana-ruiz.toml"));
        keep(&path, Change::Save(view("mine", "jane"))).expect("kept");
        keep(&path, Change::Save(view("theirs", "ken"))).expect("kept");
        keep(&path, Change::Rename { list: "executions".into(), from: "mine".into(), to: "jane's".into() })
            .expect("kept");
        let shape = Shape { sort: "-age".into(), columns: vec!["recipe".into()], ..Shape::default() };
        keep(&path, Change::Left(Screen::Executions, shape.clone())).expect("kept");
        keep(&path, Change::Used(Screen::Executions, "status:failed".into())).expect("kept");
        let mut views = Views::read(Some(folder.path()), "Ana Ruiz", true);
        assert_eq!(views.trouble(), None);
        let names: Vec<String> = views.saved(Screen::Executions).into_iter().map(|view| view.name).collect();
        assert_eq!(names, ["jane's", "theirs"]);
        assert_eq!(views.left(Screen::Executions), Some(shape));
        assert_eq!(views.recent(Screen::Executions), ["status:failed"]);
        assert_eq!(views.left(Screen::Conflicts), None);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_put_aside_and_never_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(file_name("ana"));
        fs::write(&path, "[[view]]\nname = 7\n").expect("written");
        let mut views = Views::read(Some(folder.path()), "ana", true);
        let trouble = views.trouble().expect("said");
        assert!(trouble.contains("views-ana.toml") && trouble.contains("line"), "{trouble}");
        assert_eq!(fs::read_to_string(&path).expect("there"), "[[view]]\nname = 7\n");
        let aside = keep(&path, Change::Save(view("mine", "jane"))).expect("kept").expect("put aside");
        assert_eq!(fs::read_to_string(aside).expect("there"), "[[view]]\nname = 7\n");
        assert_eq!(Views::read(Some(folder.path()), "ana", true).saved(Screen::Executions).len(), 1);
    }

    #[test]
    fn every_ready_made_view_is_a_filter() {
        for screen in Screen::ALL {
            for (name, filter, sort) in ready(screen) {
                assert!(Filter::parse(filter).is_ok(), "{name}");
                assert!(sort.is_empty() || Filter::parse(&format!("sort:{sort}")).is_ok(), "{name}");
            }
        }
    }
}
