//! Company names without their legal dress: forms, brackets, regions, "The"; it knows no register.

mod relation;
mod words;

pub(crate) use relation::{NameFit, NameRelation, legal_forms_conflict, relate};
pub(crate) use words::{Rarity, bare_stem};

use super::country::country_code;
use super::hashing::hash_text;
use super::lists::lists;
use super::similarity::within;
use super::text::fold;
use super::web_domain::WebDomain;

/// A company name in comparable form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    /// Words that carry the name.
    pub(crate) words: Vec<String>,
    /// The words without spaces: "Blue Oak" and "BlueOak" agree.
    pub(crate) joined: String,
    /// The words in one spelling: "Tech" is "Technologies".
    pub(crate) spelled: Vec<String>,
    /// The same without "Group" and the like.
    pub(crate) core: Vec<String>,
    /// `core` without spaces.
    pub(crate) core_joined: String,
    /// Identity of the compared words in any order; 0 when missing.
    pub(crate) bag: u64,
    /// First letters of the words, when there are at least three.
    pub(crate) acronym: String,
    /// The legal form that was cut off, folded.
    pub(crate) legal_form: String,
    /// A country named in the text ("Acme (UK)").
    pub(crate) country: Option<u8>,
    /// The text was a web address.
    pub(crate) domain: Option<WebDomain>,
    /// Other names in the text: "formerly Acme", "t/a Acme", "Royal Oak Institute (ROI)".
    pub(crate) aliases: Vec<Company>,
    /// As written.
    pub(crate) shown: String,
}

impl Company {
    /// Identity of the core name; 0 when missing.
    pub(crate) fn id(&self) -> u64 {
        hash_text(&self.joined)
    }

    /// The country whose law alone knows the legal form.
    pub(crate) fn form_country(&self) -> Option<u8> {
        words::words().country_of_form(&self.legal_form).and_then(country_code)
    }

    /// Whether nothing is known.
    pub(crate) fn is_missing(&self) -> bool {
        self.joined.is_empty()
    }

