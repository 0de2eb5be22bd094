//! `reknit match`: finds the duplicates in a CSV file, or the pairs across two. It needs no settings, no journal and
//! no network, and writes nothing but the files it is told to.
//!
//! Every output is written beside its place and moved there when it is complete, so that nobody reads half a file.

pub(super) mod contacts;
pub(super) mod output_files;
mod tables;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::output_files::Outputs;
use super::output;
use super::problem::Problem;
use super::progress::Line;
use super::tabular::refused;
use crate::domain::evidence::Evidence;
use crate::matching::table::Schema;
use crate::matching::{Band, Settings};

/// What the rows of a CRM export are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// People: id, source, first_name, last_name, name, email, phone, company, title, domain, city, country, created_at
    Contact,
    /// Companies: id, source, name, domain, website, phone, city, country, industry, parent_id
    Company,
}

/// Arguments of `match`.
#[derive(Debug, Args)]
#[command(after_help = "\
The file's first line names its columns; only `id` is needed. Columns of another table are described by --schema:\n\
  id = \"id\"\n  [fields]\n  surname = \"family_name\"\n  born = \"date\"\n\
Types: given_name family_name full_name email phone company domain title city country region postcode street\n\
house_number address date national_id category exact text ignore.\n\
pairs.csv holds left_id, right_id, score (0..1), band (auto, review, weak) and reasons that add up to the score.\n\
The matcher's own defaults are used; settings of a configuration file are not read.")]
pub struct Arguments {
    /// The CSV file
    #[arg(long, value_name = "FILE.csv")]
    input: PathBuf,
    /// Where the pairs go
    #[arg(long, value_name = "PAIRS.csv")]
    output: PathBuf,
    /// A second file: only pairs across the two are looked for
    #[arg(long, value_name = "FILE.csv")]
    against: Option<PathBuf>,
    /// What the rows of a CRM export are
    #[arg(long, value_enum, default_value_t = Kind::Contact)]
    kind: Kind,
    /// What the columns of any other table hold
    #[arg(long, value_name = "SCHEMA.toml")]
    schema: Option<PathBuf>,
    /// Also write id,cluster_id for every id
    #[arg(long, value_name = "CLUSTERS.csv")]
    clusters: Option<PathBuf>,
    /// Weaker pairs are not written
    #[arg(long, value_name = "0..1", default_value_t = 0.02)]
    min_score: f64,
    /// At most so many pairs, the strongest
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    max_pairs: usize,
    /// Threads to work with; the result is the same with any number [default: as many as there are cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Also write figures of the run as JSON
    #[arg(long, value_name = "STATS.json")]
    stats: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn settings(&self) -> Settings {
        Settings {
            minimum_probability: self.min_score,
            maximum_candidates: self.max_pairs,
            ..Settings::default()
        }
    }

