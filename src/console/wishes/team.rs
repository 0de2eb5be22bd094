//! Wishes about who works on what, and what is said about it.

use crate::console::msg::Answer;
use crate::console::text::counted;
use crate::domain::team::{CLAIM, Item};
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::{OperateError, Operator};
use crate::journal::Journal;

/// What is wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Say that one is at it; with `over` also where somebody else is.
    Claim {
        /// What.
        items: Vec<Item>,
        /// Take over what somebody else has claimed.
        over: bool,
    },
    /// Give one's own claims back.
    GiveBack(Vec<Item>),
    /// Say who is to look at it; none for nobody.
    Assign(Vec<Item>, Option<String>),
    /// Leave a remark.
    Comment(Vec<Item>, String),
}

/// Does it.
pub(super) async fn carry_out(_journal: &Journal, operator: &Operator, wish: Wish) -> Answer<Applied> {
    let words = |error: OperateError| error.to_string();
    let sentence = match wish {
        Wish::Claim { items, over } => {
            let taken = operator.claim(&items, CLAIM, over).await.map_err(words)?;
            let mine = items.len() - taken.len();
            if let (0, Some(first)) = (mine, taken.first()) {
                return Err(format!(
                    "{} is claimed by {}: it was left to them. a asks whether to take it over.",
                    first.item, first.claim.who
                ));
            }
            let minutes = CLAIM.as_secs() / 60;
            let left = match taken.len() {
                0 => String::new(),
                many => format!(" {many} stay with who claimed them."),
            };
            format!("{} yours for {minutes} minutes; a gives back.{left}", named(&items, mine))
        }
        Wish::GiveBack(items) => {
            let given = operator.give_back(&items).await.map_err(words)?;
            format!("{} given back.", named(&items, given))
        }
        Wish::Assign(items, to) => match operator.assign(&items, to.as_deref()).await.map_err(words)? {
            Some(name) => format!("{} assigned to {name}.", named(&items, items.len())),
            None => format!("{} assigned to nobody now.", named(&items, items.len())),
        },
        Wish::Comment(items, text) => {
            operator.comment(&items, &text).await.map_err(words)?;
            format!("Noted on {}.", named(&items, items.len()))
        }
    };
    Ok(Applied { sentence, ..Applied::default() })
}

fn named(items: &[Item], count: usize) -> String {
    match items {
        [one] => one.to_string(),
        _ => counted(count as u64, "item"),
    }
}
