//! A small transformer, pruned and trained on: what comes out, and what is refused.
#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used)] // A panic is the failure report.

use std::path::{Path, PathBuf};

use cs_data::{Dataset, Tokenizer, Utterance};
use cs_examples::demo::{Corpus, Split};
use cs_examples::{Error, GateArgs, PruneArgs, Pruner, Settings, rows_of, texts_of};
use cs_model::{BertConfig, Bundle, Device, EncoderConfig, Model, Tasks};
use cs_quant::{NativeModel, Precision, QuantConfig, RuntimeConfig, single_batches};
use cs_train::objective::DistillConfig;
use cs_train::recipe::{Start, Teaching};
use cs_train::run::Silent;

/// Far from what it can reach, so that the clock's noise does not matter.
const ARGS: PruneArgs = PruneArgs {
    target_latency: 0.75,
    latency_precision: Precision::Fp32,
    threads: std::num::NonZeroUsize::MIN,
};
const NEURONS: usize = 512;

fn rows(split: Split, count: usize) -> Vec<Utterance> {
    Corpus::embedded().unwrap().generate(split, count, 1)
}

fn data() -> [Dataset; 2] {
    [156, 52].map(|count| Dataset::from_utterances(rows(Split::Train, count)).unwrap())
}

fn settings() -> Settings {
    Settings {
        epochs: Some(2),
        lr: Some(1e-3),
        device: Some(Device::Cpu),
        ..Settings::default()
    }
}

/// A folder as Hugging Face has it: an encoder without heads.
fn encoder(folder: &Path, train: &Dataset) -> PathBuf {
    let texts: Vec<Utterance> = train.iter().collect();
    let tokenizer = Tokenizer::train(texts.iter().map(|row| row.text.as_str()), 400).unwrap();
    let config = EncoderConfig::from(BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: NEURONS,
        ..BertConfig::default()
    });
    let model = Model::new(&config, &Tasks::default(), Device::Cpu, 1).unwrap();
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_json().unwrap()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_json().unwrap()).unwrap();
    model.save_weights(&folder.join(Bundle::WEIGHTS)).unwrap();
    folder.to_owned()
}

fn trained(start: &Start, train: &Dataset, out: &Path) -> Start {
    let recipe = settings().recipe(start, out);
    let fitted = recipe.fit(rows_of(train, None), &mut Silent).unwrap();
    fitted.write(out).unwrap();
    Start::Folder(out.to_owned())
}

fn teaching(folder: &Path) -> Teaching {
    Teaching::open(folder, Some(Device::Cpu), DistillConfig::default()).unwrap()
}

/// Both runtimes' intent logits of some texts.
fn logits(bundle: &Bundle, texts: &[Utterance]) -> Vec<[Vec<f32>; 2]> {
    let torch = Model::open(bundle, Device::Cpu).unwrap();
    let runtime = RuntimeConfig {
        precision: Precision::Fp32,
        ..RuntimeConfig::default()
    };
    let native = NativeModel::open(bundle, &runtime).unwrap();
    let batches = single_batches(bundle, &texts_of(texts)).unwrap();
    let pair = |batch| {
        let outputs = [
            torch.predict(batch).unwrap(),
            native.forward(batch).unwrap(),
        ];
        outputs.map(|output| output.intent.unwrap().data)
    };
    batches.iter().map(pair).collect()
}

