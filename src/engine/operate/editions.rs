//! What was in force when: the editions of a recipe or mapping, and the lines in which one differs from the one before.

use super::{OperateError, Operator};
use crate::domain::edition::{Edition, EditionKind};

/// Lines that stay around each piece that changed.
const AROUND: usize = 2;
/// Texts with more lines than this are compared as one piece: beginning, end, and what lies between.
const LONGEST: usize = 2_000;

impl Operator {
    /// Every edition there was of a recipe or mapping, the newest first.
    pub async fn editions(&self, kind: EditionKind, name: &str) -> Result<Vec<Edition>, OperateError> {
        let mut found = self.journal.history(kind, name).await?;
        found.reverse();
        Ok(found)
    }

    /// The lines in which an edition differs from the one before it, each with its sign; all of them where it is the
    /// first.
    pub async fn edition_lines(
        &self,
        kind: EditionKind,
        name: &str,
        number: u32,
    ) -> Result<Vec<String>, OperateError> {
        let missing = |number: u32| OperateError::Missing(format!("edition {number} of {name}"));
        let text = |number: u32| self.journal.edition_text(kind, name, number);
        let new = text(number).await?.ok_or_else(|| missing(number))?;
        if number <= 1 {
            return Ok(new.lines().map(|line| format!(" {line}")).collect());
        }
        let old = text(number - 1).await?.ok_or_else(|| missing(number - 1))?;
        Ok(compared(&old, &new))
    }
}

/// The lines that differ between two texts, with some around each piece: ` ` as it was, `-` gone, `+` come.
pub fn compared(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut signed: Vec<(char, &str, usize)> = Vec::new();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    signed.extend(old[..head].iter().enumerate().map(|(at, line)| (' ', *line, at + 1)));
    between(&old[head..old.len() - tail], &new[head..new.len() - tail], head, &mut signed);
    let after = new.len() - tail;
    signed.extend(new[after..].iter().enumerate().map(|(at, line)| (' ', *line, after + at + 1)));
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        signed[from..(at + AROUND + 1).min(signed.len())].iter().any(|(sign, ..)| *sign != ' ')
    };
    let mut lines = Vec::new();
    let mut skipped = true;
    for (at, (sign, line, number)) in signed.iter().enumerate() {
        if !near(at) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            lines.push(format!("@@ line {number} @@"));
        }
        lines.push(format!("{sign}{line}"));
    }
    lines
}

/// What differs between two pieces without a common beginning or end, by their longest common run of lines.
fn between<'a>(old: &[&'a str], new: &[&'a str], before: usize, signed: &mut Vec<(char, &'a str, usize)>) {
    let at_once = old.is_empty() || new.is_empty() || old.len().max(new.len()) > LONGEST;
    if at_once {
        signed.extend(old.iter().enumerate().map(|(at, line)| ('-', *line, before + at + 1)));
        signed.extend(new.iter().enumerate().map(|(at, line)| ('+', *line, before + at + 1)));
        return;
    }
    // How many lines the two have in common from each pair of places on.
    let wide = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * wide];
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            common[i * wide + j] = if left == right {
                common[(i + 1) * wide + j + 1] + 1
            } else {
                common[(i + 1) * wide + j].max(common[i * wide + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            signed.push((' ', new[j], before + j + 1));
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && common[(i + 1) * wide + j] >= common[i * wide + j + 1])
        {
            signed.push(('-', old[i], before + j + 1));
            i += 1;
        } else {
            signed.push(('+', new[j], before + j + 1));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn several_pieces_are_shown_apart_with_the_lines_around_them() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj";
        let new = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk";
        assert_eq!(
            compared(old, new),
            ["@@ line 1 @@", " a", "-b", "+B", " c", " d", "@@ line 9 @@", " i", " j", "+k"]
        );
        assert!(compared(old, old).is_empty());
        assert_eq!(compared("", "x"), ["@@ line 1 @@", "+x"]);
        assert_eq!(compared("a\nx\nb", "a\nb"), ["@@ line 1 @@", " a", "-x", " b"]);
    }
}
