//! Texts whose meaning is prohibited, whatever their words are.
//!
//! [`Meaning`] holds the vectors of [exemplars](Exemplar) and how near a text may come to them.

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

/// A text by its vector, as an encoder gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// What it is about: a category of what is prohibited.
    pub category: String,
    /// The vector. Its length does not matter.
    pub vector: Vec<f32>,
}

/// The prohibited text that another one is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness<'a> {
    /// Its category.
    pub category: &'a str,
    /// The cosine between the two, from -1 to 1.
    pub similarity: f32,
}

/// Finds texts that mean what is prohibited: those whose vector is near to that of a prohibited text, nearer than
/// to any that is fine. Mentions that are negated, quoted or reported are texts that are fine.
///
/// A look takes a multiplication for each number of each exemplar: 10,000 of 384 numbers take a millisecond or two.
///
/// ```
/// use cs_serve::safety::meaning::{Exemplar, Meaning};
///
/// let exemplar = |category: &str, vector: [f32; 3]| Exemplar { category: category.into(), vector: vector.into() };
/// let threat = exemplar("threat", [1.0, 0.1, 0.0]);
/// let reported = exemplar("", [1.0, 0.9, 0.0]); // "somebody wrote to me that he would …"
/// let ordinary: Vec<Vec<f32>> = (0..100).map(|at| vec![0.1, 0.5, 1.0 + at as f32]).collect();
///
/// let meaning = Meaning::fit(vec![threat], vec![reported], &ordinary, 0.01)?;
/// assert_eq!(meaning.prohibited(&[2.0, 0.1, 0.1])?.unwrap().category, "threat");
/// assert_eq!(meaning.prohibited(&[1.0, 0.8, 0.0])?, None);
/// assert_eq!(meaning.prohibited(&[0.0, 1.0, 1.0])?, None);
/// # Ok::<(), cs_serve::safety::meaning::MeaningError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meaning {
    /// How many numbers a vector has.
    size: usize,
    prohibited: Vec<Exemplar>,
    fine: Vec<Exemplar>,
    threshold: f32,
}

impl Meaning {
    /// Fits how near a text has to be, so that at most the share `max_alarms` of ordinary texts is taken for prohibited.
    /// What is fine needs no category.
    ///
    /// # Errors
    /// No prohibited text, a vector that is unlike the others, a share that is none, or so few ordinary texts that one
    /// alarm would be more than that share.
    pub fn fit(
        prohibited: Vec<Exemplar>,
        fine: Vec<Exemplar>,
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
        let of_length_one = |exemplars: Vec<Exemplar>| -> Result<Vec<Exemplar>, MeaningError> {
            let scaled = |exemplar: Exemplar| {
                let vector = of_length_one(&exemplar.vector, size)?;
                Ok(Exemplar { vector, ..exemplar })
            };
            exemplars.into_iter().map(scaled).collect()
        };
        let mut meaning = Self {
            size,
            prohibited: of_length_one(prohibited)?,
            fine: of_length_one(fine)?,
            threshold: f32::NEG_INFINITY,
        };
        let mut alarms = Vec::with_capacity(ordinary.len());
        for vector in ordinary {
            alarms.extend(meaning.prohibited(vector)?.map(|like| like.similarity));
        }
        alarms.sort_unstable_by(|one, other| other.total_cmp(one));
        let allowed = (ordinary.len() as f64 * max_alarms) as usize;
        // What is no more like than the first ordinary text that may not alarm does not alarm.
        meaning.threshold = alarms.get(allowed).copied().unwrap_or(f32::NEG_INFINITY);
        Ok(meaning)
    }

    /// Gives the cosine that a prohibited text exceeds: -∞ if no ordinary text is nearer to what is prohibited than to
    /// what is fine.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Gives what is prohibited and like a text, if the text is near enough to it.
    ///
    /// # Errors
    /// [`MeaningError::Vector`] for a vector that is unlike those of the exemplars.
    pub fn prohibited(&self, vector: &[f32]) -> Result<Option<Likeness<'_>>, MeaningError> {
        let vector = of_length_one(vector, self.size)?;
        let fine =
            nearest(&self.fine, &vector).map_or(f32::NEG_INFINITY, |(_, similarity)| similarity);
        let near = nearest(&self.prohibited, &vector)
            .filter(|&(_, similarity)| similarity > self.threshold && similarity > fine);
        Ok(near.map(|(exemplar, similarity)| Likeness {
            category: &exemplar.category,
            similarity,
        }))
    }
}

fn nearest<'a>(exemplars: &'a [Exemplar], vector: &[f32]) -> Option<(&'a Exemplar, f32)> {
    let similarities = exemplars.iter().map(|exemplar| {
        let products = exemplar
            .vector
            .iter()
            .zip(vector)
            .map(|(one, other)| one * other);
        (exemplar, products.sum())
    });
    similarities.max_by(|one: &(_, f32), other| one.1.total_cmp(&other.1))
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
