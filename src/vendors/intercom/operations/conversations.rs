//! The rows about conversations and their attributes.

use super::super::super::operation::{Operation, Parameter, ParameterKind, optional, required};
use super::super::calls::conversations::{self as calls, Answering, Writer};
use super::super::query::Query;
use super::{
    ADMIN, AFTER, ARCHIVED, ASCENDING, BODY, CONTACT, CONVERSATION, PAGE, PER_PAGE, QUERY, TAG, object,
    paging, refused,
};

use ParameterKind::{Flag, Json, Number, Text};

const QUIETLY: Parameter = optional("skip_notifications", Flag, "tells nobody; from 2.16 on");
const ATTRIBUTE: Parameter = required("attribute_id", Text, "the attribute's id");
const OPTION: Parameter = required("option_id", Text, "the option's id");
const LABEL: Parameter = required("label", Text, "what the option is called");

pub(super) const TABLE: &[Operation] = &[
    Operation {
        name: "conversations.list",
        about: "All conversations without their parts",
        parameters: &[PER_PAGE, AFTER],
        build: |_, given| calls::list(&paging(given)),
    },
    Operation {
        name: "conversations.search",
        about: "Conversations by their fields, without their parts",
        parameters: &[QUERY, PER_PAGE, AFTER],
        build: |settings, given| {
            let query = Query::read(given.json("query").unwrap_or_default())?;
            calls::search(settings, &query, &paging(given))
        },
    },
    Operation {
        name: "conversations.get",
        about: "One conversation with its newest 500 parts",
        parameters: &[CONVERSATION, optional("plaintext", Flag, "texts without HTML")],
        build: |_, given| Ok(calls::get(&given.text("conversation_id"), given.flag("plaintext"))),
    },
    Operation {
        name: "conversations.create",
        about: "A contact writes in; the answer is the message, with the conversation's id",
        parameters: &[
            CONTACT,
            BODY,
            optional("from_type", Text, "user, lead or contact; contact without it"),
            optional("created_at", Number, "when it was said, in seconds, for past conversations"),
        ],
        build: |_, given| {
            let kind = given.given("from_type").unwrap_or_else(|| "contact".to_owned());
            if !matches!(kind.as_str(), "user" | "lead" | "contact") {
                return Err(refused("from_type is user, lead or contact"));
            }
            let from = (kind.as_str(), &*given.text("contact_id"));
            Ok(calls::create(from, &given.text("body"), given.number("created_at")))
        },
    },
    Operation {
        name: "conversations.reply",
        about: "One of the team answers; done twice, it answers twice",
        parameters: &[CONVERSATION, ADMIN, BODY, QUIETLY],
        build: |settings, given| {
            let (id, writer) = (given.text("conversation_id"), Writer::Admin(given.text("admin_id")));
            let quietly = given.flag("skip_notifications");
            calls::reply(settings, &id, &writer, Answering::Comment, &given.text("body"), quietly)
        },
    },
    Operation {
        name: "conversations.note",
        about: "One of the team writes a note only the team sees; done twice, there are two",
        parameters: &[CONVERSATION, ADMIN, BODY, QUIETLY],
        build: |settings, given| {
            let (id, writer) = (given.text("conversation_id"), Writer::Admin(given.text("admin_id")));
            let quietly = given.flag("skip_notifications");
            calls::reply(settings, &id, &writer, Answering::Note, &given.text("body"), quietly)
        },
    },
    Operation {
        name: "conversations.reply_as_contact",
        about: "A contact answers; done twice, it answers twice",
        parameters: &[
            CONVERSATION,
            BODY,
            optional("contact_id", Text, "Intercom's id of who answers"),
            optional("external_id", Text, "or your own id"),
            optional("email", Text, "or the email"),
        ],
        build: |settings, given| {
            let writer = match (given.given("contact_id"), given.given("external_id"), given.given("email")) {
                (Some(id), ..) => Writer::Contact(id),
                (None, Some(id), _) => Writer::External(id),
                (None, None, Some(email)) => Writer::Email(email),
                _ => return Err(refused("one of contact_id, external_id, email says who answers")),
            };
            let (id, body) = (given.text("conversation_id"), given.text("body"));
            calls::reply(settings, &id, &writer, Answering::Comment, &body, false)
        },
    },
    Operation {
        name: "conversations.assign",
        about: "Gives a conversation to an admin or a team; 0 to nobody",
        parameters: &[
            CONVERSATION,
            ADMIN,
            required("assignee_id", Text, "the admin or team; 0 for nobody"),
            optional("assignee_type", Text, "admin or team; admin without it"),
            optional("body", Text, "a word to go with it"),
        ],
        build: |_, given| {
            let kind = given.given("assignee_type").unwrap_or_else(|| "admin".to_owned());
            if !matches!(kind.as_str(), "admin" | "team") {
                return Err(refused("assignee_type is admin or team"));
            }
            let (id, admin) = (given.text("conversation_id"), given.text("admin_id"));
            let body = given.given("body");
            Ok(calls::assign(&id, &admin, &kind, &given.text("assignee_id"), body.as_deref()))
        },
    },
    Operation {
        name: "conversations.close",
        about: "Closes a conversation",
        parameters: &[CONVERSATION, ADMIN, optional("body", Text, "a last word")],
        build: |_, given| {
            let body = given.given("body");
            Ok(calls::close(&given.text("conversation_id"), &given.text("admin_id"), body.as_deref()))
        },
    },
    Operation {
        name: "conversations.open",
        about: "Opens a closed or snoozed conversation",
        parameters: &[CONVERSATION, ADMIN],
        build: |_, given| Ok(calls::open(&given.text("conversation_id"), &given.text("admin_id"))),
    },
    Operation {
        name: "conversations.snooze",
        about: "Puts a conversation away until a moment",
        parameters: &[CONVERSATION, ADMIN, required("snoozed_until", Number, "when, in seconds since 1970")],
        build: |_, given| {
            let until = given.number("snoozed_until").unwrap_or_default();
            Ok(calls::snooze(&given.text("conversation_id"), &given.text("admin_id"), until))
        },
    },
    Operation {
        name: "conversations.update",
        about: "Sets read, title, custom_attributes or, from 2.15 on, company_id",
        parameters: &[CONVERSATION, required("conversation", Json, "the fields that change")],
        build: |settings, given| {
            calls::update(settings, &given.text("conversation_id"), &object(given, "conversation")?)
        },
    },
    Operation {
        name: "conversations.add_tag",
        about: "Tags a conversation",
        parameters: &[CONVERSATION, TAG, ADMIN],
        build: |_, given| {
            let (id, tag) = (given.text("conversation_id"), given.text("tag_id"));
            Ok(calls::add_tag(&id, &tag, &given.text("admin_id")))
        },
    },
    Operation {
        name: "conversations.remove_tag",
        about: "Takes a tag off a conversation",
        parameters: &[CONVERSATION, TAG, ADMIN],
        build: |_, given| {
            let (id, tag) = (given.text("conversation_id"), given.text("tag_id"));
            Ok(calls::remove_tag(&id, &tag, &given.text("admin_id")))
        },
    },
    Operation {
        name: "conversations.attach_contact",
        about: "Takes a contact into a conversation",
        parameters: &[CONVERSATION, CONTACT, ADMIN],
        build: |_, given| {
            let (id, contact) = (given.text("conversation_id"), given.text("contact_id"));
            Ok(calls::attach_contact(&id, &contact, &given.text("admin_id")))
        },
    },
    Operation {
        name: "conversations.detach_contact",
        about: "Takes a contact out of a conversation; the last one stays",
        parameters: &[CONVERSATION, CONTACT, ADMIN],
        build: |_, given| {
            let (id, contact) = (given.text("conversation_id"), given.text("contact_id"));
            Ok(calls::detach_contact(&id, &contact, &given.text("admin_id")))
        },
    },
    Operation {
        name: "conversations.redact",
        about: "Takes the words out of a part or of the first message; there is no undo",
        parameters: &[
            CONVERSATION,
            optional("conversation_part_id", Text, "the part"),
            optional("source_id", Text, "or the first message"),
        ],
        build: |_, given| match (given.given("conversation_part_id"), given.given("source_id")) {
            (Some(_), Some(_)) | (None, None) => {
                Err(refused("either conversation_part_id or source_id says what is redacted"))
            }
            (part, source) => {
                Ok(calls::redact(&given.text("conversation_id"), part.as_deref(), source.as_deref()))
            }
        },
    },
    Operation {
        name: "conversations.merge",
        about: "Closes a conversation and hangs it onto another; from 2.16 on",
        parameters: &[
            CONVERSATION,
            required("merge_into_conversation_id", Number, "the conversation that goes on"),
        ],
        build: |settings, given| {
            let into = given.number("merge_into_conversation_id").unwrap_or_default();
            calls::merge(settings, &given.text("conversation_id"), into)
        },
    },
    Operation {
        name: "conversations.delete",
        about: "Deletes a conversation for good",
        parameters: &[
            CONVERSATION,
            optional("retain_metrics", Flag, "keeps its figures in the reports; from 2.16 on"),
        ],
        build: |settings, given| {
            let retain = given.json("retain_metrics").and_then(serde_json::Value::as_bool);
            calls::delete(settings, &given.text("conversation_id"), retain)
        },
    },
    Operation {
        name: "conversations.deleted",
        about: "The ids of deleted conversations; from 2.16 on",
        parameters: &[PAGE, PER_PAGE, ASCENDING],
        build: |settings, given| {
            let (page, size) = (given.number("page"), given.number("per_page"));
            calls::deleted(settings, page, size, given.flag("ascending"))
        },
    },
    Operation {
        name: "conversation_attributes.list",
        about: "The attributes of conversations, from wherever this version keeps them",
        parameters: &[ARCHIVED],
        build: |settings, given| Ok(calls::attributes(settings, given.flag("include_archived"))),
    },
    Operation {
        name: "conversation_attributes.get",
        about: "One attribute of conversations; from 2.16 on",
        parameters: &[ATTRIBUTE],
        build: |settings, given| calls::get_attribute(settings, &given.text("attribute_id")),
    },
    Operation {
        name: "conversation_attributes.create",
        about: "Makes an attribute of conversations; from 2.16 on",
        parameters: &[required("attribute", Json, "name, data_type and what the type wants")],
        build: |settings, given| calls::create_attribute(settings, &object(given, "attribute")?),
    },
    Operation {
        name: "conversation_attributes.update",
        about: "Changes an attribute of conversations; from 2.16 on",
        parameters: &[ATTRIBUTE, required("attribute", Json, "what changes")],
        build: |settings, given| {
            calls::update_attribute(settings, &given.text("attribute_id"), &object(given, "attribute")?)
        },
    },
    Operation {
        name: "conversation_attributes.archive",
        about: "Archives an attribute of conversations; from 2.16 on",
        parameters: &[ATTRIBUTE],
        build: |settings, given| calls::archive_attribute(settings, &given.text("attribute_id")),
    },
    Operation {
        name: "conversation_attributes.add_option",
        about: "Adds an option to a list attribute; from 2.16 on",
        parameters: &[ATTRIBUTE, LABEL],
        build: |settings, given| {
            calls::add_option(settings, &given.text("attribute_id"), &given.text("label"))
        },
    },
    Operation {
        name: "conversation_attributes.rename_option",
        about: "Renames an option of a list attribute; from 2.16 on",
        parameters: &[ATTRIBUTE, OPTION, LABEL],
        build: |settings, given| {
            let (id, option) = (given.text("attribute_id"), given.text("option_id"));
            calls::rename_option(settings, &id, &option, &given.text("label"))
        },
    },
    Operation {
        name: "conversation_attributes.archive_option",
        about: "Archives an option of a list attribute; two must remain; from 2.16 on",
        parameters: &[ATTRIBUTE, OPTION],
        build: |settings, given| {
            calls::archive_option(settings, &given.text("attribute_id"), &given.text("option_id"))
        },
    },
];
