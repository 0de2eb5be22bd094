//! The log in the data folder: `reknit.log`, and at 4 MiB it becomes `reknit.log.1`, the one before that `.2`, and so on
//! to `.3`; the oldest goes. Several processes may write one log. What is written is the caller's business: never a
//! secret, never a record's data.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes at which a log is set aside.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Logs set aside that are kept.
const KEPT: usize = 3;

/// The log's file in a data folder.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("reknit.log")
}

/// A log that sets itself aside when it is large.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    length: u64,
    largest: u64,
}

impl LogFile {
    /// Goes on where the log in a folder ends.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with(path(folder), LARGEST)
    }

    fn with(path: PathBuf, largest: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file, length, largest })
    }

    fn beside(&self, number: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    /// Begins a new log, unless another process has done so already.
    fn turn(&mut self) -> io::Result<()> {
        if std::fs::metadata(&self.path).is_ok_and(|facts| facts.len() >= self.largest) {
            for number in (1..KEPT).rev() {
                // One that is not there yet has nothing to move.
                let _ = std::fs::rename(self.beside(number), self.beside(number + 1));
            }
            std::fs::rename(&self.path, self.beside(1))?;
        }
        *self = Self::with(self.path.clone(), self.largest)?;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length >= self.largest && self.turn().is_err() {
            // A folder that takes no new file: the old one goes on, and is tried again after as much once more.
            self.length = 0;
        }
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_set_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = LogFile::with(path(folder.path()), 10).expect("a log");
        for line in ["first line\n", "second line\n", "third line\n", "fourth line\n", "fifth line\n"] {
            log.write_all(line.as_bytes()).expect("written");
        }
        let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert_eq!(text("reknit.log"), "fifth line\n");
        assert_eq!(text("reknit.log.1"), "fourth line\n");
        assert_eq!(text("reknit.log.3"), "second line\n");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 4);
    }

    #[test]
    fn two_processes_turn_it_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut one = LogFile::with(path(folder.path()), 10).expect("a log");
        one.write_all(b"0123456789").expect("written");
        let mut other = LogFile::with(path(folder.path()), 10).expect("the same log");
        one.write_all(b"one\n").expect("written");
        other.write_all(b"other\n").expect("written");
        let text = std::fs::read_to_string(path(folder.path())).expect("there");
        assert_eq!(text, "one\nother\n");
        assert!(!folder.path().join("reknit.log.2").exists());
    }
}
