//! The native runtime's forward with random weights of MiniLM-L6's shape. `cargo bench -p
//! cs-benches --no-default-features`.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cs_benches::{minilm, sequences, write_random_model};
use cs_data::TokenBatch;
use cs_model::Bundle;
use cs_quant::{NativeModel, Precision, RuntimeConfig};

/// Multiply-adds of MiniLM-L6's linear layers, per token.
const LINEAR_MACS: u64 = 6 * (4 * 384 * 384 + 2 * 384 * 1536);

fn workloads() -> Vec<(&'static str, TokenBatch)> {
    let ragged: Vec<usize> = (0..32).map(|i| 4 + i * 29 % 61).collect();
    let shapes = [
        ("1x16", vec![16]),
        ("1x128", vec![128]),
        ("32x32", vec![32; 32]),
        ("ragged", ragged),
    ];
    let pack = |(name, lengths): (_, Vec<usize>)| {
        let rows = sequences(&lengths, 30_000, 3);
        (name, TokenBatch::pack(rows.iter().map(Vec::as_slice)))
    };
    shapes.into_iter().map(pack).collect()
}

fn forward(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_random_model(dir.path(), &minilm(), 1).expect("a random model");
    let bundle = Bundle::open(dir.path()).expect("the model just written");
    let mut group = criterion.benchmark_group("forward");
    group.sample_size(20);
    for precision in [Precision::Int8, Precision::Fp32] {
        for threads in [1, 2] {
            let config = RuntimeConfig {
                threads: NonZeroUsize::new(threads),
                precision,
                ..RuntimeConfig::default()
            };
            let model = NativeModel::open(&bundle, &config).expect("the model just written");
            for (name, batch) in workloads() {
                // Shown as elements a second: multiply-adds of the linear layers.
                group.throughput(Throughput::Elements(LINEAR_MACS * batch.tokens() as u64));
                let id = BenchmarkId::new(format!("{precision}/{threads}t"), name);
                group.bench_with_input(id, &batch, |bencher, batch| {
                    bencher.iter(|| model.hidden(black_box(batch)).expect("a valid batch"));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
