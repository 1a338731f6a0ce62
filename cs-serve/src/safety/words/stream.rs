//! Texts that come in pieces.

use std::sync::Arc;

use super::expressions::folded;
use super::filter::{Filter, Filtered};
use super::found::resolved;
use super::matching::MAX_GAP;

/// The most characters that have been let out and still say what stands before the next one, unseen ones aside.
const CONTEXT: usize = 16;

/// Filters a text that comes in pieces, and lets out of it what no word that may still come can forbid. What
/// has come out in the end is what [`Filter::filter`] makes of the whole text, wherever it was cut.
///
/// It keeps back what may be the beginning of a word, in whatever disguise, and otherwise the last two characters; at
/// most what the longest word may take up, of which 16 characters in a row are not seen.
///
/// ```
/// use std::sync::Arc;
/// use cs_serve::safety::words::{Filter, FilterConfig, Stream, WordList};
///
/// let mut words = WordList::new();
/// words.add("rascal".as_bytes(), "words.tsv".as_ref())?;
/// let mut stream = Stream::new(Arc::new(Filter::new(words, FilterConfig::default())));
///
/// assert_eq!(stream.push("What a ras").masked, "What a ");
/// assert_eq!(stream.push("-c").masked, "");
/// assert_eq!(stream.push("-al! ").masked, "");
/// assert_eq!(stream.push("Is it").masked, "********! Is ");
/// assert_eq!(stream.finish().masked, "it");
/// # Ok::<(), cs_serve::safety::ListError>(())
/// ```
#[derive(Debug)]
pub struct Stream {
    filter: Arc<Filter>,
    /// What has been let out last, and what is kept back.
    text: String,
    /// The number of bytes of the former.
    out: usize,
    /// The number of characters that came before.
    before: usize,
}

impl Stream {
    /// Begins a text.
    #[must_use]
    pub fn new(filter: Arc<Filter>) -> Self {
        Self {
            filter,
            text: String::new(),
            out: 0,
            before: 0,
        }
    }

    /// Takes a piece, and gives what may be let out: as `masked`, with the words in it, whose places are those in the
    /// whole text, and what they demand.
    pub fn push(&mut self, piece: &str) -> Filtered {
        self.text.push_str(piece);
        self.let_out(false)
    }

    /// Ends the text, and gives the rest of it.
    #[must_use]
    pub fn finish(mut self) -> Filtered {
        self.let_out(true)
    }

    fn let_out(&mut self, is_over: bool) -> Filtered {
        let mut found = self.filter.search(&self.text);
        found.retain(|found| found.place.start >= self.out);
        let mut end = match is_over {
            true => self.text.len(),
            false => self.filter.settled(&self.text, self.out),
        };
        // What is let out ends in no word.
        while let Some(across) = found
            .iter()
            .find(|found| found.place.start < end && found.place.end > end)
        {
            end = across.place.start;
        }
        found.retain(|found| found.place.end <= end);
        let mut told = self.filter.told(&self.text[..end], &resolved(found));
        told.masked.drain(..self.out);
        for hit in &mut told.hits {
            hit.start += self.before;
            hit.end += self.before;
        }
        let dropped = context(&self.text[..end]);
        self.before += self.text[..dropped].chars().count();
        self.text.drain(..dropped);
        self.out = end - dropped;
        told
    }
}

/// Gives where what has been let out still says what stands before its end: there are so many characters that are seen from
/// there on, or so many in a row that are not that they part what they stand between.
fn context(out: &str) -> usize {
    let (mut seen, mut unseen) = (0, 0);
    for (at, char) in out.char_indices().rev() {
        match folded(char) {
            Some(_) => (seen, unseen) = (seen + 1, 0),
            None => unseen += 1,
        }
        if seen == CONTEXT || unseen > MAX_GAP {
            return at;
        }
    }
    0
}
