//! The settings of generation that a model's folder has.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::{EarlyStopping, GenerateConfig};
use super::sampling::Sampling;
use crate::error::{Error, Result};
use crate::file;

/// The settings of `transformers` that change what is generated and that are not known here, with
/// the number at which each changes nothing, if there is one.
const OTHERS: [(&str, Option<f64>); 19] = [
    ("constraints", None),
    ("diversity_penalty", Some(0.0)),
    ("dola_layers", None),
    ("encoder_repetition_penalty", Some(1.0)),
    ("epsilon_cutoff", Some(0.0)),
    ("eta_cutoff", Some(0.0)),
    ("exponential_decay_length_penalty", None),
    ("force_words_ids", None),
    ("forced_decoder_ids", None),
    ("guidance_scale", Some(1.0)),
    ("max_time", None),
    ("num_beam_groups", Some(1.0)),
    ("num_return_sequences", Some(1.0)),
    ("penalty_alpha", Some(0.0)),
    ("sequence_bias", None),
    ("token_healing", None),
    ("top_h", None),
    ("typical_p", Some(1.0)),
    ("watermarking_config", None),
];

/// The number of tokens that `transformers` draws from if a file asks for sampling alone.
const TOP_K: usize = 50;

/// A file's settings; those that are null are as good as missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {
    max_length: Option<usize>,
    max_new_tokens: Option<usize>,
    min_length: Option<usize>,
    min_new_tokens: Option<usize>,
    eos_token_id: Option<OneOrMany<u32>>,
    stop_strings: Option<OneOrMany<String>>,
    num_beams: Option<usize>,
    length_penalty: Option<f64>,
    early_stopping: Option<EarlyStopping>,
    no_repeat_ngram_size: Option<usize>,
    encoder_no_repeat_ngram_size: Option<usize>,
    bad_words_ids: Option<Vec<Vec<u32>>>,
    repetition_penalty: Option<f64>,
    forced_bos_token_id: Option<u32>,
    forced_eos_token_id: Option<OneOrMany<u32>>,
    suppress_tokens: Option<Vec<u32>>,
    begin_suppress_tokens: Option<Vec<u32>>,
    renormalize_logits: Option<bool>,
    do_sample: Option<bool>,
    temperature: Option<f64>,
    top_k: Option<usize>,
    top_p: Option<f64>,
    min_p: Option<f64>,
}

/// A value, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn list(value: Option<Self>) -> Vec<T> {
        match value {
            None => Vec::new(),
            Some(Self::One(value)) => vec![value],
            Some(Self::Many(values)) => values,
        }
    }
}

impl GenerateConfig {
    /// Reads the `generation_config.json` of a folder, or, where there is none, those settings that
    /// its `config.json` has.
    ///
    /// # Errors
    /// A file cannot be read, or [`GenerateConfig::from_json`] refuses it.
    pub fn open(dir: &Path) -> Result<Self> {
        let own = dir.join("generation_config.json");
        let path = if own.is_file() {
            own
        } else {
            dir.join("config.json")
        };
        Self::from_json(&file::read(&path)?, &path)
    }

    /// Reads the settings of a `generation_config.json`; `origin` is the name that errors give it.
    /// Keys that do not change what is generated are passed over. `max_length` and `min_length`,
    /// which count the prompt, are taken as of a prompt of one token, an encoder-decoder's.
    ///
    /// ```
    /// use cs_model::generate::GenerateConfig;
    /// use std::path::Path;
    ///
    /// let json = br#"{"num_beams": 4, "max_length": 512, "eos_token_id": 0, "use_cache": true}"#;
    /// let config = GenerateConfig::from_json(json, Path::new("generation_config.json"))?;
    /// assert_eq!((config.num_beams, config.max_new_tokens), (4, 511));
    /// assert_eq!(config.eos_token_id, [0]);
    /// # Ok::<(), cs_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Json`] with line and column; [`Error::Field`] for a setting that would change what
    /// is generated in a way that is not known here.
    pub fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        let all: Map<String, Value> = file::parse_json(bytes, origin)?;
        let settings: Settings = file::parse_json(bytes, origin)?;
        let known = check_others(&all).and_then(|()| settings.config());
        known.map_err(|error| error.in_file(origin))
    }
}

