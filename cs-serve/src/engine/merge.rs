//! From the answers to a long text's windows to the answer to the text.

use std::ops::Range;

use cs_data::Offsets;
use cs_model::{Calibration, Entity, Intent, RANKED, Understanding};

/// A window, and the answer to it.
pub(super) struct Answered {
    /// The bytes of the text that the window has.
    pub(super) bytes: Range<usize>,
    pub(super) tokens: usize,
    pub(super) turn: Understanding,
}

/// Gives the answer to a text from the answers to its windows, in the order of the text.
///
/// - Entities: where two windows overlap, each decides up to the middle, so that what is near the
///   end of one is taken from the other, which sees what follows. An entity belongs to the window
///   in whose part its own middle is. Of two that overlap all the same, the longer one stays, and
///   of equally long ones the surer one.
/// - Intents: the confidence is the mean of the windows' confidences, each counted by its tokens;
///   the threshold is applied to the mean.
/// - Sentiment: likewise the mean by tokens.
///
/// Windows with nothing to answer do not count.
pub(super) fn merge(
    text: String,
    windows: Vec<Answered>,
    calibration: &Calibration,
    truncated: bool,
) -> Understanding {
    let intents = mean_ranking(&windows);
    let least = calibration.abstain_below;
    let sure = |intent: &&Intent| least.is_none_or(|least| intent.confidence >= least);
    Understanding {
        intent: intents.first().filter(sure).cloned(),
        intents,
        sentiment: mean_sentiment(&windows),
        truncated,
        model: windows.first().and_then(|window| window.turn.model.clone()),
        embedding: None,
        entities: entities(&text, windows),
        text,
    }
}

fn mean_ranking(windows: &[Answered]) -> Vec<Intent> {
    let told = || {
        let told = windows.iter();
        told.filter(|window| !window.turn.intents.is_empty())
    };
    let all: usize = told().map(|window| window.tokens).sum();
    let mut ranking: Vec<Intent> = Vec::new();
    for window in told() {
        let weight = window.tokens as f32 / all.max(1) as f32;
        for Intent { label, confidence } in &window.turn.intents {
            let share = confidence * weight;
            match ranking.iter_mut().find(|intent| intent.label == *label) {
                Some(intent) => intent.confidence += share,
                None => ranking.push(Intent {
                    label: label.clone(),
                    confidence: share,
                }),
            }
        }
    }
    ranking.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    ranking.truncate(RANKED);
    ranking
}

fn mean_sentiment(windows: &[Answered]) -> Option<f32> {
    let told = windows.iter();
    let told = told.filter_map(|window| Some((window.turn.sentiment?, window.tokens as f32)));
    let (sum, weight) = told.fold((0.0, 0.0), |(sum, weight), (felt, tokens)| {
        (sum + felt * tokens, weight + tokens)
    });
    (weight > 0.0).then(|| sum / weight)
}

fn entities(text: &str, windows: Vec<Answered>) -> Vec<Entity> {
    let offsets = Offsets::new(text);
    let char = |byte| offsets.char(byte).unwrap_or_default();
    let bounds: Vec<Range<usize>> = windows
        .iter()
        .map(|window| char(window.bytes.start)..char(window.bytes.end))
        .collect();
    // Twice the middle of where two windows overlap, or of the gap between them.
    let cuts: Vec<usize> = bounds
        .windows(2)
        .map(|pair| pair[0].end + pair[1].start)
        .collect();
    let mut found: Vec<Entity> = Vec::new();
    for (i, window) in windows.into_iter().enumerate() {
        let from = i.checked_sub(1).map_or(0, |before| cuts[before]);
        let to = cuts.get(i).copied().unwrap_or(usize::MAX);
        for mut entity in window.turn.entities {
            entity.start += bounds[i].start;
            entity.end += bounds[i].start;
            if (from..to).contains(&(entity.start + entity.end)) {
                found.push(entity);
            }
        }
    }
    without_overlaps(found)
}