    fn threads(&self) -> NonZeroUsize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(cores).min(NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN))
    }

    fn check(&self) -> Result<(), Problem> {
        if !(0.0..=1.0).contains(&self.min_score) {
            return Err(Problem::one_line("--min-score must lie between 0 and 1; nothing was written"));
        }
        let inputs = [Some(&self.input), self.against.as_ref(), self.schema.as_ref()];
        let outputs = [Some(&self.output), self.clusters.as_ref(), self.stats.as_ref()];
        let outputs: Vec<&PathBuf> = outputs.into_iter().flatten().collect();
        for (at, path) in outputs.iter().enumerate() {
            let taken = inputs.iter().flatten().any(|input| is_same(input, path))
                || outputs[at + 1..].iter().any(|other| is_same(other, path));
            if taken {
                return Err(refused(path, "is named twice; an output needs a place of its own"));
            }
        }
        Ok(())
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What a run found, whatever matched it.
struct Found {
    records: usize,
    against: Option<usize>,
    /// Pairs compared, where the matcher counts them.
    compared: Option<usize>,
    /// Pairs above the least score that the cap left out.
    left_out: usize,
    pairs: usize,
    bands: [usize; 3],
    clusters: usize,
}

/// How a run is shown while it goes on.
struct Progress {
    line: Line,
    since: Instant,
}

impl Progress {
    /// A bar, once it has taken long enough to be worth one.
    fn show(&mut self, doing: &str, share: f64) {
        if self.since.elapsed().as_millis() > 500 {
            let full = (share.clamp(0.0, 1.0) * 24.0).round() as usize;
            let bar = format!("{}{}", "█".repeat(full), "░".repeat(24 - full));
            self.line.show(&format!("{bar} {:>3.0} %  {doing}", share.clamp(0.0, 1.0) * 100.0));
        }
    }
}

/// Matches files.
pub fn run(read_only: bool, arguments: &Arguments) -> Result<(), Problem> {
    if read_only {
        return Err(Problem::one_line("--read-only forbids to write the pairs; nothing was read or written"));
    }
    arguments.check()?;
    let mut progress = Progress { line: Line::new(), since: Instant::now() };
    let mut outputs = Outputs::default();
    let found = match &arguments.schema {
        Some(path) => {
            let text =
                std::fs::read(path).map_err(|error| refused(path, &format!("cannot be read: {error}")))?;
            let text = String::from_utf8_lossy(&text);
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let schema = Schema::parse(text).map_err(|error| refused(path, &error.to_string()))?;
            tables::run(arguments, &schema, &mut outputs, &mut progress)?
        }
        None => contacts::run(arguments, &mut outputs, &mut progress)?,
    };
    let figures = figures(arguments, &found);
    if let Some(path) = &arguments.stats {
        let mut timed = figures.clone();
        timed["threads"] = json!(arguments.threads());
        timed["seconds"] = json!((progress.since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        outputs.write(path, |out| writeln!(out, "{timed}"))?;
    }
    outputs.finish()?;
    progress.line.clear();
    if found.left_out > 0 {
        output::aside(&format!(
            "warning: --max-pairs {}: the strongest {} pairs were kept, {} weaker ones were left out",
            arguments.max_pairs, found.pairs, found.left_out
        ));
    }
    if arguments.json {
        return output::json(&figures);
    }
    let [auto, review, weak] = found.bands;
    output::line(&format!(
        "{} pairs ({auto} auto, {review} review, {weak} weak) among {} records, written to {}",
        found.pairs,
        found.records + found.against.unwrap_or(0),
        arguments.output.display()
    ))
}

fn figures(arguments: &Arguments, found: &Found) -> Value {
    let [auto, review, weak] = found.bands;
    let kind = match (&arguments.schema, arguments.kind) {
        (Some(_), _) => "table",
        (None, Kind::Contact) => "contact",
        (None, Kind::Company) => "company",
    };
    json!({
        "kind": kind,
        "records": found.records,
        "records_against": found.against,
        "compared": found.compared,
        "pairs": found.pairs,
        "auto": auto,
        "review": review,
        "weak": weak,
        "left_out": found.left_out,
        "clusters": found.clusters,
        "output": arguments.output,
    })
}

/// `name:level:+1.25;...`, every addend with two decimals.
pub(super) fn reasons(evidence: &[Evidence]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(evidence.len() * 28);
    let plain = |word: &str| word.replace([';', ':', '\n', '\r'], " ");
    for bar in evidence {
        if !text.is_empty() {
            text.push(';');
        }
        let bits = f64::from(bar.millibits) / 1000.0;
        let _ = write!(text, "{}:{}:{bits:+.2}", plain(&bar.comparison), plain(&bar.level));
    }
    text
}

/// A probability as the millionths that are written.
pub(super) fn millionths(probability: f64) -> u32 {
    (probability.clamp(0.0, 1.0) * 1_000_000.0).round() as u32
}

/// Where a band is counted.
fn place(band: Band) -> usize {
    match band {
        Band::Auto => 0,
        Band::Review => 1,
        Band::Weak => 2,
    }
}
