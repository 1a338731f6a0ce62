//! Numbers on the command line, each within its range: clap's message then has the flag, the value
//! and what was expected.

use std::fmt::Display;
use std::str::FromStr;

use cs_data::MAX_TEXT_BYTES;

fn checked<T: FromStr + Copy>(
    text: &str,
    expected: impl Display,
    ok: impl FnOnce(T) -> bool,
) -> Result<T, String> {
    let number = text.parse().ok().filter(|&number| ok(number));
    number.ok_or_else(|| format!("expected {expected}"))
}

/// At least 1.
pub fn positive(text: &str) -> Result<usize, String> {
    checked(text, "a whole number of at least 1", |number| number > 0)
}

/// At least 1, and no more bytes than a text may have.
pub fn text_bytes(text: &str) -> Result<usize, String> {
    let expected = format!("a whole number from 1 to {MAX_TEXT_BYTES}");
    checked(text, expected, |bytes| {
        (1..=MAX_TEXT_BYTES).contains(&bytes)
    })
}

/// At least 1, of rows.
pub fn rows(text: &str) -> Result<usize, String> {
    checked(text, "a whole number, 1 or more", |rows| rows > 0)
}

/// Any but NaN, which is neither more nor less than another.
pub fn any(text: &str) -> Result<f64, String> {
    checked(text, "a number", |number: f64| !number.is_nan())
}

/// From 0 to 1.
pub fn probability(text: &str) -> Result<f64, String> {
    checked(text, "a number from 0 to 1", |number| {
        (0.0..=1.0).contains(&number)
    })
}

/// 0 or more, below 1.
pub fn share(text: &str) -> Result<f64, String> {
    checked(text, "a number of at least 0 and below 1", |number| {
        (0.0..1.0).contains(&number)
    })
}

/// Above 0, below 1.
pub fn part(text: &str) -> Result<f64, String> {
    checked(text, "a number above 0 and below 1", |number| {
        number > 0.0 && number < 1.0
    })
}

/// Above 0, at most 1.
pub fn factor(text: &str) -> Result<f64, String> {
    checked(text, "a number above 0, at most 1", |number| {
        number > 0.0 && number <= 1.0
    })
}

/// Above 0.
pub fn above_zero(text: &str) -> Result<f64, String> {
    checked(text, "a number above 0", |number: f64| {
        number > 0.0 && number.is_finite()
    })
}

/// Days, above 0, at most a century of them.
pub fn days(text: &str) -> Result<f64, String> {
    checked(text, "a number above 0, at most 36525", |number| {
        number > 0.0 && number <= 36_525.0
    })
}

/// 0 or more.
pub fn not_negative(text: &str) -> Result<f64, String> {
    checked(text, "a number of at least 0", |number: f64| {
        number >= 0.0 && number.is_finite()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_is_refused_with_what_was_expected() {
        type Parse = fn(&str) -> Result<f64, String>;
        let cases: [(Parse, &[&str], &[&str]); 6] = [
            (share, &["0", "0.1"], &["1", "1.5", "-0.1", "NaN", "ten"]),
            (part, &["0.15"], &["0", "1", "inf"]),
            (factor, &["1", "0.5"], &["0", "1.01", ""]),
            (above_zero, &["3e-5"], &["0", "-1", "inf", "NaN"]),
            (days, &["0.5", "36525"], &["0", "1e300", "NaN"]),
            (not_negative, &["0", "2"], &["-0.1", "inf", "NaN"]),
        ];
        for (parse, good, bad) in cases {
            for text in good {
                assert!(parse(text).is_ok(), "{text}");
            }
            for text in bad {
                assert!(parse(text).unwrap_err().starts_with("expected "), "{text}");
            }
        }
        assert_eq!(positive("7"), Ok(7));
        assert!(positive("0").is_err() && positive("-1").is_err() && positive("1.5").is_err());
    }
}
