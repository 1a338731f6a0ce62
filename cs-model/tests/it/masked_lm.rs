//! Masked words and inner states against Hugging Face's BertForMaskedLM
//! (`reference/make_masked_lm.py`).

use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::{BertConfig, BiLstmConfig, Bundle, Device, Mode, Model, Tasks, Weights};
use serde::Deserialize;
use tch::{Kind, Tensor};

#[derive(Deserialize)]
struct Inputs {
    sequences: Vec<Vec<u32>>,
    masked: Vec<Vec<usize>>,
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    folder.join(name)
}

fn inputs() -> Inputs {
    let bytes = std::fs::read(folder("masked_lm").join("inputs.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn expected(name: &str, shape: &[usize]) -> Vec<f32> {
    let path = folder("masked_lm").join("expected.safetensors");
    Weights::open(&path).unwrap().f32(name, shape).unwrap()
}

fn model() -> Model {
    let bundle = Bundle::open(&folder("masked_lm")).unwrap();
    Model::masked_lm_from_pretrained(&bundle, Device::Cpu, 1).unwrap()
}

fn pack(sequences: &[Vec<u32>]) -> TokenBatch {
    TokenBatch::pack(sequences.iter().map(Vec::as_slice))
}

fn close(found: &Tensor, expected: &[f32]) {
    let found: Vec<f32> = found.flatten(0, -1).try_into().unwrap();
    assert_eq!(found.len(), expected.len());
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() < 1e-5, "{x} at {i}, expected {y}");
    }
}

/// The masked positions, counted through the packed batch.
fn rows(batch: &TokenBatch, masked: &[Vec<usize>]) -> Vec<usize> {
    let places = masked.iter().enumerate();
    let rows =
        places.flat_map(|(i, own)| own.iter().map(move |place| batch.range(i).start + place));
    rows.collect()
}

#[test]
fn masked_words_are_predicted_as_by_hugging_face() {
    let Inputs { sequences, masked } = inputs();
    let (model, expected) = (model(), expected("logits", &[6, 40]));
    let batch = pack(&sequences);
    let logits = model.masked_logits(&batch, &rows(&batch, &masked), Mode::Eval);
    close(&logits.unwrap(), &expected);
    // A batch equals its parts.
    let mut rest = expected.as_slice();
    for (sequence, own) in sequences.iter().zip(&masked) {
        let logits = model.masked_logits(&TokenBatch::pack([&sequence[..]]), own, Mode::Eval);
        let (part, others) = rest.split_at(own.len() * 40);
        close(&logits.unwrap(), part);
        rest = others;
    }
    let none = model.masked_logits(&batch, &[], Mode::Eval).unwrap();
    assert_eq!(none.size(), [0, 40]);
}

#[test]
fn inner_states_are_those_of_hugging_face() {
    let Inputs { sequences, .. } = inputs();
    let bundle = Bundle::open(&folder("masked_lm")).unwrap();
    let model = Model::open(&bundle, Device::Cpu).unwrap();
    let (_, taps) = model
        .forward_with_inner_states(&pack(&sequences[..1]), Mode::Eval)
        .unwrap();
    close(
        &Tensor::cat(&taps.hidden, 0),
        &expected("hidden", &[15, 16]),
    );
    let probabilities = taps.attention.iter().map(|scores| {
        let scores = scores.reshape([5, 5, 2]).softmax(1, None::<Kind>);
        scores.permute([2, 0, 1]) // [A, L, L]
    });
    let probabilities = Tensor::cat(&probabilities.collect::<Vec<_>>(), 0);
    close(&probabilities, &expected("attention", &[4, 5, 5]));
}

