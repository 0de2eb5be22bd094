//! What two bodies differ in, path by path: an attempt beside the one before it.
//!
//! Pure. Values are compared and shown as they stand in the text, so that other digits are a difference.

use serde_json::Value;

/// Differences that are shown; more tell nobody anything.
const MOST: usize = 200;
/// Deeper parts are compared as one value.
const DEEP: usize = 24;

/// One value that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where: `properties.dealstage`.
    pub(super) path: String,
    /// What it was; none when it was not there.
    pub(super) before: Option<String>,
    /// What it is; none when it is gone.
    pub(super) after: Option<String>,
}

/// What two texts differ in; one difference as a whole where one of them is no JSON.
pub(super) fn differences(before: &str, after: &str) -> Vec<Difference> {
    if before == after {
        return Vec::new();
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let mut found = Vec::new();
    match (read(before), read(after)) {
        (Some(before), Some(after)) => walk(&mut found, String::new(), Some(&before), Some(&after), 0),
        _ => found.push(Difference {
            path: "body".to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        }),
    }
    found
}

fn walk(
    found: &mut Vec<Difference>,
    path: String,
    before: Option<&Value>,
    after: Option<&Value>,
    depth: usize,
) {
    if found.len() >= MOST || before == after {
        return;
    }
    let join = |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) if depth < DEEP => {
            for (key, value) in old {
                walk(found, join(key), Some(value), new.get(key), depth + 1);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(key.as_str())) {
                walk(found, join(key), None, Some(value), depth + 1);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if depth < DEEP => {
            for at in 0..old.len().max(new.len()) {
                walk(found, join(&at.to_string()), old.get(at), new.get(at), depth + 1);
            }
        }
        _ => found.push(Difference {
            path,
            before: before.map(ToString::to_string),
            after: after.map(ToString::to_string),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r18_only_what_differs_is_named_with_its_path() {
        let found = differences(
            r#"{"properties":{"a":1.0,"b":"x","gone":true},"list":[1,2]}"#,
            r#"{"properties":{"a":1.00,"b":"x","new":null},"list":[1,3,4]}"#,
        );
        let told: Vec<String> = found
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.path, one.before.as_deref(), one.after.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                "properties.a Some(\"1.0\") Some(\"1.00\")",
                "properties.gone Some(\"true\") None",
                "properties.new None Some(\"null\")",
                "list.1 Some(\"2\") Some(\"3\")",
                "list.2 None Some(\"4\")",
            ]
        );
        assert!(differences("{}", "{}").is_empty());
        assert_eq!(differences("<a>", "<b>").len(), 1);
    }
}
