//! Pausing a recipe and letting it go on: the question for a reason, or what a yes lets go. Asks; nothing is done here.

use crate::console::effect::Effect;
use crate::console::layers::Over;
use crate::console::layers::choice::Phrase;
use crate::console::layers::confirm::Pending;
use crate::console::wishes::{Wish as AnyWish, executions::Wish};
use crate::domain::pause::Pause;

/// The question about a recipe; `pause` is what holds it back now.
pub(super) fn question(recipe: &str, pause: Option<&Pause>) -> Effect {
    let recipe = recipe.to_owned();
    match pause {
        Some(pause) => {
            let text = format!("{}\nWhat it held goes on, each in its place.", pause.sentence());
            let title = format!("Let {recipe} go on");
            let wish = AnyWish::Executions(Wish::Resume(recipe));
            Effect::Confirm(Box::new(Pending::Wish { wish, title, text, verb: "Let it go on" }))
        }
        None => Effect::Over(Over(Box::new(Phrase::new(
            format!("Pause {recipe}"),
            "Why? What is told meanwhile is stored and waits",
            recipe,
            |recipe, reason| AnyWish::Executions(Wish::Pause(recipe, reason)),
        )))),
    }
}
