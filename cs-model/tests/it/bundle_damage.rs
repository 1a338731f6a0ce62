//! Bundles broken in every way that was thought of.

use std::fs;
use std::path::Path;

use crate::common::{load, names, write_bundle, write_weights};

/// Breaks a fresh bundle and expects the load to fail with a text that starts with the file's path
/// and goes on with `reason`, and to leave the folder alone.
fn expect_error(what: &str, reason: &str, damage: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    write_bundle(dir.path());
    damage(dir.path());
    let before = names(dir.path());
    let error = load(dir.path()).map(|_| ()).expect_err(what).to_string();
    let expected = dir.path().join(reason).display().to_string();
    assert!(
        error.starts_with(&expected),
        "{what}:\n  {error}\n  does not start\n  {expected}"
    );
    assert_eq!(names(dir.path()), before, "{what}");
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let mut json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut json);
    fs::write(path, json.to_string()).unwrap();
}

fn edit_manifest(edit: impl FnOnce(&mut serde_json::Value)) -> impl FnOnce(&Path) {
    move |dir| edit_json(&dir.join("bundle.json"), edit)
}

/// Expects an error as [`expect_error`] does, but without `bundle.json`: no sum protects the files
/// then, and what they hold is checked by itself.
fn expect_error_unsummed(what: &str, reason: &str, damage: impl FnOnce(&Path)) {
    expect_error(what, reason, |dir| {
        fs::remove_file(dir.join("bundle.json")).unwrap();
        damage(dir);
    });
}

const WEIGHTS: &str = "model.safetensors";

#[test]
fn a_file_that_is_not_the_listed_one_is_named() {
    expect_error(
        "gone",
        "tokenizer.json: the file is missing (bundle.json lists it)",
        |dir| {
            fs::remove_file(dir.join("tokenizer.json")).unwrap();
        },
    );
    expect_error(
        "torn",
        "model.safetensors: size in bytes is 9, but bundle.json says ",
        |dir| {
            fs::File::options()
                .write(true)
                .open(dir.join(WEIGHTS))
                .unwrap()
                .set_len(9)
                .unwrap();
        },
    );
    for name in ["config.json", "tokenizer.json", WEIGHTS] {
        expect_error("one bit", &format!("{name}: sha256 is "), |dir| {
            let mut bytes = fs::read(dir.join(name)).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(dir.join(name), bytes).unwrap();
        });
    }
    for name in ["config.json", "tokenizer.json", WEIGHTS] {
        let reason = format!("{name}: the file is missing (bundle.json does not list it)");
        let unlist = edit_manifest(|json| {
            json["files"].as_object_mut().unwrap().remove(name);
        });
        expect_error("unlisted", &reason, unlist);
    }
}

#[test]
fn a_file_outside_the_folder_is_not_looked_at() {
    for name in [
        "../config.json",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "..",
        "",
        "bundle.json",
        "a\0",
    ] {
        let reason = format!("bundle.json: files is {name:?}, expected plain names");
        let list = edit_manifest(|json| {
            json["files"][name] = serde_json::json!({"sha256": "", "bytes": 0});
        });
        expect_error("path", &reason, list);
    }
}

#[test]
fn a_manifest_that_does_not_parse_is_placed() {
    for (content, reason) in [
        (&b""[..], "1:1: EOF"),
        (b"\0", "1:1: expected value"),
        (b"{\"\xff\": 1}", "1:"),
        (b"{}", "1:2: missing field `format_version`"),
        (
            b"{\"format_version\": -1}",
            "1:21: invalid value: integer `-1`",
        ),
        (b"{\"format_version\": 1}", "1:21: missing field `tasks`"),
    ] {
        expect_error("manifest", &format!("bundle.json:{reason}"), |dir| {
            fs::write(dir.join("bundle.json"), content).unwrap();
        });
    }
    let newer = "bundle.json: format_version is 4, this reader knows 1 to 3";
    expect_error("newer", newer, |dir| {
        let content = r#"{"format_version": 4, "tasks": "of another kind"}"#;
        fs::write(dir.join("bundle.json"), content).unwrap();
    });
}

#[test]
fn a_manifest_value_that_cannot_be_used_is_named() {
    for (pointer, value, reason) in [
        (
            "/scheme",
            r#""IOBES""#,
            "scheme is \"IOBES\", expected \"IOB2\"",
        ),
        ("/max_length", "2", "max_length is 2, expected 3 to "),
        (
            "/calibration/intent_temperature",
            "0",
            "calibration.intent_temperature is 0, expected a number above 0",
        ),
        (
            "/calibration/abstain_below",
            "1.5",
            "calibration.abstain_below is 1.5, expected 0 to 1",
        ),
        (
            "/tasks/intent/1",
            r#""refund""#,
            "tasks.intent[1] is \"refund\", expected each label once",
        ),
        (
            "/tasks/slots/0",
            r#""I-x""#,
            "tasks.slots[0] is \"I-x\", expected \"O\"",
        ),
    ] {
        let set = edit_manifest(|json| {
            *json.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        });
        expect_error(pointer, &format!("bundle.json: {reason}"), set);
    }
}

