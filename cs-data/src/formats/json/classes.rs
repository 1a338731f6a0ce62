//! Classes that rows have as numbers, by the names that `features` has for them.

use serde_json::{Map, Value};

use crate::file::shown;

use super::wrong::{Wrong, wrong};

/// Numbers of classes by the names that `features` has for them; `label` is then the intent.
pub(crate) fn name_classes(row: &mut Map<String, Value>, features: &Value) -> Result<(), Wrong> {
    let Some(features) = features.as_object() else {
        return wrong(shown(&features.to_string()), "an object of features");
    };
    for (key, feature) in features {
        if let (Some(names), Some(value)) = (class_names(feature), row.get_mut(key)) {
            name_class(value, names, key)?;
            if key == "label" && value.is_string() && !row.contains_key("intent") {
                let intent = row.remove("label").unwrap_or_default();
                row.insert("intent".into(), intent);
            }
        }
    }
    Ok(())
}

/// Of a `ClassLabel`, or of the lists of such.
fn class_names(feature: &Value) -> Option<&Vec<Value>> {
    match feature {
        Value::Array(inner) => inner.first().and_then(class_names),
        _ => match feature.get("names") {
            Some(names) => names.as_array(),
            None => feature.get("feature").and_then(class_names),
        },
    }
}

fn name_class(value: &mut Value, names: &[Value], key: &str) -> Result<(), Wrong> {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| name_class(item, names, key)),
        Value::Number(number) => {
            // datasets writes -1 for an unknown class.
            if number.as_i64() == Some(-1) {
                *value = Value::Null;
                return Ok(());
            }
            let name = number
                .as_u64()
                .and_then(|at| names.get(usize::try_from(at).ok()?));
            match name.filter(|name| name.is_string()) {
                Some(name) => *value = name.clone(),
                None => {
                    let expected = format!("a number of the {} names of {key}", names.len());
                    return wrong(number.to_string(), expected);
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
