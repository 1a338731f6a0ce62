//! Days that there are.

/// Says whether there is such a day, of the last or this century.
pub(super) fn is_day(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1900..2100).contains(&year) && (1..=days).contains(&day)
}

/// Reads eight digits, as 19900307.
pub(super) fn is_day_in_digits(digits: &str) -> bool {
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|it| it.parse().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(4..6), number(6..8)) else {
        return false;
    };
    digits.len() == 8 && is_day(year, month, day)
}
