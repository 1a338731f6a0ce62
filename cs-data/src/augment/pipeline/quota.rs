//! Which rows get how many copies.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;

use crate::dataset::View;
use crate::error::{Error, Result};
use crate::random::SplitMix;

use super::config::PipelineConfig;
use super::copies::Draft;

/// The most rows that are made at once: they are all in memory.
const MAX_ROWS: usize = 100_000_000;

/// The copies to make.
pub(crate) struct Quota {
    /// Whether a row may get several copies.
    pub(crate) repeats: bool,
    copies: usize,
    rows: usize,
    /// The classes, if they are to be balanced.
    classes: Option<Vec<Class>>,
    /// The class of each row, if classes are to be balanced.
    of_row: Vec<Option<usize>>,
}

/// An intent's rows, in an order that depends on the seed and their ids.
struct Class {
    intent: String,
    rows: Vec<u32>,
    /// Copies asked for, and planned so far.
    wanted: usize,
    planned: usize,
    given_up: usize,
}

impl Class {
    /// The next copy: each row in turn.
    fn next(&mut self) -> Option<Draft> {
        let row = *self.rows.get(self.planned % self.rows.len().max(1))?;
        let copy = (self.planned / self.rows.len()) as u32;
        self.planned += 1;
        Some(Draft { row, copy })
    }
}

impl Quota {
    /// # Errors
    ///
    /// No copies, or more than 100 million.
    pub(crate) fn new(data: &RecordBatch, config: &PipelineConfig) -> Result<Self> {
        let mut plan = Quota {
            repeats: config.copies > 1 || config.balance.is_some(),
            copies: config.copies,
            rows: data.num_rows(),
            classes: None,
            of_row: Vec::new(),
        };
        let Some(target) = config.balance else {
            check("copies", config.copies, plan.rows)?;
            return Ok(plan);
        };
        let view = View(data);
        let mut classes: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for row in 0..data.num_rows() {
            if let Some(intent) = view.intent(row) {
                classes.entry(intent).or_default().push(row as u32);
            }
        }
        check("balance", target, classes.len())?;
        plan.of_row = vec![None; data.num_rows()];
        let mut all = Vec::new();
        for (class, (intent, mut rows)) in classes.into_iter().enumerate() {
            rows.iter()
                .for_each(|&row| plan.of_row[row as usize] = Some(class));
            rows.sort_by_cached_key(|&row| {
                (SplitMix::hash(config.seed, view.id(row as usize)), row)
            });
            let kept = if config.keep_original { rows.len() } else { 0 };
            all.push(Class {
                intent: intent.to_owned(),
                wanted: target.saturating_sub(kept),
                rows,
                planned: 0,
                given_up: 0,
            });
        }
        plan.classes = Some(all);
        Ok(plan)
    }

    /// The first drafts, by row and copy.
    pub(crate) fn drafts(&mut self) -> Vec<Draft> {
        let Some(classes) = &mut self.classes else {
            let copies = self.copies as u32;
            let rows = 0..self.rows as u32;
            return rows
                .flat_map(|row| (0..copies).map(move |copy| Draft { row, copy }))
                .collect();
        };
        let mut drafts = Vec::new();
        for class in classes {
            drafts.extend((0..class.wanted).map_while(|_| class.next()));
        }
        drafts.sort_unstable();
        drafts
    }

    /// What is drawn instead of drafts that failed: the same again or, of a class, its next row.
    pub(crate) fn again(&mut self, mut failed: Vec<Draft>) -> Vec<Draft> {
        if let Some(classes) = &mut self.classes {
            for draft in &mut failed {
                let class =
                    self.of_row[draft.row as usize].and_then(|class| classes.get_mut(class));
                if let Some(next) = class.and_then(Class::next) {
                    *draft = next;
                }
            }
            failed.sort_unstable();
        }
        failed
    }

    pub(crate) fn give_up(&mut self, draft: Draft) {
        if let Some(classes) = &mut self.classes
            && let Some(class) = self.of_row[draft.row as usize]
        {
            classes[class].given_up += 1;
        }
    }

    /// What each intent lacks.
    pub(crate) fn short(self) -> BTreeMap<String, usize> {
        let classes = self.classes.into_iter().flatten();
        let short = classes.filter(|class| class.given_up > 0);
        short.map(|class| (class.intent, class.given_up)).collect()
    }
}

/// Refuses an `asked` number of rows for each of `groups` that comes to none, or to more than
/// [`MAX_ROWS`].
fn check(name: &'static str, asked: usize, groups: usize) -> Result<()> {
    let most = MAX_ROWS / groups.max(1);
    match (1..=most).contains(&asked) {
        true => Ok(()),
        false => Err(Error::argument(
            name,
            asked.to_string(),
            format!("1 to {most} (100 million rows in all)"),
        )),
    }
}
