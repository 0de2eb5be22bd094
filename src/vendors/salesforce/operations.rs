//! The table of Salesforce's operations. Builds requests only; the paths and bodies are in `calls`, `collections`,
//! `composite`, `bulk`, `soap` and their neighbours.

use serde_json::Value;

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Fields, ObjectKind, RecordRef, System, value_text};

use super::super::error::VendorError;
use super::super::operation::ParameterKind::{Flag, Json, List, Number, Rows, Text};
use super::super::operation::{Arguments, Operation, Parameter, optional, required};
use super::super::settings::Settings;
use super::bulk::Operation as Job;
use super::calls::{self, DuplicateRule};
use super::collections::{self, Row, Verb};
use super::composite::{self, Relation};
use super::soap::{self, Conversion};
use super::{csv, jobs, objects, soql};

const SOBJECT: Parameter =
    required("sobject", Text, "the object's API name: Lead, Contact, Account, Plan__c");
const ID: Parameter = required("id", Text, "the record's id, 15 or 18 characters");
const RECORD: Parameter = required("record", Json, "field names and values; null clears");
const RECORDS: Parameter =
    required("records", Json, "a list of records, at most 200: field names and values");
const FIELD: Parameter = required("externalIdField", Text, "the external id field's API name");
const VALUE: Parameter = required("externalId", Text, "its value");
const FIELDS: Parameter =
    optional("fields", List, "names of the fields to read, with commas; all when not given");
const START: Parameter =
    required("start", Text, "the earlier time, at most 30 days ago: 2026-01-01T00:00:00Z");
const END: Parameter = required("end", Text, "the later time");
const QUERY: Parameter = required("q", Text, "the query, in SOQL; its values are not escaped here");
const BATCH: Parameter = optional("batchSize", Number, "rows in a page, 200 to 2000");
const ALL_OR_NONE: Parameter = optional("allOrNone", Flag, "do nothing when one row is refused");
const JOB: Parameter = required("jobId", Text, "the job's id: 750...");
const ALLOW_SAVE: Parameter =
    optional("allowSave", Flag, "save although a duplicate rule that only warns found one");
const DETAILS: Parameter = optional("includeRecordDetails", Flag, "say what a duplicate rule found in full");
const AS_USER: Parameter =
    optional("runAsCurrentUser", Flag, "let duplicate rules see what the token's user may see");

