//! What is known of a person without an account: their records and what each calls the company, who waits beside them,
//! what the missing link blocks. Only draws.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::console::ctx::Ctx;
use crate::console::text::{counted, cut_end, cut_middle, left, span, wrap_most};
use crate::console::widgets::boxes::Panel;
use crate::domain::review::Unlinked as Person;
use crate::engine::operate::person::Facts;
use crate::journal::beside::Waiting;

const LABEL: usize = 12;

/// The lines about a person, as far as they are known by now.
pub(super) fn lines(
    ctx: &Ctx,
    person: Option<&Person>,
    known: Option<&Facts>,
    cells: usize,
) -> Vec<Line<'static>> {
    let Some(person) = person else { return Vec::new() };
    let theme = &ctx.theme;
    let mut lines = Vec::new();
    let mut say = |label: &str, text: &str, style: Style, most: usize| {
        for (index, line) in wrap_most(text, cells.saturating_sub(LABEL), most).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            lines.push(Line::from(vec![span(left(label, LABEL), theme.muted), span(line, style)]));
        }
    };
    say("Knows", &person.hint, theme.text, 2);
    let Some(known) = known else {
        say(person.contact.system().title(), &cut_middle(&person.contact.id, 24), theme.text, 1);
        return lines;
    };
    for seat in known.seats.iter().take(3) {
        let mut words = vec![format!("{} {}", seat.record.object, cut_middle(&seat.record.id, 14))];
        if seat.company.is_empty() {
            words.push("no company".to_owned());
        } else {
            words.push(format!("company {}", cut_end(&seat.company, 30)));
        }
        words.extend(seat.says.iter().map(|text| cut_middle(text, 32)));
        say(seat.record.system().title(), &words.join(" · "), theme.text, 2);
    }
    if known.seats.len() > 3 {
        say("", &format!("and {}", counted(known.seats.len() as u64 - 3, "more record")), theme.muted, 1);
    }
    if !known.colleagues.is_empty() {
        let names: Vec<String> = known.colleagues.iter().take(4).map(|name| cut_end(name, 24)).collect();
        let rest = known.colleagues.len() - names.len();
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        say("Colleagues", &format!("wait too: {}{rest}", names.join(", ")), theme.text, 2);
    }
    let blocks = blocks(&known.waiting);
    if blocks.is_empty() {
        say("Blocks", "nothing that is known", theme.muted, 1);
    } else {
        say("Blocks", &blocks, theme.warn, 2);
    }
    lines
}

/// What waits for the person, in one phrase.
fn blocks(waiting: &Waiting) -> String {
    let mut words: Vec<String> = Vec::new();
    for (list, what) in [(&waiting.failed, "failed"), (&waiting.waiting, "waiting")] {
        for (recipe, many) in list.iter().take(3) {
            words.push(format!("{many} {what} {}", cut_end(recipe, 24)));
        }
    }
    if waiting.conflicts > 0 {
        words.push(counted(waiting.conflicts, "conflict"));
    }
    if waiting.duplicates > 0 {
        words.push(format!("{} of look-alikes", counted(waiting.duplicates, "pair")));
    }
    words.join(", ")
}

/// The lines in a box of their own.
pub(super) fn draw(
    ctx: &Ctx,
    buffer: &mut Buffer,
    area: Rect,
    person: Option<&Person>,
    lines: &[Line<'static>],
) {
    let title = person.map_or_else(String::new, |person| cut_end(&person.subject, 40));
    let id =
        person.map_or_else(Line::default, |person| Line::from(span(person.id.to_string(), ctx.theme.muted)));
    let inner = Panel::new(&ctx.theme, &title, false).right(id).draw(&ctx.theme, buffer, area);
    for (index, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
        let y = inner.y + index as u16;
        crate::console::text::put(buffer, inner.x + 1, y, inner.width.saturating_sub(2), line);
    }
}
