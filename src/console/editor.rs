//! Handing a text to the operator's own editor and taking it back.
//!
//! The file is for this user alone and is removed afterwards, whatever the editor did; nothing of it is logged.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// Opens the text in `$VISUAL`, else `$EDITOR`, else `vi`, and waits; the text as it was saved. The terminal must be the
/// editor's by then.
pub(super) fn edit(text: &str) -> Result<String, String> {
    let place = Place::new(text)?;
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty())
        .unwrap_or_else(|| if cfg!(windows) { "notepad".to_owned() } else { "vi".to_owned() });
    let mut words = chosen.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(&place.0).status().map_err(|error| {
        format!("Your editor {program} does not start: {error}. Nothing was changed; set $EDITOR, or edit in place (e).")
    })?;
    if !status.success() {
        return Err(format!("Your editor {program} ended with {status}; what it holds is not taken."));
    }
    std::fs::read_to_string(&place.0)
        .map_err(|error| format!("What your editor saved cannot be read: {error}. Nothing was changed."))
}

struct Place(PathBuf);

impl Place {
    fn new(text: &str) -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("reknit-{:016x}.json", fastrand::u64(..)));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        let place = Self(path);
        written.map_err(|error| {
            format!("No file for your editor can be written: {error}. Nothing was changed.")
        })?;
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A file that is gone already needs no removing.
        let _ = std::fs::remove_file(&self.0);
    }
}
