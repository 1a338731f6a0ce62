//! Masked words, filled by another program.

use std::time::Duration;

use cs_data::augment::*;
use cs_data::*;

use super::process;
use crate::common::{row, values};

#[test]
fn masks_are_filled_outside_of_entities() {
    let data = Dataset::from_utterances([row("1", &["看", "12345", "吗"])]).unwrap();
    let filler = process("sed 's/.*/换\\t 换/'");
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with_batch(Contextual::new(filler, 5).unwrap(), 1.0)
        .unwrap();
    let row = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert!(
        ["换12345吗", "看12345换"].contains(&row.text.as_str()),
        "{}",
        row.text
    );
    assert_eq!(values(&row), [("e0", "12345")]);
}

#[test]
fn a_text_with_the_mask_itself_is_not_asked_about() {
    let data = [
        Utterance::new("1", "a <mask> b"),
        Utterance::new("2", "order"),
    ];
    let data = Dataset::from_utterances(data).unwrap();
    let process = LineProcess::new("sed 's/.*<mask>.*/parcel/'", Duration::from_secs(60));
    let contextual = Contextual::new(process.with_mask("<mask>"), 5).unwrap();
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with_batch(contextual, 1.0)
        .unwrap();
    let made = pipeline.run(&data).unwrap().0;
    let texts: Vec<String> = made.iter().map(|row| row.text).collect();
    assert_eq!(texts, ["parcel"]);
}
