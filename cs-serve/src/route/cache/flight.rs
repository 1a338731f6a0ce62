//! Equal questions at the same time are answered once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::question::Key;

/// The questions that are being answered. No lock is held while one is.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    open: Mutex<HashMap<Key, Arc<Flight<T>>>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
        }
    }
}

#[derive(Debug)]
struct Flight<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
enum State<T> {
    /// Those who wait, each at the place that it was given.
    Open(Vec<Option<Waker>>),
    /// The answer; `None` if there will be none.
    Landed(Option<T>),
}

/// What to do about a question.
#[derive(Debug)]
pub(crate) enum Ticket<'a, T> {
    /// To answer it, for others as well.
    Lead(Lead<'a, T>),
    /// To wait for whoever does.
    Follow(Follow<T>),
}

/// The duty to answer a question. Dropping it tells those who wait that there is no answer.
#[derive(Debug)]
pub(crate) struct Lead<'a, T> {
    flights: &'a Flights<T>,
    flight: Arc<Flight<T>>,
    key: Key,
}

/// The wait for the answer of another one; `None` if that one has failed or gone.
#[derive(Debug)]
pub(crate) struct Follow<T> {
    flight: Arc<Flight<T>>,
    place: Option<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Flights<T> {
    pub(super) fn join(&self, key: &Key) -> Ticket<'_, T> {
        let mut open = lock(&self.open);
        if let Some(flight) = open.get(key) {
            return Ticket::Follow(Follow {
                flight: Arc::clone(flight),
                place: None,
            });
        }
        let flight = Arc::new(Flight {
            state: Mutex::new(State::Open(Vec::new())),
        });
        open.insert(key.clone(), Arc::clone(&flight));
        Ticket::Lead(Lead {
            flights: self,
            flight,
            key: key.clone(),
        })
    }
}

impl<T> Lead<'_, T> {
    /// Gives the answer to those who wait.
    pub(crate) fn land(self, answer: T) {
        self.end(Some(answer));
    }

    fn end(&self, answer: Option<T>) {
        lock(&self.flights.open).remove(&self.key);
        let mut state = lock(&self.flight.state);
        let State::Open(waiting) = &mut *state else {
            return;
        };
        let waiting = std::mem::take(waiting);
        *state = State::Landed(answer);
        drop(state);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl<T> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        let has_landed = matches!(*lock(&self.flight.state), State::Landed(_));
        if !has_landed {
            self.end(None);
        }
    }
}

impl<T: Clone> Future for Follow<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let flight = Arc::clone(&self.flight);
        match &mut *lock(&flight.state) {
            State::Landed(answer) => Poll::Ready(answer.clone()),
            State::Open(waiting) => {
                let place = *self.place.get_or_insert_with(|| {
                    waiting.push(None);
                    waiting.len() - 1
                });
                waiting[place] = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
