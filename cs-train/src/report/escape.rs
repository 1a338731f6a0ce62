//! Labels, texts and numbers as HTML.

/// Characters of a text shown, at most.
const TEXT: usize = 300;
/// Characters of a label shown, at most.
const LABEL: usize = 60;

/// A label, whatever it holds: escaped, and kept from reversing what follows it.
pub(super) fn label(name: &str) -> String {
    format!("<bdi>{}</bdi>", shortened(name, LABEL))
}

/// A row's text, likewise.
pub(super) fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", shortened(text, TEXT))
}

/// A share in percent, without its sign.
pub(super) fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$}", 100.0 * share)
}

/// Escaped, of at most `limit` characters.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    let mut short: String = text.chars().take(limit).collect();
    if text.chars().nth(limit).is_some() {
        short.pop();
        short.push('…');
    }
    escape(&short)
}

/// For HTML and SVG, in text and in attributes. What a page cannot hold becomes U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
