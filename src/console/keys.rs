//! From a key press to an action, by the table and the scopes of what has the focus; nothing is decided here.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::actions::{Action, Row, Scope, TABLE};

/// The action of a key, looked for in `scopes` in their order.
pub fn action(key: KeyEvent, scopes: &[Scope]) -> Option<&'static Row> {
    let name = name(key)?;
    scopes
        .iter()
        .find_map(|scope| TABLE.iter().find(|row| row.scope == *scope && row.keys.contains(&name.as_str())))
}

/// The rows whose keys work in `scopes`: what help, palette and footer show first.
pub fn rows(scopes: &[Scope]) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| scopes.contains(&row.scope))
}

/// A digit, where [`Action::Choose`] is meant.
pub fn digit(key: KeyEvent) -> Option<u8> {
    match key.code {
        KeyCode::Char(c) => c.to_digit(10).map(|digit| digit as u8),
        _ => None,
    }
}

/// Ctrl-C leaves, whatever is open.
pub fn leaves(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'C'))
}

/// A key as the table writes it: `r`, `Ctrl-d`, `PgDn`, `Shift-Tab`.
pub fn name(key: KeyEvent) -> Option<String> {
    let base = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        // Terminals send Ctrl-\ as a byte that is read as Ctrl-4.
        KeyCode::Char('4') if key.modifiers.contains(KeyModifiers::CONTROL) => "\\".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Tab if !key.modifiers.contains(KeyModifiers::SHIFT) => "Tab".to_owned(),
        KeyCode::Tab | KeyCode::BackTab => "Shift-Tab".to_owned(),
        _ => return None,
    };
    if key.modifiers.contains(KeyModifiers::ALT) {
        return Some(format!("Alt-{base}"));
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return Some(format!("Ctrl-{}", base.to_lowercase()));
    }
    let arrow = matches!(key.code, KeyCode::Left | KeyCode::Right | KeyCode::Up | KeyCode::Down);
    if arrow && key.modifiers.contains(KeyModifiers::SHIFT) {
        return Some(format!("Shift-{base}"));
    }
    Some(base)
}

/// The press of a key as the table or a hint writes it; none for what is not one key.
pub fn press(name: &str) -> Option<KeyEvent> {
    let (modifiers, base) = match (name.strip_prefix("Ctrl-"), name.strip_prefix("Shift-")) {
        (Some(base), _) => (KeyModifiers::CONTROL, base),
        (_, Some(base)) if base != "Tab" => (KeyModifiers::SHIFT, base),
        _ => (KeyModifiers::NONE, name),
    };
    let mut letters = base.chars();
    let code = match (base, letters.next(), letters.next()) {
        ("Space", ..) => KeyCode::Char(' '),
        ("Enter", ..) => KeyCode::Enter,
        ("Esc", ..) => KeyCode::Esc,
        ("Tab", ..) => KeyCode::Tab,
        ("Shift-Tab", ..) => KeyCode::BackTab,
        ("Home", ..) => KeyCode::Home,
        ("End", ..) => KeyCode::End,
        ("PgUp", ..) => KeyCode::PageUp,
        ("PgDn", ..) => KeyCode::PageDown,
        ("Left" | "←", ..) => KeyCode::Left,
        ("Right" | "→", ..) => KeyCode::Right,
        ("Up" | "↑", ..) => KeyCode::Up,
        ("Down" | "↓", ..) => KeyCode::Down,
        (_, Some(letter), None) => KeyCode::Char(letter),
        _ => return None,
    };
    Some(KeyEvent::new(code, modifiers))
}

/// The actions that move in whatever has the focus.
pub const fn moves(action: Action) -> bool {
    matches!(
        action,
        Action::Down
            | Action::Up
            | Action::First
            | Action::Last
            | Action::HalfDown
            | Action::HalfUp
            | Action::PageDown
            | Action::PageUp
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn a_key_means_what_the_nearest_scope_says() {
        let one = press(KeyCode::Char('1'), KeyModifiers::NONE);
        let choices = action(one, &[Scope::Choices, Scope::Everywhere]).expect("bound");
        assert_eq!(choices.action, Action::Choose);
        assert_eq!(action(one, &[Scope::Lists, Scope::Everywhere]).expect("bound").action, Action::Overview);
    }

    #[test]
    fn control_backslash_is_understood_as_terminals_send_it() {
        assert_eq!(name(press(KeyCode::Char('4'), KeyModifiers::CONTROL)).as_deref(), Some("Ctrl-\\"));
        assert_eq!(name(press(KeyCode::BackTab, KeyModifiers::SHIFT)).as_deref(), Some("Shift-Tab"));
        assert_eq!(name(press(KeyCode::Char('G'), KeyModifiers::SHIFT)).as_deref(), Some("G"));
    }

    #[test]
    fn no_key_has_two_meanings_in_one_scope() {
        for scope in Scope::ALL {
            let mut seen = std::collections::HashSet::new();
            for key in TABLE.iter().filter(|row| row.scope == scope).flat_map(|row| row.keys) {
                assert!(seen.insert(key), "{key} twice in {scope:?}");
            }
        }
    }
}
