//! Files that would explode: everything equal, everybody at one firm with one number. Fewer rows in an unoptimised
//! build, where each costs twenty times as much.

use std::time::{Duration, Instant};

use super::{Desk, HEADS, file, word};

const ROWS: usize = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

fn soon(desk: &Desk, arguments: &[&str]) {
    let begin = Instant::now();
    desk.run(arguments).fine();
    assert!(begin.elapsed() < Duration::from_secs(240), "{:?}", begin.elapsed());
}

#[test]
fn identical_records_become_a_star_and_one_cluster() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..ROWS)
        .map(|row| {
            format!("r{row:06},hubspot_contact,Mira,Qvist,,mira@selby.example,+46 8 123 45 67,Selby AB,CEO,,Malmö,SE,")
        })
        .collect();
    desk.write("in.csv", file(HEADS, &rows));
    desk.write(
        "schema.toml",
        "[fields]\nlast_name = \"family_name\"\nemail = \"email\"\nphone = \"phone\"\n",
    );
    desk.write(
        "firms.csv",
        file("id,name,domain", &(0..ROWS).map(|row| format!("f{row},Selby AB,selby.se")).collect::<Vec<_>>()),
    );
    for (input, more) in
        [("in.csv", &[][..]), ("in.csv", &["--schema", "schema.toml"]), ("firms.csv", &["--kind", "company"])]
    {
        let base = ["--input", input, "--output", "p.csv", "--clusters", "c.csv"];
        soon(&desk, &[&base, more].concat());
        let pairs = desk.pairs("p.csv");
        assert!(pairs.len() >= ROWS - 1 && pairs.len() <= ROWS * 2, "{} pairs, {more:?}", pairs.len());
        assert!(pairs.iter().all(|pair| pair.score >= 0.5), "{:?}", pairs.last());
        let clusters = desk.clusters("c.csv");
        let first = clusters.values().next().expect("a cluster");
        assert!(clusters.len() == ROWS && clusters.values().all(|cluster| cluster == first), "{more:?}");
    }
}

#[test]
fn one_firm_with_one_number_stays_small() {
    let desk = Desk::new();
    let rows: Vec<String> = (0..ROWS)
        .map(|row| {
            let (given, family) = (word(row * 5 + 2), word(row * 11 + 3));
            let email = format!("{given}.{family}{row}@colossal.example").to_lowercase();
            format!("r{row:06},hubspot_contact,{given},{family},,{email},+1 212 555 0000,Colossal Inc,,,New York,US,")
        })
        .collect();
    desk.write("in.csv", file(HEADS, &rows));
    desk.write(
        "schema.toml",
        "[fields]\nfirst_name = \"given_name\"\nlast_name = \"family_name\"\nphone = \"phone\"\ncompany = \"company\"\ncity = \"city\"\n",
    );
    for more in [&[][..], &["--schema", "schema.toml"]] {
        let base = ["--input", "in.csv", "--output", "p.csv", "--clusters", "c.csv"];
        soon(&desk, &[&base, more].concat());
        let pairs = desk.pairs("p.csv");
        assert!(pairs.len() < ROWS * 20, "{} pairs, {more:?}", pairs.len());
        assert_eq!(desk.clusters("c.csv").len(), ROWS);
    }
}
