//! Ways to write numbers.

const HAN: &str = "零一二三四五六七八九";
const PHONE: &str = "零幺二三四五六七八九";
const FORMAL: &str = "零壹贰叁肆伍陆柒捌玖";
const ENGLISH: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// Writes a value in groups: numbers of `groups` say how many characters each has, all else stands between them.
/// What no group takes is left out; without groups all is one.
pub(super) fn grouped(value: &str, groups: &str) -> String {
    if matches!(groups, "" | "*") {
        return value.to_owned();
    }
    let mut rest = value.chars();
    let mut text = String::new();
    let mut count = 0;
    for c in groups.chars() {
        if let Some(digit) = c.to_digit(10) {
            count = count * 10 + digit as usize;
            continue;
        }
        text.extend(rest.by_ref().take(count));
        count = 0;
        text.push(c);
    }
    text.extend(rest.take(count));
    text
}

/// Writes a value in a style; one that nobody knows leaves it as it is.
pub(super) fn styled(value: &str, style: &str) -> String {
    match style {
        "wide" => each(value, wide),
        "bold" => each_digit(value, |it| shifted('\u{1d7ce}', it)),
        "boxed" => each_digit(value, |it| format!("{it}\u{fe0f}\u{20e3}")),
        "han" => each_digit(value, |it| nth(HAN, it)),
        "yao" => each_digit(value, |it| nth(PHONE, it)),
        "formal" => each_digit(value, |it| nth(FORMAL, it)),
        "listed" => separated(&styled(value, "yao"), "、"),
        "spaced" => separated(value, " "),
        "lower" => value.to_ascii_lowercase(),
        "words" => words(value),
        "double" => doubled(value),
        _ => value.to_owned(),
    }
}

fn each(value: &str, write: fn(char) -> char) -> String {
    value.chars().map(write).collect()
}

fn each_digit(value: &str, write: impl Fn(usize) -> String) -> String {
    let one = |c: char| match c.to_digit(10) {
        Some(it) => write(it as usize),
        None => c.to_string(),
    };
    value.chars().map(one).collect()
}

/// Writes a character as wide as a Chinese one.
fn wide(c: char) -> char {
    match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    }
}

fn shifted(from: char, by: usize) -> String {
    char::from_u32(u32::from(from) + by as u32)
        .map(String::from)
        .unwrap_or_default()
}

fn nth(set: &str, at: usize) -> String {
    set.chars().nth(at).map(String::from).unwrap_or_default()
}

fn separated(value: &str, between: &str) -> String {
    let parts: Vec<String> = value.chars().map(String::from).collect();
    parts.join(between)
}

/// Writes "one three eight, zero zero".
fn words(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        let digit = c.to_digit(10);
        if digit.is_some() && text.ends_with(|it: char| it.is_ascii_alphabetic()) {
            text.push(' ');
        }
        match digit {
            Some(it) => text.push_str(ENGLISH[it as usize]),
            None => text.push(c),
        }
    }
    text
}

/// Writes "one-three-double eight".
fn doubled(value: &str) -> String {
    let digits: Vec<usize> = value
        .chars()
        .filter_map(|it| it.to_digit(10))
        .map(|it| it as usize)
        .collect();
    let mut spoken = Vec::new();
    let mut at = 0;
    while let Some(&digit) = digits.get(at) {
        let twice = digits.get(at + 1) == Some(&digit);
        let word = ENGLISH[digit];
        spoken.push(match twice {
            true => format!("double {word}"),
            false => word.to_owned(),
        });
        at += 1 + usize::from(twice);
    }
    spoken.join("-")
}
