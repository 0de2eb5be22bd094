//! A call as a curl command that can be pasted into a shell: every word quoted, the token a variable, never a secret.

use crate::domain::execution::Attempt;
use crate::domain::secret::holds_a_token;

/// The command that makes a call again; an error says why there is none.
pub(super) fn of(call: &Attempt) -> Result<String, String> {
    command(&call.method, &call.url, &call.request)
}

/// The command for a call that may never have been made.
pub(super) fn command(method: &str, url: &str, body: &str) -> Result<String, String> {
    // Bodies are redacted before they are stored; should one hold a token all the same, it does not travel on.
    if [body, url].iter().any(|text| holds_a_token(text)) || url.contains("token=") {
        return Err("what was sent looks as if it held a secret".to_owned());
    }
    let mut words = vec!["curl".to_owned(), "-X".to_owned(), quoted(method)];
    // In double quotes, so that the shell puts the token in; nothing of the call's own stands inside them.
    words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    let body = body.trim();
    if !body.is_empty() {
        let kind = if body.starts_with('<') { "text/xml" } else { "application/json" };
        words.push(format!("-H {}", quoted(&format!("Content-Type: {kind}"))));
        // Raw: a body that begins with @ is text, not the name of a file.
        words.push(format!("--data-raw {}", quoted(body)));
    }
    words.push(format!("--url {}", quoted(&address(url))));
    Ok(words.join(" "))
}

/// The whole address: calls are kept without their scheme, which is plain for this machine alone.
fn address(url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let here = ["127.", "localhost", "[::1]"].iter().any(|start| url.starts_with(start));
    format!("{}://{url}", if here { "http" } else { "https" })
}

/// One word for a POSIX shell: in single quotes nothing has a meaning but their end.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;

    fn call(url: &str, request: &str) -> Attempt {
        Attempt {
            number: 1,
            step: Some(0),
            purpose: "update".into(),
            started_at: Timestamp(0),
            duration_ms: 3,
            method: "PATCH".into(),
            url: url.into(),
            request: request.into(),
            status: Some(200),
            response: String::new(),
            request_id: None,
            class: None,
        }
    }

    #[test]
    fn a_hostile_body_stays_one_word_and_the_token_a_variable() {
        let command = of(&call("https://x.test/a?b=$(id)", r#"{"name":"O'Neil; rm -rf ~ `id` $HOME"}"#))
            .expect("a command");
        assert_eq!(
            command,
            "curl -X 'PATCH' -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' --data-raw \
             '{\"name\":\"O'\\''Neil; rm -rf ~ `id` $HOME\"}' --url 'https://x.test/a?b=$(id)'"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_exactly_what_was_sent() {
        let body = "{\"a\":\"'$(touch /tmp/x)' \\\" `id` !! \\n é\"}";
        let command = of(&call("https://x.test/it's", body)).expect("a command");
        let script = format!(
            "curl() {{ for word in \"$@\"; do printf '%s\\0' \"$word\"; done; }}; TOKEN=T; {command}"
        );
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().expect("a shell");
        let words: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        assert!(words.contains(&body.as_bytes()), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(
            words.contains(&"https://x.test/it's".as_bytes())
                && words.contains(&"Authorization: Bearer T".as_bytes())
        );
    }

    #[test]
    fn the_emulated_vendors_speak_plain_http() {
        let said = of(&call("127.0.0.1:37057/contacts/6b", "")).expect("a command");
        assert!(said.ends_with("--url 'http://127.0.0.1:37057/contacts/6b'"), "{said}");
    }

    #[test]
    fn what_looks_like_a_token_does_not_travel_on() {
        assert!(of(&call("https://x.test", "{\"access_token\":\"pat-na1-1234-5678-9012\"}")).is_err());
    }
}
