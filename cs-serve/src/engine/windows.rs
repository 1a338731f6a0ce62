//! How a text longer than the model reads is cut into windows.

use std::ops::Range;

use cs_data::Encoding;
use cs_data::text::floor;

use super::config::Windows;
use crate::assistant::Assistant;
use crate::error::Result;

/// A part of a text that the model reads at once.
pub(super) struct Window {
    /// The bytes of the text that the window has.
    pub(super) bytes: Range<usize>,
    pub(super) encoding: Encoding,
}

/// Cuts a text whose beginning is `first` into windows, and gives whether they leave some of it
/// unread.
///
/// A window begins with a word, and the next one `overlap` tokens before its end, or with its last
/// word if that is longer: what the end of a window cuts in two is whole in the next. Windows of
/// nothing to read are left out; if all are, there is one that is empty.
///
/// # Errors
/// The tokenizer fails on a text.
pub(super) fn windows(
    assistant: &Assistant,
    text: &str,
    first: Encoding,
    config: Windows,
) -> Result<(Vec<Window>, bool)> {
    let overlap = config.overlap.min(assistant.bundle().max_length() / 4);
    let mut windows = Vec::new();
    let mut encoding = first;
    let mut start = Some(0);
    for _ in 0..config.most.get() {
        let Some(from) = start else { break };
        if from > 0 {
            encoding = assistant.encode(&text[from..])?;
        }
        let step = step(&text[from..], &encoding, overlap);
        let next = step.next.and_then(|next| readable(text, from + next));
        let encoding = std::mem::take(&mut encoding);
        if !encoding.is_blank() {
            let bytes = from..from + step.read;
            windows.push(Window { bytes, encoding });
        }
        start = next;
    }
    if windows.is_empty() {
        let (bytes, encoding) = (0..text.len(), assistant.encode("")?);
        windows.push(Window { bytes, encoding });
    }
    Ok((windows, start.is_some()))
}

/// The way from a window to the next.
struct Step {
    /// The number of bytes that the window reads.
    read: usize,
    /// The byte where the next window begins; `None` after the last one.
    next: Option<usize>,
}

/// Finds how far a window at the beginning of `text` goes.
fn step(text: &str, encoding: &Encoding, overlap: usize) -> Step {
    if !encoding.truncated {
        let read = text.len();
        return Step { read, next: None };
    }
    let tokens = encoding.ids.len();
    let read = encoding.offsets.iter().map(|bytes| bytes.end).max();
    let read = read.unwrap_or(0);
    if read == 0 {
        // The vocabulary knows none of it, so it is not known how far the window reaches. A byte
        // makes one token at most.
        let char = text.chars().next().map_or(0, char::len_utf8);
        let read = floor(text, tokens / 2).max(char);
        let next = Some(read);
        return Step { read, next };
    }
    let words = encoding.word_list();
    let near = words.iter().find(|word| word.first + overlap >= tokens);
    let next = near.or(words.last()).map(|word| word.range.start);
    // One word fills the window: the next one can only begin at its end.
    let next = next.filter(|&next| next > 0).or(Some(read));
    Step { read, next }
}

/// Gives the first byte from `start` on that can be read.
fn readable(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.trim_start();
    (!rest.is_empty()).then(|| text.len() - rest.len())
}
