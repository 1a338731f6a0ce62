//! So much of a unit: exact, from and to, at least, at most, about.

use super::fold::{after, after_any, is_inside_word, skip_spaces};
use super::number::{self, Number};
use super::unit::{self, Scaled, Unit};
use super::{Found, Value};

/// From `low` to `high` of a unit; the same number twice if it is exact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    /// The least that it may be; `-inf` if nothing is said.
    pub low: f64,
    /// The most that it may be; `inf` if nothing is said.
    pub high: f64,
    /// What is counted.
    pub unit: Unit,
}

/// How far "about" goes, as a part of the number.
const ABOUT: f64 = 0.1;

const AT_LEAST_BEFORE: &[&str] = &[
    "至少",
    "不低于",
    "不少于",
    "超过",
    "高于",
    "at least ",
    "more than ",
    "over ",
    "from ",
];
const AT_MOST_BEFORE: &[&str] = &[
    "不超过",
    "不高于",
    "不多于",
    "低于",
    "少于",
    "不到",
    "最多",
    "at most ",
    "less than ",
    "under ",
    "up to ",
];
const ABOUT_BEFORE: &[&str] = &[
    "大约",
    "大概",
    "差不多",
    "将近",
    "接近",
    "约",
    "about ",
    "around ",
    "approximately ",
    "roughly ",
];
const AT_LEAST_AFTER: &[&str] = &["及以上", "以上", " or more", " and up", " and above", "+"];
const AT_MOST_AFTER: &[&str] = &["及以下", "以下", "以内", "之内", " or less", " or below"];
const ABOUT_AFTER: &[&str] = &["左右", "上下"];
const TO: &[&str] = &["-", "至", "到", "to "];
const FREE: &[&str] = &[
    "免费",
    "不收费",
    "不要钱",
    "不花钱",
    "free of charge",
    "for free",
    "free",
];

impl Amount {
    /// Gives an exact amount.
    #[must_use]
    pub fn exactly(number: f64, unit: Unit) -> Self {
        Self {
            low: number,
            high: number,
            unit,
        }
    }

    fn is_exact(&self) -> bool {
        close(self.low, self.high)
    }

