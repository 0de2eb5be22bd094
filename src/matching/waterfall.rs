//! Collects the bars of one comparison as integers, so that the sum never depends on the order of addition.
//! Texts are made only for candidates that are kept.

use crate::domain::evidence::{Evidence, probability_of};

use super::text::short;

/// One bar before it becomes text.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    comparison: &'static str,
    level: &'static str,
    millibits: i32,
    left: String,
    right: String,
    note: Option<String>,
}

/// The bars of one comparison.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of one sum, none a state")]
pub(crate) struct Waterfall {
    bars: Vec<Bar>,
    total: i64,
    guarded: bool,
    objected: bool,
    corroborated: bool,
    /// Only the sum is wanted: a scan weighs a hundred pairs for each that it shows.
    sum_only: bool,
}

impl Waterfall {
    /// A waterfall that adds up and keeps no text.
    pub(crate) fn sum_only() -> Self {
        Self { sum_only: true, ..Self::default() }
    }

    /// Adds a bar; values are shortened.
    pub(crate) fn add(
        &mut self,
        comparison: &'static str,
        level: &'static str,
        bits: f64,
        left: &str,
        right: &str,
    ) {
        // Half a bit more than the widest sensible weight: nothing but a bug reaches it.
        let millibits = (bits.clamp(-40.0, 40.0) * 1000.0).round() as i32;
        self.total += i64::from(millibits);
        self.corroborated |= millibits > 0 && corroborates(comparison);
        if self.sum_only {
            return;
        }
        self.bars.push(Bar {
            comparison,
            level,
            millibits,
            left: short(left),
            right: short(right),
            note: None,
        });
    }

    /// Adds a note to the last bar.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        if self.sum_only {
            return;
        }
        if let Some(bar) = self.bars.last_mut() {
            bar.note = Some(note.into());
        }
    }

    /// Adds a guard: negative evidence with a name, which also keeps the pair out of unattended merging.
    pub(crate) fn guard(&mut self, level: &'static str, bits: f64, note: &str) {
        self.add("guard", level, bits, "", "");
        self.note(note);
        self.guarded = true;
        self.objected = true;
    }

    /// Keeps the pair out of unattended merging without an objection of its own.
    pub(crate) fn hold(&mut self) {
        self.guarded = true;
    }

    /// Every bar: comparison, level and millibits.
    pub(crate) fn bars(&self) -> impl Iterator<Item = (&'static str, &'static str, i32)> {
        self.bars.iter().map(|bar| (bar.comparison, bar.level, bar.millibits))
    }

    /// Whether the mailbox decided by itself, so that other fields were folded into it.
    pub(crate) fn is_decided(&self) -> bool {
        self.bars.iter().any(|bar| bar.comparison == "email" && bar.millibits > 0)
    }

    /// Whether one of the bars is a guard.
    pub(crate) fn has_guard(&self) -> bool {
        self.objected
    }

    /// Whether the pair must not be merged unattended, for a guard's sake or for want of something personal.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Whether something beside name, place and title speaks for the pair.
    pub(crate) fn is_corroborated(&self) -> bool {
        self.corroborated
    }

    /// Sum of all bars.
    pub(crate) fn millibits(&self) -> i64 {
        self.total
    }

    /// The probability all bars add up to.
    pub(crate) fn probability(&self) -> f64 {
        probability_of(self.total)
    }

    /// The bars as evidence.
    pub(crate) fn into_evidence(self) -> Vec<Evidence> {
        self.bars
            .into_iter()
            .map(|bar| Evidence {
                comparison: bar.comparison.to_owned(),
                level: bar.level.to_owned(),
                millibits: bar.millibits,
                left: bar.left,
                right: bar.right,
                note: bar.note,
            })
            .collect()
    }
}

/// Name, place and title are shared by people who have nothing else in common.
pub(crate) fn corroborates(comparison: &str) -> bool {
    !matches!(comparison, "name" | "place" | "title")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_are_the_score() {
        let mut waterfall = Waterfall::default();
        waterfall.add("prior", "records", -11.5504, "", "");
        waterfall.add("name", "exact", 14.25, "Ada", "ada");
        waterfall.guard("test record", -8.0, "one of them is a test");
        assert_eq!(waterfall.millibits(), -5300);
        let probability = waterfall.probability();
        let evidence = waterfall.into_evidence();
        assert!((Evidence::probability(&evidence) - probability).abs() < 1e-12);
        assert_eq!(evidence[1].left, "Ada");
    }
}
