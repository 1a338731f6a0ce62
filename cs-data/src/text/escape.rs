//! Text as markup.

/// Gives `text` for HTML, XML and SVG, within elements and within quoted attributes: `& < > " '` as
/// references, white space of any kind as a space, and what a page cannot hold as U+FFFD.
///
/// ```
/// use cs_data::text::escape_markup;
/// assert_eq!(escape_markup("<b>\n\"Tom's\"\0"), "&lt;b&gt; &quot;Tom&#39;s&quot;\u{fffd}");
/// ```
pub fn escape_markup(text: &str) -> String {
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
