//! Ways to write digits.

use cs_data::SplitMix;

const CHINESE: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const FORMAL: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
const ENGLISH: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// Writes digits in groups, in one of the ways that were seen or that are held out.
pub(super) fn digits(
    random: &mut SplitMix,
    digits: &str,
    groups: &[usize],
    second: bool,
    chinese: bool,
) -> String {
    let way = random.below(if chinese { 6 } else { 5 });
    let values: Vec<usize> = digits.bytes().map(|it| usize::from(it - b'0')).collect();
    let each = |write: &dyn Fn(usize) -> String, between: &str| {
        values
            .iter()
            .map(|&it| write(it))
            .collect::<Vec<_>>()
            .join(between)
    };
    let wide = |it: usize| {
        char::from_u32(0xff10 + it as u32)
            .map(String::from)
            .unwrap_or_default()
    };
    let bold = |it: usize| {
        char::from_u32(0x1d7ce + it as u32)
            .map(String::from)
            .unwrap_or_default()
    };
    let han = |it: usize| CHINESE[it].to_string();
    match (second, way) {
        (false, 0 | 1) => digits.to_owned(),
        (false, 2) => grouped(digits, groups, " "),
        (false, 3) => grouped(digits, groups, "-"),
        (false, 4) if chinese => grouped(&each(&han, ""), groups, "，"),
        (false, 4) => each(&|it| ENGLISH[it].to_owned(), " "),
        (false, _) => each(&wide, ""),
        (true, 0) => grouped(digits, groups, "."),
        (true, 1) => each(&|it| it.to_string(), " "),
        (true, 2) => each(&bold, ""),
        (true, 3) => each(&|it| format!("{it}\u{fe0f}\u{20e3}"), ""),
        (true, 4) if chinese => grouped(&each(&|it| FORMAL[it].to_string(), ""), groups, " "),
        (true, 4) => doubled(&values),
        (true, _) => each(&|it| han(it).replace('一', "幺"), "、"),
    }
}

fn grouped(text: &str, groups: &[usize], between: &str) -> String {
    let mut chars = text.chars();
    let mut parts: Vec<String> = groups
        .iter()
        .map(|&it| chars.by_ref().take(it).collect())
        .collect();
    parts.push(chars.collect());
    parts.retain(|it| !it.is_empty());
    parts.join(between)
}

/// Writes "one three double eight".
fn doubled(values: &[usize]) -> String {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&value) = values.get(at) {
        let twice = values.get(at + 1) == Some(&value);
        words.push(format!(
            "{}{}",
            if twice { "double " } else { "" },
            ENGLISH[value]
        ));
        at += 1 + usize::from(twice);
    }
    words.join("-")
}
