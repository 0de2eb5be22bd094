//! What words in company names are worth: dress, common words, words that stand for one another. It knows no firm.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::super::counts::Counts;
use super::super::hashing::hash_text;
use super::super::lists::lines;
use super::super::web_domain::WebDomain;
use super::Company;

/// The word lists, parsed.
pub(super) struct Words {
    /// Legal forms in other scripts, longest first.
    pub(super) native: Vec<&'static str>,
    dress: BTreeSet<&'static str>,
    common: BTreeSet<&'static str>,
    same: BTreeMap<&'static str, &'static str>,
    department: BTreeSet<&'static str>,
    remark: BTreeSet<&'static str>,
    forms: BTreeMap<&'static str, &'static str>,
    /// What introduces an earlier name, with spaces around.
    pub(super) formerly: Vec<String>,
    /// What introduces a trade name, with spaces around.
    pub(super) trading: Vec<String>,
}

static WORDS: LazyLock<Words> = LazyLock::new(Words::parse);

/// The parsed word lists.
pub(super) fn words() -> &'static Words {
    &WORDS
}

impl Words {
    fn parse() -> Self {
        let file = include_str!("../../../assets/matching/company_words.txt");
        let of = |kind: &'static str| {
            lines(file)
                .filter_map(|line| line.split_once(' '))
                .filter(move |(head, _)| *head == kind)
                .map(|(_, rest)| rest)
        };
        let set = |kind: &'static str| of(kind).flat_map(str::split_whitespace).collect();
        let phrases = |kind: &'static str| {
            of(kind).flat_map(|rest| rest.split('|')).map(|phrase| format!(" {} ", phrase.trim())).collect()
        };
        let mut native: Vec<&'static str> = of("native").flat_map(str::split_whitespace).collect();
        native.sort_by_key(|form| std::cmp::Reverse(form.len()));
        let mut same = BTreeMap::new();
        for group in of("same") {
            let first = group.split_whitespace().next().unwrap_or_default();
            same.extend(group.split_whitespace().map(|word| (word, first)));
        }
        let mut forms = BTreeMap::new();
        for (code, list) in of("country").filter_map(|rest| rest.split_once(' ')) {
            forms.extend(list.split_whitespace().map(|form| (form, code)));
        }
        Self {
            forms,
            native,
            dress: set("dress"),
            common: set("common"),
            same,
            department: set("department"),
            remark: set("remark"),
            formerly: phrases("formerly"),
            trading: phrases("trading"),
        }
    }

    /// The word that stands for all spellings of this one.
    pub(super) fn canonical<'a>(&self, word: &'a str) -> &'a str {
        self.same.get(word).copied().unwrap_or(word)
    }

    /// Code of the only country that has a legal form (written together).
    pub(super) fn country_of_form(&self, form: &str) -> Option<&'static str> {
        self.forms.get(form).copied()
    }

    /// A word that is dropped and added freely.
    pub(super) fn is_dress(&self, word: &str) -> bool {
        self.dress.contains(word)
    }

    /// A word that many firms have in their name.
    pub(super) fn is_common(&self, word: &str) -> bool {
        self.common.contains(word) || self.is_dress(word)
    }

    /// A tail that names a department or is a note to colleagues, not a part of the name.
    pub(super) fn is_note(&self, folded: &str) -> bool {
        !folded.is_empty()
            && (folded.split(' ').all(|word| self.department.contains(word))
                || folded.split(' ').all(|word| self.remark.contains(word)))
    }
}

/// How telling each word is in the data at hand; shipped guesses lead while the data is small.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rarity {
    words: Counts,
    names: f64,
}

/// So many names' worth of trust the shipped guesses have.
const TRUST: f64 = 150.0;

impl Rarity {
    /// Counts words over distinct names, so that duplicates do not make a name look common.
    pub(crate) fn of<'a>(companies: impl Iterator<Item = &'a Company>) -> Self {
        let mut rows = Vec::new();
        let mut names = Vec::new();
        for company in companies.filter(|company| !company.is_missing()) {
            let name = hash_text(&company.core.concat());
            names.push((1, name));
            rows.extend(company.spelled.iter().map(|word| (hash_text(word), name)));
        }
        Self { words: Counts::of_distinct(rows), names: f64::from(Counts::of_distinct(names).get(1)) }
    }

    /// Bits that two random names rarely share this word.
    pub(crate) fn bits(&self, word: &str) -> f64 {
        let seen = f64::from(self.words.get(hash_text(word)));
        let guess = if words().is_common(word) { 0.008 } else { 0.000_02 };
        // A word of few names is that of one family of firms: its true share is well below one in all names.
        let share = ((seen - 3.0).max(0.0) + 0.3 + TRUST * guess) / (self.names + TRUST);
        -share.log2()
    }

    /// Bits of a whole name, dress included.
    pub(crate) fn name_bits(&self, company: &Company) -> f64 {
        company.spelled.iter().map(|word| self.bits(word)).sum()
    }

    /// Bits of a name without its dress.
    pub(crate) fn core_bits(&self, company: &Company) -> f64 {
        company.core.iter().map(|word| self.bits(word)).sum()
    }
}

/// The stem of a domain without what firms put around their name to find a free one: `get…`, `…hq`, `…-us`.
pub(crate) fn bare_stem(domain: &WebDomain) -> &str {
    const FRONT: [&str; 8] = ["get", "try", "use", "go", "join", "my", "the", "hello"];
    const BACK: [&str; 22] = [
        "hq",
        "app",
        "group",
        "grp",
        "gruppe",
        "inc",
        "llc",
        "ltd",
        "gmbh",
        "corp",
        "online",
        "web",
        "global",
        "intl",
        "international",
        "official",
        "team",
        "world",
        "holding",
        "europe",
        "usa",
        "24",
    ];
    let mut bare = domain.stem.as_str();
    let label = domain.registrable.split('.').next().unwrap_or_default();
    // A short tail counts only behind a hyphen: `acme-us` is Acme, `olympus` is not Olymp.
    if let Some((_, tail)) = label.rsplit_once('-')
        && matches!(tail.len(), 1..=3)
        && let Some(rest) = bare.strip_suffix(tail)
        && rest.len() >= 4
    {
        bare = rest;
    }
    if let Some(rest) = FRONT.iter().find_map(|front| bare.strip_prefix(front))
        && rest.len() >= 4
    {
        bare = rest;
    }
    if let Some(rest) = BACK.iter().find_map(|back| bare.strip_suffix(back))
        && rest.len() >= 4
    {
        bare = rest;
    }
    bare
}
