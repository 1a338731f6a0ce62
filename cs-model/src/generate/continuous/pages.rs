//! Who has which page of the cache, and what of it may be shared: the book that is kept about the
//! runtime's memory, without any of it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::prefix::common_prefix;

/// The pages of conversations: those that go on have reserved all that they may come to need, those
/// that ended are held for what comes to begin like them, until their pages are needed.
#[derive(Debug)]
pub(super) struct Pages {
    /// The number of tokens on a page.
    page: usize,
    /// The number of pages that there may be.
    most: usize,
    conversations: BTreeMap<u64, Conversation>,
    /// The number of conversations that have each page.
    owners: BTreeMap<u64, usize>,
    next_page: u64,
    /// Counts joins and leaves, so that what was used last is known.
    clock: u64,
}

#[derive(Debug)]
struct Conversation {
    /// The tokens that were read and, of one that goes on, those that are to be read.
    tokens: Vec<u32>,
    read: usize,
    /// The pages of all that may be read, those of the beginning first.
    pages: Vec<u64>,
    goes_on: bool,
    last_used: u64,
}

/// The beginning that a conversation takes over from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) of: u64,
    /// The number of tokens, whole pages of them.
    pub(super) tokens: usize,
}

/// How a conversation was let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) shared: Option<Shared>,
    /// The held conversations to be forgotten, after what is shared was taken over.
    pub(super) evicted: Vec<u64>,
}

impl Pages {
    pub(super) fn new(page: usize, most: usize) -> Self {
        Self {
            page,
            most,
            conversations: BTreeMap::new(),
            owners: BTreeMap::new(),
            next_page: 0,
            clock: 0,
        }
    }

    /// The number of pages that conversations have, those reserved included.
    pub(super) fn used(&self) -> usize {
        self.owners.len()
    }

    /// The number of pages that those that go on have, those reserved included.
    pub(super) fn reserved(&self) -> usize {
        self.live_pages().len()
    }

    fn live_pages(&self) -> BTreeSet<u64> {
        let live = self.conversations.values().filter(|own| own.goes_on);
        live.flat_map(|own| own.pages.iter().copied()).collect()
    }

    /// Says whether a conversation that reads `most_read` tokens in the end has room beside those
    /// that go on.
    pub(super) fn fits(&self, prompt: &[u32], most_read: usize) -> bool {
        let mut needed = self.live_pages();
        let shared = self.longest(prompt, None);
        let pages = shared.map_or(0, |shared| {
            let pages = shared.tokens / self.page;
            needed.extend(&self.conversations[&shared.of].pages[..pages]);
            pages
        });
        needed.len() + most_read.div_ceil(self.page) - pages <= self.most
    }

    /// Lets a conversation in that [fits](Self::fits).
    pub(super) fn join(&mut self, id: u64, prompt: &[u32], most_read: usize) -> Joined {
        let shared = self.longest(prompt, None);
        let mut pages = self.shared_pages(shared);
        let fresh = most_read.div_ceil(self.page) - pages.len();
        pages.extend((0..fresh as u64).map(|i| self.next_page + i));
        self.next_page += fresh as u64;
        self.own(&pages);
        let last_used = self.tick(shared);
        let conversation = Conversation {
            tokens: prompt.to_vec(),
            read: shared.map_or(0, |shared| shared.tokens),
            pages,
            goes_on: true,
            last_used,
        };
        self.conversations.insert(id, conversation);
        let evicted = self.evict();
        Joined { shared, evicted }
    }

    /// Takes over more of what others have read by now, for a conversation that has read nothing
    /// itself.
    pub(super) fn share(&mut self, id: u64) -> Option<Shared> {
        let own = self.conversations.get(&id)?;
        let prompt = own.tokens.clone();
        let shared = self.longest(&prompt, Some(id))?;
        if shared.tokens <= own.read {
            return None;
        }
        let pages = self.shared_pages(Some(shared));
        self.own(&pages);
        self.tick(Some(shared));
        let own = self.conversations.get_mut(&id)?;
        own.read = shared.tokens;
        let replaced: Vec<u64> = own.pages.splice(..pages.len(), pages).collect();
        self.disown(&replaced);
        Some(shared)
    }

    /// Says whether another conversation that came earlier is about to read a page or more that this
    /// one, which has read nothing itself, could take over.
    pub(super) fn waits(&self, id: u64) -> bool {
        let Some(own) = self.conversations.get(&id) else {
            return false;
        };
        let before = self.conversations.range(..id);
        before.filter(|(_, other)| other.goes_on).any(|(_, other)| {
            let common = self.shareable(&own.tokens, &other.tokens);
            common > own.read && other.read < common
        })
    }

