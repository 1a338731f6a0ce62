//! Generating text, as a user runs it: what comes, and what is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cs_model::{Bundle, DecoderConfig, RawTensor, write_safetensors};
use serde_json::Value;

use crate::support::{Folder, program, tasks};

const CONFIG: &str = r#"{"model_type": "llama", "vocab_size": 259, "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 90,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true, "eos_token_id": [256, 258]}"#;
const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// A Llama that was never trained, on bytes and three special tokens.
fn write_model(dir: &Path) {
    let config = DecoderConfig::from_json(CONFIG.as_bytes(), "config.json".as_ref()).unwrap();
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = config
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let values = (0..shape.iter().product()).map(|_| next()).collect();
            (name, shape, values)
        })
        .collect();
    let raw = tensors
        .iter()
        .map(|(name, shape, values)| (name, RawTensor::from_f32(shape, values)));
    write_safetensors(&dir.join(Bundle::WEIGHTS), raw, &BTreeMap::new()).unwrap();
    let printable = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut more = 256..;
    let chars = (0..256).map(|byte| {
        if printable(byte) {
            byte
        } else {
            more.next().unwrap()
        }
    });
    let mut vocab: BTreeMap<String, u32> = chars
        .map(|char| char::from_u32(char).unwrap().into())
        .zip(0..)
        .collect();
    vocab.extend(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
            .map(String::from)
            .into_iter()
            .zip(256..),
    );
    let settings = r#"{"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]}"#;
    for (name, text) in [
        ("config.json", CONFIG),
        ("vocab.json", &serde_json::to_string(&vocab).unwrap()),
        ("merges.txt", "#version: 0.2\n"),
        ("tokenizer_config.json", settings),
        ("chat_template.jinja", CHATML),
    ] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}

/// A model's folder, and a place for files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        write_model(place.0.path());
        place
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs the example with the model; status, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = program("generate")
            .arg("--model")
            .arg(self.0.path())
            .args(arguments)
            .output();
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// The line of JSON that comes of a text.
    fn json(&self, arguments: &[&str]) -> Value {
        let (status, stdout, stderr) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(status, Some(0), "{stderr}");
        assert_eq!(stdout.lines().count(), 1);
        serde_json::from_str(&stdout).unwrap()
    }

    /// The line on standard error of what is refused.
    fn refusal(&self, arguments: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    }
}

