//! The scripted morning: a table of scenes, each played on people nothing else has touched. Scenes change
//! the vendors as their own users would and set the faults that belong to them; they never write for us.

use serde_json::{Value, json};

use super::Sandbox;
use super::desk::lock;
use super::fault::{Fault, FaultKind, Vendor};
use super::hubspot::Kind;
use super::population::{PLANS, new_title, stranger};
use super::steps::Webhook;

/// One thing that happens to one person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scene {
    /// The plan becomes `churned`, whose lead status this portal has removed.
    PlanChurned,
    /// The e-mail becomes one without a top-level domain, which HubSpot refuses.
    EmailWithoutTopLevelDomain,
    /// A referral code appears, for which HubSpot has no property.
    ReferralCode,
    /// Somebody archives the HubSpot contact unnoticed, then the user's phone changes.
    ArchivedThenPhone,
    /// A sign-up whose creation in HubSpot is refused once for a missing scope.
    SignUpWithoutScope,
    /// The e-mail becomes one that another HubSpot contact holds.
    EmailTaken,
    /// The plan becomes a tier nobody has mapped.
    PlanUnknown,
    /// Phone or job title is edited on both sides, differently.
    EditedOnBothSides,
    /// The lifecycle stage, which the CRM owns, is edited in Intercom.
    LifecycleInIntercom,
    /// The job title changes while HubSpot answers 503 for every write about this person.
    Unavailable,
    /// A sign-up whose creation happens but is never acknowledged.
    LostAcknowledgement,
    /// A sign-up whose creation meets one 502 page.
    BadGateway,
    /// Phone or job title changes and nothing goes wrong.
    OrdinaryUpdate,
    /// A sign-up and nothing goes wrong.
    SignUp,
    /// Sales moves the lifecycle stage forward in HubSpot.
    LifecycleForward,
    /// The job title changes in Intercom and no webhook tells.
    QuietEdit,
    /// A conversation is started, answered and closed.
    Conversation,
}

/// The morning: which scene, how often. They are played in turns, not in blocks.
const MORNING: [(Scene, usize); 17] = [
    (Scene::OrdinaryUpdate, 12),
    (Scene::SignUp, 6),
    (Scene::PlanChurned, 3),
    (Scene::Conversation, 6),
    (Scene::EditedOnBothSides, 4),
    (Scene::QuietEdit, 5),
    (Scene::Unavailable, 4),
    (Scene::LifecycleForward, 4),
    (Scene::SignUpWithoutScope, 3),
    (Scene::PlanUnknown, 3),
    (Scene::EmailWithoutTopLevelDomain, 2),
    (Scene::ReferralCode, 2),
    (Scene::ArchivedThenPhone, 2),
    (Scene::EmailTaken, 2),
    (Scene::LifecycleInIntercom, 2),
    (Scene::LostAcknowledgement, 1),
    (Scene::BadGateway, 1),
];

/// Every so many webhooks one arrives twice.
const REPEAT_EVERY: usize = 6;

/// Whom a scene happened to, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Played {
    /// Which scene.
    pub scene: Scene,
    /// The person in Intercom.
    pub intercom_id: String,
    /// The person in HubSpot, when there was one before the scene.
    pub hubspot_id: Option<String>,
    /// The fields the scene set, as given to the vendors.
    pub change: Value,
}

impl Sandbox {
    /// Plays the whole morning at once. Scenes for which the world has no person left are left out.
    pub fn play_day(&self) -> Vec<Played> {
        self.world.desk.outbox.repeat_every(REPEAT_EVERY);
        let most = MORNING.iter().map(|(_, times)| *times).max().unwrap_or(0);
        let mut played = Vec::new();
        for round in 0..most {
            let due = MORNING.iter().filter(|(_, times)| round < *times);
            played.extend(due.filter_map(|(scene, _)| self.play(*scene)));
        }
        self.world.desk.outbox.repeat_every(0);
        played
    }

    /// Plays one scene on the next untouched person; `None` when the world has nobody left for it.
    pub fn play(&self, scene: Scene) -> Option<Played> {
        match scene {
            Scene::SignUp | Scene::SignUpWithoutScope | Scene::LostAcknowledgement | Scene::BadGateway => {
                self.sign_up(scene)
            }
            Scene::LifecycleForward => self.lifecycle_forward(),
            Scene::Conversation => self.converse(),
            _ => self.change(scene),
        }
    }

    /// The next person whom no scene has used, by Intercom and HubSpot id.
    pub fn next_clean_person(&self) -> Option<(String, String)> {
        lock(&self.cast).pop_front().map(|(intercom, hubspot)| (intercom, hubspot.to_string()))
    }

    fn sign_up(&self, scene: Scene) -> Option<Played> {
        let (user, email) = {
            let mut rng = lock(&self.staging);
            let (name, email, phone) = stranger(&mut rng);
            let plan = PLANS[rng.usize(..PLANS.len())].0;
            let serial = rng.u32(100_000..999_999);
            let user = json!({
                "role": "user",
                "external_id": format!("user_n{serial}"),
                "email": email,
                "name": name,
                "phone": phone,
                "signed_up_at": self.world.desk.clock.now() / 1_000,
                "custom_attributes": {"plan": plan, "job_title": new_title(&mut rng), "lifecycle_stage": "lead"},
            });
            (user, email)
        };
        let kind = match scene {
            Scene::SignUpWithoutScope => Some(FaultKind::MissingScopes),
            Scene::LostAcknowledgement => Some(FaultKind::TimeoutAfterEffect),
            Scene::BadGateway => Some(FaultKind::ServerErrorHtml),
            _ => None,
        };
        if let Some(kind) = kind {
            self.add_fault(Fault::new(Vendor::HubSpot, kind).method("POST").writes_about(&[&email]).times(1));
        }
        let intercom_id = self.new_intercom_user(&user, Webhook::Sent).ok()?;
        Some(Played { scene, intercom_id, hubspot_id: None, change: user })
    }

