//! From labelled rows to packed batches as training takes them, beside the tokenizer alone. `cargo
//! bench -p cs-benches --no-default-features --bench data`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cs_data::{BatchPlan, Dataset, Span, TokenBatch, Tokenizer, Utterance};
use cs_train::data::{Example, examples, tasks_of};

const ROWS: usize = 20_000;

/// Short messages with an order number, and sometimes a date.
fn rows() -> Vec<Utterance> {
    let forms = [
        "查询订单{}的物流状态，已经等了很久了",
        "where is my order {} please, it should have arrived",
        "{}这个订单想退款，东西坏了",
        "I want to return order {} because it does not fit",
        "请帮我取消订单 {} 谢谢",
    ];
    let row = |number: usize| {
        let (before, after) = forms[number % forms.len()]
            .split_once("{}")
            .expect("a form with {}");
        let value = format!("{}", 10_000_000 + number * 7919 % 90_000_000);
        let span = Span::new(before.len(), before.len() + value.len(), "order_id");
        let mut row = Utterance::new(number.to_string(), format!("{before}{value}{after}"));
        row.spans.push(span);
        if number.is_multiple_of(3) {
            let start = row.text.len() + 1;
            row.text.push_str(" 2026-11-24");
            row.spans.push(Span::new(start, row.text.len(), "date"));
        }
        row
    };
    (0..ROWS).map(row).collect()
}

/// The batches of an epoch: token ids, and the targets of the slot head.
fn pack(examples: &[Example]) -> Vec<(TokenBatch, Vec<Option<u32>>)> {
    let lengths = examples.iter().map(|example| example.encoding.ids.len());
    let lengths: Vec<usize> = lengths.collect();
    let plan = BatchPlan {
        max_tokens: 4096,
        max_sequences: 128,
        shuffle: Some(1),
    };
    let batch = |rows: Vec<usize>| {
        let ids = rows.iter().map(|&row| &examples[row].encoding.ids[..]);
        let tags = rows.iter().flat_map(|&row| &examples[row].tags).flatten();
        (TokenBatch::pack(ids), tags.copied().collect())
    };
    plan.batches(&lengths).into_iter().map(batch).collect()
}

fn tokenize_align_pack(criterion: &mut Criterion) {
    let rows = rows();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let tokenizer = Tokenizer::train(texts.iter().copied(), 2000).expect("texts with words");
    let json = tokenizer
        .to_json()
        .expect("a tokenizer that can be written");
    let peer = tokenizers::Tokenizer::from_bytes(&json).expect("the tokenizer just written");
    let tasks = tasks_of(&rows).expect("labels of one word");
    let dataset = Dataset::from_utterances(rows.iter().cloned()).expect("valid rows");

    let mut group = criterion.benchmark_group("tokenize_align_pack");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("tokenizers encode_batch alone", |bencher| {
        bencher.iter(|| {
            peer.encode_batch(black_box(texts.clone()), true)
                .expect("encodings")
        });
    });
    group.bench_function("examples and batches", |bencher| {
        bencher.iter(|| {
            let rows = black_box(&dataset).iter();
            let prepared = examples(rows, &tokenizer, &tasks, 128).expect("examples");
            pack(&prepared.examples)
        });
    });
    group.finish();
}

criterion_group!(benches, tokenize_align_pack);
criterion_main!(benches);
