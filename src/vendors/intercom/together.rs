//! Lookups of many executions in one of Intercom's searches. It has no other batch for contacts, and a search lags
//! behind writes, so only what would be searched for anyway is joined: never a read by id.

use serde_json::json;

use super::calls::Paging;
use super::query::{Operator, Query};
use super::{CONTACTS, calls, page, wire};
use crate::vendors::http::Log;
use crate::vendors::together::{Brought, Endpoint, Errand, Travel};

/// Sends these lookups as one search.
pub(in crate::vendors) async fn send(
    travel: &mut Travel<'_>,
    endpoint: &Endpoint,
    rows: Vec<usize>,
    log: &mut Log,
) {
    let clients = travel.clients;
    let values: Vec<String> = rows.iter().map(|&place| travel.errands[place].key()).collect();
    let query = Query::filter(&endpoint.by, Operator::OneOf, json!(values));
    let request = calls::contacts::search(clients.settings(), &query, None, &Paging::new(CONTACTS, None))
        .map(|request| request.purpose(format!("find {} contacts by {}", values.len(), endpoint.by)));
    let request = match request {
        Ok(request) => request,
        Err(error) => return travel.whole(&rows, &error),
    };
    let (answer, from) = travel.call(&endpoint.connection, Ok(&request), log).await;
    let exchanges = log[from..].to_vec();
    let is_last_page = answer.as_ref().is_ok_and(|answer| wire::next(answer).is_none());
    // Reading a row may take calls of its own, for people with many companies.
    let found = match answer {
        Ok(answer) => page(clients, &endpoint.connection, &answer, log).await.map(|(mirrors, _)| mirrors),
        Err(error) => Err(error),
    };
    match found {
        Ok(mirrors) => {
            travel.division.taken();
            for (&place, value) in rows.iter().zip(&values) {
                let mine: Vec<_> = mirrors
                    .iter()
                    .filter(|mirror| mirror.text(&endpoint.by).trim().to_lowercase() == *value)
                    .cloned()
                    .collect();
                let said = json!(mine.iter().map(|mirror| &mirror.fields).collect::<Vec<_>>()).to_string();
                let sent = json!({"field": endpoint.by, "value": value}).to_string();
                let said = (Some(said.as_str()), None);
                travel.part(place, &exchanges, rows.len(), &request.purpose, &sent, said);
                if is_last_page {
                    travel.division.settle(place, Ok(Brought::Found(mine)));
                }
            }
            if !is_last_page {
                // More than one page for so few addresses: whose people the others are, only a search each can tell.
                travel.division.again(rows);
            }
        }
        Err(error) => {
            for &place in &rows {
                let Errand::Find { value, .. } = &travel.errands[place] else { continue };
                let sent = json!({"field": endpoint.by, "value": value}).to_string();
                let said = (None, Some(error.class));
                travel.part(place, &exchanges, rows.len(), &request.purpose, &sent, said);
            }
            travel.whole(&rows, &error);
        }
    }
}
