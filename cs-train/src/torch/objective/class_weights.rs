//! The weights of intents in the loss.

use cs_model::Tasks;

use crate::data::Example;
use crate::error::{Error, Result};
use crate::schedule::ClassWeights;

/// Rows of each intent.
pub(super) fn counts(tasks: &Tasks, rows: &[&Example]) -> Vec<usize> {
    let mut counts = vec![0; tasks.intent.as_ref().map_or(0, Vec::len)];
    for intent in rows.iter().filter_map(|row| row.intent) {
        counts[intent] += 1;
    }
    counts
}

/// The weight of each intent; `None` if all count the same.
pub(super) fn intent_weights(
    weights: &ClassWeights,
    tasks: &Tasks,
    counts: &[usize],
) -> Result<Option<Vec<f32>>> {
    let labels = tasks.intent.as_deref().unwrap_or_default();
    let given = match weights {
        ClassWeights::None => return Ok(None),
        ClassWeights::Balanced => {
            let (rows, classes) = (counts.iter().sum::<usize>(), labels.len());
            // An intent without a row has no say in the loss: its weight does not matter.
            let weight = |&count: &usize| rows as f64 / (classes * count.max(1)) as f64;
            return Ok(Some(
                counts.iter().map(|count| weight(count) as f32).collect(),
            ));
        }
        ClassWeights::Given(given) => given,
    };
    if let Some(unknown) = given.keys().find(|name| !labels.contains(name)) {
        return Err(Error::Config {
            field: "loss.class_weights",
            value: format!("{unknown:?}"),
            expected: "an intent of the model",
        });
    }
    let weight = |label| given.get(label).map_or(1.0, |&weight| weight as f32);
    Ok(Some(labels.iter().map(weight).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_are_scikit_learns() {
        let text = include_str!("../../../tests/reference/training.json");
        let stored: serde_json::Value = serde_json::from_str(text).unwrap();
        let stored = &stored["balanced"];
        let labels: Vec<usize> = serde_json::from_value(stored["labels"].clone()).unwrap();
        let expected: Vec<f32> = serde_json::from_value(stored["weights"].clone()).unwrap();
        let counts: Vec<usize> = (0..3)
            .map(|c| labels.iter().filter(|&&l| l == c).count())
            .collect();
        let tasks = Tasks {
            intent: Some(["a", "b", "c"].map(str::to_owned).into()),
            ..Tasks::default()
        };
        let weights = |weights| intent_weights(&weights, &tasks, &counts);
        assert_eq!(weights(ClassWeights::Balanced).unwrap(), Some(expected));
        assert_eq!(weights(ClassWeights::None).unwrap(), None);
        let given = |name: &str| ClassWeights::Given([(name.to_owned(), 3.0)].into());
        assert_eq!(weights(given("b")).unwrap(), Some(vec![1.0, 3.0, 1.0]));
        let error = weights(given("z")).unwrap_err().to_string();
        assert_eq!(
            error,
            "loss.class_weights is \"z\"; expected an intent of the model"
        );
    }
}
