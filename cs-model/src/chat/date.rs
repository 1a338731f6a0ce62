//! Dates as text, in UTC.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];
const SECONDS_A_DAY: u64 = 86_400;

/// Writes a time as Python's `strftime` does, in English; the code that is not known if there is
/// one. What is before 1970 is its first second.
pub(super) fn strftime(format: &str, time: SystemTime) -> Result<String, char> {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let date = Date::of(seconds / SECONDS_A_DAY);
    let (month, day) = (
        MONTHS[date.month - 1],
        DAYS[(seconds / SECONDS_A_DAY % 7) as usize],
    );
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            text.push(char);
            continue;
        }
        let code = chars.next().unwrap_or('%');
        let written = match code {
            'Y' => write!(text, "{}", date.year),
            'y' => write!(text, "{:02}", date.year % 100),
            'm' => write!(text, "{:02}", date.month),
            'd' => write!(text, "{:02}", date.day),
            'B' => write!(text, "{month}"),
            'b' => write!(text, "{}", &month[..3]),
            'A' => write!(text, "{day}"),
            'a' => write!(text, "{}", &day[..3]),
            'H' => write!(text, "{hour:02}"),
            'M' => write!(text, "{minute:02}"),
            'S' => write!(text, "{second:02}"),
            '%' => write!(text, "%"),
            _ => return Err(code),
        };
        written.map_err(|_| code)?;
    }
    Ok(text)
}

struct Date {
    year: u64,
    /// From 1.
    month: usize,
    day: u64,
}

impl Date {
    /// The date of a day after 1970-01-01 (Hinnant, "chrono-Compatible Low-Level Date Algorithms",
    /// `civil_from_days`): years begin in March, so that a leap day is the last of one.
    fn of(days: u64) -> Self {
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: era * 400 + year + u64::from(month <= 2),
            month: month as usize,
            day,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_those_of_python() {
        // datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(…)
        for (seconds, expected) in [
            (0, "01 Jan 1970 Thursday 00:00:00"),
            (951_782_399, "28 Feb 2000 Monday 23:59:59"),
            (951_782_400, "29 Feb 2000 Tuesday 00:00:00"),
            (1_721_926_923, "25 Jul 2024 Thursday 17:02:03"),
            (4_107_542_400, "01 Mar 2100 Monday 00:00:00"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(strftime("%d %b %Y %A %H:%M:%S", time).unwrap(), expected);
        }
        let july = UNIX_EPOCH + Duration::from_secs(1_721_926_923);
        assert_eq!(
            strftime("%y-%m %B %a %%", july).unwrap(),
            "24-07 July Thu %"
        );
        assert_eq!(strftime("%Q", july), Err('Q'));
    }
}
