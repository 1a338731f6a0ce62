//! Texts through another language and back.

use cs_data::augment::*;
use cs_data::*;

use super::process;
use crate::common::{row, values};

#[test]
fn back_translation_puts_entities_back_or_says_why_not() {
    let source = row("1", &["帮我查询订单", "12345", "和", "12", "的状态"]);
    let data = Dataset::from_utterances([source]).unwrap();
    let run = |there: &str, back: &str| {
        let operator =
            BackTranslation::new(process(there), process(back), ParaphraseConfig::default());
        let pipeline = Pipeline::new(PipelineConfig::default())
            .with_batch(operator.unwrap(), 1.0)
            .and_then(|pipeline| {
                pipeline.with(
                    Typos::new(TyposConfig {
                        rate: 0.0,
                        ..TyposConfig::default()
                    })?,
                    1.0,
                )
            })
            .unwrap();
        let (augmented, report) = pipeline.run(&data).unwrap();
        (augmented.utterance(0), report.dropped)
    };
    let (row, _) = run("cat", "sed 's/帮我查询/请看一下/; s/\\[E0\\]/【 e0】/'");
    let row = row.unwrap();
    assert_eq!(row.text, "请看一下订单12345和12的状态");
    assert_eq!(values(&row), [("e0", "12345"), ("e1", "12")]);
    assert_eq!(
        (row.origin.as_str(), row.parent.as_deref()),
        ("back-translation", Some("1"))
    );
    let cases = [
        ("sed 's/.E0.//'", "entity lost"),
        ("sed 's/$/[E1]/'", "entity lost"),
        ("sed 's/E0/X/; s/E1/E0/; s/X/E1/'", "entities reordered"),
        (
            "sed 's/的状态/的状态怎么样了我已经等了好几天能不能快一点不然就不要了/'",
            "length",
        ),
        (
            "sed 's/帮我查询订单/please look up/; s/和/and/; s/的状态/now/'",
            "script",
        ),
        ("cat", "similarity"),
    ];
    for (command, reason) in cases {
        let (row, dropped) = run("cat", command);
        assert_eq!(row, None, "{command}");
        assert_eq!(
            dropped[&format!("back-translation: {reason}")],
            1,
            "{command}"
        );
    }
}
