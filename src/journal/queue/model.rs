//! The queue against a model: random operations on a real journal and on a few lines of plain Rust that say what must
//! hold. One running per person, tokens, starts, order in a lane, counters, nothing lost, nothing stuck.
//!
//! `REKNIT_MODEL_CASES=n` tries so many sequences (16 else). A failing one is shrunk and printed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::tests::{Desk, LEASE, begun, incoming, number, record, say};
use super::*;
use crate::domain::clock::Clock as _;
use crate::domain::execution::Priority;
use crate::journal::intake::Appended;

const PEOPLE: u8 = 6;

#[derive(Debug, Clone)]
enum Operation {
    Append { record: u8, priority: u8, wait: u8 },
    Claim { limit: u8 },
    Begin { which: u8 },
    Settle { which: u8, how: u8, wait: u8 },
    SettleLate { how: u8 },
    Renew,
    Advance { seconds: u8 },
    Silence,
    Death,
    GiveBack { which: u8 },
    Retry { which: u8 },
    Discard { which: u8 },
    Unite { one: u8, other: u8 },
    Absorb { old: u8, new: u8 },
    Jump { hours: i16 },
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..PEOPLE, 0_u8..3, 0_u8..20).prop_map(|(record, priority, wait)| Operation::Append { record, priority, wait }),
        6 => (1_u8..5).prop_map(|limit| Operation::Claim { limit }),
        2 => any::<u8>().prop_map(|which| Operation::Begin { which }),
        5 => (any::<u8>(), 0_u8..6, 0_u8..20).prop_map(|(which, how, wait)| Operation::Settle { which, how, wait }),
        1 => (0_u8..6).prop_map(|how| Operation::SettleLate { how }),
        1 => Just(Operation::Renew),
        2 => (1_u8..40).prop_map(|seconds| Operation::Advance { seconds }),
        1 => Just(Operation::Silence),
        1 => Just(Operation::Death),
        1 => any::<u8>().prop_map(|which| Operation::GiveBack { which }),
        2 => any::<u8>().prop_map(|which| Operation::Retry { which }),
        1 => any::<u8>().prop_map(|which| Operation::Discard { which }),
        1 => (0..PEOPLE, 0..PEOPLE).prop_map(|(one, other)| Operation::Unite { one, other }),
        1 => (0..PEOPLE, 0..PEOPLE).prop_map(|(old, new)| Operation::Absorb { old, new }),
        1 => prop_oneof![-800_i16..800, Just(-1_i16), Just(1), Just(24), Just(-24)].prop_map(|hours| Operation::Jump { hours }),
    ]
}

/// What the model knows of one execution.
#[derive(Debug, Clone)]
struct Known {
    status: Status,
    starts: i64,
    /// A step that must not be repeated has begun.
    begun: bool,
    /// Its lease, while a living worker holds it.
    token: Option<i64>,
    /// It is quarantined in doubt, or at its end, or waits for a human: no time wakes it.
    asleep: bool,
}

/// A row as the journal has it.
#[derive(Debug, Clone)]
struct Row {
    status: String,
    starts: i64,
    lane: String,
    due_at: Option<i64>,
    priority: i64,
    token: Option<i64>,
}

struct World {
    desk: Desk,
    journal: Journal,
    known: BTreeMap<i64, Known>,
    /// Tokens whose work has gone to others.
    stale: Vec<(i64, i64)>,
    keys: u32,
}

const ENDS: [Status; 6] =
    [Status::Succeeded, Status::Failed, Status::Retrying, Status::Pending, Status::InDoubt, Status::Held];

impl World {
    fn new() -> Self {
        let desk = Desk::new();
        let journal = desk.journal();
        Self { desk, journal, known: BTreeMap::new(), stale: Vec::new(), keys: 0 }
    }

