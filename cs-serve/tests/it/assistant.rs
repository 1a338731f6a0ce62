//! The assistant on a scripted backend, and on every real one with a small random model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cs_data::{Scheme, TagSet, TokenBatch, Tokenizer};
use cs_model::{
    BertConfig, BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Matrix, RawTensor,
    Tasks, write_safetensors,
};
use cs_serve::{Assistant, Entity, Error, HeadOutput, Intent, ScriptedBackend, Understanding};
use tempfile::TempDir;

const TEXTS: [&str; 8] = [
    "我要退款",
    "where is my order 12345, please?",
    "",
    "退",
    " \t\u{3000}\n",
    "nul \0 and \u{1} control",
    "😀 emoji and 订单",
    "hello",
];
const MAX_LENGTH: usize = 24;

fn tasks() -> Tasks {
    Tasks {
        intent: Some(["refund", "order_status", "hello"].map(String::from).into()),
        slots: Some(TagSet::of_labels(["order_id", "city"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    }
}

fn tokenizer() -> Tokenizer {
    Tokenizer::train(TEXTS.into_iter().chain(["12345"]), 200).unwrap()
}

fn light() -> EncoderConfig {
    let vocab_size = tokenizer().vocab_size();
    BiLstmConfig {
        vocab_size,
        embedding_size: 16,
        hidden_size: 24,
        ..Default::default()
    }
    .into()
}

fn bert() -> EncoderConfig {
    BertConfig {
        vocab_size: tokenizer().vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..Default::default()
    }
    .into()
}

/// Weights from a linear congruential generator, as a trained model's might be: norms near one,
/// the rest small.
fn write_weights(path: &Path, config: &EncoderConfig, tasks: &Tasks) -> cs_model::Result<()> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let heads = tasks.tensors(config.hidden_size());
    let tensors: Vec<_> = config
        .tensors()
        .into_iter()
        .chain(heads)
        .map(|(name, shape)| {
            let centre = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            let size = shape.iter().product();
            let values: Vec<f32> = (0..size).map(|_| centre + next()).collect();
            (name, shape, values)
        })
        .collect();
    let tensors = tensors
        .iter()
        .map(|(name, shape, values)| (name, RawTensor::from_f32(shape, values)));
    write_safetensors(path, tensors, &BTreeMap::new())
}

fn bundle(config: &EncoderConfig) -> TempDir {
    bundle_for(config, tasks())
}

fn bundle_for(config: &EncoderConfig, tasks: Tasks) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::new(dir.path()).unwrap();
    writer
        .write("config.json", &config.to_json().unwrap())
        .unwrap();
    writer
        .write("tokenizer.json", &tokenizer().to_json().unwrap())
        .unwrap();
    writer
        .write_with(Bundle::WEIGHTS, |path| write_weights(path, config, &tasks))
        .unwrap();
    writer.finish(Manifest::new(tasks, MAX_LENGTH)).unwrap();
    dir
}

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

const NEAR: f32 = 1e-4;

fn near(a: f32, b: f32) -> bool {
    (a - b).abs() < NEAR
}

/// The same intents in the same order, but for those that are about as likely.
fn same_ranking(a: &[Intent], b: &[Intent]) -> bool {
    let confidence = |ranking: &[Intent], label: &str| {
        let found = ranking.iter().find(|intent| intent.label == label);
        found.map_or(f32::NAN, |intent| intent.confidence)
    };
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| near(a.confidence, b.confidence))
        && a.iter()
            .all(|intent| near(intent.confidence, confidence(b, &intent.label)))
}

fn same_entities(a: &[Entity], b: &[Entity]) -> bool {
    let same = |(a, b): (&Entity, &Entity)| {
        (&a.label, a.start, a.end, &a.text) == (&b.label, b.start, b.end, &b.text)
            && near(a.confidence, b.confidence)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The same answer, but for what rounding does to numbers.
fn close(a: &Understanding, b: &Understanding) -> bool {
    let label = |turn: &Understanding| turn.intent.as_ref().map(|intent| intent.label.clone());
    (&a.text, a.truncated, &a.model) == (&b.text, b.truncated, &b.model)
        && label(a) == label(b)
        && same_ranking(&a.intents, &b.intents)
        && same_entities(&a.entities, &b.entities)
        && match (a.sentiment, b.sentiment) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a == b,
        }
}

/// A text of [`TEXTS`] in which there is nothing to read.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Singly or together, in whatever order, each text has its own answer.
fn answers_every_text(assistant: &Assistant) -> Vec<Understanding> {
    let alone: Vec<_> = TEXTS
        .iter()
        .map(|text| assistant.understand(text).unwrap())
        .collect();
    let together = assistant.understand_batch(&TEXTS).unwrap();
    let mut backwards = TEXTS;
    backwards.reverse();
    let mut reversed = assistant.understand_batch(&backwards).unwrap();
    reversed.reverse();
    for ((one, two), three) in alone.iter().zip(&together).zip(&reversed) {
        assert!(
            close(one, two) && close(one, three),
            "{one:?}\n{two:?}\n{three:?}"
        );
    }
    for (text, turn) in TEXTS.iter().zip(&alone) {
        assert_eq!(&turn.text, text);
        assert!(!turn.truncated);
        let told = !is_blank(text);
        assert_eq!(
            (turn.intent.is_some(), turn.sentiment.is_some()),
            (told, told)
        );
        assert_eq!(turn.intents.len(), if told { 3 } else { 0 });
        assert_eq!(turn.intents.first(), turn.intent.as_ref());
        assert!(told || turn.entities.is_empty());
        let characters: Vec<char> = text.chars().collect();
        for entity in &turn.entities {
            let inside: String = characters[entity.start..entity.end].iter().collect();
            assert_eq!(inside, entity.text);
        }
    }
    alone
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

#[cfg(feature = "torch")]
#[test]
fn libtorch_and_the_native_runtime_agree() {
    use cs_model::SlotHead;
    use cs_serve::{Backend, Device, TorchBackend};

    for (config, slot_head) in [
        (light(), SlotHead::Softmax),
        (bert(), SlotHead::Softmax),
        (bert(), SlotHead::Crf),
    ] {
        let tasks = Tasks {
            slot_head,
            ..tasks()
        };
        let dir = bundle_for(&config, tasks);
        let bundle = Bundle::open(dir.path()).unwrap();
        let backend = TorchBackend::open(&bundle, Device::Cpu).unwrap();
        assert_eq!(backend.name(), "torch");
        let torch = Assistant::new(bundle, Box::new(backend)).unwrap();
        let torch = answers_every_text(&torch);
        let native = answers_every_text(&Assistant::open(dir.path()).unwrap());
        let entities = native.iter().map(|turn| turn.entities.len());
        assert!(entities.sum::<usize>() > 0, "nothing to compare");
        for (a, b) in torch.iter().zip(&native) {
            assert!(close(a, b), "{a:?}\n{b:?}");
        }
    }
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
