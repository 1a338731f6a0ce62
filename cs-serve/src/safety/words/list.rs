//! Lists of words, as people write them.

use std::collections::HashMap;
use std::path::Path;

use super::super::action::{Action, Severity};
use super::super::error::ListError;
use super::super::line::{Line, Rule, Shape, Source, lines};
use super::expressions::{self, Expression, Expressions};
use super::index::hash;

/// What a line of a list of words has to be.
const WORD: Shape = Shape {
    what: "word",
    max_chars: 64,
    expected: "a word of 1 to 64 characters",
    columns: "word, category, severity and action",
    action: Action::Mask,
};

/// What a line has to be whose word is a regular expression.
const EXPRESSION: Shape = Shape {
    what: "regular expression",
    max_chars: 500,
    expected: "a regular expression of 1 to 500 characters",
    ..WORD
};

/// What may be said of a regular expression.
const BOUNDED: &str =
    "a regular expression with word borders at most for anchors, whose matches have 1 to 256 bytes";

/// What is expected of a word that begins with a slash.
const TORN: &str = "a regular expression between slashes, in which # after white space is \\x23";

/// The most regular expressions.
const MAX_EXPRESSIONS: usize = 1_000;

/// The most bytes of all words together, so that 32 bits number them.
const MAX_BYTES: usize = 1 << 30;

/// The most categories.
const MAX_CATEGORIES: usize = u16::MAX as usize;

/// A word, and what it means for a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    start: u32,
    len: u16,
    category: u16,
    pub(super) severity: Severity,
    pub(super) rule: Rule,
}

/// Words to look for, of one file or several.
///
/// A line is `word⇥category⇥severity⇥action`, all but the word optional: no category, severity 1, and
/// `mask`. `#` begins a line that is a comment, or, after white space, what is left of one. The action
/// `allow` is for phrases in which words are innocent: `shitake` where `shit` is on the list. Of a word that stands there more
/// than once, the strictest line counts.
///
/// A word between slashes is a regular expression of the crate [`regex`], as `/qq\s?\d{5,11}/`: it is looked for in the text as it is, and
/// in small, simplified letters of ordinary width without what is not seen; borders of words it asks for itself, by `\b`. Its matches
/// have a longest one, of at most 256 bytes, so that a stream is kept back no further: `\d{1,20}`, not `\d+`. What begins with a slash
/// and does not end with one is refused; a `#` after white space in an expression is `\x23`.
///
/// ```
/// use cs_serve::safety::words::WordList;
///
/// let mut words = WordList::new();
/// words.add("scoundrel\tinsult\thigh\tblock\n# mild ones\nrascal\n".as_bytes(), "words.tsv".as_ref())?;
/// assert_eq!(words.len(), 2);
///
/// let wrong = words.add("rogue\tinsult\t11".as_bytes(), "more.tsv".as_ref()).unwrap_err();
/// assert_eq!(
///     wrong.to_string(),
///     "more.tsv:1:14: the severity \"11\", expected 1 to 10, or low, medium or high for 1, 2 or 3",
/// );
/// # Ok::<(), cs_serve::safety::ListError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct WordList {
    /// All words, one after the other.
    text: String,
    pub(super) entries: Vec<Entry>,
    categories: Vec<Box<str>>,
    /// For each category its number.
    numbers: HashMap<Box<str>, u16>,
    /// The regular expressions, by the numbers of their lines.
    pub(super) expressions: Vec<(u32, Expression)>,
    /// All of them at once.
    pub(super) all_expressions: Expressions,
}

impl WordList {
    /// Makes a list without words.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a list: see [`Self::add`].
    pub fn open(path: &Path) -> Result<Self, ListError> {
        let bytes = std::fs::read(path).map_err(|source| ListError::Io {
            path: path.into(),
            source,
        })?;
        let mut list = Self::new();
        list.add(&bytes, path)?;
        Ok(list)
    }

    /// Adds the words of a file that has been read, or none if there is something wrong with it.
    ///
    /// # Errors
    /// [`ListError::List`] for bytes that are no UTF-8, a word that is missing or too long, an unknown action
    /// or severity, a fifth column, or a regular expression that is none, too large or without a longest match;
    /// [`ListError::TooLarge`] for more than 1 GiB of words, or regular expressions that together take more than 16 MiB, compiled.
    pub fn add(&mut self, bytes: &[u8], path: &Path) -> Result<(), ListError> {
        let (text, entries) = (self.text.len(), self.entries.len());
        let (categories, expressions) = (self.categories.len(), self.expressions.len());
        let added = self
            .add_lines(bytes, path)
            .and_then(|()| self.compile_all(expressions, path));
        if added.is_err() {
            self.text.truncate(text);
            self.entries.truncate(entries);
            self.categories.truncate(categories);
            self.numbers
                .retain(|_, number| usize::from(*number) < categories);
            self.expressions.truncate(expressions);
        }
        added
    }

