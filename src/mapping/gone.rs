//! Fields of Intercom that its API gave until version 2.0 and gives no more, and the one that has a new name.
//!
//! A mapping from old times names them; mapped, they would be empty for ever without anybody noticing.

/// The seventeen fields of users and leads that contacts do not have.
pub const GONE: [&str; 17] = [
    "anonymous",
    "pseudonym",
    "session_count",
    "referrer",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
    "postal_code",
    "timezone",
    "continent_code",
    "country_code",
    "user_agent_data",
    "latitude",
    "longitude",
    "last_seen_ip",
];

/// Why a field of a contact cannot be mapped, and what to do; none for one that can.
///
/// An attribute of one's own may have any of these names: it is written with `custom_attributes.` before it.
pub fn gone(field: &str) -> Option<(String, String)> {
    // Until 2.0 the places stood in location_data; what contacts have now is called location.
    let name = field.strip_prefix("location_data.").unwrap_or(field);
    if name == "user_id" {
        return Some((
            "Intercom's user_id is called external_id since API 2.0".into(),
            "write external_id".into(),
        ));
    }
    if GONE.contains(&name) {
        let fix = match name {
            "country_code" | "continent_code" => "map location.country, which contacts have".into(),
            "pseudonym" | "anonymous" => "use role, which says user or lead".into(),
            _ => format!(
                "take the field out, or send the value to Intercom as custom_attributes.{name} yourself and map that"
            ),
        };
        return Some((
            format!(
                "Intercom's API has not given \"{field}\" since version 2.0: users and leads became contacts"
            ),
            fix,
        ));
    }
    (name != field).then(|| {
        (
            format!("Intercom's API has not given \"{field}\" since version 2.0"),
            format!("write location.{name}, if contacts have it"),
        )
    })
}
