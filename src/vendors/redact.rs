//! Takes secrets out of what is recorded: known tokens, things shaped like tokens, and values under telling names.
//!
//! Works on any text, JSON or not, because a proxy's error page may repeat a header. It never tries to hide
//! personal data: the journal is the operator's own, and erasing people is the journal's business.

use std::borrow::Cow;

/// Recorded bodies are cut at this many bytes.
pub(crate) const RECORDED: usize = 8 * 1024;

const MASK: &str = "••••";

/// Names whose value is a secret wherever it stands: `"access_token": "…"`, `client_secret=…`, `<sessionId>…`.
const TELLING: [&str; 16] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "assertion",
    "sessionid",
    "private_key",
    "api_key",
    "apikey",
    "hapikey",
    "password",
    "authorization",
    "proxy-authorization",
    "secret",
    "x-api-key",
];

/// How tokens of our vendors (and JWTs) begin; the last is a Salesforce refresh token's usual beginning.
const BEGINNINGS: [&str; 6] = ["pat-na", "pat-eu", "pat-ap", "dG9rO", "eyJ", "5Aep861"];

/// The text without `secrets`, tokens and values under telling names.
pub(crate) fn mask<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets.iter().filter(|secret| secret.len() >= 6) {
        if text.contains(secret) {
            text = Cow::Owned(text.replace(secret, MASK));
        }
    }
    let mut shown = String::new();
    let mut copied = 0;
    let mut before = Run { text: "", end: 0 };
    let mut at = 0;
    while let Some((start, mut end)) = next_run(&text, at) {
        let run = &text[start..end];
        let between = &text[before.end..start];
        let named = is_value_of(before.text, between, run);
        if named || is_token(run, before.text, between) {
            if named {
                end = end_of_value(&text, between, end);
            }
            shown.push_str(&text[copied..start]);
            shown.push_str(MASK);
            copied = end;
        }
        // "Authorization: Bearer abc": the scheme is no secret, the word after it is.
        before = Run { text: run, end };
        at = end;
    }
    if copied == 0 {
        return text;
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

struct Run<'a> {
    text: &'a str,
    end: usize,
}

/// Shaped like a token, whatever stands before it.
fn is_token(run: &str, before: &str, between: &str) -> bool {
    if is_scheme(run) {
        return false;
    }
    if run.len() >= 16 && BEGINNINGS.iter().any(|beginning| run.starts_with(beginning)) {
        return true;
    }
    // Salesforce: the org's id, an exclamation mark, the session.
    if run.len() >= 32 && run.starts_with("00D") && run.contains('!') {
        return true;
    }
    is_scheme(before) && run.len() >= 8 && between.chars().all(|c| c == ' ')
}

/// Stands as the value of a telling name.
fn is_value_of(before: &str, between: &str, run: &str) -> bool {
    TELLING.iter().any(|name| before.eq_ignore_ascii_case(name))
        && between.len() <= 8
        && between.contains([':', '=', '>'])
        && !is_scheme(run)
        && !matches!(run, "null" | "true" | "false")
}

/// Where the value of a telling name ends: at its own quote or tag, so that no odd character inside lets half of it
/// through; unquoted at the next blank or separator.
fn end_of_value(text: &str, between: &str, run_end: usize) -> usize {
    let rest = &text[run_end..];
    let length = match between.chars().next_back() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            rest.find(|c| {
                let ends = c == quote && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
        }
        Some('>') => rest.find('<'),
        _ => rest
            .find(|c: char| c.is_whitespace() || matches!(c, '&' | ',' | ';' | '"' | '\'' | '<' | '}' | ')')),
    };
    run_end + length.unwrap_or(rest.len())
}

fn is_scheme(run: &str) -> bool {
    run.eq_ignore_ascii_case("bearer") || run.eq_ignore_ascii_case("basic")
}

/// The next stretch of characters that tokens are made of.
fn next_run(text: &str, at: usize) -> Option<(usize, usize)> {
    let start = at + text[at..].find(in_token)?;
    let end = text[start..].find(|c| !in_token(c)).map_or(text.len(), |length| start + length);
    Some((start, end))
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '~' | '!' | '%')
}

/// A body as the journal keeps it: masked, and at most [`RECORDED`] bytes.
pub(crate) fn recorded(text: &str, secrets: &[&str]) -> String {
    // Cut after masking, so that a token across the cut cannot survive by its first half; but never mask megabytes.
    let near = floor(text, RECORDED * 2);
    let masked = mask(&text[..near], secrets);
    if masked.len() <= RECORDED && near == text.len() {
        return masked.into_owned();
    }
    let cut = floor(&masked, RECORDED);
    format!("{}… ({} bytes in all)", &masked[..cut], text.len())
}

fn floor(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_masked_wherever_they_stand() {
        for (text, gone) in [
            (r#"{"access_token":"abc123","expires_in":1800}"#, "abc123"),
            ("Authorization: Bearer s3cr3t-t0ken", "s3cr3t-t0ken"),
            ("refresh_token=xyz&grant_type=refresh_token", "xyz"),
            ("token pat-na1-0123456789-abcdef refused", "pat-na1-0123456789-abcdef"),
            ("dG9rOjEyMzQ1Njc4OTA=", "dG9rOjEyMzQ1Njc4OTA"),
            ("?hapikey=demo-key-1", "demo-key-1"),
            ("<urn:sessionId>00Dxx0000001gPL!AR8A</urn:sessionId><x/>", "AR8A"),
            ("session 00Dxx0000001gPL!AR8AQJXg5oj8jXSgxJfA0lBog now", "AR8AQ"),
            ("grant_type=refresh_token&refresh_token=5Aep861%2Bab%2Fcd%3D%3D&x=1", "cd"),
            ("grant_type=jwt&assertion=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIzTVZ", "eyJpc3MiOiIzTVZ"),
            (r#"{"client_secret": "a\"odd {secret} wörd", "x": 1}"#, "odd"),
            (r#"{"client_secret": "a\"odd {secret} wörd", "x": 1}"#, "wörd"),
            ("Proxy-Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
            ("https://x.example/cb?access_token=00D!x#top", "00D!x"),
        ] {
            let masked = mask(text, &[]);
            assert!(!masked.contains(gone), "{masked}");
        }
        assert_eq!(mask("it was odd-secret, really", &["odd-secret"]), "it was ••••, really");
    }

    #[test]
    fn ordinary_bodies_stay_as_they_are() {
        for text in [
            r#"{"id":"5da6f18e3d7cf967e4582d05","email":"jane@example.com"}"#,
            "Access Token Invalid",
            "the secret is safe; a bearer of news",
            r#"{"secret":null}"#,
            r#"{"note":"Wow! 100% of it, 00D5g000001AbCd only"}"#,
        ] {
            assert!(matches!(mask(text, &[]), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn a_recorded_body_has_an_end() {
        let long = "é".repeat(100_000);
        let kept = recorded(&long, &[]);
        assert!(kept.len() < RECORDED + 64 && kept.ends_with("(200000 bytes in all)"), "{}", kept.len());
        assert_eq!(recorded("short", &[]), "short");
    }

    proptest! {
        #[test]
        fn any_text_can_be_masked(text in ".*", secret in "[a-z0-9]{8,20}") {
            let masked = recorded(&format!("{text}{secret}{text}"), &[&secret]);
            prop_assert!(!masked.contains(&secret));
        }
    }
}
