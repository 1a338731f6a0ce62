//! Telephone numbers.

use super::fold::is_inside_word;

/// A telephone number, as its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The fewest and the most digits of a number with its area.
const FEWEST: usize = 7;
const MOST: usize = 15;

impl Phone {
    /// Gives the digits, without what separates them.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Says whether two are one number, also if one leaves out its country or area.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.ends_with(&other.0) || other.0.ends_with(&self.0)
    }
}

/// Reads the number that begins at a character: 010-85007938, 65253310, 13800138000, 400-810-1010,
/// +86 10 8500 7938, (555) 010-9999.
pub(super) fn at(text: &[char], at: usize) -> Option<(Phone, usize)> {
    let first = *text.get(at)?;
    if is_inside_word(text, at) || !(first.is_ascii_digit() || "+(".contains(first)) {
        return None;
    }
    let (mut digits, mut groups) = (String::new(), vec![0]);
    let (mut here, mut end) = (at, at);
    // A space after as many digits begins another number.
    let most = if first == '+' { 10 } else { 7 };
    while let Some(&c) = text.get(here) {
        if c.is_ascii_digit() {
            digits.push(c);
            if let Some(group) = groups.last_mut() {
                *group += 1;
            }
            end = here + 1;
        } else if separates(text, here, digits.len(), most) {
            if groups.last() != Some(&0) {
                groups.push(0);
            }
        } else {
            break;
        }
        here += 1;
    }
    groups.retain(|&group| group > 0);
    let follows = text
        .get(end)
        .is_some_and(|c| c.is_ascii_alphabetic() || "元块年月号%.折".contains(*c));
    let international = first == '+';
    (is_number(&digits, &groups, international) && !follows)
        .then(|| (Phone(bare(&digits, international)), end))
}

/// Says whether a character stands within a number: a hyphen, a bracket, or a space that does not
/// begin another number.
fn separates(text: &[char], at: usize, digits: usize, most: usize) -> bool {
    match text[at] {
        '+' => digits == 0,
        '(' => digits == 0 || digits <= 3,
        ')' => digits >= 2,
        '-' => {
            text.get(at + 1)
                .is_some_and(|c| c.is_ascii_digit() || *c == ' ')
                && digits > 0
        }
        ' ' => {
            let run = |from: usize| {
                text[from..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .count()
            };
            let dash = text.get(at + 1) == Some(&'-') || text[..at].last() == Some(&'-');
            dash || text[..at].last() == Some(&')')
                || (digits > 0 && digits <= most && (3..=8).contains(&run(at + 1)))
        }
        _ => false,
    }
}

fn is_number(digits: &str, groups: &[usize], international: bool) -> bool {
    if digits.len() < FEWEST || digits.len() > MOST {
        return false;
    }
    let mobile = digits.len() == 11 && digits.starts_with('1');
    let area = digits.starts_with('0') && (10..=12).contains(&digits.len());
    let service =
        ["400", "800", "95"].iter().any(|it| digits.starts_with(it)) && digits.len() <= 11;
    let local =
        groups.len() == 1 && matches!(digits.len(), 7 | 8) && !digits.starts_with(['0', '1']);
    let american = matches!(groups, [3, 4] | [3, 3, 4] | [1, 3, 3, 4]);
    let date = matches!(groups, [4, 2, 2] | [4, 1..=2, 1..=2]);
    international || ((mobile || area || service || local || american) && !date)
}

/// Drops China's code, and the zeros before it.
fn bare(digits: &str, international: bool) -> String {
    let national = if international {
        digits.strip_prefix("86").unwrap_or(digits)
    } else {
        digits
    };
    national.trim_start_matches('0').to_owned()
}
