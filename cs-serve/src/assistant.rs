//! From texts to understandings.

use std::fmt;
use std::path::Path;

use cs_data::{BatchPlan, Encoding, MAX_TEXT_BYTES, TokenBatch, Tokenizer};
use cs_model::{Bundle, Calibration, HeadOutput, Labels, Understanding};
use cs_quant::RuntimeConfig;

use crate::backend::{Backend, NativeBackend};
use crate::error::{Error, Result};

/// The most tokens, and the most texts, that the backend gets at once.
const BATCH: BatchPlan = BatchPlan {
    max_tokens: 2048,
    max_sequences: 256,
    shuffle: None,
};

/// A model that answers: tokenizer, backend, labels and calibration together. It can be shared
/// between threads.
///
/// Any text of up to [`MAX_TEXT_BYTES`] is fine. Where the model can read nothing
/// ([`Encoding::is_blank`]: no text, white space, control characters, unknown signs alone) the
/// answer has neither intent nor entities nor sentiment. Of a text longer than
/// [`Bundle::max_length`] tokens only the beginning counts, and the answer is marked as
/// `truncated`. The likeliest intents are in the ranking `intents` even where none is sure enough.
///
/// ```no_run
/// let assistant = cs_serve::Assistant::open("models/support".as_ref())?;
/// let turn = assistant.understand("查询订单12345")?;
/// if let Some(intent) = &turn.intent {
///     println!("{} ({:.2})", intent.label, intent.confidence);
/// }
/// # Ok::<(), cs_serve::Error>(())
/// ```
///
/// The [crate's example](crate) runs without a model's weights.
pub struct Assistant {
    bundle: Bundle,
    calibration: Calibration,
    tokenizer: Tokenizer,
    backend: Box<dyn Backend>,
    embeds: bool,
}

impl Assistant {
    /// Opens a model's folder on the native runtime: in int8 if the folder has such weights, else
    /// in fp32, on all cores.
    ///
    /// # Errors
    /// A file is missing, damaged or in another format (the error names it); see [`Bundle::open`].
    pub fn open(dir: &Path) -> Result<Self> {
        Self::open_native(Bundle::open(dir)?, &RuntimeConfig::default())
    }

    /// Opens a bundle on the native runtime. It reads tokenizer and weights at the same time, which
    /// [`new`](Self::new) does one after the other.
    ///
    /// # Errors
    /// A file is missing, damaged or in another format, or this machine cannot run the kernel.
    pub fn open_native(bundle: Bundle, config: &RuntimeConfig) -> Result<Self> {
        let open = || NativeBackend::open(&bundle, config);
        let (tokenizer, backend) = bundle.tokenizer_beside(open);
        Ok(Self {
            tokenizer: tokenizer?,
            backend: Box::new(backend?),
            calibration: bundle.calibration(),
            bundle,
            embeds: false,
        })
    }

    /// Makes an assistant of the tokenizer, labels and calibration of `bundle`, and the numbers
    /// that `backend` computes.
    ///
    /// # Errors
    /// The tokenizer does not parse or does not match the model.
    pub fn new(bundle: Bundle, backend: Box<dyn Backend>) -> Result<Self> {
        let tokenizer = bundle.tokenizer()?;
        Ok(Self {
            calibration: bundle.calibration(),
            bundle,
            tokenizer,
            backend,
            embeds: false,
        })
    }

    /// Has each answer hold its text's vector ([`Understanding::embedding`]), if the backend gives
    /// it: the native one does. It is a copy, of a number for each of the encoder's width.
    #[must_use]
    pub fn with_embeddings(self) -> Self {
        Self {
            embeds: true,
            ..self
        }
    }

    /// Replaces the bundle's calibration by another one, for instance one without a threshold.
    ///
    /// # Errors
    /// [`Error::Model`] for a calibration out of range.
    pub fn with_calibration(self, calibration: Calibration) -> Result<Self> {
        calibration.validate()?;
        Ok(Self {
            calibration,
            ..self
        })
    }

    /// The model's opened folder.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The tokenizer that reads the texts.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The backend that computes the numbers.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Answers with intent, entities and sentiment of one text. Reads only as much of it as
    /// `max_length` tokens need.
    ///
    /// # Errors
    /// [`Error::TextTooLong`] for a text beyond the limit; [`Error::Backend`] if the backend fails,
    /// and [`Error::Model`] if its numbers have the wrong shape.
    pub fn understand(&self, text: &str) -> Result<Understanding> {
        let (encoding, batch, output) = self.one(text)?;
        let mut turns = self.decode(&[text], &[encoding], &batch, &output);
        Ok(turns.swap_remove(0))
    }

