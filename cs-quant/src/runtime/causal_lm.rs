//! A loaded decoder, and its conversations.

use std::path::Path;
use std::sync::Arc;

use cs_model::generate::{Decoder, RowJob, Verifier};
use cs_model::gguf::Gguf;
use cs_model::{Bundle, DecoderConfig, Matrix, Weights};

use super::cache::Cached;
use super::config::{Precision, RuntimeConfig};
use super::decoder::{DecoderSpace, DecoderStack};
use super::loader::Loader;
use super::own_text::write_own_texts;
use super::prefix::{rests, resume, shared_prefixes};
use super::text_reader::{Limits, TextReader};
use crate::Kernel;
use crate::error::{Error, Result};
use crate::format::equalise::InputSquares;
use crate::format::scheme::QuantConfig;
use crate::format::source::{WeightSource, checkpoint};
use crate::kernel::Simd;
use crate::kernel::pool::{Pool, available_threads};

/// A decoder that continues texts on this machine's CPU: GPT-2, Llama, Qwen2 or Qwen3. It is a
/// [`Decoder`] for the [`Generator`](cs_model::generate::Generator).
///
/// Prompts are read packed, several at once and without padding; at a step all conversations go
/// through the network together, so that each weight is read once. What a conversation gets depends
/// neither on the number of threads nor on the conversations beside it, and is the same whether its
/// tokens were read at once or one by one.
///
/// Keys and values are kept in f16 beside quantised weights and in `f32` beside those in fp32, whose
/// logits stay libtorch's to the fourth decimal so: [`token_bytes`](Self::token_bytes) for each
/// token, in pages of 32 tokens. What f16 does not hold is kept as its largest number, 65,504.
/// Conversations that [`reorder`](Decoder::reorder) or [`prefill`](Decoder::prefill)
/// makes of one share its pages. A beginning of a page or more that several prompts of a `prefill`
/// have in common is read once. If a prompt does not fit, the conversations are as they were.
///
/// A clone shares the weights and begins with the same conversations, without copying their pages.
#[derive(Debug)]
pub struct NativeCausalLm {
    pub(super) model: Arc<Model>,
    conversations: Vec<Cached>,
    /// The most tokens that all conversations together may have, rounded up to pages.
    most_tokens: usize,
    space: DecoderSpace,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) config: DecoderConfig,
    pub(super) reader: TextReader,
    precision: Precision,
}

impl NativeCausalLm {
    /// Opens a folder: a Hugging Face model's, or one that [`crate::quantize_decoder`] wrote.
    ///
    /// With [`Precision::Int8`] and no artefact in the folder, the weights are quantised while they
    /// are read, without [calibration](QuantConfig::calibrate).
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, with its path; an error if the kernel or the threads are not to
    /// be had.
    pub fn open(dir: &Path, config: &RuntimeConfig) -> Result<Self> {
        let decoder = DecoderConfig::open(dir)?;
        let artefact = dir.join(Bundle::INT8_WEIGHTS);
        if config.precision != Precision::Fp32 && artefact.is_file() {
            let source = WeightSource::artefact(Weights::open(&artefact)?)?;
            return Self::load(decoder, &source, Precision::Int8, config);
        }
        let int8 = config.precision == Precision::Int8;
        let quantise = int8.then(QuantConfig::default);
        let source = WeightSource::checkpoint(checkpoint(dir, &decoder)?, quantise);
        let source = source.for_decoder(&decoder, None)?;
        let precision = if int8 {
            Precision::Int8
        } else {
            Precision::Fp32
        };
        Self::load(decoder, &source, precision, config)
    }

    /// Opens a Hugging Face folder and quantises its weights while they are read;
    /// `config.precision` is not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`NativeCausalLm::open`]; [`Error::Config`] for a value out of range.
    pub fn open_quantised(
        dir: &Path,
        quantise: &QuantConfig,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        quantise.validate()?;
        let measured = measured(dir, quantise, config)?;
        Self::open_measured(dir, quantise, measured.as_deref(), config)
    }

    /// Does what [`open_quantised`](Self::open_quantised) does, with inputs that were measured before.
    pub(crate) fn open_measured(
        dir: &Path,
        quantise: &QuantConfig,
        measured: Option<&[InputSquares]>,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        let decoder = DecoderConfig::open(dir)?;
        let weights = checkpoint(dir, &decoder)?;
        let source = WeightSource::checkpoint(weights, Some(quantise.clone()));
        let source = source.for_decoder(&decoder, measured)?;
        Self::load(decoder, &source, Precision::Int8, config)
    }

    /// Opens a GGUF file, of the architecture `llama`, `qwen2`, `qwen3` or `gpt2`.
    ///
    /// With [`Precision::Fp32`], or [`Precision::Auto`] where the file has its weights in floats, they
    /// are those of the file. Otherwise Q4_0 stays int4, and all others become int8 while they are
    /// read.
    ///
    /// # Errors
    ///
    /// A file that is torn, or that holds what is not read; an error if the kernel or the threads are
    /// not to be had.
    pub fn open_gguf(gguf: Gguf, config: &RuntimeConfig) -> Result<Self> {
        let is_int8 = match config.precision {
            Precision::Auto => gguf.is_quantised(),
            precision => precision == Precision::Int8,
        };
        let precision = if is_int8 {
            Precision::Int8
        } else {
            Precision::Fp32
        };
        let quantise = is_int8.then(QuantConfig::default);
        Self::load_gguf(gguf, quantise, precision, config)
    }

