//! Damaged, foreign and incomplete artefacts: an error that names file and tensor, never a panic.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::TokenBatch;
use cs_model::names::{BERT, BILSTM, HEADS, Role, TensorRole, product};
use cs_model::{Bundle, Dtype, RawTensor, Weights, write_safetensors};
use cs_quant::{Clip, Error, Int4, NativeModel, Precision, QuantConfig, RuntimeConfig, quantize};
use proptest::prelude::*;

use crate::common::{reference, tasks, write_bundle};

/// A plain folder (no sums) with an artefact, which a test may then damage: 4-bit where that is
/// possible.
fn plain_artefact(dir: &Path, model: &str) {
    let (fp32, int8) = (dir.join("fp32"), dir.join("int8"));
    write_bundle(&fp32, model, cs_model::Tasks::default());
    let int4 = Int4 {
        embeddings: true,
        feed_forward: true,
        attention: false,
        group: 32,
    };
    let config = QuantConfig {
        int4,
        ..QuantConfig::default()
    };
    quantize(&Bundle::open(&fp32).unwrap(), &int8, &config).unwrap();
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
    for (role, number, reason) in [
        (
            Role::SlotTransitions,
            1e6_f32,
            "heads.slots.transitions[0] is 1000000, expected -300 to 300",
        ),
        (
            Role::SlotEnd,
            f32::NAN,
            "tensor heads.slots.end: expected finite numbers, found NaN",
        ),
    ] {
        let (mut tensors, metadata) = read(&bundle.weights_path());
        let (_, _, data) = tensors.get_mut(&HEADS.weight(role)).unwrap();
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
    let name = &*BILSTM.layer(1).weight(Role::LstmHiddenReverse);
    let bias = &*BILSTM.layer(0).bias(Role::LstmInput);
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
        (without(bias), bias),
        (change(name, &|t| t.1.reverse()), name),
        (change(name, &|t| t.0 = Dtype::U8), name),
        (change(&scale, &|t| t.0 = Dtype::I32), &scale),
    ] {
        write(&path, &tensors, &metadata);
        let error = open(&folder).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(named), "{error}");
    }
    for version in ["cs-quant int8 3", "pt", ""] {
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
fn every_defect_of_four_bits_names_file_and_tensor() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "bert_gelu");
    let folder = dir.path().join("int8");
    let path = folder.join("model.int8.safetensors");
    let (tensors, metadata) = read(&path);
    assert!(open(&folder).is_ok());
    let name = &*BERT.layer(1).weight(Role::FeedForwardOut); // [32, 64], two groups a row
    let scale = format!("{name}.scale");
    type Change = fn(&mut Tensor);
    let cases: [(&str, Change); 9] = [
        (&scale, |t| t.2[6..8].copy_from_slice(&[0xc0, 0x7f])), // NaN
        (&scale, |t| t.2[6..8].copy_from_slice(&[0x80, 0x7f])), // infinite
        (&scale, |t| t.2[6..8].fill(0)),
        (&scale, |t| t.2[6..8].copy_from_slice(&[0x80, 0xff])), // negative and infinite
        (&scale, |t| t.1 = vec![64]),
        (&scale, |t| (t.1, t.2) = (vec![32, 0], Vec::new())),
        (&scale, |t| {
            (t.1, t.2) = (vec![32, 64], vec![1; 32 * 64 * 2])
        }), // one weight a group
        (&scale, |t| (t.1, t.2) = (vec![32, 5], vec![1; 32 * 5 * 2])),
        (name, |t| t.1 = vec![64, 16]),
    ];
    for (named, change) in cases {
        let mut tensors = tensors.clone();
        change(tensors.get_mut(named).unwrap());
        write(&path, &tensors, &metadata);
        let error = open(&folder).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn the_older_version_is_read() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "lstm");
    let folder = dir.path().join("int8");
    let path = folder.join("model.int8.safetensors");
    let (tensors, _) = read(&path);
    let batch = TokenBatch::pack([&[2, 7, 3][..]]);
    let new = open(&folder).unwrap().forward(&batch).unwrap();
    let metadata = BTreeMap::from([("format".to_owned(), "cs-quant int8 1".to_owned())]);
    write(&path, &tensors, &metadata);
    assert_eq!(open(&folder).unwrap().forward(&batch).unwrap(), new);
}

