//! A pair added to the table of a mapping: which file it goes into, and its whole new text.
//!
//! The shipped mapping is never changed: its copy in the mappings folder is. Nothing is written before somebody has
//! seen the difference.

use std::path::{Path, PathBuf};

use super::{OperateError, Operator};
use crate::domain::review::Conflict;
use crate::domain::standing::mapping_of;
use crate::mapping::{Mappings, edit};

impl Operator {
    /// The file, its text as it is, and its text with the pair.
    pub(super) fn with_translation(
        &self,
        conflict: &Conflict,
        from: &str,
        to: &str,
    ) -> Result<(PathBuf, String, String), OperateError> {
        let impossible = |why: String| OperateError::Impossible(why);
        let (folder, contact) = self
            .mappings
            .as_ref()
            .ok_or_else(|| impossible("this Reknit has no folder for mappings.".into()))?;
        let name = match mapping_of(&conflict.line) {
            "" => "contact",
            name => name,
        };
        let file = match contact {
            Some(file) if name == "contact" || file.file_stem().is_some_and(|stem| stem == name) => {
                file.clone()
            }
            _ => folder.join(format!("{name}.toml")),
        };
        let old = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Mappings::shipped()
                .named(name)
                .map(|mapping| mapping.text.clone())
                .ok_or_else(|| impossible(format!("there is no mapping \"{name}\".")))?,
            Err(error) => return Err(impossible(format!("{}: {error}.", file.display()))),
        };
        let new = edit::add_translation(&old, &conflict.field, from, to)
            .map_err(|error| impossible(format!("{error}.")))?;
        Ok((file, old, new))
    }
}

/// Writes a file so that it is wholly the old one or wholly the new one.
pub(super) fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension("toml-new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
