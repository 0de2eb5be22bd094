//! What a file may look like, and what is said when it cannot be used.

use super::{Desk, HEADS, contacts, file, same};

#[test]
fn bad_input_is_refused_in_one_line_and_nothing_is_written() {
    let good = "id,email\n1,ada@quern.example\n2,bo@quern.example\n";
    let cases: [(&str, &[u8], &[&str]); 9] = [
        ("no id", b"key,email\n1,a@b.co\n", &["people.csv", "line 1", "\"id\"", "key, email"]),
        ("an id twice", b"id,email\nx9,a@b.co\n8,c@b.co\nx9,d@b.co\n", &["\"x9\"", "line 4", "line 2"]),
        ("an empty id", b"id,email\n1,a@b.co\n,c@b.co\n", &["line 3", "no id"]),
        ("an open quote", b"id,email\n1,a@b.co\n2,\"c@b.co\n3,d@b.co\n", &["line 3", "quote"]),
        ("a short row", b"id,email,city\n1,a@b.co,Bern\n2,c@b.co\n", &["line 3", "2 fields"]),
        ("a long row", b"id,email\n1,a@b.co,Bern\n", &["line 2", "3 fields"]),
        ("nothing", b"", &["line 1", "empty"]),
        ("UTF-16", b"\xff\xfei\0d\0\n\0", &["UTF-16"]),
        ("a hostile id", b"id,email\n\x1b[31m,a@b.co\n\x1b[31m,c@b.co\n", &["line 3", "\\u{1b}"]),
    ];
    for (what, bytes, words) in cases {
        let desk = Desk::new();
        desk.write("people.csv", bytes);
        let run = desk.run(&["--input", "people.csv", "--output", "pairs.csv", "--clusters", "clusters.csv"]);
        run.refused(words);
        assert_eq!(std::fs::read_dir(desk.path()).expect("a folder").count(), 1, "{what}");
    }
    let desk = Desk::new();
    desk.write("people.csv", good).write("other.csv", "id,email\n2,bo@quern.example\n");
    desk.run(&["--input", "none.csv", "--output", "pairs.csv"]).refused(&["none.csv", "no such file"]);
    desk.run(&["--input", ".", "--output", "pairs.csv"]).refused(&["folder"]);
    desk.run(&["--input", "people.csv", "--output", "people.csv"]).refused(&["named twice"]);
    desk.run(&["--input", "people.csv", "--output", "away/pairs.csv"])
        .refused(&["away/pairs.csv", "written"]);
    desk.run(&["--input", "people.csv", "--output", "p.csv", "--min-score", "2"]).refused(&["--min-score"]);
    let run = desk.run(&["--input", "people.csv", "--output", "p.csv", "--against", "other.csv"]);
    run.refused(&["other.csv", "line 2", "\"2\"", "line 3 of people.csv"]);
    assert_eq!(desk.run(&["--input", "people.csv"]).code, 2);
    assert_eq!(desk.run(&["--input", "people.csv", "--output", "p.csv", "--threads", "0"]).code, 2);
    assert_eq!(desk.read("people.csv"), good);
}

#[test]
fn mistakes_in_a_schema_are_named_by_line() {
    let desk = Desk::new();
    desk.write("people.csv", "id,born\n1,1980-01-01\n");
    for (schema, words) in [
        ("id = \"id\"\n[fields]\nborn = \"dat\"\n", ["schema.toml", "line 3", "\"dat\"", "national_id"]),
        ("id = \"id\"\n[fields\n", ["schema.toml", "line 2", "", ""]),
        ("idd = \"id\"\n", ["schema.toml", "line 1", "idd", ""]),
        ("[fields]\ncity = \"city\"\n", ["people.csv", "line 1", "city", "none of the schema's"]),
        ("id = \"key\"\n[fields]\nborn = \"date\"\n", ["people.csv", "line 1", "\"key\"", ""]),
    ] {
        desk.write("schema.toml", schema);
        let run = desk.run(&["--input", "people.csv", "--output", "p.csv", "--schema", "schema.toml"]);
        run.refused(&words);
    }
    let run = desk.run(&["--input", "people.csv", "--output", "p.csv", "--schema", "none.toml"]);
    run.refused(&["none.toml"]);
    assert!(!desk.path().join("p.csv").exists());
}

