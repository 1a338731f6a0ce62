//! Who is served first, and together with whom.

use super::*;

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
