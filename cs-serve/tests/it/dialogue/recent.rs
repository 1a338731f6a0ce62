//! What a chat keeps of the sessions that were in use last makes no difference but to the time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use cs_serve::dialogue::{
    Chat, ChatConfig, ChatError, Event, Flows, MemorySessions, SessionError, Sessions,
    SessionsConfig, State, Turn,
};
use proptest::prelude::*;

use super::properties::{script, text};
use super::{SHOP, Service, shipping, understood};

/// A store in memory that several chats share, and that counts the events which it gives.
#[derive(Clone)]
struct Shared {
    store: Arc<MemorySessions>,
    given: Arc<AtomicU64>,
}

impl Shared {
    fn new() -> Self {
        let store = MemorySessions::new(&SessionsConfig::default()).unwrap();
        Self {
            store: Arc::new(store),
            given: Arc::default(),
        }
    }

    fn chat(&self, recent_bytes: u64, clock: &Arc<AtomicU64>) -> Chat {
        let config = ChatConfig {
            recent_bytes,
            ..ChatConfig::default()
        };
        let clock = Arc::clone(clock);
        let now = move || UNIX_EPOCH + Duration::from_millis(clock.load(Ordering::Relaxed));
        Chat::new(
            Flows::parse(SHOP).unwrap(),
            Box::new(shipping),
            Box::new(self.clone()),
            config,
        )
        .unwrap()
        .with_actions(Box::new(Service::default()))
        .with_clock(now)
    }
}

impl Sessions for Shared {
    fn load(&self, session: &str, from: usize, now: u64) -> Result<Vec<Event>, SessionError> {
        let events = self.store.load(session, from, now)?;
        self.given.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(events)
    }

    fn append(
        &self,
        session: &str,
        known: usize,
        events: &[Event],
        now: u64,
    ) -> Result<(), SessionError> {
        self.store.append(session, known, events, now)
    }

    fn expiry(&self) -> Duration {
        self.store.expiry()
    }

    fn delete(&self, session: &str) -> Result<bool, SessionError> {
        self.store.delete(session)
    }

    fn count(&self, now: u64) -> Result<usize, SessionError> {
        self.store.count(now)
    }
}

/// What is done to a session.
#[derive(Debug, Clone)]
enum Done {
    Said(String, String),
    Released,
    Forgotten,
}

fn done() -> impl Strategy<Value = Done> {
    prop_oneof![
        8 => (text(), script()).prop_map(|(text, script)| Done::Said(text, script)),
        1 => Just(Done::Released),
        1 => Just(Done::Forgotten),
    ]
}

/// Does it, and gives what came of it.
fn have(chat: &Chat, done: &Done) -> String {
    match done {
        Done::Said(text, script) => {
            let understanding = understood(text, script);
            let turn = Turn {
                session: "s1",
                turn: None,
                text,
                understanding: &understanding,
                parts: &[],
            };
            let told = chat.turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()));
            format!("{:?}", told.map(|it| (it.turn, it.reply, it.state)))
        }
        Done::Released => format!("{:?}", chat.release("s1")),
        Done::Forgotten => format!("{:?}", chat.forget("s1")),
    }
}

fn state(chat: &Chat) -> Option<State> {
    match chat.state("s1") {
        Ok(state) => Some(state),
        Err(ChatError::Unknown) => None,
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_state_is_that_of_all_events(all in prop::collection::vec((any::<bool>(), done()), 1..24)) {
        let clock = Arc::new(AtomicU64::new(1_000_000));
        let (shared, plain) = (Shared::new(), Shared::new());
        let replicas = [shared.chat(1 << 20, &clock), shared.chat(1 << 20, &clock)];
        let reference = plain.chat(0, &clock);
        for (is_first, done) in &all {
            clock.fetch_add(1, Ordering::Relaxed);
            let replica = &replicas[usize::from(*is_first)];
            prop_assert_eq!(have(replica, done), have(&reference, done));
            prop_assert_eq!(state(replica), state(&reference));
        }
    }
}

#[test]
fn a_turn_reads_what_is_new() {
    let (clock, store) = (Arc::new(AtomicU64::new(1_000_000)), Shared::new());
    let (chat, replica) = (store.chat(1 << 20, &clock), store.chat(1 << 20, &clock));
    let said = Done::Said("运费多少".into(), String::new());
    let read = |chat: &Chat| {
        let before = store.given.load(Ordering::Relaxed);
        have(chat, &said);
        store.given.load(Ordering::Relaxed) - before
    };
    for _ in 0..20 {
        read(&chat);
    }
    // A turn has three events here: what the customer says, the answer, and its end.
    assert_eq!(read(&chat), 3);
    assert_eq!(read(&replica), 1 + 3 * 21);
    assert_eq!(read(&chat), 6);
    assert_eq!(read(&replica), 6);
}
