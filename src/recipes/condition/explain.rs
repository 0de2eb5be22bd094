//! Which comparison decided a condition, written as a person reads it, with the values it saw.

use cel::Value as Cel;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::evaluate::{Evaluation, Stop};
use super::values::{double, json};
use crate::domain::record::value_text;
use crate::domain::text::shorten;

/// Letters of a value in an explanation.
const VALUE: usize = 60;
/// Comparisons that are told.
const TOLD: usize = 4;

/// What a condition comes to, and the comparisons that made it so.
pub(super) fn decide(with: &Evaluation<'_>, node: &IdedExpr) -> (Result<bool, Stop>, Vec<String>) {
    if let Expr::Call(call) = &node.expr {
        match (call.func_name.as_str(), &call.args[..]) {
            (operators::LOGICAL_NOT, [one]) => {
                let (decided, reasons) = decide(with, one);
                return (decided.map(|flag| !flag), reasons);
            }
            (sign @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [one, other]) => {
                let decides = sign == operators::LOGICAL_OR;
                let (first, mut reasons) = decide(with, one);
                if first == Ok(decides) {
                    return (first, reasons);
                }
                let (second, more) = decide(with, other);
                return match (first, second) {
                    (_, Ok(flag)) if flag == decides => (Ok(flag), more),
                    (Err(stop), _) => (Err(stop), reasons),
                    (Ok(_), Err(stop)) => (Err(stop), more),
                    (Ok(_), Ok(_)) => {
                        reasons.extend(more);
                        reasons.truncate(TOLD);
                        (Ok(!decides), reasons)
                    }
                };
            }
            _ => {}
        }
    }
    let decided = with.truth(node);
    let reason = match &decided {
        Ok(_) => leaf(with, node),
        Err(Stop::Missing(what)) => format!("{what} is missing"),
        Err(Stop::Fault(why)) => why.clone(),
    };
    (decided, vec![reason])
}

fn leaf(with: &Evaluation<'_>, node: &IdedExpr) -> String {
    if let Expr::Call(call) = &node.expr
        && let Some(sign) = infix(&call.func_name)
        && let [one, other] = &call.args[..]
    {
        let (left, right) = (with.value(one).unwrap_or(Cel::Null), with.value(other).unwrap_or(Cel::Null));
        let told = |node: &IdedExpr, value: &Cel| {
            if is_literal(node) { None } else { Some(format!("{} is {}", named(node), shown(value))) }
        };
        let values: Vec<String> = [told(one, &left), told(other, &right)].into_iter().flatten().collect();
        let remark = remark(&left, &right).map(|remark| format!(" ({remark})")).unwrap_or_default();
        let whole = format!("{} {sign} {}", named(one), named(other));
        if values.is_empty() {
            return whole;
        }
        return format!("{whole}: {}{remark}", values.join(", "));
    }
    let value = with.value(node).unwrap_or(Cel::Null);
    format!("{} is {}", named(node), shown(&value))
}

/// What looks alike and is not the same: the usual cause of a condition that never holds.
fn remark(left: &Cel, right: &Cel) -> Option<String> {
    match (left, right) {
        (Cel::String(a), Cel::String(b)) if a != b && a.to_lowercase() == b.to_lowercase() => {
            Some(format!("{} ≠ {}: they differ only in case", shown(left), shown(right)))
        }
        (Cel::String(a), Cel::String(b)) if a != b && a.trim() == b.trim() => {
            Some("they differ only in blanks around them".into())
        }
        (Cel::String(_), Cel::List(list)) => list.iter().find_map(|one| remark(left, one)),
        (Cel::String(text), Cel::Bool(_)) | (Cel::Bool(_), Cel::String(text))
            if matches!(text.to_lowercase().as_str(), "true" | "false") =>
        {
            Some("a text is never a truth value: use yes(…)".into())
        }
        (Cel::String(text), number) | (number, Cel::String(text))
            if double(number).is_some_and(|number| text.trim().parse() == Ok(number)) =>
        {
            Some("a text is never a number: use number(…)".into())
        }
        _ => None,
    }
}

/// A value in short, texts in quotes.
fn shown(value: &Cel) -> String {
    let Ok(json) = json(value) else { return "no value".into() };
    match &json {
        serde_json::Value::String(text) => format!("\"{}\"", shorten(text, VALUE)),
        serde_json::Value::Null => "missing".into(),
        serde_json::Value::Object(_) => "a record".into(),
        other => shorten(&value_text(other), VALUE).into(),
    }
}

