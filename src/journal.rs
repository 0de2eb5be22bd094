//! STUB for building the console; dropped at merge.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::allow_attributes)]
use crate::domain::clock::Timestamp;
use crate::domain::error_class::ErrorClass;
use crate::domain::evidence::Evidence;
use crate::domain::execution::*;
use crate::domain::filter::{Filter, Key, span};
use crate::domain::ids::*;
use crate::domain::overview::*;
use crate::domain::page::*;
use crate::domain::plan::*;
use crate::domain::record::*;
use crate::domain::review::*;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

#[derive(Clone)]
pub struct Journal {
    pub state: Arc<Mutex<State>>,
    pub sender: Arc<tokio::sync::watch::Sender<i64>>,
}

pub struct State {
    pub now: Timestamp,
    pub change: i64,
    pub failing: Option<String>,
    pub executions: Vec<Execution>,
    pub details: Vec<ExecutionDetail>,
    pub conflicts: Vec<Conflict>,
    pub duplicates: Vec<Duplicate>,
    pub unlinked: Vec<Unlinked>,
}

fn page<T: Clone>(all: Vec<(i64, T)>, anchor: Anchor, limit: usize) -> Page<T> {
    let find = |id: i64| all.iter().position(|(k, _)| *k == id);
    let n = all.len();
    let (from, to) = match anchor {
        Anchor::First => (0, limit.min(n)),
        Anchor::Last => (n.saturating_sub(limit), n),
        Anchor::After(id) => {
            let f = find(id).map_or(0, |p| p + 1);
            (f, (f + limit).min(n))
        }
        Anchor::Before(id) => {
            let t = find(id).unwrap_or(0);
            (t.saturating_sub(limit), t)
        }
        Anchor::At(id) => {
            let f = find(id).unwrap_or(0);
            (f, (f + limit).min(n))
        }
    };
    Page {
        rows: all[from..to].iter().map(|(_, r)| r.clone()).collect(),
        total: n as u64,
        before: from as u64,
    }
}

fn text_ok(filter: &Filter, texts: &[&str]) -> bool {
    filter.terms.iter().filter(|t| t.key.is_none()).all(|t| {
        let v = t.value.to_lowercase();
        texts.iter().any(|x| x.to_lowercase().contains(&v)) != t.negated
    })
}

