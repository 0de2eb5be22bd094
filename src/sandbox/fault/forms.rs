//! How a fault is written: as JSON for the control endpoint, as one word with colons for the command line.

use serde_json::{Map, Value, json};

use super::{Fault, FaultKind, Vendor};

const DRIP_MILLISECONDS: u64 = 250;
const HUGE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Every kind's word, and whether an amount may follow it.
const KINDS: [(&str, bool); 16] = [
    ("rate_limited", false),
    ("rate_limited_daily", false),
    ("server_error", false),
    ("server_error_html", false),
    ("unavailable", true),
    ("timeout_before_effect", false),
    ("timeout_after_effect", false),
    ("slow", true),
    ("slow_drip", true),
    ("malformed_json", false),
    ("huge_body", true),
    ("wrong_content_type", false),
    ("redirect", false),
    ("missing_scopes", false),
    ("unauthorized", false),
    ("locked", false),
];

/// The kind a word names; `amount` is its seconds, milliseconds or bytes.
fn kind_named(word: &str, amount: Option<u64>, location: Option<String>) -> Result<FaultKind, String> {
    Ok(match word {
        "rate_limited" => FaultKind::RateLimited,
        "rate_limited_daily" => FaultKind::RateLimitedDaily,
        "server_error_html" => FaultKind::ServerErrorHtml,
        "server_error" => FaultKind::ServerError,
        "unavailable" => {
            let seconds = amount.map(u32::try_from).transpose();
            FaultKind::Unavailable { retry_after: seconds.map_err(|_| "so many seconds are too many")? }
        }
        "timeout_before_effect" => FaultKind::TimeoutBeforeEffect,
        "timeout_after_effect" => FaultKind::TimeoutAfterEffect,
        "slow" => FaultKind::Slow { millis: amount.unwrap_or(1_000) },
        "malformed_json" => FaultKind::MalformedJson,
        "missing_scopes" => FaultKind::MissingScopes,
        "locked" => FaultKind::Locked,
        "unauthorized" => FaultKind::Unauthorized,
        "slow_drip" => FaultKind::SlowDrip { millis: amount.unwrap_or(DRIP_MILLISECONDS) },
        "huge_body" => FaultKind::HugeBody { bytes: amount.unwrap_or(HUGE_BYTES) },
        "redirect" => FaultKind::RedirectElsewhere { location },
        "wrong_content_type" => FaultKind::WrongContentType,
        other => {
            let kinds: Vec<String> = Fault::kinds().collect();
            return Err(format!("\"{other}\" is no kind of fault; there is {}", kinds.join(", ")));
        }
    })
}

/// A kind's word, and its amount with the name JSON has for it.
fn word_of(kind: &FaultKind) -> (&'static str, Option<(&'static str, Value)>) {
    match kind {
        FaultKind::RateLimited => ("rate_limited", None),
        FaultKind::RateLimitedDaily => ("rate_limited_daily", None),
        FaultKind::ServerErrorHtml => ("server_error_html", None),
        FaultKind::ServerError => ("server_error", None),
        FaultKind::Unavailable { retry_after } => ("unavailable", Some(("retry_after", json!(retry_after)))),
        FaultKind::TimeoutBeforeEffect => ("timeout_before_effect", None),
        FaultKind::TimeoutAfterEffect => ("timeout_after_effect", None),
        FaultKind::Slow { millis } => ("slow", Some(("millis", json!(millis)))),
        FaultKind::MalformedJson => ("malformed_json", None),
        FaultKind::MissingScopes => ("missing_scopes", None),
        FaultKind::Locked => ("locked", None),
        FaultKind::Unauthorized => ("unauthorized", None),
        FaultKind::SlowDrip { millis } => ("slow_drip", Some(("millis", json!(millis)))),
        FaultKind::HugeBody { bytes } => ("huge_body", Some(("bytes", json!(bytes)))),
        FaultKind::RedirectElsewhere { location } => ("redirect", Some(("location", json!(location)))),
        FaultKind::WrongContentType => ("wrong_content_type", None),
    }
}

impl Fault {
    /// The kinds as words, `=N` behind those that take an amount.
    pub fn kinds() -> impl Iterator<Item = String> {
        KINDS.iter().map(|(word, takes)| if *takes { format!("{word}=N") } else { (*word).to_owned() })
    }

