//! The rows about companies.

use super::super::super::operation::{Operation, ParameterKind, optional, required};
use super::super::calls::companies as calls;
use super::{ASCENDING, BODY, COMPANY, PAGE, PER_PAGE, object, refused};

use ParameterKind::{Json, Text};

pub(super) const TABLE: &[Operation] = &[
    Operation {
        name: "companies.upsert",
        about: "Creates a company, or updates the one with the same company_id",
        parameters: &[required("company", Json, "its fields; company_id is your own id")],
        build: |settings, given| calls::upsert(settings, &object(given, "company")?),
    },
    Operation {
        name: "companies.update",
        about: "Changes the given fields of a company; company_id never changes",
        parameters: &[COMPANY, required("company", Json, "the fields that change")],
        build: |_, given| calls::update(&given.text("company_id"), &object(given, "company")?),
    },
    Operation {
        name: "companies.get",
        about: "One company by Intercom's id",
        parameters: &[COMPANY],
        build: |_, given| Ok(calls::get(&given.text("company_id"))),
    },
    Operation {
        name: "companies.find",
        about: "Companies by your own id, by name, by tag or by segment",
        parameters: &[
            optional("company_id", Text, "your own id of the company"),
            optional("name", Text, "its name"),
            optional("tag_id", Text, "a tag they have"),
            optional("segment_id", Text, "a segment they are in"),
            PAGE,
            PER_PAGE,
        ],
        build: |_, given| {
            let fields = ["company_id", "name", "tag_id", "segment_id"];
            let by: Vec<_> =
                fields.into_iter().filter_map(|field| Some((field, given.given(field)?))).collect();
            match by.as_slice() {
                [(field, value)] => calls::find(field, value, given.number("page"), given.number("per_page")),
                _ => Err(refused("companies are found by one of company_id, name, tag_id, segment_id")),
            }
        },
    },
    Operation {
        name: "companies.list",
        about: "Companies that have people, the first 10,000 of them",
        parameters: &[PAGE, PER_PAGE, ASCENDING],
        build: |_, given| {
            let (page, size) = (given.number("page").unwrap_or(1), given.number("per_page").unwrap_or(15));
            calls::list(page, size, given.flag("ascending"))
        },
    },
    Operation {
        name: "companies.scroll",
        about: "All companies that have people; one scroll at a time, gone after a minute without a call",
        parameters: &[optional("scroll_param", Text, "scroll_param of the page before; none to begin")],
        build: |_, given| Ok(calls::scroll(given.given("scroll_param"))),
    },
    Operation {
        name: "companies.contacts",
        about: "The contacts of a company",
        parameters: &[COMPANY],
        build: |_, given| Ok(calls::attached(&given.text("company_id"), "contacts")),
    },
    Operation {
        name: "companies.segments",
        about: "The segments a company is in",
        parameters: &[COMPANY],
        build: |_, given| Ok(calls::attached(&given.text("company_id"), "segments")),
    },
    Operation {
        name: "companies.notes",
        about: "The notes on a company; from 2.15 on",
        parameters: &[COMPANY],
        build: |settings, given| calls::notes(settings, &given.text("company_id")),
    },
    Operation {
        name: "companies.add_note",
        about: "Writes a note on a company; done twice, there are two; from 2.15 on",
        parameters: &[COMPANY, BODY, optional("admin_id", Text, "the admin who writes")],
        build: |settings, given| {
            let admin = given.given("admin_id");
            calls::add_note(settings, &given.text("company_id"), &given.text("body"), admin.as_deref())
        },
    },
    Operation {
        name: "companies.delete",
        about: "Archives a company and lets its people go",
        parameters: &[COMPANY],
        build: |_, given| Ok(calls::delete(&given.text("company_id"))),
    },
];
