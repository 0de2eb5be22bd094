//! A call as a command that sends it again: the token stays a variable, and what was masked stays masked.

use crate::domain::execution::Attempt;

/// The command.
pub(super) fn curl(attempt: &Attempt) -> String {
    // The emulated vendors speak plain HTTP, on loopback and nowhere else.
    let loopback = ["127.0.0.1:", "localhost:", "[::1]:"].iter().any(|host| attempt.url.starts_with(host));
    let scheme = if loopback { "http" } else { "https" };
    let url =
        if attempt.url.contains("://") { attempt.url.clone() } else { format!("{scheme}://{}", attempt.url) };
    let body = if attempt.request.trim().is_empty() {
        String::new()
    } else {
        let kind =
            if attempt.request.trim_start().starts_with('<') { "text/xml" } else { "application/json" };
        format!(" -H 'Content-Type: {kind}' --data-raw {}", quoted(&attempt.request))
    };
    format!("curl -X {} {} -H \"Authorization: Bearer $TOKEN\"{body}", attempt.method, quoted(&url))
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
