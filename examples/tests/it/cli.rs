//! The examples' shared parts, from rows to answers, and what they say to bad input.

use std::path::Path;

use cs_examples::{DataArgs, open_bundle};

use crate::support::program;

fn refusal(path: &Path, args: &DataArgs) -> String {
    let line = args.open(path).unwrap_err().to_string();
    assert!(!line.contains('\n'), "{line}");
    line.strip_prefix(&path.display().to_string())
        .unwrap_or_else(|| panic!("{line}"))
        .to_owned()
}

#[test]
fn bad_data_is_refused_on_one_line_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let plain = DataArgs::default();
    assert!(refusal(&dir.path().join("none.jsonl"), &plain).starts_with(": "));
    assert!(refusal(&file("empty.jsonl", b""), &plain).starts_with(":"));
    let broken = file("broken.jsonl", b"{\"text\": \"hi\"}\n{\"text\": 7}\n");
    assert!(refusal(&broken, &plain).starts_with(":2:"));
    let unread = file("latin.jsonl", b"{\"text\": \"caf\xe9\"}\n");
    assert!(refusal(&unread, &plain).starts_with(":1:"));
    let columns = "text=text,intent=category".parse().unwrap();
    let mapped = DataArgs {
        columns,
        ..DataArgs::default()
    };
    let table = file("table.csv", b"text,label\nhi,greeting\n");
    let line = refusal(&table, &mapped);
    assert!(
        line.starts_with(":1:") && line.contains("category"),
        "{line}"
    );
    assert_eq!(
        plain
            .open(&file("fine.csv", b"text,intent\nhi,greeting\n"))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_folder_that_is_no_trained_model_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let line = open_bundle(dir.path()).unwrap_err().line();
    assert!(
        line.starts_with(&dir.path().join("config.json").display().to_string()),
        "{line}"
    );
    let config =
        r#"{"model_type": "bilstm", "vocab_size": 9, "embedding_size": 4, "hidden_size": 4}"#;
    std::fs::write(dir.path().join("config.json"), config).unwrap();
    let line = open_bundle(dir.path()).unwrap_err().line();
    assert!(line.contains("a model without heads"), "{line}");
}

