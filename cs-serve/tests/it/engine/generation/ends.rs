//! Draining, dropping and swapping.

use std::sync::Arc;
use std::time::Duration;

use cs_serve::engine::Options;
use cs_serve::engine::generation::GenerationRequest;
use cs_serve::{EngineError, ScriptedGeneration};

use super::{
    END, FIRST, alone, ask, assert_settled, config, eventually, gated, model, next, plain,
    settings, start, tokenizer,
};
use crate::engine::models::Gate;

/// The token at which a gated backend waits.
const GATE: u32 = 40;

#[test]
fn draining_writes_what_was_let_in_and_lets_nothing_in() {
    let gate = Gate::closed();
    let (engine, handle) = start(gated(&gate, GATE), config());
    let first = ask(&handle, &[GATE], 9);
    gate.wait_for(1);
    let second = ask(&handle, &[FIRST; 100], 9);
    let draining = std::thread::spawn(move || engine.drain(Duration::from_secs(60)));
    while handle.is_open() {
        std::thread::yield_now();
    }
    let request = GenerationRequest::new(vec![FIRST], settings(1));
    let refused = handle.generate(request, &Options::default());
    assert!(matches!(refused, Err(EngineError::Closed)));
    gate.open();
    assert!(draining.join().unwrap().is_clean());
    assert_eq!(first.wait().unwrap().tokens.len(), 9);
    assert_eq!(second.wait().unwrap().tokens.len(), 9);
    assert_eq!(handle.snapshot().refused.closed, 1);
}

#[test]
fn draining_has_a_limit_and_does_not_wait_for_who_hangs() {
    let gate = Gate::closed();
    let (engine, handle) = start(gated(&gate, GATE), config());
    let hanging = ask(&handle, &[GATE], 9);
    gate.wait_for(1);
    let waiting = ask(&handle, &[FIRST], 9);
    let drained = engine.drain(Duration::from_millis(5));
    assert_eq!((drained.cut_off, drained.threads_left), (2, 1));
    for stream in [hanging, waiting] {
        assert!(matches!(stream.wait(), Err(EngineError::Closed)));
    }
    gate.open();
}

#[test]
fn dropping_an_engine_cuts_off_what_is_left() {
    let gate = Gate::closed();
    let (engine, handle) = start(gated(&gate, GATE), config());
    let stream = ask(&handle, &[GATE], 150);
    gate.wait_for(1);
    drop(engine);
    assert!(matches!(stream.wait(), Err(EngineError::Closed)));
    assert_eq!((handle.snapshot().cut_off, handle.is_open()), (1, false));
    gate.open();
}

#[test]
fn a_model_that_was_replaced_writes_to_the_end_what_it_began() {
    let gate = Gate::closed();
    let old_is_there = Arc::new(());
    let (passed, own) = (Arc::clone(&gate), Arc::clone(&old_is_there));
    let old = model(move |tokens| {
        let _own = &own;
        if tokens.last() == Some(&GATE) {
            passed.pass();
        }
        Ok(next(tokens))
    });
    let (_engine, handle) = start(old, config());
    let first = ask(&handle, &[GATE], 9);
    gate.wait_for(1);
    let waiting = ask(&handle, &[FIRST; 120], 9);
    handle.swap(model(|_| Ok(END))).unwrap();
    let new = ask(&handle, &[FIRST], 9);
    gate.open();
    assert_eq!(first.wait().unwrap().tokens, alone(&[GATE], 9));
    assert_eq!(waiting.wait().unwrap().tokens, alone(&[FIRST; 120], 9));
    assert_eq!(new.wait().unwrap().tokens, [END]);
    assert_eq!(ask(&handle, &[FIRST], 9).wait().unwrap().tokens, [END]);
    eventually(&handle, |_| Arc::strong_count(&old_is_there) == 1);
    assert_eq!(handle.snapshot().swaps, 1);
    assert_settled(&handle);
}

#[test]
fn a_model_that_fails_on_its_first_token_replaces_none() {
    let (_engine, handle) = start(plain(), config());
    let error = handle.swap(model(|_| Err("broken".into()))).unwrap_err();
    assert_eq!(error.to_string(), "backend scripted: broken");
    let error = handle.swap(model(|_| panic!("worse"))).unwrap_err();
    assert!(matches!(error, EngineError::Panicked { .. }));
    let none = ScriptedGeneration::new(0, |_| Ok(0));
    let none = super::GenerationModel::new(tokenizer(), settings(1), Box::new(none));
    assert!(handle.swap(none).is_ok());
    assert!(
        super::refusal(&handle, &[FIRST], settings(1)).contains("less than the vocabulary's 0")
    );
    handle.swap(plain()).unwrap();
    assert_eq!(
        ask(&handle, &[FIRST], 9).wait().unwrap().tokens,
        alone(&[FIRST], 9)
    );
    assert_eq!(handle.snapshot().swaps, 2);
}
