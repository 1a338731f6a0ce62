//! What must be the same in two texts before the distance between them says anything.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use cs_model::Understanding;
use serde::{Deserialize, Serialize};

use super::courtesy::{without_affirmative, without_courtesies};
use super::question::normal_form;

/// When two texts are taken to ask the same.
///
/// Their likeliest intent has to be the same, and so have, in their order, the entities (label and
/// value), and all words but courtesies and those that `may_differ`; as many negations; and a mood
/// that is bad in both or in neither. Numbers, names and whatever else was never seen to be beside
/// the point thereby count. Only then the distance is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Semantic {
    /// The largest cosine distance between the light model's vectors, from 0 to 2.
    pub max_distance: f32,
    /// The words that one of two texts which ask the same may have, and the other not.
    pub may_differ: BTreeSet<String>,
}

/// The sentiment below which a mood is bad.
const BAD: f32 = 0.4;

/// English words that turn a sentence into its contrary; those that end in `n't` do as well.
const NEGATIONS: [&str; 14] = [
    "not", "no", "never", "without", "cannot", "nor", "neither", "nothing", "none", "nobody",
    "unable", "wont", "dont", "cant",
];

/// Chinese characters that do so.
const NEGATING: [char; 7] = ['不', '没', '别', '未', '无', '勿', '甭'];

/// Number words, which never are beside the point.
const NUMBERS: [&str; 30] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twice", "half",
    "first", "second", "third", "两", "二", "三", "四", "五", "六", "七", "八", "九", "十", "百",
    "千", "万", "半", "零",
];

/// What two texts must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// A hash of entities, words that count and negations, keyed so that nobody can aim at one.
    fingerprint: u64,
    is_bad_mood: Option<bool>,
}

impl Meaning {
    /// Reads a text in normal form and what the light model understands of it.
    pub(super) fn new(
        form: &str,
        light: &Understanding,
        semantic: &Semantic,
        state: &RandomState,
    ) -> Self {
        let mut hasher = state.build_hasher();
        for entity in &light.entities {
            (&entity.label, normal_form(&entity.text)).hash(&mut hasher);
        }
        let words = without_courtesies(form);
        negations(&words).hash(&mut hasher);
        for word in words {
            if !semantic.may_differ.contains(word) {
                word.hash(&mut hasher);
            }
        }
        Self {
            fingerprint: hasher.finish(),
            is_bad_mood: light.sentiment.map(|sentiment| sentiment < BAD),
        }
    }
}

/// Whether a word may be beside the point at all.
pub(super) fn may_be_learned(word: &str) -> bool {
    let has_number = word.chars().any(char::is_numeric) || NUMBERS.contains(&word);
    let negates = is_negation(word) || word.chars().any(|char| NEGATING.contains(&char));
    let says_nothing = !word.chars().any(char::is_alphanumeric) && word != "?";
    !has_number && !negates && !says_nothing
}

fn is_negation(word: &str) -> bool {
    NEGATIONS.contains(&word) || word.ends_with("n't") || word.ends_with("n’t")
}

/// Counts what turns a text into its contrary. Of a question that offers both ("是不是", "有没有"),
/// nothing.
fn negations(words: &[&str]) -> usize {
    let english = words.iter().filter(|word| is_negation(word)).count();
    let words = without_affirmative(words);
    let negates = |word: &str| word.chars().all(|char| NEGATING.contains(&char));
    let offers_both = |at: usize| at > 0 && words.get(at + 1) == Some(&words[at - 1]);
    let negating = |&at: &usize| negates(words[at]) && !offers_both(at);
    english + (0..words.len()).filter(negating).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cs_model::Entity;

    fn semantic() -> Semantic {
        Semantic {
            max_distance: 0.1,
            may_differ: ["please", "can", "you", "请", "帮"]
                .map(String::from)
                .into(),
        }
    }

    fn turn(sentiment: f32, city: Option<&str>) -> Understanding {
        let entity = |text: &str| Entity {
            label: "city".into(),
            text: text.into(),
            start: 0,
            end: 1,
            confidence: 1.0,
        };
        Understanding {
            sentiment: Some(sentiment),
            entities: city.into_iter().map(entity).collect(),
            ..Understanding::default()
        }
    }

    #[test]
    fn only_words_that_may_differ_may() {
        let state = RandomState::new();
        let meaning = |text: &str| Meaning::new(text, &turn(0.5, None), &semantic(), &state);
        for (one, other, expected) in [
            ("cancel order 7", "can you please cancel order 7", true),
            ("cancel order 7", "please cancel order 8", false),
            ("cancel order 7", "please cancel my order 7", false),
            ("can you cancel it", "can't you cancel it", false),
            ("from rome to oslo", "from oslo to rome", false),
            ("5 €", "5 $", false),
            ("请退款", "帮退款", true),
            ("请退款", "请不退款", false),
            ("请退手机", "请退耳机", false),
        ] {
            assert_eq!(meaning(one) == meaning(other), expected, "{one}; {other}");
        }
    }

    #[test]
    fn entities_and_sentiment_count() {
        let state = RandomState::new();
        let meaning = |turn| Meaning::new("to it", &turn, &semantic(), &state);
        let rome = meaning(turn(0.5, Some("Rome")));
        assert_eq!(rome, meaning(turn(0.9, Some("ROME"))));
        for other in [
            turn(0.5, Some("Oslo")),
            turn(0.5, None),
            turn(0.1, Some("Rome")),
            Understanding {
                sentiment: None,
                ..turn(0.5, Some("Rome"))
            },
        ] {
            assert_ne!(rome, meaning(other));
        }
    }

    #[test]
    fn negations_are_counted_where_they_are_some() {
        for (text, count) in [
            ("i do not want it", 1),
            ("i can't and won't", 2),
            ("不要退款", 1),
            ("是不是可以退款", 0),
            ("有没有货", 0),
            ("不好意思，还没到", 1),
            ("特别好", 0),
        ] {
            assert_eq!(negations(&without_courtesies(text)), count, "{text}");
        }
        for word in ["not", "can't", "不", "12", "two", "三", "€"] {
            assert!(!may_be_learned(word), "{word}");
        }
    }
}