    async fn rows(&self) -> BTreeMap<i64, Row> {
        self.journal
            .read(|connection| {
                let mut statement = connection.prepare(
                    "SELECT id, status, starts, lane, due_at, priority, lease_token FROM executions",
                )?;
                let found = statement.query_map([], |row| {
                    Ok((
                        row.get(0)?,
                        Row {
                            status: row.get(1)?,
                            starts: row.get(2)?,
                            lane: row.get(3)?,
                            due_at: row.get(4)?,
                            priority: row.get(5)?,
                            token: row.get(6)?,
                        },
                    ))
                })?;
                Ok(found.collect::<std::result::Result<_, _>>()?)
            })
            .await
            .expect("rows")
    }

    fn running(&self) -> Vec<i64> {
        self.known.iter().filter(|(_, known)| known.token.is_some()).map(|(id, _)| *id).collect()
    }

    fn pick(from: &[i64], which: u8) -> Option<i64> {
        (!from.is_empty()).then(|| from[usize::from(which) % from.len()])
    }

    /// Its worker has gone: what becomes of it.
    fn gone(&mut self, id: i64, death: bool) {
        let known = self.known.get_mut(&id).expect("known");
        self.stale.extend(known.token.take().map(|token| (id, token)));
        if !death {
            known.starts -= 1;
        }
        let quarantined = death && known.starts >= 3;
        known.asleep = quarantined;
        known.status = match (known.begun, quarantined) {
            (true, _) => Status::InDoubt,
            (false, true) => Status::Failed,
            (false, false) => Status::Pending,
        };
    }

    async fn claim(&mut self, limit: u8) {
        let before = self.rows().await;
        let running = self.running().len();
        let now = self.desk.clock.now().0;
        let claims = self.journal.claim_beside(running, usize::from(limit), LEASE).await.expect("claims");
        let mut lanes = BTreeSet::new();
        for claim in &claims {
            let id = claim.execution.id.0;
            let row = &before[&id];
            assert!(["pending", "retrying", "in_doubt"].contains(&row.status.as_str()), "{row:?}");
            assert!(row.due_at.is_some_and(|due| due <= now), "not due: {row:?}");
            assert!(lanes.insert(row.lane.clone()), "two of one lane");
            for (other_id, other) in
                before.iter().filter(|(other_id, other)| **other_id != id && other.lane == row.lane)
            {
                assert_ne!(other.status, "running", "{id} beside {other_id}");
                let has_begun = other.status == "retrying" || other.status == "in_doubt";
                if row.priority > 0 && has_begun {
                    assert!(row.status != "pending" && *other_id > id, "{id} overtook {other_id}");
                }
                let both_new =
                    row.status == "pending" && other.status == "pending" && row.priority == other.priority;
                if both_new && row.starts == 0 && other.due_at <= Some(now) {
                    assert!(
                        (row.due_at, id) < (other.due_at, *other_id),
                        "{id} before {other_id} of its lane"
                    );
                }
            }
            assert_eq!(claim.alone, row.starts > 0);
            if claim.alone {
                assert_eq!((claims.len(), running), (1, 0), "a suspect runs alone");
            }
            let known = self.known.get_mut(&id).expect("known");
            known.status = Status::Running;
            known.starts += 1;
            known.token = Some(claim.token);
        }
    }

    async fn settle(&mut self, id: i64, how: u8, wait: u8) {
        let status = ENDS[usize::from(how) % ENDS.len()];
        let due = matches!(status, Status::Retrying | Status::Pending | Status::InDoubt)
            .then(|| self.desk.clock.now().plus(Duration::from_secs(wait.into())));
        let token = self.known[&id].token.expect("running");
        let settlement = Settlement { due_at: due, ..Settlement::default() };
        self.journal.settle(ExecutionId(id), token, status, settlement).await.expect("the holder settles");
        let known = self.known.get_mut(&id).expect("known");
        known.stale_after(status);
        self.stale.push((id, token));
    }

