//! Mobile telephones of mainland China (11 digits, the first 1, the second 3 to 9), of Hong Kong and Taiwan, and
//! telephones abroad by their country's code (ITU-T E.164) or, of North America, by their groups.

use super::landline::extension;
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;
use crate::safety::personal::numbers::Window;

/// What follows an amount.
const UNITS: &[&str] = &[
    "元", "块", "万", "件", "个", "分", "%", "人", "次", "米", "毫", "克", "斤", "减", "点", "年",
    "月", "天", "小时", "页", "瓶", "箱", "盒", "台", "套", "双", "步", "字",
];

/// What begins with one and follows a number that is none.
const NO_UNITS: &[&str] = &[
    "分机", "个人", "人工", "点击", "次日", "点不", "月底", "月初", "天天", "年底", "人在", "个号",
    "套餐", "台湾", "字母",
];

/// What follows an amount, as a word or its plural.
const LATIN_UNITS: &[&str] = &[
    "dollar", "point", "euro", "pound", "usd", "unit", "piece", "mah", "mb", "gb", "kb", "kg",
    "rmb", "cny", "eur", "gbp", "item", "pcs", "time", "people", "word", "step", "year", "day",
    "hour", "mile", "km", "px", "ml", "mm", "cm", "buck", "quid", "yuan", "customer", "user",
    "copy", "copies", "box", "boxes",
];

/// Codes of countries (ITU-T E.164).
const CODES: &[&str] = &[
    "1", "7", "20", "27", "30", "36", "31", "32", "33", "34", "39", "41", "43", "44", "45", "46",
    "47", "48", "49", "52", "55", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "90",
    "91", "92", "234", "254", "351", "353", "358", "380", "420", "852", "853", "880", "886", "966",
    "971", "972", "974",
];

pub(super) fn find(search: &mut Search<'_>) {
    for window in search.numbers.windows(8, 15) {
        let start = with_plus(search, &window);
        let has_plus = search.view.text[start..window.start].contains(['+', 'l', 'L']);
        let clue = search.clue(start);
        let is_domestic = is_chinese(&window.digits);
        let is_other = match clue {
            Some(Clue::Other) if is_domestic && search.clues.is_of_short_code(start) => false,
            Some(Clue::Order | Clue::Other) => true,
            // None of them has as many digits.
            Some(Clue::Card | Clue::Passport | Clue::Id | Clue::Birth) => !is_domestic,
            _ => false,
        };
        if (is_other || search.is_order(window.end)) && !has_plus
            || !search.view.is_apart(start, window.end)
            || is_amount(search, start, window.end)
        {
            continue;
        }
        let is_said = clue == Some(Clue::Phone)
            || clue.is_none() && search.clues.mentions(Clue::Number, start);
        // Four numbers with full stops are an IP address.
        let is_dotted = window.gap == Some('.') && window.groups.iter().all(|it| *it < 4);
        if is_dotted {
            continue;
        }
        let is_foreign = has_plus && !window.digits.starts_with("86");
        let is_bracketed = matches!(search.view.before(window.start), Some('(' | '['));
        if !is_foreign && is_domestic || is_taiwanese(&window) && !is_bracketed {
            search.add(Kind::Mobile, start, window.end, Certainty::Said);
        } else if !search.view.has_chinese && is_british(&window.digits) {
            search.add(Kind::Mobile, start, window.end, Certainty::Checked);
        } else if is_foreign
            || is_abroad(
                &window,
                is_said && !is_local(search, &window) || is_spoken(search, &window),
            )
            || is_british_call(search, &window, clue)
            || is_said && is_coded(&window)
        {
            let end = match search.view.at(window.end) {
                Some('-') => window.end,
                _ => extension(search, window.end),
            };
            let kind = match is_fixed(search, &window, start) {
                true => Kind::Landline,
                false => Kind::Mobile,
            };
            search.add(kind, start, end, Certainty::Form);
        }
    }
}

/// Gives where a number begins whose country's code has a sign or brackets before it.
fn with_plus(search: &Search<'_>, window: &Window) -> usize {
    let start = window.start;
    let tail = search.view.tail(start, 3);
    let code = tail.trim_end_matches([' ', '(']);
    let plus = match code.ends_with('+') {
        true => start - (tail.len() - code.len()) - 1,
        false if search.view.tail(start, 5).eq_ignore_ascii_case("plus ") => start - 5,
        false => start,
    };
    let is_closed = search.view.text[start..window.end].contains(')');
    plus - usize::from(is_closed && search.view.before(plus) == Some('('))
}

