//! What actions give, from a file: flows can be tried without a service behind them.

use std::path::Path;

use cs_serve::dialogue::{ActionError, Actions, Call, Flows};
use cs_serve::reply::Values;
use serde::Deserialize;

use crate::error::{Error, Result};

/// Actions that give what a file says, and do nothing. Each of its lines is an object with the name of an `action`,
/// perhaps the `slots` that it is for, and perhaps `values`, which it gives. The first line that fits a call counts; a call
/// that none fits is refused. Letters of either case are the same.
#[derive(Debug, Clone)]
pub struct ScriptedActions {
    lines: Vec<Scripted>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripted {
    action: String,
    #[serde(default)]
    slots: Values,
    #[serde(default)]
    values: Values,
}

const EXPECTED: &str =
    "an object with `action`, a string, perhaps `slots` and `values`, objects of strings";

impl ScriptedActions {
    /// Reads a file for these flows.
    ///
    /// # Errors
    ///
    /// A file that cannot be read; [`Error::Line`] for a line that is none, or has an action that no flow asks for.
    pub fn open(path: &Path, flows: &Flows) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let wrong = |line: usize, column, found: String, expected| Error::Line {
            path: path.to_owned(),
            line,
            column,
            found,
            expected,
        };
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let scripted: Scripted = serde_json::from_str(line).map_err(|error| {
                let message = error.to_string();
                let found = message.split(" at line ").next().unwrap_or(&message);
                wrong(number, error.column().max(1), found.to_owned(), EXPECTED)
            })?;
            if !flows.actions().any(|name| name == scripted.action) {
                let found = format!("action {:?}", scripted.action);
                return Err(wrong(number, 1, found, "one that a flow asks for"));
            }
            lines.push(scripted);
        }
        Ok(Self { lines })
    }
}

impl Actions for ScriptedActions {
    fn call(&self, call: &Call<'_>) -> Result<Values, ActionError> {
        let has = |(name, value): (&String, &String)| {
            let found = call.slots.get(name);
            found.is_some_and(|it| it.eq_ignore_ascii_case(value))
        };
        let fits = |it: &&Scripted| it.action == call.action && it.slots.iter().all(has);
        let refused = || ActionError::Refused {
            problem: format!("{}: no line is for these slots", call.action),
        };
        let found = self.lines.iter().find(fits).ok_or_else(refused)?;
        Ok(found.values.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: &str = "
version: 1
flows:
  status:
    starts: { intent: order_status }
    slots: { order_id: { ask: 'Which order?', pattern: '[A-Z]?[0-9]{4,}' }, status: {} }
    steps:
      - collect: [order_id]
      - action: find_order
        saves: { status: status }
";

    fn open(text: &str) -> Result<ScriptedActions> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("actions.jsonl");
        std::fs::write(&path, text).unwrap();
        ScriptedActions::open(&path, &Flows::parse(FLOWS).unwrap())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = r#"{"action": "find_order", "slots": {"order_id": "A1234"}, "values": {"status": "sent"}}

{"action": "find_order", "slots": {"order_id": "A9999"}}
"#;
        let actions = open(text).unwrap();
        let call = |order: &str| {
            let slots = Values::from([("order_id".to_owned(), order.to_owned())]);
            actions.call(&Call {
                action: "find_order",
                key: "1",
                session: "s",
                slots: &slots,
            })
        };
        assert_eq!(call("a1234").unwrap()["status"], "sent");
        assert!(call("A9999").unwrap().is_empty());
        assert!(matches!(call("A1"), Err(ActionError::Refused { .. })));
    }

    #[test]
    fn a_line_that_is_none_is_told_with_its_place() {
        for (text, expected) in [
            (
                "\n{\"action\": 7}",
                "actions.jsonl:2:12: invalid type: integer `7`",
            ),
            (
                "{\"action\": \"find\"}",
                "actions.jsonl:1:1: action \"find\", expected one that a flow",
            ),
            (
                "{\"action\": \"find_order\", \"slot\": {}}",
                "unknown field `slot`",
            ),
        ] {
            let error = open(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
