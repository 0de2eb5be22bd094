//! What may differ from portal to portal, or that nobody has settled for us: how a portal behaves beyond its records.
//! Settings only.

/// How the emulated HubSpot behaves; the default is a portal with a private app.
#[derive(Clone, Debug)]
pub struct HubspotRules {
    /// Scopes the token lacks: calls that need one are refused with its name.
    pub without_scopes: Vec<String>,
    /// How long after a write the search still shows what was before.
    pub search_lag_milliseconds: i64,
    /// How long an access token from the OAuth endpoint lives.
    pub token_life_seconds: i64,
    /// Every renewal gives a new refresh token and ends the old one.
    pub rotates_refresh_tokens: bool,
    /// Calls per ten seconds of the OAuth app; there is no daily allowance for it.
    pub oauth_window_limit: u32,
    /// HubSpot's guide says that partial upserts by e-mail are not supported and shows one in the next line. True
    /// takes it by its word: a row that leaves out a value the known contact holds is refused. False takes them.
    pub refuses_partial_upserts_by_email: bool,
    /// Rules of an admin, written `contacts.jobtitle`: since the dated paths, a create without it is refused.
    pub required_properties: Vec<String>,
}

impl Default for HubspotRules {
    fn default() -> Self {
        Self {
            without_scopes: Vec::new(),
            search_lag_milliseconds: 0,
            token_life_seconds: 1_800,
            rotates_refresh_tokens: false,
            oauth_window_limit: 110,
            refuses_partial_upserts_by_email: false,
            required_properties: Vec::new(),
        }
    }
}
