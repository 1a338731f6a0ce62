//! A loaded encoder-decoder, and the targets of its sources.

use std::path::Path;
use std::sync::Arc;

use cs_data::TokenBatch;
use cs_model::generate::{Decoder, RowJob};
use cs_model::names::Role;
use cs_model::{Bundle, EncoderDecoder, Matrix, Seq2SeqConfig, Weights};

use super::batch_encoder::BatchEncoder;
use super::cache::{Cached, PageLayout};
use super::config::{Precision, RuntimeConfig};
use super::decoder::DecoderStack;
use super::decoder_space::DecoderSpace;
use super::embedding::Words;
use super::encoder::Encoder;
use super::machine::Machine;
use super::split::check;
use super::text_reader::{Limits, Reading, Sources, TextReader};
use super::transformer::Transformer;
use crate::Kernel;
use crate::error::{Error, Result};
use crate::format::scheme::QuantConfig;
use crate::format::source::WeightSource;
use crate::kernel::memory::grow;

/// An encoder-decoder that turns sources into targets on this machine's CPU: BART, Blenderbot,
/// BlenderbotSmall or Marian.
///
/// Sources are read packed, all at once and without padding, and their keys and values for the
/// decoder computed once. At a step all targets go through the network together, so that each weight
/// is read once. What a source gets depends neither on the number of threads nor on the sources
/// beside it.
///
/// A clone is another handle on the same weights.
///
/// ```no_run
/// use cs_data::TokenBatch;
/// use cs_model::generate::{GenerateConfig, Generator, Prompt};
/// use cs_quant::{NativeSeq2SeqLm, RuntimeConfig};
/// use std::path::Path;
///
/// let dir = Path::new("opus-mt-zh-en");
/// let model = NativeSeq2SeqLm::open(dir, &RuntimeConfig::default())?;
/// let generator = Generator::new(GenerateConfig::open(dir)?, model.config().vocab_size())?;
/// let (source, start) = ([520, 31, 7, 0], [model.config().decoder_start_token_id()]);
/// let mut decoder = model.encode(&TokenBatch::pack([&source[..]]))?;
/// let prompt = Prompt { source: &source, ..Prompt::new(&start) };
/// let found = generator.run(&mut decoder, &[prompt], &mut |_| ())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NativeSeq2SeqLm {
    model: Arc<Model>,
}

#[derive(Debug)]
struct Model {
    config: Seq2SeqConfig,
    encoder: BatchEncoder,
    reader: TextReader,
    /// How the sources' keys and values lie on a page.
    source_layout: PageLayout,
    precision: Precision,
}

impl NativeSeq2SeqLm {
    /// Opens a folder: a Hugging Face model's, or one that [`crate::quantize_seq2seq`] wrote.
    ///
    /// With [`Precision::Int8`] and no artefact in the folder, the weights are quantised while they
    /// are read.
    ///
    /// # Errors
    ///
    /// A file is missing or damaged, with its path; an error if the kernel or the threads are not to
    /// be had.
    pub fn open(dir: &Path, config: &RuntimeConfig) -> Result<Self> {
        let artefact = dir.join(Bundle::INT8_WEIGHTS);
        if config.precision != Precision::Fp32 && artefact.is_file() {
            let source = WeightSource::artefact(Weights::open(&artefact)?)?;
            return Self::load(Seq2SeqConfig::open(dir)?, &source, config);
        }
        let int8 = config.precision == Precision::Int8;
        Self::open_checkpoint(dir, int8.then(QuantConfig::default), config)
    }

    /// Opens a Hugging Face folder and quantises its weights while they are read;
    /// `config.precision` is not looked at.
    ///
    /// # Errors
    ///
    /// Those of [`NativeSeq2SeqLm::open`]; [`Error::Config`] for a value out of range.
    pub fn open_quantised(
        dir: &Path,
        quantise: &QuantConfig,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        quantise.validate()?;
        Self::open_checkpoint(dir, Some(quantise.clone()), config)
    }

    fn open_checkpoint(
        dir: &Path,
        quantise: Option<QuantConfig>,
        config: &RuntimeConfig,
    ) -> Result<Self> {
        let seq2seq = Seq2SeqConfig::open(dir)?;
        let weights = Weights::open_seq2seq(dir, &seq2seq)?;
        let source = WeightSource::checkpoint(weights, quantise);
        Self::load(seq2seq, &source, config)
    }

    fn load(seq2seq: Seq2SeqConfig, source: &WeightSource, config: &RuntimeConfig) -> Result<Self> {
        let machine = Machine::new(config)?;
        let (encoder, decoder) = {
            let loader = machine.loader();
            let names = [seq2seq.encoder_names(), seq2seq.decoder_names()];
            let [own, shared] = names.map(|names| names.weight(Role::WordEmbeddings));
            let [encoder, decoder] = names.map(|names| source.named(names));
            let (stack, tied) = (seq2seq.decoder(), seq2seq.tied());
            let decoder = DecoderStack::load(&stack, decoder, tied, &loader)?;
            let stack = seq2seq.encoder();
            let words = || match own == shared {
                true => Ok(decoder.words()),
                false => Words::load(&stack, encoder),
            };
            let encoder = Transformer::load(&stack, encoder, words, &loader)?;
            (Encoder::Transformer(Box::new(encoder)), decoder)
        };
        let limits = Limits {
            vocab_size: seq2seq.vocab_size(),
            max_positions: seq2seq.max_positions(),
        };
        let (source_layout, width) = (decoder.source_layout(), decoder.width());
        let model = Model {
            encoder: BatchEncoder::new(encoder, width, machine.clone()),
            reader: TextReader::new(decoder, limits, machine),
            source_layout,
            precision: match source.is_quantised() {
                true => Precision::Int8,
                false => Precision::Fp32,
            },
            config: seq2seq,
        };
        Ok(Self {
            model: Arc::new(model),
        })
    }

