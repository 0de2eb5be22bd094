//! Companies of Intercom: found by the client's own id or name, and read all of them, by list or by scroll.
//!
//! Neither shows companies without people: what we made ourselves is known from the journal, never from here.

use crate::domain::error_class::ErrorClass;
use crate::domain::record::{Connection, Mirror, ObjectKind, RecordRef};

use super::super::Page;
use super::super::error::VendorError;
use super::super::http::{Clients, Log};
use super::calls::companies as calls;
use super::{COMPANIES, wire};

/// How often a scroll that Intercom broke is begun anew before we give up.
const RESTARTS: u32 = 3;
/// A cursor that scrolls begins so; those of the list are page numbers.
const SCROLL: &str = "scroll:";

/// Companies by `company_id` or `name`; none is no error.
pub(crate) async fn find(
    clients: &Clients,
    connection: &Connection,
    field: &str,
    value: &str,
    log: &mut Log,
) -> Result<Vec<Mirror>, VendorError> {
    let request = calls::find(field, value, None, None)?.purpose(format!("find company by {field}"));
    match clients.send(connection, &request, log).await {
        // The documents say a list; answers with the company itself have been seen.
        Ok(answer) if wire::id(&answer).is_some() => Ok(vec![wire::company(connection, &answer)?]),
        Ok(answer) => wire::items(&answer).iter().map(|item| wire::company(connection, item)).collect(),
        Err(error) if error.class == ErrorClass::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The first people of a company, at most one page of them.
pub async fn people(
    clients: &Clients,
    company: &RecordRef,
    log: &mut Log,
) -> Result<Vec<RecordRef>, VendorError> {
    let request = calls::attached(&company.id, "contacts").purpose("people of the company");
    let answer = clients.send(&company.connection, &request, log).await?;
    let ids = wire::items(&answer).iter().filter_map(wire::id);
    Ok(ids
        .map(|id| RecordRef { connection: company.connection.clone(), object: ObjectKind::Contact, id })
        .collect())
}

/// One page of all companies that have people.
///
/// Listed by page number where that reaches them all; Intercom's list ends at 10,000, so more than that are scrolled,
/// which begins at the first again: rows may come twice, none is missing.
pub(crate) async fn list(
    clients: &Clients,
    connection: &Connection,
    cursor: Option<&str>,
    log: &mut Log,
) -> Result<Page, VendorError> {
    if let Some(scroll) = cursor.and_then(|cursor| cursor.strip_prefix(SCROLL)) {
        return scrolled(clients, connection, scroll, log).await;
    }
    let number: i64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
    let request = calls::list(number, COMPANIES, true)?.purpose("list companies");
    let answer = clients.send(connection, &request, log).await?;
    let companies: Vec<Mirror> =
        wire::items(&answer).iter().map(|item| wire::company(connection, item)).collect::<Result<_, _>>()?;
    let total = wire::pages(&answer).and_then(|total| i64::try_from(total).ok());
    let more = !companies.is_empty() && total.is_some_and(|total| number < total);
    let cursor = if total.is_some_and(|total| total.saturating_mul(COMPANIES) > calls::LISTED) {
        Some(format!("{SCROLL}0:"))
    } else {
        more.then(|| (number + 1).to_string())
    };
    Ok((companies, cursor))
}

/// `scroll` is how often it was begun anew, a colon, and Intercom's scroll parameter.
async fn scrolled(
    clients: &Clients,
    connection: &Connection,
    scroll: &str,
    log: &mut Log,
) -> Result<Page, VendorError> {
    let (restarts, parameter) = scroll.split_once(':').unwrap_or(("0", scroll));
    let mut restarts: u32 = restarts.parse().unwrap_or(0);
    let mut parameter = Some(parameter.to_owned()).filter(|parameter| !parameter.is_empty());
    loop {
        let request = calls::scroll(parameter.clone()).purpose("scroll companies");
        match clients.send(connection, &request, log).await {
            Ok(answer) => {
                let companies: Vec<Mirror> = wire::items(&answer)
                    .iter()
                    .map(|item| wire::company(connection, item))
                    .collect::<Result<_, _>>()?;
                let next = answer.get("scroll_param").and_then(serde_json::Value::as_str);
                // An empty page is the end; the scroll is gone with it.
                let cursor =
                    next.filter(|_| !companies.is_empty()).map(|next| format!("{SCROLL}{restarts}:{next}"));
                return Ok((companies, cursor));
            }
            // A scroll cannot be resumed where it broke or expired, only begun anew.
            Err(error) if restarts < RESTARTS && broken(&error, parameter.is_some()) => {
                restarts += 1;
                parameter = None;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Intercom's network broke it, or what was `open` has expired.
fn broken(error: &VendorError, open: bool) -> bool {
    (open && error.class == ErrorClass::NotFound)
        || (error.status == Some(500) && error.words.contains("restart the scroll"))
}
