//! Where a conversation stands.

use std::collections::BTreeSet;
use std::fmt;

use super::event::{CustomerSaid, Direction, Event, Filtered, Flagged, Question, Wish};
use crate::reply::{Evidence, Exchange, Language, Reply, Source, Values};
use crate::safety::Action;

/// How many steps back a customer may go.
const MOST_UNDO: usize = 8;
/// How many exchanges are at hand for whoever goes on with the conversation.
const MOST_EXCHANGES: usize = 6;

/// Where a conversation stands: a pure function of its [`Event`]s.
///
/// ```
/// use cs_serve::dialogue::{Event, State};
///
/// let started = Event::Started { flow: "refund".into(), meaning: 1, called: false };
/// let set = Event::Set { slot: "order_id".into(), value: "A12345".into() };
/// let state = State::replay([&started, &set]);
/// assert_eq!(state.flow(), Some("refund"));
/// assert_eq!(state.slots()["order_id"], "A12345");
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct State {
    pub(super) turn: u32,
    /// When the customer last said something, in milliseconds since 1970 UTC.
    pub(super) at: u64,
    pub(super) language: Option<Language>,
    pub(super) form: Form,
    /// The forms that the customer may go back to. The last is the one that the turn began with.
    undo: Vec<Form>,
    /// The turn's text, and whether the model was sure of it.
    pub(super) text: String,
    pub(super) digest: Option<u32>,
    pub(super) unsure: bool,
    /// What was done with the turn's texts.
    pub(super) filtered: Filtered,
    /// How many turns one after the other nothing answered, this one included.
    pub(super) unclear: u32,
    is_unclear: bool,
    /// Why a person has it.
    pub(super) handed_over: Option<String>,
    /// The action that was about to be called.
    pub(super) calling: Option<Calling>,
    /// How many actions the turn has called.
    pub(super) calls: u32,
    /// Whether the turn has no complete reply yet.
    pub(super) is_open: bool,
    /// The parts of the turn's reply.
    pub(super) said: Vec<Reply>,
    pub(super) exchanges: Vec<Exchange>,
}

/// A call of an action whose outcome is not known yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Calling {
    pub(super) action: String,
    /// When, in milliseconds since 1970 UTC.
    pub(super) at: u64,
    /// Whether it is repeated, as nobody knew whether it had been done.
    pub(super) is_repeated: bool,
}

/// What the customer can take back: the flows in progress, and what is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Form {
    /// The flows in progress; the last is the one that goes on.
    pub(super) frames: Vec<Frame>,
    /// The values that slots had last in the conversation.
    pub(super) known: Values,
    /// What the customer wants besides, the first first.
    pub(super) wishes: Vec<Wish>,
}

/// A flow in progress.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) flow: String,
    pub(super) meaning: u64,
    pub(super) is_called: bool,
    pub(super) step: usize,
    pub(super) slots: Values,
    pub(super) skipped: BTreeSet<String>,
    /// What it waits for.
    pub(super) question: Option<Question>,
    /// How many turns did not answer that.
    pub(super) missed: u32,
}

/// Without what was said, and without the values of slots.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("turn", &self.turn)
            .field("flow", &self.flow())
            .field("slots", &self.slots().len())
            .field("unclear", &self.unclear)
            .field("handed_over", &self.handed_over.is_some())
            .field("exchanges", &self.exchanges.len())
            .finish_non_exhaustive()
    }
}

