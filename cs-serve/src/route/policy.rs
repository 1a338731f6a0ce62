//! Which model answers a turn: the rules, and what they are told.

use std::fmt;

use cs_model::{Entity, Understanding};
use serde::{Deserialize, Serialize};

/// The two models that a turn can be left to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// The small model, which is quick.
    Light,
    /// The large model, which is right more often.
    Full,
}

/// A turn as it comes, before any model has read it.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// What the customer wrote.
    pub text: &'a str,
    /// What is known of the dialogue; `None` if the turn stands alone.
    pub dialogue: Option<&'a dyn DialogueState>,
}

impl<'a> Turn<'a> {
    /// A turn that stands alone.
    #[must_use]
    pub fn alone(text: &'a str) -> Self {
        Self {
            text,
            dialogue: None,
        }
    }
}

impl fmt::Debug for Turn<'_> {
    /// Formats the turn without its text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("bytes", &self.text.len())
            .field("in_dialogue", &self.dialogue.is_some())
            .finish()
    }
}

/// What a router may ask about a dialogue. Implement it for the state that a service keeps.
pub trait DialogueState: Send + Sync {
    /// Gives the value that a slot has by now; `None` if it has none.
    fn slot(&self, label: &str) -> Option<&str>;

    /// Whether the turn is one at which a mistake costs much: the customer confirms something that
    /// cannot be undone, or was misunderstood before.
    fn is_critical(&self) -> bool;
}

/// A router decides which model answers. [`Policy`] is the one by rules; implement it for one's
/// own.
///
/// ```
/// use cs_serve::Understanding;
/// use cs_serve::route::{Choice, Router, Turn};
///
/// /// Leaves complaints to the full model.
/// struct Mood;
///
/// impl Router for Mood {
///     fn after(&self, _: &Turn<'_>, light: &Understanding) -> Choice {
///         match light.sentiment {
///             Some(0.3..) => Choice::Light,
///             _ => Choice::Full,
///         }
///     }
/// }
///
/// let turn = Turn::alone("again not delivered");
/// let light = Understanding { sentiment: Some(0.1), ..Understanding::default() };
/// assert_eq!(Mood.before(&turn), Choice::Light);
/// assert_eq!(Mood.after(&turn, &light), Choice::Full);
/// ```
pub trait Router: Send + Sync {
    /// Decides before any model has read the turn. [`Choice::Full`] asks the full model alone, and
    /// no cache; [`Choice::Light`], the default, asks the light one first.
    fn before(&self, turn: &Turn<'_>) -> Choice {
        let _ = turn;
        Choice::Light
    }

    /// Decides whether the light model's answer is given, or the full model asked as well.
    fn after(&self, turn: &Turn<'_>, light: &Understanding) -> Choice;
}

/// A router by rules: what the light model is sure of, and can have read rightly, it answers.
///
/// A turn is left to the full model if
/// - the dialogue [is critical](DialogueState::is_critical);
/// - the text has more than `max_chars` characters, or the light model could not read it to its
///   end, or nothing of it although there is something to read;
/// - the light model is less sure of its likeliest intent than `threshold`;
/// - entities conflict, if `entity_conflicts` is set: the turn names two values for one label, each
///   of them more likely than not, or another one than the dialogue has in its slot of that name.
///
/// ```
/// use cs_serve::route::{Choice, Policy, Router, Turn};
/// use cs_serve::{Intent, Understanding};
///
/// let policy = Policy { threshold: 0.9, ..Policy::default() };
/// let answer = |confidence| Understanding {
///     intents: vec![Intent { label: "refund".into(), confidence }],
///     ..Understanding::default()
/// };
/// let turn = Turn::alone("my money back");
/// assert_eq!(policy.after(&turn, &answer(0.93)), Choice::Light);
/// assert_eq!(policy.after(&turn, &answer(0.89)), Choice::Full);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The least calibrated confidence with which the light model answers. 0.9 by default, which is
    /// a guess: [`fit_threshold`](super::fit_threshold) finds the one that keeps a budget.
    pub threshold: f32,
    /// The most characters of a text that the light model is asked about. 400 by default.
    pub max_chars: usize,
    /// Whether entities that conflict are left to the full model. So it is by default.
    pub entity_conflicts: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            threshold: 0.9,
            max_chars: 400,
            entity_conflicts: true,
        }
    }
}

impl Router for Policy {
    fn before(&self, turn: &Turn<'_>) -> Choice {
        let is_critical = turn.dialogue.is_some_and(DialogueState::is_critical);
        let is_long = turn.text.chars().nth(self.max_chars).is_some();
        if is_critical || is_long {
            Choice::Full
        } else {
            Choice::Light
        }
    }

    fn after(&self, turn: &Turn<'_>, light: &Understanding) -> Choice {
        let is_sure = match light.intents.first() {
            Some(intent) => intent.confidence >= self.threshold,
            None => !turn.text.contains(char::is_alphanumeric),
        };
        let conflicts = || self.entity_conflicts && conflict(turn, &light.entities);
        if is_sure && !light.truncated && !conflicts() {
            Choice::Light
        } else {
            Choice::Full
        }
    }
}

/// Whether a label has two values, in the turn or in turn and dialogue.
fn conflict(turn: &Turn<'_>, entities: &[Entity]) -> bool {
    let held = |entity: &Entity| turn.dialogue.and_then(|state| state.slot(&entity.label));
    let two = |one: &Entity, other: &Entity| {
        let are_likely = one.confidence >= 0.5 && other.confidence >= 0.5;
        are_likely && one.label == other.label && differ(&one.text, &other.text)
    };
    entities.iter().enumerate().any(|(i, entity)| {
        held(entity).is_some_and(|value| differ(value, &entity.text))
            || entities[..i].iter().any(|other| two(other, entity))
    })
}

/// Whether two values differ in more than capitals.
fn differ(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|it| it.chars().flat_map(char::to_lowercase));
    !a.eq(b)
}
