//! Files that appear all at once: each is written under another name beside its place, and moved when all are complete.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::super::problem::Problem;

/// The files of one run.
#[derive(Default)]
pub(in crate::cli) struct Outputs {
    /// Where each was written, and where it belongs.
    written: Vec<(PathBuf, PathBuf)>,
}

impl Outputs {
    /// Writes a file beside its place.
    pub(in crate::cli) fn write(
        &mut self,
        path: &Path,
        content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        let beside = path.with_file_name(name);
        self.written.push((beside.clone(), path.to_owned()));
        let written = File::create(&beside).and_then(|file| {
            let mut out = BufWriter::with_capacity(1 << 18, file);
            content(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error).map(drop)
        });
        written.map_err(|error| unwritten(path, &error))
    }

    /// Moves every file to its place.
    pub(in crate::cli) fn finish(mut self) -> Result<(), Problem> {
        for (beside, path) in std::mem::take(&mut self.written) {
            if let Err(error) = std::fs::rename(&beside, &path) {
                let _ = std::fs::remove_file(&beside);
                return Err(unwritten(&path, &error));
            }
        }
        Ok(())
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        for (beside, _) in &self.written {
            let _ = std::fs::remove_file(beside);
        }
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Problem {
    Problem::one_line(format!(
        "{}: cannot be written: {error}; name a file in a folder that exists and may be written to",
        path.display()
    ))
}

/// One row of CSV, with quotes only where they are needed.
pub(in crate::cli) fn csv_row(out: &mut impl Write, fields: &[&str]) -> io::Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        let quoted = field.contains(['"', ',', '\n', '\r']) || field.starts_with(' ') || field.ends_with(' ');
        if quoted {
            out.write_all(b"\"")?;
            out.write_all(field.replace('"', "\"\"").as_bytes())?;
            out.write_all(b"\"")?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// A probability in millionths as it is written.
pub(in crate::cli) fn score(millionths: u32) -> String {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        csv_row(&mut out, &["a", "b,c", "d\"e", "f\ng", ""]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a,\"b,c\",\"d\"\"e\",\"f\ng\",\n");
        assert_eq!((score(1_000_000), score(20_000)), ("1.000000".to_owned(), "0.020000".to_owned()));
    }

    #[test]
    fn a_file_appears_complete_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.csv");
        std::fs::write(&path, "before").unwrap();
        let mut outputs = Outputs::default();
        outputs.write(&path, |out| out.write_all(b"half")).unwrap();
        drop(outputs);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
        let mut outputs = Outputs::default();
        outputs.write(&path, |out| out.write_all(b"whole")).unwrap();
        outputs.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
