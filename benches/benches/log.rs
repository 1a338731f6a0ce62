//! A turn masked and given to the log, which another thread writes, synced each second; and masked alone.
//! `cargo bench -p cs-benches --no-default-features --bench log`

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use cs_serve::log::{Log, LogConfig, Row};
use cs_serve::safety::personal::{Keys, Masker};

/// A customer's turns of some 70 characters, Chinese and English, and replies to them.
fn turns() -> [(&'static str, Row); 2] {
    let row = |text: &str, reply: &str| Row {
        time: 1_796_000_000_000,
        conversation: "session-000000000000000000000001".to_owned(),
        customer: Some("customer 7".to_owned()),
        turn: 3,
        text: text.to_owned(),
        reply: reply.to_owned(),
        model: Some("light@1".to_owned()),
        route: Some("light".to_owned()),
        source: Some("template".to_owned()),
        ..Row::default()
    };
    let chinese = row(
        "您好，我上周五在你们店里买的水壶到现在还没有发货，订单号是20240115，手机是13800138000，麻烦帮我查一下物流，谢谢！",
        "您的订单已于昨天发货，预计明天送达，感谢您的耐心等待。",
    );
    let english = row(
        "Hello, I ordered a kettle last Friday (order 20240115), it hasn't come yet. My number is 13800138000.",
        "Your order was sent yesterday and is expected tomorrow. Thank you for waiting.",
    );
    [("Chinese", chinese), ("English", english)]
}

fn log(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let keys = Keys::random().unwrap_or_else(|error| panic!("{error}"));
    let masker = Masker::new(keys);
    for (language, row) in turns() {
        criterion.bench_function(&format!("{language}: mask"), |bencher| {
            bencher.iter_with_setup(|| row.clone(), |row| row.masked(&masker));
        });
        let log = Log::open(folder.path(), LogConfig::default(), &masker);
        let log = log.unwrap_or_else(|error| panic!("{error}"));
        criterion.bench_function(&format!("{language}: mask and log"), |bencher| {
            bencher.iter_with_setup(|| row.clone(), |row| log.write(&row.masked(&masker)));
        });
        assert!(log.drain(Duration::from_secs(600)) && log.lost() == 0);
    }
}

criterion_group!(benches, log);
criterion_main!(benches);
