//! Gold and predicted tags as a file, for other scorers.

use std::io::Write;
use std::path::Path;

use cs_data::Utterance;
use cs_model::Understanding;
use cs_train::evaluation::entity_spans;
use cs_train::metrics::scored_tags;
use serde_json::json;

use crate::error::{Error, Result};

/// Writes a JSON object a row: `text`, `tokens`, `gold` and `predicted` (IOB2, a tag a token; `gold` is null
/// where entities are not labelled), `intent`, `predicted_intent`. Tokens are words, cut where an entity begins or ends, so that
/// seqeval's span F1 of the tags is the one reported.
///
/// # Errors
///
/// [`Error::Io`]; a file that was there before stays whole.
pub fn write_predictions(path: &Path, rows: &[Utterance], answers: &[Understanding]) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let mut out = std::io::BufWriter::new(file.map_err(Error::io(path))?);
    for (row, answer) in rows.iter().zip(answers) {
        let tags = scored_tags(&row.text, &row.spans, &entity_spans(&row.text, answer));
        let tokens: Vec<&str> = tags
            .tokens
            .iter()
            .map(|range| &row.text[range.clone()])
            .collect();
        let line = json!({
            "text": row.text,
            "tokens": tokens,
            "gold": row.is_tagged().then_some(tags.gold),
            "predicted": tags.predicted,
            "intent": row.intent,
            "predicted_intent": answer.intent.as_ref().map(|intent| &intent.label),
        });
        writeln!(out, "{line}").map_err(Error::io(path))?;
    }
    let file = out
        .into_inner()
        .map_err(|error| Error::io(path)(error.into_error()))?;
    file.as_file().sync_all().map_err(Error::io(path))?;
    file.persist(path)
        .map_err(|error| Error::io(path)(error.error))?;
    Ok(())
}
