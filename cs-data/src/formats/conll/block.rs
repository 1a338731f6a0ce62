//! The lines of one sentence.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::file::shown;
use crate::formats::comments;
use crate::formats::row_reader::{Line, LineSource};

use super::tokens;

/// The lines of one sentence. Ranges are bytes of `raw`.
#[derive(Default)]
pub(crate) struct Block {
    /// Each line with a line feed.
    pub(crate) raw: String,
    /// Number of the first line, from 1.
    pub(crate) first: usize,
    pub(crate) items: Vec<Item>,
    /// Whether a comment above tells the text.
    pub(crate) says_text: bool,
    /// After a sentence in one line.
    pub(crate) intent: Option<Range<usize>>,
}

pub(crate) struct Item {
    pub(crate) token: Range<usize>,
    pub(crate) tag: Range<usize>,
}

/// The comments of a sentence.
pub(crate) struct Comments<'a> {
    pub(crate) values: Vec<CommentValue>,
    /// Those with no known key.
    pub(crate) others: Vec<&'a str>,
}

/// A known key, and where its value stands in the sentence's lines.
pub(crate) struct CommentValue {
    pub(crate) key: &'static str,
    pub(crate) range: Range<usize>,
}

fn moved(range: Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

impl Block {
    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Takes over the current line and says where it begins in `raw`.
    pub(crate) fn push(&mut self, lines: &LineSource) -> usize {
        if self.is_empty() {
            self.first = lines.number();
        }
        let start = self.raw.len();
        self.raw.push_str(lines.line());
        self.raw.push('\n');
        start
    }

    pub(crate) fn push_items(&mut self, lines: &LineSource, items: Vec<Item>) {
        let start = self.push(lines);
        self.items.extend(items.into_iter().map(|item| Item {
            token: moved(item.token, start),
            tag: moved(item.tag, start),
        }));
        let end = self.items.last().map_or(start, |item| item.tag.end);
        if let Some(intent) = self.raw[end..].strip_prefix(INTENT_MARK).map(str::trim)
            && !intent.is_empty()
            && intent != "<NULL>"
        {
            let at = end
                + INTENT_MARK.len()
                + self.raw[end + INTENT_MARK.len()..]
                    .find(intent)
                    .unwrap_or(0);
            self.intent = Some(at..at + intent.len());
        }
    }

    /// An error at a byte of the lines.
    pub(crate) fn error(
        &self,
        lines: &LineSource,
        at: usize,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        let at = at.min(self.raw.trim_end_matches('\n').len());
        let before = self.raw.get(..at).unwrap_or(&self.raw);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let number = self.first + before.matches('\n').count();
        let line = Line {
            number,
            text: &self.raw[start..],
        };
        lines.error_in(line, at - start, found, expected)
    }

    /// The known keys with the positions of their values, and the other comments.
    pub(crate) fn comments(&self, lines: &LineSource) -> Result<Comments<'_>> {
        let mut values: Vec<CommentValue> = Vec::new();
        let mut others = Vec::new();
        let end = self
            .items
            .first()
            .map_or(self.raw.len(), |item| item.token.start);
        let mut at = 0;
        for line in self.raw[..end].split_inclusive('\n') {
            let start = at;
            at += line.len();
            let line = line.trim_end();
            if let Some((key, value)) = comments::key_value(line) {
                if values.iter().any(|value| value.key == key) {
                    return Err(self.error(lines, start, format!("{key} again"), "it once"));
                }
                let end = start + line.len();
                let range = end - value.len()..end;
                values.push(CommentValue { key, range });
            } else if line.starts_with('#') {
                others.push(line);
            }
        }
        Ok(Comments { values, others })
    }

    /// The text and the positions of the tokens in it.
    pub(crate) fn text(
        &self,
        lines: &LineSource,
        values: &[CommentValue],
    ) -> Result<(String, Vec<Range<usize>>)> {
        let words: Vec<&str> = self
            .items
            .iter()
            .map(|item| &self.raw[item.token.clone()])
            .collect();
        let Some(text) = values.iter().find(|value| value.key == "text") else {
            if words.is_empty() {
                return Err(self.error(lines, 0, "comments alone", "a token and its tag below"));
            }
            return Ok(tokens::join(&words));
        };
        let range = &text.range;
        let plain = &self.raw[range.clone()];
        let meant = comments::meant(plain);
        match tokens::locate(&meant, &words) {
            Ok(places) => Ok((meant, places)),
            // Quotation marks may be part of the text.
            Err(at) => match tokens::locate(plain, &words) {
                Ok(places) => Ok((plain.to_owned(), places)),
                Err(_) => {
                    let place = self
                        .items
                        .get(at)
                        .map_or(range.start, |item| item.token.start);
                    let found = words
                        .get(at)
                        .map_or("text without a token".into(), |token| shown(token));
                    Err(self.error(lines, place, found, "the tokens of \"# text\" in order"))
                }
            },
        }
    }
}

/// Whether a line above a sentence is a comment without a known key. `#` may also be a token.
pub(crate) fn is_other_comment(line: &str) -> bool {
    let last = line.rsplit([' ', '\t']).next();
    line.starts_with('#') && !last.is_some_and(is_tag)
}

fn is_tag(text: &str) -> bool {
    let prefixed = text.split_once('-');
    text == "O"
        || prefixed.is_some_and(|(prefix, label)| {
            !label.is_empty() && matches!(prefix, "B" | "I" | "E" | "S" | "L" | "U" | "M")
        })
}

const INTENT_MARK: &str = " <=> ";

/// Whether a line is `token:tag token:tag`.
pub(crate) fn is_sentence(line: &str) -> bool {
    let items = line
        .rsplit_once(INTENT_MARK)
        .map_or(line, |(items, _)| items);
    let last = items
        .trim_end()
        .rsplit([' ', '\t'])
        .next()
        .unwrap_or_default();
    let tag = last.rsplit_once(':').map(|(_, tag)| tag);
    !is_tag(last) && tag.is_some_and(is_tag)
}

/// Whether a line is a token and its tag, or a sentence of such pairs.
pub(crate) fn is_tagged(line: &str) -> bool {
    let last = line.trim_end().rsplit([' ', '\t']).next();
    let has_token = line.trim().contains([' ', '\t']);
    is_sentence(line) || has_token && last.is_some_and(is_tag)
}

/// The items of a line of pairs. What has no colon becomes a tag, and is refused as one.
pub(crate) fn pairs(line: &str) -> Vec<Item> {
    let items = line
        .rsplit_once(INTENT_MARK)
        .map_or(line, |(items, _)| items);
    let mut found = Vec::new();
    let mut start = 0;
    for piece in items.split(' ') {
        let end = start + piece.len();
        if !piece.is_empty() {
            let colon = piece.rfind(':').filter(|at| *at > 0);
            found.push(Item {
                token: start..start + colon.unwrap_or(0),
                tag: colon.map_or(start, |at| start + at + 1)..end,
            });
        }
        start = end + 1;
    }
    found
}

/// The first and the last column of a line; where there is only one, its end.
pub(crate) fn columns(line: &str) -> Result<Item, usize> {
    let separator = if line.contains('\t') { '\t' } else { ' ' };
    let end = line.trim_end_matches(separator).len();
    let start = if separator == ' ' {
        end - line[..end].trim_start_matches(' ').len()
    } else {
        0
    };
    let token = start..start + line[start..end].find(separator).ok_or(start)?;
    let tag = line[..end].rfind(separator).map_or(end, |at| at + 1)..end;
    if token.is_empty() {
        return Err(start);
    }
    Ok(Item { token, tag })
}
