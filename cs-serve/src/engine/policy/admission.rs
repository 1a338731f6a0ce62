//! Which requests are let in.

use std::time::Duration;

use super::Moment;
use super::class::QUANTUM;
use super::queue::{Queue, Sender, Size};
use crate::engine::options::Priority;

/// The time after which to come back if nobody knows how fast things go.
const UNKNOWN: Duration = Duration::from_secs(1);
const SOONEST: Duration = Duration::from_millis(10);
const LATEST: Duration = Duration::from_secs(60);

/// A request that asks to be let in.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Ask<'a> {
    pub(in crate::engine) sender: &'a Sender,
    pub(in crate::engine) size: Size,
    pub(in crate::engine) generation: u64,
    pub(in crate::engine) deadline: Moment,
}

/// How much is computed at once, and how fast.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Pace {
    /// The number of batches that are computed at once.
    pub(in crate::engine) slots: usize,
    /// The number of tokens in the batches that are being computed.
    pub(in crate::engine) running: usize,
    /// The tokens computed a second, as far as that is known.
    pub(in crate::engine) rate: Option<f64>,
}

/// The reason why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Refusal {
    /// The request would not even fit into an empty queue.
    TooLarge,
    /// There is no room, or none for this caller.
    Full { retry_after: Duration },
    /// The answer would take `needed`, and only `left` is left.
    TooSlow { needed: Duration, left: Duration },
}

impl<T> Queue<T> {
    /// Checks whether a request may get in line.
    ///
    /// - Neither texts nor tokens may be more than the queue's limits.
    /// - A caller with a name may hold no more of either than is still free, so that one alone
    ///   fills half of the queue, two fill a third each, and there is always room for another
    ///   (dynamic thresholds, Choudhury and Hahne 1998).
    /// - A request that cannot be computed before its deadline at the measured rate is refused,
    ///   unless nothing waits: then it is tried, so that a rate measured in a bad moment is
    ///   measured again.
    pub(in crate::engine) fn admit(
        &self,
        ask: &Ask<'_>,
        now: Moment,
        pace: Pace,
    ) -> Result<(), Refusal> {
        let (waiting, most) = (self.size(), self.limits.queue);
        if ask.size.texts > most.texts || ask.size.tokens > most.tokens {
            return Err(Refusal::TooLarge);
        }
        let held = match ask.sender.caller {
            Some(_) => self.held(ask.sender),
            None => Size::default(),
        };
        let texts = waiting.texts + held.texts + ask.size.texts;
        let tokens = waiting.tokens + held.tokens + ask.size.tokens;
        if texts > most.texts || tokens > most.tokens {
            let half = (waiting.tokens + pace.running) / 2;
            let retry_after = pace.rate.map_or(UNKNOWN, |rate| seconds(half, rate));
            return Err(Refusal::Full {
                retry_after: retry_after.clamp(SOONEST, LATEST),
            });
        }
        let Some(rate) = pace.rate.filter(|_| !self.is_empty()) else {
            return Ok(());
        };
        let left = ask.deadline.saturating_sub(now);
        // The request is answered with the rest of its batch, which has one of the slots.
        let all = waiting.tokens + ask.size.tokens;
        let besides = pace.running + all.min(self.limits.batch.tokens) * pace.slots;
        let needed = seconds(self.until(ask) + besides, rate);
        if needed > left {
            return Err(Refusal::TooSlow { needed, left });
        }
        Ok(())
    }

    /// Gives how much the caller has waiting, of whatever priority.
    fn held(&self, sender: &Sender) -> Size {
        let classes = self.classes.iter();
        classes.map(|class| class.held(&sender.caller)).sum()
    }

    /// Counts the request's tokens and those whose computation may begin before the last of them.
    /// Of every other caller with something waiting these are as many as of this one, and a turn:
    /// more will come. For the same reason they are the whole share of a more urgent priority; of a
    /// less urgent one they are at most what waits.
    fn until(&self, ask: &Ask<'_>) -> usize {
        let (urgency, caller) = (ask.sender.priority, &ask.sender.caller);
        let class = &self.classes[urgency as usize];
        let own = class.held(caller).tokens + ask.size.tokens;
        let within = own + class.others(caller) * (own + QUANTUM);
        let other = Priority::ALL.into_iter().filter(|&other| other != urgency);
        let others = other.map(|other| {
            let share = within as u64 * urgency.price() / other.price();
            let share = usize::try_from(share).unwrap_or(usize::MAX);
            match self.classes[other as usize].tokens() {
                0 => 0,
                _ if other < urgency => share,
                waiting => waiting.min(share),
            }
        });
        within + others.sum::<usize>() + self.older(ask)
    }

    /// Counts the tokens that wait for models before this one, and so go first.
    fn older(&self, ask: &Ask<'_>) -> usize {
        let older = self.generations.range(..ask.generation);
        older.map(|(_, size)| size.tokens).sum()
    }
}

fn seconds(tokens: usize, rate: f64) -> Duration {
    Duration::try_from_secs_f64(tokens as f64 / rate).unwrap_or(Duration::MAX)
}
