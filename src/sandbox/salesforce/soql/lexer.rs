//! SOQL taken apart into tokens, each with its place in the text. Knows no grammar and no field.

/// One token; words keep their dots, texts stay as written between their quotes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Number(String),
    /// A date or a moment as written, told apart later by its `T`.
    Date(String),
    Text(String),
    /// `(`, `)`, `,`, `:` and the comparison operators.
    Sign(&'static str),
    End,
}

impl Token {
    /// The token as the vendor's "unexpected token" sentence shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) | Self::Date(text) => text.clone(),
            Self::Text(raw) => format!("'{raw}'"),
            Self::Sign(sign) => (*sign).to_owned(),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// Longer signs first, so that `<=` is not read as `<`.
const SIGNS: [&str; 12] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", ":", "-"];

/// All tokens with the byte they begin at, `End` last; the error is the vendor's sentence.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut found = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let byte = bytes[at];
        let start = at;
        let token = if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte == b'\'' {
            let length = text_length(&bytes[at + 1..]).ok_or_else(|| {
                format!("line 1:{} mismatched character '<EOF>' expecting '''", text.chars().count())
            })?;
            at += length + 2;
            Token::Text(text[start + 1..=start + length].to_owned())
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            at += run(&bytes[at..], |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
            Token::Word(text[start..at].to_owned())
        } else if byte.is_ascii_digit() || (byte == b'-' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
        {
            at += 1;
            at += number_or_date(&bytes[at..]);
            let written = &text[start..at];
            if written[1..].contains(['-', ':', 'T']) {
                Token::Date(written.to_owned())
            } else {
                Token::Number(written.to_owned())
            }
        } else if let Some(sign) = SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            let letter = text[at..].chars().next().unwrap_or_default();
            return Err(format!("line 1:{} no viable alternative at character '{letter}'", column(text, at)));
        };
        found.push((token, start));
    }
    found.push((Token::End, text.len()));
    Ok(found)
}

/// The column of a byte, counted in characters from 1.
pub(super) fn column(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count()) + 1
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| belongs(**byte)).count()
}

/// Bytes up to the closing quote; a backslash takes the next byte with it.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'\'' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Digits, and what a date or a moment adds: `-`, `T`, `:`, `.`, `Z` and an offset.
fn number_or_date(bytes: &[u8]) -> usize {
    let mut at = 0;
    let mut moment = false;
    while let Some(byte) = bytes.get(at) {
        let next_is_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => {}
            b'.' | b'-' if next_is_digit => {}
            b'T' | b't' if next_is_digit => moment = true,
            b':' | b'+' if moment && next_is_digit => {}
            b'Z' | b'z' if moment => return at + 1,
            _ => break,
        }
        at += 1;
    }
    at
}

/// The text a literal stands for. The error names the sequence SOQL does not know.
pub(super) fn unescaped(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    for piece in pieces(raw)? {
        match piece {
            // Outside LIKE both stand for themselves, escaped or not.
            Piece::Plain(letter) => text.push(letter),
            Piece::Any => text.push('%'),
            Piece::One => text.push('_'),
        }
    }
    Ok(text)
}

/// One position of a LIKE pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    Plain(char),
    /// `%`: any run of characters, none included.
    Any,
    /// `_`: exactly one character.
    One,
}

/// A literal as a LIKE pattern.
pub(super) fn pieces(raw: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            pieces.push(match letter {
                '%' => Piece::Any,
                '_' => Piece::One,
                other => Piece::Plain(other),
            });
            continue;
        }
        let escaped = letters.next().unwrap_or('\\');
        pieces.push(Piece::Plain(match escaped {
            'n' | 'N' => '\n',
            'r' | 'R' => '\r',
            't' | 'T' => '\t',
            'b' | 'B' => '\u{8}',
            'f' | 'F' => '\u{c}',
            '"' | '\'' | '\\' | '_' | '%' => escaped,
            'u' => {
                let digits: String = letters.by_ref().take(4).collect();
                u32::from_str_radix(&digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4)
                    .and_then(char::from_u32)
                    .ok_or_else(|| illegal(raw, &format!("\\u{digits}")))?
            }
            other => return Err(illegal(raw, &format!("\\{other}"))),
        }));
    }
    Ok(pieces)
}

