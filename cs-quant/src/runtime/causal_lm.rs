//! A loaded decoder, and its conversations.

use std::path::Path;
use std::sync::Arc;

use cs_model::generate::Decoder;
use cs_model::{Bundle, DecoderConfig, Matrix, Weights};

use super::cache::{Cached, PageLayout};
use super::config::{Precision, RuntimeConfig};
use super::decoder::{DecoderSpace, DecoderStack, Rows};
use super::loader::Loader;
use super::prefix::{rests, resume, shared_prefixes};
use super::scratch::lock;
use super::split::worthwhile_threads;
use crate::Kernel;
use crate::error::{Error, Result};
use crate::format::scheme::QuantConfig;
use crate::format::source::{WeightSource, checkpoint};
use crate::kernel::Simd;
use crate::kernel::cached::{PAGE, Segment};
use crate::kernel::memory::grow;
use crate::kernel::pool::{Pool, available_threads};
use crate::kernel::team::Team;

/// The most rows that go through the network together: enough that a weight is used often, few
/// enough that the space they need is bounded.
const MOST_ROWS: usize = 512;

/// A decoder that continues texts on this machine's CPU: GPT-2, Llama, Qwen2 or Qwen3. It is a
/// [`Decoder`] for the [`Generator`](cs_model::generate::Generator).
///
/// Prompts are read packed, several at once and without padding; at a step all conversations go
/// through the network together, so that each weight is read once. What a conversation gets depends
/// neither on the number of threads nor on the conversations beside it, and is the same whether its
/// tokens were read at once or one by one.
///
/// Keys and values are kept in `f32`, [`token_bytes`](Self::token_bytes) for each token, in pages of
/// 32 tokens. Conversations that [`reorder`](Decoder::reorder) or [`prefill`](Decoder::prefill)
/// makes of one share its pages. A beginning of a page or more that several prompts of a `prefill`
/// have in common is read once. If a prompt does not fit, the conversations are as they were.
///
/// A clone shares the weights and begins with the same conversations, without copying their pages.
#[derive(Debug)]
pub struct NativeCausalLm {
    model: Arc<Model>,
    conversations: Vec<Cached>,
    /// The most tokens that all conversations together may have, rounded up to pages.
    most_tokens: usize,
    space: DecoderSpace,
}

#[derive(Debug)]
struct Model {
    config: DecoderConfig,
    stack: DecoderStack,
    layout: PageLayout,
    simd: Simd,
    precision: Precision,
    threads: usize,
    pool: Arc<Pool>,
}

impl NativeCausalLm {
    /// Opens a folder: a Hugging Face model's, or one that [`crate::quantize_decoder`] wrote.
    ///
    /// With [`Precision::Int8`] and no artefact in the folder, the weights are quantised while they
    /// are read.
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
        let decoder = DecoderConfig::open(dir)?;
        let weights = checkpoint(dir, &decoder)?;
        let source = WeightSource::checkpoint(weights, Some(quantise.clone()));
        Self::load(decoder, &source, Precision::Int8, config)
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
            DecoderStack::load(&decoder, source, &loader)?
        };
        let model = Model {
            config: decoder,
            layout: stack.layout(),
            stack,
            simd,
            precision,
            threads: threads.get(),
            pool,
        };
        Ok(Self {
            space: model.space(),
            model: Arc::new(model),
            conversations: Vec::new(),
            most_tokens: usize::MAX,
        })
    }

    /// Limits the tokens that all conversations together may have, and with them the memory for keys
    /// and values, to `most_tokens` times [`token_bytes`](Self::token_bytes), rounded up to pages.
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
        self.model.check(&apart, texts, self.most_tokens)?;
        self.read(&mut apart, texts, true)
    }

    /// The size in bytes of all weights as they lie in memory.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.model.stack.bytes()
    }

    /// The size in bytes of the keys and values of a token.
    #[must_use]
    pub fn token_bytes(&self) -> usize {
        self.model.layout.bytes() / PAGE
    }

    /// The configuration of the decoder.
    #[must_use]
    pub fn config(&self) -> &DecoderConfig {
        &self.model.config
    }

    /// The kernel that is in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.model.simd.kernel()
    }

    /// The precision that is in use; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.model.precision
    }

    /// Adds texts that were [checked](Model::check) to conversations, and gives the logits after
    /// each, `[B, V]`, or after each token. On an error the conversations are as they were.
    fn read(
        &mut self,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        every_token: bool,
    ) -> Result<Matrix> {
        let model = Arc::clone(&self.model);
        let rows = match every_token {
            true => texts.iter().map(|text| text.len()).sum(),
            false => texts.len(),
        };
        let mut logits = Matrix::zeros(0, model.config.vocab_size());
        grow(&mut logits.data, rows.saturating_mul(logits.cols))?;
        logits.rows = rows;
        for (i, text) in texts.iter().enumerate() {
            if let Err(error) = conversations[i].extend(text, &model.layout) {
                for (conversation, text) in conversations[..i].iter_mut().zip(texts) {
                    conversation.truncate(text.len());
                }
                return Err(error);
            }
        }
        let result = model.compute(conversations, texts, (&mut logits, &mut self.space));
        if result.is_err() {
            for (conversation, text) in conversations.iter_mut().zip(texts) {
                conversation.truncate(text.len());
            }
        }
        result.map(|()| logits)
    }
}

impl Clone for NativeCausalLm {
    fn clone(&self) -> Self {
        Self {
            model: Arc::clone(&self.model),
            conversations: self.conversations.clone(),
            most_tokens: self.most_tokens,
            space: self.model.space(),
        }
    }
}

