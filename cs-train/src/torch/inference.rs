//! [`predict`] and [`calibrate`]: a libtorch model's answers for prepared rows.

use cs_data::{BatchPlan, Encoding, TokenBatch};
use cs_model::{Calibration, HeadOutput, Labels, Model, Understanding};

use crate::data::Prepared;
use crate::error::Result;
use crate::evaluation::{Abstention, Calibrator};

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
    let mut answers = Vec::with_capacity(data.rows.len());
    each_batch(model, data, max_tokens, |rows, batch, output| {
        let texts: Vec<&str> = rows
            .iter()
            .map(|&row| data.rows[row].text.as_str())
            .collect();
        let encodings = rows.iter().map(|&row| data.examples[row].encoding.clone());
        let encodings: Vec<Encoding> = encodings.collect();
        let labels = Labels {
            tasks: model.tasks(),
            calibration: *calibration,
        };
        answers.extend(labels.decode(&texts, &encodings, &batch.offsets, &output));
        Ok(())
    })?;
    Ok(answers)
}

/// The calibration that suits the model's answers for `data`, a set it was not trained on: see
/// [`Calibrator`].
///
/// # Errors
///
/// [`Error::Model`](crate::Error::Model) if the model fails, and as [`Calibrator::fit`].
pub fn calibrate(
    model: &Model,
    data: &Prepared,
    max_tokens: usize,
    oos_label: Option<&str>,
    abstention: Option<Abstention>,
) -> Result<Calibration> {
    let mut calibrator = Calibrator::new(oos_label);
    each_batch(model, data, max_tokens, |rows, _, output| {
        let rows = rows
            .iter()
            .map(|&row| (&data.rows[row], &data.examples[row]));
        calibrator.add(&output, rows)
    })?;
    calibrator.fit(abstention)
}

/// Gives `take` each packed batch's rows, and the model's output for them.
fn each_batch(
    model: &Model,
    data: &Prepared,
    max_tokens: usize,
    mut take: impl FnMut(&[usize], &TokenBatch, HeadOutput) -> Result<()>,
) -> Result<()> {
    let lengths: Vec<usize> = data.examples.iter().map(|e| e.encoding.ids.len()).collect();
    let plan = BatchPlan {
        max_tokens,
        max_sequences: PREDICT_ROWS,
        shuffle: None,
    };
    for rows in plan.batches(&lengths) {
        let ids = rows.iter().map(|&row| &data.examples[row].encoding.ids[..]);
        let batch = TokenBatch::pack(ids);
        let output = model.predict(&batch)?;
        take(&rows, &batch, output)?;
    }
    Ok(())
}
