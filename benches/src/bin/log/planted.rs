//! Rows with personal values of fixed formats, each a function of its number.

use cs_data::SplitMix;
use cs_serve::log::Row;

/// The 1st of November 2026, 0:00 UTC.
const FIRST: u64 = 1_793_491_200_000;

/// Between two rows, in milliseconds, so that some thousand of them are a day.
const STEP: u64 = 20_000;

/// Row `number`, whose turn is its number.
pub(crate) fn row(seed: u64, number: u64) -> Row {
    let value = value(seed, number);
    Row {
        time: FIRST + number * STEP,
        conversation: format!("conversation {}", number / 8),
        customer: Some(format!("customer {}", number / 64)),
        turn: u32::try_from(number).unwrap_or(u32::MAX),
        text: text(number, &value),
        reply: "好的，已为您登记。".to_owned(),
        route: Some("light".to_owned()),
        source: Some("template".to_owned()),
        ..Row::default()
    }
}

/// The value that a row's text has.
pub(crate) fn value(seed: u64, number: u64) -> String {
    let mut random = SplitMix::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut digits = |count: usize| -> String {
        let digit = |_| char::from(b'0' + random.below(10) as u8);
        (0..count).map(digit).collect()
    };
    match number % 4 {
        0 => format!("13{}", digits(9)),
        1 => with_check(format!("62{}", digits(16)), luhn),
        2 => {
            let month = number / 4 % 12 + 1;
            with_check(
                format!("1101051990{month:02}1{}{}", number % 10, digits(3)),
                cn_id,
            )
        }
        _ => format!("u{}@mail.example", digits(9)),
    }
}

fn text(number: u64, value: &str) -> String {
    match number % 4 {
        0 => format!("你好，我的手机号是{value}，麻烦尽快联系我。"),
        1 => format!("退款请退到银行卡{value}，谢谢！"),
        2 => format!("我的身份证号码是{value}，请帮我实名认证。"),
        _ => format!("Please send the invoice to {value} as soon as you can."),
    }
}

fn with_check(digits: String, check: fn(&[u32]) -> char) -> String {
    let values: Vec<u32> = digits.bytes().map(|it| u32::from(it - b'0')).collect();
    let check = check(&values);
    digits + &check.to_string()
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u32]) -> char {
    let doubled = |(at, &digit): (usize, &u32)| match at % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => digit,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// GB 11643-1999.
fn cn_id(digits: &[u32]) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(it, weight)| it * weight)
        .sum();
    char::from(b"10X98765432"[(sum % 11) as usize])
}
