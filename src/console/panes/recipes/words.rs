//! What screen 6 says of recipes, fields and changes: words and glyphs that its list, its detail and its layers share.

use ratatui::style::Style;

use super::Item;
use crate::console::layers::reading::{Paragraph, Weight};
use crate::console::text::thousands;
use crate::console::theme::Theme;
use crate::domain::drift::Finding;
use crate::engine::operate::shelf::{RecipeCard, Remark, Tally};
use crate::engine::operate::switching::Position;

/// Glyph, style and word of where a recipe's switch stands.
pub(super) fn position(theme: &Theme, recipe: &RecipeCard) -> (&'static str, Style, &'static str) {
    if recipe.pause.is_some() {
        return ("‖", theme.warn, "paused");
    }
    match recipe.position {
        Position::On => ("●", theme.ok, "on"),
        Position::Shadow => ("◐", theme.accent, "shadow"),
        Position::Off => ("○", theme.muted, "off"),
    }
}

/// A share as people read it: never `0 %` for what is more than nothing.
pub(super) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if share > 0.0 && hundredths < 0.1 {
        "<0.1 %".to_owned()
    } else if hundredths < 10.0 && share > 0.0 {
        format!("{hundredths:.1} %")
    } else {
        format!("{hundredths:.0} %")
    }
}

/// Counts by outcome: `100 updated · 3 error`.
pub(super) fn outcomes(tally: &Tally) -> String {
    let parts: Vec<String> = tally
        .outcomes
        .iter()
        .map(|(outcome, count)| format!("{} {}", thousands(*count), outcome.as_str()))
        .collect();
    parts.join(" · ")
}

