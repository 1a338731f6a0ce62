//! What a candidate has to have in common with the models whose place it takes.

use super::answering::Answering;
use crate::engine::Handle;

/// What a candidate's labels have that the stable models' have not, or the other way round.
pub(super) fn other_labels(stable: &Answering, candidate: &Handle) -> Option<String> {
    let candidate = labels(candidate);
    for (slot, engine) in stable.engines() {
        for (found, known) in candidate.iter().zip(labels(engine)) {
            let (of, found, known) = (found.0, &found.1, &known.1);
            let extra = found.iter().find(|it| !known.contains(it));
            let missing = known.iter().find(|it| !found.contains(it));
            let slot = slot.name();
            if let Some(label) = extra {
                return Some(format!(
                    "the candidate has the {of} {label:?}, expected only those of the {slot} model"
                ));
            }
            if let Some(label) = missing {
                return Some(format!(
                    "the candidate lacks the {of} {label:?}, expected all those of the {slot} model"
                ));
            }
        }
    }
    None
}

/// The labels of a model: its intents, tags and heads.
fn labels(engine: &Handle) -> [(&'static str, Vec<String>); 3] {
    let model = engine.model();
    let tasks = model.bundle().tasks();
    let heads = tasks.heads().into_iter().map(str::to_owned).collect();
    [
        ("intent", tasks.intent.clone().unwrap_or_default()),
        ("tag", tasks.slot_tags().to_vec()),
        ("head", heads),
    ]
}
