//! Entities with two labels, and entities that are missed.

use cs_data::Utterance;

use super::{dataset, entity, report};

#[test]
fn a_surface_with_two_labels_is_a_conflict() {
    let data = dataset([
        entity("去北京", "北京", "city"),
        entity("从北京走", "北京", "city"),
        entity("北京大", "北京", "school"),
        entity("to BOSTON", "BOSTON", "city"),
        entity("to boston", "boston", "town"),
        entity("to Paris", "Paris", "city"),
    ]);
    let report = report(&data);
    assert_eq!(report.entity_conflicts, 2);
    let found: Vec<_> = report
        .examples
        .entity_conflicts
        .iter()
        .map(|one| one.surface.as_str())
        .collect();
    assert_eq!(found, ["boston", "北京"]);
    assert_eq!(report.examples.entity_conflicts[1].row.row, 2); // the rarer label
}

#[test]
fn an_entity_labelled_elsewhere_is_missed_here() {
    let data = dataset([
        entity("fly to New York", "New York", "city"),
        entity("new york please", "new york", "city"),
        Utterance::new("", "hotels in new york"),
        entity("去上海", "上海", "city"),
        entity("在上海", "上海", "city"),
        entity("上海到上海", "上海", "city"), // labelled once, not the second time
        entity("book art", "art", "topic"),
        entity("art show", "art", "topic"),
        Utterance::new("", "what is in my cart"), // no word of its own
        entity("room 12", "12", "room"),
        entity("room 12", "12", "room"),
        Utterance::new("", "at 12"), // numbers are everywhere
        entity("play it", "it", "song"),
        Utterance::new("", "do it, stop it"), // mostly not an entity
    ]);
    let report = report(&data);
    let found: Vec<_> = report
        .examples
        .missed_entities
        .iter()
        .map(|one| {
            (
                one.surface.as_str(),
                one.labelled,
                one.unlabelled,
                one.row.row,
            )
        })
        .collect();
    assert_eq!(found, [("上海", 3, 1, 5), ("new york", 2, 1, 2)]);
}