    /// Reads `KIND[=AMOUNT][:vendor][:route][:times]`, as the command line gives it: `unavailable=5:hubspot`,
    /// `locked:salesforce:/composite:3`. Without a vendor it is one fault for each.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let mut parts = text.split(':');
        let word = parts.next().unwrap_or_default();
        let (word, amount) = match word.split_once('=') {
            None => (word, None),
            Some((word, amount)) => {
                let number = amount.parse::<u64>();
                (word, Some(number.map_err(|_| format!("\"{amount}\" is no number"))?))
            }
        };
        let word = word.replace('-', "_");
        let kind = kind_named(&word, amount, None)?;
        if amount.is_some() && !KINDS.iter().any(|(kind, takes)| *kind == word && *takes) {
            return Err(format!("{word} takes no amount"));
        }
        let mut fault = Self::new(Vendor::Intercom, kind);
        let mut vendor = None;
        for part in parts.filter(|part| !part.is_empty()) {
            let again = if let Some(read) = Vendor::read(part) {
                vendor.replace(read).is_some()
            } else if let Ok(times) = part.parse() {
                if times == 0 {
                    return Err("0 times is never; leave the number out for always".to_owned());
                }
                fault.times.replace(times).is_some()
            } else if part.starts_with('/') {
                fault.path_contains.replace(part.to_owned()).is_some()
            } else {
                return Err(format!(
                    "\"{part}\" is no vendor (intercom, hubspot, salesforce), no route (it starts with /) and no number of \
                     times"
                ));
            };
            if again {
                return Err(format!("\"{part}\" says a second time what was said before it"));
            }
        }
        let vendors = vendor.map_or_else(|| Vendor::ALL.to_vec(), |vendor| vec![vendor]);
        Ok(vendors.into_iter().map(|vendor| Self { vendor, ..fault.clone() }).collect())
    }

    /// Reads the form `POST /_sandbox/faults` takes.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let Some(fields) = value.as_object() else { return Err("a fault is a JSON object".to_owned()) };
        let known = [
            "vendor",
            "method",
            "path_contains",
            "body_contains",
            "mentions_any",
            "writes_only",
            "after",
            "times",
            "kind",
            "millis",
            "retry_after",
            "bytes",
            "location",
        ];
        if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown key `{unknown}`; a fault has {}", known.join(", ")));
        }
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let vendor = text("vendor").and_then(|word| Vendor::read(&word));
        let vendor = vendor.ok_or("`vendor` must be intercom, hubspot or salesforce")?;
        let number = |key: &str| fields.get(key).and_then(Value::as_u64);
        let word = text("kind").unwrap_or_default();
        let amount = number("retry_after").or(number("millis")).or(number("bytes"));
        let kind = kind_named(&word, amount, text("location"))?;
        let mut fault = Self::new(vendor, kind);
        fault.method = text("method").map(|method| method.to_ascii_uppercase());
        fault.path_contains = text("path_contains");
        fault.body_contains = text("body_contains");
        fault.mentions_any = fields
            .get("mentions_any")
            .and_then(Value::as_array)
            .map(|texts| texts.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        fault.writes_only = fields.get("writes_only").and_then(Value::as_bool).unwrap_or(false);
        fault.after = number("after").map_or(0, |after| after as u32);
        fault.times = fields.get("times").and_then(Value::as_u64).map(|times| times as u32);
        Ok(fault)
    }

    /// The same form, for showing what stands.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("vendor".into(), json!(self.vendor.word()));
        fields.insert("method".into(), json!(self.method));
        fields.insert("path_contains".into(), json!(self.path_contains));
        fields.insert("body_contains".into(), json!(self.body_contains));
        fields.insert("mentions_any".into(), json!(self.mentions_any));
        fields.insert("writes_only".into(), json!(self.writes_only));
        fields.insert("after".into(), json!(self.after));
        fields.insert("times".into(), json!(self.times));
        let (kind, amount) = word_of(&self.kind);
        if let Some((name, amount)) = amount {
            fields.insert(name.into(), amount);
        }
        fields.insert("kind".into(), json!(kind));
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, Vendor};

    #[test]
    fn a_fault_is_written_in_one_word() {
        let faults = Fault::parse("unavailable=5:hubspot:/contacts:3").unwrap();
        let kind = FaultKind::Unavailable { retry_after: Some(5) };
        assert_eq!(faults, [Fault::new(Vendor::HubSpot, kind).path("/contacts").times(3)]);
        assert_eq!(Fault::parse("slow-drip").unwrap().len(), 3);
        for (wrong, said) in [
            ("", "there is rate_limited, "),
            ("sloow", "\"sloow\" is no kind of fault; there is rate_limited, "),
            ("slow=soon", "\"soon\" is no number"),
            (":hubspot", "unavailable=N"),
            ("locked:hubspt", "\"hubspt\" is no vendor (intercom, hubspot, salesforce)"),
            ("locked:hubspot:contacts:3", "starts with /"),
            ("locked:hubspot:intercom", "\"intercom\" says a second time"),
            ("locked:1:2", "\"2\" says a second time"),
            ("locked:0", "0 times is never"),
            ("locked=5", "locked takes no amount"),
            ("locked:-1", "\"-1\" is no vendor"),
            ("unavailable=5000000000", "too many"),
        ] {
            let error = Fault::parse(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }

    #[test]
    fn every_kind_that_is_listed_is_read() {
        for kind in Fault::kinds() {
            let faults = Fault::parse(&kind.replace("=N", "=7")).unwrap();
            assert!(kind.starts_with(super::word_of(&faults[0].kind).0), "{kind}");
        }
    }

    #[test]
    fn every_kind_reads_back_what_it_writes() {
        for word in ["slow_drip=9", "huge_body=1000", "redirect", "wrong_content_type", "locked", "slow=3"] {
            for fault in Fault::parse(word).unwrap() {
                assert_eq!(Fault::from_json(&fault.to_json()).unwrap(), fault);
            }
        }
    }
}
