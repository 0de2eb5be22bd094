//! `reknit link --contacts ... --companies ...`: which company each person of an export belongs to, best first. It needs
//! no settings, no journal and no network, changes nothing in any system, and writes only the files it is told to.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::output;
use super::problem::Problem;
use super::progress::Line;
use super::tabular::{Ids, Tabular, refused};
use crate::domain::evidence::Evidence;
use crate::matching::{AccountKnowledge, Organisation, Person, PersonLink, Settings, Source, link_people};

/// Arguments of `link` for files.
#[derive(Debug, Args)]
pub struct FileArguments {
    /// People as CSV: id, source, first_name, last_name, name, email, phone, company, domain, city, country
    #[arg(long, value_name = "CONTACTS.csv", requires = "companies", conflicts_with_all = ["id", "company", "dry_run"])]
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
    let organisations = read_companies(&companies)?;
    line.show(&format!("reading {}", contacts.display()));
    let people = read_contacts(&contacts)?;
    line.show(&format!("linking {} people to {} companies", people.len(), organisations.len()));
    let settings = Settings { minimum_probability, ..Settings::default() };
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let threads = arguments.threads.map_or_else(cores, usize::from);
    let found = link_people(&people, &organisations, &AccountKnowledge::default(), &settings, threads);
    line.clear();
    let figures = figures(&found, organisations.len(), &links);
    let written = write_beside(&links, |out| write_links(out, &found))?;
    if let Some(path) = &arguments.stats {
        let mut timed = figures.clone();
        timed["threads"] = json!(threads);
        timed["seconds"] = json!((since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0);
        write_beside(path, |out| writeln!(out, "{timed}"))?.into_place()?;
    }
    written.into_place()?;
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

fn read_contacts(path: &Path) -> Result<Vec<Person>, Problem> {
    let mut table = Tabular::open(path)?;
    let id = table.required(&["id", "contact_id"])?;
    let names = [
        "source",
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "company",
        "domain",
        "title",
        "city",
        "country",
    ];
    let columns = names.map(|name| table.column(name));
    let mut ids = Ids::default();
    let mut people = Vec::new();
    while let Some(row) = table.next_row()? {
        let key = ids.take(path, &row, id)?.into_owned();
        let [source, name, given, family, email, phone, company, domain, title, city, country] =
            columns.map(|column| row.text(column).into_owned());
        let filled = |text: String| if text.is_empty() { Vec::new() } else { vec![text] };
        people.push(Person {
            key,
            source: source_of(&source),
            name,
            given_name: given,
            family_name: family,
            emails: filled(email),
            phones: filled(phone),
            company,
            company_domain: domain,
            title,
            city,
            country,
            ..Person::default()
        });
    }
    table.warn();
    Ok(people)
}

/// Systems that guess a person's place from an address on the network are known by their name.
fn source_of(text: &str) -> Source {
    match text {
        "intercom_user" => Source::IntercomUser,
        "intercom_lead" => Source::IntercomLead,
        "hubspot_contact" => Source::HubspotContact,
        "salesforce_lead" => Source::SalesforceLead,
        "salesforce_contact" => Source::SalesforceContact,
        _ => Source::Other,
    }
}

fn read_companies(path: &Path) -> Result<Vec<Organisation>, Problem> {
    let mut table = Tabular::open(path)?;
    let id = table.required(&["id", "company_id"])?;
    let names = ["name", "domain", "website", "phone", "city", "country", "industry", "parent_id"];
    let columns = names.map(|name| table.column(name));
    let mut ids = Ids::default();
    let mut organisations = Vec::new();
    while let Some(row) = table.next_row()? {
        let key = ids.take(path, &row, id)?.into_owned();
        let [name, domain, website, phone, city, country, industry, parent] =
            columns.map(|column| row.text(column).into_owned());
        organisations.push(Organisation {
            key,
            name,
            domain,
            website,
            phone,
            city,
            country,
            industry,
            parent_key: Some(parent).filter(|parent| !parent.is_empty()),
        });
    }
    table.warn();
    Ok(organisations)
}

/// Sorted by person, so that the order of the rows that came in does not matter.
fn write_links(out: &mut dyn Write, found: &[PersonLink]) -> std::io::Result<()> {
    let mut order: Vec<&PersonLink> = found.iter().collect();
    order.sort_by(|one, other| one.person.cmp(&other.person));
    let mut table = csv::WriterBuilder::new().from_writer(out);
    table.write_record(["contact_id", "company_id", "score", "reason"])?;
    for link in order {
        for candidate in &link.candidates {
            let score = format!("{:.6}", candidate.probability);
            let reason = reasons(&candidate.evidence);
            table.write_record([&link.person, &candidate.key, &score, &reason])?;
        }
    }
    table.flush()
}

/// `name:level:+1.25;...`, every addend with two decimals.
fn reasons(evidence: &[Evidence]) -> String {
    let plain = |word: &str| word.replace([';', ':', '\n', '\r'], " ");
    let one = |bar: &Evidence| {
        let bits = f64::from(bar.millibits) / 1000.0;
        format!("{}:{}:{bits:+.2}", plain(&bar.comparison), plain(&bar.level))
    };
    evidence.iter().map(one).collect::<Vec<_>>().join(";")
}

/// A complete file that waits beside its place, so that nobody reads half a one.
struct Written<'a> {
    beside: PathBuf,
    place: &'a Path,
}

fn write_beside(
    place: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<Written<'_>, Problem> {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = place.with_file_name(name);
    let written = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    });
    match written {
        Ok(()) => Ok(Written { beside, place }),
        Err(error) => {
            // What is left of it is of no use to anybody.
            let _ = std::fs::remove_file(&beside);
            Err(refused(place, &format!("cannot be written: {error}")))
        }
    }
}

impl Written<'_> {
    fn into_place(self) -> Result<(), Problem> {
        std::fs::rename(&self.beside, self.place).map_err(|error| {
            let _ = std::fs::remove_file(&self.beside);
            refused(self.place, &format!("cannot be written: {error}"))
        })
    }
}
