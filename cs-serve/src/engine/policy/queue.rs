//! What waits, and what goes into the next batch together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Moment;
use super::class::{Class, Fit, Next};
use crate::engine::options::Priority;

/// The caller as far as fairness is concerned; `None` is everybody without a name.
pub(super) type Caller = Option<Arc<str>>;

/// A number of texts and their tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::engine) struct Size {
    pub(in crate::engine) texts: usize,
    pub(in crate::engine) tokens: usize,
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::default(), |sum, size| Self {
            texts: sum.texts + size.texts,
            tokens: sum.tokens + size.tokens,
        })
    }
}

/// How much may wait, and how much goes into a batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Limits {
    pub(in crate::engine) queue: Size,
    pub(in crate::engine) batch: Size,
}

/// The priority and the caller of an entry, which decide when its turn is.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Sender {
    pub(in crate::engine) priority: Priority,
    pub(in crate::engine) caller: Caller,
}

/// A sequence that waits to be computed.
#[derive(Debug)]
pub(in crate::engine) struct Entry<T> {
    /// The request that the entry is part of.
    pub(in crate::engine) request: u64,
    pub(in crate::engine) sender: Sender,
    pub(in crate::engine) tokens: usize,
    /// The generation of the model that it was read for: a batch is of one generation.
    pub(in crate::engine) generation: u64,
    pub(in crate::engine) deadline: Moment,
    pub(in crate::engine) item: T,
}

/// The entries to compute together, and those that can no longer be in time.
#[derive(Debug)]
pub(in crate::engine) struct Batch<T> {
    pub(in crate::engine) entries: Vec<Entry<T>>,
    pub(in crate::engine) late: Vec<Entry<T>>,
}

/// All entries that wait. They go in this order:
///
/// 1. what came for the oldest generation, so that a model that was replaced is soon free;
/// 2. by priority, in shares of 16 : 4 : 1 tokens while all three wait (stride scheduling), so that
///    none starves;
/// 3. within a priority, callers in turns, by tokens;
/// 4. of one caller, first come, first served.
///
/// A batch is filled in this order up to its limits. What does not fit is first in the next one:
/// nothing is overtaken for its length. An entry longer than a batch goes alone.
#[derive(Debug)]
pub(in crate::engine) struct Queue<T> {
    pub(super) limits: Limits,
    /// The classes, indexed by [`Priority`].
    pub(super) classes: [Class<T>; Priority::ALL.len()],
    /// What each class was given: tokens, times their price.
    spent: [u64; Priority::ALL.len()],
    /// What the class that was served last had been given then. A class that had nothing waiting
    /// starts from here: it has no claim to what it did not need.
    clock: u64,
    /// How much waits of each generation; those of which nothing waits are not in it.
    pub(super) generations: BTreeMap<u64, Size>,
    /// A time that no entry's deadline is earlier than.
    earliest: Option<Moment>,
}

impl<T> Queue<T> {
    pub(in crate::engine) fn new(limits: Limits) -> Self {
        Self {
            limits,
            classes: Default::default(),
            spent: Default::default(),
            clock: 0,
            generations: BTreeMap::new(),
            earliest: None,
        }
    }

    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    pub(in crate::engine) fn size(&self) -> Size {
        self.generations.values().copied().sum()
    }

    /// Puts an entry in line. Whether there is room for it is checked by [`Queue::admit`].
    pub(in crate::engine) fn push(&mut self, entry: Entry<T>) {
        let class = entry.sender.priority as usize;
        if self.classes[class].is_empty() {
            self.spent[class] = self.spent[class].max(self.clock);
        }
        let size = self.generations.entry(entry.generation).or_default();
        size.texts += 1;
        size.tokens += entry.tokens;
        let earliest = self.earliest.unwrap_or(entry.deadline);
        self.earliest = Some(earliest.min(entry.deadline));
        self.classes[class].push(entry);
    }

    /// Takes out the next batch; it is empty if nothing waits.
    pub(in crate::engine) fn batch(&mut self, now: Moment) -> Batch<T> {
        let most = self.limits.batch;
        self.take(now, |chosen, entry| {
            chosen.texts == 0
                || chosen.texts < most.texts
                    && chosen.tokens.saturating_add(entry.tokens) <= most.tokens
        })
    }

