//! Domain pre-training as the examples do it: texts and an encoder in, an encoder out.

use std::path::Path;

use cs_data::{Tokenizer, Utterance};
use cs_model::{Bundle, BundleWriter, Device, Manifest, Model, Tasks, TransformerConfig};
use cs_train::data::{Masker, MaskingConfig, Segmenter, WordList};
use cs_train::objective::{MaskedLm, Texts};
use cs_train::run::{Observer, TrainReport};
use serde_json::{Value, json};

use crate::base::{Base, LIGHT_MAX_LENGTH, LIGHT_VOCABULARY};
use crate::error::{Error, Result};
use crate::fit::run_of;
use crate::out::REPORT;
use crate::settings::Settings;

/// What is guessed, of which texts.
#[derive(Debug)]
pub struct Pretraining {
    /// To learn from.
    pub texts: Vec<Utterance>,
    /// To choose by; may be empty.
    pub eval: Vec<Utterance>,
    /// Words to be masked as a whole, besides the tokenizer's.
    pub words: Option<WordList>,
    /// How words are masked.
    pub masking: MaskingConfig,
    /// Of the data set that the texts are of.
    pub fingerprint: String,
}

/// What there is to report of a run. Its validation texts chose the epoch.
pub(crate) fn summary(report: &TrainReport) -> Value {
    let mut summary = json!({
        "steps": report.steps,
        "best_step": report.best_step,
        "resumed_from": report.resumed_from,
        "interrupted": report.interrupted,
        "eval": report.best.as_ref().map(|best| &best.figures),
        "tokens_per_second": report.tokens_per_second,
        "seconds": report.seconds,
    });
    if report.best.is_some() {
        summary["eval_chose"] = json!(["epoch"]);
    }
    summary
}

impl Pretraining {
    /// Trains the encoder of `base` and writes it to `out`, with its head for more of this, unless the
    /// run was interrupted; what there is to report.
    ///
    /// # Errors
    ///
    /// A base that is no transformer, texts or settings of no use, a folder that cannot be written.
    pub fn run(
        &self,
        base: &Base,
        settings: &Settings,
        out: &Path,
        observer: &mut dyn Observer,
    ) -> Result<(TrainReport, Value)> {
        let (mut model, tokenizer, mut manifest) = self.start(base, settings)?;
        let masker = Masker::new(&tokenizer, self.masking.clone())?;
        let words = self.words.as_ref().map(|words| words as &dyn Segmenter);
        let read = |rows: &[Utterance]| {
            let rows = rows.iter().cloned();
            Texts::new(rows, &tokenizer, &masker, words, manifest.max_length)
        };
        let (texts, eval) = (read(&self.texts)?, read(&self.eval)?);
        let config = settings.train_config(model.config());
        manifest.settings = json!({
            "config": &config, "masking": &self.masking, "texts": texts.len(),
        });
        let objective = MaskedLm::new(&mut model, masker, &texts, &eval, &config)?;
        let report = run_of(&objective, config, (settings, out), observer)?;
        let summary = summary(&report);
        if report.interrupted {
            return Ok((report, summary));
        }
        manifest.data_fingerprint = Some(self.fingerprint.clone());
        manifest.settings[REPORT] = summary.clone();
        let figures = report.best.iter().flat_map(|best| &best.figures);
        let figures = figures.map(|(name, value)| (format!("eval.{name}"), *value));
        manifest.metrics = figures.collect();
        let mut writer = BundleWriter::new(out)?;
        writer.write("config.json", &model.config().to_json()?)?;
        writer.write("tokenizer.json", &tokenizer.to_json()?)?;
        writer.write_with(Bundle::WEIGHTS, |path| model.save_weights(path))?;
        writer.finish(manifest)?;
        Ok((report, summary))
    }

    fn start(&self, base: &Base, settings: &Settings) -> Result<(Model, Tokenizer, Manifest)> {
        let device = settings.device.unwrap_or_else(Device::auto);
        match base {
            Base::Light => Err(Error::Usage(
                "--model light reads no context to guess words from; mini does".to_owned(),
            )),
            Base::Mini => {
                let texts = self.texts.iter().map(|row| row.text.as_str());
                let tokenizer = Tokenizer::train(texts, LIGHT_VOCABULARY)?;
                let config = TransformerConfig::mini(tokenizer.vocab_size());
                let model = Model::new_masked_lm(&config, device, settings.seed)?;
                let length = settings.max_length(LIGHT_MAX_LENGTH, model.config())?;
                let manifest = Manifest::new(Tasks::default(), length);
                Ok((model, tokenizer, manifest))
            }
            Base::Folder(folder) | Base::Trained(folder) => {
                let bundle = Bundle::open(folder)?;
                let model = Model::masked_lm_from_pretrained(&bundle, device, settings.seed)?;
                let name = folder.file_name();
                let name = name.map(|name| name.to_string_lossy().into_owned());
                let before = bundle.manifest();
                let length = settings.max_length(bundle.max_length(), bundle.config())?;
                let manifest = Manifest {
                    base_model: before.and_then(|m| m.base_model.clone()).or(name),
                    licence: before.and_then(|m| m.licence.clone()),
                    ..Manifest::new(Tasks::default(), length)
                };
                Ok((model, bundle.tokenizer()?, manifest))
            }
        }
    }
}
