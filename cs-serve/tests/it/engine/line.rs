//! The line: order, deadlines, cancellation, and what is not let in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cs_serve::EngineError;
use cs_serve::engine::{EngineConfig, Handle, Options, Pending, Priority};
use cs_serve::{Assistant, engine::Engine};

use super::models::{Gate, any, assert_settled, eventually, model, start, within, workers};

/// An engine that computes text by text, and nothing beyond "order" before its gate opens.
struct Held {
    engine: Engine,
    handle: Handle,
    gate: Arc<Gate>,
    /// What was computed, in this order.
    seen: Arc<Mutex<Vec<String>>>,
    first: Pending,
}

fn recording(gate: &Arc<Gate>, seen: &Arc<Mutex<Vec<String>>>) -> Arc<Assistant> {
    let (gate, seen) = (Arc::clone(gate), Arc::clone(seen));
    model("line", move |texts| {
        seen.lock().unwrap().extend_from_slice(texts);
        gate.pass();
        Ok(())
    })
}

fn held(config: EngineConfig) -> Held {
    let (gate, seen) = (Gate::closed(), Arc::default());
    let config = EngineConfig {
        batch_texts: 1,
        ..config
    };
    let (engine, handle) = start(&recording(&gate, &seen), config);
    let first = handle.submit("order", &any()).unwrap();
    gate.wait_for(1);
    Held {
        engine,
        handle,
        gate,
        seen,
        first,
    }
}

fn from(caller: &str, priority: Priority) -> Options {
    Options {
        caller: Some(caller.into()),
        priority,
        ..Options::default()
    }
}

#[test]
fn who_asks_takes_turns_and_the_urgent_go_first() {
    let held = held(workers(1));
    let submit = |text: &str, options: &Options| held.handle.submit(text, options).unwrap();
    let mut pending = Vec::new();
    let refund = "refund ".repeat(20);
    for _ in 0..3 {
        pending.push(submit(refund.trim(), &from("a", Priority::Normal)));
    }
    for _ in 0..3 {
        pending.push(submit("cancel", &from("b", Priority::Normal)));
    }
    pending.push(submit("please", &from("a", Priority::High)));
    held.gate.open();
    for pending in pending {
        pending.wait().unwrap();
    }
    let seen = held.seen.lock().unwrap();
    let first: Vec<_> = seen
        .iter()
        .map(|text| text.split(' ').next().unwrap())
        .collect();
    let expected = "order please refund refund cancel cancel cancel refund";
    assert_eq!(first.join(" "), expected);
}

#[test]
fn the_dropped_are_not_computed() {
    let held = held(workers(1));
    let submit = |text: &str| held.handle.submit(text, &any()).unwrap();
    let (kept, dropped) = (submit("cancel"), submit("refund"));
    let all = vec!["refund".into(), "refund".into()];
    let both = held.handle.submit_all(all, &any()).unwrap();
    assert_eq!(held.handle.snapshot().queue_texts, 4);
    drop(dropped);
    drop(both);
    assert_eq!(held.handle.snapshot().queue_texts, 1);
    drop(held.first); // computed, but for nobody
    held.gate.open();
    assert!(kept.wait().is_ok());
    assert_eq!(*held.seen.lock().unwrap(), ["order", "cancel"]);
    assert_eq!(held.handle.snapshot().cancelled, 3);
    assert_settled(&held.handle);
}

