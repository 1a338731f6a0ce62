//! A decoder from its files.

use std::path::Path;
use std::sync::Arc;

use cs_model::gguf::Gguf;
use cs_model::{Bundle, DecoderConfig, Weights};

use super::super::config::{Precision, RuntimeConfig};
use super::super::decoder::DecoderStack;
use super::super::machine::Machine;
use super::super::own_text::write_own_texts;
use super::super::text_reader::{Limits, TextReader};
use super::{Model, NativeCausalLm};
use crate::error::Result;
use crate::format::equalise::InputSquares;
use crate::format::scheme::QuantConfig;
use crate::format::source::{WeightSource, checkpoint};

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
    /// Those of [`NativeCausalLm::open`]; [`Error::Config`](crate::Error::Config) for a value out of range.
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
    /// Those of [`NativeCausalLm::open_gguf`]; [`Error::Config`](crate::Error::Config) for a value out of range.
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
        let machine = Machine::new(config)?;
        let stack = {
            let loader = machine.loader();
            let scope = source.named(decoder.names());
            DecoderStack::load(&decoder.stack(), scope, decoder.tied(), &loader)?
        };
        let limits = Limits {
            vocab_size: decoder.vocab_size(),
            max_positions: decoder.max_positions(),
        };
        let reader = TextReader::new(stack, limits, machine);
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
        ..*config
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
