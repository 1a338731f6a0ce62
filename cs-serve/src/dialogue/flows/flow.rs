//! What flows are, once they are read.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::reply::{Language, Text};

/// The number of a flow in its file.
pub(in crate::dialogue) type FlowId = usize;

/// A form: what is asked for, and what is done with it.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Flow {
    pub(in crate::dialogue) name: String,
    /// What tells it from another one of its name: a sum of all but its wording.
    pub(in crate::dialogue) meaning: u64,
    pub(in crate::dialogue) slots: Vec<Slot>,
    pub(in crate::dialogue) steps: Vec<Step>,
}

impl Flow {
    pub(in crate::dialogue) fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }
}

/// A value that a flow needs.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Slot {
    pub(in crate::dialogue) name: String,
    pub(in crate::dialogue) ask: Option<Text>,
    /// What is said to an answer that is none.
    pub(in crate::dialogue) invalid: Option<Text>,
    pub(in crate::dialogue) pattern: Option<Regex>,
    pub(in crate::dialogue) choices: Vec<Choice>,
    /// The label of the entities that fill it.
    pub(in crate::dialogue) entity: String,
    pub(in crate::dialogue) is_required: bool,
    /// Whether it takes the value that the conversation had before.
    pub(in crate::dialogue) is_remembered: bool,
    /// Whether any text is an answer.
    pub(in crate::dialogue) is_text: bool,
    /// How many answers that are none are borne.
    pub(in crate::dialogue) retries: u32,
}

/// One of the values that a slot may have.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Choice {
    pub(in crate::dialogue) value: String,
    /// What customers call it; the first is what they are told.
    pub(in crate::dialogue) words: BTreeMap<Language, Vec<String>>,
}

impl Choice {
    /// What a customer is told.
    pub(in crate::dialogue) fn label(&self, language: Language) -> &str {
        let in_language = self.words.get(&language);
        let words = in_language.or_else(|| self.words.values().next());
        words
            .and_then(|words| words.first())
            .map_or(&self.value, |word| word)
    }

    pub(in crate::dialogue) fn words(&self) -> impl Iterator<Item = &str> {
        let own = std::iter::once(self.value.as_str());
        own.chain(self.words.values().flatten().map(String::as_str))
    }
}

/// A step of a flow.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Step {
    /// The values that slots need for it, by name; without a value, the slot has to be empty.
    pub(in crate::dialogue) when: Vec<(String, Option<String>)>,
    pub(in crate::dialogue) task: Task,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(in crate::dialogue) enum Task {
    /// Asks for what is missing.
    Collect(Vec<String>),
    /// Asks for a yes.
    Confirm {
        question: Text,
        denied: Option<Otherwise>,
    },
    /// Has the service do something.
    Act {
        action: String,
        /// The slots that values of its answer go to, with their names there.
        saves: Vec<(String, String)>,
        /// Whether it only looks something up.
        reads: bool,
        failed: Otherwise,
    },
    Say(Text),
    Call(FlowId),
    Goto(usize),
    End,
    Handover(String),
}

/// What is done when a step does not go well.
#[derive(Debug, Clone)]
pub(in crate::dialogue) struct Otherwise {
    pub(in crate::dialogue) say: Option<Text>,
    /// The slots that are emptied.
    pub(in crate::dialogue) clear: Vec<String>,
    pub(in crate::dialogue) then: Then,
}

/// Where a flow goes.
#[derive(Debug, Clone)]
pub(in crate::dialogue) enum Then {
    Goto(usize),
    End,
    Handover(String),
}

/// When a person takes over.
#[derive(Debug, Clone, Default)]
pub(in crate::dialogue) struct Rules {
    pub(in crate::dialogue) sentiment_below: Option<f32>,
    pub(in crate::dialogue) low_confidence_twice: Option<f32>,
    pub(in crate::dialogue) intents: BTreeSet<String>,
}
