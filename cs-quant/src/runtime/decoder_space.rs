//! What a forward of a decoder works on.

use std::sync::Mutex;

use super::cache::PageLayout;
use super::scratch::Scratch;
use crate::kernel::attention::HeadScratch;
use crate::kernel::cached::Segment;

/// The rows of a forward: new tokens of some conversations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) ids: &'a [u32],
    /// The rows of each conversation, one after the other.
    pub(crate) segments: &'a [Segment<'a>],
    /// The sources that the rows attend to, in a decoder with an encoder.
    pub(crate) sources: Option<SourceRows<'a>>,
}

/// The rows of a forward by the source that they attend to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceRows<'a> {
    /// How the sources' keys and values lie on a page.
    pub(crate) layout: &'a PageLayout,
    /// The rows of each source, one after the other.
    pub(crate) segments: &'a [Segment<'a>],
}

/// The sizes that a forward needs room for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecoderExtent {
    pub(crate) rows: usize,
    /// The number of rows that one thread works on.
    pub(crate) share: usize,
    /// The number of tokens of the longest conversation or source.
    pub(crate) longest: usize,
}

/// The space in which a forward works, kept between calls.
#[derive(Debug, Default)]
pub(crate) struct DecoderSpace {
    /// The hidden states, `[N, H]`.
    pub(crate) hidden: Vec<f32>,
    pub(crate) context: Vec<f32>,
    /// Queries, keys and values: those of the block that is computed, and of the next one.
    pub(crate) qkv: [Vec<f32>; 2],
    pub(crate) positions: Vec<u32>,
    pub(crate) turns: Vec<f32>,
    pub(crate) scratch: Vec<Mutex<Scratch>>,
    pub(crate) heads: Vec<Mutex<HeadScratch>>,
}

impl Rows<'_> {
    /// The position of each row in its text.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u32> {
        self.segments.iter().flat_map(|segment| {
            let first = segment.before as u32;
            first..first + segment.rows.len() as u32
        })
    }
}

impl DecoderSpace {
    /// Makes the space for the ranks of a pool.
    pub(crate) fn new(ranks: usize) -> Self {
        Self {
            scratch: (0..ranks).map(|_| Mutex::new(Scratch::apart())).collect(),
            heads: (0..ranks).map(|_| Mutex::default()).collect(),
            ..Self::default()
        }
    }
}
