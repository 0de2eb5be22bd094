//! Tables that are no CRM export, described by a schema: persons with few columns, firms, products, files of two rows.

use super::{Desk, file, same, word};

/// Two edits that typists make.
fn slip(text: &str, seed: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() > 3 {
        let at = 1 + seed % (letters.len() - 2);
        if seed.is_multiple_of(2) {
            letters.swap(at, at + 1);
        } else {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

fn recall_and_precision(desk: &Desk, truth: &[(String, String)]) -> (f64, f64) {
    let pairs = desk.pairs("p.csv");
    let found = same(&pairs);
    let right = truth.iter().filter(|(one, other)| found.contains(&(one.as_str(), other.as_str()))).count();
    (right as f64 / truth.len() as f64, right as f64 / found.len().max(1) as f64)
}

#[test]
fn persons_with_slips_in_every_field_and_names_in_the_wrong_column() {
    let desk = Desk::new();
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for number in 0..200_usize {
        let (given, family) = (word(number * 3 + 4), word(number * 17 + 9));
        let street = format!("{} Lane", word(number * 5 + 700));
        let day =
            format!("19{:02}{:02}{:02}", number * 7 % 90 + 10, number * 5 % 12 + 1, number * 11 % 28 + 1);
        let code = number * 7919 % 90_000 + 10_000;
        rows.push(format!("a{number:03},{given},{family},{street},{code},{day}"));
        if number % 2 == 0 {
            let (mut one, mut other) = (given.clone(), slip(&family, number / 2));
            if number % 10 == 0 {
                std::mem::swap(&mut one, &mut other);
            }
            let day = if number % 6 == 0 { slip(&day, number) } else { day };
            rows.push(format!("b{number:03},{one},{other},{},{code},{day}", slip(&street, number)));
            truth.push((format!("a{number:03}"), format!("b{number:03}")));
        }
    }
    desk.write("in.csv", file("id,first,last,road,zip,born", &rows));
    desk.write(
        "schema.toml",
        "[fields]\nfirst = \"given_name\"\nlast = \"family_name\"\nroad = \"street\"\nzip = \"postcode\"\nborn = \"date\"\n",
    );
    desk.run(&["--input", "in.csv", "--output", "p.csv", "--schema", "schema.toml"]).fine();
    let (recall, precision) = recall_and_precision(&desk, &truth);
    assert!(recall >= 0.98 && precision >= 0.98, "recall {recall}, precision {precision}");
}

#[test]
fn products_are_told_apart_by_their_numbers() {
    let desk = Desk::new();
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    for number in 0..150_usize {
        let (maker, line) = (word(number / 10 + 40), word(number / 5 + 300));
        let model = format!("{}{}", &word(number + 60)[..2], 100 + number * 7);
        rows.push(format!("a{number:03},{maker} {line} {model} vacuum cleaner"));
        if number % 3 == 0 {
            rows.push(format!(
                "b{number:03},{} vacuum {line} {model} by {maker}",
                if number % 2 == 0 { "new" } else { "" }
            ));
            truth.push((format!("a{number:03}"), format!("b{number:03}")));
        }
    }
    desk.write("in.csv", file("id,label", &rows));
    desk.write("schema.toml", "[fields]\nlabel = \"text\"\n");
    desk.run(&["--input", "in.csv", "--output", "p.csv", "--schema", "schema.toml"]).fine();
    let (recall, precision) = recall_and_precision(&desk, &truth);
    assert!(recall >= 0.8 && precision >= 0.9, "recall {recall}, precision {precision}");
}

#[test]
fn the_smallest_tables_and_empty_columns_are_no_trouble() {
    let desk = Desk::new();
    desk.write(
        "schema.toml",
        "[fields]\nname = \"full_name\"\nborn = \"date\"\nnote = \"text\"\nplace = \"city\"\nkind = \"category\"\nskip = \"ignore\"\n",
    );
    let run = |text: &str| {
        desk.write("in.csv", text);
        desk.run(&[
            "--input",
            "in.csv",
            "--output",
            "p.csv",
            "--clusters",
            "c.csv",
            "--schema",
            "schema.toml",
        ])
        .fine();
        desk.pairs("p.csv")
    };
    assert!(run("id,name,born,note,place,kind,skip\n1,Mira Qvist,1980-02-03,,,,\n").is_empty());
    let two = run(
        "id,name,born,note,place,kind,skip\n1,Mira Qvist,1980-02-03,,Malmö,,x\n2,\"Qvist, Mira\",03.02.1980,,malmo,,y\n",
    );
    assert_eq!(same(&two), [("1", "2")]);
    assert!(!two[0].reasons.contains("skip"), "{two:?}");
    let other = run(
        "id,name,born,note,place,kind,skip\n1,Mira Qvist,1980-02-03,,,,\n2,Tove Brandal,1951-11-30,,,,\n",
    );
    assert!(same(&other).is_empty());
    // Rows with nothing in them agree in nothing.
    let empty = "\n".repeat(3);
    assert!(
        run(&format!("id,name,born,note,place,kind,skip\n1,,,,,,\n2,,,,,,\n3,-,,n/a,,,\n{empty}")).is_empty()
    );
    assert_eq!(desk.clusters("c.csv").len(), 3);
}

#[test]
fn names_of_columns_never_break_the_reasons() {
    let desk = Desk::new();
    desk.write("in.csv", "id,\"last;name: of, it\"\n1,Qvist\n2,Qvist\n3,Brandal\n");
    desk.write("schema.toml", "[fields]\n\"last;name: of, it\" = \"family_name\"\n");
    desk.run(&["--input", "in.csv", "--output", "p.csv", "--min-score", "0", "--schema", "schema.toml"])
        .fine();
    assert!(desk.pairs("p.csv").iter().any(|pair| (pair.left.as_str(), pair.right.as_str()) == ("1", "2")));
}
