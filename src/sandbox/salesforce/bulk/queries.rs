//! Bulk query jobs: a SOQL text run once, its rows fetched as CSV page by page. Reads only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::csv::Writer;
use super::{State, Work, csv_answer, wrong_state};
use crate::sandbox::salesforce::soql::{Found, Plan};
use crate::sandbox::salesforce::{Org, answers};
use crate::sandbox::wire::{Answer, Call};

/// Rows per answer when the client names no number.
const PAGE: usize = 50_000;

impl Org {
    pub(super) fn create_query(&mut self, call: &Call) -> Answer {
        let operation = call.text("operation").unwrap_or_default();
        let all_rows = match operation {
            "query" => false,
            "queryAll" => true,
            other => {
                let message = format!("operation '{other}' is not supported");
                return answers::refused(400, "INVALIDJOB", &message);
            }
        };
        let text = call.text("query").unwrap_or_default();
        let plan = match Plan::read(self, text, all_rows) {
            Ok(plan) => plan,
            Err(refusal) => return answers::refused(400, refusal.code, &refusal.message),
        };
        // The vendor's list: no grouping, no offset, no child queries.
        if plan.grouping.is_some() || plan.counts || plan.offset > 0 || plan.header().is_none() {
            let message = "The query holds what Bulk API 2.0 does not support: GROUP BY, OFFSET, an aggregate \
                           or a child query";
            return answers::refused(400, "FEATURENOTENABLED", message);
        }
        let work = Work::Query { text: text.to_owned(), all_rows, header: String::new(), lines: Vec::new() };
        match self.new_job(call, plan.object, operation, work) {
            Ok(place) => Answer::ok(self.jobs.list[place].summary()),
            Err(refusal) => refusal,
        }
    }

    pub(super) fn work_query(&mut self, place: usize) {
        let job = &self.jobs.list[place];
        let (delimiter, ending) = (job.delimiter.1, job.ending());
        let Work::Query { text, all_rows, .. } = &job.work else { return };
        let line = |cells: &[String]| {
            let mut writer = Writer::new(delimiter, ending);
            writer.row(cells.iter().map(String::as_str));
            writer.finished()
        };
        let outcome = match self.found_by(text, *all_rows) {
            Ok((plan, Found::Rows(rows))) => {
                let lines: Vec<String> = rows.iter().map(|row| line(&self.texts(&plan, row))).collect();
                Ok((line(&plan.header().unwrap_or_default()), lines))
            }
            Ok(_) => Ok((String::new(), Vec::new())),
            Err(refusal) => Err(refusal.message),
        };
        let job = &mut self.jobs.list[place];
        let Work::Query { header, lines, .. } = &mut job.work else { return };
        match outcome {
            Ok((first, rest)) => {
                job.processed = rest.len();
                (*header, *lines) = (first, rest);
                job.state = State::InProgress;
            }
            Err(message) => {
                job.error = Some(message);
                job.state = State::Failed;
            }
        }
    }

    pub(super) fn query_results(&self, place: usize, call: &Call) -> Answer {
        let job = &self.jobs.list[place];
        let Work::Query { header, lines, .. } = &job.work else { return answers::missing() };
        if job.state != State::JobComplete {
            return wrong_state(&format!("Job is in state {}, its results are not ready", job.state.word()));
        }
        let from = match call.parameter("locator") {
            None => 0,
            Some(locator) => match place_of(locator).filter(|from| *from < lines.len()) {
                Some(from) => from,
                None => return answers::refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
            },
        };
        let page = call.number("maxRecords").filter(|page| *page > 0).unwrap_or(PAGE);
        let end = lines.len().min(from.saturating_add(page));
        let mut text = header.clone();
        text.extend(lines[from..end].iter().map(String::as_str));
        let locator = if end < lines.len() { locator_of(end) } else { "null".to_owned() };
        csv_answer(text)
            .with("sforce-locator", locator)
            .with("sforce-numberofrecords", (end - from).to_string())
    }
}

fn locator_of(place: usize) -> String {
    URL_SAFE_NO_PAD.encode(place.to_string())
}

fn place_of(locator: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(locator).ok()?;
    String::from_utf8(bytes).ok()?.parse().ok()
}
