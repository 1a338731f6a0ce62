//! What makes vectors of texts.

use cs_data::{TokenBatch, Tokenizer};
use cs_model::Bundle;
use cs_quant::{NativeModel, RuntimeConfig};

use crate::error::{BackendError, Result};

/// What makes vectors of texts, so that those which mean the same are near each other.
pub trait Embedder: Send + Sync {
    /// Gives a vector for each text, all of one size.
    ///
    /// # Errors
    /// Whatever keeps it from that.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, BackendError>;

    /// Gives what tells this embedder's vectors from those of others, as a model's hash.
    fn version(&self) -> &str;
}

/// An encoder on the native runtime: a bundle or a plain Hugging Face folder. A text's vector is its
/// token states, pooled as the folder says.
///
/// ```no_run
/// use cs_model::Bundle;
/// use cs_serve::RuntimeConfig;
/// use cs_serve::reply::retrieval::{Embedder, NativeEmbedder};
///
/// let bundle = Bundle::open("models/e5-small".as_ref())?;
/// let embedder = NativeEmbedder::open(&bundle, "query: ", &RuntimeConfig::default())?;
/// let vectors = embedder.embed(&["怎么退货", "how to return an order"]);
/// # Ok::<(), cs_serve::Error>(())
/// ```
#[derive(Debug)]
pub struct NativeEmbedder {
    model: NativeModel,
    tokenizer: Tokenizer,
    max_length: usize,
    prefix: String,
    version: String,
}

impl NativeEmbedder {
    /// Loads an encoder. `prefix` goes before each text, as the model wants it; the E5 family wants
    /// `"query: "` before texts that are like each other.
    ///
    /// # Errors
    /// A file is missing, damaged or in another format, or this machine cannot run the kernel.
    pub fn open(bundle: &Bundle, prefix: &str, config: &RuntimeConfig) -> Result<Self> {
        let (tokenizer, model) = bundle.tokenizer_beside(|| NativeModel::open(bundle, config));
        Ok(Self {
            model: model?,
            tokenizer: tokenizer?,
            max_length: bundle.max_length(),
            prefix: prefix.to_owned(),
            version: bundle.fingerprint()?,
        })
    }
}

impl Embedder for NativeEmbedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, BackendError> {
        let prefixed: Vec<String> = texts.iter().map(|it| self.prefix.clone() + it).collect();
        let prefixed: Vec<&str> = prefixed.iter().map(String::as_str).collect();
        let encodings = self.tokenizer.encode_batch(&prefixed, self.max_length)?;
        let batch = TokenBatch::pack(encodings.iter().map(|it| &it.ids[..]));
        let vectors = self.model.embed(&batch)?;
        Ok((0..texts.len())
            .map(|row| vectors.row(row).to_vec())
            .collect())
    }

    fn version(&self) -> &str {
        &self.version
    }
}
