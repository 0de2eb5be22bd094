//! `reknit coverage`: how many people of the CRM have an account, per owner, and how that went over the days. Only
//! reads.

use clap::Args;
use serde_json::json;

use super::list::unread;
use super::output;
use super::problem::Problem;
use super::wiring::{Opening, Place};
use crate::domain::links::Coverage;
use crate::domain::text::clean;

/// Arguments of `coverage`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How many days back
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// One day of one connection, all owners together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    number: i64,
    people: u64,
    linked: u64,
}

/// The days of rows that are sorted by day, owners added up.
fn by_day(rows: &[&Coverage]) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for row in rows {
        match days.last_mut().filter(|last| last.number == row.day) {
            Some(last) => (last.people, last.linked) = (last.people + row.people, last.linked + row.linked),
            None => days.push(Day { number: row.day, people: row.people, linked: row.linked }),
        }
    }
    days
}

/// A line of blocks between the least and the most of the days; all alike is a line in the middle.
fn sparkline(days: &[Day]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shares: Vec<f64> = days.iter().filter_map(|day| Coverage::percent(day.people, day.linked)).collect();
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    let most = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = most - least;
    shares
        .iter()
        .map(
            |share| {
                if span < 0.05 { BLOCKS[3] } else { BLOCKS[((share - least) / span * 7.0).round() as usize] }
            },
        )
        .collect()
}

fn percent(people: u64, linked: u64) -> String {
    Coverage::percent(people, linked).map_or_else(|| "—".to_owned(), |share| format!("{share:.1} %"))
}

/// Prints it.
pub async fn run(place: &Place, arguments: &Arguments) -> Result<(), Problem> {
    let config = place.settings()?;
    let journal = place.open(&config, Opening::Look)?;
    let rows = journal.coverage(arguments.days).await.map_err(|error| unread(&error))?;
    if arguments.json {
        return output::json(&json!({ "days": arguments.days, "rows": rows }));
    }
    if rows.is_empty() {
        return output::line(
            "Nobody has been counted yet: it is counted with each scan, while `reknit serve` or the console runs.",
        );
    }
    let mut connections: Vec<_> = rows.iter().map(|row| row.connection.clone()).collect();
    connections.sort();
    connections.dedup();
    for connection in connections {
        let own: Vec<&Coverage> = rows.iter().filter(|row| row.connection == connection).collect();
        let days = by_day(&own);
        let Some((first, last)) = days.first().zip(days.last()) else { continue };
        let was = Coverage::percent(first.people, first.linked);
        let trend = Coverage::percent(last.people, last.linked).zip(was).map(|(now, was)| now - was);
        output::line(&format!(
            "{connection}  {} of {} people have an account: {}  {}{}",
            last.linked,
            last.people,
            percent(last.people, last.linked),
            sparkline(&days),
            match (days.len(), trend) {
                (2.., Some(trend)) => format!("  {trend:+.1} points in {} days", last.number - first.number),
                _ => String::new(),
            },
        ))?;
        let owners: Vec<Vec<String>> = own
            .iter()
            .filter(|row| row.day == last.number)
            .map(|row| {
                let owner =
                    if row.owner.is_empty() { "nobody".to_owned() } else { clean(&row.owner).into_owned() };
                let without = row.people.saturating_sub(row.linked);
                vec![owner, row.people.to_string(), without.to_string(), percent(row.people, row.linked)]
            })
            .collect();
        output::table(&["OWNER", "PEOPLE", "WITHOUT", "COVERAGE"], &owners)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r233_the_line_goes_from_the_least_to_the_most_and_is_level_where_nothing_changes() {
        let day = |day, linked| Day { number: day, people: 100, linked };
        assert_eq!(sparkline(&[day(1, 10), day(2, 45), day(3, 80)]), "▁▅█");
        assert_eq!(sparkline(&[day(1, 10), day(2, 10)]), "▄▄");
        assert_eq!(sparkline(&[Day { number: 1, people: 0, linked: 0 }]), "");
        assert_eq!(percent(0, 0), "—");
    }
}