    /// This name and every other one in the text.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.aliases)
    }

    /// Reads a company text; placeholders and "self-employed" give a missing company.
    pub(crate) fn parse(text: &str) -> Self {
        let shown: String = text.trim().chars().take(LONGEST).collect();
        if shown.is_empty() || is_no_company(&fold(&shown)) {
            return Self { shown, ..Self::default() };
        }
        if let Some(found) = Self::of_address(&shown) {
            return found;
        }
        let padded = format!(" {shown} ");
        let lower = padded.to_lowercase();
        // Lower-casing may move bytes in a few scripts; such a text is read as one name.
        let phrases = words::words().formerly.iter().chain(&words::words().trading);
        let cut = if lower.len() == padded.len() {
            let opened = lower.replace(['(', '[', ',', ';'], " ");
            phrases
                .filter_map(|phrase| opened.find(phrase.as_str()).map(|at| (at, at + phrase.len())))
                .filter(|(at, end)| padded.is_char_boundary(*at) && padded.is_char_boundary(*end))
                .min()
        } else {
            None
        };
        let strip = |text: &str| text.trim_matches([' ', '(', ')', '[', ']', ',', ';', '-']).to_owned();
        if let Some((at, end)) = cut
            && !strip(&padded[..at]).is_empty()
            && !strip(&padded[end..]).is_empty()
        {
            let (mut name, alias) = (Self::read(&strip(&padded[..at])), Self::read(&strip(&padded[end..])));
            if !alias.is_missing() {
                name.aliases.push(alias);
            }
            name.shown = shown;
            return name;
        }
        let mut name = Self::read(&shown);
        // "Royal Oak Institute (ROI)": short capitals in brackets that are the name's own letters.
        if let (Some(open), Some(close)) = (shown.find('('), shown.find(')'))
            && open < close
        {
            let inner = fold(&shown[open + 1..close]);
            if inner.len() >= 2 && inner == name.acronym {
                let core = vec![inner.clone()];
                name.aliases.push(Self {
                    core_joined: inner.clone(),
                    bag: bag(&core),
                    words: core.clone(),
                    spelled: core.clone(),
                    core,
                    joined: inner,
                    ..Self::default()
                });
            }
        }
        name.shown = shown;
        name
    }

    /// A company text that is a web address.
    fn of_address(shown: &str) -> Option<Self> {
        if shown.contains(' ') {
            return None;
        }
        let domain = WebDomain::parse(shown)?;
        if !psl::suffix(domain.host.as_bytes()).is_some_and(|suffix| suffix.is_known())
            || !shown.chars().next_back().is_some_and(|c| char::is_alphabetic(c) || c == '/')
        {
            return None;
        }
        if !domain.is_corporate() {
            return Some(Self { shown: shown.to_owned(), ..Self::default() });
        }
        let joined = domain.stem.clone();
        Some(Self {
            core_joined: joined.clone(),
            bag: bag(std::slice::from_ref(&joined)),
            words: vec![joined.clone()],
            spelled: vec![joined.clone()],
            core: vec![joined.clone()],
            joined,
            domain: Some(domain),
            shown: shown.to_owned(),
            ..Self::default()
        })
    }

    /// Reads one name.
    fn read(text: &str) -> Self {
        let shown = text.to_owned();
        let mut bare = text.to_owned();
        let mut legal_form = String::new();
        for form in &words::words().native {
            if bare.contains(form) {
                legal_form = fold(form).replace(' ', "");
                bare = bare.replace(form, " ");
            }
        }
        let mut country = None;
        let bare = split_humps(&without_region(&bare, &mut country));
        let mut words: Vec<String> = fold(&bare)
            .split(' ')
            .filter(|word| {
                !matches!(*word, "&" | "and" | "und" | "et" | "y" | "e" | "og" | "och" | "i" | "en" | "ja")
            })
            .map(str::to_owned)
            .collect();
        if words.len() > 1 && words[0] == "the" {
            words.remove(0);
        }
        loop {
            let before = words.len();
            while let Some(form) = cut_legal_form(&mut words) {
                legal_form.insert_str(0, &form);
            }
            cut_country(&mut words, &mut country);
            if words.len() > 1 && words.last().is_some_and(|word| word == "hq") {
                words.pop();
            }
            if words.len() == before {
                break;
            }
        }
        if is_no_company(&words.join(" ")) {
            return Self { shown, ..Self::default() };
        }
        let joined = words.concat();
        let lists = words::words();
        let spelled: Vec<String> = words.iter().map(|word| lists.canonical(word).to_owned()).collect();
        let mut core = spelled.clone();
        if core.len() > 1 && core.last().is_some_and(|word| is_misspelt_form(word)) {
            core.pop();
        }
        // "International Group" consists of nothing else and keeps it.
        if core.iter().any(|word| !lists.is_dress(word)) {
            core.retain(|word| !lists.is_dress(word));
        }
        let acronym = if words.len() >= 3 {
            words.iter().filter_map(|word| word.chars().next()).collect()
        } else {
            String::new()
        };
        Self {
            core_joined: core.concat(),
            bag: bag(&core),
            words,
            joined,
            spelled,
            core,
            acronym,
            legal_form,
            country,
            domain: None,
            aliases: Vec::new(),
            shown,
        }
    }
}

/// "Acme IInc.": one letter off a form that nobody has for a name.
fn is_misspelt_form(word: &str) -> bool {
    ["gmbh", "limited", "inc", "ltd", "llc", "corp", "incorporated", "corporation", "company"].iter().any(
        |form| {
            word != *form
                && word.len() >= 4
                && word.as_bytes().first() == form.as_bytes().first()
                && within(word, form, 1)
        },
    )
}

/// Longest text looked at.
const LONGEST: usize = 512;

