//! Several generations, a step at a time.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::super::generation::Generation;
use super::super::speculation::{Budget, price};
use super::conversations::{Conversations, Part};
use super::member::Member;
use super::pages::Pages;
use super::turns::Turns;
use crate::error::{Error, Result};
use crate::heads::Matrix;

/// How much a [`ContinuousBatch`] does at once and keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// The most generations at once.
    pub sequences: usize,
    /// The most tokens of prompts that are read in a step, which bounds how long it takes: those
    /// that already have their prompt read wait no longer for their next token.
    pub prompt_tokens: usize,
    /// The most bytes for keys and values, rounded down to pages.
    pub cache_bytes: usize,
}

/// Generations that join and leave between steps, each with settings of its own. A step reads the
/// next token of each that has its prompt read, and a part of the prompts of the others, in one
/// forward. Where a text repeats its prompt or itself, as replies repeat the knowledge that they are
/// given, what followed there is read with it and kept as far as it is what comes anyway, so that
/// such texts take fewer steps.
///
/// The room that a generation may come to need is reserved when it joins, so none ends for want of
/// it. What it has read is held when it leaves, for prompts that begin likewise (a system prompt,
/// knowledge, the turns of a conversation before the last): whole pages are shared, and forgotten,
/// the longest unused first, when their room is needed. Of several that begin alike at the same
/// time, the first reads what they share.
///
/// What comes for a prompt depends neither on what is beside it nor on when it joined.
///
/// ```
/// # use cs_model::generate::*;
/// # use cs_model::{Matrix, Result};
/// # struct Counter;
/// # impl Conversations for Counter {
/// #     fn vocab_size(&self) -> usize { 10 }
/// #     fn max_positions(&self) -> Option<usize> { None }
/// #     fn page(&self) -> Page { Page { tokens: 4, bytes: 1 } }
/// #     fn fork(&mut self, _: u64, _: u64, _: usize) -> Result<()> { Ok(()) }
/// #     fn read(&mut self, parts: &[Part<'_>]) -> Result<Matrix> {
/// #         let last = |part: &Part<'_>| part.tokens[part.tokens.len() - part.logits..].to_vec();
/// #         let rows: Vec<f32> = parts.iter().flat_map(last).flat_map(|last| {
/// #             (0..10).map(move |next| if next == last + 1 { 1.0 } else { 0.0 })
/// #         }).collect();
/// #         Matrix::new(rows.len() / 10, 10, rows)
/// #     }
/// #     fn rewind(&mut self, _: u64, _: usize) -> Result<()> { Ok(()) }
/// #     fn end(&mut self, _: u64) {}
/// # }
/// // A model of ten words that says one more than it heard.
/// let limits = BatchLimits { sequences: 8, prompt_tokens: 2, cache_bytes: 100 };
/// let mut batch = ContinuousBatch::new(Counter, limits)?;
/// let config = GenerateConfig { eos_token_id: vec![9], ..Default::default() };
/// let generator = Generator::new(config, 10)?;
/// let begin = |prompt: &[u32]| generator.begin(&Prompt::new(prompt), None);
/// let first = batch.join(begin(&[0, 1, 2])?)?;
/// assert!(batch.step().is_empty()); // two tokens of the prompt were read
/// let second = batch.join(begin(&[7])?)?;
/// let came: Vec<u64> = batch.step().iter().map(|advance| advance.id).collect();
/// assert_eq!(came, [first, second]);
/// batch.leave(first); // as somebody may, whenever they like
/// let ended = batch.step().remove(0).ended.unwrap()?;
/// assert_eq!(ended.generation.tokens(), [7, 8, 9]);
/// # Ok::<(), cs_model::Error>(())
/// ```
pub struct ContinuousBatch<'a, C> {
    model: C,
    limits: BatchLimits,
    pages: Pages,
    turns: Turns,
    members: BTreeMap<u64, Member<'a>>,
    next: u64,
    /// What a proposed token costs in this step.
    cost: f64,
}

