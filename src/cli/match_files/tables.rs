//! `reknit match --schema`: rows of any table. It reads and writes; the matcher of tables decides.

use std::borrow::Cow;
use std::path::Path;

use super::output_files::{Outputs, csv_row, score};
use super::{Arguments, Found, Progress, millionths, place, reasons};
use crate::cli::output;
use crate::cli::problem::Problem;
use crate::cli::tabular::{Ids, Tabular};
use crate::domain::evidence::{Evidence, probability_of};
use crate::matching::table::{MatchedTable, Schema, TableBuilder, TableOptions, match_table};
use crate::matching::{Band, Candidate, groups_of_keys};

/// Matches a table and writes what was found.
pub(super) fn run(
    arguments: &Arguments,
    schema: &Schema,
    outputs: &mut Outputs,
    progress: &mut Progress,
) -> Result<Found, Problem> {
    let mut rows = TableBuilder::new(schema);
    let mut ids = Ids::default();
    read(&arguments.input, false, schema, &mut rows, &mut ids, progress)?;
    let records = rows.len();
    if let Some(path) = &arguments.against {
        read(path, true, schema, &mut rows, &mut ids, progress)?;
    }
    let against = arguments.against.as_ref().map(|_| rows.len() - records);
    drop(ids);
    progress.show("comparing", 0.5);
    let options = TableOptions {
        settings: arguments.settings(),
        across: arguments.against.is_some(),
        threads: arguments.threads(),
    };
    let matched = match_table(rows, &options);
    let mut found = Found {
        records,
        against,
        compared: Some(matched.compared()),
        left_out: matched.left_out(),
        pairs: matched.len(),
        bands: [0; 3],
        clusters: 0,
    };
    let all = matched.len().max(1);
    outputs.write(&arguments.output, |out| {
        csv_row(out, &["left_id", "right_id", "score", "band", "reasons"])?;
        for (at, pair) in matched.pairs().enumerate() {
            found.bands[place(pair.band)] += 1;
            let score = score(millionths(pair.probability));
            csv_row(out, &[pair.left, pair.right, &score, pair.band.as_str(), &reasons(&pair.evidence)])?;
            if at.is_multiple_of(10_000) {
                progress.show("writing", at as f64 / all as f64);
            }
        }
        Ok(())
    })?;
    if let Some(path) = &arguments.clusters {
        let of = clusters(&matched, arguments);
        found.clusters = of.iter().enumerate().filter(|(row, cluster)| *row == **cluster as usize).count();
        outputs.write(path, |out| {
            csv_row(out, &["id", "cluster_id"])?;
            for (id, cluster) in matched.ids().iter().zip(&of) {
                csv_row(out, &[id, &matched.ids()[*cluster as usize]])?;
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn read(
    path: &Path,
    second: bool,
    schema: &Schema,
    rows: &mut TableBuilder,
    ids: &mut Ids,
    progress: &mut Progress,
) -> Result<(), Problem> {
    let mut table = Tabular::open(path)?;
    let id = table.required(&[&schema.id])?;
    let columns: Vec<Option<usize>> = rows.fields().iter().map(|field| table.column(&field.0)).collect();
    let missing: Vec<&str> = rows
        .fields()
        .iter()
        .zip(&columns)
        .filter(|(_, column)| column.is_none())
        .map(|(field, _)| field.0.as_str())
        .collect();
    if missing.len() == columns.len() {
        let why = format!("has none of the schema's columns ({})", missing.join(", "));
        return Err(table.refused(1, &why));
    }
    if !missing.is_empty() {
        let name = path.display();
        output::aside(&format!(
            "warning: {name}: the schema's {} is not among the columns; taken for empty",
            missing.join(", ")
        ));
    }
    let mut share = table.share();
    while let Some(row) = table.next_row()? {
        let key = ids.take(path, &row, id)?;
        let texts: Vec<Cow<'_, str>> = columns.iter().map(|column| row.text(*column)).collect();
        rows.push(&key, second, texts.iter().map(AsRef::as_ref));
        if rows.len().is_multiple_of(10_000) {
            progress.show("reading", share);
            share = table.share();
        }
    }
    table.warn();
    Ok(())
}

/// The smallest row of each row's cluster; rows are in the order of their ids.
fn clusters(matched: &MatchedTable, arguments: &Arguments) -> Vec<u32> {
    let settings = arguments.settings();
    let ids = matched.ids();
    let mut of: Vec<u32> = (0..ids.len() as u32).collect();
    let mut spoke = vec![false; ids.len()];
    for star in matched.stars() {
        for row in star.iter().skip(1) {
            spoke[*row as usize] = true;
        }
    }
    let candidates: Vec<Candidate> = matched
        .sums()
        .map(|(left, right, sum)| (left, right, sum, probability_of(i64::from(sum) * 10)))
        .filter(|pair| !spoke[pair.0 as usize] && !spoke[pair.1 as usize])
        .map(|(left, right, sum, probability)| Candidate {
            left: ids[left as usize].clone(),
            right: ids[right as usize].clone(),
            probability,
            band: Band::Review,
            evidence: vec![Evidence {
                comparison: "sum".to_owned(),
                level: "all".to_owned(),
                millibits: sum * 10,
                left: String::new(),
                right: String::new(),
                note: None,
            }],
            fingerprint: String::new(),
        })
        .collect();
    let keys: Vec<&str> = ids.iter().map(String::as_str).collect();
    let row_of = |id: &String| ids.binary_search(id).map_or(0, |row| row as u32);
    for group in groups_of_keys(&keys, &candidates, &settings) {
        let rows: Vec<u32> = group.members.iter().map(row_of).collect();
        let smallest = rows.iter().copied().min().unwrap_or(0);
        for row in rows {
            of[row as usize] = smallest;
        }
    }
    let joined: std::collections::HashSet<(u32, u32)> = matched
        .sums()
        .filter(|pair| probability_of(i64::from(pair.2) * 10) >= settings.join_probability)
        .filter(|pair| spoke[pair.0 as usize] || spoke[pair.1 as usize])
        .map(|pair| (pair.0, pair.1))
        .collect();
    for star in matched.stars() {
        let hub = star[0];
        for row in star.iter().skip(1) {
            if joined.contains(&(hub.min(*row), hub.max(*row))) {
                of[*row as usize] = of[hub as usize];
            }
        }
    }
    of
}
