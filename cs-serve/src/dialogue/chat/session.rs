//! A session while a turn of it is in progress.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::super::actions::Call;
use super::super::decide::{Decision, Input, Next, Outcome, Said, decide};
use super::super::error::{ActionError, ChatError};
use super::super::event::{CustomerSaid, Direction, Event, FORMAT, Flagged};
use super::super::guard::{Outlet, Screened, Watch};
use super::super::state::State;
use super::recent::Replayed;
use super::{Chat, Told, Turn};
use crate::Understanding;
use crate::error::BackendError;
use crate::reply::{Asked, Evidence, Exchange, Reply, Sink, Values};

/// What writing to the store before and after a call may take.
const AROUND_CALLS: Duration = Duration::from_secs(2);

/// A session while a turn of it is in progress.
pub(super) struct Session<'a> {
    chat: &'a Chat,
    name: &'a str,
    /// Where it stands, by the events of the store and by those that it does not have yet.
    replayed: Replayed,
    /// The events that the store does not have yet.
    unwritten: Vec<Event>,
    watch: Watch,
    /// What is noted of the customer's text, until it is.
    flagged: Option<Flagged>,
    /// What tells the text from others that look the same covered, if it is.
    digest: Option<u32>,
    /// Whether something was not said. What is said instead is covered, if need be.
    is_withheld: bool,
    failures: Vec<BackendError>,
}

impl<'a> Session<'a> {
    pub(super) fn state(&self) -> &State {
        &self.replayed.state
    }

    /// Reads a session; one that nobody knows has no events.
    pub(super) fn load(chat: &'a Chat, name: &'a str, watch: Watch) -> Result<Self, ChatError> {
        Ok(Self {
            chat,
            name,
            replayed: replayed(chat, name)?,
            unwritten: Vec::new(),
            watch,
            flagged: None,
            digest: None,
            is_withheld: false,
            failures: Vec::new(),
        })
    }

