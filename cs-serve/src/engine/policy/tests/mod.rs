//! The rules under a simulated clock: nothing here sleeps, and nothing looks at the time.

mod properties;

use std::time::Duration;

use cs_data::SplitMix;

use super::class::QUANTUM;
use super::*;
use crate::engine::options::Priority;

const LIMITS: Limits = Limits {
    queue: Size {
        texts: 1_000_000,
        tokens: 1_000_000_000,
    },
    batch: Size {
        texts: 32,
        tokens: 256,
    },
};

fn ms(ms: u64) -> Moment {
    Duration::from_millis(ms)
}

fn sender(caller: usize, priority: Priority) -> Sender {
    Sender {
        priority,
        caller: Some(format!("caller {caller}").into()),
    }
}

fn entry(sender: Sender, request: u64, tokens: usize) -> Entry<usize> {
    Entry {
        request,
        sender,
        tokens,
        generation: 0,
        deadline: Duration::MAX,
        item: 0,
    }
}

fn ask<'a>(sender: &'a Sender, tokens: usize, deadline: Moment) -> Ask<'a> {
    Ask {
        sender,
        size: Size { texts: 1, tokens },
        generation: 0,
        deadline,
    }
}

fn pace(running: usize, rate: Option<f64>) -> Pace {
    Pace {
        slots: 1,
        running,
        rate,
    }
}

fn requests(batch: &[Entry<usize>]) -> Vec<u64> {
    batch.iter().map(|entry| entry.request).collect()
}

#[test]
fn a_batch_is_as_large_as_fits_and_nothing_is_overtaken_for_its_length() {
    let mut queue = Queue::new(LIMITS);
    assert!(queue.batch(ms(0)).entries.is_empty());
    for (request, tokens) in [(0, 100), (1, 100), (2, 100), (3, 9), (4, 9999), (5, 9)] {
        queue.push(entry(sender(0, Priority::Normal), request, tokens));
    }
    let (texts, tokens) = (6, 10_317);
    assert_eq!(queue.size(), Size { texts, tokens });
    assert_eq!(requests(&queue.batch(ms(0)).entries), [0, 1]);
    assert_eq!(requests(&queue.batch(ms(0)).entries), [2, 3]);
    assert_eq!(requests(&queue.batch(ms(0)).entries), [4]); // too long, alone
    assert_eq!(requests(&queue.batch(ms(0)).entries), [5]);
    assert!(queue.is_empty() && queue.size() == Size::default());
    for request in 0..40 {
        queue.push(entry(sender(0, Priority::Normal), request, 1));
    }
    assert_eq!(queue.batch(ms(0)).entries.len(), 32);
}

#[test]
fn callers_take_turns() {
    let mut queue = Queue::new(LIMITS);
    for request in 0..100 {
        queue.push(entry(sender(0, Priority::Normal), request, 16));
    }
    queue.push(entry(sender(1, Priority::Normal), 100, 16));
    let first = requests(&queue.batch(ms(0)).entries);
    // The first caller's turn of 64 tokens, then the second's.
    assert_eq!(first[..6], [0, 1, 2, 3, 100, 4]);
}

#[test]
fn who_comes_back_at_once_has_no_more_than_who_waits() {
    let mut queue = Queue::new(LIMITS);
    let mut served = [0; 2];
    for request in 0..4000 {
        queue.push(entry(sender(0, Priority::Normal), request, 10));
    }
    queue.push(entry(sender(1, Priority::Normal), 9000, 250));
    while served[0] < 20_000 {
        for entry in queue.batch(ms(0)).entries {
            let long = usize::from(entry.request == 9000);
            served[long] += entry.tokens;
            if long == 1 {
                queue.push(entry);
            }
        }
    }
    let ratio = served[1] as f64 / served[0] as f64;
    assert!((0.9..1.1).contains(&ratio), "{served:?}");
}

#[test]
fn priorities_are_shares_and_the_urgent_go_first() {
    let mut queue = Queue::new(LIMITS);
    for (class, priority) in Priority::ALL.into_iter().enumerate().rev() {
        for request in 0..3000 {
            queue.push(entry(sender(class, priority), request, 8));
        }
    }
    let first = queue.batch(ms(0)).entries;
    assert_eq!(first[0].sender.priority, Priority::High);
    let mut served = [0usize; 3];
    for _ in 0..80 {
        for entry in queue.batch(ms(0)).entries {
            served[entry.sender.priority as usize] += entry.tokens;
        }
    }
    let low = served[2] as f64;
    let shares = [served[0] as f64 / low, served[1] as f64 / low];
    assert!((shares[0] - 16.0).abs() < 1.0, "{served:?}");
    assert!((shares[1] - 4.0).abs() < 0.5, "{served:?}");
}

