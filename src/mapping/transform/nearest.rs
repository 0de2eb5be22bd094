//! Which of the values that would do resembles the one that does not, for a human to choose from.
//!
//! It orders and never picks: no value is written because it looks alike.

/// A value of a record may have megabytes; as many letters tell what it resembles.
const LETTERS: usize = 100;
/// Longer lists are no choice for a human.
const MOST: usize = 200;

/// What is offered, each once, those whose word resembles the text first. Equal ones keep their order.
pub(in crate::mapping) fn nearest<'a>(
    text: &str,
    offered: impl Iterator<Item = (&'a str, String)>,
) -> Vec<String> {
    let short = |text: &str| text.trim().chars().take(LETTERS).collect::<String>().to_lowercase();
    let text = short(text);
    let mut scored: Vec<(f64, String)> = Vec::new();
    for (word, value) in offered {
        let alike = rapidfuzz::distance::jaro_winkler::similarity(text.chars(), short(word).chars());
        match scored.iter().position(|(_, known)| *known == value) {
            Some(place) => scored[place].0 = scored[place].0.max(alike),
            None if scored.len() < MOST => scored.push((alike, value)),
            None => {}
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, value)| value).collect()
}
