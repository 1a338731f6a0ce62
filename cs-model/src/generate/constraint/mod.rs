//! What a continuation has to be: one of some choices, or a match of a regular expression.

mod automaton;
mod choices;
mod lexicon;
mod pattern;

use std::sync::Arc;

use cs_data::TokenBytes;

use crate::error::{Error, Result};

use choices::Choices;
use pattern::Pattern;

/// A condition on the whole text of a continuation, which rules out each token after which no text
/// could meet it, and the end before it is met. A clone shares what was computed for it.
///
/// ```
/// use cs_model::generate::Constraint;
///
/// // Tokens 3 4, or 3 4 5.
/// let constraint = Constraint::choices(&[vec![3, 4], vec![3, 4, 5]])?;
/// let mut scores = [0.0; 7];
/// constraint.apply(&[3, 4], &[6], &mut scores);
/// let open: Vec<usize> = (0..7).filter(|&token| scores[token].is_finite()).collect();
/// assert_eq!(open, [5, 6]); // 6 ends
/// assert!(Constraint::choices(&[]).is_err());
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Constraint(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Choices(Arc<Choices>),
    Pattern(Arc<Pattern>),
}

impl Constraint {
    /// Makes the condition that a continuation is one of these sequences of tokens.
    ///
    /// # Errors
    /// No choice, or an empty one.
    pub fn choices(choices: &[Vec<u32>]) -> Result<Self> {
        Ok(Self(Kind::Choices(Arc::new(Choices::new(choices)?))))
    }

    /// Makes the condition that all of a text matches a regular expression, in the syntax of the
    /// crate `regex`, without look-around but `\b` by ASCII. `tokens` are the bytes of each token,
    /// by its id.
    ///
    /// Takes time and memory in proportion to the states of the expression's automaton, at most
    /// 16 MB; each step then takes time in proportion to the vocabulary.
    ///
    /// # Errors
    /// [`Error::Field`] for an expression that is none, that is too large, that no text matches, or
    /// whose matches the tokens cannot begin.
    pub fn regex(expression: &str, tokens: Vec<Option<TokenBytes>>) -> Result<Self> {
        let pattern = Pattern::new(expression, tokens)?;
        Ok(Self(Kind::Pattern(Arc::new(pattern))))
    }

    /// Rules out every token but those that may follow after `generated`, by negative infinity;
    /// those of `ends` may if the condition is met.
    pub fn apply(&self, generated: &[u32], ends: &[u32], scores: &mut [f32]) {
        let mut open = Open {
            scores,
            kept: Vec::new(),
        };
        let is_met = match &self.0 {
            Kind::Choices(choices) => choices.follow(generated, &mut open),
            Kind::Pattern(pattern) => pattern.follow(generated, &mut open),
        };
        if is_met {
            ends.iter().for_each(|&end| open.keep(end));
        }
        open.rule_out_others();
    }

    /// Checks that every token of the condition is one of a vocabulary.
    pub(super) fn validate(&self, vocab_size: usize) -> Result<()> {
        let most = match &self.0 {
            Kind::Choices(choices) => choices.last_token(),
            Kind::Pattern(pattern) => pattern.last_token(),
        };
        match most.filter(|&token| token as usize >= vocab_size) {
            None => Ok(()),
            Some(token) => {
                let known = format!("tokens less than the vocabulary's {vocab_size}");
                Err(Error::field(
                    "constraint",
                    format!("one with token {token}"),
                    known,
                ))
            }
        }
    }
}

/// The scores of the tokens that may come next.
struct Open<'a> {
    scores: &'a mut [f32],
    kept: Vec<(usize, f32)>,
}

impl Open<'_> {
    fn keep(&mut self, token: u32) {
        if let Some(&score) = self.scores.get(token as usize) {
            self.kept.push((token as usize, score));
        }
    }

    fn rule_out_others(self) {
        self.scores.fill(f32::NEG_INFINITY);
        for (token, score) in self.kept {
            self.scores[token] = score;
        }
    }
}
