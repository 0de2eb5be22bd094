//! `reknit init`: a commented settings file with every default.

use std::fs;
use std::io::Write;

use clap::Args;

use super::output;
use super::problem::Problem;
use super::wiring::Place;
use crate::config;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print it instead of writing the file
    #[arg(long)]
    print: bool,
}

/// Writes the file; an existing one is never touched.
pub fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    if arguments.print {
        return output::line(config::DEFAULT.trim_end());
    }
    write(place)?;
    output::line(&format!(
        "Wrote {}. Set the tokens in the environment or with `reknit vault set NAME`, then run `reknit serve`.",
        place.config.display()
    ))
}

/// Writes the file and says nothing.
pub(super) fn write(place: &Place) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        let (why, next) = if error.kind() == std::io::ErrorKind::AlreadyExists {
            (
                "the file is there already".to_owned(),
                "edit it, or see every setting with `reknit init --print`",
            )
        } else {
            (error.to_string(), "name another place with --config FILE")
        };
        Problem::usage(format!("No settings were written to {}.", place.config.display()), why, next)
    };
    if let Some(folder) = place.config.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&place.config).map_err(failed)?;
    file.write_all(config::DEFAULT.as_bytes()).map_err(failed)
}
