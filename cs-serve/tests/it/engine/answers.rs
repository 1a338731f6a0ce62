//! Whoever asks, however, gets what the assistant alone would answer.

use std::sync::{Arc, Mutex};

use cs_serve::EngineError;
use cs_serve::engine::{EngineConfig, Handle, Pending, PendingAll};

use super::models::{Gate, TEXTS, any, assert_settled, block_on, model, plain, start, workers};

#[test]
fn handles_and_futures_go_anywhere() {
    fn anywhere<T: Send + Sync + Clone + 'static>() {}
    fn future<T: Future + Send + Sync + Unpin + 'static>() {}
    anywhere::<Handle>();
    future::<Pending>();
    future::<PendingAll>();
}

#[test]
fn every_way_in_gives_the_assistants_answer() {
    let model = plain();
    let (_engine, handle) = start(&model, workers(2));
    let texts = TEXTS.map(String::from).to_vec();
    let expected = model.understand_batch(&TEXTS).unwrap();
    for (text, expected) in TEXTS.iter().zip(&expected) {
        assert_eq!(&handle.understand(*text, &any()).unwrap(), expected);
        assert_eq!(
            &handle.submit(*text, &any()).unwrap().wait().unwrap(),
            expected
        );
        let answer = async { handle.submit(*text, &any())?.await };
        assert_eq!(&block_on(answer).unwrap(), expected);
    }
    assert_eq!(
        handle.understand_all(texts.clone(), &any()).unwrap(),
        expected
    );
    let pending = handle.submit_all(texts, &any()).unwrap();
    assert_eq!(block_on(pending).unwrap(), expected);
    assert_settled(&handle);
}

#[test]
fn no_texts_have_no_answers() {
    let (_engine, handle) = start(&plain(), workers(1));
    assert!(
        handle
            .understand_all(Vec::new(), &any())
            .unwrap()
            .is_empty()
    );
    let pending = handle.submit_all(Vec::new(), &any()).unwrap();
    assert!(block_on(pending).unwrap().is_empty());
    assert_settled(&handle);
}

#[test]
fn a_batch_of_many_callers_gives_each_its_own_answer() {
    let gate = Gate::closed();
    let (passed, sizes) = (Arc::clone(&gate), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&sizes);
    let model = model("batch", move |seen| {
        noted.lock().unwrap().push(seen.len());
        passed.pass();
        Ok(())
    });
    let (_engine, handle) = start(&model, workers(1));
    let first = handle.submit("order", &any()).unwrap();
    gate.wait_for(1);
    let ask = |text: &&str| handle.submit(*text, &any()).unwrap();
    let pending: Vec<Pending> = TEXTS.iter().map(ask).collect();
    gate.open();
    first.wait().unwrap();
    for (text, pending) in TEXTS.iter().zip(pending) {
        assert_eq!(pending.wait().unwrap(), model.understand(text).unwrap());
    }
    assert_eq!(sizes.lock().unwrap()[..2], [1, TEXTS.len()]);
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.batch_texts.count(), 2);
    assert_eq!(snapshot.batch_texts.sum, 1.0 + TEXTS.len() as f64);
    assert_eq!(snapshot.stages.wait.count(), 1 + TEXTS.len() as u64);
}

#[test]
fn a_request_may_be_larger_than_a_batch() {
    let model = plain();
    let config = EngineConfig {
        batch_texts: 3,
        batch_tokens: 40,
        ..workers(2)
    };
    let (_engine, handle) = start(&model, config);
    let texts: Vec<&str> = TEXTS.into_iter().cycle().take(100).collect();
    let owned = texts.iter().map(|text| (*text).to_owned()).collect();
    let answers = handle.understand_all(owned, &any()).unwrap();
    assert_eq!(answers, model.understand_batch(&texts).unwrap());
}

#[test]
fn many_threads_at_once_have_each_its_own_answers() {
    let model = plain();
    let (_engine, handle) = start(&model, workers(2));
    let expected = model.understand_batch(&TEXTS).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (handle, expected) = (handle.clone(), &expected);
            scope.spawn(move || {
                for i in 0..50 {
                    let which = (thread + i) % TEXTS.len();
                    let answer = if i % 2 == 0 {
                        handle.understand(TEXTS[which], &any())
                    } else {
                        block_on(handle.submit(TEXTS[which], &any()).unwrap())
                    };
                    assert_eq!(answer.unwrap(), expected[which]);
                }
            });
        }
    });
    assert_eq!(handle.snapshot().answered, 400);
    assert_settled(&handle);
}

#[test]
fn a_text_that_cannot_be_read_is_refused() {
    let (_engine, handle) = start(&plain(), workers(1));
    let long = "secret ".repeat(20_000);
    for error in [
        handle.understand(long.clone(), &any()).unwrap_err(),
        handle.submit(long.clone(), &any()).unwrap_err(),
        handle
            .submit_all(vec!["order".into(), long], &any())
            .unwrap_err(),
    ] {
        let message = error.to_string();
        assert_eq!(message, "a text of 140000 bytes, expected at most 65536");
        assert!(matches!(error, EngineError::Model(_)));
        assert!(!format!("{error:?}").contains("secret"));
    }
    assert_eq!(handle.snapshot().refused.unreadable, 3);
    assert!(!format!("{handle:?}").is_empty());
    assert_settled(&handle);
}
