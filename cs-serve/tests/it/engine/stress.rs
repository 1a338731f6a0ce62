//! Everything at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cs_serve::engine::{EngineConfig, Handle, Options, Priority, Windows};
use cs_serve::{EngineError, Understanding};

use super::models::{
    POISON, Random, TEXTS, assert_settled, block_on, folder, open, start, workers,
};

impl Random {
    fn options(&mut self) -> Options {
        let callers = [None, Some("a"), Some("b"), Some("c")];
        let deadline = [None, None, None, Some(Duration::from_millis(2))];
        Options {
            caller: callers[self.below(4)].map(Into::into),
            priority: Priority::ALL[self.below(3)],
            deadline: deadline[self.below(4)],
        }
    }

    fn text(&mut self) -> String {
        let text = TEXTS[self.below(TEXTS.len())];
        match self.below(12) {
            0 => format!("{text} {POISON}"),
            1 => format!("{text} ").repeat(1 + self.below(20)),
            _ => text.to_owned(),
        }
    }
}

/// All numbers are found where they are, unless the backend was to fail; no request is forgotten,
/// which would be a deadline of a minute.
fn check(text: &str, outcome: &Result<Understanding, EngineError>) {
    match outcome {
        Ok(turn) => {
            assert_eq!(turn.text, text);
            assert!(!text.contains(POISON));
            assert_eq!(
                turn.entities.len(),
                text.matches("12345").count(),
                "{turn:?}"
            );
        }
        Err(EngineError::Model(_)) => assert!(text.contains(POISON)),
        Err(EngineError::Deadline { after }) => assert!(*after < Duration::from_secs(1)),
        Err(EngineError::Full { .. } | EngineError::Overloaded { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn one_step(random: &mut Random, handle: &Handle) {
    let (text, options) = (random.text(), random.options());
    match random.below(8) {
        0..3 => check(&text, &handle.understand(text.clone(), &options)),
        3..6 => {
            let pending = handle.submit(text.clone(), &options);
            check(&text, &pending.and_then(block_on));
        }
        6 => drop(handle.submit(text, &options)),
        _ => {
            let texts = [text, random.text(), random.text()];
            let all = handle.understand_all(texts.to_vec(), &options);
            if let Ok(turns) = all {
                for (text, turn) in texts.iter().zip(turns) {
                    check(text, &Ok(turn));
                }
            }
        }
    }
}

/// Counts that a caller has come to its end, whatever that is.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn whatever_is_asked_of_it_at_once_it_forgets_nobody() {
    const CALLERS: usize = 6;
    let folders = ["one", "another tokenizer"].map(folder);
    let make = |i: usize| {
        open(folders[i % 2].path(), |seen| {
            let poisoned = seen.iter().any(|text| text.contains(POISON));
            if poisoned {
                Err("cannot bear it".into())
            } else {
                Ok(())
            }
        })
    };
    let config = EngineConfig {
        batch_texts: 5,
        batch_tokens: 100,
        queue_texts: 24,
        windows: Some(Windows {
            overlap: 3,
            most: 100.try_into().unwrap(),
        }),
        ..workers(2)
    };
    let (engine, handle) = start(&make(0), config);
    let busy = AtomicUsize::new(CALLERS);
    std::thread::scope(|scope| {
        for thread in 0..CALLERS {
            let (handle, busy) = (handle.clone(), &busy);
            scope.spawn(move || {
                let _done = Done(busy);
                let mut random = Random(thread as u64);
                for _ in 0..150 {
                    one_step(&mut random, &handle);
                }
            });
        }
        let mut swaps = 1;
        while busy.load(Ordering::Relaxed) > 0 {
            handle.swap(make(swaps)).unwrap();
            swaps += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    assert_settled(&handle);
    assert!(handle.snapshot().answered > 100);
    assert!(engine.drain(Duration::MAX).is_clean());
}
