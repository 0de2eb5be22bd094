//! Wishes about connections, monitors and limits: end a pause, look at a connection now.

use crate::console::msg::Answer;
use crate::console::text::counted;
use crate::domain::pause::PauseScope;
use crate::engine::operate::Operator;
use crate::engine::operate::disputes::Applied;
use crate::journal::Journal;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A pause ends; of a connection that is left alone, it is looked at now.
    Resume(PauseScope),
}

/// Does it.
pub(super) async fn carry_out(_journal: &Journal, operator: &Operator, wish: Wish) -> Answer<Applied> {
    let Wish::Resume(scope) = wish;
    let name = scope.to_string();
    let resumed = operator.resume(scope).await.map_err(|error| error.to_string())?;
    let held = match resumed.released {
        0 => String::new(),
        number => format!(" {} waited for it.", counted(number, "execution")),
    };
    let sentence = match (&resumed.looks, resumed.ended) {
        (Some(breaker), _) => format!(
            "{} is looked at now; if it answers, its work goes on.{held}",
            breaker.connection.system.title()
        ),
        (None, true) => format!("The pause of {name} is over.{held}"),
        (None, false) => format!("{name} was not paused."),
    };
    Ok(Applied { sentence, ..Applied::default() })
}
