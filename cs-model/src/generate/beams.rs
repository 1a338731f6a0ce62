//! Beam search, as `transformers` does it.

use std::sync::Arc;

use super::config::{EarlyStopping, GenerateConfig};
use super::latency::Latency;
use super::processors::Processors;
use super::ranking::{largest, log_softmax};
use super::search::{Continuation, Finish, Next, Scored, Search, no_token};
use super::text::Text;
use crate::error::Result;

/// What `transformers` adds to the score of a beam that shall not be chosen. A number rather than
/// infinity, so such a beam comes after all others, and yet before none.
const UNWANTED: f32 = -1e9;

/// An open beam: a sequence and its log-probability after the prompt.
#[derive(Clone)]
struct Beam<'a> {
    history: Vec<u32>,
    score: f32,
    /// The text so far, where a stop string may end it.
    text: Option<Text<'a>>,
}

/// A beam with one more token.
struct Candidate<'a> {
    source: usize,
    token: u32,
    score: f32,
    text: Option<Text<'a>>,
    finish: Option<Finish>,
}

/// A beam that has ended, with its score for its length.
struct Finished {
    tokens: Vec<u32>,
    score: f32,
    finish: Finish,
}

/// The `num_beams` likeliest sequences, until none that is open can replace one that has ended
/// (Graves 2012, "Sequence Transduction with Recurrent Neural Networks", section 2.6).
pub(super) struct Beams<'a> {
    processors: Processors,
    open: Vec<Beam<'a>>,
    /// The best first, at most `num_beams` of them.
    finished: Vec<Finished>,
    /// The number of sequences that the decoder has for the open beams: before the first step they
    /// share the prompt's.
    width: usize,
    text: Option<Text<'a>>,
    piece: String,
}

impl<'a> Beams<'a> {
    pub(super) fn new(processors: Processors, prompt: &[u32], text: Option<Text<'a>>) -> Self {
        let config = Arc::clone(&processors.config);
        let watched = text.clone().filter(|_| !config.stop_strings.is_empty());
        let beam = |place| Beam {
            history: prompt.to_vec(),
            score: if place == 0 { 0.0 } else { UNWANTED },
            text: watched.clone(),
        };
        Self {
            processors,
            open: (0..config.num_beams).map(beam).collect(),
            finished: Vec::new(),
            width: 1,
            text,
            piece: String::new(),
        }
    }

    fn config(&self) -> &GenerateConfig {
        &self.processors.config
    }

    /// Gives the number of tokens after the prompt that every open beam has.
    fn length(&self) -> usize {
        self.open[0].history.len() - self.processors.prompt_length
    }

