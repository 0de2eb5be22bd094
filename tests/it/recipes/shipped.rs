//! The shipped recipes as they come: off but for the contact sync, one trigger each, an error branch each, no finding of
//! the lints; and how fast somebody new arrives.

use std::fs;
use std::time::{Duration, Instant};

use reknit::domain::record::ObjectKind;
use reknit::mapping::Mappings;
use reknit::recipes::file;
use reknit::recipes::recipe::{Act, Recipe, State, Target};
use reknit::sandbox::Webhook;
use serde_json::json;

use super::world::{World, say};

fn all() -> Vec<Recipe> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/recipes");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let recipe = file::parse(&fs::read_to_string(path).unwrap(), &format!("{name}.toml"));
        let recipe = recipe.unwrap_or_else(|findings| panic!("{findings:#?}"));
        assert_eq!(recipe.name, name, "a file is called as its recipe");
        recipe
    };
    paths.iter().map(read).collect()
}

#[test]
fn r90_each_recipe_is_off_until_somebody_wants_it_but_the_contact_sync() {
    for recipe in all() {
        let sync = recipe.name.starts_with("contact-to-");
        assert_eq!(recipe.state == State::On, sync, "{}", recipe.name);
        assert!(!recipe.about.trim().is_empty() && !recipe.owner.is_empty(), "{}", recipe.name);
    }
}

#[test]
fn r1_r156_r166_each_recipe_has_one_trigger_and_says_what_to_do_when_it_fails() {
    for recipe in all() {
        assert!(recipe.error.advice.len() > 20, "{}: {:?}", recipe.name, recipe.error);
        let triggers = recipe.text.lines().filter(|line| line.trim() == "[trigger]").count();
        assert_eq!(triggers, 1, "{}", recipe.name);
        if let Some(condition) = &recipe.condition {
            assert!(!condition.otherwise.is_empty(), "{}", recipe.name);
        }
    }
}

#[test]
fn r163_contacts_companies_and_cases_have_mappings_of_their_own() {
    let mappings = Mappings::shipped();
    for name in ["contact", "company", "conversation-ticket"] {
        let mapping = mappings.named(name).unwrap_or_else(|| panic!("no mapping {name}"));
        assert!(!mapping.fields.is_empty(), "{name}");
    }
}

#[test]
fn r157_people_are_updated_and_deals_tasks_and_notes_made() {
    let acts: Vec<Act> =
        all().into_iter().flat_map(|recipe| recipe.actions).map(|action| action.act).collect();
    let makes = |kind| acts.iter().any(|act| matches!(act, Act::Create { object, .. } if *object == kind));
    for kind in [ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Task, ObjectKind::Note] {
        assert!(makes(kind), "{kind}");
    }
    let updates =
        |wanted| acts.iter().any(|act| matches!(act, Act::Update { target, .. } if *target == wanted));
    assert!(updates(Target::Crm) && updates(Target::Deal));
}

#[tokio::test]
async fn r90_what_is_off_runs_nothing_and_says_so() {
    let mut world = World::with(&[]).await;
    let person = world.person("mara@quint.example", &json!({"lifecyclestage": "lead"})).await;
    world.starts(&person, "What does it cost?", "Support").await;
    world.bench.work().await;
    assert_eq!(world.deals().await.len(), 0);
    let ignored = world
        .bench
        .tables()
        .texts("SELECT coalesce(ignored, '') FROM events WHERE kind = 'conversation.created'");
    assert!(ignored.len() == 1 && ignored[0].contains("is on"), "{ignored:?}");
}

#[tokio::test]
async fn r45_somebody_new_is_in_the_crm_within_thirty_seconds() {
    let mut world = World::with(&["contact-to-crm"]).await;
    let mut taken = Vec::new();
    for number in 0..60 {
        let email = format!("new{number}@quint.example");
        let begun = (Instant::now(), world.bench.now());
        let user = json!({"role": "user", "email": email, "name": "Mara Quint"});
        world.bench.sandbox.new_intercom_user(&user, Webhook::Sent).unwrap();
        // Work by the product's own clock, which passes only where somebody waits.
        while world.bench.sandbox.hubspot_find_by_email(&email).is_none() {
            if world.bench.work().await == 0 {
                world.bench.advance(Duration::from_millis(100));
            }
        }
        let waited = Duration::from_millis(u64::try_from(world.bench.now().since(begun.1)).unwrap());
        taken.push(begun.0.elapsed() + waited);
    }
    taken.sort();
    let at = |share: usize| taken[taken.len() * share / 100].as_millis();
    say(&format!("from sign-up to the CRM: p50 {} ms, p95 {} ms", at(50), at(95)));
    assert!(at(95) < 30_000, "{taken:?}");
}
