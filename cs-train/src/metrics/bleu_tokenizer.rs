//! sacrebleu's tokenizers, character by character.

use serde::{Deserialize, Serialize};

/// How a text is cut into the tokens that BLEU counts.
///
/// ```
/// use cs_train::metrics::BleuTokenizer;
///
/// assert_eq!(BleuTokenizer::V13a.tokens("It's 3.5, OK?"), ["It's", "3.5", ",", "OK", "?"]);
/// assert_eq!(BleuTokenizer::Zh.tokens("订单12已发货。"), ["订", "单", "12", "已", "发", "货", "。"]);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BleuTokenizer {
    /// sacrebleu's default, `13a`, that of mteval-v13a: punctuation apart, for languages with
    /// spaces.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// `zh`: each Chinese character a token, the rest as in `13a`.
    #[serde(rename = "zh")]
    Zh,
}

impl BleuTokenizer {
    /// Its name in sacrebleu's signature.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::Zh => "zh",
        }
    }

    /// The tokens of a text, equal to sacrebleu's. O(characters).
    #[must_use]
    pub fn tokens(self, text: &str) -> Vec<String> {
        let text = text.trim_end_matches(is_space);
        let prepared = match self {
            Self::V13a => unescaped(text),
            Self::Zh => apart(text.trim_matches(is_space), is_chinese),
        };
        let split = apart(&prepared, is_symbol);
        let split = between(
            &split,
            |a, b| !a.is_ascii_digit() && is_stop(b),
            [false, true, true],
        );
        let split = between(
            &split,
            |a, b| is_stop(a) && !b.is_ascii_digit(),
            [true, true, false],
        );
        let split = between(
            &split,
            |a, b| a.is_ascii_digit() && b == '-',
            [false, true, true],
        );
        let tokens = split.split(is_space).filter(|token| !token.is_empty());
        tokens.map(str::to_owned).collect()
    }
}

/// `13a`'s first step: its mark of skipped segments, line breaks and SGML's entities.
fn unescaped(text: &str) -> String {
    let text = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&");
    format!(" {} ", text.replace("&lt;", "<").replace("&gt;", ">"))
}

/// Spaces around each character that `is_token`.
fn apart(text: &str, is_token: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if is_token(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Puts spaces before, between and after each two neighbours that `matches` takes. As in Python's
/// `re.sub`, what one match consumed is not looked at again.
fn between(text: &str, matches: impl Fn(char, char) -> bool, spaces: [bool; 3]) -> String {
    let mut out = String::with_capacity(2 * text.len());
    let mut chars = text.chars().peekable();
    let [before, middle, after] = spaces.map(|space| space.then_some(' '));
    while let Some(first) = chars.next() {
        match chars.next_if(|&second| matches(first, second)) {
            Some(second) => {
                out.extend(before);
                out.push(first);
                out.extend(middle);
                out.push(second);
                out.extend(after);
            }
            None => out.push(first),
        }
    }
    out
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | ',')
}

fn is_symbol(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

/// What Python's `str.split` and `str.strip` call white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// sacrebleu's table. It means to list the ideographs of planes 1 and 2 but writes them as
/// `\u20000`, which Python reads as two characters; what comes of it is U+2001 to U+2A6D and
/// U+2F81 to U+2FA1, kept here so that the scores are equal.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4db5}' | '\u{4e00}'..='\u{9fa5}' | '\u{9fa6}'..='\u{9fbb}'
        | '\u{f900}'..='\u{fa2d}' | '\u{fa30}'..='\u{fa6a}' | '\u{fa70}'..='\u{fad9}'
        | '\u{2001}'..='\u{2a6d}' | '\u{2f81}'..='\u{2fa1}'
        | '\u{ff00}'..='\u{ffef}' | '\u{2e80}'..='\u{2eff}' | '\u{3000}'..='\u{303f}'
        | '\u{31c0}'..='\u{31ef}' | '\u{2f00}'..='\u{2fdf}' | '\u{2ff0}'..='\u{2fff}'
        | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{fe10}'..='\u{fe1f}'
        | '\u{fe30}'..='\u{fe4f}'
        | '\u{3200}'..='\u{32ff}' | '\u{3300}'..='\u{33ff}')
}
