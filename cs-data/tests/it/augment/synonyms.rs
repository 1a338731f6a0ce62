//! Words replaced by others of their meaning.

use cs_data::augment::*;
use cs_data::*;

use super::edited;
use crate::common::row;

#[test]
fn the_longest_whole_word_is_replaced_once() {
    let list = [
        ("cancel order", "stop it"),
        ("cancel", "stop"),
        ("stop", "end"),
        ("订单", "单子"),
        ("订单号", "编号"),
        ("café", "bar"),
    ];
    let synonyms =
        Synonyms::new(list.map(|(word, candidate)| (word, vec![(candidate, 1.0)]))).unwrap();
    let cases = [
        ("Cancel order, CANCEL", "Stop it, STOP"),
        ("cancel orders", "stop orders"), // the longer entry ends inside a word
        ("cancelled, precancel", "cancelled, precancel"),
        ("订单号和订单", "编号和单子"),
        ("请cancel我的订单", "请stop我的单子"),
        ("café cafés", "bar cafés"),
    ];
    for (text, expected) in cases {
        assert_eq!(edited(&synonyms, text), expected);
    }
    let pieces = ["查", "订单", "号"];
    let source = row("1", &pieces);
    let data = Dataset::from_utterances([source]).unwrap();
    let made = |synonyms: Synonyms| {
        let pipeline = Pipeline::new(PipelineConfig::default())
            .with(synonyms, 1.0)
            .unwrap();
        pipeline
            .run(&data)
            .unwrap()
            .0
            .utterance(0)
            .map(|row| row.text)
    };
    assert_eq!(made(synonyms.clone()), None); // protected, and no match reaches over an edge
    assert_eq!(made(synonyms.in_entities(true)), Some("查单子号".into()));
}
