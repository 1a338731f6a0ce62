//! Units, and the words for them.

use super::fold::{after, fold};

/// What an amount is counted in. Those of one dimension are one unit: minutes for hours and days,
/// metres, grams, litres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// A bare number, or a unit that is none of these.
    None,
    /// Money of a currency that is not said, as in "free".
    Money,
    /// Chinese yuan.
    Yuan,
    /// US dollars.
    Dollar,
    /// Euros.
    Euro,
    /// Pounds sterling.
    Pound,
    /// Time, in minutes.
    Minute,
    /// Days on which people work.
    WorkingDay,
    /// Time, in months.
    Month,
    /// Parts of a hundred.
    Percent,
    /// What is left of a price, in parts of a hundred: 8折 and "20 % off" are 80.
    Discount,
    /// Points of a rating.
    Point,
    /// Stars of a class.
    Star,
    /// Length, in metres.
    Metre,
    /// Mass, in grams.
    Gram,
    /// Volume, in litres.
    Litre,
    /// Power, in watts.
    Watt,
    /// Things that are counted, whatever the word for one.
    Piece,
}

/// A unit, and how much of it a word stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaled {
    pub(super) unit: Unit,
    scale: f64,
}

impl Scaled {
    /// Gives so many of the word's in the unit.
    pub(super) fn of(self, number: f64) -> f64 {
        number * self.scale
    }
}

impl Unit {
    pub(super) fn scaled(self) -> Scaled {
        Scaled {
            unit: self,
            scale: 1.0,
        }
    }

    /// Gives the unit that a graph names, as `元`, `USD` or `kg`; [`Unit::None`] for other names.
    pub(super) fn named(name: &str) -> Scaled {
        let folded: Vec<char> = name.trim().chars().map(fold).collect();
        let whole = |(unit, end): (Scaled, usize)| (end == folded.len()).then_some(unit);
        let found = at(&folded, 0).and_then(whole);
        found
            .or_else(|| prefix_at(&folded, 0).and_then(whole))
            .unwrap_or(Self::None.scaled())
    }

    /// Says whether amounts of the two may be compared: bare numbers with all, money with money.
    #[must_use]
    pub fn fits(self, other: Self) -> bool {
        let open = self == Self::Money || other == Self::Money;
        self == other
            || self == Self::None
            || other == Self::None
            || (open && self.is_money() && other.is_money())
    }

    /// Says whether it is money, of whatever currency.
    #[must_use]
    pub fn is_money(self) -> bool {
        matches!(
            self,
            Self::Money | Self::Yuan | Self::Dollar | Self::Euro | Self::Pound
        )
    }
}

