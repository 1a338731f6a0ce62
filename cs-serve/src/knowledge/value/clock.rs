//! Times of day.

use super::fold::{after, after_any, is_inside_word, skip_spaces};
use super::number;

/// A time of day.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Minutes after midnight, up to 24:00 = 1440.
    pub minute: u16,
    /// Whether the half of the day is not said: 八点 is 8:00 or 20:00.
    pub either_half: bool,
}

const HALF_DAY: u16 = 720;
const MIDNIGHT: u16 = 1440;

/// The words before an hour, and whether it is one after noon.
const PARTS: &[(&str, bool)] = &[
    ("上午", false),
    ("早上", false),
    ("早晨", false),
    ("清晨", false),
    ("凌晨", false),
    ("早", false),
    ("中午", true),
    ("下午", true),
    ("傍晚", true),
    ("晚上", true),
    ("夜里", true),
    ("晚", true),
];

impl Clock {
    /// Takes a time whose half of the day is known.
    #[must_use]
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        let of_day = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && of_day <= MIDNIGHT).then_some(Self {
            minute: of_day,
            either_half: false,
        })
    }

    /// Says whether two times are one, as far as they are said.
    #[must_use]
    pub fn agrees(self, other: Self) -> bool {
        if self.either_half || other.either_half {
            return self.minute % HALF_DAY == other.minute % HALF_DAY;
        }
        self.minute % MIDNIGHT == other.minute % MIDNIGHT
    }
}

impl PartialEq for Clock {
    fn eq(&self, other: &Self) -> bool {
        self.agrees(*other)
    }
}

/// Reads the time that begins at a character, and gives the character after it.
pub(super) fn at(text: &[char], at: usize) -> Option<(Clock, usize)> {
    if let Some(end) = after(text, at, "noon") {
        return Some((Clock::new(12, 0)?, end));
    }
    let part = PARTS
        .iter()
        .find_map(|(word, late)| Some((*late, after(text, at, word)?)));
    let start = part.map_or(at, |(_, end)| skip_spaces(text, end));
    let (hour, minute, end, exact) = colon(text, start)
        .or_else(|| chinese(text, start))
        .or_else(|| english(text, start))?;
    let (half, end) = match part {
        Some((late, _)) => (Some(late), end),
        None => match half_after(text, end) {
            Some((late, end)) => (Some(late), end),
            None => (None, end),
        },
    };
    let hour = match half {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    let mut clock = Clock::new(hour, minute)?;
    clock.either_half = half.is_none() && !exact && (1..=12).contains(&hour);
    Some((clock, end))
}

/// Reads `20:30` and `20:30:00`: hour, minute, end, and that the half of the day is known.
fn colon(text: &[char], at: usize) -> Option<(u16, u16, usize, bool)> {
    if is_inside_word(text, at) || at > 0 && text[at - 1] == ':' {
        return None;
    }
    let (hour, end) = two_digits(text, at)?;
    if text.get(end) != Some(&':') {
        return None;
    }
    let (minute, minute_end) = two_digits(text, end + 1)?;
    if minute_end - end != 3 || hour > 30 {
        return None;
    }
    let seconds = text.get(minute_end) == Some(&':');
    let end = match seconds.then(|| two_digits(text, minute_end + 1)).flatten() {
        Some((_, end)) => end,
        None => minute_end,
    };
    // 26:00 is two in the next morning.
    let hour = if hour > 24 { hour - 24 } else { hour };
    Some((hour, minute, end, true))
}

fn two_digits(text: &[char], at: usize) -> Option<(u16, usize)> {
    let digit = |at: usize| text.get(at).and_then(|c| c.to_digit(10));
    let first = digit(at)?;
    let (number, end) = match digit(at + 1) {
        Some(second) => (first * 10 + second, at + 2),
        None => (first, at + 1),
    };
    let number = u16::try_from(number).ok()?;
    digit(end).is_none().then_some((number, end))
}

/// Reads 八点, 8点半, 八点一刻 and 8点30分.
fn chinese(text: &[char], at: usize) -> Option<(u16, u16, usize, bool)> {
    let hour = number::at(text, at).filter(|it| it.value.fract() == 0.0 && it.value <= 24.0)?;
    let end = after_any(text, hour.end, &["点钟", "点整", "点", "时整"])?;
    let told = matches!(text.get(end - 1), Some('钟' | '整')) || text.get(end) == Some(&'半');
    // 近一点 and 早一点 are no times.
    if !hour.in_digits && hour.value == 1.0 && !told && !after_part(text, at) {
        return None;
    }
    let hour = hour.value as u16;
    let (minute, end) = if let Some(end) = after(text, end, "半") {
        (30, end)
    } else if let Some(end) = after(text, end, "一刻") {
        (15, end)
    } else if let Some(end) = after(text, end, "三刻") {
        (45, end)
    } else {
        let minute = number::at(text, end).filter(|it| it.value.fract() == 0.0 && it.value < 60.0);
        let told = |end| after(text, end, "分");
        match minute {
            Some(minute) if told(minute.end).is_some() || minute.value >= 10.0 => {
                (minute.value as u16, told(minute.end).unwrap_or(minute.end))
            }
            _ => (0, end),
        }
    };
    Some((hour, minute, end, hour > 12 || hour == 0))
}

/// Says whether a part of the day stands before a character.
fn after_part(text: &[char], at: usize) -> bool {
    let before: String = text[at.saturating_sub(2)..at].iter().collect();
    PARTS
        .iter()
        .any(|(word, _)| word.chars().count() == 2 && before == *word)
}

/// Reads the hour of `8 pm`; without the half of the day it is a number like any other.
fn english(text: &[char], at: usize) -> Option<(u16, u16, usize, bool)> {
    let hour = number::at(text, at).filter(|it| it.value.fract() == 0.0 && it.value <= 12.0)?;
    if after(text, at, "half").is_some() {
        return None;
    }
    match after(text, skip_spaces(text, hour.end), "o'clock") {
        Some(end) => Some((hour.value as u16, 0, end, false)),
        None => half_after(text, hour.end).map(|_| (hour.value as u16, 0, hour.end, false)),
    }
}

/// Reads am or pm after an hour, which digits may touch.
fn half_after(text: &[char], at: usize) -> Option<(bool, usize)> {
    let at = skip_spaces(text, at);
    [("a.m.", false), ("am", false), ("p.m.", true), ("pm", true)]
        .iter()
        .find_map(|(word, late)| Some((*late, after(text, at, word)?)))
}
