//! What the README shows is what the program has: its key table is made from the action table.
//!
//! To renew it after a change of an action: `REKNIT_RENEW=1 cargo test --test it readme`.

use std::path::Path;

const BEGIN: &str = "<!-- keys: made from the action table (src/console/actions.rs); `cargo test` says so when it is stale -->\n";
const END: &str = "<!-- /keys -->";

#[test]
fn the_keys_in_the_readme_are_those_of_the_action_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path).expect("README.md");
    let (before, rest) = text.split_once(BEGIN).expect("the table's beginning is marked");
    let (shown, after) = rest.split_once(END).expect("the table's end is marked");
    let table = format!("\n{}\n", reknit::console::key_table_markdown());
    if std::env::var_os("REKNIT_RENEW").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    assert_eq!(shown, table, "renew it with REKNIT_RENEW=1 cargo test --test it readme");
}

#[test]
fn every_command_the_readme_names_exists() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_reknit")).arg("--help").output().expect("runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("reknit ")) {
        let command = word.split_whitespace().next().unwrap_or_default();
        if command.chars().all(|letter| letter.is_ascii_lowercase()) {
            assert!(
                help.contains(&format!("  {command}")),
                "`reknit {command}` stands in the README, not in:\n{help}"
            );
            named += 1;
        }
    }
    assert!(named > 5, "only {named} commands were looked at");
}
