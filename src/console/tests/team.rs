//! Who works on what: keys, badges, the box under the detail, and what becomes of a decision on somebody else's item.

use std::sync::Arc;
use std::time::Duration;

use super::bench::Bench;
use crate::domain::clock::Clock as _;
use crate::domain::execution::Status;
use crate::domain::filter::Filter;
use crate::domain::page::Anchor;
use crate::domain::team::{CLAIM, Item};
use crate::engine::operate::Operator;

/// Somebody else at the same journal.
fn olga(bench: &Bench) -> Operator {
    let clock = Arc::new(bench.world.clock.clone());
    Operator::shipped(bench.world.journal.clone(), clock, "olga")
}

async fn first_conflict(bench: &Bench) -> Item {
    let page = bench.world.journal.conflicts(&Filter::default(), Anchor::First, 1).await.expect("rows");
    Item::Conflict(page.rows[0].id)
}

async fn verbs(bench: &Bench) -> Vec<String> {
    let entries = bench.world.journal.audit_entries(50).await.expect("read");
    entries.into_iter().filter(|entry| entry.entry.actor == "ana").map(|entry| entry.entry.verb).collect()
}

#[tokio::test]
async fn somebody_alone_sees_nothing_of_it() {
    let mut bench = Bench::rich().await;
    for screen in ["2", "3", "4", "5"] {
        bench.press(screen).await;
        bench.says_not("Team");
        bench.says_not("@me");
        bench.says_not("¶");
    }
    bench.press("2 r").await;
    bench.says("queued again");
    bench.press("8 a").await;
    bench.says("Cannot claim: only on an execution");
    assert_eq!(verbs(&bench).await, ["retry"]);
}

#[tokio::test]
async fn a_claims_and_gives_back_and_the_row_shows_it() {
    for size in [(140, 40), (100, 30), (80, 24)] {
        let mut bench = Bench::sized(super::world::World::rich(3).await, size).await;
        bench.press("3 a").await;
        bench.says("is yours for 30 minutes".trim_start_matches("is "));
        bench.says("@me");
        bench.press("Esc").await;
        if size.0 >= 100 {
            bench.says("you have it since");
        }
        bench.press("a").await;
        bench.says("given back");
        bench.says_not("@me");
        assert_eq!(verbs(&bench).await, ["unclaim", "claim"]);
    }
}

#[tokio::test]
async fn lists_are_filtered_by_who_works_on_what() {
    let mut bench = Bench::rich().await;
    let item = first_conflict(&bench).await;
    bench.press("3 a j").await;
    olga(&bench).assign(&[item], Some("ana")).await.expect("stored");
    for (filter, rows) in
        [("claimed:me", 1), ("claimed:any", 1), ("claimed:olga", 0), ("assignee:me", 1), ("-claimed:any", 3)]
    {
        let parsed = Filter::parse(filter).expect("valid").of("ana");
        let page = bench.world.journal.conflicts(&parsed, Anchor::First, 9).await.expect("rows");
        assert_eq!((page.rows.len(), page.total), (rows, rows as u64), "{filter}");
        assert_eq!(page.rows.iter().any(|row| Item::Conflict(row.id) == item), rows == 1, "{filter}");
    }
    let none = Filter::parse("claimed:any").expect("valid");
    assert_eq!(bench.world.journal.executions(&none, Anchor::First, 9).await.expect("rows").total, 0);
    assert_eq!(bench.world.journal.duplicate_groups(&none, Anchor::First, 9).await.expect("rows").total, 0);
    assert_eq!(bench.world.journal.unlinked(&none, Anchor::First, 9).await.expect("rows").total, 0);
    bench.press("/").await;
    bench.type_text("claimed:me").await;
    bench.press("Enter").await;
    bench.says("1 of 1");
}

#[tokio::test]
async fn marked_rows_are_claimed_together() {
    let mut bench = Bench::rich().await;
    bench.press("2 Space Space a").await;
    bench.says("2 items yours");
    assert_eq!(verbs(&bench).await, ["claim", "claim"]);
}

#[tokio::test]
async fn a_decision_on_what_another_has_claimed_is_warned_of_and_can_be_meant() {
    let mut bench = Bench::rich().await;
    let item = first_conflict(&bench).await;
    assert!(olga(&bench).claim(&[item], CLAIM, false).await.expect("claimed").is_empty());
    bench.changed().await;
    bench.press("3").await;
    bench.says("@olga");
    bench.says("olga has it since");
    bench.press("Left d").await;
    bench.says("olga has claimed");
    bench.press("Enter").await;
    assert_eq!(bench.decided().await, 0);
    bench.press("d Y").await;
    bench.says("Decided.");
    assert_eq!(bench.decided().await, 1);
}

