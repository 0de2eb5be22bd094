//! `reknit match` on the export of a CRM: people or companies with the columns these systems have. It reads and
//! writes; the matchers decide.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use super::output_files::{Outputs, csv_row, score};
use super::{Arguments, Found, Kind, Progress, millionths, place, reasons};
use crate::cli::output;
use crate::cli::problem::Problem;
use crate::cli::tabular::{Ids, Row, Tabular};
use crate::domain::clock::Timestamp;
use crate::matching::{
    Candidate, Organisation, Person, Settings, Source, duplicate_organisations, duplicate_people,
    groups_of_keys,
};

/// Identical records above this number are paired with the first of them only.
const STAR: usize = 50;

/// Matches people or companies and writes what was found.
pub(super) fn run(
    arguments: &Arguments,
    outputs: &mut Outputs,
    progress: &mut Progress,
) -> Result<Found, Problem> {
    match arguments.kind {
        Kind::Contact => {
            let records = read(arguments, progress, &["id", "contact_id"], contact)?;
            matched(arguments, outputs, progress, records, |people, settings| {
                duplicate_people(people, settings)
            })
        }
        Kind::Company => {
            let records = read(arguments, progress, &["id", "company_id"], company)?;
            matched(arguments, outputs, progress, records, |firms, settings| {
                duplicate_organisations(firms, settings)
            })
        }
    }
}

/// A record of either kind.
trait Record: Clone {
    fn key(&self) -> &str;
    /// All it holds but its key; none where it holds nothing.
    fn content(&self) -> Option<String>;
}

impl Record for Person {
    fn key(&self) -> &str {
        &self.key
    }

    fn content(&self) -> Option<String> {
        let plain = Self { key: String::new(), ..self.clone() };
        let empty = Self { source: self.source, created_at: self.created_at, ..Self::default() };
        (plain != empty).then(|| format!("{plain:?}"))
    }
}

impl Record for Organisation {
    fn key(&self) -> &str {
        &self.key
    }

    fn content(&self) -> Option<String> {
        let plain = Self { key: String::new(), ..self.clone() };
        (plain != Self::default()).then(|| format!("{plain:?}"))
    }
}

/// The rows of one or two files; the keys of the second are kept apart.
struct Records<T> {
    all: Vec<T>,
    first: usize,
    second: Option<HashSet<String>>,
}

