//! Flows: what a service asks its customers for, and does for them, in a file of YAML.
//!
//! ```yaml
//! version: 1
//! flows:
//!   refund:                                     # the flow's name
//!     starts: { intent: refund_request }        # or intents: [..]; without, it is only called
//!     slots:
//!       order_id:
//!         ask: { zh: "订单号是多少？", en: "Which order is it?" }
//!         pattern: "[A-Z]{0,2}\\d{4,}"          # a regular expression that a value matches
//!       reason:
//!         ask: { zh: "退款的原因是？", en: "What went wrong?" }
//!         choices:                              # the values, and what customers call them
//!           broken: { zh: [坏了, 破损], en: [broken, damaged] }
//!           wrong_size: { zh: [尺码不对], en: [wrong size] }
//!     steps:
//!       - collect: [order_id, reason]           # asks for what is missing
//!       - confirm: { zh: "为{{order_id}}退款？", en: "Refund {{order_id}}?" }
//!       - action: create_refund                 # the service does it
//!         failed: { handover: refund_failed }
//!       - say: { zh: "已提交。", en: "Done." }
//! handover: { sentiment_below: 0.15, low_confidence_twice: 0.4, intents: [human_agent] }
//! ```
//!
//! A text is one string, or one for each of `zh` and `en`: a [`Template`](crate::reply::Template) with the
//! flow's slots as places. A choice appears in it by its first word in the customer's language.
//!
//! **Slots** have the keys
//! - `ask`, the question, which a slot that is collected needs; `invalid`, what is said to an answer that is
//!   none;
//! - `pattern`, a regular expression without look-around that the value matches, not inside a longer word;
//!   or `choices`, a list of values or an object of them with words to know them by; or `text: true`: any text
//!   is an answer. Without any of them, only entities of the model fill the slot;
//! - `entity`, the label of those entities, the slot's own name if absent;
//! - `required: false`, which lets customers go on without: it is asked for once;
//! - `remember: true`, which takes the value that the conversation had under this name before;
//! - `retries`, how many answers that are none are borne before a person takes over: 2 if absent.
//!
//! **Steps** are run in order. Each is one of
//! - `collect: [slot, …]`: asks for those that have no value;
//! - `confirm: text`: asks for a yes. After a no the customer is asked what to change, or what `denied` says is
//!   done;
//! - `action: name`: calls the service with the slots. `saves: {slot: key}` keeps values of its answer;
//!   `failed` is done if the service refuses, by default `handover: action_failed`; `reads: true` says that it only
//!   looks something up: customers can go back to what was before it. If an error leaves open whether it was done, a
//!   time-out say, an action that reads has failed; any other one is called once more with the same key, and after a
//!   second error a person takes over, for the reason under `failed` or else `action_unknown`;
//! - `say: text`; `call: flow`, which runs another flow with the slots that it shares with this one, and
//!   comes back; `goto: step`; `end: true`; `handover: reason`.
//!
//! Besides, a step may have an `id` for `goto`, and `when: {slot: value}`: it is passed over unless the slots have
//! these values (`null`: none). `failed` and `denied` are objects of `say` (a text), `clear` (a list of slots to
//! empty) and one of `goto`, `end` and `handover`; without one of these the flow ends. A loop has an exit, and a
//! `confirm`, or a `collect` of a slot that the way back clears: one whose slots have values asks nothing. A person
//! takes over, for the reason `endless`, if a turn calls more than 20 actions nevertheless.
//!
//! **Hand-over**: `sentiment_below` and `low_confidence_twice` (two turns one after the other that nothing
//! answers) are from 0 to 1, `intents` are those that a person answers. `texts` beside it replaces what is
//! said of the conversation itself: `handover` and, until the person answers, `handed_over`; `cancelled`,
//! `nothing` (there is nothing to do), `change` (after a no), `rephrase`, `invalid`, `unanswered` (a question
//! beside a wish), `undone`, `not_undone`, `renewed` where flows have changed meanwhile, and, with a place `wish`,
//! `queued` for what waits until the flow is done, and `next` when that begins.

mod check;
mod fields;
mod flow;
mod read;
mod steps;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use cs_data::file::read_at_most;

