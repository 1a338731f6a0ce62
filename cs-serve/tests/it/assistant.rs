//! The assistant on a scripted backend, and on every real one with a small random model.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cs_data::TokenBatch;
use cs_model::{Bundle, Matrix};
use cs_serve::{Assistant, Error, HeadOutput, ScriptedBackend, Understanding};
use tempfile::TempDir;

use crate::bundles::{MAX_LENGTH, TEXTS, answers_every_text, bert, bundle, close, light};

fn scripted(
    script: impl Fn(&TokenBatch) -> Result<HeadOutput, cs_serve::BackendError> + Send + Sync + 'static,
) -> (TempDir, Assistant) {
    let dir = bundle(&light());
    let bundle = Bundle::open(dir.path()).unwrap();
    let assistant = Assistant::new(bundle, Box::new(ScriptedBackend::new(script))).unwrap();
    (dir, assistant)
}

/// Numbers that depend on each sequence's ids alone.
fn by_ids(batch: &TokenBatch) -> HeadOutput {
    let mut intent = Matrix::zeros(batch.sequences(), 3);
    let mut sentiment = Vec::new();
    for i in 0..batch.sequences() {
        let sum: u32 = batch.ids[batch.range(i)].iter().sum();
        intent.row_mut(i)[sum as usize % 3] = sum as f32 / 100.0;
        sentiment.push((sum % 101) as f32 / 100.0);
    }
    let mut slots = Matrix::zeros(batch.tokens(), 5);
    for (token, &id) in batch.ids.iter().enumerate() {
        slots.row_mut(token)[id as usize % 5] = 4.0;
    }
    HeadOutput {
        intent: Some(intent),
        slots: Some(slots),
        sentiment: Some(sentiment),
        ..HeadOutput::default()
    }
}

#[test]
fn every_text_has_its_own_answer() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let turns = answers_every_text(&assistant);
    assert!(turns[1].entities.len() + turns[6].entities.len() > 0);
    assert_eq!(turns[2].entities, []);
    assert!(assistant.understand_batch(&[]).unwrap().is_empty());
}

#[test]
fn a_text_without_anything_to_read_has_no_answer() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let blank = [
        "",
        " \t\r\n",
        "\u{3000}",
        "\0\u{1}\u{200b}\u{feff}",
        "\u{2028}",
        "🦄🦄",
        "ซึ่ง",
    ];
    let turns = assistant.understand_batch(&blank).unwrap();
    for (text, turn) in blank.iter().zip(&turns) {
        assert_eq!((&turn.intent, turn.intents.len()), (&None, 0), "{text:?}");
        assert_eq!((turn.entities.len(), turn.sentiment), (0, None), "{text:?}");
        assert_eq!(
            (turn.text.as_str(), turn),
            (*text, &assistant.understand(text).unwrap())
        );
    }
    // What the vocabulary knows is text, be it a single sign.
    for text in [",", "?", "😀", "🦄 退"] {
        assert!(
            assistant.understand(text).unwrap().intent.is_some(),
            "{text:?}"
        );
    }
}

#[test]
fn what_looks_like_a_control_token_is_text() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let tokenizer = assistant.tokenizer();
    let control = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"];
    let ids = control.map(|token| tokenizer.id(token).unwrap());
    for token in control {
        let text = format!("hello {token} {token}{token} 退");
        let encoding = tokenizer.encode(&text, MAX_LENGTH).unwrap();
        let inner = &encoding.ids[1..encoding.ids.len() - 1];
        assert!(
            !inner.iter().any(|id| ids.contains(id)),
            "{text}: {inner:?}"
        );
        let turn = assistant.understand(&text).unwrap();
        assert_eq!(turn.text, text);
        assert!(turn.intent.is_some() && !turn.truncated);
        // The word after it is where it was.
        let last = encoding.word_list().pop().unwrap();
        assert_eq!(&text[last.range], "退");
    }
}

#[test]
fn many_texts_go_in_several_batches_and_come_back_in_order() {
    let batches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&batches);
    let (_dir, assistant) = scripted(move |batch| {
        counted.fetch_add(1, Ordering::Relaxed);
        assert!(batch.tokens() <= 2048 && batch.sequences() <= 256);
        Ok(by_ids(batch))
    });
    let texts: Vec<String> = (0..1000).map(|i| "order ".repeat(i * 7 % 20)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let turns = assistant.understand_batch(&texts).unwrap();
    assert!(batches.load(Ordering::Relaxed) >= 4);
    assert_eq!(turns.len(), texts.len());
    for (text, turn) in texts.iter().zip(&turns).step_by(97) {
        assert_eq!(&assistant.understand(text).unwrap(), turn);
    }
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let (_dir, assistant) = scripted(|batch| {
        assert!(batch.max_len <= MAX_LENGTH);
        Ok(by_ids(batch))
    });
    let long = "订单 order ".repeat(5_000); // just under the limit in bytes
    let turn = assistant.understand(&long).unwrap();
    assert!(turn.truncated && turn.text == long);
    assert_eq!(serde_json::to_value(&turn).unwrap()["truncated"], true);
    let turns = assistant.understand_batch(&["退", &long]).unwrap();
    assert_eq!([turns[0].truncated, turns[1].truncated], [false, true]);
}