/// A safetensors file of this header.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

#[test]
fn a_torn_or_foreign_checkpoint_is_named() {
    // Sizes that add up to 2^64 - 1: with the header's, a sum past the largest integer.
    let most = (1u64 << 61) - 1;
    let sizes = std::iter::repeat_n(most, 8).chain([7]);
    let entries = sizes.enumerate().map(|(i, size)| {
        let (from, to) = (i as u64 * most, i as u64 * most + size);
        format!(r#""t{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{from},{to}]}}"#)
    });
    let huge = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
    let mut cases = vec![
        (b"".to_vec(), "0 bytes, expected at least 8"),
        (b"version https://git-lfs".to_vec(), "a header of "),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff{}".to_vec(),
            "a header of 18446744073709551615 bytes",
        ),
        (
            b"\x02\0\0\0\0\0\0\0{".to_vec(),
            "a header of 2 bytes in a file of 9",
        ),
        (with_header("xx", b""), "the header does not parse"),
        (
            with_header("{}", b"abc"),
            "3 bytes of tensors, the header says 0",
        ),
        (
            with_header(&huge, b""),
            "0 bytes of tensors, the header says 18446744073709551615",
        ),
    ];
    for (offsets, shape) in [
        ("[0,8]", "[1]"),
        ("[4,8]", "[1]"),
        ("[8,4]", "[1]"),
        ("[0,4]", "[-1]"),
        ("[0,4]", "[4611686018427387904,4]"),
    ] {
        let info = format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#);
        let file = with_header(&format!(r#"{{"a":{info}}}"#), &[0; 8]);
        cases.push((file, "the header does not parse"));
    }
    for (bytes, reason) in cases {
        let reason = format!("{WEIGHTS}: not a whole safetensors file: {reason}");
        expect_error_unsummed("foreign", &reason, |dir| {
            fs::write(dir.join(WEIGHTS), bytes).unwrap();
        });
    }
    expect_error_unsummed(
        "torn",
        &format!("{WEIGHTS}: not a whole safetensors file: "),
        |dir| {
            let file = fs::File::options()
                .write(true)
                .open(dir.join(WEIGHTS))
                .unwrap();
            file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        },
    );
}

#[test]
fn a_tensor_that_does_not_fit_is_named() {
    let expect = |reason: &str, edit: fn(&mut Vec<usize>, &mut Vec<f32>) -> bool| {
        let tensor = reason.split_once(':').unwrap().0;
        expect_error_unsummed("tensor", &format!("{WEIGHTS}: tensor {reason}"), |dir| {
            write_weights(&dir.join(WEIGHTS), |name, shape, values| {
                name != tensor || edit(shape, values)
            });
        });
    };
    expect(
        "heads.slots.bias: expected F32 [3], found no such tensor",
        |_, _| false,
    );
    expect(
        "encoder.lstm.weight_hh_l0: expected F32, F16 or BF16 [12, 3], found F32 [3, 12]",
        |shape, _| {
            shape.reverse();
            true
        },
    );
    expect(
        "heads.intent.weight: expected finite numbers, found NaN at element 5",
        |_, values| {
            values[5] = f32::NAN;
            true
        },
    );
    expect(
        "heads.intent.bias: expected finite numbers, found -inf at element 1",
        |_, values| {
            values[1] = f32::NEG_INFINITY;
            true
        },
    );
}

#[test]
fn a_configuration_or_tokenizer_that_does_not_fit_is_named() {
    for (name, content, reason) in [
        ("config.json", &b""[..], ":1:1: EOF"),
        ("config.json", b"{\"a\": \"\0\"}", ":1:"),
        ("config.json", b"\xff\xfe{\0}\0", ":1:1: "),
        ("config.json", b"7", ":1:1: invalid type: integer `7`"),
        ("tokenizer.json", b"", ":1:1: EOF"),
        (
            "tokenizer.json",
            b"{\"a\": 1}",
            ":1:8: missing field `model`",
        ),
    ] {
        expect_error_unsummed("content", &format!("{name}{reason}"), |dir| {
            fs::write(dir.join(name), content).unwrap();
        });
    }
    let larger = " expected at most 20, the vocab_size of config.json";
    expect_error_unsummed("larger", "tokenizer.json: vocab_size is ", |dir| {
        edit_json(&dir.join("config.json"), |json| {
            json["vocab_size"] = 20.into()
        });
        assert!(load(dir).unwrap_err().to_string().ends_with(larger));
    });
    let missing = "config.json: the file is missing (a model folder needs it)";
    expect_error_unsummed("no config", missing, |dir| {
        fs::remove_file(dir.join("config.json")).unwrap();
    });
}
