//! Which scheme tags are in.

use super::error::MixedSchemes;
use super::scheme::Scheme;

impl Scheme {
    /// Finds the only scheme in which all sequences are well-formed; `None` if there is no tag but
    /// `O`.
    ///
    /// One tag other than `O` tells IOB1 from IOB2 and both from the rest. Spans of one and two
    /// tokens look the same in IOBES and BMES, and say the same; then the answer is IOBES.
    ///
    /// # Errors
    ///
    /// If no scheme fits them all: the scheme that most sequences are well-formed in (on a tie the
    /// one that holds for more tags, then the first of [`Scheme::ALL`]), and the first tag that
    /// contradicts it. A lenient reader goes on with that scheme.
    ///
    /// ```
    /// use cs_data::Scheme;
    /// let mixed = [["B-a", "I-a"], ["B-a", "O"], ["B-b", "E-b"]];
    /// let error = Scheme::detect(mixed).unwrap_err();
    /// assert_eq!((error.scheme, error.sequence), (Scheme::Iob2, 2));
    /// assert_eq!(
    ///     error.to_string(),
    ///     "sequence 2 is not IOB2 as most are: tag 1 is \"E-b\", expected O, B-label or I-label"
    /// );
    /// assert_eq!(Scheme::detect([["O", "O"]]), Ok(None));
    /// ```
    pub fn detect<T, S>(
        sequences: impl IntoIterator<Item = T>,
    ) -> Result<Option<Scheme>, MixedSchemes>
    where
        T: AsRef<[S]>,
        S: AsRef<str>,
    {
        let mut candidates = Self::ALL.map(Candidate::new);
        let mut tagged = false;
        for (at, sequence) in sequences.into_iter().enumerate() {
            let tags = sequence.as_ref();
            if tags.iter().any(|tag| tag.as_ref() != "O") {
                tagged = true;
                candidates.iter_mut().for_each(|one| one.see(at, tags));
            }
        }
        if !tagged {
            return Ok(None);
        }
        // The first of the best: `max_by_key` would take the last.
        let best = candidates
            .into_iter()
            .rev()
            .max_by(|a, b| a.score.cmp(&b.score));
        match best {
            Some(Candidate {
                fault: Some(fault), ..
            }) => Err(fault),
            best => Ok(best.map(|best| best.scheme)),
        }
    }
}

/// A scheme that the sequences seen may be in.
struct Candidate {
    scheme: Scheme,
    score: Score,
    /// The first sequence that is not well-formed.
    fault: Option<MixedSchemes>,
}

/// How well sequences fit a scheme; the earlier field counts more.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Well-formed sequences.
    sequences: usize,
    /// Tags before the first fault of each sequence.
    tags: usize,
}

impl Candidate {
    fn new(scheme: Scheme) -> Self {
        Candidate {
            scheme,
            score: Score::default(),
            fault: None,
        }
    }

    fn see<S: AsRef<str>>(&mut self, at: usize, tags: &[S]) {
        let Some((index, fault)) = self.scheme.check(tags) else {
            self.score.sequences += 1;
            self.score.tags += tags.len();
            return;
        };
        self.score.tags += index;
        if self.fault.is_none() {
            self.fault = Some(MixedSchemes {
                scheme: self.scheme,
                sequence: at,
                source: self.scheme.error(tags, index, fault),
            });
        }
    }
}
