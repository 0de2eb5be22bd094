//! Faults a test or a person switches on: which calls they hit, how often, and what they do.
//! A fault changes answers and timing only; it never edits records.

mod forms;
mod refusals;

pub(super) use self::refusals::limit_body;

/// The emulated system a fault stands in front of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Vendor {
    /// The helpdesk.
    Intercom,
    /// The CRM.
    HubSpot,
    /// The other CRM.
    Salesforce,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Intercom, Self::HubSpot, Self::Salesforce];

    /// Reads the word of the books.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.word() == word)
    }

    /// The word used in the books and in faults given as JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Intercom => "intercom",
            Self::HubSpot => "hubspot",
            Self::Salesforce => "salesforce",
        }
    }

    /// The name as the vendor writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intercom => "Intercom",
            Self::HubSpot => "HubSpot",
            Self::Salesforce => "Salesforce",
        }
    }
}

/// What happens to a call that a fault hits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// 429 of the short window (Salesforce has none and answers as for the day).
    RateLimited,
    /// 429 of the daily allowance (HubSpot's; Intercom has none and answers its usual 429; Salesforce
    /// answers 403).
    RateLimitedDaily,
    /// 502 with a gateway's HTML page.
    ServerErrorHtml,
    /// 500 in the vendor's own JSON.
    ServerError,
    /// 503, optionally saying when to come back.
    Unavailable {
        /// Seconds for the `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// The connection is held and nothing is done.
    TimeoutBeforeEffect,
    /// The effect is done, the connection is held, the acknowledgement never comes.
    TimeoutAfterEffect,
    /// The answer comes, but late.
    Slow {
        /// How late.
        millis: u64,
    },
    /// The effect is done and its JSON arrives cut in half.
    MalformedJson,
    /// 403 for a scope the token lacks.
    MissingScopes,
    /// 423; in Salesforce the rows a write means are refused as `UNABLE_TO_LOCK_ROW`, one by one, and reads
    /// pass.
    Locked,
    /// 401.
    Unauthorized,
    /// The effect is done and its answer trickles in, a few bytes at a time.
    SlowDrip {
        /// Between one piece and the next.
        millis: u64,
    },
    /// 200 with a JSON document of this many bytes that never exists in memory as a whole. No effect.
    HugeBody {
        /// How large.
        bytes: u64,
    },
    /// 307 to another host. No effect.
    RedirectElsewhere {
        /// Where to; `None` is a host that does not exist.
        location: Option<String>,
    },
    /// 200 with a sign-in page in HTML, as a captive portal answers. No effect.
    WrongContentType,
}

/// One switch. Empty conditions match every call to the vendor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Whose calls.
    pub vendor: Vendor,
    /// Only this HTTP method, in capitals.
    pub method: Option<String>,
    /// Only paths that hold this text.
    pub path_contains: Option<String>,
    /// Only bodies that hold this text.
    pub body_contains: Option<String>,
    /// Only calls with one of these texts in the path or the body: a person is known by several ids.
    pub mentions_any: Vec<String>,
    /// Leave reads that happen to be POSTs (search, batch read) alone.
    pub writes_only: bool,
    /// So many calls that match go through before it strikes.
    pub after: u32,
    /// How often it strikes; `None` is always.
    pub times: Option<u32>,
    /// What it does.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that hits every call to the vendor until it is cleared.
    pub fn new(vendor: Vendor, kind: FaultKind) -> Self {
        Self {
            vendor,
            method: None,
            path_contains: None,
            body_contains: None,
            mentions_any: Vec::new(),
            writes_only: false,
            after: 0,
            times: None,
            kind,
        }
    }

    /// Narrows to one HTTP method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Narrows to paths that hold the text.
    #[must_use]
    pub fn path(mut self, text: &str) -> Self {
        self.path_contains = Some(text.to_owned());
        self
    }

    /// Narrows to bodies that hold the text.
    #[must_use]
    pub fn body(mut self, text: &str) -> Self {
        self.body_contains = Some(text.to_owned());
        self
    }

    /// Narrows to writes that name one of the texts in path or body.
    #[must_use]
    pub fn writes_about(mut self, texts: &[&str]) -> Self {
        self.mentions_any = texts.iter().map(|text| (*text).to_owned()).collect();
        self.writes_only = true;
        self
    }

    /// Lets so many calls that match go through first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }

    /// Strikes only so often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn hits(&self, vendor: Vendor, method: &str, path: &str, body: &str) -> bool {
        let reads = method == "GET" || path.ends_with("/search") || path.ends_with("/batch/read");
        self.vendor == vendor
            && self.times != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path_contains.as_deref().is_none_or(|text| path.contains(text))
            && self.body_contains.as_deref().is_none_or(|text| body.contains(text))
            && (self.mentions_any.is_empty()
                || self.mentions_any.iter().any(|text| path.contains(text) || body.contains(text)))
            && !(self.writes_only && reads)
            && !(self.kind == FaultKind::Locked && vendor == Vendor::Salesforce && reads)
    }
}

/// The first standing fault that hits the call and has let enough of them through; its count goes down.
pub(super) fn strike(
    faults: &mut [Fault],
    vendor: Vendor,
    method: &str,
    path: &str,
    body: &str,
) -> Option<Fault> {
    let matching = faults.iter_mut().filter(|fault| fault.hits(vendor, method, path, body));
    let mut ready = matching.filter_map(|fault| match fault.after {
        0 => Some(fault),
        _ => {
            fault.after -= 1;
            None
        }
    });
    let fault = ready.next()?;
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    Some(fault.clone())
}
