//! Masked language models against Hugging Face's; `reference/bert.py`.

use std::path::Path;

use cs_data::{Tokenizer, Utterance};
use cs_model::{BertConfig, Bundle, Device, EncoderConfig, Model};
use cs_train::Error;
use cs_train::data::{MaskedRow, Masker, MaskingConfig};
use cs_train::objective::{MaskedLm, Objective, StepBatch, Texts, evaluate_masked};
use cs_train::run::{Silent, Trainer};
use cs_train::schedule::TrainConfig;
use serde_json::Value;

use crate::common::tiny::alone;

#[test]
fn the_loss_is_hugging_faces() {
    let _alone = alone();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/bert");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let expected = &expected["masked_lm"];
    let ids: Vec<Vec<u32>> = serde_json::from_value(expected["ids"].clone()).unwrap();
    let labels: Vec<Vec<i64>> = serde_json::from_value(expected["labels"].clone()).unwrap();
    let masked = |(ids, labels): (Vec<u32>, Vec<i64>)| MaskedRow {
        ids,
        targets: labels
            .into_iter()
            .map(|label| u32::try_from(label).ok())
            .collect(),
    };
    let rows: Vec<MaskedRow> = ids.into_iter().zip(labels).map(masked).collect();
    let bundle = Bundle::open(&folder).unwrap();
    let model = Model::masked_lm_from_pretrained(&bundle, Device::Cpu, 1).unwrap();
    // In one batch, and in several.
    for max_tokens in [8192, 10] {
        let scores = evaluate_masked(&model, &rows, max_tokens).unwrap();
        for name in ["loss", "accuracy"] {
            let (found, wanted) = (scores.figures[name], expected[name].as_f64().unwrap());
            assert!((found - wanted).abs() < 1e-5, "{name}: {found} {wanted}");
        }
    }
    let nothing = evaluate_masked(&model, &[], 10);
    assert!(matches!(nothing, Err(Error::Empty { what: "validation" })));
}

fn texts() -> Vec<Utterance> {
    let text = |i: usize| {
        let what = ["order", "parcel", "refund"][i % 3];
        let when = ["today", "tomorrow"][i / 3 % 2];
        Utterance::new(
            i.to_string(),
            format!("where is my {what} please tell me {when}"),
        )
    };
    (0..24).map(text).collect()
}

fn mini(vocab_size: usize) -> EncoderConfig {
    EncoderConfig::from(BertConfig {
        vocab_size,
        hidden_size: 32,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        hidden_dropout_prob: 0.0,
        attention_probs_dropout_prob: 0.0,
        ..BertConfig::default()
    })
}

#[test]
fn a_model_learns_to_guess_what_can_be_guessed() {
    let _alone = alone();
    let rows = texts();
    let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 80).unwrap();
    let masker = Masker::new(&tokenizer, MaskingConfig::default()).unwrap();
    let texts = Texts::new(rows, &tokenizer, &masker, None, 32).unwrap();
    let config = TrainConfig {
        epochs: 25,
        lr: 5e-3,
        batch_size: 8,
        patience: 25,
        checkpoint_every: 0,
        ..TrainConfig::default()
    };
    let mut model = Model::new_masked_lm(&mini(tokenizer.vocab_size()), Device::Cpu, 1).unwrap();
    let objective = MaskedLm::new(&mut model, masker, &texts, &texts, &config).unwrap();
    let before = objective.evaluate().unwrap();
    assert_eq!(
        before,
        objective.evaluate().unwrap(),
        "masks of validation are fixed"
    );

    let step = [4, 0, 9, 17];
    let loss = |rows: &[usize], seed| {
        let batch = StepBatch {
            rows,
            step_rows: &step,
            seed,
        };
        objective.loss(&batch).unwrap().total.double_value(&[])
    };
    let (whole, parts) = (loss(&step, 3), loss(&step[..1], 3) + loss(&step[1..], 3));
    assert!((whole - parts).abs() < 1e-5, "{whole} {parts}");
    assert_ne!(whole, loss(&step, 4), "masks of training are not");

    let folder = tempfile::tempdir().unwrap();
    let trainer = Trainer::new(config, folder.path()).unwrap();
    let report = trainer.run(&objective, &mut Silent).unwrap();
    let after = report.best.unwrap().figures;
    assert!(
        after["perplexity"] < before.figures["perplexity"] / 4.0,
        "{before:?} {after:?}"
    );
    assert!(after["accuracy"] > 0.5, "{after:?}");
}

#[test]
fn texts_of_no_use_are_refused() {
    let tokenizer = Tokenizer::train(["where is my order"].into_iter(), 60).unwrap();
    let masker = Masker::new(&tokenizer, MaskingConfig::default()).unwrap();
    let rows = [
        Utterance::new("1", "!?"),
        Utterance::new("2", "where is my order ".repeat(20)),
    ];
    let read = Texts::new(rows, &tokenizer, &masker, None, 16).unwrap();
    assert_eq!((read.len(), read.is_empty()), (1, false));
    let config = TrainConfig::default();
    let mut model = Model::new_masked_lm(&mini(tokenizer.vocab_size()), Device::Cpu, 1).unwrap();
    let none = Texts::default();
    let error = MaskedLm::new(&mut model, masker.clone(), &none, &read, &config).unwrap_err();
    assert!(matches!(error, Error::Empty { what: "training" }));
    let mut small = Model::new_masked_lm(&mini(6), Device::Cpu, 1).unwrap();
    let error = MaskedLm::new(&mut small, masker, &read, &none, &config).unwrap_err();
    assert!(
        error.to_string().starts_with("row \"2\": token id "),
        "{error}"
    );
}
