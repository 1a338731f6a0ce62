//! [`Pretraining`]: an encoder learns the domain from texts without labels.

use std::path::Path;

use cs_data::{Tokenizer, Utterance};
use cs_model::{BertConfig, Bundle, Device, Manifest, Model, Tasks};
use serde_json::{Value, json};

use super::Recipe;
use super::fitted::write_bundle;
use super::start::{LIGHT_MAX_LENGTH, LIGHT_VOCABULARY, Start, name_of};
use crate::data::{Masker, MaskingConfig, Segmenter, WordList};
use crate::error::{Error, Result};
use crate::torch::objective::{MaskedLm, Texts};
use crate::torch::run::{Observer, TrainReport};

/// What is guessed, of which texts.
///
/// ```no_run
/// use cs_data::Utterance;
/// use cs_train::recipe::{Pretraining, Recipe, Start};
/// use cs_train::run::Silent;
///
/// # let texts: Vec<Utterance> = Vec::new();
/// let pretraining = Pretraining { texts, ..Pretraining::default() };
/// let recipe = Recipe::new(Start::Folder("bert-base-chinese".into()), "encoder");
/// pretraining.run(&recipe, &mut Silent)?.write("encoder".as_ref())?;
/// # Ok::<(), cs_train::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Pretraining {
    /// Texts to learn from.
    pub texts: Vec<Utterance>,
    /// Texts that choose the best epoch; may be empty.
    pub eval: Vec<Utterance>,
    /// Words to be masked as a whole, besides the tokenizer's.
    pub words: Option<WordList>,
    /// How words are masked.
    pub masking: MaskingConfig,
    /// What tells the texts from others, for the bundle's manifest.
    pub fingerprint: Option<String>,
}

/// An encoder that knows the domain, with its head for more of the same.
#[derive(Debug)]
pub struct Pretrained {
    /// The model with its best weights.
    pub model: Model,
    /// How the run went. Its validation texts chose the epoch.
    pub report: TrainReport,
    tokenizer: Tokenizer,
    manifest: Manifest,
}

impl Pretraining {
    /// Trains the encoder that the recipe starts from. The bundle is not written:
    /// [`Pretrained::write`] does.
    ///
    /// # Errors
    ///
    /// A start that is no transformer, texts or settings of no use, a checkpoint that cannot be
    /// written.
    pub fn run(&self, recipe: &Recipe, observer: &mut dyn Observer) -> Result<Pretrained> {
        let (mut model, tokenizer, mut manifest) = self.start(recipe)?;
        let masker = Masker::new(&tokenizer, self.masking.clone())?;
        let words = self.words.as_ref().map(|words| words as &dyn Segmenter);
        let read = |rows: &[Utterance]| {
            let rows = rows.iter().cloned();
            Texts::new(rows, &tokenizer, &masker, words, manifest.max_length)
        };
        let (texts, eval) = (read(&self.texts)?, read(&self.eval)?);
        let config = recipe.settings.train_config(model.config());
        manifest.settings = json!({
            "config": &config, "masking": &self.masking, "texts": texts.len(),
        });
        let objective = MaskedLm::new(&mut model, masker, &texts, &eval, &config)?;
        let report = recipe.run(&objective, config, observer)?;
        manifest.data_fingerprint = self.fingerprint.clone();
        let figures = report.best.iter().flat_map(|best| &best.figures);
        let figures = figures.map(|(name, value)| (format!("eval.{name}"), *value));
        manifest.metrics = figures.collect();
        drop(objective);
        Ok(Pretrained {
            model,
            report,
            tokenizer,
            manifest,
        })
    }

    fn start(&self, recipe: &Recipe) -> Result<(Model, Tokenizer, Manifest)> {
        let settings = &recipe.settings;
        let device = settings.device.unwrap_or_else(Device::auto);
        match &recipe.start {
            Start::Light => Err(Error::Config {
                field: "start",
                value: "light".to_owned(),
                expected: "a transformer: light reads no context to guess words from",
            }),
            Start::Mini => {
                let texts = self.texts.iter().map(|row| row.text.as_str());
                let tokenizer = Tokenizer::train(texts, LIGHT_VOCABULARY)?;
                let config = BertConfig::mini(tokenizer.vocab_size()).into();
                let model = Model::new_masked_lm(&config, device, settings.seed)?;
                let length = settings.max_length(LIGHT_MAX_LENGTH, model.config())?;
                let manifest = Manifest::new(Tasks::default(), length);
                Ok((model, tokenizer, manifest))
            }
            Start::Folder(folder) | Start::Trained(folder) => {
                let bundle = Bundle::open(folder)?;
                let model = Model::masked_lm_from_pretrained(&bundle, device, settings.seed)?;
                let before = bundle.manifest();
                let length = settings.max_length(bundle.max_length(), bundle.config())?;
                let base_model = before.and_then(|m| m.base_model.clone());
                let manifest = Manifest {
                    base_model: base_model.or(name_of(folder)),
                    licence: before.and_then(|m| m.licence.clone()),
                    ..Manifest::new(Tasks::default(), length)
                };
                Ok((model, bundle.tokenizer()?, manifest))
            }
        }
    }
}

impl Pretrained {
    /// Puts how the encoder came about into the bundle's manifest, beside the settings of training.
    pub fn note_setting(&mut self, name: &str, value: Value) {
        self.manifest.settings[name] = value;
    }

    /// Writes the bundle: an encoder without heads for tasks.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written; a bundle that was there before stays whole.
    pub fn write(&self, out: &Path) -> Result<()> {
        write_bundle(out, &self.model, &self.tokenizer, &self.manifest)
    }
}
