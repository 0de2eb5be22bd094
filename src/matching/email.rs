//! E-mail addresses as mailboxes: tags, dots and letter case removed, functions and dummies recognised.
//! It sends nothing and does not check that a mailbox exists.

use super::country::country_code;
use super::hashing::hash_text;
use super::lists::lists;
use super::person_name::PersonName;
use super::text::{fold, mended, sound};
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
    /// Reads an address in any dress: `mailto:`, "Jane <j@x.com>", "j (at) x.com", notes around it; `None` when
    /// the text holds none. Of several addresses the first counts; [`several`] takes them apart.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 512 {
            return None;
        }
        let mut lower = mended(text).to_lowercase();
        if !lower.contains('@') {
            for written in ["(at)", "[at]", "{at}", "<at>", "＠", " at "] {
                lower = lower.replacen(written, "@", 1);
                if lower.contains('@') {
                    break;
                }
            }
            lower = lower.replace("(dot)", ".").replace("[dot]", ".");
        }
        if lower.contains(" @") || lower.contains("@ ") {
            lower = lower.replace(" @", "@").replace("@ ", "@");
        }
        let word = lower
            .split(|c: char| {
                c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '|' | '[' | ']')
            })
            .find(|word| word.trim_matches('/').contains('@'))?;
        let word = word.trim_matches(['\'', '.', ':', '/']);
        let word = word.strip_prefix("mailto:").or_else(|| word.strip_prefix("email:")).unwrap_or(word);
        let (local, host) = word.split('/').find(|part| part.contains('@'))?.rsplit_once('@')?;
        let mut domain = WebDomain::parse(&ascii_host(host.split('?').next().unwrap_or(host)))?;
        let mut local = local.split('+').next().unwrap_or_default().to_owned();
        if local.is_empty() || local.contains('@') {
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
        let dummy = domain.disposable || is_dummy(&local, &letters, &domain);
        // `acme@acme.com` is the firm's own address, not a person's.
        let firm = letters.len() >= 3 && letters == domain.stem && domain.is_corporate();
        Some(Self {
            id: hash_text(&address),
            role: firm || is_role(&local),
            dummy,
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

/// The addresses of a field that may hold several: "a@x.com; b@x.com".
pub(crate) fn several(text: &str) -> impl Iterator<Item = &str> {
    let many = text.len() <= 2048 && text.bytes().filter(|byte| *byte == b'@').take(2).count() > 1;
    let separates = move |c: char| many && (c.is_whitespace() || matches!(c, ';' | ',' | '|' | '/'));
    text.split(separates).filter(move |part| !many || part.contains('@'))
}

/// The host as it is registered: `xn--mller-kva.de` and `müller.de` are one.
fn ascii_host(host: &str) -> String {
    if !host.contains("xn--") {
        return host.to_owned();
    }
    let labels: Vec<String> = host
        .split('.')
        .map(|label| match label.strip_prefix("xn--").and_then(punycode) {
            Some(plain) => plain,
            None => label.to_owned(),
        })
        .collect();
    labels.join(".")
}

/// Decodes one label (RFC 3492); `None` for a label that is not valid.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    let (basic, extended) = label.rsplit_once('-').unwrap_or(("", label));
    if label.len() > 63 || !label.is_ascii() {
        return None;
    }
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut index, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes().peekable();
    while digits.peek().is_some() {
        let (start, mut weight, mut step) = (index, 1_u32, BASE);
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = step.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
            step += BASE;
        }
        let count = out.len() as u32 + 1;
        let mut delta = if start == 0 { (index - start) / 700 } else { (index - start) / 2 };
        delta += delta / count;
        let mut rounds = 0;
        while delta > 455 {
            delta /= 35;
            rounds += BASE;
        }
        bias = rounds + 36 * delta / (delta + 38);
        code = code.checked_add(index / count)?;
        index %= count;
        out.insert(index as usize, char::from_u32(code)?);
        index += 1;
    }
    Some(out.into_iter().collect())
}

/// Whether a provider delivers one mailbox under both domains, so that the same local part is one person's.
pub(crate) fn same_provider(one: &str, other: &str) -> bool {
    let first = |registrable: &str| match registrable {
        "me.com" | "mac.com" | "icloud.com" => 1,
        "pm.me" | "proton.me" | "protonmail.com" | "protonmail.ch" => 2,
        "ya.ru" | "yandex.ru" | "yandex.com" | "yandex.ua" | "yandex.by" | "yandex.kz" => 3,
        "hanmail.net" | "daum.net" => 4,
        _ => 0,
    };
    first(one) != 0 && first(one) == first(other)
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

/// Words that fill a mandatory field; as the local part, or as local part and domain at once.
const DUMMIES: [&str; 60] = [
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
    "asd",
    "qwerty",
    "fake",
    "dummy",
    "na",
    "noaddress",
    "noemailaddress",
    "noname",
    "notprovided",
    "notavailable",
    "noemailprovided",
    "refused",
    "declined",
    "invalid",
    "null",
    "nomailaddress",
    "placeholder",
    "keine",
    "keineemail",
    "keinemail",
    "kein",
    "unbekannt",
    "sansemail",
    "sansmail",
    "inconnu",
    "pasdemail",
    "sinemail",
    "sincorreo",
    "notiene",
    "desconocido",
    "semail",
    "sememail",
    "naotem",
    "nenhum",
    "nessuna",
    "nessunaemail",
    "sconosciuto",
    "geen",
    "geenemail",
    "onbekend",
    "brak",
    "brakmaila",
    "nieznany",
    "yok",
    "emailyok",
    "ingen",
    "ingenmail",
    "example",
];

fn is_dummy(local: &str, letters: &str, domain: &WebDomain) -> bool {
    let repeated = letters == domain.stem || local == domain.stem;
    DUMMIES.contains(&letters)
        || (repeated && (local.len() <= 3 || DUMMIES.contains(&domain.stem.as_str())))
        || (DUMMIES.contains(&domain.stem.as_str()) && domain.stem.len() > 4 && letters.len() <= 5)
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
    fn dress_around_an_address_is_removed() {
        for text in [
            "Ada <ADA@bigoak.com>",
            "\u{200b}ada@bigoak.com ",
            "ada @ bigoak.com",
            "ada(at)bigoak.com",
            "ada at bigoak.com",
            "ada@bigoak.com (private)",
            "ada@bigoak.com; bea@bigoak.com",
            "mailto:ada@bigoak.com?subject=hello",
            "<mailto:ada@bigoak.com>",
        ] {
            assert_eq!(Mailbox::parse(text).expect(text).address, "ada@bigoak.com", "{text}");
        }
        assert_eq!(several("a@x.com; b@x.com /c@x.com").count(), 3);
        assert_eq!(several("Ada King <a@x.com>").collect::<Vec<_>>(), ["Ada King <a@x.com>"]);
        assert_eq!(address("ada@xn--bcher-kva.de"), address("ada@bücher.de"));
        assert!(same_provider("me.com", "icloud.com") && !same_provider("gmail.com", "gmx.de"));
        assert!(Mailbox::parse("ada@xn--99999999999.de").is_some());
    }

    #[test]
    fn functions_and_dummies_are_not_people() {
        for text in ["info@bigoak.com", "sales-uk@bigoak.com", "Billing2@bigoak.com", "hr.team@bigoak.com"] {
            assert!(Mailbox::parse(text).expect("a mailbox").role, "{text}");
        }
        assert!(!Mailbox::parse("ada.billings@bigoak.com").expect("a mailbox").role);
        for text in [
            "brak@brak.pl",
            "xx@xx.xx",
            "123@123.com",
            "kein@email.de",
            "noemail@bigoak.com",
            "test42@gmail.com",
            "ada@example.com",
            "aaa@bigoak.com",
        ] {
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
