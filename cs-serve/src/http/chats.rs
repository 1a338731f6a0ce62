//! Who holds conversations: how many turns at once, and what came of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::api::Api;
use super::body::bad;
use super::feedback::{Feedback, Rating};
use super::metrics::GONE;
use super::problem::Problem;
use crate::dialogue::{
    ActionError, Chat, ChatError, Direction, Event, Filtered, Foreseen, Shown, State, Told, Turn,
};
use crate::engine::{Buckets, Distribution, MICRO};
use crate::error::BackendError;
use crate::reply::{Sink, Source};
use crate::safety::Action;
use crate::safety::words::CurrentFilter;

/// The most characters of a session's name.
const SESSION: usize = 128;

/// The conversations of an interface.
pub(super) struct Chats {
    chat: Arc<Chat>,
    feedback: Arc<dyn Feedback>,
    places: Arc<Semaphore>,
    most: usize,
    /// Replies by where they come from, in the order of [`Source::ALL`].
    replies: [AtomicU64; Source::ALL.len()],
    /// Texts by what a guard did with them, in the order of [`Action::ALL`]: customers', and replies.
    filtered: [[AtomicU64; Action::ALL.len()]; 2],
    /// Hand-overs by reason: the reasons that flows have, and a few of our own.
    handovers: Mutex<BTreeMap<String, u64>>,
    /// Turns without a reply, by the status that says why.
    failed: Mutex<BTreeMap<u16, u64>>,
    seconds: Buckets,
}

/// A turn's place among those that are replied to at once.
pub(super) type Place = OwnedSemaphorePermit;

/// The conversations of an interface that holds any.
pub(super) fn chats(api: &Api) -> Result<Arc<Chats>, Problem> {
    let refusal = || Problem::new(StatusCode::NOT_FOUND, "this service holds no conversations");
    api.chats().cloned().ok_or_else(refusal)
}

/// Refuses a name that is none.
pub(super) fn check_session(name: &str) -> Result<(), Problem> {
    let is_visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    match (1..=SESSION).contains(&name.len()) && is_visible {
        true => Ok(()),
        false => Err(bad(format!(
            "`session`: expected 1 to {SESSION} visible ASCII characters"
        ))),
    }
}

impl Chats {
    pub(super) fn new(chat: Arc<Chat>, feedback: Arc<dyn Feedback>, most: usize) -> Self {
        Self {
            chat,
            feedback,
            places: Arc::new(Semaphore::new(most)),
            most,
            replies: Default::default(),
            filtered: Default::default(),
            handovers: Mutex::default(),
            failed: Mutex::default(),
            seconds: Buckets::default(),
        }
    }

