//! The answers about the API itself: its versions, its resources, its limits. Reads only.

use serde_json::{Value, json};

use super::{Org, bulk};
use crate::sandbox::wire::Answer;

/// The versions served: number and name.
const NEWEST: u32 = 68;
const OLDEST: u32 = 50;

/// `66.0` out of `v66.0`, when it is served.
pub(super) fn version(segment: &str) -> Option<String> {
    let number = segment.strip_prefix('v')?;
    let major: u32 = number.strip_suffix(".0")?.parse().ok()?;
    (OLDEST..=NEWEST).contains(&major).then(|| number.to_owned())
}

/// Three releases a year; 66 is Spring '26.
fn label(major: u32) -> String {
    let (season, year) = match (major % 3, major / 3) {
        (0, third) => ("Spring", third + 4),
        (1, third) => ("Summer", third + 4),
        (_, third) => ("Winter", third + 5),
    };
    format!("{season} '{year:02}")
}

/// `GET /services/data`, which needs no token.
pub(super) fn versions() -> Answer {
    let versions = (OLDEST..=NEWEST).map(|major| {
        json!({
            "label": label(major),
            "url": format!("/services/data/v{major}.0"),
            "version": format!("{major}.0"),
        })
    });
    Answer::ok(Value::Array(versions.collect()))
}

impl Org {
    pub(super) fn resources(&self) -> Answer {
        let names = ["sobjects", "query", "queryAll", "composite", "limits", "jobs", "ui-api"];
        let path = |name: &str| json!(format!("/services/data/v{}/{name}", self.version));
        let mut resources: Value = names.iter().map(|name| ((*name).to_owned(), path(name))).collect();
        resources["identity"] = json!(self.identity_url());
        Answer::ok(resources)
    }

    pub(super) fn limits(&self) -> Answer {
        let batches = bulk::BATCHES_PER_DAY;
        let batches_left = batches.saturating_sub(self.batches_used());
        let full = |max: u32| json!({"Max": max, "Remaining": max});
        Answer::ok(json!({
            "DailyApiRequests": {"Max": self.daily.limit, "Remaining": self.daily.remaining()},
            "DailyBulkApiBatches": {"Max": batches, "Remaining": batches_left},
            "DailyBulkV2QueryJobs": full(10_000),
            "DailyBulkV2QueryFileStorageMB": full(976_562),
            "ConcurrentAsyncGetReportInstances": full(200),
            "DailyAsyncApexExecutions": full(250_000),
            "DataStorageMB": full(10_240),
            "FileStorageMB": full(10_240),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{label, version};

    #[test]
    fn releases_carry_their_season() {
        let known = [(66, "Spring '26"), (67, "Summer '26"), (68, "Winter '27"), (50, "Winter '21")];
        for (major, name) in known {
            assert_eq!(label(major), name);
        }
        assert_eq!(version("v66.0").as_deref(), Some("66.0"));
        for other in ["66.0", "v66", "v49.0", "v69.0", "vx.0"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
