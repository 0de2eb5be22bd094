//! Files that change while the console runs: the settings, themes, recipes and mappings. Looked at every second; what is
//! right is taken over where that is safe and said, what is wrong is said with file and line and changes nothing.
//!
//! Recipes and mappings are read again by the engine itself; this only tells of it.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::wiring::{self, Place};
use crate::config::Config;
use crate::console::{self, Reload};
use crate::engine::rules::{Rules, TROUBLE};
use crate::journal::Journal;

/// Between two looks at the files.
const EVERY: Duration = Duration::from_secs(1);

type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// Tells of changed files until nobody listens any more.
pub async fn follow(
    place: Place,
    mut config: Config,
    rules: Option<Rules>,
    journal: Journal,
    tell: UnboundedSender<Reload>,
) {
    let clock = wiring::clock();
    let mut applied = stamp(&place.config, &config.folder);
    let mut before = applied.clone();
    let mut changes: Option<watch::Receiver<u64>> = rules.map(|rules| rules.changes());
    let mut trouble = journal.mark(TROUBLE).await.ok().flatten().unwrap_or_default();
    while !tell.is_closed() {
        clock.until(clock.now().plus(EVERY)).await;
        let mut words = Vec::new();
        let (path, folder) = (place.config.clone(), config.folder.clone());
        let now = tokio::task::spawn_blocking(move || stamp(&path, &folder)).await.unwrap_or_default();
        // Only a file that lies still for a second: an editor may be in the midst of writing it.
        if now != applied && now == before {
            let (themes, settings) = differ(&applied, &now, &place.config);
            applied.clone_from(&now);
            words.extend(read(&place, &mut config, settings, themes));
        }
        before = now;
        let wrong = journal.mark(TROUBLE).await.ok().flatten().unwrap_or_default();
        if wrong != trouble {
            words.extend(wrong.lines().map(|line| {
                Reload::Wrong(format!("{line}. The recipes and mappings that were in force stay."))
            }));
            trouble = wrong;
        }
        let turned = changes.as_mut().is_some_and(|changes| {
            let turned = changes.has_changed().unwrap_or(false);
            changes.mark_unchanged();
            turned
        });
        if turned {
            words.push(Reload::Said("Other recipes or mappings are in force now.".to_owned()));
        }
        for word in words {
            if tell.send(word).is_err() {
                return;
            }
        }
    }
}

/// The settings file and the themes, with the marks by which a change is seen.
fn stamp(settings: &Path, folder: &Path) -> Stamp {
    let themes =
        std::fs::read_dir(folder.join("themes")).into_iter().flatten().flatten().map(|entry| entry.path());
    let themes = themes.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let mut stamp: Stamp = std::iter::once(settings.to_owned())
        .chain(themes)
        .map(|path| {
            let facts = std::fs::metadata(&path).ok();
            let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
            (path, changed, facts.map_or(0, |facts| facts.len()))
        })
        .collect();
    stamp.sort();
    stamp
}

/// Whether themes differ, and whether the settings do.
fn differ(before: &Stamp, now: &Stamp, settings: &Path) -> (bool, bool) {
    let part = |stamp: &Stamp, own: bool| -> Stamp {
        stamp.iter().filter(|(path, ..)| (path == settings) == own).cloned().collect()
    };
    (part(before, false) != part(now, false), part(before, true) != part(now, true))
}

/// Reads what changed anew; `config` becomes what is in force.
fn read(place: &Place, config: &mut Config, settings: bool, themes: bool) -> Vec<Reload> {
    let stays = "What was in force stays.";
    let new = if settings {
        match Config::load(&place.config) {
            Ok(new) => Config { folder: config.folder.clone(), ..new },
            Err(error) => return vec![Reload::Wrong(format!("{error}. {stays}"))],
        }
    } else {
        config.clone()
    };
    let (looks, complaints) = match super::console::themed(&new) {
        Ok(found) => found,
        Err(problem) => {
            return vec![Reload::Wrong(format!("{}: {}. {stays}", place.config.display(), problem.why))];
        }
    };
    let mut words: Vec<Reload> = complaints
        .into_iter()
        .map(|complaint| Reload::Wrong(format!("{complaint}. This theme is left out.")))
        .collect();
    let file = place.config.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let rest =
        |config: &Config| format!("{:?}", Config { console: console::Settings::default(), ..config.clone() });
    let said = match (settings, rest(&new) == rest(config)) {
        (false, _) => "The themes were read again.".to_owned(),
        (true, true) if new.console == config.console && !themes => return words,
        (true, true) => format!("{file} was read again; what it says of the console holds now."),
        (true, false) => format!(
            "{file} was read again. What it says of the console holds now, everything else from the next start on."
        ),
    };
    *config = new;
    words.push(Reload::Settings(Box::new(looks), said));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Arguments;

    fn place(folder: &Path) -> Place {
        Place::new(&Arguments {
            config: Some(folder.join("reknit.toml")),
            data: Some(folder.to_owned()),
            read_only: false,
            despite_claims: false,
            command: None,
        })
    }

    #[test]
    fn a_changed_file_is_taken_over_and_a_wrong_one_is_told_by_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        let write = |text: &str| std::fs::write(&place.config, text).expect("written");
        write("[console]\nrole = \"revops\"\n");
        let mut config = place.settings().expect("right");
        write("[console]\nrole = \"sales\"\ntheme = \"light\"\n");
        let words = read(&place, &mut config, true, false);
        assert!(
            matches!(&words[..], [Reload::Settings(settings, said)]
                if settings.role == "sales" && settings.theme == "light" && said.contains("reknit.toml")),
            "{words:?}"
        );
        write("[console]\nrole = \"sales\"\n\n[engine]\nworkers = 3\n");
        let words = read(&place, &mut config, true, false);
        assert!(
            matches!(&words[..], [Reload::Settings(_, said)] if said.contains("next start")),
            "{words:?}"
        );
        for (text, part) in [
            ("[console]\nroll = \"sales\"\n", "line 2"),
            ("[console]\ntheme = \"mauve\"\n", "mauve"),
            ("[engine]\noff_peak = \"never\"\n", "line 2"),
        ] {
            write(text);
            let words = read(&place, &mut config, true, false);
            assert!(
                matches!(&words[..], [Reload::Wrong(why)] if why.contains(part) && why.contains("stays")),
                "{words:?}"
            );
            assert_eq!(config.console.role, "sales");
        }
        std::fs::remove_file(&place.config).expect("gone");
        assert!(matches!(&read(&place, &mut config, true, false)[..], [Reload::Wrong(_)]));
    }

    #[test]
    fn a_wrong_theme_is_left_out_and_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(folder.path());
        std::fs::write(&place.config, "").expect("written");
        let mut config = place.settings().expect("right");
        let before = stamp(&place.config, &config.folder);
        std::fs::create_dir(folder.path().join("themes")).expect("a folder");
        std::fs::write(folder.path().join("themes/night.toml"), "accent = 3").expect("written");
        let now = stamp(&place.config, &config.folder);
        assert_eq!(differ(&before, &now, &place.config), (true, false));
        let words = read(&place, &mut config, false, true);
        assert!(
            matches!(&words[..], [Reload::Wrong(why), Reload::Settings(..)] if why.contains("night.toml")),
            "{words:?}"
        );
    }
}