#[test]
fn a_line_of_json_has_what_the_contract_says() {
    let place = Place::new();
    let line = place.json(&["--prompt", "你好", "--max-new-tokens", "5"]);
    let keys: Vec<&str> = line
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = [
        "prompt",
        "text",
        "tokens",
        "finish",
        "prompt_tokens",
        "prefill_seconds",
        "decode_seconds",
        "first_token_seconds",
        "between_tokens_p50_seconds",
        "between_tokens_p95_seconds",
        "between_tokens_max_seconds",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (&line["prompt"], &line["prompt_tokens"]),
        (&"你好".into(), &6.into())
    );
    assert!(line["tokens"].as_array().unwrap().len() <= 5);
    let (_, streamed, told) = place.run(&["--prompt", "你好", "--max-new-tokens", "5", "--stream"]);
    assert_eq!(streamed, format!("{}\n", line["text"].as_str().unwrap()));
    let times = told.strip_prefix("first token after ").unwrap();
    assert!(
        times.contains(" s; between tokens ") && times.ends_with(" ms (longest)\n"),
        "{told}"
    );
    // By chance, as the seed says.
    let drawn = |seed: &str| {
        place.json(&["--prompt", "a", "--temperature", "2", "--seed", seed])["tokens"].clone()
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
    let chat = place.json(&["--prompt", "a<|im_end|>", "--chat", "--max-new-tokens", "3"]);
    let turns = "<>user\na<|im_end|><>\n<>assistant\n".replace("<>", "_");
    assert_eq!(chat["prompt_tokens"], turns.len());
}

#[test]
fn quantised_weights_continue_as_those_of_a_checkpoint_in_4_bits() {
    let place = Place::new();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("int4");
    let status = program("quantize")
        .arg("--model")
        .arg(place.0.path())
        .arg("--out")
        .arg(&out)
        .args(["--int4", "embeddings,attention,feed-forward"])
        .status();
    assert!(status.unwrap().success());
    let expected = place.json(&["--prompt", "订单", "--int4"]);
    let output = program("generate")
        .arg("--model")
        .arg(&out)
        .args(["--prompt", "订单", "--json"])
        .output();
    let found: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(found["tokens"], expected["tokens"]);
}

#[test]
fn a_decoder_is_quantised_if_it_foretells_texts_as_well() {
    let place = Place::new();
    let texts = place.0.path().join("texts.jsonl");
    std::fs::write(
        &texts,
        "{\"text\": \"where is my order\"}\n{\"text\": \"退货\"}\n",
    )
    .unwrap();
    let out = place.0.path().join("int8");
    let quantize = |data: &Path, more: &[&str]| {
        let mut command = program("quantize");
        command
            .arg("--model")
            .arg(place.0.path())
            .arg("--out")
            .arg(&out);
        command.arg("--data").arg(data).args(more).arg("--json");
        command.output().unwrap()
    };
    let refused = quantize(&texts, &["--max-drop=-0.9"]);
    assert_eq!(refused.status.code(), Some(1));
    // In fp32, quantised, and with its one block alone quantised.
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("measurement 3: perplexity "), "{told}");
    assert!(!out.join(Bundle::INT8_WEIGHTS).exists());
    let accepted = quantize(&texts, &["--max-drop", "0.5", "--sensitivity"]);
    let verdict: Value = serde_json::from_slice(&accepted.stdout).unwrap();
    assert_eq!(
        (accepted.status.code(), &verdict["accepted"]),
        (Some(0), &Value::Bool(true))
    );
    assert!(
        String::from_utf8(accepted.stderr)
            .unwrap()
            .contains("layers.0")
    );
    let none = place.0.path().join("none.jsonl");
    std::fs::write(&none, "{\"text\": \"a\"}\n").unwrap();
    for (data, more, expected) in [
        (&none, &[][..], "no text of two tokens"),
        (
            &texts,
            &["--max-length", "9"],
            "--max-length: it has no effect",
        ),
        (
            &texts,
            &["--max-drop", "nan"],
            "'nan' for '--max-drop <DROP>': expected a number",
        ),
    ] {
        let output = quantize(data, &[&["--overwrite"], more].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && error.contains(expected),
            "{error}"
        );
    }
}

#[cfg(feature = "torch")]
#[test]
fn both_backends_continue_alike() {
    let place = Place::new();
    let tokens = |arguments: &[&str]| {
        place.json(&[&["--prompt", "where is my order"], arguments].concat())["tokens"].clone()
    };
    let torch = ["--backend", "torch", "--device", "cpu"];
    assert_eq!(tokens(&[]), tokens(&torch));
    let error = place.refusal(&[&["--prompt", "a", "--int4"], &torch[..]].concat());
    assert!(error.starts_with("error: --int4: libtorch"), "{error}");
    let error = place.refusal(&["--prompt", "a", "--device", "cpu"]);
    assert!(error.starts_with("error: --device: the native"), "{error}");
}

#[test]
fn a_draft_changes_nothing_and_is_refused_where_it_has_no_effect() {
    let (place, draft) = (Place::new(), Place::new());
    let path = draft.0.path().to_str().unwrap();
    let prompt = ["--prompt", "abcabcab"];
    let drafted = place.json(&[&prompt[..], &["--draft", path]].concat());
    assert_eq!(drafted["tokens"], place.json(&prompt)["tokens"]);
    let error = place.refusal(&[&prompt[..], &["--draft", path, "--beams", "2"]].concat());
    assert!(
        error.contains("expected none with beams or chance"),
        "{error}"
    );
    let vocab = std::fs::read_to_string(draft.0.path().join("vocab.json")).unwrap();
    draft.file("vocab.json", &vocab.replace("im_end", "im_over"));
    draft.file("tokenizer_config.json", "{}");
    let error = place.refusal(&[&prompt[..], &["--draft", path]].concat());
    assert!(error.contains("a model of other tokens"), "{error}");
}

