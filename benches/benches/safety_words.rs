//! Texts filtered by 10,000 words: one core, for what is there and for all that may be disguised.
//! `cargo bench -p cs-benches --no-default-features --bench safety_words`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cs_data::SplitMix;
use cs_serve::safety::words::{Filter, FilterConfig, Trick, Tricks, WordList};

const WORDS: usize = 10_000;

/// Words of two to five Chinese characters, or of four to ten Latin letters.
fn words() -> String {
    let mut random = SplitMix::new(7);
    let mut text = String::new();
    for number in 0..WORDS {
        let (count, first, letters) = match number % 3 {
            0 => (4 + random.below(7), 'a', 26),
            _ => (2 + random.below(4), '一', 6000),
        };
        let chars =
            (0..count).filter_map(|_| char::from_u32(first as u32 + random.below(letters) as u32));
        text.extend(chars);
        text.push('\n');
    }
    text
}

fn filter(lines: &str, tricks: Tricks) -> Filter {
    let mut list = WordList::new();
    let added = list.add(lines.as_bytes(), "words".as_ref());
    added.unwrap_or_else(|error| panic!("{error}"));
    Filter::new(list, FilterConfig::default().with_tricks(tricks))
}

/// A customer's turns, Chinese and English.
fn turns() -> [String; 2] {
    let chinese = "您好，我上周五在你们店里买的水壶到现在还没有发货，订单号是20240115，麻烦帮我查一下物流，谢谢！";
    let english = "Hello, I ordered a steel kettle last Friday (order 20240115) and it hasn't been shipped yet. Could you check?";
    [chinese.to_owned(), english.to_owned()]
}

fn safety_words(criterion: &mut Criterion) {
    let lines = words();
    criterion.bench_function("ready for 10,000 words", |bencher| {
        bencher.iter(|| filter(black_box(&lines), Tricks::ALL));
    });
    for (name, tricks) in [("exact", Trick::Exact.into()), ("all layers", Tricks::ALL)] {
        let filter = filter(&lines, tricks);
        let mut group = criterion.benchmark_group(name);
        for (language, turn) in ["Chinese", "English"].into_iter().zip(turns()) {
            let text = format!("{turn} ").repeat(1_000_000 / turn.len());
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("1 MB of {language}"), |bencher| {
                bencher.iter(|| filter.filter(black_box(&text)));
            });
            let short: String = turn.chars().take(50).collect();
            group.throughput(Throughput::Elements(1));
            group.bench_function(format!("50 characters of {language}"), |bencher| {
                bencher.iter(|| filter.filter(black_box(&short)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, safety_words);
criterion_main!(benches);