#[test]
fn marks_line_ends_and_broken_bytes_do_not_change_what_is_found() {
    let (rows, twice) = contacts(40);
    let plain = file(HEADS, &rows);
    let desk = Desk::new();
    desk.write("plain.csv", &plain);
    let clusters = ["--clusters", "c.csv"];
    let run = desk.run(&[&["--input", "plain.csv", "--output", "plain.out"], &clusters[..]].concat());
    run.fine();
    assert!(run.err.is_empty() && run.out.contains("pairs"), "{run:?}");
    let expected = desk.pairs("plain.out");
    let found = same(&expected);
    assert!(twice.iter().all(|(one, other)| found.contains(&(one.as_str(), other.as_str()))), "{found:?}");
    assert_eq!(desk.clusters("c.csv").len(), rows.len());
    assert_eq!(desk.clusters("c.csv")[&twice[0].1], twice[0].0);

    let crlf = plain.replace('\n', "\r\n");
    let marked = format!("\u{feff}{plain}");
    let semicolons = plain.replace(',', ";");
    for (name, text) in [("crlf", crlf), ("marked", marked), ("semicolons", semicolons)] {
        desk.write("in.csv", text);
        desk.run(&["--input", "in.csv", "--output", "out.csv"]).fine();
        assert_eq!(desk.read("out.csv"), desk.read("plain.out"), "{name}");
    }
    // Latin-1: replaced, said, and matched all the same.
    let mut bytes = plain.clone().into_bytes();
    bytes.extend(b"e1,hubspot_contact,J\xfcrgen,Quendlin,,jq@quendlin.example,,Quendlin,,,,,\n");
    bytes.extend(b"e2,salesforce_lead,Jurgen,Quendlin,,jq@quendlin.example,,Quendlin,,,,,\n");
    desk.write("latin.csv", bytes);
    let run = desk.run(&["--input", "latin.csv", "--output", "out.csv"]);
    assert!(run.fine().err.contains("warning: latin.csv") && run.err.contains("line 52"), "{run:?}");
    assert!(same(&desk.pairs("out.csv")).contains(&("e1", "e2")));
}

#[test]
fn columns_may_be_missing_or_more_and_fields_may_be_huge() {
    let desk = Desk::new();
    desk.write("heads.csv", "id,email\n");
    desk.run(&["--input", "heads.csv", "--output", "p.csv", "--clusters", "c.csv"]).fine();
    assert_eq!(desk.read("p.csv"), "left_id,right_id,score,band,reasons\n");
    assert_eq!(desk.read("c.csv"), "id,cluster_id\n");
    desk.write("schema.toml", "[fields]\nemail = \"email\"\n");
    for kind in [&["--kind", "company"][..], &["--schema", "schema.toml"], &["--against", "more.csv"]] {
        desk.write("more.csv", "id,email\n");
        desk.run(&[&["--input", "heads.csv", "--output", "q.csv"], kind].concat()).fine();
        assert_eq!(desk.read("q.csv"), "left_id,right_id,score,band,reasons\n");
    }
    let huge = "x y\n".repeat(262_144);
    desk.write(
        "odd.csv",
        format!(
            "nickname,id,email,last_name,first_name\nq,\"a,1\",mira.qvist@selby.example,Qvist,Mira\n\
             \"{huge}\",b2,Mira.Qvist@selby.example,Qvist,Mira\nq,c3,c@other.example,\"{huge}\",Tove\n"
        ),
    );
    desk.run(&["--input", "odd.csv", "--output", "p.csv"]).fine();
    assert_eq!(same(&desk.pairs("p.csv")), [("a,1", "b2")]);
    desk.write("only.csv", "id\n1\n2\n3\n");
    desk.run(&["--input", "only.csv", "--output", "p.csv", "--clusters", "c.csv"]).fine();
    assert!(desk.pairs("p.csv").is_empty());
    assert_eq!(desk.clusters("c.csv").len(), 3);
}

