//! Screen 2 by its keys: what each does to the journal, what it says when it cannot, and how it looks at its sizes.

use super::super::msg::Event;
use super::bench::Bench;
use super::world::World;
use crate::console::actions::{Action, TABLE};
use crate::console::panes::Screen;
use crate::domain::execution::{PROBE, Status};

async fn open() -> Bench {
    let world = World::rich(20).await;
    world.know_fields().await;
    let mut bench = Bench::sized(world, (140, 40)).await;
    bench.press("2").await;
    bench
}

#[tokio::test]
async fn r18_causes_are_one_row_each_and_open_their_executions() {
    let mut bench = open().await;
    bench.press("#").await;
    bench.says("Why executions fail");
    bench.says("4 causes of 13 executions");
    bench.says("401 auth");
    bench.says("6 failed");
    bench.says("What all of them were told");
    bench.press("r").await;
    bench.says("Enter shows them");
    bench.press("Esc Esc").await;
    bench.says_not("Why executions fail");
    bench.press("# Enter").await;
    bench.says("cause:");
    bench.says("1 of 6");
    bench.press("*").await;
    bench.says("6 marked");
    let causes = bench.world.journal.causes(10).await.expect("causes");
    assert_eq!(causes.iter().map(crate::domain::fingerprint::Cause::waiting).sum::<u64>(), 13);
    let twins = causes.iter().find(|cause| cause.code == Some(409)).expect("the two of one cause");
    assert_eq!((twins.failed, twins.words.as_str()), (2, "contact already exists existing id …"));
}

#[tokio::test]
async fn r18_an_edit_is_checked_previewed_and_becomes_an_execution_beside_the_old_one() {
    let mut bench = open().await;
    let old = bench.world.newest("failed").await;
    bench.press("e").await;
    bench.says("Edit and replay");
    bench.says("\"hs_lead_status\": \"UNQUALIFIED\"");
    bench.says("hs_lead_status takes NEW, OPEN");
    bench.press("Ctrl-s").await;
    bench.says("line 2, column 3: \"hs_lead_status\" does not take \"UNQUALIFIED\"");
    bench.press("Tab").await;
    bench.says("\"UNQUALIFIED_OLD\"");
    bench.press("Tab").await;
    bench.says("\"hs_lead_status\": \"NEW\"");
    bench.press("Ctrl-s").await;
    bench.says("not sent yet");
    bench.says("PATCH");
    bench.says("\"NEW\"");
    bench.press("Enter y").await;
    assert_eq!(bench.world.newest("open").await.id, old.id, "only a capital Y sends");
    bench.press("Y").await;
    let new = bench.world.newest("pending").await;
    assert_eq!((new.replay_of, new.recipe.as_str()), (Some(old.id), "contact-to-crm"));
    let kept = bench.world.journal.execution(old.id).await.expect("read").expect("kept");
    assert_eq!(kept.execution.status, Status::Discarded);
    assert!(kept.execution.sentence.contains(&new.id.to_string()), "{}", kept.execution.sentence);
    let plan =
        bench.world.journal.execution(new.id).await.expect("read").expect("there").plan.expect("edits");
    assert_eq!((plan.edits.len(), plan.steps.len()), (1, 0), "planned anew, with the edit put in");
    bench.press("g").await;
    bench.says(&format!("Replays {} with edits", old.id));
}

#[tokio::test]
async fn r18_wrong_json_is_told_with_its_place_and_leaving_asks_once() {
    let mut bench = open().await;
    bench.press("e End x").await;
    bench.says("no JSON");
    bench.press("Esc").await;
    bench.says("Esc again drops");
    bench.press("Esc").await;
    bench.says_not("Edit and replay");
    bench.press("e Ctrl-p").await;
    bench.says("Payload of contact.user.updated");
    bench.says("12000.50");
    bench.press("End 5 Ctrl-s").await;
    bench.says("No call is sent");
    bench.press("Y").await;
    let new = bench.world.newest("pending").await;
    let detail = bench.world.journal.execution(new.id).await.expect("read").expect("there");
    assert_eq!(detail.payload, "{\n  \"amount\": 12000.505\n}");
}

#[tokio::test]
async fn r18_the_operators_own_editor_gets_the_text_and_its_word_is_checked_alike() {
    let mut bench = open().await;
    bench.press("E").await;
    bench.says("open in your editor");
    let text = bench.console.outside().expect("handed over");
    assert!(text.contains("UNQUALIFIED"));
    bench.console.event(Event::Edited(Ok(text.replace("UNQUALIFIED", "OPEN"))));
    bench.says("\"OPEN\"");
    bench.press("Ctrl-s").await;
    bench.says("not sent yet");
    bench.press("Esc Esc Esc E").await;
    drop(bench.console.outside());
    bench.console.event(Event::Edited(Err("Your editor does not start.".to_owned())));
    bench.says("does not start");
}

#[tokio::test]
async fn r18_fix_goes_where_the_failure_is_mended() {
    let mut bench = open().await;
    bench.says("f change what was refused");
    bench.press("f").await;
    bench.says("line 2, column 3");
    bench.press("Esc /").await;
    bench.type_text("error:auth status:failed").await;
    bench.press("Enter f").await;
    bench.says("Then r runs it again.");
    bench.press("Esc Esc Esc /").await;
    bench.type_text("status:succeeded").await;
    bench.press("Enter G f").await;
    bench.says("there is nothing");
    bench.press("Esc g f").await;
    assert_eq!(bench.console.app().screen(), Screen::Conflicts, "its conflict is still open");
}

