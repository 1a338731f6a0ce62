//! Generations that join and leave between steps are each what they would be alone, in bounded room.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use cs_model::generate::{
    Advance, BatchLimits, ContinuousBatch, Conversations, Finish, GenerateConfig, Generation,
    Generator, Page, Part, Prompt, Sampling,
};
use cs_model::{Error, Matrix, Result};
use proptest::prelude::*;

const VOCAB: usize = 24;
const EOS: u32 = 23;
const PAGE: usize = 4;
/// A token that the model fails on.
const POISON: u32 = 22;
/// As many of the last tokens as there are.
const ALL: usize = usize::MAX;

/// What a model was asked for.
struct Log {
    /// How many of the last tokens its logits depend on.
    seen: usize,
    conversations: BTreeMap<u64, Vec<u32>>,
    /// The parts of each forward: who, and how many tokens.
    reads: Vec<Vec<(u64, usize)>>,
    forks: Vec<(u64, usize)>,
    /// The most tokens that whole conversations had, each counted once where they begin alike.
    pages: usize,
}

/// A model whose logits are a function of the last tokens of a conversation.
#[derive(Clone)]
struct Hash(Rc<RefCell<Log>>);

impl Hash {
    /// One that sees so many tokens: with few of them, it soon repeats itself.
    fn of(seen: usize) -> Self {
        let log = Log {
            seen,
            conversations: BTreeMap::new(),
            reads: Vec::new(),
            forks: Vec::new(),
            pages: 0,
        };
        Self(Rc::new(RefCell::new(log)))
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::of(ALL)
    }
}

