//! What came back over a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use cs_benches::connection::Connection;
use serde::Deserialize;
use serde_json::json;

use super::Result;

/// A question's way, in microseconds since the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) due: u64,
    pub(crate) asked: u64,
    pub(crate) done: u64,
    /// `None` if the connection failed.
    pub(crate) status: Option<u16>,
}

/// All that came back to one thread, or to several.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) samples: Vec<Sample>,
    /// The number of answers that are not about their questions.
    pub(crate) torn: u64,
    /// The number of answers by the model that gave them.
    models: BTreeMap<Option<String>, u64>,
    /// The model of the first answer of all.
    first: Option<Option<String>>,
    /// The number of questions that were due, and for which no connection was free.
    pub(crate) unasked: u64,
    pub(crate) failed_threads: usize,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    model: Option<String>,
}

impl Answers {
    /// Asks a question, takes note of whether the answer is its own, and gives the status.
    pub(crate) fn ask(
        &mut self,
        connection: &mut Connection,
        text: &str,
        checked: bool,
    ) -> Result<u16> {
        let (status, body) = connection.post("/v1/understand", &json!({"text": text}))?;
        if status != 200 || !checked {
            return Ok(status);
        }
        match serde_json::from_slice::<Answer>(body) {
            Ok(answer) if answer.text == text => {
                self.first.get_or_insert_with(|| answer.model.clone());
                *self.models.entry(answer.model).or_default() += 1;
            }
            _ => self.torn += 1,
        }
        Ok(status)
    }

    pub(crate) fn note(
        &mut self,
        status: Option<u16>,
        due: Duration,
        asked: Duration,
        done: Duration,
    ) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.samples.push(Sample {
            due: micros(due),
            asked: micros(asked),
            done: micros(done),
            status,
        });
    }

    /// Adds those of another thread.
    pub(crate) fn extend(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.torn += other.torn;
        self.unasked += other.unasked;
        for (model, count) in other.models {
            *self.models.entry(model).or_default() += count;
        }
    }

    /// Counts the answers by models other than the first and those `put_in`.
    pub(crate) fn strange(&self, put_in: &[String]) -> u64 {
        let is_known = |model: &Option<String>| {
            self.first.as_ref() == Some(model)
                || model.as_ref().is_some_and(|model| put_in.contains(model))
        };
        let strange = self.models.iter().filter(|(model, _)| !is_known(model));
        strange.map(|(_, count)| count).sum()
    }
}