    async fn apply(&mut self, operation: &Operation) {
        let running = self.running();
        let all: Vec<i64> = self.known.keys().copied().collect();
        match operation {
            Operation::Append { record, priority, wait } => {
                self.keys += 1;
                let priority =
                    [Priority::Operator, Priority::Live, Priority::Background][usize::from(*priority)];
                let due = self.desk.clock.now().plus(Duration::from_secs((*wait).into()));
                let event = incoming(&format!("k{}", self.keys), &format!("p{record}"), priority, due);
                match self.journal.append(vec![event]).await.expect("stored")[0] {
                    Appended::Queued(_, id) => {
                        let known = Known {
                            status: Status::Pending,
                            starts: 0,
                            begun: false,
                            token: None,
                            asleep: false,
                        };
                        assert!(self.known.insert(id.0, known).is_none());
                    }
                    other => panic!("{other:?}"),
                }
            }
            Operation::Claim { limit } => self.claim(*limit).await,
            Operation::Begin { which } => {
                let Some(id) = Self::pick(&running, *which) else { return };
                let token = self.known[&id].token.expect("running");
                self.journal.begin(ExecutionId(id), token, begun(), LEASE).await.expect("begun");
                self.known.get_mut(&id).expect("known").begun = true;
            }
            Operation::Settle { which, how, wait } => {
                let Some(id) = Self::pick(&running, *which) else { return };
                self.settle(id, *how, *wait).await;
            }
            Operation::SettleLate { how } => {
                let Some((id, token)) = self.stale.last().copied() else { return };
                let status = ENDS[usize::from(*how) % ENDS.len()];
                let late = self.journal.settle(ExecutionId(id), token, status, Settlement::default()).await;
                assert!(matches!(late, Err(JournalError::LeaseLost)), "{late:?}");
                let begin = self.journal.begin(ExecutionId(id), token, begun(), LEASE).await;
                assert!(matches!(begin, Err(JournalError::LeaseLost)), "{begin:?}");
                let lost = self.journal.renew(vec![(ExecutionId(id), token)], LEASE).await.expect("asked");
                assert_eq!(lost, [ExecutionId(id)]);
            }
            Operation::Renew => self.renew().await,
            Operation::Advance { seconds } => {
                // A living worker's beat is never further apart than this.
                self.renew().await;
                self.desk.clock.advance(Duration::from_secs((*seconds).into()));
                self.renew().await;
                assert_eq!(self.journal.rescue().await.expect("looked"), 0, "all beat");
            }
            Operation::Silence => {
                self.journal.rescue().await.expect("looked");
                self.desk.clock.advance(LEASE + Duration::from_secs(1));
                assert_eq!(self.journal.rescue().await.expect("looked"), running.len());
                for id in running {
                    self.gone(id, true);
                }
            }
            Operation::Death => {
                assert_eq!(self.journal.rescue_all().await.expect("looked"), running.len());
                for id in running {
                    self.gone(id, true);
                }
            }
            Operation::GiveBack { which } => {
                let Some(id) = Self::pick(&running, *which) else { return };
                let token = self.known[&id].token.expect("running");
                let given = self.journal.give_back(vec![(ExecutionId(id), token)]).await.expect("given back");
                assert_eq!(given, 1);
                self.gone(id, false);
            }
            Operation::Retry { which } => {
                let Some(id) = Self::pick(&all, *which) else { return };
                let status = self.known[&id].status;
                let report = self.journal.retry(vec![ExecutionId(id)], "ana".into()).await.expect("asked");
                assert_eq!(report.queued.len(), usize::from(status.can_retry()));
                if status.can_retry() {
                    let known = self.known.get_mut(&id).expect("known");
                    known.starts = 0;
                    known.asleep = false;
                    known.status = if status == Status::InDoubt { status } else { Status::Pending };
                }
            }
            Operation::Discard { which } => {
                let Some(id) = Self::pick(&all, *which) else { return };
                let report = self
                    .journal
                    .discard(vec![ExecutionId(id)], "test".into(), "ana".into())
                    .await
                    .expect("asked");
                if !report.queued.is_empty() {
                    let known = self.known.get_mut(&id).expect("known");
                    known.status = Status::Discarded;
                    known.starts = 0;
                    known.asleep = true;
                }
            }
            Operation::Unite { one, other } => {
                let records = [one, other].map(|number| record(&format!("p{number}"))).to_vec();
                self.journal.unite(vec![(records, Vec::new())]).await.expect("united");
            }
            Operation::Absorb { old, new } => {
                let (old, new) = (record(&format!("p{old}")), record(&format!("p{new}")));
                self.journal
                    .write(move |connection| facts::remap(connection, &old, &new))
                    .await
                    .expect("remapped");
            }
            Operation::Jump { hours } => {
                let jump = i64::from(*hours) * 3_600_000;
                self.desk.clock.set(Timestamp(self.desk.clock.now().0 + jump));
                assert_eq!(
                    self.journal.rescue().await.expect("looked"),
                    0,
                    "a clock that is set takes no lease"
                );
                if jump < 0 {
                    self.journal.redate(Some(jump)).await.expect("redated");
                }
            }
        }
    }

