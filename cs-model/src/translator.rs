//! Texts into another language.

use std::fmt::Debug;
use std::path::Path;

use cs_data::{TokenBatch, Tokenizer};

use crate::config::Seq2SeqConfig;
use crate::error::Result;
use crate::generate::{Decoder, GenerateConfig, Generator, Prompt};

/// A runtime's encoder-decoder.
pub trait EncoderDecoder: Debug + Send {
    /// The configuration of the model.
    fn config(&self) -> &Seq2SeqConfig;

    /// Reads sources, and gives the decoder of their targets: its sequence `i` attends to source
    /// `i`.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn read<'a>(&'a self, sources: &TokenBatch) -> Result<Box<dyn Decoder + 'a>>;
}

/// An encoder-decoder with its tokenizer, which gives a text for each text: Marian's folders
/// translate. The model is any runtime's: libtorch's `Seq2SeqLm`, or cs-quant's `NativeSeq2SeqLm`.
///
#[cfg_attr(feature = "torch", doc = "```no_run")]
#[cfg_attr(not(feature = "torch"), doc = "```ignore")]
/// use cs_model::{Device, Dtype, Seq2SeqLm, Translator};
/// use std::path::Path;
///
/// let dir = Path::new("opus-mt-zh-en");
/// let model = Seq2SeqLm::open(dir, Device::auto(), Dtype::F32)?;
/// let translator = Translator::new(model, dir)?;
/// let translations = translator.translate(&["我要退款", "你好"])?;
/// println!("{}", translations[0].text);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct Translator {
    model: Box<dyn EncoderDecoder>,
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

    /// Takes the model of a Hugging Face folder, and from there its tokenizer and, in
    /// `generation_config.json`, how a translation is chosen.
    ///
    /// # Errors
    /// Those of [`Tokenizer::open`] and [`GenerateConfig::open`].
    pub fn new(model: impl EncoderDecoder + 'static, dir: &Path) -> Result<Self> {
        let mut config = GenerateConfig::open(dir)?;
        if let Some(positions) = model.config().max_positions() {
            config.max_new_tokens = config.max_new_tokens.min(positions);
        }
        let tokenizer = Tokenizer::open(dir)?;
        Ok(Self {
            model: Box::new(model),
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
    /// A setting or a token that does not fit the model; what keeps the runtime from computing, for
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
        let mut decoder = self.model.read(&sources)?;
        let targets = generator.run(&mut *decoder, &prompts, &mut |_| ())?;
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