#[test]
fn inner_states_of_a_batch_are_those_of_its_parts() {
    // Several groups, with and without pads.
    let lengths = [6, 5, 6, 1, 150, 7, 30, 31];
    let sequences = lengths.iter().enumerate();
    let sequences: Vec<Vec<u32>> = sequences
        .map(|(i, &length)| {
            (0..length)
                .map(|j| ((i * 31 + j * 17) % 50) as u32)
                .collect()
        })
        .collect();
    let config = BertConfig {
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        intermediate_size: 40,
        initializer_range: 0.3,
        ..BertConfig::mini(50)
    };
    let model = Model::new(&config.into(), &Tasks::default(), Device::Cpu, 11).unwrap();
    let _guard = tch::no_grad_guard();
    let (_, all) = model
        .forward_with_inner_states(&pack(&sequences), Mode::Eval)
        .unwrap();
    let hidden = model.hidden(&pack(&sequences)).unwrap();
    close(
        &all.hidden[2],
        &Vec::try_from(hidden.flatten(0, 1)).unwrap(),
    );
    let (mut token, mut pair) = (0, 0);
    for sequence in &sequences {
        let length = sequence.len() as i64;
        let (_, own) = model
            .forward_with_inner_states(&TokenBatch::pack([&sequence[..]]), Mode::Eval)
            .unwrap();
        for (all, own) in all.hidden.iter().zip(&own.hidden) {
            let own = Vec::try_from(own.flatten(0, 1)).unwrap();
            close(&all.narrow(0, token, length), &own);
        }
        for (all, own) in all.attention.iter().zip(&own.attention) {
            let own = Vec::try_from(own.flatten(0, 1)).unwrap();
            close(&all.narrow(0, pair, length * length), &own);
        }
        token += length;
        pair += length * length;
    }
    assert_eq!(all.attention[0].size(), [pair, 3]);

    let light = BiLstmConfig {
        vocab_size: 50,
        ..BiLstmConfig::default()
    };
    let light = Model::new(&light.into(), &Tasks::default(), Device::Cpu, 11).unwrap();
    let (_, taps) = light
        .forward_with_inner_states(&pack(&sequences), Mode::Eval)
        .unwrap();
    assert_eq!((taps.hidden.len(), taps.attention.len()), (2, 0));
    let words = light.parameters()[0].1.detach();
    let first = words.get(i64::from(sequences[1][0]));
    close(&taps.hidden[0].get(6), &Vec::try_from(first).unwrap());
}

#[test]
fn the_head_is_named_saved_trained_and_fresh_where_there_is_none() {
    let Inputs { sequences, masked } = inputs();
    let model = model();
    let names: Vec<String> = model
        .parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names[names.len() - 5..],
        [
            "cls.predictions.transform.dense.weight",
            "cls.predictions.transform.dense.bias",
            "cls.predictions.transform.LayerNorm.weight",
            "cls.predictions.transform.LayerNorm.bias",
            "cls.predictions.bias",
        ]
    );
    let batch = pack(&sequences);
    let logits = |model: &Model| {
        let logits = model.masked_logits(&batch, &rows(&batch, &masked), Mode::Eval);
        logits.unwrap()
    };
    let gold = Tensor::from_slice(&[1_i64, 2, 3, 4, 5, 6]);
    logits(&model).cross_entropy_for_logits(&gold).backward();
    assert!(
        model
            .parameters()
            .iter()
            .all(|(_, tensor)| tensor.grad().defined())
    );

    // What is written opens as an encoder, and as a masked model again.
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(
        folder("masked_lm").join("config.json"),
        dir.path().join("config.json"),
    )
    .unwrap();
    model
        .save_weights(&dir.path().join(Bundle::WEIGHTS))
        .unwrap();
    let bundle = Bundle::open(dir.path()).unwrap();
    let again = Model::masked_lm_from_pretrained(&bundle, Device::Cpu, 2).unwrap();
    assert_eq!(logits(&again), logits(&model));
    let encoder = Model::open(&bundle, Device::Cpu).unwrap();
    let text = encoder
        .masked_logits(&batch, &[0], Mode::Eval)
        .unwrap_err()
        .to_string();
    assert!(
        text.ends_with("expected a model made to predict masked words"),
        "{text}"
    );

    let other = Bundle::open(&folder("bert")).unwrap();
    let fresh = |seed| Model::masked_lm_from_pretrained(&other, Device::Cpu, seed).unwrap();
    let bias = |model: &Model| model.parameters().pop().unwrap().1.detach();
    assert_eq!(
        bias(&fresh(3)),
        Tensor::zeros([60], (Kind::Float, tch::Device::Cpu))
    );
    assert_ne!(logits(&fresh(3)), logits(&fresh(4)));
    let text = model
        .masked_logits(&batch, &[15], Mode::Eval)
        .unwrap_err()
        .to_string();
    assert_eq!(text, "rows is 15, expected less than 15 tokens");
    let light = Bundle::open(&folder("bilstm")).unwrap();
    let text = Model::masked_lm_from_pretrained(&light, Device::Cpu, 1)
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "model_type is bilstm, expected bert, roberta, xlm-roberta, distilbert or albert, to predict \
         masked words"
    );
}
