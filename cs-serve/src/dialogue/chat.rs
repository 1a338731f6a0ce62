//! Conversations: what a service that talks to customers holds.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::actions::{Actions, Call, NoActions};
use super::answers::Answers;
use super::decide::{Decision, Input, Next, decide};
use super::error::ChatError;
use super::event::{Event, FORMAT};
use super::flows::Flows;
use super::queue::Queue;
use super::sessions::Sessions;
use super::state::State;
use super::summary;
use crate::Understanding;
use crate::error::BackendError;
use crate::reply::{Asked, Exchange, Reply, Values};

/// The longest name of a session, in characters.
const MOST_NAME: usize = 128;

/// What may be chosen about conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatConfig {
    /// The most turns of a session, 500 by default: each one takes the time to read those before.
    pub most_turns: u32,
    /// The most turns of one session that may wait for the one in progress, 4 by default.
    pub most_waiting: usize,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self {
            most_turns: 500,
            most_waiting: 4,
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
}

/// What a customer is told.
#[derive(Debug)]
pub struct Told {
    /// The turn's number, from 1.
    pub turn: u32,
    /// The reply.
    pub reply: Reply,
    /// Where the conversation stands.
    pub state: Shown,
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
    config: ChatConfig,
    clock: Clock,
    queue: Queue,
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
            sessions,
            actions: Box::new(NoActions),
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

    /// Answers a turn. `sink` gets the reply's text piece by piece, an answer's as soon as it may be shown.
    ///
    /// What was done is written before anything else is done, and an action's call is written before it is
    /// made: after a crash in between it is made again, with the same key.
    ///
    /// # Errors
    /// [`ChatError::Turn`] for a turn that is neither the next nor the last one;
    /// [`ChatError::Conflict`] if the session went on elsewhere meanwhile; [`ChatError::Busy`],
    /// [`ChatError::Long`], [`ChatError::Session`] for what is beyond a limit; [`ChatError::Store`] if the store
    /// fails.
    pub fn turn(&self, turn: &Turn<'_>, sink: &mut dyn FnMut(&str)) -> Result<Told, ChatError> {
        check_name(turn.session)?;
        let _in_progress = self.queue.enter(turn.session, self.config.most_waiting)?;
        let mut session = self.load(turn.session)?;
        let was_open = session.state.is_open;
        if was_open {
            session.resume()?;
        }
        let state = &session.state;
        let is_same = state.turn > 0 && state.text == turn.text;
        let next = state.turn.saturating_add(1);
        match turn.turn {
            Some(found) if found == state.turn && is_same => return Ok(session.told_again(sink)),
            None if was_open && is_same => return Ok(session.told_again(sink)),
            Some(found) if found != next => return Err(ChatError::Turn { found, next }),
            _ => {}
        }
        if state.turn >= self.config.most_turns {
            let most = self.config.most_turns;
            return Err(ChatError::Long { most });
        }
        session.turn(turn, sink)
    }

