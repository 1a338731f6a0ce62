//! Backends that fail, panic and hang.

use std::sync::Arc;
use std::time::Duration;

use cs_serve::engine::Options;
use cs_serve::engine::generation::GenerationRequest;
use cs_serve::{EngineError, Error};

use super::{
    FIRST, alone, ask, assert_settled, config, eventually, gated, model, next, plain, settings,
    start,
};
use crate::engine::models::Gate;

/// What the faulty backends cannot bear.
const POISON: u32 = 41;
/// The token at which a gated backend waits.
const GATE: u32 = 40;

/// A backend that stumbles over the third token after a poisonous prompt, and waits at a gate.
fn faulty(gate: &Arc<Gate>, stumble: fn() -> super::BackendError) -> super::GenerationModel {
    let gate = Arc::clone(gate);
    model(move |tokens| {
        if tokens == [GATE] {
            gate.pass();
        }
        if tokens[0] == POISON && tokens.len() == 4 {
            return Err(stumble());
        }
        Ok(next(tokens))
    })
}

#[test]
fn a_backend_that_fails_in_a_step_takes_no_neighbour_with_it() {
    let gate = Gate::closed();
    let (_engine, handle) = start(faulty(&gate, || "out of order".into()), config());
    let first = ask(&handle, &[GATE], 9);
    gate.wait_for(1);
    let poison = ask(&handle, &[POISON], 9);
    let after = ask(&handle, &[FIRST], 9);
    gate.open();
    let error = poison.wait().unwrap_err();
    assert!(matches!(error, EngineError::Model(Error::Backend { .. })));
    assert_eq!(error.to_string(), "backend scripted: out of order");
    for (stream, prompt) in [(first, GATE), (after, FIRST)] {
        assert_eq!(stream.wait().unwrap().tokens, alone(&[prompt], 9));
    }
    assert_eq!((handle.snapshot().failed, handle.snapshot().panics), (1, 0));
    assert_settled(&handle);
}

#[test]
fn a_backend_that_panics_ends_what_it_was_writing_and_writes_on() {
    let gate = Gate::closed();
    let (engine, handle) = start(faulty(&gate, || panic!("cannot bear a secret")), config());
    let first = ask(&handle, &[GATE], 9);
    gate.wait_for(1);
    let poison = ask(&handle, &[POISON], 9);
    gate.open();
    for stream in [first, poison] {
        let error = stream.wait().unwrap_err();
        assert!(matches!(error, EngineError::Panicked { .. }));
        assert_eq!(error.to_string(), "backend scripted panicked");
    }
    assert_eq!(
        ask(&handle, &[FIRST], 9).wait().unwrap().tokens,
        alone(&[FIRST], 9)
    );
    assert_eq!((handle.snapshot().failed, handle.snapshot().panics), (2, 1));
    assert_settled(&handle);
    assert!(engine.drain(Duration::MAX).is_clean());
}

#[test]
fn settings_that_leave_no_token_end_their_text_alone() {
    let (_engine, handle) = start(plain(), config());
    let nothing = cs_model::generate::GenerateConfig {
        suppress_tokens: (0..handle.model().tokenizer().vocab_size() as u32).collect(),
        ..settings(4)
    };
    let request = GenerationRequest::new(vec![FIRST], nothing);
    let stream = handle.generate(request, &Options::default()).unwrap();
    let other = ask(&handle, &[FIRST], 4);
    let error = stream.wait().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("at least one that the settings do not rule out"),
        "{error}"
    );
    assert_eq!(other.wait().unwrap().tokens, alone(&[FIRST], 4));
    assert_settled(&handle);
}

#[test]
fn a_backend_that_hangs_is_late_and_holds_up_nobody_who_blocks() {
    let gate = Gate::closed();
    let (engine, handle) = start(gated(&gate, GATE), config());
    let short = Options {
        deadline: Some(Duration::from_millis(100)),
        ..Options::default()
    };
    let enter = |prompt: u32| {
        let request = GenerationRequest::new(vec![prompt], settings(20));
        handle.generate(request, &short).unwrap()
    };
    let hanging = enter(GATE);
    gate.wait_for(1);
    let waiting = enter(FIRST);
    for stream in [hanging, waiting] {
        let error = stream.wait().unwrap_err();
        assert!(matches!(error, EngineError::Deadline { .. }), "{error}");
    }
    gate.open();
    assert_eq!(
        ask(&handle, &[FIRST], 2).wait().unwrap().tokens,
        alone(&[FIRST], 2)
    );
    assert_eq!(handle.snapshot().late, 2);
    assert_settled(&handle);
    assert!(engine.drain(Duration::MAX).is_clean());
}

#[test]
fn a_text_that_is_late_ends_between_two_steps() {
    let (_engine, handle) = start(
        model(|tokens| {
            std::thread::sleep(Duration::from_millis(1));
            Ok(next(tokens))
        }),
        config(),
    );
    let short = Options {
        deadline: Some(Duration::from_millis(20)),
        ..Options::default()
    };
    let request = GenerationRequest::new(vec![FIRST], settings(150));
    let stream = handle.generate(request, &short).unwrap();
    // Nobody asks for it, and yet it ends.
    eventually(&handle, |it| it.late == 1);
    assert!(matches!(stream.wait(), Err(EngineError::Deadline { .. })));
    assert_settled(&handle);
}
