//! The tour: it goes on when its key was pressed, never takes a key from anything, and ends by Esc.

use super::bench::Bench;
use crate::console::panes::Screen;

#[tokio::test]
async fn each_stop_names_a_key_and_pressing_it_goes_on() {
    let mut bench = Bench::rich().await;
    bench.press("T").await;
    bench.says("1 of 8");
    bench.press("2").await;
    bench.says("2 of 8");
    assert_eq!(bench.console.app().screen(), Screen::Executions);
    bench.press("j").await;
    bench.says("3 of 8");
    bench.press("/").await;
    bench.says_not("Tour");
    bench.press("Enter").await;
    bench.says("4 of 8");
    bench.press("3 4 5").await;
    bench.says("7 of 8");
    bench.press(": Esc").await;
    bench.says("8 of 8");
    bench.press("? Esc").await;
    bench.says("That was the tour");
    bench.says_not("8 of 8");
}

#[tokio::test]
async fn other_keys_do_what_they_always_do_and_the_tour_waits() {
    for size in [(140, 40), (100, 30), (80, 24), (60, 16)] {
        let mut bench = Bench::sized(super::world::World::rich(3).await, size).await;
        bench.press("T 4").await;
        assert_eq!(bench.console.app().screen(), Screen::Duplicates);
        bench.press("m").await;
        bench.says("Y Merge");
        bench.press("Esc").await;
        if size.1 > 16 {
            bench.says("1 of 8");
        }
        bench.press("Esc").await;
        bench.says_not("of 8");
        assert_eq!(bench.console.app().screen(), Screen::Duplicates);
        assert_eq!(bench.decided().await, 0);
        bench.press("T T").await;
        bench.says_not("of 8");
    }
}
