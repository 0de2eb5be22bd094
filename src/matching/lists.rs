//! The shipped short lists, read once from the binary; it fetches nothing and accepts nothing at run time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// All lists, parsed.
pub(crate) struct Lists {
    /// Nickname families per folded given name.
    nicknames: BTreeMap<&'static str, Vec<u16>>,
    /// Spelling families per folded family name.
    family_names: BTreeMap<&'static str, Vec<u16>>,
    role_words: BTreeSet<&'static str>,
    free_mail: BTreeSet<&'static str>,
    free_mail_any_suffix: BTreeSet<&'static str>,
    disposable: BTreeSet<&'static str>,
    junk_sites: BTreeSet<&'static str>,
    /// Legal forms without spaces: "S. r.l." and "SRL" are written by the same people.
    legal_forms: BTreeSet<String>,
    placeholders: BTreeSet<&'static str>,
    company_placeholders: BTreeSet<&'static str>,
    name_placeholders: BTreeSet<&'static str>,
    colours: BTreeSet<&'static str>,
    things: BTreeSet<&'static str>,
    before: BTreeSet<&'static str>,
    after: BTreeSet<&'static str>,
    pronouns: BTreeSet<&'static str>,
    particles: BTreeSet<&'static str>,
    titles: BTreeMap<&'static str, &'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(Lists::parse);

/// The parsed lists.
pub(crate) fn lists() -> &'static Lists {
    &LISTS
}