impl State {
    /// Gives the state after these events, the first first.
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.apply(event));
        state
    }

    /// Goes on by an event. One that does not fit, as no flow is in progress say, changes nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Began(_) => {}
            Event::Customer(said) => self.begin_turn(said),
            Event::Flagged(flagged) => self.flag(flagged),
            Event::Undone => self.undo(),
            Event::Unclear => {
                self.unclear += 1;
                self.is_unclear = true;
            }
            Event::Calling { action, at } => {
                self.calling = Some(Calling {
                    action: action.clone(),
                    at: *at,
                    is_repeated: self.calling.is_some(),
                });
            }
            Event::Called(_) => {
                self.calling = None;
                self.calls += 1;
            }
            Event::Committed => self.undo.clear(),
            Event::HandedOver(reason) => self.handed_over = Some(reason.clone()),
            Event::Released => self.release(),
            Event::Said(reply) => self.said.push(reply.clone()),
            Event::Answered => self.end_turn(),
            event => self.form.apply(event),
        }
    }

    fn begin_turn(&mut self, said: &CustomerSaid) {
        self.turn = said.turn;
        self.at = said.at;
        self.language = said.language.or(self.language);
        self.text.clone_from(&said.text);
        self.digest = said.digest;
        self.unsure = said.unsure;
        self.filtered = Filtered::default();
        self.is_unclear = false;
        self.is_open = true;
        self.calls = 0;
        self.said.clear();
        if self.undo.last() != Some(&self.form) {
            self.undo.push(self.form.clone());
        }
        if self.undo.len() > MOST_UNDO {
            self.undo.remove(0);
        }
    }

    fn end_turn(&mut self) {
        self.is_open = false;
        if self.filtered.input == Action::Block {
            return; // whoever goes on with the conversation does not hear of it
        }
        if !self.is_unclear {
            self.unclear = 0;
        }
        if self.exchanges.len() == MOST_EXCHANGES {
            self.exchanges.remove(0);
        }
        self.exchanges.push(Exchange {
            customer: self.text.clone(),
            reply: self.reply().text,
        });
    }

    fn flag(&mut self, flagged: &Flagged) {
        let action = match flagged.direction {
            Direction::Input => &mut self.filtered.input,
            Direction::Reply => &mut self.filtered.reply,
        };
        *action = flagged.action.max(*action);
    }

    /// Goes on where it was, as if nothing had gone wrong.
    fn release(&mut self) {
        self.handed_over = None;
        self.unclear = 0;
        if let Some(frame) = self.form.frames.last_mut() {
            frame.missed = 0;
        }
    }

    /// Goes back to the form before the last one that differs from what the turn began with.
    fn undo(&mut self) {
        if self.can_undo() {
            self.undo.pop();
            self.form = self.undo.last().cloned().unwrap_or_default();
        }
    }

    pub(super) fn can_undo(&self) -> bool {
        self.undo.len() > 1
    }

    /// The customer's turns so far.
    pub fn turn(&self) -> u32 {
        self.turn
    }

    /// The flow in progress.
    pub fn flow(&self) -> Option<&str> {
        self.frame().map(|frame| frame.flow.as_str())
    }

    /// The values of the flow in progress, or those that slots had last if there is none.
    pub fn slots(&self) -> &Values {
        self.frame().map_or(&self.form.known, |frame| &frame.slots)
    }

    /// Why a person has the conversation, if one has.
    pub fn handed_over(&self) -> Option<&str> {
        self.handed_over.as_deref()
    }

    /// The language of the customer's last text that has letters; Chinese before there is one.
    pub fn language(&self) -> Language {
        self.language.unwrap_or(Language::Zh)
    }

    pub(super) fn frame(&self) -> Option<&Frame> {
        self.form.frames.last()
    }

    /// Roughly the memory that its texts take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let forms = self.undo.iter().chain([&self.form]).map(Form::bytes);
        let said = self.said.iter().map(reply_bytes);
        let exchanges = self.exchanges.iter();
        let exchanges =
            exchanges.map(|it| size_of::<Exchange>() + it.customer.len() + it.reply.len());
        self.text.len() + forms.sum::<usize>() + said.sum::<usize>() + exchanges.sum::<usize>()
    }

    /// The reply to the turn: its parts, each on a line.
    pub(super) fn reply(&self) -> Reply {
        let text: Vec<&str> = self.said.iter().map(|part| part.text.as_str()).collect();
        // What was answered says more of where the reply is from than what the flow asks beside it.
        let answered = |it: &&Reply| it.source != Source::Template;
        let main = self.said.iter().find(answered).or(self.said.first());
        Reply {
            text: text.join("\n"),
            source: main.map_or(Source::Template, |it| it.source),
            evidence: self
                .said
                .iter()
                .flat_map(|it| it.evidence.clone())
                .collect(),
            checked: main.and_then(|it| it.checked.clone()),
        }
    }
}

fn reply_bytes(reply: &Reply) -> usize {
    let evidence = reply.evidence.iter();
    let evidence = evidence.map(|it| size_of::<Evidence>() + it.id.len() + it.text.len());
    // A fact that it was held against takes some hundred bytes, and stands in its text.
    let checked = reply.checked.as_ref().map_or(0, |it| 256 * it.facts.len());
    size_of::<Reply>() + reply.text.len() + evidence.sum::<usize>() + checked
}

fn values_bytes(values: &Values) -> usize {
    let value =
        |(name, value): (&String, &String)| 2 * size_of::<String>() + name.len() + value.len();
    values.iter().map(value).sum()
}

impl Form {
    fn bytes(&self) -> usize {
        let frame =
            |frame: &Frame| size_of::<Frame>() + frame.flow.len() + values_bytes(&frame.slots);
        let frames: usize = self.frames.iter().map(frame).sum();
        let wish = |wish: &Wish| {
            size_of::<Wish>() + wish.flow.len() + wish.text.len() + values_bytes(&wish.slots)
        };
        let wishes: usize = self.wishes.iter().map(wish).sum();
        size_of::<Self>() + frames + values_bytes(&self.known) + wishes
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Started {
                flow,
                meaning,
                called,
            } => self.frames.push(Frame {
                flow: flow.clone(),
                meaning: *meaning,
                is_called: *called,
                step: 0,
                slots: Values::new(),
                skipped: BTreeSet::new(),
                question: None,
                missed: 0,
            }),
            Event::Queued(wish) => self.wishes.push(wish.clone()),
            Event::Unqueued if !self.wishes.is_empty() => {
                self.wishes.remove(0);
            }
            Event::Ended => self.end(),
            Event::Cancelled => self.cancel(),
            Event::Dropped => {
                self.frames.pop();
            }
            event => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.apply(event);
                }
            }
        }
    }

    /// Ends the flow on top: what it knows is known from now on.
    fn end(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.known.extend(frame.slots);
        }
    }

    fn cancel(&mut self) {
        while let Some(frame) = self.frames.pop() {
            if !frame.is_called {
                return;
            }
        }
    }
}

impl Frame {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Set { slot, value } => {
                self.slots.insert(slot.clone(), value.clone());
                self.skipped.remove(slot);
            }
            Event::Cleared(slot) => {
                self.slots.remove(slot);
                self.skipped.remove(slot);
            }
            Event::Skipped(slot) => {
                self.skipped.insert(slot.clone());
            }
            Event::Step(step) => {
                self.step = *step as usize;
                self.question = None;
                self.missed = 0;
            }
            Event::Asked(question) => {
                if self.question.as_ref() != Some(question) {
                    self.missed = 0;
                }
                self.question = Some(question.clone());
            }
            Event::Missed => self.missed += 1,
            Event::Renewed { meaning } => {
                self.meaning = *meaning;
                self.step = 0;
                self.question = None;
                self.missed = 0;
                self.skipped.clear();
            }
            _ => {}
        }
    }
}
