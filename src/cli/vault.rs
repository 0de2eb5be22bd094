//! `reknit vault`: secrets put into the sealed file, listed by name and taken out again; never shown.

use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::output;
use super::problem::Problem;
use super::wiring::{self, Place};
use crate::domain::secret::Secret;
use crate::vault::{NAMES, PASSPHRASE, PASSPHRASE_FILE, VaultError, is_known};

/// A private key has some 3 KiB; nothing we keep is longer than this.
const LONGEST: u64 = 64 * 1024;

/// Arguments of `vault`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a secret; its value is read from standard input, never from the command line
    Set {
        /// Its name, as in the environment: HUBSPOT_ACCESS_TOKEN
        name: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// The names of the secrets kept, and their last letters
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a secret
    Remove {
        /// Its name
        name: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Does what was asked; nothing of it touches the journal.
pub fn run(place: &Place, read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    if read_only && !matches!(arguments.command, Command::List { .. }) {
        return Err(Problem::usage(
            "The vault was not changed.",
            "--read-only forbids it",
            "leave --read-only away, or look with `reknit vault list`",
        ));
    }
    let failed = |error: VaultError| problem(&error);
    let vault = wiring::vault(place)?;
    match &arguments.command {
        Command::Set { name, json } => {
            check(name, &config.vendors.proxy_login_variable)?;
            if !vault.keeps() {
                return Err(problem(&VaultError::NoPassphrase));
            }
            vault.set(name, &value(name)?).map_err(failed)?;
            if *json {
                return output::json(&json!({"name": name, "set": true}));
            }
            output::line(&format!(
                "{name} is kept. A variable of the same name in the environment goes before it."
            ))
        }
        Command::List { json } => {
            let entries = vault.entries().map_err(failed)?;
            if *json {
                let rows: Vec<_> = entries
                    .iter()
                    .map(|it| json!({"name": it.name, "hint": it.hint, "overridden": it.overridden}))
                    .collect();
                return output::json(&rows);
            }
            if entries.is_empty() {
                return output::line("The vault is empty; `reknit vault set NAME` keeps a secret.");
            }
            let rows: Vec<Vec<String>> = entries
                .into_iter()
                .map(|it| {
                    let note = if it.overridden { "the environment has one too, which is used" } else { "" };
                    vec![it.name, it.hint, note.to_owned()]
                })
                .collect();
            output::table(&["NAME", "ENDS WITH", "NOTE"], &rows)
        }
        Command::Remove { name, json } => {
            if !vault.remove(name).map_err(failed)? {
                return Err(Problem::usage(
                    "The vault was not changed.",
                    format!("it holds no \"{name}\""),
                    "see the names with `reknit vault list`",
                ));
            }
            if *json {
                return output::json(&json!({"name": name, "removed": true}));
            }
            output::line(&format!(
                "{name} is forgotten here; at the vendor it is still good until you revoke it."
            ))
        }
    }
}

/// A vault that cannot be used, as a person reads it.
pub fn problem(error: &VaultError) -> Problem {
    let next = match error {
        VaultError::Locked(_) => {
            format!("set {PASSPHRASE}, or {PASSPHRASE_FILE} to a file that holds it; or move the vault away")
        }
        VaultError::NoPassphrase => {
            format!("set {PASSPHRASE}, or {PASSPHRASE_FILE} to a file that holds it, and keep it: nothing opens the vault without it")
        }
        VaultError::Passphrase(_) => "correct it; a long sentence makes a good one".to_owned(),
        VaultError::Unusable { .. } => "check the path, its permissions and the disk".to_owned(),
        VaultError::NotAVault(_) => "put the vault back from a backup, or move the file away and set the secrets anew".to_owned(),
        VaultError::WrongKey(_) => {
            "try the passphrase it was made with; if that is lost, move the file away and set the secrets anew".to_owned()
        }
    };
    Problem::usage("The vault cannot be used; nothing was changed or sent.", error.to_string(), next)
}

fn check(name: &str, also: &str) -> Result<(), Problem> {
    if is_known(name) || (name == also && !also.is_empty()) {
        return Ok(());
    }
    let told = |guess: &str| {
        Problem::usage(
            "Nothing was kept.",
            format!("Reknit asks for no secret called \"{name}\"{guess}"),
            format!("the names are {}; a named connection appends _NAME", NAMES.join(", ")),
        )
    };
    if is_known(&name.to_uppercase()) {
        return Err(told(&format!("; did you mean {}?", name.to_uppercase())));
    }
    let alike = |known: &&str| rapidfuzz::distance::jaro_winkler::similarity(name.chars(), known.chars());
    let nearest = NAMES.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    // Any two names are a little alike: only a slip of the finger is worth a guess.
    let guess = nearest.filter(|known| alike(known) > 0.9);
    Err(told(&guess.map(|known| format!("; did you mean {known}?")).unwrap_or_default()))
}

fn value(name: &str) -> Result<Secret, Problem> {
    let input = std::io::stdin();
    if input.is_terminal() {
        // What is typed here would be shown, and stay in the terminal's memory.
        return Err(Problem::usage(
            "Nothing was kept.",
            "the value is read from standard input, and that is a terminal, which shows what is typed",
            format!("run: read -rs S; printf %s \"$S\" | reknit vault set {name}"),
        ));
    }
    let bad = |why: String| {
        Problem::usage(
            "Nothing was kept.",
            why,
            format!("give the value on standard input: reknit vault set {name} < FILE"),
        )
    };
    let mut text = Zeroizing::new(String::new());
    input
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| bad(format!("standard input: {error}")))?;
    if text.len() as u64 > LONGEST {
        return Err(bad(format!("the value is longer than {LONGEST} bytes")));
    }
    if text.trim().is_empty() {
        return Err(bad("the value is empty".to_owned()));
    }
    if !name.contains("PRIVATE_KEY") && text.trim().chars().any(char::is_control) {
        return Err(bad("the value has more than one line, or characters no token has".to_owned()));
    }
    Ok(Secret::new(&text))
}
