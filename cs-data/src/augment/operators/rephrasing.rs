//! Paraphrases by a model that is asked for them.

use std::ops::Range;

use crate::augment::{BatchAugmenter, Candidate, Row};
use crate::error::{Error, Result};
use crate::random::SplitMix;

use super::paraphrase::{Paraphrase, ParaphraseConfig};
use super::tokens::cuts_word;

/// A text to say in other words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RephraseRequest<'a> {
    /// The text.
    pub text: &'a str,
    /// What has to be said as it is: the text's entities, in order.
    pub keep: Vec<&'a str>,
    /// The source of chance, so that copies of a row come out differently.
    pub seed: u64,
}

/// Says texts in other words, such as a chat model that is asked to.
pub trait Rephraser: Send + Sync {
    /// Gives another wording of each text, in order, of its request alone.
    ///
    /// # Errors
    ///
    /// When nothing can be said at all.
    fn rephrase(&self, requests: &[RephraseRequest<'_>]) -> Result<Vec<String>>;
}

impl<R: Rephraser + ?Sized> Rephraser for Box<R> {
    fn rephrase(&self, requests: &[RephraseRequest<'_>]) -> Result<Vec<String>> {
        (**self).rephrase(requests)
    }
}

/// Tells what texts ask for.
pub trait IntentClassifier: Send + Sync {
    /// Gives the intent of each text, in order; `None` for one that has none.
    ///
    /// # Errors
    ///
    /// When nothing can be told.
    fn intents(&self, texts: &[&str]) -> Result<Vec<Option<String>>>;
}

/// Rephrasing: a paraphrase by a model that is asked for one, taken only if what the row is labelled
/// with survives.
///
/// A candidate is refused, with the reason counted, when the text of an entity is not in it word for
/// word (`entity lost`) or more often than it is an entity of the row (`entity doubled`), when
/// entities of different labels changed positions (`entities reordered`), when `length`, `script`
/// (Chinese or not) or `similarity` do not fit, and, with a classifier, when that finds another
/// intent in it than in the row's text (`intent`).
///
/// ```
/// use cs_data::augment::{
///     ParaphraseConfig, Pipeline, PipelineConfig, RephraseRequest, Rephraser, Rephrasing,
/// };
/// use cs_data::{Dataset, Span, Utterance};
/// struct Polite;
/// impl Rephraser for Polite {
///     fn rephrase(&self, requests: &[RephraseRequest<'_>]) -> cs_data::Result<Vec<String>> {
///         Ok(requests.iter().map(|request| format!("麻烦您，{}", request.text)).collect())
///     }
/// }
/// let row = Utterance::new("1", "查询12345").with_spans(vec![Span::new(6, 11, "order_id")]);
/// let operator = Rephrasing::new(Polite, ParaphraseConfig::default())?;
/// let pipeline = Pipeline::new(PipelineConfig::default()).with_batch(operator, 1.0)?;
/// let rephrased = pipeline.run(&Dataset::from_utterances([row])?)?.0.utterance(0).unwrap();
/// assert_eq!(rephrased.text, "麻烦您，查询12345");
/// assert_eq!(rephrased.spans, [Span::new(18, 23, "order_id")]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[allow(missing_debug_implementations, reason = "the classifier is any type")]
pub struct Rephrasing<R> {
    rephraser: R,
    config: ParaphraseConfig,
    classifier: Option<Box<dyn IntentClassifier>>,
}

impl<R: Rephraser> Rephrasing<R> {
    /// Makes an operator that asks `rephraser`.
    ///
    /// # Errors
    ///
    /// A range that is empty or not a number.
    pub fn new(rephraser: R, config: ParaphraseConfig) -> Result<Self> {
        config.validate()?;
        Ok(Rephrasing {
            rephraser,
            config,
            classifier: None,
        })
    }

    /// Refuses what has another intent than the row's text by this classifier.
    #[must_use]
    pub fn with_classifier(self, classifier: impl IntentClassifier + 'static) -> Self {
        Rephrasing {
            classifier: Some(Box::new(classifier)),
            ..self
        }
    }

    /// Refuses candidates that are left and whose intent is another one.
    fn check_intents(
        &self,
        rows: &[Row<'_>],
        found: &[String],
        candidates: &mut [Candidate],
    ) -> Result<()> {
        let Some(classifier) = &self.classifier else {
            return Ok(());
        };
        let left: Vec<usize> = (0..rows.len()).filter(|&i| candidates[i].is_ok()).collect();
        let before = left.iter().map(|&i| rows[i].text);
        let after = left.iter().map(|&i| found[i].trim());
        let texts: Vec<&str> = before.chain(after).collect();
        let intents = classifier.intents(&texts)?;
        same_number("intents", texts.len(), intents.len())?;
        let (before, after) = intents.split_at(left.len());
        for ((&i, before), after) in left.iter().zip(before).zip(after) {
            if before != after {
                candidates[i] = Err("intent");
            }
        }
        Ok(())
    }
}

impl<R: Rephraser> BatchAugmenter for Rephrasing<R> {
    fn name(&self) -> &str {
        "rephrasing"
    }

    fn edits(&self, rows: &[Row<'_>], random: &mut [SplitMix]) -> Result<Vec<Candidate>> {
        let pairs = rows.iter().zip(random);
        let requests = pairs.map(|(row, random)| RephraseRequest {
            text: row.text,
            keep: values(*row).collect(),
            seed: random.next(),
        });
        let requests: Vec<RephraseRequest<'_>> = requests.collect();
        let found = self.rephraser.rephrase(&requests)?;
        same_number("rephrasings", rows.len(), found.len())?;
        let pairs = rows.iter().zip(&found);
        let candidates = pairs.map(|(row, text)| {
            let values: Vec<&str> = values(*row).collect();
            project(text.trim(), &values)?.edits(*row, &self.config)
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        self.check_intents(rows, &found, &mut candidates)?;
        Ok(candidates)
    }
}

fn same_number(name: &'static str, expected: usize, found: usize) -> Result<()> {
    match expected == found {
        true => Ok(()),
        false => Err(Error::argument(
            name,
            found.to_string(),
            expected.to_string(),
        )),
    }
}

/// The texts of a row's entities, in order.
fn values<'a>(row: Row<'a>) -> impl Iterator<Item = &'a str> {
    let entities = row.entities.iter();
    entities.map(move |entity| &row.text[entity.range.clone()])
}

/// Finds the values of entities in `text`, each as often as it is there among them.
fn project<'a>(text: &'a str, values: &[&str]) -> Result<Paraphrase<'a>, &'static str> {
    // Of values of which one is in the other, the longer one comes first.
    let mut numbers: Vec<usize> = (0..values.len()).collect();
    numbers.sort_by_key(|&number| (std::cmp::Reverse(values[number].len()), values[number]));
    let mut places: Vec<(Range<usize>, usize)> = Vec::new();
    for same in numbers.chunk_by(|&a, &b| values[a] == values[b]) {
        let found = occurrences(text, values[same[0]], &places);
        match found.len().cmp(&same.len()) {
            std::cmp::Ordering::Less => return Err("entity lost"),
            std::cmp::Ordering::Greater => return Err("entity doubled"),
            std::cmp::Ordering::Equal => places.extend(found.into_iter().zip(same.iter().copied())),
        }
    }
    places.sort_by_key(|(place, _)| place.start);
    let (mut gaps, mut from) = (Vec::with_capacity(places.len() + 1), 0);
    for (place, _) in &places {
        gaps.push(&text[from..place.start]);
        from = place.end;
    }
    gaps.push(&text[from..]);
    let order = places.into_iter().map(|(_, number)| number).collect();
    Ok(Paraphrase { gaps, order })
}

/// The places of `value` in `text` that cut no word and lie beside those that are `taken`.
fn occurrences(text: &str, value: &str, taken: &[(Range<usize>, usize)]) -> Vec<Range<usize>> {
    let places = text.match_indices(value);
    let places = places.map(|(start, _)| start..start + value.len());
    let is_free = |place: &Range<usize>| {
        let mut others = taken.iter();
        others.all(|(other, _)| other.end <= place.start || place.end <= other.start)
    };
    places
        .filter(|place| is_free(place) && !cuts_word(text, place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str, values: &[&str]) -> Result<Vec<usize>, &'static str> {
        project(text, values).map(|found| found.order)
    }

    #[test]
    fn values_are_found_word_for_word_each_as_often_as_it_is_one() {
        let found = project("look up 12345 and 12, please", &["12", "12345"]).unwrap();
        assert_eq!(found.gaps, ["look up ", " and ", ", please"]);
        assert_eq!(found.order, [1, 0]);
        assert_eq!(project("why", &[]).unwrap().gaps, ["why"]);
        assert_eq!(order("a red one, red", &["red", "red"]), Ok(vec![0, 1]));
        for (text, values, reason) in [
            ("a party", &["art"][..], "entity lost"),
            ("order 123456", &["12345"], "entity lost"),
            ("order 12345", &["12345", "12"], "entity lost"),
            ("Red", &["red"], "entity lost"),
            ("red or red", &["red"], "entity doubled"),
            ("红红", &["红"], "entity doubled"),
        ] {
            assert_eq!(order(text, values), Err(reason), "{text}");
        }
        assert_eq!(order("查询12345的状态", &["状态", "12345"]), Ok(vec![1, 0]));
    }
}
