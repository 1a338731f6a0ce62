//! Values of a JSON record by their paths: `content`, `0`, `a.b`.

use serde_json::Value;

/// The value at a path of keys and numbers. A key that is the whole path goes first.
pub(crate) fn find<'a>(value: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if value.get(path).is_some() {
        return value.get_mut(path);
    }
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(object) => object.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Removes the value at a path; in an array it becomes null, so that the others keep their numbers.
pub(crate) fn remove(record: &mut Value, path: &str) {
    if let Value::Object(object) = record
        && object.remove(path).is_some()
    {
        return;
    }
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (find(record, parent), key),
        None => (Some(record), path),
    };
    match parent {
        Some(Value::Object(object)) => drop(object.remove(key)),
        Some(Value::Array(items)) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *item = Value::Null;
            }
        }
        _ => {}
    }
}