#[test]
fn a_deadline_is_kept_in_line_and_under_way() {
    let held = held(workers(1));
    let waiting = held.handle.submit("cancel", &within(20)).unwrap();
    let patient = held.handle.submit("refund", &any()).unwrap();
    let error = waiting.wait().unwrap_err();
    assert_eq!(error.to_string(), "no answer within 20 ms");
    assert!(error.retry_after().is_none());
    assert_eq!(held.handle.snapshot().queue_texts, 1);
    held.gate.open();
    assert!(patient.wait().is_ok() && held.first.wait().is_ok());
    assert_eq!(*held.seen.lock().unwrap(), ["order", "refund"]);

    let gate = Gate::closed();
    let (_engine, handle) = start(&recording(&gate, &Arc::default()), workers(1));
    let computed = handle.submit("cancel", &within(20)).unwrap();
    let error = computed.wait().unwrap_err();
    assert!(matches!(error, EngineError::Deadline { .. }));
    gate.open();
    assert!(matches!(
        handle.submit("refund", &within(0)),
        Err(EngineError::Deadline { .. })
    ));
    assert_settled(&handle);
    assert_eq!(handle.snapshot().late, 1);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let config = EngineConfig {
        queue_texts: 4,
        queue_tokens: 40,
        ..workers(1)
    };
    let held = held(config);
    let handle = &held.handle;
    let all = vec!["refund".to_owned(); 5];
    let error = handle.submit_all(all, &any()).unwrap_err();
    assert!(matches!(error, EngineError::TooLarge { texts: 5, .. }));
    let long = vec!["refund ".repeat(20); 2];
    let error = handle.submit_all(long, &any()).unwrap_err();
    let message = "a request of 2 texts with 44 tokens, expected at most 4 with 40";
    assert_eq!(error.to_string(), message);

    let named = from("a", Priority::Normal);
    let ask = |options: &Options| handle.submit("refund", options);
    let (one, two) = (ask(&named).unwrap(), ask(&named).unwrap());
    let error = ask(&named).unwrap_err(); // half of the queue, and no more
    assert!(matches!(error, EngineError::Full { waiting: 2, .. }));
    let (three, four) = (ask(&any()).unwrap(), ask(&any()).unwrap());
    let error = handle.understand("refund", &any()).unwrap_err();
    let message = "the queue is full: 4 texts wait; try again in 1000 ms";
    assert_eq!(error.to_string(), message);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    let refused = handle.snapshot().refused;
    assert_eq!((refused.full, refused.too_large), (2, 2));

    drop(one); // makes room
    let five = ask(&any()).unwrap();
    held.gate.open();
    for pending in [two, three, four, five] {
        pending.wait().unwrap();
    }
}

#[test]
fn what_would_be_late_is_refused_at_once() {
    let (gate, pace) = (Gate::closed(), Duration::from_millis(5));
    let passed = Arc::clone(&gate);
    let model = model("pace", move |_| {
        passed.pass();
        std::thread::sleep(pace);
        Ok(())
    });
    let config = EngineConfig {
        batch_texts: 1,
        ..workers(1)
    };
    let (_engine, handle) = start(&model, config);
    let submit = |count: usize| {
        handle
            .submit_all(vec!["refund".into(); count], &any())
            .unwrap()
    };
    let first = submit(20);
    assert!(handle.snapshot().tokens_per_second.is_none());
    gate.open();
    first.wait().unwrap();
    assert!(handle.snapshot().tokens_per_second.unwrap() > 0.0);
    let waiting = submit(60);
    let error = handle.submit("refund", &within(100)).unwrap_err(); // 300 ms at the very least
    assert!(matches!(error, EngineError::Overloaded { .. }), "{error}");
    assert!(error.retry_after() > Some(Duration::ZERO));
    assert_eq!(handle.snapshot().refused.overloaded, 1);
    waiting.wait().unwrap();
    // Nothing waits: whatever the rate, it is tried.
    eventually(&handle, |it| it.running == 0);
    handle
        .submit("refund", &within(60_000))
        .unwrap()
        .wait()
        .unwrap();
    assert_settled(&handle);
}

#[test]
fn nothing_goes_straight_past_what_waits() {
    let held = held(workers(1));
    let waiting = held.handle.submit("cancel", &any()).unwrap();
    std::thread::scope(|scope| {
        let handle = held.handle.clone();
        let blocking = scope.spawn(move || handle.understand("refund", &any()));
        eventually(&held.handle, |it| it.queue_texts == 2);
        held.gate.open();
        blocking.join().unwrap().unwrap();
    });
    waiting.wait().unwrap();
    assert_eq!(*held.seen.lock().unwrap(), ["order", "cancel", "refund"]);
    drop(held.engine);
}