    /// Answers with intent, entities and sentiment of each text, in the order given. Texts of like
    /// length are computed together, up to 2,048 tokens at once.
    ///
    /// # Errors
    /// Those of [`understand`](Self::understand); one text's failure fails all.
    pub fn understand_batch(&self, texts: &[&str]) -> Result<Vec<Understanding>> {
        texts.iter().try_for_each(|text| check_length(text))?;
        let mut encodings = self
            .tokenizer
            .encode_batch(texts, self.bundle.max_length())?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&i| encodings[i].ids.len());
        let lengths: Vec<usize> = order.iter().map(|&i| encodings[i].ids.len()).collect();
        let mut turns: Vec<Option<Understanding>> = texts.iter().map(|_| None).collect();
        for batch in BATCH.batches(&lengths) {
            let rows: Vec<usize> = batch.into_iter().map(|i| order[i]).collect();
            let texts: Vec<&str> = rows.iter().map(|&row| texts[row]).collect();
            let encodings: Vec<Encoding> =
                rows.iter().map(|&row| take(&mut encodings[row])).collect();
            let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
            let output = self.forward(&batch)?;
            let decoded = self.decode(&texts, &encodings, &batch, &output);
            for (row, turn) in rows.into_iter().zip(decoded) {
                turns[row] = Some(turn);
            }
        }
        // Every row is in one batch, so none is dropped here.
        Ok(turns.into_iter().flatten().collect())
    }

    /// Computes the heads' numbers for one text, as the backend gives them.
    ///
    /// # Shapes
    /// Intent logits are `[1, C]`, slot logits `[N, T]` and sentiment is `[1]`, for `C` intents,
    /// `T` slot tags and `N` tokens, special ones included.
    ///
    /// # Errors
    /// Those of [`understand`](Self::understand).
    pub fn logits(&self, text: &str) -> Result<HeadOutput> {
        self.one(text).map(|(_, _, output)| output)
    }

    fn one(&self, text: &str) -> Result<(Encoding, TokenBatch, HeadOutput)> {
        let encoding = self.encode(text)?;
        let batch = TokenBatch::pack([&encoding.ids[..]]);
        let output = self.forward(&batch)?;
        Ok((encoding, batch, output))
    }

    #[cfg(feature = "engine")]
    pub(crate) fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    pub(crate) fn encode(&self, text: &str) -> Result<Encoding> {
        check_length(text)?;
        Ok(self.tokenizer.encode(text, self.bundle.max_length())?)
    }

    pub(crate) fn forward(&self, batch: &TokenBatch) -> Result<HeadOutput> {
        let output = self
            .backend
            .forward(batch)
            .map_err(|source| Error::Backend {
                name: self.backend.name().to_owned(),
                source,
            })?;
        output.check(self.bundle.tasks(), batch.sequences(), batch.tokens())?;
        Ok(output)
    }

    pub(crate) fn decode(
        &self,
        texts: &[&str],
        encodings: &[Encoding],
        batch: &TokenBatch,
        output: &HeadOutput,
    ) -> Vec<Understanding> {
        let labels = Labels {
            tasks: self.bundle.tasks(),
            calibration: self.calibration,
        };
        let mut turns = labels.decode(texts, encodings, &batch.offsets, output);
        let pooled = output.pooled.as_ref().filter(|_| self.embeds);
        for (row, turn) in turns.iter_mut().enumerate() {
            turn.model = self.bundle.version().map(str::to_owned);
            turn.embedding = pooled.map(|pooled| pooled.row(row).to_vec());
        }
        turns
    }
}

impl fmt::Debug for Assistant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assistant")
            .field("dir", &self.bundle.dir())
            .field("backend", &self.backend.name())
            .finish_non_exhaustive()
    }
}

/// Refuses texts that are too long. An answer holds its text, so this bounds its memory too.
fn check_length(text: &str) -> Result<()> {
    let bytes = text.len();
    if bytes > MAX_TEXT_BYTES {
        return Err(Error::TextTooLong { bytes });
    }
    Ok(())
}

fn take(encoding: &mut Encoding) -> Encoding {
    Encoding {
        ids: std::mem::take(&mut encoding.ids),
        offsets: std::mem::take(&mut encoding.offsets),
        words: std::mem::take(&mut encoding.words),
        truncated: encoding.truncated,
    }
}
