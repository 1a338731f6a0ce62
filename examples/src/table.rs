//! Results as lines to read.

use cs_model::Understanding;
use serde_json::Value;

/// `key  value` lines, aligned; nested keys joined by dots; numbers with four digits after the
/// point.
///
/// ```
/// use cs_examples::table;
/// let value = serde_json::json!({"steps": 12, "eval": {"slot_f1": 0.91234, "ece": null}});
/// assert_eq!(table(&value), "eval.ece      -\neval.slot_f1  0.9123\nsteps         12");
/// ```
pub fn table(value: &Value) -> String {
    let mut rows = Vec::new();
    flatten("", value, &mut rows);
    let width = rows
        .iter()
        .map(|(key, _)| key.chars().count())
        .max()
        .unwrap_or_default();
    let lines: Vec<String> = rows
        .iter()
        .map(|(key, value)| format!("{key:width$}  {value}").trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn flatten(key: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let nested = |inner: &str| {
        if key.is_empty() {
            inner.to_owned()
        } else {
            format!("{key}.{inner}")
        }
    };
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(inner, value)| flatten(&nested(inner), value, rows)),
        Value::Array(all) if all.iter().any(|one| one.is_object()) => all
            .iter()
            .enumerate()
            .for_each(|(index, value)| flatten(&nested(&index.to_string()), value, rows)),
        Value::Array(all) if all.is_empty() => rows.push((key.to_owned(), "-".to_owned())),
        Value::Null => rows.push((key.to_owned(), "-".to_owned())),
        Value::String(text) => rows.push((key.to_owned(), text.clone())),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            rows.push((key.to_owned(), format!("{number:.4}")));
        }
        other => rows.push((key.to_owned(), other.to_string())),
    }
}

/// An answer in a few lines: the text, then intent, entities and sentiment below it.
pub fn readable(answer: &Understanding) -> String {
    let mut lines = vec![answer.text.clone()];
    if let Some(intent) = &answer.intent {
        lines.push(format!(
            "    intent     {} ({:.0} %)",
            intent.label,
            100.0 * intent.confidence
        ));
    }
    for entity in &answer.entities {
        lines.push(format!(
            "    {:10} {} ({:.0} %)",
            entity.label,
            entity.text,
            100.0 * entity.confidence
        ));
    }
    if let Some(sentiment) = answer.sentiment {
        lines.push(format!("    sentiment  {sentiment:.2}"));
    }
    lines.join("\n")
}
