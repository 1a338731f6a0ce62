//! What stands in a masked text in the place of a value.

use super::kind::Kind;

/// The number of characters of a tag: 80 bits, five a character.
pub(super) const TAG: usize = 16;

/// The fewest letters of a tag, so that no number is taken for one; there are fewer in one of ten
/// million.
const FEWEST_LETTERS: usize = 4;

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
    let (name, rest) = text.strip_prefix('<')?.get(..TAG + 12).map_or_else(
        || text[1..].split_once(':'),
        |it| {
            it.split_once(':')
                .map(|(name, _)| (name, &text[name.len() + 2..]))
        },
    )?;
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
