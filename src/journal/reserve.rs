//! Eight mebibytes kept for the day the disk is full: given up then, so that the journal can be checkpointed and what
//! people decide can still be stored; made anew when there is room again.
//!
//! It only ever touches its own file beside the journal.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::head::sync_folder;

/// What is kept back.
pub(super) const SIZE: u64 = 8 * 1024 * 1024;

/// The file beside a journal.
pub(super) struct Reserve(PathBuf);

impl Reserve {
    pub(super) fn beside(journal: &Path) -> Self {
        Self(super::beside(journal, "-reserve"))
    }

    pub(super) fn is_there(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|file| file.len() == SIZE)
    }

    /// Gives the room back to the disk.
    pub(super) fn release(&self) {
        // Gone already, or not to be removed: there is nothing else to give.
        let _ = fs::remove_file(&self.0);
    }

    /// Takes the room, and fails unless as much again is free: a journal that goes on with nothing to spare would
    /// stop at the next event. Real bytes, since holes take no room, and unlike ones, since some disks fold zeros.
    pub(super) fn make(&self) -> std::io::Result<()> {
        let growing = super::beside(&self.0, "-growing");
        let made = self.grow(&growing);
        if made.is_err() {
            let _ = fs::remove_file(&growing);
        }
        made
    }

    fn grow(&self, growing: &Path) -> std::io::Result<()> {
        let mut file = File::create(growing)?;
        let mut block = vec![0; 64 * 1024];
        let mut random = fastrand::Rng::new();
        for _ in 0..(2 * SIZE / block.len() as u64) {
            random.fill(&mut block);
            file.write_all(&block)?;
        }
        // Without it the room may only have been promised.
        file.sync_all()?;
        file.set_len(SIZE)?;
        fs::rename(growing, &self.0)?;
        sync_folder(&self.0);
        Ok(())
    }
}