fn read<T>(
    arguments: &Arguments,
    progress: &mut Progress,
    id_columns: &[&str],
    parse: fn(&Row<'_>, &Columns, String) -> T,
) -> Result<Records<T>, Problem> {
    let mut ids = Ids::default();
    let mut records = Records { all: Vec::new(), first: 0, second: None };
    read_file(&arguments.input, id_columns, &mut ids, progress, |row, columns, key| {
        records.all.push(parse(row, columns, key));
    })?;
    records.first = records.all.len();
    if let Some(path) = &arguments.against {
        let mut second = HashSet::new();
        read_file(path, id_columns, &mut ids, progress, |row, columns, key| {
            second.insert(key.clone());
            records.all.push(parse(row, columns, key));
        })?;
        records.second = Some(second);
    }
    Ok(records)
}

/// Where the columns of an export stand.
pub(in crate::cli) struct Columns {
    places: BTreeMap<&'static str, usize>,
}

impl Columns {
    pub(in crate::cli) fn of(table: &Tabular) -> Self {
        const KNOWN: [&str; 17] = [
            "source",
            "first_name",
            "last_name",
            "name",
            "email",
            "phone",
            "company",
            "title",
            "domain",
            "city",
            "country",
            "created_at",
            "website",
            "industry",
            "employees",
            "parent_id",
            "id",
        ];
        let places = KNOWN.iter().filter_map(|name| table.column(name).map(|at| (*name, at))).collect();
        Self { places }
    }

    /// A file of which nothing but the ids is understood finds nothing, and that looks like clean data.
    pub(in crate::cli) fn warn(&self, path: &Path) {
        if self.places.keys().all(|name| matches!(*name, "id" | "source" | "created_at")) {
            output::aside(&format!(
                "warning: {}: no column but the id is known, so nothing can be compared; known are first_name, last_name, \
                 name, email, phone, company, title, domain, website, city, country, and with --schema any other",
                path.display()
            ));
        }
    }

    fn text(&self, row: &Row<'_>, name: &str) -> String {
        row.text(self.places.get(name).copied()).into_owned()
    }

    fn texts(&self, row: &Row<'_>, name: &str) -> Vec<String> {
        Some(self.text(row, name)).filter(|text| !text.is_empty()).into_iter().collect()
    }
}

fn read_file(
    path: &Path,
    id_columns: &[&str],
    ids: &mut Ids,
    progress: &mut Progress,
    mut take: impl FnMut(&Row<'_>, &Columns, String),
) -> Result<(), Problem> {
    let mut table = Tabular::open(path)?;
    let id = table.required(id_columns)?;
    let columns = Columns::of(&table);
    columns.warn(path);
    let (mut rows, mut share) = (0_u64, 0.0);
    while let Some(row) = table.next_row()? {
        let key = ids.take(path, &row, id)?.into_owned();
        take(&row, &columns, key);
        rows += 1;
        if rows.is_multiple_of(10_000) {
            progress.show("reading", share);
            share = table.share();
        }
    }
    table.warn();
    Ok(())
}

/// A contact out of a row of an export.
pub(in crate::cli) fn contact(row: &Row<'_>, columns: &Columns, key: String) -> Person {
    let text = |name: &str| columns.text(row, name);
    Person {
        key,
        source: source(&text("source")),
        name: text("name"),
        given_name: text("first_name"),
        family_name: text("last_name"),
        emails: columns.texts(row, "email"),
        phones: columns.texts(row, "phone"),
        company: text("company"),
        company_domain: text("domain"),
        title: text("title"),
        city: text("city"),
        country: text("country"),
        created_at: seconds(&text("created_at")),
    }
}

/// A company out of a row of an export.
pub(in crate::cli) fn company(row: &Row<'_>, columns: &Columns, key: String) -> Organisation {
    let text = |name: &str| columns.text(row, name);
    Organisation {
        key,
        name: text("name"),
        domain: text("domain"),
        website: text("website"),
        phone: text("phone"),
        city: text("city"),
        country: text("country"),
        industry: text("industry"),
        parent_key: Some(text("parent_id")).filter(|key| !key.is_empty()),
    }
}

fn source(text: &str) -> Source {
    match text {
        "intercom_user" => Source::IntercomUser,
        "intercom_lead" => Source::IntercomLead,
        "hubspot_contact" => Source::HubspotContact,
        "salesforce_lead" => Source::SalesforceLead,
        "salesforce_contact" => Source::SalesforceContact,
        _ => Source::Other,
    }
}

/// Seconds since 1970 of RFC 3339, a civil date and time, a day, or seconds or milliseconds as digits.
fn seconds(text: &str) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(if number.abs() > 100_000_000_000 { number / 1000 } else { number });
    }
    if let Some(moment) = Timestamp::parse_rfc3339(text) {
        return Some(moment.seconds());
    }
    let civil = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(jiff::civil::DateTime::from));
    Some(civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Identical records: the smallest key stands for them, and one twin shows what such a pair is worth.
struct Star {
    hub: String,
    twin: String,
    spokes: Vec<String>,
}

/// Takes all but two of more than [`STAR`] identical records out; the rest are in the order of their keys.
fn without_stars<T: Record>(mut all: Vec<T>) -> (Vec<T>, Vec<Star>) {
    all.sort_unstable_by(|one, other| one.key().cmp(other.key()));
    let mut by_content: HashMap<String, Vec<u32>> = HashMap::new();
    for (row, record) in all.iter().enumerate() {
        if let Some(content) = record.content() {
            by_content.entry(content).or_default().push(row as u32);
        }
    }
    let mut gone = vec![false; all.len()];
    let mut stars = Vec::new();
    for rows in by_content.into_values().filter(|rows| rows.len() > STAR) {
        let key = |row: &u32| all[*row as usize].key().to_owned();
        for row in &rows[2..] {
            gone[*row as usize] = true;
        }
        stars.push(Star {
            hub: key(&rows[0]),
            twin: key(&rows[1]),
            spokes: rows[2..].iter().map(key).collect(),
        });
    }
    stars.sort_unstable_by(|one, other| one.hub.cmp(&other.hub));
    let mut row = 0;
    all.retain(|_| {
        row += 1;
        !gone[row - 1]
    });
    (all, stars)
}

fn matched<T: Record>(
    arguments: &Arguments,
    outputs: &mut Outputs,
    progress: &mut Progress,
    records: Records<T>,
    find: impl Fn(&[T], &Settings) -> Vec<Candidate>,
) -> Result<Found, Problem> {
    let across = records.second.as_ref();
    let count = records.all.len();
    let mut ids: Vec<String> = records.all.iter().map(|record| record.key().to_owned()).collect();
    ids.sort_unstable();
    progress.show("comparing", 0.5);
    // Equal records of one file are no pairs across two files, so that nothing stands for anything there.
    let (kept, stars) = if across.is_some() {
        let mut all = records.all;
        all.sort_unstable_by(|one, other| one.key().cmp(other.key()));
        (all, Vec::new())
    } else {
        without_stars(records.all)
    };
    let mut settings = arguments.settings();
    // The cap is on what is written: pairs within one file must not push out pairs across.
    settings.maximum_candidates = usize::MAX;
    let mut candidates = find(&kept, &settings);
    drop(kept);
    if let Some(second) = across {
        candidates.retain(|pair| second.contains(&pair.left) != second.contains(&pair.right));
    }
    let groups = groups_of_keys(&ids.iter().map(String::as_str).collect::<Vec<_>>(), &candidates, &settings);
    let joined = star_pairs(&mut candidates, &stars, &settings);
    candidates.sort_by_cached_key(|pair| std::cmp::Reverse(pair.millibits()));
    let left_out = candidates.len().saturating_sub(arguments.max_pairs);
    candidates.truncate(arguments.max_pairs);
    // What is equal in the six digits that are written is in the order of the ids.
    candidates.sort_unstable_by(|one, other| {
        (millionths(other.probability).cmp(&millionths(one.probability)))
            .then_with(|| one.left.cmp(&other.left))
            .then_with(|| one.right.cmp(&other.right))
    });
    let mut found = Found {
        records: records.first,
        against: across.map(|_| count - records.first),
        compared: None,
        left_out,
        pairs: candidates.len(),
        bands: [0; 3],
        clusters: 0,
    };
    outputs.write(&arguments.output, |out| {
        csv_row(out, &["left_id", "right_id", "score", "band", "reasons"])?;
        for (at, pair) in candidates.iter().enumerate() {
            found.bands[place(pair.band)] += 1;
            let score = score(millionths(pair.probability));
            csv_row(out, &[&pair.left, &pair.right, &score, pair.band.as_str(), &reasons(&pair.evidence)])?;
            if at.is_multiple_of(10_000) {
                progress.show("writing", at as f64 / candidates.len() as f64);
            }
        }
        Ok(())
    })?;
    let Some(path) = &arguments.clusters else { return Ok(found) };
    let mut of: HashMap<&str, &str> = HashMap::new();
    for group in &groups {
        let smallest = group.members.iter().min().map_or("", String::as_str);
        of.extend(group.members.iter().map(|member| (member.as_str(), smallest)));
    }
    for star in stars.iter().filter(|star| joined.contains(&star.hub)) {
        let cluster = of.get(star.hub.as_str()).copied().unwrap_or(&star.hub);
        of.extend(star.spokes.iter().map(|spoke| (spoke.as_str(), cluster)));
    }
    outputs.write(path, |out| {
        csv_row(out, &["id", "cluster_id"])?;
        for id in &ids {
            let cluster = of.get(id.as_str()).copied().unwrap_or(id);
            found.clusters += usize::from(cluster == id);
            csv_row(out, &[id, cluster])?;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Adds the pairs of each hub with the records that were taken out, as its twin was judged; the hubs of those that
/// may be joined.
fn star_pairs(candidates: &mut Vec<Candidate>, stars: &[Star], settings: &Settings) -> HashSet<String> {
    let mut joined = HashSet::new();
    let mut more = Vec::new();
    for star in stars {
        let twin = candidates.iter().find(|pair| pair.left == star.hub && pair.right == star.twin);
        let Some(twin) = twin else { continue };
        if twin.probability >= settings.join_probability {
            joined.insert(star.hub.clone());
        }
        more.extend(star.spokes.iter().map(|spoke| Candidate { right: spoke.clone(), ..twin.clone() }));
    }
    candidates.extend(more);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_exports_use() {
        for text in ["2024-11-05T18:04:13Z", "2024-11-05 18:04:13", "1730829853", "1730829853000"] {
            assert_eq!(seconds(text), Some(1_730_829_853), "{text}");
        }
        assert_eq!(seconds("2024-11-05"), Some(1_730_764_800));
        assert_eq!((seconds(""), seconds("soon")), (None, None));
    }
}
