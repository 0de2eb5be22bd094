//! Recipe files: every action read, every mistake told with its line and fix.

use super::*;

const GOOD: &str = "name = \"r\"\ntitle = \"t\"\nowner = \"o\"\n[trigger]\non = \"conversation.closed\"\n[[action]]\ndo = \"log\"\n[error]\ntell = \"\"\nadvice = \"Retry.\"\n";

fn wrong(text: &str) -> Vec<String> {
    parse(text, "r.toml").expect_err("mistakes").iter().map(ToString::to_string).collect()
}

fn one(from: &str, to: &str, line: usize, words: &str) {
    let text = GOOD.replacen(from, to, 1);
    assert_ne!(text, GOOD, "{from}");
    let found = wrong(&text);
    let place = format!("r.toml, line {line}: ");
    assert!(
        found.len() == 1 && found[0].starts_with(&place) && found[0].contains(words),
        "{words}: {found:#?}"
    );
}

#[test]
fn the_recipe_in_the_manual_of_this_file_can_be_read() {
    let manual = include_str!("../file.rs");
    let text: String = manual
        .lines()
        .skip_while(|line| !line.contains("```toml"))
        .skip(1)
        .take_while(|line| !line.contains("```"))
        .map(|line| line.trim_start_matches("//!").trim_start())
        .collect::<Vec<_>>()
        .join("\n");
    let recipe = parse(&text, "manual.toml").unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!(
        (recipe.trigger, recipe.routes.len(), recipe.state),
        (Trigger::ConversationClosed, 2, State::Off)
    );
    assert_eq!(super::super::lint::recipe(&recipe), []);
}

#[test]
fn every_action_is_read_with_its_keys() {
    let actions = r#"
[[action]]
do = "sync"
mapping = "company"
to = "intercom"
create = true
[[action]]
do = "log"
as = "task"
[[action]]
do = "update"
target = "crm"
forward = { stage = ["a", "b"] }
[action.set]
stage = "b"
custom_attributes.plan = "pro"
n = 5
[[action]]
do = "create"
object = "deal"
find = "open_of_person"
set = { a = "b" }
relate = ["crm", "company"]
[[action]]
do = "create"
object = "contact"
in = "intercom"
find = { field = "email", value = "{crm.email}" }
set = { role = "lead" }
"#;
    let text = GOOD.replacen("[[action]]\ndo = \"log\"\n", actions.trim_start(), 1);
    let recipe = parse(&text, "r.toml").unwrap_or_else(|found| panic!("{found:#?}"));
    let words: Vec<&str> = recipe.actions.iter().map(|action| action.act.word()).collect();
    assert_eq!(words, ["sync", "log", "update", "create", "create"]);
    let Act::Update { set, forward, .. } = &recipe.actions[2].act else { panic!("an update") };
    assert_eq!(
        set.keys().collect::<Vec<_>>(),
        ["stage", "custom_attributes.plan", "n"],
        "in the order of the file"
    );
    assert_eq!(forward["stage"], ["a", "b"]);
    assert_eq!(recipe.line("action.2.set.n"), 21);
    let Act::Create { in_intercom, relate, .. } = &recipe.actions[4].act else { panic!("a create") };
    assert!(*in_intercom && relate.is_empty());
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_with_line_and_fix() {
    let text = "name = \"No Name\"\ntitel = \"t\"\nowner = \"\"\nstate = \"onn\"\n[trigger]\non = \"conversation.clossed\"\n\
                [[action]]\ndo = \"updat\"\n[[action]]\ndo = \"tell\"\ntitle = \"x\"\n";
    let found = wrong(text);
    for (line, words) in [
        (1, "\"No Name\" is no name of a recipe; write small letters"),
        (1, "the recipe has no \"title\""),
        (1, "the recipe has no \"[error]\""),
        (2, "has no \"titel\"; did you mean \"title\"?"),
        (3, "\"owner\" of the recipe is empty"),
        (4, "\"onn\" is no \"state\" of the recipe; did you mean \"on\"?"),
        (6, "\"conversation.clossed\" is no \"on\" of [trigger]; did you mean \"conversation.closed\"?"),
        (8, "there is no action \"updat\"; did you mean \"update\"?"),
        (9, "[[action]] has no \"channel\""),
    ] {
        let place = format!("r.toml, line {line}: ");
        assert!(
            found.iter().any(|one| one.starts_with(&place) && one.contains(words)),
            "{words}: {found:#?}"
        );
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn r156_a_recipe_has_exactly_one_trigger() {
    one("on = \"conversation.closed\"", "on = [\"conversation.closed\"]", 5, "exactly one trigger");
    one("[trigger]\non = \"conversation.closed\"\n", "", 1, "has no \"[trigger]\"");
}

#[test]
fn r158_a_record_is_never_made_without_a_lookup() {
    let create = "do = \"create\"\nobject = \"deal\"\nset = { a = \"b\" }";
    one("do = \"log\"", create, 8, "without a lookup");
    one("do = \"log\"", &format!("{create}\nfind = \"nobody\""), 10, "there is no lookup \"nobody\"");
    one(
        "do = \"log\"",
        &format!("{create}\nfind = {{ field = \"a\", key = \"b\" }}"),
        10,
        "by a field or by a key",
    );
}

#[test]
fn r1_r166_a_recipe_without_an_error_branch_is_refused() {
    one("[error]\ntell = \"\"\nadvice = \"Retry.\"\n", "", 1, "has no \"[error]\"; say who is told");
    one("advice = \"Retry.\"\n", "", 8, "has no \"advice\"");
    one("tell = \"\"\n", "", 8, "has no \"tell\"");
}

#[test]
fn a_token_is_refused_by_line_and_not_repeated() {
    let found = wrong(&GOOD.replace("do = \"log\"", "do = \"log\"\nx = \"pat-na1-1234\""));
    assert!(found.len() == 1 && found[0].contains("line 8") && !found[0].contains("1234"), "{found:?}");
}

#[test]
fn what_is_no_toml_is_told_where_it_breaks() {
    assert!(wrong("name = \n")[0].starts_with("r.toml, line 1: this is no TOML"));
    assert!(wrong(&"x".repeat(LONGEST + 1))[0].contains("too long"));
    one("owner = \"o\"", "owner = 5", 3, "\"owner\" of the recipe is a integer; write a text in quotes");
    one("name", "crm = \"intercom\"\nname", 1, "Intercom is no CRM");
}
