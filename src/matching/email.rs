//! E-mail addresses as mailboxes: tags, dots and letter case removed, functions and dummies recognised.
//! It sends nothing and does not check that a mailbox exists.

use super::country::country_code;
use super::hashing::hash_text;
use super::lists::lists;
use super::person_name::PersonName;
use super::text::{fold, sound};
use super::web_domain::WebDomain;

/// A normalised mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    /// Canonical address, for display too.
    pub(crate) address: String,
    /// Identity of the canonical address.
    pub(crate) id: u64,
    /// Local part without tag.
    pub(crate) local: String,
    /// Only the letters of the local part.
    pub(crate) letters: String,
    /// The digits the local part ends with.
    pub(crate) number: String,
    /// Domain of the mailbox.
    pub(crate) domain: WebDomain,
    /// The local part names a function (`billing@`), so several people may sit behind it.
    pub(crate) role: bool,
    /// Written only to fill the field, or for a test.
    pub(crate) dummy: bool,
}

/// How well a local part spells a person's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spelling {
    /// It cannot be read as this name.
    No,
    /// Only the given or only the family name.
    Part,
    /// Initial and family name.
    Initial,
    /// Given and family name.
    Full,
}

impl Mailbox {
    /// Reads an address; `None` when it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 512 {
            return None;
        }
        let text = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
        let mut lower = text.trim_matches(['<', '>', ' ', ',', ';', '"', '\'']).to_lowercase();
        if let Some(rest) = lower.strip_prefix("mailto:") {
            lower = rest.to_owned();
        }
        let (local, host) = lower.rsplit_once('@')?;
        let mut domain = WebDomain::parse(host)?;
        let mut local = local.trim().split('+').next().unwrap_or_default().to_owned();
        if local.is_empty() || local.contains([' ', '@', ',']) {
            return None;
        }
        if matches!(domain.registrable.as_str(), "gmail.com" | "googlemail.com") {
            local.retain(|c| c != '.');
            if domain.registrable == "googlemail.com" {
                domain = WebDomain::parse("gmail.com")?;
            }
        }
        let address = format!("{local}@{}", domain.host);
        let letters: String = fold(&local).chars().filter(char::is_ascii_alphabetic).collect();
        let number: String = {
            let tail: Vec<char> = local.chars().rev().take_while(char::is_ascii_digit).collect();
            tail.into_iter().rev().collect()
        };
        Some(Self {
            id: hash_text(&address),
            role: is_role(&local),
            dummy: domain.disposable || is_dummy(&letters, &domain),
            address,
            local,
            letters,
            number,
            domain,
        })
    }

    /// How well the local part spells a name.
    pub(crate) fn spells(&self, name: &PersonName) -> Spelling {
        if self.role || self.letters.len() < 2 {
            return Spelling::No;
        }
        let letters = self.letters.as_str();
        let family_joined = name.family.concat();
        let given_joined = name.given.concat();
        let given = name.given.first().map_or("", String::as_str);
        let has_given = given.len() > 1 && (letters.starts_with(given) || letters.ends_with(given));
        let has_family = name.family.iter().any(|word| word.len() > 1 && letters.contains(word.as_str()));
        let initial = given.chars().next();
        let starts = initial.is_some_and(|c| letters.starts_with(c));
        let ends = initial.is_some_and(|c| letters.ends_with(c));
        if !given.is_empty() && !family_joined.is_empty() {
            if has_given && has_family && letters.len() >= given.len() + 2 {
                return Spelling::Full;
            }
            let spelled = sound(letters);
            if given.len() > 1
                && family_joined.len() > 1
                && (spelled == sound(&format!("{given_joined}{family_joined}"))
                    || spelled == sound(&format!("{family_joined}{given_joined}")))
            {
                return Spelling::Full;
            }
            if has_family && (starts || ends) && letters.len() <= family_joined.len() + 3 {
                return Spelling::Initial;
            }
            // `peterk` for Peter Kovacs.
            if has_given
                && letters.len() == given.len() + 1
                && family_joined.starts_with(&letters[given.len()..])
            {
                return Spelling::Initial;
            }
        }
        if letters == given
            || letters == given_joined
            || letters == family_joined
            || name.family.iter().any(|word| letters == word && word.len() > 2)
        {
            return Spelling::Part;
        }
        // Only one word is known: a mailbox that contains it says no more than that word.
        if (family_joined.is_empty() && has_given && given.len() > 2)
            || (given.is_empty() && has_family && family_joined.len() > 2)
        {
            return Spelling::Part;
        }
        Spelling::No
    }
}

fn is_role(local: &str) -> bool {
    let bare = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let lists = lists();
    if lists.is_role_word(local) || lists.is_role_word(bare) {
        return true;
    }
    let mut words = bare.split(['.', '_', '-']).filter(|word| !word.is_empty());
    let first = words.next().is_some_and(|word| lists.is_role_word(word));
    first && words.all(|word| lists.is_role_word(word) || country_code(word).is_some() || word.len() <= 2)
}

fn is_dummy(letters: &str, domain: &WebDomain) -> bool {
    const WORDS: [&str; 17] = [
        "noemail",
        "nomail",
        "noreply",
        "donotreply",
        "none",
        "unknown",
        "test",
        "tester",
        "testing",
        "testuser",
        "demo",
        "asdf",
        "qwerty",
        "fake",
        "dummy",
        "na",
        "noaddress",
    ];
    WORDS.contains(&letters)
        || (letters.len() == 1 && domain.stem == letters)
        || (letters.len() >= 3 && letters.chars().all(|c| letters.starts_with(c)))
        || (letters == "qa" && !domain.free_mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        Mailbox::parse(text).expect("a mailbox").address
    }

    #[test]
    fn one_mailbox_has_one_form() {
        assert_eq!(address(" MAILTO:Ada.King+crm@BigOak.com "), "ada.king@bigoak.com");
        assert_eq!(address("a.d.a.king@googlemail.com"), "adaking@gmail.com");
        assert_eq!(address("Ada King <ada@bigoak.com>"), "ada@bigoak.com");
        assert_eq!(address("ada.king@outlook.com"), "ada.king@outlook.com");
        for nothing in ["", "ada", "ada@", "@bigoak.com", "ada king@bigoak", "+tag@bigoak.com"] {
            assert_eq!(Mailbox::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn functions_and_dummies_are_not_people() {
        for text in ["info@bigoak.com", "sales-uk@bigoak.com", "Billing2@bigoak.com", "hr.team@bigoak.com"] {
            assert!(Mailbox::parse(text).expect("a mailbox").role, "{text}");
        }
        assert!(!Mailbox::parse("ada.billings@bigoak.com").expect("a mailbox").role);
        for text in ["noemail@bigoak.com", "test42@gmail.com", "ada@example.com", "aaa@bigoak.com"] {
            assert!(Mailbox::parse(text).expect("a mailbox").dummy, "{text}");
        }
    }

    #[test]
    fn local_parts_spell_names() {
        let name = PersonName::parse("", "Ada", "Kingsley", false);
        let spells = |text: &str| Mailbox::parse(text).expect("a mailbox").spells(&name);
        assert_eq!(spells("ada.kingsley77@x.org"), Spelling::Full);
        assert_eq!(spells("akingsley@bigoak.com"), Spelling::Initial);
        assert_eq!(spells("adak@bigoak.com"), Spelling::Initial);
        assert_eq!(spells("ada@bigoak.com"), Spelling::Part);
        assert_eq!(spells("bkingsley@bigoak.com"), Spelling::No);
        assert_eq!(spells("info@bigoak.com"), Spelling::No);
    }
}
