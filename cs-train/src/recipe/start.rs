//! [`Start`]: the model that training starts from.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use cs_data::{Tokenizer, Utterance, WordRule};
use cs_model::{BertConfig, Bundle, Device, EncoderConfig, Model, Pooling, SlotHead, Tasks};

use super::settings::Settings;
use crate::error::Result;

/// Longest input of the models that learn their words from the training texts, in tokens.
pub const LIGHT_MAX_LENGTH: usize = 128;
/// Entries of their vocabulary, at most.
pub const LIGHT_VOCABULARY: usize = 8000;

/// The model that training starts from.
///
/// ```
/// use cs_train::recipe::Start;
///
/// assert_eq!("light".parse(), Ok(Start::Light));
/// assert_eq!("models/MiniLM".parse(), Ok(Start::Folder("models/MiniLM".into())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Word pieces learned from the training texts, embeddings and a BiLSTM with fresh weights.
    Light,
    /// Word pieces likewise, and a transformer of four blocks with fresh weights.
    Mini,
    /// The encoder of a Hugging Face folder or of a bundle, with fresh heads.
    Folder(PathBuf),
    /// The model of a bundle with the heads and labels it has.
    Trained(PathBuf),
}

impl FromStr for Start {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "light" => Self::Light,
            "mini" => Self::Mini,
            folder => Self::Folder(folder.into()),
        })
    }
}

impl Start {
    /// How fresh heads choose tags unless told: where words are learned from the labelled rows
    /// alone, what tag may follow which is worth learning too.
    #[must_use]
    pub fn slot_head(&self) -> SlotHead {
        match self {
            Self::Light => SlotHead::Crf,
            _ => SlotHead::Softmax,
        }
    }

    /// What fresh heads of intents and sentiment look at. A few words tell: the largest values find
    /// them.
    #[must_use]
    pub fn pooling(&self) -> Pooling {
        match self {
            Self::Light => Pooling::Max,
            _ => Pooling::default(),
        }
    }
}

/// The parts of a model before training.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) model: Model,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) max_length: usize,
    pub(crate) base_model: Option<String>,
    pub(crate) licence: Option<String>,
}

impl Parts {
    /// Opens or makes them. `tasks`: the fresh heads. `tokenizer`: for a start without one, instead
    /// of one learned from the texts.
    pub(crate) fn new(
        start: &Start,
        train: &[Utterance],
        tasks: &Tasks,
        settings: &Settings,
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Self> {
        let device = settings.device.unwrap_or_else(Device::auto);
        match start {
            Start::Light | Start::Mini => {
                let texts = train.iter().map(|row| row.text.as_str());
                let tokenizer = match tokenizer {
                    Some(tokenizer) => tokenizer.clone(),
                    None => Tokenizer::train(texts, LIGHT_VOCABULARY)?,
                };
                let words = tokenizer.vocab_size();
                let config = match start {
                    Start::Mini => EncoderConfig::from(BertConfig::mini(words)),
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
            Start::Folder(folder) => {
                let bundle = Bundle::open(folder)?;
                let model = Model::from_pretrained(&bundle, tasks, device, settings.seed)?;
                let parts = Self::of(&bundle, model, settings)?;
                Ok(Self {
                    // The heads are new, and so may the words be that have tags.
                    tokenizer: parts.tokenizer.with_words(WordRule::default()),
                    base_model: parts.base_model.or(name_of(folder)),
                    ..parts
                })
            }
            Start::Trained(folder) => {
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

/// What a model is called that has no name but its folder's.
pub(crate) fn name_of(folder: &Path) -> Option<String> {
    let name = folder.file_name()?;
    Some(name.to_string_lossy().into_owned())
}
