//! From text to a tree, with the guards that keep the parser on its stack, and what an expression mentions.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::parser::Parser;

use super::RecipeFault;

/// Letters of an expression.
const LONGEST: usize = 2_000;
/// Brackets within brackets, and signs in a row.
const DEEPEST: usize = 50;
/// Nodes of the tree from its root to a leaf.
const HIGHEST: usize = 200;
/// The generated parser takes thousands of frames for what a person still reads; the callers' stacks are small.
const STACK: usize = 64 << 20;
/// Parsed expressions that are kept: every shipped recipe has a dozen.
const KEPT: usize = 4_096;

/// An expression as a tree; read once and kept.
pub(super) fn expression(text: &str) -> Result<Arc<IdedExpr>, RecipeFault> {
    static READ: OnceLock<Mutex<HashMap<String, Arc<IdedExpr>>>> = OnceLock::new();
    let read = READ.get_or_init(Mutex::default);
    if let Some(known) = read.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Ok(Arc::clone(known));
    }
    let parsed =
        guard(text).and_then(|()| apart(&on_one_line(text))).map_err(|why| RecipeFault::new(text, why))?;
    let parsed = Arc::new(parsed);
    let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
    if read.len() >= KEPT {
        read.clear();
    }
    read.insert(text.to_owned(), Arc::clone(&parsed));
    Ok(parsed)
}

/// Counts what makes the parser go deep before it does.
fn guard(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("it is longer than {LONGEST} letters; put lists and tables into [settings]"));
    }
    let (mut depth, mut signs, mut questions) = (0_usize, 0_usize, 0_usize);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '?' => questions += 1,
            _ => {}
        }
        signs = if matches!(letter, '!' | '-') {
            signs + 1
        } else if letter == ' ' {
            signs
        } else {
            0
        };
        if depth > DEEPEST || signs > DEEPEST || questions > DEEPEST {
            return Err(format!("it nests deeper than {DEEPEST}; say it in several actions or with a table"));
        }
    }
    Ok(())
}

/// A line that ends within quotes is the letter for it: TOML has turned `\n` into a real one before CEL sees it.
fn on_one_line(text: &str) -> String {
    let (mut quote, mut escaped) = (None, false);
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match (quote, letter) {
            (Some(_), '\n') => line.push_str("\\n"),
            _ => line.push(letter),
        }
        match quote {
            _ if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            _ => {}
        }
    }
    line
}

thread_local! {
    /// This thread has a stack that the parser can use.
    static DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Does work that reads many expressions on one thread with a stack for them, instead of one for each expression.
pub(crate) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if DEEP.get() {
        return work();
    }
    std::thread::scope(|scope| {
        let deep = move || {
            DEEP.set(true);
            work()
        };
        let worker =
            std::thread::Builder::new().name("cel".into()).stack_size(STACK).spawn_scoped(scope, deep);
        let worker = worker.expect("a process that begins can begin a thread");
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn tree(text: &str) -> Result<IdedExpr, String> {
    let tree = Parser::default().parse(text).map_err(|errors| {
        // The first is the cause; the others follow from it.
        errors.errors.first().map_or_else(|| errors.to_string(), |error| error.msg.clone())
    })?;
    if height(&tree) > HIGHEST { Err(format!("it nests deeper than {HIGHEST} steps")) } else { Ok(tree) }
}

/// Parses on a stack of its own.
fn apart(text: &str) -> Result<IdedExpr, String> {
    if DEEP.get() {
        return std::panic::catch_unwind(|| tree(text)).unwrap_or_else(|_| Err("it cannot be read".into()));
    }
    let own = text.to_owned();
    let parsing = std::thread::Builder::new().name("cel".into()).stack_size(STACK).spawn(move || tree(&own));
    match parsing.map(std::thread::JoinHandle::join) {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(_)) => Err("it cannot be read".into()),
        Err(error) => Err(format!("there is no thread to read it with: {error}")),
    }
}

/// The direct parts of a node.
pub(super) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => entries(map.entries.iter().map(|entry| &entry.expr)),
        Expr::Struct(made) => entries(made.entries.iter().map(|entry| &entry.expr)),
        Expr::Select(select) => vec![&select.operand],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entries<'a>(entries: impl Iterator<Item = &'a EntryExpr>) -> Vec<&'a IdedExpr> {
    entries
        .flat_map(|entry| match entry {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        })
        .collect()
}

fn height(root: &IdedExpr) -> usize {
    let mut highest = 0;
    let mut open = vec![(root, 1)];
    while let Some((node, level)) = open.pop() {
        highest = highest.max(level);
        open.extend(children(node).into_iter().map(|child| (child, level + 1)));
    }
    highest
}

/// What an expression names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Variables with the path below them as far as it is written out: `crm.lifecyclestage`, `conversations`.
    pub paths: BTreeSet<String>,
    /// Functions that are called by name.
    pub functions: BTreeSet<String>,
}

/// What an expression names; names that its own `exists`, `map` and `filter` bind are not among it.
pub fn mentions(text: &str) -> Result<Mentions, RecipeFault> {
    let tree = expression(text)?;
    let mut found = Mentions::default();
    walk(&tree, &mut Vec::new(), &mut found);
    Ok(found)
}

fn walk<'a>(node: &'a IdedExpr, bound: &mut Vec<&'a str>, found: &mut Mentions) {
    if let Some(path) = path(node) {
        if !bound.contains(&path[0].as_str()) {
            found.paths.insert(path.join("."));
        }
        return;
    }
    match &node.expr {
        Expr::Comprehension(inner) => {
            walk(&inner.iter_range, bound, found);
            walk(&inner.accu_init, bound, found);
            let before = bound.len();
            bound.push(&inner.accu_var);
            bound.push(&inner.iter_var);
            bound.extend(inner.iter_var2.as_deref());
            for part in [&inner.loop_cond, &inner.loop_step, &inner.result] {
                walk(part, bound, found);
            }
            bound.truncate(before);
        }
        Expr::Call(call) => {
            if operators::find_operator(&call.func_name).is_none()
                && call.func_name.starts_with(char::is_alphabetic)
            {
                found.functions.insert(call.func_name.clone());
            }
            for child in children(node) {
                walk(child, bound, found);
            }
        }
        _ => {
            for child in children(node) {
                walk(child, bound, found);
            }
        }
    }
}

/// `crm.properties["plan"]` as its names, where all of them are written out.
pub(super) fn path(node: &IdedExpr) -> Option<Vec<String>> {
    match &node.expr {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) => {
            let mut path = path(&select.operand)?;
            path.push(select.field.clone());
            Some(path)
        }
        Expr::Call(call) if call.func_name == operators::INDEX && call.args.len() == 2 => {
            let mut path = path(&call.args[0])?;
            let Expr::Literal(LiteralValue::String(name)) = &call.args[1].expr else { return None };
            path.push(name.inner().to_owned());
            Some(path)
        }
        _ => None,
    }
}
