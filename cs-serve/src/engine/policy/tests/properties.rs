//! What holds whatever is asked, in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{LIMITS, ask, entry, ms, sender};
use crate::engine::options::Priority;
use crate::engine::policy::class::QUANTUM;
use crate::engine::policy::{Batch, Entry, Limits, Moment, Pace, Queue, Sender, Size};

#[derive(Debug, Clone)]
enum Step {
    Push {
        caller: usize,
        priority: usize,
        tokens: usize,
        life: u64,
        /// Read before the last swap.
        old: bool,
    },
    Swap,
    Batch,
    Remove(usize),
    Expire,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..6usize, 0..3usize, 1..400usize, 1..500u64, any::<bool>()).prop_map(
            |(caller, priority, tokens, life, old)| Step::Push { caller, priority, tokens, life, old }
        ),
        1 => Just(Step::Swap),
        3 => Just(Step::Batch),
        1 => (0..200usize).prop_map(Step::Remove),
        1 => Just(Step::Expire),
        3 => (0..60u64).prop_map(Step::Wait),
    ]
}

/// What is known to wait: by its number, as it was pushed.
type Waiting = BTreeMap<usize, Entry<usize>>;

/// Takes what came out off the list, once.
fn settle(waiting: &mut Waiting, gone: &[Entry<usize>]) -> Result<(), TestCaseError> {
    for entry in gone {
        prop_assert!(waiting.remove(&entry.item).is_some(), "twice: {entry:?}");
    }
    Ok(())
}