fn illegal(raw: &str, sequence: &str) -> String {
    format!("Invalid string literal '{raw}'. Illegal character sequence '{sequence}' in string literal.")
}

/// Whether a text fits a pattern, upper and lower case alike. Linear but for runs after a `%`.
pub(super) fn fits(pattern: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut place) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some(Piece::Any) => {
                retry = Some((place + 1, at));
                place += 1;
            }
            Some(Piece::One) => (at, place) = (at + 1, place + 1),
            Some(Piece::Plain(letter)) if same_letter(*letter, text[at]) => {
                (at, place) = (at + 1, place + 1);
            }
            _ => {
                // Lets the last `%` swallow one character more.
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                (at, place) = (from + 1, after);
            }
        }
    }
    pattern[place..].iter().all(|piece| *piece == Piece::Any)
}

fn same_letter(left: char, right: char) -> bool {
    left == right || left.to_lowercase().eq(right.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).unwrap().into_iter().map(|(token, _)| token.shown()).collect()
    }

    #[test]
    fn signs_words_numbers_dates_and_texts_are_told_apart() {
        assert_eq!(
            words("SELECT a.B__c FROM C WHERE x<=-1.5 AND y>=2026-01-02T03:04:05.000+01:00"),
            [
                "SELECT",
                "a.B__c",
                "FROM",
                "C",
                "WHERE",
                "x",
                "<=",
                "-1.5",
                "AND",
                "y",
                ">=",
                "2026-01-02T03:04:05.000+01:00",
                "<EOF>"
            ]
        );
        assert_eq!(words("x='a\\'b'")[2], "'a\\'b'");
        assert_eq!(words("LAST_N_DAYS:30"), ["LAST_N_DAYS", ":", "30", "<EOF>"]);
        assert_eq!(tokens("2026-01-02").unwrap()[0].0, Token::Date("2026-01-02".to_owned()));
        assert_eq!(words("2026-01-02T00:00:00Z)"), ["2026-01-02T00:00:00Z", ")", "<EOF>"]);
    }

    #[test]
    fn an_open_quote_and_a_strange_sign_are_refused() {
        assert!(tokens("x = 'abc").unwrap_err().contains("mismatched character"));
        assert!(tokens("x = 'abc\\'").unwrap_err().contains("mismatched character"));
        assert!(tokens("x ; y").unwrap_err().contains("';'"));
    }

    #[test]
    fn escapes_follow_the_vendors_list() {
        assert_eq!(unescaped("O\\'Neil \\\\ \\u00e9\\n").unwrap(), "O'Neil \\ é\n");
        assert!(unescaped("a\\qb").unwrap_err().contains("Illegal character sequence '\\q'"));
        assert!(unescaped("\\u12").is_err());
    }

    #[test]
    fn like_knows_its_two_wildcards_and_their_escapes() {
        let fitting = |pattern: &str, text: &str| fits(&pieces(pattern).unwrap(), text);
        assert!(fitting("a%", "ABC"));
        assert!(fitting("%b%", "abc"));
        assert!(fitting("a_c", "abc"));
        assert!(!fitting("a_c", "ac"));
        assert!(fitting("100\\%", "100%"));
        assert!(!fitting("100\\%", "1000"));
        assert!(fitting("%", ""));
        assert!(!fitting("_", ""));
        assert!(fitting("%aab", "aaaaab"));
    }

    proptest! {
        #[test]
        fn an_escaped_text_comes_back(text in "\\PC*") {
            let raw = text.replace('\\', "\\\\").replace('\'', "\\'");
            let query = format!("'{raw}'");
            let read = tokens(&query).unwrap();
            prop_assert_eq!(&read[0].0, &Token::Text(raw.clone()));
            prop_assert_eq!(unescaped(&raw).unwrap(), text);
        }

        #[test]
        fn any_text_ends_in_tokens_or_a_sentence(text in ".{0,60}") {
            if let Ok(found) = tokens(&text) {
                prop_assert_eq!(&found.last().unwrap().0, &Token::End);
            }
        }
    }
}