/// What the numbers of countries begin with that are bound to a place, after the country's code.
const FIXED: &[(&str, &[&str])] = &[
    ("44", &["1", "2", "3"]),
    ("33", &["1", "2", "3", "4", "5"]),
    ("34", &["8", "91", "92", "93", "94", "95", "96", "97", "98"]),
    ("353", &["1", "2", "4", "5", "6", "7", "9"]),
    ("39", &["0"]),
    ("41", &["2", "3", "4", "5", "6"]),
    ("43", &["1", "2", "3", "4", "5", "7"]),
    ("49", &["2", "3", "4", "5", "6", "7", "8", "9"]),
    ("31", &["1", "2", "3", "4", "5", "7"]),
    ("32", &["1", "2", "3", "5", "6", "7", "8", "9"]),
    ("61", &["2", "3", "7", "8"]),
    ("64", &["3", "4", "6", "7", "9"]),
    ("65", &["6"]),
    ("81", &["1", "2", "3", "4", "5", "6"]),
    ("82", &["2", "3", "4", "5", "6"]),
    ("852", &["2", "3"]),
    ("351", &["2"]),
    ("45", &["3", "4", "5", "6", "7", "8", "9"]),
    (
        "48",
        &[
            "12", "22", "32", "33", "34", "41", "42", "43", "52", "58", "61", "71", "81", "85",
            "91",
        ],
    ),
    ("90", &["2", "3", "4"]),
    ("91", &["11", "20", "22", "33", "40", "44", "79", "80"]),
    ("60", &["2", "3", "4", "5", "6", "7", "8", "9"]),
    ("66", &["2", "3", "4", "5", "7"]),
    ("62", &["2", "3", "4", "5", "6", "7", "9"]),
    ("55", &["113", "114", "115", "213", "214"]),
    ("52", &["55", "33", "81"]),
    ("27", &["1", "2", "3", "4", "5"]),
    ("46", &["1", "2", "3", "4", "5", "6", "8", "9"]),
    ("47", &["2", "3", "5", "6", "7"]),
    ("971", &["2", "3", "4", "6", "7", "9"]),
    ("972", &["2", "3", "4", "8", "9"]),
    ("30", &["2"]),
    ("36", &["1"]),
    ("420", &["2", "3", "4", "5"]),
    ("84", &["2"]),
    ("7", &["4", "8"]),
    ("853", &["28"]),
    ("886", &["2", "3", "4", "5", "6", "7", "8"]),
];

/// Says whether a number abroad is one that is bound to a place, by its country's plan or by a word that says so.
fn is_fixed(search: &Search<'_>, window: &Window, start: usize) -> bool {
    let digits = window.digits.trim_start_matches("00");
    let has_code = search.view.text[start..window.start].contains('+')
        || digits.len() < window.digits.len()
        || is_coded(window);
    let before = search.view.tail(start, 16).to_ascii_lowercase();
    let is_said = ["landline", "fixed line", "座机", "固话"]
        .iter()
        .any(|it| before.contains(it));
    let by_plan = FIXED.iter().any(|(code, starts)| {
        let national = digits.strip_prefix(code).map(|it| {
            if *code == "39" {
                it
            } else {
                it.trim_start_matches('0')
            }
        });
        national.is_some_and(|it| starts.iter().any(|start| it.starts_with(start)))
    });
    is_said || has_code && by_plan || !has_code && is_british_landline(&window.digits)
}

/// Says whether eight digits are as likely a landline.
fn is_local(search: &Search<'_>, window: &Window) -> bool {
    let text = &search.view.text;
    window.digits.len() == 8 && search.view.has_chinese && !text.contains(['港', '澳'])
}

/// Says whether a number is in words: nobody says a price or a code digit by digit.
fn is_spoken(search: &Search<'_>, window: &Window) -> bool {
    search
        .view
        .at(window.start)
        .is_some_and(char::is_alphabetic)
}

/// Says whether a number counts something.
pub(super) fn is_amount(search: &Search<'_>, start: usize, end: usize) -> bool {
    let next = search.view.head(end, 10).to_ascii_lowercase();
    let is_counted = matches!(search.view.before(start), Some('满' | '第'));
    let word = next.trim_start();
    let length = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = &word[..length];
    let is_latin_unit = LATIN_UNITS.contains(&word)
        || word
            .strip_suffix('s')
            .is_some_and(|it| LATIN_UNITS.contains(&it));
    let is_unit = UNITS.iter().any(|it| next.starts_with(it))
        && !NO_UNITS.iter().any(|it| next.starts_with(it));
    is_counted || is_latin_unit || is_unit
}

