//! What may be chosen about generating.

use serde::{Deserialize, Serialize};

use super::sampling::Sampling;
use crate::error::{Error, Result};

/// The most new tokens that may be asked for.
const MOST_TOKENS: usize = 1 << 16;
/// The most beams: each takes the memory of a row of scores.
const MOST_BEAMS: usize = 1 << 10;

/// How a continuation is chosen: greedily, by beam search if `num_beams` is above 1, or by chance
/// if there is `sampling`. The names are those of `generation_config.json`.
///
/// ```
/// use cs_model::generate::{GenerateConfig, Generator};
///
/// let config = GenerateConfig { num_beams: 0, ..Default::default() };
/// let error = Generator::new(config, 1000).unwrap_err().to_string();
/// assert_eq!(error, "num_beams is 0, expected 1 to 1024");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateConfig {
    /// The number of tokens after which a continuation ends; 64 by default.
    pub max_new_tokens: usize,
    /// The number of tokens before which none of `eos_token_id` may come; 0 by default.
    pub min_new_tokens: usize,
    /// The tokens that end a continuation; none by default.
    pub eos_token_id: Vec<u32>,
    /// The strings that end a continuation as soon as its text holds one, however the tokens divide
    /// it; none by default.
    pub stop_strings: Vec<String>,
    /// The number of continuations that are kept beside each other; 1, which is no search, by
    /// default.
    pub num_beams: usize,
    /// The power of its length by which the log-probability of a finished beam is divided (Wu et
    /// al. 2016, "Google's Neural Machine Translation System", section 7, with `length ^ penalty`
    /// in place of its `lp`); 1 by default, above favours long ones.
    pub length_penalty: f64,
    /// The time at which beam search ends; `false` by default.
    pub early_stopping: EarlyStopping,
    /// The size of n-grams of which none comes twice (Paulus, Xiong and Socher 2018, "A Deep
    /// Reinforced Model for Abstractive Summarization", section 2.5); 0, none, by default.
    pub no_repeat_ngram_size: usize,
    /// The size of n-grams of [`Prompt::source`](super::Prompt::source) of which none comes; 0,
    /// none, by default.
    pub encoder_no_repeat_ngram_size: usize,
    /// The sequences of tokens that never come; none by default.
    pub bad_words_ids: Vec<Vec<u32>>,
    /// The divisor of positive, and factor of negative, scores of tokens that were there before,
    /// the prompt's too (Keskar et al. 2019, "CTRL", section 4.1); 1, which changes nothing, by
    /// default.
    pub repetition_penalty: f64,
    /// The only token that may follow a prompt of one token, as an encoder-decoder's is.
    pub forced_bos_token_id: Option<u32>,
    /// The only token that may come last where the maximum length is reached.
    pub forced_eos_token_id: Option<u32>,
    /// The tokens that never come; none by default.
    pub suppress_tokens: Vec<u32>,
    /// The tokens that do not come first, or after `forced_bos_token_id`; none by default.
    pub begin_suppress_tokens: Vec<u32>,
    /// Whether the scores that beam search adds up are made log-probabilities again after tokens
    /// were ruled out; `false` by default.
    pub renormalize_logits: bool,
    /// The way in which tokens are drawn by chance; by default they are not.
    pub sampling: Option<Sampling>,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            max_new_tokens: 64,
            min_new_tokens: 0,
            eos_token_id: Vec::new(),
            stop_strings: Vec::new(),
            num_beams: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::No,
            no_repeat_ngram_size: 0,
            encoder_no_repeat_ngram_size: 0,
            bad_words_ids: Vec::new(),
            repetition_penalty: 1.0,
            forced_bos_token_id: None,
            forced_eos_token_id: None,
            suppress_tokens: Vec::new(),
            begin_suppress_tokens: Vec::new(),
            renormalize_logits: false,
            sampling: None,
        }
    }
}

/// When beam search ends, if not at the maximum length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Flag", into = "Flag")]
pub enum EarlyStopping {
    /// Once the best open beam, if it ended now, were no better than the worst finished one;
    /// `false` in JSON.
    #[default]
    No,
    /// Once there are as many finished beams as open ones; `true` in JSON.
    Yes,
    /// Once no open beam can become better than the worst finished one, however long; `"never"` in
    /// JSON.
    Never,
}

/// [`EarlyStopping`] as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Word(String),
}

impl From<EarlyStopping> for Flag {
    fn from(value: EarlyStopping) -> Self {
        match value {
            EarlyStopping::No => Self::Bool(false),
            EarlyStopping::Yes => Self::Bool(true),
            EarlyStopping::Never => Self::Word("never".to_owned()),
        }
    }
}

impl TryFrom<Flag> for EarlyStopping {
    type Error = String;

    fn try_from(flag: Flag) -> Result<Self, String> {
        match flag {
            Flag::Bool(false) => Ok(Self::No),
            Flag::Bool(true) => Ok(Self::Yes),
            Flag::Word(word) if word == "never" => Ok(Self::Never),
            Flag::Word(word) => Err(format!(
                "early_stopping is {word:?}, expected false, true or \"never\""
            )),
        }
    }
}

