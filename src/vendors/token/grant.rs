//! A grant as the token endpoint wants it, and its answer as we need it. Pure but for the signature's own randomness.
//!
//! Both endpoints take a form and answer JSON; HubSpot says when a token runs out, Salesforce does not. Nothing of a
//! form or an answer is shown but what is known to be harmless.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::record::value_text;
use crate::domain::secret::{Grant, Renewed, Secret};

use super::super::answer::{Answer, by_status, foreign_body};
use super::super::error::{Context, VendorError, readable};
use super::super::request::encode;

/// Salesforce takes an assertion that ends within three minutes; a minute is left for clocks that differ.
const ASSERTION_LIFE_SECONDS: i64 = 120;

const MASK: &str = "••••";

/// What is posted: names and values, and which of them are secret.
pub(super) struct Form(Vec<(&'static str, String, bool)>);

impl Form {
    /// As it is sent.
    pub(super) fn text(&self) -> String {
        self.joined(|value, _| encode(value))
    }

    /// As it is recorded.
    pub(super) fn shown(&self) -> String {
        self.joined(|value, secret| if secret { MASK.to_owned() } else { encode(value) })
    }

    /// Its secrets, to be masked wherever the endpoint repeats them.
    pub(super) fn secrets(&self) -> Vec<&str> {
        self.0.iter().filter(|(.., secret)| *secret).map(|(_, value, _)| value.as_str()).collect()
    }

    fn joined(&self, value: impl Fn(&str, bool) -> String) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, text, secret)| format!("{name}={}", value(text, *secret))).collect();
        pairs.join("&")
    }
}

/// The form of a grant; an error is a phrase that says why there can be none.
pub(super) fn form(grant: &Grant, audience: &str, now: Timestamp) -> Result<Form, String> {
    let open = |name, value: &str| (name, value.to_owned(), false);
    let secret = |name, value: &Secret| (name, value.reveal().to_owned(), true);
    Ok(Form(match grant {
        Grant::Fixed(_) => return Err("a fixed token is not renewed".to_owned()),
        Grant::RefreshToken { client_id, client_secret, refresh_token } => {
            let mut pairs = vec![open("grant_type", "refresh_token"), open("client_id", client_id)];
            pairs.extend(client_secret.as_ref().map(|value| secret("client_secret", value)));
            pairs.push(secret("refresh_token", refresh_token));
            pairs
        }
        Grant::ClientCredentials { client_id, client_secret } => vec![
            open("grant_type", "client_credentials"),
            open("client_id", client_id),
            secret("client_secret", client_secret),
        ],
        Grant::SignedAssertion { client_id, username, private_key } => vec![
            open("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion(client_id, username, audience, private_key, now)?, true),
        ],
    }))
}

/// A JWT signed with RS256.
fn assertion(
    client_id: &str,
    username: &str,
    audience: &str,
    key: &Secret,
    now: Timestamp,
) -> Result<String, String> {
    let key = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes())
        .map_err(|_| "the private key is no PEM (-----BEGIN PRIVATE KEY-----)".to_owned())?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err("the private key is no RSA key, and RS256 needs one".to_owned()),
    }
    .map_err(|error| {
        format!("the private key cannot be used ({error}); RS256 needs RSA of 2048 bits or more")
    })?;
    let claims = json!({
        "iss": client_id,
        "sub": username,
        "aud": audience,
        "exp": now.seconds() + ASSERTION_LIFE_SECONDS,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256"})), part(&claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| "the private key would not sign".to_owned())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Reads the endpoint's answer.
pub(super) fn read(
    answer: &Answer,
    grant: &Grant,
    asked_at: Timestamp,
    context: &Context<'_>,
) -> Result<Renewed, VendorError> {
    let title = context.connection.system.title();
    let body: Option<Map<String, Value>> = serde_json::from_str(&answer.body).ok();
    let text = |name: &str| body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
    if !(200..300).contains(&answer.status) {
        return Err(refusal(answer, body.as_ref(), context));
    }
    let Some(access_token) = text("access_token").filter(|token| !token.trim().is_empty()) else {
        let what = if body.is_some() { "JSON without an access token" } else { "something that is not JSON" };
        return Err(VendorError {
            status: Some(answer.status),
            ..VendorError::new(
                ErrorClass::Malformed,
                &format!("{title}'s token endpoint answered {} with {what}.", answer.status),
            )
        });
    };
    let life = body
        .as_ref()
        .and_then(|body| body.get("expires_in"))
        .and_then(|life| value_text(life).parse::<f64>().ok())
        .filter(|life| life.is_finite() && *life > 0.0);
    let used = match grant {
        Grant::RefreshToken { refresh_token, .. } => Some(refresh_token.reveal()),
        _ => None,
    };
    Ok(Renewed {
        access_token: Secret::new(access_token),
        refresh_token: used.and(text("refresh_token")).filter(|token| Some(*token) != used).map(Secret::new),
        obtained_at: asked_at,
        // Counted from when it was asked for, so that a slow answer makes it shorter, never longer.
        expires_at: life.map(|life| asked_at.plus(Duration::from_secs_f64(life.min(31_536_000.0)))),
        instance_url: text("instance_url").filter(|url| !url.is_empty()).map(str::to_owned),
    })
}

/// OAuth's error is an object with `error` and `error_description`; HubSpot's has `message` and `status`.
fn refusal(answer: &Answer, body: Option<&Map<String, Value>>, context: &Context<'_>) -> VendorError {
    let title = context.connection.system.title();
    let text = |name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str);
    let code = text("error").or_else(|| text("status").filter(|status| *status != "error"));
    let said = text("error_description").or_else(|| text("message")).or(code);
    // Whatever it calls it, a 400 here is about the grant, never about a record.
    let class = match answer.status {
        400 | 401 | 403 | 404 | 422 => ErrorClass::Auth,
        status => by_status(status),
    };
    let words = match said {
        Some(said) => {
            let code = code.filter(|code| *code != said).map(|code| format!(" ({code})")).unwrap_or_default();
            format!("{title} refused to renew the access token: \"{}\"{code}.", readable(said))
        }
        None => format!("The access token was not renewed: {}", foreign_body(title, answer)),
    };
    VendorError {
        status: Some(answer.status),
        retry_at: answer.retry_after(context.now),
        ..VendorError::new(class, &words)
    }
}

/// An answer as it is recorded: the values of names known to be harmless, and of nothing else.
pub(super) fn shown(body: &str) -> String {
    const HARMLESS: [&str; 15] = [
        "token_type",
        "expires_in",
        "instance_url",
        "issued_at",
        "scope",
        "scopes",
        "hub_id",
        "user_id",
        "error",
        "error_description",
        "status",
        "message",
        "category",
        "correlationId",
        "requestId",
    ];
    let Ok(mut parts) = serde_json::from_str::<Map<String, Value>>(body) else { return body.to_owned() };
    for (name, value) in &mut parts {
        if !HARMLESS.contains(&name.as_str()) {
            *value = Value::String(MASK.to_owned());
        }
    }
    Value::Object(parts).to_string()
}
