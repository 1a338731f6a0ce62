//! Digits of a text, however they are written: 138 0013 8000, 一三八，零零一三, "one three eight".

use super::view::View;
use crate::letters::is_ideograph;

/// The most characters between two groups of digits of one number.
const LONGEST_GAP: usize = 4;

/// What people say between two groups of one number, as "138, then 0013".
const SAID_GAPS: &[&str] = &[
    "杠",
    "横杠",
    "减",
    "空格",
    "然后",
    "然后是",
    "接着",
    "再",
    "后面",
    "后面是",
    "呃",
    "嗯",
    "额",
    "dash",
    "hyphen",
    "space",
    "then",
    "and then",
    "um",
    "uh",
];

const WORDS: &[(&str, u8)] = &[
    ("zero", 0),
    ("oh", 0),
    ("o", 0),
    ("nought", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
];

struct Digit {
    value: u8,
    start: usize,
    end: usize,
}

/// Digits without anything between them.
struct Group {
    /// The numbers of its digits.
    first: usize,
    end: usize,
    /// What stands between it and the group before it, if both may be of one number.
    gap: Option<char>,
}

/// The digits of a text in groups.
pub(super) struct Numbers {
    digits: Vec<Digit>,
    groups: Vec<Group>,
}

/// Some groups that may be one number.
pub(super) struct Window {
    pub(super) digits: String,
    /// The lengths of the groups.
    pub(super) groups: Vec<usize>,
    /// What parts the last one from the one before it.
    pub(super) gap: Option<char>,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Numbers {
    pub(super) fn of(view: &View) -> Self {
        let mut numbers = Self {
            digits: Vec::new(),
            groups: Vec::new(),
        };
        let markers = Markers::of(&view.text);
        let mut at = 0;
        while let Some(c) = view.at(at) {
            if markers.are_at(view, at, c) {
                at += c.len_utf8();
            } else if let Some(value) = value_of(c).filter(|_| !numbers.is_word(view, at, c)) {
                numbers.push(view, &[value], at, at + c.len_utf8());
                at += c.len_utf8();
            } else if c.is_ascii_alphabetic() {
                let rest = &view.text[at..];
                let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                at = numbers.word(view, at, length);
            } else {
                at += c.len_utf8();
            }
        }
        numbers
    }

    /// Says whether a Chinese numeral is part of a word, as in 一直 and 三次: it follows no numeral.
    fn is_word(&self, view: &View, at: usize, c: char) -> bool {
        let Some(next) = view.at(at + c.len_utf8()).filter(|_| !c.is_ascii()) else {
            return false;
        };
        let mut before = view.text[..at].chars().rev();
        let last = before.find(|c| !" -,、·".contains(*c));
        let follows = last.is_some_and(|it| !it.is_ascii() && value_of(it).is_some());
        let is_apart = is_ideograph(next) && value_of(next).is_none() && !follows;
        // 二十四 counts, whatever number stands before it.
        let counts = "十百千万".contains(next) && before_is_no_numeral(view, at);
        is_apart || counts || c == '一' && "直起下样共个次定般点些".contains(next)
    }

    /// Takes a word of letters, with the one after "double", and gives where it ends.
    fn word(&mut self, view: &View, at: usize, length: usize) -> usize {
        let word =
            |start: usize, length: usize| view.text[start..start + length].to_ascii_lowercase();
        let value = |word: &str| WORDS.iter().find(|it| it.0 == word).map(|it| it.1);
        let end = at + length;
        let (times, from) = match &*word(at, length) {
            "double" => (2, end + 1),
            "triple" | "treble" => (3, end + 1),
            _ => (1, at),
        };
        let Some(rest) = view.text.get(from..) else {
            return end;
        };
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        match value(&word(from, length)) {
            Some(value) => {
                self.push(view, &vec![value; times], at, from + length);
                from + length
            }
            None => end,
        }
    }

    fn push(&mut self, view: &View, values: &[u8], start: usize, end: usize) {
        let before = self.digits.last().map(|it| &view.text[it.end..start]);
        let first = self.digits.len();
        match (before, self.groups.last_mut()) {
            (Some(""), Some(group)) => group.end += values.len(),
            _ => self.groups.push(Group {
                first,
                end: first + values.len(),
                gap: before.and_then(gap_of),
            }),
        }
        let digit = |&value: &u8| Digit { value, start, end };
        self.digits.extend(values.iter().map(digit));
    }

    /// Gives all digits.
    pub(super) fn all(&self) -> String {
        let digits = self.digits.iter();
        digits.map(|it| char::from(b'0' + it.value)).collect()
    }

    /// Gives the runs of whole groups of so many digits, which nothing alike goes on before or after.
    pub(super) fn windows(&self, fewest: usize, most: usize) -> impl Iterator<Item = Window> {
        (0..self.groups.len()).flat_map(move |first| {
            let from = self.groups[first].first;
            let within = move |last: &usize| self.groups[*last].end - from <= most;
            let joined = move |last: &usize| *last == first || self.groups[*last].gap.is_some();
            (first..self.groups.len())
                .take_while(joined)
                .take_while(within)
                .filter(move |last| self.groups[*last].end - from >= fewest)
                .filter_map(move |last| self.window(first, last))
        })
    }

    fn window(&self, first: usize, last: usize) -> Option<Window> {
        let groups = &self.groups[first..=last];
        let length = |it: &Group| it.end - it.first;
        let inner = groups
            .get(1..)
            .and_then(|it| it.last())
            .and_then(|it| it.gap);
        let goes_on = |gap: Option<char>, other: &Group| match (gap, inner) {
            (Some('.'), None) => true,
            (Some(gap), Some(inner)) => gap == inner && length(other) < 7,
            _ => false,
        };
        let before = first.checked_sub(1).map(|it| &self.groups[it]);
        let after = self.groups.get(last + 1);
        let is_part = before.is_some_and(|it| goes_on(groups[0].gap, it))
            || after.is_some_and(|it| goes_on(it.gap, it));
        if is_part {
            return None;
        }
        let has = |gap: char| groups[1..].iter().any(|it| it.gap == Some(gap));
        // 10.0.0.0/24 is a net.
        if has('.') && (has('/') || has('、') || has(',')) {
            return None;
        }
        let digits = &self.digits[groups[0].first..groups[groups.len() - 1].end];
        let lengths: Vec<usize> = groups.iter().map(length).collect();
        // 13,800,138,000 is an amount.
        let in_thousands =
            inner == Some(',') && lengths[0] <= 3 && lengths[1..].iter().all(|&it| it == 3);
        (!in_thousands).then(|| Window {
            digits: digits
                .iter()
                .map(|it| char::from(b'0' + it.value))
                .collect(),
            groups: lengths,
            gap: inner,
            start: digits[0].start,
            end: digits[digits.len() - 1].end,
        })
    }
}

fn before_is_no_numeral(view: &View, at: usize) -> bool {
    view.before(at).is_none_or(|it| value_of(it).is_none())
}

/// What may stand behind a number that numbers what follows.
const MARKS: [char; 3] = ['、', '.', ')'];

/// Where digits stand with a mark behind them, as in "1. a name 2. a telephone".
#[derive(Default)]
struct Markers {
    /// The first place of each digit with each mark.
    first: [[Option<usize>; MARKS.len()]; 10],
    /// The last place of a 2 with each mark.
    last_two: [Option<usize>; MARKS.len()],
}

impl Markers {
    fn of(text: &str) -> Self {
        let mut markers = Self::default();
        let following = text.char_indices().zip(text.chars().skip(1));
        for ((at, c), next) in following {
            let mark = MARKS.iter().position(|it| *it == next);
            if let (Some(digit), Some(mark)) = (c.to_digit(10), mark) {
                let digit = digit as usize;
                markers.first[digit][mark].get_or_insert(at);
                if digit == 2 {
                    markers.last_two[mark] = Some(at);
                }
            }
        }
        markers
    }

    /// Says whether a digit numbers what follows it: the one before it has been there, or the second is to come.
    fn are_at(&self, view: &View, at: usize, c: char) -> bool {
        let Some(value) = c.to_digit(10).filter(|it| *it > 0) else {
            return false;
        };
        let value = value as usize;
        let is_apart = view
            .before(at)
            .is_none_or(|it| matches!(it, ' ' | ',' | ':' | '\n'));
        let mut next = view.text[at + 1..].chars();
        let mark = next
            .next()
            .and_then(|it| MARKS.iter().position(|mark| *mark == it));
        let Some(mark) = mark.filter(|_| is_apart) else {
            return false;
        };
        let goes_on = next
            .next()
            .is_some_and(|it| it == ' ' || is_ideograph(it) || MARKS[mark] == '、');
        let is_first = value == 1 && self.last_two[mark].is_some_and(|last| last > at);
        let before = self.first[value - 1][mark];
        goes_on && (is_first || before.is_some_and(|before| before < at))
    }
}

/// Gives the digit that a character is, in figures or Chinese.
pub(super) fn value_of(c: char) -> Option<u8> {
    Some(match c {
        '0'..='9' => c as u8 - b'0',
        '零' => 0,
        '一' | '壹' | '幺' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

/// Gives what parts the groups of one number: a mark, or else a space.
fn gap_of(between: &str) -> Option<char> {
    let is_gap = |c| " -.,、()[]·/_~|…\\".contains(c);
    let said = between.trim_matches([' ', ',', '、', '…', '-']);
    if SAID_GAPS.iter().any(|it| said.eq_ignore_ascii_case(it)) {
        return Some('-');
    }
    let short = between.chars().nth(LONGEST_GAP).is_none();
    let mark = between.chars().find(|c| *c != ' ').unwrap_or(' ');
    (short && between.chars().all(is_gap)).then_some(match mark {
        '(' | ')' | '[' | ']' => ' ',
        mark => mark,
    })
}
