//! Operators one after the other.

use std::num::NonZeroUsize;

use cs_data::augment::*;
use cs_data::*;
use proptest::prelude::*;

use super::{corpus, noisy};
use crate::common::{row, rows_and_choices, seeded, values};

#[test]
fn the_same_rows_whatever_the_threads_and_their_order() {
    let data = corpus(60);
    let run = |data: &Dataset, threads| {
        let config = PipelineConfig {
            copies: 2,
            seed: 5,
            threads: NonZeroUsize::new(threads),
            ..PipelineConfig::default()
        };
        let mut rows: Vec<Utterance> = noisy(config).run(data).unwrap().0.iter().collect();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    };
    let one = run(&data, 1);
    assert_eq!(one, run(&data, 2));
    assert_eq!(one, run(&data, 7));
    let backwards: Vec<usize> = (0..60).rev().collect();
    assert_eq!(one, run(&data.select(&backwards).unwrap(), 3));
    let other = noisy(PipelineConfig {
        copies: 2,
        seed: 6,
        ..PipelineConfig::default()
    });
    assert_ne!(
        one[0].text,
        other.run(&data).unwrap().0.utterance(0).unwrap().text
    );
}

#[test]
fn what_cannot_change_is_dropped_and_counted() {
    let rows = [
        Utterance::new("1", "退款").with_intent("a"),
        Utterance::new("2", "你好").with_intent("b"),
    ];
    let data = Dataset::from_utterances(rows).unwrap();
    let synonyms = Synonyms::new([("退款", vec![("退钱", 1.0)])]).unwrap();
    let run = |config| {
        Pipeline::new(config)
            .with(synonyms.clone(), 1.0)
            .unwrap()
            .run(&data)
            .unwrap()
    };
    let (augmented, report) = run(PipelineConfig {
        copies: 2,
        ..PipelineConfig::default()
    });
    assert_eq!(
        augmented.iter().map(|row| row.text).collect::<Vec<_>>(),
        ["退钱"]
    );
    assert_eq!(
        (report.dropped["unchanged"], report.dropped["duplicate"]),
        (2, 1)
    );
    let (_, report) = run(PipelineConfig {
        balance: Some(1),
        ..PipelineConfig::default()
    });
    assert_eq!((report.rows_out, report.short["b"]), (1, 1));
}

proptest! {
    #![proptest_config(seeded(400))]

    /// Every operator at once: the entities of a copy are those of its row, or from the list.
    #[test]
    fn pipelines_keep_every_span((pieces, _) in rows_and_choices(), seed: u64, in_entities: bool) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let source = row("1", &pieces);
        let data = Dataset::from_utterances([source.clone()]).unwrap();
        let synonyms = Synonyms::new([("查", vec![("看看", 1.0), ("找", 2.0)]), ("a", vec![("b c", 1.0)])]);
        let noise = NoiseConfig { insert: 0.3, delete: 0.3, swap: 0.3, in_entities };
        let typos = TyposConfig { rate: 0.3, in_entities, ..TyposConfig::default() };
        let config = PipelineConfig { copies: 3, seed, ..PipelineConfig::default() };
        let entities = Entities::new([("e0", "新值"), ("e0", r"=[A-Z]{2}\d{3}")]).unwrap();
        let pipeline = Pipeline::new(config)
            .with(entities, 0.5).unwrap()
            .with(synonyms.unwrap().in_entities(in_entities), 1.0).unwrap()
            .with(Noise::new(noise).unwrap(), 0.9).unwrap()
            .with(Typos::new(typos).unwrap(), 0.9).unwrap();
        let (augmented, _) = pipeline.run(&data).unwrap();
        for copy in augmented.iter() {
            copy.validate().unwrap();
            prop_assert!(!copy.text.is_empty() && copy.text != source.text);
            prop_assert_eq!(copy.spans.len(), source.spans.len());
            if !in_entities {
                for ((label, new), (_, old)) in values(&copy).iter().zip(values(&source)) {
                    let made = new.is_ascii() && new.len() == 5 && new[2..].parse::<u16>().is_ok();
                    prop_assert!(*new == old || (*label == "e0" && (*new == "新值" || made)), "{new} of {old}");
                }
            }
        }
    }
}
