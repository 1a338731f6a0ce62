//! Regular expressions on lists.

use std::ops::Range;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::alphabet::{Kind, Letter, narrow};
use super::matching::{MAX_GAP, Match};
use super::trick::{Trick, Tricks};

/// The longest that a match may be, in bytes: a stream keeps so much back.
const MAX_MATCH: usize = 256;

/// The most bytes that an expression may take, compiled.
const MAX_SIZE: usize = 1 << 20;

/// The most bytes that all expressions may take together, compiled.
const MAX_SIZE_OF_ALL: usize = 16 << 20;

/// The most bytes that a thread keeps of what it has worked out of an expression, and of all together.
const CACHE: usize = 1 << 16;
const CACHE_OF_ALL: usize = 4 << 20;

/// How deep groups may be nested.
const MAX_DEPTH: u32 = 32;

/// An expression, which is looked for in time that grows as the text does, whatever it is.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    /// For texts as they are.
    as_is: Regex,
    /// For texts in small, simplified letters.
    folded: Regex,
    source: Box<str>,
    /// The most characters of a match.
    pub(super) reach: usize,
}

/// Gives the expression of a word that is one: `/…/`.
pub(super) fn source(word: &str) -> Option<&str> {
    let source = word.strip_prefix('/')?.strip_suffix('/')?;
    (!source.is_empty()).then_some(source)
}

/// Whether a word begins as an expression does and does not end as one: a slash was forgotten, or a `#` within has
/// begun a comment.
pub(super) fn is_torn(word: &str) -> bool {
    word.len() > 1 && word.starts_with('/') && !word.ends_with('/')
}

impl Expression {
    /// Compiles an expression. Otherwise gives what is wrong with it.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let parsed = regex_syntax::ParserBuilder::new()
            .nest_limit(MAX_DEPTH)
            .build()
            .parse(source);
        let parsed = parsed.map_err(|error| reason(&error.to_string()))?;
        let properties = parsed.properties();
        let reach = match (properties.minimum_len(), properties.maximum_len()) {
            (None, _) => return Err("an expression that nothing matches".to_owned()),
            (Some(0), _) => return Err("an expression that an empty text matches".to_owned()),
            (_, None) => return Err("an expression whose matches have no longest one".to_owned()),
            (_, Some(most)) if most > MAX_MATCH => {
                return Err(format!(
                    "an expression whose matches have up to {most} bytes"
                ));
            }
            (_, Some(most)) => most,
        };
        if properties.look_set().iter().any(|look| !is_border(look)) {
            return Err("an expression that says where a text begins or ends".to_owned());
        }
        let compile = |ignores_case| {
            let built = RegexBuilder::new(source)
                .size_limit(MAX_SIZE)
                .dfa_size_limit(CACHE)
                .nest_limit(MAX_DEPTH)
                .case_insensitive(ignores_case)
                .build();
            built.map_err(|error| reason(&error.to_string()))
        };
        Ok(Self {
            as_is: compile(false)?,
            folded: compile(true)?,
            source: source.into(),
            reach,
        })
    }

    /// Finds all that matches, from each character on that a match begins at.
    pub(super) fn find(&self, text: &Folded<'_>, tricks: Tricks, mut each: impl FnMut(Match)) {
        let mut as_is = Vec::new();
        find_all(&self.as_is, text.original, |start, end| {
            as_is.push((start, end));
        });
        if tricks.has(Trick::Exact) {
            let tricks = Trick::Exact.into();
            as_is
                .iter()
                .for_each(|&(start, end)| each(Match { start, end, tricks }));
        }
        for part in &text.parts {
            find_all(&self.folded, &text.folded[part.clone()], |start, end| {
                let (start, end) = text.place(part.start + start, part.start + end);
                let own = text.tricks(start, end);
                if own.is_within(tricks) && as_is.binary_search(&(start, end)).is_err() {
                    each(Match {
                        start,
                        end,
                        tricks: own,
                    });
                }
            });
        }
    }
}

/// All expressions at once, without their word borders: which of them are worth a look in a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Expressions {
    as_is: RegexSet,
    folded: RegexSet,
}