#[test]
fn a_priority_that_was_idle_has_no_claim_to_the_past() {
    let mut queue = Queue::new(LIMITS);
    for request in 0..2000 {
        queue.push(entry(sender(0, Priority::Low), request, 8));
    }
    for _ in 0..30 {
        queue.batch(ms(0));
    }
    for request in 2000..3000 {
        queue.push(entry(sender(0, Priority::High), request, 8));
    }
    let mut low = 0;
    for (i, entry) in queue.batch(ms(0)).entries.iter().enumerate() {
        assert!(i > 0 || entry.sender.priority == Priority::High);
        low += usize::from(entry.sender.priority == Priority::Low);
    }
    let rest = (0..9).flat_map(|_| queue.batch(ms(0)).entries);
    low += rest
        .filter(|entry| entry.sender.priority == Priority::Low)
        .count();
    // A 17th of 320 texts, neither none nor all.
    assert!((10..30).contains(&low), "{low}");
}

#[test]
fn a_batch_is_of_one_model_and_the_old_one_goes_first() {
    let mut queue = Queue::new(LIMITS);
    for request in 0..20 {
        let mut entry = entry(sender(request % 5, Priority::Normal), request as u64, 8);
        entry.generation = u64::from(request >= 10);
        queue.push(entry);
    }
    let mut urgent = entry(sender(9, Priority::High), 99, 8);
    urgent.generation = 1;
    queue.push(urgent);
    let old = queue.batch(ms(0)).entries;
    assert!(old.len() == 10 && old.iter().all(|entry| entry.generation == 0));
    let new = queue.batch(ms(0)).entries;
    assert!(new.len() == 11 && new[0].request == 99);
}

#[test]
fn what_is_late_is_never_computed() {
    let mut queue = Queue::new(LIMITS);
    assert_eq!(queue.next_deadline(), None);
    for (request, deadline) in [(0, 30), (1, 10), (2, 20)] {
        let mut entry = entry(sender(0, Priority::Normal), request, 8);
        entry.deadline = ms(deadline);
        queue.push(entry);
    }
    assert_eq!(queue.next_deadline(), Some(ms(10)));
    assert!(queue.expire(ms(9)).is_empty());
    assert_eq!(requests(&queue.expire(ms(10))), [1]);
    assert_eq!(queue.next_deadline(), Some(ms(20)));
    let batch = queue.batch(ms(25));
    assert_eq!(
        (requests(&batch.late), requests(&batch.entries)),
        (vec![2], vec![0])
    );
    assert_eq!(queue.next_deadline(), None);
}

#[test]
fn a_request_is_taken_out_as_a_whole() {
    let mut queue = Queue::new(LIMITS);
    for request in [7, 8, 7, 9, 7] {
        queue.push(entry(sender(0, Priority::Low), request, 8));
    }
    assert!(queue.remove(&sender(0, Priority::High), 7).is_empty());
    assert!(queue.remove(&sender(1, Priority::Low), 7).is_empty());
    assert_eq!(queue.remove(&sender(0, Priority::Low), 7).len(), 3);
    assert_eq!((queue.size().texts, queue.size().tokens), (2, 16));
    assert_eq!(requests(&queue.clear()), [8, 9]);
    assert!(queue.is_empty());
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let mut queue = Queue::new(Limits {
        queue: Size {
            texts: 4,
            tokens: 100,
        },
        ..LIMITS
    });
    let anyone = Sender {
        priority: Priority::Normal,
        caller: None,
    };
    let never = Duration::MAX;
    let admit = |queue: &Queue<usize>, tokens, rate| {
        queue.admit(&ask(&anyone, tokens, never), ms(0), pace(20, rate))
    };
    assert_eq!(admit(&queue, 101, None), Err(Refusal::TooLarge));
    assert_eq!(admit(&queue, 100, None), Ok(()));
    for request in 0..3 {
        queue.push(entry(anyone.clone(), request, 20));
    }
    assert_eq!(admit(&queue, 40, None), Ok(()));
    let full = |ms| {
        Err(Refusal::Full {
            retry_after: self::ms(ms),
        })
    };
    assert_eq!(admit(&queue, 41, None), full(1000));
    assert_eq!(admit(&queue, 41, Some(100.0)), full(400)); // half of 60 + 20
    assert_eq!(admit(&queue, 41, Some(1e9)), full(10));
    assert_eq!(admit(&queue, 41, Some(1e-9)), full(60_000));
    queue.push(entry(anyone.clone(), 3, 20));
    assert_eq!(admit(&queue, 0, None), full(1000));
}