#[tokio::test]
async fn without_the_warning_it_is_refused_where_decisions_are_recorded() {
    let mut bench = Bench::rich().await;
    let item = first_conflict(&bench).await;
    let Item::Conflict(id) = item else { panic!("{item}") };
    // Claimed while the question stands open, and before this console hears of it.
    bench.press("3 Left d").await;
    olga(&bench).claim(&[item], CLAIM, false).await.expect("claimed");
    bench.press("Y").await;
    bench.says("olga has claimed it");
    assert_eq!(bench.decided().await, 0);
    let proposal = bench
        .world
        .operator
        .propose(
            id,
            &crate::engine::operate::disputes::Wish::Settle(crate::domain::review::Choice::Left),
            crate::engine::operate::disputes::Reach::This,
        )
        .await
        .expect("proposed");
    let refused = bench.world.operator.carry_out(&proposal).await.expect_err("claimed").to_string();
    assert!(refused.contains("olga"), "{refused}");
    bench.world.clock.advance(CLAIM + Duration::from_secs(1));
    bench.world.operator.carry_out(&proposal).await.expect("the claim has ended");
}

#[tokio::test]
async fn of_many_executions_only_the_claimed_ones_stay_behind() {
    let mut bench = Bench::rich().await;
    bench.press("2").await;
    let filter = Filter::parse("status:failed").expect("valid");
    let rows = bench.world.journal.executions(&filter, Anchor::First, 9).await.expect("rows").rows;
    let ids: Vec<_> = rows.iter().map(|row| row.id).take(3).collect();
    olga(&bench).claim(&[Item::Execution(ids[1])], CLAIM, false).await.expect("claimed");
    let failed = bench.count(Status::Failed).await;
    let report = bench.world.operator.retry(&ids).await.expect("stored");
    assert_eq!((report.queued.len(), report.refused.len()), (2, 1));
    assert!(report.refused[0].1.contains("olga"), "{report:?}");
    assert_eq!(bench.count(Status::Failed).await, failed - 2);
    let forced = bench.world.operator.clone().despite_claims().retry(&ids[1..2]).await.expect("stored");
    assert_eq!(forced.queued.len(), 1);
}

#[tokio::test]
async fn a_on_anothers_claim_asks_before_it_takes_over() {
    let mut bench = Bench::rich().await;
    let item = first_conflict(&bench).await;
    olga(&bench).claim(&[item], CLAIM, false).await.expect("claimed");
    bench.changed().await;
    bench.press("3 a").await;
    bench.says("over from olga?");
    bench.press("Enter").await;
    assert_eq!(verbs(&bench).await, [""; 0]);
    bench.press("a Y").await;
    bench.says("@me");
    let entries = bench.world.journal.audit_entries(1).await.expect("read");
    assert!(entries[0].entry.note.contains("Taken over from olga"), "{entries:?}");
}

#[tokio::test]
async fn capital_a_offers_names_takes_new_ones_and_takes_it_back() {
    let mut bench = Bench::rich().await;
    let item = first_conflict(&bench).await;
    olga(&bench).comment(&[item], "Looks like an import.").await.expect("stored");
    bench.press("3 A").await;
    bench.says("olga");
    bench.type_text("ol").await;
    bench.press("Enter").await;
    bench.says("assigned to olga");
    bench.says("→olga");
    bench.press("Esc A").await;
    bench.says("now olga");
    bench.type_text("Ken Ito").await;
    bench.says("new");
    bench.press("Enter").await;
    bench.says("→Ken Ito");
    bench.press("Esc A Up").await;
    bench.says("nobody in particular");
    bench.press("Down Down Down Down Down Enter").await;
    bench.says("assigned to nobody");
    bench.says_not("→Ken");
}

