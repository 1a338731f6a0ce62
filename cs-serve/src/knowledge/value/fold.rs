//! Characters that differ in form and not in meaning.

/// Gives the common form of a character: half width, lower case, plain brackets and dashes. A
/// character stays one, so that places in a text stay what they are.
///
/// ```
/// use cs_serve::knowledge::value::fold;
///
/// assert_eq!("１５：３０～Ａ（x）".chars().map(fold).collect::<String>(), "15:30-a(x)");
/// ```
#[must_use]
pub fn fold(c: char) -> char {
    match c {
        '\u{ff5e}' | '〜' | '~' | '—' | '–' | '−' | '‐' | '‑' | '―' | '\u{ff0d}' => {
            '-'
        }
        '\u{3000}' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\t' => ' ',
        '【' | '〔' | '[' | '［' => '(',
        '】' | '〕' | ']' | '］' => ')',
        '“' | '”' | '「' | '」' | '『' | '』' | '《' | '》' => '"',
        '‘' | '’' => '\'',
        '•' | '・' | '‧' => '·',
        '￥' => '¥',
        '\u{ff01}'..='\u{ff5d}' => char::from_u32(u32::from(c) - 0xfee0).map_or(c, fold_case),
        _ => fold_case(c),
    }
}

fn fold_case(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Says whether a character is white space or punctuation, which tell no text from another.
pub(in crate::knowledge) fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || ('\u{3000}'..='\u{303f}').contains(&c)
        || ('\u{2010}'..='\u{203f}').contains(&c)
        || "，、。；！？·".contains(c)
}

/// Says whether two texts have the same letters and digits in the same order.
///
/// ```
/// use cs_serve::knowledge::value::same_text;
///
/// assert!(same_text("北四环中路27号，盘古大观", "北四环中路２７号 盘古大观"));
/// assert!(!same_text("北四环中路27号", "北四环中路29号"));
/// ```
#[must_use]
pub fn same_text(one: &str, other: &str) -> bool {
    fn bare(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().map(fold).filter(|&c| !is_filler(c))
    }
    bare(one).eq(bare(other))
}

/// Gives the end of `word` if the text goes on with it at a character.
pub(super) fn after(text: &[char], at: usize, word: &str) -> Option<usize> {
    let mut end = at;
    for c in word.chars() {
        if text.get(end) != Some(&c) {
            return None;
        }
        end += 1;
    }
    let in_word = |c: Option<&char>| c.is_some_and(char::is_ascii_alphabetic);
    let cut = in_word(text[..end].last()) && in_word(text.get(end));
    (!cut).then_some(end)
}

/// Gives the end of the first of `words` with which the text goes on.
pub(super) fn after_any(text: &[char], at: usize, words: &[&str]) -> Option<usize> {
    words.iter().find_map(|word| after(text, at, word))
}

/// Gives the first character from `at` on that is no space.
pub(super) fn skip_spaces(text: &[char], mut at: usize) -> usize {
    while text.get(at) == Some(&' ') {
        at += 1;
    }
    at
}

/// Says whether a word of letters, a number or a telephone number would be cut in two before a
/// character.
pub(super) fn is_inside_word(text: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|it| text.get(it));
    before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '#' | '_'))
}
