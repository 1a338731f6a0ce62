//! Lists of prohibited texts, as people write them.

use std::path::Path;

use super::super::action::{Action, Severity};
use super::super::error::ListError;
use super::super::line::{Line, Rule, Shape, Source, lines};

/// What a line of a list of prohibited texts has to be.
const TEXT: Shape = Shape {
    what: "text",
    max_chars: 2_000,
    expected: "a text of 1 to 2,000 characters",
    columns: "text, category, severity and action",
    action: Action::Block,
};

/// The most texts: a look compares with all of them.
const MOST: usize = 100_000;

/// A prohibited text, and what it means for those that are like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemplarText {
    /// The text.
    pub text: String,
    /// What it is about, if the list has a category for it.
    pub category: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is to be done with a text that is like it.
    pub action: Action,
}

/// Texts that are prohibited, and texts that are like them and fine: mentions that are negated, quoted or reported.
///
/// A line is `text⇥category⇥severity⇥action`, as in a [list of words](crate::safety::words::WordList), all but the text
/// optional: no category, severity 1, and `block`. A text whose action is `allow` is fine. None is
/// masked, as it is the whole of a text that is like a prohibited one.
///
/// ```
/// use cs_serve::safety::meaning::ExemplarList;
///
/// let lines = "I know where you live\tthreat\thigh\nHe said that he knows where I live\t\t\tallow\n";
/// let list = ExemplarList::read(lines.as_bytes(), "exemplars.tsv".as_ref())?;
/// assert_eq!(list.prohibited[0].category.as_deref(), Some("threat"));
/// assert_eq!(list.fine, ["He said that he knows where I live"]);
/// # Ok::<(), cs_serve::safety::ListError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExemplarList {
    /// What is prohibited.
    pub prohibited: Vec<ExemplarText>,
    /// What is fine.
    pub fine: Vec<String>,
}

impl ExemplarList {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`ListError::List`] for bytes that are no UTF-8, a text that is missing or too long, an unknown severity, an action
    /// that is unknown or `mask`, or a fifth column; [`ListError::TooLarge`] for more than 100,000 texts.
    pub fn read(bytes: &[u8], path: &Path) -> Result<Self, ListError> {
        let source = Source { bytes, path };
        let mut list = Self::default();
        for (at, line) in lines(source.text()?) {
            let Some(line) = Line::read(&source, at, line, &TEXT)? else {
                continue;
            };
            let action = match line.rule {
                Rule::Allow => {
                    list.fine.push(line.text.to_owned());
                    continue;
                }
                Rule::Act(Action::Mask) => {
                    let found = "the action \"mask\"".to_owned();
                    return Err(source.error(at, found, "pass, review, block or allow"));
                }
                Rule::Act(action) => action,
            };
            list.prohibited.push(ExemplarText {
                text: line.text.to_owned(),
                category: (!line.category.is_empty()).then(|| line.category.to_owned()),
                severity: line.severity,
                action,
            });
        }
        let texts = list.prohibited.len() + list.fine.len();
        if texts > MOST {
            return Err(ListError::TooLarge {
                path: path.into(),
                found: format!("{texts} texts"),
                most: "100,000 texts",
            });
        }
        Ok(list)
    }
}
