//! Conversations: what a service that talks to customers holds.

mod foresee;
mod recent;
mod session;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

pub use self::foresee::Foreseen;
use self::recent::Recent;
use self::session::Session;
use super::actions::{Actions, NoActions};
use super::answers::Answers;
use super::error::ChatError;
use super::event::{Event, Filtered};
use super::flows::Flows;
use super::guard::{self, Guard, covered_too};
use super::queue::{InProgress, Patience, Queue};
use super::sessions::Sessions;
use super::state::State;
use super::summary;
use crate::Understanding;
use crate::error::BackendError;
use crate::reply::{Reply, Sink, Values};

/// The longest name of a session, in characters.
const MOST_NAME: usize = 128;

/// What may be chosen about conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatConfig {
    /// The most turns of a session, 500 by default: whoever goes on with it elsewhere reads all of them.
    pub most_turns: u32,
    /// The most turns of one session that may wait for the one in progress, 4 by default.
    pub most_waiting: usize,
    /// How long a turn waits at most for those before it, 30 seconds by default.
    #[serde(rename = "wait_ms", with = "crate::millis")]
    pub wait: Duration,
    /// The memory for the states of the sessions that were in use last, in bytes, 64 MiB by default. A turn of
    /// another session takes the time to read all its turns before; of one of these, what is new since.
    pub recent_bytes: u64,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            most_turns: 500,
            most_waiting: 4,
            wait: Duration::from_secs(30),
            recent_bytes: 64 << 20,
        }
    }
}

/// What a customer says.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The session: up to 128 visible ASCII characters.
    pub session: &'a str,
    /// The turn's number, from 1, if the customer's side counts. The last turn may be sent again, with the
    /// same text: its reply is given again, and nothing is done twice.
    pub turn: Option<u32>,
    /// The text.
    pub text: &'a str,
    /// What the model makes of it.
    pub understanding: &'a Understanding,
    /// What it makes of each of the text's [`wishes`](super::wishes). May be empty: then only one wish is heard.
    pub parts: &'a [Understanding],
}

/// What a customer is told.
#[derive(Debug)]
pub struct Told {
    /// The turn's number, from 1.
    pub turn: u32,
    /// When the customer said it, in milliseconds since 1970 UTC.
    pub at: u64,
    /// What the customer said; where a guard covers words, without them. That is all that is kept of it.
    pub text: String,
    /// Whether the turn was replied to before, and that is told again.
    pub is_repeated: bool,
    /// The reply.
    pub reply: Reply,
    /// Where the conversation stands.
    pub state: Shown,
    /// What was done with the customer's text and the reply; none if there is no guard.
    pub filtered: Option<Filtered>,
    /// What failed and was made up for, by a person or as the flow says: actions, and who answers.
    pub failures: Vec<BackendError>,
}

/// Where a conversation stands, for those who look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Shown {
    /// The flow in progress; null if there is none.
    pub flow: Option<String>,
    /// The values of its slots, or those that the conversation had last.
    pub slots: Values,
    /// The slots that it has yet to ask for.
    pub missing: Vec<String>,
}

