//! What an augmenter sees of a row.

use std::ops::Range;

use crate::error::Result;
use crate::random::SplitMix;
use crate::text::Edits;

/// A text with its entities.
///
/// ```
/// use cs_data::augment::{RowEntity, Row};
/// let entities = [RowEntity { range: 6..11, label: "order_id" }];
/// let row = Row { text: "订单12345吗", entities: &entities };
/// let free: Vec<_> = row.segments(false).collect();
/// assert_eq!(free, [0..6, 11..14]);
/// let all: Vec<_> = row.segments(true).collect();
/// assert_eq!(all, [0..6, 6..11, 11..14]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// What was said.
    pub text: &'a str,
    /// Entities of the text, in order and disjoint.
    pub entities: &'a [RowEntity<'a>],
}

/// A labelled piece of a [`Row`].
///
/// ```
/// use cs_data::augment::RowEntity;
/// let entity = RowEntity { range: 6..11, label: "order_id" };
/// assert_eq!(&"订单12345"[entity.range], "12345");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowEntity<'a> {
    /// Bytes of the entity in the text.
    pub range: Range<usize>,
    /// Label of the entity.
    pub label: &'a str,
}

impl<'a> Row<'a> {
    /// Gives the pieces of the text within which an edit cuts no span, in order: those between the
    /// entities and, with `entities`, each entity. None is empty.
    pub fn segments(self, entities: bool) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let mut from = 0;
        let last = self.text.len()..self.text.len();
        let ranges = self.entities.iter().map(|entity| entity.range.clone());
        ranges
            .chain(std::iter::once(last))
            .flat_map(move |entity| {
                let gap = from..entity.start;
                from = entity.end;
                [gap, if entities { entity } else { 0..0 }]
            })
            .filter(|segment| !segment.is_empty())
    }
}

/// An operator that looks at one row at a time.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{Augmenter, Row};
/// use cs_data::SplitMix;
/// /// Says please.
/// struct Polite;
/// impl Augmenter for Polite {
///     fn name(&self) -> &str {
///         "polite"
///     }
///     fn edits(&self, row: Row<'_>, _: &mut SplitMix, edits: &mut Edits) {
///         edits.insert(row.text.len(), "，谢谢");
///     }
/// }
/// let mut edits = Edits::default();
/// Polite.edits(Row { text: "退款", entities: &[] }, &mut SplitMix::new(1), &mut edits);
/// assert_eq!(edits.iter().next(), Some((6..6, "，谢谢")));
/// ```
pub trait Augmenter: Send + Sync {
    /// The word that `origin` has for rows that the operator changed; one word without `+`.
    fn name(&self) -> &str;

    /// Adds its edits of `row`, none of which cuts a span, to `edits` (empty when called). They are
    /// a function of the row and of what `random` gives.
    fn edits(&self, row: Row<'_>, random: &mut SplitMix, edits: &mut Edits);
}

/// What a [`BatchAugmenter`] has for one row: edits, or why its candidate was refused.
pub type Candidate = std::result::Result<Edits, &'static str>;

/// An operator that answers many rows at once, such as one that asks another program.
///
/// ```
/// use cs_data::Edits;
/// use cs_data::augment::{BatchAugmenter, Candidate, Row};
/// use cs_data::SplitMix;
/// struct Shy;
/// impl BatchAugmenter for Shy {
///     fn name(&self) -> &str {
///         "shy"
///     }
///     fn edits(&self, rows: &[Row<'_>], _: &mut [SplitMix]) -> cs_data::Result<Vec<Candidate>> {
///         Ok(rows.iter().map(|_| Err("too shy")).collect())
///     }
/// }
/// assert_eq!(Shy.edits(&[], &mut [])?.len(), 0);
/// # Ok::<(), cs_data::Error>(())
/// ```
pub trait BatchAugmenter: Send + Sync {
    /// The word that `origin` has for rows that the operator changed; one word without `+`.
    fn name(&self) -> &str;

    /// Gives a candidate for each row, in order, of its row and stream alone.
    ///
    /// # Errors
    ///
    /// When nothing can be answered at all, e.g. the other program failed.
    fn edits(&self, rows: &[Row<'_>], random: &mut [SplitMix]) -> Result<Vec<Candidate>>;
}

/// A rate or probability as an argument must be.
pub(crate) fn check_rate(name: &'static str, rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) {
        return Ok(());
    }
    Err(crate::error::Error::argument(
        name,
        rate.to_string(),
        "a number from 0 to 1",
    ))
}
