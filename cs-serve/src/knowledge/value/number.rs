//! Numbers in digits, in Chinese and in English words.

use super::fold::{after, is_inside_word};

/// A number that stands in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) value: f64,
    /// The character after its last.
    pub(super) end: usize,
    /// Whether it is written in digits.
    pub(super) in_digits: bool,
}

/// The longest number read; longer rows of digits are no amounts.
const MOST_DIGITS: usize = 15;

/// Reads the number that begins at a character.
pub(super) fn at(text: &[char], at: usize) -> Option<Number> {
    if is_inside_word(text, at) {
        return None;
    }
    match text.get(at)? {
        '0'..='9' => digits(text, at),
        'a'..='z' => english(text, at),
        _ => chinese(text, at),
    }
}

fn digits(text: &[char], at: usize) -> Option<Number> {
    let mut written = String::new();
    let mut end = at;
    let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
    while is_digit(end) {
        written.push(text[end]);
        end += 1;
        let groups = (1..=3).all(|it| is_digit(end + it)) && !is_digit(end + 4);
        if text.get(end) == Some(&',') && groups && written.len() <= 3 + 3 * (written.len() / 4) {
            end += 1;
        }
    }
    if text.get(end) == Some(&'.') && is_digit(end + 1) {
        written.push('.');
        end += 1;
        while is_digit(end) {
            written.push(text[end]);
            end += 1;
        }
    }
    if written.len() > MOST_DIGITS {
        return None;
    }
    let value: f64 = written.parse().ok()?;
    let (value, end) = times_ten_thousand(text, value, end);
    Some(Number {
        value,
        end,
        in_digits: true,
    })
}

/// Reads what follows digits in 1.5万, 3千 and 1万2.
fn times_ten_thousand(text: &[char], value: f64, end: usize) -> (f64, usize) {
    let (scale, end) = match text.get(end) {
        Some('亿') => (1e8, end + 1),
        Some('万') => (1e4, end + 1),
        // 千克 and 千米 are units.
        Some('千') if !matches!(text.get(end + 1), Some('克' | '米' | '瓦')) => (1e3, end + 1),
        Some('百') if text.get(end + 1) != Some(&'分') => (1e2, end + 1),
        _ => return (value, end),
    };
    let digit = text.get(end).and_then(|c| c.to_digit(10));
    let alone = text
        .get(end + 1)
        .is_none_or(|c| !c.is_ascii_digit() && *c != '.');
    match digit.filter(|_| alone) {
        Some(digit) => (value * scale + f64::from(digit) * scale / 10.0, end + 1),
        None => (value * scale, end),
    }
}

fn chinese_digit(c: char) -> Option<f64> {
    let at = "零一二三四五六七八九".chars().position(|it| it == c);
    match c {
        '〇' => Some(0.0),
        '两' => Some(2.0),
        _ => at.map(|it| it as f64),
    }
}

fn chinese_scale(c: char) -> Option<f64> {
    match c {
        '十' => Some(10.0),
        '百' => Some(100.0),
        '千' => Some(1000.0),
        '万' => Some(1e4),
        '亿' => Some(1e8),
        _ => None,
    }
}

/// Reads 三十五, 两百, 两百五 (250), 一万二 (12000), 三点五, 二〇二四 and 半.
fn chinese(text: &[char], at: usize) -> Option<Number> {
    let of = |value, end| Number {
        value,
        end,
        in_digits: false,
    };
    // 找了半天 is no time.
    let is_idiom = text.get(at + 1) == Some(&'天') && at > 0 && text[at - 1] == '了';
    if text.get(at) == Some(&'半') && !is_idiom {
        return Some(of(0.5, at + 1));
    }
    let mut end = at;
    while let Some(&c) = text.get(end) {
        let is_part = chinese_digit(c).is_some() || chinese_scale(c).is_some();
        if !is_part || end - at > MOST_DIGITS {
            break;
        }
        end += 1;
    }
    let part = &text[at..end];
    if part.is_empty() || matches!(part[0], '百' | '千' | '万' | '亿') {
        return None;
    }
    let value = if part.iter().any(|&c| chinese_scale(c).is_some()) {
        with_scales(part)?
    } else {
        part.iter()
            .try_fold(0.0, |sum, &c| Some(sum * 10.0 + chinese_digit(c)?))?
    };
    let tenth = text.get(end + 1).and_then(|&c| chinese_digit(c));
    match tenth.filter(|_| text.get(end) == Some(&'点') && is_decimal(text, end + 2)) {
        Some(tenth) => Some(of(value + tenth / 10.0, end + 2)),
        None => Some(of(value, end)),
    }
}

/// Tells 三点五元 from 三点五分, a time, and 三点五十, another.
fn is_decimal(text: &[char], at: usize) -> bool {
    let next = text.get(at).copied();
    let goes_on = next.is_some_and(|c| chinese_digit(c).is_some() || chinese_scale(c).is_some());
    let amounts = [
        "分钟", "元", "块", "小时", "个", "公", "米", "千", "折", "星", "升", "天", "年", "%",
    ];
    !goes_on && amounts.iter().any(|it| after(text, at, it).is_some())
}

fn with_scales(part: &[char]) -> Option<f64> {
    let (mut total, mut section, mut digit, mut last, mut zero) = (0.0, 0.0, None, 1.0, false);
    for &c in part {
        if let Some(value) = chinese_digit(c) {
            zero |= value == 0.0;
            digit = Some(value);
            continue;
        }
        let scale = chinese_scale(c)?;
        if scale >= 1e4 {
            section += digit.unwrap_or(0.0);
            total = (total + section) * scale;
            section = 0.0;
        } else {
            section += digit.unwrap_or(1.0) * scale;
        }
        (digit, last, zero) = (None, scale, false);
    }
    // What comes after a scale above ten counts tenths of it: 两百五 is 250, 两百零五 is 205.
    let unit = if zero || last <= 10.0 {
        1.0
    } else {
        last / 10.0
    };
    Some(total + section + digit.unwrap_or(0.0) * unit)
}

const ENGLISH: [(&str, f64); 28] = [
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("half an", 0.5),
];

/// Reads `two`, `thirty-five` and `half an`.
fn english(text: &[char], at: usize) -> Option<Number> {
    let word = |at| {
        let found = ENGLISH
            .iter()
            .find_map(|(word, value)| Some((*value, after(text, at, word)?)));
        found.map(|(value, end)| Number {
            value,
            end,
            in_digits: false,
        })
    };
    let tens = word(at)?;
    let goes_on = tens.value >= 20.0 && matches!(text.get(tens.end), Some('-' | ' '));
    let ones = goes_on.then(|| word(tens.end + 1)).flatten();
    if let Some(ones) = ones.filter(|it| (1.0..10.0).contains(&it.value)) {
        return Some(Number {
            value: tens.value + ones.value,
            ..ones
        });
    }
    match after(text, tens.end, " hundred") {
        Some(end) => Some(Number {
            value: tens.value * 100.0,
            end,
            ..tens
        }),
        None => Some(tens),
    }
}
