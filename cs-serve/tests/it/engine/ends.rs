//! Draining and dropping: what was let in is answered, or told that it is not, and threads end.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cs_serve::engine::{Engine, EngineConfig};
use cs_serve::{Assistant, EngineError};

use super::models::{Gate, any, assert_settled, model, plain, start, workers};

fn gated(gate: &Arc<Gate>) -> Arc<Assistant> {
    let gate = Arc::clone(gate);
    model("gated", move |_| {
        gate.pass();
        Ok(())
    })
}

#[test]
fn draining_answers_what_was_let_in_and_lets_nothing_in() {
    let gate = Gate::closed();
    let config = EngineConfig {
        batch_texts: 2,
        ..workers(2)
    };
    let (engine, handle) = start(&gated(&gate), config);
    let pending: Vec<_> = (0..20)
        .map(|_| handle.submit("order", &any()).unwrap())
        .collect();
    let draining = std::thread::spawn(move || engine.drain(Duration::from_secs(60)));
    while handle.is_open() {
        std::thread::yield_now();
    }
    let error = handle.submit("order", &any()).unwrap_err();
    assert_eq!(error.to_string(), "the engine takes no more requests");
    let error = handle.understand("order", &any()).unwrap_err();
    assert!(matches!(error, EngineError::Closed));
    gate.open();
    assert!(draining.join().unwrap().is_clean());
    for pending in pending {
        assert!(pending.wait().is_ok());
    }
    assert_eq!(handle.snapshot().refused.closed, 2);
    assert_settled(&handle);
}

#[test]
fn draining_has_a_limit() {
    let gate = Gate::closed();
    let (engine, handle) = start(&gated(&gate), workers(1));
    let first = handle.submit("order", &any()).unwrap();
    gate.wait_for(1);
    let second = handle.submit("order", &any()).unwrap();
    let opener = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        gate.open();
    });
    let drained = engine.drain(Duration::from_millis(10));
    assert_eq!(drained.cut_off, 2);
    for pending in [first, second] {
        assert!(matches!(pending.wait(), Err(EngineError::Closed)));
    }
    opener.join().unwrap();
    assert_eq!(handle.snapshot().cut_off, 2);
}

/// Counts threads that have begun and ended.
struct Alive(Arc<[AtomicUsize; 2]>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    static ALIVE: RefCell<Option<Alive>> = const { RefCell::new(None) };
}

#[test]
fn dropping_the_engine_ends_its_threads() {
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    let (gate, of_threads) = (Gate::closed(), Arc::clone(&counts));
    let passed = Arc::clone(&gate);
    let model = model("threads", move |_| {
        ALIVE.with_borrow_mut(|alive| {
            alive.get_or_insert_with(|| {
                of_threads[0].fetch_add(1, Ordering::SeqCst);
                Alive(Arc::clone(&of_threads))
            });
        });
        passed.pass();
        Ok(())
    });
    let config = EngineConfig {
        batch_texts: 1,
        ..workers(3)
    };
    let (engine, handle) = start(&model, config);
    let submit = |_| handle.submit("order", &any()).unwrap();
    let pending: Vec<_> = (0..3).map(submit).collect();
    gate.wait_for(3);
    gate.open();
    for pending in pending {
        pending.wait().unwrap();
    }
    let waiting = handle.submit("order", &any()).unwrap();
    drop(engine);
    let count = |i: usize| counts[i].load(Ordering::SeqCst);
    assert_eq!((count(0), count(1)), (3, 3));
    assert!(!matches!(waiting.wait(), Err(EngineError::Deadline { .. })));
    let error = handle.understand("order", &any()).unwrap_err();
    assert!(matches!(error, EngineError::Closed));
    // No thread holds the model, nor does anything but the handle.
    drop(handle);
    assert_eq!(Arc::strong_count(&model), 1);
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let config = EngineConfig {
        hang_after: Duration::ZERO,
        ..EngineConfig::default()
    };
    let error = Engine::start(plain(), config).unwrap_err();
    let message = "hang_after = 0ns, expected more than nothing";
    assert_eq!(error.to_string(), message);
}
