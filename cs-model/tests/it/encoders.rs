//! The families of encoders beside BERT against stored outputs of Hugging Face's models
//! (`reference/make_encoders.py`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cs_data::TokenBatch;
use cs_model::{Bundle, Device, EncoderConfig, Mode, Model, Tasks, Weights};
use serde::Deserialize;
use tch::Tensor;

const FAMILIES: [&str; 4] = ["roberta", "xlm_roberta", "distilbert", "albert"];

#[derive(Deserialize)]
struct Inputs {
    sequences: Vec<Vec<u32>>,
    masked: Vec<Vec<usize>>,
}

/// A stored model with what it reads and gives.
struct Reference {
    name: &'static str,
    folder: PathBuf,
    bundle: Bundle,
    inputs: Inputs,
    expected: Weights,
}

impl Reference {
    fn open(name: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/reference")
            .join(name);
        let inputs = std::fs::read(folder.join("inputs.json")).unwrap();
        Self {
            name,
            bundle: Bundle::open(&folder).unwrap(),
            inputs: serde_json::from_slice(&inputs).unwrap(),
            expected: Weights::open(&folder.join("expected.safetensors")).unwrap(),
            folder,
        }
    }

    fn batch(&self) -> TokenBatch {
        TokenBatch::pack(self.inputs.sequences.iter().map(Vec::as_slice))
    }

    fn masked_lm(&self) -> Model {
        Model::masked_lm_from_pretrained(&self.bundle, Device::Cpu, 1).unwrap()
    }

    /// Asserts that the numbers are those stored, of which there may be more.
    fn close(&self, found: &Tensor, key: &str) {
        let shape = self.expected.shape(key).unwrap().to_vec();
        let expected = self.expected.f32(key, &shape).unwrap();
        let found: Vec<f32> = found.flatten(0, -1).try_into().unwrap();
        assert_eq!(found.len(), expected.len(), "{} {key}", self.name);
        for (i, (x, y)) in found.iter().zip(&expected).enumerate() {
            let near = (x - y).abs() < 1e-4;
            assert!(near, "{} {key}: {x} at {i}, expected {y}", self.name);
        }
    }
}

fn parameters(model: &Model) -> BTreeSet<String> {
    let parameters = model.parameters().into_iter();
    parameters.map(|(name, _)| name).collect()
}

#[test]
fn hidden_states_are_those_of_hugging_face() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let model = Model::open(&reference.bundle, Device::Cpu).unwrap();
        let _guard = tch::no_grad_guard();
        reference.close(&model.hidden(&reference.batch()).unwrap(), "hidden");
        let parts = reference.inputs.sequences.iter();
        let parts = parts.map(|ids| model.hidden(&TokenBatch::pack([&ids[..]])).unwrap());
        let parts = Tensor::cat(&parts.collect::<Vec<_>>(), 0);
        reference.close(&parts, "hidden");
    }
}

#[test]
fn inner_states_are_those_of_hugging_face() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let model = Model::open(&reference.bundle, Device::Cpu).unwrap();
        let first = TokenBatch::pack([&reference.inputs.sequences[0][..]]);
        let (_, states) = model.forward_with_inner_states(&first, Mode::Eval).unwrap();
        let depth = model.config().stack().unwrap().depth();
        assert_eq!(states.attention.len(), depth, "{name}");
        reference.close(&Tensor::cat(&states.hidden, 0), "inner");
    }
}

#[test]
fn masked_words_are_predicted_as_by_hugging_face() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let (batch, model) = (reference.batch(), reference.masked_lm());
        let masked = reference.inputs.masked.iter().enumerate();
        let rows = masked.flat_map(|(i, own)| own.iter().map(move |place| (i, place)));
        let rows: Vec<usize> = rows.map(|(i, row)| batch.range(i).start + row).collect();
        let logits = model.masked_logits(&batch, &rows, Mode::Eval).unwrap();
        reference.close(&logits, "logits");
    }
}

#[test]
fn every_tensor_of_a_checkpoint_is_a_parameter() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let weights = reference.bundle.weights().unwrap();
        let stored: BTreeSet<String> = weights.names().map(str::to_owned).collect();
        assert_eq!(parameters(&reference.masked_lm()), stored, "{name}");
    }
}

#[test]
fn parameters_have_hugging_face_names() {
    for (name, count, some) in [
        (
            "roberta",
            5 + 2 * 16,
            "encoder.layer.1.attention.self.key.bias",
        ),
        (
            "xlm_roberta",
            5 + 2 * 16,
            "embeddings.token_type_embeddings.weight",
        ),
        (
            "distilbert",
            4 + 2 * 16,
            "transformer.layer.1.ffn.lin2.weight",
        ),
        (
            "albert",
            7 + 16,
            "encoder.albert_layer_groups.0.albert_layers.0.full_layer_layer_norm.weight",
        ),
    ] {
        let model = Model::open(&Reference::open(name).bundle, Device::Cpu).unwrap();
        let parameters = parameters(&model);
        assert_eq!(parameters.len(), count, "{name}");
        assert!(parameters.contains(some), "{name}");
    }
}

#[test]
fn what_is_saved_is_read_again() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        let folder = tempfile::tempdir().unwrap();
        let path = |file: &str| folder.path().join(file);
        reference
            .masked_lm()
            .save_weights(&path("model.safetensors"))
            .unwrap();
        let config = reference.bundle.config();
        std::fs::write(path("config.json"), config.to_json().unwrap()).unwrap();
        let again = Bundle::open(folder.path()).unwrap();
        assert_eq!(again.config(), config);
        let read = |folder: &Path| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
        };
        assert_eq!(read(folder.path()), read(&reference.folder), "{name}");
        let model = Model::open(&again, Device::Cpu).unwrap();
        reference.close(
            &tch::no_grad(|| model.hidden(&reference.batch()).unwrap()),
            "hidden",
        );
    }
}

#[test]
fn what_the_positions_do_not_reach_is_refused() {
    for name in FAMILIES {
        let reference = Reference::open(name);
        assert_eq!(reference.bundle.max_length(), 40, "{name}");
        let model = Model::open(&reference.bundle, Device::Cpu).unwrap();
        let error = model.hidden(&TokenBatch::pack([&[9; 41][..]])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "positions[40] is 40, expected less than 40",
            "{name}"
        );
    }
}

#[test]
fn blocks_may_have_sizes_of_their_own() {
    for name in FAMILIES {
        let config = Reference::open(name).bundle.config().clone();
        let mut blocks = config.stack().unwrap().blocks;
        (
            blocks[0].heads,
            blocks[0].key_value_heads,
            blocks[0].inner_size,
        ) = (1, 1, 5);
        let pruned = config.with_blocks(&blocks).unwrap();
        let json = pruned.to_json().unwrap();
        let again = EncoderConfig::from_json(&json, Path::new("config.json")).unwrap();
        assert_eq!(again, pruned, "{name}");
        assert_eq!(again.stack().unwrap().blocks, blocks, "{name}");
        let model = Model::new(&again, &Tasks::default(), Device::Cpu, 1).unwrap();
        let hidden = model.hidden(&TokenBatch::pack([&[9, 8, 7][..]])).unwrap();
        assert_eq!(hidden.size(), [3, config.hidden_size() as i64], "{name}");
    }
}