#[test]
fn a_caller_leaves_room_for_another() {
    let mut queue = Queue::new(Limits {
        queue: Size {
            texts: 12,
            tokens: 1000,
        },
        ..LIMITS
    });
    let never = Duration::MAX;
    let mut held = [0; 3];
    for _ in 0..12 {
        for (caller, held) in held.iter_mut().enumerate() {
            let sender = sender(caller, Priority::ALL[*held % 3]);
            if queue
                .admit(&ask(&sender, 1, never), ms(0), Pace::default())
                .is_ok()
            {
                queue.push(entry(sender, 0, 1));
                *held += 1;
            }
        }
    }
    assert_eq!(held, [3, 3, 3]); // a quarter each, and as much for a fourth
}

#[test]
fn what_cannot_be_in_time_is_refused() {
    let mut queue = Queue::new(LIMITS);
    let (light, heavy) = (sender(0, Priority::Normal), sender(1, Priority::Normal));
    // Nothing waits: it is tried, however slow things were.
    let slow = pace(500, Some(1.0));
    assert_eq!(queue.admit(&ask(&light, 100, ms(1)), ms(0), slow), Ok(()));
    for request in 0..100 {
        queue.push(entry(heavy.clone(), request, 10));
    }
    let besides = 100 + LIMITS.batch.tokens as u64; // being computed, and with it in its batch
    let admit = |sender: &Sender, time| {
        let ask = ask(sender, 10, ms(besides + time));
        queue.admit(&ask, ms(0), pace(100, Some(1000.0)))
    };
    let refusal = |needed| {
        Err(Refusal::TooSlow {
            needed: ms(besides + needed),
            left: ms(besides + needed - 1),
        })
    };
    // The heavy one's own are before it.
    assert_eq!(admit(&heavy, 1010), Ok(()));
    assert_eq!(admit(&heavy, 1009), refusal(1010));
    // The light one has its turn after as much, and a turn, of the heavy one's.
    let fair = 10 + 10 + QUANTUM as u64;
    assert_eq!(admit(&light, fair), Ok(()));
    assert_eq!(admit(&light, fair - 1), refusal(fair));
    // A quarter of its own before an urgent one, four times its own before one that is not.
    assert_eq!(admit(&sender(2, Priority::High), 12), Ok(()));
    assert!(admit(&sender(2, Priority::High), 11).is_err());
    assert_eq!(admit(&sender(2, Priority::Low), 50), Ok(()));
    assert!(admit(&sender(2, Priority::Low), 49).is_err());
}

