//! What a conversation is about.

use std::collections::VecDeque;

use crate::knowledge::facts::Iri;

/// The most turns that are remembered.
const MOST_TURNS: usize = 12;

/// What one turn speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topic {
    /// The things that it names, in its order.
    pub things: Vec<Iri>,
    /// The things that it names as values of others, as what is near a hotel.
    pub listed: Vec<Iri>,
    /// The properties that it names.
    pub properties: Vec<Iri>,
    /// The classes of things that it names, as in "this hotel".
    pub classes: Vec<Iri>,
}

impl Topic {
    /// Adds what a later part of the turn speaks of.
    pub(super) fn extend(&mut self, later: Self) {
        self.things.extend(later.things);
        self.listed.extend(later.listed);
        self.properties.extend(later.properties);
        self.classes.extend(later.classes);
    }
}

/// What a conversation is about, the newest turn first: a value, which
/// [`Checker::follow`](super::Checker::follow) makes a new one of for each turn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    topics: VecDeque<Topic>,
}

impl Context {
    /// Begins a conversation about some things.
    #[must_use]
    pub fn about(things: Vec<Iri>) -> Self {
        Self::default().then(Topic {
            things,
            ..Topic::default()
        })
    }

    /// Gives the context after a turn about something. The oldest of more than a dozen turns is
    /// forgotten.
    #[must_use]
    pub fn then(&self, topic: Topic) -> Self {
        let mut topics = self.topics.clone();
        topics.push_front(topic);
        topics.truncate(MOST_TURNS);
        Self { topics }
    }

    /// Gives what the turns were about, the newest first.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter()
    }

    pub(super) fn newest(&self) -> Option<&Topic> {
        self.topics.front()
    }
}
