//! Texts whose meaning is prohibited, whatever their words are.
//!
//! - [`ExemplarList`] has the prohibited texts, and those that are fine though they are like them.
//! - [`Meaning`] holds their vectors, and how near a text may come to them.

mod list;

pub use list::{ExemplarList, ExemplarText};

use serde::Serialize;

use super::action::{Action, Severity};

/// The reason why texts cannot be held against prohibited ones.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MeaningError {
    /// A vector is not as long as the others, has no length in space, or numbers that are none.
    #[error("a vector of {found}, expected {expected} finite numbers, not all of them zero")]
    Vector {
        /// What it has.
        found: String,
        /// The numbers that it should have.
        expected: usize,
    },
    /// There is nothing prohibited.
    #[error("no prohibited text, expected one at least")]
    Empty,
    /// The share of alarms is none.
    #[error("max_alarms = {found}, expected a number above 0 and below 1")]
    MaxAlarms {
        /// The value that was given.
        found: f64,
    },
    /// There are too few ordinary texts to say how many of them alarm.
    #[error("{found} ordinary texts, expected at least {needed} for such a share of alarms")]
    Few {
        /// The number of ordinary texts.
        found: usize,
        /// The number that is needed.
        needed: usize,
    },
}

/// A prohibited text by its vector, as an encoder gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// What it is about, if it has a category.
    pub category: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What is to be done with a text that is like it.
    pub action: Action,
    /// The vector. Its length does not matter.
    pub vector: Vec<f32>,
}

/// The least cosine above which a text is like a prohibited one: below it, two texts of whatever encoder have little in
/// common, however few the ordinary ones are that the threshold was fitted on.
const FLOOR: f32 = 0.5;

/// The prohibited text that another one is like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness<'a> {
    /// Its category, if it has one.
    pub category: Option<&'a str>,
    /// How bad it is.
    pub severity: Severity,
    /// What is to be done with a text that is like it.
    #[serde(skip)]
    pub action: Action,
    /// The cosine between the two, from -1 to 1.
    pub similarity: f32,
}

impl Exemplar {
    /// Tells how like it a vector is, both of length one.
    fn like(&self, vector: &[f32]) -> Likeness<'_> {
        Likeness {
            category: self.category.as_deref(),
            severity: self.severity,
            action: self.action,
            similarity: cosine(&self.vector, vector),
        }
    }
}

/// Finds texts that mean what is prohibited: those whose vector is near to that of a prohibited text, nearer than
/// to any that is fine. Mentions that are negated, quoted or reported are texts that are fine. Of several prohibited texts that
/// are near, the one whose action is the strictest counts, not the nearest.
///
/// A look takes a multiplication for each number of each exemplar: 10,000 of 384 numbers take a millisecond or two.
///
/// ```
/// use cs_serve::safety::meaning::{Exemplar, Meaning};
/// use cs_serve::safety::{Action, Severity};
///
/// let threat = Exemplar {
///     category: Some("threat".into()),
///     severity: Severity::DEFAULT,
///     action: Action::Block,
///     vector: vec![1.0, 0.1, 0.0],
/// };
/// let reported = vec![1.0, 0.9, 0.0]; // "somebody wrote to me that he would …"
/// let ordinary: Vec<Vec<f32>> = (0..100).map(|at| vec![0.1, 0.5, 1.0 + at as f32]).collect();
///
/// let meaning = Meaning::fit(vec![threat], vec![reported], &ordinary, 0.01)?;
/// assert_eq!(meaning.prohibited(&[2.0, 0.1, 0.1])?.unwrap().category, Some("threat"));
/// assert_eq!(meaning.prohibited(&[1.0, 0.8, 0.0])?, None);
/// assert_eq!(meaning.prohibited(&[0.0, 1.0, 1.0])?, None);
/// # Ok::<(), cs_serve::safety::meaning::MeaningError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meaning {
    /// How many numbers a vector has.
    size: usize,
    prohibited: Vec<Exemplar>,
    fine: Vec<Vec<f32>>,
    threshold: f32,
}