/// Some rows of a text in a forward.
struct Piece {
    text: usize,
    /// The tokens of the text.
    tokens: std::ops::Range<usize>,
}

impl Model {
    fn space(&self) -> DecoderSpace {
        DecoderSpace::new(self.pool.ranks())
    }

    /// Checks that the texts fit the model, and the cache.
    fn check(&self, conversations: &[Cached], texts: &[&[u32]], most_tokens: usize) -> Result<()> {
        let vocab = self.config.vocab_size();
        let mut pages = 0;
        for (sequence, (conversation, text)) in conversations.iter().zip(texts).enumerate() {
            let problem = |problem| Err(Error::Input { sequence, problem });
            if text.is_empty() {
                return problem("no tokens, expected at least one".to_owned());
            }
            if let Some(id) = text.iter().find(|&&id| id as usize >= vocab) {
                return problem(format!("token id {id}, expected less than {vocab}"));
            }
            let tokens = conversation.tokens().len() + text.len();
            if let Some(most) = self.config.max_positions().filter(|&most| tokens > most) {
                return problem(format!("{tokens} tokens, expected at most {most}"));
            }
            pages += conversation.pages_with(text.len());
        }
        let most = most_tokens.div_ceil(PAGE);
        if pages > most {
            return Err(Error::CacheFull { pages, most });
        }
        Ok(())
    }

    /// Computes texts that their conversations have room for.
    fn compute(
        &self,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        (logits, space): (&mut Matrix, &mut DecoderSpace),
    ) -> Result<()> {
        let every_token = logits.rows > texts.len();
        let mut written = 0;
        for pieces in pieces(texts) {
            let rows: usize = pieces.iter().map(|piece| piece.tokens.len()).sum();
            let crew = self
                .pool
                .lease(worthwhile_threads(rows, self.stack.macs()).min(self.threads));
            let team = Team::all(self.simd, &crew);
            let share = team.share(rows, self.config.stack().hidden_size);
            let lengths = conversations.iter().map(|own| own.tokens().len());
            let longest = lengths.max().unwrap_or(0);
            self.stack.reserve([rows, share, longest], space)?;
            let ends = self.forward(team, conversations, texts, (&pieces, space));
            let chosen = if every_token {
                (0..rows).collect()
            } else {
                ends
            };
            let width = self.config.stack().hidden_size;
            let hidden = Vec::from_iter(
                chosen
                    .iter()
                    .flat_map(|&row| space.hidden[row * width..][..width].iter().copied()),
            );
            let out = &mut logits.data[written * logits.cols..][..chosen.len() * logits.cols];
            let scratch = &mut *lock(&space.scratch[team.rank()]);
            scratch.reserve_head(chosen.len(), width)?;
            self.stack.logits(team, &hidden, (out, scratch));
            written += chosen.len();
        }
        Ok(())
    }

    /// Computes the hidden states of some pieces, and gives the rows that are the last of a text.
    fn forward(
        &self,
        team: Team<'_>,
        conversations: &mut [Cached],
        texts: &[&[u32]],
        (pieces, space): (&[Piece], &mut DecoderSpace),
    ) -> Vec<usize> {
        let (mut ids, mut ends) = (Vec::new(), Vec::new());
        let first = pieces.first().map_or(0, |piece| piece.text);
        let mut pages = Vec::new();
        for (piece, conversation) in pieces.iter().zip(&mut conversations[first..]) {
            let after = texts[piece.text].len() - piece.tokens.start;
            let before = conversation.tokens().len() - after;
            pages.push((before, conversation.refs(after)));
        }
        let mut segments = Vec::new();
        for (piece, (before, pages)) in pieces.iter().zip(&pages) {
            let text = texts[piece.text];
            let start = ids.len();
            ids.extend_from_slice(&text[piece.tokens.clone()]);
            segments.push(Segment {
                pages,
                before: *before,
                rows: start..ids.len(),
            });
            if piece.tokens.end == text.len() {
                ends.push(ids.len() - 1);
            }
        }
        let rows = Rows {
            ids: &ids,
            segments: &segments,
        };
        self.stack.forward(team, rows, &self.layout, space);
        ends
    }
}

/// Cuts texts into pieces that go through the network together, about [`MOST_ROWS`] rows each time.
fn pieces(texts: &[&[u32]]) -> Vec<Vec<Piece>> {
    let mut all: Vec<Vec<Piece>> = Vec::new();
    let mut left = 0;
    for (text, tokens) in texts.iter().enumerate() {
        let mut start = 0;
        while start < tokens.len() {
            if left == 0 {
                all.push(Vec::new());
                left = MOST_ROWS;
            }
            let end = tokens.len().min(start + left);
            if let Some(last) = all.last_mut() {
                last.push(Piece {
                    text,
                    tokens: start..end,
                });
            }
            left -= end - start;
            start = end;
        }
    }
    all
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
            .check(&held, &rests(&held, prompts), self.most_tokens)?;
        // What no prompt begins with makes room for what is read.
        self.conversations.clear();
        let shared = shared_prefixes(&held, prompts);
        let mut beginnings = resume(&held, &shared);
        let left = rests(&beginnings, &shared);
        self.read(&mut beginnings, &left, false)?;
        held.append(&mut beginnings);
        let mut conversations = resume(&held, prompts);
        // A page that nobody else has is written on where it ends, without a copy.
        drop(held);
        let left = rests(&conversations, prompts);
        let logits = self.read(&mut conversations, &left, false)?;
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
            .check(&self.conversations, &texts, self.most_tokens)?;
        let mut conversations = std::mem::take(&mut self.conversations);
        let logits = self.read(&mut conversations, &texts, false);
        self.conversations = conversations;
        Ok(logits?)
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
}
