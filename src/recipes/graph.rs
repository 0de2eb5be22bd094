//! A recipe drawn and told: where an event goes, with every edge that leads out of it, and what it owns, emits and
//! repeats. What is printed here is made from the recipe itself, so it cannot grow old beside it.

use super::book::Book;
use super::recipe::{Act, Lookup, Recipe, State, Target, Trigger};
use crate::domain::record::System;
use crate::mapping::Mapping;

/// The drawing, line by line: trigger, gates, actions, and beside each what happens when it says no or fails.
pub fn drawing(recipe: &Recipe) -> Vec<String> {
    let mut lines = vec![format!("● {}", recipe.trigger)];
    let mut edge = |what: String, answer: &str, leads: String| {
        lines.push("│".to_owned());
        lines.push(format!("◇ {what}"));
        lines.push(format!("├── {answer} ──▶ {leads}"));
    };
    edge("is the recipe on?".into(), "off", "nothing runs; in shadow it plans and writes nothing".into());
    for require in &recipe.require {
        edge(require.that.clone(), "no", format!("✕ failed (missing_data): {}", require.otherwise));
    }
    if let Some(condition) = &recipe.condition {
        edge(condition.when.clone(), "no", format!("○ skipped: {}", condition.otherwise));
    }
    if let Some(once) = &recipe.once {
        edge(format!("first time for {once}?"), "no", "○ skipped: it ran for this already".into());
    }
    for (place, route) in recipe.routes.iter().enumerate() {
        lines.push(if place == 0 { "│".to_owned() } else { "┆".to_owned() });
        let when = route.when.as_deref().unwrap_or("else");
        lines.push(format!("◇ route {}: {when} ──▶ {} ({})", place + 1, route.to, route.because));
    }
    for (place, action) in recipe.actions.iter().enumerate() {
        lines.push("│".to_owned());
        if let Some(when) = &action.when {
            lines.push(format!("◇ only when {when}"));
        }
        lines.push(format!("■ {}. {}", place + 1, doing(&action.act)));
        for (answer, leads) in edges(&action.act) {
            lines.push(format!("├── {answer} ──▶ {leads}"));
        }
    }
    lines.push("│".to_owned());
    lines.push("◉ done".to_owned());
    lines.push(String::new());
    let told = if recipe.error.tell.is_empty() { "the monitors" } else { &recipe.error.tell };
    lines.push(format!("✕ error ──▶ dead letter with its reason, {told} told, later actions not run"));
    lines.push(format!("            {}", recipe.error.advice));
    lines
}

/// What an action does, in words.
pub fn doing(act: &Act) -> String {
    let keys = |fields: &crate::domain::record::Fields| fields.keys().cloned().collect::<Vec<_>>().join(", ");
    let of = |target: &Target| match target {
        Target::Contact => "the person in Intercom",
        Target::Crm => "the person in the CRM",
        Target::Company => "their organisation in the CRM",
        Target::IntercomCompany => "their organisation in Intercom",
        Target::Conversation => "the conversation",
        Target::Deal => "the open sale",
        Target::Ticket => "the support case",
    };
    match act {
        Act::Sync { mapping, to_crm, create } => format!(
            "carry the fields of the mapping \"{mapping}\" to {}{}",
            if *to_crm { "the CRM" } else { "Intercom" },
            if *create { ", making whoever is not there" } else { "" }
        ),
        Act::Log { object } => match object {
            Some(object) => format!("log the conversation on the person's timeline as a {object}"),
            None => "log the conversation on the person's timeline".to_owned(),
        },
        Act::Update { target, set, forward } => {
            let only = if forward.is_empty() {
                String::new()
            } else {
                format!(" ({} only forward)", forward.keys().cloned().collect::<Vec<_>>().join(", "))
            };
            format!("set {} of {}{only}", keys(set), of(target))
        }
        Act::Create { object, in_intercom, find, set, relate, .. } => {
            let by = match find {
                Lookup::Field { field, .. } => format!("by {field}"),
                Lookup::OpenOfPerson => "among the person's open ones".to_owned(),
                Lookup::Key(_) => "by a key of ours".to_owned(),
            };
            let side = if *in_intercom { "Intercom" } else { "the CRM" };
            let related: Vec<&str> = relate.iter().map(of).collect();
            let related = if related.is_empty() {
                String::new()
            } else {
                format!(", related to {}", related.join(" and "))
            };
            format!(
                "look for a {object} in {side} {by}; where there is none, make it with {}{related}",
                keys(set)
            )
        }
        Act::Relate { from, to } => format!("relate {} to {}", of(from), of(to)),
        Act::Tag { target, tag, on } if on == "true" => format!("put the tag \"{tag}\" on {}", of(target)),
        Act::Tag { target, tag, on } => format!("tag {} \"{tag}\" while {on}, else take it off", of(target)),
        Act::Track { event, .. } => format!("tell Intercom that the person did {event}"),
        Act::Converse { .. } => "begin a conversation in the person's name".to_owned(),
        Act::Reply { note: true, .. } => "leave a note in the conversation".to_owned(),
        Act::Reply { .. } => "reply in the conversation".to_owned(),
        Act::Assign { to, team, .. } => {
            format!("give the conversation to the {} {to}", if *team { "team" } else { "teammate" })
        }
        Act::Tell { channel, .. } => format!("tell {channel}"),
    }
}

