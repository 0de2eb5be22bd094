//! Screen 9 and the layer of `@`: every call, newest first, filtered, told, copied.

use super::bench::Bench;
use super::world::World;
use crate::console::panes::Screen;

async fn bench(size: (u16, u16)) -> Bench {
    let world = World::rich(10).await;
    world.calls(120).await;
    Bench::sized(world, size).await
}

#[tokio::test]
async fn every_call_is_listed_newest_first_and_told_with_its_bodies() {
    let mut bench = bench((160, 50)).await;
    bench.press("9").await;
    for text in ["TIME", "SYS", "METHOD", "CODE", "MS", "PATH", "EXECUTION", "HS", "/crm/v3/objects/contacts"]
    {
        bench.says(text);
    }
    bench.says("1 of 121");
    bench.says("request-119");
    bench.says("Request");
    bench.says("\"jobtitle\": \"VP of call 119\"");
    bench.press("G").await;
    bench.says("121 of 121");
    bench.press("g Enter Enter").await;
    assert_eq!(bench.console.app().screen(), Screen::Executions);
    bench.says("[Explain]");
}

#[tokio::test]
async fn calls_are_filtered_by_system_status_method_and_path() {
    let mut bench = bench((120, 40)).await;
    bench.press("9").await;
    for (filter, count) in [
        ("status:429", "1 of 12"),
        ("status:4xx", "1 of 13"),
        ("status:2xx", "1 of 108"),
        ("system:intercom", "1 of 40"),
        ("system:hubspot method:patch", "1 of 81"),
        ("/contacts/64e", "1 of 40"),
        ("status:teapot", "Nothing matches"),
    ] {
        bench.press("/").await;
        bench.type_text(filter).await;
        bench.press("Enter").await;
        bench.says(count);
        bench.press("Esc").await;
    }
}

#[tokio::test]
async fn a_call_is_copied_as_curl_without_a_secret_and_as_a_line_for_support() {
    let mut bench = bench((120, 40)).await;
    bench.press("9 Y").await;
    bench.says("Copied curl -X 'PATCH'");
    bench.says("$TOKEN");
    bench.press("Esc y").await;
    bench.says("Copied PATCH");
}

#[tokio::test]
async fn the_log_lies_over_any_screen_and_goes_away_again() {
    let mut bench = bench((120, 40)).await;
    bench.press("3 @").await;
    bench.says("API calls");
    bench.says("1 of 121");
    bench.press("/").await;
    bench.type_text("status:429").await;
    bench.press("Enter").await;
    bench.says("1 of 12");
    bench.press("Esc Esc").await;
    assert_eq!(bench.console.app().screen(), Screen::Conflicts);
    bench.says_not("API calls");
    bench.press("@ Enter Enter").await;
    assert_eq!(bench.console.app().screen(), Screen::Executions);
}

#[tokio::test]
async fn every_size_has_a_useful_layout_and_an_empty_log_says_so() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut bench = bench(size).await;
        bench.press("9").await;
        // What a path ends with is seen at every width.
        bench.says("/contacts");
        bench.press("Enter").await;
        bench.says("Request ─");
        bench.press("Esc @").await;
        bench.says("API calls");
    }
    let mut empty = Bench::sized(World::empty(), (80, 24)).await;
    empty.press("9").await;
    empty.says("No call was made yet.");
}

#[tokio::test]
async fn calls_are_marked_exported_and_their_filter_is_completed() {
    let mut bench = bench((120, 40)).await;
    let folder = bench.world.journal.path().parent().expect("a folder").join("exports");
    bench.press("9 j v G v").await;
    bench.says("120 marked");
    bench.press("Esc / Tab").await;
    bench.says("status:");
    bench.type_text("me").await;
    bench.press("Tab").await;
    bench.says("DELETE");
    bench.type_text("pa").await;
    bench.press("Tab Enter").await;
    bench.says("/ ");
    bench.press("Esc / Ctrl-u").await;
    bench.type_text("status:42").await;
    bench.says("too fast");
    bench.press("Tab Enter X Enter").await;
    bench.says("12 rows written.");
    let file = std::fs::read_dir(&folder).expect("there").next().expect("one").expect("read").path();
    let text = std::fs::read_to_string(&file).expect("readable");
    assert!(text.starts_with("id,execution,purpose,started_at,duration_ms,method,url,status,class"));
    assert_eq!(text.lines().count(), 13);
    // And from the layer over another screen.
    bench.press("Esc 3 @ X").await;
    bench.says("Every row the filter lets through: 121 rows");
}
