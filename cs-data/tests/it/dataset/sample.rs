//! Rows chosen by chance, and rows without their duplicates.

use std::collections::BTreeSet;

use cs_data::*;
use proptest::prelude::*;

use super::{class_counts, ids, rows};
use crate::common::seeded;

#[test]
fn shuffles_are_uniform_enough() {
    // Where the first of ten rows lands over 2,000 seeds: chi-square with 9 degrees of freedom,
    // 27.9 at one in a thousand. The seeds are fixed, so the outcome is too.
    let data = Dataset::from_utterances(rows(10)).unwrap();
    let mut landed = [0.0f64; 10];
    for seed in 0..2000 {
        let order = ids(&data.shuffle(seed).unwrap());
        landed[order.iter().position(|id| id == "1").unwrap()] += 1.0;
    }
    let chi_square: f64 = landed
        .iter()
        .map(|n| (n - 200.0) * (n - 200.0) / 200.0)
        .sum();
    assert!(chi_square < 27.9, "{chi_square}: {landed:?}");
}

#[test]
fn texts_without_a_normal_form_are_compared_as_they_are() {
    let rows = ["？！", "!", "！", "!", "好!", "好"];
    let rows = rows
        .iter()
        .enumerate()
        .map(|(n, text)| Utterance::new(n.to_string(), *text));
    let data = Dataset::from_utterances(rows).unwrap();
    assert_eq!(
        ids(&data.deduplicate(Sameness::Normalized).unwrap()),
        ["0", "1", "2", "4"]
    );
    assert_eq!(
        ids(&data.deduplicate(Sameness::Exact).unwrap()),
        ["0", "1", "2", "4", "5"]
    );
}

proptest! {
    #![proptest_config(seeded(48))]

    #[test]
    fn choices_follow_ids_and_not_places(count in 1usize..60, seed in any::<u64>(), k in 0usize..9) {
        let data = Dataset::from_utterances(rows(count)).unwrap();
        let other = data.shuffle(seed ^ 1).unwrap();
        let sorted = |data: &Dataset| -> BTreeSet<String> { ids(data).into_iter().collect() };
        prop_assert_eq!(sorted(&other), sorted(&data));
        prop_assert_eq!(other.shuffle(seed).unwrap(), data.shuffle(seed).unwrap());
        let (few, same) = (data.k_shot(k, seed).unwrap(), other.k_shot(k, seed).unwrap());
        prop_assert_eq!(sorted(&few), sorted(&same));
        for (intent, of_all) in class_counts(&data) {
            prop_assert_eq!(class_counts(&few).get(&intent).copied().unwrap_or(0), of_all.min(k));
        }
        prop_assert!(few.iter().all(|row| row.intent.is_some()));
        let more = data.k_shot(k + 1, seed).unwrap();
        prop_assert!(sorted(&few).is_subset(&sorted(&more)));
        let held_out = |data: &Dataset| sorted(&data.group_split(0.4, seed).unwrap().1);
        prop_assert_eq!(held_out(&data), held_out(&other));
    }

    #[test]
    fn what_is_left_has_no_duplicates(texts in proptest::collection::vec("[aA好，! ]{0,3}", 0..20)) {
        let rows = texts.iter().enumerate().map(|(n, text)| Utterance::new(n.to_string(), text));
        let data = Dataset::from_utterances(rows).unwrap();
        for same in [Sameness::Exact, Sameness::Normalized] {
            let left = data.deduplicate(same).unwrap();
            prop_assert_eq!(left.deduplicate(same).unwrap(), left.clone());
            let form = |text: &str| match same {
                Sameness::Exact => text.to_owned(),
                Sameness::Normalized => Some(normalize(text)).filter(|n| !n.is_empty()).unwrap_or(text.into()),
            };
            let forms: BTreeSet<String> = texts.iter().map(|text| form(text)).collect();
            let kept: Vec<String> = left.iter().map(|row| form(&row.text)).collect();
            prop_assert_eq!(kept.len(), forms.len());
            prop_assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), forms);
        }
    }
}
