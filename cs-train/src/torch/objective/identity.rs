//! What tells a run from another, as sums, and whether a model can read the rows at all.

use cs_data::TagSet;
use cs_model::{Model, Tasks};
use sha2::{Digest, Sha256};

use crate::data::Example;
use crate::error::{Error, Result};

/// Checks that the model knows every token.
pub(super) fn check_tokens(examples: &[Example], vocab_size: usize) -> Result<()> {
    for example in examples {
        let unknown = |id: &&u32| usize::try_from(**id).is_ok_and(|id| id >= vocab_size);
        if let Some(&token) = example.encoding.ids.iter().find(unknown) {
            return Err(Error::Vocabulary {
                id: example.id.clone(),
                token,
                vocab_size,
            });
        }
    }
    Ok(())
}

/// A sum of everything about a model but its weights.
pub(super) fn describe(model: &Model) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(model.config().to_json()?);
    hash.update(tasks_text(model.tasks()));
    Ok(format!("{:x}", hash.finalize()))
}

/// The heads as text. Checkpoints hold its sum: it must not change.
fn tasks_text(tasks: &Tasks) -> String {
    let Tasks {
        intent,
        slots,
        slot_head,
        sentiment,
        pooling,
    } = tasks;
    let slots = slots.as_ref().map(TagSet::tags);
    format!(
        "Tasks {{ intent: {intent:?}, slots: {slots:?}, slot_head: {slot_head:?}, sentiment: {sentiment:?}, \
         pooling: {pooling:?} }}"
    )
}

/// A sum of what the rows teach.
pub(super) fn fingerprint(rows: &[&Example]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    for row in rows {
        add(&row.id);
        add(&format!("{:?}", row.encoding.ids));
        add(&format!(
            "{:?} {:?} {:?}",
            row.intent,
            row.tags,
            row.sentiment.map(f32::to_bits)
        ));
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_told_as_in_older_checkpoints() {
        let tasks = Tasks {
            intent: Some(vec!["a".to_owned()]),
            slots: Some(TagSet::of_labels(["b"], cs_data::Scheme::Iob2).unwrap()),
            ..Tasks::default()
        };
        let text = "Tasks { intent: Some([\"a\"]), slots: Some([\"O\", \"B-b\", \"I-b\"]), \
                    slot_head: Softmax, sentiment: false, pooling: Mean }";
        assert_eq!(tasks_text(&tasks), text);
    }
}
