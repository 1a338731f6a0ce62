//! Texts longer than the model reads.

use std::sync::Arc;

use cs_serve::engine::{EngineConfig, Handle, Windows};
use cs_serve::{Assistant, Understanding};

use super::models::{MAX_LENGTH, TEXTS, any, assert_settled, model, plain, start, workers};

fn config(overlap: usize, most: usize) -> EngineConfig {
    EngineConfig {
        windows: Some(Windows {
            overlap,
            most: most.try_into().unwrap(),
        }),
        ..workers(2)
    }
}

/// Checks that every number of the text was found where it stands, each once.
fn assert_all_found(turn: &Understanding, text: &str) {
    assert_eq!(turn.text, text);
    let found: Vec<_> = turn.entities.iter().map(|it| (it.start, it.end)).collect();
    let places = text.match_indices("12345").map(|(byte, number)| {
        let start = text[..byte].chars().count();
        (start, start + number.len())
    });
    assert_eq!(found, places.collect::<Vec<_>>());
    assert!(turn.entities.iter().all(|entity| entity.text == "12345"));
}

fn both(handle: &Handle, text: &str) -> Understanding {
    let turn = handle.understand(text, &any()).unwrap();
    let pending = handle.submit(text, &any()).unwrap();
    assert_eq!(pending.wait().unwrap(), turn);
    turn
}

#[test]
fn a_long_text_is_read_to_its_end() {
    let model = model("long", |seen| {
        let words = |text: &String| text.split(' ').count();
        assert!(seen.iter().all(|text| words(text) <= MAX_LENGTH - 2));
        Ok(())
    });
    for overlap in [0, 3, 1000] {
        let (_engine, handle) = start(&model, config(overlap, 100));
        for filler in ["order ", "退款", "is 订单 the ", "please cancel 退 "] {
            for gap in [1, 4, 7] {
                let text = format!("{}12345 ", filler.repeat(gap)).repeat(9);
                let turn = both(&handle, text.trim());
                assert!(!turn.truncated);
                assert_all_found(&turn, text.trim());
                assert!(turn.intent.is_some() && turn.sentiment.is_some());
            }
        }
        assert_settled(&handle);
    }
}

#[test]
fn what_the_limit_on_windows_cuts_is_told() {
    let model = plain();
    let (_engine, handle) = start(&model, config(4, 2));
    let text = "order ".repeat(60) + "12345";
    let turn = both(&handle, &text);
    assert!(turn.truncated && turn.entities.is_empty() && turn.intent.is_some());
    // Two windows are enough for this one.
    let text = "order ".repeat(30) + "12345";
    let turn = both(&handle, &text);
    assert!(!turn.truncated);
    assert_all_found(&turn, &text);
}

#[test]
fn a_text_that_fits_is_answered_as_ever() {
    let model = plain();
    let (_engine, handle) = start(&model, config(4, 9));
    for text in TEXTS.into_iter().chain(["", " \t", "🦄"]) {
        assert_eq!(both(&handle, text), model.understand(text).unwrap());
    }
    let (_engine, handle) = start(&model, workers(1));
    let long = "order ".repeat(60);
    assert_eq!(both(&handle, &long), model.understand(&long).unwrap());
    assert!(model.understand(&long).unwrap().truncated);
}

#[test]
fn there_may_be_nothing_to_read_in_a_long_text() {
    let (_engine, handle) = start(&plain(), config(4, 9));
    let silent = |text: &str| {
        let turn = both(&handle, text);
        assert_eq!((turn.intent, turn.intents.len()), (None, 0));
        assert_eq!((turn.entities.len(), turn.sentiment), (0, None));
        turn.truncated
    };
    assert!(!silent(&" \n".repeat(20_000)));
    assert!(silent(&"🦄".repeat(10_000)));
    // A gap does not end the text.
    let text = format!("order{}12345 {}12345", " ".repeat(9_000), "🦄 ".repeat(20));
    let turn = both(&handle, &text);
    assert!(!turn.truncated);
    assert_all_found(&turn, &text);
}

#[test]
fn windows_of_many_texts_are_kept_apart() {
    let model: Arc<Assistant> = plain();
    let (_engine, handle) = start(&model, config(4, 9));
    let long = "cancel order 12345 please ".repeat(12);
    let texts = vec![
        TEXTS[0].to_owned(),
        long.clone(),
        TEXTS[1].to_owned(),
        long.clone(),
    ];
    let turns = handle.understand_all(texts, &any()).unwrap();
    assert_eq!(turns[0], model.understand(TEXTS[0]).unwrap());
    assert_eq!(turns[2], model.understand(TEXTS[1]).unwrap());
    assert_all_found(&turns[1], &long);
    assert_eq!(turns[1], turns[3]);
    assert!(handle.snapshot().batch_texts.sum > 8.0);
}