    /// Lets a turn in, if there is room.
    pub(super) fn enter(&self) -> Result<Place, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| Problem::early("too many turns at once", Duration::from_secs(1)))
    }

    /// Whether turns have been let in that have no reply yet.
    pub(super) fn is_replying(&self) -> bool {
        self.places.available_permits() < self.most
    }

    /// Replies to a turn; blocks. `sink` gets the reply part by part, and `resumed` a turn before it that a crash had kept
    /// from its end.
    pub(super) fn turn(
        &self,
        turn: &Turn<'_>,
        resumed: &dyn Fn(&Told),
        sink: &mut Sink<'_>,
    ) -> Result<Told, Problem> {
        let began = Instant::now();
        let mut ended = |told: &Told| {
            self.count(told);
            resumed(told);
        };
        let told = self.chat.turn(turn, &mut ended, sink).map_err(|error| {
            let problem = Problem::from(error);
            *lock(&self.failed)
                .entry(problem.status.as_u16())
                .or_default() += 1;
            problem
        })?;
        if !told.is_repeated {
            self.seconds.time(began.elapsed());
            self.count(&told);
        }
        Ok(told)
    }

    fn count(&self, told: &Told) {
        for error in &told.failures {
            // A refusal is an answer, and flows say what follows. It might quote a text: no one sees it unasked.
            let is_refusal = matches!(error.downcast_ref(), Some(ActionError::Refused { .. }));
            if !is_refusal {
                tracing::warn!("what a reply needed failed; why is logged at debug level");
            }
            tracing::debug!(error = &**error as &dyn std::error::Error);
        }
        // It has the reason for its id; what is said once a person has the conversation has none.
        let mut evidence = told.reply.evidence.iter();
        if let Some(reason) = evidence.find(|it| it.source == Source::Handover) {
            let mut handovers = lock(&self.handovers);
            *handovers.entry(reason.id.clone()).or_default() += 1;
        }
        self.count_filtered(told.filtered);
        let source = Source::ALL.iter().position(|it| *it == told.reply.source);
        if let Some(count) = source.and_then(|at| self.replies.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count_filtered(&self, filtered: Option<Filtered>) {
        let Some(Filtered { input, reply }) = filtered else {
            return;
        };
        for (counts, found) in self.filtered.iter().zip([input, reply]) {
            for (count, action) in counts.iter().zip(Action::ALL) {
                count.fetch_add(u64::from(action == found), Ordering::Relaxed);
            }
        }
    }
}

/// A conversation: where it stands, and how it came to that.
pub(super) struct Held {
    pub(super) turns: u32,
    pub(super) state: Shown,
    pub(super) events: Vec<Event>,
    pub(super) ratings: Vec<Rating>,
}

impl Chats {
    /// Gives a conversation; blocks.
    pub(super) fn held(&self, session: &str) -> Result<Held, Problem> {
        let mut events = self.chat.events(session)?;
        for event in &mut events {
            if let Event::Customer(said) = event {
                // Whoever has it can try which words were covered.
                said.digest = None;
            }
        }
        let state = State::replay(&events);
        Ok(Held {
            turns: state.turn(),
            state: self.chat.shown(&state),
            events,
            ratings: self.feedback.ratings(session).map_err(unkept)?,
        })
    }

    /// Says what a turn would have come to, had it been understood so; blocks.
    pub(super) fn foresee(&self, turn: &Turn<'_>) -> Result<Foreseen, ChatError> {
        self.chat.foresee(turn)
    }

    /// Gives the turns of a conversation, 0 if it has not begun; blocks.
    pub(super) fn turns(&self, session: &str) -> Result<u32, Problem> {
        Ok(self.chat.turns(session)?)
    }

    /// Has the service go on with a conversation that a person has; blocks.
    pub(super) fn release(&self, session: &str) -> Result<(), Problem> {
        Ok(self.chat.release(session)?)
    }

    /// Keeps a rating of a turn that was replied to; blocks.
    pub(super) fn rate(&self, session: &str, rating: &Rating) -> Result<(), Problem> {
        let turns = self.chat.state(session)?.turn();
        if !(1..=turns).contains(&rating.turn) {
            let detail = format!("turn {}, of {turns} in the session", rating.turn);
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        self.feedback.rate(session, rating).map_err(unkept)
    }

    /// How many replies came from each source.
    pub(super) fn replies(&self) -> impl Iterator<Item = (Source, u64)> {
        let counts = self.replies.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        Source::ALL.into_iter().zip(counts)
    }

    /// Whether texts are filtered.
    pub(super) fn is_guarded(&self) -> bool {
        self.chat.guard().is_some()
    }

    /// The words that texts are held against, if they are.
    pub(super) fn words(&self) -> Option<Arc<CurrentFilter>> {
        self.chat.guard()?.words().cloned()
    }

    /// How many texts were passed, reviewed, masked or blocked.
    pub(super) fn filtered(&self) -> impl Iterator<Item = (Direction, Action, u64)> {
        let directions = [Direction::Input, Direction::Reply];
        let all = directions.into_iter().zip(&self.filtered);
        all.flat_map(|(direction, counts)| {
            let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
            let actions = Action::ALL.into_iter().zip(counts);
            actions.map(move |(action, count)| (direction, action, count))
        })
    }

    /// How many conversations were handed over, by reason.
    pub(super) fn handovers(&self) -> BTreeMap<String, u64> {
        lock(&self.handovers).clone()
    }

    /// How many turns have no reply, by status.
    pub(super) fn failed(&self) -> BTreeMap<u16, u64> {
        lock(&self.failed).clone()
    }

    /// The seconds from an understood turn to its reply.
    pub(super) fn seconds(&self) -> Distribution {
        self.seconds.distribution(MICRO)
    }
}

fn lock<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unkept(error: BackendError) -> Problem {
    tracing::error!(%error, "ratings cannot be kept or read");
    Problem::internal("the ratings cannot be kept or read")
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let status = match &error {
            ChatError::Session { .. } => StatusCode::BAD_REQUEST,
            ChatError::Unknown => StatusCode::NOT_FOUND,
            ChatError::Turn { .. }
            | ChatError::Conflict
            | ChatError::Long { .. }
            | ChatError::Large { .. } => StatusCode::CONFLICT,
            ChatError::Gone => {
                let status = StatusCode::from_u16(GONE).unwrap_or(StatusCode::BAD_REQUEST);
                return Self::new(status, "nobody waits for the reply");
            }
            ChatError::Busy { .. } | ChatError::InProgress => {
                return Self::early(error.to_string(), Duration::from_secs(1));
            }
            ChatError::Store(_) => {
                tracing::error!(%error, "sessions cannot be kept or read");
                let detail = "the store of sessions fails";
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
            }
            _ => {
                // What answers questions might quote a text: no one sees it unasked.
                tracing::warn!("a turn has no reply; why is logged at debug level");
                tracing::debug!(error = &error as &dyn std::error::Error);
                return Self::internal("the service found no reply");
            }
        };
        Self::new(status, error.to_string())
    }
}
