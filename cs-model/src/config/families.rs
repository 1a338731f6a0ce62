//! The families that there are. This is the only file that tells them apart.

use std::path::Path;

use serde::Serialize;

use super::albert::AlbertConfig;
use super::architecture::Architecture;
use super::bart::BartConfig;
use super::bert::BertConfig;
use super::bilstm::BiLstmConfig;
use super::config_file::Known;
use super::distilbert::DistilBertConfig;
use super::family::{DecoderFamily, EncoderFamily, Family};
use super::gpt2::Gpt2Config;
use super::llama::LlamaConfig;
use super::roberta::RobertaConfig;
use crate::error::Result;
use crate::file::parse_json;

/// The families of encoders that are transformers, as errors list them.
pub(super) const TRANSFORMERS: &str = "bert, roberta, xlm-roberta, distilbert or albert";

/// The families of encoders.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum KnownEncoder {
    Bert(BertConfig),
    Roberta(RobertaConfig),
    DistilBert(DistilBertConfig),
    Albert(AlbertConfig),
    BiLstm(BiLstmConfig),
}

impl Known for KnownEncoder {
    const NAMES: &str =
        "\"bert\", \"roberta\", \"xlm-roberta\", \"distilbert\", \"albert\" or \"bilstm\"";

    fn read(model_type: &str, bytes: &[u8], origin: &Path) -> Result<Option<Self>> {
        Ok(match model_type {
            "bert" => Some(Self::Bert(parse_json(bytes, origin)?)),
            "roberta" | "xlm-roberta" => Some(Self::Roberta(parse_json(bytes, origin)?)),
            "distilbert" => Some(Self::DistilBert(parse_json(bytes, origin)?)),
            "albert" => Some(Self::Albert(parse_json(bytes, origin)?)),
            "bilstm" => Some(Self::BiLstm(parse_json(bytes, origin)?)),
            _ => None,
        })
    }

    fn family(&self) -> &dyn Family {
        self.encoder()
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        match self.architecture() {
            Architecture::Transformer(stack) => stack.tensors(self.family().facts().names),
            Architecture::BiLstm(config) => config.tensors(),
        }
    }
}

impl KnownEncoder {
    /// What the encoder is built as.
    pub(super) fn architecture(&self) -> Architecture<'_> {
        match self {
            Self::Bert(config) => Architecture::Transformer(config.stack()),
            Self::Roberta(config) => Architecture::Transformer(config.stack()),
            Self::DistilBert(config) => Architecture::Transformer(config.stack()),
            Self::Albert(config) => Architecture::Transformer(config.stack()),
            Self::BiLstm(config) => Architecture::BiLstm(config),
        }
    }

    pub(super) fn encoder(&self) -> &dyn EncoderFamily {
        match self {
            Self::Bert(config) => config,
            Self::Roberta(config) => config,
            Self::DistilBert(config) => config,
            Self::Albert(config) => config,
            Self::BiLstm(config) => config,
        }
    }

    pub(super) fn encoder_mut(&mut self) -> &mut dyn EncoderFamily {
        match self {
            Self::Bert(config) => config,
            Self::Roberta(config) => config,
            Self::DistilBert(config) => config,
            Self::Albert(config) => config,
            Self::BiLstm(config) => config,
        }
    }
}

/// The families of decoders.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum KnownDecoder {
    Gpt2(Gpt2Config),
    Llama(Box<LlamaConfig>),
}

impl Known for KnownDecoder {
    const NAMES: &str = "\"gpt2\", \"llama\", \"qwen2\" or \"qwen3\"";

    fn read(model_type: &str, bytes: &[u8], origin: &Path) -> Result<Option<Self>> {
        Ok(match model_type {
            "gpt2" => Some(Self::Gpt2(parse_json(bytes, origin)?)),
            "llama" | "qwen2" | "qwen3" => Some(Self::Llama(parse_json(bytes, origin)?)),
            _ => None,
        })
    }

    fn family(&self) -> &dyn Family {
        self.decoder()
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.decoder().tensors()
    }
}

impl KnownDecoder {
    pub(super) fn decoder(&self) -> &dyn DecoderFamily {
        match self {
            Self::Gpt2(config) => config,
            Self::Llama(config) => &**config,
        }
    }
}

impl Known for BartConfig {
    const NAMES: &str = "\"bart\", \"blenderbot\", \"blenderbot-small\" or \"marian\"";

    fn read(model_type: &str, bytes: &[u8], origin: &Path) -> Result<Option<Self>> {
        Ok(match model_type {
            "bart" | "blenderbot" | "blenderbot-small" | "marian" => {
                Some(parse_json(bytes, origin)?)
            }
            _ => None,
        })
    }

    fn family(&self) -> &dyn Family {
        self
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        self.tensors()
    }
}
