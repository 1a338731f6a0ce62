//! What a prompt need not read again.

/// The longest beginning of a prompt that a sequence has too, whose keys and values a
/// [`Decoder`](super::Decoder) holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The place of the sequence among those that are held, counted from 0.
    pub sequence: usize,
    /// The number of tokens, at least one.
    pub tokens: usize,
}

impl Prefix {
    /// Finds the longest prefix of `prompt` that a sequence of `held` begins with, of equally long
    /// ones the first; `None` if there is none. The last token of the prompt is never part of it, as
    /// what comes next is computed from that token.
    ///
    /// ```
    /// use cs_model::generate::Prefix;
    ///
    /// let held: [&[u32]; 3] = [&[1, 9], &[1, 2, 3], &[1, 2, 3, 4]];
    /// let found = Prefix::longest(&[1, 2, 3, 5], held);
    /// assert_eq!(found, Some(Prefix { sequence: 1, tokens: 3 }));
    /// assert_eq!(Prefix::longest(&[1], held), None);
    /// ```
    pub fn longest<'a>(prompt: &[u32], held: impl IntoIterator<Item = &'a [u32]>) -> Option<Self> {
        let (_, before) = prompt.split_last()?;
        let mut longest = None;
        let mut least = 1;
        for (sequence, tokens) in held.into_iter().enumerate() {
            let tokens = common_prefix(before, tokens);
            if tokens >= least {
                longest = Some(Self { sequence, tokens });
                least = tokens + 1;
            }
        }
        longest
    }
}

/// Counts the tokens with which both sequences begin.
///
/// ```
/// assert_eq!(cs_model::generate::common_prefix(&[1, 2, 3], &[1, 2, 4, 5]), 2);
/// ```
pub fn common_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
