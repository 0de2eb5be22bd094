//! Company names without their legal dress: forms, brackets, regions, "The"; it knows no register.

use super::country::country_code;
use super::hashing::hash_text;
use super::lists::lists;
use super::text::fold;
use super::web_domain::WebDomain;

/// A company name in comparable form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    /// Words that carry the name.
    pub(crate) words: Vec<String>,
    /// The words without spaces: "Blue Oak" and "BlueOak" agree.
    pub(crate) joined: String,
    /// First letters of the words, when there are at least three.
    pub(crate) acronym: String,
    /// The legal form that was cut off, folded.
    pub(crate) legal_form: String,
    /// A country named in the text ("Acme (UK)").
    pub(crate) country: Option<u8>,
    /// The text was a web address.
    pub(crate) domain: Option<WebDomain>,
    /// As written.
    pub(crate) shown: String,
}

impl Company {
    /// Identity of the core name; 0 when missing.
    pub(crate) fn id(&self) -> u64 {
        hash_text(&self.joined)
    }

    /// Whether nothing is known.
    pub(crate) fn is_missing(&self) -> bool {
        self.joined.is_empty()
    }

    /// Reads a company text; placeholders and "self-employed" give a missing company.
    pub(crate) fn parse(text: &str) -> Self {
        let shown = text.trim().to_owned();
        let lists = lists();
        if shown.is_empty() || lists.is_no_company(&fold(&shown)) {
            return Self { shown, ..Self::default() };
        }
        if !shown.contains(' ')
            && let Some(domain) = WebDomain::parse(&shown)
            && psl::suffix(domain.host.as_bytes()).is_some_and(|suffix| suffix.is_known())
            && shown.chars().next_back().is_some_and(char::is_alphabetic)
        {
            if !domain.is_corporate() {
                return Self { shown, ..Self::default() };
            }
            let joined = domain.stem.clone();
            return Self {
                words: vec![joined.clone()],
                joined,
                domain: Some(domain),
                shown,
                ..Self::default()
            };
        }
        let mut country = None;
        let bare = without_region(&shown, &mut country);
        let mut words: Vec<String> = fold(&bare)
            .split(' ')
            .filter(|word| {
                !matches!(*word, "&" | "and" | "und" | "et" | "y" | "e" | "og" | "och" | "i" | "en")
            })
            .map(str::to_owned)
            .collect();
        if words.len() > 1 && words[0] == "the" {
            words.remove(0);
        }
        let mut legal_form = String::new();
        while let Some(form) = cut_legal_form(&mut words) {
            legal_form.insert_str(0, &form);
        }
        for length in (1..=3).rev() {
            if words.len() > length {
                let tail = words[words.len() - length..].join(" ");
                // Two letters are more often an abbreviation than a country.
                if (tail.len() > 3 || matches!(tail.as_str(), "uk" | "usa"))
                    && words[words.len() - length - 1] != "of"
                    && let Some(code) = country_code(&tail)
                {
                    country = Some(code);
                    words.truncate(words.len() - length);
                    while let Some(form) = cut_legal_form(&mut words) {
                        legal_form = form;
                    }
                }
            }
        }
        let joined = words.concat();
        if lists.is_no_company(&words.join(" ")) {
            return Self { shown, ..Self::default() };
        }
        let acronym = if words.len() >= 3 {
            words.iter().filter_map(|word| word.chars().next()).collect()
        } else {
            String::new()
        };
        Self { words, joined, acronym, legal_form, country, domain: None, shown }
    }
}

fn cut_legal_form(words: &mut Vec<String>) -> Option<String> {
    let lists = lists();
    for length in (1..=6.min(words.len().saturating_sub(1))).rev() {
        let from = words.len() - length;
        let joined = words[from..].concat();
        if lists.is_legal_form(&joined) {
            words.truncate(from);
            return Some(joined);
        }
    }
    // Indonesian, Baltic, Ukrainian and Russian forms stand in front.
    let front = matches!(
        words.first().map(String::as_str),
        Some("pt" | "ooo" | "oao" | "zao" | "pao" | "tov" | "pp" | "pat" | "prat" | "uab" | "sia" | "cv")
    );
    (front && words.len() > 1).then(|| words.remove(0))
}

/// Removes "(UK)" and " - EMEA", remembering a country.
fn without_region(text: &str, country: &mut Option<u8>) -> String {
    let mut out = text.to_owned();
    while let (Some(open), Some(close)) = (out.find(['(', '[']), out.find([')', ']'])) {
        if close < open {
            break;
        }
        let inner = out[open + 1..close].to_owned();
        if country.is_none() {
            *country = country_code(&inner);
        }
        out.replace_range(open..=close, " ");
    }
    for mark in [" - ", " – ", " — ", " | "] {
        if let Some((before, after)) = out.rsplit_once(mark) {
            let region = fold(after);
            let known = country_code(&region);
            let word = |word: &str| {
                matches!(
                    word,
                    "hq" | "emea"
                        | "apac"
                        | "latam"
                        | "dach"
                        | "americas"
                        | "europe"
                        | "international"
                        | "global"
                        | "headquarters"
                        | "head"
                        | "main"
                        | "group"
                        | "office"
                        | "branch"
                        | "nordics"
                        | "asia"
                        | "north"
                        | "south"
                        | "east"
                        | "west"
                        | "america"
                        | "eu"
                )
            };
            if (known.is_some() || region.split(' ').all(word)) && !before.trim().is_empty() {
                *country = country.or(known);
                out = before.to_owned();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core(text: &str) -> String {
        Company::parse(text).words.join(" ")
    }

    #[test]
    fn legal_dress_is_removed_in_many_countries() {
        for text in [
            "Blue Oak GmbH & Co. KG",
            "The Blue Oak, Inc.",
            "BLUE OAK S.A. de C.V.",
            "Blue Oak Pty Ltd",
            "Blue Oak Sp. z o.o.",
            "Blue Oak K.K.",
            "PT Blue Oak",
            "Blue & Oak",
            "Blue Oak (UK) Ltd",
            "Blue Oak - EMEA",
            "Blue Oak Deutschland GmbH",
            "Blue Oak UG (haftungsbeschränkt)",
            "Blue Oak L.L.C.",
        ] {
            assert_eq!(core(text), "blue oak", "{text}");
        }
        assert_eq!(core("Co"), "co");
        assert_eq!(Company::parse("Blue Oak (UK) Ltd").country, country_code("gb"));
        assert_eq!(Company::parse("BlueOak").joined, Company::parse("Blue Oak AG").joined);
        assert_eq!(Company::parse("www.blueoak.de").joined, "blueoak");
    }

    #[test]
    fn no_company_is_missing() {
        for text in ["", "N/A", "Self-Employed", "freelance", "-", "none", "gmail.com"] {
            assert!(Company::parse(text).is_missing(), "{text}");
        }
    }
}
