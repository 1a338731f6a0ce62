//! Rows that no split may part: the turns of a dialogue, and a row with its copies.

use std::collections::{HashMap, HashSet};

use super::dataset::Dataset;
use super::view::View;

/// The rows of a data set by the group they belong to.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The rows, group by group.
    rows: Vec<usize>,
    /// Where each group ends in `rows`.
    ends: Vec<usize>,
}

impl Groups {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The rows of each group, ascending; groups in the order of their first rows.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.rows[start..end])
    }
}

impl Dataset {
    /// Rows that share a dialogue, an ancestor by `parent`, or, by way of other rows, both. An
    /// ancestor need not be among the rows: copies of one row belong together without it.
    ///
    /// Ids need not be unique, as in files that were joined. A copy then belongs to every row that
    /// has its parent's id: that may hold apart less than is possible, but lets no copy escape.
    /// Rows of one id that nothing was copied from are rows like any others.
    pub(crate) fn groups(&self) -> Groups {
        let mut sets = Sets::new(self.len());
        let mut dialogues = HashMap::new();
        let mut families = HashMap::new();
        for (row, (view, at)) in self.views().enumerate() {
            if let Some(dialogue) = view.dialogue_id(at) {
                sets.join(row, *dialogues.entry(dialogue).or_insert(row));
            }
            if let Some(parent) = parent(view, at) {
                sets.join(row, *families.entry(parent).or_insert(row));
            }
        }
        self.join_missing(&mut sets, &mut families);
        for (row, (view, at)) in self.views().enumerate() {
            if let Some(&copy) = families.get(view.id(at)) {
                sets.join(row, copy);
            }
        }
        sets.groups()
    }

    /// Copies of copies whose parents were left out: the parents' ids, which the augmenter made,
    /// say of what they were copies.
    fn join_missing<'a>(&'a self, sets: &mut Sets, families: &mut HashMap<&'a str, usize>) {
        let ids = self.views().map(|(view, at)| view.id(at));
        let found: HashSet<&str> = ids.filter(|id| families.contains_key(id)).collect();
        for (row, (view, at)) in self.views().enumerate() {
            let mut name = parent(view, at).filter(|parent| !found.contains(parent));
            while let Some(older) = name.and_then(source_of_copy) {
                sets.join(row, *families.entry(older).or_insert(row));
                name = Some(older);
            }
        }
    }
}

fn parent(view: View<'_>, at: usize) -> Option<&str> {
    view.parent(at).filter(|parent| !parent.is_empty())
}

/// The id that a copy's id is made from: `7` of `7~1`.
fn source_of_copy(id: &str) -> Option<&str> {
    let (source, number) = id.rsplit_once('~')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !source.is_empty()).then_some(source)
}

/// Disjoint sets of rows (Galler and Fischer 1964); each is known by its first row.
struct Sets(Vec<usize>);

impl Sets {
    fn new(rows: usize) -> Self {
        Self((0..rows).collect())
    }

    fn first(&mut self, mut row: usize) -> usize {
        while self.0[row] != row {
            self.0[row] = self.0[self.0[row]];
            row = self.0[row];
        }
        row
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        self.0[one.max(other)] = one.min(other);
    }

    fn groups(mut self) -> Groups {
        let mut rows: Vec<usize> = (0..self.0.len()).collect();
        let firsts: Vec<usize> = rows.iter().map(|&row| self.first(row)).collect();
        rows.sort_by_key(|&row| firsts[row]);
        let last = |at: &usize| rows.get(at + 1).is_none_or(|&next| firsts[next] == next);
        let ends = (0..rows.len()).filter(last).map(|at| at + 1).collect();
        Groups { rows, ends }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is the failure report")]
mod tests {
    use super::*;
    use crate::text::Turn;
    use crate::text::Utterance;

    fn groups(rows: &[(&str, Option<&str>, Option<&str>)]) -> Vec<Vec<usize>> {
        let row = |&(id, parent, dialogue): &(&str, Option<&str>, Option<&str>)| {
            let mut row = Utterance::new(id, "你好");
            row.parent = parent.map(str::to_owned);
            row.dialogue = dialogue.map(|id| Turn {
                dialogue_id: id.to_owned(),
                turn: 0,
                speaker: None,
            });
            row
        };
        let data = Dataset::from_utterances(rows.iter().map(row)).unwrap();
        data.groups().iter().map(<[usize]>::to_vec).collect()
    }

    #[test]
    fn what_belongs_together() {
        let none = None;
        assert!(groups(&[]).is_empty());
        // Rows of one id are different rows.
        assert_eq!(
            groups(&[("1", none, none), ("1", none, none)]),
            [[0], [1]],
            "no copies"
        );
        // A copy's, a copy's copy's; a copy before its source; an empty parent is none.
        assert_eq!(
            groups(&[
                ("1~1", Some("1"), none),
                ("2", Some(""), none),
                ("1", none, none),
                ("1~1~1", Some("1~1"), none),
                ("3", Some(""), none),
            ]),
            [vec![0, 2, 3], vec![1], vec![4]]
        );
        // Siblings without their source, and cousins without the copies between.
        assert_eq!(
            groups(&[
                ("a~1", Some("a"), none),
                ("a~2", Some("a"), none),
                ("b~1~1", Some("b~1"), none),
                ("b~2~1", Some("b~2"), none),
                ("b~x~1", Some("b~x"), none),
            ]),
            [vec![0, 1], vec![2, 3], vec![4]]
        );
        // Files that were joined: which "1" was copied is not known.
        assert_eq!(
            groups(&[
                ("1", none, none),
                ("2", none, none),
                ("1", none, none),
                ("1~1", Some("1"), none)
            ]),
            [vec![0, 2, 3], vec![1]]
        );
        // A user's ids with a tilde are no copies' while they are there.
        assert_eq!(
            groups(&[
                ("c~1", none, none),
                ("c~2", none, none),
                ("c~1~1", Some("c~1"), none),
                ("c~2~1", Some("c~2"), none)
            ]),
            [[0, 2], [1, 3]]
        );
        // Two dialogues with a row in common's copies; a row that is its own parent.
        assert_eq!(
            groups(&[
                ("1", none, Some("d")),
                ("2", none, Some("e")),
                ("1~1", Some("1"), Some("e")),
                ("3", none, Some("f")),
                ("4", Some("4"), none)
            ]),
            [vec![0, 1, 2], vec![3], vec![4]]
        );
    }
}
