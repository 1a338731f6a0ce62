//! The rules under a simulated clock: nothing here sleeps, and nothing looks at the time.

mod admission;
mod order;
mod properties;

use std::time::Duration;

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
