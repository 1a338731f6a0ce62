//! Strings that end a text.

use std::sync::Arc;

/// Watches a text that comes in pieces for strings that end it. A piece's end that may begin one
/// of them is held back.
///
/// ```
/// use cs_model::generate::StopStrings;
///
/// let ends = ["\nUser:".to_owned()];
/// let mut stop = StopStrings::new(&ends);
/// assert_eq!(stop.push("Of course.\n"), "Of course.");
/// assert_eq!(stop.push("\nUs"), "\n");
/// assert_eq!(stop.push("er: and"), "");
/// assert!(stop.is_found());
/// ```
#[derive(Debug, Clone)]
pub struct StopStrings {
    ends: Arc<[String]>,
    held: String,
    found: bool,
}

impl StopStrings {
    /// Starts to watch for these strings.
    pub fn new(ends: &[String]) -> Self {
        Self {
            ends: ends.into(),
            held: String::new(),
            found: false,
        }
    }

    /// Says whether the text held one of the strings.
    pub fn is_found(&self) -> bool {
        self.found
    }

    /// Says whether one of the strings would be found with more text.
    pub(super) fn is_found_with(&self, more: &str) -> bool {
        let text = [&self.held, more].concat();
        !self.found && self.ends.iter().any(|end| text.contains(end.as_str()))
    }

    /// Takes the next piece, and gives what surely comes before any of the strings. After one of
    /// them nothing comes.
    pub fn push(&mut self, piece: &str) -> String {
        if self.found {
            return String::new();
        }
        self.held.push_str(piece);
        let starts = self
            .ends
            .iter()
            .filter_map(|end| self.held.find(end.as_str()));
        let sure = if let Some(start) = starts.min() {
            self.found = true;
            start
        } else {
            let begun = self.ends.iter().map(|end| begun(&self.held, end));
            self.held.len() - begun.max().unwrap_or(0)
        };
        let rest = self.held.split_off(sure);
        let given = std::mem::replace(&mut self.held, rest);
        if self.found {
            self.held.clear();
        }
        given
    }

    /// Gives what was held back, as the text ends without one of the strings; after one, nothing.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Gives the length in bytes of the longest end of a text that `end` starts with.
fn begun(text: &str, end: &str) -> usize {
    let lengths = (1..end.len())
        .rev()
        .filter(|&length| end.is_char_boundary(length));
    lengths
        .into_iter()
        .find(|&length| text.ends_with(&end[..length]))
        .unwrap_or(0)
}
