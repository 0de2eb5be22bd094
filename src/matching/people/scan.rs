//! The full scan: every pair that shares a key is weighed once, in parallel, and kept as sixteen bytes.
//! Texts are made later, for the pairs that are shown.

use crate::domain::evidence::probability_of;
use crate::matching::blocking::{self, Blocks, over};
use crate::matching::groups::{Group, Link, groups_of_links};

use super::{Index, sum};

/// Rows weighed by one thread in one go.
const PORTION: usize = 1024;
/// More records than this that are equal in everything are compared with one of them only.
const TWINS: usize = 50;
/// So many of them are compared pair by pair nevertheless, so that a group recognises its core.
const CORE: usize = 17;

/// Two rows of an index and the sum of their bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Row of the record with the smaller key.
    pub left: u32,
    /// Row of the record with the larger key.
    pub right: u32,
    /// Sum of all bars in thousandths of a bit.
    pub millibits: i32,
    /// One of the bars is a guard.
    pub guarded: bool,
    /// Something beside name, place and title speaks for it.
    pub corroborated: bool,
}

impl Pair {
    /// The probability that both are the same.
    pub fn probability(&self) -> f64 {
        probability_of(i64::from(self.millibits))
    }

    /// Strongest first, then by rows, which is by keys.
    fn rank(&self) -> (i32, u32, u32) {
        (-self.millibits, self.left, self.right)
    }
}

/// What a full scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    pairs: Vec<Pair>,
    compared: u64,
    dropped: u64,
}

impl Scan {
    /// The candidates, strongest first, then by keys.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// How many pairs were compared.
    pub fn compared(&self) -> u64 {
        self.compared
    }

    /// How many weaker candidates the safety cap left out.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl Index {
    /// All candidates with their sums.
    pub fn scan(&self) -> Scan {
        self.scan_with(&|_| ())
    }

    /// The same, telling how many records were done each time some more are; calls come from several threads.
    pub fn scan_with(&self, progress: &(dyn Fn(usize) + Sync)) -> Scan {
        let (silent, stars) = self.twins();
        let order = |row: u32| {
            let side = self.side(row);
            (side.name().id, side.row.identity)
        };
        let keys_of = |row: usize, out: &mut Vec<u64>| {
            if !silent[row] {
                blocking::keys_of(self.people.side(row), &self.statistics, out);
            }
        };
        let blocks =
            Blocks::build(self.len(), self.threads, self.settings.block_limit.max(2), keys_of, order);
        let limit = self.settings.maximum_candidates;
        let mut parts = over(self.threads, self.len().div_ceil(PORTION), |portion| {
            let (mut found, mut partners) = (Scan::default(), Vec::new());
            let rows = portion * PORTION..((portion + 1) * PORTION).min(self.len());
            let many = rows.len();
            for row in rows {
                blocks.partners(row, order, &mut partners);
                for other in &partners {
                    self.weigh(row as u32, *other, &mut found);
                }
            }
            found.cut(limit);
            progress(many);
            found
        });
        let mut starred = Scan::default();
        for (left, right) in stars {
            self.weigh(left, right, &mut starred);
        }
        parts.push(starred);
        let mut all = Scan::default();
        for part in parts {
            all.compared += part.compared;
            all.dropped += part.dropped;
            all.pairs.extend(part.pairs);
            if all.pairs.len() / 2 > limit {
                all.cut(limit);
            }
        }
        all.cut(limit);
        all.pairs.sort_unstable_by_key(Pair::rank);
        all
    }

    /// Joins the people of a scan into groups; who has no candidate is in none.
    pub fn groups(&self, scan: &Scan) -> Vec<Group> {
        let mut rows: Vec<u32> = scan.pairs.iter().flat_map(|pair| [pair.left, pair.right]).collect();
        rows.sort_unstable();
        rows.dedup();
        let place = |row: u32| rows.partition_point(|other| *other < row);
        let keys: Vec<&str> = rows.iter().map(|row| self.key(*row)).collect();
        let links = scan.pairs.iter().map(|pair| Link {
            left: place(pair.left),
            right: place(pair.right),
            millibits: i64::from(pair.millibits),
            guarded: pair.guarded,
            corroborated: pair.corroborated,
        });
        groups_of_links(&keys, links, &self.settings)
    }

    fn weigh(&self, left: u32, right: u32, found: &mut Scan) {
        let sum = sum(self.side(left), self.side(right), &self.statistics);
        found.compared += 1;
        if sum.probability() >= self.settings.minimum_probability {
            let millibits = sum.millibits() as i32;
            let (guarded, corroborated) = (sum.has_guard(), sum.is_corroborated());
            found.pairs.push(Pair { left, right, millibits, guarded, corroborated });
        }
    }

    /// Large sets of records that are equal in everything: all but the first are silent, and tied to the first.
    fn twins(&self) -> (Vec<bool>, Vec<(u32, u32)>) {
        let mut silent = vec![false; self.len()];
        let mut stars = Vec::new();
        let mut all: Vec<(u64, u32)> =
            self.people.rows.iter().zip(0..).map(|(row, number)| (row.twin, number)).collect();
        all.sort_unstable();
        for set in all.chunk_by(|one, other| one.0 == other.0).filter(|set| set.len() > TWINS) {
            stars.extend(set[1..].iter().map(|twin| (set[0].1, twin.1)));
            for (at, one) in set[..CORE].iter().enumerate().skip(1) {
                stars.extend(set[at + 1..CORE].iter().map(|other| (one.1, other.1)));
            }
            for twin in &set[1..] {
                silent[twin.1 as usize] = true;
            }
        }
        (silent, stars)
    }
}

