//! Phone numbers as the digits a national caller would dial, without trunk zero; it dials nothing.

use super::country::after_calling_code;
use super::hashing::hash_text;

/// A normalised number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    /// National significant digits.
    pub(crate) digits: String,
    /// Extension behind a switchboard.
    pub(crate) extension: String,
    /// Identity of the digits.
    pub(crate) id: u64,
    /// As written.
    pub(crate) shown: String,
}

impl Phone {
    /// Reads a number; `None` for too short, too long and made-up ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 64 {
            return None;
        }
        let lower = text.to_lowercase();
        let lower =
            lower.trim_start_matches(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '('))).to_owned();
        let (number, extension) = match lower.find(['x', 'e', ';', '#']) {
            Some(at) => (&lower[..at], &lower[at..]),
            None => (lower.as_str(), ""),
        };
        let extension: String = extension.chars().filter(char::is_ascii_digit).collect();
        let number = number.replace("(0)", "");
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let international = number.trim_start().starts_with('+') || digits.starts_with("00");
        let national = if international {
            after_calling_code(digits.trim_start_matches('0'))
        } else if digits.len() == 11 && digits.starts_with('1') {
            &digits[1..]
        } else {
            &digits
        };
        let national = national.trim_start_matches('0').to_owned();
        if !(7..=15).contains(&national.len()) || is_made_up(&national) {
            return None;
        }
        Some(Self { id: hash_text(&national), digits: national, extension, shown: text.to_owned() })
    }
}

/// One digit over and over, or a run up or down the keyboard.
fn is_made_up(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let mut counts = [0_usize; 10];
    for byte in bytes {
        counts[usize::from(byte - b'0')] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let steps = |step: i16| {
        bytes.windows(2).all(|two| (i16::from(two[1]) - i16::from(two[0]) - step).rem_euclid(10) == 0)
    };
    most + 1 >= bytes.len() || steps(1) || steps(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Option<String> {
        Phone::parse(text).map(|phone| phone.digits)
    }

    #[test]
    fn one_line_has_one_form() {
        for text in
            ["+44 20 7946 1234", "0044 2079461234", "020 7946 1234", "+44 (0)20-7946-1234", "(020) 79461234"]
        {
            assert_eq!(digits(text).as_deref(), Some("2079461234"), "{text}");
        }
        assert_eq!(digits("1-212-664-7655"), digits("(212) 664.7655"));
        assert_eq!(Phone::parse("212 664 7655 ext. 31").expect("a number").extension, "31");
        assert_eq!(Phone::parse("212 664 7655;ext=31").expect("a number").extension, "31");
    }

    #[test]
    fn made_up_numbers_are_missing() {
        for text in ["", "12345", "0000000000", "555 555 5555", "1234567890", "987654321", "none"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
