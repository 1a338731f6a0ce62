//! [`Questions`]: texts that several models are asked, so that one can be judged by another.

use cs_data::{Encoding, TokenBatch};
use cs_model::{Bundle, Labels, Matrix, Understanding};

use super::sensitivity::{Figures, dot};
use crate::error::Result;
use crate::runtime::model::NativeModel;

/// The most texts that are timed and compared one at a time.
const SINGLE_TEXTS: usize = 100;
/// The number of texts that are answered together.
const BATCH: usize = 64;

/// Texts to ask models, tokenised once for all of them.
///
/// ```no_run
/// use cs_model::Bundle;
/// use cs_quant::{Gate, NativeModel, Probe, QuantConfig, Error, Questions, single_batches};
///
/// let bundle = Bundle::open("model".as_ref())?;
/// let texts = ["where is my parcel"];
/// let (questions, timed) = (Questions::new(&bundle, &texts)?, single_batches(&bundle, &texts)?);
/// let mut metric = |model: &NativeModel| {
///     let answers = questions.answers(model)?;
///     // With gold rows, `cs_train::evaluation::head_figures` tells this of every head.
///     let right = answers[0].intent.as_ref().is_some_and(|intent| intent.label == "status");
///     Ok::<_, Error>([("intent".to_owned(), f64::from(u8::from(right)))].into())
/// };
/// let probe = Probe { texts: &timed, metric: Some(&mut metric) };
/// let (gate, config) = (Gate::default(), QuantConfig::default());
/// let report = gate.quantize(&bundle, "int8".as_ref(), &config, probe)?;
/// println!("{} times smaller, accepted: {}", report.ratio, report.accepted);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Questions<'a> {
    bundle: &'a Bundle,
    texts: Vec<&'a str>,
    encodings: Vec<Encoding>,
}

impl<'a> Questions<'a> {
    /// Tokenises the texts as the bundle's models read them.
    ///
    /// # Errors
    ///
    /// The tokenizer does not parse, or fails on a text.
    pub fn new(bundle: &'a Bundle, texts: &[&'a str]) -> Result<Self> {
        let tokenizer = bundle.tokenizer()?;
        Ok(Self {
            bundle,
            texts: texts.to_owned(),
            encodings: tokenizer.encode_batch(texts, bundle.max_length())?,
        })
    }

    /// Gives the answers of a model with the bundle's heads, in order, computed in batches of 64.
    ///
    /// # Errors
    ///
    /// The model fails.
    pub fn answers(&self, model: &NativeModel) -> Result<Vec<Understanding>> {
        let labels = Labels {
            tasks: self.bundle.tasks(),
            calibration: self.bundle.calibration(),
        };
        let mut answers = Vec::with_capacity(self.texts.len());
        for (texts, encodings) in self.texts.chunks(BATCH).zip(self.encodings.chunks(BATCH)) {
            let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
            let output = model.forward(&batch)?;
            answers.extend(labels.decode(texts, encodings, &batch.offsets, &output));
        }
        Ok(answers)
    }
}

/// A measure of how near the vectors of models without heads are to those of the first model that
/// is asked.
///
/// ```
/// let fidelity = cs_quant::Fidelity::new(&[]);
/// assert!(format!("{fidelity:?}").contains("None"), "nobody was asked yet");
/// ```
#[derive(Debug)]
pub struct Fidelity<'a> {
    texts: &'a [TokenBatch],
    first: Option<Vec<Matrix>>,
}

impl<'a> Fidelity<'a> {
    /// Makes a measure that compares by these texts, one a batch.
    pub fn new(texts: &'a [TokenBatch]) -> Self {
        Self { texts, first: None }
    }

    /// Gives the mean cosine of the texts' vectors to those of the first model, under the name
    /// `embedding`.
    ///
    /// # Errors
    ///
    /// The model fails.
    pub fn figures(&mut self, model: &NativeModel) -> Result<Figures> {
        let vectors = self.texts.iter().map(|batch| model.embed(batch));
        let vectors: Vec<Matrix> = vectors.collect::<Result<_>>()?;
        let first = self.first.get_or_insert_with(|| vectors.clone());
        let pairs = first.iter().zip(&vectors);
        let sum: f64 = pairs.map(|(a, b)| cosine(&a.data, &b.data)).sum();
        let mean = sum / vectors.len().max(1) as f64;
        Ok([("embedding".to_owned(), mean)].into())
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Makes batches of one text each: of `texts`, or of 100 at regular distances if there are more, or
/// of made-up token ids if there are none.
///
/// # Errors
///
/// The tokenizer does not parse, or fails on a text.
pub fn single_batches(bundle: &Bundle, texts: &[&str]) -> Result<Vec<TokenBatch>> {
    if texts.is_empty() {
        return Ok(made_up(bundle));
    }
    let tokenizer = bundle.tokenizer()?;
    let probed = texts.iter().step_by(texts.len().div_ceil(SINGLE_TEXTS));
    probed
        .map(|text| {
            let encoding = tokenizer.encode(text, bundle.max_length())?;
            Ok(TokenBatch::pack([&encoding.ids[..]]))
        })
        .collect()
}

fn made_up(bundle: &Bundle) -> Vec<TokenBatch> {
    let words = bundle.config().vocab_size() as u32;
    let longest = bundle.max_length() as u32;
    let text = |text: u32| -> Vec<u32> {
        let length = (8 + text % 24).min(longest);
        (0..length).map(|at| (text * 31 + at * 7) % words).collect()
    };
    let texts = (0..SINGLE_TEXTS as u32).map(text);
    texts.map(|ids| TokenBatch::pack([&ids[..]])).collect()
}