/// The edges that lead out of an action.
fn edges(act: &Act) -> Vec<(&'static str, &'static str)> {
    let refused = ("refused for good", "✕ error");
    let later = ("no answer, or too many calls", "⟳ waits and is tried again; a write is looked for first");
    match act {
        Act::Tell { .. } => vec![("not delivered", "the outbox tries again; the run is done all the same")],
        Act::Create { find: Lookup::Field { .. }, .. } => vec![
            ("one found", "it is updated, none is made"),
            ("several found", "○ skipped (duplicate): merge them first"),
            later,
            refused,
        ],
        Act::Create { .. } => vec![("one found", "it is updated, none is made"), later, refused],
        Act::Sync { .. } => vec![
            ("both sides changed", "≠ a conflict for a human; the other fields go on"),
            ("several fit", "○ skipped (duplicate): merge them first"),
            later,
            refused,
        ],
        _ => vec![("nothing differs", "○ unchanged"), later, refused],
    }
}

/// Who emits the event, which fields the recipe writes and who owns them, and how a failure is repeated.
pub fn explanation<'m>(recipe: &Recipe, mapping: &dyn Fn(&str) -> Option<&'m Mapping>) -> Vec<String> {
    let mut told = vec![format!("{}: {}", recipe.name, recipe.title)];
    told.push(format!("Emitted by: {}", emitter(recipe.trigger)));
    let mut owned = Vec::new();
    for action in &recipe.actions {
        match &action.act {
            Act::Sync { mapping: name, to_crm, .. } => match mapping(name) {
                Some(found) => {
                    owned.push(format!(
                        "the fields of the mapping \"{name}\", each with an owner of its own:"
                    ));
                    owned.extend(
                        found.fields.iter().map(|field| format!("  {}: {}", field.name, field.rule())),
                    );
                }
                None => owned.push(format!(
                    "the fields of the mapping \"{name}\" {}",
                    if *to_crm { "in the CRM" } else { "in Intercom" }
                )),
            },
            Act::Update { target, set, .. } => {
                let fields: Vec<&str> = set.keys().map(String::as_str).collect();
                owned.push(format!("{} of {}", fields.join(", "), target.as_str().replace('_', " ")));
            }
            act => owned.push(doing(act)),
        }
    }
    told.push("Writes, and so owns while it is on:".to_owned());
    told.extend(owned.into_iter().map(|line| format!("  {line}")));
    told.push(
        "Retries: what the vendor could not answer is tried again with growing pauses; a closed window is waited for and \
         eats no attempt; a write whose answer was lost is looked for before it is sent again; what is refused for good \
         ends as a dead letter, which r (or reknit retry) runs again."
            .to_owned(),
    );
    told.push(match &recipe.once {
        Some(once) => format!(
            "Repeats: it runs once for each value of {once}; the same event delivered twice is one event."
        ),
        None => {
            "Repeats: it runs once for each event; the same event delivered twice is one event.".to_owned()
        }
    });
    told.push(format!("On failure: {}", recipe.error.advice));
    told
}

