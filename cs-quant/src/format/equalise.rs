//! Factors between the layers of a decoder that cancel, so that numbers that share a step are of one size.
//!
//! A column of a matrix may be multiplied by what its input is divided by, at no cost where that input comes
//! from a norm or from another matrix (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization
//! and Bias Correction", section 4.1). The factor of column `j` is
//!
//! ```text
//! s_j = x_j^a / w_j^(1 - a),   a = 1/4
//! ```
//!
//! with `w_j` the column's root mean square and `x_j` that of its input, as SmoothQuant has it (Xiao et al.
//! 2023, equation 4, with the largest). Where inputs were not measured, `x_j` is told by the weight of the norm,
//! or by the row of the matrix, that they come from.

use std::collections::BTreeMap;

use cs_model::names::{Part, Role, TensorRole};
use cs_model::{BlockSizes, DecoderConfig, Stack};

use crate::error::Result;

/// The share of the inputs' sizes, `a`.
const INPUTS: f64 = 0.25;

/// How far a column's factor may be from the mean.
const MOST: f64 = 64.0;

/// The least that a column's error counts: what was never read once may be another time.
const LEAST: f32 = 1e-3;

/// The factors of a decoder's blocks.
#[derive(Debug)]
pub(crate) struct Equaliser {
    blocks: Vec<Block>,
}

/// The sums of squares of the numbers that a block's matrices read, over the tokens of some texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct InputSquares {
    /// Of what queries, keys and values are made of, `[H]`.
    pub(crate) attention: Vec<f64>,
    /// Of the heads' values that attention gives, `[A·D]`.
    pub(crate) of_heads: Vec<f64>,
    /// Of what the first feed-forward layers read, `[H]`.
    pub(crate) feed_forward: Vec<f64>,
    /// Of what the last one reads, `[M]`.
    pub(crate) inner: Vec<f64>,
}

impl InputSquares {
    /// What the matrix of a role reads.
    fn read_by(&self, role: Role) -> Option<&[f64]> {
        match role {
            Role::Query | Role::Key | Role::Value | Role::QueryKeyValue => Some(&self.attention),
            Role::AttentionOutput => Some(&self.of_heads),
            Role::FeedForwardGate | Role::FeedForwardIn => Some(&self.feed_forward),
            Role::FeedForwardOut => Some(&self.inner),
            _ => None,
        }
    }
}

/// The factors by which the columns of a block's matrices are multiplied.
#[derive(Debug)]
struct Block {
    /// Of what attention reads, `[H]`.
    attention: Vec<f32>,
    /// Of what the heads' values come to; none where queries, keys and values are one matrix.
    values: Option<Values>,
    /// Of what the feed-forward layers read, `[H]`.
    feed_forward: Vec<f32>,
    /// Of the last feed-forward layer, `[M]`; none where what it reads was activated.
    inner: Option<Vec<f32>>,
    /// What was measured of the block's inputs, before these are divided.
    measured: Option<InputSquares>,
}

#[derive(Debug)]
struct Values {
    /// Of each head's values, `[A·D]`.
    of_heads: Vec<f32>,
    /// Of the values that heads share, `[K·D]`.
    of_values: Vec<f32>,
}

impl Equaliser {
    /// Finds the factors, by the inputs of each block where they were `measured`. `read` gives a tensor by its
    /// name and its shape in the checkpoint, a matrix as `[outputs, inputs]` whatever that is.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub(crate) fn new(
        decoder: &DecoderConfig,
        measured: Option<&[InputSquares]>,
        read: impl Fn(&str, &[usize]) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let stack = decoder.stack();
        let shapes: BTreeMap<String, Vec<usize>> = decoder.tensors().into_iter().collect();
        let blocks = stack.blocks.iter().enumerate().map(|(layer, block)| {
            let names = decoder.names().layer(layer);
            let tensors = Tensors {
                measured: measured.and_then(|blocks| blocks.get(layer)),
                read: &|role| {
                    let name = names.weight(role);
                    let shape = shapes.get(&name);
                    shape.map_or(Ok(Vec::new()), |shape| read(&name, shape))
                },
            };
            Block::new(&stack, block, &tensors)
        });
        Ok(Self {
            blocks: blocks.collect::<Result<_>>()?,
        })
    }

    /// Gives how much the columns of the matrix of this name count, if their inputs were measured: by the mean square of
    /// these once they are divided, which is 1 on average.
    pub(crate) fn importance(&self, name: &str) -> Option<Vec<f32>> {
        let TensorRole { role, layer, .. } = TensorRole::parse(name)?;
        let block = self.blocks.get(layer?)?;
        let squares = block.measured.as_ref()?.read_by(role)?;
        let mut factors = block.of_columns(role).iter().copied();
        let divided = squares.iter().map(|square| {
            let factor = factors.next().unwrap_or(1.0);
            square / f64::from(factor).powi(2)
        });
        let divided: Vec<f64> = divided.collect();
        let mean = divided.iter().sum::<f64>() / divided.len().max(1) as f64;
        let share = |square: &f64| ((square / mean) as f32).max(LEAST);
        (mean > 0.0 && mean.is_finite()).then(|| divided.iter().map(share).collect())
    }

    /// Multiplies the tensor of this name, a matrix `[outputs, inputs]` or a vector, by its factors.
    pub(crate) fn apply(&self, name: &str, data: &mut [f32]) {
        let tensor = TensorRole::parse(name);
        let layer = tensor.and_then(|tensor| tensor.layer);
        if let Some((tensor, block)) = tensor.zip(layer.and_then(|it| self.blocks.get(it))) {
            block.apply(tensor, data);
        }
    }
}