    async fn renew(&self) {
        let held =
            self.known.iter().filter_map(|(id, known)| Some((ExecutionId(*id), known.token?))).collect();
        assert_eq!(self.journal.renew(held, LEASE).await.expect("renewed"), []);
    }

    async fn check(&self) {
        let rows = self.rows().await;
        assert_eq!(rows.len(), self.known.len(), "nothing is lost, nothing is made");
        let mut counted: BTreeMap<String, i64> = BTreeMap::new();
        for (id, known) in &self.known {
            let row = &rows[id];
            *counted.entry(format!("execution.{}", row.status)).or_default() += 1;
            assert_eq!(
                (row.status.as_str(), row.starts, row.token),
                (known.status.as_str(), known.starts, known.token),
                "{id}: {known:?}"
            );
            let waits = matches!(known.status, Status::Pending | Status::Retrying | Status::InDoubt);
            assert_eq!(
                row.due_at.is_some(),
                waits && !known.asleep || known.token.is_some() && row.due_at.is_some(),
                "{id}: {row:?}"
            );
        }
        let counters = self
            .journal
            .read(|connection| {
                let mut statement = connection.prepare(
                    "SELECT name, value FROM counters WHERE name LIKE 'execution.%' AND value <> 0",
                )?;
                let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(found.collect::<std::result::Result<BTreeMap<String, i64>, _>>()?)
            })
            .await
            .expect("counters");
        assert_eq!(counters, counted);
    }

    /// Everything that waits for nobody but time ends; no wait was longer than twenty seconds.
    async fn drain(&mut self) {
        // What waits for a human is given up, as are doubts nobody looks at: they hold back their person rightly.
        let ids: Vec<i64> = self.known.keys().copied().collect();
        for id in ids {
            if self.known[&id].asleep && self.known[&id].status == Status::InDoubt {
                self.apply(&Operation::Retry { which: id.to_le_bytes()[0].wrapping_sub(1) }).await;
            }
        }
        let mut passed = 0;
        let mut rounds = 0;
        while self.known.values().any(|known| !known.asleep) {
            let before = self.running().len();
            self.claim(8).await;
            for id in self.running() {
                self.settle(id, 0, 0).await;
            }
            if before == 0 && self.known.values().any(|known| !known.asleep) {
                self.desk.clock.advance(Duration::from_secs(1));
                passed += 1;
            }
            rounds += 1;
            assert!(
                passed <= 60 + rounds && rounds < 500,
                "stuck: {:?}\n{:?}",
                self.known,
                self.rows().await
            );
        }
        self.check().await;
    }
}

impl Known {
    fn stale_after(&mut self, status: Status) {
        self.token = None;
        self.starts = 0;
        self.status = status;
        self.asleep = !matches!(status, Status::Retrying | Status::Pending | Status::InDoubt);
    }
}

#[test]
fn g5_the_queue_behaves_as_its_model() {
    let cases = u32::try_from(number("REKNIT_MODEL_CASES", 16)).expect("a count");
    let (tried, operations) = (Cell::new(0_u64), Cell::new(0_u64));
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let outcome = TestRunner::new(config).run(&proptest::collection::vec(operation(), 20..120), |sequence| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new();
            for operation in &sequence {
                world.apply(operation).await;
                world.check().await;
                operations.set(operations.get() + 1);
            }
            world.drain().await;
        });
        tried.set(tried.get() + 1);
        Ok(())
    });
    say(&format!("G5 model of the queue: {} sequences, {} operations", tried.get(), operations.get()));
    outcome.expect("the queue and its model agree");
}
