//! A data set in two or more parts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::random::SplitMix;

use super::dataset::Dataset;
use super::view::View;

impl Dataset {
    /// Splits off `fraction` of each intent's rows (rounded; rows without an intent count as one
    /// class) and gives the rest and what is held out, each in the order of the data. A class with
    /// at least two rows keeps at least one on both sides, a single row stays in the rest.
    ///
    /// A dialogue's turns stay together, and so do a row and its copies (by `parent`, over several
    /// generations, whether or not the source is there): none of them tells of the other side. The
    /// fraction and the two rows above are to be understood of such groups, and a class is held out
    /// as near to it as whole groups allow; a group with the last row of a class stays in the rest,
    /// which can leave nothing to hold out.
    ///
    /// Which rows go is a pure function of the seed and the ids, whatever the order of rows.
    ///
    /// ```
    /// use cs_data::{Dataset, Utterance};
    /// let copy = |n: usize| {
    ///     let mut row = Utterance::new(format!("{}~{}", n / 5, n % 5), "你好");
    ///     row.parent = Some((n / 5).to_string());
    ///     row
    /// };
    /// let data = Dataset::from_utterances((0..50).map(copy))?;
    /// let (rest, held_out) = data.stratified_split(0.1, 1)?;
    /// assert_eq!((rest.len(), held_out.len()), (45, 5));
    /// assert!(held_out.iter().all(|row| row.parent == held_out.utterance(0).unwrap().parent));
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `fraction` that does not lie between 0 and 1.
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        check_fraction(fraction)?;
        let (groups, ids, classes) = (self.groups(), self.ids(), self.class_numbers());
        let candidate = |rows| {
            let first = first_by_id(rows, &ids);
            let of = rows.iter().map(|&row| classes[row]);
            Candidate {
                rank: (SplitMix::hash(seed, ids[first]), first),
                rows,
                classes: of.collect::<BTreeSet<_>>().into_iter().collect(),
            }
        };
        let mut candidates: Vec<Candidate<'_>> = groups.iter().map(candidate).collect();
        candidates.sort_unstable_by_key(|candidate| candidate.rank);
        let most = (self.len() as f64 * fraction).ceil() as usize;
        self.part(&hold_out(candidates, fraction, most))
    }

    /// Splits off `fraction` of the dialogues (rounded; a row of no dialogue counts as one) and
    /// gives the rest and what is held out, each in the order of the data. A dialogue never
    /// straddles, nor do a row and its copies: dialogues with copies of each other's rows count as
    /// one. At least one dialogue is on both sides if there are two.
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
            ["group_split dialogue", "group_split row"].map(|what| SplitMix::hash(seed, what));
        let groups = self.groups();
        let names = self.views().map(|(view, at)| name(seeds, view, at));
        let names: Vec<Name<'_>> = names.collect();
        let by_name = |&&row: &&usize| (names[row].id, row);
        let mut ranked: Vec<(Name<'_>, &[usize])> = Vec::new();
        for rows in groups.iter() {
            let dialogues = rows.iter().filter(|&&row| names[row].is_dialogue);
            let first = dialogues.min_by_key(by_name);
            let first = first.or_else(|| rows.iter().min_by_key(by_name));
            ranked.extend(first.map(|&first| (names[first], rows)));
        }
        ranked.sort_unstable();
        let mut held_out = vec![false; self.len()];
        for (_, rows) in &ranked[..share(ranked.len(), fraction)] {
            rows.iter().for_each(|&row| held_out[row] = true);
        }
        self.part(&held_out)
    }

    /// Gives the `folds` pairs of rest and held-out rows of a cross-validation: each row is held
    /// out once, and the held-out parts' sizes, in all and of each intent (rows without one count
    /// as one), differ by at most one. Each part is in the order of the data; a pair is made when
    /// it is asked for.
    ///
    /// The classes are dealt to the folds one after the other, as by scikit-learn's
    /// `StratifiedKFold`. A row's position in its class is a pure function of the seed and the ids.
    /// Dialogues, and rows with their copies, are dealt as a whole to the fold with the fewest
    /// rows, the largest of a class first: then the sizes are as near to each other as they allow.
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
    /// Fewer than two folds, or more than rows, dialogues and families of copies counting as one
    /// each.
    pub fn k_fold(
        &self,
        folds: usize,
        seed: u64,
    ) -> Result<impl ExactSizeIterator<Item = Result<(Self, Self)>>> {
        let groups = self.groups();
        if folds < 2 || folds > groups.len() {
            return Err(Error::argument(
                "folds",
                folds.to_string(),
                format!(
                    "2 to {} (the rows, dialogues and families of copies counting as one each)",
                    groups.len()
                ),
            ));
        }
        let (ids, classes) = (self.ids(), self.class_numbers());
        let ranks = self.ranks("k_fold", seed);
        let mut dealt: Vec<_> = groups
            .iter()
            .map(|rows| {
                let first = first_by_id(rows, &ids);
                let size = Reverse(rows.len());
                (main_class(rows, &classes), size, ranks[first], first, rows)
            })
            .collect();
        dealt.sort_unstable();
        let mut sizes: BTreeSet<(usize, usize)> = (0..folds).map(|fold| (0, fold)).collect();
        let mut fold_of = vec![0; self.len()];
        for (.., rows) in dealt {
            let Some((size, fold)) = sizes.pop_first() else {
                break;
            };
            rows.iter().for_each(|&row| fold_of[row] = fold);
            sizes.insert((size + rows.len(), fold));
        }
        Ok((0..folds).map(move |fold| {
            let held_out: Vec<bool> = fold_of.iter().map(|&of| of == fold).collect();
            self.part(&held_out)
        }))
    }

    /// What `of` makes of each row, by intent, in order.
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

    /// The id of each row.
    fn ids(&self) -> Vec<&str> {
        self.views().map(|(view, at)| view.id(at)).collect()
    }

    /// Of each row the number of its intent, in the order of the intents, no intent being the
    /// first.
    fn class_numbers(&self) -> Vec<usize> {
        let intents: Vec<Option<&str>> = self.views().map(|(v, at)| v.intent(at)).collect();
        let distinct: BTreeSet<Option<&str>> = intents.iter().copied().collect();
        let numbers: BTreeMap<Option<&str>, usize> = distinct.into_iter().zip(0..).collect();
        intents.iter().map(|intent| numbers[intent]).collect()
    }

    /// The rest and what is held out.
    fn part(&self, held_out: &[bool]) -> Result<(Self, Self)> {
        let (gone, rest): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&row| held_out[row]);
        Ok((self.select(&rest)?, self.select(&gone)?))
    }
}

