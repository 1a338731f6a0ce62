//! Bundles written and read back.

use std::collections::BTreeMap;
use std::fs;

use crate::common::{config, load, manifest, names, tasks, write_bundle};
use cs_data::WordRule;
use cs_model::{
    Bundle, BundleWriter, Calibration, Dtype, Error, Manifest, RawTensor, Tasks, Weights,
    write_safetensors,
};

#[test]
fn a_bundle_reads_back_as_written() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("new/folder");
    write_bundle(&dir);
    let expected = [
        "bundle.json",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ];
    assert_eq!(names(&dir), expected);
    let bundle = load(&dir).unwrap();
    assert_eq!((bundle.config(), bundle.tasks()), (&config(), &tasks()));
    assert_eq!(
        (bundle.max_length(), bundle.calibration().intent_temperature),
        (32, 1.5)
    );
    let read = bundle.manifest().unwrap();
    assert_eq!(
        read.files.keys().collect::<Vec<_>>(),
        expected[1..].iter().collect::<Vec<_>>()
    );
    assert_eq!(
        read,
        &Manifest {
            files: read.files.clone(),
            ..manifest()
        }
    );
    assert!(bundle.int8_path().is_none() && bundle.int8_weights().unwrap().is_none());

    // The quantiser's way: another bundle with this one's files and an artefact.
    let out = dir.join("out");
    let mut writer = BundleWriter::new(&out).unwrap();
    writer.copy_from(&bundle, "config.json").unwrap();
    writer.copy_from(&bundle, "tokenizer.json").unwrap();
    let tensor = || [("w", RawTensor::from_bytes(Dtype::I8, &[2], &[1, 255]))];
    writer
        .write_with(Bundle::INT8_WEIGHTS, |path| {
            write_safetensors(path, tensor(), &BTreeMap::new())
        })
        .unwrap();
    writer.finish(read.clone()).unwrap();
    let quantised = Bundle::open(&out).unwrap();
    assert_eq!(
        fs::read(out.join("config.json")).unwrap(),
        bundle.read("config.json").unwrap()
    );
    let weights = quantised.int8_weights().unwrap().unwrap();
    assert_eq!(weights.bytes("w", Dtype::I8, &[2]).unwrap()[..], [1, 255]);
    let error = quantised.weights().unwrap_err().to_string();
    assert!(
        error.ends_with("the file is missing (bundle.json does not list it)"),
        "{error}"
    );
}

#[test]
fn weights_are_those_that_were_verified() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(Bundle::WEIGHTS);
    let content = |weights: &Weights| -> Option<Vec<Vec<u8>>> {
        let tensors = weights.names().map(|name| weights.raw(name));
        let tensors = tensors.map(|tensor| match tensor {
            Ok(tensor) => Some(tensor.data.into_owned()),
            Err(Error::Io { .. }) => None,
            Err(error) => panic!("{error}"),
        });
        tensors.collect()
    };
    write_bundle(dir.path());
    let [kept, rewritten, longer] =
        [(); 3].map(|()| Bundle::open(dir.path()).unwrap().weights().unwrap());
    let expected = content(&kept);
    assert!(expected.is_some());
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();

    // Written to: the time of the last writing differs, or the length.
    file.set_modified(modified + std::time::Duration::from_secs(1))
        .unwrap();
    assert_eq!(content(&rewritten), None);
    file.set_modified(modified).unwrap();
    assert_eq!(content(&kept), expected);
    file.set_len(fs::metadata(&path).unwrap().len() + 1)
        .unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(content(&longer), None);

    // Another file under the same name, as everything here writes.
    write_bundle(dir.path());
    let kept = Bundle::open(dir.path()).unwrap().weights().unwrap();
    let other = [("x", RawTensor::from_f32(&[1], &[0.5]))];
    write_safetensors(&path, other, &BTreeMap::new()).unwrap();
    assert_eq!(content(&kept), expected);
    assert!(Bundle::open(dir.path()).is_err());
}