#[test]
fn an_artefact_of_another_model_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "bert_gelu");
    let folder = dir.path().join("int8");
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    for (from, to, named) in [
        (
            "\"intermediate_size\": 64",
            "\"intermediate_size\": 96",
            BERT.layer(0).bias(Role::FeedForwardIn),
        ),
        (
            "\"vocab_size\": 50",
            "\"vocab_size\": 16000000",
            BERT.weight(Role::WordEmbeddings),
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 3",
            BERT.layer(2).bias(Role::Query),
        ),
        (
            "\"hidden_size\": 32",
            "\"hidden_size\": 64",
            BERT.weight(Role::WordEmbeddings),
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 2, \"layer_num_attention_heads\": [4, 3]",
            product(&BERT.layer(1).weight(Role::Query)),
        ),
    ] {
        assert!(config.contains(from), "{config}");
        std::fs::write(folder.join("config.json"), config.replace(from, to)).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(
            error.contains("model.int8.safetensors: tensor ") && error.contains(&named),
            "{error}"
        );
    }
}

/// The file's header and what follows it.
fn split(bytes: &[u8]) -> (serde_json::Value, &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (
        serde_json::from_slice(&bytes[8..8 + length]).unwrap(),
        &bytes[8 + length..],
    )
}

fn join(header: &serde_json::Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
}

