//! When something is open.

use super::clock::{self, Clock};
use super::fold::{after, after_any, is_inside_word, skip_spaces};

/// A time from and to, on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opening {
    /// The days: bit 0 is Monday, bit 6 Sunday. None is set if nothing is said of days.
    pub days: u8,
    /// When it opens.
    pub from: Clock,
    /// When it closes, which may be on the next day.
    pub to: Clock,
}

const EVERY_DAY: u8 = 0x7f;
const SETS: &[(&str, u8)] = &[
    ("每天", EVERY_DAY),
    ("每日", EVERY_DAY),
    ("天天", EVERY_DAY),
    ("周末", 0x60),
    ("工作日", 0x1f),
    ("every day", EVERY_DAY),
    ("daily", EVERY_DAY),
    ("weekdays", 0x1f),
    ("weekends", 0x60),
];
const ENGLISH: [&[&str]; 7] = [
    &["mondays", "monday", "mon"],
    &["tuesdays", "tuesday", "tues", "tue"],
    &["wednesdays", "wednesday", "wed"],
    &["thursdays", "thursday", "thurs", "thu"],
    &["fridays", "friday", "fri"],
    &["saturdays", "saturday", "sat"],
    &["sundays", "sunday", "sun"],
];
const ALL_DAY: &[&str] = &[
    "全天",
    "24小时营业",
    "24小时开放",
    "二十四小时营业",
    "24/7",
    "24 hours a day",
    "around the clock",
    "all day",
];
const TO: &[&str] = &["-", "至", "到", "to ", "until ", "till "];

/// Reads the opening hours that begin at a character: days and times, or times alone, as often as
/// they go on.
pub(super) fn at(text: &[char], at: usize) -> Option<(Vec<Opening>, usize)> {
    if is_inside_word(text, at) {
        return None;
    }
    let mut openings: Vec<Opening> = Vec::new();
    let (mut end, mut days) = (at, 0);
    loop {
        let start = if openings.is_empty() {
            end
        } else {
            next(text, end)
        };
        let (told, after_days) = days_at(text, start).unwrap_or((days, start));
        let from = skip_fillers(text, after_days);
        let Some((from, to, after)) = interval(text, from).or_else(|| all_day(text, from)) else {
            break;
        };
        days = told;
        openings.push(Opening { days, from, to });
        end = after;
    }
    let (trailing, end) = match days_at(text, skip_on(text, end)) {
        Some((told, after)) if !openings.is_empty() && days == 0 => (told, after),
        _ => (0, end),
    };
    for opening in &mut openings {
        opening.days |= trailing;
    }
    (!openings.is_empty()).then_some((openings, end))
}

/// Skips what may stand between two openings.
fn next(text: &[char], at: usize) -> usize {
    let at = skip_spaces(text, at);
    let at = after_any(text, at, &[",", "、", ";", "和", "及", "and ", "以及"]).unwrap_or(at);
    skip_spaces(text, at)
}

fn skip_fillers(text: &[char], at: usize) -> usize {
    let at = skip_spaces(text, at);
    let at = after_any(text, at, &["的", ":", ",", "from ", "都是", "是"]).unwrap_or(at);
    skip_spaces(text, at)
}

fn skip_on(text: &[char], at: usize) -> usize {
    let at = skip_spaces(text, at);
    skip_spaces(text, after_any(text, at, &["on ", ","]).unwrap_or(at))
}

fn interval(text: &[char], at: usize) -> Option<(Clock, Clock, usize)> {
    let (mut from, end) = clock::at(text, at).or_else(|| bare_hour(text, at))?;
    let to = after_any(text, skip_spaces(text, end), TO)?;
    let (to, end) = clock::at(text, skip_spaces(text, to))?;
    // 早上8点到9点, "9-5 pm": one half of the day tells the other where they differ by it.
    if from.either_half && !to.either_half && from.minute > to.minute % 720 {
        from.either_half = false;
    }
    Some((from, to, end))
}

/// The first hour of `9 to 5pm` has no sign of one; it counts only if a time follows.
fn bare_hour(text: &[char], at: usize) -> Option<(Clock, usize)> {
    let number = super::number::at(text, at).filter(|it| it.in_digits)?;
    let hour = (number.value.fract() == 0.0 && (1.0..=12.0).contains(&number.value))
        .then_some(number.value as u16)?;
    let mut clock = Clock::new(hour, 0)?;
    clock.either_half = true;
    Some((clock, number.end))
}

fn all_day(text: &[char], at: usize) -> Option<(Clock, Clock, usize)> {
    let end = after_any(text, at, ALL_DAY)?;
    Some((Clock::new(0, 0)?, Clock::new(24, 0)?, end))
}

/// Reads 周一至周五, 星期六, 每天, `Mon-Fri` and `weekends`.
fn days_at(text: &[char], at: usize) -> Option<(u8, usize)> {
    if let Some(found) = SETS
        .iter()
        .find_map(|(word, days)| Some((*days, after(text, at, word)?)))
    {
        return Some(found);
    }
    let (first, end) = day_at(text, at)?;
    let to = after_any(
        text,
        skip_spaces(text, end),
        &["-", "至", "到", "to ", "through "],
    );
    if let Some((last, end)) = to.and_then(|to| day_at(text, skip_spaces(text, to))) {
        let days = (0..7).map(|step| (first + step) % 7);
        let until = days
            .take_while(|&day| day != last)
            .fold(0, |set, day| set | 1 << day);
        return Some((until | 1 << last, end));
    }
    let (mut days, mut end) = (1 << first, end);
    while let Some((day, after)) =
        after_any(text, end, &["、", ",", "和"]).and_then(|at| day_at(text, at))
    {
        days |= 1 << day;
        end = after;
    }
    Some((days, end))
}

fn day_at(text: &[char], at: usize) -> Option<(u8, usize)> {
    if let Some(end) = after_any(text, at, &["星期", "礼拜", "周"]) {
        let day = "一二三四五六日天"
            .chars()
            .position(|c| text.get(end) == Some(&c))?;
        return Some((day.min(6) as u8, end + 1));
    }
    (0..7u8)
        .zip(ENGLISH)
        .find_map(|(day, names)| Some((day, after_any(text, at, names)?)))
}

/// Says whether all that is claimed to be open is.
pub(super) fn agree(claimed: &[Opening], known: &[Opening]) -> bool {
    let covers = |one: &Opening, day: Option<u8>, other: &Opening| {
        day.is_none_or(|day| other.days == 0 || other.days & 1 << day != 0)
            && one.from.agrees(other.from)
            && one.to.agrees(other.to)
    };
    claimed.iter().all(|one| {
        if one.days == 0 {
            return known.iter().any(|other| covers(one, None, other));
        }
        let mut days = (0..7).filter(|day| one.days & 1 << day != 0);
        days.all(|day| known.iter().any(|other| covers(one, Some(day), other)))
    })
}

/// Says whether something opens or closes at a time.
pub(super) fn bound(claimed: Clock, known: &[Opening]) -> bool {
    known
        .iter()
        .any(|it| claimed.agrees(it.from) || claimed.agrees(it.to))
}
