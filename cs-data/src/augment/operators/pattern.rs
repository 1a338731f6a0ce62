//! A small language of patterns that values are made from.

use crate::error::{Error, Result};
use crate::random::SplitMix;

/// The most characters that one piece of a pattern may be repeated to.
const MAX_REPEAT: usize = 100;

/// What order numbers and the like look like.
///
/// A pattern is a sequence of characters that stand for themselves, `\d` (a digit), `[A-Z2-9_]`
/// (one of these), each with a count `{8}` or `{6,8}` if wanted; a backslash before any other
/// character makes it stand for itself.
///
/// ```
/// use cs_data::augment::{Pattern};
/// use cs_data::SplitMix;
/// let pattern: Pattern = r"[A-Z]{2}-\d{8}".parse()?;
/// let value = pattern.generate(&mut SplitMix::new(1));
/// assert_eq!(value.len(), 11);
/// assert!(value[..2].chars().all(|c| c.is_ascii_uppercase()) && &value[2..3] == "-");
/// assert!(r"\d{0}".parse::<Pattern>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<TextSlice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TextSlice {
    /// Ranges of characters, first and last.
    class: Vec<(char, char)>,
    least: usize,
    most: usize,
}

impl Pattern {
    /// Makes a value of this form, every choice as likely.
    pub fn generate(&self, random: &mut SplitMix) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            let count = piece.least + random.below(piece.most - piece.least + 1);
            out.extend((0..count).filter_map(|_| piece.draw(random)));
        }
        out
    }

    /// Reads a pattern; an error is the character at which it stands, from 0, and what was
    /// expected.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
        };
        let mut pieces = Vec::new();
        while reader.at < reader.chars.len() {
            let class = reader.class()?;
            let (least, most) = reader.count()?;
            pieces.push(TextSlice { class, least, most });
        }
        if pieces.is_empty() {
            return Err((0, "a pattern"));
        }
        Ok(Pattern { pieces })
    }
}

impl std::str::FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text).map_err(|(at, expected)| {
            Error::argument(
                "pattern",
                format!("{text:?}, at character {}", at + 1),
                expected,
            )
        })
    }
}

impl TextSlice {
    fn draw(&self, random: &mut SplitMix) -> Option<char> {
        let size = |&(first, last): &(char, char)| last as usize - first as usize + 1;
        let mut at = random.below(self.class.iter().map(size).sum());
        for range in &self.class {
            if at < size(range) {
                // Surrogates are no characters; a class reaches over them at most by accident.
                return char::from_u32(range.0 as u32 + at as u32);
            }
            at -= size(range);
        }
        None
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn next(&mut self, expected: &'static str) -> Result<char, (usize, &'static str)> {
        let char = self
            .chars
            .get(self.at)
            .copied()
            .ok_or((self.at, expected))?;
        self.at += 1;
        Ok(char)
    }

    fn class(&mut self) -> Result<Vec<(char, char)>, (usize, &'static str)> {
        let at = self.at;
        match self.next("a character")? {
            '\\' => match self.next("a character after the backslash")? {
                'd' => Ok(vec![('0', '9')]),
                char if char.is_ascii_alphanumeric() => Err((at, "\\d, or \\ before punctuation")),
                char => Ok(vec![(char, char)]),
            },
            '[' => self.set(),
            '{' | '}' | ']' | '*' | '+' | '?' | '(' | ')' | '|' | '^' | '$' | '.' => {
                Err((at, "characters, \\d, [A-Z] or {8} (\\ before others)"))
            }
            char => Ok(vec![(char, char)]),
        }
    }

    fn set(&mut self) -> Result<Vec<(char, char)>, (usize, &'static str)> {
        let mut class = Vec::new();
        loop {
            let at = self.at;
            let first = match self.next("a closing ]")? {
                ']' if class.is_empty() => return Err((at, "a character of the class")),
                ']' => return Ok(class),
                '^' if class.is_empty() => return Err((at, "no negation")),
                '\\' => self.next("a character after the backslash")?,
                char => char,
            };
            let is_range = self.chars.get(self.at) == Some(&'-')
                && self.chars.get(self.at + 1).is_some_and(|char| *char != ']');
            let last = if is_range {
                self.at += 1;
                self.next("the range's last character")?
            } else {
                first
            };
            if last < first {
                return Err((at, "a range in order"));
            }
            class.push((first, last));
        }
    }

    fn count(&mut self) -> Result<(usize, usize), (usize, &'static str)> {
        const EXPECTED: &str = "a count {n} or {n,m} up to 100";
        if self.chars.get(self.at) != Some(&'{') {
            return Ok((1, 1));
        }
        let at = self.at;
        let rest = &self.chars[at + 1..];
        let close = rest
            .iter()
            .position(|char| *char == '}')
            .ok_or((at, EXPECTED))?;
        let inside: String = rest[..close].iter().collect();
        let (least, most) = inside.split_once(',').unwrap_or((&inside, &inside));
        let number = |text: &str| text.parse::<usize>().map_err(|_| (at, EXPECTED));
        let (least, most) = (number(least)?, number(most)?);
        if most == 0 || least > most || most > MAX_REPEAT {
            return Err((at, EXPECTED));
        }
        self.at += close + 2;
        Ok((least, most))
    }
}
