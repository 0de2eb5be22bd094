//! A recording of what a process did to its files, and the files as a power cut at some point would leave them.
//!
//! What was synced is kept. Of what was not, each write and truncation is kept, dropped or torn (by sectors of 512
//! bytes) at random. Renames and removals since the last sync of the folder happen up to some point and not beyond,
//! as journaling file systems keep their order. A new file's name is kept.

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;

const SECTOR: usize = 512;

/// One thing that was done, with the file's name.
#[derive(Debug, Clone)]
pub(super) enum Done {
    Write(String, usize, Vec<u8>),
    Truncate(String, usize),
    Sync(String),
    Rename(String, String),
    Remove(String),
    SyncFolder,
}

#[derive(Debug)]
pub(super) struct Recording(pub(super) Vec<Done>);

impl Recording {
    pub(super) fn read(log: &Path) -> Self {
        let bytes = std::fs::read(log).expect("the recording is there");
        let (mut at, mut done) = (0, Vec::new());
        while at < bytes.len() {
            let end = at + bytes[at..].iter().position(|byte| *byte == b'\n').expect("a whole line");
            let line = std::str::from_utf8(&bytes[at..end]).expect("text");
            let words: Vec<&str> = line.split(' ').collect();
            let number = |place: usize| words[place].parse::<usize>().expect("a number");
            let (name_at, data_at) = (end + 1, end + 1 + number(2));
            at = data_at + number(3);
            let name = |text: &[u8]| {
                let text = std::str::from_utf8(text).expect("a path");
                text.rsplit('/').next().unwrap_or(text).to_owned()
            };
            let (file, data) = (name(&bytes[name_at..data_at]), &bytes[data_at..at]);
            done.push(match words[0] {
                "w" => Done::Write(file, number(1), data.to_vec()),
                "t" => Done::Truncate(file, number(1)),
                "s" => Done::Sync(file),
                "r" => Done::Rename(file, name(data)),
                "u" => Done::Remove(file),
                "d" => Done::SyncFolder,
                other => panic!("unknown kind {other}"),
            });
        }
        Self(done)
    }

    /// The same as if the log had only been synced before a checkpoint: what `synchronous=NORMAL` does.
    pub(super) fn as_if_normal(&self) -> Self {
        let is_log = |file: &str| file.ends_with("-wal");
        let kept = self.0.iter().enumerate().filter(|(place, done)| match done {
            Done::Sync(file) if is_log(file) => self.0[place + 1..]
                .iter()
                .find_map(|next| match next {
                    Done::Write(file, ..) if is_log(file) => Some(false),
                    Done::Write(file, ..) if file == "journal.db" => Some(true),
                    _ => None,
                })
                .unwrap_or(false),
            _ => true,
        });
        Self(kept.map(|(_, done)| done.clone()).collect())
    }

    /// Whole lines written to a file before a point.
    pub(super) fn lines(&self, file: &str, until: usize) -> Vec<String> {
        let mut bytes = Vec::new();
        for done in &self.0[..until] {
            if let Done::Write(name, _, data) = done
                && name == file
            {
                bytes.extend_from_slice(data);
            }
        }
        String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
    }
}

#[derive(Debug, Clone, Default)]
struct Contents {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
        Change::Truncate(length) => bytes.resize(*length, 0),
    }
}

/// The disk, step by step.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    renames: Vec<Done>,
}

fn move_names(names: &mut BTreeMap<String, usize>, done: &Done) {
    match done {
        Done::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Done::Remove(name) => {
            names.remove(name);
        }
        _ => {}
    }
}

impl Disk {
    /// A disk on which a file is already.
    pub(super) fn with(name: &str, synced: Vec<u8>) -> Self {
        let mut disk = Self::default();
        let file = disk.file(name);
        disk.files[file].synced = synced;
        disk
    }

    fn file(&mut self, name: &str) -> usize {
        if let Some(file) = self.names.get(name) {
            return *file;
        }
        self.files.push(Contents::default());
        let file = self.files.len() - 1;
        self.names.insert(name.to_owned(), file);
        // Its entry in the folder comes after all that was done to the folder before.
        self.durable_names = self.names.clone();
        self.renames.clear();
        file
    }

    pub(super) fn step(&mut self, done: &Done) {
        match done {
            Done::Write(name, at, data) => {
                let file = self.file(name);
                self.files[file].pending.push(Change::Write(*at, data.clone()));
            }
            Done::Truncate(name, length) => {
                let file = self.file(name);
                self.files[file].pending.push(Change::Truncate(*length));
            }
            Done::Sync(name) => {
                let file = self.file(name);
                let Contents { synced, pending } = &mut self.files[file];
                pending.drain(..).for_each(|change| apply(synced, &change));
            }
            Done::Rename(..) | Done::Remove(_) => {
                move_names(&mut self.names, done);
                self.renames.push(done.clone());
            }
            Done::SyncFolder => {
                self.durable_names = self.names.clone();
                self.renames.clear();
            }
        }
    }

    /// Puts the files into a folder as they are now: as a kill leaves them, or, with dice, as a power cut does.
    pub(super) fn leave(&self, folder: &Path, dice: Option<&mut Rng>) {
        let Some(dice) = dice else {
            for (name, file) in &self.names {
                let mut bytes = self.files[*file].synced.clone();
                self.files[*file].pending.iter().for_each(|change| apply(&mut bytes, change));
                std::fs::write(folder.join(name), bytes).expect("written");
            }
            return;
        };
        let mut names = self.durable_names.clone();
        let moved = dice.usize(..=self.renames.len());
        self.renames[..moved].iter().for_each(|done| move_names(&mut names, done));
        for (name, file) in &names {
            let mut bytes = self.files[*file].synced.clone();
            for change in &self.files[*file].pending {
                match (dice.u8(..3), change) {
                    (0, _) => {}
                    (1, Change::Write(at, data)) => {
                        for (number, sector) in data.chunks(SECTOR).enumerate() {
                            if dice.bool() {
                                apply(&mut bytes, &Change::Write(at + number * SECTOR, sector.to_vec()));
                            }
                        }
                    }
                    _ => apply(&mut bytes, change),
                }
            }
            std::fs::write(folder.join(name), bytes).expect("written");
        }
    }
}
