//! The columns of the list of executions and what stands in them for a row. Declares and words; draws nothing.

use ratatui::style::Style;
use ratatui::text::Line;

use super::Executions;
use crate::console::ctx::Ctx;
use crate::console::text::{age, ahead, span};
use crate::console::widgets::list::{Column, Kind};
use crate::domain::execution::{Execution, Status};
use crate::domain::filter::Column as By;

pub(super) const COLUMNS: [Column; 17] = [
    Column::new("", Kind::Words, 1),
    Column::new("", Kind::Words, 1),
    Column::new("AGE", Kind::Number, 4).named("age", "since when it stands so").sorts(By::Age),
    Column::new("RECIPE", Kind::Words, 24).named("recipe", "the recipe").at_least(17).sorts(By::Recipe),
    Column::new("RECORD", Kind::Words, 28)
        .named("subject", "the person or organisation")
        .at_least(17)
        .sorts(By::Person),
    Column::new("TRY", Kind::Number, 7)
        .named("try", "failed tries, and how many there may be")
        .drops(3)
        .sorts(By::Attempts),
    Column::new("CODE", Kind::Number, 4).named("code", "HTTP status of the last failure").sorts(By::Code),
    Column::new("NEXT", Kind::Number, 8).named("next", "when it runs next").drops(2).sorts(By::Next),
    Column::new("STATUS", Kind::Words, 9)
        .named("status", "where it stands, as a word")
        .drops(4)
        .sorts(By::Status)
        .hides(),
    Column::new("WHAT HAPPENED", Kind::Words, 60)
        .named("sentence", "what happened, or what it waits for")
        .drops(13),
    Column::new("ERROR", Kind::Words, 18)
        .named("error", "class of the last failure")
        .drops(6)
        .sorts(By::Error)
        .hides(),
    Column::new("OUTCOME", Kind::Words, 11)
        .named("outcome", "how it ended")
        .drops(7)
        .sorts(By::Outcome)
        .hides(),
    Column::new("SYS", Kind::Words, 3).named("system", "where the record lives").drops(8).sorts(By::System),
    Column::new("RECORD ID", Kind::Id, 24)
        .named("record", "the record it started from")
        .drops(9)
        .sorts(By::Record)
        .hides(),
    Column::new("PRIORITY", Kind::Words, 8)
        .named("priority", "who goes first")
        .drops(10)
        .sorts(By::Priority)
        .hides(),
    Column::new("MADE", Kind::Number, 4)
        .named("made", "how long ago it was made")
        .drops(11)
        .sorts(By::Id)
        .hides(),
    Column::new("ID", Kind::Words, 10).named("id", "its number").drops(12).sorts(By::Id).hides(),
];

impl Executions {
    pub(super) fn cells(&self, ctx: &Ctx, row: &Execution) -> Vec<(String, Style)> {
        let theme = &ctx.theme;
        let marked = self.window.marks().contains(&row.id.0);
        let tries = if row.attempts > 0 || !row.status.is_finished() {
            format!("{}/{}", row.attempts, row.max_attempts)
        } else {
            String::new()
        };
        let code = row.error_code.filter(|_| row.error_class.is_some());
        let loud = if row.status == Status::Failed { theme.error } else { theme.code(code, row.error_class) };
        let next = row.due_at.filter(|due| *due > ctx.now);
        vec![
            (if marked { "+" } else { " " }.to_owned(), theme.key),
            (row.status.glyph().to_owned(), theme.status(row.status)),
            (age(ctx.now, row.updated_at), theme.muted),
            (row.recipe.clone(), theme.text),
            (row.subject.clone(), theme.text),
            (tries, theme.muted),
            (code.map_or_else(String::new, |code| code.to_string()), loud),
            (next.map_or_else(String::new, |due| ahead(ctx.now, due)), theme.muted),
            (row.status.to_string(), theme.status(row.status)),
            (row.sentence.clone(), theme.muted),
            (row.error_class.map_or_else(String::new, |class| class.to_string()), theme.muted),
            (row.outcome.map_or_else(String::new, |outcome| outcome.to_string()), theme.muted),
            (row.record.as_ref().map_or("", |record| record.system().short()).to_owned(), theme.muted),
            (row.record.as_ref().map_or_else(String::new, |record| record.id.clone()), theme.muted),
            (row.priority.to_string(), theme.muted),
            (age(ctx.now, row.created_at), theme.muted),
            (row.id.to_string(), theme.muted),
        ]
    }

    /// What stands below the rows: how many failed for the same cause.
    pub(super) fn below(&self, ctx: &Ctx) -> Vec<Line<'static>> {
        let Some(row) = self.window.current() else { return Vec::new() };
        let Some(cause) = &row.cause else { return Vec::new() };
        let same = |other: &&Execution| other.cause.as_ref() == Some(cause) && other.status == row.status;
        let count = self.window.rows().iter().filter(same).count();
        if count < 2 || row.status != Status::Failed {
            return Vec::new();
        }
        let theme = &ctx.theme;
        vec![Line::from(vec![
            span(format!("{count} failed for this cause: "), theme.muted),
            span("*", theme.key),
            span(" marks them, ", theme.muted),
            span("r", theme.key),
            span(" retries", theme.muted),
        ])]
    }
}
