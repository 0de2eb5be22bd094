//! The switch on screen 6, pressed: the engine runs the recipe from then on, and the vendor's books show it.

use std::time::Duration;

use reknit::sandbox::Webhook;
use serde_json::json;

use crate::cli::shell;
use crate::support::Bench;

const TAGGING: &str = "name = \"tag-writers\"
title = \"Tag who changes\"
about = \"For tests.\"
owner = \"tests\"
state = \"off\"

[trigger]
on = \"intercom.contact.changed\"

[[action]]
do = \"tag\"
target = \"contact\"
tag = \"wrote\"

[error]
tell = \"\"
advice = \"Look.\"
";

#[tokio::test]
async fn advancing_a_recipe_makes_the_engine_run_it_and_going_back_stops_it() {
    let recipes = vec![("tag-writers".to_owned(), TAGGING.to_owned())];
    let mut bench = Bench::build().recipes(recipes).start().await;
    let tags =
        |bench: &Bench| bench.effects().iter().filter(|line| line.contains("contact_tag attach")).count();
    let runs =
        async |bench: &Bench| bench.rows().await.iter().filter(|row| row.recipe == "tag-writers").count();
    let person = bench
        .sandbox
        .new_intercom_user(&json!({"role": "user", "email": "a@b.example", "name": "Ana"}), Webhook::Sent)
        .unwrap();
    bench.work_out().await;
    assert_eq!(tags(&bench), 0, "it is off");

    bench.press("6 /").await;
    bench.type_text("tag-writers").await;
    bench.press("Enter a").await;
    bench.says("off → shadow");
    bench.press("Y Esc a").await;
    bench.says("Switch on tag-writers?");
    bench.press("Y").await;
    bench.says("●  tag-writers");
    bench.engine.rules().look(&bench.journal).await.unwrap();
    bench.advance(Duration::from_secs(5));
    bench.sandbox.edit_intercom_contact(&person, &json!({"name": "Ana B"}), Webhook::Sent).unwrap();
    bench.work_out().await;
    assert_eq!((tags(&bench), runs(&bench).await), (1, 1), "{:?}", bench.effects());

    bench.press("Esc b Y Esc b Y").await;
    bench.says("○  tag-writers");
    bench.engine.rules().look(&bench.journal).await.unwrap();
    bench.advance(Duration::from_secs(5));
    bench.sandbox.edit_intercom_contact(&person, &json!({"name": "Ana C"}), Webhook::Sent).unwrap();
    bench.work_out().await;
    assert_eq!((tags(&bench), runs(&bench).await), (1, 1), "it is off again");
    let said = bench.audit().await;
    let switched = said.iter().filter(|line| line.contains("switch") && line.contains("tag-writers")).count();
    assert_eq!(switched, 4, "{said:?}");

    // The dry run of the screen, as a command.
    let shell = shell(&bench);
    let tried = shell
        .run(&["recipe", "test", "contact-to-crm", "--record", "a@b.example", "--json"])
        .await
        .fine()
        .json();
    assert_eq!((&tried["recipe"], &tried["live"]), (&json!("contact-to-crm"), &json!(false)));
    assert_eq!(tried["gates"][0]["verdict"], json!("passed"), "{tried}");
    shell
        .run(&["recipe", "test", "contact-to-crm", "--record", "nobody@x.example"])
        .await
        .problem(2, &["nobody is known"]);
}