fn is_chinese(digits: &str) -> bool {
    let national = match digits.len() {
        11 => digits,
        12 => digits.strip_prefix('0').unwrap_or_default(),
        13 => digits.strip_prefix("86").unwrap_or_default(),
        15 => digits.strip_prefix("0086").unwrap_or_default(),
        _ => "",
    };
    let bytes = national.as_bytes();
    bytes.len() == 11 && bytes[0] == b'1' && bytes[1] >= b'3'
}

/// 0912-345-678
fn is_taiwanese(window: &Window) -> bool {
    window.digits.len() == 10 && window.digits.starts_with("09")
}

/// 07700 900123, which in China is a landline of as many digits.
fn is_british(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with("07")
}

/// Says whether a number is a British landline, of which the text says so or at least nothing else.
fn is_british_call(search: &Search<'_>, window: &Window, clue: Option<Clue>) -> bool {
    let is_free = matches!(clue, None | Some(Clue::Phone));
    let is_told = clue == Some(Clue::Phone) || window.groups.len() > 1;
    !search.view.has_chinese && is_free && is_told && is_british_landline(&window.digits)
}

/// 0161 496 0000, where the text says that it is a telephone.
fn is_british_landline(digits: &str) -> bool {
    digits.len() == 11 && ["01", "02", "03"].iter().any(|it| digits.starts_with(it))
}

/// 852 9123 4567, or the same of Macao.
fn is_of_hong_kong(window: &Window) -> bool {
    window.groups[0] == 3
        && ["852", "853"]
            .iter()
            .any(|it| window.digits.starts_with(it))
}

/// 090-1234-5678; no area of China has a code of three such digits.
pub(super) fn is_japanese(window: &Window) -> bool {
    window.groups == [3, 4, 4]
        && ["070", "080", "090"]
            .iter()
            .any(|it| window.digits.starts_with(it))
}

/// 00852-52656686, or the same of another country.
fn is_called_abroad(window: &Window) -> bool {
    let number = window.digits.strip_prefix("00");
    window.groups.len() > 1
        && CODES.iter().any(|code| {
            let is_first = window.groups[0] == 2 + code.len() || window.groups[0] == 2;
            is_first && number.is_some_and(|it| it.starts_with(code))
        })
}

/// Says whether a number begins with a country's code, though without a sign before it.
fn is_coded(window: &Window) -> bool {
    let is_code = |it: &str| window.groups[0] == it.len() && window.digits.starts_with(it);
    window.groups.len() > 1
        && (10..=14).contains(&window.digits.len())
        && CODES.iter().any(|it| is_code(it))
}

/// North American numbers, British mobile ones, and of Hong Kong after a word that says so.
fn is_abroad(window: &Window, is_said: bool) -> bool {
    let digits = window.digits.as_bytes();
    let from_two = |at: usize| digits.get(at).is_some_and(|it| (b'2'..=b'9').contains(it));
    let in_groups = |groups: &[usize]| window.groups == groups;
    // Companies' own, free of charge.
    let is_free = ["400", "800", "888", "877", "866"]
        .iter()
        .any(|it| window.digits.starts_with(it));
    match digits.len() {
        8 => {
            is_said
                && matches!(digits[0], b'4'..=b'7' | b'9')
                && (in_groups(&[4, 4]) || in_groups(&[8]) || in_groups(&[1; 8]))
        }
        10 if digits.starts_with(b"04") => in_groups(&[4, 3, 3]),
        // 06 12 34 56 78, of France.
        10 if matches!(&digits[..2], b"06" | b"07") => in_groups(&[2, 2, 2, 2, 2]),
        10 => !is_free && from_two(0) && from_two(3) && (in_groups(&[3, 3, 4]) || is_said),
        11 if digits[0] == b'1' => {
            from_two(1) && from_two(4) && (in_groups(&[1, 3, 3, 4]) || is_said)
        }
        11 if is_of_hong_kong(window) || is_japanese(window) => true,
        11 => digits.starts_with(b"07") && (in_groups(&[5, 6]) || in_groups(&[5, 3, 3])),
        12.. => {
            let is_grouped =
                window.groups.len() > 2 && window.groups[0] > 2 || is_called_abroad(window);
            digits.starts_with(b"00") && !digits.starts_with(b"0086") && (is_said || is_grouped)
        }
        _ => false,
    }
}