#[test]
fn a_pruned_model_is_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let [train, eval] = data();
    let base = Start::Folder(encoder(&dir.path().join("encoder"), &train));
    let whole = dir.path().join("whole");
    let model = trained(&base, &train, &whole);
    let pruner = Pruner::open(&model, ARGS).unwrap();
    let (teaching, out) = (teaching(&whole), dir.path().join("new/out"));
    let run = |pruner: &Pruner, settings: Settings| {
        let rows = rows_of(&train, Some(&eval));
        pruner.run(rows, &teaching, &settings.recipe(&model, &out), &mut Silent)
    };
    let fitted = run(&pruner, settings()).unwrap();
    assert!(fitted.evaluation.is_some());
    fitted.write(&out).unwrap();

    let bundle = Bundle::open(&out).unwrap();
    assert_eq!(bundle.tasks(), pruner.bundle().tasks());
    assert_eq!(bundle.max_length(), pruner.bundle().max_length());
    let blocks = bundle.config().stack().unwrap().blocks;
    let sizes: Vec<_> = blocks.iter().map(|b| (b.heads, b.inner_size)).collect();
    assert!(sizes.iter().any(|&size| size < (4, NEURONS)), "{sizes:?}");
    let kept = &bundle.manifest().unwrap().settings["pruning"];
    assert_eq!(kept["target_latency"], 0.75);
    assert_eq!(kept["report"]["neurons"][1], sizes[1].1);
    assert!(pruner.latencies(&out, &train).unwrap().ratio() > 0.0);

    let test = rows(Split::Test, 60);
    for [torch, native] in logits(&bundle, &test[..8]) {
        assert!(torch.len() > 1);
        for (torch, native) in torch.iter().zip(&native) {
            assert!((torch - native).abs() < 1e-3, "{torch} {native}");
        }
    }
    let int8 = dir.path().join("int8");
    let config = QuantConfig::default();
    let verdict = GateArgs::new(1.0).quantize(&bundle, &int8, &config, &test);
    assert!(verdict.unwrap().accepted);
    let int8 = Bundle::open(&int8).unwrap();
    assert_eq!(int8.config(), bundle.config());

    let again = Settings {
        resume: true,
        ..settings()
    };
    let fitted = run(&pruner, again.clone()).unwrap();
    assert_eq!(fitted.report.resumed_from, Some(fitted.report.steps));
    let other = PruneArgs {
        target_latency: 0.5,
        ..ARGS
    };
    let other = Pruner::open(&model, other).unwrap();
    let line = run(&other, again).unwrap_err().line();
    assert!(
        line.contains("pruned/pruning.json: pruned to 0.75 in fp32"),
        "{line}"
    );
}

#[test]
fn what_cannot_be_pruned_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let [train, _] = data();
    let base = Start::Folder(encoder(&path("encoder"), &train));
    let line = |result: Result<Pruner, Error>| result.unwrap_err().line();
    assert!(
        line(Pruner::open(&base, ARGS))
            .ends_with("encoder: a model without heads, expected a model trained for a task")
    );
    assert!(line(Pruner::open(&Start::Mini, ARGS)).starts_with("--model: light and mini"));
    let light = trained(&Start::Light, &train, &path("light"));
    assert!(line(Pruner::open(&light, ARGS)).contains("light: a bilstm model, expected a trans"));
    let model = trained(&base, &train, &path("whole"));
    for target_latency in [0.0, 1.0, f64::NAN] {
        let args = PruneArgs {
            target_latency,
            ..ARGS
        };
        assert!(line(Pruner::open(&model, args)).starts_with("target_latency: "));
    }

    let few = train.filter(|row| row.intent.as_deref() == train.intents().first().map(|i| &**i));
    trained(&base, &few.unwrap(), &path("other"));
    let pruner = Pruner::open(&model, ARGS).unwrap();
    let out = path("new/out");
    let run = |teacher: &str, settings: Settings, out: &Path| {
        let (rows, recipe) = (rows_of(&train, None), settings.recipe(&model, out));
        let result = pruner.run(rows, &teaching(&path(teacher)), &recipe, &mut Silent);
        result.unwrap_err().line()
    };
    let foreign = run("other", settings(), &out);
    assert!(foreign.contains("intents"), "{foreign}");
    let bad = Settings {
        lr: Some(-1.0),
        ..settings()
    };
    assert!(run("whole", bad, &out).starts_with("lr is -1"));
    let own = run("whole", settings(), &path("whole"));
    assert!(own.contains("the folder of the model to prune"), "{own}");
    let out_of_reach = PruneArgs {
        target_latency: 1e-9,
        ..ARGS
    };
    let pruner = Pruner::open(&model, out_of_reach).unwrap();
    let (rows, recipe) = (rows_of(&train, None), settings().recipe(&model, &out));
    let result = pruner.run(rows, &teaching(&path("whole")), &recipe, &mut Silent);
    assert!(
        result
            .unwrap_err()
            .line()
            .starts_with("target_latency: 0.000000001")
    );
    assert!(!path("new").exists());
    assert!(!path("whole/pruned").exists());
}
