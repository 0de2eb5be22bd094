//! How good and how fast the matcher is: `cargo bench --bench matching` prints a speed table of generated people,
//! `cargo bench --bench matching -- DIR...` the accuracy on labelled sets. It prints figures and judges nothing.
//!
//! Every figure comes from a child process of its own, so that the peak of memory belongs to it alone.
//! After `--`: `--sizes 10000,100000`, `--threads N`, `--seed N`, `--one` for the incremental figures alone.
#![expect(clippy::print_stdout, reason = "figures on standard output are what this program is for")]

#[path = "matching/accuracy.rs"]
mod accuracy;
#[path = "matching/generate.rs"]
mod generate;
#[path = "matching/process.rs"]
mod process;
#[path = "matching/sets.rs"]
mod sets;
#[path = "matching/speed.rs"]
mod speed;
#[path = "matching/words.rs"]
mod words;

fn main() {
    let mut sizes = vec![10_000, 100_000, 1_000_000];
    let mut sets: Vec<String> = Vec::new();
    let (mut child, mut seed, mut one, mut threads) = (None, 1_u64, false, 0_usize);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--bench" => {}
            "--one" => one = true,
            "--child" => child = Some(value()),
            "--seed" => seed = value().parse().unwrap_or(seed),
            "--threads" => threads = value().parse().unwrap_or(threads),
            "--sizes" => sizes = value().split(',').filter_map(|size| size.parse().ok()).collect(),
            _ => sets.push(argument),
        }
    }
    let size = sizes.first().copied().unwrap_or(10_000);
    match child.as_deref() {
        Some("scan") => speed::scan(seed, size, threads),
        Some("one") => speed::one(seed, size),
        Some("line") => speed::skew(seed, size, false),
        Some("same") => speed::skew(seed, size, true),
        Some(part) => sets::measure(part, sets.first().map_or(".", String::as_str)),
        None if !sets.is_empty() => sets::print(&sets),
        None if one => speed::print_one(seed, &sizes),
        None => {
            speed::print_table(seed, &sizes, threads);
            speed::print_one(seed, &sizes);
            speed::print_skew(seed);
        }
    }
}
