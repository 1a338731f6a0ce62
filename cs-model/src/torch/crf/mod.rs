//! Training a conditional random field over slot tags; [`Transitions`] decodes with it.
//!
//! In the shapes, `N` is the number of packed tokens, `W` that of words that have a tag, `T` that
//! of tags, and `R` that of the sequences that still run at a step.

mod lattice;

use std::sync::Arc;

use cs_data::TagSet;
use tch::{Kind, Tensor};

use self::lattice::{Lattice, Order};
use super::numbers::{matrix, numbers};
use crate::error::{Error, Result};
use crate::heads::{Transitions, openers, validate_tags};
use crate::ops::on_device;

/// The scores of a linear-chain conditional random field over IOB2 tags, as trainable tensors
/// (Lample et al. 2016, section 2.2).
///
/// ```
/// use cs_data::{Scheme, TagSet};
/// use cs_model::Crf;
/// use tch::{Device, Kind, Tensor};
///
/// let tags = TagSet::of_labels(["city"], Scheme::Iob2)?; // O, B-city, I-city
/// let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
/// let crf = Crf::new(&tags, zeros(&[3, 3]), zeros(&[3]), zeros(&[3]))?;
///
/// // Two sequences; the first and last token of the first one are no words.
/// let logits = zeros(&[5, 3]);
/// let gold = [None, Some(1), Some(2), None, Some(0)];
/// let loss = crf.loss(&logits, &[4, 1], &gold)?.unwrap();
/// // Of two words there are five sequences of tags that IOB2 allows, of one word two.
/// let expected = (5.0f64.ln() + 2.0f64.ln()) / 3.0;
/// assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Crf {
    /// `[T, T]`: the score of a transition from each tag (row) to each tag (column).
    transitions: Tensor,
    /// `[T]`: the score of each tag at the first word.
    start: Tensor,
    /// `[T]`: the score of each tag at the last word.
    end: Tensor,
    /// `[T, T]`: 0, or minus infinity for a transition that IOB2 forbids.
    forbidden: Tensor,
    /// `[T]`: 0, or minus infinity for a tag that IOB2 forbids at the first word.
    forbidden_first: Tensor,
    tags: Arc<TagSet>,
    openers: Arc<[Option<usize>]>,
}

impl Crf {
    /// Takes handles to the scores; gradients flow into them.
    ///
    /// # Shapes
    /// `transitions[from, to]` is `[T, T]`; `start` and `end` are `[T]`.
    ///
    /// # Errors
    /// [`Error::Field`] for tags that are no IOB2 set; [`Error::Shape`] if the number of scores
    /// does not fit the tags.
    pub fn new(tags: &TagSet, transitions: Tensor, start: Tensor, end: Tensor) -> Result<Self> {
        validate_tags(tags)?;
        let count = tags.tags().len();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        let count = count as i64;
        let sizes = [transitions.size(), start.size(), end.size()];
        if sizes != [vec![count, count], vec![count], vec![count]] {
            return Err(Error::Shape {
                what: "scores of a conditional random field",
                expected: format!("[{count}, {count}], [{count}] and [{count}]"),
                found: format!("{sizes:?}"),
            });
        }
        let openers = openers(tags);
        let first = openers
            .iter()
            .map(|opener| minus_infinity(opener.is_some()));
        let first: Vec<f64> = first.collect();
        let pairs: Vec<f64> = pairs
            .map(|(from, to)| minus_infinity(!follows(&openers, from, to)))
            .collect();
        let device = transitions.device();
        Ok(Self {
            forbidden: on_device(&pairs, device)?.f_reshape([count, count])?,
            forbidden_first: on_device(&first, device)?,
            transitions,
            start,
            end,
            tags: Arc::new(tags.clone()),
            openers: openers.into(),
        })
    }

