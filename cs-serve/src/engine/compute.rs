//! What a worker does with a batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use cs_data::{Encoding, TokenBatch};
use cs_model::Understanding;

use super::counters::{Counters, count};
use super::job::{Job, Task};
use crate::assistant::Assistant;
use crate::error::EngineError;

/// Computes texts together, as one batch.
///
/// # Errors
/// [`EngineError::Model`] if the backend fails, [`EngineError::Panicked`] if it panics.
pub(super) fn attempt(
    assistant: &Assistant,
    texts: &[&str],
    encodings: &[Encoding],
    counters: &Counters,
) -> Result<Vec<Understanding>, EngineError> {
    let batch = TokenBatch::pack(encodings.iter().map(|encoding| &encoding.ids[..]));
    counters.batch_tokens.add(batch.tokens() as u64);
    counters.batch_texts.add(batch.sequences() as u64);
    let compute = || {
        let started = Instant::now();
        let output = assistant.forward(&batch)?;
        let computed = Instant::now();
        counters.forward.time(computed - started);
        let turns = assistant.decode(texts, encodings, &batch, &output);
        counters.decode.time(computed.elapsed());
        Ok(turns)
    };
    // What a panicking backend leaves unfinished is its own: nothing here is half written.
    catch_unwind(AssertUnwindSafe(compute)).unwrap_or_else(|_| {
        count(&counters.panics);
        let name = assistant.backend().name().to_owned();
        Err(EngineError::Panicked { name })
    })
}

/// Computes a batch and answers its requests. If the backend fails or panics, each of several texts
/// is computed once more alone, and only those that fail then fail: a text that makes the backend
/// fail does not take the others with it. `progress` is called before each.
pub(super) fn compute(tasks: Vec<Task>, counters: &Counters, progress: impl Fn()) {
    let (tasks, encodings): (Vec<_>, Vec<_>) = tasks
        .into_iter()
        .filter(|task| !task.job.is_done())
        .map(|task| ((task.job, task.piece), task.encoding))
        .unzip();
    let Some((first, _)) = tasks.first() else {
        return;
    };
    let model = Arc::clone(&first.model);
    let texts: Vec<&str> = tasks
        .iter()
        .map(|(job, piece)| job.reading.piece(*piece))
        .collect();
    match attempt(&model.assistant, &texts, &encodings, counters) {
        Ok(turns) => answer(&tasks, turns, counters),
        Err(error) if tasks.len() == 1 => {
            first.end(Err(error), counters);
        }
        Err(_) => {
            for (i, (job, _)) in tasks.iter().enumerate() {
                if job.is_done() {
                    continue;
                }
                progress();
                count(&counters.retried);
                let alone = i..i + 1;
                let (text, encoding) = (&texts[alone.clone()], &encodings[alone.clone()]);
                match attempt(&model.assistant, text, encoding, counters) {
                    Ok(turns) => answer(&tasks[alone], turns, counters),
                    Err(error) => {
                        job.end(Err(error), counters);
                    }
                }
            }
        }
    }
}

fn answer(tasks: &[(Arc<Job>, usize)], turns: Vec<Understanding>, counters: &Counters) {
    for ((job, piece), turn) in tasks.iter().zip(turns) {
        job.answer(*piece, turn, counters);
    }
}
