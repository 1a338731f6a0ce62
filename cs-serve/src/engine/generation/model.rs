//! What writes: a tokenizer, settings and a backend.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use cs_data::{MAX_TEXT_BYTES, Tokenizer};
use cs_model::generate::{
    Constraint, ContinuousBatch, Conversations, GenerateConfig, Generation, Generator, Part, Prompt,
};
use cs_model::gguf::Gguf;
use cs_quant::{NativeCausalLm, RuntimeConfig};

use super::config::GenerationConfig;
use crate::backend::GenerationBackend;
use crate::error::{Error, Result};

pub(super) type Batch = ContinuousBatch<'static, Box<dyn GenerationBackend>>;

/// A model that writes: tokenizer, settings and backend together.
///
/// ```no_run
/// use cs_serve::RuntimeConfig;
/// use cs_serve::engine::generation::{GenerationConfig, GenerationEngine, GenerationModel};
///
/// let model = GenerationModel::open("models/smollm2".as_ref(), &RuntimeConfig::default())?;
/// let engine = GenerationEngine::start(model, GenerationConfig::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GenerationModel {
    facts: Arc<GenerationFacts>,
    backend: Box<dyn GenerationBackend>,
}

/// What is known of a [`GenerationModel`] without its backend.
#[derive(Debug)]
pub struct GenerationFacts {
    name: String,
    tokenizer: Arc<Tokenizer>,
    settings: GenerateConfig,
    vocab_size: usize,
    max_positions: Option<usize>,
}

/// A prompt: a text, or the tokens that a chat template made of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerationPrompt {
    /// A text of up to [`MAX_TEXT_BYTES`], in which nothing is a special token.
    Text(String),
    /// Tokens of the model.
    Tokens(Vec<u32>),
}

/// A text to be written.
#[derive(Debug, Clone)]
pub struct GenerationRequest {
    /// What it goes on from.
    pub prompt: GenerationPrompt,
    /// How it is chosen and when it ends. [`GenerationFacts::settings`] has what the model's files
    /// say.
    pub config: GenerateConfig,
    /// What it is held to.
    pub constraint: Option<Constraint>,
    /// The number by which, with the seed, tokens are drawn: equal requests of equal numbers have
    /// equal texts.
    pub sequence: u64,
}

impl GenerationRequest {
    /// Asks for a text without constraint, of the number 0.
    pub fn new(prompt: impl Into<GenerationPrompt>, config: GenerateConfig) -> Self {
        Self {
            prompt: prompt.into(),
            config,
            constraint: None,
            sequence: 0,
        }
    }
}

impl From<&str> for GenerationPrompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for GenerationPrompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u32>> for GenerationPrompt {
    fn from(tokens: Vec<u32>) -> Self {
        Self::Tokens(tokens)
    }
}

impl GenerationModel {
    /// Opens a decoder's folder or GGUF file on the native runtime.
    ///
    /// # Errors
    /// A file is missing, damaged or holds what is not read, or this machine cannot run the kernel.
    pub fn open(path: &Path, config: &RuntimeConfig) -> Result<Self> {
        if path.is_dir() {
            let (tokenizer, settings) = (Tokenizer::open(path)?, GenerateConfig::open(path)?);
            let model = NativeCausalLm::open(path, config)?;
            return Ok(Self::new(tokenizer, settings, Box::new(model.continuous())));
        }
        let gguf = Gguf::open(path)?;
        let (tokenizer, settings) = (gguf.tokenizer()?, gguf.generate_config()?);
        let model = NativeCausalLm::open_gguf(gguf, config)?;
        Ok(Self::new(tokenizer, settings, Box::new(model.continuous())))
    }

    /// Makes a model of a tokenizer, the settings that requests begin from, and what computes.
    pub fn new(
        tokenizer: impl Into<Arc<Tokenizer>>,
        settings: GenerateConfig,
        backend: Box<dyn GenerationBackend>,
    ) -> Self {
        let facts = GenerationFacts {
            name: backend.name().to_owned(),
            tokenizer: tokenizer.into(),
            settings,
            vocab_size: backend.vocab_size(),
            max_positions: backend.max_positions(),
        };
        Self {
            facts: Arc::new(facts),
            backend,
        }
    }

    /// What is known of it without its backend.
    pub fn facts(&self) -> &Arc<GenerationFacts> {
        &self.facts
    }

    /// Has the model read a token, to see whether it can.
    pub(super) fn try_out(&mut self) -> Result<()> {
        let part = Part {
            conversation: 0,
            tokens: &[0],
            logits: 1,
        };
        let read = self.backend.read(&[part]);
        self.backend.end(0);
        read.map(|_| ()).map_err(|error| self.facts.error(error))
    }

    pub(super) fn into_batch(self, config: &GenerationConfig) -> Result<Batch> {
        Ok(ContinuousBatch::new(self.backend, config.batch())?)
    }
}

impl fmt::Debug for GenerationModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerationModel")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

impl GenerationFacts {
    /// The name of the backend.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tokenizer, with which a chat template makes tokens of a conversation.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The settings that the model's files give, to be changed and sent with a request.
    pub fn settings(&self) -> &GenerateConfig {
        &self.settings
    }

    /// The number of positions that a prompt and what comes have together; `None` if there is no end.
    pub fn max_positions(&self) -> Option<usize> {
        self.max_positions
    }

    /// Checks a request, and makes tokens of its prompt.
    pub(super) fn begin(&self, request: GenerationRequest) -> Result<Generation<'static>> {
        let tokens = match request.prompt {
            GenerationPrompt::Tokens(tokens) => tokens,
            GenerationPrompt::Text(text) if text.len() > MAX_TEXT_BYTES => {
                let bytes = text.len();
                return Err(Error::TextTooLong { bytes });
            }
            GenerationPrompt::Text(text) => self.tokenizer.encode(&text, usize::MAX)?.ids,
        };
        let tokenizer = Arc::clone(&self.tokenizer);
        let decode = move |tokens: &[u32]| Ok(tokenizer.decode(tokens, true)?);
        let mut generator = Generator::with_text(request.config, self.vocab_size, decode)?;
        if let Some(constraint) = &request.constraint {
            generator = generator.constrained(constraint)?;
        }
        let prompt = Prompt {
            sequence: request.sequence,
            ..Prompt::new(&tokens)
        };
        Ok(generator.begin(&prompt, self.max_positions)?)
    }

    /// Gives the error of a step: the backend's, or that of settings that left no token.
    pub(super) fn error(&self, error: cs_model::Error) -> Error {
        match error {
            cs_model::Error::Runtime(source) => Error::Backend {
                name: self.name.clone(),
                source,
            },
            other => Error::Model(other),
        }
    }
}
