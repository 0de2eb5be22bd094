//! Every lint, with the line it names.

use super::*;
use crate::recipes::file;

const HEAD: &str = "name = \"r\"\ntitle = \"t\"\nowner = \"o\"\nstate = \"on\"\n";
const TAIL: &str = "\n[error]\ntell = \"\"\nadvice = \"Retry.\"\n";
const LOG: &str = "[[action]]\ndo = \"log\"";

fn found(trigger: &str, body: &str) -> Vec<String> {
    let text = format!("{HEAD}[trigger]\non = \"{trigger}\"\n{body}{TAIL}");
    let parsed = file::parse(&text, "r.toml").unwrap_or_else(|found| panic!("{found:#?}\n{text}"));
    recipe(&parsed).iter().map(ToString::to_string).collect()
}

fn one(trigger: &str, body: &str, line: usize, words: &str) {
    let found = found(trigger, body);
    let place = format!("r.toml, line {line}: ");
    assert!(
        found.len() == 1 && found[0].starts_with(&place) && found[0].contains(words),
        "{words}: {found:#?}"
    );
}

#[test]
fn names_that_do_not_exist_are_errors_with_the_nearest_one() {
    let on = "conversation.closed";
    let when = |when: &str| format!("[condition]\nwhen = \"{when}\"\notherwise = \"no\"\n{LOG}");
    one(
        on,
        &when("conversatoin.rating < 3"),
        8,
        "there is no \"conversatoin\"; did you mean \"conversation\"?",
    );
    one(on, &when("lowr(contact.name) == 'x'"), 8, "there is no function lowr(); did you mean \"lower\"?");
    one(
        on,
        &when("contact.seats > settings.limit"),
        8,
        "[settings] has no \"limit\"; add limit below [settings]",
    );
    one(on, &when("contact.seats >"), 8, "is no expression");
    one(on, &when("tag == 'x'"), 8, "conversation.closed tells no tag");
    one(on, &when("route.to == 'x'"), 8, "there is no routing table");
    let update = "[[action]]\ndo = \"update\"\ntarget = \"crm\"\n[action.set]\na = \"b\"\nc = \"{crm.x\"";
    one(on, update, 12, "a { has no }");
    let typo = format!("{}\n[settings]\nlimits = 3", when("contact.seats > settings.limit"));
    one(on, &typo, 8, "did you mean settings.limits?");
    assert_eq!(found(on, &when("conversations.exists(c, c.open) && yes(crm.flag)")), Vec::<String>::new());
}

#[test]
fn a_routing_table_ends_with_a_row_that_always_fits() {
    let row = |when: &str| format!("[[route]]\n{when}to = \"a\"\nbecause = \"b\"\n");
    let (always, sometimes) = (row(""), row("when = \"crm.x == 1\"\n"));
    let on = "conversation.closed";
    one(on, &format!("{sometimes}{LOG}"), 7, "no last row that always fits");
    one(on, &format!("{always}{always}{LOG}"), 7, "the rows below it are never reached");
    assert!(found(on, &format!("{sometimes}{always}{LOG}")).is_empty());
}

#[test]
fn a_field_that_only_moves_forward_has_an_order_that_names_what_is_set() {
    let on = "conversation.closed";
    let update = |rest: &str| {
        format!("[[action]]\ndo = \"update\"\ntarget = \"crm\"\nset = {{ s = \"mql\" }}\n{rest}")
    };
    one(on, &update("forward = { s = [] }"), 11, "in no order");
    one(
        on,
        &update("forward = { s = [\"lead\", \"MQL\"] }"),
        11,
        "does not name \"mql\", which is set; did you mean \"MQL\"?",
    );
    one(on, &update("forward = { t = [\"lead\", \"mql\"] }"), 11, "\"t\" is ordered but not set");
    assert!(found(on, &update("forward = { s = [\"lead\", \"mql\"] }")).is_empty());
}

#[test]
fn an_action_is_about_what_the_trigger_gives() {
    one("crm.company.changed", LOG, 7, "crm.company.changed gives no conversation");
    let ticket = "[[action]]\ndo = \"update\"\ntarget = \"ticket\"\nset = { a = 1 }";
    one("crm.contact.changed", ticket, 7, "gives no ticket");
    assert!(found("ticket.changed", ticket).is_empty());
    let converse = "[[action]]\ndo = \"converse\"\ntext = \"Hello\"";
    one("conversation.message", converse, 7, "it would answer itself without end");
    let itself = "[[action]]\ndo = \"relate\"\nfrom = \"crm\"\nto = \"crm\"";
    one("conversation.closed", itself, 7, "a record is not related to itself");
}

const TASK: &str = "[[action]]\ndo = \"create\"\nobject = \"task\"\nfind = { key = \"{conversation.id}\" }\nset = { a = \"b\" }\n";

#[test]
fn r160_more_than_one_maker_is_warned_of() {
    let two = format!("[condition]\nwhen = \"true\"\notherwise = \"no\"\n{TASK}{TASK}");
    one("conversation.closed", &two, 15, "one recipe, one job");
}

#[test]
fn r221_not_every_conversation_makes_a_record() {
    one("conversation.closed", TASK, 7, "every conversation would make a record");
    let gated = TASK.replacen("do =", "when = \"crm != null\"\ndo =", 1);
    assert!(found("conversation.closed", &gated).is_empty());
    assert!(found("deal.changed", TASK).is_empty(), "a sale is no chat");
}

#[test]
fn r227_one_recipe_makes_each_kind_of_record() {
    let maker = |name: &str, crm: &str, state: &str| {
        let head = HEAD.replace("\"r\"", &format!("\"{name}\"")).replace("\"on\"", &format!("\"{state}\""));
        let task = TASK.replace("\"task\"", "\"deal\"");
        format!("{head}crm = \"{crm}\"\n[trigger]\non = \"deal.changed\"\n{task}{TAIL}")
    };
    let (one, other) = (maker("one", "hubspot", "on"), maker("other", "hubspot", "shadow"));
    let found =
        Book::with([("one.toml", one.as_str()), ("other.toml", other.as_str())]).expect_err("two makers");
    assert_eq!((found[0].file.as_str(), found[0].line), ("other.toml", 8));
    assert!(found[0].what.contains("\"one\" makes deals in the CRM already"), "{found:?}");
    for other in [maker("other", "salesforce", "on"), maker("other", "hubspot", "off")] {
        Book::with([("one.toml", one.as_str()), ("other.toml", other.as_str())]).expect("one maker for each");
    }
    let contact = maker("one", "hubspot", "on").replace("\"deal\"", "\"contact\"");
    let found = Book::with([("one.toml", contact.as_str())]).expect_err("the sync makes contacts");
    assert!(found[0].what.contains("contact-to-crm"), "{found:?}");
}