    /// Opens a GGUF file and quantises its weights while they are read, but for those in Q4_0, which
    /// stay as they are; `config.precision` is not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`NativeCausalLm::open_gguf`]; [`Error::Config`] for a value out of range.
    pub fn open_gguf_quantised(
        gguf: Gguf,
        quantise: &QuantConfig,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        quantise.validate()?;
        Self::load_gguf(gguf, Some(quantise.clone()), Precision::Int8, config)
    }

    fn load_gguf(
        gguf: Gguf,
        quantise: Option<QuantConfig>,
        precision: Precision,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        let decoder = gguf.decoder_config()?;
        gguf.check_all(&decoder)?;
        let source = WeightSource::gguf(gguf, quantise).for_decoder(&decoder, None)?;
        Self::load(decoder, &source, precision, config)
    }

    fn load(
        decoder: DecoderConfig,
        source: &WeightSource,
        precision: Precision,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        let simd = Simd::new(config.kernel.unwrap_or_else(Kernel::detect))?;
        let threads = config.threads.unwrap_or_else(available_threads);
        let pool = Pool::shared(threads)?;
        let stack = {
            let loader = Loader::new(&pool, threads);
            let scope = source.named(decoder.names());
            DecoderStack::load(&decoder.stack(), scope, decoder.tied(), &loader)?
        };
        let limits = Limits {
            vocab_size: decoder.vocab_size(),
            max_positions: decoder.max_positions(),
        };
        let reader = TextReader::new((stack, limits), (pool, threads), simd);
        let model = Model {
            config: decoder,
            reader,
            precision,
        };
        Ok(Self {
            space: model.reader.space(),
            model: Arc::new(model),
            conversations: Vec::new(),
            most_tokens: usize::MAX,
        })
    }

    /// Limits the tokens that all conversations together may have, and with them the memory for keys
    /// and values, to `most_tokens` times [`token_bytes`](Self::token_bytes), rounded up to pages;
    /// what is [proposed](Verifier) after them is not counted.
    #[must_use]
    pub fn with_most_tokens(self, most_tokens: usize) -> Self {
        Self {
            most_tokens,
            ..self
        }
    }

    /// Computes a row of logits for the token after each token of some texts, `[N, V]`, apart from
    /// the conversations.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] for a text that does not fit the model, [`Error::Memory`].
    pub fn logits(&mut self, texts: &[&[u32]]) -> Result<Matrix> {
        let mut apart = vec![Cached::default(); texts.len()];
        self.model.reader.check(&apart, texts, self.most_tokens)?;
        let all: Vec<usize> = texts.iter().map(|text| text.len()).collect();
        self.read(&mut apart, texts, &all)
    }

    /// The size in bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.model.reader.bytes()
    }

    /// The size in bytes of the keys and values of a token.
    #[must_use]
    pub fn token_bytes(&self) -> usize {
        self.model.reader.token_bytes()
    }

    /// The configuration of the decoder.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        &self.model.config
    }

    /// The kernel that is in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.model.reader.simd().kernel()
    }

    /// The precision that is in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.model.precision
    }

    /// Reads texts that were checked into conversations, and gives the logits after the last
    /// `wanted[i]` tokens of each.
    fn read(
        &mut self,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        wanted: &[usize],
    ) -> Result<Matrix> {
        let reader = &self.model.reader;
        reader.read(conversations, (texts, None), wanted, &mut self.space)
    }
}

/// Measures what the blocks of a folder's decoder read, if the settings ask for it; the decoder runs in fp32 for
/// that, with the threads and the kernel of `config`.
///
/// # Errors
///
/// Those of [`NativeCausalLm::open`]; logits that are no numbers.
pub(crate) fn measured(
    dir: &Path,
    quantise: &QuantConfig,
    config: &RuntimeConfig,
) -> Result<Option<Vec<InputSquares>>> {
    if !quantise.calibrate {
        return Ok(None);
    }
    let config = RuntimeConfig {
        precision: Precision::Fp32,
        ..config.clone()
    };
    NativeCausalLm::open(dir, &config)?.measured().map(Some)
}

impl NativeCausalLm {
    /// Measures what the blocks read of texts that the decoder writes itself.
    fn measured(mut self) -> Result<Vec<InputSquares>> {
        if let Some(model) = Arc::get_mut(&mut self.model) {
            model.reader.stack_mut().measure();
        }
        write_own_texts(&mut self)?;
        Ok(self.model.reader.stack().measured())
    }
}

