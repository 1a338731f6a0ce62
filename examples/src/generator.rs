//! A language model that writes replies, with its engine.

use std::path::Path;
use std::time::Duration;

use cs_model::chat::ChatFormat;
use cs_model::gguf::Gguf;
use cs_quant::RuntimeConfig;
use cs_serve::engine::generation::{
    GenerationConfig, GenerationEngine, GenerationHandle, GenerationModel,
};
use cs_serve::reply::{Writer, WriterConfig};

use crate::error::Result;

/// A language model that writes replies, with its engine.
#[derive(Debug)]
pub struct Generator {
    engine: GenerationEngine,
    format: ChatFormat,
}

impl Generator {
    /// Opens a folder or a GGUF file, and starts an engine for it.
    ///
    /// # Errors
    ///
    /// A file that is missing, damaged or holds what is not read, also a model without a chat template.
    pub fn open(path: &Path, runtime: &RuntimeConfig) -> Result<Self> {
        let model = GenerationModel::open(path, runtime)?;
        let format = match path.is_dir() {
            true => ChatFormat::open(path, model.facts().tokenizer())?,
            false => Gguf::open(path)?.chat_format()?,
        };
        let engine = GenerationEngine::start(model, GenerationConfig::default())?;
        Ok(Self { engine, format })
    }

    /// The way into the engine.
    pub fn handle(&self) -> GenerationHandle {
        self.engine.handle()
    }

    /// What writes replies by it.
    ///
    /// # Errors
    ///
    /// A model whose chat template has no place for a system's turn.
    pub fn writer(&self) -> Result<Writer> {
        let config = WriterConfig::default();
        Ok(Writer::new(self.handle(), self.format.clone(), config)?)
    }

    /// Ends the engine as soon as all that was asked for is written, but no later than after `limit`.
    pub fn drain(self, limit: Duration) {
        self.engine.drain(limit);
    }
}
