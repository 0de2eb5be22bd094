//! Deliveries made by hand, signed as the vendors sign: for what the sandbox would never send. Knows nothing of the
//! product's own signature code.

use std::fmt::Write as _;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Vendor {
    /// HMAC-SHA1 over the body.
    Intercom,
    /// HMAC-SHA256 over method, address, body and time.
    Hubspot,
}

/// One delivery, before it is sent.
pub(crate) struct Delivery {
    vendor: Vendor,
    body: Vec<u8>,
    secret: String,
    milliseconds: i64,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status line's number.
    pub(crate) status: u16,
    /// The header, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Delivery {
    /// A delivery with the sandbox's secret and a signature of this moment.
    pub(crate) fn new(vendor: Vendor, body: impl Into<Vec<u8>>) -> Self {
        let secret = match vendor {
            Vendor::Intercom => "sandbox-intercom-client-secret",
            Vendor::Hubspot => "sandbox-hubspot-client-secret",
        };
        let milliseconds = jiff::Timestamp::now().as_millisecond();
        Self { vendor, body: body.into(), secret: secret.to_owned(), milliseconds }
    }

    /// Signed by somebody else.
    pub(crate) fn secret(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Signed so long ago.
    pub(crate) fn aged(mut self, milliseconds: i64) -> Self {
        self.milliseconds -= milliseconds;
        self
    }

    /// Sends it.
    pub(crate) async fn to(self, address: SocketAddr) -> Answer {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = match self.vendor {
            Vendor::Intercom => "/webhooks/intercom",
            Vendor::Hubspot => "/webhooks/hubspot",
        };
        let url = format!("http://{address}{path}");
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.post(&url).header("content-type", "application/json");
        let request = match self.vendor {
            Vendor::Intercom => {
                let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).unwrap();
                mac.update(&self.body);
                let mut hex = String::new();
                for byte in mac.finalize().into_bytes() {
                    write!(hex, "{byte:02x}").unwrap();
                }
                request.header("x-hub-signature", format!("sha1={hex}"))
            }
            Vendor::Hubspot => {
                let stamp = self.milliseconds.to_string();
                let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
                for part in [b"POST".as_slice(), url.as_bytes(), &self.body, stamp.as_bytes()] {
                    mac.update(part);
                }
                request
                    .header("x-hubspot-signature-v3", STANDARD.encode(mac.finalize().into_bytes()))
                    .header("x-hubspot-request-timestamp", stamp)
            }
        };
        let answer = request.body(self.body).send().await.unwrap();
        Answer {
            status: answer.status().as_u16(),
            retry_after: answer
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse().ok()),
        }
    }
}