fn row(seen: usize, tokens: &[u32]) -> Vec<f32> {
    let tokens = &tokens[tokens.len().saturating_sub(seen)..];
    let seed = tokens.iter().fold(7u64, |seed, &token| {
        (seed ^ u64::from(token)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    let logit = |token: u64| {
        let mixed = (seed ^ token.wrapping_mul(0xD134_2543_DE82_EF95)).wrapping_mul(0xFF51_AFD7);
        (mixed >> 40) as f32 / 4e6
    };
    (0..VOCAB as u64).map(logit).collect()
}

impl Log {
    /// Counts the pages that conversations have: equal beginnings are shared, if all went as it
    /// should.
    fn count_pages(&mut self) {
        let prefixes = self.conversations.values().flat_map(|tokens| {
            let chunks = tokens.chunks(PAGE).enumerate();
            chunks.map(|(i, chunk)| &tokens[..i * PAGE + chunk.len()])
        });
        let mut prefixes: Vec<&[u32]> = prefixes.collect();
        prefixes.sort_unstable();
        let torn = |tokens: &[u32]| !tokens.len().is_multiple_of(PAGE);
        prefixes.dedup_by(|a, b| a == b && !torn(a));
        self.pages = self.pages.max(prefixes.len());
    }
}

impl Conversations for Hash {
    fn vocab_size(&self) -> usize {
        VOCAB
    }

    fn max_positions(&self) -> Option<usize> {
        Some(100)
    }

    fn page(&self) -> Page {
        Page {
            tokens: PAGE,
            bytes: 10,
        }
    }

    fn fork(&mut self, of: u64, new: u64, tokens: usize) -> Result<()> {
        let log = &mut *self.0.borrow_mut();
        assert!(tokens > 0 && tokens.is_multiple_of(PAGE));
        let beginning = log.conversations[&of][..tokens].to_vec();
        assert!(log.conversations.insert(new, beginning).is_none());
        log.forks.push((of, tokens));
        Ok(())
    }

    fn read(&mut self, parts: &[Part<'_>]) -> Result<Matrix> {
        if parts.iter().any(|part| part.tokens.contains(&POISON)) {
            return Err(Error::Runtime("a token that it cannot bear".into()));
        }
        let log = &mut *self.0.borrow_mut();
        let (seen, mut rows) = (log.seen, Vec::new());
        for part in parts {
            let own = log.conversations.entry(part.conversation).or_default();
            own.extend(part.tokens);
            for end in own.len() + 1 - part.logits..=own.len() {
                rows.extend(row(seen, &own[..end]));
            }
        }
        let reads = parts
            .iter()
            .map(|part| (part.conversation, part.tokens.len()));
        log.reads.push(reads.collect());
        log.count_pages();
        Matrix::new(rows.len() / VOCAB, VOCAB, rows)
    }

    fn rewind(&mut self, conversation: u64, tokens: usize) -> Result<()> {
        let log = &mut *self.0.borrow_mut();
        let own = log.conversations.get_mut(&conversation).unwrap();
        own.truncate(own.len() - tokens);
        Ok(())
    }

    fn end(&mut self, conversation: u64) {
        self.0.borrow_mut().conversations.remove(&conversation);
    }
}

fn limits(pages: usize) -> BatchLimits {
    BatchLimits {
        sequences: 5,
        prompt_tokens: 6,
        cache_bytes: pages * 10 + 9,
    }
}

/// Settings that never lead to [`POISON`].
fn settings(new: usize) -> GenerateConfig {
    GenerateConfig {
        max_new_tokens: new,
        eos_token_id: vec![EOS],
        suppress_tokens: vec![POISON],
        ..Default::default()
    }
}

fn begin(prompt: &[u32], config: GenerateConfig) -> Generation<'static> {
    let letters = |tokens: &[u32]| -> Result<String> {
        Ok(tokens
            .iter()
            .map(|&token| char::from(b'a' + token as u8))
            .collect())
    };
    let generator = Generator::with_text(config, VOCAB, letters).unwrap();
    generator.begin(&Prompt::new(prompt), Some(100)).unwrap()
}

/// What comes for a prompt that nobody is beside.
fn alone(seen: usize, mut generation: Generation<'_>) -> (Vec<u32>, String) {
    while generation.finish().is_none() {
        let mut logits = row(seen, generation.tokens());
        generation.choose(&mut logits).unwrap();
    }
    (generation.tokens().to_vec(), generation.take_piece())
}

fn until_empty<'a>(batch: &mut ContinuousBatch<'a, Hash>, mut on_advance: impl FnMut(Advance<'a>)) {
    while !batch.is_empty() {
        batch.step().into_iter().for_each(&mut on_advance);
    }
}

#[test]
fn a_long_prompt_is_read_beside_those_that_go_on() {
    let model = Hash::default();
    let mut batch = ContinuousBatch::new(model.clone(), limits(100)).unwrap();
    let first = batch.join(begin(&[1, 2], settings(40))).unwrap();
    assert_eq!(batch.step().len(), 1);
    let long: Vec<u32> = (0..20).collect();
    let second = batch.join(begin(&long, settings(2))).unwrap();
    let steps: Vec<Vec<u64>> = (0..5)
        .map(|_| batch.step().iter().map(|advance| advance.id).collect())
        .collect();
    let (one, both) = (vec![first], vec![first, second]);
    assert_eq!(
        steps,
        [one.clone(), one.clone(), one.clone(), both.clone(), both]
    );
    let reads = &model.0.borrow().reads;
    assert_eq!(
        reads[1..=4].iter().map(|parts| parts[1].1).sum::<usize>(),
        20
    );
    assert!(reads.iter().flatten().all(|&(_, tokens)| tokens <= 6));
    let more = || begin(&[1], settings(9));
    assert_eq!(batch.len(), 1);
    (0..4).for_each(|_| assert!(batch.join(more()).is_ok()));
    assert!(!batch.fits(&more()));
}

#[test]
fn what_several_begin_with_is_read_once() {
    let model = Hash::default();
    let mut batch = ContinuousBatch::new(model.clone(), limits(100)).unwrap();
    let system: Vec<u32> = (0..17).collect();
    let prompt = |own: u32| [&system[..], &[own; 3]].concat();
    for own in 0..4 {
        batch.join(begin(&prompt(own), settings(3))).unwrap();
    }
    let mut reused = BTreeMap::new();
    until_empty(&mut batch, |advance| {
        if let Some(ended) = advance.ended {
            reused.insert(advance.id, ended.unwrap().reused);
        }
    });
    assert_eq!(Vec::from_iter(reused.into_values()), [0, 16, 16, 16]);
    // What was read is held for what comes later, a turn of the first for instance.
    let turn = [prompt(0), vec![9; 4]].concat();
    batch.join(begin(&turn, settings(1))).unwrap();
    batch.step();
    assert_eq!(model.0.borrow().forks.last(), Some(&(0, 20)));
    let read: usize = model
        .0
        .borrow()
        .reads
        .iter()
        .flatten()
        .map(|part| part.1)
        .sum();
    assert_eq!(read, 20 + 4 * 4 - 4 + 4 * 2 + 4);
}

#[test]
fn one_that_the_model_fails_on_takes_no_other_with_it() {
    let mut batch = ContinuousBatch::new(Hash::default(), limits(100)).unwrap();
    let good = batch.join(begin(&[1, 2], settings(3))).unwrap();
    let bad = batch.join(begin(&[3, POISON], settings(3))).unwrap();
    let other = batch.join(begin(&[4], settings(3))).unwrap();
    let mut found = BTreeMap::new();
    until_empty(&mut batch, |advance| {
        if let Some(ended) = advance.ended {
            let ended = ended.map(|ended| ended.generation.tokens().to_vec());
            found.insert(advance.id, ended.map_err(|error| error.to_string()));
        }
    });
    for (id, prompt) in [(good, &[1, 2][..]), (other, &[4])] {
        assert_eq!(found[&id], Ok(alone(ALL, begin(prompt, settings(3))).0));
    }
    assert_eq!(found[&bad], Err("a token that it cannot bear".to_owned()));
    assert_eq!(batch.reserved_tokens(), 0);
}

#[test]
fn what_cannot_go_on_is_refused() {
    let refused = |limits| ContinuousBatch::new(Hash::default(), limits).map(|_| ());
    let message = |limits| refused(limits).unwrap_err().to_string();
    let fine = limits(3);
    let none = BatchLimits {
        sequences: 0,
        ..fine
    };
    assert_eq!(message(none), "sequences is 0, expected at least 1");
    let none = BatchLimits {
        prompt_tokens: 0,
        ..fine
    };
    assert_eq!(message(none), "prompt_tokens is 0, expected at least 1");
    let none = BatchLimits {
        cache_bytes: 9,
        ..fine
    };
    assert_eq!(
        message(none),
        "cache_bytes is 9, expected at least the 10 bytes of a page"
    );
    let mut batch = ContinuousBatch::new(Hash::default(), fine).unwrap();
    assert_eq!(batch.most_tokens(), 12);
    batch.join(begin(&[1, 2], settings(4))).unwrap();
    let error = batch
        .join(begin(&[5], settings(5)))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("generation is 5 tokens long, expected what fits"),
        "{error}"
    );
    let beams = GenerateConfig {
        num_beams: 2,
        ..settings(2)
    };
    let generator = Generator::new(beams, VOCAB).unwrap();
    let error = generator
        .begin(&Prompt::new(&[1]), None)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "num_beams is 2, expected 1, as one sequence is continued"
    );
    let mut generation = begin(&[1], settings(2));
    assert!(generation.choose(&mut [0.0; 3]).is_err());
    assert!(generation.choose(&mut [f32::NAN; VOCAB]).is_err());
    assert_eq!((generation.tokens(), generation.finish()), (&[1][..], None));
}

#[test]
fn one_that_begins_again_goes_on_where_it_was() {
    let model = Hash::default();
    let mut batch = ContinuousBatch::new(model.clone(), limits(100)).unwrap();
    let prompt: Vec<u32> = (0..18).collect();
    let id = batch.join(begin(&prompt, settings(9))).unwrap();
    (0..2).for_each(|_| assert!(batch.step().is_empty()));
    assert_eq!(batch.leave(id).unwrap().tokens(), prompt);
    assert!(batch.leave(id).is_none() && batch.is_empty());
    batch.join(begin(&prompt, settings(9))).unwrap();
    assert_eq!(batch.step().len(), 1);
    assert_eq!(model.0.borrow().forks, [(id, 12)]);
    assert_eq!(batch.clear().len(), 1);
    assert!(model.0.borrow().conversations.is_empty() && batch.used_tokens() == 0);
}

#[test]
fn what_repeats_itself_takes_fewer_steps() {
    let model = Hash::of(1);
    let mut batch = ContinuousBatch::new(model.clone(), limits(100)).unwrap();
    let config = GenerateConfig {
        eos_token_id: Vec::new(),
        ..settings(60)
    };
    let expected = alone(1, begin(&[1], config.clone()));
    batch.join(begin(&[1], config)).unwrap();
    let (mut advances, mut text, mut found) = (0, String::new(), Vec::new());
    until_empty(&mut batch, |advance| {
        advances += 1;
        text += &advance.text;
        found.extend(advance.ended);
    });
    let ended = found.remove(0).unwrap();
    assert_eq!((advances, ended.generation.tokens().len()), (60, 61));
    assert_eq!((ended.generation.tokens().to_vec(), text), expected);
    assert!(model.0.borrow().reads.len() < 30);
}

/// What is done to a batch between two steps.
#[derive(Debug, Clone)]
enum Change {
    Join {
        prompt: Vec<u32>,
        new: usize,
        seed: Option<u64>,
    },
    Leave(usize),
    None,
}

fn changes() -> impl Strategy<Value = Change> {
    let beginning = prop_oneof![Just(0..0), Just(0..9), Just(0..14), Just(5..8)];
    let own = prop::collection::vec(0u32..3, 1..6);
    let prompt = (beginning, own).prop_map(|(shared, own)| shared.chain(own).collect());
    let join = (prompt, 1usize..12, prop::option::of(0u64..9));
    let join = join.prop_map(|(prompt, new, seed)| Change::Join { prompt, new, seed });
    prop_oneof![4 => join, 1 => (0usize..5).prop_map(Change::Leave), 4 => Just(Change::None)]
}

proptest! {
    #[test]
    fn everyone_ends_as_alone_within_the_room_there_is(
        changes in prop::collection::vec(changes(), 1..60),
        pages in 8usize..20,
        seen in prop_oneof![Just(1), Just(2), Just(ALL)],
    ) {
        let model = Hash::of(seen);
        let mut batch = ContinuousBatch::new(model.clone(), limits(pages)).unwrap();
        let (mut expected, mut texts) = (BTreeMap::new(), BTreeMap::new());
        let mut ended = BTreeMap::new();
        let none = std::iter::repeat_n(Change::None, 400);
        for change in changes.into_iter().chain(none) {
            match change {
                Change::Join { prompt, new, seed } => {
                    let sampling = seed.map(|seed| Sampling { seed, ..Default::default() });
                    let config = GenerateConfig { sampling, ..settings(new) };
                    let generation = begin(&prompt, config.clone());
                    if batch.fits(&generation) {
                        let id = batch.join(generation).unwrap();
                        expected.insert(id, alone(seen, begin(&prompt, config)));
                    } else {
                        prop_assert!(!batch.is_empty());
                    }
                }
                Change::Leave(place) => {
                    let open = expected.keys().filter(|id| !ended.contains_key(*id));
                    if let Some(id) = open.copied().nth(place) {
                        prop_assert!(batch.leave(id).is_some());
                        expected.remove(&id);
                    }
                }
                Change::None => {}
            }
            for advance in batch.step() {
                *texts.entry(advance.id).or_insert_with(String::new) += &advance.text;
                if let Some(found) = advance.ended {
                    let found = found.unwrap().generation;
                    prop_assert!(matches!(found.finish(), Some(Finish::Stop | Finish::Length)));
                    ended.insert(advance.id, found.tokens().to_vec());
                }
            }
            prop_assert!(batch.reserved_tokens() <= batch.used_tokens());
            prop_assert!(batch.used_tokens() <= pages * PAGE);
        }
        prop_assert!(batch.is_empty());
        let told = ended.into_iter().map(|(id, tokens)| (id, (tokens, texts[&id].clone())));
        prop_assert_eq!(told.collect::<BTreeMap<_, _>>(), expected);
        prop_assert!(model.0.borrow().pages <= pages, "{}", model.0.borrow().pages);
    }
}
