//! Dates as people and programs write them; which of day and month comes first is learned from the column.
//! It knows no calendar and no time of day.

/// Whether a column of dates with slashes or dots puts the month first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DateOrder {
    month_first: bool,
}

impl DateOrder {
    /// Learns from all texts of a column: a number above twelve is no month.
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let (mut day_first, mut month_first) = (0_u32, 0_u32);
        for text in texts {
            let numbers = numbers(text);
            if let [(one, first), (other, _), ..] = numbers.as_slice()
                && *first <= 2
            {
                day_first += u32::from(*one > 12 && *other <= 12);
                month_first += u32::from(*other > 12 && *one <= 12);
            }
        }
        Self { month_first: month_first > day_first }
    }
}

/// A day; parts that are not known are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

impl Date {
    /// Reads a date; `None` when it is none, or a filler such as 9999-12-31.
    pub(super) fn parse(text: &str, order: DateOrder) -> Option<Self> {
        let text = text.trim();
        let named = month_by_name(text);
        let numbers = numbers(text);
        let (year, month, day) = match (numbers.as_slice(), named) {
            ([(year, 4), (day, _), ..] | [(day, 1 | 2), (year, 4), ..], Some(month)) => (*year, month, *day),
            ([(whole, 8), ..], None) if *whole >= 10_000_000 => {
                let (year, month, day) = (whole / 10_000, whole / 100 % 100, whole % 100);
                // 31121980: the year stands last.
                if month > 12 && whole % 10_000 >= 1200 && whole / 1_000_000 <= 31 {
                    (whole % 10_000, whole / 10_000 % 100, whole / 1_000_000)
                } else {
                    (year, month, day)
                }
            }
            ([(year, 4), (month, _), (day, _), ..], None) => (*year, *month, *day),
            ([(one, _), (other, _), (year, length @ (2 | 4)), ..], None) => {
                let year = if *length == 2 { two_digits(*year) } else { *year };
                if order.month_first { (year, *one, *other) } else { (year, *other, *one) }
            }
            ([(year, 4), (month, _)], None) => (*year, *month, 0),
            ([(year, 4)], None) => (*year, 0, 0),
            _ => return None,
        };
        // A day above twelve in the month's place tells the order by itself.
        let (month, day) = if month > 12 && (1..=12).contains(&day) { (day, month) } else { (month, day) };
        if !(1000..=2999).contains(&year) || month > 99 || day > 99 {
            return None;
        }
        Some(Self { year: year as u16, month: month as u8, day: day as u8 })
    }

    /// Eight digits.
    pub(super) fn digits(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// Two digits of a year: nobody in a table is born in the future.
fn two_digits(year: u32) -> u32 {
    if year <= 30 { 2000 + year } else { 1900 + year }
}

/// The runs of digits with their lengths, up to the time of day.
fn numbers(text: &str) -> Vec<(u32, usize)> {
    let mut found: Vec<(u32, usize)> = Vec::with_capacity(4);
    let mut open = false;
    for character in text.chars().take(40) {
        match character.to_digit(10) {
            Some(digit) => {
                match found.last_mut() {
                    Some(last) if open => {
                        *last = (last.0.saturating_mul(10).saturating_add(digit), last.1 + 1);
                    }
                    _ => found.push((digit, 1)),
                }
                open = true;
            }
            None => open = false,
        }
    }
    found
}

fn month_by_name(text: &str) -> Option<u32> {
    const MONTHS: [&[&str]; 12] = [
        &["jan", "ene", "gen", "янв"],
        &["feb", "fév", "fev", "фев"],
        &["mar", "mär", "mrz", "мар"],
        &["apr", "avr", "abr", "апр"],
        &["may", "mai", "mag", "mei", "май", "мая"],
        &["jun", "juin", "giu", "июн"],
        &["jul", "juil", "lug", "июл"],
        &["aug", "aoû", "aou", "ago", "авг"],
        &["sep", "set", "сен"],
        &["oct", "okt", "ott", "out", "окт"],
        &["nov", "ноя"],
        &["dec", "dez", "déc", "dic", "дек"],
    ];
    let word: String =
        text.chars().take(40).skip_while(|c| !c.is_alphabetic()).take_while(|c| c.is_alphabetic()).collect();
    let word = word.to_lowercase();
    if word.chars().count() < 3 {
        return None;
    }
    MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name))).map(|at| at as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, month_first: bool) -> Option<String> {
        Date::parse(text, DateOrder { month_first }).map(Date::digits)
    }

    #[test]
    fn one_day_has_one_form() {
        for text in [
            "1980-03-07",
            "19800307",
            "07.03.1980",
            "7/3/1980",
            "1980-03-07T10:20:30Z",
            "7 Mar 1980",
            "07-03-80",
        ] {
            assert_eq!(read(text, false).as_deref(), Some("19800307"), "{text}");
        }
        assert_eq!(read("3/7/1980", true).as_deref(), Some("19800307"));
        assert_eq!(read("3/17/1980", false).as_deref(), Some("19800317"));
        assert_eq!(read("March 7, 1980", false).as_deref(), Some("19800307"));
        assert_eq!(read("1980", false).as_deref(), Some("19800000"));
        for nothing in ["", "soon", "9999-12-31", "0000-00-00", "3/7"] {
            assert_eq!(read(nothing, false), None, "{nothing}");
        }
    }

    #[test]
    fn a_column_tells_its_order() {
        assert!(DateOrder::of(["3/7/1980", "3/17/1980"].into_iter()).month_first);
        assert!(!DateOrder::of(["3/7/1980", "17/3/1980", "1980-12-31"].into_iter()).month_first);
    }
}
