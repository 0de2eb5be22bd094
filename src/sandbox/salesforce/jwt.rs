//! Signed assertions for the JWT bearer grant: the signature is checked against a registered public key,
//! the claims against what the vendor asks of them. Nothing is trusted that the signature does not cover.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

/// How long before its end an assertion may be signed, with half a minute for clocks that disagree.
const LONGEST_SECONDS: i64 = 180 + 30;

/// What an assertion claims.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: String,
    pub(super) expires: i64,
}

impl Claims {
    /// Whether the assertion is still good and not made to last at this second.
    pub(super) fn stand_at(&self, second: i64) -> bool {
        (1..=LONGEST_SECONDS).contains(&(self.expires - second))
    }
}

/// The claims of an assertion whose RS256 signature the key confirms.
pub(super) fn verified(assertion: &str, public_key: &str) -> Option<Claims> {
    let (signed, signature) = assertion.trim().rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    if part(header)?["alg"] != "RS256" {
        return None;
    }
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa_key(public_key)?);
    key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let claims = part(payload)?;
    let text = |name: &str| claims[name].as_str().map(str::to_owned);
    let audience = text("aud").or_else(|| claims["aud"][0].as_str().map(str::to_owned));
    let expires = claims["exp"].as_i64().or_else(|| claims["exp"].as_str()?.parse().ok())?;
    Some(Claims { issuer: text("iss")?, subject: text("sub")?, audience: audience?, expires })
}

/// The RSA key in a PEM text: a bare key, a wrapped one, or a certificate.
fn rsa_key(pem: &str) -> Option<Vec<u8>> {
    let begin = pem.find("-----BEGIN ")?;
    let rest = &pem[begin + 11..];
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END")?;
    let compact: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    let der = STANDARD.decode(compact).ok()?;
    match label {
        "RSA PUBLIC KEY" => Some(der),
        "PUBLIC KEY" => wrapped_key(&der),
        "CERTIFICATE" => certificate_key(&der),
        _ => None,
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The version of a certificate, which only some have.
const VERSION: u8 = 0xa0;

/// The tag and content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let digits = length - 0x80;
        if !(1..=4).contains(&digits) || rest.len() < digits {
            return None;
        }
        let (bytes, after) = rest.split_at(digits);
        length = bytes.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

fn inside(der: &[u8], wanted: u8) -> Option<&[u8]> {
    element(der).filter(|(tag, ..)| *tag == wanted).map(|(_, content, _)| content)
}

/// The key in a `SubjectPublicKeyInfo`: the algorithm is passed over, the bit string holds the key.
fn wrapped_key(der: &[u8]) -> Option<Vec<u8>> {
    let (_, _, key) = element(inside(der, SEQUENCE)?)?;
    let (unused, key) = inside(key, BIT_STRING)?.split_first()?;
    (*unused == 0).then(|| key.to_vec())
}

/// The key in a certificate: behind serial, algorithm, issuer, validity and subject.
fn certificate_key(der: &[u8]) -> Option<Vec<u8>> {
    let mut rest = inside(inside(der, SEQUENCE)?, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    for _ in 0..5 {
        rest = element(rest)?.2;
    }
    wrapped_key(rest)
}
