//! The states of the sessions that were in use last.

use std::sync::Arc;
use std::time::Duration;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::super::event::{CustomerSaid, Event};
use super::super::state::State;

/// How long a state is kept at most that nobody asks for.
const IDLE: Duration = Duration::from_secs(10 * 60);

/// A state, and which events of its session it follows from.
#[derive(Debug, Clone, Default)]
pub(super) struct Replayed {
    pub(super) state: State,
    /// How many events there are.
    pub(super) known: usize,
    /// The number of the one with which the last turn began.
    turn_at: usize,
}

impl Replayed {
    /// Gives the number of the event from which on it has to be told how the session goes on.
    pub(super) fn turn_at(&self) -> usize {
        self.turn_at
    }

    /// Notes that the store has these events too, from which the state follows already.
    pub(super) fn written(&mut self, events: &[Event]) {
        let turn = events.iter().rposition(is_turn);
        self.turn_at = turn.map_or(self.turn_at, |at| self.known + at);
        self.known += events.len();
    }

    /// Goes on by the events of the store from the last turn's beginning on. None if they are another session's,
    /// which has begun under the same name.
    pub(super) fn follow(mut self, events: &[Event]) -> Option<Self> {
        let is_same = matches!(events.first(), Some(Event::Customer(said)) if self.is_of(said));
        let new = events
            .get(self.known - self.turn_at..)
            .filter(|_| is_same)?;
        new.iter().for_each(|event| self.state.apply(event));
        self.written(new);
        Some(self)
    }

    /// Gives the state after all events of a session.
    pub(super) fn replay(events: &[Event]) -> Self {
        let mut replayed = Self {
            state: State::replay(events),
            ..Self::default()
        };
        replayed.written(events);
        replayed
    }

    fn is_of(&self, said: &CustomerSaid) -> bool {
        let state = &self.state;
        (state.turn, state.at, &state.text) == (said.turn, said.at, &said.text)
    }
}

fn is_turn(event: &Event) -> bool {
    matches!(event, Event::Customer(_))
}

/// The states of the sessions that were in use last, as many as have room. A turn takes its session's out, and
/// puts it back once it is written.
#[derive(Debug)]
pub(super) struct Recent {
    states: Cache<Arc<str>, Arc<Replayed>>,
}

impl Recent {
    /// What customers say is not kept for longer than the store does.
    pub(super) fn new(bytes: u64, expiry: Duration) -> Self {
        let weight = |session: &str, replayed: &Replayed| {
            let bytes = session.len() + size_of::<Replayed>() + replayed.state.bytes();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let states = Cache::builder()
            .max_capacity(bytes)
            .weigher(move |session: &Arc<str>, replayed: &Arc<Replayed>| weight(session, replayed))
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(IDLE.min(expiry))
            .build();
        Self { states }
    }

    pub(super) fn take(&self, session: &str) -> Option<Replayed> {
        self.states.remove(session).map(Arc::unwrap_or_clone)
    }

    pub(super) fn put(&self, session: &str, replayed: Replayed) {
        if replayed.state.turn > 0 {
            self.states.insert(session.into(), Arc::new(replayed));
        }
    }
}