impl Meaning {
    /// Fits how near a text has to be, so that at most the share `max_alarms` of ordinary texts is taken for prohibited.
    ///
    /// # Errors
    /// No prohibited text, a vector that is unlike the others, a share that is none, or so few ordinary texts that one
    /// alarm would be more than that share.
    pub fn fit(
        prohibited: Vec<Exemplar>,
        fine: Vec<Vec<f32>>,
        ordinary: &[Vec<f32>],
        max_alarms: f64,
    ) -> Result<Self, MeaningError> {
        if !(max_alarms > 0.0 && max_alarms < 1.0) {
            return Err(MeaningError::MaxAlarms { found: max_alarms });
        }
        let needed = (1.0 / max_alarms).ceil() as usize;
        if ordinary.len() < needed {
            return Err(MeaningError::Few {
                found: ordinary.len(),
                needed,
            });
        }
        let size = prohibited.first().ok_or(MeaningError::Empty)?.vector.len();
        let scaled = |exemplar: Exemplar| {
            let vector = of_length_one(&exemplar.vector, size)?;
            Ok(Exemplar { vector, ..exemplar })
        };
        let prohibited = prohibited.into_iter().map(scaled);
        let fine = fine.iter().map(|vector| of_length_one(vector, size));
        let mut meaning = Self {
            size,
            prohibited: prohibited.collect::<Result<_, _>>()?,
            fine: fine.collect::<Result<_, _>>()?,
            threshold: FLOOR,
        };
        let mut alarms = Vec::with_capacity(ordinary.len());
        for vector in ordinary {
            let near = meaning.near(&of_length_one(vector, meaning.size)?);
            let nearest = near.into_iter().map(|like| like.similarity);
            alarms.extend(nearest.max_by(f32::total_cmp));
        }
        alarms.sort_unstable_by(|one, other| other.total_cmp(one));
        let allowed = (ordinary.len() as f64 * max_alarms) as usize;
        // What is no more like than the first ordinary text that may not alarm does not alarm.
        meaning.threshold = alarms.get(allowed).copied().unwrap_or(FLOOR);
        Ok(meaning)
    }

    /// Gives the cosine that a prohibited text exceeds: at least 0.5, also where no ordinary text alarms.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Gives what is prohibited and like a text, if the text is near enough to it: of several the strictest, of those the
    /// most severe, and of those the nearest.
    ///
    /// # Errors
    /// [`MeaningError::Vector`] for a vector that is unlike those of the exemplars.
    pub fn prohibited(&self, vector: &[f32]) -> Result<Option<Likeness<'_>>, MeaningError> {
        let near = self.near(&of_length_one(vector, self.size)?);
        let strictness = |like: &Likeness<'_>| (like.action, like.severity);
        Ok(near.into_iter().max_by(|one, other| {
            let order = strictness(one).cmp(&strictness(other));
            order.then(one.similarity.total_cmp(&other.similarity))
        }))
    }

    /// Gives all that is prohibited and near to a vector of length one.
    fn near(&self, vector: &[f32]) -> Vec<Likeness<'_>> {
        let fine = self.fine.iter().map(|fine| cosine(fine, vector));
        let least = fine.fold(self.threshold, f32::max);
        let near = self.prohibited.iter().map(|it| it.like(vector));
        near.filter(|like| like.similarity > least).collect()
    }
}

/// Covers the whole of a text, as is done with one whose meaning blocks it: `*` for each character but white space.
///
/// ```
/// assert_eq!(cs_serve::safety::meaning::covered("你 ok"), "* **");
/// ```
#[must_use]
pub fn covered(text: &str) -> String {
    let cover = |char: char| if char.is_whitespace() { char } else { '*' };
    text.chars().map(cover).collect()
}

/// The cosine of two vectors of length one.
fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn of_length_one(vector: &[f32], size: usize) -> Result<Vec<f32>, MeaningError> {
    let length = vector
        .iter()
        .map(|number| f64::from(*number).powi(2))
        .sum::<f64>()
        .sqrt();
    if vector.len() != size || !length.is_finite() || length == 0.0 {
        let found = match length.is_finite() && length > 0.0 {
            true => format!("{} numbers", vector.len()),
            false => format!("{} numbers of length {length}", vector.len()),
        };
        return Err(MeaningError::Vector {
            found,
            expected: size,
        });
    }
    Ok(vector
        .iter()
        .map(|number| (f64::from(*number) / length) as f32)
        .collect())
}
