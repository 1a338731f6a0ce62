//! Days of UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Milliseconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;

/// How long before a file's day a row may be and still go there: turns that were answered over midnight, and a clock
/// that was put right.
const GRACE: u64 = 60 * 60 * 1000;

/// The last day of the year 9999.
const LAST: u64 = 2_932_896;

/// A day of UTC, as 2026-11-29.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u64);

impl Day {
    /// Gives the day of a time in milliseconds since 1970. What comes after the year 9999 is of its last day.
    #[must_use]
    pub fn of(time: u64) -> Self {
        Self((time / DAY).min(LAST))
    }

    /// Gives the day that was so many days before, the first of 1970 at the earliest.
    #[must_use]
    pub fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(u64::from(days)))
    }

    /// Whether a row of this time goes into a file of this day: one of the day, or of the hour before it.
    pub(super) fn takes(self, time: u64) -> bool {
        Self::of(time) == self || Self::of(time.saturating_add(GRACE)) == self
    }
}

/// Howard Hinnant's `civil_from_days`, with the year beginning in March.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        write!(f, "{:04}-{month:02}-{day:02}", era * 400 + year + next)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Howard Hinnant's `days_from_civil`.
impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a day from 1970 on, as 2026-11-29";
        let number = |at: std::ops::Range<usize>| {
            let digits = text.get(at)?;
            let only = digits.bytes().all(|it| it.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| only)
        };
        let parts =
            (text.len() == 10).then(|| Some((number(0..4)?, number(5..7)?, number(8..10)?)));
        let (year, month, day) = parts.flatten().ok_or(EXPECTED)?;
        if year < 1970 || !(1..=12).contains(&month) || day == 0 {
            return Err(EXPECTED);
        }
        let year = year - u64::from(month <= 2);
        let (era, of_era) = (year / 400, year % 400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let day = Self(days.checked_sub(719_468).ok_or(EXPECTED)?);
        // Also that there is such a day, and that dashes stand between.
        (day.to_string() == text).then_some(day).ok_or(EXPECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // By Python's datetime.
        let cases = [
            (0, "1970-01-01"),
            (951_782_399_999, "2000-02-28"),
            (951_782_400_000, "2000-02-29"),
            (1_796_036_399_000, "2026-11-30"),
            (4_107_542_399_999, "2100-02-28"),
            (4_107_542_400_000, "2100-03-01"),
            (253_402_300_799_999, "9999-12-31"),
            (u64::MAX, "9999-12-31"),
        ];
        for (time, day) in cases {
            assert_eq!(Day::of(time).to_string(), day);
            assert_eq!(day.parse(), Ok(Day::of(time)));
        }
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "1969-12-31",
            "2026/11/29",
            "+026-11-29",
            "",
            "２026-1-1",
        ] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        for day in 0..200_000 {
            assert_eq!(Day(day).to_string().parse(), Ok(Day(day)));
        }
    }

    #[test]
    fn a_day_takes_its_own_rows_and_those_of_the_hour_before() {
        let day = Day::of(10 * DAY);
        for (time, takes) in [
            (10 * DAY - GRACE - 1, false),
            (10 * DAY - GRACE, true),
            (10 * DAY, true),
            (11 * DAY - 1, true),
            (11 * DAY, false),
            (u64::MAX, false),
        ] {
            assert_eq!(day.takes(time), takes, "{time}");
        }
    }
}