    /// Takes a turn, whose text was looked through.
    pub(super) fn turn(
        mut self,
        turn: &Turn<'_>,
        screened: &Screened,
        sink: &mut Sink<'_>,
    ) -> Result<Told, ChatError> {
        if self.replayed.known == 0 {
            self.unwritten.push(Event::Began(FORMAT));
        }
        let mut given = Given {
            sink,
            outlet: self.watch.outlet(),
            text: String::new(),
            is_gone: false,
            withheld: None,
        };
        let history = self.replayed.state.exchanges.clone();
        let text = turn.text;
        self.flagged = screened.flagged(Direction::Input);
        self.digest = screened.digest;
        let mut next = self.decide(&match screened.is_blocked() {
            true => Input::Blocked { text },
            false => Input::Turn(said(turn)),
        });
        loop {
            next = match next {
                Next::Reply => break,
                Next::Call(action) => self.call(&action)?,
                Next::Recall => self.recall(turn, &history),
                Next::Answer => self.answer(turn, &history, &mut given)?,
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
        let asked = asked(turn, &self.replayed.state, &slots, history);
        let reply = self.chat.answers.recall(&asked);
        let reply = reply.unwrap_or_else(|error| {
            self.failures.push(error);
            None
        });
        let said = said(turn);
        self.decide(&Input::Recalled { said, reply })
    }

    /// Goes on by an answer, if there is one.
    fn answer(
        &mut self,
        turn: &Turn<'_>,
        history: &[Exchange],
        given: &mut Given<'_>,
    ) -> Result<Next, ChatError> {
        let slots = self.known_values();
        let understanding = match self.replayed.state.unsure {
            // An intent that the model is not sure of answers nothing.
            true => Cow::Owned(Understanding {
                intent: None,
                ..turn.understanding.clone()
            }),
            false => Cow::Borrowed(turn.understanding),
        };
        let turn = Turn {
            understanding: &understanding,
            ..*turn
        };
        let asked = asked(&turn, &self.replayed.state, &slots, history);
        given.begin(&self.replayed.state);
        let answers = &self.chat.answers;
        let answer = answers.answer(&asked, &mut |piece| given.give(piece));
        if given.is_gone {
            return Err(ChatError::Gone);
        }
        if let Some(flagged) = given.withheld.take() {
            self.emit(Event::Flagged(flagged));
            return Ok(self.withhold());
        }
        let input = match answer {
            Ok(reply) => Input::Answer(reply),
            Err(error) => {
                self.failures.push(error);
                Input::NoAnswer
            }
        };
        Ok(self.decide(&input))
    }

    /// Whether an action was about to be called so short ago that another process may be at it. A time in the future is
    /// another clock's, or this one's before it went back.
    pub(super) fn is_in_progress(&self) -> bool {
        let limit = self.chat.actions.time_limit();
        let limit = if limit.is_zero() {
            limit
        } else {
            limit + AROUND_CALLS
        };
        let calling = self.replayed.state.calling.as_ref();
        let since = |at: u64| u128::from(self.chat.now().abs_diff(at));
        calling.is_some_and(|it| since(it.at) < limit.as_millis())
    }

    /// Ends a turn whose action was about to be called when the process ended.
    pub(super) fn resume(&mut self) -> Result<(), ChatError> {
        let mut next = match self.replayed.state.calling.clone() {
            Some(calling) => Next::Call(calling.action),
            None => self.decide(&Input::NoAnswer),
        };
        while let Next::Call(action) = next {
            next = self.call(&action)?;
        }
        self.write()
    }

    fn decide(&mut self, input: &Input<'_>) -> Next {
        let now = self.chat.now();
        let Decision { events, next, .. } = decide(&self.chat.flows, self.state(), input, now);
        for event in events {
            match event {
                Event::Said(reply) => match self.screened(reply) {
                    Some(reply) => self.emit(Event::Said(reply)),
                    None => return self.withhold(),
                },
                Event::Customer(said) => {
                    let digest = self.digest.take();
                    self.emit(Event::Customer(CustomerSaid { digest, ..said }));
                }
                event => self.emit(event),
            }
        }
        next
    }

    fn emit(&mut self, event: Event) {
        self.replayed.state.apply(&event);
        let begins_turn = matches!(event, Event::Customer(_));
        self.unwritten.push(event);
        if begins_turn && let Some(flagged) = self.flagged.take() {
            self.emit(Event::Flagged(flagged));
        }
    }

    /// A part of the reply as it may be said; none if it may not be.
    fn screened(&mut self, part: Reply) -> Option<Reply> {
        let mut said = String::new();
        for part in &self.state().said {
            said.push_str(&part.text);
            said.push('\n');
        }
        let screened = match self.watch.say(&said, &part) {
            Ok(screened) => screened,
            Err(error) => {
                self.failures.push(error);
                return None;
            }
        };
        if let Some(flagged) = screened.flagged(Direction::Reply) {
            self.emit(Event::Flagged(flagged));
        }
        let may_be_said = self.is_withheld || !screened.is_blocked();
        let evidence = part.evidence.into_iter().map(|it| Evidence {
            text: self.watch.covered(&it.text),
            ..it
        });
        may_be_said.then_some(Reply {
            text: screened.text,
            evidence: evidence.collect(),
            ..part
        })
    }

    /// Has a person go on, as what was to be said may not be said.
    fn withhold(&mut self) -> Next {
        self.is_withheld = true;
        self.decide(&Input::Withheld)
    }

    /// Calls an action, once it is written that it is to be called.
    fn call(&mut self, action: &str) -> Result<Next, ChatError> {
        self.write()?;
        let key = self.key(action);
        let empty = Values::new();
        let call = Call {
            action,
            key: &key,
            session: self.name,
            slots: self
                .replayed
                .state
                .frame()
                .map_or(&empty, |frame| &frame.slots),
        };
        let outcome = match self.chat.actions.call(&call) {
            Ok(values) => Outcome::Done(values),
            Err(error) => {
                let is_refusal = matches!(error, ActionError::Refused { .. });
                self.failures.push(error.into());
                match is_refusal {
                    true => Outcome::Refused,
                    false => Outcome::Unknown,
                }
            }
        };
        Ok(self.decide(&Input::Outcome(outcome)))
    }

    /// What tells the call that is about to be made from every other one. The turn's time tells the session from one
    /// before that had its name.
    fn key(&self, action: &str) -> String {
        let State {
            turn, at, calls, ..
        } = &self.replayed.state;
        let call = format!("{}\n{at}\n{turn}\n{calls}\n{action}", self.name);
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
                .append(self.name, self.replayed.known, &self.unwritten, chat.now())?;
            self.replayed.written(&self.unwritten);
            self.unwritten.clear();
        }
        Ok(())
    }

    /// The values of the flow in progress, and those of before that it does not have.
    fn known_values(&self) -> Values {
        let mut values = self.replayed.state.form.known.clone();
        values.extend(self.replayed.state.slots().clone());
        values
    }

    /// Ends the turn, which is written.
    fn told(mut self) -> Told {
        let told = self.tell();
        self.chat.recent.put(self.name, self.replayed);
        told
    }

    /// What the customer is told of the last turn, with what failed since the one before.
    pub(super) fn tell(&mut self) -> Told {
        let state = &self.replayed.state;
        Told {
            turn: state.turn,
            at: state.at,
            text: state.text.clone(),
            is_repeated: false,
            reply: state.reply(),
            state: self.chat.shown(state),
            filtered: self.chat.guard.as_ref().map(|_| state.filtered),
            failures: std::mem::take(&mut self.failures),
        }
    }

    /// Gives the reply of the last turn, which was given before if that is repeated.
    pub(super) fn told_again(self, sink: &mut Sink<'_>, is_repeated: bool) -> Told {
        let told = self.told();
        let _ = sink(&told.reply.text);
        Told {
            is_repeated,
            ..told
        }
    }
}

/// Gives the turns of a session so far.
pub(super) fn turns(chat: &Chat, name: &str) -> Result<u32, ChatError> {
    let replayed = replayed(chat, name)?;
    let turns = replayed.state.turn;
    chat.recent.put(name, replayed);
    Ok(turns)
}

/// Gives where a session stands: by what has happened since it was last in use here, if the store still has that one.
fn replayed(chat: &Chat, name: &str) -> Result<Replayed, ChatError> {
    let load = |from| chat.sessions.load(name, from, chat.now());
    if let Some(recent) = chat.recent.take(name) {
        let events = load(recent.turn_at())?;
        if let Some(replayed) = recent.follow(&events) {
            return Ok(replayed);
        }
    }
    Ok(Replayed::replay(&load(0)?))
}

fn said<'a>(turn: &Turn<'a>) -> Said<'a> {
    Said {
        text: turn.text,
        understanding: turn.understanding,
        parts: turn.parts,
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
    sink: &'a mut Sink<'a>,
    outlet: Outlet,
    text: String,
    /// Whether nobody waits any more.
    is_gone: bool,
    /// Why the rest may not be said, if it may not be.
    withheld: Option<Flagged>,
}

impl Given<'_> {
    /// Gives what is said before an answer.
    fn begin(&mut self, state: &State) {
        for part in &state.said {
            let _ = self.give(&part.text);
            let _ = self.give("\n");
        }
    }

    fn give(&mut self, piece: &str) -> ControlFlow<()> {
        let piece = match self.outlet.let_out(piece) {
            Ok(piece) => piece,
            Err(flagged) => {
                self.withheld = Some(flagged);
                return ControlFlow::Break(());
            }
        };
        self.text.push_str(&piece);
        let flow = (self.sink)(&piece);
        self.is_gone |= flow.is_break();
        flow
    }

    /// Gives the rest of the reply, if it goes on as it was given.
    fn end(&mut self, reply: &str) {
        if let Some(rest) = reply.strip_prefix(self.text.as_str())
            && !rest.is_empty()
        {
            // The reply is written by now, whoever waits for it.
            let _ = (self.sink)(rest);
        }
    }
}