impl Expressions {
    /// Compiles them; none if they are too large together.
    pub(super) fn of<'a>(all: impl Iterator<Item = &'a Expression> + Clone) -> Option<Self> {
        let compile = |ignores_case| {
            let sources = all
                .clone()
                .map(|it| without_borders(&it.source, ignores_case));
            RegexSetBuilder::new(sources.collect::<Option<Vec<String>>>()?)
                .size_limit(MAX_SIZE_OF_ALL)
                .dfa_size_limit(CACHE_OF_ALL)
                .build()
                .ok()
        };
        Some(Self {
            as_is: compile(false)?,
            folded: compile(true)?,
        })
    }

    /// Gives the places of those among them that may match in a text.
    pub(super) fn of_text(&self, text: &Folded<'_>) -> Vec<usize> {
        let mut found: Vec<usize> = self.as_is.matches(text.original).into_iter().collect();
        found.extend(self.folded.matches(&text.folded));
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Writes an expression without its word borders, which matches wherever that does: a set of expressions with them is slow
/// on texts in Chinese.
fn without_borders(source: &str, ignores_case: bool) -> Option<String> {
    let parsed = regex_syntax::ParserBuilder::new()
        .nest_limit(MAX_DEPTH)
        .case_insensitive(ignores_case)
        .build()
        .parse(source);
    parsed.ok().map(|it| free(it).to_string())
}

/// Takes the word borders out of an expression.
fn free(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Look(_) | HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Repetition(mut repetition) => {
            *repetition.sub = free(*repetition.sub);
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => free(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(free).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(free).collect()),
    }
}

/// Tells the match from each character on that one begins at: what comes later does not depend on what came before.
fn find_all(regex: &Regex, text: &str, mut each: impl FnMut(usize, usize)) {
    let mut at = 0;
    while let Some(found) = regex.find_at(text, at) {
        each(found.start(), found.end());
        let first = text[found.start()..].chars().next();
        at = found.start() + first.map_or(1, char::len_utf8);
    }
}

/// Whether it is about words, and not about where the text is cut.
fn is_border(look: Look) -> bool {
    !matches!(
        look,
        Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF
    )
}

/// The last line of an error of several, which says what is wrong.
fn reason(error: &str) -> String {
    let last = error.lines().next_back().unwrap_or_default();
    let last = last.strip_prefix("error: ").unwrap_or(last);
    format!("an expression that is none ({last})")
}

/// A text, and the same in NFKC, small and simplified letters, without what is not seen.
pub(super) struct Folded<'a> {
    original: &'a str,
    folded: String,
    /// The parts of it between which more than [`MAX_GAP`] characters in a row are not seen, so that nothing is of both.
    parts: Vec<Range<usize>>,
    /// Of each character where it begins, folded and in the original.
    places: Vec<(usize, usize)>,
}

impl<'a> Folded<'a> {
    pub(super) fn new(original: &'a str) -> Self {
        let mut text = Self {
            original,
            folded: String::with_capacity(original.len()),
            parts: Vec::new(),
            places: Vec::with_capacity(original.len()),
        };
        let (mut start, mut unseen) = (0, 0);
        for (at, char) in original.char_indices() {
            if let Some(folded) = folded(char) {
                text.places.push((text.folded.len(), at));
                text.folded.push(folded);
                unseen = 0;
                continue;
            }
            unseen += 1;
            if unseen == MAX_GAP + 1 {
                text.parts.push(start..text.folded.len());
                start = text.folded.len();
            }
        }
        text.parts.push(start..text.folded.len());
        text
    }

    /// Where in the original something is that is not empty.
    fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let of = |at: usize| self.places[self.places.partition_point(|place| place.0 < at)].1;
        let last = self.places[self.places.partition_point(|place| place.0 < end) - 1].1;
        let last_char = self.original[last..].chars().next();
        (of(start), last + last_char.map_or(0, char::len_utf8))
    }

    /// How a part of the original is disguised.
    fn tricks(&self, start: usize, end: usize) -> Tricks {
        let tricks = self.original[start..end].chars().filter_map(|char| {
            let folded = match folded(char) {
                None => return Some(Trick::Invisible),
                Some(folded) if folded == char => return None,
                Some(folded) => folded,
            };
            Some(match () {
                () if char.to_lowercase().eq([folded]) => Trick::Case,
                () if narrow(char) == folded => Trick::Width,
                () => Trick::Traditional,
            })
        });
        let tricks: Tricks = tricks.collect();
        match tricks.is_empty() {
            true => Trick::Case.into(), // small letters where the expression has capital ones
            false => tricks,
        }
    }
}

/// A character as expressions see it; none if it is not seen.
pub(super) fn folded(char: char) -> Option<char> {
    if char.is_ascii_graphic() || char == ' ' {
        return Some(char.to_ascii_lowercase());
    }
    let letter = Letter::of(char);
    match letter.kind {
        Kind::Invisible => None,
        Kind::Latin | Kind::Digit | Kind::Han | Kind::Other => Some(letter.base),
        _ => Some(narrow(char)),
    }
}