#[test]
fn lines_of_a_file_are_continued_beside_those_that_cannot_be() {
    let place = Place::new();
    let input = place.file(
        "in.txt",
        &format!("one\n\n{}\n{{\"text\": 7}}\ntwo\n", "x".repeat(80)),
    );
    let input = input.to_str().unwrap();
    let (status, stdout, stderr) =
        place.run(&["--input", input, "--max-new-tokens", "20", "--json"]);
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (status, lines.len(), stderr.lines().count()),
        (Some(2), 5, 3)
    );
    let alone = place.json(&["--prompt", "two", "--max-new-tokens", "20"]);
    assert_eq!(lines[4]["tokens"], alone["tokens"]);
    assert_eq!(lines[1]["line"], 2);
    let error = lines[2]["error"].as_str().unwrap();
    assert!(
        error.starts_with("a prompt of 80 tokens, expected at most 71"),
        "{error}"
    );
    assert!(
        lines[3]["error"]
            .as_str()
            .unwrap()
            .contains("in.txt:4:1: `text` is 7")
    );
    let long = "x".repeat(80);
    let cut = place.json(&["--prompt", &long, "--max-new-tokens", "20", "--cut"]);
    assert_eq!(cut["prompt_tokens"], 71);
}

#[test]
fn a_continuation_is_a_choice_or_a_match() {
    let place = Place::new();
    let choices = place.file("choices.txt", "退款\n退货\nneither\n");
    let choices = choices.to_str().unwrap();
    for more in [&[][..], &["--beams", "3"], &["--temperature", "3"]] {
        let line = place.json(&[&["--prompt", "a", "--choices", choices][..], more].concat());
        assert!(
            ["退款", "退货", "neither"].contains(&line["text"].as_str().unwrap()),
            "{line}"
        );
        assert_eq!(line["finish"], "stop");
        let line = place.json(
            &[
                &["--prompt", "a", "--regex", r"[A-Z]{2}[0-9]{3}订单"][..],
                more,
            ]
            .concat(),
        );
        let text = line["text"].as_str().unwrap();
        assert!(text.len() == 11 && text.ends_with("订单"), "{text}");
    }
    let empty = place.file("empty.txt", "a\n\n");
    let error = place.refusal(&["--prompt", "a", "--choices", empty.to_str().unwrap()]);
    assert!(
        error.contains("empty.txt:2:1: an empty line, expected a text to choose"),
        "{error}"
    );
    let error = place.refusal(&["--prompt", "a", "--regex", "a("]);
    assert!(
        error.starts_with("error: regex is \"a(\", expected an expression: "),
        "{error}"
    );
}

