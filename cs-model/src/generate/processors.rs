//! What is done to scores before a token is chosen, in the order of `transformers`.

use std::sync::Arc;

use super::config::GenerateConfig;
use super::constraint::Constraint;
use super::ranking::log_softmax;

/// The settings that change scores, for one prompt.
#[derive(Debug, Clone)]
pub(super) struct Processors {
    pub(super) config: Arc<GenerateConfig>,
    pub(super) prompt_length: usize,
    /// What an encoder read, or the prompt, if settings ask for it.
    pub(super) source: Vec<u32>,
    pub(super) constraint: Option<Constraint>,
}

impl Processors {
    /// Changes the scores of the tokens that may follow a prompt and what was generated after it.
    pub(super) fn apply(&self, history: &[u32], scores: &mut [f32]) {
        let config = &*self.config;
        let generated = history.len() - self.prompt_length;
        if config.repetition_penalty != 1.0 {
            penalise(scores, history, config.repetition_penalty as f32);
        }
        if config.no_repeat_ngram_size > 0 {
            ban_ngrams(scores, history, history, config.no_repeat_ngram_size);
        }
        if config.encoder_no_repeat_ngram_size > 0 {
            ban_ngrams(
                scores,
                &self.source,
                history,
                config.encoder_no_repeat_ngram_size,
            );
        }
        for word in &config.bad_words_ids {
            ban_ngrams(scores, word, history, word.len());
        }
        if generated < config.min_new_tokens {
            ban(scores, &config.eos_token_id);
        }
        if let (Some(token), 1) = (config.forced_bos_token_id, history.len()) {
            force(scores, token);
        }
        if let Some(token) = config.forced_eos_token_id
            && generated + 1 == config.max_new_tokens
        {
            force(scores, token);
        }
        ban(scores, &config.suppress_tokens);
        if generated == self.first_free() {
            ban(scores, &config.begin_suppress_tokens);
        }
        if let (Some(constraint), Some(generated)) =
            (&self.constraint, generated.checked_sub(self.first_free()))
        {
            let generated = &history[history.len() - generated..];
            constraint.apply(generated, &config.eos_token_id, scores);
        }
        if config.renormalize_logits {
            log_softmax(scores);
        }
    }

    /// Gives the number of tokens that are generated before the first that is not forced.
    fn first_free(&self) -> usize {
        usize::from(self.config.forced_bos_token_id.is_some() && self.prompt_length == 1)
    }
}

/// Divides the scores of tokens that were there by the penalty if they are positive, and multiplies
/// them if they are negative.
fn penalise(scores: &mut [f32], history: &[u32], penalty: f32) {
    let mut tokens = history.to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    for token in tokens {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = if *score < 0.0 {
                *score * penalty
            } else {
                *score / penalty
            };
        }
    }
}

/// Rules out each token with which the history would end in an n-gram of these tokens.
fn ban_ngrams(scores: &mut [f32], tokens: &[u32], history: &[u32], size: usize) {
    let Some(first) = (history.len() + 1).checked_sub(size) else {
        return;
    };
    let start = &history[first..];
    for ngram in tokens.windows(size) {
        if let Some((&last, before)) = ngram.split_last()
            && before == start
        {
            ban(scores, &[last]);
        }
    }
}

fn ban(scores: &mut [f32], tokens: &[u32]) {
    for &token in tokens {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = f32::NEG_INFINITY;
        }
    }
}

/// Rules out every token but one.
fn force(scores: &mut [f32], token: u32) {
    scores.fill(f32::NEG_INFINITY);
    if let Some(score) = scores.get_mut(token as usize) {
        *score = 0.0;
    }
}
