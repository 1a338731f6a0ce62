//! A text as names are looked for in it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::letters::{is_ideograph, is_invisible};

/// A text in Unicode form NFKC (UAX #15) and lower case, without what names are written with or
/// without: spaces, brackets, quotes, hyphens, apostrophes and what is not seen.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The characters that are left.
    pub(super) chars: Vec<char>,
    /// For each of them, the character of the text that it is of, the first one being 0.
    places: Vec<u32>,
    /// For each place between them, ends included, whether a word may begin or end there.
    edges: Vec<bool>,
    /// For each of them, whether it was a capital letter.
    capitals: Vec<bool>,
    /// For each of them, whether it is neither letter nor digit, and may end a clause.
    breaks: Vec<bool>,
    /// The brackets and quotes that were left out.
    marks: Vec<Mark>,
}

/// A bracket or a quote.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// The number of characters before it that are left.
    at: usize,
    /// The character of the text that it is.
    place: u32,
    char: char,
}

impl Form {
    pub(super) fn new(text: &str) -> Self {
        let mut form = Self {
            edges: vec![true],
            ..Self::default()
        };
        let mut composed = String::new();
        let mut chars = (0..).zip(text.chars()).peekable();
        while let Some((place, char)) = chars.next() {
            composed.clear();
            composed.push(char);
            while let Some((_, mark)) = chars.next_if(|&(_, mark)| is_combining_mark(mark)) {
                composed.push(mark);
            }
            let is_alone = composed.len() == char.len_utf8();
            if is_alone && (char.is_ascii() || matches!(char, '\u{4e00}'..='\u{9fff}')) {
                form.push(char.to_ascii_lowercase(), place, char.is_ascii_uppercase());
                continue;
            }
            for part in composed.nfkc().flat_map(char::to_lowercase) {
                form.push(part, place, char.is_uppercase());
            }
        }
        if let Some(last) = form.edges.last_mut() {
            *last = true;
        }
        form
    }

    fn push(&mut self, char: char, place: u32, capital: bool) {
        if !is_ideograph(char) && is_left_out(char) {
            if let Some(edge) = self.edges.last_mut() {
                *edge = true;
            }
            if is_mark(char) {
                let at = self.chars.len();
                self.marks.push(Mark { at, place, char });
            }
            return;
        }
        if let (Some(edge), Some(&before)) = (self.edges.last_mut(), self.chars.last()) {
            *edge |= !in_one_word(before, char);
        }
        self.chars.push(char);
        self.places.push(place);
        self.capitals.push(capital);
        self.edges.push(false);
        self.breaks
            .push(!is_ideograph(char) && !char.is_alphanumeric());
    }

    /// Whether a word may begin or end before the character at `at`.
    pub(super) fn is_edge(&self, at: usize) -> bool {
        self.edges.get(at).copied().unwrap_or(true)
    }

    /// Whether the character at `at` is neither letter nor digit: it may end a clause, and no typing
    /// error would leave it.
    pub(super) fn is_break(&self, at: usize) -> bool {
        self.breaks[at]
    }

    /// Whether these characters are in one clause.
    pub(super) fn is_clause(&self, range: std::ops::Range<usize>) -> bool {
        !self.breaks[range].contains(&true)
    }

    /// Whether these characters are in quotes.
    pub(super) fn is_quoted(&self, start: usize, end: usize) -> bool {
        let quoted = |at| {
            self.marks
                .iter()
                .any(|mark| mark.at == at && is_quote(mark.char))
        };
        quoted(start) && quoted(end)
    }

    /// Whether this character is a capital letter in the middle of a sentence.
    pub(super) fn is_capital_within(&self, at: usize) -> bool {
        self.capitals[at] && at > 0 && !self.breaks[at - 1]
    }

    /// The characters of the text that these are of, with the bracket that closes one within.
    pub(super) fn places(&self, start: usize, end: usize) -> (usize, usize) {
        let opened = self
            .marks
            .iter()
            .filter(|mark| (start + 1..end).contains(&mark.at));
        let open = opened.fold(0, |open: usize, mark| match mark.char {
            '(' | '[' | '{' | '【' => open + 1,
            ')' | ']' | '}' | '】' => open.saturating_sub(1),
            _ => open,
        });
        let closing = self
            .marks
            .iter()
            .filter(|mark| mark.at == end && is_closing(mark.char));
        let last = closing
            .take(open)
            .last()
            .map_or(self.places[end - 1], |mark| mark.place);
        (self.places[start] as usize, last as usize + 1)
    }

    /// The first characters, up to `len`.
    pub(super) fn cut(&self, len: usize) -> Self {
        Self {
            chars: self.chars[..len].to_vec(),
            places: self.places[..len].to_vec(),
            edges: self.edges[..=len].to_vec(),
            capitals: self.capitals[..len].to_vec(),
            breaks: self.breaks[..len].to_vec(),
            marks: Vec::new(),
        }
    }

    /// The words, as ranges of characters: runs of letters and digits, and ideographs one by one.
    pub(super) fn words(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let mut start = 0;
        (1..=self.chars.len())
            .filter(|&end| self.edges[end])
            .map(move |end| {
                let word = start..end;
                start = end;
                word
            })
    }
}

fn is_left_out(char: char) -> bool {
    char.is_whitespace()
        || matches!(char, '-' | '–' | '—' | '·' | '・' | '•' | '_')
        || is_mark(char)
        || is_invisible(char)
}

fn is_mark(char: char) -> bool {
    matches!(char, '(' | '[' | '{' | '【') || is_closing(char) || is_quote(char)
}

fn is_closing(char: char) -> bool {
    matches!(char, ')' | ']' | '}' | '】')
}

fn is_quote(char: char) -> bool {
    matches!(
        char,
        '"' | '\''
            | '“'
            | '”'
            | '‘'
            | '’'
            | '「'
            | '」'
            | '『'
            | '』'
            | '《'
            | '》'
            | '〈'
            | '〉'
            | '`'
    )
}

/// Whether no word ends between two characters: both are letters or digits that words are written
/// with.
fn in_one_word(one: char, other: char) -> bool {
    let is_part = |char: char| !is_ideograph(char) && char.is_alphanumeric();
    is_part(one) && is_part(other)
}
