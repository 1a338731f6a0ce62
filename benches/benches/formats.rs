//! Reading and writing 100,000 short rows. `cargo bench -p cs-benches --no-default-features --bench
//! formats`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cs_data::{Dataset, ReadOptions, SplitMix, Utterance, WriteOptions};

const ROWS: usize = 100_000;

/// As long as a bank's customers' questions: about 12 words, one of 77 intents.
fn rows() -> Dataset {
    let mut random = SplitMix::new(7);
    let row = |number: usize| {
        let words = 4 + random.below(16);
        let text: Vec<String> = (0..words)
            .map(|_| format!("wo{}", random.below(500)))
            .collect();
        let intent = format!("intent_number_{}", random.below(77));
        Utterance::new(number.to_string(), text.join(" ")).with_intent(intent)
    };
    Dataset::from_utterances((0..ROWS).map(row)).expect("valid rows")
}

fn formats(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = rows();
    for direction in ["read", "write"] {
        let mut group = criterion.benchmark_group(direction);
        group
            .sample_size(10)
            .throughput(Throughput::Elements(ROWS as u64));
        for ending in ["jsonl", "csv", "tsv", "parquet"] {
            let path = folder.path().join("rows").with_extension(ending);
            let write = || data.save(&path, &WriteOptions::default()).expect("a file");
            write();
            group.bench_function(BenchmarkId::from_parameter(ending), |bencher| {
                bencher.iter(|| match direction {
                    "read" => drop(black_box(Dataset::open(&path, &ReadOptions::default()))),
                    _ => drop(black_box(write())),
                });
            });
        }
    }
}

criterion_group!(benches, formats);
criterion_main!(benches);
