//! What is let in.

use std::time::Duration;

use super::Moment;
use super::class::QUANTUM;
use super::queue::{Queue, Sender, Size};
use crate::engine::options::Priority;

/// When to come back if nobody knows how fast things go.
const UNKNOWN: Duration = Duration::from_secs(1);
const SOONEST: Duration = Duration::from_millis(10);
const LATEST: Duration = Duration::from_secs(60);

/// Who wants in, with what.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Ask<'a> {
    pub(in crate::engine) sender: &'a Sender,
    pub(in crate::engine) size: Size,
    pub(in crate::engine) generation: u64,
    pub(in crate::engine) deadline: Moment,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) enum Refusal {
    /// Not even into an empty queue.
    TooLarge,
    /// There is no room, or none for this caller.
    Full { retry_after: Duration },
    /// The answer would take `needed`, and only `left` is left.
    TooSlow { needed: Duration, left: Duration },
}

impl<T> Queue<T> {
    /// Whether a request may get in line, `running` tokens being computed and `rate` tokens a second
    /// being usual, as far as that is known.
    ///
    /// - Neither texts nor tokens may be more than the queue's limits.
    /// - A caller with a name may hold no more of either than is still free, so that one alone fills
    ///   half of the queue, two fill a third each, and there is always room for another (dynamic
    ///   thresholds, Choudhury and Hahne 1998).
    /// - What the rate says cannot be computed before its deadline is refused, unless nothing
    ///   waits: then it is tried, so that a rate measured in a bad moment is measured again.
    pub(in crate::engine) fn admit(
        &self,
        ask: &Ask<'_>,
        now: Moment,
        running: usize,
        rate: Option<f64>,
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
            let half = (waiting.tokens + running) / 2;
            let retry_after = rate.map_or(UNKNOWN, |rate| seconds(half, rate));
            return Err(Refusal::Full {
                retry_after: retry_after.clamp(SOONEST, LATEST),
            });
        }
        let Some(rate) = rate.filter(|_| !self.is_empty()) else {
            return Ok(());
        };
        let left = ask.deadline.saturating_sub(now);
        // Cheap, and true most of the time.
        if seconds(waiting.tokens + running + ask.size.tokens, rate) <= left {
            return Ok(());
        }
        let needed = seconds(self.until(ask) + running, rate);
        if needed > left {
            return Err(Refusal::TooSlow { needed, left });
        }
        Ok(())
    }

    /// How much the caller has waiting, of whatever priority.
    fn held(&self, sender: &Sender) -> Size {
        let classes = self.classes.iter();
        classes.map(|class| class.held(&sender.caller)).sum()
    }

    /// Tokens that are computed until the last of these is, if nobody else comes: of every other
    /// caller at most as many as of this one, of every other priority at most its share.
    fn until(&self, ask: &Ask<'_>) -> usize {
        let (urgency, caller) = (ask.sender.priority, &ask.sender.caller);
        let own = self.classes[urgency as usize].held(caller).tokens + ask.size.tokens;
        let class = &self.classes[urgency as usize];
        let within = own + class.others(caller, own + QUANTUM);
        let other = Priority::ALL.into_iter().filter(|&other| other != urgency);
        let others = other.map(|other| {
            let share = within as u64 * urgency.price() / other.price();
            let waiting = self.classes[other as usize].tokens();
            waiting.min(usize::try_from(share).unwrap_or(usize::MAX))
        });
        let older = self.generations.range(..ask.generation);
        let older: usize = older.map(|(_, size)| size.tokens).sum();
        let shared = within + others.sum::<usize>() + older;
        shared.min(self.size().tokens + ask.size.tokens)
    }
}

fn seconds(tokens: usize, rate: f64) -> Duration {
    Duration::try_from_secs_f64(tokens as f64 / rate).unwrap_or(Duration::MAX)
}
