//! How many copies are made.

use cs_data::augment::*;
use cs_data::*;

use super::{corpus, noisy};

#[test]
fn classes_are_brought_to_the_number_asked_for() {
    let data = corpus(40);
    for keep_original in [true, false] {
        let config = PipelineConfig {
            balance: Some(35),
            keep_original,
            ..PipelineConfig::default()
        };
        let (augmented, report) = noisy(config).run(&data).unwrap();
        assert!(report.short.is_empty(), "{report:?}");
        for intent in ["refund", "status"] {
            let count = augmented
                .iter()
                .filter(|row| row.intent.as_deref() == Some(intent))
                .count();
            assert_eq!(count, 35, "{intent}");
        }
        let mut texts: Vec<String> = augmented.iter().map(|row| row.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 70);
    }
}

#[test]
fn more_rows_than_fit_in_memory_are_refused() {
    let data = corpus(4);
    let fault = |config: PipelineConfig| {
        let error = Pipeline::new(config).run(&data).unwrap_err();
        error.to_string()
    };
    let copies = 4_294_967_297; // 1 in 32 bits
    assert_eq!(
        fault(PipelineConfig {
            copies,
            ..PipelineConfig::default()
        }),
        "copies is 4294967297, expected 1 to 25000000 (100 million rows in all)"
    );
    let line = fault(PipelineConfig {
        balance: Some(usize::MAX),
        ..PipelineConfig::default()
    });
    assert!(line.starts_with("balance is 18446744073709551615, expected 1 to"));
}

#[test]
fn no_copies_are_no_request() {
    let data = Dataset::from_utterances([Utterance::new("1", "order")]).unwrap();
    for config in [
        PipelineConfig {
            copies: 0,
            ..PipelineConfig::default()
        },
        PipelineConfig {
            balance: Some(0),
            ..PipelineConfig::default()
        },
    ] {
        let error = Pipeline::new(config).run(&data).unwrap_err().to_string();
        assert!(error.contains(" is 0, expected 1 to "), "{error}");
    }
}
