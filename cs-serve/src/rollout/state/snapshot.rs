//! Where a roll-out stands, as events that come to the same as all before.

use std::collections::HashMap;

use super::State;
use super::event::{Event, FORMAT, Opened, Remembered};

/// So many conversations or customers are in one event of a snapshot.
const REMEMBERED: usize = 4_000;

impl State {
    /// How many events the journal may have before it is written anew.
    pub(in crate::rollout) fn most_written(&self) -> u64 {
        let remembered = (self.conversations.len() + self.customers.len()) as u64;
        self.opened.config.fold_after.saturating_add(4 * remembered)
    }

    /// Gives events that come to the same as all before.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Event> {
        let bare = Self {
            opened: Opened {
                format: FORMAT,
                ..self.opened.clone()
            },
            conversations: HashMap::new(),
            customers: HashMap::new(),
            segments: self.segments.clone(),
            curve: self.curve.clone(),
            history: self.history.clone(),
            counts: self.counts.clone(),
            ..*self
        };
        let mut events = vec![Event::Snapshot(Box::new(bare))];
        let conversations: Vec<_> = self.conversations.iter().collect();
        events.extend(conversations.chunks(REMEMBERED).map(|some| {
            let some = some.iter().map(|&(&id, it)| (id, it.clone()));
            Event::Remembered(Remembered {
                conversations: some.collect(),
                ..Remembered::default()
            })
        }));
        let customers: Vec<_> = self.customers.iter().collect();
        events.extend(customers.chunks(REMEMBERED).map(|some| {
            let some = some.iter().map(|&(&(id, arm), &begun)| (id, arm, begun));
            Event::Remembered(Remembered {
                customers: some.collect(),
                ..Remembered::default()
            })
        }));
        events
    }

    pub(super) fn remember(&mut self, remembered: &Remembered) {
        let conversations = remembered.conversations.iter().cloned();
        self.conversations.extend(conversations);
        let customers = remembered.customers.iter();
        let customers = customers.map(|&(id, arm, begun)| ((id, arm), begun));
        self.customers.extend(customers);
    }
}
