//! The loop over a decoder's steps.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::beams::Beams;
use super::config::GenerateConfig;
use super::constraint::Constraint;
use super::decoder::{Decoder, Likeliest};
use super::detokenizer::Decode;
use super::generation::Generation;
use super::latency::Told;
use super::processors::Processors;
use super::search::{Continuation, Next, Scored, Search, is_ranked, no_token, unranked};
use super::speculation::{Draft, Lookup, Proposer};
use super::text::Text;
use crate::error::{Error, Result};
use crate::heads::Matrix;

/// What to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt<'a> {
    /// The tokens so far, at least one.
    pub tokens: &'a [u32],
    /// The tokens of which no n-gram comes, as `encoder_no_repeat_ngram_size` says: what an encoder
    /// read, or, without an encoder, the prompt itself.
    pub source: &'a [u32],
    /// The number by which, with the seed, tokens are drawn: equal prompts of equal numbers are
    /// continued equally.
    pub sequence: u64,
}

impl<'a> Prompt<'a> {
    /// Makes a prompt of the number 0, without an encoder.
    pub fn new(tokens: &'a [u32]) -> Self {
        Self {
            tokens,
            source: tokens,
            sequence: 0,
        }
    }
}

/// A piece of a continuation's text, as soon as it is sure. Those of a prompt are together its
/// [`Continuation::text`]. Beam search is sure of nothing before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The place of the prompt, counted from 0.
    pub prompt: usize,
    /// The text, not empty.
    pub text: &'a str,
}

/// Settings that were checked, ready to continue prompts with any decoder of their vocabulary.
#[derive(Clone)]
pub struct Generator<'a> {
    config: Arc<GenerateConfig>,
    vocab_size: usize,
    decode: Option<Arc<Decode<'a>>>,
    constraint: Option<Constraint>,
    lookup: bool,
}

impl fmt::Debug for Generator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("config", &self.config)
            .field("vocab_size", &self.vocab_size)
            .finish_non_exhaustive()
    }
}

impl<'a> Generator<'a> {
    /// Makes a generator of tokens, without text.
    ///
    /// # Errors
    /// [`Error::Field`] for a setting that is out of range for this vocabulary, contradicts another
    /// one or would have no effect, and for stop strings, as there is no text.
    pub fn new(config: GenerateConfig, vocab_size: usize) -> Result<Self> {
        if let Some(first) = config.stop_strings.first() {
            let expected = "none, as the generator has no text";
            return Err(Error::field("stop_strings", format!("{first:?}"), expected));
        }
        config.validate(vocab_size)?;
        Ok(Self {
            config: Arc::new(config),
            vocab_size,
            decode: None,
            constraint: None,
            lookup: true,
        })
    }

    /// Makes a generator of tokens and their text. Where special tokens shall not be in the text,
    /// `decode` leaves them out.
    ///
    /// # Errors
    /// [`Error::Field`] for a setting that is out of range for this vocabulary, contradicts another
    /// one or would have no effect.
    pub fn with_text(
        config: GenerateConfig,
        vocab_size: usize,
        decode: impl Fn(&[u32]) -> Result<String> + Send + Sync + 'a,
    ) -> Result<Self> {
        config.validate(vocab_size)?;
        Ok(Self {
            config: Arc::new(config),
            vocab_size,
            decode: Some(Arc::new(decode)),
            constraint: None,
            lookup: true,
        })
    }

    /// Holds continuations to a condition, whichever way they are chosen. Where the other settings
    /// rule out what would meet it, generating fails.
    ///
    /// # Errors
    /// [`Error::Field`] without `eos_token_id`, by which a continuation ends once the condition is
    /// met, and for a condition with tokens that are not of the vocabulary.
    pub fn constrained(mut self, constraint: &Constraint) -> Result<Self> {
        if self.config.eos_token_id.is_empty() {
            let expected = "at least one token, which ends what is constrained";
            return Err(Error::field("eos_token_id", "[]", expected));
        }
        constraint.validate(self.vocab_size)?;
        self.constraint = Some(constraint.clone());
        Ok(self)
    }