/// The tensors of a block, of those that there are.
struct Tensors<'a> {
    /// What was measured of its inputs, if that was done.
    measured: Option<&'a InputSquares>,
    /// Gives the weight of a role; nothing if there is none.
    read: &'a dyn Fn(Role) -> Result<Vec<f32>>,
}

impl Tensors<'_> {
    /// The sums of squares of the columns of matrices that read the same.
    fn columns(&self, roles: &[Role], inputs: usize) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; inputs];
        for &role in roles {
            for row in (self.read)(role)?.chunks_exact(inputs) {
                let each = sums.iter_mut().zip(row);
                each.for_each(|(sum, &x)| *sum += f64::from(x).powi(2));
            }
        }
        Ok(sums)
    }

    /// The sums of squares of the rows of a matrix.
    fn rows(&self, role: Role, inputs: usize) -> Result<Vec<f64>> {
        let matrix = (self.read)(role)?;
        let square = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum();
        Ok(matrix.chunks_exact(inputs).map(square).collect())
    }

    /// The sums of squares of what is read at a place, by `told` where that was not measured.
    fn inputs(
        &self,
        place: fn(&InputSquares) -> &Vec<f64>,
        told: impl FnOnce() -> Result<Vec<f64>>,
    ) -> Result<Vec<f64>> {
        match self.measured {
            Some(measured) => Ok(place(measured).clone()),
            None => told(),
        }
    }
}

impl Block {
    fn new(stack: &Stack, sizes: &BlockSizes, tensors: &Tensors<'_>) -> Result<Self> {
        let hidden = stack.hidden_size;
        let attention = [Role::Query, Role::Key, Role::Value, Role::QueryKeyValue];
        let feed_forward = [Role::FeedForwardGate, Role::FeedForwardIn];
        let values = match stack.conv1d {
            true => None,
            false => Some(Values::new(stack, sizes, tensors)?),
        };
        let inner = match stack.gated {
            true => Some(factors(
                &tensors.columns(&[Role::FeedForwardOut], sizes.inner_size)?,
                &tensors.inputs(|it| &it.inner, || tensors.rows(Role::FeedForwardIn, hidden))?,
            )),
            false => None,
        };
        let norm = |role| tensors.columns(&[role], hidden);
        Ok(Self {
            attention: factors(
                &tensors.columns(&attention, hidden)?,
                &tensors.inputs(|it| &it.attention, || norm(Role::AttentionNorm))?,
            ),
            values,
            feed_forward: factors(
                &tensors.columns(&feed_forward, hidden)?,
                &tensors.inputs(|it| &it.feed_forward, || norm(Role::FeedForwardNorm))?,
            ),
            inner,
            measured: tensors.measured.cloned(),
        })
    }

    fn apply(&self, TensorRole { role, part, .. }: TensorRole, data: &mut [f32]) {
        if part == Part::Weight {
            multiply_columns(data, self.of_columns(role));
        }
        divide(data, self.of_rows(role));
    }