/// Conversations: flows, answers and sessions as one. It can be shared between threads. Each turn takes
/// the caller's thread, and turns of one session take turns.
///
/// The [module's example](super) has one.
pub struct Chat {
    flows: Flows,
    answers: Box<dyn Answers>,
    sessions: Box<dyn Sessions>,
    actions: Box<dyn Actions>,
    guard: Option<Guard>,
    config: ChatConfig,
    clock: Clock,
    queue: Queue,
    recent: Recent,
}

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Chat {
    /// Puts a chat together, without actions: those of its flows fail.
    ///
    /// # Errors
    /// [`ChatError::Config`] for a configuration that cannot work.
    pub fn new(
        flows: Flows,
        answers: Box<dyn Answers>,
        sessions: Box<dyn Sessions>,
        config: ChatConfig,
    ) -> Result<Self, ChatError> {
        if config.most_turns == 0 {
            return Err(ChatError::Config {
                name: "most_turns",
                found: "0".into(),
                expected: "at least 1",
            });
        }
        Ok(Self {
            flows,
            answers,
            actions: Box::new(NoActions),
            recent: Recent::new(config.recent_bytes, sessions.expiry()),
            sessions,
            guard: None,
            config,
            clock: Arc::new(SystemTime::now),
            queue: Queue::default(),
        })
    }

    /// Has the service do its flows' actions.
    #[must_use]
    pub fn with_actions(self, actions: Box<dyn Actions>) -> Self {
        Self { actions, ..self }
    }

    /// Holds customers' texts and replies against words and prohibited meanings: [`Guard`] has what comes of that.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        let guard = Some(guard);
        Self { guard, ..self }
    }

    /// Takes the time from another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            clock: Arc::new(clock),
            ..self
        }
    }

    /// The flows that are served.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// What texts are held against, if they are.
    pub fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// Answers a turn. `sink` gets the reply's text piece by piece, an answer's as soon as it may be shown.
    ///
    /// A turn before this one that a crash kept from its end is ended first, and `resumed` gets what is told of it: once
    /// that is written, and before anything of this turn can fail.
    ///
    /// What was done is written before anything else is done, and an action's call is written before it is
    /// made: after a crash in between it is made again, with the same key.
    ///
    /// # Errors
    /// [`ChatError::Turn`] for a turn that is neither the next nor the last one;
    /// [`ChatError::Gone`] if `sink` breaks while an answer is looked for: then the turn never was;
    /// [`ChatError::Guard`] if the text cannot be held against prohibited meanings;
    /// [`ChatError::Conflict`] if the session went on elsewhere meanwhile, [`ChatError::InProgress`] while it may do
    /// so; [`ChatError::Busy`], [`ChatError::Long`], [`ChatError::Large`], [`ChatError::Session`] for what is beyond a limit;
    /// [`ChatError::Store`] if the store fails.
    pub fn turn(
        &self,
        turn: &Turn<'_>,
        resumed: &mut dyn FnMut(&Told),
        sink: &mut Sink<'_>,
    ) -> Result<Told, ChatError> {
        check_name(turn.session)?;
        let watch = self.guard.as_ref().map(Guard::watch).unwrap_or_default();
        let screened = watch
            .hear(turn.text)
            .map_err(|source| ChatError::Guard { source })?;
        let (understanding, parts) = match screened.text == turn.text {
            true => (Cow::Borrowed(turn.understanding), turn.parts),
            false => {
                let covered = covered_too(turn.understanding, &screened.text);
                (Cow::Owned(covered), Default::default())
            }
        };
        let said = turn.text;
        let turn = Turn {
            text: &screened.text,
            understanding: &understanding,
            parts,
            ..*turn
        };
        let _in_progress = self.enter(turn.session)?;
        let mut session = Session::load(self, turn.session, watch)?;
        let was_open = session.state().is_open;
        if was_open {
            if session.is_in_progress() {
                return Err(ChatError::InProgress);
            }
            session.resume()?;
        }
        let state = session.state();
        let is_same = state.turn > 0
            && match state.digest {
                Some(digest) => digest == guard::digest(said),
                None => state.text == said,
            };
        if is_same && turn.turn.map_or(was_open, |found| found == state.turn) {
            return Ok(session.told_again(sink, !was_open));
        }
        let (last, next) = (state.turn, state.turn.saturating_add(1));
        if was_open {
            resumed(&session.tell());
        }
        if let Some(found) = turn.turn.filter(|found| *found != next) {
            return Err(ChatError::Turn { found, next });
        }
        if last >= self.config.most_turns {
            let most = self.config.most_turns;
            return Err(ChatError::Long { most });
        }
        session.turn(&turn, &screened, sink)
    }

    /// Gives the events of a session.
    ///
    /// # Errors
    /// [`ChatError::Unknown`] if there is no such session; [`ChatError::Store`] if the store fails.
    pub fn events(&self, session: &str) -> Result<Vec<Event>, ChatError> {
        check_name(session)?;
        let events = self.sessions.load(session, 0, self.now())?;
        if events.is_empty() {
            return Err(ChatError::Unknown);
        }
        Ok(events)
    }

    /// Gives the state of a session.
    ///
    /// # Errors
    /// Those of [`events`](Self::events).
    pub fn state(&self, session: &str) -> Result<State, ChatError> {
        Ok(State::replay(&self.events(session)?))
    }

    /// Gives the customer's turns in a session so far, 0 if there is no such session. Takes what reading the events
    /// since it was last in use here takes.
    ///
    /// # Errors
    /// [`ChatError::Session`] for a name that is none; [`ChatError::Store`] if the store fails.
    pub fn turns(&self, session: &str) -> Result<u32, ChatError> {
        check_name(session)?;
        session::turns(self, session)
    }

    /// Sums a state up for those who look at it.
    pub fn shown(&self, state: &State) -> Shown {
        let frame = state.frame();
        let flow = frame.and_then(|frame| self.flows.flow(&frame.flow));
        let missing = flow.zip(frame);
        Shown {
            flow: state.flow().map(str::to_owned),
            slots: state.slots().clone(),
            missing: missing.map_or(Vec::new(), |(flow, frame)| summary::missing(flow, frame)),
        }
    }

    /// Goes on with a conversation that a person had taken over, from where it was. Waits for the turns in progress.
    ///
    /// # Errors
    /// Those of [`events`](Self::events), [`ChatError::Busy`] if too many turns wait, and [`ChatError::Conflict`] if the
    /// session goes on elsewhere meanwhile.
    pub fn release(&self, session: &str) -> Result<(), ChatError> {
        check_name(session)?;
        let _in_progress = self.enter(session)?;
        let events = self.events(session)?;
        if State::replay(&events).handed_over.is_some() {
            let now = self.now();
            let known = events.len();
            self.sessions
                .append(session, known, &[Event::Released], now)?;
        }
        Ok(())
    }

    /// Forgets a session, once the turns in progress have ended. Gives whether there was one.
    ///
    /// # Errors
    /// [`ChatError::Busy`] if too many turns wait; [`ChatError::Store`] if the store fails.
    pub fn forget(&self, session: &str) -> Result<bool, ChatError> {
        check_name(session)?;
        let _in_progress = self.enter(session)?;
        let is_there = self.sessions.delete(session)?;
        self.recent.take(session);
        Ok(is_there)
    }

    /// Counts the sessions.
    ///
    /// # Errors
    /// [`ChatError::Store`] if the store fails.
    pub fn count(&self) -> Result<usize, ChatError> {
        Ok(self.sessions.count(self.now())?)
    }

    /// Waits for the turns of a session that came before.
    fn enter<'a>(&'a self, session: &'a str) -> Result<InProgress<'a>, ChatError> {
        let patience = Patience {
            most: self.config.most_waiting,
            wait: self.config.wait,
        };
        self.queue.enter(session, patience)
    }

    /// Milliseconds since 1970 UTC.
    fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat")
            .field("flows", &self.flows.names().collect::<Vec<_>>())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn check_name(session: &str) -> Result<(), ChatError> {
    let is_name = (1..=MOST_NAME).contains(&session.len())
        && session.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name {
        return Ok(());
    }
    Err(ChatError::Session {
        bytes: session.len(),
        most: MOST_NAME,
    })
}