#[test]
fn a_text_that_is_too_long_is_refused_before_it_is_read() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let long = "x".repeat(50_000_000);
    let message = "a text of 50000000 bytes, expected at most 65536";
    let error = assistant.understand(&long).unwrap_err();
    assert!(matches!(error, Error::TextTooLong { bytes: 50_000_000 }));
    assert_eq!(error.to_string(), message);
    let error = assistant.understand_batch(&["退", &long]).unwrap_err();
    assert_eq!(error.to_string(), message);
    let most = assistant.understand(&long[..cs_data::MAX_TEXT_BYTES]);
    assert!(most.unwrap().truncated);
}

#[test]
fn an_understanding_has_the_documented_keys() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let json = serde_json::to_value(assistant.understand("where is my order 12345").unwrap());
    let json = json.unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().collect();
    let documented = [
        "entities",
        "intent",
        "intents",
        "model",
        "sentiment",
        "text",
        "truncated",
    ];
    assert_eq!(keys, documented);
    assert_eq!(json["intents"][0], json["intent"]);
    assert_eq!(json["model"].as_str(), assistant.bundle().version());
    let keys: Vec<_> = json["entities"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["confidence", "end", "label", "start", "text"]);
    let output = assistant.logits("退款").unwrap();
    assert_eq!(output.intent.unwrap().rows, 1);
    assert_eq!(
        output.slots.unwrap().rows,
        assistant.tokenizer().encode("退款", 24).unwrap().ids.len()
    );
}

#[test]
fn a_backend_that_fails_or_misbehaves_is_an_error() {
    let (_dir, assistant) = scripted(|_| Err("out of order".into()));
    let error = assistant.understand("x").unwrap_err();
    assert_eq!(error.to_string(), "backend scripted: out of order");
    assert!(matches!(error, Error::Backend { .. }));

    let (_dir, assistant) = scripted(|_| Ok(HeadOutput::default()));
    let error = assistant.understand_batch(&["x"]).unwrap_err().to_string();
    assert_eq!(error, "intent logits: expected [1, 3], found none");

    let (_dir, assistant) = scripted(|batch| {
        let slots = Some(Matrix {
            rows: batch.tokens(),
            cols: 5,
            data: vec![],
        });
        Ok(HeadOutput {
            slots,
            ..by_ids(batch)
        })
    });
    let error = assistant.logits("").unwrap_err().to_string();
    assert_eq!(
        error,
        "slot logits: expected [2, 5], found [2, 5] with 0 numbers"
    );

    let (_dir, assistant) = scripted(|batch| {
        let mut output = by_ids(batch);
        output.intent.as_mut().unwrap().data.fill(f32::NAN);
        Ok(output)
    });
    let intent = assistant.understand("hello").unwrap().intent.unwrap();
    assert_eq!((intent.label.as_str(), intent.confidence), ("refund", 0.0));
}

#[test]
fn an_assistant_is_shared_between_threads() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let expected = assistant.understand("我要退款").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(assistant.understand("我要退款").unwrap(), expected));
        }
    });
}

#[test]
fn the_native_runtime_answers() {
    for config in [light(), bert()] {
        let dir = bundle(&config);
        let assistant = Assistant::open(dir.path()).unwrap();
        assert_eq!(assistant.backend().name(), "native");
        answers_every_text(&assistant);
    }
}

#[test]
fn a_folder_that_does_not_fit_is_named() {
    let dir = bundle(&light());
    std::fs::write(dir.path().join(Bundle::WEIGHTS), b"torn").unwrap();
    let error = Assistant::open(dir.path()).unwrap_err().to_string();
    assert!(
        error.starts_with(&dir.path().join(Bundle::WEIGHTS).display().to_string()),
        "{error}"
    );
}

#[test]
fn answers_that_differ_are_told_apart() {
    let (_dir, assistant) = scripted(|batch| Ok(by_ids(batch)));
    let turn = assistant.understand(TEXTS[1]).unwrap();
    assert!(close(&turn, &turn) && !turn.entities.is_empty());
    let changes: [fn(&mut Understanding); 8] = [
        |turn| turn.intent = None,
        |turn| turn.intents.swap(0, 1),
        |turn| turn.intents[0].confidence += 0.01,
        |turn| turn.entities[0].label.push('x'),
        |turn| turn.entities[0].end += 1,
        |turn| turn.entities[0].confidence -= 0.01,
        |turn| turn.sentiment = None,
        |turn| turn.truncated = true,
    ];
    for (i, change) in changes.iter().enumerate() {
        let mut other = turn.clone();
        change(&mut other);
        assert!(!close(&turn, &other), "change {i}");
    }
}
