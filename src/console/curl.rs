//! A call as a command that sends it again: the token stays a variable, and what was masked stays masked.

use crate::domain::execution::Attempt;

/// The command that makes a call again.
pub(super) fn curl(attempt: &Attempt) -> String {
    command(&attempt.method, &attempt.url, &attempt.request)
}

/// The command for a call that may never have been made.
pub(super) fn command(method: &str, url: &str, body: &str) -> String {
    // The emulated vendors speak plain HTTP, on loopback and nowhere else.
    let loopback = ["127.0.0.1:", "localhost:", "[::1]:"].iter().any(|host| url.starts_with(host));
    let scheme = if loopback { "http" } else { "https" };
    let url = if url.contains("://") { url.to_owned() } else { format!("{scheme}://{url}") };
    let data = if body.trim().is_empty() {
        String::new()
    } else {
        let kind = if body.trim_start().starts_with('<') { "text/xml" } else { "application/json" };
        format!(" -H 'Content-Type: {kind}' --data-raw {}", quoted(body))
    };
    format!("curl -X {method} {} -H \"Authorization: Bearer $TOKEN\"{data}", quoted(&url))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;

    #[test]
    fn r18_a_command_quotes_everything_and_holds_no_token() {
        let attempt = Attempt {
            number: 1,
            step: None,
            purpose: String::new(),
            started_at: Timestamp(0),
            duration_ms: 1,
            method: "PATCH".into(),
            url: "api.hubapi.com/crm/v3/objects/contacts/151?a='$(x)'".into(),
            request: r#"{"name":"O'Brien $HOME"}"#.into(),
            status: None,
            response: String::new(),
            request_id: None,
            class: None,
        };
        assert_eq!(
            curl(&attempt),
            "curl -X PATCH 'https://api.hubapi.com/crm/v3/objects/contacts/151?a='\\''$(x)'\\''' \
             -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
             --data-raw '{\"name\":\"O'\\''Brien $HOME\"}'"
        );
        let emulated =
            Attempt { url: "127.0.0.1:37057/contacts/6b".into(), request: String::new(), ..attempt };
        assert!(curl(&emulated).starts_with("curl -X PATCH 'http://127.0.0.1:37057/contacts/6b' "));
    }
}