/// Words after a number, the longer of two that begin alike first.
const AFTER: &[(&str, Unit, f64)] = &[
    ("元人民币", Unit::Yuan, 1.0),
    ("块钱", Unit::Yuan, 1.0),
    ("元钱", Unit::Yuan, 1.0),
    ("人民币", Unit::Yuan, 1.0),
    ("元", Unit::Yuan, 1.0),
    ("圆", Unit::Yuan, 1.0),
    ("块", Unit::Yuan, 1.0),
    ("角", Unit::Yuan, 0.1),
    ("毛", Unit::Yuan, 0.1),
    ("rmb", Unit::Yuan, 1.0),
    ("cny", Unit::Yuan, 1.0),
    ("yuan", Unit::Yuan, 1.0),
    ("美元", Unit::Dollar, 1.0),
    ("美金", Unit::Dollar, 1.0),
    ("us dollars", Unit::Dollar, 1.0),
    ("dollars", Unit::Dollar, 1.0),
    ("dollar", Unit::Dollar, 1.0),
    ("bucks", Unit::Dollar, 1.0),
    ("usd", Unit::Dollar, 1.0),
    ("cents", Unit::Dollar, 0.01),
    ("欧元", Unit::Euro, 1.0),
    ("euros", Unit::Euro, 1.0),
    ("euro", Unit::Euro, 1.0),
    ("eur", Unit::Euro, 1.0),
    ("€", Unit::Euro, 1.0),
    ("英镑", Unit::Pound, 1.0),
    ("gbp", Unit::Pound, 1.0),
    ("个工作日", Unit::WorkingDay, 1.0),
    ("工作日", Unit::WorkingDay, 1.0),
    ("working days", Unit::WorkingDay, 1.0),
    ("working day", Unit::WorkingDay, 1.0),
    ("business days", Unit::WorkingDay, 1.0),
    ("business day", Unit::WorkingDay, 1.0),
    ("分钟", Unit::Minute, 1.0),
    ("刻钟", Unit::Minute, 15.0),
    ("个小时", Unit::Minute, 60.0),
    ("小时", Unit::Minute, 60.0),
    ("个钟头", Unit::Minute, 60.0),
    ("钟头", Unit::Minute, 60.0),
    ("天", Unit::Minute, 1440.0),
    ("个星期", Unit::Minute, 10080.0),
    ("星期", Unit::Minute, 10080.0),
    ("周", Unit::Minute, 10080.0),
    ("minutes", Unit::Minute, 1.0),
    ("minute", Unit::Minute, 1.0),
    ("mins", Unit::Minute, 1.0),
    ("min", Unit::Minute, 1.0),
    ("hours", Unit::Minute, 60.0),
    ("hour", Unit::Minute, 60.0),
    ("hrs", Unit::Minute, 60.0),
    ("hr", Unit::Minute, 60.0),
    ("h", Unit::Minute, 60.0),
    ("days", Unit::Minute, 1440.0),
    ("day", Unit::Minute, 1440.0),
    ("weeks", Unit::Minute, 10080.0),
    ("week", Unit::Minute, 10080.0),
    ("个月", Unit::Month, 1.0),
    ("年", Unit::Month, 12.0),
    ("months", Unit::Month, 1.0),
    ("month", Unit::Month, 1.0),
    ("years", Unit::Month, 12.0),
    ("year", Unit::Month, 12.0),
    ("%", Unit::Percent, 1.0),
    ("percent", Unit::Percent, 1.0),
    ("per cent", Unit::Percent, 1.0),
    ("星级", Unit::Star, 1.0),
    ("颗星", Unit::Star, 1.0),
    ("星", Unit::Star, 1.0),
    ("stars", Unit::Star, 1.0),
    ("star", Unit::Star, 1.0),
    ("分", Unit::Point, 1.0),
    ("points", Unit::Point, 1.0),
    ("point", Unit::Point, 1.0),
    ("公里", Unit::Metre, 1000.0),
    ("千米", Unit::Metre, 1000.0),
    ("厘米", Unit::Metre, 0.01),
    ("公分", Unit::Metre, 0.01),
    ("毫米", Unit::Metre, 0.001),
    ("米", Unit::Metre, 1.0),
    ("km", Unit::Metre, 1000.0),
    ("cm", Unit::Metre, 0.01),
    ("mm", Unit::Metre, 0.001),
    ("metres", Unit::Metre, 1.0),
    ("meters", Unit::Metre, 1.0),
    ("m", Unit::Metre, 1.0),
    ("公斤", Unit::Gram, 1000.0),
    ("千克", Unit::Gram, 1000.0),
    ("克", Unit::Gram, 1.0),
    ("斤", Unit::Gram, 500.0),
    ("kg", Unit::Gram, 1000.0),
    ("grams", Unit::Gram, 1.0),
    ("g", Unit::Gram, 1.0),
    ("毫升", Unit::Litre, 0.001),
    ("升", Unit::Litre, 1.0),
    ("ml", Unit::Litre, 0.001),
    ("litres", Unit::Litre, 1.0),
    ("liters", Unit::Litre, 1.0),
    ("l", Unit::Litre, 1.0),
    ("千瓦", Unit::Watt, 1000.0),
    ("瓦", Unit::Watt, 1.0),
    ("kw", Unit::Watt, 1000.0),
    ("watts", Unit::Watt, 1.0),
    ("w", Unit::Watt, 1.0),
    ("个", Unit::Piece, 1.0),
    ("件", Unit::Piece, 1.0),
    ("台", Unit::Piece, 1.0),
    ("只", Unit::Piece, 1.0),
    ("家", Unit::Piece, 1.0),
    ("间", Unit::Piece, 1.0),
    ("款", Unit::Piece, 1.0),
    ("种", Unit::Piece, 1.0),
    ("位", Unit::Piece, 1.0),
    ("人", Unit::Piece, 1.0),
    ("次", Unit::Piece, 1.0),
    ("张", Unit::Piece, 1.0),
    ("份", Unit::Piece, 1.0),
    ("pieces", Unit::Piece, 1.0),
    ("items", Unit::Piece, 1.0),
    ("people", Unit::Piece, 1.0),
];

/// Words before a number.
const BEFORE: &[(&str, Unit)] = &[
    ("us$", Unit::Dollar),
    ("usd", Unit::Dollar),
    ("$", Unit::Dollar),
    ("€", Unit::Euro),
    ("eur", Unit::Euro),
    ("£", Unit::Pound),
    ("gbp", Unit::Pound),
    ("rmb", Unit::Yuan),
    ("cny", Unit::Yuan),
    ("人民币", Unit::Yuan),
    ("¥", Unit::Yuan),
];

/// Reads the unit that begins at a character, and gives the character after it.
pub(super) fn at(text: &[char], at: usize) -> Option<(Scaled, usize)> {
    let found = AFTER.iter().find_map(|(word, unit, scale)| {
        let end = after(text, at, word)?;
        Some((
            Scaled {
                unit: *unit,
                scale: *scale,
            },
            end,
        ))
    });
    // 号 and 月 make addresses and dates of what would be hours and months.
    found.filter(|(_, end)| !matches!(text.get(*end), Some('路' | '街')))
}

/// Reads the unit that stands before a number.
pub(super) fn prefix_at(text: &[char], at: usize) -> Option<(Scaled, usize)> {
    BEFORE.iter().find_map(|(word, unit)| {
        // `usd5` has no end of a word.
        let matches = word
            .chars()
            .enumerate()
            .all(|(i, c)| text.get(at + i) == Some(&c));
        matches.then(|| (unit.scaled(), at + word.chars().count()))
    })
}
