//! Damaged, foreign and incomplete artefacts: an error that names file and tensor, never a panic.
#![allow(clippy::unwrap_used, reason = "a panic is the failure report")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{reference, tasks, write_bundle};
use cs_data::TokenBatch;
use cs_model::{Bundle, Dtype, RawTensor, Weights, write_safetensors};
use cs_quant::{NativeModel, Precision, QuantConfig, QuantError, RuntimeConfig, quantize};
use proptest::prelude::*;

/// A plain folder (no sums) with an artefact, which a test may then damage.
fn plain_artefact(dir: &Path, model: &str) {
    let (fp32, int8) = (dir.join("fp32"), dir.join("int8"));
    write_bundle(&fp32, model, cs_model::Tasks::default());
    quantize(
        &Bundle::open(&fp32).unwrap(),
        &int8,
        &QuantConfig::default(),
    )
    .unwrap();
    std::fs::remove_file(int8.join("bundle.json")).unwrap();
}

type Tensor = (Dtype, Vec<usize>, Vec<u8>);
type Tensors = BTreeMap<String, Tensor>;

fn read(path: &Path) -> (Tensors, BTreeMap<String, String>) {
    let weights = Weights::open(path).unwrap();
    let tensor = |name: &str| {
        let raw = weights.raw(name).unwrap();
        (
            name.to_owned(),
            (raw.dtype, raw.shape.to_vec(), raw.data.to_vec()),
        )
    };
    (
        weights.names().map(tensor).collect(),
        weights.metadata().clone(),
    )
}

fn write(path: &Path, tensors: &Tensors, metadata: &BTreeMap<String, String>) {
    let raw = tensors
        .iter()
        .map(|(name, (dtype, shape, data))| (name, RawTensor::from_bytes(*dtype, shape, data)));
    write_safetensors(path, raw, metadata).unwrap();
}

fn open(dir: &Path) -> Result<NativeModel, String> {
    let bundle = Bundle::open(dir).map_err(|error| error.to_string())?;
    NativeModel::open(&bundle, &RuntimeConfig::default()).map_err(|error| error.to_string())
}

#[test]
fn a_transition_that_no_training_gives_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, edited) = (dir.path().join("a"), dir.path().join("b"));
    let tasks = cs_model::Tasks {
        slot_head: cs_model::SlotHead::Crf,
        ..tasks()
    };
    write_bundle(&whole, "lstm", tasks.clone());
    let bundle = Bundle::open(&whole).unwrap();
    for (name, number, reason) in [
        (
            "transitions",
            1e6_f32,
            "heads.slots.transitions[0] is 1000000, expected -300 to 300",
        ),
        (
            "end",
            f32::NAN,
            "tensor heads.slots.end: expected finite numbers, found NaN",
        ),
    ] {
        let (mut tensors, metadata) = read(&bundle.weights_path());
        let (_, _, data) = tensors.get_mut(&format!("heads.slots.{name}")).unwrap();
        data[..4].copy_from_slice(&number.to_le_bytes());
        let mut writer = cs_model::BundleWriter::new(&edited).unwrap();
        writer.copy_from(&bundle, "config.json").unwrap();
        writer.copy_from(&bundle, "tokenizer.json").unwrap();
        let weights = |path: &Path| -> cs_model::Result<()> {
            write(path, &tensors, &metadata);
            Ok(())
        };
        writer.write_with(Bundle::WEIGHTS, weights).unwrap();
        writer
            .finish(cs_model::Manifest::new(tasks.clone(), 32))
            .unwrap();
        let error = open(&edited).unwrap_err();
        let file = edited.join(Bundle::WEIGHTS);
        assert!(error.starts_with(&file.display().to_string()), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn every_defect_names_file_and_tensor() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "lstm");
    let folder = dir.path().join("int8");
    let path = folder.join("model.int8.safetensors");
    let (tensors, metadata) = read(&path);
    assert!(open(&folder).is_ok());
    let name = "encoder.lstm.weight_hh_l1_reverse";
    let scale = format!("{name}.scale");
    let with_scale = |bits: f32| {
        let mut tensors = tensors.clone();
        tensors.get_mut(&scale).unwrap().2[8..12].copy_from_slice(&bits.to_le_bytes());
        tensors
    };
    let change = |name: &str, f: &dyn Fn(&mut Tensor)| {
        let mut tensors = tensors.clone();
        f(tensors.get_mut(name).unwrap());
        tensors
    };
    let without = |name: &str| {
        let mut tensors = tensors.clone();
        tensors.remove(name);
        tensors
    };
    for (tensors, named) in [
        (with_scale(f32::NAN), scale.as_str()),
        (with_scale(0.0), &scale),
        (with_scale(-1.0), &scale),
        (with_scale(f32::INFINITY), &scale),
        (without(&scale), &scale),
        (without(name), name),
        (
            without("encoder.lstm.bias_ih_l0"),
            "encoder.lstm.bias_ih_l0",
        ),
        (change(name, &|t| t.1.reverse()), name),
        (change(name, &|t| t.0 = Dtype::U8), name),
        (change(&scale, &|t| t.0 = Dtype::I32), &scale),
    ] {
        write(&path, &tensors, &metadata);
        let error = open(&folder).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(named), "{error}");
    }
    for version in ["cs-quant int8 2", "pt", ""] {
        let metadata = BTreeMap::from([("format".to_owned(), version.to_owned())]);
        write(&path, &tensors, &metadata);
        let error = open(&folder).unwrap_err();
        assert!(
            error.contains(&format!("format {version:?}, expected")),
            "{error}"
        );
    }
}