/// Every operation, by area.
pub(crate) const TABLE: &[Operation] = &[
    Operation {
        name: "org.versions",
        about: "The versions of the API the org offers",
        parameters: &[],
        build: |_, _| Ok(calls::versions()),
    },
    Operation {
        name: "org.limits",
        about: "What is left of the org's allowances",
        parameters: &[],
        build: |settings, _| Ok(calls::limits(settings)),
    },
    Operation {
        name: "org.user",
        about: "The user and the org behind the token",
        parameters: &[],
        build: |_, _| Ok(calls::user_info()),
    },
    Operation {
        name: "sobjects.list",
        about: "The kinds of records there are",
        parameters: &[],
        build: |settings, _| Ok(calls::describe_all(settings)),
    },
    Operation {
        name: "sobjects.describe",
        about: "A kind's fields, options and record types; nothing if it has not changed since",
        parameters: &[SOBJECT, optional("ifModifiedSince", Text, "a date as HTTP writes it")],
        build: |settings, it| {
            calls::describe(settings, &it.text("sobject"), it.given("ifModifiedSince").as_deref())
        },
    },
    Operation {
        name: "sobjects.picklists",
        about: "The options each picklist offers for a record type",
        parameters: &[
            SOBJECT,
            optional("recordTypeId", Text, "the record type's id; the master record type when not given"),
        ],
        build: |settings, it| {
            let record_type =
                it.given("recordTypeId").unwrap_or_else(|| calls::MASTER_RECORD_TYPE.to_owned());
            calls::picklists(settings, &it.text("sobject"), &record_type)
        },
    },
    Operation {
        name: "sobjects.get",
        about: "One record by id",
        parameters: &[SOBJECT, ID, FIELDS],
        build: |settings, it| calls::get(settings, &it.text("sobject"), &it.text("id"), &names(it)),
    },
    Operation {
        name: "sobjects.get_by_external_id",
        about: "One record by an external id",
        parameters: &[SOBJECT, FIELD, VALUE, FIELDS],
        build: |settings, it| {
            let [sobject, field, value] =
                ["sobject", "externalIdField", "externalId"].map(|name| it.text(name));
            calls::get_by(settings, &sobject, &field, &value, &names(it))
        },
    },
    Operation {
        name: "sobjects.create",
        about: "A new record",
        parameters: &[SOBJECT, RECORD, ALLOW_SAVE, DETAILS, AS_USER],
        build: |settings, it| {
            Ok(calls::ruled(calls::create(settings, &it.text("sobject"), &record(it)?)?, rule(it)))
        },
    },
    Operation {
        name: "sobjects.update",
        about: "New values for one record; what is not named stays",
        parameters: &[SOBJECT, ID, RECORD, ALLOW_SAVE, DETAILS, AS_USER],
        build: |settings, it| {
            let request = calls::update(settings, &it.text("sobject"), &it.text("id"), &record(it)?)?;
            Ok(calls::ruled(request, rule(it)))
        },
    },
    Operation {
        name: "sobjects.upsert",
        about: "Make or change the record with this external id",
        parameters: &[
            SOBJECT,
            FIELD,
            VALUE,
            RECORD,
            optional("updateOnly", Flag, "never make one"),
            ALLOW_SAVE,
            DETAILS,
            AS_USER,
        ],
        build: |settings, it| {
            let [sobject, field, value] =
                ["sobject", "externalIdField", "externalId"].map(|name| it.text(name));
            let request =
                calls::upsert(settings, &sobject, (&field, &value), &record(it)?, it.flag("updateOnly"))?;
            Ok(calls::ruled(request, rule(it)))
        },
    },
    Operation {
        name: "sobjects.delete",
        about: "Put a record into the recycle bin",
        parameters: &[SOBJECT, ID],
        build: |settings, it| calls::delete(settings, &it.text("sobject"), &it.text("id")),
    },
    Operation {
        name: "sobjects.updated",
        about: "Ids of the records changed between two times",
        parameters: &[SOBJECT, START, END],
        build: |settings, it| calls::replicated(settings, &it.text("sobject"), false, between(it)?),
    },
    Operation {
        name: "sobjects.deleted",
        about: "Ids of the records deleted between two times",
        parameters: &[SOBJECT, START, END],
        build: |settings, it| calls::replicated(settings, &it.text("sobject"), true, between(it)?),
    },
    Operation {
        name: "query.run",
        about: "The first page of a query",
        parameters: &[QUERY, BATCH],
        build: |settings, it| {
            Ok(calls::query(settings, ObjectKind::Contact, &it.text("q"), false, batch(it)))
        },
    },
    Operation {
        name: "query.all",
        about: "The first page of a query, deleted and merged records included",
        parameters: &[QUERY, BATCH],
        build: |settings, it| Ok(calls::query(settings, ObjectKind::Contact, &it.text("q"), true, batch(it))),
    },
    Operation {
        name: "query.next",
        about: "The next page of a query",
        parameters: &[required("nextRecordsUrl", Text, "the path the last page named")],
        build: |_, it| calls::next(ObjectKind::Contact, &it.text("nextRecordsUrl")),
    },
    Operation {
        name: "collections.create",
        about: "Up to 200 new records of a kind",
        parameters: &[SOBJECT, RECORDS, ALL_OR_NONE, ALLOW_SAVE, DETAILS, AS_USER],
        build: |settings, it| many(settings, it, Verb::Create),
    },
    Operation {
        name: "collections.update",
        about: "New values for up to 200 records of a kind; each names its Id",
        parameters: &[SOBJECT, RECORDS, ALL_OR_NONE, ALLOW_SAVE, DETAILS, AS_USER],
        build: |settings, it| many(settings, it, Verb::Update),
    },
    Operation {
        name: "collections.upsert",
        about: "Make or change up to 200 records of a kind by an external id",
        parameters: &[SOBJECT, FIELD, RECORDS, ALL_OR_NONE, ALLOW_SAVE, DETAILS, AS_USER],
        build: |settings, it| many(settings, it, Verb::Upsert(&it.text("externalIdField"))),
    },
    Operation {
        name: "collections.delete",
        about: "Put up to 200 records into the recycle bin",
        parameters: &[required("ids", List, "the ids, with commas"), ALL_OR_NONE],
        build: |settings, it| {
            let ids = listed(it, "ids");
            let ids: Vec<&str> = at_most(&ids)?.iter().map(String::as_str).collect();
            let object = ids.first().and_then(|id| objects::kind_of(id)).unwrap_or(ObjectKind::Contact);
            Ok(collections::delete_request(settings, object, &ids, it.flag("allOrNone")))
        },
    },
    Operation {
        name: "collections.retrieve",
        about: "Up to 200 records of a kind by id",
        parameters: &[
            SOBJECT,
            required("ids", List, "the ids, with commas"),
            required("fields", List, "names of the fields to read, with commas"),
        ],
        build: |settings, it| {
            let ids = listed(it, "ids");
            let ids: Vec<&str> = at_most(&ids)?.iter().map(String::as_str).collect();
            collections::retrieve_request(settings, &it.text("sobject"), &ids, &names(it))
        },
    },
    Operation {
        name: "composite.contact_with_account",
        about: "An account and a contact that belongs to it, all or nothing",
        parameters: &[
            required("account", Json, "the account's field names and values"),
            required("contact", Json, "the contact's field names and values"),
            optional("relatedAccountId", Text, "a further account to relate the contact to"),
            optional("roles", Text, "what the contact is at the further account"),
        ],
        build: |settings, it| {
            let also = it.given("relatedAccountId").map(|id| Relation {
                account: objects::record(&Connection::only(System::Salesforce), ObjectKind::Company, &id),
                roles: it.given("roles"),
            });
            let parts =
                composite::parts(settings, &object(it, "account")?, &object(it, "contact")?, also.as_ref())?;
            composite::request(settings, &parts)
        },
    },
    Operation {
        name: "jobs.create",
        about: "A bulk job for many rows of a kind",
        parameters: &[
            SOBJECT,
            required("operation", Text, "insert, update, upsert, delete or hardDelete"),
            optional("externalIdField", Text, "for an upsert: the external id field's API name"),
        ],
        build: |settings, it| {
            let operation = match (it.text("operation").as_str(), it.given("externalIdField")) {
                ("insert", None) => Job::Insert,
                ("update", None) => Job::Update,
                ("upsert", Some(field)) => Job::Upsert(field),
                ("delete", None) => Job::Delete,
                ("hardDelete", None) => Job::HardDelete,
                _ => {
                    return Err(refused(
                        "An operation is insert, update, upsert with externalIdField, delete or hardDelete.",
                    ));
                }
            };
            jobs::create(settings, &it.text("sobject"), &operation)
        },
    },
    Operation {
        name: "jobs.upload",
        about: "The rows of a bulk job",
        parameters: &[
            JOB,
            required(
                "rows",
                Rows,
                "CSV with a head line, commas and line feeds; or a JSON list of flat objects",
            ),
        ],
        build: |settings, it| Ok(jobs::put(settings, &it.text("jobId"), lines(it)?)),
    },
    Operation {
        name: "jobs.close",
        about: "Let a bulk job begin",
        parameters: &[JOB],
        build: |settings, it| Ok(jobs::set_state(settings, &it.text("jobId"), "UploadComplete")),
    },
    Operation {
        name: "jobs.abort",
        about: "Stop a bulk job; what it has done stays",
        parameters: &[JOB],
        build: |settings, it| Ok(jobs::set_state(settings, &it.text("jobId"), "Aborted")),
    },
    Operation {
        name: "jobs.get",
        about: "How a bulk job stands",
        parameters: &[JOB],
        build: |settings, it| Ok(jobs::status(settings, &it.text("jobId"))),
    },
    Operation {
        name: "jobs.results",
        about: "One of the three tables of an ended bulk job, as CSV",
        parameters: &[JOB, required("which", Text, "successful, failed or unprocessed")],
        build: |settings, it| {
            let which = match it.text("which").to_ascii_lowercase().as_str() {
                short @ ("successful" | "failed") => format!("{short}Results"),
                "unprocessed" => "unprocessedrecords".to_owned(),
                whole => whole.to_owned(),
            };
            match jobs::RESULTS.iter().find(|name| name.eq_ignore_ascii_case(&which)) {
                Some(which) => Ok(jobs::results(settings, &it.text("jobId"), which)),
                None => Err(refused("\"which\" is successful, failed or unprocessed.")),
            }
        },
    },
    Operation {
        name: "jobs.delete",
        about: "Forget an ended bulk job",
        parameters: &[JOB],
        build: |settings, it| Ok(jobs::delete(settings, &it.text("jobId"))),
    },
    Operation {
        name: "query_jobs.create",
        about: "A bulk job that runs a query",
        parameters: &[QUERY, optional("all", Flag, "deleted and merged records too")],
        build: |settings, it| Ok(jobs::create_query(settings, &it.text("q"), it.flag("all"))),
    },
    Operation {
        name: "query_jobs.get",
        about: "How a query job stands",
        parameters: &[JOB],
        build: |settings, it| Ok(jobs::query_status(settings, &it.text("jobId"))),
    },
    Operation {
        name: "query_jobs.results",
        about: "Rows of an ended query job, as CSV",
        parameters: &[
            JOB,
            optional("maxRecords", Number, "rows in a page"),
            optional("locator", Text, "where the page begins: what the last one's Sforce-Locator said"),
        ],
        build: |settings, it| {
            let most = it.number("maxRecords");
            Ok(jobs::query_results(settings, &it.text("jobId"), most, it.given("locator").as_deref()))
        },
    },
    Operation {
        name: "soap.merge",
        about: "Make one record out of two or three of a kind; cannot be taken back",
        parameters: &[
            required("masterId", Text, "the one that stays: a lead, a contact or an account"),
            required("recordToMergeIds", List, "the one or two that go, with a comma"),
            optional("record", Json, "values to write to the one that stays"),
        ],
        build: |settings, it| {
            let survivor = person(&it.text("masterId"))?;
            let losers = listed(it, "recordToMergeIds");
            if losers.is_empty() || losers.len() > soap::LOSERS {
                return Err(refused("One merge takes one or two records away."));
            }
            let losers = losers.iter().map(|id| person(id)).collect::<Result<Vec<_>, _>>()?;
            if losers.iter().any(|loser| loser.object != survivor.object || loser.id == survivor.id) {
                return Err(refused("All records of a merge are different ones of one kind."));
            }
            let values = if it.json("record").is_some() { record(it)? } else { Fields::new() };
            soap::merge(settings, &survivor, &losers.iter().collect::<Vec<_>>(), &values)
        },
    },
    Operation {
        name: "soap.convert_lead",
        about: "Make a contact out of a lead, or a part of one; cannot be taken back",
        parameters: &[
            required("leadId", Text, "the lead"),
            optional("contactId", Text, "the contact it becomes a part of; a new one when not given"),
            optional("accountId", Text, "the account; needed with a contact, a new one when not given"),
            optional("opportunityName", Text, "the opportunity to make; none when not given"),
            optional("ownerId", Text, "who owns what is made"),
            optional("convertedStatus", Text, "the lead's status afterwards"),
            optional("overwriteLeadSource", Flag, "put the lead's source in place of the contact's"),
            optional("sendNotificationEmail", Flag, "tell the owner"),
        ],
        build: |settings, it| {
            if it.given("contactId").is_some() && it.given("accountId").is_none() {
                return Err(refused("A conversion into a contact also needs the contact's accountId."));
            }
            Ok(soap::convert(
                settings,
                &Conversion {
                    lead: objects::whole_id(&it.text("leadId")),
                    contact: it.given("contactId").map(|id| objects::whole_id(&id)),
                    account: it.given("accountId").map(|id| objects::whole_id(&id)),
                    opportunity: it.given("opportunityName"),
                    owner: it.given("ownerId"),
                    status: it.given("convertedStatus"),
                    overwrite_lead_source: it.flag("overwriteLeadSource"),
                    notify: it.flag("sendNotificationEmail"),
                },
            ))
        },
    },
];

