//! `reknit link --contacts ... --companies ...`: which company each person of an export belongs to, best first. It needs
//! no settings, no journal and no network, changes nothing in any system, and writes only the files it is told to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::match_files::contacts::{Columns, company, contact};
use super::match_files::output_files::{Outputs, csv_row, score};
use super::match_files::{millionths, reasons};
use super::output;
use super::problem::Problem;
use super::progress::Line;
use super::tabular::{Ids, Row, Tabular, refused};
use crate::matching::{AccountKnowledge, PersonLink, Settings, link_people};

/// Arguments of `link` for files.
#[derive(Debug, Args)]
pub struct FileArguments {
    /// People as CSV: id, source, first_name, last_name, name, email, phone, company, domain, city, country
    #[arg(long, value_name = "CONTACTS.csv", requires = "companies", conflicts_with_all = ["id", "company", "create", "name", "domain", "none", "unsure", "later", "dry_run", "yes"])]
    pub contacts: Option<PathBuf>,
    /// Companies as CSV: id, name, domain, website, phone, city, country, parent_id
    #[arg(long, value_name = "COMPANIES.csv", requires = "contacts")]
    companies: Option<PathBuf>,
    /// Where the links go: contact_id,company_id,score,reason
    #[arg(long, value_name = "LINKS.csv", requires = "contacts")]
    output: Option<PathBuf>,
    /// Weaker candidates are not written [default: 0.02]
    #[arg(long, value_name = "0..1", requires = "contacts")]
    min_score: Option<f64>,
    /// Threads to work with; the result is the same with any number [default: as many as there are cores]
    #[arg(long, value_name = "N", requires = "contacts", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Also write figures of the run as JSON
    #[arg(long, value_name = "STATS.json", requires = "contacts")]
    stats: Option<PathBuf>,
}

/// Links the people of one file to the companies of another.
pub fn run(read_only: bool, arguments: &FileArguments, as_json: bool) -> Result<(), Problem> {
    let since = Instant::now();
    if read_only {
        return Err(Problem::one_line("--read-only forbids to write the links; nothing was read or written"));
    }
    let needed = |path: &Option<PathBuf>, flag: &str| {
        path.clone().ok_or_else(|| Problem::one_line(format!("{flag} is missing; nothing was written")))
    };
    let contacts = needed(&arguments.contacts, "--contacts CONTACTS.csv")?;
    let companies = needed(&arguments.companies, "--companies COMPANIES.csv")?;
    let links = needed(&arguments.output, "--output LINKS.csv")?;
    let minimum_probability = arguments.min_score.unwrap_or_else(|| Settings::default().minimum_probability);
    if !(0.0..=1.0).contains(&minimum_probability) {
        return Err(Problem::one_line("--min-score must lie between 0 and 1; nothing was written"));
    }
    let mut outputs = vec![links.as_path()];
    outputs.extend(arguments.stats.as_deref());
    for (at, path) in outputs.iter().enumerate() {
        let inputs = [contacts.as_path(), companies.as_path()];
        if inputs.iter().chain(&outputs[at + 1..]).any(|other| is_same(path, other)) {
            return Err(refused(path, "is named twice; an output needs a place of its own"));
        }
    }
    let mut line = Line::new();
    line.show(&format!("reading {}", companies.display()));
    let organisations = read(&companies, &["id", "company_id"], company)?;
    line.show(&format!("reading {}", contacts.display()));
    let people = read(&contacts, &["id", "contact_id"], contact)?;
    line.show(&format!("linking {} people to {} companies", people.len(), organisations.len()));
    let settings = Settings { minimum_probability, ..Settings::default() };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let threads = arguments.threads.map_or_else(cores, usize::from);
    let found = link_people(&people, &organisations, &AccountKnowledge::default(), &settings, threads);
    line.clear();
    let figures = figures(&found, organisations.len(), &links);
    let mut files = Outputs::default();
    files.write(&links, |out| write_links(out, &found))?;
    if let Some(path) = &arguments.stats {
        let mut timed = figures.clone();
        timed["threads"] = json!(threads);
        timed["seconds"] = json!((since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        files.write(path, |out| writeln!(out, "{timed}"))?;
    }
    files.finish()?;
    if as_json {
        return output::json(&figures);
    }
    output::line(&format!(
        "{} of {} people linked, {} only with candidates, written to {}",
        figures["linked"],
        found.len(),
        figures["candidates_only"],
        links.display()
    ))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn figures(found: &[PersonLink], companies: usize, output: &Path) -> Value {
    let best = |link: &PersonLink| link.candidates.first().map(|best| best.probability);
    let linked = found.iter().filter(|link| best(link).is_some_and(|score| score >= 0.5)).count();
    let candidates = found.iter().filter(|link| best(link).is_some_and(|score| score < 0.5)).count();
    json!({
        "contacts": found.len(),
        "companies": companies,
        "linked": linked,
        "candidates_only": candidates,
        "without_candidate": found.len() - linked - candidates,
        "rows": found.iter().map(|link| link.candidates.len()).sum::<usize>(),
        "output": output,
    })
}

/// Reads the records of a file, each id once.
fn read<T>(
    path: &Path,
    id_columns: &[&str],
    parse: fn(&Row<'_>, &Columns, String) -> T,
) -> Result<Vec<T>, Problem> {
    let mut table = Tabular::open(path)?;
    let id = table.required(id_columns)?;
    let columns = Columns::of(&table);
    columns.warn(path);
    let mut ids = Ids::default();
    let mut records = Vec::new();
    while let Some(row) = table.next_row()? {
        let key = ids.take(path, &row, id)?.into_owned();
        records.push(parse(&row, &columns, key));
    }
    table.warn();
    Ok(records)
}

/// Sorted by person, so that the order of the rows that came in does not matter.
fn write_links(out: &mut impl Write, found: &[PersonLink]) -> std::io::Result<()> {
    let mut order: Vec<&PersonLink> = found.iter().collect();
    order.sort_by(|one, other| one.person.cmp(&other.person));
    csv_row(out, &["contact_id", "company_id", "score", "reason"])?;
    for link in order {
        for candidate in &link.candidates {
            let probability = score(millionths(candidate.probability));
            csv_row(out, &[&link.person, &candidate.key, &probability, &reasons(&candidate.evidence)])?;
        }
    }
    Ok(())
}