/// Refuses settings that are not known, unless they change nothing.
fn check_others(all: &Map<String, Value>) -> Result<()> {
    for (field, neutral) in OTHERS {
        let found = all.get(field).unwrap_or(&Value::Null);
        let is_off = found.is_null() || *found == Value::Bool(false);
        let nothing = is_off || neutral.is_some() && found.as_f64() == neutral;
        if !nothing {
            let expected = neutral.map_or("null".to_owned(), |number| number.to_string());
            return Err(Error::field(field, found, expected));
        }
    }
    Ok(())
}

impl Settings {
    fn config(self) -> Result<GenerateConfig> {
        let default = GenerateConfig::default();
        let sampling = self.sampling();
        let num_beams = self.num_beams.unwrap_or(default.num_beams);
        if sampling.is_some() && num_beams > 1 {
            let expected = format!("false, as num_beams is {num_beams}");
            return Err(Error::field("do_sample", true, expected));
        }
        let after_prompt = |length: Option<usize>| length.map(|length| length.saturating_sub(1));
        let most = self.max_new_tokens.or(after_prompt(self.max_length));
        let fewest = self.min_new_tokens.max(after_prompt(self.min_length));
        let eos_token_id = OneOrMany::list(self.eos_token_id);
        let config = GenerateConfig {
            max_new_tokens: most.unwrap_or(default.max_new_tokens),
            // Where nothing ends a continuation, nothing keeps it from ending either.
            min_new_tokens: fewest.filter(|_| !eos_token_id.is_empty()).unwrap_or(0),
            eos_token_id,
            stop_strings: OneOrMany::list(self.stop_strings),
            length_penalty: self.length_penalty.unwrap_or(default.length_penalty),
            early_stopping: self.early_stopping.unwrap_or_default(),
            no_repeat_ngram_size: self.no_repeat_ngram_size.unwrap_or(0),
            encoder_no_repeat_ngram_size: self.encoder_no_repeat_ngram_size.unwrap_or(0),
            bad_words_ids: self.bad_words_ids.unwrap_or_default(),
            repetition_penalty: self
                .repetition_penalty
                .unwrap_or(default.repetition_penalty),
            forced_bos_token_id: self.forced_bos_token_id,
            forced_eos_token_id: only_one(OneOrMany::list(self.forced_eos_token_id))?,
            suppress_tokens: self.suppress_tokens.unwrap_or_default(),
            begin_suppress_tokens: self.begin_suppress_tokens.unwrap_or_default(),
            renormalize_logits: self.renormalize_logits.unwrap_or(false),
            num_beams,
            sampling,
        };
        Ok(config.with_beams(num_beams))
    }

    /// Gives the settings of sampling, if the file asks for it.
    fn sampling(&self) -> Option<Sampling> {
        let default = Sampling::default();
        let asked = self.do_sample.unwrap_or(false);
        asked.then(|| Sampling {
            temperature: self.temperature.unwrap_or(default.temperature),
            top_k: self.top_k.unwrap_or(TOP_K),
            top_p: self.top_p.unwrap_or(default.top_p),
            min_p: self.min_p.unwrap_or(default.min_p),
            seed: default.seed,
        })
    }
}

/// Gives the token that is forced at the end; `transformers` may choose between several.
fn only_one(tokens: Vec<u32>) -> Result<Option<u32>> {
    match tokens[..] {
        [] => Ok(None),
        [token] => Ok(Some(token)),
        _ => {
            let found = format!("{tokens:?}");
            Err(Error::field("forced_eos_token_id", found, "a token"))
        }
    }
}
