//! The cache of answers on its own, with 100,000 of them: one to the same text, one to a text that
//! asks the same, and eight threads at once of whose questions nine in ten are there.
//! `cargo bench -p cs-benches --no-default-features --bench cache`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cs_data::SplitMix;
use cs_serve::route::{Cache, CacheConfig, Question, Semantic};
use cs_serve::{Intent, Understanding};

const ENTRIES: usize = 100_000;
const INTENTS: usize = 77;
/// The width of the light model's vectors.
const WIDTH: usize = 384;
const THREADS: usize = 8;
/// How many questions a thread asks.
const ASKED: usize = 10_000;

/// A text, and what the light model says of it.
struct Asked {
    text: String,
    light: Understanding,
}

impl Asked {
    fn new(number: usize) -> Self {
        let mut random = SplitMix::new(number as u64);
        let vector = (0..WIDTH).map(|_| random.unit() as f32 - 0.5).collect();
        let text = format!("Where is my parcel number {number} to Hamburg, please?");
        let intent = Intent {
            label: format!("intent{}", number % INTENTS),
            confidence: 0.9,
        };
        let light = Understanding {
            text: text.clone(),
            intents: vec![intent],
            embedding: Some(vector),
            ..Understanding::default()
        };
        Self { text, light }
    }

    /// The same, said without courtesy.
    fn curtly(&self) -> String {
        self.text.replace(", please", "")
    }
}

fn filled(version: &Arc<str>) -> Cache<Understanding> {
    let cache = Cache::new(CacheConfig {
        max_bytes: 1 << 30,
        semantic: Some(Semantic {
            max_distance: 0.1,
            may_differ: [",", "please"].map(String::from).into(),
        }),
        texts_per_intent: ENTRIES / INTENTS + 1,
        ..CacheConfig::default()
    });
    for number in 0..ENTRIES {
        let Asked { text, light } = Asked::new(number);
        cache.insert_similar(&Question::new(version, &text), &light, &light);
    }
    cache
}

fn ask(cache: &Cache<Understanding>, version: &Arc<str>, thread: usize) -> usize {
    let mut random = SplitMix::new(thread as u64);
    let mut found = 0;
    for _ in 0..ASKED {
        let number = random.below(ENTRIES * 10 / 9);
        let text = format!("Where is my parcel number {number} to Hamburg, please?");
        found += usize::from(cache.get(&Question::new(version, &text)).is_some());
    }
    found
}

fn cache(criterion: &mut Criterion) {
    let version: Arc<str> = "1".into();
    let cache = filled(&version);
    let mut random = SplitMix::new(1);
    let mut any = || Asked::new(random.below(ENTRIES));
    criterion.bench_function("the same text", |bencher| {
        let find = |asked: Asked| cache.get(&Question::new(&version, &asked.text));
        bencher.iter_batched(
            &mut any,
            |asked| find(black_box(asked)),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("a text that asks the same", |bencher| {
        let find = |asked: Asked| {
            let text = asked.curtly();
            cache.similar(&Question::new(&version, &text), &asked.light)
        };
        assert!(find(Asked::new(7)).is_some());
        bencher.iter_batched(
            &mut any,
            |asked| find(black_box(asked)),
            BatchSize::SmallInput,
        );
    });
    let mut group = criterion.benchmark_group("eight threads");
    group.throughput(Throughput::Elements((THREADS * ASKED) as u64));
    group.bench_function("nine in ten there", |bencher| {
        bencher.iter_custom(|rounds| {
            let began = Instant::now();
            for _ in 0..rounds {
                let (cache, version) = (&cache, &version);
                std::thread::scope(|scope| {
                    for thread in 0..THREADS {
                        scope.spawn(move || black_box(ask(cache, version, thread)));
                    }
                });
            }
            began.elapsed()
        });
    });
}

criterion_group!(benches, cache);
criterion_main!(benches);
