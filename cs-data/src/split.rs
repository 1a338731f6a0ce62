//! A data set in two or more parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::rows::View;

impl Dataset {
    /// Splits off `fraction` of each intent's rows (rounded; rows without an intent count as one
    /// class): the rest and what is held out, each in the order of the data. A class with at least
    /// two rows keeps at least one on both sides, a single row stays in the rest.
    ///
    /// Which rows go is a pure function of the seed and the ids, whatever the order of rows.
    ///
    /// # Errors
    ///
    /// A `fraction` that does not lie between 0 and 1.
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        check_fraction(fraction)?;
        let rank = |row, view: View<'_>, at| (SplitMix::of(seed, view.id(at)), row);
        let mut held_out = vec![false; self.len()];
        for mut ranks in self.classes(rank).into_values() {
            ranks.sort_unstable();
            for &(_, row) in &ranks[..share(ranks.len(), fraction)] {
                held_out[row] = true;
            }
        }
        self.part(&held_out)
    }

    /// Splits off `fraction` of the dialogues (rounded; a row of no dialogue counts as one, by its
    /// id): the rest and what is held out, each in the order of the data. A dialogue never
    /// straddles. At least one dialogue is on both sides if there are two.
    ///
    /// The fraction is one of dialogues, as in scikit-learn's `GroupShuffleSplit`, so that of the
    /// rows differs where dialogues are of different length. Which dialogues go is a pure function
    /// of the seed and their ids.
    ///
    /// ```
    /// use cs_data::{Dataset, Turn, Utterance};
    /// let turn = |number: u32| {
    ///     let mut row = Utterance::new(number.to_string(), "你好");
    ///     let dialogue_id = (number / 2).to_string();
    ///     row.dialogue = Some(Turn { dialogue_id, turn: number % 2, speaker: None });
    ///     row
    /// };
    /// let data = Dataset::from_utterances((0..8).map(turn))?;
    /// let (rest, held_out) = data.group_split(0.25, 1)?;
    /// assert_eq!((rest.len(), held_out.len()), (6, 2));
    /// let ids: Vec<_> = held_out.iter().map(|row| row.dialogue.unwrap().dialogue_id).collect();
    /// assert_eq!(ids[0], ids[1]);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `fraction` that does not lie between 0 and 1.
    pub fn group_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        check_fraction(fraction)?;
        let seeds =
            ["group_split dialogue", "group_split row"].map(|what| SplitMix::of(seed, what));
        let groups: BTreeSet<Group<'_>> = self.views().map(|row| group(seeds, row)).collect();
        let share = share(groups.len(), fraction);
        let first_kept = groups.iter().nth(share);
        let is_held_out = |row| first_kept.is_some_and(|kept| group(seeds, row) < *kept);
        let held_out: Vec<bool> = self.views().map(is_held_out).collect();
        self.part(&held_out)
    }

    /// The `folds` pairs of rest and held-out rows of a cross-validation: each row is held out once,
    /// and the held-out parts' sizes, in all and of each intent (rows without one count as one),
    /// differ by at most one. Each part is in the order of the data; a pair is made when it is
    /// asked for.
    ///
    /// The classes are dealt to the folds one behind the other, as by scikit-learn's
    /// `StratifiedKFold`. A row's place in its class is a pure function of the seed and the ids.
    ///
    /// ```
    /// use cs_data::{Dataset, Utterance};
    /// let row = |n: usize| Utterance::new(n.to_string(), "你好").with_intent(["a", "b"][n % 2]);
    /// let data = Dataset::from_utterances((0..10).map(row))?;
    /// for fold in data.k_fold(5, 1)? {
    ///     let (rest, held_out) = fold?;
    ///     assert_eq!((rest.len(), held_out.len()), (8, 2));
    ///     assert_eq!(held_out.intents(), ["a", "b"]);
    /// }
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fewer than two folds, or more than rows.
    pub fn k_fold(
        &self,
        folds: usize,
        seed: u64,
    ) -> Result<impl ExactSizeIterator<Item = Result<(Self, Self)>>> {
        if folds < 2 || folds > self.len() {
            return Err(Error::Argument {
                name: "folds",
                found: folds.to_string(),
                expected: format!("2 to {} (the rows)", self.len()),
            });
        }
        let ranks = self.ranks("k_fold", seed);
        let classes = self.classes(|row, _, _| (ranks[row], row)).into_values();
        let sorted = classes.flat_map(|mut class| {
            class.sort_unstable();
            class
        });
        let mut fold_of = vec![0; self.len()];
        for (place, (_, row)) in sorted.enumerate() {
            fold_of[row] = place % folds;
        }
        Ok((0..folds).map(move |fold| {
            let held_out: Vec<bool> = fold_of.iter().map(|&of| of == fold).collect();
            self.part(&held_out)
        }))
    }

    /// Something of each row, by intent; in order.
    pub(crate) fn classes<T>(
        &self,
        of: impl Fn(usize, View<'_>, usize) -> T,
    ) -> BTreeMap<Option<&str>, Vec<T>> {
        let mut classes: BTreeMap<Option<&str>, Vec<T>> = BTreeMap::new();
        for (row, (view, at)) in self.views().enumerate() {
            let class = classes.entry(view.intent(at)).or_default();
            class.push(of(row, view, at));
        }
        classes
    }

    /// The rest and what is held out.
    fn part(&self, held_out: &[bool]) -> Result<(Self, Self)> {
        let (gone, rest): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&row| held_out[row]);
        Ok((self.select(&rest)?, self.select(&gone)?))
    }
}

/// What must not straddle: a number by chance, whether it is a dialogue, and its name.
type Group<'a> = (u64, bool, &'a str);

fn group<'a>([dialogues, rows]: [u64; 2], (view, at): (View<'a>, usize)) -> Group<'a> {
    match view.dialogue_id(at) {
        Some(dialogue) => (SplitMix::of(dialogues, dialogue), true, dialogue),
        None => (SplitMix::of(rows, view.id(at)), false, view.id(at)),
    }
}

/// How many of `count` are split off: rounded, and neither none nor all of several.
fn share(count: usize, fraction: f64) -> usize {
    let share = (count as f64 * fraction).round() as usize;
    share.clamp(1.min(count / 2), count.saturating_sub(1))
}

fn check_fraction(fraction: f64) -> Result<()> {
    if fraction > 0.0 && fraction < 1.0 {
        return Ok(());
    }
    Err(Error::Argument {
        name: "fraction",
        found: fraction.to_string(),
        expected: "a number between 0 and 1".into(),
    })
}