    /// Takes note of tokens that were read; `new` are those that were not known when it joined.
    pub(super) fn read(&mut self, id: u64, tokens: usize, new: &[u32]) {
        if let Some(own) = self.conversations.get_mut(&id) {
            own.tokens.extend_from_slice(new);
            own.read += tokens;
        }
    }

    /// Ends a conversation, which is then held if that is of use, and gives those to be forgotten.
    pub(super) fn leave(&mut self, id: u64, hold: bool) -> Vec<u64> {
        let last_used = self.tick(None);
        let page = self.page;
        let Some(own) = self.conversations.get_mut(&id) else {
            return Vec::new();
        };
        let rest = own.pages.split_off(own.read.div_ceil(page));
        own.tokens.truncate(own.read);
        (own.goes_on, own.last_used) = (false, last_used);
        self.disown(&rest);
        let gone = if hold { self.superfluous(id) } else { vec![id] };
        gone.iter().for_each(|&id| self.forget(id));
        gone
    }

    /// Forgets everything, and gives what was known.
    pub(super) fn clear(&mut self) -> Vec<u64> {
        self.owners.clear();
        std::mem::take(&mut self.conversations)
            .into_keys()
            .collect()
    }

    /// Finds which held conversations have nothing to share that others have not, now that `id` is
    /// one of them.
    fn superfluous(&self, id: u64) -> Vec<u64> {
        let own = self.whole(id);
        let mut others = self.conversations.iter();
        let has_all = |other: u64| self.whole(other).starts_with(own);
        if own.is_empty() || others.any(|(&other, _)| other != id && has_all(other)) {
            return vec![id];
        }
        let held = self.conversations.iter().filter(|(_, it)| !it.goes_on);
        held.map(|(&other, _)| other)
            .filter(|&other| other != id && own.starts_with(self.whole(other)))
            .collect()
    }

    /// Gives the tokens of a conversation's whole pages that were read.
    fn whole(&self, id: u64) -> &[u32] {
        let own = &self.conversations[&id];
        &own.tokens[..own.read / self.page * self.page]
    }

    /// Finds the conversation that has read most of a prompt, by whole pages; of equals the first.
    fn longest(&self, prompt: &[u32], but: Option<u64>) -> Option<Shared> {
        let mut longest: Option<Shared> = None;
        for (&of, other) in self
            .conversations
            .iter()
            .filter(|(of, _)| Some(**of) != but)
        {
            let tokens = self.shareable(prompt, &other.tokens[..other.read]);
            if tokens > longest.map_or(0, |shared| shared.tokens) {
                longest = Some(Shared { of, tokens });
            }
        }
        longest
    }

    /// Counts the tokens that a prompt may share, whole pages of them. Its last token is read in any
    /// case, as what comes next is computed from it.
    fn shareable(&self, prompt: &[u32], tokens: &[u32]) -> usize {
        let before = prompt.split_last().map_or(&[][..], |(_, before)| before);
        common_prefix(before, tokens) / self.page * self.page
    }

    fn shared_pages(&self, shared: Option<Shared>) -> Vec<u64> {
        shared.map_or_else(Vec::new, |shared| {
            self.conversations[&shared.of].pages[..shared.tokens / self.page].to_vec()
        })
    }

    /// Forgets what is held and was not used for longest, until there is room.
    fn evict(&mut self) -> Vec<u64> {
        let mut evicted = Vec::new();
        while self.used() > self.most {
            let held = self.conversations.iter().filter(|(_, own)| !own.goes_on);
            let Some((&oldest, _)) = held.min_by_key(|(_, own)| own.last_used) else {
                break;
            };
            self.forget(oldest);
            evicted.push(oldest);
        }
        evicted
    }

    fn forget(&mut self, id: u64) {
        if let Some(own) = self.conversations.remove(&id) {
            self.disown(&own.pages);
        }
    }

    fn own(&mut self, pages: &[u64]) {
        for &page in pages {
            *self.owners.entry(page).or_default() += 1;
        }
    }

    fn disown(&mut self, pages: &[u64]) {
        for page in pages {
            if let Some(count) = self.owners.get_mut(page) {
                *count -= 1;
                if *count == 0 {
                    self.owners.remove(page);
                }
            }
        }
    }

