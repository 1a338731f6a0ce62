//! The distance between a name and what stands in a text: insertions, deletions, substitutions and
//! transpositions of neighbours ("optimal string alignment", Damerau 1964, restricted).

use super::form::Form;

/// The most typing errors that are looked for in one name.
pub(super) const MAX_ERRORS: usize = 2;

/// A character of a name, and how much it tells the name from others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    pub(super) char: char,
    pub(super) weight: f32,
}

/// Part of a name, read forwards or backwards.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) letters: &'a [Letter],
    pub(super) backwards: bool,
}

/// What follows a place of a text, or what goes before it.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) form: &'a Form,
    pub(super) at: usize,
    pub(super) backwards: bool,
}

/// How a part of a name lies on a stretch of text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alignment {
    /// The number of typing errors.
    pub(super) errors: usize,
    /// The weight of the characters that they changed.
    pub(super) lost: f32,
    /// The number of characters of the text that the part takes.
    pub(super) taken: usize,
}

/// Lays all of `part` on the beginning of `text`, with at most `limit` errors; the end has to be one
/// of a word. `inserted` is the weight of a character too many.
pub(super) fn align(part: Part, text: Stretch, limit: usize, inserted: f32) -> Option<Alignment> {
    let same = (0..part.letters.len())
        .take_while(|&at| text.char(at) == Some(part.letter(at).char))
        .count();
    let (part, text) = (part.after(same), text.after(same));
    let best = match part.letters.is_empty() && text.at_edge() {
        true => Some(Alignment::default()),
        false => limit
            .checked_sub(1)
            .and_then(|limit| with_error(part, text, limit, inserted)),
    };
    best.map(|best| best.after(same))
}

/// Takes the error that does best at this place.
fn with_error(part: Part, text: Stretch, limit: usize, inserted: f32) -> Option<Alignment> {
    let letter = (!part.letters.is_empty()).then(|| part.letter(0));
    let next = (part.letters.len() > 1).then(|| part.letter(1));
    let written = text.char(0).filter(|_| !text.at_break());
    let go = |skipped: usize, taken: usize, lost: f32| {
        let rest = align(part.after(skipped), text.after(taken), limit, inserted)?;
        Some(rest.after(taken).with_error(lost))
    };
    let deleted = letter.and_then(|letter| go(1, 0, letter.weight));
    let added = written.and_then(|_| go(0, 1, inserted));
    let replaced = letter
        .zip(written)
        .and_then(|(letter, _)| go(1, 1, letter.weight));
    let swapped = letter.zip(next).and_then(|(letter, next)| {
        let is_swapped = written == Some(next.char) && text.char(1) == Some(letter.char);
        is_swapped.then(|| go(2, 2, (letter.weight + next.weight) / 2.0))?
    });
    // Of equal ones, that which leaves the length.
    [swapped, replaced, deleted, added]
        .into_iter()
        .flatten()
        .min_by(|one, other| {
            one.errors
                .cmp(&other.errors)
                .then(one.lost.total_cmp(&other.lost))
        })
}

impl Alignment {
    fn after(self, taken: usize) -> Self {
        Self {
            taken: self.taken + taken,
            ..self
        }
    }

    fn with_error(self, lost: f32) -> Self {
        Self {
            errors: self.errors + 1,
            lost: self.lost + lost,
            ..self
        }
    }
}

impl Part<'_> {
    fn letter(&self, at: usize) -> Letter {
        match self.backwards {
            true => self.letters[self.letters.len() - 1 - at],
            false => self.letters[at],
        }
    }

    /// What is left of it after its first letters.
    fn after(&self, count: usize) -> Self {
        let letters = match self.backwards {
            true => &self.letters[..self.letters.len() - count],
            false => &self.letters[count..],
        };
        Self { letters, ..*self }
    }
}

impl Stretch<'_> {
    fn char(&self, at: usize) -> Option<char> {
        match self.backwards {
            true => self.at.checked_sub(at + 1).map(|at| self.form.chars[at]),
            false => self.form.chars.get(self.at + at).copied(),
        }
    }

    /// What is left of it after its first characters.
    fn after(&self, count: usize) -> Self {
        let at = match self.backwards {
            true => self.at - count,
            false => self.at + count,
        };
        Self { at, ..*self }
    }

    fn at_edge(&self) -> bool {
        self.form.is_edge(self.at)
    }

    /// Whether its first character is nothing that a typing error would leave.
    fn at_break(&self) -> bool {
        self.form.is_break(self.at - usize::from(self.backwards))
    }
}
