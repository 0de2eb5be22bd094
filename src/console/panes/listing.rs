//! What every list is to the machine around it: its columns, order, filter and marks, whatever its rows are.
//!
//! Holds no rows and asks nothing; the window does. A view is a [`Shape`] with a name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Screen;
use crate::console::actions::Action;
use crate::console::widgets::list::{Column, Kind};
use crate::domain::filter::{Column as By, Filter, List, Sort};

/// How a column is sorted when it is first chosen: what is counted from the top, ages from the youngest, words from A.
pub fn first_order(column: &Column) -> Option<Sort> {
    let by = column.sort?;
    let descending = column.kind == Kind::Number && by != By::Age && by != By::Next;
    Some(Sort { column: by, descending })
}

/// An order from the value of a `sort:` term; none for what is no column.
pub fn order(value: &str) -> Option<Sort> {
    if value.is_empty() {
        return None;
    }
    Filter::parse(&format!("sort:{value}")).ok()?.sort
}

/// An order as the value of a `sort:` term; empty for none.
pub fn written(sort: Option<Sort>) -> String {
    sort.map(|sort| sort.to_string().replacen("sort:", "", 1)).unwrap_or_default()
}

/// The list that filters of a screen are about; none where they are another language's.
pub const fn list_of(screen: Screen) -> Option<List> {
    match screen {
        Screen::Executions => Some(List::Executions),
        Screen::Conflicts => Some(List::Conflicts),
        Screen::Duplicates => Some(List::Duplicates),
        Screen::Unlinked => Some(List::Unlinked),
        Screen::Audit => Some(List::Audit),
        Screen::Log => Some(List::Calls),
        _ => None,
    }
}

/// How a list is looked at: what a view keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shape {
    /// The filter's text, without its order.
    pub filter: String,
    /// The value of `sort:`; empty for the list's own order.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// The columns by name, in order; empty for the list's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

/// What happens to a list from outside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A view is opened: filter, order and columns at once.
    Open(Shape),
    /// Order and columns as they were left; for the start, when nothing was loaded yet.
    Restore(Shape),
    /// Other columns; none = the list's own.
    Columns(Vec<String>),
    /// Another order; none = the list's own.
    Sort(Option<Sort>),
    /// The present filter is one to come back to.
    Settle,
    /// What was marked has been dealt with.
    Unmark,
}

/// Which rows an action is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// These, by number.
    These(Vec<i64>),
    /// All that a filter lets through but these; made into numbers when the action is confirmed.
    Matching {
        /// The filter.
        filter: Filter,
        /// How many it let through when last counted.
        total: u64,
        /// Not these.
        except: BTreeSet<i64>,
    },
}

impl Chosen {
    /// About how many rows.
    pub fn count(&self) -> u64 {
        match self {
            Self::These(keys) => keys.len() as u64,
            Self::Matching { total, except, .. } => total.saturating_sub(except.len() as u64),
        }
    }
}

/// All rows of a short list, as they are written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// What the file is called after.
    pub name: &'static str,
    /// The columns of a table, by the names of the members.
    pub columns: &'static [&'static str],
    /// One object for each.
    pub rows: Vec<Value>,
}

/// A list as the machine sees it.
pub trait Listed {
    /// Its screen.
    fn screen(&self) -> Screen;
    /// Every column it could show.
    fn columns(&self) -> &'static [Column];
    /// How it is looked at.
    fn shape(&self) -> Shape;
    /// The filter of its rows, with its order.
    fn filter(&self) -> &Filter;
    /// How many rows the filter lets through.
    fn total(&self) -> u64;
    /// How many rows are marked.
    fn marked(&self) -> u64;
    /// What an action would be about: the marked rows, else the selected one.
    fn subject(&self) -> Chosen;
    /// Its rows as they are written to a file, where they are few and no page of the journal.
    fn given(&self) -> Option<Given> {
        None
    }
    /// Why an action of the machine cannot run now.
    fn can(&self, action: Action) -> Result<(), String>;
}

/// Which of the columns are shown, in their order, by their place: marks and glyphs first, then the chosen ones, or
/// those that are shown by default.
pub fn picked(columns: &[Column], chosen: &[String]) -> Vec<usize> {
    let nameless = (0..columns.len()).filter(|at| columns[*at].name.is_empty());
    let found: Vec<usize> = chosen
        .iter()
        .filter_map(|name| columns.iter().position(|column| !name.is_empty() && column.name == name))
        .collect();
    if found.is_empty() {
        return (0..columns.len()).filter(|at| !columns[*at].hidden).collect();
    }
    nameless.chain(found).collect()
}

/// The places of the shown columns that rows can be sorted by.
pub fn sortable(columns: &[Column], chosen: &[String]) -> Vec<usize> {
    picked(columns, chosen).into_iter().filter(|at| columns[*at].sort.is_some()).collect()
}

/// The keys of every list that change how it is looked at or what is marked.
pub const fn concerns(action: Action) -> bool {
    matches!(
        action,
        Action::Mark
            | Action::MarkRange
            | Action::MarkAll
            | Action::ClearMarks
            | Action::LastFilter
            | Action::Views
            | Action::Sort
            | Action::SortLeft
            | Action::SortRight
            | Action::SortTurn
            | Action::Columns
            | Action::Export
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("", Kind::Words, 1),
        Column::new("NAME", Kind::Words, 20).named("name", "who").sorts(By::Person),
        Column::new("AGE", Kind::Number, 4).named("age", "since when").sorts(By::Age),
        Column::new("ID", Kind::Id, 8).named("id", "its number").hides(),
    ];

    #[test]
    fn columns_follow_the_choice_and_glyphs_stay_in_front() {
        assert_eq!(picked(&COLUMNS, &[]), [0, 1, 2]);
        let chosen = ["id".to_owned(), "name".to_owned(), "gone".to_owned()];
        assert_eq!(picked(&COLUMNS, &chosen), [0, 3, 1]);
        assert_eq!(sortable(&COLUMNS, &chosen), [1]);
        assert_eq!(
            picked(&COLUMNS, &["gone".to_owned()]),
            [0, 1, 2],
            "a view of an older Reknit shows something"
        );
    }

    #[test]
    fn an_order_is_written_as_it_is_read() {
        let sort = order("-age").expect("a column");
        assert_eq!((sort.column, sort.descending), (By::Age, true));
        assert_eq!(written(Some(sort)), "-age");
        assert_eq!(order("nonsense"), None);
        assert_eq!(written(None), "");
    }
}
