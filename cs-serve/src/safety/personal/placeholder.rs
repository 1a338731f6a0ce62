//! What stands in a masked text in the place of a value.

use super::kind::Kind;

/// The number of characters of a tag: 80 bits, five a character.
pub(super) const TAG: usize = 16;

/// The fewest letters of a tag, so that no number is taken for one; there are fewer in one of ten
/// million.
const FEWEST_LETTERS: usize = 4;

/// The most bytes of a kind's name.
const LONGEST_NAME: usize = 12;

/// Writes a placeholder, as `<MOBILE:q3jx…>`.
pub(super) fn write(kind: Kind, tag: &str, text: &mut String) {
    text.push('<');
    text.push_str(&kind.name().to_ascii_uppercase());
    text.push(':');
    text.push_str(tag);
    text.push('>');
}

/// Gives the number of bytes of a placeholder with which a text begins.
pub(super) fn length_at(text: &str) -> Option<usize> {
    let text = text.strip_prefix('<')?;
    // No kind's name is longer; the rest of a long text is not looked through.
    let colon = text
        .bytes()
        .take(LONGEST_NAME + 1)
        .position(|it| it == b':')?;
    let (name, rest) = (&text[..colon], &text[colon + 1..]);
    let is_upper = name.bytes().all(|it| it.is_ascii_uppercase() || it == b'_');
    Kind::named(name).filter(|_| is_upper)?;
    let tag = rest.get(..TAG)?;
    let is_letter = |it: u8| it.is_ascii_lowercase();
    let is_tag = tag
        .bytes()
        .all(|it| is_letter(it) || matches!(it, b'2'..=b'7'));
    let letters = tag.bytes().filter(|&it| is_letter(it)).count();
    let ends = rest[TAG..].starts_with('>');
    (is_tag && ends && letters >= FEWEST_LETTERS).then_some(name.len() + TAG + 3)
}