    /// Continues prompts, each as it would be alone, and tells the text as it becomes sure.
    ///
    /// A sequence that has ended is dropped while others go on, so the decoder holds in the end
    /// those alone that went on longest. For a conversation of its own this is all that it has
    /// read: the next prompt is read from there on. Of several at once, those that ended earlier
    /// are read anew, but for what they have in common with one that is held.
    ///
    /// Without beams and chance, a decoder that [verifies](Decoder::verifier) reads at a step what
    /// followed when the text last ended so (Saxena 2023, "Prompt Lookup Decoding") as well, as many
    /// tokens as earlier ones paid for, and those are kept that would have been chosen anyway: what
    /// comes is the same.
    ///
    /// # Errors
    /// A prompt that is empty, not of the vocabulary or with `max_new_tokens` beyond the decoder's
    /// positions; an error of the decoder; logits that are no numbers; settings that leave no token.
    pub fn run(
        &self,
        decoder: &mut dyn Decoder,
        prompts: &[Prompt<'_>],
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Continuation>> {
        self.check(decoder, prompts)?;
        if self.is_greedy() {
            let proposer: &mut dyn Proposer = &mut Lookup;
            let verifies = self.lookup && decoder.verifier().is_some();
            let proposer = verifies.then_some(proposer);
            return self.run_greedy(decoder, proposer, prompts, on_piece);
        }
        self.run_searches(decoder, prompts, on_piece)
    }

    /// Does what [`run`](Self::run) does, where what comes is proposed by another, smaller model of
    /// the same vocabulary (Leviathan, Kalman and Matias 2023, "Fast Inference from Transformers via
    /// Speculative Decoding"), which is left with sequences of its own.
    ///
    /// # Errors
    /// Those of [`run`](Self::run), of either decoder; [`Error::Field`] with beams or chance, and for
    /// a decoder that does not [verify](Decoder::verifier).
    pub fn run_with_draft(
        &self,
        decoder: &mut dyn Decoder,
        draft: &mut dyn Decoder,
        prompts: &[Prompt<'_>],
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Continuation>> {
        self.check(decoder, prompts)?;
        self.check_decoder(draft)?;
        if !self.is_greedy() {
            let expected = "none with beams or chance";
            return Err(Error::field("draft", "another model", expected));
        }
        if decoder.verifier().is_none() {
            return Err(unverified());
        }
        let proposer: &mut dyn Proposer = &mut Draft(draft);
        self.run_greedy(decoder, Some(proposer), prompts, on_piece)
    }

    /// Makes a generator that proposes nothing out of the text by itself, for comparisons.
    #[must_use]
    pub fn without_lookup(self) -> Self {
        Self {
            lookup: false,
            ..self
        }
    }

    /// Continues prompts by beams or by chance.
    fn run_searches(
        &self,
        decoder: &mut dyn Decoder,
        prompts: &[Prompt<'_>],
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Continuation>> {
        let start = Instant::now();
        let mut searches: Vec<_> = prompts.iter().map(|prompt| self.search(prompt)).collect();
        let mut told: Vec<_> = prompts.iter().map(|_| Told::since(start)).collect();
        let tokens: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens).collect();
        let mut rows = decoder.prefill(&tokens)?;
        loop {
            let width = searches.iter().map(|search| search.width()).sum();
            let ranked = self.rank(decoder, &searches, &mut rows)?;
            let next = advance(&mut searches, &ranked)?;
            for (prompt, (search, told)) in searches.iter_mut().zip(&mut told).enumerate() {
                let piece = search.take_piece();
                told.tell(prompt, &piece, search.sure_tokens(), on_piece);
            }
            if next.is_empty() {
                break;
            }
            let tokens = keep(decoder, &next, width)?;
            rows = decoder.step(&tokens)?;
        }
        let found = searches.into_iter().zip(told);
        found
            .map(|(search, told)| self.finish(search, told))
            .collect()
    }

    /// Begins to continue a prompt for who drives the model himself, one that has this many
    /// positions.
    ///
    /// # Errors
    /// A prompt that is empty, not of the vocabulary or with `max_new_tokens` beyond the positions;
    /// beams, which are several sequences.
    pub fn begin(&self, prompt: &Prompt<'_>, positions: Option<usize>) -> Result<Generation<'a>> {
        if self.config.num_beams > 1 {
            let expected = "1, as one sequence is continued";
            return Err(Error::field("num_beams", self.config.num_beams, expected));
        }
        self.check_prompt("prompt".to_owned(), prompt.tokens, positions)?;
        Ok(self.generation(prompt))
    }

    /// Whether tokens are chosen neither by beams nor by chance, and proposals are of use.
    fn is_greedy(&self) -> bool {
        self.config.num_beams == 1 && self.config.sampling.is_none()
    }

    /// Whether the settings ask for nothing but the likeliest token each time.
    pub(super) fn takes_likeliest(&self) -> bool {
        let greedy = GenerateConfig {
            max_new_tokens: self.config.max_new_tokens,
            eos_token_id: self.config.eos_token_id.clone(),
            stop_strings: self.config.stop_strings.clone(),
            ..GenerateConfig::default()
        };
        self.constraint.is_none() && *self.config == greedy
    }

    pub(super) fn generation(&self, prompt: &Prompt<'_>) -> Generation<'a> {
        let processors = self.processors(prompt);
        Generation::new(
            processors,
            self.vocab_size,
            prompt.tokens,
            prompt.sequence,
            self.text(),
        )
    }

    fn processors(&self, prompt: &Prompt<'_>) -> Processors {
        let source = match self.config.encoder_no_repeat_ngram_size {
            0 => Vec::new(),
            _ => prompt.source.to_vec(),
        };
        Processors {
            config: Arc::clone(&self.config),
            prompt_length: prompt.tokens.len(),
            source,
            constraint: self.constraint.clone(),
        }
    }

    fn text(&self) -> Option<Text<'a>> {
        let decode = self.decode.as_ref();
        decode.map(|decode| Text::new(Arc::clone(decode), &self.config.stop_strings))
    }

    fn search(&self, prompt: &Prompt<'_>) -> Box<dyn Search + 'a> {
        if self.config.num_beams > 1 {
            let processors = self.processors(prompt);
            Box::new(Beams::new(processors, prompt.tokens, self.text()))
        } else {
            Box::new(self.generation(prompt))
        }
    }

    /// Has the searches rank the tokens that may follow each of their sequences.
    fn rank(
        &self,
        decoder: &dyn Decoder,
        searches: &[Box<dyn Search + '_>],
        rows: &mut Matrix,
    ) -> Result<Vec<Vec<Scored>>> {
        let sequences = searches.iter().flat_map(|search| {
            let own = 0..search.width();
            own.map(move |sequence| (search, sequence, OnceLock::new()))
        });
        let sequences: Vec<_> = sequences.collect();
        self.check_shape(rows, sequences.len())?;
        decoder.for_rows(rows, &|row, logits| {
            if let Some((search, sequence, ranked)) = sequences.get(row) {
                ranked.get_or_init(|| match is_ranked(logits) {
                    true => search.rank(*sequence, logits),
                    false => Err(unranked(row)),
                });
            }
        });
        let ranked = sequences.into_iter().map(|(_, _, ranked)| ranked);
        ranked
            .map(|ranked| ranked.into_inner().unwrap_or_else(|| Err(no_token())))
            .collect()
    }

    pub(super) fn finish(&self, search: Box<dyn Search + '_>, told: Told) -> Result<Continuation> {
        Ok(Continuation {
            text: self.decode.is_some().then_some(told.text),
            latency: told.latency,
            ..search.finish()?
        })
    }

    fn check(&self, decoder: &dyn Decoder, prompts: &[Prompt<'_>]) -> Result<()> {
        self.check_decoder(decoder)?;
        let positions = decoder.max_positions();
        prompts.iter().enumerate().try_for_each(|(place, prompt)| {
            self.check_prompt(format!("prompts[{place}]"), prompt.tokens, positions)
        })
    }

    fn check_decoder(&self, decoder: &dyn Decoder) -> Result<()> {
        if decoder.vocab_size() == self.vocab_size {
            return Ok(());
        }
        Err(Error::Shape {
            what: "the decoder's vocabulary",
            expected: format!("{} tokens", self.vocab_size),
            found: format!("{} tokens", decoder.vocab_size()),
        })
    }

    fn check_prompt(&self, field: String, tokens: &[u32], positions: Option<usize>) -> Result<()> {
        if tokens.is_empty() {
            return Err(Error::field(field, "empty", "at least one token"));
        }
        if let Some(at) = tokens
            .iter()
            .position(|&token| token as usize >= self.vocab_size)
        {
            let expected = format!("less than the vocabulary's {}", self.vocab_size);
            return Err(Error::field(format!("{field}[{at}]"), tokens[at], expected));
        }
        // The last new token is never read.
        let needed = tokens.len() + self.config.max_new_tokens - 1;
        if let Some(most) = positions.filter(|&most| needed > most) {
            let new = self.config.max_new_tokens;
            let found = format!("{} tokens long", tokens.len());
            let expected = format!("at most {most} positions with max_new_tokens {new}");
            return Err(Error::field(field, found, expected));
        }
        Ok(())
    }

    pub(super) fn check_rows(&self, rows: &Matrix, count: usize) -> Result<()> {
        self.check_shape(rows, count)?;
        let row = (0..count).find(|&row| !is_ranked(rows.row(row)));
        row.map_or(Ok(()), |row| Err(unranked(row)))
    }

    fn check_shape(&self, rows: &Matrix, count: usize) -> Result<()> {
        let shape = (rows.rows, rows.cols, rows.data.len());
        if shape != (count, self.vocab_size, count * self.vocab_size) {
            return Err(Error::Shape {
                what: "logits of a decoder",
                expected: format!("[{count}, {}]", self.vocab_size),
                found: format!("[{}, {}], {} numbers", shape.0, shape.1, shape.2),
            });
        }
        Ok(())
    }

    /// Gives the likeliest token of a row, which has to be one.
    pub(super) fn check_likeliest(&self, rows: &[Likeliest], row: usize) -> Result<u32> {
        match rows.get(row) {
            Some(found) if !found.logit.is_finite() => Err(unranked(row)),
            Some(found) if (found.token as usize) < self.vocab_size => Ok(found.token),
            found => Err(Error::Shape {
                what: "likeliest tokens of a decoder",
                expected: format!("a token below {} for sequence {row}", self.vocab_size),
                found: format!("{found:?}"),
            }),
        }
    }
}

/// Gives each search what its sequences may go on with, and gathers those that do.
fn advance(searches: &mut [Box<dyn Search + '_>], ranked: &[Vec<Scored>]) -> Result<Vec<Next>> {
    let (mut first, mut next) = (0, Vec::new());
    for search in searches.iter_mut().filter(|search| search.width() > 0) {
        let end = first + search.width();
        let own = search.advance(&ranked[first..end])?.into_iter();
        next.extend(own.map(|own| Next {
            source: first + own.source,
            ..own
        }));
        first = end;
    }
    Ok(next)
}

/// Makes the error for proposals to a decoder that does not verify them.
pub(super) fn unverified() -> Error {
    let expected = "none for a decoder that cannot read several tokens as exactly as one";
    Error::field("draft", "another model", expected)
}

/// Makes the decoder's sequences those that go on, and gives their next tokens.
pub(super) fn keep(decoder: &mut dyn Decoder, next: &[Next], width: usize) -> Result<Vec<u32>> {
    let sources: Vec<usize> = next.iter().map(|next| next.source).collect();
    if !sources.iter().copied().eq(0..width) {
        decoder.reorder(&sources)?;
    }
    Ok(next.iter().map(|next| next.token).collect())
}
