//! Computes a parsed expression with the crate's values and operators; what is missing is told from what is wrong.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::objects::{Key, Map};
use cel::{Context, Value as Cel};

use super::explain::named;
use super::values::{double, entry, kind};
use super::{Scope, functions};

/// Nodes computed for one judgement: a thousand conversations, each looked at twice by a long condition.
const STEPS: u32 = 200_000;
/// Bytes of a text that was put together.
const TEXT: usize = 1_000_000;

/// Why there is no value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// A record lacks this.
    Missing(String),
    /// The expression does not fit.
    Fault(String),
}

pub(super) type Computed = Result<Cel, Stop>;

/// One judgement: what it sees, what its macros have bound, and how much work is left.
pub(super) struct Evaluation<'a> {
    scope: &'a Scope,
    bound: RefCell<Vec<(String, Computed)>>,
    steps: Cell<u32>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self { scope, bound: RefCell::default(), steps: Cell::new(STEPS) }
    }

    /// What a name of the facts holds; null when it was not gathered.
    pub(super) fn variable(&self, name: &str) -> Cel {
        self.scope.variables.get(name).cloned().unwrap_or(Cel::Null)
    }

    /// The value of a node; null for what a record does not have.
    pub(super) fn value(&self, node: &IdedExpr) -> Computed {
        let left = self.steps.get();
        if left == 0 {
            return Err(Stop::Fault(format!("it takes more than {STEPS} steps with these facts")));
        }
        self.steps.set(left - 1);
        match &node.expr {
            Expr::Ident(name) => {
                if let Some((_, value)) = self.bound.borrow().iter().rev().find(|(known, _)| known == name) {
                    return value.clone();
                }
                match self.scope.variables.get(name) {
                    Some(value) => Ok(value.clone()),
                    None => Err(Stop::Fault(format!(
                        "there is no \"{name}\" (reknit recipe facts lists the names)"
                    ))),
                }
            }
            Expr::Literal(literal) => Ok(literal_value(literal)),
            Expr::Select(select) => {
                let of = self.value(&select.operand)?;
                let key = Cel::String(Arc::new(select.field.clone()));
                let value = entry(&of, &key).cloned().unwrap_or(Cel::Null);
                if select.test {
                    return Ok(Cel::Bool(value != Cel::Null));
                }
                match of {
                    Cel::Map(_) | Cel::Null => Ok(value),
                    other => Err(Stop::Fault(format!(
                        "{} is {} and has no \"{}\"",
                        named(&select.operand),
                        kind(&other),
                        select.field
                    ))),
                }
            }
            Expr::List(list) => {
                let values: Result<Vec<Cel>, Stop> =
                    list.elements.iter().map(|one| self.value(one)).collect();
                Ok(Cel::List(Arc::new(values?)))
            }
            Expr::Map(map) => {
                let mut made = HashMap::new();
                for one in &map.entries {
                    let EntryExpr::MapEntry(entry) = &one.expr else { continue };
                    let key: Result<Key, _> = self.value(&entry.key)?.try_into();
                    let key =
                        key.map_err(|_| Stop::Fault(format!("{} cannot be a name", named(&entry.key))))?;
                    made.insert(key, self.value(&entry.value)?);
                }
                Ok(Cel::Map(Map { map: Arc::new(made) }))
            }
            Expr::Comprehension(inner) => self.comprehension(inner),
            Expr::Call(call) => self.call(call),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(Stop::Fault("records of a type cannot be made here".into()))
            }
        }
    }

    /// A node that decides: null is missing, anything but true or false is a fault.
    pub(super) fn truth(&self, node: &IdedExpr) -> Result<bool, Stop> {
        match self.value(node)? {
            Cel::Bool(flag) => Ok(flag),
            Cel::Null => Err(Stop::Missing(named(node))),
            other => {
                let hint = if matches!(other, Cel::String(_)) {
                    "; a CRM's checkbox is a text: use yes(…)"
                } else {
                    ""
                };
                Err(Stop::Fault(format!("{} is {} and not true or false{hint}", named(node), kind(&other))))
            }
        }
    }

    /// A node whose value is needed.
    pub(super) fn known(&self, node: &IdedExpr) -> Computed {
        match self.value(node)? {
            Cel::Null => Err(Stop::Missing(named(node))),
            value => Ok(value),
        }
    }

    fn call(&self, call: &CallExpr) -> Computed {
        match (call.func_name.as_str(), &call.args[..]) {
            (operators::LOGICAL_AND, [one, other]) => self.both(one, other, false),
            (operators::LOGICAL_OR, [one, other]) => self.both(one, other, true),
            (operators::LOGICAL_NOT, [one]) => self.truth(one).map(|flag| Cel::Bool(!flag)),
            (operators::NOT_STRICTLY_FALSE, [one]) => Ok(Cel::Bool(self.truth(one) != Ok(false))),
            (operators::CONDITIONAL, [when, yes, no]) => match self.truth(when) {
                Ok(true) => self.value(yes),
                Ok(false) | Err(Stop::Missing(_)) => self.value(no),
                Err(fault) => Err(fault),
            },
            (operators::EQUALS, [one, other]) => Ok(Cel::Bool(self.value(one)? == self.value(other)?)),
            (operators::NOT_EQUALS, [one, other]) => Ok(Cel::Bool(self.value(one)? != self.value(other)?)),
            (
                order @ (operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS),
                [one, other],
            ) => self.compare(order, one, other),
            (operators::IN, [one, other]) => {
                let wanted = self.value(one)?;
                match self.known(other)? {
                    Cel::List(list) => Ok(Cel::Bool(list.contains(&wanted))),
                    map @ Cel::Map(_) => Ok(Cel::Bool(entry(&map, &wanted).is_some())),
                    other_value => {
                        Err(Stop::Fault(format!("{} is {} and no list", named(other), kind(&other_value))))
                    }
                }
            }
            (operators::INDEX, [of, key]) => {
                let (of_value, key) = (self.value(of)?, self.value(key)?);
                match of_value {
                    Cel::Map(_) | Cel::List(_) | Cel::Null => {
                        Ok(entry(&of_value, &key).cloned().unwrap_or(Cel::Null))
                    }
                    other => Err(Stop::Fault(format!("{} is {} and has no places", named(of), kind(&other)))),
                }
            }
            (operators::NEGATE, [one]) => match self.known(one)? {
                Cel::Int(number) => number
                    .checked_neg()
                    .map(Cel::Int)
                    .ok_or_else(|| Stop::Fault("the number is too big".into())),
                Cel::Float(number) => Ok(Cel::Float(-number)),
                other => Err(Stop::Fault(format!("{} is {} and no number", named(one), kind(&other)))),
            },
            (
                sign @ (operators::ADD
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO),
                [one, other],
            ) => self.reckon(sign, one, other),
            ("or_else", [one, other]) => match self.value(one) {
                Ok(Cel::Null) | Err(Stop::Missing(_)) => self.value(other),
                decided => decided,
            },
            (name, _) => {
                let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
                functions::call(self, name, &parts, call.target.is_some())
            }
        }
    }

    /// `&&` (decided by false) and `||` (decided by true): what decides wins over what is missing or wrong.
    fn both(&self, one: &IdedExpr, other: &IdedExpr, decides: bool) -> Computed {
        let first = self.truth(one);
        if first == Ok(decides) {
            return Ok(Cel::Bool(decides));
        }
        match (first, self.truth(other)) {
            (_, Ok(flag)) if flag == decides => Ok(Cel::Bool(decides)),
            (Err(stop), _) | (Ok(_), Err(stop)) => Err(stop),
            (Ok(_), Ok(_)) => Ok(Cel::Bool(!decides)),
        }
    }

    fn compare(&self, order: &str, one: &IdedExpr, other: &IdedExpr) -> Computed {
        let (left, right) = (self.known(one)?, self.known(other)?);
        let Some(found) = left.partial_cmp(&right) else {
            let hint = match (&left, &right) {
                (Cel::String(_), _) if double(&right).is_some() => format!("; use number({})", named(one)),
                (_, Cel::String(_)) if double(&left).is_some() => format!("; use number({})", named(other)),
                _ => String::new(),
            };
            return Err(Stop::Fault(format!(
                "{} is {} and {} is {}, which have no order{hint}",
                named(one),
                kind(&left),
                named(other),
                kind(&right)
            )));
        };
        Ok(Cel::Bool(match order {
            operators::LESS => found == Ordering::Less,
            operators::LESS_EQUALS => found != Ordering::Greater,
            operators::GREATER => found == Ordering::Greater,
            _ => found != Ordering::Less,
        }))
    }

    fn reckon(&self, sign: &str, one: &IdedExpr, other: &IdedExpr) -> Computed {
        let (mut left, mut right) = (self.known(one)?, self.known(other)?);
        // CEL has no 0.5 + 1; people write it, and it means what it says.
        if let (Some(a), Some(b)) = (double(&left), double(&right))
            && (matches!(left, Cel::Float(_)) || matches!(right, Cel::Float(_)))
        {
            (left, right) = (Cel::Float(a), Cel::Float(b));
        }
        if let (Cel::String(a), Cel::String(b)) = (&left, &right)
            && a.len() + b.len() > TEXT
        {
            return Err(Stop::Fault("it puts together a text of more than a megabyte".into()));
        }
        let kinds = (kind(&left), kind(&right));
        let result = match sign {
            operators::ADD => left + right,
            operators::SUBSTRACT => left - right,
            operators::MULTIPLY => left * right,
            operators::DIVIDE => left / right,
            _ => left % right,
        };
        result.map_err(|error| {
            Stop::Fault(match error {
                cel::ExecutionError::DivisionByZero(_) | cel::ExecutionError::RemainderByZero(_) => {
                    format!("{} is 0, and nothing is divided by 0", named(other))
                }
                cel::ExecutionError::Overflow(..) => "the number is too big".to_owned(),
                _ => format!(
                    "{} is {} and {} is {}: they cannot be reckoned with each other",
                    named(one),
                    kinds.0,
                    named(other),
                    kinds.1
                ),
            })
        })
    }

    /// `exists`, `all`, `exists_one`, `map` and `filter`, which the parser writes as one loop.
    fn comprehension(&self, inner: &ComprehensionExpr) -> Computed {
        let items: Vec<Cel> = match self.value(&inner.iter_range)? {
            Cel::List(list) => list.to_vec(),
            Cel::Map(map) => map.map.keys().map(Cel::from).collect(),
            Cel::Null => return Err(Stop::Missing(named(&inner.iter_range))),
            other => {
                return Err(Stop::Fault(format!(
                    "{} is {} and no list",
                    named(&inner.iter_range),
                    kind(&other)
                )));
            }
        };
        let depth = self.bound.borrow().len();
        let start = self.value(&inner.accu_init);
        self.bound.borrow_mut().push((inner.accu_var.clone(), start));
        for item in items {
            if self.truth(&inner.loop_cond) == Ok(false) {
                break;
            }
            self.bound.borrow_mut().push((inner.iter_var.clone(), Ok(item)));
            let step = self.value(&inner.loop_step);
            let mut bound = self.bound.borrow_mut();
            bound.truncate(depth + 1);
            bound[depth].1 = step;
            if self.steps.get() == 0 {
                break;
            }
        }
        let result = self.value(&inner.result);
        self.bound.borrow_mut().truncate(depth);
        result
    }
}