    /// Computes the negative log-likelihood of the gold tags, divided by the number of words, so
    /// that neither longer texts nor larger batches weigh more against other losses; `None` if no
    /// word has a tag. Tokens without a tag are left out, as if the words beside them were
    /// neighbours. It is computed in f64, for all sequences at once, in one step for each word of
    /// the longest.
    ///
    /// # Shapes
    /// `logits` is `[N, T]`; `lengths` holds the number of tokens of each sequence, and `gold` `N`
    /// indices of tags. The result is a scalar.
    ///
    /// # Errors
    /// [`Error::Shape`] if the parts do not fit each other; [`Error::Field`] for a tag that is not
    /// there or that IOB2 forbids after the one before.
    pub fn loss(
        &self,
        logits: &Tensor,
        lengths: &[usize],
        gold: &[Option<usize>],
    ) -> Result<Option<Tensor>> {
        let tags = self.tags.tags().len() as i64;
        let tokens: usize = lengths.iter().sum();
        if logits.size() != [tokens as i64, tags] || gold.len() != tokens {
            return Err(Error::Shape {
                what: "logits and tags of a conditional random field",
                expected: format!("[{tokens}, {tags}] and [{tokens}]"),
                found: format!("{:?} and [{}]", logits.size(), gold.len()),
            });
        }
        let sequences = self.sequences(lengths, gold)?;
        if sequences.is_empty() {
            return Ok(None);
        }
        let steps = Steps::new(&sequences, tags, logits.device())?;
        let logits = logits
            .f_index_select(0, &steps.rows)?
            .f_to_kind(Kind::Double)?; // [W, T]
        let lattice = self.lattice(&logits, &steps.running, 1.0)?;
        let difference = lattice
            .log_partition()?
            .f_sub(&self.score(&logits, &steps)?)?;
        let mean = difference.f_div_scalar(steps.rows.size()[0] as f64)?;
        Ok(Some(mean.f_to_kind(Kind::Float)?))
    }

    /// Gives the scores as plain numbers, to decode with.
    ///
    /// # Errors
    /// [`Error::Field`] for a score that is not finite or out of range, as after a training that
    /// diverged.
    pub fn to_transitions(&self) -> Result<Transitions> {
        let (start, end) = (numbers(&self.start)?, numbers(&self.end)?);
        Transitions::new(&self.tags, &matrix(&self.transitions)?, &start, &end)
    }