fn emitter(trigger: Trigger) -> String {
    let whose = match trigger {
        Trigger::CrmContactChanged | Trigger::CrmCompanyChanged | Trigger::DealChanged => {
            "the CRM (webhook, outbound message or poll)"
        }
        Trigger::TicketChanged => "Intercom or the CRM (webhook or poll)",
        Trigger::AgentAnswered => "your own support agent, at the agent endpoint",
        _ => "Intercom (webhook or poll)",
    };
    format!("{whose}, as {trigger}")
}

/// The documentation of a book as Markdown.
pub fn docs<'m>(book: &Book, mapping: &dyn Fn(&str) -> Option<&'m Mapping>) -> String {
    let mut text = String::from("# Recipes\n\nMade by `reknit recipe docs` from the recipes themselves.\n\n");
    text.push_str("| Recipe | State | Trigger | CRM | Owner | What it does |\n|---|---|---|---|---|---|\n");
    let crm = |recipe: &Recipe| recipe.crm.map_or("any", System::title);
    for recipe in book.all() {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            recipe.name,
            recipe.state,
            recipe.trigger,
            crm(recipe),
            recipe.owner,
            recipe.title
        ));
    }
    for recipe in book.all() {
        text.push_str(&format!("\n## {}\n\n{}\n\n{}\n\n", recipe.name, recipe.title, recipe.about.trim()));
        text.push_str(&format!("```text\n{}\n```\n\n", drawing(recipe).join("\n")));
        for line in explanation(recipe, mapping).into_iter().skip(1) {
            text.push_str(&match line.strip_prefix("  ") {
                Some(inner) => format!("  - {}\n", inner.trim()),
                None => format!("- {line}\n"),
            });
        }
    }
    text
}

/// A recipe in one line of a list.
pub fn row(recipe: &Recipe, state: State) -> [String; 5] {
    [
        recipe.name.clone(),
        state.to_string(),
        recipe.trigger.to_string(),
        recipe.crm.map_or_else(|| "any".to_owned(), |crm| crm.to_string()),
        recipe.title.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mappings;

    #[test]
    fn r148_r166_every_action_and_gate_has_an_edge_that_leads_out() {
        for recipe in Book::shipped().all() {
            let drawn = drawing(recipe).join("\n");
            for (place, action) in recipe.actions.iter().enumerate() {
                assert!(drawn.contains(&format!("■ {}. {}", place + 1, doing(&action.act))), "{drawn}");
                assert!(!edges(&action.act).is_empty());
            }
            assert!(
                drawn.contains("✕ error ──▶ dead letter") && drawn.contains(&recipe.error.advice),
                "{drawn}"
            );
            assert!(recipe.condition.is_none() || drawn.contains("── no ──▶ ○ skipped"), "{drawn}");
        }
    }

    #[test]
    fn r161_emitter_owned_fields_and_retries_are_told() {
        let (book, mappings) = (Book::shipped(), Mappings::shipped());
        let recipe = book.recipe("contact-to-crm").expect("it ships");
        let told = explanation(recipe, &|name| mappings.named(name)).join("\n");
        for words in
            ["Emitted by: Intercom", "email", "owns it", "Retries: ", "Repeats: it runs once for each event"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    #[test]
    fn r232_the_documentation_names_every_recipe() {
        let (book, mappings) = (Book::shipped(), Mappings::shipped());
        let text = docs(&book, &|name| mappings.named(name));
        for recipe in book.all() {
            assert!(text.contains(&format!("\n## {}\n", recipe.name)) && text.contains(&recipe.title));
        }
    }
}
