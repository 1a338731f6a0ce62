//! Texts as tokens between white space.

use std::ops::Range;

/// Gives the byte ranges of the runs between (Unicode) white space.
///
/// ```
/// use cs_data::text::whitespace_tokens;
/// assert_eq!(whitespace_tokens(" 查询 order "), [1..7, 8..13]);
/// ```
pub fn whitespace_tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (byte, char) in text.char_indices() {
        match (char.is_whitespace(), start) {
            (false, None) => start = Some(byte),
            (true, Some(from)) => {
                tokens.push(from..byte);
                start = None;
            }
            _ => {}
        }
    }
    tokens.extend(start.map(|from| from..text.len()));
    tokens
}
