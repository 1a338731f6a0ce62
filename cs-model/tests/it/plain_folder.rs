//! Plain folders: weights in several files or of another format, and what sentence-transformers
//! writes beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::{config, load, tensors, tokenizer, write_weights};
use cs_model::{Bundle, Pooling, RawTensor, write_safetensors};
use serde_json::{Value, json};

const INDEX: &str = "model.safetensors.index.json";
const SHARDS: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];

fn plain_folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(dir.path().join(name), bytes).unwrap();
    write("config.json", config().to_json().unwrap());
    write("tokenizer.json", tokenizer("where is my order"));
    dir
}

/// The weights in two files, every other tensor in the second one.
fn write_shards(dir: &Path) -> Value {
    let mut map = BTreeMap::new();
    for (i, shard) in SHARDS.into_iter().enumerate() {
        let own = |name: &str| {
            let place = tensors().iter().position(|(known, _)| known == name);
            place.unwrap() % 2 == i
        };
        write_weights(&dir.join(shard), |name, _, _| own(name));
        let names = tensors().into_iter().map(|(name, _)| name);
        map.extend(names.filter(|name| own(name)).map(|name| (name, shard)));
    }
    json!({"metadata": {"total_size": 1}, "weight_map": map})
}

fn write_index(dir: &Path, index: &Value) {
    fs::write(dir.join(INDEX), index.to_string()).unwrap();
}

#[test]
fn weights_in_several_files_are_those_of_one() {
    let (whole, sharded) = (plain_folder(), plain_folder());
    write_weights(&whole.path().join(Bundle::WEIGHTS), |_, _, _| true);
    let index = write_shards(sharded.path());
    write_index(sharded.path(), &index);
    let whole = load(whole.path()).unwrap();
    let sharded = load(sharded.path()).unwrap();
    assert!(whole.has_weights() && sharded.has_weights());
    let (whole, sharded) = (whole.weights().unwrap(), sharded.weights().unwrap());
    for (name, shape) in tensors() {
        let expected = whole.f32(&name, &shape).unwrap();
        assert_eq!(sharded.f32(&name, &shape).unwrap(), expected);
    }
    assert!(sharded.names().eq(whole.names()));
    assert!(sharded.file_size() > whole.file_size() / 2);
}

#[test]
fn a_list_of_files_that_does_not_fit_is_named() {
    let first = tensors()[0].0.clone();
    let dir = plain_folder();
    let index = write_shards(dir.path());
    let expect = |index: &Value, file: &str, reason: &str| {
        write_index(dir.path(), index);
        let bundle = Bundle::open(dir.path()).unwrap();
        let error = bundle.weights().unwrap_err().to_string();
        let start = dir.path().join(file).display().to_string();
        assert!(
            error.starts_with(&start) && error.contains(reason),
            "{error}\n{start}{reason}"
        );
    };
    let with = |file: &str| {
        let mut changed = index.clone();
        changed["weight_map"][&first] = file.into();
        changed
    };
    for outside in ["../model.safetensors", "/etc/passwd", "a/b", "..", "", ".x"] {
        let reason =
            format!("weight_map.{first} is {outside:?}, expected the plain name of a file");
        expect(&with(outside), INDEX, &reason);
    }
    let gone = "model-00003-of-00003.safetensors";
    expect(&with(gone), gone, "the file is missing (");
    expect(
        &with("config.json"),
        "config.json",
        "not a whole safetensors file",
    );
    let moved = format!("tensor {first}: expected this tensor here");
    expect(&with(SHARDS[1]), SHARDS[1], &moved);
    let mut unknown = index.clone();
    unknown["weight_map"]["no.such.tensor"] = SHARDS[0].into();
    expect(
        &unknown,
        SHARDS[0],
        "tensor no.such.tensor: expected this tensor here",
    );
    for (list, reason) in [
        (json!({}), "missing field `weight_map`"),
        (
            json!({"weight_map": {}}),
            "weight_map is 0 files, expected 1 to 512 files",
        ),
        (json!({"weight_map": {"a": 7}}), "invalid type"),
    ] {
        expect(&list, INDEX, reason);
    }
    let many: BTreeMap<String, String> =
        (0..513).map(|i| (i.to_string(), format!("f{i}"))).collect();
    expect(
        &json!({"weight_map": many}),
        INDEX,
        "weight_map is 513 files",
    );

    // The same tensor in both files.
    let twice = [(first.as_str(), RawTensor::from_f32(&[1], &[0.5]))];
    write_safetensors(
        &dir.path().join("more.safetensors"),
        twice,
        &BTreeMap::new(),
    )
    .unwrap();
    let mut doubled = index.clone();
    doubled["weight_map"]["other"] = "more.safetensors".into();
    expect(
        &doubled,
        "more.safetensors",
        "expected one tensor of this name, found two",
    );

    let shard = dir.path().join(SHARDS[1]);
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() - 4]).unwrap();
    expect(&index, SHARDS[1], "not a whole safetensors file");
}

#[test]
fn weights_of_another_format_are_told_how_to_convert() {
    let dir = plain_folder();
    let weights = || load_weights(dir.path());
    assert!(
        weights().ends_with("model.safetensors: the file is missing (a model folder needs it)")
    );
    fs::write(dir.path().join("pytorch_model.bin"), b"PK").unwrap();
    let error = weights();
    assert!(
        error.contains("pytorch_model.bin is another format"),
        "{error}"
    );
    assert!(error.contains("save_pretrained('"), "{error}");
}

fn load_weights(dir: &Path) -> String {
    let bundle = Bundle::open(dir).unwrap();
    assert!(!bundle.has_weights());
    bundle.weights().unwrap_err().to_string()
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lite");
    let error = Bundle::open(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("lite: no such folder, expected a model's folder"),
        "{error}"
    );
    fs::write(&path, b"").unwrap();
    let error = Bundle::open(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("lite: a file, expected a model's folder"),
        "{error}"
    );
}