/// Runs an example; status, standard output and standard error.
fn example(name: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program(name)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn data_is_converted_audited_and_augmented() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let json = |(status, out, err): (Option<i32>, String, String), expected: i32| {
        assert_eq!(status, Some(expected), "{err}");
        serde_json::from_str::<serde_json::Value>(&out).unwrap()
    };
    let rows = concat!(
        r#"{"id":"a","text":"退订单A77","intent":"refund","spans":[{"start":3,"end":6,"label":"order"}]}"#,
        "\n",
        r#"{"id":"b","text":"could you tell me where my parcel is today","intent":"ship","spans":[]}"#,
        "\n",
    );
    let (source, table, back) = (path("a.jsonl"), path("a.parquet"), path("b.jsonl"));
    std::fs::write(&source, rows).unwrap();
    for [from, to] in [[&source, &table], [&table, &back]] {
        let done = json(
            example("convert", &["--input", from, "--output", to, "--json"]),
            0,
        );
        assert_eq!((&done["rows"], &done["skipped"]), (&2.into(), &0.into()));
    }
    let report = json(
        example("audit", &["--data", &back, "--against", &source, "--json"]),
        1,
    );
    assert_eq!(
        (&report["leaks"], &report["passed"]),
        (&2.into(), &false.into())
    );
    let more = path("more.jsonl");
    let made = json(
        example(
            "augment",
            &[
                "--input", &back, "--output", &more, "--copies", "2", "--json",
            ],
        ),
        0,
    );
    assert_eq!(made["rows_out"], 4);
    let text = std::fs::read_to_string(&more).unwrap();
    assert_eq!(text.lines().count(), 4);

    std::fs::write(&source, format!("{rows}{{\"text\": 7}}\n")).unwrap();
    for (name, arguments) in [
        ("convert", ["--input", &source, "--output", &path("no.csv")]),
        ("augment", ["--input", &source, "--output", &path("no.csv")]),
        ("audit", ["--data", &back, "--against", &source]),
    ] {
        let (status, out, err) = example(name, &arguments);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(
            err.starts_with("error: ") && err.contains("a.jsonl:3:10: "),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
}

#[cfg(feature = "torch")]
mod trained {
    use cs_data::augment::variants;
    use cs_data::{Dataset, Utterance};
    use cs_examples::demo::{Corpus, Split};
    use cs_examples::{
        BackendKind, GateArgs, Latency, LengthArgs, Settings, open, rows_of, write_predictions,
    };
    use cs_model::Bundle;
    use cs_train::evaluation::head_figures;
    use cs_train::recipe::{Start, Teaching};
    use cs_train::run::Silent;

    fn rows(split: Split, count: usize) -> Vec<Utterance> {
        Corpus::embedded().unwrap().generate(split, count, 1)
    }

    #[test]
    fn from_rows_to_answers() {
        let dir = tempfile::tempdir().unwrap();
        let (model, int8) = (dir.path().join("model"), dir.path().join("new/int8"));
        let train = Dataset::from_utterances(rows(Split::Train, 312)).unwrap();
        let eval = Dataset::from_utterances(rows(Split::Train, 52)).unwrap();
        let settings = Settings {
            epochs: Some(8),
            lr: Some(5e-3),
            ..Settings::default()
        };
        let recipe = settings.recipe(&Start::Light, &model);
        let rows_of = || rows_of(&train, Some(&eval));
        let mut fitted = recipe.fit(rows_of(), &mut Silent).unwrap();
        let evaluation = fitted.evaluation.unwrap();
        assert!(evaluation.intent_accuracy.unwrap() > 0.5, "{evaluation:?}");
        fitted.note_metrics("test", &evaluation);
        fitted.write(&model).unwrap();

        let bundle = Bundle::open(&model).unwrap();
        let manifest = bundle.manifest().unwrap();
        assert_eq!(
            manifest.metrics["test.slot_f1"],
            evaluation.slot_f1.unwrap()
        );
        assert_eq!(manifest.data_fingerprint, Some(train.fingerprint()));

        let test = rows(Split::Test, 60);
        let config = cs_quant::QuantConfig::default();
        let refuse = GateArgs {
            min_speedup: Some(1e6),
            ..GateArgs::new(0.05)
        };
        assert!(
            !refuse
                .quantize(&bundle, &int8, &config, &test)
                .unwrap()
                .accepted
        );
        assert!(!int8.exists() && !int8.parent().unwrap().exists());
        assert!(
            refuse.quantize(&bundle, &model, &config, &test).is_err(),
            "its own folder"
        );
        let gate = GateArgs::new(0.05);
        let verdict = gate.quantize(&bundle, &int8, &config, &test).unwrap();
        assert!(verdict.accepted && verdict.ratio > 2.0, "{verdict:?}");
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 2, "{left:?}");

        let texts: Vec<&str> = test.iter().map(|row| row.text.as_str()).collect();
        let answers = |folder, backend| {
            open(folder, backend, LengthArgs::default())
                .unwrap()
                .understand_batch(&texts)
                .unwrap()
        };
        let torch = answers(&model, BackendKind::Torch);
        let native = answers(&int8, BackendKind::Native);
        let same = torch.iter().zip(&native).filter(|(a, b)| {
            a.intent.as_ref().map(|intent| &intent.label)
                == b.intent.as_ref().map(|intent| &intent.label)
        });
        assert!(same.count() >= 57);
        let figures = head_figures(&test, &native, bundle.tasks()).unwrap();
        let judged = verdict.heads.iter();
        let judged: Vec<_> = judged
            .map(|(head, figures)| (head, figures.after))
            .collect();
        let heads: Vec<_> = figures
            .iter()
            .map(|(head, &figure)| (head, figure))
            .collect();
        assert_eq!((judged, heads.len()), (heads, 3));

        let file = dir.path().join("predictions.jsonl");
        write_predictions(&file, &test, &native).unwrap();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let length = |key: &str| row[key].as_array().unwrap().len();
            assert!(length("tokens") > 0);
            assert_eq!(
                (length("gold"), length("predicted")),
                (length("tokens"), length("tokens"))
            );
        }
        let int8 = Bundle::open(&int8).unwrap();
        assert!(
            Latency::measure(&bundle, &int8, &test[..4])
                .unwrap()
                .speedup()
                > 0.0
        );

        let mut teaching =
            Teaching::open(&model, None, cs_train::objective::DistillConfig::default()).unwrap();
        teaching.corpus = variants(&train, 1, 1).unwrap();
        let settings = Settings {
            epochs: Some(8),
            lr: Some(8e-3),
            light_hidden: Some(48),
            ..Settings::default()
        };
        let out = dir.path().join("student");
        let recipe = settings.recipe(&Start::Light, &out);
        let student = recipe.distill(rows_of(), &teaching, &mut Silent).unwrap();
        assert_eq!(student.tasks(), bundle.tasks());
        let learned = student.evaluation.unwrap();
        assert!(
            learned.intent_accuracy.unwrap() > 0.4,
            "{learned:?} of {evaluation:?}"
        );
    }
}
