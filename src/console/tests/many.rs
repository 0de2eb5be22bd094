//! All that match, marked beyond what is loaded: every key that acts on rows takes them all, after one dry run.

use std::time::Duration;

use super::bench::Bench;
use super::world::World;
use crate::console::panes::Screen;
use crate::domain::execution::Status;
use crate::domain::ids::{ConflictId, ExecutionId};
use crate::domain::team::{CLAIM, Item};

async fn failing(count: usize) -> Bench {
    let mut bench = Bench::sized(World::failing(count).await, (120, 40)).await;
    bench.press("2 Esc Ctrl-a").await;
    bench.says(&format!("all {count} marked"));
    bench
}

async fn yes(bench: &mut Bench, count: usize) {
    bench.says(&format!("Type {count} to go on"));
    bench.press("Enter").await;
    bench.says_not("to go on");
}

#[tokio::test]
async fn all_that_match_are_held_and_let_go_again() {
    let mut bench = failing(230).await;
    bench.press("h").await;
    bench.says("Hold 230 executions?");
    bench.says("none is sent");
    yes(&mut bench, 230).await;
    assert_eq!(bench.count(Status::Held).await, 0, "Enter is never yes");
    bench.press("h").await;
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 held.");
    assert_eq!(bench.count(Status::Held).await, 230);
    bench.press("Esc Ctrl-a h").await;
    bench.says("Let 230 executions go?");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 let go.");
    assert_eq!((bench.count(Status::Held).await, bench.count(Status::Failed).await), (0, 230));
}

#[tokio::test]
async fn all_that_match_are_put_off_until_a_time_and_come_back_by_themselves() {
    let mut bench = failing(230).await;
    bench.press("z").await;
    bench.says("230 marked executions: later");
    bench.press("Enter").await;
    bench.says("Put 230 executions off until");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 put off.");
    assert_eq!(bench.count(Status::Held).await, 230);
    bench.world.clock.advance(Duration::from_secs(3_601));
    assert_eq!(bench.world.journal.wake_put_off().await.expect("woken"), 230);
}

#[tokio::test]
async fn all_that_match_are_planned_anew_and_what_it_costs_is_said_first() {
    let mut bench = failing(230).await;
    bench.press("F").await;
    bench.says("Run 230 executions from the start?");
    bench.says("HubSpot about");
    bench.says("sends every step");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 planned anew.");
    assert_eq!(bench.count(Status::Pending).await, 230);
    let audit = bench.world.journal.audit_entries(300).await.expect("entries");
    assert_eq!(audit.iter().filter(|entry| entry.entry.verb == "replan").count(), 230);
}

#[tokio::test]
async fn what_it_cannot_be_done_to_is_left_out_with_its_reason() {
    let mut bench = Bench::rich().await;
    bench.press("2 Esc Ctrl-a h").await;
    bench.says("there is nothing to wait for");
    bench.says("Hold 14 executions?");
    bench.press("Y").await;
    bench.says("14 held, 103 left out.");
    bench.press("Esc Ctrl-a h").await;
    bench.says("Hold 0 executions?");
    bench.says("It can be done to none of these rows.");
    bench.says("14 held, 103 succeeded");
}

#[tokio::test]
async fn few_marked_rows_are_held_through_the_same_machine() {
    let mut bench = Bench::rich().await;
    bench.press("2 Space Space h").await;
    bench.says("Hold 2 executions?");
    bench.press("Y").await;
    bench.says("2 held.");
    bench.press("Esc").await;
    bench.says_not("marked");
}

#[tokio::test]
async fn all_that_match_are_claimed_and_what_others_have_stays_with_them() {
    let mut bench = failing(230).await;
    let olga = bench.world.operator_named("olga");
    olga.claim(&[Item::Execution(ExecutionId(3))], CLAIM, false).await.expect("claimed");
    bench.press("a").await;
    bench.says("Claim 230 executions?");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("229 yours, 1 skipped.");
    bench.says("olga has claimed it");
    let mine = bench.world.journal.claims_of_others("olga".to_owned()).await.expect("read");
    assert_eq!(mine.len(), 229);
    // Once they are one's own, the same key gives them back.
    bench.press("Esc").await;
    bench.changed().await;
    bench.press("Ctrl-a a").await;
    bench.says("Give 230 executions back?");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("229 given back, 1 skipped.");
    bench.says("it was not yours");
}

#[tokio::test]
async fn all_that_match_are_assigned_and_commented_on() {
    let mut bench = failing(230).await;
    bench.press("A").await;
    bench.says("Assign 230 items");
    bench.type_text("ken").await;
    bench.press("Enter").await;
    bench.says("Assign 230 executions to ken?");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 assigned.");
    let hints = bench.world.journal.hints_of(Some("ken".to_owned()), 1_000).await.expect("read");
    assert_eq!(hints.len(), 230);
    bench.press("Esc Ctrl-a C").await;
    bench.type_text("bad token").await;
    bench.press("Enter").await;
    bench.says("Comment on 230 executions?");
    bench.says("Each gets the remark: bad token");
    bench.type_text("230").await;
    bench.press("Y").await;
    bench.says("230 noted.");
    let said = bench.world.journal.comments_on(Item::Execution(ExecutionId(230))).await.expect("read");
    assert_eq!(said[0].text, "bad token");
}

#[tokio::test]
async fn a_hint_on_every_conflict_is_left_on_conflicts() {
    let mut bench = Bench::rich().await;
    bench.press("3 Ctrl-a A").await;
    assert_eq!(bench.console.app().screen(), Screen::Conflicts);
    bench.type_text("ken").await;
    bench.press("Enter").await;
    // All of them are loaded: they are few, and known by number.
    let hint = bench.world.journal.hints(vec![Item::Conflict(ConflictId(1))]).await.expect("read");
    assert_eq!(hint[0].assignee.as_ref().map(|it| it.who.as_str()), Some("ken"));
}

#[tokio::test]
async fn a_reason_is_never_cut_however_narrow_the_screen() {
    let mut bench = Bench::sized(World::rich(3).await, (80, 24)).await;
    bench.press("2 Esc Ctrl-a h").await;
    let screen = bench.screen();
    assert!(screen.contains("it is succeeded: there  "), "{screen}");
    assert!(screen.contains("  is nothing to wait for"), "what does not fit goes on below: {screen}");
}