#[test]
fn what_is_not_there_or_contradicts_itself_is_refused() {
    let place = Place::new();
    for (arguments, expected) in [
        (
            &["--beams", "0"][..],
            "invalid value '0' for '--beams <N>': expected a whole number of at least 1",
        ),
        (
            &["--beams", "2", "--stream"],
            "--stream: beams are sure of nothing",
        ),
        (
            &["--beams", "2", "--top-k", "3"],
            "num_beams is 2, expected 1 where there is sampling",
        ),
        (
            &["--length-penalty", "0.5"],
            "length_penalty is 0.5, expected 1, as num_beams is 1",
        ),
        (
            &["--temperature", "0"],
            "temperature is 0, expected at least 0.000001",
        ),
        (&["--seed", "3"], "--seed: 3, expected none"),
        (
            &["--top-p", "1.5"],
            "invalid value '1.5' for '--top-p <SHARE>'",
        ),
        (
            &["--stop", ""],
            "stop_strings[0] is \"\", expected at least one character",
        ),
        (
            &["--chat", "--cut"],
            "the argument '--chat' cannot be used with '--cut'",
        ),
        (
            &["--input", "x"],
            "the argument '--prompt <TEXT>' cannot be used with '--input <FILE>'",
        ),
        (
            &["--max-new-tokens", "91"],
            "a prompt of 1 tokens, expected at most 0",
        ),
        (
            &["--chat", "--max-new-tokens", "80"],
            "tokens of the prompt is ",
        ),
    ] {
        let error = place.refusal(&[&["--prompt", "a"][..], arguments].concat());
        assert!(error.starts_with(&format!("error: {expected}")), "{error}");
    }
    let error = place.refusal(&["--prompt", ""]);
    assert!(error.starts_with("error: an empty prompt"), "{error}");
    place.file("torn.gguf", "GGUF");
    for (name, expected) in [
        (
            "torn.gguf",
            "byte 4: the version is 4 bytes long, expected at most the 0 that are left",
        ),
        ("missing.gguf", "No such file or directory"),
    ] {
        let path = place.0.path().join(name);
        for option in ["--model", "--draft"] {
            let mut command = program("generate");
            if option == "--draft" {
                command.arg("--model").arg(place.0.path());
            }
            let output = command.arg(option).arg(&path).args(["--prompt", "a"]);
            let error = String::from_utf8(output.output().unwrap().stderr).unwrap();
            let expected = format!("error: {}: {expected}", path.display());
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}

#[test]
fn a_chat_model_rephrases_rows_and_what_is_refused_is_counted() {
    let place = Place::new();
    // What it is told takes more positions than it has otherwise.
    place.file("config.json", &CONFIG.replace("90", "4096"));
    let chat = place.0.path().display().to_string();
    let files = Folder::new();
    let input = files.write(
        "a.jsonl",
        concat!(
            r#"{"text": "refund order 12345", "intent": "refund", "spans": [{"start": 13, "end": 18, "label": "id"}]}"#,
            "\n",
            r#"{"text": "我的包裹在哪里", "intent": "order", "spans": []}"#,
            "\n",
        )
        .as_bytes(),
    );
    let augment = |more: &[&str]| {
        let output = files.path("more.jsonl");
        let mut program = program("augment");
        let program = program.args(["--input", &input, "--output", &output]);
        program.args(more).output().unwrap()
    };
    let model = files.model(&tasks());
    let asking = ["--rephrase", &chat, "--classifier", &model, "--copies", "2"];
    let found = augment(&[&asking[..], &["--keep-original", "--json"]].concat());
    assert!(found.status.success(), "{found:?}");
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["asked"]["rephrasing"], 4);
    // Nobody taught it to speak, so it loses what it was to keep.
    assert_eq!(report["dropped"]["rephrasing: entity lost"], 2);
    let of = |counts: &Value, name: &str| {
        let counts = counts.as_object().unwrap().iter();
        let counts = counts.filter(|(key, _)| key.starts_with(name));
        counts
            .map(|(_, count)| count.as_u64().unwrap())
            .sum::<u64>()
    };
    let kept = of(&report["by_origin"], "rephrasing");
    assert_eq!(kept + of(&report["dropped"], "rephrasing: "), 4, "{report}");

    let refusal = |more: &[&str]| {
        let found = augment(more);
        assert_eq!(found.status.code(), Some(2));
        String::from_utf8(found.stderr).unwrap()
    };
    let line = refusal(&["--classifier", &model]);
    assert!(line.contains("--rephrase"), "{line}");
    let line = refusal(&["--rephrase", &chat, "--classifier", &chat]);
    assert!(
        line.starts_with("error: ") && line.lines().count() == 1,
        "{line}"
    );
    let line = refusal(&["--rephrase", &model]);
    assert!(line.contains("config.json: model_type is"), "{line}");
    let none = Folder::new();
    let plain = none.model(&cs_model::Tasks {
        intent: None,
        ..tasks()
    });
    let line = refusal(&["--rephrase", &chat, "--classifier", &plain]);
    assert!(line.contains("a model that tells no intent"), "{line}");
}
