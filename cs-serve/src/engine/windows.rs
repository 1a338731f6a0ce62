//! How a text longer than the model reads is cut into windows.

use std::ops::Range;

use cs_data::Encoding;
use cs_data::text::floor;

use super::config::Windows;
use crate::assistant::Assistant;
use crate::error::Result;

/// What the model reads at once of a text.
pub(super) struct Window {
    /// Its bytes.
    pub(super) bytes: Range<usize>,
    pub(super) encoding: Encoding,
}

/// The windows of a text whose beginning is `first`, and whether they leave some of it unread.
///
/// A window begins with a word, and the next one `overlap` tokens before its end, or with its last
/// word if that is longer: what the end cut in two is whole in the next. Windows of nothing to read
/// are left out; if all are, there is one that is empty.
///
/// # Errors
/// A text that the tokenizer fails on.
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

/// From a window to the next.
struct Step {
    /// Bytes that the window reads.
    read: usize,
    /// Where the next one begins, if the window is not the last.
    next: Option<usize>,
}

/// How far a window of the beginning of `text` goes.
fn step(text: &str, encoding: &Encoding, overlap: usize) -> Step {
    if !encoding.truncated {
        let read = text.len();
        return Step { read, next: None };
    }
    let tokens = encoding.ids.len();
    let read = encoding.offsets.iter().map(|bytes| bytes.end).max();
    let read = read.unwrap_or(0);
    if read == 0 {
        // Nothing that the vocabulary knows, nobody knows how far: a byte makes a token at most.
        let char = text.chars().next().map_or(0, char::len_utf8);
        let read = floor(text, tokens / 2).max(char);
        let next = Some(read);
        return Step { read, next };
    }
    let words = encoding.word_list();
    let near = words.iter().find(|word| word.first + overlap >= tokens);
    let next = near.or(words.last()).map(|word| word.range.start);
    // One word over all of the window: there is no other place than its end.
    let next = next.filter(|&next| next > 0).or(Some(read));
    Step { read, next }
}

/// The first byte from `start` on that can be read.
fn readable(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?.trim_start();
    (!rest.is_empty()).then(|| text.len() - rest.len())
}