    /// Makes another handle to the same scores.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        Self {
            transitions: self.transitions.shallow_clone(),
            start: self.start.shallow_clone(),
            end: self.end.shallow_clone(),
            forbidden: self.forbidden.shallow_clone(),
            forbidden_first: self.forbidden_first.shallow_clone(),
            tags: self.tags.clone(),
            openers: self.openers.clone(),
        }
    }

    /// Gives the tagged words of each sequence that has any, checked, the longest sequence first.
    fn sequences(&self, lengths: &[usize], gold: &[Option<usize>]) -> Result<Vec<Vec<Word>>> {
        let mut sequences = Vec::with_capacity(lengths.len());
        let mut tokens = gold.iter().enumerate();
        for &length in lengths {
            let mut words: Vec<Word> = Vec::with_capacity(length);
            for (row, tag) in tokens.by_ref().take(length) {
                let Some(tag) = *tag else { continue };
                self.check(row, tag, words.last())?;
                words.push(Word { row, tag });
            }
            if !words.is_empty() {
                sequences.push(words);
            }
        }
        sequences.sort_by_key(|words| std::cmp::Reverse(words.len()));
        Ok(sequences)
    }

    fn check(&self, row: usize, tag: usize, before: Option<&Word>) -> Result<()> {
        let field = || format!("tags[{row}]");
        let Some(name) = self.tags.tags().get(tag) else {
            let expected = format!("less than {}", self.tags.tags().len());
            return Err(Error::field(field(), tag, expected));
        };
        let fits = match before {
            Some(word) => follows(&self.openers, word.tag, tag),
            None => self.openers[tag].is_none(),
        };
        if fits {
            return Ok(());
        }
        let place = before.map_or("at the start".into(), |word| {
            format!("after {}", self.tags.tags()[word.tag])
        });
        let expected = "a tag that IOB2 allows there";
        Err(Error::field(field(), format!("{name} {place}"), expected))
    }

    /// Computes the logarithms of the probabilities of each word's tags, given its whole text: this
    /// is what the model predicts of a word, whereas its logits mean nothing without the
    /// transitions. The result is differentiable, and meant for distillation (Wang et al. 2020,
    /// section 3.2). All scores are divided by `temperature` first. A tag that IOB2 forbids at a
    /// word has about -690, and no gradient. It is computed in f64, for all sequences at once, in
    /// two steps for each word of the longest.
    ///
    /// ```
    /// use cs_data::{Scheme, TagSet};
    /// use cs_model::Crf;
    /// use tch::{Device, Kind, Tensor};
    ///
    /// let tags = TagSet::of_labels(["city"], Scheme::Iob2)?; // O, B-city, I-city
    /// let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    /// let crf = Crf::new(&tags, zeros(&[3, 3]), zeros(&[3]), zeros(&[3]))?;
    /// // Token 1 is no word. Of five sequences of tags for the others, two begin with O.
    /// let marginals = crf.log_marginals(&zeros(&[3, 3]), &[vec![0, 2]], 1.0)?;
    /// assert_eq!(marginals.size(), [2, 3]);
    /// assert!((marginals.exp().double_value(&[0, 0]) - 2.0 / 5.0).abs() < 1e-6);
    /// assert!(marginals.double_value(&[0, 2]) < -600.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Shapes
    /// `logits` is `[N, T]`; `sequences` holds the rows of each text's words, in order. The result
    /// is `[W, T]` in f32, one text after the other.
    ///
    /// # Errors
    /// [`Error::Shape`] for logits of other tags; [`Error::Field`] for a row that is not there, or
    /// a temperature that is not a number above 0.
    pub fn log_marginals(
        &self,
        logits: &Tensor,
        sequences: &[Vec<usize>],
        temperature: f64,
    ) -> Result<Tensor> {
        let tags = self.tags.tags().len() as i64;
        let size = logits.size();
        if size.len() != 2 || size[1] != tags {
            return Err(Error::Shape {
                what: "logits of a conditional random field",
                expected: format!("[N, {tags}]"),
                found: format!("{size:?}"),
            });
        }
        if let Some(row) = sequences
            .iter()
            .flatten()
            .find(|&&row| row as i64 >= size[0])
        {
            let expected = format!("less than {} tokens", size[0]);
            return Err(Error::field("rows", row, expected));
        }
        if !(temperature > 0.0 && temperature.is_finite()) {
            let expected = "a number above 0";
            return Err(Error::field("temperature", temperature, expected));
        }
        let order = Order::new(sequences);
        if order.rows.is_empty() {
            return Ok(Tensor::f_zeros([0, tags], (Kind::Float, logits.device()))?);
        }
        // Both lists go in one transfer.
        let both = on_device(&[&order.rows[..], &order.places].concat(), logits.device())?;
        let words = order.rows.len() as i64;
        let (rows, places) = (both.f_narrow(0, 0, words)?, both.f_narrow(0, words, words)?);
        let logits = logits.f_index_select(0, &rows)?.f_to_kind(Kind::Double)?; // [W, T]
        let logits = scaled(logits, temperature)?;
        let lattice = self.lattice(&logits, &order.running, temperature)?;
        Ok(lattice.log_marginals()?.f_index_select(0, &places)?)
    }

    /// Sets up the sums for `logits` `[W, T]`, which are in the order of the steps and were divided
    /// by the temperature already.
    fn lattice(&self, logits: &Tensor, running: &[i64], temperature: f64) -> Result<Lattice> {
        let wide = |scores: &Tensor| scaled(scores.f_to_kind(Kind::Double)?, temperature);
        Lattice::new(
            logits,
            &wide(&self.transitions)?.f_add(&self.forbidden)?,
            &wide(&self.start)?.f_add(&self.forbidden_first)?,
            &wide(&self.end)?,
            running,
        )
    }

    /// Computes the score of the gold tags of all texts together.
    fn score(&self, logits: &Tensor, steps: &Steps) -> Result<Tensor> {
        let pick = |scores: &Tensor, index: &Tensor| {
            let chosen = scores.f_index_select(0, index)?;
            chosen.f_sum(Kind::Double)
        };
        let words = logits.f_gather(1, &steps.gold.f_unsqueeze(1)?, false)?;
        Ok(words
            .f_sum(Kind::Double)?
            .f_add(&pick(&self.transitions.f_flatten(0, 1)?, &steps.pairs)?)?
            .f_add(&pick(&self.start, &steps.first)?)?
            .f_add(&pick(&self.end, &steps.last)?)?)
    }
}