impl Scan {
    /// Keeps the strongest.
    fn cut(&mut self, limit: usize) {
        if self.pairs.len() > limit {
            self.dropped += (self.pairs.len() - limit) as u64;
            if limit > 0 {
                self.pairs.select_nth_unstable_by_key(limit - 1, Pair::rank);
            }
            self.pairs.truncate(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Person, Settings};

    /// People with names of syllables, every seventh much like the one before.
    fn crowd(many: usize) -> Vec<Person> {
        const SYLLABLES: [&str; 12] =
            ["ba", "ker", "lin", "mo", "ra", "den", "tis", "va", "lo", "gar", "shi", "no"];
        let word = |number: usize| -> String {
            [number % 12, number / 12 % 12, number / 144 % 12].iter().map(|at| SYLLABLES[*at]).collect()
        };
        (0..many)
            .map(|row| {
                let of = if row % 7 == 6 { row - 1 } else { row };
                let (given, family) = (word(of * 5), word(of * 77 + 3));
                Person {
                    key: format!("k{:05}", row * 7919 % many),
                    emails: vec![format!("{given}.{family}@firm{}.com", of % 40)],
                    phones: vec![format!("+44 20 7946 {:04}", of % 300)],
                    company: if row % 7 == 6 { String::new() } else { format!("Firm {}", of % 40) },
                    city: if row % 3 == 0 { "Leeds".to_owned() } else { String::new() },
                    given_name: given,
                    family_name: family,
                    ..Person::default()
                }
            })
            .collect()
    }

    fn scanned(people: &[Person], threads: usize) -> (Scan, Index) {
        let mut builder = Index::builder(Settings::default()).threads(threads);
        for person in people {
            builder.push(person.clone());
        }
        let index = builder.finish();
        (index.scan(), index)
    }

    #[test]
    fn neither_threads_nor_the_order_of_rows_change_a_scan() {
        let mut people = crowd(3000);
        let (scan, index) = scanned(&people, 1);
        assert!(scan.pairs().len() > 300, "{}", scan.pairs().len());
        let first = index.candidate(&scan.pairs()[0]);
        let candidates: Vec<_> = scan.pairs().iter().map(|pair| index.candidate(pair)).collect();
        assert_eq!(index.groups(&scan), crate::matching::groups(&people, &candidates, &Settings::default()));
        for threads in [2, 5] {
            people.reverse();
            let (again, other) = scanned(&people, threads);
            assert_eq!(scan, again);
            assert_eq!(other.candidate(&again.pairs()[0]), first);
            assert_eq!(index.model(), other.model());
            assert_eq!(index.groups(&scan), other.groups(&again));
        }
    }

    #[test]
    fn a_scan_and_its_candidates_give_one_number() {
        let (scan, index) = scanned(&crowd(600), 2);
        for pair in scan.pairs() {
            let candidate = index.candidate(pair);
            assert_eq!(candidate.millibits(), i64::from(pair.millibits));
            assert_eq!(candidate.evidence.iter().any(|bar| bar.comparison == "guard"), pair.guarded);
        }
    }

    #[test]
    fn thousands_of_equal_records_are_a_star_and_one_group() {
        let one = Person { key: String::new(), ..crowd(1).remove(0) };
        let mut people = crowd(200);
        people.extend((0..3000).map(|row| Person { key: format!("same{row:05}"), ..one.clone() }));
        let (scan, index) = scanned(&people, 2);
        assert!(scan.compared() < 3000 + 136 + 200 * 100, "{}", scan.compared());
        assert!(scan.pairs().len() < 3000 + 136 + 200, "{}", scan.pairs().len());
        let largest = index.groups(&scan).into_iter().map(|group| group.members.len()).max();
        assert!(largest >= Some(3000), "{largest:?}");
    }

    #[test]
    fn one_firm_with_one_line_stays_linear() {
        let mut people = crowd(2000);
        for person in &mut people {
            person.phones = vec!["+44 20 7946 0991".to_owned()];
            person.company = "Lumen Tools".to_owned();
            let local = person.emails[0].split('@').next().unwrap_or_default().to_owned();
            person.emails = vec![format!("{local}@lumen-tools.com")];
        }
        let (scan, _) = scanned(&people, 2);
        assert!(scan.compared() < 2000 * 120, "{}", scan.compared());
    }

    #[test]
    fn the_cap_keeps_the_strongest() {
        let people = crowd(1000);
        let (all, _) = scanned(&people, 2);
        let settings = Settings { maximum_candidates: 20, ..Settings::default() };
        let few = Index::with_settings(&people, settings).scan();
        assert_eq!(few.pairs(), &all.pairs()[..20]);
        assert_eq!(few.dropped(), all.pairs().len() as u64 - 20);
    }
}