    fn is_bounded(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// Says whether a claimed amount is the known one; `None` for other units, and for a number
    /// within a known range.
    pub(super) fn agrees(&self, known: &Self) -> Option<bool> {
        if !self.unit.fits(known.unit) {
            return None;
        }
        let same = close(self.low, known.low) && close(self.high, known.high);
        if same || ((!self.is_bounded() || known.is_exact()) && self.covers(known)) {
            return Some(true);
        }
        (!(self.is_exact() && !known.is_exact() && known.covers(self))).then_some(false)
    }

    fn covers(&self, inner: &Self) -> bool {
        (self.low <= inner.low || close(self.low, inner.low))
            && (self.high >= inner.high || close(self.high, inner.high))
    }
}

fn close(one: f64, other: f64) -> bool {
    one == other || (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// Reads the amount that begins at a character: with a unit, or a bare number in digits.
pub(super) fn at(text: &[char], at: usize) -> Option<Found> {
    if let Some(end) = free(text, at) {
        let value = Value::Amount(Amount::exactly(0.0, Unit::Money));
        return Some(Found {
            value,
            start: at,
            end,
        });
    }
    let (amount, end) = quantity(text, at)?;
    let amount = qualified(amount, text, at, end);
    Some(Found {
        value: Value::Amount(amount.0),
        start: at,
        end: amount.1,
    })
}

/// Reads a word for "free", unless it goes on otherwise, as in 免费wifi or "free shipping".
fn free(text: &[char], at: usize) -> Option<usize> {
    if is_inside_word(text, at) {
        return None;
    }
    after_any(text, at, FREE)
}

/// Reads a number and its unit, or two of them.
fn quantity(text: &[char], at: usize) -> Option<(Amount, usize)> {
    if let Some(found) = hundredths(text, at) {
        return Some(found);
    }
    let first = one(text, at)?;
    if let Some(second) = second_of_range(text, &first) {
        let unit = second.unit;
        let low = if first.unit.unit == Unit::None {
            unit
        } else {
            first.unit
        };
        if low.unit.fits(unit.unit) {
            let range = Amount {
                low: low.of(first.number.value),
                high: unit.of(second.number.value),
                unit: unit.unit,
            };
            if range.low <= range.high {
                return Some((range, second.end));
            }
        }
    }
    let is_discount = text.get(first.end) == Some(&'折');
    // 一 and 一家 are words like any other.
    let says_nothing = match first.unit.unit {
        Unit::None => !is_discount,
        Unit::Piece => first.number.value <= 1.0,
        _ => false,
    };
    (first.number.in_digits || !says_nothing).then(|| finished(&first, text))
}

/// A number with its unit, as written.
struct One {
    number: Number,
    unit: Scaled,
    end: usize,
    /// What 多 lets be added, as in 300多元.
    more: f64,
}

fn one(text: &[char], at: usize) -> Option<One> {
    let before = if is_inside_word(text, at) {
        None
    } else {
        unit::prefix_at(text, at)
    };
    let start = before.map_or(at, |(_, end)| skip_spaces(text, end));
    let mut number = match before {
        // The letters of `usd5` are before a number and not part of a word.
        Some(_) => number::at(&text[start..], 0).map(|it| Number {
            end: it.end + start,
            ..it
        })?,
        None => number::at(text, start)?,
    };
    let mut end = number.end;
    let mut more = 0.0;
    if text.get(end) == Some(&'多') {
        more = ten_of(number.value);
        end += 1;
    }
    if let Some(half) = after(text, end, "个半") {
        number.value += 0.5;
        end = half;
    }
    let spaced = skip_spaces(text, end);
    let spaced = if text.get(spaced) == Some(&'-') && number.in_digits {
        hyphen(text, spaced)
    } else {
        spaced
    };
    let (unit, end) = match (before, unit::at(text, spaced)) {
        (Some((unit, _)), Some((named, after))) if named.unit.fits(unit.unit) => (unit, after),
        (Some((unit, _)), _) => (unit, end),
        (None, Some(found)) => found,
        (None, None) => (Unit::None.scaled(), end),
    };
    if is_of_name(text, end, number.value, unit.unit) {
        return None;
    }
    Some(One {
        number,
        unit,
        end,
        more,
    })
}

/// Whether a number is part of a name, of an address or of a date.
fn is_of_name(text: &[char], end: usize, number: f64, unit: Unit) -> bool {
    const PLACES: &str = "号路街层楼室站环栋座期#/";
    let next = text.get(end);
    let is_named = next.is_some_and(|c| c.is_ascii_alphabetic() || PLACES.contains(*c));
    match unit {
        Unit::None => is_named,
        Unit::Month => number > 1000.0,
        _ => false,
    }
}

/// Gives what follows the hyphen of `4-star` and `30-day`.
fn hyphen(text: &[char], at: usize) -> usize {
    let letter = text.get(at + 1).is_some_and(char::is_ascii_alphabetic);
    if letter { at + 1 } else { at }
}

/// The last place that is not zero: 100 of 300, 10 of 50.
fn ten_of(number: f64) -> f64 {
    let mut place = 1.0;
    while number >= place * 10.0 && number % (place * 10.0) == 0.0 {
        place *= 10.0;
    }
    place
}

fn second_of_range(text: &[char], first: &One) -> Option<One> {
    let to = after_any(text, skip_spaces(text, first.end), TO)?;
    // `3-4` may be cut nowhere, and the number after a hyphen is no part of a word.
    let start = skip_spaces(text, to);
    one(text, start)
}

/// Reads 百分之二十.
fn hundredths(text: &[char], at: usize) -> Option<(Amount, usize)> {
    let number = number::at(text, after(text, at, "百分之")?)?;
    Some((Amount::exactly(number.value, Unit::Percent), number.end))
}

/// Adds what may follow: 三十五块五, 两天半, 8折, "20 % off".
fn finished(one: &One, text: &[char]) -> (Amount, usize) {
    let exact = |number, unit, end| (Amount::exactly(number, unit), end);
    let (number, unit, end) = (one.unit.of(one.number.value), one.unit.unit, one.end);
    if unit == Unit::Percent
        && let Some(end) = after(text, end, " off")
    {
        return exact(100.0 - number, Unit::Discount, end);
    }
    if unit == Unit::None && text.get(end) == Some(&'折') {
        let part = if number < 10.0 { number * 10.0 } else { number };
        return exact(part, Unit::Discount, end + 1);
    }
    if let Some(tenths) = after_money(text, one) {
        return exact(number + tenths, unit, end + 1);
    }
    if text.get(end) == Some(&'半') && unit != Unit::None {
        return exact(number + one.unit.of(0.5), unit, end + 1);
    }
    let amount = Amount {
        low: number,
        high: one.unit.of(one.number.value + one.more),
        unit,
    };
    (amount, end)
}

/// Reads the tenths of 三十五块五, which no unit follows.
fn after_money(text: &[char], one: &One) -> Option<f64> {
    if text.get(one.end.checked_sub(1)?) != Some(&'块') {
        return None;
    }
    let tenths = number::at(text, one.end).filter(|it| it.end == one.end + 1)?;
    (tenths.value >= 1.0 && unit::at(text, tenths.end).is_none()).then_some(tenths.value / 10.0)
}

/// Widens an amount by the words around it, and takes those after it along.
fn qualified(amount: Amount, text: &[char], start: usize, end: usize) -> (Amount, usize) {
    if !amount.is_exact() {
        return (amount, end);
    }
    let before = |words: &[&str]| words.iter().any(|word| ends_with(&text[..start], word));
    let number = amount.low;
    if let Some(end) = after_any(text, end, ABOUT_AFTER) {
        return (about(amount), end);
    }
    if let Some(end) = after_any(text, end, AT_LEAST_AFTER) {
        let high = f64::INFINITY;
        return (Amount { high, ..amount }, end);
    }
    if let Some(end) = after_any(text, end, AT_MOST_AFTER) {
        return (at_most(amount), end);
    }
    let amount = if before(AT_MOST_BEFORE) {
        at_most(amount)
    } else if before(AT_LEAST_BEFORE) {
        Amount {
            low: number,
            high: f64::INFINITY,
            ..amount
        }
    } else if before(ABOUT_BEFORE) {
        about(amount)
    } else {
        amount
    };
    (amount, end)
}

fn at_most(amount: Amount) -> Amount {
    let low = f64::NEG_INFINITY;
    Amount { low, ..amount }
}

fn about(amount: Amount) -> Amount {
    let by = amount.low.abs() * ABOUT;
    Amount {
        low: amount.low - by,
        high: amount.high + by,
        ..amount
    }
}

fn ends_with(text: &[char], word: &str) -> bool {
    let from = text.len().checked_sub(word.chars().count());
    from.is_some_and(|from| text[from..].iter().copied().eq(word.chars()))
}
