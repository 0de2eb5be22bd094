//! Arming, disarming, taking back and sending at once; what they mean stands in the engine.

use crate::console::msg::Answer;
use crate::domain::ids::ExecutionId;
use crate::engine::operate::Operator;
use crate::engine::operate::disputes::Applied;
use crate::engine::operate::past::Done;

/// What is wished for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// This console may write for so many minutes.
    Arm(u32),
    /// It may not write any more.
    Disarm,
    /// Take something back that sends nothing.
    TakeBack(Box<Done>),
    /// Send what waits for its moment.
    SendNow(Vec<ExecutionId>),
}

/// Does it.
pub(super) async fn carry_out(operator: &Operator, wish: Wish) -> Answer<Applied> {
    let words = |error: crate::engine::operate::OperateError| error.to_string();
    let said = |sentence: &str| Applied { sentence: sentence.to_owned(), ..Applied::default() };
    match wish {
        Wish::Arm(minutes) => {
            operator.arm(minutes).await.map_err(words)?;
            Ok(said(&format!("Armed for {minutes} minutes; ! disarms.")))
        }
        Wish::Disarm => {
            operator.disarm().await.map_err(words)?;
            Ok(said("Disarmed: nothing can be changed from here."))
        }
        Wish::TakeBack(done) => operator.take_back(&done).await.map_err(words),
        Wish::SendNow(ids) => {
            let sent = operator.send_now(&ids).await.map_err(words)?;
            Ok(said(if sent > 0 { "Sent now." } else { "It is sent already." }))
        }
    }
}