fn refused(words: &str) -> VendorError {
    VendorError::new(ErrorClass::Validation, words)
}

/// The rows of a job as CSV: as given, or made of a list of flat objects.
fn lines(it: &Arguments) -> Result<String, VendorError> {
    let text = it.text("rows");
    let Ok(Value::Array(rows)) = serde_json::from_str::<Value>(&text) else { return Ok(text) };
    let rows = rows
        .iter()
        .map(|row| {
            row.as_object()
                .filter(|row| !row.is_empty() && row.values().all(|it| !it.is_object() && !it.is_array()))
                .ok_or_else(|| refused("Every row must be a flat object: field names and plain values."))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Err(refused("rows is an empty list; a job takes at least one row."));
    }
    let columns = csv::columns(rows.iter().copied());
    Ok(csv::write(&columns, rows))
}

/// A list of texts, given as a list or with commas.
fn listed(it: &Arguments, name: &str) -> Vec<String> {
    it.text(name).split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn names(it: &Arguments) -> Vec<String> {
    listed(it, "fields")
}

fn object(it: &Arguments, name: &str) -> Result<Fields, VendorError> {
    let given = it.json(name).and_then(Value::as_object).cloned();
    given.ok_or_else(|| refused(&format!("\"{name}\" must be an object: field names and values.")))
}

fn record(it: &Arguments) -> Result<Fields, VendorError> {
    object(it, "record")
}

fn rule(it: &Arguments) -> Option<DuplicateRule> {
    let names = ["allowSave", "includeRecordDetails", "runAsCurrentUser"];
    names.iter().any(|name| it.json(name).is_some()).then(|| DuplicateRule {
        allow_save: it.flag(names[0]),
        include_record_details: it.flag(names[1]),
        run_as_current_user: it.flag(names[2]),
    })
}

fn between(it: &Arguments) -> Result<(Timestamp, Timestamp), VendorError> {
    let time = |name: &str| {
        Timestamp::parse_rfc3339(&it.text(name))
            .ok_or_else(|| refused(&format!("\"{name}\" must be a time: 2026-01-01T00:00:00Z.")))
    };
    Ok((time("start")?, time("end")?))
}

fn batch(it: &Arguments) -> Option<u32> {
    it.number("batchSize").map(|rows| u32::try_from(rows).unwrap_or_default())
}

fn at_most<T>(rows: &[T]) -> Result<&[T], VendorError> {
    if rows.is_empty() || rows.len() > collections::ROWS {
        return Err(refused(&format!(
            "One call takes 1 to {} records, not {}.",
            collections::ROWS,
            rows.len()
        )));
    }
    Ok(rows)
}

fn many(
    settings: &Settings,
    it: &Arguments,
    verb: Verb<'_>,
) -> Result<super::super::request::Request, VendorError> {
    let given = it.json("records").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let records = at_most(given)?
        .iter()
        .map(|row| {
            row.as_object().ok_or_else(|| refused("Every record must be an object: field names and values."))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let sobject = it.text("sobject");
    soql::identifier(&sobject)?;
    let ids: Vec<Option<String>> = records
        .iter()
        .map(|row| row.iter().find(|(name, _)| name.eq_ignore_ascii_case("Id")).map(|(_, id)| value_text(id)))
        .collect();
    if verb == Verb::Update && ids.iter().any(Option::is_none) {
        return Err(refused("Every record to be changed names its Id."));
    }
    let rows: Vec<Row<'_>> = records
        .into_iter()
        .zip(&ids)
        .map(|(fields, id)| Row { object: calls::kind(&sobject), id: id.as_deref(), fields })
        .collect();
    let request = collections::request_of(settings, verb, &sobject, &rows, it.flag("allOrNone"))?;
    Ok(calls::ruled(request, rule(it)))
}

/// A record by its id alone, of a kind that can be merged.
fn person(id: &str) -> Result<RecordRef, VendorError> {
    match objects::kind_of(id) {
        Some(kind @ (ObjectKind::Lead | ObjectKind::Contact | ObjectKind::Company)) if objects::is_id(id) => {
            Ok(objects::record(&Connection::only(System::Salesforce), kind, id))
        }
        _ => Err(refused("Only leads (00Q...), contacts (003...) and accounts (001...) can be merged.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::operation::find;
    use serde_json::json;

    /// A value that fits a parameter.
    fn fitting(operation: &Operation, parameter: &Parameter) -> Value {
        match (operation.name, parameter.name) {
            ("jobs.create", "operation") => json!("upsert"),
            (_, "which") => json!("failedresults"),
            (_, "masterId") => json!("00Qaj000002oTld"),
            (_, "recordToMergeIds") => json!("00Qaj000002oTle, 00Qaj000002oTlf"),
            (_, "start" | "end") => json!("2026-01-10T04:11:34Z"),
            (_, "nextRecordsUrl") => json!("/services/data/v66.0/query/01gxx0000000001-200"),
            (_, "records") => json!([{"Id": "00Q1", "LastName": "Doe"}]),
            (_, "sobject" | "externalIdField" | "fields") => json!("Lead"),
            _ => match parameter.kind {
                Text | List | Rows => json!("x/y?z=1&w"),
                Number => json!(200),
                Flag => json!(true),
                Json => json!({"LastName": "Doe"}),
            },
        }
    }

    #[test]
    fn every_operation_builds_with_all_its_arguments_and_with_the_fewest() {
        let settings = Settings::default();
        let mut names: Vec<&str> = TABLE.iter().map(|operation| operation.name).collect();
        for operation in TABLE {
            for all in [true, false] {
                let given = operation
                    .parameters
                    .iter()
                    // A job is an upsert in this test, which needs its field.
                    .filter(|it| all || it.required || (operation.name == "jobs.create"))
                    .map(|it| (it.name.to_owned(), fitting(operation, it)))
                    .collect();
                let arguments = Arguments::new(operation, given).expect(operation.name);
                let request = (operation.build)(&settings, &arguments).expect(operation.name);
                assert!(request.path.starts_with("/services/"), "{}: {}", operation.name, request.path);
                assert!(!request.path.contains("x/y") && !request.path.contains("z=1"), "{}", request.path);
                let named = request.headers.iter().any(|(name, _)| *name == "sforce-call-options");
                let in_envelope =
                    request.text.as_ref().is_some_and(|(_, text)| text.contains("<urn:client>reknit<"));
                assert_eq!(
                    request.manner.writes(),
                    named || in_envelope,
                    "{} says who writes",
                    operation.name
                );
            }
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len(), "every name once");
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused_before_anything_is_sent() {
        let built = |name: &str, given: Value| {
            let operation = find(System::Salesforce, name).expect("known");
            let arguments = Arguments::new(operation, given.as_object().expect("object").clone())?;
            (operation.build)(&Settings::default(), &arguments)
        };
        for (name, given) in [
            ("sobjects.get", json!({"sobject": "Lead/../User", "id": "1"})),
            ("sobjects.create", json!({"sobject": "Lead", "record": [1]})),
            ("sobjects.updated", json!({"sobject": "Lead", "start": "yesterday", "end": "today"})),
            ("collections.create", json!({"sobject": "Lead", "records": []})),
            ("collections.create", json!({"sobject": "Lead", "records": vec![json!({}); 201]})),
            ("collections.update", json!({"sobject": "Lead", "records": [{"LastName": "Doe"}]})),
            ("jobs.create", json!({"sobject": "Lead", "operation": "upsert"})),
            ("jobs.results", json!({"jobId": "750", "which": "../x"})),
            ("soap.merge", json!({"masterId": "00Qaj000002oTld", "recordToMergeIds": "0033h00000Kzv3A"})),
            ("soap.merge", json!({"masterId": "00Qaj000002oTld", "recordToMergeIds": "00Qaj000002oTldEAE"})),
            ("soap.merge", json!({"masterId": "006aj000002oTld", "recordToMergeIds": "006aj000002oTle"})),
            ("soap.convert_lead", json!({"leadId": "00Q1", "contactId": "0031"})),
        ] {
            assert_eq!(built(name, given).expect_err(name).class, ErrorClass::Validation, "{name}");
        }
        for rows in [json!([]), json!([1]), json!([{}]), json!([{"Name": {"a": 1}}]), json!("[]")] {
            let given = json!({"jobId": "750", "rows": rows});
            assert_eq!(
                built("jobs.upload", given).expect_err("no rows").class,
                ErrorClass::Validation,
                "{rows}"
            );
        }
        let ruled = built("sobjects.create", json!({"sobject": "Lead", "record": {}, "allowSave": true}));
        assert!(
            ruled.expect("a request").headers.iter().any(|(_, value)| value.starts_with("allowSave=true;"))
        );
    }

    #[test]
    fn a_job_takes_rows_as_csv_or_as_json_and_names_its_tables_shortly() {
        let request = |name: &str, given: Value| {
            let operation = find(System::Salesforce, name).expect("known");
            let arguments =
                Arguments::new(operation, given.as_object().expect("object").clone()).expect("good");
            (operation.build)(&Settings::default(), &arguments).expect("a request")
        };
        let list = json!([{"LastName": "B, \"C\"", "Age__c": 3}, {"LastName": "D", "Title": null}]);
        let csv = "LastName,Age__c,Title\n\"B, \"\"C\"\"\",3,\nD,,#N/A\n";
        for (rows, sent) in [
            (list.clone(), csv),
            (json!(list.to_string()), csv),
            (json!("LastName\nB\n"), "LastName\nB\n"),
            (json!("[odd]\nB\n"), "[odd]\nB\n"),
        ] {
            let request = request("jobs.upload", json!({"jobId": "750", "rows": rows}));
            assert_eq!(request.text.expect("a text").1, sent);
        }
        for (short, whole) in [
            ("successful", "successfulResults"),
            ("Failed", "failedResults"),
            ("unprocessed", "unprocessedrecords"),
        ] {
            let request = request("jobs.results", json!({"jobId": "750", "which": short}));
            assert!(request.path.ends_with(whole), "{}", request.path);
        }
    }
}
