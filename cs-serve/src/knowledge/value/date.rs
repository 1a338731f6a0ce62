//! Days of the calendar.

use super::fold::{after_any, is_inside_word, skip_spaces};
use super::number;

/// A day of a year, or of any year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year, if it is said.
    pub year: Option<u16>,
    /// The month, from 1.
    pub month: u8,
    /// The day, from 1.
    pub day: u8,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan"],
    &["february", "feb"],
    &["march", "mar"],
    &["april", "apr"],
    &["may"],
    &["june", "jun"],
    &["july", "jul"],
    &["august", "aug"],
    &["september", "sept", "sep"],
    &["october", "oct"],
    &["november", "nov"],
    &["december", "dec"],
];

impl Date {
    fn new(year: Option<f64>, month: f64, day: f64) -> Option<Self> {
        let whole = month.fract() == 0.0 && day.fract() == 0.0;
        let in_calendar = (1.0..=12.0).contains(&month) && (1.0..=31.0).contains(&day);
        (whole && in_calendar).then_some(Self {
            year: year.map(|it| it as u16),
            month: month as u8,
            day: day as u8,
        })
    }

    pub(super) fn agrees(&self, other: &Self) -> bool {
        let years = self
            .year
            .zip(other.year)
            .is_none_or(|(one, other)| one == other);
        years && (self.month, self.day) == (other.month, other.day)
    }
}

/// Reads the date that begins at a character: 2024-06-03, 2024年6月3日, 6月3号, June 3, 3 June 2024.
pub(super) fn at(text: &[char], at: usize) -> Option<(Date, usize)> {
    if is_inside_word(text, at) {
        return None;
    }
    match text.get(at)? {
        'a'..='z' => english(text, at),
        _ => in_numbers(text, at)
            .or_else(|| chinese(text, at))
            .or_else(|| day_first(text, at)),
    }
}

fn plain(text: &[char], at: usize, most: usize) -> Option<(f64, usize)> {
    let digits = text
        .get(at..)?
        .iter()
        .take_while(|c| c.is_ascii_digit())
        .count();
    if digits == 0 || digits > most {
        return None;
    }
    let written: String = text[at..at + digits].iter().collect();
    Some((written.parse().ok()?, at + digits))
}

fn in_numbers(text: &[char], at: usize) -> Option<(Date, usize)> {
    let (year, end) = plain(text, at, 4).filter(|(year, _)| (1000.0..3000.0).contains(year))?;
    let mark = *text.get(end).filter(|c| matches!(c, '-' | '/' | '.'))?;
    let (month, end) = plain(text, end + 1, 2)?;
    let (day, end) = plain(text, end + 1, 2).filter(|_| text.get(end) == Some(&mark))?;
    Some((Date::new(Some(year), month, day)?, end))
}

fn chinese(text: &[char], at: usize) -> Option<(Date, usize)> {
    let first = number::at(text, at)?;
    let (year, month) = match after_any(text, first.end, &["年"]) {
        Some(end) if first.value >= 1000.0 => (Some(first.value), number::at(text, end)?),
        Some(_) => return None,
        None => (None, first),
    };
    let day = number::at(text, after_any(text, month.end, &["月"])?)?;
    let end = after_any(text, day.end, &["日", "号"]).unwrap_or(day.end);
    Some((Date::new(year, month.value, day.value)?, end))
}

fn month_at(text: &[char], at: usize) -> Option<(f64, usize)> {
    let months = (1u8..).zip(MONTHS);
    months
        .map(|(month, names)| Some((f64::from(month), after_any(text, at, names)?)))
        .find_map(|it| it)
}

fn ordinal(text: &[char], at: usize) -> Option<(f64, usize)> {
    let (day, end) = plain(text, at, 2)?;
    Some((
        day,
        after_any(text, end, &["st", "nd", "rd", "th"]).unwrap_or(end),
    ))
}

fn year_after(text: &[char], end: usize) -> (Option<f64>, usize) {
    let at = skip_spaces(text, after_any(text, end, &[","]).unwrap_or(end));
    match plain(text, at, 4).filter(|(year, _)| *year >= 1000.0) {
        Some((year, end)) => (Some(year), end),
        None => (None, end),
    }
}

fn english(text: &[char], at: usize) -> Option<(Date, usize)> {
    let (month, end) = month_at(text, at)?;
    let (day, end) = ordinal(
        text,
        skip_spaces(text, after_any(text, end, &["."]).unwrap_or(end)),
    )?;
    let (year, end) = year_after(text, end);
    Some((Date::new(year, month, day)?, end))
}

fn day_first(text: &[char], at: usize) -> Option<(Date, usize)> {
    let (day, end) = ordinal(text, at)?;
    let at = skip_spaces(text, end);
    let (month, end) = month_at(
        text,
        skip_spaces(text, after_any(text, at, &["of "]).unwrap_or(at)),
    )?;
    let (year, end) = year_after(text, end);
    Some((Date::new(year, month, day)?, end))
}