/// A minute in which three times as much is asked as can be computed, of any length, in bursts, of
/// batches that take a quarter more or less time than usual.
#[test]
fn an_overloaded_engine_is_busy_with_what_is_in_time() {
    const RATE: u64 = 10; // tokens a millisecond, of both slots together
    let mut queue = Queue::new(Limits {
        queue: Size {
            texts: 4096,
            tokens: 65_536,
        },
        ..LIMITS
    });
    let mut slots: Slots<Vec<Moment>> = Slots::new(2, 0);
    let mut rate = Rate::default();
    let mut ends: Vec<(Moment, u64)> = Vec::new();
    let (mut in_time, mut late, mut computed, mut request) = (0, 0, 0, 0);
    let mut random = SplitMix::new(7);
    for now in (0..60_000).map(ms) {
        // Two texts of 15 tokens on average, each of use for half a second.
        for _ in 0..random.below(5) {
            request += 1;
            let tokens = 1 + random.below(29);
            let deadline = now + ms(500);
            let sender = sender(request as usize % 5, Priority::ALL[request as usize % 3]);
            let pace = Pace {
                slots: 2,
                running: slots.tokens(),
                rate: rate.get(),
            };
            let ask = ask(&sender, tokens, deadline);
            if queue.admit(&ask, now, pace).is_ok() {
                queue.push(Entry {
                    deadline,
                    ..entry(sender, request, tokens)
                });
            }
        }
        ends.retain(|&(end, slot)| {
            if end <= now {
                let left = slots.end(slot).unwrap();
                rate.ended(now, left.tokens, !queue.is_empty());
                computed += left.tokens as u64;
                let kept = left
                    .item
                    .iter()
                    .filter(|deadline| **deadline >= now)
                    .count();
                in_time += kept;
                late += left.item.len() - kept;
            }
            end > now
        });
        while slots.is_free() && !queue.is_empty() {
            let batch = queue.batch(now);
            late += batch.late.len();
            let size: usize = batch.entries.iter().map(|entry| entry.tokens).sum();
            let deadlines = batch.entries.iter().map(|entry| entry.deadline).collect();
            let slot = slots.start(now, size, deadlines);
            let percent = 75 + random.below(51) as u64;
            ends.push((now + ms(2 * size as u64 * percent / 100 / RATE), slot));
        }
    }
    assert!(computed > 60_000 * RATE * 95 / 100, "{computed} computed");
    assert!(late * 100 < in_time, "{late} late, {in_time} in time");
}

#[test]
fn the_rate_is_that_of_busy_times() {
    let mut rate = Rate::default();
    assert_eq!(rate.get(), None);
    rate.ended(ms(100), 50, false); // at leisure
    rate.ended(ms(9000), 50, true);
    assert_eq!(rate.get(), None);
    for i in 1..=10 {
        rate.ended(ms(9000 + i * 100), 50, i < 10);
    }
    assert!((rate.get().unwrap() - 500.0).abs() < 1e-6);
    rate.ended(ms(20_000), 50, true); // idle until then: shows nothing
    assert!((rate.get().unwrap() - 500.0).abs() < 1e-6);
    for i in 1..=200 {
        rate.ended(ms(20_000 + i * 100), 100, true);
    }
    assert!((rate.get().unwrap() - 1000.0).abs() < 5.0); // follows
}

#[test]
fn what_hangs_loses_its_slot_but_only_so_often() {
    let mut slots = Slots::new(2, 1);
    let limit = ms(100);
    let (a, b) = (slots.start(ms(0), 10, "a"), slots.start(ms(50), 20, "b"));
    assert!(!slots.is_free() && slots.tokens() == 30);
    assert_eq!(slots.next_overdue(limit), Some(ms(100)));
    assert_eq!(slots.overdue(ms(99), limit), None);
    assert_eq!(slots.overdue(ms(100), limit), Some(a));
    slots.renew(a, ms(100));
    assert_eq!(slots.overdue(ms(149), limit), None);
    assert_eq!(slots.overdue(ms(150), limit), Some(b));
    slots.give_up(b);
    assert!(slots.is_free());
    assert_eq!(
        (slots.running(), slots.given_up(), slots.tokens()),
        (1, 1, 10)
    );
    // One more may not be given up before the first is back.
    assert_eq!(slots.overdue(ms(999), limit), None);
    assert_eq!(slots.next_overdue(limit), None);
    assert_eq!(slots.items().count(), 2);
    assert!(slots.end(b).unwrap().given_up);
    assert_eq!(slots.overdue(ms(999), limit), Some(a));
    let left = slots.end(a).unwrap();
    assert!(!left.given_up && left.tokens == 10 && left.item == "a");
    assert!(slots.end(a).is_none());
}

#[test]
fn what_goes_next_waits_until_it_fits_and_is_not_overtaken() {
    let mut queue = Queue::new(LIMITS);
    for (request, tokens) in [(0, 50), (1, 90), (2, 1)] {
        queue.push(entry(sender(0, Priority::Normal), request, tokens));
    }
    let mut next = |room| {
        let batch = queue.next(ms(0), |entry| entry.tokens <= room);
        requests(&batch.entries)
    };
    assert_eq!(next(60), [0]);
    assert!(next(60).is_empty());
    assert_eq!(next(90), [1]);
    assert_eq!(next(1), [2]);
    assert!(next(1).is_empty());
}
