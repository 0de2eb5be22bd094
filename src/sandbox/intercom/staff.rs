//! The workspace's own people: admins, their teams, and who the token belongs to. Fixed; nothing changes them.

use serde_json::{Value, json};

use super::answers::refused;
use super::{ADMIN_ID, APP_ID, Workspace, dates};
use crate::sandbox::wire::Answer;

/// People of the workspace's own team: id, name, e-mail.
const ADMINS: [(&str, &str, &str); 3] = [
    (ADMIN_ID, "Nora Lindqvist", "nora@brightharbor.io"),
    ("7400102", "Tomasz Wilk", "tomasz@brightharbor.io"),
    ("7400103", "Amara Okoye", "amara@brightharbor.io"),
];

/// Teams: id, name, admins.
const TEAMS: [(&str, &str, &[i64]); 2] =
    [("8140201", "Support", &[7_400_101, 7_400_102]), ("8140202", "Onboarding", &[7_400_103])];

fn teams_of(admin: &str) -> Vec<i64> {
    let member = |members: &[i64]| members.iter().any(|member| member.to_string() == admin);
    TEAMS.iter().filter(|(.., members)| member(members)).filter_map(|(id, ..)| id.parse().ok()).collect()
}

pub(super) fn admin(id: &str) -> Option<Value> {
    let (id, name, email) = ADMINS.iter().find(|(known, ..)| *known == id)?;
    Some(json!({
        "type": "admin",
        "id": id,
        "name": name,
        "email": email,
        "job_title": "Support",
        "away_mode_enabled": false,
        "away_mode_reassign": false,
        "has_inbox_seat": true,
        "team_ids": teams_of(id),
    }))
}

pub(super) fn admins() -> Value {
    let admins: Vec<Value> = ADMINS.iter().filter_map(|(id, ..)| admin(id)).collect();
    json!({"type": "admin.list", "admins": admins})
}

pub(super) fn admin_answer(id: &str) -> Answer {
    admin(id).map_or_else(|| refused(404, "admin_not_found", "Admin not found"), Answer::ok)
}

pub(super) fn team(id: &str) -> Option<Value> {
    let (id, name, members) = TEAMS.iter().find(|(known, ..)| *known == id)?;
    Some(json!({"type": "team", "id": id, "name": name, "admin_ids": members}))
}

pub(super) fn teams() -> Value {
    let teams: Vec<Value> = TEAMS.iter().filter_map(|(id, ..)| team(id)).collect();
    json!({"type": "team.list", "teams": teams})
}

pub(super) fn team_answer(id: &str) -> Answer {
    team(id).map_or_else(|| refused(404, "team_not_found", "Team not found"), Answer::ok)
}

impl Workspace {
    pub(super) fn me(&self) -> Value {
        let mut me = admin(ADMIN_ID).unwrap_or_default();
        me["email_verified"] = json!(true);
        me["app"] = json!({
            "type": "app",
            "id_code": APP_ID,
            "name": "Bright Harbor",
            "created_at": 1_577_872_800,
            "secure": false,
            "identity_verification": false,
            "timezone": dates::name(&self.zone),
            "region": "US",
        });
        me
    }
}
