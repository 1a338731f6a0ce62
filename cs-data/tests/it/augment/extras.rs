//! What rows have beside their fields.

use cs_data::augment::*;
use cs_data::*;

use super::folder_with;
use crate::common::row;

#[test]
fn attributes_follow_their_entities_and_sections_come_once() {
    let (folder, path) = folder_with(
        "nlu.yml",
        "version: \"3.1\"\nnlu:\n- lookup: size\n  examples: |\n    - small\n- intent: fly\n  examples: |\n    \
         - to [the big apple](city:New York) please\n    \
         - from [Ulm]{\"entity\": \"city\", \"role\": \"from\", \"value\": \"Ulm an der Donau\"}\n    \
         - hello\n- synonym: New York\n  examples: |\n    - NYC\n",
    );
    let data = Dataset::open(&path, &ReadOptions::default()).unwrap();
    let augment = |keep_original| {
        let config = PipelineConfig {
            copies: 2,
            keep_original,
            ..PipelineConfig::default()
        };
        let cities =
            Entities::new([("city", "Paris"), ("city", "Rome"), ("city", "Oslo")]).unwrap();
        let pipeline = Pipeline::new(config).with(cities, 1.0).unwrap();
        let made = pipeline.run(&data).unwrap().0;
        let out = folder.path().join("out.yml");
        let mut writer = Writer::create(&out, &WriteOptions::default()).unwrap();
        writer.write_all(&made).unwrap();
        writer.finish().unwrap();
        (made, std::fs::read_to_string(out).unwrap())
    };
    for keep_original in [false, true] {
        let (made, written) = augment(keep_original);
        for section in ["lookup", "synonym"] {
            assert_eq!(written.matches(section).count(), 1, "{written}");
        }
        let values = if keep_original { 1 } else { 0 };
        assert_eq!(written.matches("Donau").count(), values, "{written}");
        let roles = if keep_original { 3 } else { 2 };
        assert_eq!(written.matches("\"role\"").count(), roles, "{written}");
        assert_eq!(
            made.len(),
            if keep_original { 7 } else { 4 },
            "hello has no entity"
        );
    }
}

#[test]
fn fields_with_an_entitys_text_have_its_new_one() {
    let mut row = row("1", &["to ", "Ulm"]);
    row.extra.insert("entity_value".into(), "Ulm".into());
    row.extra.insert("note".into(), "to Ulm".into());
    let data = Dataset::from_utterances([row]).unwrap();
    let cities = Entities::new([("e0", "Bonn")]).unwrap();
    let pipeline = Pipeline::new(PipelineConfig::default())
        .with(cities, 1.0)
        .unwrap();
    let made = pipeline.run(&data).unwrap().0.utterance(0).unwrap();
    assert_eq!(
        (&*made.text, &made.extra["entity_value"]),
        ("to Bonn", &"Bonn".into())
    );
    assert_eq!(made.extra["note"], "to Ulm", "not the entity");
}
