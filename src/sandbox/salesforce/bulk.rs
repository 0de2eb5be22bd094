//! Bulk API 2.0: jobs, their states, uploads and results. A job works when it is asked about after its
//! upload is complete, so that it is as asynchronous as the real one and a test still needs no clock.

mod csv;
mod ingest;
mod queries;

use std::collections::VecDeque;

use axum::body::Bytes;
use serde_json::{Value, json};

pub(super) use self::ingest::typed;
use super::{Org, answers, ids, rows, schema, user_id};
use crate::sandbox::wire::{Answer, Call, Payload};

/// The vendor takes 150 MB per upload.
const LARGEST_UPLOAD: usize = 150_000_000;
const BATCH: usize = 10_000;
pub(super) const BATCHES_PER_DAY: usize = 15_000;
const DAY: i64 = 86_400_000;
/// Jobs in one page of a list.
const LISTED: usize = 1_000;

/// Jobs and their data.
#[derive(Default)]
pub(super) struct Jobs {
    list: Vec<Job>,
    /// When batches were begun, and how many.
    batches: VecDeque<(i64, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    fn ended(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

struct Job {
    id: String,
    object: &'static schema::ObjectType,
    operation: String,
    created: i64,
    modified: i64,
    state: State,
    delimiter: (&'static str, char),
    crlf: bool,
    version: f64,
    error: Option<String>,
    processed: usize,
    failed: usize,
    work: Work,
}

enum Work {
    Ingest {
        external_field: Option<String>,
        upload: Option<Bytes>,
        results: ingest::Results,
    },
    /// Rows are written lines without the header.
    Query {
        text: String,
        all_rows: bool,
        header: String,
        lines: Vec<String>,
    },
}

impl Job {
    fn is_query(&self) -> bool {
        matches!(self.work, Work::Query { .. })
    }

    fn ending(&self) -> &'static str {
        if self.crlf { "\r\n" } else { "\n" }
    }

    /// The job as its creation and its changes show it.
    fn summary(&self) -> Value {
        let mut shape = json!({
            "id": self.id,
            "operation": self.operation,
            "object": self.object.name,
            "createdById": user_id(crate::sandbox::desk::Who::Api),
            "createdDate": rows::moment(self.created),
            "systemModstamp": rows::moment(self.modified),
            "state": self.state.word(),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.version,
            "lineEnding": if self.crlf { "CRLF" } else { "LF" },
            "columnDelimiter": self.delimiter.0,
        });
        if let Work::Ingest { external_field, .. } = &self.work {
            if let Some(field) = external_field {
                shape["externalIdFieldName"] = json!(field);
            }
            if self.state == State::Open {
                let address = format!("services/data/v{:.1}/jobs/ingest/{}/batches", self.version, self.id);
                shape["contentUrl"] = json!(address);
            }
        }
        shape
    }

    /// The job as asking for it shows it.
    fn info(&self) -> Value {
        let mut shape = self.summary();
        let time = (self.modified - self.created).max(0);
        shape["jobType"] = json!(if self.is_query() { "V2Query" } else { "V2Ingest" });
        shape["numberRecordsProcessed"] = json!(self.processed);
        shape["retries"] = json!(0);
        shape["totalProcessingTime"] = json!(time);
        if self.is_query() {
            shape["isPkChunkingSupported"] = json!(true);
        } else {
            shape["numberRecordsFailed"] = json!(self.failed);
            shape["apiActiveProcessingTime"] = json!(time);
            shape["apexProcessingTime"] = json!(0);
        }
        if let Some(error) = &self.error {
            shape["errorMessage"] = json!(error);
        }
        shape
    }
}

fn csv_answer(text: String) -> Answer {
    Answer { status: 200, headers: Vec::new(), body: Payload::Text("text/csv; charset=UTF-8", text) }
}

fn wrong_state(message: &str) -> Answer {
    answers::refused(400, "INVALIDJOBSTATE", message)
}

impl Org {
    /// Everything under `/jobs`.
    pub(super) fn bulk(&mut self, call: &Call) -> Answer {
        let (method, path) = call.route();
        let queries = match path.get(4) {
            Some(&"ingest") => false,
            Some(&"query") => true,
            _ => return answers::missing(),
        };
        let rest = &path[5..];
        match (method, rest) {
            ("GET", []) => return self.list_jobs(call, queries),
            ("POST", []) if queries => return self.create_query(call),
            ("POST", []) => return self.create_ingest(call),
            (_, []) => return answers::wrong_method(method),
            _ => {}
        }
        let Some(place) = self.job_place(rest[0], queries) else { return answers::missing() };
        match (method, &rest[1..]) {
            ("GET", []) => {
                self.poll(place);
                Answer::ok(self.jobs.list[place].info())
            }
            ("PATCH", []) => self.change_job(place, call),
            ("DELETE", []) => self.delete_job(place),
            ("PUT", ["batches"]) if !queries => self.upload(place, call),
            ("GET", ["results"]) if queries => self.query_results(place, call),
            ("GET", [kind]) if !queries => self.ingest_results(place, kind),
            (_, [] | ["batches" | "results"]) => answers::wrong_method(method),
            _ => answers::missing(),
        }
    }

    /// Batches begun in the last 24 hours.
    pub(super) fn batches_used(&self) -> usize {
        let since = self.now() - DAY;
        self.jobs.batches.iter().filter(|(at, _)| *at > since).map(|(_, count)| count).sum()
    }

    fn job_place(&self, id: &str, queries: bool) -> Option<usize> {
        let id = ids::long(id)?;
        self.jobs.list.iter().position(|job| job.id == id && job.is_query() == queries)
    }

    fn list_jobs(&self, call: &Call, queries: bool) -> Answer {
        let from = call.number("queryLocator").unwrap_or(0);
        let jobs: Vec<&Job> = self.jobs.list.iter().filter(|job| job.is_query() == queries).collect();
        let records: Vec<Value> = jobs.iter().skip(from).take(LISTED).map(|job| job.summary()).collect();
        let next = from.saturating_add(records.len());
        let done = next >= jobs.len();
        let kind = if queries { "query" } else { "ingest" };
        let address = format!("/services/data/v{}/jobs/{kind}?queryLocator={next}", self.version);
        let next = if done { Value::Null } else { json!(address) };
        Answer::ok(json!({"done": done, "records": records, "nextRecordsUrl": next}))
    }

    /// What both kinds of jobs are created from.
    fn new_job(
        &mut self,
        call: &Call,
        object: &'static schema::ObjectType,
        operation: &str,
        work: Work,
    ) -> Result<usize, Answer> {
        let word = call.text("columnDelimiter").unwrap_or("COMMA");
        let Some(delimiter) = csv::DELIMITERS.into_iter().find(|(known, _)| *known == word) else {
            return Err(answers::refused(
                400,
                "INVALIDJOB",
                &format!("columnDelimiter {word} is not supported"),
            ));
        };
        let crlf = match call.text("lineEnding").unwrap_or("LF") {
            "LF" => false,
            "CRLF" => true,
            other => {
                let message = format!("lineEnding {other} is not supported");
                return Err(answers::refused(400, "INVALIDJOB", &message));
            }
        };
        if call.text("contentType").is_some_and(|kind| kind != "CSV") {
            return Err(answers::refused(400, "INVALIDJOB", "contentType must be CSV"));
        }
        let serial = self.next_serial();
        let now = self.now();
        let state = if matches!(work, Work::Query { .. }) { State::UploadComplete } else { State::Open };
        self.jobs.list.push(Job {
            id: ids::minted("750", serial),
            object,
            operation: operation.to_owned(),
            created: now,
            modified: now,
            state,
            delimiter,
            crlf,
            version: self.version.parse().unwrap_or(66.0),
            error: None,
            processed: 0,
            failed: 0,
            work,
        });
        Ok(self.jobs.list.len() - 1)
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn create_ingest(&mut self, call: &Call) -> Answer {
        let operation = call.text("operation").unwrap_or_default();
        if !["insert", "update", "upsert", "delete", "hardDelete"].contains(&operation) {
            return answers::refused(400, "INVALIDJOB", &format!("operation '{operation}' is not supported"));
        }
        let name = call.text("object").unwrap_or_default();
        let Some(object) = schema::object(name) else {
            return answers::refused(400, "INVALIDENTITY", &format!("Unable to find object: {name}"));
        };
        let external_field = match (operation, call.text("externalIdFieldName")) {
            ("upsert", None) => {
                let message =
                    format!("External ID was blank for {name}. An External ID must be specified for upsert.");
                return answers::refused(400, "INVALIDJOB", &message);
            }
            ("upsert", Some(field)) => {
                let known = object.field(field).filter(|field| field.external_id || field.name == "Id");
                let Some(known) = known else {
                    let message = format!(
                        "Field name provided, {field} does not match an External ID, Salesforce Id, or \
                         indexed field for {name}"
                    );
                    return answers::refused(400, "INVALIDJOB", &message);
                };
                Some(known.name.to_owned())
            }
            _ => None,
        };
        let work = Work::Ingest { external_field, upload: None, results: ingest::Results::default() };
        match self.new_job(call, object, operation, work) {
            Ok(place) => Answer::ok(self.jobs.list[place].summary()),
            Err(refusal) => refusal,
        }
    }

    fn upload(&mut self, place: usize, call: &Call) -> Answer {
        let kind = call.header("content-type").unwrap_or_default();
        if !kind.trim_start().to_ascii_lowercase().starts_with("text/csv") {
            let message = format!("Content type {kind} is not supported, use text/csv");
            return answers::refused(415, "UNSUPPORTED_MEDIA_TYPE", &message);
        }
        if call.raw.len() > LARGEST_UPLOAD {
            let message = format!("The upload exceeds {LARGEST_UPLOAD} bytes");
            return answers::refused(400, "EXCEEDED_MAX_SIZE_REQUEST", &message);
        }
        let now = self.now();
        let job = &mut self.jobs.list[place];
        if job.state != State::Open {
            return wrong_state(&format!(
                "Job is in state {}, data can be uploaded to an Open job",
                job.state.word()
            ));
        }
        let id = job.id.clone();
        let Work::Ingest { upload, .. } = &mut job.work else { return answers::missing() };
        if upload.is_some() {
            return wrong_state(&format!(
                "Found multiple contents for job: <{id}>, please 'Close' / 'Abort' / 'Delete' the current Job \
                 then create a new Job and make sure you only do 'PUT' once on a given Job."
            ));
        }
        *upload = Some(call.raw.clone());
        job.modified = now;
        Answer::empty(201)
    }

    fn change_job(&mut self, place: usize, call: &Call) -> Answer {
        let wanted = call.text("state").unwrap_or_default();
        let now = self.now();
        let job = &self.jobs.list[place];
        let (state, word) = (job.state, job.state.word());
        match wanted {
            "UploadComplete" if state == State::Open && !job.is_query() => {
                let rows = match &job.work {
                    Work::Ingest { upload: Some(upload), .. } => upload.split(|byte| *byte == b'\n').count(),
                    _ => 0,
                };
                let batches = rows.div_ceil(BATCH).max(1);
                if self.batches_used() + batches > BATCHES_PER_DAY {
                    // The number is documented, the words of this refusal are not.
                    let message = format!("ExceededQuota : {BATCHES_PER_DAY} batches per 24 hours");
                    return answers::refused(400, "EXCEEDEDQUOTA", &message);
                }
                self.jobs.batches.retain(|(at, _)| *at > now - DAY);
                self.jobs.batches.push_back((now, batches));
                self.jobs.list[place].state = State::UploadComplete;
            }
            "Aborted" if !state.ended() => {
                let job = &mut self.jobs.list[place];
                job.state = State::Aborted;
                // What was never begun can be fetched as unprocessed.
                let untouched = match &mut job.work {
                    Work::Ingest { upload, .. } if job.processed == 0 => upload.take(),
                    _ => None,
                };
                if let (Some(data), Work::Ingest { results, .. }) = (untouched, &mut job.work) {
                    results.unprocessed = String::from_utf8_lossy(&data).into_owned();
                }
            }
            "UploadComplete" | "Aborted" => {
                let verb = if wanted == "Aborted" { "Aborting" } else { "Closing" };
                return wrong_state(&format!("{verb} already {word} Job not allowed"));
            }
            other => {
                return answers::refused(400, "INVALIDJOB", &format!("state '{other}' cannot be set"));
            }
        }
        self.jobs.list[place].modified = now;
        Answer::ok(self.jobs.list[place].summary())
    }

    fn delete_job(&mut self, place: usize) -> Answer {
        let state = self.jobs.list[place].state;
        if matches!(state, State::UploadComplete | State::InProgress) {
            return wrong_state(&format!("Deleting a Job in state {} is not allowed", state.word()));
        }
        self.jobs.list.remove(place);
        Answer::empty(204)
    }

    /// One look at a job moves it one state on.
    fn poll(&mut self, place: usize) {
        match self.jobs.list[place].state {
            State::UploadComplete => {
                if self.jobs.list[place].is_query() {
                    self.work_query(place);
                } else {
                    self.work_ingest(place);
                }
            }
            State::InProgress => self.jobs.list[place].state = State::JobComplete,
            State::Open | State::JobComplete | State::Failed | State::Aborted => return,
        }
        self.jobs.list[place].modified = self.now();
    }

    fn ingest_results(&mut self, place: usize, kind: &str) -> Answer {
        let job = &mut self.jobs.list[place];
        if !job.state.ended() {
            return wrong_state(&format!("Job is in state {}, its results are not ready", job.state.word()));
        }
        let Work::Ingest { results, .. } = &job.work else { return answers::missing() };
        // Clients write this segment in either case.
        match kind.to_ascii_lowercase().as_str() {
            "successfulresults" => csv_answer(results.successful.clone()),
            "failedresults" => csv_answer(results.failed.clone()),
            "unprocessedrecords" => csv_answer(results.unprocessed.clone()),
            _ => answers::missing(),
        }
    }
}
