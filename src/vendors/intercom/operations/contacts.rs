//! The rows about contacts.

use super::super::super::operation::{Operation, ParameterKind, optional, required};
use super::super::calls::contacts as calls;
use super::super::query::Query;
use super::{
    AFTER, ASCENDING, BODY, COMPANY, CONTACT, HISTORY, PAGE, PER_PAGE, QUERY, SORT_FIELD, SORT_ORDER, TAG,
    object, paging, sort,
};

use ParameterKind::{Flag, Json, Text};

pub(super) const TABLE: &[Operation] = &[
    Operation {
        name: "contacts.search",
        about: "Contacts by their fields; dates are compared by whole days, and the newest rows lag by minutes",
        parameters: &[QUERY, SORT_FIELD, SORT_ORDER, PER_PAGE, AFTER, HISTORY],
        build: |settings, given| {
            let query = Query::read(given.json("query").unwrap_or_default())?;
            let request = calls::search(settings, &query, sort(given)?.as_ref(), &paging(given))?;
            calls::with_history(settings, request, given.flag("include_merge_history"))
        },
    },
    Operation {
        name: "contacts.list",
        about: "All contacts, page by page",
        parameters: &[PER_PAGE, AFTER, HISTORY],
        build: |settings, given| {
            calls::with_history(settings, calls::list(&paging(given))?, given.flag("include_merge_history"))
        },
    },
    Operation {
        name: "contacts.get",
        about: "One contact; merged away, the error names the survivor from 2.16 on",
        parameters: &[CONTACT, HISTORY],
        build: |settings, given| {
            let request = calls::get(&given.text("contact_id"));
            calls::with_history(settings, request, given.flag("include_merge_history"))
        },
    },
    Operation {
        name: "contacts.find_by_external_id",
        about: "The user with your own id; leads are not found this way",
        parameters: &[required("external_id", Text, "your own id of the user"), HISTORY],
        build: |settings, given| {
            let request = calls::by_external_id(&given.text("external_id"));
            calls::with_history(settings, request, given.flag("include_merge_history"))
        },
    },
    Operation {
        name: "contacts.create",
        about: "Makes a contact; a user with the same email or external_id is a conflict, leads just double",
        parameters: &[required("contact", Json, "its fields; one of email, external_id, role")],
        build: |settings, given| calls::create(settings, &object(given, "contact")?),
    },
    Operation {
        name: "contacts.update",
        about: "Changes the given fields of a contact",
        parameters: &[CONTACT, required("contact", Json, "the fields that change")],
        build: |settings, given| {
            calls::update(settings, &given.text("contact_id"), &object(given, "contact")?)
        },
    },
    Operation {
        name: "contacts.archive",
        about: "Archives a contact; it can be unarchived",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::put_away(&given.text("contact_id"), "archive")),
    },
    Operation {
        name: "contacts.unarchive",
        about: "Brings an archived contact back",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::put_away(&given.text("contact_id"), "unarchive")),
    },
    Operation {
        name: "contacts.delete",
        about: "Deletes a contact for good",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::delete(&given.text("contact_id"))),
    },
    Operation {
        name: "contacts.block",
        about: "Blocks a contact and archives its conversations",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::put_away(&given.text("contact_id"), "block")),
    },
    Operation {
        name: "contacts.merge",
        about: "Merges a lead into a user; there is no undo",
        parameters: &[
            required("from", Text, "the lead that goes"),
            required("into", Text, "the user that stays"),
            optional("skip_duplicate_validation", Flag, "though they share no email or phone; from 2.16 on"),
        ],
        build: |settings, given| {
            let skip = given.flag("skip_duplicate_validation");
            calls::merge(settings, &given.text("from"), &given.text("into"), skip)
        },
    },
    Operation {
        name: "contacts.merge_history",
        about: "What was merged into a user; from 2.16 on",
        parameters: &[
            CONTACT,
            optional("cursor", Text, "next_cursor of the page before"),
            PER_PAGE,
            ASCENDING,
        ],
        build: |settings, given| {
            calls::merge_history(
                settings,
                &given.text("contact_id"),
                given.given("cursor"),
                given.number("per_page"),
                given.flag("ascending"),
            )
        },
    },
    Operation {
        name: "contacts.notes",
        about: "The notes on a contact",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::attached(&given.text("contact_id"), "notes")),
    },
    Operation {
        name: "contacts.add_note",
        about: "Writes a note on a contact; done twice, there are two",
        parameters: &[CONTACT, BODY, optional("admin_id", Text, "the admin who writes")],
        build: |_, given| {
            let admin = given.given("admin_id");
            Ok(calls::add_note(&given.text("contact_id"), &given.text("body"), admin.as_deref()))
        },
    },
    Operation {
        name: "contacts.tags",
        about: "The tags of a contact",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::attached(&given.text("contact_id"), "tags")),
    },
    Operation {
        name: "contacts.add_tag",
        about: "Tags a contact",
        parameters: &[CONTACT, TAG],
        build: |_, given| Ok(calls::add_tag(&given.text("contact_id"), &given.text("tag_id"))),
    },
    Operation {
        name: "contacts.remove_tag",
        about: "Takes a tag off a contact",
        parameters: &[CONTACT, TAG],
        build: |_, given| Ok(calls::remove_tag(&given.text("contact_id"), &given.text("tag_id"))),
    },
    Operation {
        name: "contacts.companies",
        about: "All companies of a contact; the contact itself names ten",
        parameters: &[CONTACT, PAGE, PER_PAGE],
        build: |_, given| {
            Ok(calls::companies(&given.text("contact_id"), given.number("page"), given.number("per_page")))
        },
    },
    Operation {
        name: "contacts.attach_company",
        about: "Relates a contact to a company; the answer is the company",
        parameters: &[CONTACT, COMPANY],
        build: |_, given| Ok(calls::attach_company(&given.text("contact_id"), &given.text("company_id"))),
    },
    Operation {
        name: "contacts.detach_company",
        about: "Takes a contact out of a company",
        parameters: &[CONTACT, COMPANY],
        build: |_, given| Ok(calls::detach_company(&given.text("contact_id"), &given.text("company_id"))),
    },
    Operation {
        name: "contacts.subscriptions",
        about: "The subscription types a contact has said yes or no to",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::attached(&given.text("contact_id"), "subscriptions")),
    },
    Operation {
        name: "contacts.subscribe",
        about: "Opts a contact out of an opt-out type, or into an opt-in type",
        parameters: &[
            CONTACT,
            required("subscription_id", Text, "the subscription type's id"),
            required("consent_type", Text, "opt_in or opt_out"),
        ],
        build: |_, given| {
            calls::subscribe(
                &given.text("contact_id"),
                &given.text("subscription_id"),
                &given.text("consent_type"),
            )
        },
    },
    Operation {
        name: "contacts.unsubscribe",
        about: "Takes a contact's choice about a subscription type back",
        parameters: &[CONTACT, required("subscription_id", Text, "the subscription type's id")],
        build: |_, given| Ok(calls::unsubscribe(&given.text("contact_id"), &given.text("subscription_id"))),
    },
    Operation {
        name: "contacts.segments",
        about: "The segments a contact is in",
        parameters: &[CONTACT],
        build: |_, given| Ok(calls::attached(&given.text("contact_id"), "segments")),
    },
];