    /// Gives the best of the open beams with one more token, the best first.
    fn candidates(&self, ranked: &[Vec<Scored>]) -> Result<Vec<Candidate<'a>>> {
        let mut all = Vec::new();
        for (source, beam) in self.open.iter().enumerate() {
            let tokens = ranked[source % self.width].iter();
            all.extend(tokens.map(|next| {
                let score = next.score + beam.score;
                (source, Scored { score, ..*next })
            }));
        }
        all.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        all.truncate(self.config().candidates());
        let candidates = all.into_iter();
        candidates
            .map(|(source, next)| self.candidate(source, next))
            .collect()
    }

    fn candidate(&self, source: usize, next: Scored) -> Result<Candidate<'a>> {
        let Scored { token, score } = next;
        let mut text = self.open[source].text.clone();
        if let Some(text) = &mut text {
            text.push(token)?;
        }
        let finish = Finish::of(self.config(), token, self.length() + 1, text.as_ref());
        Ok(Candidate {
            source,
            token,
            score,
            text,
            finish,
        })
    }

    /// Keeps what ended among the first `num_beams` candidates, if it is good enough.
    fn keep_finished(&mut self, candidates: &[Candidate<'a>]) {
        let over = power(self.length() + 1, self.config().length_penalty);
        for candidate in &candidates[..self.config().num_beams] {
            let score = candidate.score / over;
            if let Some(finish) = candidate.finish.filter(|_| score > UNWANTED) {
                let history = &self.open[candidate.source].history;
                let mut tokens = history[self.processors.prompt_length..].to_vec();
                tokens.push(candidate.token);
                self.finished.push(Finished {
                    tokens,
                    score,
                    finish,
                });
            }
        }
        self.finished.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.finished.truncate(self.config().num_beams);
    }

    /// Opens the best candidates that have not ended, and says which sequence each goes on with.
    fn reopen(&mut self, candidates: &[Candidate<'a>]) -> Vec<Next> {
        let score = |candidate: &Candidate<'_>| match candidate.finish {
            Some(_) => candidate.score + UNWANTED,
            None => candidate.score,
        };
        let scores: Vec<f32> = candidates.iter().map(score).collect();
        let (mut open, mut next) = (Vec::new(), Vec::new());
        for place in largest(&scores, self.config().num_beams) {
            let Candidate { source, token, .. } = candidates[place];
            let mut history = self.open[source].history.clone();
            history.push(token);
            open.push(Beam {
                history,
                score: scores[place],
                text: candidates[place].text.clone(),
            });
            next.push(Next {
                source: source % self.width,
                token,
            });
        }
        self.open = open;
        next
    }

    /// Says whether the best open beam may become better than one that has ended.
    fn may_improve(&self) -> bool {
        let config = self.config();
        if self.open[0].score == f32::NEG_INFINITY {
            return false;
        }
        let Some(worst) = self.finished.get(config.num_beams - 1) else {
            return true;
        };
        let longest = config.early_stopping == EarlyStopping::Never && config.length_penalty > 0.0;
        let length = if longest {
            config.max_new_tokens
        } else {
            self.length()
        };
        config.early_stopping != EarlyStopping::Yes
            && self.open[0].score / power(length, config.length_penalty) > worst.score
    }

    fn end(&mut self) -> Result<()> {
        self.width = 0;
        let (Some(best), Some(text)) = (self.finished.first(), &mut self.text) else {
            return Ok(());
        };
        let ends = &self.processors.config.eos_token_id;
        let written = best.tokens.iter().filter(|token| !ends.contains(token));
        self.piece = text.whole(&Vec::from_iter(written.copied()))?;
        Ok(())
    }
}

impl Search for Beams<'_> {
    fn width(&self) -> usize {
        self.width
    }

    fn rank(&self, sequence: usize, logits: &mut [f32]) -> Result<Vec<Scored>> {
        log_softmax(logits);
        // Before the first step all beams are the prompt.
        let history = &self.open[sequence].history;
        self.processors.apply(history, logits);
        let best = largest(logits, self.config().candidates()).into_iter();
        let scored = best.map(|place| Scored {
            token: place as u32,
            score: logits[place],
        });
        Ok(scored.collect())
    }

    fn advance(&mut self, ranked: &[Vec<Scored>]) -> Result<Vec<Next>> {
        let candidates = self.candidates(ranked)?;
        self.keep_finished(&candidates);
        let next = self.reopen(&candidates);
        let ended = candidates
            .iter()
            .all(|candidate| candidate.finish.is_some());
        if ended || !self.may_improve() {
            self.end()?;
            return Ok(Vec::new());
        }
        self.width = self.open.len();
        Ok(next)
    }

    fn take_piece(&mut self) -> String {
        std::mem::take(&mut self.piece)
    }

    fn sure_tokens(&self) -> usize {
        match (self.width(), self.finished.first()) {
            (0, Some(best)) => best.tokens.len(),
            _ => 0,
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Continuation> {
        let best = self.finished.drain(..).next();
        let best = best.ok_or_else(no_token)?;
        Ok(Continuation {
            tokens: best.tokens,
            text: None,
            finish: best.finish,
            score: Some(best.score),
            latency: Latency::default(),
        })
    }
}

/// Gives `length ^ penalty`.
fn power(length: usize, penalty: f64) -> f32 {
    (length as f64).powf(penalty) as f32
}
