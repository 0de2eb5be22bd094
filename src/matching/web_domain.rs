//! Web addresses and mail domains reduced to the registrable domain by the Public Suffix List, private section
//! included, so that two shops on one platform are not one firm. It resolves nothing.

use super::hashing::hash_text;
use super::lists::lists;
use super::similarity::within;

/// The domain of a website or address, where it can be a firm's own: not one of a provider of mailboxes or pages.
pub fn own_domain(text: &str) -> Option<String> {
    let domain = WebDomain::parse(text)?;
    (domain.is_corporate() && !domain.registrable.is_empty()).then_some(domain.registrable)
}

/// A host and what of it can be registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WebDomain {
    /// Lower-case host without `www.`.
    pub(crate) host: String,
    /// `acme.co.uk` of `mail.acme.co.uk`.
    pub(crate) registrable: String,
    /// `acme`: the registrable label without its suffix, signs removed.
    pub(crate) stem: String,
    /// A provider of private mailboxes.
    pub(crate) free_mail: bool,
    /// A throw-away provider, or reserved for examples.
    pub(crate) disposable: bool,
    /// A platform on which others keep pages.
    pub(crate) junk: bool,
}

impl WebDomain {
    /// Identity of the registrable domain.
    pub(crate) fn id(&self) -> u64 {
        hash_text(&self.registrable)
    }

    /// Identity of the stem (`acme.com` and `acme.io` share it).
    pub(crate) fn stem_id(&self) -> u64 {
        hash_text(&self.stem)
    }

    /// The country whose ending the domain has; endings that are sold as words do not count.
    pub(crate) fn country(&self) -> Option<u8> {
        match self.registrable.rsplit('.').next()? {
            "co" | "io" | "ai" | "me" | "tv" | "cc" | "is" | "us" | "in" => None,
            ending if ending.len() == 2 => super::country::country_code(ending),
            _ => None,
        }
    }

    /// Whether the domain can stand for an employer at all.
    pub(crate) fn is_corporate(&self) -> bool {
        !(self.free_mail || self.disposable || self.junk)
    }

    /// Reads a domain or a URL; `None` when the text holds no domain.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 2048 {
            return None;
        }
        let lower = text.to_lowercase();
        let rest = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
        let rest = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let rest = rest.rsplit('@').next().unwrap_or_default();
        let host = rest.split(':').next().unwrap_or_default().trim_matches(['.', ' ', '-']);
        let host = host.strip_prefix("www.").unwrap_or(host);
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !host.contains('.') || !host.chars().all(plain) || host.contains("..") || host.len() > 253 {
            return None;
        }
        let registrable = registrable(host)?.to_owned();
        let label = registrable.split('.').next().unwrap_or_default();
        let stem: String = label.chars().filter(|c| c.is_alphanumeric()).collect();
        let lists = lists();
        Some(Self {
            free_mail: lists.is_free_mail(&registrable) || is_misspelt_provider(&registrable),
            disposable: lists.is_disposable(&registrable) || registrable.ends_with(".invalid"),
            junk: lists.is_junk_site(&registrable) || lists.is_junk_site(host),
            host: host.to_owned(),
            stem,
            registrable,
        })
    }
}

fn registrable(host: &str) -> Option<&str> {
    let found = psl::domain_str(host)?;
    let known = psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known());
    let label = found.split('.').next().unwrap_or_default();
    // An unknown ending is a slip (`acme.com.aum`): do not take the real suffix for the name.
    if !known && matches!(label, "com" | "co" | "net" | "org" | "gov" | "ac") {
        let before = host.strip_suffix(found)?.trim_end_matches('.');
        let name = before.rsplit('.').next().filter(|name| !name.is_empty())?;
        return host.get(host.len() - found.len() - 1 - name.len()..);
    }
    Some(found)
}

/// `gmial.com`, `hotmail.con`: one slip away from the large providers.
fn is_misspelt_provider(registrable: &str) -> bool {
    let Some((stem, suffix)) = registrable.split_once('.') else { return false };
    matches!(suffix, "com" | "co" | "cm" | "con" | "om" | "comm")
        && ["gmail", "hotmail", "outlook", "yahoo"].iter().any(|known| {
            // The first letter stays: slips hit it rarely, and `email` or `tmail` are not `gmail`.
            stem.as_bytes().first() == known.as_bytes().first() && within(stem, known, 1)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String) {
        let domain = WebDomain::parse(text).expect("a domain");
        (domain.registrable, domain.stem)
    }

    #[test]
    fn addresses_become_registrable_domains() {
        assert_eq!(read("HTTPS://WWW.Big-Oak.co.uk/en?x=1"), ("big-oak.co.uk".into(), "bigoak".into()));
        assert_eq!(read("eu.mail.bigoak.com:8443"), ("bigoak.com".into(), "bigoak".into()));
        assert_eq!(read("lamps.myshopify.com"), ("lamps.myshopify.com".into(), "lamps".into()));
        assert_eq!(read("bigoak.com.aum").0, "bigoak.com.aum");
        for nothing in ["", "Big Oak", "localhost", "co.uk", "a..b", "big oak.com"] {
            assert_eq!(WebDomain::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn providers_and_platforms_are_no_employers() {
        for text in
            ["gmail.com", "yahoo.co.jp", "gmial.com", "hotmail.cm", "example.org", "facebook.com/bigoak"]
        {
            assert!(!WebDomain::parse(text).expect("a domain").is_corporate(), "{text}");
        }
        assert!(WebDomain::parse("bigoak.com").expect("a domain").is_corporate());
    }
}