/// A generation that went on by a token, or that failed.
#[derive(Debug)]
pub struct Advance<'a> {
    /// The generation, by the number that it was given when it joined.
    pub id: u64,
    /// The text that became sure, if any.
    pub text: String,
    /// How it ended, if it did: it is no longer part of the batch.
    pub ended: Option<Result<Ended<'a>>>,
}

/// A generation that came to its end.
#[derive(Debug)]
pub struct Ended<'a> {
    /// The generation, with its tokens and the reason why it ended.
    pub generation: Generation<'a>,
    /// The number of tokens of its prompt that were not read, as another had read them.
    pub reused: usize,
}

impl<'a, C: Conversations> ContinuousBatch<'a, C> {
    /// Makes a batch of a model that holds no conversations.
    ///
    /// # Errors
    /// [`Error::Field`] for limits within which nothing can go on.
    pub fn new(model: C, limits: BatchLimits) -> Result<Self> {
        for (field, found) in [
            ("sequences", limits.sequences),
            ("prompt_tokens", limits.prompt_tokens),
        ] {
            if found == 0 {
                return Err(Error::field(field, found, "at least 1"));
            }
        }
        let page = model.page();
        let most = limits.cache_bytes / page.bytes.max(1);
        if most == 0 || page.tokens == 0 {
            let expected = format!("at least the {} bytes of a page", page.bytes);
            return Err(Error::field("cache_bytes", limits.cache_bytes, expected));
        }
        Ok(Self {
            pages: Pages::new(page.tokens, most),
            model,
            limits,
            turns: Turns::default(),
            members: BTreeMap::new(),
            next: 0,
            cost: 0.0,
        })
    }

    /// The model.
    pub fn model(&self) -> &C {
        &self.model
    }

    /// The number of generations that go on.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether no generation goes on.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of tokens that all conversations together have room for.
    pub fn most_tokens(&self) -> usize {
        let page = self.model.page();
        self.limits.cache_bytes / page.bytes.max(1) * page.tokens
    }

    /// The number of tokens whose room generations have reserved.
    pub fn reserved_tokens(&self) -> usize {
        self.pages.reserved() * self.model.page().tokens
    }

    /// The number of tokens whose room is taken, by what is held as well.
    pub fn used_tokens(&self) -> usize {
        self.pages.used() * self.model.page().tokens
    }

    /// Says whether a generation can join now.
    pub fn fits(&self, generation: &Generation<'_>) -> bool {
        self.members.len() < self.limits.sequences
            && self.pages.fits(generation.tokens(), generation.most_read())
    }

    /// Lets a generation in that has just [begun](super::super::Generator::begin), and gives its
    /// number, which is higher than those before.
    ///
    /// # Errors
    /// [`Error::Field`] if it does not [fit](Self::fits), or is of another vocabulary or has more
    /// positions than the model; what keeps the runtime from sharing what it holds.
    pub fn join(&mut self, generation: Generation<'a>) -> Result<u64> {
        self.check(&generation)?;
        let id = self.next;
        self.next += 1;
        let prompt = generation.tokens();
        let joined = self.pages.join(id, prompt, generation.most_read());
        let forked = joined.shared.map_or(Ok(()), |shared| {
            self.model.fork(shared.of, id, shared.tokens)
        });
        for evicted in joined.evicted {
            self.model.end(evicted);
        }
        if let Err(error) = forked {
            self.forget(id, false);
            return Err(error);
        }
        let reused = joined.shared.map_or(0, |shared| shared.tokens);
        let member = Member {
            generation,
            read: reused,
            reused,
            budget: Budget::default(),
            proposed: Vec::new(),
        };
        self.members.insert(id, member);
        self.turns.join(id);
        Ok(id)
    }

