//! The table of HubSpot's operations, by area. A row only turns named arguments into a builder's; the paths are in
//! `paths`, the bodies in `calls`.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::record::ObjectKind;

use super::super::operation::ParameterKind::{Json, List, Number, Text};
use super::super::operation::{Operation, optional, required};
use super::calls::objects::Verb;
use super::calls::{account, associations, objects, refused, schema};
use super::search::Search;
use super::{calls, errors};

mod arguments;

use arguments::{
    AFTER, ARCHIVED, BY, DEFINITION, EMAIL, FROM, GROUP, HISTORY, ID, LIMIT, OBJECT, PIPELINE, PRIMARY,
    PROPERTIES, PROPERTY, RELATED, ROWS, TO, TO_ID, TYPES, VALUES, associations_batch, between, kind, kinds,
    limit, property_batch, rows, values, wish, words,
};

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &[
    Operation {
        name: "account.details",
        about: "The portal behind the token",
        parameters: &[],
        build: |settings, _| Ok(account::details(settings)),
    },
    Operation {
        name: "account.usage",
        about: "How many of the day's calls all private apps have used",
        parameters: &[],
        build: |settings, _| Ok(account::daily_usage(settings)),
    },
    Operation {
        name: "oauth.token_info",
        about: "Whose the OAuth token is, its scopes and how long it lives",
        parameters: &[],
        build: |settings, _| Ok(account::token_info(settings)),
    },
    Operation {
        name: "objects.list",
        about: "One page of all records of a type",
        parameters: &[OBJECT, LIMIT, AFTER, PROPERTIES, HISTORY, RELATED, ARCHIVED],
        build: |settings, it| {
            let after = it.given("after");
            let limit = limit(it)?.unwrap_or(objects::BATCH);
            objects::list(settings, kind(it)?, limit, after.as_deref(), &wish(it))
        },
    },
    Operation {
        name: "objects.get",
        about: "One record by id or by a unique property",
        parameters: &[OBJECT, ID, BY, PROPERTIES, HISTORY, RELATED, ARCHIVED],
        build: |settings, it| {
            let by = it.given("idProperty");
            objects::get(settings, kind(it)?, &it.text("objectId"), by.as_deref(), &wish(it))
        },
    },
    Operation {
        name: "objects.create",
        about: "A new record, related to others from the start if wished",
        parameters: &[
            OBJECT,
            VALUES,
            optional("associations", Json, "a list of {to: {id}, types: [...]}"),
            PRIMARY,
        ],
        build: |settings, it| {
            let object = kind(it)?;
            let related = objects::related(object, it.json("associations"), it.flag("primary"))?;
            objects::create(settings, object, &values(it)?, related.as_ref())
        },
    },
    Operation {
        name: "objects.update",
        about: "New values for one record; what is not named stays",
        parameters: &[OBJECT, ID, BY, VALUES],
        build: |settings, it| {
            let by = it.given("idProperty");
            objects::update(settings, kind(it)?, &it.text("objectId"), by.as_deref(), &values(it)?)
        },
    },
    Operation {
        name: "objects.archive",
        about: "Move a record to the recycle bin",
        parameters: &[OBJECT, ID],
        build: |settings, it| objects::archive(settings, kind(it)?, &it.text("objectId")),
    },
    Operation {
        name: "objects.search",
        about: "Records that fulfil filters, at most 10,000 of them",
        parameters: &[
            OBJECT,
            optional("filterGroups", Json, "up to 5 groups of up to 6 filters, 18 in all"),
            optional("query", Text, "words to look for in the usual fields"),
            optional("sort", Text, "a property; with a minus in front, the biggest first"),
            PROPERTIES,
            LIMIT,
            AFTER,
        ],
        build: |settings, it| {
            let groups = it.json("filterGroups").map(Search::read_groups).transpose()?.unwrap_or_default();
            let sort = it.given("sort").map(|sort| match sort.strip_prefix('-') {
                Some(property) => (property.to_owned(), true),
                None => (sort, false),
            });
            let search = Search {
                groups,
                query: it.given("query"),
                sort,
                properties: words(it, "properties"),
                limit: limit(it)?.unwrap_or(0),
                after: it.given("after"),
            };
            objects::search(settings, kind(it)?, &search)
        },
    },
    Operation {
        name: "objects.merge",
        about: "Make one record of two; its id may be a new one",
        parameters: &[
            OBJECT,
            required("primaryObjectId", Text, "the record whose values win"),
            required("objectIdToMerge", Text, "the record that goes away"),
        ],
        build: |settings, it| {
            objects::merge(settings, kind(it)?, &it.text("primaryObjectId"), &it.text("objectIdToMerge"))
        },
    },
    Operation {
        name: "objects.gdpr_delete",
        about: "Erase a person for good; an unknown e-mail is blocked for the future",
        parameters: &[OBJECT, ID, BY],
        build: |settings, it| {
            let by = it.given("idProperty");
            objects::gdpr_delete(settings, kind(it)?, &it.text("objectId"), by.as_deref())
        },
    },
    Operation {
        name: "objects.batch_read",
        about: "Up to 100 records by id or by a unique property",
        parameters: &[
            OBJECT,
            required("ids", Json, "a list of ids, or of values of idProperty"),
            BY,
            PROPERTIES,
            HISTORY,
            ARCHIVED,
        ],
        build: |settings, it| {
            let ids = it.json("ids").map(errors::texts).unwrap_or_default();
            let by = it.given("idProperty");
            objects::batch_read(settings, kind(it)?, &ids, by.as_deref(), &wish(it))
        },
    },
    Operation {
        name: "objects.batch_create",
        about: "Up to 100 new records, each of which may fail alone",
        parameters: &[OBJECT, ROWS, PRIMARY],
        build: |settings, it| {
            let object = kind(it)?;
            for row in rows(it)? {
                objects::related(object, row.get("associations"), it.flag("primary"))?;
            }
            objects::batch(settings, object, Verb::Create, rows(it)?)
        },
    },
    Operation {
        name: "objects.batch_update",
        about: "New values for up to 100 records, each of which may fail alone",
        parameters: &[OBJECT, ROWS],
        build: |settings, it| objects::batch(settings, kind(it)?, Verb::Update, rows(it)?),
    },
    Operation {
        name: "objects.batch_upsert",
        about: "Up to 100 records found by a unique property, or made",
        parameters: &[
            OBJECT,
            ROWS,
            optional(
                "mapped",
                List,
                "what every row must name, with commas; needed when idProperty is email",
            ),
        ],
        build: |settings, it| {
            objects::whole_by_email(rows(it)?, &words(it, "mapped"))?;
            objects::batch(settings, kind(it)?, Verb::Upsert, rows(it)?)
        },
    },
    Operation {
        name: "objects.batch_archive",
        about: "Move up to 100 records to the recycle bin",
        parameters: &[OBJECT, ROWS],
        build: |settings, it| objects::batch(settings, kind(it)?, Verb::Archive, rows(it)?),
    },
    Operation {
        name: "associations.link",
        about: "Relate two records without a label; the primary company stays",
        parameters: &[OBJECT, ID, TO, TO_ID],
        build: |settings, it| between(it, |ends| associations::link(settings, ends)),
    },
    Operation {
        name: "associations.label",
        about: "Relate two records with labels",
        parameters: &[OBJECT, ID, TO, TO_ID, TYPES, PRIMARY],
        build: |settings, it| {
            let types = it.json("types").cloned().unwrap_or_default();
            between(it, |ends| associations::label(settings, ends, &types, it.flag("primary")))
        },
    },
    Operation {
        name: "associations.remove",
        about: "Take the relation of two records away, with all its labels",
        parameters: &[OBJECT, ID, TO, TO_ID],
        build: |settings, it| between(it, |ends| associations::unlink(settings, ends)),
    },
    Operation {
        name: "associations.list",
        about: "What a record is related to",
        parameters: &[OBJECT, ID, TO, LIMIT, AFTER],
        build: |settings, it| {
            let (id, after) = (it.text("objectId"), it.given("after"));
            let to = calls::kind(&it.text("toObjectType"))?;
            associations::list(settings, (kind(it)?, &id), to, limit(it)?, after.as_deref())
        },
    },
    Operation {
        name: "associations.batch_read",
        about: "The relations of up to 1,000 records; rows are {id}",
        parameters: &[FROM, TO, ROWS],
        build: |settings, it| associations_batch(settings, it, associations::Verb::Read),
    },
    Operation {
        name: "associations.batch_create",
        about: "Up to 2,000 labelled relations; rows are {from, to, types}",
        parameters: &[FROM, TO, ROWS, PRIMARY],
        build: |settings, it| associations_batch(settings, it, associations::Verb::Create),
    },
    Operation {
        name: "associations.batch_link",
        about: "Up to 2,000 relations without label; rows are {from, to}",
        parameters: &[FROM, TO, ROWS],
        build: |settings, it| associations_batch(settings, it, associations::Verb::Default),
    },
    Operation {
        name: "associations.batch_remove",
        about: "Take away all relations of up to 100 rows {from, to: [...]}",
        parameters: &[FROM, TO, ROWS],
        build: |settings, it| associations_batch(settings, it, associations::Verb::Archive),
    },
    Operation {
        name: "associations.batch_unlabel",
        about: "Take labels off up to 100 rows {from, to, types}; the relation stays",
        parameters: &[FROM, TO, ROWS],
        build: |settings, it| associations_batch(settings, it, associations::Verb::ArchiveLabels),
    },
    Operation {
        name: "associations.labels",
        about: "The labels two object types can be related with",
        parameters: &[FROM, TO],
        build: |settings, it| {
            let (from, to) = kinds(it)?;
            associations::labels(settings, from, to)
        },
    },
    Operation {
        name: "associations.create_label",
        about: "A label of one's own between two object types",
        parameters: &[
            FROM,
            TO,
            required("name", Text, "its internal name"),
            required("label", Text, "how it reads"),
            optional("inverseLabel", Text, "how it reads from the other end"),
        ],
        build: |settings, it| {
            let (from, to) = kinds(it)?;
            let inverse = it.given("inverseLabel");
            associations::create_label(
                settings,
                from,
                to,
                &it.text("name"),
                &it.text("label"),
                inverse.as_deref(),
            )
        },
    },
    Operation {
        name: "properties.list",
        about: "All properties of a type with their options",
        parameters: &[OBJECT, ARCHIVED],
        build: |settings, it| schema::properties(settings, kind(it)?, it.flag("archived")),
    },
    Operation {
        name: "properties.get",
        about: "One property with its options",
        parameters: &[OBJECT, PROPERTY, ARCHIVED],
        build: |settings, it| {
            schema::property(settings, kind(it)?, &it.text("propertyName"), it.flag("archived"))
        },
    },
    Operation {
        name: "properties.create",
        about: "A new property, or an archived one back",
        parameters: &[OBJECT, DEFINITION],
        build: |settings, it| {
            schema::create_property(settings, kind(it)?, it.json("definition").unwrap_or(&Value::Null))
        },
    },
    Operation {
        name: "properties.update",
        about: "Change a property; options given replace all there are",
        parameters: &[OBJECT, PROPERTY, DEFINITION],
        build: |settings, it| {
            let definition = it.json("definition").unwrap_or(&Value::Null);
            schema::update_property(settings, kind(it)?, &it.text("propertyName"), definition)
        },
    },
    Operation {
        name: "properties.archive",
        about: "Archive a property; its values go with it",
        parameters: &[OBJECT, PROPERTY],
        build: |settings, it| schema::archive_property(settings, kind(it)?, &it.text("propertyName")),
    },
    Operation {
        name: "properties.batch_read",
        about: "Up to 100 properties by name",
        parameters: &[OBJECT, ROWS],
        build: |settings, it| property_batch(settings, it, "read"),
    },
    Operation {
        name: "properties.batch_create",
        about: "Up to 100 new properties",
        parameters: &[OBJECT, ROWS],
        build: |settings, it| property_batch(settings, it, "create"),
    },
    Operation {
        name: "properties.batch_archive",
        about: "Archive up to 100 properties by name",
        parameters: &[OBJECT, ROWS],
        build: |settings, it| property_batch(settings, it, "archive"),
    },
    Operation {
        name: "property_groups.list",
        about: "The property groups of a type",
        parameters: &[OBJECT],
        build: |settings, it| schema::groups(settings, kind(it)?),
    },
    Operation {
        name: "property_groups.get",
        about: "One property group",
        parameters: &[OBJECT, GROUP],
        build: |settings, it| schema::group(settings, kind(it)?, &it.text("groupName")),
    },
    Operation {
        name: "property_groups.create",
        about: "A new property group",
        parameters: &[
            OBJECT,
            required("name", Text, "its internal name"),
            required("label", Text, "how it reads"),
        ],
        build: |settings, it| schema::create_group(settings, kind(it)?, &it.text("name"), &it.text("label")),
    },
    Operation {
        name: "property_groups.update",
        about: "Change a property group's label or place",
        parameters: &[
            OBJECT,
            GROUP,
            optional("label", Text, "how it reads"),
            optional("displayOrder", Number, "its place; -1 is after all others"),
        ],
        build: |settings, it| {
            let label = it.given("label");
            let order = it.number("displayOrder");
            schema::update_group(settings, kind(it)?, &it.text("groupName"), label.as_deref(), order)
        },
    },
    Operation {
        name: "property_groups.archive",
        about: "Archive a property group",
        parameters: &[OBJECT, GROUP],
        build: |settings, it| schema::archive_group(settings, kind(it)?, &it.text("groupName")),
    },
    Operation {
        name: "owners.list",
        about: "The users who may own records",
        parameters: &[optional("email", Text, "only the one with it"), LIMIT, AFTER, ARCHIVED],
        build: |settings, it| {
            let (email, after) = (it.given("email"), it.given("after"));
            account::owners(
                settings,
                email.as_deref(),
                it.number("limit"),
                after.as_deref(),
                it.flag("archived"),
            )
        },
    },
    Operation {
        name: "owners.get",
        about: "One owner by owner id",
        parameters: &[required("ownerId", Text, "the owner's id, not the user's"), ARCHIVED],
        build: |settings, it| Ok(account::owner(settings, &it.text("ownerId"), it.flag("archived"))),
    },
    Operation {
        name: "pipelines.list",
        about: "The pipelines of a type with their stages",
        parameters: &[OBJECT],
        build: |settings, it| schema::pipelines(settings, kind(it)?),
    },
    Operation {
        name: "pipelines.get",
        about: "One pipeline with its stages",
        parameters: &[OBJECT, PIPELINE],
        build: |settings, it| schema::pipeline(settings, kind(it)?, &it.text("pipelineId")),
    },
    Operation {
        name: "pipelines.stages",
        about: "The stages of a pipeline; deals hold a stage's id, not its label",
        parameters: &[OBJECT, PIPELINE],
        build: |settings, it| schema::stages(settings, kind(it)?, &it.text("pipelineId")),
    },
    Operation {
        name: "pipelines.stage",
        about: "One stage of a pipeline",
        parameters: &[OBJECT, PIPELINE, required("stageId", Text, "the stage's id")],
        build: |settings, it| schema::stage(settings, kind(it)?, &it.text("pipelineId"), &it.text("stageId")),
    },
    Operation {
        name: "notes.log",
        about: "A note about a conversation, dated when it was and related in one call",
        parameters: &[
            required("body", Text, "the note; HubSpot reads simple HTML"),
            required("timestamp", Text, "when it was: RFC 3339, or milliseconds since 1970"),
            optional("ownerId", Text, "whose note it is"),
            optional("contactId", Text, "the person"),
            optional("companyId", Text, "the company"),
            optional("dealId", Text, "the deal"),
        ],
        build: |settings, it| {
            let given = it.text("timestamp");
            let at = given.parse().ok().map(Timestamp).or_else(|| Timestamp::parse_rfc3339(&given));
            let at = at.ok_or_else(|| refused("timestamp is neither RFC 3339 nor milliseconds"))?;
            let about: Vec<(ObjectKind, String)> = [
                (ObjectKind::Contact, "contactId"),
                (ObjectKind::Company, "companyId"),
                (ObjectKind::Deal, "dealId"),
            ]
            .into_iter()
            .filter_map(|(object, name)| Some((object, it.given(name)?)))
            .collect();
            account::note(settings, &it.text("body"), at, it.given("ownerId").as_deref(), &about)
        },
    },
    Operation {
        name: "timeline.post",
        about: "Timeline events, where a public app may post them",
        parameters: &[required("events", Json, "an event, or a list of them, as HubSpot writes them")],
        build: |settings, it| account::timeline(settings, it.json("events").unwrap_or(&Value::Null)),
    },
    Operation {
        name: "timeline.get",
        about: "One timeline event",
        parameters: &[
            required("eventTemplateId", Text, "the template's id"),
            required("eventId", Text, "the event's own id"),
        ],
        build: |settings, it| {
            Ok(account::timeline_event(settings, &it.text("eventTemplateId"), &it.text("eventId")))
        },
    },
    Operation {
        name: "subscriptions.list",
        about: "The kinds of mail people can subscribe to",
        parameters: &[],
        build: |settings, _| Ok(account::subscriptions(settings)),
    },
    Operation {
        name: "subscriptions.status",
        about: "What a person has subscribed to",
        parameters: &[EMAIL],
        build: |settings, it| Ok(account::subscription_status(settings, &it.text("email"))),
    },
    Operation {
        name: "subscriptions.set",
        about: "Subscribe or unsubscribe a person",
        parameters: &[
            EMAIL,
            required("subscriptionId", Number, "which kind of mail"),
            required("status", Text, "SUBSCRIBED, UNSUBSCRIBED or NOT_SPECIFIED"),
            optional("legalBasis", Text, "why mail may be sent, one of HubSpot's words"),
            optional("legalBasisExplanation", Text, "the same in a sentence"),
        ],
        build: |settings, it| {
            let (basis, why) = (it.given("legalBasis"), it.given("legalBasisExplanation"));
            let subscription = it.number("subscriptionId").unwrap_or_default();
            let legal = (basis.as_deref(), why.as_deref());
            account::set_subscription(settings, &it.text("email"), subscription, &it.text("status"), legal)
        },
    },
    Operation {
        name: "subscriptions.all_status",
        about: "Whether a person has unsubscribed from everything",
        parameters: &[EMAIL],
        build: |settings, it| Ok(account::unsubscribed_from_all(settings, &it.text("email"))),
    },
    Operation {
        name: "subscriptions.unsubscribe_all",
        about: "Send a person no marketing mail of any kind any more",
        parameters: &[EMAIL],
        build: |settings, it| Ok(account::unsubscribe_from_all(settings, &it.text("email"))),
    },
];

#[cfg(test)]
mod tests;
