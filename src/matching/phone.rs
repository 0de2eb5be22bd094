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
    /// The last eight digits: what two spellings of one number share whatever became of the calling code.
    pub(crate) fn tail_id(&self) -> u64 {
        hash_text(&self.digits[self.digits.len().saturating_sub(8)..])
    }

    /// Reads a number; `None` for too short, too long and made-up ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 64 {
            return None;
        }
        let lower = text.to_lowercase();
        let begins = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(');
        let lower = lower.trim_start_matches(|c: char| !begins(c));
        // Any word behind at least seven digits names an extension or is a note: "ext", "Durchwahl", "(mobile)".
        let mut seen = 0;
        let end = lower.find(|c: char| {
            seen += usize::from(c.is_ascii_digit());
            c.is_alphabetic() || matches!(c, ';' | '#') || (seen >= 9 && c == '/')
        });
        let (number, extension) = end.map_or((lower, ""), |at| lower.split_at(at));
        let extension: String = extension.chars().filter(char::is_ascii_digit).take(6).collect();
        let number = number.replace("(0)", "");
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let international = number.trim_start().starts_with('+') || digits.starts_with("00");
        // No national number has twelve digits: the plus sign got lost.
        let international = international || (digits.len() >= 12 && !digits.starts_with('0'));
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

/// The numbers of a field that may hold several: "+49 30 1234567 / +49 171 1234567".
pub(crate) fn several(text: &str) -> impl Iterator<Item = &str> {
    let enough = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() >= 7;
    let separates = |c: char| matches!(c, ';' | '/' | '|' | ',' | '\n');
    let many = text.len() <= 256 && text.split(separates).filter(|part| enough(part)).count() > 1;
    text.split(move |c: char| many && separates(c)).filter(move |part| !many || enough(part))
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
    let run = |step: i16| {
        let mut longest = 1;
        let mut current = 1;
        for two in bytes.windows(2) {
            let next = (i16::from(two[1]) - i16::from(two[0]) - step).rem_euclid(10) == 0;
            current = if next { current + 1 } else { 1 };
            longest = longest.max(current);
        }
        longest
    };
    most + 1 >= bytes.len() || steps(1) || steps(-1) || run(1).max(run(-1)).max(run(0)) >= 7
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
        assert_eq!(digits("971672210120"), digits("+971 (0)672 210 120"));
        assert_eq!(digits("Tel: 0208 555 2190 (mobile)"), digits("0208-5552190"));
        assert_eq!(Phone::parse("0440690566 / 58").expect("a number").extension, "58");
        assert_eq!(Phone::parse("030 4471 2208 Durchwahl 31").expect("a number").extension, "31");
        assert_eq!(several("+49 30 44712208 / +49 171 5512208").count(), 2);
        assert_eq!(several("0304/4712208").count(), 1);
        assert_eq!(Phone::parse("212 664 7655;ext=31").expect("a number").extension, "31");
    }

    #[test]
    fn made_up_numbers_are_missing() {
        for text in [
            "",
            "12345",
            "0000000000",
            "555 555 5555",
            "1234567890",
            "987654321",
            "+1 555 123 4567",
            "020 0000 0000",
            "none",
        ] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
