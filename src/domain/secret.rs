//! A secret that can be used but not shown.
//!
//! [`Secret`] prints as `••••` with at most its last four characters, is wiped when dropped, and never implements
//! `Serialize`. [`Credentials`] is how `vendors` asks for one without knowing the vault.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::record::Connection;

/// A token or key. Its text is reached only through [`Secret::reveal`].
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes a text as a secret; blanks around it (a pasted newline) are dropped.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Zeroizing::new(text.trim().to_owned())))
    }

    /// The text itself, for a header or a signature; never for a message.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be shown: `••••3f2a`. Nothing of a text too short to be told apart from its tail.
    pub fn hint(&self) -> String {
        let text = self.reveal();
        match text.char_indices().rev().nth(3) {
            Some((at, _)) if text.len() >= 16 => format!("••••{}", &text[at..]),
            _ => "••••".to_owned(),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

/// Where the vendors' clients get their tokens. Implemented by the vault, handed in by `cli`.
pub trait Credentials: Send + Sync + 'static {
    /// The access token of a connection, if there is one.
    fn access_token(&self, connection: &Connection) -> Option<Secret>;
    /// The secret that signs a connection's webhooks, if there is one.
    fn webhook_secret(&self, connection: &Connection) -> Option<Secret>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("  pat-na1-0123456789-abcdef\n");
        assert_eq!(secret.reveal(), "pat-na1-0123456789-abcdef");
        assert_eq!(format!("{secret:?}"), "••••cdef");
        assert_eq!(format!("{:?}", Secret::new("short")), "••••");
    }
}