#[test]
fn a_bundle_of_version_1_has_no_conditional_random_field() {
    let dir = tempfile::tempdir().unwrap();
    write_bundle(dir.path());
    let path = dir.path().join("bundle.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["format_version"], 3);
    json["format_version"] = 1.into();
    let removed = json["tasks"].as_object_mut().unwrap().remove("slot_head");
    assert_eq!(removed.unwrap(), "softmax");
    fs::write(&path, json.to_string()).unwrap();
    assert_eq!(load(dir.path()).unwrap().tasks(), &tasks());
}

#[test]
fn a_bundle_of_version_2_has_the_words_of_the_pre_tokenizer() {
    let dir = tempfile::tempdir().unwrap();
    write_bundle(dir.path());
    let words = || {
        Bundle::open(dir.path())
            .unwrap()
            .tokenizer()
            .unwrap()
            .words()
    };
    assert_eq!(words(), WordRule::Script);
    let path = dir.path().join("bundle.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json["format_version"] = 2.into();
    assert_eq!(
        json.as_object_mut().unwrap().remove("words").unwrap(),
        "script"
    );
    fs::write(&path, json.to_string()).unwrap();
    assert_eq!(words(), WordRule::PreTokenizer);
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for dir in &dirs {
        write_bundle(dir.path());
    }
    for name in names(dirs[0].path()) {
        let [a, b] = dirs
            .each_ref()
            .map(|dir| fs::read(dir.path().join(&name)).unwrap());
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn format_1_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    write_bundle(dir.path());
    let path = dir.path().join("bundle.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json["format_version"] = 1.into();
    json["calibration"] = serde_json::json!({"temperature": 1.5, "abstain_below": 0.2});
    fs::write(&path, json.to_string()).unwrap();
    let expected = Calibration {
        intent_temperature: 1.5,
        slot_temperature: 1.0,
        abstain_below: Some(0.2),
    };
    assert_eq!(load(dir.path()).unwrap().calibration(), expected);
}

#[test]
fn a_plain_folder_opens_as_an_encoder() {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"{"model_type": "bert", "vocab_size": 8, "hidden_size": 4, "new_key": [1],
        "num_attention_heads": 2, "num_hidden_layers": 1, "max_position_embeddings": 16}"#;
    fs::write(dir.path().join("config.json"), config).unwrap();
    fs::write(
        dir.path().join("vocab.txt"),
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n退\n款\n",
    )
    .unwrap();
    let bundle = Bundle::open(dir.path()).unwrap();
    assert!(bundle.tasks().is_empty() && bundle.manifest().is_none());
    assert_eq!(bundle.max_length(), 16);
    let tokenizer = bundle.tokenizer().unwrap();
    assert_eq!(tokenizer.encode("退款", 16).unwrap().ids, [2, 5, 6, 3]);
    let error = bundle.weights().unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");

    // What is written from it: the configuration unchanged, the vocabulary as tokenizer.json.
    let out = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::new(out.path()).unwrap();
    writer.copy_from(&bundle, "config.json").unwrap();
    writer
        .write("tokenizer.json", &tokenizer.to_json().unwrap())
        .unwrap();
    writer.finish(Manifest::new(Tasks::default(), 16)).unwrap();
    assert_eq!(
        fs::read(out.path().join("config.json")).unwrap(),
        config.as_bytes()
    );
    let again = Bundle::open(out.path()).unwrap().tokenizer().unwrap();
    assert_eq!(again.encode("退款", 16).unwrap().ids, [2, 5, 6, 3]);
}

#[test]
fn a_writer_that_fails_leaves_the_bundle_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    write_bundle(dir.path());
    let before: Vec<_> = names(dir.path());
    let start = || {
        let mut writer = BundleWriter::new(dir.path()).unwrap();
        writer.write("config.json", b"{}").unwrap();
        writer
    };
    drop(start());
    assert!(
        start()
            .finish(manifest())
            .unwrap_err()
            .to_string()
            .contains("tokenizer.json")
    );
    let mut writer = start();
    writer.write("tokenizer.json", b"{}").unwrap();
    assert!(
        writer
            .finish(manifest())
            .unwrap_err()
            .to_string()
            .contains("model_type is missing")
    );

    let mut writer = start();
    writer
        .write("config.json", &config().to_json().unwrap())
        .unwrap();
    writer.write("tokenizer.json", b"{}").unwrap();
    let unreadable = BTreeMap::from([("loss".to_owned(), f64::NAN)]);
    let error = writer
        .finish(Manifest {
            metrics: unreadable,
            ..manifest()
        })
        .unwrap_err();
    assert!(error.to_string().contains("bundle.json:"), "{error}");

    let mut writer = start();
    for name in ["../evil", "a/b", "bundle.json", ""] {
        assert!(writer.write(name, b"").is_err(), "{name}");
    }
    let failed = writer.write_with("model.safetensors", |path| {
        fs::write(path, "half").unwrap();
        Weights::open(path).map(drop)
    });
    assert!(failed.is_err());
    drop(writer);
    assert_eq!(names(dir.path()), before);
    load(dir.path()).unwrap();
}