/// Leaves the longer of any two entities that overlap, of equally long ones the surer, and of
/// equally sure ones the first.
fn without_overlaps(mut found: Vec<Entity>) -> Vec<Entity> {
    found.sort_by_key(|entity| (entity.start, entity.end));
    let mut kept: Vec<Entity> = Vec::with_capacity(found.len());
    for entity in found {
        let rank = |entity: &Entity| (entity.end - entity.start, entity.confidence);
        match kept.last_mut() {
            Some(last) if entity.start < last.end => {
                if rank(&entity) > rank(last) {
                    *last = entity;
                }
            }
            _ => kept.push(entity),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intents(of: &[(&str, f32)]) -> Vec<Intent> {
        let intent = |&(label, confidence): &(&str, f32)| Intent {
            label: label.into(),
            confidence,
        };
        of.iter().map(intent).collect()
    }

    fn window(bytes: Range<usize>, tokens: usize, turn: Understanding) -> Answered {
        Answered {
            bytes,
            tokens,
            turn,
        }
    }

    fn entity(text: &str, label: &str, chars: Range<usize>, confidence: f32) -> Entity {
        let inside: String = text.chars().skip(chars.start).take(chars.len()).collect();
        Entity {
            label: label.into(),
            start: chars.start,
            end: chars.end,
            text: inside,
            confidence,
        }
    }

    fn with(entities: Vec<Entity>) -> Understanding {
        Understanding {
            entities,
            ..Understanding::default()
        }
    }

    /// Three characters a piece of 订单a, seven bytes.
    const TEXT: &str = "订单a订单a订单a订单a";

    #[test]
    fn entities_of_windows_have_their_places_in_the_text_and_come_once() {
        // Characters 0..8 and 6..12: the cut is at 7.
        let (first, second) = (&TEXT[..20], &TEXT[14..]);
        assert_eq!((first.chars().count(), second.chars().count()), (8, 6));
        let one = with(vec![
            entity(first, "a", 2..3, 0.5),
            entity(first, "both", 6..8, 0.9), // its middle is at the cut: the second's
        ]);
        let two = with(vec![
            entity(second, "both", 0..2, 0.8),
            entity(second, "c", 5..6, 0.7),
        ]);
        let windows = vec![window(0..20, 8, one), window(14..28, 6, two)];
        let turn = merge(TEXT.into(), windows, &Calibration::default(), false);
        let expected = vec![
            entity(TEXT, "a", 2..3, 0.5),
            entity(TEXT, "both", 6..8, 0.8),
            entity(TEXT, "c", 11..12, 0.7),
        ];
        assert_eq!(turn.entities, expected);
        assert_eq!((turn.text.as_str(), turn.truncated), (TEXT, false));
    }

    #[test]
    fn of_two_readings_of_one_entity_the_longer_stays() {
        let (first, second) = (&TEXT[..20], &TEXT[10..]); // 0..8 and 4..12, cut at 6
        let one = with(vec![entity(first, "x", 3..8, 0.9)]);
        let two = with(vec![entity(second, "y", 0..6, 0.4)]);
        let windows = vec![window(0..20, 8, one), window(10..28, 8, two)];
        let turn = merge(TEXT.into(), windows, &Calibration::default(), true);
        assert_eq!(turn.entities, [entity(TEXT, "y", 4..10, 0.4)]);
        assert!(turn.truncated);
        let equal = vec![
            entity(TEXT, "a", 1..3, 0.4),
            entity(TEXT, "b", 2..4, 0.6),
            entity(TEXT, "c", 4..5, 0.1),
        ];
        assert_eq!(without_overlaps(equal.clone()), equal[1..]);
    }

    #[test]
    fn intents_and_sentiment_are_means_by_tokens() {
        let told = |ranked: &[(&str, f32)], sentiment| Understanding {
            intents: intents(ranked),
            sentiment,
            ..Understanding::default()
        };
        let windows = || {
            vec![
                window(0..10, 30, told(&[("a", 0.6), ("b", 0.4)], Some(0.9))),
                window(7..20, 10, told(&[("b", 1.0), ("a", 0.0)], Some(0.1))),
                window(20..28, 99, Understanding::default()), // nothing to read
            ]
        };
        let turn = merge(TEXT.into(), windows(), &Calibration::default(), false);
        assert_eq!(turn.intents.len(), 2);
        let first = &turn.intents[0];
        assert!(first.label == "b" && (first.confidence - 0.55).abs() < 1e-6);
        assert_eq!(turn.intent.as_ref(), Some(first));
        assert!((turn.sentiment.unwrap() - 0.7).abs() < 1e-6);
        let strict = Calibration {
            abstain_below: Some(0.6),
            ..Calibration::default()
        };
        let turn = merge(TEXT.into(), windows(), &strict, false);
        assert!(turn.intent.is_none() && turn.intents.len() == 2);
        let silent = merge(String::new(), Vec::new(), &strict, false);
        assert_eq!(silent, Understanding::default());
    }
}
