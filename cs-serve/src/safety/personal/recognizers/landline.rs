//! Telephones that are bound to a place: of mainland China by an area's code of three or four digits, the first 0, and seven or
//! eight more; of other countries by a code in brackets that begins with 0, or where the text says that it is a telephone. Numbers
//! that begin with 400 or 800 are companies'.

use super::mobile::is_japanese;
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;
use crate::safety::personal::numbers::Window;

pub(super) fn find(search: &mut Search<'_>) {
    for window in search.numbers.windows(7, 17) {
        let clue = search.clue(window.start);
        let is_other = matches!(
            clue,
            Some(Clue::Order | Clue::Card | Clue::Other | Clue::Passport | Clue::Id | Clue::Birth)
        );
        let start = opening(search, &window);
        let has_plus = search.view.tail(start, 1) == "+";
        if is_other || !search.view.is_apart(start, window.end) {
            continue;
        }
        let certainty = match () {
            () if is_landline(&window, has_plus) => Certainty::Said,
            () if without_extension(&window).is_some_and(|it| is_landline(&it, has_plus)) => {
                Certainty::Said
            }
            () if clue == Some(Clue::Phone) && is_taiwanese(&window) => Certainty::Said,
            () if is_abroad(search, &window, clue) => Certainty::Said,
            () if clue == Some(Clue::Phone) && is_local(&window) => Certainty::Form,
            () => continue,
        };
        let end = extension(search, window.end);
        let start = start - usize::from(has_plus);
        search.add(Kind::Landline, start, end, certainty);
    }
}

/// (010)85007938
fn opening(search: &Search<'_>, window: &Window) -> usize {
    let is_open = matches!(search.view.before(window.start), Some('(' | '['));
    window.start - usize::from(is_open)
}

/// Gives the end of what an operator connects to: 转801, "ext. 12", -801.
pub(super) fn extension(search: &Search<'_>, end: usize) -> usize {
    let rest = search.view.head(end, 18);
    let marks = [
        "转分机",
        "分机号",
        "分机",
        "转接",
        "转",
        "内线",
        "extension",
        "ext.",
        "ext",
        "x",
        "#",
        "-",
    ];
    let bare = rest.trim_start_matches([' ', ',', '(']);
    let after = marks.iter().find_map(|mark| {
        let head = bare.get(..mark.len())?;
        head.eq_ignore_ascii_case(mark)
            .then(|| bare[mark.len()..].trim_start_matches([' ', ':']))
    });
    let Some(after) = after else { return end };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        1..=6 => end + (rest.len() - after.len()) + digits,
        _ => end,
    }
}

/// Takes what may be an extension off a number: 0755-85007938-801.
fn without_extension(window: &Window) -> Option<Window> {
    let [groups @ .., last] = window.groups.as_slice() else {
        return None;
    };
    let is_extension = groups.len() > 1 && window.gap == Some('-') && (2..=5).contains(last);
    is_extension.then(|| Window {
        digits: window.digits[..window.digits.len() - last].to_owned(),
        groups: groups.to_vec(),
        ..*window
    })
}

fn is_landline(window: &Window, has_plus: bool) -> bool {
    let digits = window.digits.as_str();
    if digits.len() > 15 || is_japanese(window) {
        return false;
    }
    let is_coded = has_plus || matches!(window.groups[0], 2 | 4 | 5) && window.groups.len() > 1;
    let national = digits
        .strip_prefix("0086")
        .or_else(|| digits.strip_prefix("86").filter(|_| is_coded));
    let (area, is_coded) = match national {
        Some(national) => (national.trim_start_matches('0'), true),
        None => match digits.strip_prefix('0') {
            Some(area) => (area, false),
            None => return false,
        },
    };
    let lengths = match area.as_bytes() {
        [b'1', b'0', ..] | [b'2', _, ..] => 10..=10,
        [b'3'..=b'9', ..] => 10..=11,
        _ => return false,
    };
    // Contiguous digits that begin with 0 may be anything if there are few of them.
    let first = window.groups[0];
    let is_grouped =
        is_coded || matches!(first, 3 | 4) || window.groups.len() > 3 || first == digits.len();
    is_grouped && lengths.contains(&area.len())
}

/// (02) 9860 7013 by the brackets, and 030 901820 where the text says that it is a telephone, but for what is mobile there.
fn is_abroad(search: &Search<'_>, window: &Window, clue: Option<Clue>) -> bool {
    let [first, rest @ ..] = window.groups.as_slice() else {
        return false;
    };
    let digits = window.digits.as_str();
    let text = &search.view.text[window.start..window.end];
    let is_bracketed =
        matches!(search.view.before(window.start), Some('(' | '[')) && text.contains([')', ']']);
    let is_said = clue == Some(Clue::Phone) && !search.view.has_chinese;
    // In France, whose numbers are in pairs, 04 is bound to a place.
    let mobile: &[&str] = match rest.len() {
        4 => &["06", "07"],
        _ => &["04", "07", "015", "016", "017"],
    };
    let is_mobile = is_japanese(window) || mobile.iter().any(|it| digits.starts_with(it));
    digits.starts_with('0')
        && !digits.starts_with("00")
        && (2..=5).contains(first)
        && !rest.is_empty()
        && (9..=12).contains(&digits.len())
        && (is_bracketed || is_said && !is_mobile)
}

/// (02) 2817-8451, where the text says that it is a telephone.
fn is_taiwanese(window: &Window) -> bool {
    let area = window.digits.strip_prefix('0');
    let is_area = |it: &str| matches!(it.as_bytes()[0], b'2'..=b'8');
    (2..=3).contains(&window.groups.len())
        && (2..=3).contains(&window.groups[0])
        && area.is_some_and(|it| (8..=9).contains(&it.len()) && is_area(it))
}

/// 8500 7938, where the text says that it is a telephone.
fn is_local(window: &Window) -> bool {
    let is_short = matches!(window.digits.len(), 7 | 8);
    is_short
        && matches!(window.digits.as_bytes()[0], b'2'..=b'8')
        && !window.digits.starts_with("400")
}