    fn check(&self, generation: &Generation<'_>) -> Result<()> {
        let (tokens, most) = (generation.most_read(), self.most_tokens());
        let field = |found, expected| Err(Error::field("generation", found, expected));
        if generation.vocab_size() != self.model.vocab_size() {
            let found = format!("of {} tokens", generation.vocab_size());
            return field(found, format!("of {}", self.model.vocab_size()));
        }
        let positions = self.model.max_positions();
        if generation.finish().is_some() || positions.is_some_and(|most| tokens > most) {
            let expected = "one that goes on, within the positions of the model";
            return field(format!("{tokens} tokens long"), expected.to_owned());
        }
        if !self.fits(generation) {
            let expected = format!(
                "what fits beside {} others of {} tokens, {} and {most} at most",
                self.members.len(),
                self.reserved_tokens(),
                self.limits.sequences
            );
            return field(format!("{tokens} tokens long"), expected);
        }
        Ok(())
    }

    /// Takes a generation out before its end, and gives it if it was there. What it has read is
    /// held, so that one that begins again goes on from there.
    pub fn leave(&mut self, id: u64) -> Option<Generation<'a>> {
        let member = self.members.remove(&id)?;
        self.forget(id, true);
        Some(member.generation)
    }

    /// Takes all generations out and forgets what is held, as after a panic of the model, and gives
    /// their numbers.
    pub fn clear(&mut self) -> Vec<u64> {
        self.turns = Turns::default();
        let gone = std::mem::take(&mut self.members);
        for id in self.pages.clear() {
            self.model.end(id);
        }
        gone.into_keys().collect()
    }

    /// Goes on by one forward, and gives the generations that have a new token or failed; one that has
    /// several is there once for each, in their order. If the model fails on several, each of them is read once more alone, so that one takes no other with
    /// it.
    ///
    /// # Panics
    /// If the model does; then only [`clear`](Self::clear) may be called.
    pub fn step(&mut self) -> Vec<Advance<'a>> {
        let mut advances = self.take_over();
        let parts = self.plan();
        match self.read(&parts) {
            Ok(rows) => self.advance(&parts, rows, &mut advances),
            Err(error) if parts.len() == 1 => advances.push(self.fail(parts[0].0, error)),
            Err(_) => {
                for part in parts.chunks(1) {
                    match self.read(part) {
                        Ok(rows) => self.advance(part, rows, &mut advances),
                        Err(error) => advances.push(self.fail(part[0].0, error)),
                    }
                }
            }
        }
        advances
    }

    /// Has those that have not begun take over what others have read by now, and gives those with
    /// which the runtime fails.
    fn take_over(&mut self) -> Vec<Advance<'a>> {
        let mut failed = Vec::new();
        let new = self.members.iter_mut().filter(|(_, it)| !it.has_begun());
        for (&id, member) in new {
            if let Some(shared) = self.pages.share(id) {
                self.model.end(id);
                (member.read, member.reused) = (shared.tokens, shared.tokens);
                let forked = self.model.fork(shared.of, id, shared.tokens);
                failed.extend(forked.err().map(|error| (id, error)));
            }
        }
        let failed = failed.into_iter();
        failed.map(|(id, error)| self.fail(id, error)).collect()
    }

    /// Says how many tokens of whom are read in this step, in the order in which they joined.
    fn plan(&mut self) -> Vec<(u64, usize)> {
        let (members, pages) = (&self.members, &self.pages);
        let left = |id| match members.get(&id) {
            Some(member) if member.has_begun() || !pages.waits(id) => {
                member.generation.prompt_length() - member.read
            }
            _ => 0,
        };
        let mut parts = self.turns.next(self.limits.prompt_tokens, left);
        let decoding = self.members.iter_mut().filter(|(_, it)| !it.is_reading());
        let mut decoding: Vec<_> = decoding.collect();
        let cost = price(decoding.len(), 0.0);
        for (id, member) in &mut decoding {
            member.propose(cost);
            parts.push((**id, 1));
        }
        self.cost = cost;
        parts.sort_unstable();
        parts
    }

    fn read(&mut self, parts: &[(u64, usize)]) -> Result<Matrix> {
        let texts = parts.iter().filter_map(|&(id, count)| {
            let member = self.members.get(&id)?;
            let tokens = &member.generation.tokens()[member.read..];
            let text = [&tokens[..count], &member.proposed].concat();
            let is_read = count == tokens.len();
            Some((id, text, usize::from(is_read) + member.proposed.len()))
        });
        let texts: Vec<(u64, Vec<u32>, usize)> = texts.collect();
        if texts.is_empty() {
            return Ok(Matrix::zeros(0, self.model.vocab_size()));
        }
        let parts = texts.iter().map(|(id, tokens, logits)| Part {
            conversation: *id,
            tokens,
            logits: *logits,
        });
        let parts: Vec<Part<'_>> = parts.collect();
        self.model.read(&parts)
    }

    /// Takes note of what was read, and has each whose tokens are all read choose what comes next.
    fn advance(
        &mut self,
        parts: &[(u64, usize)],
        mut rows: Matrix,
        advances: &mut Vec<Advance<'a>>,
    ) {
        let mut row = 0;
        for &(id, count) in parts {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            let (before, prompt) = (member.read, member.generation.prompt_length());
            member.read += count;
            let new = member.read.min(prompt).max(before);
            let tokens = member.generation.tokens();
            self.pages.read(id, count, &tokens[new..member.read]);
            if !member.is_reading() {
                self.turns.leave(id);
            }
            if member.read == tokens.len() {
                let own = row..row + 1 + member.proposed.len();
                row = own.end;
                self.choose(id, &mut rows, own, advances);
            }
        }
    }

    /// Chooses the next tokens of a generation by its rows of logits: one, and another one for each
    /// proposed token that was chosen.
    fn choose(
        &mut self,
        id: u64,
        rows: &mut Matrix,
        own: Range<usize>,
        advances: &mut Vec<Advance<'a>>,
    ) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let proposed = std::mem::take(&mut member.proposed);
        let mut accepted = 0;
        let next = loop {
            let next = member.generation.choose(logits(rows, own.start + accepted));
            let goes_on = matches!(next, Ok(Some(token)) if proposed.get(accepted) == Some(&token));
            if !goes_on {
                break next;
            }
            accepted += 1;
            let text = member.generation.take_piece();
            let ended = None;
            advances.push(Advance { id, text, ended });
        };
        member.read += accepted;
        member.budget = member.budget.after(self.cost, proposed.len(), accepted);
        self.pages.read(id, accepted, &proposed[..accepted]);
        let text = member.generation.take_piece();
        let rewound = match proposed.len() - accepted {
            0 => Ok(()),
            superfluous => self.model.rewind(id, superfluous),
        };
        let ended = match next.and_then(|next| rewound.map(|()| next)) {
            Err(error) => return advances.push(self.fail(id, error)),
            Ok(Some(_)) => None,
            Ok(None) => self.members.remove(&id).map(|member| {
                self.forget(id, true);
                Ok(Ended {
                    generation: member.generation,
                    reused: member.reused,
                })
            }),
        };
        advances.push(Advance { id, text, ended });
    }

    fn fail(&mut self, id: u64, error: Error) -> Advance<'a> {
        self.members.remove(&id);
        self.forget(id, false);
        Advance {
            id,
            text: String::new(),
            ended: Some(Err(error)),
        }
    }

    fn forget(&mut self, id: u64, hold: bool) {
        self.turns.leave(id);
        for gone in self.pages.leave(id, hold) {
            self.model.end(gone);
        }
    }
}

/// Gives a row of logits; nothing if there are fewer.
fn logits(rows: &mut Matrix, row: usize) -> &mut [f32] {
    let start = row * rows.cols;
    rows.data
        .get_mut(start..start + rows.cols)
        .unwrap_or_default()
}

impl<C: fmt::Debug> fmt::Debug for ContinuousBatch<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContinuousBatch")
            .field("model", &self.model)
            .field("limits", &self.limits)
            .field("generations", &self.members.len())
            .finish_non_exhaustive()
    }
}
