//! Where the newest runs of a recipe came to an end: how many had nothing to do and why, how many stopped before a plan,
//! and at which step, as far as their stored plans tell. Counts what is there; judges nothing.

use std::collections::BTreeMap;

use super::{OperateError, Operator};
use crate::domain::execution::Status;
use crate::domain::plan::{Effect, StepState};
use crate::domain::text::shorten;
use crate::journal::recipes::Ended;
use crate::recipes::needs::Needs;

/// Runs that are looked at.
pub const RUNS: usize = 200;
/// Reasons that are told.
const REASONS: usize = 4;
/// Letters of a reason.
const SHOWN: usize = 120;

/// One stage of the way, and what became of the runs that came to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// What it is.
    pub name: String,
    /// Runs that got past it.
    pub passed: u64,
    /// Runs that ended there.
    pub stopped: u64,
    /// Runs that are still there.
    pub waiting: u64,
    /// To end there is no failure: nothing had to be done.
    pub fine: bool,
}

/// The whole way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Runs that were looked at.
    pub runs: u64,
    /// In the order in which a run comes to them.
    pub stages: Vec<Stage>,
    /// Why runs ended without a step, the most frequent first.
    pub reasons: Vec<(String, u64)>,
    /// What the recipe reads or writes: whose record, and which fields.
    pub fields: Vec<(String, Vec<String>)>,
}

impl Operator {
    /// How far the newest runs of a recipe came, and which fields it needs.
    pub async fn funnel(&self, recipe: &str) -> Result<Funnel, OperateError> {
        let mut funnel = counted(&self.journal.newest_of(recipe, RUNS).await?);
        let rules = self.rules().await?;
        if let Some(needs) = rules.in_force.book.recipe(recipe).and_then(|recipe| Needs::of(recipe).ok()) {
            funnel.fields = needs
                .fields
                .into_iter()
                .map(|(whose, fields)| (whose, fields.into_iter().collect()))
                .collect();
            if let Some((mapping, _)) = needs.sync {
                funnel.fields.push((format!("mapping {mapping}"), vec!["its fields".to_owned()]));
            }
        }
        Ok(funnel)
    }
}

fn counted(runs: &[Ended]) -> Funnel {
    let mut planned = Stage { name: "facts and plan".to_owned(), ..Stage::default() };
    let mut judged = Stage { name: "something to do".to_owned(), fine: true, ..Stage::default() };
    let mut steps: Vec<Stage> = Vec::new();
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for run in runs {
        let ended = run.status.is_finished();
        let Some(plan) = &run.plan else {
            match run.status {
                Status::Succeeded | Status::Skipped => {
                    planned.passed += 1;
                    judged.stopped += 1;
                    *reasons.entry(plain(&run.sentence)).or_default() += 1;
                }
                _ if ended => {
                    planned.stopped += 1;
                    *reasons.entry(why(run)).or_default() += 1;
                }
                _ => planned.waiting += 1,
            }
            continue;
        };
        planned.passed += 1;
        if plan.steps.is_empty() {
            judged.stopped += 1;
            let reason = plan.nothing.as_deref().unwrap_or(&run.sentence);
            *reasons.entry(plain(reason)).or_default() += 1;
            continue;
        }
        judged.passed += 1;
        let shadow = run.status == Status::Skipped;
        for (place, step) in plan.steps.iter().enumerate() {
            let name = format!("{}. {}", place + 1, kind(&step.effect));
            let stage = match steps.iter_mut().find(|stage| stage.name == name) {
                Some(stage) => stage,
                None => {
                    steps.push(Stage { name, ..Stage::default() });
                    steps.last_mut().expect("it was pushed just now")
                }
            };
            match step.state {
                StepState::Done => stage.passed += 1,
                StepState::Failed => {
                    stage.stopped += 1;
                    *reasons.entry(why(run)).or_default() += 1;
                    break;
                }
                StepState::Waiting if ended && !shadow => {
                    stage.stopped += 1;
                    *reasons.entry(why(run)).or_default() += 1;
                    break;
                }
                // In shadow every step is one that would have been done.
                StepState::Waiting | StepState::Begun | StepState::InDoubt => stage.waiting += 1,
            }
        }
    }
    steps.sort_by(|a, b| a.name.cmp(&b.name));
    let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    reasons.truncate(REASONS);
    let stages = [planned, judged].into_iter().chain(steps).collect();
    Funnel { runs: runs.len() as u64, stages, reasons, fields: Vec::new() }
}

/// Why a run failed, by its class where it has one: sentences name people.
fn why(run: &Ended) -> String {
    match run.class {
        Some(class) => format!("failed: {}", class.as_str().replace('_', " ")),
        None => plain(&run.sentence),
    }
}

/// A reason without what stands in brackets: that holds the values of one record.
fn plain(sentence: &str) -> String {
    let short = sentence.split(" (").next().unwrap_or(sentence);
    shorten(short.trim_end_matches('.'), SHOWN).into_owned()
}

/// What a step does, without whom.
fn kind(effect: &Effect) -> String {
    let title = effect.connection().system.title();
    let words = serde_json::to_value(effect).ok();
    let verb = words
        .as_ref()
        .and_then(|value| value.get("do")?.as_str().map(|verb| verb.replace('_', " ")))
        .unwrap_or_else(|| "write".to_owned());
    match effect {
        Effect::Create { object, .. } => format!("create {object} in {title}"),
        Effect::Update { record, .. } => format!("update {} in {title}", record.object),
        _ => format!("{verb} in {title}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::error_class::ErrorClass;
    use crate::domain::plan::{Plan, Step};
    use crate::domain::record::{Fields, ObjectKind, RecordRef, System};

    fn run(status: Status, plan: Option<Plan>, sentence: &str) -> Ended {
        let class = (status == Status::Failed).then_some(ErrorClass::Auth);
        Ended { status, outcome: None, sentence: sentence.to_owned(), class, plan }
    }

    fn steps(states: &[StepState]) -> Plan {
        let mut fields = Fields::new();
        fields.insert("a".into(), json!(1));
        let record = RecordRef::new(System::Hubspot, ObjectKind::Contact, "1");
        let made = states.iter().map(|state| {
            let effect = Effect::Update { record: record.clone(), fields: fields.clone() };
            let mut step = Step::new("Update", effect);
            step.state = *state;
            step
        });
        Plan { steps: made.collect(), ..Plan::default() }
    }

    #[test]
    fn each_run_is_counted_where_it_ended_and_nowhere_else() {
        let nothing = Plan { nothing: Some("Nothing differs (a is 1).".into()), ..Plan::default() };
        let runs = [
            run(Status::Succeeded, Some(steps(&[StepState::Done, StepState::Done])), ""),
            run(Status::Failed, Some(steps(&[StepState::Done, StepState::Failed])), ""),
            run(Status::Skipped, Some(nothing), ""),
            run(Status::Failed, None, "No."),
            run(Status::Pending, None, "Waits."),
        ];
        let funnel = counted(&runs);
        let shown: Vec<_> =
            funnel.stages.iter().map(|it| (it.name.as_str(), it.passed, it.stopped, it.waiting)).collect();
        assert_eq!(
            shown,
            [
                ("facts and plan", 3, 1, 1),
                ("something to do", 2, 1, 0),
                ("1. update contact in HubSpot", 2, 0, 0),
                ("2. update contact in HubSpot", 1, 1, 0),
            ]
        );
        assert_eq!(funnel.reasons, [("failed: auth".to_owned(), 2), ("Nothing differs".to_owned(), 1)]);
        assert_eq!(funnel.runs, 5);
    }
}