fn is_literal(node: &IdedExpr) -> bool {
    match &node.expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.iter().all(is_literal),
        Expr::Call(call) => call.func_name == operators::NEGATE && call.args.iter().all(is_literal),
        _ => false,
    }
}

fn infix(function: &str) -> Option<&'static str> {
    Some(match function {
        operators::EQUALS => "==",
        operators::NOT_EQUALS => "!=",
        operators::LESS => "<",
        operators::LESS_EQUALS => "<=",
        operators::GREATER => ">",
        operators::GREATER_EQUALS => ">=",
        operators::IN => "in",
        _ => return None,
    })
}

/// A node as it was written, near enough to be found again.
pub(super) fn named(node: &IdedExpr) -> String {
    match &node.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Literal(literal) => written(literal),
        Expr::Select(select) if select.test => format!("has({}.{})", named(&select.operand), select.field),
        Expr::Select(select) => format!("{}.{}", named(&select.operand), select.field),
        Expr::List(list) => format!("[{}]", all(&list.elements)),
        Expr::Map(map) => {
            let pairs: Vec<String> = map
                .entries
                .iter()
                .map(|one| match &one.expr {
                    EntryExpr::MapEntry(entry) => format!("{}: {}", named(&entry.key), named(&entry.value)),
                    EntryExpr::StructField(field) => format!("{}: {}", field.field, named(&field.value)),
                })
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Expr::Comprehension(inner) => looped(inner),
        Expr::Call(call) => called(call),
        Expr::Struct(_) | Expr::Unspecified => "…".to_owned(),
    }
}

fn all(nodes: &[IdedExpr]) -> String {
    nodes.iter().map(named).collect::<Vec<_>>().join(", ")
}

fn written(literal: &LiteralValue) -> String {
    match super::evaluate::literal_value(literal) {
        Cel::String(text) => format!("\"{text}\""),
        Cel::Null => "null".to_owned(),
        Cel::Float(number) => number.to_string(),
        other => json(&other).map(|value| value_text(&value)).unwrap_or_default(),
    }
}

fn called(call: &CallExpr) -> String {
    let bracketed = |node: &IdedExpr| match &node.expr {
        Expr::Call(inner) if inner.args.len() > 1 && !inner.func_name.starts_with(char::is_alphabetic) => {
            format!("({})", named(node))
        }
        _ => named(node),
    };
    let sign = match call.func_name.as_str() {
        operators::LOGICAL_AND => Some("&&"),
        operators::LOGICAL_OR => Some("||"),
        operators::ADD => Some("+"),
        operators::SUBSTRACT => Some("-"),
        operators::MULTIPLY => Some("*"),
        operators::DIVIDE => Some("/"),
        operators::MODULO => Some("%"),
        other => infix(other),
    };
    match (call.func_name.as_str(), sign, &call.args[..]) {
        (_, Some(sign), [one, other]) => format!("{} {sign} {}", bracketed(one), bracketed(other)),
        (operators::LOGICAL_NOT, _, [one]) => format!("!{}", bracketed(one)),
        (operators::NEGATE, _, [one]) => format!("-{}", bracketed(one)),
        (operators::CONDITIONAL, _, [when, yes, no]) => {
            format!("{} ? {} : {}", named(when), named(yes), named(no))
        }
        (operators::INDEX, _, [of, key]) => format!("{}[{}]", named(of), named(key)),
        (name, _, args) => match &call.target {
            Some(target) => format!("{}.{name}({})", bracketed(target), all(args)),
            None => format!("{name}({})", all(args)),
        },
    }
}

/// The macro that the parser wrote as a loop.
fn looped(inner: &ComprehensionExpr) -> String {
    let step = |node: &IdedExpr, place: usize| match &node.expr {
        Expr::Call(call) => call.args.get(place).map(named).unwrap_or_default(),
        _ => String::new(),
    };
    let (name, body) = match &inner.accu_init.expr {
        Expr::Literal(LiteralValue::Boolean(flag)) => {
            (if *flag.inner() { "all" } else { "exists" }, step(&inner.loop_step, 1))
        }
        Expr::Literal(_) => ("exists_one", step(&inner.loop_step, 0)),
        _ => match &inner.loop_step.expr {
            Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
                ("filter", step(&inner.loop_step, 0))
            }
            Expr::Call(call) => (
                "map",
                match call.args.get(1).map(|added| &added.expr) {
                    Some(Expr::List(list)) => all(&list.elements),
                    _ => String::new(),
                },
            ),
            _ => ("map", String::new()),
        },
    };
    format!("{}.{name}({}, {body})", named(&inner.iter_range), inner.iter_var)
}