    /// Gives the number of lines with a word.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no word.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn word(&self, entry: &Entry) -> &str {
        let start = entry.start as usize;
        &self.text[start..start + usize::from(entry.len)]
    }

    pub(super) fn category(&self, entry: &Entry) -> Option<&str> {
        let name = &self.categories[usize::from(entry.category)];
        (!name.is_empty()).then_some(name)
    }

    /// The numbers of the lines that count: of each word the strictest.
    pub(super) fn strictest(&self) -> Vec<u32> {
        let entry = |word: u32| &self.entries[word as usize];
        let text = |word: u32| self.word(entry(word));
        let hash = |word: u32| hash(text(word).as_bytes());
        // Words themselves are compared only where their hashes are the same.
        let mut order: Vec<(u64, u32)> = (0..self.len() as u32)
            .map(|word| (hash(word), word))
            .collect();
        order.sort_unstable();
        let mut kept: Vec<u32> = Vec::with_capacity(order.len());
        for group in order.chunk_by(|one, other| one.0 == other.0) {
            let first = kept.len();
            for &(_, word) in group {
                let same = kept[first..]
                    .iter_mut()
                    .find(|kept| text(**kept) == text(word));
                match same {
                    None => kept.push(word),
                    Some(kept) => {
                        let rank = |word: u32| (entry(word).rule, entry(word).severity);
                        if rank(word) > rank(*kept) {
                            *kept = word;
                        }
                    }
                }
            }
        }
        kept
    }

    fn add_lines(&mut self, bytes: &[u8], path: &Path) -> Result<(), ListError> {
        let source = Source { bytes, path };
        let text = source.text()?;
        if self.text.len() + text.len() > MAX_BYTES {
            return Err(ListError::TooLarge {
                path: path.into(),
                found: format!("{} bytes of words", self.text.len() + text.len()),
                most: "1 GiB of all lists together",
            });
        }
        lines(text).try_for_each(|(at, line)| self.add_line(&source, at, line))
    }

    /// Compiles all expressions together, if there are more than so many.
    fn compile_all(&mut self, before: usize, path: &Path) -> Result<(), ListError> {
        if self.expressions.len() > before {
            let all = Expressions::of(self.expressions.iter().map(|it| &it.1));
            self.all_expressions = all.ok_or_else(|| ListError::TooLarge {
                path: path.into(),
                found: format!("{} regular expressions", self.expressions.len()),
                most: "as many as take 16 MiB together, compiled",
            })?;
        }
        Ok(())
    }

    /// Adds a line that begins at a byte of the file.
    fn add_line(&mut self, source: &Source<'_>, at: usize, line: &str) -> Result<(), ListError> {
        let first = line.split('\t').next().unwrap_or_default().trim();
        if expressions::is_torn(first) {
            return Err(source.error(at, format!("{first:?}"), TORN));
        }
        let expression = expressions::source(first);
        let shape = if expression.is_some() {
            &EXPRESSION
        } else {
            &WORD
        };
        let Some(line) = Line::read(source, at, line, shape)? else {
            return Ok(());
        };
        if let Some(expression) = expression {
            self.add_expression(source, at, expression)?;
        }
        let category = self.category_number(line.category).ok_or_else(|| {
            source.error(
                at,
                "one more category".to_owned(),
                "at most 65,535 categories",
            )
        })?;
        self.entries.push(Entry {
            start: self.text.len() as u32,
            len: line.text.len() as u16,
            category,
            severity: line.severity,
            rule: line.rule,
        });
        self.text.push_str(line.text);
        Ok(())
    }

    /// Adds the regular expression of the line that is next.
    fn add_expression(
        &mut self,
        source: &Source<'_>,
        at: usize,
        expression: &str,
    ) -> Result<(), ListError> {
        if self.expressions.len() == MAX_EXPRESSIONS {
            let found = "one more regular expression".to_owned();
            return Err(source.error(at, found, "at most 1,000 regular expressions"));
        }
        let expression = Expression::parse(expression);
        let expression = expression.map_err(|found| source.error(at, found, BOUNDED))?;
        self.expressions
            .push((self.entries.len() as u32, expression));
        Ok(())
    }

    fn category_number(&mut self, name: &str) -> Option<u16> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let number = self.categories.len();
        if number == MAX_CATEGORIES {
            return None;
        }
        self.categories.push(name.into());
        self.numbers.insert(name.into(), number as u16);
        Some(number as u16)
    }
}