/// The lines of a list file without comments and blanks.
pub(crate) fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn words(file: &'static str) -> BTreeSet<&'static str> {
    lines(file).flat_map(str::split_whitespace).collect()
}

fn section(file: &'static str, name: &str) -> BTreeSet<&'static str> {
    lines(file)
        .filter_map(|line| line.split_once(' '))
        .filter(|(head, _)| *head == name)
        .flat_map(|(_, rest)| rest.split_whitespace())
        .collect()
}

/// The lines that each word of a file stands in.
fn families(file: &'static str) -> BTreeMap<&'static str, Vec<u16>> {
    let mut families: BTreeMap<&'static str, Vec<u16>> = BTreeMap::new();
    for (family, line) in lines(file).enumerate() {
        for word in line.split_whitespace() {
            families.entry(word).or_default().push(family as u16);
        }
    }
    families
}

fn share_a_line(families: &BTreeMap<&'static str, Vec<u16>>, left: &str, right: &str) -> bool {
    match (families.get(left), families.get(right)) {
        (Some(one), Some(other)) => one.iter().any(|family| other.contains(family)),
        _ => false,
    }
}

impl Lists {
    fn parse() -> Self {
        let nicknames = families(include_str!("../../assets/matching/nicknames.txt"));
        let free = words(include_str!("../../assets/matching/free_mail_domains.txt"));
        let legal_forms = lines(include_str!("../../assets/matching/legal_forms.txt"))
            .map(|line| {
                line.split_whitespace()
                    .filter(|word| !matches!(*word, "&" | "and" | "und" | "et" | "y" | "i" | "e"))
                    .collect()
            })
            .collect();
        let placeholders = include_str!("../../assets/matching/placeholders.txt");
        let tagged = |tag: &str| lines(placeholders).filter_map(|line| line.strip_prefix(tag)).collect();
        let pseudonyms = include_str!("../../assets/matching/pseudonyms.txt");
        let name_words = include_str!("../../assets/matching/name_words.txt");
        Self {
            nicknames,
            family_names: families(include_str!("../../assets/matching/family_names.txt")),
            role_words: words(include_str!("../../assets/matching/role_addresses.txt")),
            free_mail_any_suffix: free.iter().filter_map(|domain| domain.strip_suffix(".*")).collect(),
            free_mail: free,
            disposable: words(include_str!("../../assets/matching/disposable_domains.txt")),
            junk_sites: words(include_str!("../../assets/matching/junk_sites.txt")),
            legal_forms,
            placeholders: lines(placeholders).filter(|line| !line.contains(':')).collect(),
            company_placeholders: tagged("company:"),
            name_placeholders: tagged("name:"),
            colours: section(pseudonyms, "colours"),
            things: section(pseudonyms, "things"),
            before: section(name_words, "before"),
            after: section(name_words, "after"),
            pronouns: section(name_words, "pronouns"),
            particles: section(name_words, "particles"),
            titles: lines(include_str!("../../assets/matching/title_words.txt"))
                .filter_map(|line| line.split_once(" = "))
                .collect(),
        }
    }

    /// Whether two folded given names are forms of one another.
    pub(crate) fn same_nickname_family(&self, left: &str, right: &str) -> bool {
        share_a_line(&self.nicknames, left, right)
    }

    /// Whether two folded family names are spellings of one another in Latin letters.
    pub(crate) fn same_family_spelling(&self, left: &str, right: &str) -> bool {
        share_a_line(&self.family_names, left, right)
    }

    /// Whether a folded word is a known given name (or a short form of one).
    pub(crate) fn is_given_name(&self, word: &str) -> bool {
        self.nicknames.contains_key(word)
    }

    /// Whether a word names a function (`info`, `billing`).
    pub(crate) fn is_role_word(&self, word: &str) -> bool {
        self.role_words.contains(word)
    }

    /// Whether a registrable domain belongs to a provider of private mailboxes.
    pub(crate) fn is_free_mail(&self, registrable: &str) -> bool {
        let stem = registrable.split('.').next().unwrap_or_default();
        self.free_mail.contains(registrable) || self.free_mail_any_suffix.contains(stem)
    }

    /// Whether a domain is throw-away or reserved for examples.
    pub(crate) fn is_disposable(&self, registrable: &str) -> bool {
        self.disposable.contains(registrable)
    }

    /// Whether a domain hosts other people's pages.
    pub(crate) fn is_junk_site(&self, registrable: &str) -> bool {
        self.junk_sites.contains(registrable)
    }

    /// Whether folded words, written together, are a legal form.
    pub(crate) fn is_legal_form(&self, joined: &str) -> bool {
        self.legal_forms.contains(joined)
    }

    /// Whether a folded text stands for "nothing" in any field.
    pub(crate) fn is_placeholder(&self, folded: &str) -> bool {
        self.placeholders.contains(folded)
    }

    /// Whether a folded company text says that there is no company.
    pub(crate) fn is_no_company(&self, folded: &str) -> bool {
        self.is_placeholder(folded) || self.company_placeholders.contains(folded)
    }

    /// Whether a folded name says that there is no name.
    pub(crate) fn is_no_name(&self, folded: &str) -> bool {
        self.is_placeholder(folded) || self.name_placeholders.contains(folded)
    }

    pub(crate) fn is_colour(&self, word: &str) -> bool {
        self.colours.contains(word)
    }

    pub(crate) fn is_thing(&self, word: &str) -> bool {
        self.things.contains(word)
    }

    /// Titles of address (`dr`, `frau`).
    pub(crate) fn is_before_name(&self, word: &str) -> bool {
        self.before.contains(word)
    }

    /// Suffixes (`jr`, `phd`).
    pub(crate) fn is_after_name(&self, word: &str) -> bool {
        self.after.contains(word)
    }

    pub(crate) fn is_pronoun(&self, word: &str) -> bool {
        self.pronouns.contains(word)
    }

    /// Small words inside family names (`van`, `de la`).
    pub(crate) fn is_particle(&self, word: &str) -> bool {
        self.particles.contains(word)
    }

    /// What an abbreviation in a job title stands for.
    pub(crate) fn title_words(&self, word: &str) -> Option<&'static str> {
        self.titles.get(word).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_answer() {
        let lists = lists();
        assert!(lists.same_nickname_family("bob", "robert"));
        assert!(!lists.same_nickname_family("bob", "william"));
        assert!(lists.is_free_mail("yahoo.co.uk") && lists.is_free_mail("gmx.at"));
        assert!(!lists.is_free_mail("yahooligans.com"));
        assert!(lists.is_no_company("self employed") && !lists.is_no_name("self employed"));
        assert!(lists.is_legal_form("gmbhcokg") && !lists.is_legal_form("oak"));
    }
}
