//! The turns of a session, one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::ChatError;

/// Which sessions have a turn in progress, and which turns wait for its end.
#[derive(Debug, Default)]
pub(super) struct Queue {
    sessions: Mutex<HashMap<String, Line>>,
}

/// The turns of a session in the order in which they came. The first is in progress.
#[derive(Debug, Default)]
struct Line {
    tickets: VecDeque<u64>,
    /// The next ticket.
    next: u64,
    moved: Arc<Condvar>,
}

/// How long a line may be, and how long one waits in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The most turns that wait.
    pub(super) most: usize,
    /// The longest wait.
    pub(super) wait: Duration,
}

/// The turn in progress of a session, until it is dropped.
#[derive(Debug)]
pub(super) struct InProgress<'a> {
    queue: &'a Queue,
    session: &'a str,
    ticket: u64,
}

impl Queue {
    /// Waits until the turns of the session that came before have ended.
    pub(super) fn enter<'a>(
        &'a self,
        session: &'a str,
        patience: Patience,
    ) -> Result<InProgress<'a>, ChatError> {
        let until = Instant::now().checked_add(patience.wait);
        let mut sessions = self.lock();
        let line = sessions.entry(session.to_owned()).or_default();
        if line.tickets.len() > patience.most {
            let waiting = line.tickets.len() - 1;
            return Err(ChatError::Busy { waiting });
        }
        let ticket = line.next;
        line.next += 1;
        line.tickets.push_back(ticket);
        let moved = Arc::clone(&line.moved);
        // From here on, whatever happens, the ticket is given back.
        let place = InProgress {
            queue: self,
            session,
            ticket,
        };
        while first(&sessions, session) != Some(ticket) {
            let left = until.map_or(patience.wait, |it| {
                it.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                let waiting = sessions.get(session).map_or(0, |line| line.tickets.len());
                drop(sessions);
                drop(place);
                let waiting = waiting.saturating_sub(2); // neither this one nor the one in progress
                return Err(ChatError::Busy { waiting });
            }
            let woken = moved.wait_timeout(sessions, left);
            sessions = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(place)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first(sessions: &HashMap<String, Line>, session: &str) -> Option<u64> {
    sessions.get(session)?.tickets.front().copied()
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        let mut sessions = self.queue.lock();
        let Some(line) = sessions.get_mut(self.session) else {
            return;
        };
        line.tickets.retain(|&ticket| ticket != self.ticket);
        if line.tickets.is_empty() {
            sessions.remove(self.session);
        } else {
            line.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENT: Patience = Patience {
        most: 8,
        wait: Duration::from_secs(600),
    };

    /// How many turns of a session there are.
    fn turns(queue: &Queue) -> usize {
        queue.lock().get("s").map_or(0, |line| line.tickets.len())
    }

    #[test]
    fn turns_go_on_in_the_order_in_which_they_came() {
        let queue = Queue::default();
        let (sender, receiver) = channel();
        let first = queue.enter("s", PATIENT).unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (queue, sender) = (&queue, sender.clone());
                scope.spawn(move || {
                    let _place = queue.enter("s", PATIENT).unwrap();
                    sender.send(number).unwrap();
                });
                while turns(queue) != number + 2 {
                    std::thread::yield_now();
                }
            }
            drop(first);
        });
        drop(sender);
        assert_eq!(
            receiver.iter().collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7]
        );
        assert_eq!(turns(&queue), 0);
    }

    #[test]
    fn a_wait_has_an_end() {
        let queue = Queue::default();
        let hasty = Patience {
            wait: Duration::from_millis(1),
            ..PATIENT
        };
        let first = queue.enter("s", hasty).unwrap();
        let refused = queue.enter("s", hasty).unwrap_err();
        assert!(matches!(refused, ChatError::Busy { waiting: 0 }));
        assert_eq!(turns(&queue), 1);
        drop(first);
        assert!(queue.enter("s", hasty).is_ok());
    }
}