/// Where a recipe stands, and what it means.
pub(super) fn standing(recipe: &RecipeCard) -> String {
    let means = if recipe.first_run {
        "First run: it plans and writes nothing until somebody switches it on here (a)."
    } else {
        recipe.position.means()
    };
    let crm = recipe.crm.map_or_else(String::new, |crm| format!(" · {} only", crm.title()));
    let own = if recipe.own { "your own file" } else { "as shipped" };
    format!("{means} {} answers for it · {own}{crm}", capital(&recipe.owner))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Everything that is wrong with a row.
pub(super) fn lints(item: Item<'_>, schemas: bool) -> (String, Vec<Paragraph>) {
    let (name, remarks): (&str, Vec<&Remark>) = match item {
        Item::Recipe(recipe) => (&recipe.name, recipe.remarks.iter().collect()),
        Item::Mapping(mapping) | Item::Field(mapping, _) => (
            &mapping.name,
            mapping.remarks.iter().chain(mapping.fields.iter().flat_map(|field| &field.remarks)).collect(),
        ),
        Item::Drift(_) => ("", Vec::new()),
    };
    let mut told = Vec::new();
    if remarks.is_empty() {
        told.push(Paragraph::new(Weight::Good, "Nothing is wrong with it."));
    }
    for remark in remarks {
        let weight = if remark.refuses { Weight::Bad } else { Weight::Warning };
        let glyph = if remark.refuses { "✗" } else { "!" };
        told.push(Paragraph::labelled(glyph, weight, remark.sentence.clone()));
    }
    told.push(Paragraph::gap());
    told.push(Paragraph::new(
        Weight::Muted,
        if schemas {
            "Held against the vendors' fields as they were last seen (reknit drift looks anew)."
        } else {
            "By the files alone: the vendors' fields have not been looked at yet (reknit drift looks)."
        },
    ));
    (format!("Lints of {name}"), told)
}

/// Which rule decides.
pub(super) fn why(item: Item<'_>) -> (String, Vec<Paragraph>) {
    let plain = |label: &str, text: String| Paragraph::labelled(label, Weight::Plain, text);
    let muted = |text: &str| Paragraph::new(Weight::Muted, text);
    match item {
        Item::Field(mapping, field) => {
            let mut told = vec![
                Paragraph::new(Weight::Bold, field.rule.clone()),
                muted(owner_means(&field.owner)),
                Paragraph::gap(),
                plain("Stands", format!("{}, line {}", mapping.file, field.line)),
                plain("Turned", field.transform.to_owned()),
            ];
            if !field.flags.is_empty() {
                told.push(plain("Also", field.flags.join(", ")));
            }
            told.push(plain(
                "Decides",
                if field.decides.is_empty() {
                    "nobody in particular".to_owned()
                } else {
                    field.decides.clone()
                },
            ));
            for (way, why) in &field.blocked {
                told.push(Paragraph::labelled("Off", Weight::Warning, format!("{way}: {why}")));
            }
            for held in &field.held {
                told.push(Paragraph::labelled("Held", Weight::Warning, held.clone()));
            }
            told.push(Paragraph::gap());
            told.push(muted(
                "A conflict of it is decided first by a rule of the rules folder that fits (reknit rules), then by the \
                 owner above, and where neither says, by a human on screen 3.",
            ));
            told.push(muted("How one person's value came about: w on their conflict, or reknit explain."));
            (format!("Why: {}", field.name), told)
        }
        Item::Mapping(mapping) => {
            let told = mapping.fields.iter().map(|field| plain(&field.name, field.rule.clone())).collect();
            (format!("Why: {}", mapping.name), told)
        }
        Item::Recipe(recipe) => {
            let mut told = vec![
                Paragraph::new(Weight::Bold, recipe.position.means()),
                Paragraph::gap(),
                plain("Begins with", recipe.trigger.clone()),
            ];
            if let Some(pause) = &recipe.pause {
                told.push(Paragraph::labelled("Paused", Weight::Warning, pause.sentence()));
            }
            for (that, otherwise) in &recipe.requires {
                told.push(plain("Cannot do without", that.clone()));
                told.push(Paragraph::labelled("else it fails", Weight::Muted, otherwise.clone()));
            }
            match &recipe.condition {
                Some((when, otherwise)) => {
                    told.push(plain("Has something to do when", when.clone()));
                    told.push(Paragraph::labelled("else it is skipped", Weight::Muted, otherwise.clone()));
                }
                None => {
                    told.push(plain("Has something to do", "for each event: it has no condition".to_owned()));
                }
            }
            if let Some(once) = &recipe.once {
                told.push(plain("Once for each", once.clone()));
            }
            told.push(Paragraph::gap());
            told.push(muted("d tries it on a person and names the gate that stops it."));
            (format!("Why: {}", recipe.name), told)
        }
        Item::Drift(finding) => {
            let mut told = vec![
                Paragraph::new(Weight::Bold, finding.change.sentence()),
                Paragraph::new(Weight::Plain, finding.change.advice()),
                Paragraph::gap(),
            ];
            for hit in &finding.hits {
                let held = finding.held().any(|held| held == hit);
                let words = format!("{} {}", hit.user, hit.at());
                told.push(Paragraph::labelled(
                    if held { "held back" } else { "goes on" },
                    Weight::Plain,
                    words,
                ));
            }
            (format!("Why: df_{}", finding.id), told)
        }
    }
}

fn owner_means(owner: &str) -> &'static str {
    match owner {
        "intercom" => "Intercom's value counts: a different one in the CRM is put right.",
        "crm" => "The CRM's value counts: a different one in Intercom is put right.",
        "mirrored" => {
            "One side holds the original; the other shows a copy, which is put right when somebody edits it."
        }
        "newest" => "The value of the record that was changed last counts.",
        "review" => "When both sides changed, a human decides on screen 3.",
        "consent" => "It is the person's own: an opt-out on either side wins over everything.",
        _ => "",
    }
}

/// The question before a vendor's change is taken, or what it holds goes on.
pub(super) fn drift_question(finding: &Finding, accept: bool) -> (String, Vec<Paragraph>) {
    let change = &finding.change;
    let mut told = vec![Paragraph::new(Weight::Bold, change.sentence()), Paragraph::gap()];
    if !change.was.is_empty() || !change.now.is_empty() {
        told.push(Paragraph::labelled("Was", Weight::Plain, change.was.clone()));
        told.push(Paragraph::labelled("Now", Weight::Plain, change.now.clone()));
        told.push(Paragraph::gap());
    }
    for hit in finding.held() {
        let words = format!("{} {}", hit.user, hit.at());
        told.push(Paragraph::labelled("Held", Weight::Warning, words));
    }
    let means = if accept {
        "From then on it is what is expected, and nothing is held back for it. What was left out meanwhile is looked at \
         again within a minute."
    } else {
        "What it holds goes on, although it is not what the rules expect: a vendor may refuse it. The change stays in \
         this list until it is accepted or mended."
    };
    told.push(Paragraph::new(Weight::Plain, means));
    told.push(Paragraph::new(Weight::Muted, change.advice()));
    let title = if accept { "Accept the change?" } else { "Let what is held go on?" };
    (title.to_owned(), told)
}
