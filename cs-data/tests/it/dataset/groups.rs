//! Rows that no split parts.

use std::collections::BTreeSet;

use cs_data::*;
use proptest::prelude::*;

use super::{assert_partition, ids};
use crate::common::seeded;

proptest! {
    #![proptest_config(seeded(48))]

    #[test]
    fn no_split_parts_what_belongs_together(
        sources in proptest::collection::vec((0usize..40, 0usize..6, 0usize..3), 1..60),
        seed in any::<u64>(),
        fraction in 0.01f64..0.99,
    ) {
        // Each row is a copy of an earlier one, in a dialogue, both or neither.
        let row = |(number, &(parent, dialogue, intent)): (usize, &(usize, usize, usize))| {
            let mut row = Utterance::new(number.to_string(), "你好").with_intent(["a", "b", "c"][intent]);
            row.parent = (parent < number).then(|| parent.to_string());
            row.dialogue = (dialogue > 3).then(|| Turn {
                dialogue_id: format!("d{}", number / 4),
                turn: 0,
                speaker: None,
            });
            row
        };
        let data = Dataset::from_utterances(sources.iter().enumerate().map(row)).unwrap();
        let mut parts = vec![data.stratified_split(fraction, seed).unwrap(), data.group_split(fraction, seed).unwrap()];
        if let Ok(folds) = data.k_fold(2, seed) {
            parts.extend(folds.map(Result::unwrap));
        }
        for (rest, held_out) in &parts {
            assert_partition(&data, &[rest, held_out]);
            let ids = |part: &Dataset| -> BTreeSet<String> { ids(part).into_iter().collect() };
            let dialogues = |part: &Dataset| -> BTreeSet<String> {
                part.iter().filter_map(|row| Some(row.dialogue?.dialogue_id)).collect()
            };
            prop_assert!(dialogues(rest).is_disjoint(&dialogues(held_out)));
            for (part, other) in [(rest, held_out), (held_out, rest)] {
                let parents: BTreeSet<String> = part.iter().filter_map(|row| row.parent).collect();
                prop_assert!(parents.is_disjoint(&ids(other)));
            }
        }
        // A class that training would not know is not asked for.
        let (rest, held_out) = &parts[0];
        let known: BTreeSet<String> = rest.intents().into_iter().collect();
        prop_assert!(held_out.intents().into_iter().all(|intent| known.contains(&intent)));
    }
}
