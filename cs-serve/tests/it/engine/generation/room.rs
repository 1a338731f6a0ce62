//! What waits, what has room, and what is read once.

use std::sync::{Arc, Mutex};

use cs_serve::EngineError;
use cs_serve::engine::generation::{GenerationConfig, GenerationEvent, GenerationRequest};
use cs_serve::engine::{Options, Priority};

use super::{
    FIRST, alone, ask, assert_settled, config, eventually, gated, model, next, plain, settings,
    start,
};
use crate::engine::models::Gate;

/// The token at which a gated backend waits.
const GATE: u32 = 40;

#[test]
fn what_has_no_room_waits_in_line_and_what_is_too_much_is_refused() {
    let gate = Gate::closed();
    let small = GenerationConfig {
        queue: 3,
        ..config()
    };
    let (_engine, handle) = start(gated(&gate, GATE), small);
    let first = ask(&handle, &[GATE], 100);
    gate.wait_for(1);
    // It has 104 of 160 tokens.
    let large = ask(&handle, &[FIRST; 50], 8);
    let little = ask(&handle, &[FIRST], 1);
    let last = ask(&handle, &[FIRST, FIRST], 1);
    assert_eq!(
        (handle.snapshot().waiting, handle.snapshot().active),
        (3, 1)
    );
    let request = GenerationRequest::new(vec![FIRST], settings(1));
    let error = handle.generate(request, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the queue is full: 3 texts wait; try again in 1000 ms"
    );
    assert!(error.retry_after().is_some());
    // A caller with a name has no more than its share.
    let named = Options {
        caller: Some("shop".into()),
        ..Options::default()
    };
    drop(last);
    eventually(&handle, |it| it.waiting == 2);
    let shop = |prompt: &[u32]| {
        let request = GenerationRequest::new(prompt.to_vec(), settings(1));
        handle.generate(request, &named)
    };
    let own = shop(&[FIRST]).unwrap();
    assert!(matches!(shop(&[FIRST]), Err(EngineError::Full { .. })));
    gate.open();
    for (stream, prompt, new) in [
        (first, vec![GATE], 100),
        (large, vec![FIRST; 50], 8),
        (little, vec![FIRST], 1),
        (own, vec![FIRST], 1),
    ] {
        assert_eq!(stream.wait().unwrap().tokens, alone(&prompt, new));
    }
    assert_eq!(handle.snapshot().refused.full, 2);
    assert_settled(&handle);
}

#[test]
fn the_urgent_are_let_in_first_and_nobody_is_overtaken_for_their_length() {
    let gate = Gate::closed();
    let one = GenerationConfig {
        sequences: 1.try_into().unwrap(),
        ..config()
    };
    let order = Arc::new(Mutex::new(Vec::new()));
    let (passed, seen) = (Arc::clone(&gate), Arc::clone(&order));
    let noting = model(move |tokens| {
        seen.lock().unwrap().push(tokens.len());
        passed.pass();
        Ok(next(tokens))
    });
    let (_engine, handle) = start(noting, one);
    let held = ask(&handle, &[FIRST; 9], 1);
    gate.wait_for(1);
    let enter = |prompt: &[u32], priority| {
        let options = Options {
            priority,
            ..Options::default()
        };
        let request = GenerationRequest::new(prompt.to_vec(), settings(2));
        handle.generate(request, &options).unwrap()
    };
    let long = enter(&[FIRST; 100], Priority::Normal);
    let short = enter(&[FIRST; 30], Priority::Normal);
    let urgent = enter(&[FIRST; 20], Priority::High);
    gate.open();
    for stream in [held, long, short, urgent] {
        assert!(stream.wait().is_ok());
    }
    assert_eq!(*order.lock().unwrap(), [9, 20, 21, 100, 101, 30, 31]);
    assert_settled(&handle);
}

#[test]
fn what_prompts_begin_with_is_read_once() {
    let gate = Gate::closed();
    let (_engine, handle) = start(gated(&gate, GATE), config());
    let system = [FIRST + 2; 35];
    let prompt = |own: u32| [&system[..], &[own; 2]].concat();
    let held = ask(&handle, &[GATE], 1);
    gate.wait_for(1);
    let streams = [1, 2, 3].map(|own| ask(&handle, &prompt(FIRST + own), 2));
    gate.open();
    let found = streams.map(|stream| stream.wait().unwrap());
    assert_eq!(found.map(|end| end.reused_tokens), [0, 32, 32]);
    assert!(held.wait().is_ok());
    // So are the turns before.
    let turn = [
        prompt(FIRST + 1),
        alone(&prompt(FIRST + 1), 2),
        vec![FIRST; 9],
    ]
    .concat();
    let end = ask(&handle, &turn, 2).wait().unwrap();
    assert_eq!((end.reused_tokens, end.tokens), (32, alone(&turn, 2)));
    assert_settled(&handle);
    let it = handle.snapshot();
    assert_eq!(it.reused_tokens, 3 * 32);
    assert!(it.used_tokens > 0);
}

#[test]
fn who_gives_up_and_begins_again_goes_on_from_there() {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let slow = model(move |tokens| {
        if tokens.len() == 40 {
            passed.pass();
        }
        Ok(next(tokens))
    });
    let (_engine, handle) = start(slow, config());
    let prompt = [FIRST + 2; 37];
    let stream = ask(&handle, &prompt, 90);
    gate.wait_for(1);
    drop(stream);
    let again = ask(&handle, &prompt, 2);
    gate.open();
    let again = again.wait().unwrap();
    assert_eq!((again.reused_tokens, again.tokens), (32, alone(&prompt, 2)));
    // One came before the step that was given up, which read what the text repeats as well.
    assert_eq!(
        (handle.snapshot().cancelled, handle.snapshot().new_tokens),
        (1, 3)
    );
    assert_settled(&handle);
}

#[test]
fn who_is_cancelled_in_line_leaves_it_at_once() {
    let gate = Gate::closed();
    let (_engine, handle) = start(gated(&gate, GATE), config());
    let held = ask(&handle, &[GATE], 120);
    gate.wait_for(1);
    let waiting = ask(&handle, &[FIRST; 40], 4);
    assert_eq!(handle.snapshot().waiting, 1);
    drop(waiting);
    assert_eq!(handle.snapshot().waiting, 0);
    drop(held);
    gate.open();
    eventually(&handle, |it| it.active == 0);
    assert_eq!(
        ask(&handle, &[FIRST; 40], 100).wait().unwrap().tokens.len(),
        100
    );
    assert_eq!(handle.snapshot().cancelled, 2);
    assert_settled(&handle);
}

#[test]
fn a_text_is_written_whether_or_not_it_is_read() {
    let (_engine, handle) = start(plain(), config());
    let mut stream = ask(&handle, &[FIRST], 90);
    eventually(&handle, |it| it.answered == 1);
    assert_eq!(ask(&handle, &[FIRST], 2).wait().unwrap().tokens.len(), 2);
    let Some(Ok(GenerationEvent::Delta(delta))) = stream.next() else {
        panic!("no text");
    };
    let Some(Ok(GenerationEvent::End(end))) = stream.next() else {
        panic!("no end");
    };
    assert_eq!((delta.tokens, delta.text), (90, end.text));
    assert!(stream.next().is_none());
    assert_settled(&handle);
}