/// A word with its packed row and gold tag.
#[derive(Debug, Clone, Copy)]
struct Word {
    row: usize,
    tag: usize,
}

fn follows(openers: &[Option<usize>], from: usize, to: usize) -> bool {
    openers[to].is_none_or(|opener| from == opener || from == to)
}

/// Divides the scores by the temperature. At 1 they stay exactly as they are, without a
/// computation.
fn scaled(scores: Tensor, temperature: f64) -> Result<Tensor> {
    match temperature == 1.0 {
        true => Ok(scores),
        false => Ok(scores.f_div_scalar(temperature)?),
    }
}

fn minus_infinity(forbidden: bool) -> f64 {
    if forbidden { f64::NEG_INFINITY } else { 0.0 }
}

/// The order in which the forward algorithm reads the words: all first ones, then all second ones
/// …, longer sequences before shorter ones; and where the gold tags' scores are.
struct Steps {
    /// The packed row of each word, `[W]`.
    rows: Tensor,
    /// The gold tag of each word, `[W]`.
    gold: Tensor,
    /// The index of each gold transition in the `T·T` scores.
    pairs: Tensor,
    /// The gold tag of each sequence's first word.
    first: Tensor,
    /// The gold tag of each sequence's last word.
    last: Tensor,
    /// The number of sequences that have a word at each step.
    running: Vec<i64>,
}

impl Steps {
    /// Orders the words of `sequences`, of which the longest comes first.
    fn new(sequences: &[Vec<Word>], tags: i64, device: tch::Device) -> Result<Self> {
        let rows: Vec<Vec<usize>> = sequences
            .iter()
            .map(|words| words.iter().map(|word| word.row).collect())
            .collect();
        let Order { rows, running, .. } = Order::new(&rows);
        let longest = sequences.iter().map(Vec::len).max().unwrap_or(0);
        let at = |step| sequences.iter().map_while(move |words| words.get(step));
        let gold = (0..longest).flat_map(at).map(|word| word.tag as i64);
        let ends = |end: fn(&[Word]) -> Option<&Word>| {
            let words = sequences.iter().filter_map(move |words| end(words));
            words.map(|word| word.tag as i64)
        };
        let pairs = sequences.iter().flat_map(|words| words.windows(2));
        let pairs = pairs.map(|pair| pair[0].tag as i64 * tags + pair[1].tag as i64);
        let lists = [
            rows,
            gold.collect(),
            pairs.collect(),
            ends(<[Word]>::first).collect(),
            ends(<[Word]>::last).collect(),
        ];
        // All lists go in one transfer.
        let all = on_device(&lists.concat(), device)?;
        let mut from = 0;
        let mut next = |list: &Vec<i64>| {
            let length = list.len() as i64;
            from += length;
            all.f_narrow(0, from - length, length)
        };
        Ok(Self {
            rows: next(&lists[0])?,
            gold: next(&lists[1])?,
            pairs: next(&lists[2])?,
            first: next(&lists[3])?,
            last: next(&lists[4])?,
            running,
        })
    }
}
