//! Country spellings and calling codes to one small number; it knows no borders and no time zones.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::lists::lines;
use super::text::fold;

struct Countries {
    by_name: BTreeMap<&'static str, u8>,
    /// Calling codes, longest first.
    calling_codes: Vec<&'static str>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let mut by_name = BTreeMap::new();
    let mut calling_codes = Vec::new();
    for (index, line) in lines(include_str!("../../assets/matching/countries.txt")).enumerate() {
        let mut fields = line.split('|');
        let code = index as u8 + 1;
        by_name.insert(fields.next().unwrap_or_default(), code);
        calling_codes.push(fields.next().unwrap_or_default());
        fields.next();
        for name in fields.next().unwrap_or_default().split(',') {
            by_name.insert(name.trim(), code);
        }
    }
    calling_codes.sort_unstable_by(|left: &&str, right| right.len().cmp(&left.len()).then(left.cmp(right)));
    calling_codes.dedup();
    Countries { by_name, calling_codes }
});

/// The number of a country by code or name in any usual language.
pub(crate) fn country_code(text: &str) -> Option<u8> {
    if text.len() > 64 || text.trim().is_empty() {
        return None;
    }
    COUNTRIES.by_name.get(fold(text).as_str()).copied()
}

/// The national part of an international number without its plus sign.
pub(crate) fn after_calling_code(digits: &str) -> &str {
    COUNTRIES.calling_codes.iter().find_map(|code| digits.strip_prefix(code)).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_spellings_are_one_country() {
        for text in ["USA", "U.S.", "us", "United States of America", "Estados Unidos"] {
            assert_eq!(country_code(text), country_code("United States"), "{text}");
        }
        assert_eq!(country_code("Türkiye"), country_code("tr"));
        assert_eq!(country_code("Україна"), country_code("UA"));
        assert_ne!(country_code("Austria"), country_code("Australia"));
        assert_eq!(country_code("Atlantis"), None);
        assert_eq!(after_calling_code("35312345678"), "12345678");
    }
}
