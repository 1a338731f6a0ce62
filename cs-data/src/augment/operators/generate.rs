//! Values made by rule: numbers with check digits, dates.

use crate::augment::Pattern;
use crate::random::SplitMix;

use super::dates;
use super::dates::Date;

/// Where replacement values come from, besides lists.
///
/// ```
/// use cs_data::augment::{Generator};
/// use cs_data::SplitMix;
/// let card = Generator::parse("=card")?.generate(&mut SplitMix::new(1));
/// assert_eq!(card.len(), 16);
/// assert!(Generator::parse("=luhn:[0-9]{5}").is_ok());
/// assert!(Generator::parse("=moon").is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Generator {
    /// `=PATTERN`: a value of that form.
    Pattern(Pattern),
    /// `=luhn:PATTERN`: a value of that form, then a check digit over its digits (ISO/IEC 7812-1,
    /// annex B).
    Luhn(Pattern),
    /// `=card`: 16 digits of a payment card, with its check digit.
    Card,
    /// `=id_zh`: a Chinese citizen's number of 18 characters (GB 11643): district, birthday,
    /// sequence, check character by ISO 7064 MOD 11-2.
    ChineseId,
    /// `=phone_zh`: a Chinese mobile number of 11 digits. It has no check digit.
    ChinesePhone,
    /// `=phone_en`: a North American number, `212-555-0134`, of the range kept free for fiction.
    AmericanPhone,
    /// `=date_zh`: a date in Chinese, such as 3月5日, 2025年3月5日, 三月五号, 下周三 or 明天.
    ChineseDate,
    /// `=date_en`: a date in English, such as March 5th, 5 March 2025, 03/05/2025, next Tuesday or
    /// tomorrow.
    EnglishDate,
}

/// Codes of districts of large cities.
const PLACES: [&str; 8] = [
    "110101", "110105", "310101", "310104", "440103", "440106", "330106", "510104",
];

impl Generator {
    /// Reads what an entity list has after the tab: `=` and a name or a pattern.
    ///
    /// # Errors
    ///
    /// What was expected instead, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('=').unwrap_or(text);
        let pattern = |text: &str| {
            let fault =
                |(at, expected)| format!("{expected} at character {} of the pattern", at + 1);
            Pattern::parse(text).map_err(fault)
        };
        Ok(match text {
            "card" => Generator::Card,
            "id_zh" => Generator::ChineseId,
            "phone_zh" => Generator::ChinesePhone,
            "phone_en" => Generator::AmericanPhone,
            "date_zh" => Generator::ChineseDate,
            "date_en" => Generator::EnglishDate,
            _ => match text.strip_prefix("luhn:") {
                Some(text) => Generator::Luhn(pattern(text)?),
                None if !text.is_empty()
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') =>
                {
                    let names = "card, id_zh, phone_zh, phone_en, date_zh, date_en, luhn:PATTERN";
                    return Err(format!("{names} or a pattern"));
                }
                None => Generator::Pattern(pattern(text)?),
            },
        })
    }

    /// Makes a value, with chance by `random`.
    pub fn generate(&self, random: &mut SplitMix) -> String {
        match self {
            Generator::Pattern(pattern) => pattern.generate(random),
            Generator::Luhn(pattern) => with_luhn(pattern.generate(random)),
            Generator::Card => {
                let first = if random.below(2) == 0 { '4' } else { '5' };
                let second = 1 + random.below(5);
                with_luhn(format!("{first}{second}{}", digits(13, random)))
            }
            Generator::ChineseId => {
                let place = random.pick(&PLACES).copied().unwrap_or_default();
                let Date { year, month, day } = dates::date(1950..2006, random);
                let sequence = 1 + random.below(999);
                with_mod_11_2(format!("{place}{year:04}{month:02}{day:02}{sequence:03}"))
            }
            Generator::ChinesePhone => {
                let second = 3 + random.below(7);
                format!("1{second}{}", digits(9, random))
            }
            Generator::AmericanPhone => {
                let area = ["212", "305", "312", "415", "617", "702"];
                let area = random.pick(&area).copied().unwrap_or_default();
                format!("{area}-555-01{}", digits(2, random))
            }
            Generator::ChineseDate => dates::chinese(random),
            Generator::EnglishDate => dates::english(random),
        }
    }
}

fn digits(count: usize, random: &mut SplitMix) -> String {
    (0..count)
        .map(|_| char::from(b'0' + random.below(10) as u8))
        .collect()
}

/// The Luhn check digit over the digits of `text`, appended.
fn with_luhn(mut text: String) -> String {
    let digits = text.chars().rev().filter_map(|char| char.to_digit(10));
    let double = |(at, digit): (usize, u32)| match at % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => digit,
    };
    let sum: u32 = digits.enumerate().map(double).sum();
    text.extend(char::from_digit((10 - sum % 10) % 10, 10));
    text
}

/// The check character of ISO 7064 MOD 11-2 over `text` (digits), appended.
fn with_mod_11_2(mut text: String) -> String {
    let step = |product, digit| (product + digit) * 2 % 11;
    let product = text
        .chars()
        .filter_map(|char| char.to_digit(10))
        .fold(0, step);
    let check = (12 - product) % 11;
    text.push(char::from_digit(check, 10).unwrap_or('X'));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_standards() {
        // The examples of ISO/IEC 7812-1 and of GB 11643.
        assert_eq!(with_luhn("7992739871".into()), "79927398713");
        assert_eq!(
            with_mod_11_2("11010519491231002".into()),
            "11010519491231002X"
        );
        assert_eq!(
            with_mod_11_2("44052418800101001".into()),
            "440524188001010014"
        );
    }
}
