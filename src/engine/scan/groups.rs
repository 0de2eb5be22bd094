//! Groups of more than two: which pairs stand for one person together. Verdicts count for more than scores; it judges
//! nothing itself.

use std::collections::{BTreeSet, HashMap};

use crate::domain::evidence::Evidence;
use crate::domain::ids::DuplicateId;
use crate::domain::review::{Band, Verdict};
use crate::journal::duplicates::{Place, Tie};
use crate::journal::{Journal, JournalError};
use crate::matching::{self, Candidate, Person};

/// Pairs read at once.
const PAGE: usize = 2_000;
/// What a human's word weighs among the bars, in thousandths of a bit: more than any comparison.
const WORD: i32 = 40_000;

/// Groups everything that hangs together with these records anew.
pub(in crate::engine) async fn regroup(
    journal: &Journal,
    records: Vec<String>,
    settings: &matching::Settings,
) -> Result<(), JournalError> {
    let ties = journal.tied_to(records).await?;
    let places = places(&ties, settings);
    if places.is_empty() { Ok(()) } else { journal.put_groups(places).await }
}

/// Groups everything anew.
pub(in crate::engine) async fn regroup_all(
    journal: &Journal,
    settings: &matching::Settings,
) -> Result<(), JournalError> {
    let (mut ties, mut after) = (Vec::new(), DuplicateId(0));
    loop {
        let page = journal.tied_after(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        ties.extend(page);
    }
    let places = places(&ties, settings);
    for page in places.chunks(PAGE) {
        journal.put_groups(page.to_vec()).await?;
    }
    Ok(())
}

/// Where each listed or judged pair belongs.
fn places(ties: &[Tie], settings: &matching::Settings) -> Vec<Place> {
    let keys: BTreeSet<&str> = ties.iter().flat_map(|tie| [tie.left.as_str(), tie.right.as_str()]).collect();
    let people: Vec<Person> =
        keys.iter().map(|key| Person { key: (*key).to_owned(), ..Person::default() }).collect();
    // What was put off counts as what it is; only a verdict of one or two overrules the score.
    let candidates: Vec<Candidate> = ties.iter().map(candidate).collect();
    let groups = matching::groups(&people, &candidates, settings);
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    for (number, group) in groups.iter().enumerate().filter(|(_, group)| group.members.len() > 2) {
        group_of.extend(group.members.iter().map(|member| (member.as_str(), number)));
    }
    let together = |tie: &Tie| {
        let group = group_of.get(tie.left.as_str())?;
        (group_of.get(tie.right.as_str()) == Some(group)).then_some(*group)
    };
    // The surest listed pair stands for its group, the first found among equals.
    let mut leads: HashMap<usize, &Tie> = HashMap::new();
    for tie in ties.iter().filter(|tie| tie.listed) {
        if let Some(group) = together(tie) {
            let lead = leads.entry(group).or_insert(tie);
            if tie.probability > lead.probability {
                *lead = tie;
            }
        }
    }
    ties.iter()
        .map(|tie| match together(tie) {
            Some(group) => Place {
                id: tie.id,
                group: groups[group].members.first().cloned(),
                members: groups[group].members.len(),
                leads: leads.get(&group).is_some_and(|lead| lead.id == tie.id),
            },
            None => Place { id: tie.id, group: None, members: 2, leads: true },
        })
        .collect()
}

fn candidate(tie: &Tie) -> Candidate {
    let word = |millibits| {
        vec![Evidence {
            comparison: "verdict".to_owned(),
            level: String::new(),
            millibits,
            left: String::new(),
            right: String::new(),
            note: None,
        }]
    };
    let evidence = match tie.verdict {
        Some(Verdict::Same) => word(WORD),
        Some(Verdict::Different) => word(-WORD),
        _ => tie.evidence.clone(),
    };
    Candidate {
        left: tie.left.clone(),
        right: tie.right.clone(),
        probability: Evidence::probability(&evidence),
        band: Band::Review,
        evidence,
        fingerprint: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tie(id: i64, left: &str, right: &str, bits: i32, verdict: Option<Verdict>) -> Tie {
        let evidence = vec![Evidence {
            comparison: "email".into(),
            level: "same".into(),
            millibits: bits * 1000,
            left: String::new(),
            right: String::new(),
            note: None,
        }];
        Tie {
            id: DuplicateId(id),
            left: left.into(),
            right: right.into(),
            probability: Evidence::probability(&evidence),
            evidence,
            verdict,
            listed: verdict != Some(Verdict::Different),
        }
    }

    #[test]
    fn three_that_agree_are_one_group_led_by_the_surest_pair() {
        let ties = [
            tie(1, "a", "b", 6, None),
            tie(2, "b", "c", 8, None),
            tie(3, "a", "c", 5, None),
            tie(4, "x", "y", 4, None),
        ];
        let places = places(&ties, &matching::Settings::default());
        let groups: Vec<_> = places.iter().map(|place| (place.members, place.leads)).collect();
        assert_eq!(groups, [(3, false), (3, true), (3, false), (2, true)]);
        assert_eq!(places[0].group.as_deref(), Some("a"));
    }

    #[test]
    fn a_human_who_tells_two_of_them_apart_splits_the_group() {
        let apart = Some(Verdict::Different);
        let ties = [tie(1, "a", "b", 6, None), tie(2, "b", "c", 8, None), tie(3, "a", "c", 5, apart)];
        let places = places(&ties, &matching::Settings::default());
        assert!(places.iter().all(|place| place.members == 2 && place.leads), "{places:?}");
    }
}