    /// Reads sources, once for all steps of generating their targets.
    ///
    /// # Errors
    ///
    /// [`Error::Batch`] or [`Error::Input`] if the batch contradicts itself, has an empty source, or
    /// an id or a position beyond the model's; [`Error::Memory`].
    pub fn encode(&self, sources: &TokenBatch) -> Result<NativeSeq2SeqDecoder> {
        let model = &*self.model;
        let words = model.config.encoder().embeddings.words;
        check(sources, words, model.config.max_positions())?;
        let mut hidden = Vec::new();
        let width = model.reader.stack().width();
        grow(&mut hidden, sources.tokens().saturating_mul(width))?;
        model
            .encoder
            .encode(&model.encoder.lease(sources), sources, &mut hidden)?;
        let mut read = vec![Cached::default(); sources.sequences()];
        for (i, source) in read.iter_mut().enumerate() {
            source.extend(&sources.ids[sources.range(i)], &model.source_layout)?;
        }
        let mut space = model.reader.space();
        let layout = &model.source_layout;
        model
            .reader
            .read_sources(&hidden, &mut read, layout, &mut space)?;
        Ok(NativeSeq2SeqDecoder {
            model: Arc::clone(&self.model),
            sources: read,
            of: Vec::new(),
            targets: Vec::new(),
            space,
        })
    }

    /// Computes the logits of the word after each token of the targets, `[N, V]`, each of which
    /// belongs to the source of its place.
    ///
    /// # Errors
    ///
    /// Those of [`NativeSeq2SeqLm::encode`], for targets too; [`Error::Batch`] unless there is a
    /// target for each source.
    pub fn logits(&self, sources: &TokenBatch, targets: &[&[u32]]) -> Result<Matrix> {
        let all: Vec<usize> = targets.iter().map(|target| target.len()).collect();
        self.encode(sources)?.restart(targets, &all)
    }

    /// The size in bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.model.encoder.bytes() + self.model.reader.bytes()
    }

    /// The configuration of the model.
    #[must_use]
    pub fn config(&self) -> &Seq2SeqConfig {
        &self.model.config
    }

    /// The kernel that is in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.model.reader.kernel()
    }

    /// The precision that is in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.model.precision
    }
}

impl EncoderDecoder for NativeSeq2SeqLm {
    fn config(&self) -> &Seq2SeqConfig {
        &self.model.config
    }

    fn read<'a>(&'a self, sources: &TokenBatch) -> cs_model::Result<Box<dyn Decoder + 'a>> {
        Ok(Box::new(self.encode(sources)?))
    }
}

/// The decoder of a [`NativeSeq2SeqLm`] with the sources that were read: sequence `i` of
/// [`prefill`](Decoder::prefill) attends to source `i`. Sequences that [`reorder`](Decoder::reorder)
/// makes of one share its pages of keys and values, and the source's.
#[derive(Debug)]
pub struct NativeSeq2SeqDecoder {
    model: Arc<Model>,
    sources: Vec<Cached>,
    /// The index of each target's source.
    of: Vec<usize>,
    targets: Vec<Cached>,
    space: DecoderSpace,
}

impl NativeSeq2SeqDecoder {
    /// Forgets all targets and begins others, one for each source, and gives the logits after the
    /// last `wanted[i]` tokens of each.
    fn restart(&mut self, targets: &[&[u32]], wanted: &[usize]) -> Result<Matrix> {
        let count = self.sources.len();
        if targets.len() != count {
            let problem = format!(
                "{} targets, expected {count}, one for each source",
                targets.len()
            );
            return Err(Error::Batch { problem });
        }
        self.of = (0..count).collect();
        self.targets = vec![Cached::default(); count];
        self.read(targets, wanted)
    }

    /// Goes on with all targets, and gives the logits after the last `wanted[i]` tokens of each.
    fn read(&mut self, texts: &[&[u32]], wanted: &[usize]) -> Result<Matrix> {
        let reader = &self.model.reader;
        reader.check(&self.targets, texts, usize::MAX)?;
        let sources = Sources {
            layout: &self.model.source_layout,
            all: &self.sources,
            of: &self.of,
        };
        let reading = Reading {
            texts,
            sources: Some(sources),
            wanted,
        };
        reader.read(&mut self.targets, reading, &mut self.space)
    }
}

impl Decoder for NativeSeq2SeqDecoder {
    fn vocab_size(&self) -> usize {
        self.model.config.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.config.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> cs_model::Result<Matrix> {
        Ok(self.restart(prompts, &vec![1; prompts.len()])?)
    }

    fn step(&mut self, tokens: &[u32]) -> cs_model::Result<Matrix> {
        let count = self.targets.len();
        if tokens.len() != count {
            let problem = format!(
                "{} tokens, expected {count}, one for each target",
                tokens.len()
            );
            return Err(Error::Batch { problem }.into());
        }
        let texts: Vec<&[u32]> = tokens.chunks(1).collect();
        Ok(self.read(&texts, &vec![1; count])?)
    }

    fn for_rows(&self, rows: &mut Matrix, job: &RowJob<'_>) {
        self.model.reader.for_rows(rows, job);
    }

    fn reorder(&mut self, sources: &[usize]) -> cs_model::Result<()> {
        let count = self.targets.len();
        if let Some(source) = sources.iter().find(|&&source| source >= count) {
            let problem = format!("target {source}, expected less than {count}");
            return Err(Error::Batch { problem }.into());
        }
        self.targets = sources.iter().map(|&i| self.targets[i].clone()).collect();
        self.of = sources.iter().map(|&i| self.of[i]).collect();
        Ok(())
    }
}