    /// Gives the next time, at which what is shared is used as well.
    fn tick(&mut self, shared: Option<Shared>) -> u64 {
        self.clock += 1;
        if let Some(source) = shared.and_then(|shared| self.conversations.get_mut(&shared.of)) {
            source.last_used = self.clock;
        }
        self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(range: std::ops::Range<u32>) -> Vec<u32> {
        range.collect()
    }

    /// A conversation that has read its prompt, joined with room for `most_read` tokens.
    fn joined(pages: &mut Pages, id: u64, prompt: &[u32], most_read: usize) -> Joined {
        assert!(pages.fits(prompt, most_read));
        let joined = pages.join(id, prompt, most_read);
        let shared = joined.shared.map_or(0, |shared| shared.tokens);
        pages.read(id, prompt.len() - shared, &[]);
        joined
    }

    #[test]
    fn what_goes_on_has_reserved_all_that_it_needs() {
        let mut pages = Pages::new(4, 5);
        joined(&mut pages, 0, &text(0..3), 10);
        assert_eq!((pages.used(), pages.reserved()), (3, 3));
        assert!(!pages.fits(&text(50..53), 9) && pages.fits(&text(50..53), 8));
        joined(&mut pages, 1, &text(50..53), 8);
        assert!(!pages.fits(&[9], 1));
        // Less than a page is not held.
        assert_eq!(pages.leave(0, true), [0]);
        assert_eq!((pages.used(), pages.reserved()), (2, 2));
    }

    #[test]
    fn whole_pages_are_shared_and_held_until_they_are_needed() {
        let mut pages = Pages::new(4, 6);
        joined(&mut pages, 0, &text(0..10), 12);
        assert!(pages.leave(0, true).is_empty());
        assert_eq!((pages.used(), pages.reserved()), (3, 0));
        let again = joined(&mut pages, 1, &[text(0..9), vec![99; 3]].concat(), 16);
        let shared = Some(Shared { of: 0, tokens: 8 });
        assert_eq!((again.shared, again.evicted), (shared, vec![]));
        assert_eq!((pages.used(), pages.reserved()), (5, 4));
        // Of what is held, the pages of the one that goes on stay.
        let other = joined(&mut pages, 2, &text(70..76), 8);
        assert_eq!((other.shared, other.evicted), (None, vec![0]));
        assert_eq!((pages.used(), pages.reserved()), (6, 6));
        assert!(!pages.fits(&text(0..8), 8));
        pages.leave(1, true);
        assert!(pages.fits(&text(0..8), 8));
    }

    #[test]
    fn the_last_token_of_a_prompt_is_always_read() {
        let mut pages = Pages::new(4, 9);
        joined(&mut pages, 0, &text(0..8), 8);
        let shared = joined(&mut pages, 1, &text(0..8), 8).shared;
        assert_eq!(shared, Some(Shared { of: 0, tokens: 4 }));
    }

    #[test]
    fn what_another_is_about_to_read_is_waited_for_and_taken_over() {
        let mut pages = Pages::new(4, 9);
        let prompt = text(0..11);
        for id in 0..2 {
            assert_eq!(pages.join(id, &prompt, 12).shared, None);
        }
        assert!(pages.waits(1) && !pages.waits(0));
        assert_eq!(pages.used(), 6);
        pages.read(0, 6, &[]);
        assert!(pages.waits(1));
        pages.read(0, 4, &[]);
        assert!(!pages.waits(1));
        assert_eq!(pages.share(1), Some(Shared { of: 0, tokens: 8 }));
        assert_eq!((pages.used(), pages.share(1)), (4, None));
        // Nobody waits for one that has gone.
        pages.join(2, &text(50..60), 10);
        pages.join(3, &text(50..60), 10);
        assert!(pages.waits(3));
        pages.leave(2, true);
        assert!(!pages.waits(3));
    }

    #[test]
    fn of_two_that_say_the_same_one_is_held() {
        let mut pages = Pages::new(2, 20);
        joined(&mut pages, 0, &text(0..7), 8);
        joined(&mut pages, 1, &text(0..5), 8);
        assert!(pages.leave(0, true).is_empty());
        assert_eq!(pages.leave(1, true), [1]); // 0 has all of it
        joined(&mut pages, 2, &text(0..9), 9);
        assert_eq!(pages.leave(2, true), [0]); // it has all of 0
        assert_eq!(pages.used(), 5);
        assert_eq!(pages.clear(), [2]);
        assert_eq!(pages.used(), 0);
    }
}