#[test]
fn hostile_headers_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    plain_artefact(dir.path(), "bert_gelu");
    let folder = dir.path().join("int8");
    let path = folder.join("model.int8.safetensors");
    let good = std::fs::read(&path).unwrap();
    let (header, data) = split(&good);
    let name = &*BERT.layer(1).weight(Role::AttentionOutput);
    let with = |field: &str, value: serde_json::Value| {
        let mut header = header.clone();
        header[name][field] = value;
        join(&header, data)
    };
    let (huge, end) = (u64::MAX, data.len() as u64);
    let long = [&huge.to_le_bytes()[..], &good[8..]].concat();
    for bytes in [
        with("data_offsets", serde_json::json!([0, huge])),
        with("data_offsets", serde_json::json!([huge, huge])),
        with("data_offsets", serde_json::json!([end, 0])),
        with("data_offsets", serde_json::json!([0, 1024])), // over another tensor
        with("shape", serde_json::json!([huge, huge])),
        with("shape", serde_json::json!([1u64 << 32, 1u64 << 32])),
        with("shape", serde_json::json!([32, 32, 1u64 << 40])),
        with("dtype", serde_json::json!("F64")),
        long,
        good[..4].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        Vec::new(),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
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
        matches!(error, Error::NoWeights { wanted: "fp32", .. }),
        "{error}"
    );
    assert!(!out.exists());
    let fp32 = RuntimeConfig {
        precision: Precision::Fp32,
        ..RuntimeConfig::default()
    };
    assert!(matches!(
        NativeModel::open(&bundle, &fp32),
        Err(Error::NoWeights { .. })
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
            clip: Clip::Percentile(0.4),
            ..QuantConfig::default()
        },
        QuantConfig {
            keep_fp32: vec![String::new()],
            ..QuantConfig::default()
        },
    ] {
        let error = quantize(&bundle, &dir.path().join("out"), &config).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn what_is_kept_stays_exact() {
    let dir = tempfile::tempdir().unwrap();
    let (fp32, int8) = (dir.path().join("fp32"), dir.path().join("int8"));
    write_bundle(&fp32, "bert_gelu", tasks());
    let keep_fp32 = vec!["encoder.layer.1".to_owned(), "embeddings".to_owned()];
    let config = QuantConfig {
        keep_fp32,
        ..QuantConfig::default()
    };
    let report = quantize(&Bundle::open(&fp32).unwrap(), &int8, &config).unwrap();
    let kept = |name: &str| {
        let tensor = TensorRole::parse(name);
        tensor.is_some_and(|tensor| tensor.layer == Some(1) || tensor.role.is_embedding())
    };
    assert!(report.layers.iter().all(|layer| !kept(&layer.name)));
    let weights = Weights::open(&int8.join("model.int8.safetensors")).unwrap();
    let before = Weights::open(&fp32.join("model.safetensors")).unwrap();
    for name in weights.names().filter(|name| kept(name)) {
        assert_eq!(weights.raw(name).unwrap(), before.raw(name).unwrap());
    }
    assert_eq!(
        weights.dtype(&HEADS.weight(Role::Intent)).unwrap(),
        Dtype::I8
    );
    let model =
        NativeModel::open(&Bundle::open(&int8).unwrap(), &RuntimeConfig::default()).unwrap();
    assert!(model.forward(&TokenBatch::pack([&[2, 3][..]])).is_ok());
}

/// What a mutation puts into the header of a tensor, or into its data.
#[derive(Debug, Clone)]
enum Mutation {
    Size(prop::sample::Index, u64),
    Offset(bool, u64),
    Type(&'static str),
    Number(prop::sample::Index, u32),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let number = || {
        prop_oneof![
            0..100u64,
            Just(u64::MAX),
            Just(1 << 62),
            Just(1 << 32),
            any::<u64>()
        ]
    };
    let types = prop::sample::select(vec!["I8", "U8", "F32", "BF16", "F16", "F64", "BOOL"]);
    let odd = prop::sample::select(vec![
        f32::NAN,
        f32::INFINITY,
        0.0,
        -0.0,
        -1.0,
        f32::MAX,
        1e-45,
    ]);
    prop_oneof![
        (any::<prop::sample::Index>(), number()).prop_map(|(at, n)| Mutation::Size(at, n)),
        (any::<bool>(), number()).prop_map(|(end, n)| Mutation::Offset(end, n)),
        types.prop_map(Mutation::Type),
        (any::<prop::sample::Index>(), odd).prop_map(|(at, x)| Mutation::Number(at, x.to_bits())),
    ]
}

fn mutate(good: &[u8], tensor: prop::sample::Index, mutation: &Mutation) -> Vec<u8> {
    let (mut header, data) = split(good);
    let mut data = data.to_vec();
    let names: Vec<String> = header.as_object().unwrap().keys().cloned().collect();
    let name = tensor.get(&names);
    if name == "__metadata__" {
        header["__metadata__"]["format"] = "cs-quant int8 9".into();
        return join(&header, &data);
    }
    let info = &mut header[name];
    match *mutation {
        Mutation::Size(at, n) => {
            let axes = info["shape"].as_array_mut().unwrap();
            let at = at.index(axes.len());
            axes[at] = n.into();
        }
        Mutation::Offset(end, n) => info["data_offsets"][usize::from(end)] = n.into(),
        Mutation::Type(name) => info["dtype"] = name.into(),
        Mutation::Number(at, bits) => {
            let place = |i: usize| info["data_offsets"][i].as_u64().unwrap() as usize;
            let bytes = &mut data[place(0)..place(1)];
            let at = at.index(bytes.len() / 2) * 2;
            // A number in f16, or half of one.
            let bits = &bits.to_le_bytes()[2..];
            bytes[at..at + 2].copy_from_slice(bits);
        }
    }
    join(&header, &data)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_panics(
        bert in any::<bool>(),
        tensor in any::<prop::sample::Index>(),
        mutation in mutation(),
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
            std::fs::write(&path, mutate(&good, tensor, &mutation)).unwrap();
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
