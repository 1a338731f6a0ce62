//! What may be chosen about generating text.

use std::path::PathBuf;

use clap::Args;
use cs_data::Tokenizer;
use cs_model::generate::{Constraint, GenerateConfig, Sampling};

use crate::error::{Error, Result};
use crate::number;

/// How a continuation is chosen. What is left out is as the model's `generation_config.json` says,
/// but for the length, and for chance and beams, of which there are none.
#[derive(Debug, Clone, Args)]
pub struct GenerationArgs {
    /// Tokens after which a continuation ends
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = number::positive)]
    pub max_new_tokens: usize,
    /// Continuations kept beside each other while the likeliest is looked for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = number::positive)]
    pub beams: usize,
    /// With beams, the power of its length that a score is divided by: above 1 favours long ones
    #[arg(long, value_name = "POWER", allow_negative_numbers = true)]
    pub length_penalty: Option<f64>,
    /// Tokens in a row that never come twice
    #[arg(long, value_name = "N", value_parser = number::positive)]
    pub no_repeat_ngram: Option<usize>,
    /// Draw by chance, from scores divided by this
    #[arg(long, value_name = "NUMBER")]
    pub temperature: Option<f64>,
    /// Draw by chance, from so many of the likeliest tokens
    #[arg(long, value_name = "N", value_parser = number::positive)]
    pub top_k: Option<usize>,
    /// Draw by chance, from the likeliest tokens that have this probability together
    #[arg(long, value_name = "SHARE", value_parser = number::probability)]
    pub top_p: Option<f64>,
    /// Draw by chance, from tokens at least this share as likely as the likeliest
    #[arg(long, value_name = "SHARE", value_parser = number::probability)]
    pub min_p: Option<f64>,
    /// What the scores of tokens that were there are divided by
    #[arg(long, value_name = "NUMBER", value_parser = number::above_zero)]
    pub repetition_penalty: Option<f64>,
    /// A text that ends a continuation, and is no part of it; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// A file of texts, one a line, of which a continuation is one
    #[arg(long, value_name = "FILE", conflicts_with = "regex")]
    pub choices: Option<PathBuf>,
    /// A regular expression that all of a continuation matches
    #[arg(long, value_name = "EXPRESSION")]
    pub regex: Option<String>,
    /// Source of chance; 0 if left out
    #[arg(long)]
    pub seed: Option<u64>,
}

impl GenerationArgs {
    /// The settings for a model that has some of its own.
    ///
    /// # Errors
    ///
    /// A seed without chance. What else contradicts each other, the generator refuses.
    pub fn config(&self, model: GenerateConfig) -> Result<GenerateConfig> {
        let file = model.with_beams(self.beams);
        Ok(GenerateConfig {
            max_new_tokens: self.max_new_tokens,
            min_new_tokens: file.min_new_tokens.min(self.max_new_tokens),
            length_penalty: self.length_penalty.unwrap_or(file.length_penalty),
            no_repeat_ngram_size: self.no_repeat_ngram.unwrap_or(file.no_repeat_ngram_size),
            repetition_penalty: self.repetition_penalty.unwrap_or(file.repetition_penalty),
            stop_strings: [&*file.stop_strings, &*self.stop].concat(),
            sampling: self.sampling()?,
            ..file
        })
    }

    fn sampling(&self) -> Result<Option<Sampling>> {
        let is_drawn = self.temperature.or(self.top_p).or(self.min_p).is_some();
        if !is_drawn && self.top_k.is_none() {
            return match self.seed {
                None => Ok(None),
                Some(seed) => Err(Error::Usage(format!(
                    "--seed: {seed}, expected none, as nothing is drawn by chance without --temperature, \
                     --top-k, --top-p or --min-p"
                ))),
            };
        }
        let default = Sampling::default();
        Ok(Some(Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_k: self.top_k.unwrap_or(default.top_k),
            top_p: self.top_p.unwrap_or(default.top_p),
            min_p: self.min_p.unwrap_or(default.min_p),
            seed: self.seed.unwrap_or(default.seed),
        }))
    }

    /// What a continuation is held to.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or has an empty line; an expression that is none, or that no text
    /// of the tokenizer matches.
    pub fn constraint(&self, tokenizer: &Tokenizer) -> Result<Option<Constraint>> {
        if let Some(expression) = &self.regex {
            let bytes = tokenizer.token_bytes()?;
            return Ok(Some(Constraint::regex(expression, bytes)?));
        }
        let Some(path) = &self.choices else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let choice = |(line, choice): (usize, &str)| match choice.is_empty() {
            true => Err(Error::Line {
                path: path.clone(),
                line: line + 1,
                column: 1,
                found: "an empty line".to_owned(),
                expected: "a text to choose",
            }),
            false => Ok(tokenizer.encode_prompt(&tokenizer.literal(choice))?),
        };
        let choices = text
            .lines()
            .enumerate()
            .map(choice)
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Constraint::choices(&choices)?))
    }
}
