//! Attention to spans of rows: those of a sequence that grows, or of what an encoder has read.
//!
//! In the shapes, `N` is the number of queries of all spans and `R` that of rows, `A` the number of
//! heads of queries, `K` that of heads of keys and values, `D` the head size, and `C = A·D`; `L` is
//! the number of queries of one span, and `T` that of its keys.

use tch::Tensor;

use crate::error::Result;
use crate::ops::{Device, FlashAttention, KeySlots, flash_attention, on_device};

/// Queries that attend to the same rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// The first query, among all.
    pub(super) first_query: i64,
    pub(super) queries: i64,
    /// The row of the first key.
    pub(super) start: i64,
    pub(super) keys: i64,
}

/// Which queries attend to which rows, all queries in their order.
#[derive(Debug)]
pub(super) struct Spans {
    list: Vec<Span>,
    /// The spans on the device, where flash attention reads them.
    flash: Option<FlashSpans>,
}

/// The heads of an attention.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    /// The number `A` of heads of queries.
    pub(super) queries: i64,
    /// The number `K` of heads of keys and values.
    pub(super) keys: i64,
    /// The width `D` of each.
    pub(super) size: i64,
    /// Whether the last query of a span is that of its last key, and each attends only to keys up
    /// to its own.
    pub(super) causal: bool,
}

impl Spans {
    /// Takes spans; `flash` is whether flash attention computes them.
    pub(super) fn new(list: Vec<Span>, flash: bool, device: Device) -> Result<Self> {
        let flash = flash.then(|| FlashSpans::new(&list, device)).transpose()?;
        Ok(Self { list, flash })
    }

    /// Attends, each query to the rows of its span.
    ///
    /// # Shapes
    /// Queries `[N, A, D]`, and `rows` of keys and then values, `[R, 2K, D]`, give `[N, C]`.
    pub(super) fn attend(&self, queries: &Tensor, rows: &Tensor, heads: Heads) -> Result<Tensor> {
        let context = match (&self.flash, self.list.as_slice()) {
            (Some(flash), _) => flash.attend(queries, rows, heads)?,
            (None, [span]) => span.attend(queries, rows, heads)?,
            (None, spans) => {
                let contexts = spans.iter().map(|span| {
                    let own = queries.f_narrow(0, span.first_query, span.queries)?;
                    span.attend(&own, rows, heads)
                });
                Tensor::f_cat(&contexts.collect::<Result<Vec<_>>>()?, 0)?
            }
        };
        Ok(context.f_reshape([queries.size()[0], heads.queries * heads.size])?) // [N, C]
    }
}

impl Span {
    /// Attends with the queries of the span, `[L, A, D]`, to its part of `rows`: `[L, C]`.
    fn attend(&self, queries: &Tensor, rows: &Tensor, heads: Heads) -> Result<Tensor> {
        let Heads {
            queries: a,
            keys: k,
            size: d,
            causal,
        } = heads;
        let l = self.queries;
        let own = rows
            .f_narrow(0, self.start, self.keys)?
            .f_transpose(0, 1)?
            .f_unsqueeze(0)?;
        let (keys, values) = (own.f_narrow(1, 0, k)?, own.f_narrow(1, k, k)?); // [1, K, T, D]
        if l == 1 {
            // The heads that share keys are so many queries for them.
            let queries = queries.f_view([1, k, a / k, d])?;
            let context = Tensor::f_scaled_dot_product_attention(
                &queries,
                &keys,
                &values,
                None::<&Tensor>,
                0.0,
                false,
                None,
                false,
            )?; // [1, K, A/K, D]
            return Ok(context.f_reshape([1, a * d])?);
        }
        let queries = queries.f_transpose(0, 1)?.f_unsqueeze(0)?; // [1, A, L, D]
        let first = causal && self.keys == l;
        let bias = if causal && !first {
            let options = (queries.kind(), queries.device());
            let all = Tensor::f_full([l, self.keys], f64::NEG_INFINITY, options)?;
            Some(all.f_triu(self.keys - l + 1)?) // [L, T]
        } else {
            None
        };
        let context = Tensor::f_scaled_dot_product_attention(
            &queries,
            &keys,
            &values,
            bias.as_ref(),
            0.0,
            first,
            None,
            a != k,
        )?; // [1, A, L, D]
        Ok(context.f_transpose(1, 2)?.f_reshape([l, a * d])?)
    }
}

/// Spans as flash attention takes them.
#[derive(Debug)]
struct FlashSpans {
    /// Where the queries of each span begin, and the end: `[B+1]` i32.
    offsets: Tensor,
    /// The row where the keys of each span begin, and one more: `[B+1]` i32.
    starts: Tensor,
    /// The number of keys of each span, `[B]` i32.
    lengths: Tensor,
    longest_query: usize,
    longest_key: usize,
}

impl FlashSpans {
    fn new(spans: &[Span], device: Device) -> Result<Self> {
        let end = spans
            .last()
            .map_or(0, |last| last.first_query + last.queries);
        let offsets = spans.iter().map(|span| span.first_query).chain([end]);
        let starts = spans.iter().map(|span| span.start).chain([0]);
        let lengths = spans.iter().map(|span| span.keys);
        // There are fewer rows than i32 can count. All go in one transfer.
        let numbers = offsets
            .chain(starts)
            .chain(lengths)
            .map(|number| number as i32);
        let numbers = on_device(&numbers.collect::<Vec<_>>(), device)?;
        let count = spans.len() as i64;
        Ok(Self {
            offsets: numbers.f_narrow(0, 0, count + 1)?,
            starts: numbers.f_narrow(0, count + 1, count + 1)?,
            lengths: numbers.f_narrow(0, 2 * count + 2, count)?,
            longest_query: spans.iter().map(|span| span.queries).max().unwrap_or(0) as usize,
            longest_key: spans.iter().map(|span| span.keys).max().unwrap_or(0) as usize,
        })
    }

    /// Attends: `[N, A, D]` and `[R, 2K, D]` to `[N, A, D]`.
    fn attend(&self, queries: &Tensor, rows: &Tensor, heads: Heads) -> Result<Tensor> {
        flash_attention(&FlashAttention {
            query: queries,
            key: &rows.f_narrow(1, 0, heads.keys)?,
            value: &rows.f_narrow(1, heads.keys, heads.keys)?,
            offsets: &self.offsets,
            longest: self.longest_query,
            slots: Some(KeySlots {
                starts: &self.starts,
                lengths: &self.lengths,
                longest: self.longest_key,
            }),
            causal: heads.causal,
            dropout: 0.0,
        })
    }
}