#[tokio::test]
async fn r18_hold_and_later_put_aside_and_bring_back_what_was() {
    let mut bench = open().await;
    let failed = bench.world.newest("failed").await;
    bench.press("h").await;
    bench.says("‖ held");
    assert_eq!(bench.count(Status::Held).await, 1);
    bench.press("r").await;
    bench.says("h lets it go");
    bench.press("h").await;
    let back = bench.world.newest("failed").await;
    assert_eq!((back.id, back.sentence), (failed.id, failed.sentence));
    bench.press("z").await;
    bench.says("until tomorrow, 9:00");
    bench.press("Enter").await;
    assert_eq!(bench.count(Status::Held).await, 1);
    assert_eq!(bench.world.journal.wake_put_off().await.expect("looked"), 0);
    bench.world.clock.advance(std::time::Duration::from_secs(3_601));
    assert_eq!(bench.world.journal.wake_put_off().await.expect("woken"), 1);
    assert_eq!(bench.count(Status::Held).await, 0);
}

#[tokio::test]
async fn r18_from_the_start_asks_and_plans_anew() {
    let mut bench = open().await;
    let failed = bench.world.newest("failed").await;
    bench.press("F").await;
    bench.says("Run 1 execution from the start?");
    bench.press("Enter F y").await;
    bench.press("Esc").await;
    assert_eq!(bench.world.newest("failed").await.id, failed.id);
    bench.press("F Y").await;
    let detail = bench.world.journal.execution(failed.id).await.expect("read").expect("there");
    assert_eq!((detail.execution.status, detail.plan), (Status::Pending, None));
}

#[tokio::test]
async fn r18_a_probe_is_an_execution_of_its_own() {
    let mut bench = open().await;
    let failed = bench.world.newest("failed").await;
    bench.press("P").await;
    let probe = bench.world.newest("pending").await;
    assert_eq!((probe.recipe.as_str(), probe.replay_of), (PROBE, Some(failed.id)));
    assert_eq!(bench.world.newest("failed").await, failed, "nothing of it changed");
}

#[tokio::test]
async fn r18_a_recipe_is_paused_for_a_reason_and_let_go_on() {
    let mut bench = open().await;
    bench.press("H Enter").await;
    bench.says("A reason is wanted");
    bench.type_text("bad data").await;
    bench.press("Enter").await;
    let pauses = bench.world.journal.pauses().await.expect("pauses");
    assert_eq!((pauses.len(), pauses[0].reason.as_str()), (1, "bad data"));
    bench.says("Pause ");
    bench.press("H").await;
    bench.says("Let contact-to-crm go on?");
    bench.press("Y").await;
    assert!(bench.world.journal.pauses().await.expect("pauses").is_empty());
}

#[tokio::test]
async fn r18_calls_fold_and_what_stands_around_leads_on() {
    let mut bench = open().await;
    bench.press("Right Right Tab").await;
    bench.says("\"amount\": 12000.50");
    bench.press("Down Down Down Enter").await;
    bench.says("\"properties\": {");
    bench.says_not("\"amount\": 12000.50");
    bench.press("Space").await;
    bench.says("\"amount\": 12000.50");
    bench.press("=").await;
    bench.says("nothing to compare");
    bench.press("= Tab Right").await;
    bench.says("[Timeline]");
    bench.says("/crm/v3/objects/contacts/151");
    bench.press("Right Right").await;
    bench.says("The person's records");
    bench.says("cf_1");
    bench.says("Other executions of this person");
    bench.press("Tab Down Down Down Down Enter").await;
    assert_eq!(bench.console.app().screen(), Screen::Conflicts, "{}", bench.screen());
    bench.says("id:cf_");
}

#[tokio::test]
async fn r18_why_copies_and_addresses() {
    let mut bench = open().await;
    bench.press("w").await;
    bench.says("validation");
    bench.says("✗");
    bench.press("Esc Y").await;
    bench.says("curl -X 'PATCH' -H");
    bench.press("Esc o").await;
    bench.says("No page can be opened");
}

#[tokio::test]
async fn r18_every_key_says_why_it_is_off_where_it_is() {
    let mut bench = Bench::sized(World::empty(), (140, 40)).await;
    bench.press("2").await;
    for row in TABLE.iter().filter(|row| row.scope == crate::console::actions::Scope::Executions) {
        let always = [Action::GroupByCause, Action::PreviousTab, Action::NextTab, Action::ClearMarks];
        assert_eq!(bench.console.app().can(row.action).is_ok(), always.contains(&row.action), "{}", row.id);
    }
}

#[tokio::test]
async fn r18_it_is_readable_at_every_size() {
    for (size, present, absent) in [
        ((60, 16), vec!["Executions", "RECORD"], vec!["[Explain]", "Last call"]),
        ((80, 24), vec!["Executions", "RECORD"], vec!["[Explain]"]),
        ((100, 30), vec!["Executions", "[Explain]"], vec!["Last call"]),
        ((170, 40), vec!["Executions", "[Explain]", "Last call", "PATCH"], vec![]),
        ((240, 50), vec!["Executions", "WHAT HAPPENED", "Last call"], vec![]),
    ] {
        let mut bench = Bench::sized(World::rich(20).await, size).await;
        bench.press("2").await;
        for text in present {
            bench.says(text);
        }
        for text in absent {
            bench.says_not(text);
        }
        bench.press("Enter").await;
        bench.says("[Explain]");
        bench.says("Fix ");
        bench.press("Right Right").await;
        bench.says("[Calls]");
        bench.says("hs_lead_status");
    }
}