#[tokio::test]
async fn a_comment_has_lines_and_a_paste_presses_nothing() {
    let mut bench = Bench::rich().await;
    bench.press("3 C Enter").await;
    bench.says("Nothing is said yet");
    bench.type_text("Asked Ruth").await;
    bench.console.input(crossterm::event::Event::Paste("\r\nq Y\u{1b}[31m".to_owned()));
    bench.press("Enter").await;
    bench.says("Noted on cf_");
    bench.says("¶1");
    bench.says("Asked Ruth q Y[31m");
    let item = first_conflict(&bench).await;
    let comments = bench.world.journal.comments_on(item).await.expect("read");
    assert_eq!(comments[0].text, "Asked Ruth\nq Y[31m");
    assert!(!bench.console.quits());
    bench.press("Esc C").await;
    bench.type_text(&format!("token pat-na1-{}", "1234abcd-12ab-34cd-56ef-123456789012")).await;
    bench.press("Enter").await;
    bench.says("access token");
    assert_eq!(bench.world.journal.comments_on(item).await.expect("read").len(), 1);
}

#[tokio::test]
async fn who_may_only_look_leaves_no_hints() {
    let mut world = super::world::World::rich(3).await;
    world.operator = world.operator.clone().read_only();
    let mut bench = Bench::sized(world, (120, 40)).await;
    bench.press("3 a A C").await;
    bench.says("read-only");
    bench.says_not("Comment on");
    let item = first_conflict(&bench).await;
    for refused in [
        bench.world.operator.claim(&[item], CLAIM, false).await.map(drop),
        bench.world.operator.give_back(&[item]).await.map(drop),
        bench.world.operator.assign(&[item], Some("ken")).await.map(drop),
        bench.world.operator.comment(&[item], "x").await,
    ] {
        assert!(refused.expect_err("refused").to_string().contains("read-only"));
    }
    assert_eq!(bench.world.clock.now(), super::world::NOW);
}

#[tokio::test]
async fn holding_and_letting_go_leave_what_others_have_claimed() {
    let bench = Bench::rich().await;
    let filter = Filter::parse("status:failed").expect("valid");
    let rows = bench.world.journal.executions(&filter, Anchor::First, 9).await.expect("rows").rows;
    let ids: Vec<_> = rows.iter().map(|row| row.id).take(2).collect();
    olga(&bench).claim(&[Item::Execution(ids[1])], CLAIM, false).await.expect("claimed");
    let report = bench.world.operator.put_aside(&ids, None, "").await.expect("stored");
    assert_eq!((report.queued.as_slice(), report.refused.len()), (&ids[..1], 1));
    assert!(report.refused[0].1.contains("olga"), "{report:?}");
    let forced = bench.world.operator.clone().despite_claims().put_aside(&ids[1..], None, "").await;
    assert_eq!(forced.expect("stored").queued.len(), 1);
    let report = bench.world.operator.take_up(&ids).await.expect("stored");
    assert_eq!((report.queued.as_slice(), report.refused.len()), (&ids[..1], 1));
}

#[tokio::test]
async fn never_this_domain_warns_of_claims_among_its_people() {
    let mut bench = Bench::rich().await;
    let person = bench.world.journal.unlinked(&Filter::default(), Anchor::First, 1).await.expect("rows").rows;
    let (id, domain) = (person[0].id, person[0].domain.clone());
    olga(&bench).claim(&[Item::Unlinked(id)], CLAIM, false).await.expect("claimed");
    let refused =
        bench.world.operator.rule_for_domain(&domain, None, "").await.expect_err("claimed").to_string();
    assert!(refused.contains("olga"), "{refused}");
    bench.press("5 D").await;
    bench.says("olga has claimed un_");
    bench.says("Yes decides it all the same.");
    bench.press("Enter").await;
    assert!(bench.world.journal.domain_rules().await.expect("read").is_empty());
    bench.press("D Y").await;
    assert_eq!(bench.world.journal.domain_rules().await.expect("read").len(), 1);
}

#[tokio::test]
async fn planning_anew_warns_of_a_claim_and_yes_means_it() {
    let mut bench = Bench::rich().await;
    let filter = Filter::parse("status:failed").expect("valid");
    let id = bench.world.journal.executions(&filter, Anchor::First, 1).await.expect("rows").rows[0].id;
    olga(&bench).claim(&[Item::Execution(id)], CLAIM, false).await.expect("claimed");
    bench.press("2").await;
    bench.changed().await;
    bench.press("F").await;
    bench.says("olga has claimed ex_");
    bench.press("Y").await;
    let detail = bench.world.journal.execution(id).await.expect("read").expect("there");
    assert_eq!(detail.execution.status, Status::Pending);
}
