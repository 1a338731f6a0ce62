//! Entities replaced by others of their label.

use cs_data::augment::*;
use cs_data::*;

use super::folder_with;
use crate::common::{row, values};

#[test]
fn broken_entity_lists_beside_their_valid_twin() {
    let fault = |content: &str| {
        let (_folder, path) = folder_with("e.tsv", content);
        let error = Entities::open(&path).map(drop).unwrap_err().to_string();
        error.split_once("e.tsv:").unwrap().1.trim().to_owned()
    };
    let (_folder, path) = folder_with(
        "e.tsv",
        "city\t北京\ncity\tNew York\norder_id\t=[A-Z]{2}\\d{8}\nday\t=date_zh\ncard\t=luhn:\\d{9}\n",
    );
    Entities::open(&path).unwrap();
    let cases = [
        ("", "no rows, expected at least one row"),
        (
            "# cities\n",
            "an empty entity list, expected at least one label<TAB>value",
        ),
        ("city\t\n", "1:6: an empty value, expected label<TAB>value"),
        (
            "city\t北京\n上海\n",
            "2:1: \"上海\", expected label<TAB>value",
        ),
        (
            "a city\t北京\n",
            "1:1: the label \"a city\", expected a word without white space",
        ),
        (
            "id\t=[A-\n",
            "1:4: \"=[A-\", expected a closing ] at character 4 of the pattern",
        ),
        (
            "id\t=\\d{101}\n",
            "1:4: \"=\\\\d{101}\", expected a count {n} or {n,m} up to 100 at character 3 of the pattern",
        ),
        (
            "id\t=crad\n",
            "1:4: \"=crad\", expected card, id_zh, phone_zh, phone_en, date_zh, date_en, luhn:PATTERN or a pattern",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(fault(content), expected, "{content}");
    }
}

#[test]
fn entities_become_others_of_their_label() {
    let entities = Entities::new([("e0", "北京"), ("e0", "上海")]).unwrap();
    let source = row("1", &["从", "北京", "到", "北京", "或", "北京", "去"]);
    let mut source = source;
    source
        .spans
        .iter_mut()
        .take(2)
        .for_each(|span| span.label = "e0".into());
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with(entities, 1.0)
        .unwrap();
    let data = Dataset::from_utterances([source]).unwrap();
    let copy = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert_eq!(
        values(&copy),
        [("e0", "上海"), ("e0", "上海"), ("e2", "北京")]
    );
}