    /// The factors by which the columns of a layer's matrix are multiplied; none if they stay.
    fn of_columns(&self, role: Role) -> &[f32] {
        match role {
            Role::Query | Role::Key | Role::Value | Role::QueryKeyValue => &self.attention,
            Role::AttentionOutput => self.values.as_ref().map_or(&[], |it| &it.of_heads),
            Role::FeedForwardGate | Role::FeedForwardIn => &self.feed_forward,
            Role::FeedForwardOut => self.inner.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    /// The factors by which what a layer gives is divided; none if that stays.
    fn of_rows(&self, role: Role) -> &[f32] {
        match role {
            Role::AttentionNorm => &self.attention,
            Role::Value => self.values.as_ref().map_or(&[], |it| &it.of_values),
            Role::FeedForwardNorm => &self.feed_forward,
            Role::FeedForwardIn => self.inner.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Values {
    fn new(stack: &Stack, sizes: &BlockSizes, tensors: &Tensors<'_>) -> Result<Self> {
        let (size, sharing) = (stack.head_size, sizes.heads / sizes.key_value_heads);
        let columns = tensors.columns(&[Role::AttentionOutput], sizes.heads * size)?;
        let inputs = match tensors.measured {
            Some(measured) => largest(&measured.of_heads, size, sharing),
            None => tensors.rows(Role::Value, stack.hidden_size)?,
        };
        let of_values = factors(&largest(&columns, size, sharing), &inputs);
        let of_heads = of_values.chunks_exact(size);
        let of_heads = of_heads.flat_map(|values| values.repeat(sharing));
        Ok(Self {
            of_heads: of_heads.collect(),
            of_values,
        })
    }
}

/// Gives the largest of what the heads that share a value have for it, `[K·D]`.
fn largest(of_heads: &[f64], size: usize, sharing: usize) -> Vec<f64> {
    let groups = of_heads.chunks_exact(sharing * size);
    let each = groups.flat_map(|heads| {
        let of_value = |i| heads.iter().skip(i).step_by(size);
        (0..size).map(move |i| of_value(i).fold(0.0f64, |most, &x| most.max(x)))
    });
    each.collect()
}

/// Gives the factors of columns by the sums of squares of these and of their inputs; their product is about
/// 1. A column of zeros, or without input, stays as it is.
fn factors(columns: &[f64], inputs: &[f64]) -> Vec<f32> {
    let pairs = columns.iter().zip(inputs);
    let logs = pairs.map(|(w, x)| 0.5 * (INPUTS * x.ln() - (1.0 - INPUTS) * w.ln()));
    let logs: Vec<f64> = logs.collect();
    let known = logs.iter().filter(|log| log.is_finite());
    let mean = known.clone().sum::<f64>() / known.count().max(1) as f64;
    let factor = |log: f64| match log.is_finite() {
        true => (log - mean).exp().clamp(1.0 / MOST, MOST) as f32,
        false => 1.0,
    };
    logs.into_iter().map(factor).collect()
}

fn multiply_columns(matrix: &mut [f32], factors: &[f32]) {
    for row in matrix.chunks_exact_mut(factors.len().max(1)) {
        let each = row.iter_mut().zip(factors);
        each.for_each(|(x, factor)| *x *= factor);
    }
}

/// Divides the rows of a matrix, or the numbers of a vector.
fn divide(rows: &mut [f32], factors: &[f32]) {
    let width = rows.len() / factors.len().max(1);
    for (row, factor) in rows.chunks_exact_mut(width.max(1)).zip(factors) {
        row.iter_mut().for_each(|x| *x /= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_to_one_size_the_more_the_smaller_their_input_is() {
        // Squares of columns of one size: the larger an input, the larger its column becomes.
        let found = factors(&[4.0, 4.0, 4.0, 0.0], &[1.0, 16.0, 256.0, 1.0]);
        let ratios = [found[1] / found[0], found[2] / found[1], found[3]];
        for (ratio, expected) in ratios.into_iter().zip([2f32.sqrt(), 2f32.sqrt(), 1.0]) {
            assert!((ratio - expected).abs() < 1e-6, "{found:?}");
        }
        // Squares of inputs of one size: the larger a column, the smaller it becomes.
        let found = factors(&[1.0, 16.0], &[9.0, 9.0]);
        assert!(
            (found[0] / found[1] - 8f32.sqrt()).abs() < 1e-5,
            "{found:?}"
        );
    }

    #[test]
    fn of_heads_that_share_a_value_the_largest_counts() {
        let of_heads = [1.0, 7.0, 5.0, 2.0, 3.0, 3.0, 4.0, 1.0];
        assert_eq!(largest(&of_heads, 2, 2), [5.0, 7.0, 4.0, 3.0]);
        assert_eq!(largest(&of_heads, 2, 1), of_heads);
    }
}
