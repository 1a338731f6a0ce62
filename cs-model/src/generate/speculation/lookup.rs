//! Proposals out of the text itself.

use super::Proposer;
use crate::error::Result;

/// The lengths of the ends of a text that are looked for in it, in their order.
const ENDS: [usize; 2] = [3, 2];

/// Proposes what followed in the text when it last ended as it does now, in the prompt or after it
/// ("prompt lookup": Saxena 2023, <https://github.com/apoorvumang/prompt-lookup-decoding>). Replies
/// repeat the knowledge that they are given.
#[derive(Debug)]
pub(in crate::generate) struct Lookup;

impl Proposer for Lookup {
    fn price(&self) -> f64 {
        0.0
    }

    fn propose(&mut self, texts: &[&[u32]], most: &[usize]) -> Result<Vec<Vec<u32>>> {
        let pairs = texts.iter().zip(most);
        Ok(pairs.map(|(text, &most)| lookup(text, most)).collect())
    }
}

/// Gives up to `most` tokens; where a text repeats itself up to its end, it goes on repeating.
pub(in crate::generate) fn lookup(text: &[u32], most: usize) -> Vec<u32> {
    if most == 0 {
        return Vec::new();
    }
    let found = ENDS.iter().find_map(|&length| {
        let (before, end) = text.split_at_checked(text.len().checked_sub(length)?)?;
        let all = &text[..text.len() - 1];
        let at = all.windows(length).rposition(|tokens| tokens == end)?;
        Some(before.len() - at)
    });
    let Some(period) = found else {
        return Vec::new();
    };
    let mut proposed: Vec<u32> = Vec::with_capacity(most);
    for i in 0..most {
        let token = match period.checked_sub(i + 1) {
            Some(back) => text[text.len() - 1 - back],
            None => proposed[i - period],
        };
        proposed.push(token);
    }
    proposed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_last_is_proposed() {
        assert_eq!(lookup(&[1, 2, 3, 4, 5, 9, 1, 2, 3], 2), [4, 5]);
        // The latest of two.
        assert_eq!(lookup(&[1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], 3), [5, 1, 2]);
        // Three in a row before two that came later.
        assert_eq!(lookup(&[1, 2, 3, 4, 0, 2, 3, 5, 1, 2, 3], 1), [4]);
        assert_eq!(lookup(&[2, 3, 5, 1, 2, 3], 1), [5]);
    }

    #[test]
    fn what_repeats_itself_goes_on() {
        assert_eq!(lookup(&[7, 7, 7, 7], 4), [7; 4]);
        assert_eq!(lookup(&[1, 2, 1, 2, 1, 2], 5), [1, 2, 1, 2, 1]);
        assert_eq!(lookup(&[1, 2, 5, 1, 2], 7), [5, 1, 2, 5, 1, 2, 5]);
    }

    #[test]
    fn nothing_is_proposed_of_what_never_was() {
        for text in [
            &[][..],
            &[1],
            &[1, 2],
            &[1, 1],
            &[1, 2, 3, 4],
            &[3, 1, 2, 3],
        ] {
            assert!(lookup(text, 8).is_empty(), "{text:?}");
        }
        assert!(lookup(&[1, 2, 3, 1, 2, 3], 0).is_empty());
    }
}
