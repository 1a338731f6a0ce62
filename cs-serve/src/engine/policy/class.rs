//! The callers of one priority, who take turns.

use std::collections::{HashMap, VecDeque};

use super::queue::{Caller, Entry, Size};

/// The tokens that a caller gets in its turn: about four short texts.
pub(super) const QUANTUM: usize = 64;

/// The callers of one priority, served round robin, not by texts but by tokens: deficit round robin
/// (Shreedhar and Varghese, "Efficient Fair Queueing using Deficit Round Robin", 1996). Each turn
/// earns a caller [`QUANTUM`] tokens, and an entry goes as soon as there are enough; what is not
/// spent is kept while the caller has something waiting.
#[derive(Debug)]
pub(super) struct Class<T> {
    /// The lanes of the callers with something waiting, and of no others.
    lanes: HashMap<Caller, Lane<T>>,
    /// The callers in the order of their turns; the first one's is now.
    ring: VecDeque<Caller>,
    tokens: usize,
}

#[derive(Debug)]
struct Lane<T> {
    /// The entries by generation, then by the time they came.
    entries: VecDeque<Entry<T>>,
    tokens: usize,
    credit: usize,
    /// Whether the tokens of this turn are in the credit.
    on_turn: bool,
}

/// Whether an entry goes with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The entry goes with the batch.
    Yes,
    /// The entry does not go with the batch, but another caller's might.
    NotThis,
    /// The batch is full.
    Full,
}

/// The next entry of a class for a batch.
#[derive(Debug)]
pub(super) enum Next<T> {
    Entry(Entry<T>),
    /// No caller has an entry that goes with the batch.
    None,
    /// The batch is full.
    Full,
}

impl<T> Default for Class<T> {
    fn default() -> Self {
        Self {
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            tokens: 0,
        }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            tokens: 0,
            credit: 0,
            on_turn: false,
        }
    }
}

impl<T> Class<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Gives how much of a caller waits here.
    pub(super) fn held(&self, caller: &Caller) -> Size {
        let lane = self.lanes.get(caller);
        lane.map_or(Size::default(), |lane| Size {
            texts: lane.entries.len(),
            tokens: lane.tokens,
        })
    }

    /// Counts the other callers with something waiting.
    pub(super) fn others(&self, caller: &Caller) -> usize {
        self.lanes.len() - usize::from(self.lanes.contains_key(caller))
    }

    pub(super) fn push(&mut self, entry: Entry<T>) {
        let caller = &entry.sender.caller;
        let lane = match self.lanes.get_mut(caller) {
            Some(lane) => lane,
            None => {
                self.ring.push_back(caller.clone());
                self.lanes.entry(caller.clone()).or_default()
            }
        };
        lane.tokens += entry.tokens;
        self.tokens += entry.tokens;
        // This is almost always the end: only a text that was read while models changed comes too
        // late.
        let older = |before: &Entry<T>| before.generation <= entry.generation;
        let position = lane.entries.iter().rposition(older).map_or(0, |i| i + 1);
        lane.entries.insert(position, entry);
    }

    /// Takes the entry that is next in turn, if it goes with a batch. The first `passed` callers
    /// have none that does; they keep their turn for the next batch.
    pub(super) fn next(&mut self, passed: &mut usize, fit: impl Fn(&Entry<T>) -> Fit) -> Next<T> {
        while let Some(caller) = self.ring.get(*passed) {
            let Some(lane) = self.lanes.get_mut(caller) else {
                self.ring.remove(*passed);
                continue;
            };
            match lane.entries.front().map(&fit) {
                Some(Fit::Full) => return Next::Full,
                Some(Fit::NotThis) => {
                    *passed += 1;
                    continue;
                }
                Some(Fit::Yes) | None => {}
            }
            if !lane.on_turn {
                lane.on_turn = true;
                lane.credit += QUANTUM;
            }
            let head = lane.entries.front();
            let afforded = head.is_none_or(|entry| entry.tokens <= lane.credit);
            if afforded && let Some(entry) = lane.entries.pop_front() {
                lane.credit -= entry.tokens;
                lane.tokens -= entry.tokens;
                self.tokens -= entry.tokens;
                if lane.entries.is_empty() {
                    self.lanes.remove(caller);
                    self.ring.remove(*passed);
                }
                return Next::Entry(entry);
            }
            lane.on_turn = false;
            let turn = self.ring.remove(*passed);
            self.ring.extend(turn);
        }
        Next::None
    }

    /// Takes out those of a caller's entries that are chosen.
    pub(super) fn extract_of(
        &mut self,
        caller: &Caller,
        chosen: &mut dyn FnMut(&Entry<T>) -> bool,
        out: &mut Vec<Entry<T>>,
    ) {
        let Some(lane) = self.lanes.get_mut(caller) else {
            return;
        };
        self.tokens -= lane.extract(chosen, out);
        if lane.entries.is_empty() {
            self.lanes.remove(caller);
            self.ring.retain(|other| other != caller);
        }
    }

    /// Takes out all entries that are chosen.
    pub(super) fn extract(
        &mut self,
        chosen: &mut dyn FnMut(&Entry<T>) -> bool,
        out: &mut Vec<Entry<T>>,
    ) {
        for caller in &self.ring {
            if let Some(lane) = self.lanes.get_mut(caller) {
                self.tokens -= lane.extract(chosen, out);
            }
        }
        self.lanes.retain(|_, lane| !lane.entries.is_empty());
        self.ring.retain(|caller| self.lanes.contains_key(caller));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<T>> {
        self.lanes.values().flat_map(|lane| &lane.entries)
    }
}

impl<T> Lane<T> {
    /// Takes out the entries that are chosen, and gives the number of their tokens.
    fn extract(
        &mut self,
        chosen: &mut dyn FnMut(&Entry<T>) -> bool,
        out: &mut Vec<Entry<T>>,
    ) -> usize {
        let before = out.len();
        for entry in std::mem::take(&mut self.entries) {
            if chosen(&entry) {
                out.push(entry);
            } else {
                self.entries.push_back(entry);
            }
        }
        let gone = out[before..].iter().map(|entry| entry.tokens).sum();
        self.tokens -= gone;
        gone
    }
}
