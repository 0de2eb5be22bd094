//! Intercom's client against the emulated workspace: what the tables of requests cannot show by themselves.

use std::sync::Arc;

use reknit::cli::clock::SystemClock;
use reknit::domain::clock::Timestamp;
use reknit::domain::error_class::ErrorClass;
use reknit::domain::plan::Effect;
use reknit::domain::record::{Connection, ObjectKind, RecordRef, System};
use reknit::sandbox::{Sandbox, Settings, Webhook};
use reknit::vault::Given;
use reknit::vendors::intercom::conversations;
use reknit::vendors::{self, Clients, Log};
use serde_json::json;

struct Stage {
    sandbox: Sandbox,
    clients: Clients,
    connection: Connection,
}

impl Stage {
    async fn new(version: &str) -> Self {
        let settings = Settings { seeded: false, intercom_window_limit: 100_000, ..Settings::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let mut settings = vendors::Settings::default();
        sandbox.intercom_base_url().clone_into(&mut settings.intercom.base_url);
        version.clone_into(&mut settings.intercom.version);
        let tokens = Given::default().with(System::Intercom, sandbox.intercom_token(), "");
        let clients = Clients::new(&settings, Arc::new(tokens), Arc::new(SystemClock)).unwrap();
        Self { sandbox, clients, connection: Connection::only(System::Intercom) }
    }

    fn user(&self, email: &str) -> String {
        self.sandbox.new_intercom_user(&json!({"email": email}), Webhook::Silent).unwrap()
    }
}

fn contact(id: &str) -> RecordRef {
    RecordRef::new(System::Intercom, ObjectKind::Contact, id)
}

/// Every company that has people is read, however many, though the list ends at 10,000 and the scroll breaks.
#[tokio::test]
async fn more_companies_than_a_list_shows_are_scrolled_and_a_broken_scroll_is_begun_anew() {
    let stage = Stage::new("2.16").await;
    let person = stage.user("ana@northlight.com");
    for number in 0..10_101 {
        let id = stage.sandbox.new_intercom_company(&format!("c{number}"), &json!({}), Webhook::Silent);
        stage.sandbox.attach_intercom_company(&person, &id, Webhook::Silent);
    }
    let mut log = Log::new();
    let (mut cursor, mut seen, mut pages) = (None::<String>, std::collections::BTreeSet::new(), 0);
    loop {
        let (page, next) =
            vendors::list_companies(&stage.clients, &stage.connection, cursor.as_deref(), &mut log)
                .await
                .unwrap();
        seen.extend(page.into_iter().map(|company| company.record.id));
        pages += 1;
        if pages == 40 {
            stage.sandbox.break_intercom_scroll(2);
        }
        let Some(next) = next else { break };
        assert!(pages < 300, "it must come to an end");
        cursor = Some(next);
    }
    assert_eq!(seen.len(), 10_101);
    let broken = log.iter().filter(|exchange| exchange.class == Some(ErrorClass::Unavailable)).count();
    assert_eq!(broken, 2);
    let scrolls = log.iter().filter(|exchange| exchange.url.contains("/companies/scroll")).count();
    assert!(scrolls > 102 + 38 && pages > 102, "{scrolls} {pages}");
}

#[tokio::test]
async fn a_scroll_that_goes_on_breaking_is_given_up() {
    let stage = Stage::new("2.16").await;
    stage.sandbox.break_intercom_scroll(100);
    let mut log = Log::new();
    let cursor = Some("scroll:0:lost");
    let error = vendors::list_companies(&stage.clients, &stage.connection, cursor, &mut log).await;
    assert_eq!(error.unwrap_err().class, ErrorClass::Unavailable);
    assert!(log.len() <= 4, "{}", log.len());
}

#[tokio::test]
async fn r120_conversations_are_found_by_when_they_changed_and_read_with_all_that_is_given() {
    let stage = Stage::new("2.16").await;
    let person = stage.user("ana@northlight.com");
    let started = stage.sandbox.start_conversation(&person, "Hello", Webhook::Silent).unwrap();
    for number in 0..502 {
        stage.sandbox.reply_to_conversation(&started, &format!("part {number}"), Webhook::Silent);
    }
    let mut log = Log::new();
    let since = |seconds: i64| Timestamp::from_seconds(seconds);
    let changed = async |since: Timestamp| {
        conversations::changed(&stage.clients, &stage.connection, since, None, &mut Log::new())
            .await
            .unwrap()
            .0
    };
    let found = changed(since(0)).await;
    assert_eq!((found.len(), &found[0].contacts), (1, &vec![person]));
    let at = found[0].mirror.vendor_updated_at.unwrap();
    assert_eq!(changed(at).await.len(), 1, "the moment itself is in");
    assert_eq!(changed(since(at.seconds() + 2)).await.len(), 0, "to the second, not to the day");
    let thread = conversations::thread(&stage.clients, &found[0].mirror.record, &mut log).await.unwrap();
    assert_eq!((thread.parts.len(), thread.total, thread.missing()), (500, 502, 2));
    assert_eq!((thread.parts[0].body.as_str(), thread.parts[0].author_kind.as_str()), ("part 2", "admin"));
    assert_eq!(thread.conversation.mirror.text("source.body"), "Hello");
}

/// The same merge and the same read in a version that points to the survivor, and in one that does not.
#[tokio::test]
async fn a_merged_lead_leads_to_its_user_where_the_version_says_so() {
    for (version, class) in [("2.16", ErrorClass::MergedAway), ("2.15", ErrorClass::NotFound)] {
        let stage = Stage::new(version).await;
        let user = stage.user("ana@northlight.com");
        let lead = json!({"role": "lead", "email": "zoe@gmail.com"});
        let lead = stage.sandbox.new_intercom_user(&lead, Webhook::Silent).unwrap();
        let merge = Effect::merge(contact(&user), contact(&lead));
        let mut log = Log::new();
        let survivor = vendors::perform(&stage.clients, &merge, &mut log).await.unwrap();
        assert_eq!(survivor, contact(&user));
        let gone = vendors::read(&stage.clients, &contact(&lead), &mut log).await.unwrap_err();
        assert_eq!(gone.class, class, "{version}");
        let existing = gone.existing.map(|record| record.id);
        assert_eq!(existing, (class == ErrorClass::MergedAway).then_some(user), "{version}");
    }
}

/// R110, R132: a token that was revoked, one without permission, a plan without conversations; R134: nobody there.
#[tokio::test]
async fn what_an_operator_must_mend_is_told_apart() {
    let stage = Stage::new("2.16").await;
    let mut log = Log::new();
    let person = contact(&stage.user("ana@northlight.com"));
    let talk = stage.sandbox.start_conversation(&person.id, "Hello", Webhook::Silent).unwrap();
    let talk = RecordRef::new(System::Intercom, ObjectKind::Conversation, &talk);
    stage.sandbox.set_intercom_subscribed(false);
    let plan = vendors::read(&stage.clients, &talk, &mut log).await.unwrap_err();
    assert_eq!(plan.class, ErrorClass::Permission);
    assert!(
        plan.words.starts_with("Active subscription needed.") && plan.words.contains("Starter"),
        "{plan}"
    );
    let nobody = vendors::read(&stage.clients, &contact("0123456789abcdef01234567"), &mut log).await;
    let nobody = nobody.unwrap_err();
    assert_eq!((nobody.class, nobody.words.as_str()), (ErrorClass::NotFound, "User Not Found"));
    stage.sandbox.withhold_from_intercom_token("contacts", true);
    let withheld = vendors::read(&stage.clients, &person, &mut log).await.unwrap_err();
    assert_eq!(withheld.class, ErrorClass::Auth);
    stage.sandbox.revoke_intercom_token();
    let revoked = vendors::check(&stage.clients, &stage.connection, &mut log).await.unwrap_err();
    assert_eq!((revoked.class, revoked.status), (ErrorClass::Auth, Some(401)));
}
