//! Whole sentences of a text that comes in pieces.

/// The most characters of a sentence; a longer one is cut.
const LONGEST: usize = 2_000;

/// Cuts a text into parts of whole sentences, each of at most as many characters as a sentence may
/// have.
pub(super) fn parts(text: &str) -> Vec<String> {
    let mut sentences = Sentences::default();
    let mut whole = sentences.push(text);
    whole.push(sentences.rest);
    let mut parts: Vec<(String, usize)> = Vec::new();
    for sentence in whole {
        let length = sentence.chars().count();
        match parts.last_mut().filter(|it| it.1 + length <= LONGEST) {
            Some((part, before)) => {
                part.push_str(&sentence);
                *before += length;
            }
            None => parts.push((sentence, length)),
        }
    }
    parts.into_iter().map(|it| it.0).collect()
}

/// Takes a text in pieces, as a model writes it, and gives its sentences as they are complete.
///
/// ```
/// use cs_serve::knowledge::check::Sentences;
///
/// let mut sentences = Sentences::default();
/// assert!(sentences.push("票价是3").is_empty());
/// assert_eq!(sentences.push("0.5元。地址").as_slice(), ["票价是30.5元。"]);
/// assert_eq!(sentences.rest(), "地址");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sentences {
    rest: String,
    /// The number of its characters.
    length: usize,
}

impl Sentences {
    /// Takes a piece, and gives the sentences that it completes, with what ends them. A full stop
    /// ends one only before white space, as it may stand in a number.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        let mut complete = Vec::new();
        for c in piece.chars() {
            let after_stop = c.is_whitespace() && self.rest.ends_with('.');
            self.rest.push(c);
            self.length += 1;
            if after_stop || "。！？!?；;\n".contains(c) || self.length >= LONGEST {
                complete.push(std::mem::take(&mut self.rest));
                self.length = 0;
            }
        }
        complete
    }

    /// Gives what has come of a sentence that is not complete.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.rest
    }
}