    /// Gives the events of a session.
    ///
    /// # Errors
    /// [`ChatError::Unknown`] if there is no such session; [`ChatError::Store`] if the store fails.
    pub fn events(&self, session: &str) -> Result<Vec<Event>, ChatError> {
        check_name(session)?;
        let events = self.sessions.load(session, self.now())?;
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

    /// Goes on with a conversation that a person had taken over, from where it was.
    ///
    /// # Errors
    /// Those of [`events`](Self::events), and [`ChatError::Conflict`] if the session goes on meanwhile.
    pub fn release(&self, session: &str) -> Result<(), ChatError> {
        let events = self.events(session)?;
        if State::replay(&events).handed_over.is_some() {
            let now = self.now();
            let known = events.len();
            self.sessions
                .append(session, known, &[Event::Released], now)?;
        }
        Ok(())
    }

    /// Forgets a session. Gives whether there was one.
    ///
    /// # Errors
    /// [`ChatError::Store`] if the store fails.
    pub fn forget(&self, session: &str) -> Result<bool, ChatError> {
        check_name(session)?;
        Ok(self.sessions.delete(session)?)
    }

    /// Counts the sessions.
    ///
    /// # Errors
    /// [`ChatError::Store`] if the store fails.
    pub fn count(&self) -> Result<usize, ChatError> {
        Ok(self.sessions.count(self.now())?)
    }

    fn load<'a>(&'a self, name: &'a str) -> Result<Session<'a>, ChatError> {
        let events = self.sessions.load(name, self.now())?;
        Ok(Session {
            chat: self,
            name,
            known: events.len(),
            state: State::replay(&events),
            unwritten: Vec::new(),
            failures: Vec::new(),
        })
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

/// A session while a turn of it is in progress.
struct Session<'a> {
    chat: &'a Chat,
    name: &'a str,
    /// How many events the store has.
    known: usize,
    state: State,
    /// The events that the store does not have yet.
    unwritten: Vec<Event>,
    failures: Vec<BackendError>,
}

impl Session<'_> {
    fn turn(mut self, turn: &Turn<'_>, sink: &mut dyn FnMut(&str)) -> Result<Told, ChatError> {
        if self.known == 0 {
            self.unwritten.push(Event::Began(FORMAT));
        }
        let mut given = Given {
            sink,
            text: String::new(),
        };
        let history = self.state.exchanges.clone();
        let at = self.chat.now();
        let mut next = self.decide(&Input::Turn {
            text: turn.text,
            understanding: turn.understanding,
            at,
        });
        loop {
            next = match next {
                Next::Reply => break,
                Next::Call(action) => self.call(&action)?,
                Next::Recall => self.recall(turn, &history),
                Next::Answer => self.answer(turn, &history, &mut given),
            };
        }
        self.write()?;
        let told = self.told();
        given.end(&told.reply.text);
        Ok(told)
    }

    /// Goes on by the answer that is surely known, if one is.
    fn recall(&mut self, turn: &Turn<'_>, history: &[Exchange]) -> Next {
        let slots = self.known_values();
        let asked = asked(turn, &self.state, &slots, history);
        let reply = self.chat.answers.recall(&asked);
        let reply = reply.unwrap_or_else(|error| {
            self.failures.push(error);
            None
        });
        self.decide(&Input::Recalled {
            text: turn.text,
            understanding: turn.understanding,
            reply,
        })
    }

    /// Goes on by an answer, if there is one.
    fn answer(&mut self, turn: &Turn<'_>, history: &[Exchange], given: &mut Given<'_>) -> Next {
        let slots = self.known_values();
        let asked = asked(turn, &self.state, &slots, history);
        given.begin(&self.state);
        let answers = &self.chat.answers;
        let answer = answers.answer(&asked, &mut |piece| given.give(piece));
        let input = match answer {
            Ok(reply) => Input::Answer(reply),
            Err(error) => {
                self.failures.push(error);
                Input::NoAnswer
            }
        };
        self.decide(&input)
    }

    /// Ends a turn whose action was about to be called when the process ended.
    fn resume(&mut self) -> Result<(), ChatError> {
        let mut next = match self.state.calling.clone() {
            Some(action) => Next::Call(action),
            None => self.decide(&Input::NoAnswer),
        };
        while let Next::Call(action) = next {
            next = self.call(&action)?;
        }
        self.write()
    }

    fn decide(&mut self, input: &Input<'_>) -> Next {
        let Decision {
            events,
            state,
            next,
        } = decide(&self.chat.flows, &self.state, input);
        self.unwritten.extend(events);
        self.state = state;
        next
    }

    /// Calls an action, once it is written that it is to be called.
    fn call(&mut self, action: &str) -> Result<Next, ChatError> {
        self.write()?;
        let key = self.key();
        let empty = Values::new();
        let call = Call {
            action,
            key: &key,
            session: self.name,
            slots: self.state.frame().map_or(&empty, |frame| &frame.slots),
        };
        let outcome = match self.chat.actions.call(&call) {
            Ok(values) => Some(values),
            Err(error) => {
                self.failures.push(error.into());
                None
            }
        };
        Ok(self.decide(&Input::Outcome(outcome)))
    }

    /// What tells the call that is about to be made from every other one.
    fn key(&self) -> String {
        let call = format!("{}\n{}\n{}", self.name, self.state.turn, self.state.calls);
        let digest = Sha256::digest(call);
        digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn write(&mut self) -> Result<(), ChatError> {
        let chat = self.chat;
        if !self.unwritten.is_empty() {
            chat.sessions
                .append(self.name, self.known, &self.unwritten, chat.now())?;
            self.known += self.unwritten.len();
            self.unwritten.clear();
        }
        Ok(())
    }

    /// The values of the flow in progress, and those of before that it does not have.
    fn known_values(&self) -> Values {
        let mut values = self.state.form.known.clone();
        values.extend(self.state.slots().clone());
        values
    }

    fn told(self) -> Told {
        Told {
            turn: self.state.turn,
            reply: self.state.reply(),
            state: self.chat.shown(&self.state),
            failures: self.failures,
        }
    }

    fn told_again(self, sink: &mut dyn FnMut(&str)) -> Told {
        let told = self.told();
        sink(&told.reply.text);
        told
    }
}

fn asked<'a>(
    turn: &Turn<'a>,
    state: &State,
    slots: &'a Values,
    history: &'a [Exchange],
) -> Asked<'a> {
    Asked {
        text: turn.text,
        understanding: turn.understanding,
        language: state.language(),
        slots,
        history,
    }
}

/// What the sink has got of a reply.
struct Given<'a> {
    sink: &'a mut dyn FnMut(&str),
    text: String,
}

impl Given<'_> {
    /// Gives what is said before an answer.
    fn begin(&mut self, state: &State) {
        for part in &state.said {
            self.give(&part.text);
            self.give("\n");
        }
    }

    fn give(&mut self, piece: &str) {
        self.text.push_str(piece);
        (self.sink)(piece);
    }

    /// Gives the rest of the reply, if it goes on as it was given.
    fn end(&mut self, reply: &str) {
        if let Some(rest) = reply.strip_prefix(self.text.as_str())
            && !rest.is_empty()
        {
            (self.sink)(rest);
        }
    }
}
