//! A customer's text, as values are looked for in it.

use cs_model::Entity;

use super::super::words;
use super::claims::Claim;
use super::free_text;

/// As much of a text is heard, in characters: who needs more writes a letter, not a value.
const MOST_CHARS: usize = 2_000;

/// A text, and what was found in it.
pub(super) struct Text<'a> {
    /// As it was said.
    pub(super) cut: String,
    /// In half width.
    pub(super) half: String,
    /// In lower case, too.
    pub(super) folded: String,
    pub(super) entities: &'a [Entity],
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &str, entities: &'a [Entity]) -> Self {
        let cut: String = text.chars().take(MOST_CHARS).collect();
        Self {
            half: cut.chars().map(half_width).collect(),
            folded: words::folded(&cut),
            cut,
            entities,
        }
    }
}

impl Text<'_> {
    /// Marks the claims that the text says are not the ones: "not 12345, 54321".
    pub(super) fn deny(&self, claims: &mut [Claim]) {
        let chars: Vec<char> = self.folded.chars().collect();
        let ends_part = |c: &char| matches!(c, ',' | '.' | ';' | '!' | '?' | '。' | '、' | '\n');
        let mut before = 0;
        for at in 0..claims.len() {
            let (start, end) = (
                claims[at].start.min(chars.len()),
                claims[at].end.min(chars.len()),
            );
            let from = before.min(start);
            let part = chars[from..start]
                .iter()
                .rposition(ends_part)
                .map_or(from, |place| from + place + 1);
            let next = claims.get(at + 1).map_or(chars.len(), |it| it.start);
            let next = next.clamp(end, chars.len());
            let after = chars[end..next]
                .iter()
                .position(ends_part)
                .map_or(next, |place| end + place);
            let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
            claims[at].is_denied =
                words::denies(&text(part, start)) || words::refutes(&text(end, after));
            before = end;
        }
    }

    /// Marks the claims that are said beside another value of their slot: "A1 and A2", "A2 too".
    pub(super) fn join(&self, claims: &mut [Claim]) {
        for at in 0..claims.len() {
            let (before, rest) = claims.split_at_mut(at);
            let Some((claim, after)) = rest.split_first_mut() else {
                return;
            };
            let next = after.first().map_or(usize::MAX, |next| next.start);
            let following = self.folded_slice(claim.end, next);
            let (leading, is_beside) = match before.last() {
                Some(before) => {
                    let between = self.folded_slice(before.end, claim.start);
                    let joins = before.slot == claim.slot && words::joins(&between);
                    (between, joins)
                }
                None => (self.until(claim.start), false),
            };
            claim.is_joined = is_beside || words::adds(&leading, &following);
            // "Neither A1 nor A2", but not "not A1, A2".
            let is_denied = before.last().is_some_and(|before| before.is_denied);
            claim.is_denied |= is_beside && is_denied && words::joins_by_word(&leading);
        }
    }

    /// A correction of a part of a value: what the text says beside yes, no and the like.
    pub(super) fn amends(&self, value: &str) -> Option<String> {
        let start = self.folded[..words::unframed(&self.folded)].chars().count();
        let said = self.slice(start, self.cut.chars().count());
        let is_value = free_text::is_value(&said) && !words::ends_in_yes(&self.folded);
        is_value.then(|| free_text::amended(value, &said)).flatten()
    }

    /// Whether a claim has nothing but what stands beside values around it, between two pieces of punctuation.
    pub(super) fn stands_alone(&self, claim: &Claim) -> bool {
        let ends_part = |c: &char| !(c.is_alphanumeric() || *c == ' ');
        let before: Vec<char> = self.folded.chars().take(claim.start).collect();
        let start = before.iter().rposition(ends_part).map_or(0, |at| at + 1);
        let after: String = self
            .folded
            .chars()
            .skip(claim.end)
            .take_while(|c| !ends_part(c))
            .collect();
        let before: String = before[start..].iter().collect();
        words::is_framing(&format!("{before},{after}"))
    }

    /// Where a text from `start` on ends whose next value is at `value`: before the words that lead to that.
    pub(super) fn before_value(&self, start: usize, value: usize) -> usize {
        let text = self.folded_slice(start, value);
        start + text[..words::without_frame(&text)].chars().count()
    }

    /// A piece of the text as it was said, by characters, without the blanks around it.
    pub(super) fn slice(&self, start: usize, end: usize) -> String {
        let piece: String = self
            .cut
            .chars()
            .skip(start)
            .take(end.saturating_sub(start))
            .collect();
        piece.trim().to_owned()
    }

    fn folded_slice(&self, start: usize, end: usize) -> String {
        self.folded
            .chars()
            .skip(start)
            .take(end.saturating_sub(start))
            .collect()
    }

    pub(super) fn until(&self, end: usize) -> String {
        self.folded_slice(0, end)
    }

    /// The folded text without these pieces.
    pub(super) fn without(&self, claims: &[Claim]) -> String {
        let is_in = |at: usize| claims.iter().any(|it| (it.start..it.end).contains(&at));
        let chars = self.folded.chars().enumerate();
        chars
            .map(|(at, c)| if is_in(at) { ',' } else { c })
            .collect()
    }
}

pub(super) fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}
