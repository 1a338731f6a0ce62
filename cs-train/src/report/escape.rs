//! Labels, texts and numbers as HTML.

use cs_data::text::escape_markup;

/// Characters of a text shown, at most.
const TEXT: usize = 300;
/// Characters of a label shown, at most.
const LABEL: usize = 60;

/// A label, whatever it holds: escaped, and kept from reversing what follows it.
pub(super) fn label(name: &str) -> String {
    format!("<bdi>{}</bdi>", shortened(name, LABEL))
}

/// A row's text, escaped, and kept from reversing what follows it.
pub(super) fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", shortened(text, TEXT))
}

/// A share in percent, without its sign.
pub(super) fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$}", 100.0 * share)
}

/// The text, escaped, of at most `limit` characters.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).collect();
    if text.chars().nth(limit).is_some() {
        short.pop();
        short.push('…');
    }
    escape_markup(&short)
}
