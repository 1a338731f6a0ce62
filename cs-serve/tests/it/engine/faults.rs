//! Backends that fail, panic and hang take down what they must and nothing else.

use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cs_serve::engine::{EngineConfig, Pending};
use cs_serve::{EngineError, Error};

use super::models::{
    Gate, POISON, TEXTS, any, assert_settled, eventually, model, start, within, workers,
};

fn is_poisoned(seen: &[String]) -> bool {
    seen.iter().any(|text| text.contains(POISON))
}

/// One poisonous text among others: theirs are answered, its own is `error`.
fn takes_no_neighbours(panics: bool) -> EngineError {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("fault", move |seen| {
        passed.pass();
        match is_poisoned(seen) {
            true if panics => panic_any(format!("cannot bear {seen:?}")),
            true => Err("out of order".into()),
            false => Ok(()),
        }
    });
    let (_engine, handle) = start(&model, workers(1));
    let first = handle.submit("order", &any()).unwrap();
    gate.wait_for(1);
    let poisonous = format!("{POISON} secret");
    let submit = |text: &str| handle.submit(text, &any()).unwrap();
    let before: Vec<Pending> = TEXTS.iter().map(|text| submit(text)).collect();
    let poison = submit(&poisonous);
    let twice = vec!["order".to_owned(), poisonous];
    let both = handle.submit_all(twice, &any()).unwrap();
    let after = submit("refund");
    gate.open();
    for (text, pending) in TEXTS.iter().zip(before) {
        assert_eq!(pending.wait().unwrap(), model.understand(text).unwrap());
    }
    assert!(first.wait().is_ok() && after.wait().is_ok());
    assert!(both.wait().is_err());
    let error = poison.wait().unwrap_err();
    assert!(!error.to_string().contains("secret") && !format!("{error:?}").contains("secret"));
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.retried, TEXTS.len() as u64 + 4);
    assert_eq!(snapshot.panics, if panics { 3 } else { 0 });
    assert_eq!(snapshot.failed, 2);
    assert_settled(&handle);
    error
}

#[test]
fn a_backend_that_fails_on_one_text_answers_its_neighbours() {
    let error = takes_no_neighbours(false);
    assert!(matches!(error, EngineError::Model(Error::Backend { .. })));
    assert_eq!(error.to_string(), "backend scripted: out of order");
}

#[test]
fn a_backend_that_panics_over_one_text_answers_its_neighbours() {
    let error = takes_no_neighbours(true);
    assert!(matches!(error, EngineError::Panicked { .. }));
    assert_eq!(error.to_string(), "backend scripted panicked");
}

#[test]
fn what_fails_alone_is_not_tried_again() {
    let model = model("alone", |seen| {
        assert!(!is_poisoned(seen), "cannot bear it");
        Ok(())
    });
    let (_engine, handle) = start(&model, workers(1));
    for _ in 0..3 {
        let error = handle.understand(POISON, &any()).unwrap_err();
        assert!(matches!(error, EngineError::Panicked { .. }));
        assert!(handle.understand("order", &any()).is_ok());
    }
    let snapshot = handle.snapshot();
    assert_eq!((snapshot.failed, snapshot.retried), (3, 0));
    assert_settled(&handle);
}

#[test]
fn a_backend_that_hangs_loses_its_batch_and_nothing_else() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("hang", move |seen| {
        if is_poisoned(seen) {
            passed.pass();
        }
        Ok(())
    });
    let config = EngineConfig {
        hang_after: Duration::from_millis(30),
        spare_workers: 2,
        ..workers(1)
    };
    let (engine, handle) = start(&model, config);
    for hung in 1..=2 {
        let error = handle.understand(POISON, &within(100)).unwrap_err();
        assert!(matches!(error, EngineError::Deadline { .. }));
        // Another thread has taken over from the hung one.
        assert_eq!(handle.understand("order", &any()).unwrap().text, "order");
        eventually(&handle, |it| it.hung == hung && it.running == 0);
    }
    // No more spare ones: what comes now waits, and fails at its deadline.
    let hanging = handle.submit(POISON, &within(100)).unwrap();
    gate.wait_for(3);
    let stuck = handle.submit("order", &within(100)).unwrap();
    assert!(hanging.wait().is_err() && stuck.wait().is_err());
    assert_eq!((handle.snapshot().replaced, handle.snapshot().hung), (2, 2));
    assert_eq!(handle.snapshot().late, 4);
    // It comes to life again.
    gate.open();
    assert!(handle.understand("order", &any()).is_ok());
    eventually(&handle, |it| it.hung == 0 && it.running == 0);
    assert_settled(&handle);
    assert!(engine.drain(Duration::ZERO).is_clean());
}

#[test]
fn a_hanging_backend_does_not_hold_up_the_end() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("end", move |_| {
        passed.pass();
        Ok(())
    });
    let config = EngineConfig {
        hang_after: Duration::from_millis(20),
        ..workers(1)
    };
    let (engine, handle) = start(&model, config);
    let hanging = handle.submit("order", &any()).unwrap();
    eventually(&handle, |it| it.hung == 1);
    let drained = engine.drain(Duration::from_millis(20));
    assert_eq!((drained.cut_off, drained.threads_left), (1, 1));
    assert!(matches!(hanging.wait(), Err(EngineError::Closed)));
    gate.open();
}

/// A runtime with a fault of its own.
struct Faulty;

impl Wake for Faulty {
    fn wake(self: Arc<Self>) {
        panic!("not awake");
    }
}

#[test]
fn a_waker_that_panics_ends_no_worker() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("waker", move |_| {
        passed.pass();
        Ok(())
    });
    let (_engine, handle) = start(&model, workers(1));
    let mut pending = handle.submit("order", &any()).unwrap();
    let waker = Waker::from(Arc::new(Faulty));
    let poll = Pin::new(&mut pending).poll(&mut Context::from_waker(&waker));
    assert!(matches!(poll, Poll::Pending));
    gate.open();
    assert!(handle.submit("order", &any()).unwrap().wait().is_ok());
    assert!(pending.wait().is_ok());
    assert_settled(&handle);
}