/// What a literal says.
pub(super) fn literal_value(literal: &LiteralValue) -> Cel {
    match literal {
        LiteralValue::Boolean(flag) => Cel::Bool(*flag.inner()),
        LiteralValue::Bytes(_) => Cel::Null,
        LiteralValue::Double(number) => Cel::Float(*number.inner()),
        LiteralValue::Int(number) => Cel::Int(*number.inner()),
        LiteralValue::Null => Cel::Null,
        LiteralValue::String(text) => Cel::String(Arc::new(text.inner().to_owned())),
        LiteralValue::UInt(number) => Cel::UInt(*number.inner()),
    }
}

/// One of the crate's own functions, with values at hand.
pub(super) fn of_the_crate(name: &str, values: &[Cel], as_member: bool) -> Computed {
    let mut context = Context::default();
    let ident = |place: usize| IdedExpr { id: place as u64 + 1, expr: Expr::Ident(format!("v{place}")) };
    for (place, value) in values.iter().enumerate() {
        context.add_variable_from_value(format!("v{place}"), value.clone());
    }
    let mut args: Vec<IdedExpr> = (0..values.len()).map(ident).collect();
    let target = (as_member && !args.is_empty()).then(|| Box::new(args.remove(0)));
    let call = CallExpr { func_name: name.to_owned(), target, args };
    let node = IdedExpr { id: 99, expr: Expr::Call(call) };
    Cel::resolve(&node, &context).map_err(|error| {
        let words = error.to_string();
        Stop::Fault(format!("{name}() does not take this: {}", crate::domain::text::shorten(&words, 120)))
    })
}