    fn lifecycle_forward(&self) -> Option<Played> {
        let (intercom_id, hubspot_id) = self.next_clean_person()?;
        let contact = self.hubspot_contact(&hubspot_id)?;
        let next = match contact["properties"]["lifecyclestage"].as_str() {
            Some("lead") => "marketingqualifiedlead",
            Some("marketingqualifiedlead") => "salesqualifiedlead",
            Some("salesqualifiedlead") => "opportunity",
            Some("opportunity") => "customer",
            _ => "evangelist",
        };
        let change = json!({"lifecyclestage": next});
        self.edit_hubspot_contact(&hubspot_id, &change, Webhook::Sent).ok()?;
        Some(Played { scene: Scene::LifecycleForward, intercom_id, hubspot_id: Some(hubspot_id), change })
    }

    fn converse(&self) -> Option<Played> {
        let (intercom_id, hubspot_id) = self.next_clean_person()?;
        let question = "Can we move to yearly billing before the end of the month?";
        let conversation = self.start_conversation(&intercom_id, question, Webhook::Sent)?;
        self.reply_to_conversation(
            &conversation,
            "Of course, I have prepared the change for you.",
            Webhook::Sent,
        );
        self.close_conversation(&conversation, Webhook::Sent);
        let change = json!({"conversation": conversation});
        Some(Played { scene: Scene::Conversation, intercom_id, hubspot_id: Some(hubspot_id), change })
    }

    /// Scenes that edit a known person in Intercom, some with a second hand in HubSpot.
    fn change(&self, scene: Scene) -> Option<Played> {
        let (intercom_id, hubspot_id) = self.next_clean_person()?;
        let (coin, number, title, other_title) = {
            let mut rng = lock(&self.staging);
            (rng.bool(), rng.u32(1_000_000..9_999_999), new_title(&mut rng), new_title(&mut rng))
        };
        let custom = |name: &str, value: &str| json!({"custom_attributes": {name: value}});
        let phone = json!({"phone": format!("+4930{number}")});
        let change = match scene {
            Scene::PlanChurned => custom("plan", "churned"),
            Scene::PlanUnknown => custom("plan", "enterprise_plus"),
            Scene::ReferralCode => custom("referral_code", &format!("FRIEND-{}", number % 10_000)),
            Scene::LifecycleInIntercom => {
                let now = self.intercom_contact(&intercom_id)?;
                let same = now["custom_attributes"]["lifecycle_stage"] == "subscriber";
                custom("lifecycle_stage", if same { "other" } else { "subscriber" })
            }
            Scene::EmailWithoutTopLevelDomain => {
                let now = self.intercom_contact(&intercom_id)?;
                let local = now["email"].as_str()?.split('@').next()?.to_owned();
                json!({"email": format!("{local}@mailhost")})
            }
            Scene::EmailTaken => json!({"email": self.email_only_hubspot_knows()?}),
            Scene::ArchivedThenPhone => phone,
            Scene::EditedOnBothSides | Scene::OrdinaryUpdate if coin => phone,
            _ => custom("job_title", &title),
        };
        match scene {
            Scene::ArchivedThenPhone => {
                self.archive_hubspot_contact(&hubspot_id, Webhook::Silent);
            }
            Scene::Unavailable => {
                let email = self.intercom_contact(&intercom_id)?["email"].as_str().map(str::to_owned);
                let mut names = vec![intercom_id.as_str(), hubspot_id.as_str()];
                names.extend(email.as_deref());
                let kind = FaultKind::Unavailable { retry_after: None };
                self.add_fault(Fault::new(Vendor::HubSpot, kind).writes_about(&names));
            }
            Scene::EditedOnBothSides => {
                let theirs = if coin {
                    json!({"phone": format!("+4989{number}")})
                } else {
                    json!({"jobtitle": format!("{other_title} (interim)")})
                };
                self.edit_hubspot_contact(&hubspot_id, &theirs, Webhook::Sent).ok()?;
            }
            _ => {}
        }
        let webhook = if scene == Scene::QuietEdit { Webhook::Silent } else { Webhook::Sent };
        self.edit_intercom_contact(&intercom_id, &change, webhook).ok()?;
        Some(Played { scene, intercom_id, hubspot_id: Some(hubspot_id), change })
    }

    /// An e-mail of a HubSpot contact that no Intercom contact has; each is given out once.
    fn email_only_hubspot_knows(&self) -> Option<String> {
        let emails: Vec<String> = {
            let hubspot = lock(&self.world.hubspot);
            let contacts = hubspot.shelf(Kind::Contacts).live_records();
            let unlinked = contacts.filter(|record| record.value("intercom_contact_id").is_none());
            unlinked.filter_map(|record| record.value("email").map(std::borrow::Cow::into_owned)).collect()
        };
        let intercom = lock(&self.world.intercom);
        emails.into_iter().find(|email| intercom.with_email(email).next().is_none())
    }
}
