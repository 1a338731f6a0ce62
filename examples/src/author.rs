//! A decoder that continues texts, and what comes.

use std::fmt;
use std::time::{Duration, SystemTime};

use cs_data::Tokenizer;
use cs_model::Result as ModelResult;
use cs_model::chat::{ChatFormat, Conversation, Role};
use cs_model::generate::{
    Constraint, Continuation, Decoder, Finish, GenerateConfig, Generator, Piece, Prompt,
};
use serde::Serialize;

use crate::cli::Output;
use crate::error::{Error, Result};
use crate::run::{note, print, print_json};

/// A continuation, and what it took.
#[derive(Debug, Clone)]
pub struct Written {
    /// The text that was continued.
    pub prompt: String,
    /// What came.
    pub continuation: Continuation,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Time from reading the prompts of the batch to the last of its tokens.
    pub batch: Duration,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    prompt: &'a str,
    text: &'a str,
    tokens: &'a [u32],
    finish: &'static str,
    prompt_tokens: usize,
    prefill_seconds: f64,
    decode_seconds: f64,
    first_token_seconds: f64,
    between_tokens_p50_seconds: f64,
    between_tokens_p95_seconds: f64,
    between_tokens_max_seconds: f64,
}

impl Written {
    /// Prints the text, or all that there is to say of it in JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Stdout`].
    pub fn show(&self, output: Output) -> Result<()> {
        let found = &self.continuation;
        let text = found.text.as_deref().unwrap_or_default();
        if !output.json {
            return print(format_args!("{text}"));
        }
        let first = found.latency.first_token;
        let [p50, p95, longest] = self.between_tokens();
        print_json(&Line {
            prompt: &self.prompt,
            text,
            tokens: &found.tokens,
            finish: match found.finish {
                Finish::Stop => "stop",
                Finish::Length => "length",
            },
            prompt_tokens: self.prompt_tokens,
            prefill_seconds: first.as_secs_f64(),
            decode_seconds: (self.batch - first).as_secs_f64(),
            first_token_seconds: first.as_secs_f64(),
            between_tokens_p50_seconds: p50,
            between_tokens_p95_seconds: p95,
            between_tokens_max_seconds: longest,
        })
    }

    /// Tells on standard error how long one waited for the tokens.
    pub fn note_latency(&self) {
        let first = self.continuation.latency.first_token.as_secs_f64();
        let [p50, p95, longest] = self.between_tokens().map(|seconds| 1000.0 * seconds);
        note(format_args!(
            "first token after {first:.3} s; between tokens {p50:.1} ms (median), {p95:.1} ms (p95), {longest:.1} ms (longest)"
        ));
    }

    /// The seconds between tokens: the median, what 95 % do not exceed, and the longest.
    fn between_tokens(&self) -> [f64; 3] {
        let latency = &self.continuation.latency;
        [0.5, 0.95, 1.0].map(|share| latency.quantile(share).as_secs_f64())
    }
}

/// A decoder that continues texts.
pub struct Author<'a> {
    /// The runtime's model.
    pub decoder: &'a mut dyn Decoder,
    /// A smaller model of the same vocabulary, which proposes what comes.
    pub draft: Option<&'a mut dyn Decoder>,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// How a text becomes a user's turn; a prompt as it is without one.
    pub format: Option<&'a ChatFormat>,
    /// How continuations are chosen.
    pub config: GenerateConfig,
    /// What they are held to.
    pub constraint: Option<&'a Constraint>,
    /// Whether of a prompt beyond the positions the end is read.
    pub cut: bool,
}

impl fmt::Debug for Author<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Author")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Author<'_> {
    /// Continues texts, all at once, and tells pieces as soon as they are sure. A text that cannot
    /// be continued has its error.
    ///
    /// # Errors
    ///
    /// Settings that contradict each other; a decoder that fails.
    pub fn write(
        &mut self,
        texts: &[&str],
        on_piece: &mut dyn FnMut(Piece<'_>),
    ) -> Result<Vec<Result<Written>>> {
        let tokenizer = self.tokenizer;
        let decode =
            |tokens: &[u32]| -> ModelResult<String> { Ok(tokenizer.decode(tokens, true)?) };
        let vocab_size = self.decoder.vocab_size();
        let mut generator = Generator::with_text(self.config.clone(), vocab_size, decode)?;
        if let Some(constraint) = self.constraint {
            generator = generator.constrained(constraint)?;
        }
        let tokens: Vec<Result<Vec<u32>>> = texts.iter().map(|text| self.tokens(text)).collect();
        let good = tokens.iter().filter_map(|tokens| tokens.as_deref().ok());
        let prompts: Vec<Prompt<'_>> = good.map(Prompt::new).collect();
        let decoder = &mut *self.decoder;
        let found = match self.draft.as_deref_mut() {
            Some(draft) => generator.run_with_draft(decoder, draft, &prompts, on_piece)?,
            None => generator.run(decoder, &prompts, on_piece)?,
        };
        let batch = found.iter().map(|own| own.latency.total()).max();
        let batch = batch.unwrap_or_default();
        let mut found = found.into_iter();
        let pairs = texts.iter().zip(tokens);
        let written = pairs.filter_map(|(text, tokens)| match tokens {
            Err(error) => Some(Err(error)),
            Ok(tokens) => found.next().map(|continuation| {
                Ok(Written {
                    prompt: (*text).to_owned(),
                    continuation,
                    prompt_tokens: tokens.len(),
                    batch,
                })
            }),
        });
        Ok(written.collect())
    }

    /// The prompt's tokens, no more than there are positions for beside what comes.
    fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        if text.is_empty() {
            return Err(Error::Usage(
                "an empty prompt, expected a text to continue".to_owned(),
            ));
        }
        // The last token that comes is never read.
        let read = self.config.max_new_tokens - 1;
        let positions = self.decoder.max_positions();
        let most = positions.map_or(usize::MAX, |most| most.saturating_sub(read));
        if let Some(format) = self.format {
            let mut conversation = Conversation::default();
            conversation.push(Role::User, text);
            let prompt = conversation.prompt(format, self.tokenizer, most, SystemTime::now())?;
            return Ok(prompt.tokens);
        }
        let mut tokens = self.tokenizer.encode(text, usize::MAX)?.ids;
        if tokens.is_empty() {
            return Err(Error::Usage(
                "a prompt without tokens, expected some text".to_owned(),
            ));
        }
        if tokens.len() > most {
            if !self.cut || most == 0 {
                return Err(Error::Usage(format!(
                    "a prompt of {} tokens, expected at most {most}, as the model has {} positions and {} tokens \
                     may come (--max-new-tokens); --cut reads its end alone",
                    tokens.len(),
                    positions.unwrap_or_default(),
                    self.config.max_new_tokens
                )));
            }
            tokens.drain(..tokens.len() - most);
        }
        Ok(tokens)
    }
}