#[test]
fn a_folder_without_weights_says_so() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "lstm");
    let bundle = Bundle::open(&dir.path().join("int8")).unwrap();
    let out = dir.path().join("out");
    let error = quantize(&bundle, &out, &QuantConfig::default()).unwrap_err();
    assert!(
        matches!(error, QuantError::NoWeights { wanted: "fp32", .. }),
        "{error}"
    );
    assert!(!out.exists());
    let fp32 = RuntimeConfig {
        precision: Precision::Fp32,
        ..RuntimeConfig::default()
    };
    assert!(matches!(
        NativeModel::open(&bundle, &fp32),
        Err(QuantError::NoWeights { .. })
    ));
    std::fs::remove_file(dir.path().join("int8/model.int8.safetensors")).unwrap();
    assert!(open(&dir.path().join("int8")).is_err());
}

#[test]
fn settings_out_of_range_are_refused() {
    let bundle = Bundle::open(&reference("lstm")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for config in [
        QuantConfig {
            weight_bits: 4,
            ..QuantConfig::default()
        },
        QuantConfig {
            keep_fp32: vec![String::new()],
            ..QuantConfig::default()
        },
    ] {
        let error = quantize(&bundle, &dir.path().join("out"), &config).unwrap_err();
        assert!(matches!(error, QuantError::Config { .. }), "{error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_kept_stays_exact() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, int8) = (dir.path().join("fp32"), dir.path().join("int8"));
    write_bundle(&fp32, "bert_gelu", tasks());
    let keep_fp32 = vec!["encoder.layer.1.".to_owned(), "embeddings.".to_owned()];
    let config = QuantConfig {
        keep_fp32,
        weight_bits: 8,
    };
    let report = quantize(&Bundle::open(&fp32).unwrap(), &int8, &config).unwrap();
    let kept = |name: &str| name.starts_with("encoder.layer.1.") || name.starts_with("embeddings.");
    assert!(report.layers.iter().all(|layer| !kept(&layer.name)));
    let weights = Weights::open(&int8.join("model.int8.safetensors")).unwrap();
    let before = Weights::open(&fp32.join("model.safetensors")).unwrap();
    for name in weights.names().filter(|name| kept(name)) {
        assert_eq!(weights.raw(name).unwrap(), before.raw(name).unwrap());
    }
    assert_eq!(weights.raw("heads.intent.weight").unwrap().dtype, Dtype::I8);
    let model =
        NativeModel::open(&Bundle::open(&int8).unwrap(), &RuntimeConfig::default()).unwrap();
    assert!(model.forward(&TokenBatch::pack([&[2, 3][..]])).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_panics(
        bert in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
        head in any::<bool>(),
    ) {
        thread_local! {
            static FOLDERS: [tempfile::TempDir; 2] = ["lstm", "bert_gelu"].map(|model| {
                let dir = tempfile::tempdir().unwrap();
                plain_artefact(dir.path(), model);
                dir
            });
        }
        FOLDERS.with(|folders| {
            let folder = folders[usize::from(bert)].path().join("int8");
            let path = folder.join("model.int8.safetensors");
            let good = std::fs::read(&path).unwrap();
            let mut bytes = good.clone();
            for (index, value) in &edits {
                // Half of the cases damage the header, which is a small part of the file.
                let range = if head { bytes.len().min(2048) } else { bytes.len() };
                bytes[index.index(range)] = *value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(good.len()));
            }
            std::fs::write(&path, &bytes).unwrap();
            let outcome = std::panic::catch_unwind(|| {
                if let Ok(model) = open(&folder) {
                    let _ = model.forward(&TokenBatch::pack([&[2, 7, 3][..]]));
                }
            });
            std::fs::write(&path, &good).unwrap();
            prop_assert!(outcome.is_ok());
            Ok(())
        })?;
    }
}
