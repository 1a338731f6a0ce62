//! Who is let in.

use cs_data::SplitMix;

use super::super::class::QUANTUM;
use super::*;

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