impl GenerateConfig {
    /// Gives the settings with another number of beams; those that only beam search heeds are the
    /// defaults for one.
    ///
    /// ```
    /// use cs_model::generate::GenerateConfig;
    ///
    /// let config = GenerateConfig { num_beams: 4, length_penalty: 0.6, ..Default::default() };
    /// assert_eq!(config.clone().with_beams(2).length_penalty, 0.6);
    /// assert_eq!(config.with_beams(1), GenerateConfig::default());
    /// ```
    #[must_use]
    pub fn with_beams(self, num_beams: usize) -> Self {
        if num_beams != 1 {
            return Self { num_beams, ..self };
        }
        let Self {
            length_penalty,
            early_stopping,
            renormalize_logits,
            ..
        } = Self::default();
        Self {
            num_beams,
            length_penalty,
            early_stopping,
            renormalize_logits,
            ..self
        }
    }

    /// Gives the number of candidates that beam search looks at in a step: so many that, even if
    /// many of them end, enough stay open.
    pub(super) fn candidates(&self) -> usize {
        self.num_beams * (1 + self.eos_token_id.len()).max(2)
    }

    /// Checks that no setting is out of range, contradicts another, or would be without effect.
    pub(super) fn validate(&self, vocab_size: usize) -> Result<()> {
        within("max_new_tokens", self.max_new_tokens, MOST_TOKENS)?;
        within("num_beams", self.num_beams, MOST_BEAMS)?;
        self.validate_numbers()?;
        self.validate_tokens(vocab_size)?;
        if let Some(at) = self.stop_strings.iter().position(String::is_empty) {
            let field = format!("stop_strings[{at}]");
            return Err(Error::field(field, "\"\"", "at least one character"));
        }
        if self.num_beams > 1 {
            self.validate_beams(vocab_size)
        } else {
            self.validate_single()
        }
    }

    fn validate_numbers(&self) -> Result<()> {
        if !(1e-6..=1e6).contains(&self.repetition_penalty) {
            let found = self.repetition_penalty;
            let expected = "0.000001 to 1000000";
            return Err(Error::field("repetition_penalty", found, expected));
        }
        if !self.length_penalty.is_finite() {
            let found = self.length_penalty;
            return Err(Error::field("length_penalty", found, "a finite number"));
        }
        if self.min_new_tokens > self.max_new_tokens {
            let most = format!("at most max_new_tokens, {}", self.max_new_tokens);
            return Err(Error::field("min_new_tokens", self.min_new_tokens, most));
        }
        if self.min_new_tokens > 0 && self.eos_token_id.is_empty() {
            let none = "0, as eos_token_id is empty";
            return Err(Error::field("min_new_tokens", self.min_new_tokens, none));
        }
        Ok(())
    }

    fn validate_tokens(&self, vocab_size: usize) -> Result<()> {
        let lists = [
            ("eos_token_id", self.eos_token_id.as_slice()),
            ("suppress_tokens", &self.suppress_tokens),
            ("begin_suppress_tokens", &self.begin_suppress_tokens),
            ("forced_bos_token_id", self.forced_bos_token_id.as_slice()),
            ("forced_eos_token_id", self.forced_eos_token_id.as_slice()),
        ];
        let bad_words = self
            .bad_words_ids
            .iter()
            .map(|word| ("bad_words_ids", &word[..]));
        for (field, tokens) in lists.into_iter().chain(bad_words) {
            if let Some(token) = tokens.iter().find(|&&token| token as usize >= vocab_size) {
                let known = format!("less than the vocabulary's {vocab_size}");
                return Err(Error::field(field, token, known));
            }
        }
        if let Some(at) = self.bad_words_ids.iter().position(Vec::is_empty) {
            let field = format!("bad_words_ids[{at}]");
            return Err(Error::field(field, "[]", "at least one token"));
        }
        Ok(())
    }

    fn validate_beams(&self, vocab_size: usize) -> Result<()> {
        if self.sampling.is_some() {
            let one = "1 where there is sampling";
            return Err(Error::field("num_beams", self.num_beams, one));
        }
        let fewest = self.candidates() / self.num_beams;
        if vocab_size < fewest {
            let expected = format!("1, as the vocabulary of {vocab_size} has fewer than {fewest}");
            return Err(Error::field("num_beams", self.num_beams, expected));
        }
        Ok(())
    }

    fn validate_single(&self) -> Result<()> {
        if self.length_penalty != 1.0 {
            let one = "1, as num_beams is 1";
            return Err(Error::field("length_penalty", self.length_penalty, one));
        }
        if self.early_stopping != EarlyStopping::No {
            let found = format!("{:?}", self.early_stopping);
            return Err(Error::field(
                "early_stopping",
                found,
                "No, as num_beams is 1",
            ));
        }
        if self.renormalize_logits {
            let expected = "false, as num_beams is 1";
            return Err(Error::field("renormalize_logits", true, expected));
        }
        self.sampling.as_ref().map_or(Ok(()), Sampling::validate)
    }
}

fn within(field: &str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::field(field, found, format!("1 to {most}")))
}
