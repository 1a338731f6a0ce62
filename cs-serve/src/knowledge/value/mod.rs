//! What a text says in values: amounts with units, opening hours, times, dates, telephone numbers.
//!
//! - [`read`] finds the values of a Chinese or English text, each with where it stands.
//! - [`Value::agrees`] compares what is claimed with what is known, whatever way either is written.
//!
//! ```
//! use cs_serve::knowledge::value::{Value, read};
//!
//! let values = |text| read(text).into_iter().map(|it| it.value).collect::<Vec<Value>>();
//! assert_eq!(values("三十五块五"), values("¥35.50"));
//! assert_eq!(values("半小时"), values("30 minutes"));
//! assert_eq!(values("晚上八点半"), values("8:30pm"));
//!
//! let found = read("票价是30元。");
//! assert_eq!((found[0].start, found[0].end), (3, 6)); // characters
//! ```

mod amount;
mod clock;
mod date;
mod fold;
mod hours;
mod number;
mod phone;
mod truth;
mod unit;

pub use amount::Amount;
pub use clock::Clock;
pub use date::Date;
pub(super) use fold::is_filler;
pub use fold::{fold, same_text};
pub use hours::Opening;
pub use phone::Phone;
pub use truth::truth_of;
pub use unit::Unit;

use super::facts::{Datatype, Literal};

/// What a text or a literal says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// So much of a unit.
    Amount(Amount),
    /// When something is open.
    Hours(Vec<Opening>),
    /// A time of day.
    Time(Clock),
    /// A day of a year, or of any year.
    Date(Date),
    /// A telephone number.
    Phone(Phone),
    /// Yes or no.
    Truth(bool),
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Its first character, counted in Unicode scalar values.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
}

/// Finds the values of a text, from left to right. Yes and no are not among them: those words are
/// said of something, which the text around them tells.
#[must_use]
pub fn read(text: &str) -> Vec<Found> {
    let folded: Vec<char> = text.chars().map(fold).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.len() {
        match value_at(&folded, at) {
            Some(value) if value.end > at => {
                at = value.end;
                found.push(value);
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads the value that begins at a character, if one does.
fn value_at(text: &[char], at: usize) -> Option<Found> {
    let start = at;
    let of = |value, end| Found { value, start, end };
    if let Some((date, end)) = date::at(text, at) {
        return Some(of(Value::Date(date), end));
    }
    if let Some((openings, end)) = hours::at(text, at) {
        return Some(of(Value::Hours(openings), end));
    }
    if let Some((clock, end)) = clock::at(text, at) {
        return Some(of(Value::Time(clock), end));
    }
    if let Some((phone, end)) = phone::at(text, at) {
        return Some(of(Value::Phone(phone), end));
    }
    amount::at(text, at)
}

/// Gives the values that make up at least half of a text.
fn values_of(text: &str) -> Vec<Value> {
    let found = read(text);
    let covered: usize = found.iter().map(|it| it.end - it.start).sum();
    let letters = text.chars().filter(|&c| !is_filler(fold(c))).count();
    if covered * 2 < letters {
        return Vec::new();
    }
    found.into_iter().map(|it| it.value).collect()
}

impl Value {
    /// Gives what a literal says: one value if it is typed; all that [`read`] finds in a text, unless
    /// most of it is other words, as in an address. `unit` is that of a bare number.
    #[must_use]
    pub fn of_literal(literal: &Literal, unit: Option<&str>) -> Vec<Self> {
        match literal.datatype {
            Datatype::Integer | Datatype::Decimal | Datatype::Double => {
                let number = literal
                    .text
                    .trim()
                    .parse()
                    .ok()
                    .filter(|it: &f64| it.is_finite());
                let unit = unit.map_or(Unit::None.scaled(), Unit::named);
                let amount = |number| Self::Amount(Amount::exactly(unit.of(number), unit.unit));
                number.map(amount).into_iter().collect()
            }
            Datatype::Boolean => truth_of(&literal.text)
                .map(Self::Truth)
                .into_iter()
                .collect(),
            _ => match truth_of(&literal.text) {
                Some(truth) => vec![Self::Truth(truth)],
                None => values_of(&literal.text),
            },
        }
    }

    /// Says whether a claimed value is the known one: `None` if they cannot be compared, as a price
    /// and a date cannot, or if one leaves the other open.
    ///
    /// ```
    /// use cs_serve::knowledge::value::read;
    ///
    /// let agrees = |claimed: &str, known: &str| read(claimed)[0].value.agrees(&read(known)[0].value);
    /// assert_eq!(agrees("三十块", "30元"), Some(true));
    /// assert_eq!(agrees("4分以上", "4.5分"), Some(true));
    /// assert_eq!(agrees("9点到18点", "09:00-17:30"), Some(false));
    /// assert_eq!(agrees("30元", "30分钟"), None);
    /// ```
    #[must_use]
    pub fn agrees(&self, known: &Self) -> Option<bool> {
        match (self, known) {
            (Self::Amount(claimed), Self::Amount(known)) => claimed.agrees(known),
            (Self::Hours(claimed), Self::Hours(known)) => Some(hours::agree(claimed, known)),
            (Self::Time(claimed), Self::Hours(known)) => Some(hours::bound(*claimed, known)),
            (Self::Time(claimed), Self::Time(known)) => Some(claimed.agrees(*known)),
            (Self::Date(claimed), Self::Date(known)) => Some(claimed.agrees(known)),
            (Self::Phone(claimed), Self::Phone(known)) => Some(claimed.agrees(known)),
            (Self::Truth(claimed), Self::Truth(known)) => Some(claimed == known),
            _ => None,
        }
    }

    /// Says whether two values are of one kind, and of one unit if they are amounts.
    #[must_use]
    pub fn is_comparable(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Amount(one), Self::Amount(other)) => one.unit.fits(other.unit),
            (Self::Time(_), Self::Hours(_)) => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
