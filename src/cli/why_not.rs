//! `reknit why-not`: why nothing came of a person: the gates in order, the first that stopped it marked.

use clap::Args;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::text::clean;
use crate::engine::why_not::{Verdict, why_not};

/// Arguments of `why-not`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// An e-mail, a record as intercom/contact/64e2, or a person as pe_3
    person: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Tells why.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let reason = why_not(&journal, &arguments.person).await.map_err(|error| unread(&error))?;
    if arguments.json {
        return output::json(&reason);
    }
    let say = |text: &str| output::line(&clean(text));
    for gate in &reason.gates {
        let (glyph, words) = match gate.verdict {
            Verdict::Passed => ("✓", gate.sentence.as_str()),
            Verdict::Stopped => ("✗", gate.sentence.as_str()),
            Verdict::NotReached => ("·", "not reached"),
        };
        say(&format!("{glyph} {:<10}  {words}", gate.gate))?;
        if let Some(next) = &gate.next {
            say(&format!("    Next      {next}"))?;
        }
    }
    if reason.gates.iter().all(|gate| gate.verdict == Verdict::Passed) {
        say("Nothing stopped it.")?;
    }
    Ok(())
}
