//! Which addresses may deliver, where the settings name them; and who a caller is when a proxy stands before us.
//!
//! No proof of anything: the signature is judged all the same. It only keeps strangers away from the code that judges.
//! Who may not deliver is put off, not refused for good: vendors change their addresses, and HubSpot never sends again
//! after a 403.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Addresses and networks as the settings write them: `198.51.100.7`, `2001:db8::/32`.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads them; the first that is none, with the reason.
    pub(super) fn read(texts: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            let text = text.trim();
            let one = text.parse::<IpAddr>().map(IpNet::from).ok();
            one.or_else(|| text.parse().ok()).ok_or_else(|| text.to_owned())
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(Self).map_err(|text| {
            format!("\"{text}\" is neither an address (198.51.100.7) nor a network (198.51.100.0/24)")
        })
    }

    fn hold(&self, address: IpAddr) -> bool {
        // A socket for both kinds of addresses tells the older ones in the newer's clothes.
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Who may deliver.
#[derive(Debug, Clone, Default)]
pub(super) struct Callers {
    /// None = everybody.
    allowed: Option<Networks>,
    proxies: Networks,
}

impl Callers {
    pub(super) const fn new(allowed: Option<Networks>, proxies: Networks) -> Self {
        Self { allowed, proxies }
    }

    /// The caller who may not deliver; none who may.
    pub(super) fn stranger(&self, peer: Peer, headers: &HeaderMap) -> Option<IpAddr> {
        let allowed = self.allowed.as_ref()?;
        let caller = self.behind(peer.0, headers);
        (!allowed.hold(caller)).then_some(caller)
    }

    /// The last address of the chain that none of our own proxies has. What stands before it, the caller may have
    /// written themselves.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer.to_canonical();
        let told = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let chain: Vec<&str> = told.flat_map(|value| value.split(',')).map(str::trim).collect();
        for address in chain.iter().rev() {
            if !self.proxies.hold(caller) {
                break;
            }
            let Ok(address) = address.parse::<IpAddr>() else { break };
            caller = address.to_canonical();
        }
        caller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(allowed: &[&str], proxies: &[&str]) -> Callers {
        let read = |texts: &[&str]| {
            Networks::read(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).expect("valid")
        };
        Callers::new((!allowed.is_empty()).then(|| read(allowed)), read(proxies))
    }

    fn stranger(callers: &Callers, peer: &str, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header"));
        }
        let peer = Peer(peer.parse().expect("an address"));
        callers.stranger(peer, &headers).map(|address| address.to_string())
    }

    #[test]
    fn without_a_list_everybody_may_and_with_one_only_who_is_on_it() {
        assert_eq!(stranger(&callers(&[], &[]), "203.0.113.9", &[]), None);
        let callers = callers(&["198.51.100.0/24", "2001:db8::1"], &[]);
        for (peer, refused) in [
            ("198.51.100.200", false),
            ("::ffff:198.51.100.200", false),
            ("2001:db8::1", false),
            ("2001:db8::2", true),
            ("203.0.113.9", true),
        ] {
            assert_eq!(stranger(&callers, peer, &[]).is_some(), refused, "{peer}");
        }
    }

    #[test]
    fn a_caller_cannot_write_themselves_in_and_a_proxy_of_ours_is_believed() {
        let plain = callers(&["198.51.100.7"], &[]);
        assert!(stranger(&plain, "203.0.113.9", &["198.51.100.7"]).is_some(), "nobody's header is believed");
        let behind = callers(&["198.51.100.7"], &["127.0.0.1", "10.0.0.0/8"]);
        assert_eq!(stranger(&behind, "127.0.0.1", &["198.51.100.7"]), None);
        assert_eq!(stranger(&behind, "127.0.0.1", &["198.51.100.7, 10.1.2.3"]), None, "two of ours");
        let forged = stranger(&behind, "127.0.0.1", &["198.51.100.7, 203.0.113.9"]);
        assert_eq!(
            forged.as_deref(),
            Some("203.0.113.9"),
            "what the caller wrote stands before what the proxy did"
        );
        assert_eq!(
            stranger(&behind, "127.0.0.1", &["198.51.100.7", "203.0.113.9"]),
            forged,
            "two headers are one list"
        );
        assert!(stranger(&behind, "127.0.0.1", &["unknown"]).is_some());
        assert!(stranger(&behind, "127.0.0.1", &[]).is_some(), "the proxy itself delivers nothing");
    }

    #[test]
    fn what_is_no_address_is_named() {
        let why = Networks::read(&["198.51.100.0/24".into(), "hubspot.com".into()]).expect_err("wrong");
        assert!(why.contains("\"hubspot.com\""), "{why}");
    }
}