fn check_batch(waiting: &Waiting, batch: &Batch<usize>, now: Moment) -> Result<(), TestCaseError> {
    let entries = &batch.entries;
    let tokens: usize = entries.iter().map(|entry| entry.tokens).sum();
    prop_assert!(entries.len() <= LIMITS.batch.texts);
    prop_assert!(tokens <= LIMITS.batch.tokens || entries.len() == 1);
    prop_assert!(batch.late.iter().all(|entry| entry.deadline <= now));
    prop_assert!(entries.iter().all(|entry| entry.deadline > now));
    let generations: BTreeSet<u64> = entries.iter().map(|entry| entry.generation).collect();
    prop_assert!(generations.len() <= 1);
    // Something goes if something can, of the oldest model, and of each caller what came first.
    let in_time = || waiting.values().filter(|entry| entry.deadline > now);
    prop_assert_eq!(entries.is_empty(), in_time().next().is_none());
    let oldest = in_time().map(|entry| entry.generation).min();
    prop_assert_eq!(generations.into_iter().next(), oldest);
    let line = |entry: &Entry<usize>| {
        let Sender { caller, priority } = entry.sender.clone();
        (caller, priority, entry.generation)
    };
    let mut gone = BTreeMap::new();
    for entry in entries {
        let before = gone.insert(line(entry), entry.item);
        prop_assert!(before.is_none_or(|before| before < entry.item));
    }
    let taken: BTreeSet<usize> = entries.iter().map(|entry| entry.item).collect();
    for left in in_time().filter(|left| !taken.contains(&left.item)) {
        prop_assert!(gone.get(&line(left)).is_none_or(|last| *last < left.item));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Whatever happens, all that goes in comes out once, in batches that keep every rule.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(step(), 1..300)) {
        let mut queue = Queue::new(LIMITS);
        let (mut waiting, mut now, mut generation) = (Waiting::new(), ms(0), 0);
        let mut pushed = 0;
        for step in steps {
            match step {
                Step::Push { caller, priority, tokens, life, old } => {
                    let make = || Entry {
                        generation: generation - u64::from(old).min(generation),
                        deadline: now + ms(life),
                        item: pushed,
                        ..entry(sender(caller, Priority::ALL[priority]), pushed as u64 / 2, tokens)
                    };
                    queue.push(make());
                    waiting.insert(pushed, make());
                    pushed += 1;
                }
                Step::Swap => generation += 1,
                Step::Wait(time) => now += ms(time),
                Step::Batch => {
                    let batch = queue.batch(now);
                    check_batch(&waiting, &batch, now)?;
                    settle(&mut waiting, &batch.late)?;
                    settle(&mut waiting, &batch.entries)?;
                }
                Step::Remove(item) => {
                    if let Some(Entry { sender, request, .. }) = waiting.get(&item) {
                        let (sender, request) = (sender.clone(), *request);
                        let gone = queue.remove(&sender, request);
                        prop_assert!(gone.iter().any(|entry| entry.item == item));
                        prop_assert!(gone.iter().all(|entry| entry.request == request));
                        settle(&mut waiting, &gone)?;
                    }
                }
                Step::Expire => settle(&mut waiting, &queue.expire(now))?,
            }
            let tokens: usize = waiting.values().map(|entry| entry.tokens).sum();
            prop_assert_eq!(queue.size(), Size { texts: waiting.len(), tokens });
            let first = waiting.values().map(|entry| entry.deadline).min();
            prop_assert!(queue.next_deadline() <= first || first.is_none());
            prop_assert_eq!(queue.next_deadline().is_some(), first.is_some());
        }
        while !queue.is_empty() {
            let batch = queue.batch(now);
            settle(&mut waiting, &batch.late)?;
            settle(&mut waiting, &batch.entries)?;
        }
        prop_assert!(waiting.is_empty());
    }

    /// While all wait, callers have had the same number of tokens at any time, but for a turn and
    /// the longest text.
    #[test]
    fn callers_with_something_waiting_get_the_same(
        texts in prop::collection::vec((0..5usize, 1..250usize), 300..600),
    ) {
        let mut queue = Queue::new(LIMITS);
        let mut left = [0usize; 5];
        for (request, &(caller, tokens)) in texts.iter().enumerate() {
            queue.push(entry(sender(caller, Priority::Normal), request as u64, tokens));
            left[caller] += 1;
        }
        let mut served = [0usize; 5];
        'waiting: loop {
            for entry in queue.batch(ms(0)).entries {
                let (caller, tokens) = texts[entry.request as usize];
                served[caller] += tokens;
                left[caller] -= 1;
                if left.contains(&0) {
                    break 'waiting;
                }
                let (most, least) = (served.iter().max(), served.iter().min());
                let apart = most.zip(least).map_or(0, |(most, least)| most - least);
                prop_assert!(apart <= 2 * (QUANTUM + 250), "{served:?}");
            }
        }
    }

    /// If nobody comes after, whatever is let in is computed in time at the rate that was promised.
    #[test]
    fn who_is_let_in_is_in_time(
        before in prop::collection::vec((0..4usize, 0..3usize, 1..60usize), 1..120),
        (caller, priority, tokens) in (0..4usize, 0..3usize, 1..60usize),
        deadline in 1..4000u64,
    ) {
        let rate = 1000.0; // a token a millisecond
        let batch = Size { texts: 1, ..LIMITS.batch };
        let limits = Limits { batch, ..LIMITS };
        let mut queue = Queue::new(limits);
        for &(caller, priority, tokens) in &before {
            queue.push(entry(sender(caller, Priority::ALL[priority]), 0, tokens));
        }
        let sender = sender(caller, Priority::ALL[priority]);
        if queue.admit(&ask(&sender, tokens, ms(deadline)), ms(0), Pace { slots: 1, running: 0, rate: Some(rate) }).is_ok() {
            queue.push(entry(sender, 1, tokens));
            let mut now = 0;
            loop {
                let batch = queue.batch(ms(now)).entries;
                now += batch[0].tokens as u64;
                if batch[0].request == 1 {
                    break;
                }
            }
            // Turns are not cut within a text, nor shares within a turn.
            let slack = 60 * 16;
            prop_assert!(now <= deadline + slack, "{now} > {deadline}");
        }
    }

    /// Of what is let in one by one while there is room, the room is never exceeded, everyone gets
    /// in, and of one caller and priority in the order in which they came.
    #[test]
    fn everyone_gets_in_within_the_room(
        all in prop::collection::vec((0..4usize, 0..3usize, 1..100usize), 1..100),
        room in 100..300usize,
        ends in prop::collection::vec(0..8usize, 1..20),
    ) {
        let mut queue = Queue::new(LIMITS);
        for (request, &(caller, priority, tokens)) in all.iter().enumerate() {
            let sender = sender(caller, Priority::ALL[priority]);
            queue.push(entry(sender, request as u64, tokens));
        }
        let (mut inside, mut last, mut ends) = (Vec::new(), BTreeMap::new(), ends.iter().cycle());
        while !queue.is_empty() {
            let used: usize = inside.iter().sum();
            prop_assert!(used <= room);
            match queue.next(ms(0), |entry| used + entry.tokens <= room).entries.pop() {
                Some(entry) => {
                    let line = all[entry.request as usize];
                    let before = last.insert((line.0, line.1), entry.request);
                    prop_assert!(before.is_none_or(|before| before < entry.request));
                    inside.push(entry.tokens);
                }
                None => {
                    prop_assert!(!inside.is_empty());
                    inside.swap_remove(ends.next().unwrap() % inside.len());
                }
            }
        }
    }
}
