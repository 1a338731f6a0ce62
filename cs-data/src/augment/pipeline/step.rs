//! Operators at work on drafts.

use crate::augment::BatchAugmenter;
use crate::augment::augmenter::Row;
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::{EditError, Edits};

use super::copies::{Draft, Drafts, Refused, Sources, State};

/// What there is to do on some drafts.
pub(crate) struct Work<'a> {
    pub(crate) sources: &'a Sources<'a>,
    pub(crate) drafts: &'a [Draft],
    /// What earlier operators made of them.
    pub(crate) previous: Option<&'a Drafts>,
    pub(crate) attempt: u32,
    pub(crate) seed: u64,
}

/// An operator of the pipeline, and its edits of one draft.
pub(crate) struct Applied<'a> {
    /// Position of the operator.
    pub(crate) step: usize,
    pub(crate) name: &'a str,
    pub(crate) edits: &'a Edits,
}

impl<'a> Work<'a> {
    pub(crate) fn load(&self, at: usize, state: &mut State<'a>) {
        state.load(
            self.sources,
            self.drafts[at],
            self.previous.map(|made| (made, at)),
        );
    }

    /// The stream of an operator on a draft: a function of the seed, the row's id, the copy, the
    /// attempt and the operator's position, and of nothing else.
    pub(crate) fn random(&self, at: usize, step: usize) -> SplitMix {
        let Draft { row, copy } = self.drafts[at];
        let row = SplitMix::hash(self.seed, self.sources.ids.value(row as usize));
        let key = u64::from(copy) << 32 | u64::from(self.attempt) << 8 | step as u64;
        SplitMix::new(row ^ SplitMix::new(key).next())
    }

    /// Applies edits; those that make a text too long are counted instead.
    pub(crate) fn apply(
        &self,
        at: usize,
        operator: Applied<'_>,
        state: &mut State<'a>,
        made: &mut Drafts,
    ) -> Result<()> {
        let Applied { step, name, edits } = operator;
        match state.apply(step, edits) {
            Ok(()) => Ok(()),
            Err(EditError::TooLong { .. }) => {
                let reason = "a text too long";
                made.refused.push(Refused { step, reason });
                Ok(())
            }
            Err(source) => Err(Error::Edit {
                operator: name.to_owned(),
                id: self
                    .sources
                    .ids
                    .value(self.drafts[at].row as usize)
                    .to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn finish(&self, at: usize, state: &State<'a>, made: &mut Drafts) {
        let source = self.sources.texts.value(self.drafts[at].row as usize);
        made.push(state, state.text != source);
    }

    /// One operator that looks at all rows at once.
    pub(crate) fn ask(
        &self,
        operator: &dyn BatchAugmenter,
        step: usize,
        probability: f64,
    ) -> Result<Drafts> {
        let count = self.drafts.len();
        let mut random: Vec<SplitMix> = (0..count).map(|at| self.random(at, step)).collect();
        let chosen: Vec<bool> = random
            .iter_mut()
            .map(|random| random.chance(probability))
            .collect();
        let mut states: Vec<State<'a>> = Vec::with_capacity(count);
        for at in 0..count {
            let mut state = State::default();
            self.load(at, &mut state);
            states.push(state);
        }
        let asked = states.iter().zip(&chosen).filter(|(_, chosen)| **chosen);
        let rows: Vec<Row<'_>> = asked.map(|(state, _)| state.row()).collect();
        let mut streams: Vec<SplitMix> = random
            .into_iter()
            .zip(&chosen)
            .filter(|(_, c)| **c)
            .map(|(r, _)| r)
            .collect();
        let answers = operator.edits(&rows, &mut streams)?;
        if answers.len() != rows.len() {
            return Err(Error::argument(
                "candidates",
                format!("{} of {}", answers.len(), operator.name()),
                format!("{}, one a row", rows.len()),
            ));
        }
        let mut answers = answers.into_iter();
        let mut made = Drafts::with_capacity(count);
        made.asked.insert(step, rows.len());
        for (at, mut state) in states.into_iter().enumerate() {
            match chosen[at].then(|| answers.next()).flatten() {
                Some(Ok(edits)) if !edits.is_empty() => {
                    let applied = Applied {
                        step,
                        name: operator.name(),
                        edits: &edits,
                    };
                    self.apply(at, applied, &mut state, &mut made)?;
                }
                Some(Err(reason)) => made.refused.push(Refused { step, reason }),
                _ => {}
            }
            self.finish(at, &state, &mut made);
        }
        Ok(made)
    }
}