pub(in crate::dialogue) use flow::{Flow, FlowId, Otherwise, Rules, Slot, Step, Task, Then};
pub(in crate::dialogue) use texts::Texts;

use super::error::FlowsError;

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// Something that is wrong at a place of a file of flows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in Unicode scalar values, from 1.
    pub column: usize,
    /// What is there, and what was expected.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.problem)
    }
}

/// The flows of a service, read and found to be sound: each step can be reached, each loop has an exit and
/// asks something, flows do not call each other in a circle.
///
/// ```
/// use cs_serve::dialogue::Flows;
///
/// let flows = Flows::parse("
/// version: 1
/// flows:
///   status:
///     starts: { intent: order_status }
///     slots: { order_id: { ask: 'Which order is it?', pattern: '[0-9]{4,}' } }
///     steps:
///       - collect: [order_id]
///       - action: find_order
/// ").unwrap();
/// assert_eq!(flows.actions().collect::<Vec<_>>(), ["find_order"]);
/// assert_eq!(flows.intents().collect::<Vec<_>>(), ["order_status"]);
///
/// let problems = Flows::parse("version: 1\nflows:\n  status:\n    steps: [{ call: refund }]\n").unwrap_err();
/// assert_eq!(problems[0].to_string(), "4:21: no flow \"refund\", expected the name of one");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Flows {
    flows: Vec<Flow>,
    by_name: BTreeMap<String, FlowId>,
    by_intent: BTreeMap<String, FlowId>,
    rules: Rules,
    texts: Texts,
}

impl Flows {
    /// Reads a file of flows.
    ///
    /// # Errors
    /// [`FlowsError`] with all that is wrong in it, by line and column.
    pub fn open(path: &Path) -> Result<Self, FlowsError> {
        let failed = |source| FlowsError::Io {
            path: path.to_owned(),
            source,
        };
        let wrong = |problems| FlowsError::Problems {
            path: path.to_owned(),
            problems,
        };
        let Some(bytes) = read_at_most(path, MOST_BYTES).map_err(failed)? else {
            return Err(wrong(vec![Problem {
                line: 1,
                column: 1,
                problem: format!("more than {MOST_BYTES} bytes, expected at most as many"),
            }]));
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let place = cs_data::file::line_column(error.as_bytes(), at);
            wrong(vec![Problem {
                line: place.line,
                column: place.column,
                problem: "bytes that are no UTF-8, expected text".into(),
            }])
        })?;
        Self::parse(&text).map_err(wrong)
    }

    /// Reads flows from the text of a file.
    ///
    /// # Errors
    /// All that is wrong, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        read::flows(text)
    }

    /// Gives the names of the flows, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Gives the intents that start a flow, or that a person answers, in alphabetical order.
    pub fn intents(&self) -> impl Iterator<Item = &str> {
        let starts = self.by_intent.keys().chain(&self.rules.intents);
        let all: BTreeSet<&str> = starts.map(String::as_str).collect();
        all.into_iter()
    }

    /// Gives the names of the flows' slots, in alphabetical order.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        let slots = self.flows.iter().flat_map(|flow| &flow.slots);
        let all: BTreeSet<&str> = slots.map(|slot| slot.name.as_str()).collect();
        all.into_iter()
    }

    /// Gives the actions that the service has to have, in alphabetical order.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        let steps = self.flows.iter().flat_map(|flow| &flow.steps);
        let all: BTreeSet<&str> = steps
            .filter_map(|step| match &step.task {
                Task::Act { action, .. } => Some(action.as_str()),
                _ => None,
            })
            .collect();
        all.into_iter()
    }

    pub(in crate::dialogue) fn flow(&self, name: &str) -> Option<&Flow> {
        self.by_name.get(name).map(|&id| &self.flows[id])
    }

    pub(in crate::dialogue) fn called(&self, id: FlowId) -> &Flow {
        &self.flows[id]
    }

    /// The flow that an intent starts.
    pub(in crate::dialogue) fn started_by(&self, intent: &str) -> Option<&Flow> {
        self.by_intent.get(intent).map(|&id| &self.flows[id])
    }

    pub(in crate::dialogue) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(in crate::dialogue) fn texts(&self) -> &Texts {
        &self.texts
    }
}