impl Clone for NativeCausalLm {
    fn clone(&self) -> Self {
        Self {
            model: Arc::clone(&self.model),
            conversations: self.conversations.clone(),
            most_tokens: self.most_tokens,
            space: self.model.reader.space(),
        }
    }
}

impl Decoder for NativeCausalLm {
    fn vocab_size(&self) -> usize {
        self.model.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.config.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> cs_model::Result<Matrix> {
        let mut held = resume(&self.conversations, prompts);
        self.model
            .reader
            .check(&held, &rests(&held, prompts), self.most_tokens)?;
        // What no prompt begins with makes room for what is read.
        self.conversations.clear();
        let shared = shared_prefixes(&held, prompts);
        let mut beginnings = resume(&held, &shared);
        let left = rests(&beginnings, &shared);
        self.read(&mut beginnings, &left, &vec![0; shared.len()])?;
        held.append(&mut beginnings);
        let mut conversations = resume(&held, prompts);
        // A page that nobody else has is written on where it ends, without a copy.
        drop(held);
        let left = rests(&conversations, prompts);
        let logits = self.read(&mut conversations, &left, &vec![1; prompts.len()])?;
        self.conversations = conversations;
        Ok(logits)
    }

    fn step(&mut self, tokens: &[u32]) -> cs_model::Result<Matrix> {
        let count = self.conversations.len();
        if tokens.len() != count {
            let problem = format!(
                "{} tokens, expected {count}, one for each conversation",
                tokens.len()
            );
            return Err(Error::Batch { problem }.into());
        }
        let texts: Vec<&[u32]> = tokens.chunks(1).collect();
        self.model
            .reader
            .check(&self.conversations, &texts, self.most_tokens)?;
        let mut conversations = std::mem::take(&mut self.conversations);
        let logits = self.read(&mut conversations, &texts, &vec![1; count]);
        self.conversations = conversations;
        Ok(logits?)
    }

    fn for_rows(&self, rows: &mut Matrix, job: &RowJob<'_>) {
        self.model.reader.for_rows(rows, job);
    }

    fn reorder(&mut self, sources: &[usize]) -> cs_model::Result<()> {
        let count = self.conversations.len();
        if let Some(source) = sources.iter().find(|&&source| source >= count) {
            let problem = format!("conversation {source}, expected less than {count}");
            return Err(Error::Batch { problem }.into());
        }
        let named = sources
            .iter()
            .map(|&source| self.conversations[source].clone());
        self.conversations = named.collect();
        Ok(())
    }

    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        Some(self)
    }
}

impl Verifier for NativeCausalLm {
    fn verify(&mut self, sequences: &[&[u32]], counts: &[usize]) -> cs_model::Result<Matrix> {
        let beginnings = beginnings(sequences, counts)?;
        let mut conversations = resume(&self.conversations, &beginnings);
        let left = rests(&conversations, sequences);
        let reader = &self.model.reader;
        reader.check(&conversations, &left, usize::MAX)?;
        // What may be taken back is no reason to refuse the rest.
        let sure = rests(&conversations, &beginnings);
        reader.check(&conversations, &sure, self.most_tokens)?;
        self.conversations.clear();
        let logits = self.read(&mut conversations, &left, counts)?;
        self.conversations = conversations;
        Ok(logits)
    }
}

/// Gives the sequences up to the first token after which logits are wanted.
fn beginnings<'a>(sequences: &[&'a [u32]], counts: &[usize]) -> Result<Vec<&'a [u32]>> {
    if sequences.len() != counts.len() {
        let problem = format!("{} counts, expected one for each sequence", counts.len());
        return Err(Error::Batch { problem });
    }
    let pairs = sequences.iter().zip(counts).enumerate();
    pairs
        .map(|(sequence, (tokens, &count))| {
            let before = tokens.len().checked_sub(count).filter(|_| count > 0);
            before.map(|before| &tokens[..=before]).ok_or_else(|| {
                let problem = format!(
                    "{count} rows of logits of {} tokens, expected 1 at least, and no more",
                    tokens.len()
                );
                Error::Input { sequence, problem }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured_by(family: &str, threads: usize) -> Vec<InputSquares> {
        let references = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cs-model/tests/reference");
        let config = RuntimeConfig {
            precision: Precision::Fp32,
            threads: std::num::NonZeroUsize::new(threads),
            ..RuntimeConfig::default()
        };
        let model = NativeCausalLm::open(&references.join("decoders").join(family), &config);
        model.unwrap().measured().unwrap()
    }

    #[test]
    fn what_is_measured_is_of_every_place_and_of_any_number_of_threads() {
        for family in ["gpt2", "llama", "qwen2", "qwen3"] {
            let found = measured_by(family, 1);
            assert!(!found.is_empty() && found == measured_by(family, 3));
            let places = found.iter().flat_map(|block| {
                [
                    &block.attention,
                    &block.of_heads,
                    &block.feed_forward,
                    &block.inner,
                ]
            });
            for place in places {
                assert!(place.iter().all(|&x| x.is_finite() && x >= 0.0));
                assert!(place.iter().any(|&x| x > 0.0), "{family}");
            }
        }
    }
}