/// What a row is put in order by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    /// A number by chance.
    chance: u64,
    is_dialogue: bool,
    /// The id of the dialogue, or of the row.
    id: &'a str,
}

fn name([dialogues, rows]: [u64; 2], view: View<'_>, at: usize) -> Name<'_> {
    let (seed, id) = match view.dialogue_id(at) {
        Some(dialogue) => (dialogues, dialogue),
        None => (rows, view.id(at)),
    };
    Name {
        chance: SplitMix::hash(seed, id),
        is_dialogue: view.dialogue_id(at).is_some(),
        id,
    }
}

/// A group of rows that may be held out.
struct Candidate<'a> {
    rank: (u64, usize),
    rows: &'a [usize],
    /// The classes that occur in the group.
    classes: Vec<usize>,
}

/// How many groups of a class there are, should be held out, and are.
#[derive(Clone, Copy, Default)]
struct Quota {
    groups: usize,
    wanted: usize,
    held_out: usize,
}

/// Which rows are held out: of the candidates in order, those that most of their classes still
/// want, none of more than `most` rows; then, for classes of which none was taken, the smallest
/// that there is.
fn hold_out(mut candidates: Vec<Candidate<'_>>, fraction: f64, most: usize) -> Vec<bool> {
    let rows = candidates.iter().map(|candidate| candidate.rows.len());
    let mut held_out = vec![false; rows.sum()];
    let classes = candidates.iter().flat_map(|candidate| &candidate.classes);
    let mut quotas = vec![Quota::default(); classes.clone().max().map_or(0, |last| last + 1)];
    classes.for_each(|&class| quotas[class].groups += 1);
    for quota in &mut quotas {
        quota.wanted = share(quota.groups, fraction);
    }
    for whole_classes_wait in [false, true] {
        if whole_classes_wait {
            candidates.sort_by_key(|candidate| (candidate.rows.len(), candidate.rank));
        }
        for Candidate { rows, classes, .. } in &candidates {
            let of = classes.iter().map(|&class| quotas[class]);
            let wanting = of.clone().filter(|quota| quota.held_out < quota.wanted);
            let wanted = match whole_classes_wait {
                true => wanting.clone().any(|quota| quota.held_out == 0),
                false => 2 * wanting.count() > classes.len() && rows.len() <= most,
            };
            let spared = of.clone().all(|quota| quota.held_out + 1 < quota.groups);
            if wanted && spared && !held_out[rows[0]] {
                rows.iter().for_each(|&row| held_out[row] = true);
                classes
                    .iter()
                    .for_each(|&class| quotas[class].held_out += 1);
            }
        }
    }
    held_out
}

/// The row that stands for a group: that of the least id.
fn first_by_id(rows: &[usize], ids: &[&str]) -> usize {
    let by_id = |&row: &usize| (ids[row], row);
    rows.iter().copied().min_by_key(by_id).unwrap_or_default()
}

/// The class that most of the rows have; of several the first.
fn main_class(rows: &[usize], classes: &[usize]) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for &row in rows {
        *counts.entry(classes[row]).or_default() += 1;
    }
    let most = |&(&class, &count): &(&usize, &usize)| (count, Reverse(class));
    counts
        .iter()
        .max_by_key(most)
        .map_or(0, |(&class, _)| class)
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
    Err(Error::argument(
        "fraction",
        fraction.to_string(),
        "a number between 0 and 1",
    ))
}
