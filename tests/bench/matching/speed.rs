//! The speed table and the incremental figures, each measured in a child process.

use std::hint::black_box;
use std::time::{Duration, Instant};

use reknit::matching::{Index, Model, Person, Settings, duplicate_people_of};

use super::generate::Crowd;
use super::process::{child, cpu_seconds, peak_memory, shown};

/// Questions asked about one record.
const QUESTIONS: usize = 2000;

fn ask(what: &str, seed: u64, size: usize, threads: usize) -> String {
    let words = ["--child", what, "--sizes", &size.to_string(), "--seed", &seed.to_string(), "--threads"];
    child(&words.into_iter().map(str::to_owned).chain([threads.to_string()]).collect::<Vec<_>>())
}

/// A full scan at each size: people come one at a time; making them up is not part of the time.
pub(crate) fn print_table(seed: u64, sizes: &[usize], threads: usize) {
    println!("Full scan of generated people (the time to make them up is taken off)\n");
    println!(
        "| people | wall s | CPU s | peak MiB | prepare s | scan s | pairs compared | per person | candidates | groups s | recall | precision |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        println!("{}", ask("scan", seed, *size, threads));
    }
}

/// What breaks naive matchers: one firm with one line, one record many times.
pub(crate) fn print_skew(seed: u64) {
    println!("\nSkewed lists\n");
    println!("| list | people | wall s | peak MiB | pairs compared | candidates | largest group |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    println!("{}", ask("line", seed, 20_000, 0));
    println!("{}", ask("same", seed, 20_000, 0));
}

/// Child: a skewed list.
pub(crate) fn skew(seed: u64, size: usize, same: bool) {
    let crowd = Crowd::new(seed, size);
    let people = (0..size).map(|row| {
        let mut person = crowd.row(if same { 0 } else { row }).0;
        person.key = format!("p{row:08}");
        if !same {
            person.phones = vec!["+44 20 7946 0991".to_owned()];
            "Lumen Tools Ltd".clone_into(&mut person.company);
            let local = person.emails.pop().unwrap_or_default();
            let local = local.split('@').next().unwrap_or_default().to_owned();
            person.emails = vec![format!("{local}@lumen-tools.com")];
        }
        person
    });
    let people: Vec<Person> = people.collect();
    let start = Instant::now();
    let index = Index::with_settings(&people, Settings::default());
    let found = index.scan();
    let largest = index.groups(&found).iter().map(|group| group.members.len()).max();
    println!(
        "| {} | {size} | {:.1} | {} | {} | {} | {} |",
        if same { "one record" } else { "one firm, one line" },
        start.elapsed().as_secs_f64(),
        shown(peak_memory(), 0),
        found.compared(),
        found.pairs().len(),
        largest.unwrap_or(1)
    );
}

/// One changed record against so many others.
pub(crate) fn print_one(seed: u64, sizes: &[usize]) {
    println!("\nOne changed record against all (target: 10 ms at 1,000,000)\n");
    println!(
        "| people | p50 ms | p99 ms | worst ms | one comparison µs | keys of one µs | model KiB | learn s | read model ms |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        println!("{}", ask("one", seed, *size, 0));
    }
}

/// Prepares a crowd; gives the seconds that took without making the people up, on the clock and of the processor.
fn prepared(crowd: &Crowd, size: usize, threads: usize) -> (Index, f64, Option<f64>) {
    let mut builder = Index::builder(Settings::default()).threads(threads);
    let (mut wall, mut cpu) = (Duration::ZERO, Some(0.0));
    let mut from = 0;
    while from < size {
        let people: Vec<Person> = (from..(from + 50_000).min(size)).map(|row| crowd.row(row).0).collect();
        from += people.len();
        let (start, idle) = (Instant::now(), cpu_seconds());
        for person in people {
            builder.push(person);
        }
        wall += start.elapsed();
        cpu = cpu.zip(idle).zip(cpu_seconds()).map(|((sum, idle), end)| sum + end - idle);
    }
    let (start, idle) = (Instant::now(), cpu_seconds());
    let index = builder.finish();
    wall += start.elapsed();
    cpu = cpu.zip(idle).zip(cpu_seconds()).map(|((sum, idle), end)| sum + end - idle);
    (index, wall.as_secs_f64(), cpu)
}

/// Child: a full scan.
pub(crate) fn scan(seed: u64, size: usize, threads: usize) {
    let crowd = Crowd::new(seed, size);
    let (index, prepare, cpu) = prepared(&crowd, size, threads);
    let (start, idle) = (Instant::now(), cpu_seconds());
    let found = index.scan();
    let scan = start.elapsed().as_secs_f64();
    let cpu = cpu.zip(idle).zip(cpu_seconds()).map(|((sum, idle), end)| sum + end - idle);
    let start = Instant::now();
    black_box(index.groups(&found));
    let groups = start.elapsed().as_secs_f64();
    let peak = peak_memory();

    let truth = crowd.truth();
    let row = |row: u32| index.key(row)[1..].parse::<usize>().expect("keys of the crowd are numbers");
    let strong: Vec<_> = found.pairs().iter().filter(|pair| pair.probability() >= 0.5).collect();
    let hits = strong.iter().filter(|pair| truth[row(pair.left)] == truth[row(pair.right)]).count();
    let mut records = vec![0_usize; size];
    for entity in &truth {
        records[*entity as usize] += 1;
    }
    let pairs: usize = records.iter().map(|members| members * members.saturating_sub(1) / 2).sum();
    println!(
        "| {size} | {:.1} | {} | {} | {prepare:.1} | {scan:.1} | {} | {:.1} | {} | {groups:.1} | {:.4} | {:.4} |",
        prepare + scan,
        shown(cpu, 1),
        shown(peak, 0),
        found.compared(),
        found.compared() as f64 / size as f64,
        found.pairs().len(),
        hits as f64 / pairs.max(1) as f64,
        hits as f64 / strong.len().max(1) as f64,
    );
}

/// Child: one changed record against all.
pub(crate) fn one(seed: u64, size: usize) {
    let crowd = Crowd::new(seed, size);
    let (index, learn, _) = prepared(&crowd, size, 0);
    let changed: Vec<Person> = (0..QUESTIONS)
        .map(|question| {
            let mut person = crowd.row(question * size / QUESTIONS).0;
            person.title.push_str(", deputy");
            person
        })
        .collect();
    // The first question makes the key run.
    black_box(duplicate_people_of(&changed[0], &index));
    let mut times: Vec<Duration> = changed
        .iter()
        .map(|person| {
            let start = Instant::now();
            black_box(duplicate_people_of(person, &index));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let milliseconds = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;

    let bytes = index.model().to_bytes();
    drop(index);
    let start = Instant::now();
    let model = Model::from_bytes(&bytes).expect("just written");
    let read = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    for two in changed.windows(2) {
        black_box(model.compare(&two[0], &two[1]));
    }
    let compare = start.elapsed().as_secs_f64() * 1e6 / (changed.len() - 1) as f64;
    let start = Instant::now();
    for person in &changed {
        black_box(model.keys(person));
    }
    let keys = start.elapsed().as_secs_f64() * 1e6 / changed.len() as f64;
    println!(
        "| {size} | {:.2} | {:.2} | {:.2} | {compare:.1} | {keys:.1} | {} | {learn:.1} | {read:.0} |",
        milliseconds(0.5),
        milliseconds(0.99),
        milliseconds(1.0),
        bytes.len() / 1024,
    );
}
