//! The rows about the workspace: team, tags, data attributes, events, segments, subscription types.

use super::super::super::operation::{Arguments, Operation, Parameter, ParameterKind, optional, required};
use super::super::calls::workspace::{self as calls, Somebody};
use super::{ARCHIVED, TAG, object, texts};

use ParameterKind::{Flag, Json, Number, Text};

const ID: Parameter = optional("id", Text, "Intercom's id of whom it is about; leads have no other");
const USER: Parameter = optional("user_id", Text, "or your own id");
const EMAIL: Parameter = optional("email", Text, "or the email");
const TAG_NAME: Parameter = required("name", Text, "the tag's name; made when there is none");

fn somebody(given: &Arguments) -> Somebody {
    Somebody { id: given.given("id"), user_id: given.given("user_id"), email: given.given("email") }
}

pub(super) const TABLE: &[Operation] = &[
    Operation {
        name: "me.get",
        about: "The admin and workspace behind the token, with its time zone",
        parameters: &[],
        build: |_, _| Ok(calls::me()),
    },
    Operation {
        name: "admins.list",
        about: "The people of the workspace's team",
        parameters: &[],
        build: |_, _| Ok(calls::admins()),
    },
    Operation {
        name: "admins.get",
        about: "One of the team",
        parameters: &[required("admin_id", Text, "the admin's id")],
        build: |_, given| Ok(calls::admin(&given.text("admin_id"))),
    },
    Operation {
        name: "teams.list",
        about: "The teams conversations can be given to",
        parameters: &[],
        build: |_, _| Ok(calls::teams()),
    },
    Operation {
        name: "teams.get",
        about: "One team",
        parameters: &[required("team_id", Text, "the team's id")],
        build: |_, given| Ok(calls::team(&given.text("team_id"))),
    },
    Operation {
        name: "segments.list",
        about: "The workspace's segments",
        parameters: &[optional("include_count", Flag, "with how many are in each")],
        build: |_, given| Ok(calls::segments(given.flag("include_count"))),
    },
    Operation {
        name: "subscription_types.list",
        about: "What contacts can opt into and out of",
        parameters: &[],
        build: |_, _| Ok(calls::subscription_types()),
    },
    Operation {
        name: "notes.get",
        about: "One note",
        parameters: &[required("note_id", Text, "the note's id")],
        build: |_, given| Ok(calls::note(&given.text("note_id"))),
    },
    Operation { name: "tags.list", about: "All tags", parameters: &[], build: |_, _| Ok(calls::tags()) },
    Operation {
        name: "tags.get",
        about: "One tag",
        parameters: &[TAG],
        build: |_, given| Ok(calls::tag(&given.text("tag_id"))),
    },
    Operation {
        name: "tags.create",
        about: "Makes a tag; one of that name in any letter case is answered as it is",
        parameters: &[TAG_NAME],
        build: |_, given| Ok(calls::save_tag(&given.text("name"), None)),
    },
    Operation {
        name: "tags.rename",
        about: "Gives a tag another name",
        parameters: &[TAG, required("name", Text, "its new name")],
        build: |_, given| Ok(calls::save_tag(&given.text("name"), Some(&given.text("tag_id")))),
    },
    Operation {
        name: "tags.delete",
        about: "Deletes a tag; refused while a segment uses it",
        parameters: &[TAG],
        build: |_, given| Ok(calls::delete_tag(&given.text("tag_id"))),
    },
    Operation {
        name: "tags.tag_companies",
        about: "Tags many companies at once",
        parameters: &[TAG_NAME, required("companies", Json, "a list of Intercom's ids")],
        build: |_, given| Ok(calls::tag_companies(&given.text("name"), &texts(given, "companies")?, false)),
    },
    Operation {
        name: "tags.untag_companies",
        about: "Takes a tag off many companies at once",
        parameters: &[
            required("name", Text, "the tag's name"),
            required("companies", Json, "a list of Intercom's ids"),
        ],
        build: |_, given| Ok(calls::tag_companies(&given.text("name"), &texts(given, "companies")?, true)),
    },
    Operation {
        name: "tags.tag_contacts",
        about: "Tags many contacts at once",
        parameters: &[TAG_NAME, required("contacts", Json, "a list of Intercom's ids")],
        build: |_, given| Ok(calls::tag_contacts(&given.text("name"), &texts(given, "contacts")?)),
    },
    Operation {
        name: "data_attributes.list",
        about: "The attributes of contacts and companies, the workspace's own included",
        parameters: &[optional("model", Text, "contact or company; both without it"), ARCHIVED],
        build: |_, given| Ok(calls::data_attributes(given.given("model"), given.flag("include_archived"))),
    },
    Operation {
        name: "data_attributes.create",
        about: "Makes a custom attribute of contacts or companies",
        parameters: &[
            required("name", Text, "its name"),
            required("model", Text, "contact or company"),
            required("data_type", Text, "string, integer, float, boolean, datetime, date or options"),
            optional("options", Json, "the list, for data_type options"),
            optional("description", Text, "what it is for"),
        ],
        build: |_, given| {
            calls::create_data_attribute(
                &given.text("name"),
                &given.text("model"),
                &given.text("data_type"),
                &texts(given, "options")?,
                given.given("description").as_deref(),
            )
        },
    },
    Operation {
        name: "data_attributes.update",
        about: "Changes description, options or archived of a custom attribute; never its type",
        parameters: &[
            required("data_attribute_id", Text, "the attribute's id"),
            required("changes", Json, "archived, description, options"),
        ],
        build: |_, given| {
            Ok(calls::update_data_attribute(&given.text("data_attribute_id"), &object(given, "changes")?))
        },
    },
    Operation {
        name: "events.submit",
        about: "Tells an event of a contact; twice in the same second counts once",
        parameters: &[
            required("event_name", Text, "what happened: a verb in the past and a noun"),
            required("created_at", Number, "when, in seconds since 1970"),
            ID,
            USER,
            EMAIL,
            optional("metadata", Json, "at most ten keys"),
        ],
        build: |_, given| {
            let metadata = given.json("metadata").map(|_| object(given, "metadata")).transpose()?;
            calls::submit_event(
                &given.text("event_name"),
                given.number("created_at").unwrap_or_default(),
                somebody(given),
                metadata.as_ref(),
            )
        },
    },
    Operation {
        name: "events.list",
        about: "The events of a contact in the last 90 days, or how often each ever happened",
        parameters: &[ID, USER, EMAIL, optional("summary", Flag, "counts instead of single events")],
        build: |_, given| calls::events(somebody(given), given.flag("summary")),
    },
];
