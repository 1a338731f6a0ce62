//! From a text to the answer's JSON with a light model in int8, stage by stage, on one thread.
//! `cargo bench -p cs-benches --no-default-features --bench answer`; `MODEL=DIR` takes the bundle in
//! DIR instead of one with random weights.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use cs_benches::sequences;
use cs_data::{Scheme, TagSet, TokenBatch, Tokenizer};
use cs_model::{
    BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Labels, Manifest, Matrix, SlotHead, Tasks,
    init,
};
use cs_quant::{NativeModel, Precision, RuntimeConfig};
use cs_serve::Assistant;

/// 16 tokens with the special ones.
const TEXT: &str = "去上海的订单到哪里了，谢谢!";

/// As many intents and labels of slots as the demo's data has.
fn tasks() -> Result<Tasks, Box<dyn Error>> {
    let labels = (0..14).map(|i| format!("label{i}"));
    Ok(Tasks {
        intent: Some((0..27).map(|i| format!("intent{i}")).collect()),
        slots: Some(TagSet::of_labels(labels, Scheme::Iob2)?),
        slot_head: SlotHead::Crf,
        sentiment: true,
        ..Tasks::default()
    })
}

/// Writes a bundle of the light model's shape with random weights.
fn write_bundle(dir: &Path) -> Result<(), Box<dyn Error>> {
    let tokenizer = Tokenizer::train([TEXT; 2].into_iter(), 5000)?;
    let config = EncoderConfig::from(BiLstmConfig {
        vocab_size: tokenizer.vocab_size().max(5000),
        embedding_size: 192,
        hidden_size: 192,
        ..BiLstmConfig::default()
    });
    let tasks = tasks()?;
    let mut writer = BundleWriter::new(dir)?;
    writer.write("config.json", &config.to_json()?)?;
    writer.write("tokenizer.json", &tokenizer.to_json()?)?;
    writer.write_with("model.safetensors", |path| {
        init::write_fresh(path, &config, &tasks, 1)
    })?;
    Ok(writer.finish(Manifest::new(tasks, 128))?)
}

fn config(threads: usize) -> RuntimeConfig {
    RuntimeConfig {
        threads: NonZeroUsize::new(threads),
        precision: Precision::Int8,
        ..RuntimeConfig::default()
    }
}

fn stages(criterion: &mut Criterion) {
    let own = tempfile::tempdir().expect("a temporary folder");
    let given = std::env::var_os("MODEL").map(PathBuf::from);
    if given.is_none() {
        write_bundle(own.path()).expect("a bundle with random weights");
    }
    let open = || Bundle::open(given.as_deref().unwrap_or(own.path())).expect("a bundle");
    let bundle = open();
    let model = NativeModel::open(&bundle, &config(1)).expect("the bundle's weights");
    let assistant = Assistant::open_native(open(), &config(1)).expect("the bundle's weights");
    let labels = Labels {
        tasks: bundle.tasks(),
        calibration: bundle.calibration(),
    };
    let encode = || assistant.tokenizer().encode(black_box(TEXT), 128);
    let encodings = [encode().expect("a text")];
    let pack = || TokenBatch::pack([&black_box(&encodings)[0].ids[..]]);
    let batch = pack();
    let output = model.forward(&batch).expect("a valid batch");
    let turn = assistant.understand(TEXT).expect("a text");
    let mut hidden = Matrix::default();

    let mut group = criterion.benchmark_group(format!("answer, {} tokens", batch.tokens()));
    time(&mut group, "tokenize", encode);
    time(&mut group, "pack", pack);
    time(&mut group, "encoder", || {
        model.hidden_into(black_box(&batch), &mut hidden)
    });
    time(&mut group, "encoder and heads", || {
        model.forward(black_box(&batch))
    });
    if let (Some(slots), Some(crf)) = (&output.slots, &output.transitions) {
        let rows = || (0..slots.rows).map(|row| black_box(slots).row(row));
        time(&mut group, "random field", || crf.decode(rows()));
    }
    time(&mut group, "understanding, random field included", || {
        labels.decode(&[TEXT], &encodings, &batch.offsets, black_box(&output))
    });
    time(&mut group, "JSON", || {
        serde_json::to_string(black_box(&turn))
    });
    time(&mut group, "all", || {
        let turn = assistant.understand(black_box(TEXT)).expect("a text");
        serde_json::to_string(&turn)
    });
    group.finish();
}

fn time<T>(group: &mut BenchmarkGroup<'_, WallTime>, stage: &str, mut compute: impl FnMut() -> T) {
    group.bench_function(stage, |bencher| bencher.iter(&mut compute));
}

/// What many texts at once cost the encoder.
fn batch(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_bundle(dir.path()).expect("a bundle with random weights");
    let bundle = Bundle::open(dir.path()).expect("the bundle just written");
    let rows = sequences(&[32; 32], 5000, 3);
    let batch = TokenBatch::pack(rows.iter().map(Vec::as_slice));
    let mut hidden = Matrix::default();
    for threads in [1, 2] {
        let model = NativeModel::open(&bundle, &config(threads)).expect("the bundle just written");
        criterion.bench_function(&format!("light 32x32/{threads}t"), |bencher| {
            bencher.iter(|| model.hidden_into(black_box(&batch), &mut hidden));
        });
    }
}

criterion_group!(benches, stages, batch);
criterion_main!(benches);
