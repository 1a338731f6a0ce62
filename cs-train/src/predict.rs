//! [`predict`]: a libtorch model's answers for prepared rows.

use cs_data::{BatchPlan, Encoding, TokenBatch};
use cs_model::{Calibration, Model, Understanding, decode};

use crate::data::Prepared;
use crate::error::Result;

/// Rows in a prediction batch, at most.
const PREDICT_ROWS: usize = 256;

/// The model's answers for every row of `data`, in order: packed batches of at most `max_tokens`
/// tokens, without dropout or gradients.
///
/// # Errors
///
/// [`Error::Model`](crate::Error::Model) if the model fails.
pub fn predict(
    model: &Model,
    data: &Prepared,
    max_tokens: usize,
    calibration: &Calibration,
) -> Result<Vec<Understanding>> {
    let lengths: Vec<usize> = data.examples.iter().map(|e| e.encoding.ids.len()).collect();
    let plan = BatchPlan {
        max_tokens,
        max_sequences: PREDICT_ROWS,
        shuffle: None,
    };
    let mut answers = Vec::with_capacity(data.rows.len());
    for rows in plan.batches(&lengths) {
        let texts: Vec<&str> = rows
            .iter()
            .map(|&row| data.rows[row].text.as_str())
            .collect();
        let encodings: Vec<Encoding> = rows
            .iter()
            .map(|&row| data.examples[row].encoding.clone())
            .collect();
        let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
        let output = model.predict(&batch)?;
        answers.extend(decode(
            &texts,
            &encodings,
            &batch.offsets,
            &output,
            model.tasks(),
            calibration,
        ));
    }
    Ok(answers)
}
