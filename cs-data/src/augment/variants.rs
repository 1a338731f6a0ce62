//! Texts without labels, made from labelled ones: what a teacher is asked about.

use super::{Noise, NoiseConfig, Pipeline, PipelineConfig, Typos, TyposConfig};
use crate::error::Result;
use crate::{Dataset, SplitMix, Utterance};

/// Makes up to `copies` variants of each text of `data`: the odd ones with words left out and
/// swapped and with typing errors, the even ones the beginning of the text and the end of another.
/// Labels are left out: such a text may say something else, and that is for a teacher to tell.
///
/// # Errors
///
/// More than 2 GiB of text.
///
/// ```
/// use cs_data::augment::variants;
/// use cs_data::{Dataset, Utterance};
///
/// let texts = ["where is my order today", "please cancel the second card"];
/// let rows = texts.map(|text| Utterance::new(text, text).with_intent("x"));
/// let made = variants(&Dataset::from_utterances(rows)?, 2, 42)?;
/// assert!(made.iter().all(|row| row.intent.is_none()));
/// # Ok::<(), cs_data::Error>(())
/// ```
pub fn variants(data: &Dataset, copies: usize, seed: u64) -> Result<Vec<Utterance>> {
    if copies == 0 {
        return Ok(Vec::new());
    }
    let config = PipelineConfig {
        copies: copies.div_ceil(2),
        seed,
        ..PipelineConfig::default()
    };
    let noise = Noise::new(NoiseConfig {
        insert: 0.0,
        delete: 0.12,
        swap: 0.08,
        in_entities: true,
    })?;
    let typos = Typos::new(TyposConfig {
        rate: 0.04,
        in_entities: true,
        ..TyposConfig::default()
    })?;
    let pipeline = Pipeline::new(config).with(noise, 0.9)?.with(typos, 0.4)?;
    let (noisy, _) = pipeline.run(data)?;
    let bare = |row: Utterance| Utterance::new(row.id, row.text);
    let mut made: Vec<Utterance> = noisy.iter().map(bare).collect();
    let texts: Vec<Utterance> = data.iter().collect();
    for copy in 0..copies / 2 {
        for row in &texts {
            let id = format!("{}+{copy}", row.id);
            let mut random = SplitMix::new(SplitMix::hash(seed, &id));
            let other = &texts[random.below(texts.len())];
            let text = halves(&row.text, &other.text);
            made.push(Utterance::new(id, text));
        }
    }
    made.retain(|row| row.validate().is_ok() && !row.text.trim().is_empty());
    Ok(made)
}

/// The first half of one text and the second half of another, in words where there are any.
fn halves(first: &str, second: &str) -> String {
    let spaced = first.split_whitespace().nth(2).is_some();
    let cut = |text: &str| {
        let starts: Vec<usize> = match spaced {
            true => text
                .match_indices(char::is_whitespace)
                .map(|(at, _)| at)
                .collect(),
            false => text.char_indices().map(|(at, _)| at).collect(),
        };
        starts.get(starts.len() / 2).copied().unwrap_or(text.len())
    };
    let (first, second) = (&first[..cut(first)], &second[cut(second)..]);
    format!("{first}{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_new_texts_without_labels() {
        let rows = [
            "where is my order today",
            "please cancel the second card",
            "我想查询订单",
            "怎么退款呢",
        ];
        let rows = rows.map(|text| Utterance::new(text, text).with_intent("x"));
        let data = Dataset::from_utterances(rows).unwrap();
        let made = variants(&data, 6, 1).unwrap();
        assert!(made.len() > 16, "{}", made.len());
        assert!(
            made.iter()
                .all(|row| row.intent.is_none() && row.spans.is_empty())
        );
        assert_eq!(made, variants(&data, 6, 1).unwrap());
        assert_ne!(made, variants(&data, 6, 2).unwrap());
    }

    #[test]
    fn halves_meet_between_words_or_characters() {
        assert_eq!(
            halves("where is my order", "cancel the second card"),
            "where is second card"
        );
        assert_eq!(halves("查询订单", "怎么退款"), "查询退款");
        assert_eq!(halves("", "x"), "x");
    }
}
