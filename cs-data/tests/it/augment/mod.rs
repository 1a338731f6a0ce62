//! Tests of operators, of the pipeline, and of the programs that they ask.

mod back_translation;
mod contextual;
mod copies;
mod dictionary;
mod entities;
mod extras;
mod noise;
mod pipeline;
mod process;
mod quota;
mod rephrasing;
mod synonyms;

use std::path::PathBuf;
use std::time::Duration;

use cs_data::augment::*;
use cs_data::*;
use proptest::prelude::*;

use crate::common::{row, seeded};

fn folder_with(name: &str, content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// What an operator makes of a text without entities.
fn edited(operator: &dyn Augmenter, text: &str) -> String {
    let mut edits = Edits::default();
    operator.edits(
        Row {
            text,
            entities: &[],
        },
        &mut SplitMix::new(1),
        &mut edits,
    );
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(range, text)| Edit::new(range, text))
        .collect();
    Utterance::new("1", text).edited(&edits).unwrap().text
}

fn corpus(rows: usize) -> Dataset {
    let one = |at: usize| {
        let (intent, text) = if at.is_multiple_of(4) {
            ("refund", "我要给")
        } else {
            ("status", "帮我查询")
        };
        row(
            &at.to_string(),
            &[text, &format!("{}", 10_000 + at), "办理退款"],
        )
        .with_intent(intent)
    };
    Dataset::from_utterances((0..rows).map(one)).unwrap()
}

fn noisy(config: PipelineConfig) -> Pipeline {
    let synonyms = Synonyms::new([
        ("退款", vec![("退钱", 1.0), ("返款", 3.0)]),
        ("查询", vec![("看看", 1.0)]),
    ]);
    Pipeline::new(config)
        .with(synonyms.unwrap(), 0.7)
        .unwrap()
        .with(Noise::new(NoiseConfig::default()).unwrap(), 0.9)
        .unwrap()
}

fn process(command: &str) -> LineProcess {
    LineProcess::new(command, Duration::from_secs(60))
}

proptest! {
    #![proptest_config(seeded(400))]

    #[test]
    fn files_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z=\\\\\\[\\]{}\t\n:0-9,-]{0,60}") {
        let folder = tempfile::tempdir().unwrap();
        for content in [bytes, text.into_bytes()] {
            let path = folder.path().join("list.tsv");
            std::fs::write(&path, &content).unwrap();
            let _ = Synonyms::open(&path);
            let _ = Synonyms::open_lenient(&path);
            if let Ok(entities) = Entities::open(&path) {
                let all = [RowEntity { range: 0..1, label: "a" }];
                entities.edits(Row { text: "b", entities: &all }, &mut SplitMix::new(1), &mut Edits::default());
            }
        }
    }
}
