//! Precision, recall and F1 of scored pairs and of links against known truth; pairs that nobody could decide and
//! pairs of two test records do not count. It reads no file.

use std::collections::{HashMap, HashSet};

/// What is known of a labelled set of records.
#[derive(Default)]
pub(crate) struct Truth {
    /// The entity of each record.
    pub(crate) entity: HashMap<String, String>,
    /// Pairs that are not scored, smaller id first.
    pub(crate) ignored: HashSet<(String, String)>,
    /// Test records.
    pub(crate) tests: HashSet<String>,
    /// Which of two files a record is in; empty for one file.
    pub(crate) side: HashMap<String, usize>,
}

/// How good a list of scored pairs is.
pub(crate) struct Accuracy {
    pub(crate) true_pairs: usize,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub best_f1: f64,
    pub(crate) best_threshold: f64,
}

impl Accuracy {
    pub(crate) fn f1(&self) -> f64 {
        harmonic(self.precision, self.recall)
    }
}

fn harmonic(precision: f64, recall: f64) -> f64 {
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

impl Truth {
    fn is_test(&self, left: &str, right: &str) -> bool {
        self.tests.contains(left) && self.tests.contains(right)
    }

    fn is_true(&self, left: &str, right: &str) -> bool {
        self.entity.get(left).is_some_and(|entity| self.entity.get(right) == Some(entity))
    }

    fn true_pairs(&self) -> usize {
        // Members in the first and in the second file; with one file all are in the first.
        let mut members: HashMap<&str, (usize, usize)> = HashMap::new();
        for (id, entity) in &self.entity {
            let count = members.entry(entity).or_default();
            if self.side.get(id) == Some(&1) { count.1 += 1 } else { count.0 += 1 }
        }
        let all: usize = members
            .values()
            .map(
                |(one, other)| {
                    if self.side.is_empty() { one * one.saturating_sub(1) / 2 } else { one * other }
                },
            )
            .sum();
        let left_out = self
            .ignored
            .iter()
            .filter(|(left, right)| self.is_true(left, right) && !self.is_test(left, right))
            .count();
        all.saturating_sub(left_out)
    }

    /// Judges pairs (left, right, score), each once.
    pub(crate) fn judge(&self, pairs: impl IntoIterator<Item = (String, String, f64)>) -> Accuracy {
        let true_pairs = self.true_pairs();
        let mut rows: Vec<(f64, bool)> = Vec::new();
        for (left, right, score) in pairs {
            if !self.entity.contains_key(&left) || !self.entity.contains_key(&right) {
                continue;
            }
            let pair = if left < right { (left, right) } else { (right, left) };
            if self.ignored.contains(&pair) || self.is_test(&pair.0, &pair.1) {
                continue;
            }
            // As the files show it.
            rows.push(((score * 1e6).round() / 1e6, self.is_true(&pair.0, &pair.1)));
        }
        rows.sort_by(|one, other| other.0.total_cmp(&one.0));
        let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let mut found =
            Accuracy { true_pairs, precision: 1.0, recall: 0.0, best_f1: 0.0, best_threshold: 1.0 };
        let (mut hits, mut seen) = (0, 0);
        for tie in rows.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
            seen += tie.len();
            hits += tie.iter().filter(|row| row.1).count();
            let (precision, recall) = (share(hits, seen), share(hits, true_pairs));
            if tie[0].0 >= 0.5 {
                (found.precision, found.recall) = (precision, recall);
            }
            let f1 = harmonic(precision, recall);
            if f1 > found.best_f1 {
                (found.best_f1, found.best_threshold) = (f1, tie[0].0);
            }
        }
        found
    }
}

/// What is known of one contact's account.
pub(crate) struct LinkTruth {
    pub(crate) contact: String,
    pub(crate) acceptable: Vec<String>,
    pub(crate) may_abstain: bool,
}

/// How good links are: accuracy, precision, recall, correct abstention, wrong links.
pub(crate) fn judge_links(truth: &[LinkTruth], linked: &HashMap<String, (f64, String)>) -> [f64; 5] {
    let (mut right, mut made, mut good) = (0, 0, 0);
    let (mut must, mut must_good, mut nobody, mut nobody_good) = (0, 0, 0, 0);
    for one in truth {
        let account = linked.get(&one.contact).filter(|link| link.0 >= 0.5).map(|link| &link.1);
        let fits = account.is_some_and(|account| one.acceptable.contains(account));
        made += usize::from(account.is_some());
        good += usize::from(fits);
        if one.acceptable.is_empty() {
            nobody += 1;
            nobody_good += usize::from(account.is_none());
        } else if !one.may_abstain {
            must += 1;
            must_good += usize::from(fits);
        }
        let abstained = account.is_none() && (one.acceptable.is_empty() || one.may_abstain);
        right += usize::from(fits || abstained);
    }
    let share =
        |part: usize, whole: usize, none: f64| if whole == 0 { none } else { part as f64 / whole as f64 };
    [
        share(right, truth.len(), 1.0),
        share(good, made, 1.0),
        share(must_good, must, 0.0),
        share(nobody_good, nobody, 1.0),
        (made - good) as f64,
    ]
}
