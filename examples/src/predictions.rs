//! Gold and predicted tags as a file, for other scorers.

use std::io::Write;
use std::path::Path;

use cs_data::{Utterance, file};
use cs_model::Understanding;
use cs_train::evaluation::entity_spans;
use cs_train::metrics::scored_tags;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// Writes a JSON object a row: `text`, `tokens`, `gold` and `predicted` (IOB2, a tag a token;
/// `gold` is null where entities are not labelled), `intent`, `predicted_intent`. Tokens are words,
/// cut where an entity begins or ends, so that seqeval's span F1 of the tags is the one reported.
///
/// # Errors
///
/// [`Error::Io`]; a file that was there before stays whole.
pub fn write_predictions(path: &Path, rows: &[Utterance], answers: &[Understanding]) -> Result<()> {
    let write = |out: &mut dyn Write| {
        for (row, answer) in rows.iter().zip(answers) {
            writeln!(out, "{}", line(row, answer))?;
        }
        Ok(())
    };
    file::write(path, write).map_err(Error::io(path))
}

fn line(row: &Utterance, answer: &Understanding) -> Value {
    let tags = scored_tags(&row.text, &row.spans, &entity_spans(&row.text, answer));
    let ranges = tags.tokens.iter();
    let tokens: Vec<&str> = ranges.map(|range| &row.text[range.clone()]).collect();
    json!({
        "text": row.text,
        "tokens": tokens,
        "gold": row.is_tagged().then_some(tags.gold),
        "predicted": tags.predicted,
        "intent": row.intent,
        "predicted_intent": answer.intent.as_ref().map(|intent| &intent.label),
    })
}
