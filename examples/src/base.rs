//! What training starts from.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use cs_data::{Dataset, Tokenizer, Utterance, WordRule};
use cs_model::{Bundle, Device, EncoderConfig, Model, Pooling, SlotHead, Tasks, TransformerConfig};

use crate::error::{Error, Result};
use crate::settings::Settings;

/// Longest input of the light model, in tokens.
pub(crate) const LIGHT_MAX_LENGTH: usize = 128;
/// Entries of its vocabulary, at most.
pub(crate) const LIGHT_VOCABULARY: usize = 8000;

/// What training starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Word pieces learned from the training texts, embeddings and a BiLSTM with fresh weights.
    Light,
    /// Word pieces likewise, and a transformer of four blocks with fresh weights.
    Mini,
    /// The encoder of a Hugging Face folder or of a bundle, with fresh heads.
    Folder(PathBuf),
    /// The model of a bundle with the heads and labels it has. Not on the command line.
    Trained(PathBuf),
}

impl FromStr for Base {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "light" => Self::Light,
            "mini" => Self::Mini,
            folder => Self::Folder(folder.into()),
        })
    }
}

impl Base {
    /// How fresh heads choose tags unless told: where words are learned from the labelled rows alone, what
    /// tag may follow which is worth learning too.
    pub(crate) fn slot_head(&self) -> SlotHead {
        match self {
            Self::Light => SlotHead::Crf,
            _ => SlotHead::Softmax,
        }
    }

    /// What fresh heads of intents and sentiment look at. A few words tell: the largest values find them.
    pub(crate) fn pooling(&self) -> Pooling {
        match self {
            Self::Light => Pooling::Max,
            _ => Pooling::default(),
        }
    }
}

/// The parts of a model before training.
pub(crate) struct Start {
    pub(crate) model: Model,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) max_length: usize,
    pub(crate) base_model: Option<String>,
    pub(crate) licence: Option<String>,
}

impl Start {
    /// `tasks`: the fresh heads. `tokenizer`: for a base without one, instead of one learned from the
    /// texts.
    pub(crate) fn new(
        base: &Base,
        train: &Dataset,
        tasks: &Tasks,
        settings: &Settings,
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Self> {
        let device = settings.device.unwrap_or_else(Device::auto);
        match base {
            Base::Light | Base::Mini => {
                let rows: Vec<Utterance> = train.iter().collect();
                let texts = rows.iter().map(|row| row.text.as_str());
                let tokenizer = match tokenizer {
                    Some(tokenizer) => tokenizer.clone(),
                    None => Tokenizer::train(texts, LIGHT_VOCABULARY)?,
                };
                let words = tokenizer.vocab_size();
                let config = match base {
                    Base::Mini => EncoderConfig::from(TransformerConfig::mini(words)),
                    _ => settings.bilstm(words).into(),
                };
                Ok(Self {
                    model: Model::new(&config, tasks, device, settings.seed)?,
                    tokenizer,
                    max_length: settings.max_length(LIGHT_MAX_LENGTH, &config)?,
                    base_model: None,
                    licence: None,
                })
            }
            Base::Folder(folder) => {
                if !folder.exists() {
                    return Err(Error::Unfit {
                        path: folder.clone(),
                        found: "no such folder".to_owned(),
                        expected: "light, mini or the folder of a model (--model)",
                    });
                }
                let bundle = Bundle::open(folder)?;
                let model = Model::from_pretrained(&bundle, tasks, device, settings.seed)?;
                let name = folder.file_name();
                let name = name.map(|name| name.to_string_lossy().into_owned());
                let start = Self::of(&bundle, model, settings)?;
                Ok(Self {
                    // The heads are new, and so may the words be that have tags.
                    tokenizer: start.tokenizer.with_words(WordRule::default()),
                    base_model: start.base_model.or(name),
                    ..start
                })
            }
            Base::Trained(folder) => {
                let bundle = Bundle::open(folder)?;
                Self::of(&bundle, Model::open(&bundle, device)?, settings)
            }
        }
    }

    /// What a bundle brings besides its `model`.
    fn of(bundle: &Bundle, model: Model, settings: &Settings) -> Result<Self> {
        let manifest = bundle.manifest();
        Ok(Self {
            model,
            tokenizer: bundle.tokenizer()?,
            max_length: settings.max_length(bundle.max_length(), bundle.config())?,
            base_model: manifest.and_then(|m| m.base_model.clone()),
            licence: manifest.and_then(|m| m.licence.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_neither_known_nor_there_is_named() {
        let rows = vec![Utterance::new("1", "hi").with_intent("greeting")];
        let rows = Dataset::from_utterances(rows).unwrap();
        let settings = Settings::default();
        let base = "lite".parse().unwrap();
        let start = Start::new(&base, &rows, &Tasks::default(), &settings, None);
        let line = start.err().unwrap().line();
        assert_eq!(
            line,
            "lite: no such folder, expected light, mini or the folder of a model (--model)"
        );
    }
}
