//! The libtorch encoders against stored outputs of other implementations: Hugging Face's BertModel
//! and PyTorch's nn.LSTM (`reference/make_bert.py`).

use std::path::{Path, PathBuf};

use cs_data::{Scheme, TagSet, TokenBatch};
use cs_model::{Bundle, Device, Model, Tasks, Weights};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

fn hidden(model: &Model, sequences: &[Vec<u32>]) -> Vec<f32> {
    let batch = TokenBatch::pack(sequences.iter().map(Vec::as_slice));
    let hidden = tch::no_grad(|| model.hidden(&batch)).unwrap();
    hidden.flatten(0, -1).try_into().unwrap()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        // A number that is not one must fail as well.
        assert!((x - y).abs() < 1e-5, "{x} at {i}, expected {y}");
    }
}

fn check(name: &str) {
    let folder = folder(name);
    let bundle = Bundle::open(&folder).unwrap();
    let model = Model::open(&bundle, Device::Cpu).unwrap();
    let inputs = std::fs::read(folder.join("inputs.json")).unwrap();
    let sequences: Vec<Vec<u32>> = serde_json::from_slice(&inputs).unwrap();
    let width = model.config().hidden_size();
    let tokens = sequences.iter().map(Vec::len).sum();
    let expected = Weights::open(&folder.join("expected.safetensors")).unwrap();
    let expected = expected.f32("hidden", &[tokens, width]).unwrap();

    close(&hidden(&model, &sequences), &expected);
    let mut rest = expected.as_slice();
    for sequence in &sequences {
        let (own, others) = rest.split_at(sequence.len() * width);
        close(&hidden(&model, std::slice::from_ref(sequence)), own);
        rest = others;
    }
}

#[test]
fn bert_equals_hugging_face() {
    check("bert");
}

#[test]
fn bilstm_equals_pytorch() {
    check("bilstm");
}

#[test]
fn parameters_have_hugging_face_names() {
    let bundle = Bundle::open(&folder("bert")).unwrap();
    let tasks = Tasks {
        intent: Some(vec!["a".into(), "b".into()]),
        slots: Some(TagSet::of_labels(["x"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    };
    let model = Model::from_pretrained(&bundle, &tasks, Device::Cpu, 1).unwrap();
    let found: Vec<_> = model
        .parameters()
        .iter()
        .map(|(name, t)| (name.clone(), t.size()))
        .collect();
    let block = |i: usize| {
        let linear = |name: &str, outputs, inputs| {
            [
                (format!("{name}.weight"), vec![outputs, inputs]),
                (format!("{name}.bias"), vec![outputs]),
            ]
        };
        let norm = |name: &str| {
            [
                (format!("{name}.weight"), vec![32]),
                (format!("{name}.bias"), vec![32]),
            ]
        };
        [
            linear("attention.self.query", 32, 32),
            linear("attention.self.key", 32, 32),
            linear("attention.self.value", 32, 32),
            linear("attention.output.dense", 32, 32),
            norm("attention.output.LayerNorm"),
            linear("intermediate.dense", 64, 32),
            linear("output.dense", 32, 64),
            norm("output.LayerNorm"),
        ]
        .concat()
        .into_iter()
        .map(move |(name, shape)| (format!("encoder.layer.{i}.{name}"), shape))
    };
    let named = |list: &[(&str, &[i64])]| {
        list.iter()
            .map(|(name, shape)| (name.to_string(), shape.to_vec()))
            .collect::<Vec<_>>()
    };
    let mut expected = named(&[
        ("embeddings.word_embeddings.weight", &[60, 32]),
        ("embeddings.position_embeddings.weight", &[40, 32]),
        ("embeddings.token_type_embeddings.weight", &[2, 32]),
        ("embeddings.LayerNorm.weight", &[32]),
        ("embeddings.LayerNorm.bias", &[32]),
    ]);
    expected.extend(block(0).chain(block(1)));
    expected.extend(named(&[
        ("heads.intent.weight", &[2, 32]),
        ("heads.intent.bias", &[2]),
        ("heads.slots.weight", &[3, 32]),
        ("heads.slots.bias", &[3]),
        ("heads.sentiment.weight", &[1, 32]),
        ("heads.sentiment.bias", &[1]),
    ]));
    assert_eq!(found, expected);

    let mut listed = model.config().tensors();
    listed.extend(tasks.tensors(32));
    let listed: Vec<_> = listed
        .into_iter()
        .map(|(name, shape)| (name, shape.into_iter().map(|size| size as i64).collect()))
        .collect();
    assert_eq!(found, listed);
}