fn bag(core: &[String]) -> u64 {
    let mut sorted: Vec<&str> = core.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    hash_text(&sorted.concat())
}

/// "Nothing" and "self-employed" in many languages, also with a word behind ("Freelance designer").
fn is_no_company(folded: &str) -> bool {
    let lists = lists();
    let head = |length: usize| folded.split(' ').take(length).collect::<Vec<_>>().join(" ");
    lists.is_no_company(folded)
        || folded.is_empty()
        || matches!(head(1).as_str(), "freelance" | "freelancer" | "selfemployed" | "freiberuflich")
        || matches!(head(2).as_str(), "self employed" | "independent contractor" | "independent consultant")
}

/// "BlueOakLtd" written without a space is read as its words; "eBay" and "McKay" are not.
fn split_humps(text: &str) -> String {
    let glued = text.trim();
    if glued.contains(char::is_whitespace) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(glued.len() + 8);
    let mut length = 0;
    let mut low = false;
    for letter in glued.chars() {
        if letter.is_uppercase() && low && length >= 3 {
            out.push(' ');
            length = 0;
        }
        low = letter.is_lowercase();
        length += 1;
        out.push(letter);
    }
    out
}

fn cut_country(words: &mut Vec<String>, country: &mut Option<u8>) {
    for length in (1..=3).rev() {
        if words.len() > length {
            let tail = words[words.len() - length..].join(" ");
            // Two letters are more often an abbreviation than a country.
            if (tail.len() > 3 || matches!(tail.as_str(), "uk" | "usa"))
                && words[words.len() - length - 1] != "of"
                && let Some(code) = country_code(&tail)
            {
                *country = Some(code);
                words.truncate(words.len() - length);
                return;
            }
        }
    }
}

fn cut_legal_form(words: &mut Vec<String>) -> Option<String> {
    let lists = lists();
    for length in (1..=8.min(words.len().saturating_sub(1))).rev() {
        let from = words.len() - length;
        let joined = words[from..].concat();
        if lists.is_legal_form(&joined) {
            words.truncate(from);
            return Some(joined);
        }
    }
    // In the east and north of Europe, in France and in Indonesia forms stand in front as well.
    let front = matches!(
        words.first().map(String::as_str),
        Some(
            "pt" | "ooo"
                | "oao"
                | "zao"
                | "pao"
                | "ao"
                | "ip"
                | "tov"
                | "pp"
                | "pat"
                | "prat"
                | "fop"
                | "uab"
                | "sia"
                | "cv"
                | "ou"
                | "as"
                | "ab"
                | "oy"
                | "sarl"
                | "sas"
                | "eurl"
                | "sci"
                | "sc"
                | "ood"
                | "eood"
                | "et"
                | "too"
                | "mchj"
        )
    );
    (front && words.len() > 1).then(|| words.remove(0))
}

/// Removes "(UK)", " - EMEA", ", HR department" and "*DUPLICATE*", remembering a country.
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
    while let (Some(open), Some(close)) = (out.find('*'), out.rfind('*')) {
        if open == close || !words::words().is_note(&fold(&out[open + 1..close])) {
            break;
        }
        out.replace_range(open..=close, " ");
    }
    for mark in [" - ", " – ", " — ", " | ", "/", ", ", ": "] {
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
                        | "benelux"
                        | "iberia"
                        | "cee"
                        | "mea"
                        | "anz"
                        | "asia"
                        | "pacific"
                        | "north"
                        | "south"
                        | "east"
                        | "west"
                        | "america"
                        | "eu"
                )
            };
            let spaced = mark.starts_with(' ');
            let region_only = spaced && (known.is_some() || region.split(' ').all(word));
            // Behind a comma "Legal" may be the name's last word; a department there says that it is one.
            let note = words::words().is_note(&region)
                && (spaced
                    || region
                        .split(' ')
                        .any(|word| matches!(word, "dept" | "department" | "team" | "division")));
            if (region_only || note) && !before.trim().is_empty() {
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
