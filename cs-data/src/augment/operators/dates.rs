//! Dates as customers write them.

use std::ops::Range;

use crate::random::SplitMix;

const CHINESE: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
const WEEKDAYS: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
const NEAR_CHINESE: [&str; 6] = ["今天", "明天", "后天", "昨天", "前天", "大后天"];
const NEAR_ENGLISH: [&str; 5] = [
    "today",
    "tomorrow",
    "yesterday",
    "the day after tomorrow",
    "the day before yesterday",
];
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
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
/// Years that a customer speaks of.
const YEARS: Range<usize> = 2020..2030;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: usize,
    pub(crate) month: usize,
    pub(crate) day: usize,
}

pub(crate) fn date(years: Range<usize>, random: &mut SplitMix) -> Date {
    let year = years.start + random.below(years.len());
    let month = 1 + random.below(12);
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let days = match month {
        2 => 28 + usize::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let day = 1 + random.below(days);
    Date { year, month, day }
}

fn pick(list: &[&'static str], random: &mut SplitMix) -> Option<&'static str> {
    random.pick(list).copied()
}

pub(crate) fn chinese(random: &mut SplitMix) -> String {
    let Date { year, month, day } = date(YEARS, random);
    match random.below(8) {
        0 => format!("{month}月{day}日"),
        1 => format!("{month}月{day}号"),
        2 => format!("{year}年{month}月{day}日"),
        3 => format!("{year}-{month:02}-{day:02}"),
        4 => format!("{}月{}号", numeral(month), numeral(day)),
        5 => {
            let week = pick(&["上周", "这周", "下周", "周", "星期"], random);
            let weekday = pick(&WEEKDAYS, random);
            format!(
                "{}{}",
                week.unwrap_or_default(),
                weekday.unwrap_or_default()
            )
        }
        6 => {
            let month = pick(&["上个月", "这个月", "下个月"], random);
            format!("{}{day}号", month.unwrap_or_default())
        }
        _ => pick(&NEAR_CHINESE, random).unwrap_or_default().to_owned(),
    }
}

pub(crate) fn english(random: &mut SplitMix) -> String {
    let Date { year, month, day } = date(YEARS, random);
    let name = MONTHS[month - 1];
    match random.below(8) {
        0 => format!("{name} {day}"),
        1 => format!("{name} {day}{}", ordinal(day)),
        2 => format!("{name} {day}, {year}"),
        3 => format!("{day} {name} {year}"),
        4 => format!("{month:02}/{day:02}/{year}"),
        5 => format!("{year}-{month:02}-{day:02}"),
        6 => {
            let which = pick(&["last", "next", "this"], random).unwrap_or_default();
            format!("{which} {}", pick(&DAYS, random).unwrap_or_default())
        }
        _ => pick(&NEAR_ENGLISH, random).unwrap_or_default().to_owned(),
    }
}

/// 1 to 99 in Chinese.
fn numeral(number: usize) -> String {
    let (tens, ones) = (number / 10 % 10, number % 10);
    let mut out = String::new();
    match tens {
        0 => {}
        1 => out.push('十'),
        _ => out.extend([CHINESE[tens], "十"]),
    }
    if ones > 0 || tens == 0 {
        out.push_str(CHINESE[ones]);
    }
    out
}

fn ordinal(day: usize) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_those_of_the_calendar() {
        assert_eq!(
            [1, 10, 11, 20, 31].map(numeral),
            ["一", "十", "十一", "二十", "三十一"]
        );
        assert_eq!(
            [1, 2, 3, 11, 21, 30].map(ordinal),
            ["st", "nd", "rd", "th", "st", "th"]
        );
        let mut random = SplitMix::new(1);
        let days = (0..5000).map(|_| date(2023..2025, &mut random));
        let days: Vec<_> = days.map(|date| [date.year, date.month, date.day]).collect();
        assert!(days.contains(&[2024, 2, 29]) && !days.contains(&[2023, 2, 29]));
        assert!(!days.contains(&[2024, 4, 31]) && days.contains(&[2024, 12, 31]));
    }
}
