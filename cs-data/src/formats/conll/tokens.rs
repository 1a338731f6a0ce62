//! From tokens to a text and back.

use std::ops::Range;

use crate::text::{Span, is_cjk, is_unspaced, whitespace_tokens};

/// The text of tokens without a text, and where they stand in it.
pub(crate) fn join(tokens: &[&str]) -> (String, Vec<Range<usize>>) {
    let by_character = tokens.iter().all(|token| token.chars().nth(1).is_none());
    let mut text = String::new();
    let mut places = Vec::with_capacity(tokens.len());
    for token in tokens {
        let beside = [text.chars().next_back(), token.chars().next()];
        let is_tight =
            by_character || text.is_empty() || beside.into_iter().flatten().any(is_unspaced);
        if !is_tight {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(token);
        places.push(start..text.len());
    }
    (text, places)
}

/// Where the tokens stand in `text`, with nothing but white space around them; or the first that
/// does not (one past the last if the text goes on).
pub(crate) fn locate(text: &str, tokens: &[&str]) -> Result<Vec<Range<usize>>, usize> {
    let mut at = 0;
    let mut places = Vec::with_capacity(tokens.len());
    for (index, token) in tokens.iter().enumerate() {
        while !text[at..].starts_with(token) {
            let skipped = text[at..].chars().next().filter(|c| c.is_whitespace());
            at += skipped.ok_or(index)?.len_utf8();
        }
        places.push(at..at + token.len());
        at += token.len();
    }
    if text[at..].trim().is_empty() {
        Ok(places)
    } else {
        Err(tokens.len())
    }
}

/// The runs between white space, cut at the edges of spans and around each Chinese, Japanese or
/// Korean character.
pub(crate) fn split(text: &str, spans: &[Span]) -> Vec<Range<usize>> {
    let edges = spans.iter().flat_map(|span| [span.start, span.end]);
    let mut edges = edges.peekable();
    let mut tokens = Vec::new();
    for run in whitespace_tokens(text) {
        let mut start = run.start;
        let mut after_cjk = false;
        for (at, c) in text[run.clone()].char_indices() {
            let at = run.start + at;
            while edges.next_if(|edge| *edge < at).is_some() {}
            let cut = after_cjk || is_cjk(c) || edges.peek() == Some(&at);
            if cut && at > start {
                tokens.push(start..at);
                start = at;
            }
            after_cjk = is_cjk(c);
        }
        tokens.push(start..run.end);
    }
    tokens
}
