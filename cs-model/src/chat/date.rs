//! Dates as text, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use chrono::format::StrftimeItems;

/// Writes a time as Python's `strftime` does, in English; `None` for a code that is not known or a
/// time that no calendar has. What is before 1970 is its first second.
pub(super) fn strftime(format: &str, time: SystemTime) -> Option<String> {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let date = DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
    let items = StrftimeItems::new(format).parse().ok()?;
    Some(date.format_with_items(items.iter()).to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

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
        assert_eq!(strftime("%Q", july), None);
        let far = UNIX_EPOCH + Duration::from_secs(1 << 50);
        assert_eq!(strftime("%Y", far), None);
    }
}
