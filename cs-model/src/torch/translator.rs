//! Texts into another language.

use std::path::Path;

use cs_data::{TokenBatch, Tokenizer};

use super::Seq2SeqLm;
use crate::bundle::Dtype;
use crate::error::Result;
use crate::generate::{GenerateConfig, Generator, Prompt};
use crate::ops::Device;

/// An encoder-decoder with its tokenizer, which gives a text for each text: Marian's folders
/// translate.
///
/// ```no_run
/// use cs_model::{Device, Translator};
/// use std::path::Path;
///
/// let translator = Translator::open(Path::new("opus-mt-zh-en"), Device::auto())?;
/// let translations = translator.translate(&["我要退款", "你好"])?;
/// println!("{}", translations[0].text);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Translator {
    model: Seq2SeqLm,
    tokenizer: Tokenizer,
    config: GenerateConfig,
}

/// What a text became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The text in the other language; empty of a blank text.
    pub text: String,
    /// Whether only the beginning of the text was read, as the model has no more positions.
    pub truncated: bool,
}

impl Translator {
    /// The longest source, in tokens, of a model whose positions have no end.
    const MAX_LENGTH: usize = 512;

    /// Opens a Hugging Face folder: model, tokenizer and, in `generation_config.json`, how a
    /// translation is chosen.
    ///
    /// # Errors
    /// Those of [`Seq2SeqLm::open`], [`Tokenizer::open`] and [`GenerateConfig::open`].
    pub fn open(dir: &Path, device: Device) -> Result<Self> {
        let model = Seq2SeqLm::open(dir, device, Dtype::F32)?;
        let mut config = GenerateConfig::open(dir)?;
        if let Some(positions) = model.config().max_positions() {
            config.max_new_tokens = config.max_new_tokens.min(positions);
        }
        let tokenizer = Tokenizer::open(dir)?;
        Ok(Self {
            model,
            tokenizer,
            config,
        })
    }

    /// Sets the number of translations that are kept beside each other while the best is looked
    /// for.
    #[must_use]
    pub fn with_beams(mut self, num_beams: usize) -> Self {
        self.config = self.config.with_beams(num_beams);
        self
    }

    /// The longest text that is read whole, in tokens.
    pub fn max_length(&self) -> usize {
        let positions = self.model.config().max_positions();
        positions.unwrap_or(Self::MAX_LENGTH)
    }

    /// Translates texts, all at once and each as it would be alone. Takes memory for as many
    /// sequences as there are texts, times the beams.
    ///
    /// # Errors
    /// A setting or a token that does not fit the model; [`Error::Tch`](crate::Error::Tch), for
    /// instance when memory runs out.
    pub fn translate(&self, texts: &[&str]) -> Result<Vec<Translation>> {
        let spoken: Vec<&str> = texts
            .iter()
            .copied()
            .filter(|text| !text.trim().is_empty())
            .collect();
        let mut found = self.translate_spoken(&spoken)?.into_iter();
        let blank = Translation {
            text: String::new(),
            truncated: false,
        };
        let translations = texts.iter().map(|text| match text.trim() {
            "" => Some(blank.clone()),
            _ => found.next(),
        });
        Ok(translations.flatten().collect())
    }

    /// Translates texts that are not blank.
    fn translate_spoken(&self, texts: &[&str]) -> Result<Vec<Translation>> {
        let generator = Generator::new(self.config.clone(), self.model.config().vocab_size())?;
        let encodings = self.tokenizer.encode_batch(texts, self.max_length())?;
        let sources = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
        let start = [self.model.config().decoder_start_token_id()];
        let prompts = encodings.iter().map(|encoding| Prompt {
            source: &encoding.ids,
            ..Prompt::new(&start)
        });
        let prompts: Vec<Prompt<'_>> = prompts.collect();
        let mut decoder = self.model.encode(&sources)?;
        let targets = generator.run(&mut decoder, &prompts, &mut |_| ())?;
        let pairs = targets.iter().zip(&encodings);
        pairs
            .map(|(target, encoding)| {
                Ok(Translation {
                    text: self.tokenizer.decode(&target.tokens, true)?,
                    truncated: encoding.truncated,
                })
            })
            .collect()
    }
}
