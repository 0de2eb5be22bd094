//! The machine of every list, as far as it needs what no list knows: views, older filters, counts, and the layers that
//! change a list. Reads lists through what they say of themselves; rows are theirs.

use super::App;
use crate::console::effect::Effect;
use crate::console::layers::columns::Columns;
use crate::console::layers::export::Export;
use crate::console::layers::filter::FilterLine;
use crate::console::layers::sort::SortMenu;
use crate::console::layers::views::Picker;
use crate::console::msg::Msg;
use crate::console::panes::Screen;
use crate::console::panes::listing::{Change, Shape, order};
use crate::console::text::{counted, thousands};
use crate::console::views::{self, View, Views};
use crate::domain::page::Counts;

/// Ids that one copy takes at most.
const COPIED: usize = 10_000;

impl App {
    /// Changes the list that is shown.
    pub(super) fn change_list(&mut self, change: Change) -> Vec<Effect> {
        let again = change == Change::Unmark;
        let mut effects = self.update(Msg::List(Box::new(change)));
        if again {
            effects.extend(self.refresh());
        }
        effects.extend(self.note_left());
        effects
    }

    /// Keeps what changed of views, and has it written where anything is.
    pub(super) fn keep_view(&mut self, change: views::Change) -> Vec<Effect> {
        self.views.apply(change.clone());
        let file = self.views.file().map(std::path::Path::to_path_buf);
        file.map(|file| Effect::Keep(file, change)).into_iter().collect()
    }

    /// Notes how the list is left, if it is another way than before.
    pub(super) fn note_left(&mut self) -> Vec<Effect> {
        let Some(list) = self.shown().list() else { return Vec::new() };
        let shape = Shape { filter: String::new(), ..list.shape() };
        if self.views.left(self.screen).unwrap_or_default() == shape {
            return Vec::new();
        }
        self.keep_view(views::Change::Left(self.screen, shape))
    }

    /// Gives each list the look it was left with.
    pub(super) fn take_views(&mut self, mut views: Views) {
        if let Some(trouble) = views.trouble() {
            self.toasts.push(self.ctx.now, crate::console::layers::toast::Tone::Bad, trouble);
        }
        for screen in Screen::ALL {
            if let Some(shape) = views.left(screen) {
                let effects = self.update_of(screen, Msg::List(Box::new(Change::Restore(shape))));
                debug_assert!(effects.is_empty(), "nothing was loaded yet");
            }
        }
        self.views = views;
    }

    /// How many rows a list has without a filter, where that is counted anyway.
    fn whole(&self) -> Option<u64> {
        let counts = self.counts.as_ref()?;
        match self.screen {
            Screen::Executions => Some(executions(counts)),
            Screen::Conflicts => Some(counts.conflicts),
            Screen::Unlinked => Some(counts.unlinked),
            _ => None,
        }
    }

    pub(super) fn open_filter(&mut self) -> Vec<Effect> {
        let effects = self.update(Msg::List(Box::new(Change::Settle)));
        let sort = self.shown().list().and_then(|list| order(&list.shape().sort));
        let recent = self.views.recent(self.screen);
        let line = FilterLine::new(self.screen, self.shown().filter(), sort, recent, self.whole());
        self.layers.push(Box::new(line));
        effects
    }

    pub(super) fn open_views(&mut self) {
        let Some(list) = self.shown().list() else { return };
        let name = views::list_of(self.screen);
        let view = |title: &str, filter: &str, sort: &str| View {
            list: name.clone(),
            name: title.to_owned(),
            shape: Shape { filter: filter.to_owned(), sort: sort.to_owned(), columns: Vec::new() },
        };
        let mut ready: Vec<View> =
            views::ready(self.screen).iter().map(|(title, filter, sort)| view(title, filter, sort)).collect();
        if self.screen == Screen::Conflicts && !self.settings.role.is_empty() {
            ready.insert(1, view("mine", &format!("role:{}", self.settings.role), ""));
        }
        let place = match self.views.file().and_then(|file| file.file_name()) {
            Some(file) => format!("yours are kept in {}", file.to_string_lossy()),
            None => "yours hold until you leave: read-only".to_owned(),
        };
        let picker = Picker::new(name.clone(), list.shape(), ready, self.views.saved(self.screen), place);
        self.layers.push(Box::new(picker));
    }

    pub(super) fn open_columns(&mut self) {
        let Some(list) = self.shown().list() else { return };
        let columns = Columns::new(list.columns(), &list.shape().columns);
        self.layers.push(Box::new(columns));
    }

    pub(super) fn open_sort(&mut self) {
        let Some(list) = self.shown().list() else { return };
        let menu = SortMenu::new(list.columns(), order(&list.shape().sort));
        self.layers.push(Box::new(menu));
    }

    pub(super) fn open_export(&mut self) {
        let Some(list) = self.shown().list() else { return };
        self.layers.push(Box::new(Export::of_list(list)));
    }

    /// The marked rows are what the clipboard takes.
    pub(super) fn several_marked(&self) -> bool {
        self.shown().list().is_some_and(|list| list.marked() > 0)
    }

    /// The ids of the marked rows, one in a line; of all that match, those that were loaded.
    pub(super) fn copy_marked(&mut self) -> Vec<Effect> {
        let mut ids = self.shown().items();
        ids.truncate(COPIED);
        let text = ids.join("\n");
        let said = format!("Copied {}", counted(ids.len() as u64, "id"));
        self.toasts.push(self.ctx.now, crate::console::layers::toast::Tone::Good, said);
        vec![Effect::Copy(text)]
    }

    pub(super) fn executions_counted(&self) -> u64 {
        self.counts.as_ref().map_or(0, executions)
    }

    /// Counts came in while the refresh is paused: how many executions are new since.
    pub(super) fn note_waiting(&mut self, counts: &Counts) {
        if let Some((_, since)) = &mut self.paused {
            *since = executions(counts);
        }
    }

    /// What waits while the refresh is paused.
    pub(super) fn waiting(&self) -> String {
        match self.paused {
            Some((before, since)) if since > before => {
                format!("paused, {} new and changes wait: p", thousands(since - before))
            }
            _ => "paused, changes wait: p".to_owned(),
        }
    }
}

fn executions(counts: &Counts) -> u64 {
    counts.executions.iter().map(|(_, count)| count).sum()
}
