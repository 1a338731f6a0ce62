//! What a runtime does for generation.

use super::ranking::maximum;
use super::search::is_ranked;
use crate::error::Result;
use crate::heads::Matrix;

/// What is done with a row, given its place and its numbers.
pub type RowJob<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// A runtime's model that continues sequences of tokens, several at once and each of its own
/// length: a batch is never padded.
///
/// An encoder-decoder is one of these once its encoder has read the sources: sequence `i` of
/// [`prefill`](Self::prefill) attends to source `i`, and its prompt is what the decoder starts with.
pub trait Decoder {
    /// Gives the number of tokens that there are, which is the width of a row of logits.
    fn vocab_size(&self) -> usize;

    /// Gives the number of positions that a sequence can have, `None` if it has no end.
    fn max_positions(&self) -> Option<usize>;

    /// Makes these the sequences, and gives a row of logits for the token after each. None of them
    /// is empty.
    ///
    /// The longest beginning that a prompt has in common with a sequence that is held is not read
    /// again, the prompt's last token always is; what is given is the same as if all were read.
    /// Every other sequence is forgotten, so `prefill(&[])` forgets all of them and gives no row. An
    /// encoder-decoder reads all of each prompt, as what it attends to is another source's.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix>;

    /// Appends a token to each sequence, in their order, and gives a row of logits for the token
    /// after it.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn step(&mut self, tokens: &[u32]) -> Result<Matrix>;

    /// Does what [`prefill`](Self::prefill) does, and gives the likeliest token after each sequence
    /// alone. A runtime whose logits are far from the caller finds it where they are.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn prefill_likeliest(&mut self, prompts: &[&[u32]]) -> Result<Vec<Likeliest>> {
        Ok(likeliest(&self.prefill(prompts)?))
    }

    /// Does what [`step`](Self::step) does, and gives the likeliest token after each sequence alone.
    ///
    /// # Errors
    /// What keeps the runtime from computing them.
    fn step_likeliest(&mut self, tokens: &[u32]) -> Result<Vec<Likeliest>> {
        Ok(likeliest(&self.step(tokens)?))
    }

    /// Calls `job` for each row with its place, in any order and, if the decoder has threads, for
    /// several at once: what a search does with logits is soon as dear as the logits are. By default
    /// the calling thread alone does it.
    fn for_rows(&self, rows: &mut Matrix, job: &RowJob<'_>) {
        let each = rows.data.chunks_mut(rows.cols.max(1));
        each.enumerate().for_each(|(row, logits)| job(row, logits));
    }

    /// Makes sequence `i` what sequence `sources[i]` was, for as many sequences as there are
    /// sources: one that is not named is dropped, one that is named twice goes on twice.
    ///
    /// # Errors
    /// What keeps the runtime from copying its state.
    fn reorder(&mut self, sources: &[usize]) -> Result<()>;

    /// Gives the decoder as one that reads proposed tokens at once, if it is one; by default it is
    /// none. With it the [`Generator`](super::Generator) continues greedily in fewer steps.
    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        None
    }
}

/// A [`Decoder`] that computes for tokens that are read at once, bit for bit, what it computes for
/// one after the other.
pub trait Verifier {
    /// Makes these the sequences, as [`Decoder::prefill`] does, and gives a row of logits after each
    /// of the last `counts[i]` tokens of sequence `i`, sequence by sequence.
    ///
    /// # Errors
    /// What keeps the runtime from computing them; a count of 0 or above the number of tokens.
    fn verify(&mut self, sequences: &[&[u32]], counts: &[usize]) -> Result<Matrix>;
}

/// The likeliest token after a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeliest {
    /// The token; of equally likely ones, any.
    pub token: u32,
    /// Its logit, which is not finite if the row is no row of logits.
    pub logit: f32,
}

/// Gives the likeliest token of each row.
pub(super) fn likeliest(rows: &Matrix) -> Vec<Likeliest> {
    let of_row = |row| {
        let row = rows.row(row);
        let most = maximum(row);
        let token = row.iter().position(|&logit| logit == most);
        Likeliest {
            token: token.unwrap_or(0) as u32,
            logit: if is_ranked(row) { most } else { f32::NAN },
        }
    };
    (0..rows.rows).map(of_row).collect()
}
