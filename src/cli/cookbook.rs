//! `reknit cookbook`: the troubles people really have with these vendors, with what mends each. Calls nobody.

use clap::Args;
use serde_json::json;

use super::output;
use super::problem::Problem;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::System;
use crate::domain::trouble::{COOKBOOK, Trouble};

/// Arguments of `cookbook`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only rows that hold all of these words, such as `hubspot scope`
    words: Vec<String>,
    /// Print the rows as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the rows asked for; none is no failure, but is said.
pub fn run(arguments: &Arguments) -> Result<(), Problem> {
    let rows: Vec<&Trouble> = COOKBOOK.iter().filter(|trouble| holds(trouble, &arguments.words)).collect();
    if arguments.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|trouble| {
                json!({
                    "key": trouble.key,
                    "system": trouble.system.map(System::as_str),
                    "class": trouble.class.map(ErrorClass::as_str),
                    "symptom": trouble.symptom,
                    "meaning": trouble.meaning,
                    "hint": trouble.hint,
                    "fix": trouble.fix.as_str(),
                    "how": trouble.fix.how(),
                })
            })
            .collect();
        return output::json(&rows);
    }
    if rows.is_empty() {
        return output::line("No row of the cookbook holds these words; `reknit cookbook` prints all.");
    }
    for trouble in rows {
        let whose = trouble.system.map_or("", |system| system.title());
        let class = trouble.class.map_or("", |class| class.as_str());
        for line in [
            [trouble.key, whose, class].map(str::to_owned).join("  ").trim_end().to_owned(),
            format!("  Seen  {}", trouble.symptom),
            format!("  Why   {}", trouble.meaning),
            format!("  Fix   {}", trouble.hint),
            format!("  By    {}", trouble.fix.how()),
            String::new(),
        ] {
            output::line(&line)?;
        }
    }
    Ok(())
}

fn holds(trouble: &Trouble, words: &[String]) -> bool {
    let whose = trouble.system.map_or("", |system| system.as_str());
    let class = trouble.class.map_or("", |class| class.as_str());
    let text =
        [trouble.key, whose, class, trouble.symptom, trouble.meaning, trouble.hint].join(" ").to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}
