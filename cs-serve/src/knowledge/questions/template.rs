//! What questions are declared to ask.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What turns of an intent ask for. Predicates and classes are told by a name that the graph has for
/// them, in any of its languages, or by their IRI.
///
/// ```
/// use cs_serve::knowledge::questions::{Ask, Order, Template};
///
/// let cheapest: Template = serde_json::from_str(
///     r#"{"intent": "cheapest", "ask": {"superlative": {
///         "predicate": "price", "order": "lowest",
///         "among": {"class": "kettle", "conditions": {"colour": "colour"}}}}}"#,
/// )?;
/// assert!(matches!(cheapest.ask, Ask::Superlative { order: Order::Lowest, .. }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The intent, as the model calls it.
    pub intent: String,
    /// What is asked for.
    pub ask: Ask,
}

/// What a question asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// The values of predicates of a thing.
    Attribute {
        /// The predicates; if there are none, those that the text names, but for those whose value
        /// it says as well.
        #[serde(default)]
        predicates: Vec<String>,
    },
    /// Whether a predicate of a thing has the value that the text says, or is true.
    YesNo {
        /// The predicates; if there are none, those that the text names.
        #[serde(default)]
        predicates: Vec<String>,
    },
    /// Which of several things that the text names has the lowest or highest value.
    Comparison {
        /// The predicate that they are compared by.
        predicate: String,
        /// Which end is asked for.
        order: Order,
    },
    /// Which thing of all has the lowest or highest value.
    Superlative {
        /// The predicate that they are compared by.
        predicate: String,
        /// Which end is asked for.
        order: Order,
        /// The things that are compared.
        among: Selection,
    },
    /// All things of a class that fulfil the turn's conditions.
    Filter(Selection),
    /// The number of such things.
    Count(Selection),
}

/// Which end of an order is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The lowest value, the earliest, the cheapest.
    Lowest,
    /// The highest value.
    Highest,
}

/// Things of a class that fulfil conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The class.
    pub class: String,
    /// By the label of an entity, the predicate that has its value: with `{"budget": "price"}`, an
    /// entity `budget` over 100 元以下 leaves what costs no more. Those that a turn does not have
    /// leave everything.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
}