/// A plain folder with these files of sentence-transformers.
fn sentences(files: &[(&str, Value)]) -> tempfile::TempDir {
    let dir = plain_folder();
    fs::create_dir(dir.path().join("1_Pooling")).unwrap();
    for (name, content) in files {
        fs::write(dir.path().join(name), content.to_string()).unwrap();
    }
    dir
}

const POOLING: &str = "1_Pooling/config.json";
const LIMITS: &str = "sentence_bert_config.json";

#[test]
fn pooling_and_longest_input_are_read() {
    let plain = Bundle::open(plain_folder().path()).unwrap();
    assert_eq!(
        (plain.max_length(), plain.tasks().pooling),
        (512, Pooling::Mean)
    );
    let width = config().hidden_size();
    for (mode, pooling) in [
        (json!({"pooling_mode_mean_tokens": true}), Pooling::Mean),
        (
            json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}),
            Pooling::Cls,
        ),
        (
            json!({"pooling_mode_max_tokens": true, "word_embedding_dimension": width}),
            Pooling::Max,
        ),
        (json!({"pooling_mode": "cls"}), Pooling::Cls),
    ] {
        let limits = json!({"max_seq_length": 40, "do_lower_case": false});
        let dir = sentences(&[(POOLING, mode), (LIMITS, limits)]);
        let bundle = Bundle::open(dir.path()).unwrap();
        assert_eq!((bundle.max_length(), bundle.tasks().pooling), (40, pooling));
    }
    let dir = sentences(&[(
        LIMITS,
        json!({"max_seq_length": null, "do_lower_case": true}),
    )]);
    let bundle = Bundle::open(dir.path()).unwrap();
    assert_eq!(bundle.max_length(), 512);
    assert!(bundle.tokenizer().is_ok(), "it lower-cases by itself");
}

#[test]
fn what_would_change_the_vectors_is_refused_by_name() {
    let module = |path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        (
            "modules.json",
            json!([{"idx": 0, "name": "0", "path": path, "type": kind}]),
        )
    };
    for (file, reason) in [
        (
            (POOLING, json!({"pooling_mode_lasttoken": true})),
            "pooling_mode is lasttoken, expected one of mean, cls and max",
        ),
        (
            (POOLING, json!({"pooling_mode_mean_sqrt_len_tokens": true})),
            "pooling_mode is mean_sqrt_len, expected one of",
        ),
        (
            (
                POOLING,
                json!({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}),
            ),
            "pooling_mode is cls and mean, expected one of",
        ),
        (
            (POOLING, json!({"pooling_mode_mean_tokens": false})),
            "pooling_mode is missing",
        ),
        (
            (
                POOLING,
                json!({"pooling_mode": "mean", "word_embedding_dimension": 5}),
            ),
            "word_embedding_dimension is 5, expected 6, the encoder's width",
        ),
        (
            (
                POOLING,
                json!({"pooling_mode": "mean", "include_prompt": false}),
            ),
            "include_prompt is false, expected true",
        ),
        (
            (LIMITS, json!({"max_seq_length": 2})),
            "max_seq_length is 2, expected at least 3",
        ),
        ((LIMITS, json!({"max_seq_length": -1})), "invalid value"),
        (
            module("2_Dense", "Dense"),
            "[0].type is \"sentence_transformers.models.Dense\", expected",
        ),
        (
            module("0_BERT", "Transformer"),
            "[0].path is \"0_BERT\", expected \"\"",
        ),
    ] {
        let (name, _) = file;
        let dir = sentences(&[file]);
        // Heads can be trained on the encoder all the same.
        let bundle = Bundle::open(dir.path());
        let error = bundle
            .and_then(|bundle| bundle.check_pooling())
            .unwrap_err();
        let (error, start) = (
            error.to_string(),
            dir.path().join(name).display().to_string(),
        );
        assert!(
            error.starts_with(&start) && error.contains(reason),
            "{error}\n{reason}"
        );
    }
    let modules = json!([
        {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]);
    let dir = sentences(&[("modules.json", modules)]);
    Bundle::open(dir.path()).unwrap().check_pooling().unwrap();
    let dense =
        json!([{"idx": 0, "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]);
    assert!(Bundle::open(sentences(&[("modules.json", dense)]).path()).is_ok());
}

#[test]
fn prompts_are_listed_by_name() {
    let list = |prompts: Value, default: Value| {
        let content = json!({"prompts": prompts, "default_prompt_name": default});
        let dir = sentences(&[(Bundle::PROMPTS, content)]);
        Bundle::open(dir.path()).unwrap().prompts()
    };
    let prompts = list(json!({"query": "query: "}), json!("query")).unwrap();
    assert_eq!(prompts.get("query"), Some("query: "));
    assert_eq!(prompts.default_prompt(), Some("query: "));
    let none = list(Value::Null, Value::Null).unwrap();
    assert_eq!((none.prompts.len(), none.default_prompt()), (0, None));
    let error = list(json!({"query": ""}), json!("passage"))
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("default_prompt_name is \"passage\", expected one of prompts: query"));
    assert!(list(json!({"query": 7}), Value::Null).is_err());
}

#[test]
fn another_longest_input_is_checked() {
    let open = || Bundle::open(plain_folder().path()).unwrap();
    assert_eq!(open().with_max_length(16).unwrap().max_length(), 16);
    let error = open().with_max_length(2).unwrap_err().to_string();
    assert!(
        error.starts_with("max_length is 2, expected 3 to "),
        "{error}"
    );
}