#[test]
fn the_result_does_not_depend_on_threads_runs_or_the_order_of_rows() {
    let (rows, _) = contacts(60);
    let desk = Desk::new();
    desk.write("in.csv", file(HEADS, &rows));
    let mut shuffled = rows.clone();
    fastrand::Rng::with_seed(4).shuffle(&mut shuffled);
    desk.write("mixed.csv", file(HEADS, &shuffled));
    desk.write("schema.toml", "[fields]\nfirst_name = \"given_name\"\nlast_name = \"family_name\"\nemail = \"email\"\nphone = \"phone\"\n");
    for more in [&[][..], &["--schema", "schema.toml"]] {
        let mut results = Vec::new();
        for (input, threads) in [("in.csv", "1"), ("in.csv", "2"), ("in.csv", "7"), ("mixed.csv", "2")] {
            let base = ["--input", input, "--output", "p.csv", "--clusters", "c.csv", "--threads", threads];
            desk.run(&[&base, more].concat()).fine();
            results.push((desk.read("p.csv"), desk.read("c.csv")));
        }
        assert!(results.windows(2).all(|two| two[0] == two[1]), "{more:?}");
        assert!(!desk.pairs("p.csv").is_empty());
    }
}

#[test]
fn only_pairs_across_two_files_are_written() {
    let (rows, twice) = contacts(40);
    let (one, other): (Vec<String>, Vec<String>) = rows.into_iter().partition(|row| row.starts_with('c'));
    let desk = Desk::new();
    let again = one[3].replacen("c00003", "c90003", 1);
    desk.write("one.csv", file(HEADS, &[one, vec![again]].concat())).write("other.csv", file(HEADS, &other));
    desk.write(
        "schema.toml",
        "[fields]\nlast_name = \"family_name\"\nemail = \"email\"\nphone = \"phone\"\n",
    );
    for more in [&[][..], &["--schema", "schema.toml"]] {
        let base = ["--input", "one.csv", "--against", "other.csv", "--output", "p.csv", "--json"];
        let run = desk.run(&[&base, more].concat());
        let pairs = desk.pairs("p.csv");
        assert!(
            pairs.iter().all(|pair| pair.left.starts_with('c') && pair.right.starts_with('d')),
            "{pairs:?}"
        );
        assert_eq!(same(&pairs).len(), twice.len(), "{more:?}");
        let figures: serde_json::Value = serde_json::from_str(&run.fine().out).expect("JSON");
        assert_eq!((&figures["records"], &figures["records_against"]), (&41.into(), &10.into()));
    }
}

#[test]
fn the_cap_keeps_the_strongest_and_figures_add_up() {
    let (rows, twice) = contacts(40);
    let desk = Desk::new();
    desk.write("in.csv", file(HEADS, &rows));
    desk.run(&["--input", "in.csv", "--output", "all.csv"]).fine();
    let all = desk.pairs("all.csv");
    let run = desk.run(&[
        "--input",
        "in.csv",
        "--output",
        "p.csv",
        "--max-pairs",
        "4",
        "--stats",
        "s.json",
        "--json",
    ]);
    assert!(run.fine().err.contains("--max-pairs 4") && run.err.lines().count() == 1, "{run:?}");
    assert_eq!(desk.pairs("p.csv").len(), 4);
    assert!(desk.pairs("p.csv").iter().all(|pair| all.iter().take(twice.len()).any(|other| other == pair)));
    let stats: serde_json::Value = serde_json::from_str(&desk.read("s.json")).expect("JSON");
    let figures: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!((&stats["pairs"], &figures["pairs"]), (&4.into(), &4.into()));
    assert_eq!(stats["left_out"], all.len() - 4);
    assert!(stats["seconds"].is_number() && figures["seconds"].is_null());
    desk.run(&["--input", "in.csv", "--output", "p.csv", "--min-score", "0.9"]).fine();
    assert!(desk.pairs("p.csv").iter().all(|pair| pair.score >= 0.9));
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_reknit"))
        .args(["--read-only", "match", "--input", "in.csv", "--output", "never.csv"])
        .env_clear()
        .current_dir(desk.path())
        .output()
        .expect("it runs");
    assert_eq!(run.status.code(), Some(2));
    assert!(!desk.path().join("never.csv").exists());
}
