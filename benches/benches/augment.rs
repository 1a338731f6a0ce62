//! Synonyms and 10 % noise on short Chinese turns with an order number each, spans and provenance
//! kept. `cargo bench -p cs-benches --no-default-features --bench augment`.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cs_data::augment::{Noise, NoiseConfig, Pipeline, PipelineConfig, Synonyms};
use cs_data::{Dataset, Span, SplitMix, Utterance};

const ROWS: usize = 200_000;
const TURNS: [(&str, &str); 6] = [
    ("帮我查询订单", "的物流"),
    ("订单", "什么时候发货"),
    ("我要取消订单", ""),
    ("", "这个单的发票怎么开"),
    ("客服在吗，", "要退款"),
    ("", "的尺码不对想换"),
];
const SYNONYMS: [(&str, &[&str]); 9] = [
    ("退款", &["退钱", "返款"]),
    ("物流", &["配送", "快递"]),
    ("查询", &["查一下", "看看"]),
    ("订单", &["单子"]),
    ("什么时候", &["几时", "啥时候"]),
    ("帮我", &["给我", "替我"]),
    ("发票", &["票据"]),
    ("取消", &["撤销"]),
    ("尺码", &["大小"]),
];

fn rows() -> Dataset {
    let mut random = SplitMix::new(7);
    let row = |id: usize| {
        let (before, after) = TURNS[random.below(TURNS.len())];
        let number = (1_000_000_000 + random.below(9_000_000_000)).to_string();
        let span = Span::new(before.len(), before.len() + number.len(), "order_id");
        let text = format!("{before}{number}{after}");
        Utterance::new(id.to_string(), text)
            .with_intent("x")
            .with_spans(vec![span])
    };
    Dataset::from_utterances((0..ROWS).map(row)).expect("valid rows")
}

fn augment(criterion: &mut Criterion) {
    let data = rows();
    let weighted = |(word, all): (&'static str, &[&'static str])| {
        (
            word,
            all.iter().map(|candidate| (*candidate, 1.0)).collect(),
        )
    };
    let synonyms = Synonyms::new(SYNONYMS.map(weighted)).expect("a valid dictionary");
    let mut group = criterion.benchmark_group("augment");
    group
        .sample_size(20)
        .throughput(Throughput::Elements(ROWS as u64));
    for threads in [1, 2] {
        let config = PipelineConfig {
            threads: NonZeroUsize::new(threads),
            ..PipelineConfig::default()
        };
        let noise = Noise::new(NoiseConfig::default()).expect("valid rates");
        let pipeline = Pipeline::new(config)
            .with(synonyms.clone(), 1.0)
            .and_then(|pipeline| pipeline.with(noise, 1.0))
            .expect("valid probabilities");
        let id = BenchmarkId::new("synonyms+noise", format!("{threads}t"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| pipeline.run(black_box(&data)).expect("augmented rows"));
        });
    }
    group.finish();
}

criterion_group!(benches, augment);
criterion_main!(benches);