    /// Takes out the entry that goes next, if it fits where it goes; nothing overtakes it until it
    /// does.
    pub(in crate::engine) fn next(
        &mut self,
        now: Moment,
        fits: impl Fn(&Entry<T>) -> bool,
    ) -> Batch<T> {
        self.take(now, |chosen, entry| chosen.texts == 0 && fits(entry))
    }

    /// Takes out the entries that go next, until one does not go with those chosen.
    fn take(&mut self, now: Moment, goes: impl Fn(Size, &Entry<T>) -> bool) -> Batch<T> {
        let late = self.expire(now);
        let mut entries: Vec<Entry<T>> = Vec::new();
        let Some((&generation, _)) = self.generations.first_key_value() else {
            return Batch { entries, late };
        };
        let mut chosen = Size::default();
        let mut passed = [0; Priority::ALL.len()];
        let mut open = [true; Priority::ALL.len()];
        while let Some(class) = self.first_class(&open) {
            let fit = |entry: &Entry<T>| {
                if entry.generation != generation {
                    Fit::NotThis
                } else if goes(chosen, entry) {
                    Fit::Yes
                } else {
                    Fit::Full
                }
            };
            match self.classes[class].next(&mut passed[class], fit) {
                Next::Entry(entry) => {
                    self.clock = self.spent[class];
                    self.spent[class] += entry.tokens as u64 * Priority::ALL[class].price();
                    chosen.texts += 1;
                    chosen.tokens += entry.tokens;
                    entries.push(entry);
                }
                Next::None => open[class] = false,
                Next::Full => break,
            }
        }
        self.forget(&entries);
        Batch { entries, late }
    }

    /// Finds the class that was given least among the open ones with something waiting; of equals
    /// the most urgent.
    fn first_class(&self, open: &[bool]) -> Option<usize> {
        let waiting = |&class: &usize| open[class] && !self.classes[class].is_empty();
        let classes = (0..self.classes.len()).filter(waiting);
        classes.min_by_key(|&class| self.spent[class])
    }

    /// Takes out the entries that can no longer be in time.
    pub(in crate::engine) fn expire(&mut self, now: Moment) -> Vec<Entry<T>> {
        let mut late = Vec::new();
        if self.earliest.is_some_and(|earliest| earliest <= now) {
            for class in &mut self.classes {
                class.extract(&mut |entry| entry.deadline <= now, &mut late);
            }
            let waiting = self.classes.iter().flat_map(Class::iter);
            self.earliest = waiting.map(|entry| entry.deadline).min();
            self.forget(&late);
        }
        late
    }

    /// Gives a time before which no entry expires; it may be that none expires then.
    pub(in crate::engine) fn next_deadline(&self) -> Option<Moment> {
        self.earliest.filter(|_| !self.is_empty())
    }

    /// Takes out the entries of a request.
    pub(in crate::engine) fn remove(&mut self, sender: &Sender, request: u64) -> Vec<Entry<T>> {
        let mut gone = Vec::new();
        let class = &mut self.classes[sender.priority as usize];
        let mut chosen = |entry: &Entry<T>| entry.request == request;
        class.extract_of(&sender.caller, &mut chosen, &mut gone);
        self.forget(&gone);
        gone
    }

    /// Takes out all entries.
    pub(in crate::engine) fn clear(&mut self) -> Vec<Entry<T>> {
        let mut gone = Vec::new();
        for class in &mut self.classes {
            class.extract(&mut |_| true, &mut gone);
        }
        self.forget(&gone);
        gone
    }

    /// Subtracts entries that were taken out from the sums of what waits.
    fn forget(&mut self, gone: &[Entry<T>]) {
        for entry in gone {
            if let Some(size) = self.generations.get_mut(&entry.generation) {
                size.texts -= 1;
                size.tokens -= entry.tokens;
                if size.texts == 0 {
                    self.generations.remove(&entry.generation);
                }
            }
        }
        if self.is_empty() {
            self.earliest = None;
        }
    }
}