impl Journal {
    pub fn change(&self, edit: impl FnOnce(&mut State)) {
        let number = {
            let mut s = self.state.lock().unwrap();
            edit(&mut s);
            s.change += 1;
            s.change
        };
        self.sender.send_replace(number);
    }
    fn get<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, JournalError> {
        let s = self.state.lock().unwrap();
        if let Some(why) = &s.failing {
            return Err(JournalError(why.clone()));
        }
        Ok(read(&s))
    }
    pub async fn counts(&self) -> Result<Counts, JournalError> {
        self.get(|s| Counts {
            executions: Status::ALL
                .iter()
                .map(|w| (*w, s.executions.iter().filter(|e| e.status == *w).count() as u64))
                .collect(),
            conflicts: s.conflicts.iter().filter(|c| c.state == ReviewState::Open).count() as u64,
            duplicates: s.duplicates.iter().filter(|c| c.state == ReviewState::Open).count() as u64,
            unlinked: s.unlinked.iter().filter(|c| c.state == ReviewState::Open).count() as u64,
        })
    }
    pub async fn overview(&self) -> Result<Overview, JournalError> {
        let counts = self.counts().await?;
        self.get(|s| {
            let now = s.now;
            let mut clusters: Vec<Cluster> = Vec::new();
            for e in &s.executions {
                let Some(class) = e.error_class else { continue };
                if !matches!(e.status, Status::Failed | Status::Retrying) {
                    continue;
                }
                if let Some(c) = clusters
                    .iter_mut()
                    .find(|c| c.class == class && c.code == e.error_code && c.status == e.status)
                {
                    c.count += 1
                } else {
                    clusters.push(Cluster {
                        class,
                        code: e.error_code,
                        status: e.status,
                        count: 1,
                        sentence: e.sentence.clone(),
                        first_at: e.updated_at,
                    })
                }
            }
            clusters.sort_by_key(|c| std::cmp::Reverse(c.count));
            let old = |ms: i64| Some(Timestamp(now.0 - ms));
            let empty = s.executions.is_empty();
            Overview {
                next_due: s.executions.iter().filter_map(|e| e.due_at).min(),
                oldest: if empty {
                    [None; 4]
                } else {
                    [old(3 * 3_600_000), old(86_400_000), old(6 * 86_400_000), old(2 * 86_400_000)]
                },
                certain_duplicates: s
                    .duplicates
                    .iter()
                    .filter(|d| d.band == Band::Auto && d.state == ReviewState::Open)
                    .count() as u64,
                clear_links: s
                    .unlinked
                    .iter()
                    .filter(|d| {
                        d.state == ReviewState::Open
                            && d.candidates.first().is_some_and(|c| c.probability > 0.9)
                    })
                    .count() as u64,
                clusters,
                hours: if empty {
                    vec![]
                } else {
                    [2u64, 2, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 7, 7, 8, 8, 8, 6, 5, 4, 4, 3, 3, 2]
                        .iter()
                        .enumerate()
                        .map(|(i, v)| Hour {
                            succeeded: v * 11,
                            failed: if (17..21).contains(&i) { (i as u64 - 15) / 2 } else { 0 },
                            skipped: v + 2,
                        })
                        .collect()
                },
                echoes_dropped: 212,
                connections: vec![
                    ConnectionState {
                        connection: Connection::only(System::Intercom),
                        health: Health::Up,
                        since: Timestamp(now.0 - 86_400_000),
                        latency_ms: 212,
                        used: 381,
                        limit: 1000,
                        window_seconds: 60,
                        note: String::new(),
                    },
                    ConnectionState {
                        connection: Connection::only(System::Hubspot),
                        health: Health::Degraded,
                        since: Timestamp(now.0 - 600_000),
                        latency_ms: 1900,
                        used: 96,
                        limit: 110,
                        window_seconds: 10,
                        note: "slow answers, 4 calls waited for the limit".into(),
                    },
                    ConnectionState {
                        connection: Connection::only(System::Salesforce),
                        health: Health::Down,
                        since: Timestamp(now.0 - 3 * 3_600_000),
                        latency_ms: 0,
                        used: 0,
                        limit: 0,
                        window_seconds: 0,
                        note: "Refuses the access token since 11:02: expired access/refresh token.".into(),
                    },
                ],
                latest: if empty {
                    vec![]
                } else {
                    vec![
                        Activity {
                            at: Timestamp(now.0 - 12_000),
                            actor: "ana".into(),
                            verb: "link".into(),
                            object: "Priya Patel".into(),
                            note: "to Globex Corporation, Salesforce account 001…8Kd".into(),
                        },
                        Activity {
                            at: Timestamp(now.0 - 28_000),
                            actor: "engine".into(),
                            verb: "write".into(),
                            object: "hubspot/contact/151".into(),
                            note: "2 fields: jobtitle, phone".into(),
                        },
                        Activity {
                            at: Timestamp(now.0 - 139_000),
                            actor: "engine".into(),
                            verb: "fail".into(),
                            object: "ex_4821".into(),
                            note: "HubSpot 400, needs you".into(),
                        },
                        Activity {
                            at: Timestamp(now.0 - 239_000),
                            actor: "engine".into(),
                            verb: "write".into(),
                            object: "intercom/contact/64e2f1a3".into(),
                            note: "1 field: plan".into(),
                        },
                        Activity {
                            at: Timestamp(now.0 - 339_000),
                            actor: "engine".into(),
                            verb: "write".into(),
                            object: "intercom/contact/64e2f1a4".into(),
                            note: "1 field: plan".into(),
                        },
                    ]
                },
                counts,
            }
        })
    }
    pub async fn executions(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Execution>, JournalError> {
        self.get(|s| {
            let rows = s
                .executions
                .iter()
                .rev()
                .filter(|e| {
                    text_ok(filter, &[&e.recipe, &e.subject, &e.sentence, &e.id.to_string()])
                        && filter.terms.iter().all(|t| {
                            let hit = match t.key {
                                None => return true,
                                Some(Key::Status) => {
                                    if t.value == "open" {
                                        !matches!(
                                            e.status,
                                            Status::Succeeded | Status::Skipped | Status::Discarded
                                        )
                                    } else {
                                        e.status.as_str() == t.value
                                    }
                                }
                                Some(Key::Recipe) => e.recipe.starts_with(t.value.trim_end_matches('*')),
                                Some(Key::Error) => e.error_class.is_some_and(|c| c.as_str() == t.value),
                                Some(Key::Since) => span(&t.value)
                                    .is_some_and(|d| s.now.since(e.updated_at) < d.as_millis() as i64),
                                Some(Key::Age) => span(&t.value)
                                    .is_some_and(|d| s.now.since(e.updated_at) > d.as_millis() as i64),
                                _ => true,
                            };
                            hit != t.negated
                        })
                })
                .map(|e| (e.id.0, e.clone()))
                .collect();
            page(rows, anchor, limit)
        })
    }
    pub async fn execution(&self, id: ExecutionId) -> Result<Option<ExecutionDetail>, JournalError> {
        self.get(|s| {
            let e = s.executions.iter().find(|e| e.id == id)?.clone();
            let mut d =
                s.details.iter().find(|d| d.execution.id == id).cloned().unwrap_or_else(|| detail(e.clone()));
            d.execution = e;
            Some(d)
        })
    }
    pub async fn conflicts(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Conflict>, JournalError> {
        self.get(|s| {
            page(
                s.conflicts
                    .iter()
                    .filter(|c| {
                        matches!(c.state, ReviewState::Open | ReviewState::Deciding)
                            && text_ok(filter, &[&c.subject, &c.field])
                            && filter.terms.iter().all(|t| t.key != Some(Key::Field) || c.field == t.value)
                    })
                    .map(|c| (c.id.0, c.clone()))
                    .collect(),
                anchor,
                limit,
            )
        })
    }
    pub async fn duplicates(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Duplicate>, JournalError> {
        self.get(|s| {
            page(
                s.duplicates
                    .iter()
                    .filter(|c| {
                        matches!(c.state, ReviewState::Open | ReviewState::Deciding)
                            && text_ok(filter, &[&c.subject])
                    })
                    .map(|c| (c.id.0, c.clone()))
                    .collect(),
                anchor,
                limit,
            )
        })
    }
    pub async fn unlinked(
        &self,
        filter: &Filter,
        anchor: Anchor,
        limit: usize,
    ) -> Result<Page<Unlinked>, JournalError> {
        self.get(|s| {
            page(
                s.unlinked
                    .iter()
                    .filter(|c| {
                        matches!(c.state, ReviewState::Open | ReviewState::Deciding)
                            && text_ok(filter, &[&c.subject, &c.domain])
                    })
                    .map(|c| (c.id.0, c.clone()))
                    .collect(),
                anchor,
                limit,
            )
        })
    }
    pub async fn change_number(&self) -> Result<i64, JournalError> {
        self.get(|s| s.change)
    }
    pub fn watch(&self) -> tokio::sync::watch::Receiver<i64> {
        self.sender.subscribe()
    }

    pub fn empty(now: Timestamp) -> Self {
        let (sender, _) = tokio::sync::watch::channel(0);
        Self {
            state: Arc::new(Mutex::new(State {
                now,
                change: 0,
                failing: None,
                executions: vec![],
                details: vec![],
                conflicts: vec![],
                duplicates: vec![],
                unlinked: vec![],
            })),
            sender: Arc::new(sender),
        }
    }

    pub fn rich(now: Timestamp, filler: i64) -> Self {
        let journal = Self::empty(now);
        journal.change(|s| fill(s, filler));
        journal
    }
}

fn fill(s: &mut State, filler: i64) {
    use ErrorClass as C;
    use Status as S;
    let now = s.now;
    let m = 60_000;
    let h = 60 * m;
    let d = 24 * h;
    let names = [
        "Tom Nguyen",
        "Jane Doe",
        "Marta Rossi",
        "Aiko Tanaka",
        "Omar Farah",
        "Zoë Ångström",
        "Ken Ito",
        "Priya Patel",
        "Noor Haddad",
        "佐藤 花子",
    ];
    for i in 1..=filler {
        let skip = i % 5 == 0;
        s.executions.push(Execution {
            id: ExecutionId(i),
            event: Some(EventId(i)),
            decision: None,
            recipe: ["contact-upsert", "timeline-note", "company-sync"][(i % 3) as usize].into(),
            subject: names[(i % 10) as usize].into(),
            record: None,
            status: if skip { S::Skipped } else { S::Succeeded },
            outcome: Some(if skip { Outcome::Skip } else { Outcome::Updated }),
            sentence: if skip {
                "Both sides already agreed; nothing was written.".into()
            } else {
                "Updated 2 fields of HubSpot contact 151.".into()
            },
            error_class: None,
            error_code: None,
            attempts: 0,
            max_attempts: 5,
            due_at: None,
            priority: Priority::Live,
            created_at: Timestamp(now.0 - (filler - i + 200) * 3 * m),
            updated_at: Timestamp(now.0 - (filler - i + 200) * 3 * m),
        });
    }
    let rows: Vec<(S, i64, &str, &str, u32, Option<C>, Option<u16>, &str)> = vec![
        (
            S::Held,
            d,
            "low-csat-task",
            "Ruth Stone",
            1,
            Some(C::NotFound),
            Some(404),
            "Waits for your decision on a conflict: the owner is gone in HubSpot.",
        ),
        (
            S::Failed,
            3 * h,
            "task-log",
            "Hana Kim",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::Failed,
            3 * h,
            "task-log",
            "Sofia Costa",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::Failed,
            3 * h,
            "lead-create",
            "Liam Walsh",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::Failed,
            3 * h,
            "closed-won→intercom",
            "Globex Corporation",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::Failed,
            3 * h,
            "case-create",
            "Noor Haddad",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::Failed,
            3 * h,
            "lead-create",
            "Priya Patel",
            5,
            Some(C::Auth),
            Some(401),
            "Salesforce refused the access token. Nothing was written.",
        ),
        (
            S::InDoubt,
            2 * h,
            "lead-create",
            "佐藤 花子",
            1,
            Some(C::Timeout),
            None,
            "Salesforce gave no answer in 30 s: the lead may or may not exist.",
        ),
        (
            S::Failed,
            h,
            "contact-upsert",
            "Ken Ito",
            5,
            Some(C::DuplicateDetected),
            Some(409),
            "HubSpot has another contact with ken.ito@example.com, id 151.",
        ),
        (S::Pending, 6 * m, "contact-upsert", "Zoë Ångström", 0, None, None, "Waits for its turn."),
        (
            S::Retrying,
            5 * m,
            "ticket-suppress",
            "Omar Farah",
            1,
            Some(C::Unavailable),
            Some(503),
            "HubSpot could not answer; it is tried again by itself.",
        ),
        (
            S::Retrying,
            4 * m,
            "timeline-note",
            "Aiko Tanaka",
            2,
            Some(C::RateLimited),
            Some(429),
            "HubSpot allows no more calls in these 10 s.",
        ),
        (
            S::Retrying,
            4 * m,
            "timeline-note",
            "Marta Rossi",
            2,
            Some(C::RateLimited),
            Some(429),
            "HubSpot allows no more calls in these 10 s.",
        ),
        (S::Running, 20_000, "contact-upsert", "Mia Chen", 0, None, None, "A worker is on it."),
        (
            S::Failed,
            2 * m,
            "contact-upsert",
            "Jane Doe",
            2,
            Some(C::DuplicateDetected),
            Some(409),
            "HubSpot has another contact with jane.doe@acme.com, id 151.",
        ),
        (
            S::Failed,
            2 * m,
            "conversation→deal",
            "Tom Nguyen",
            2,
            Some(C::NotAllowedValue),
            Some(400),
            "HubSpot does not know the deal stage \"Demo requested\". Tom Nguyen's deal stays in Contacted.",
        ),
    ];
    let base = 4806.max(filler + 1);
    for (i, (status, ago, recipe, subject, attempts, class, code, sentence)) in rows.into_iter().enumerate() {
        let e = Execution {
            id: ExecutionId(base + i as i64),
            event: Some(EventId(9000 + i as i64)),
            decision: None,
            recipe: recipe.into(),
            subject: subject.into(),
            record: Some(RecordRef::new(System::Intercom, ObjectKind::Contact, "64e2f1a3")),
            status,
            outcome: status.is_finished().then_some(Outcome::Error),
            sentence: sentence.into(),
            error_class: class,
            error_code: code,
            attempts,
            max_attempts: 5,
            due_at: (status == S::Retrying).then(|| Timestamp(now.0 + 42_000)),
            priority: Priority::Live,
            created_at: Timestamp(now.0 - ago),
            updated_at: Timestamp(now.0 - ago),
        };
        s.executions.push(e);
    }
    let ic = |id: &str| RecordRef::new(System::Intercom, ObjectKind::Contact, id);
    let hs = |id: &str| RecordRef::new(System::Hubspot, ObjectKind::Contact, id);
    let conflicts: Vec<(i64, &str, &str, ConflictKind, Value, Value, Option<Value>, &str, Vec<&str>, i64)> = vec![
        (
            1,
            "Jane Doe",
            "Job title",
            ConflictKind::BothChanged,
            json!("VP Engineering"),
            json!("VP of Engineering"),
            Some(json!("VP Engineering")),
            "ask",
            vec![],
            12 * m,
        ),
        (
            2,
            "Jane Doe",
            "Lifecycle stage",
            ConflictKind::NotAllowed,
            json!("Demo requested"),
            json!("salesqualifiedlead"),
            None,
            "HubSpot owns",
            vec![
                "demo_requested",
                "lead",
                "marketingqualifiedlead",
                "salesqualifiedlead",
                "opportunity",
                "customer",
                "evangelist",
            ],
            12 * m,
        ),
        (
            3,
            "Marta Rossi",
            "Phone",
            ConflictKind::BothChanged,
            json!("+1 415 555 0199"),
            json!("+1 415 555 0100"),
            Some(json!("+1 415 555 0000")),
            "newest wins, but both changed within a minute",
            vec![],
            h,
        ),
        (
            4,
            "Globex Corporation",
            "Employees",
            ConflictKind::WrongType,
            json!("about 200"),
            json!(180),
            Some(json!(180)),
            "Intercom owns",
            vec![],
            3 * h,
        ),
        (
            5,
            "Ken Ito",
            "Plan",
            ConflictKind::OwnershipBreach,
            json!("Scale"),
            json!("Starter"),
            Some(json!("Scale")),
            "Intercom owns",
            vec!["Starter", "Scale", "Enterprise"],
            5 * h,
        ),
        (
            6,
            "Omar \u{1b}[31mFarah\u{202e}",
            "Owner",
            ConflictKind::Flapping,
            json!("Ana Ruiz"),
            json!("Ken Ito"),
            None,
            "ask",
            vec![],
            d,
        ),
    ];
    for (id, subject, field, kind, left, right, basev, rule, allowed, ago) in conflicts {
        s.conflicts.push(Conflict {
            id: ConflictId(id),
            kind,
            subject: subject.into(),
            field: field.into(),
            left: ic("64e2f1a3"),
            left_field: field.to_lowercase().replace(' ', "_"),
            left_value: left,
            left_changed_at: Some(Timestamp(now.0 - 2 * m)),
            right: hs("151"),
            right_field: field.to_lowercase().replace(' ', ""),
            right_value: right,
            right_changed_at: Some(Timestamp(now.0 - 50 * d)),
            base: basev,
            rule: rule.into(),
            allowed: allowed.into_iter().map(String::from).collect(),
            state: ReviewState::Open,
            execution: Some(ExecutionId(4821)),
            deciding: None,
            created_at: Timestamp(now.0 - ago),
            resolution: None,
        });
    }
    let ev = |c: &str, level: &str, mb: i32, l: &str, r: &str| Evidence {
        comparison: c.into(),
        level: level.into(),
        millibits: mb,
        left: l.into(),
        right: r.into(),
        note: None,
    };
    let dups: Vec<(i64, &str, f64, System)> = vec![
        (1, "Jane Doe", 0.97, System::Hubspot),
        (2, "Tom Nguyen", 0.95, System::Hubspot),
        (3, "Aiko Tanaka", 0.94, System::Salesforce),
        (4, "Globex", 0.92, System::Hubspot),
        (5, "Ken Ito", 0.81, System::Salesforce),
        (6, "Marta Rossi", 0.76, System::Hubspot),
        (7, "Omar Farah", 0.71, System::Salesforce),
        (8, "Paul Meyer", 0.64, System::Hubspot),
        (9, "Ruth Stone", 0.58, System::Hubspot),
    ];
    for (id, name, p, system) in dups {
        let lf = json!({"firstname": name.split(' ').next(), "lastname": name.split(' ').nth(1), "email": "jane.doe@acme.com", "phone": "+1 415 555 0199", "company": "Acme", "lifecyclestage": "marketingqualifiedlead", "owner": "Ana Ruiz", "createdate": "2024-03-12"});
        let rf = json!({"firstname": "Jane A.", "lastname": name.split(' ').nth(1), "email": "jane.doe@acme.com", "phone": null, "company": "Acme Inc.", "lifecyclestage": "salesqualifiedlead", "owner": "Ana Ruiz", "createdate": "2025-01-03", "jobtitle": "VP of Engineering"});
        let (Value::Object(lf), Value::Object(rf)) = (lf, rf) else { unreachable!() };
        s.duplicates.push(Duplicate { id: DuplicateId(id), subject: name.into(), left: RecordRef::new(system, ObjectKind::Contact, format!("{}", 150 + id)), left_fields: lf, right: RecordRef::new(system, ObjectKind::Contact, format!("{}", 8840 + id)), right_fields: rf, probability: p, band: if p > 0.9 { Band::Auto } else { Band::Review },
            evidence: vec![ev("prior", "1 in 1,000,000", -8400, "", ""), ev("e-mail", "same", 10_100, "jane.doe@acme.com", "jane.doe@acme.com"), ev("phone", "same", 3600, "+1 415 555 0199", "415-555-0199"), ev("name", "alike 0.93", 1400, "Jane Doe", "Jane A. Doe"), ev("company", "alike 0.88", 700, "Acme", "Acme Inc."), ev("mail domain", "other", -1200, "acme.com", "gmail.com")],
            fingerprint: "x".into(), mergeable: id != 5, obstacle: (id == 5).then(|| "Salesforce merges only with the SOAP API, which this org has switched off. Merge them in Salesforce by hand; Reknit notices.".into()), state: ReviewState::Open, deciding: None, created_at: Timestamp(now.0 - id * 8 * h), resolution: None });
    }
    let cand = |name: &str, id: &str, p: f64, e: Vec<Evidence>| LinkCandidate {
        company: RecordRef::new(System::Salesforce, ObjectKind::Company, id),
        name: name.into(),
        domain: "globex.io".into(),
        probability: p,
        evidence: e,
    };
    let people: Vec<(i64, &str, &str, f64, i64)> = vec![
        (1, "Priya Patel", "globex.io", 0.96, 2 * h),
        (2, "Dev Shah", "globex.io", 0.96, 2 * h),
        (3, "Mia Chen", "globex.io", 0.95, 3 * h),
        (4, "Omar Farah", "initech.com", 0.91, 5 * h),
        (5, "Ines Duarte", "umbrella.co", 0.74, d),
        (6, "Paul Meyer", "gmail.com", 0.41, d),
        (7, "Hana Kim", "", 0.0, 2 * d),
    ];
    for (id, name, domain, p, ago) in people {
        s.unlinked.push(Unlinked {
            id: UnlinkedId(id),
            subject: name.into(),
            contact: RecordRef::new(System::Salesforce, ObjectKind::Contact, "0035g00000Xq2AAE"),
            domain: domain.into(),
            hint: if p > 0.0 {
                "Intercom company Globex, 4 colleagues".into()
            } else {
                "no company in Intercom".into()
            },
            candidates: if p == 0.0 {
                vec![]
            } else {
                vec![
                    cand(
                        "Globex Corporation",
                        "0015g00000A8Kd",
                        p,
                        vec![
                            ev("prior", "1 in 40", -5300, "", ""),
                            ev("e-mail domain", "is the account's website", 6200, "globex.io", "globex.io"),
                            ev("colleagues", "4 of this Intercom company are linked to it", 3400, "4", ""),
                            ev("country", "same", 700, "DE", "DE"),
                        ],
                    ),
                    cand(
                        "Globex EMEA GmbH",
                        "0015g00000A2Qa",
                        p * 0.62,
                        vec![
                            ev("name", "child account, alike", 2600, "Globex", "Globex EMEA GmbH"),
                            ev(
                                "e-mail domain",
                                "website is globex.de, no contact has a globex.io e-mail",
                                -1800,
                                "globex.io",
                                "globex.de",
                            ),
                        ],
                    ),
                    cand(
                        "Globex Foundation",
                        "0015g00000A9Zt",
                        p * 0.18,
                        vec![
                            ev("name", "only the name is alike", 1100, "Globex", "Globex Foundation"),
                            ev("activity", "closed in 2023", -2300, "", ""),
                        ],
                    ),
                ]
            },
            state: ReviewState::Open,
            deciding: None,
            created_at: Timestamp(now.0 - ago),
            resolution: None,
        });
    }
}

fn detail(e: Execution) -> ExecutionDetail {
    let at = |ms: i64| Timestamp(e.updated_at.0 - 9_000 + ms);
    let failed = e.error_code.is_some() || e.error_class.is_some();
    let mut attempts = vec![Attempt { number: 1, step: None, purpose: "find contact by e-mail".into(), started_at: at(100), duration_ms: 84, method: "POST".into(), url: "https://api.hubapi.com/crm/v3/objects/contacts/search".into(), request: r#"{"filterGroups":[{"filters":[{"propertyName":"email","operator":"EQ","value":"tom.nguyen@example.com"}]}],"limit":2}"#.into(), status: Some(200), response: r#"{"total":1,"results":[{"id":"151","properties":{"email":"tom.nguyen@example.com","firstname":"Tom"}}]}"#.into(), request_id: Some("f3c1-22".into()), class: None }];
    for n in 1..=e.attempts {
        let last = n == e.attempts;
        attempts.push(Attempt { number: n, step: Some(0), purpose: "update deal 9213".into(), started_at: at(1000 * i64::from(n)), duration_ms: 61 * n, method: "PATCH".into(), url: "https://api.hubapi.com/crm/v3/objects/deals/9213".into(), request: r#"{"properties":{"dealstage":"Demo requested","amount":12000.50}}"#.into(), status: if last { e.error_code } else { Some(429) }, response: r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Demo requested was not one of the allowed options: [appointmentscheduled, demo_requested]\",\"error\":\"INVALID_OPTION\",\"name\":\"dealstage\"}]","correlationId":"aeb5f871-7f07-4993-9211-075dc63e7cbf","category":"VALIDATION_ERROR"}"#.into(), request_id: Some(format!("aeb5-{n}")), class: if last { e.error_class } else { Some(ErrorClass::RateLimited) } });
    }
    let fields =
        serde_json::from_str::<Fields>(r#"{"dealstage":"Demo requested","amount":12000.50}"#).unwrap();
    let mut first = Step::new(
        "Update HubSpot deal 9213: dealstage, amount",
        Effect::Update { record: RecordRef::new(System::Hubspot, ObjectKind::Deal, "9213"), fields },
    );
    first.state = if failed {
        StepState::Failed
    } else if e.status == Status::Succeeded {
        StepState::Done
    } else {
        StepState::Waiting
    };
    let mut note =
        serde_json::from_str::<Fields>(r#"{"hs_note_body":"Asked for a demo on 12 Nov"}"#).unwrap();
    note.insert("hs_timestamp".into(), json!("2026-11-21T14:01:02Z"));
    let second = Step::new(
        "Create HubSpot note on deal 9213",
        Effect::Create {
            connection: Connection::only(System::Hubspot),
            object: ObjectKind::Note,
            fields: note,
            identity: "hs_unique_id".into(),
        },
    );
    ExecutionDetail { topic: Some("conversation.admin.closed".into()), received_at: Some(at(0)), deliveries: 1, payload: r#"{"type":"notification_event","app_id":"a1b2c3","topic":"conversation.admin.closed","id":"notif_29325834","created_at":1795000000,"data":{"item":{"type":"conversation","id":"29325834","state":"closed","custom_attributes":{"Outcome":"Demo requested"}}}}"#.into(),
        plan: Some(Plan { steps: vec![first, second], skips: vec![FieldSkip { field: "closedate".into(), reason: "HubSpot owns it and it is already set".into() }], conflicts: vec![], nothing: None }),
        attempts, vendor_words: failed.then(|| "Property values were not valid: Demo requested was not one of the allowed options: [appointmentscheduled, demo_requested, qualifiedtobuy, presentationscheduled]".into()), conflicts: if failed { vec![ConflictId(2)] } else { vec![] }, execution: e }
}
