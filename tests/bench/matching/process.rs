//! Children of this program and what they cost; figures a system does not give are "not measured".

use std::process::Command;

/// Runs this program once more with other arguments and gives back what it printed.
pub(crate) fn child(arguments: &[String]) -> String {
    let own = std::env::current_exe().expect("this program has a path");
    let out = Command::new(own).args(arguments).output().expect("this program can be started again");
    assert!(out.status.success(), "the measured child failed: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}

/// The most memory this process ever had, in MiB.
pub(crate) fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kibibytes| kibibytes / 1024.0)
}

/// Seconds this process spent on any core.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    // Linux reports in hundredths on every architecture it runs on.
    Some(ticks / 100.0)
}

/// A figure with so many decimals, or the admission that there is none.
pub(crate) fn shown(figure: Option<f64>, decimals: usize) -> String {
    figure.map_or_else(|| "not measured".to_owned(), |figure| format!("{figure:.decimals$}"))
}
