//! The pairs of names in a file of another connector, in either format.
//!
//! Only the shape is read here; what the names mean today is decided by the importer.

use serde_json::Value;

use super::NotImported;

/// One pair.
pub(super) struct Entry {
    pub(super) intercom: String,
    pub(super) crm: String,
    /// As the file says it; empty when it does not.
    pub(super) direction: String,
}

#[derive(Default)]
pub(super) struct Read {
    pub(super) entries: Vec<Entry>,
    pub(super) outgoing_events: Vec<String>,
    pub(super) incoming_events: Vec<String>,
}

const LEFT: [&str; 4] = ["intercom", "service", "from", "source"];
const RIGHT: [&str; 5] = ["crm", "hull", "to", "target", "destination"];

pub(super) fn read(text: &str) -> Result<Read, NotImported> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with(['{', '[']) {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            NotImported(format!("Nothing was taken over: the file looks like JSON, but {error}."))
        })?;
        json(&value)
    } else {
        csv(text)
    }
}

fn json(value: &Value) -> Result<Read, NotImported> {
    let mut read = Read::default();
    match value {
        Value::Array(list) => read.entries.extend(list.iter().filter_map(|entry| one(entry, ""))),
        Value::Object(whole) => {
            let texts = |key: &str| -> Vec<String> {
                let list = whole.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            read.outgoing_events = texts("outgoing_events");
            read.incoming_events = texts("incoming_events");
            for (key, value) in whole {
                // What comes from Intercom is incoming to the other connector, and goes to the CRM here.
                let direction = if key.starts_with("outgoing_") { "to_intercom" } else { "to_crm" };
                match value {
                    Value::Array(_) if key.ends_with("_events") => {}
                    Value::Array(list) => {
                        read.entries.extend(list.iter().filter_map(|entry| one(entry, direction)));
                    }
                    Value::String(crm) => read.entries.push(Entry {
                        intercom: key.clone(),
                        crm: crm.clone(),
                        direction: String::new(),
                    }),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    let nothing =
        read.entries.is_empty() && read.outgoing_events.is_empty() && read.incoming_events.is_empty();
    if nothing {
        return Err(NotImported(
            "Nothing was taken over: the JSON holds no pairs. Expected {\"email\": \"email\"} or \
             [{\"intercom\": \"email\", \"crm\": \"email\"}]."
                .into(),
        ));
    }
    Ok(read)
}

fn one(entry: &Value, direction: &str) -> Option<Entry> {
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| entry.get(*key)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    entry.is_object().then(|| {
        let own = text(&["direction"]);
        Entry {
            intercom: text(&LEFT),
            crm: text(&RIGHT),
            direction: if own.is_empty() { direction.to_owned() } else { own },
        }
    })
}

fn csv(text: &str) -> Result<Read, NotImported> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let failed = |error: ::csv::Error| NotImported(format!("Nothing was taken over: {error}."));
    let headers = reader.headers().map_err(failed)?.clone();
    let column = |names: &[&str]| {
        headers.iter().position(|header| names.contains(&header.trim().to_lowercase().as_str()))
    };
    let (Some(left), Some(right)) = (column(&LEFT), column(&RIGHT)) else {
        return Err(NotImported(
            "Nothing was taken over: the first line of the CSV must name the columns intercom and crm (and may name \
             direction)."
                .into(),
        ));
    };
    let direction = column(&["direction"]);
    let mut read = Read::default();
    for row in reader.records() {
        let row = row.map_err(failed)?;
        let cell = |at: usize| row.get(at).unwrap_or_default().trim().to_owned();
        read.entries.push(Entry {
            intercom: cell(left),
            crm: cell(right),
            direction: direction.map(cell).unwrap_or_default(),
        });
    }
    Ok(read)
}
