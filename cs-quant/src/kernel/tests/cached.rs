//! Attention to keys and values that are kept.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;

use half::f16;

use super::super::attention::HeadScratch;
use super::super::cached::{
    Kept, LayerPages, PAGE, Page, PageLayer, PageRef, Queries, Segment, attend, remember,
};
use super::super::heads::HeadShape;
use super::super::pool::Pool;
use super::super::team::Team;
use super::super::{Isa, TILE, Task};
use super::{Random, kernels};

/// Rows of queries, keys and values of two conversations, of which some are read after the others.
struct Conversations {
    shape: HeadShape,
    kept: Kept,
    qkv: Vec<f32>,
}

impl Conversations {
    const LENGTHS: [usize; 2] = [21, 70];

    /// The rows of each conversation.
    fn rows() -> [Range<usize>; 2] {
        let [first, second] = Self::LENGTHS;
        [0..first, first..first + second]
    }

    /// The contexts of all rows, where of each conversation the last `last` rows are read one by one
    /// after the others together.
    fn run(&self, team: Team<'_>, scratch: &[Mutex<HeadScratch>], last: usize) -> Vec<f32> {
        let (shape, kept) = (self.shape, self.kept);
        let (start, width) = (0, shape.width());
        let layer = PageLayer {
            start,
            heads: shape,
            kept,
        };
        let mut out = vec![f32::NAN; self.qkv.len() / width * shape.context()];
        let mut pages = Self::LENGTHS.map(|length| {
            let page = vec![Default::default(); kept.lines(layer.len())];
            vec![page; length.div_ceil(PAGE)]
        });
        let mut read = |rows: [Range<usize>; 2]| {
            let refs = pages.each_mut().map(|pages| {
                let refs = pages.iter_mut().map(PageRef::growing);
                refs.collect::<Vec<_>>()
            });
            let (mut qkv, mut segments) = (Vec::new(), Vec::new());
            for ((own, pages), all) in rows.iter().zip(&refs).zip(Self::rows()) {
                let first = qkv.len() / width;
                qkv.extend_from_slice(&self.qkv[own.start * width..own.end * width]);
                segments.push(Segment {
                    pages,
                    before: own.start - all.start,
                    rows: first..first + own.len(),
                });
            }
            let segments = &segments;
            let pages = LayerPages { layer, segments };
            remember(team, pages, &qkv);
            let queries = Queries {
                rows: &qkv,
                width,
                causal: true,
            };
            let mut context = vec![f32::NAN; qkv.len() / width * shape.context()];
            attend(team, pages, queries, scratch, &mut context);
            let mut context = context.chunks_exact(shape.context());
            for row in rows.into_iter().flatten() {
                let out = &mut out[row * shape.context()..][..shape.context()];
                out.copy_from_slice(context.next().unwrap());
            }
        };
        read(Self::rows().map(|rows| rows.start..rows.end - last));
        for row in (1..=last).rev() {
            read(Self::rows().map(|rows| rows.end - row..rows.end - row + 1));
        }
        out
    }

    /// The context of a row's head by definition.
    fn expected(&self, rows: &Range<usize>, row: usize, head: usize) -> Vec<f64> {
        let HeadShape { keys, size, .. } = self.shape;
        let number = |row: usize, column: usize| {
            let number = self.qkv[row * self.shape.width() + column];
            match self.kept {
                Kept::F16 if column >= self.shape.context() => f16::from_f32(number).to_f64(),
                _ => f64::from(number),
            }
        };
        let key = self.shape.context() + head / self.shape.group() * size;
        let weight = |other: usize| {
            let products = (0..size).map(|c| number(row, head * size + c) * number(other, key + c));
            (products.sum::<f64>() / (size as f64).sqrt()).exp()
        };
        let weights: Vec<f64> = (rows.start..=row).map(weight).collect();
        let total: f64 = weights.iter().sum();
        let value = |c: usize| {
            let values = (rows.start..=row).map(|other| number(other, key + keys * size + c));
            values.zip(&weights).map(|(v, w)| v * w).sum::<f64>() / total
        };
        (0..size).map(value).collect()
    }
}

#[test]
fn attention_to_cached_keys_is_that_of_the_definition_however_it_is_read() {
    let mut random = Random(13);
    let pool = Pool::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let crew = pool.lease(2);
    let scratch: Vec<Mutex<HeadScratch>> = (0..pool.ranks()).map(|_| Mutex::default()).collect();
    for (queries, keys, size) in [(1, 1, 1), (4, 4, 8), (6, 2, 16), (14, 2, 26), (9, 3, 64)] {
        for kept in [Kept::F32, Kept::F16] {
            let shape = HeadShape {
                queries,
                keys,
                size,
            };
            let tokens: usize = Conversations::LENGTHS.iter().sum();
            let qkv = random.floats(tokens * shape.width());
            let conversations = Conversations { shape, kept, qkv };
            for simd in kernels() {
                let whole = conversations.run(Team::all(simd, &crew), &scratch, 0);
                for rows in Conversations::rows() {
                    for (row, head) in rows.clone().flat_map(|i| (0..queries).map(move |h| (i, h)))
                    {
                        let expected = conversations.expected(&rows, row, head);
                        let found = &whole[row * shape.context() + head * size..][..size];
                        for (&found, expected) in found.iter().zip(expected) {
                            assert!(
                                (f64::from(found) - expected).abs() < 2e-6,
                                "{simd:?} {shape:?}"
                            );
                        }
                    }
                }
                let parts = conversations.run(Team::solo(simd, crew.caller()), &scratch, 9);
                assert!(whole == parts, "{simd:?} {shape:?} {kept:?}");
            }
        }
    }
}

#[test]
fn numbers_beyond_f16_are_kept_as_its_largest() {
    let shape = HeadShape {
        queries: 1,
        keys: 1,
        size: 3,
    };
    let layer = PageLayer {
        start: 0,
        heads: shape,
        kept: Kept::F16,
    };
    for simd in kernels() {
        let mut page: Page = vec![Default::default(); layer.kept.lines(layer.len())];
        let refs = [PageRef::growing(&mut page)];
        let segments = &[Segment {
            pages: &refs,
            before: 0,
            rows: 0..1,
        }];
        let pages = LayerPages { layer, segments };
        let values = [1e6, f32::NEG_INFINITY, 65_520.0];
        let qkv = [[0.0; 3], [f32::INFINITY, -7e4, 3.0], values].concat();
        let team = Team::solo(simd, 0);
        remember(team, pages, &qkv);
        let queries = Queries {
            rows: &qkv,
            width: 9,
            causal: true,
        };
        let mut out = [f32::NAN; 3];
        attend(team, pages, queries, &[Mutex::default()], &mut out);
        // A query of zeros makes no sum of what is infinite.
        assert_eq!(out, [65_504.0, -65_504.0, 65_504.0], "{simd:?}");
    }
}

/// What a set makes of floats in 16 bits.
struct Narrow<'a>(&'a [f32; TILE]);

impl Task for Narrow<'_> {
    type Output = [f16; TILE];

    #[inline(always)]
    fn run<I: Isa>(self) -> [f16; TILE] {
        // SAFETY: tasks only run where `I` does.
        unsafe { I::narrow(self.0) }
    }
}

#[test]
fn floats_become_the_same_f16_numbers_on_every_kernel() {
    let mut random = Random(17);
    for simd in kernels() {
        for _ in 0..20_000 {
            // Of all exponents, numbers between two others and none among them.
            let floats = [(); TILE].map(|()| f32::from_bits(random.bits() as u32 & !0xfff));
            for (found, float) in simd.run(Narrow(&floats)).into_iter().zip(floats) {
                let expected = f16::from_f32(float.clamp(-65_504.0, 65_504.0));
                let same = found.to_bits() == expected.to_bits();
                assert!(
                    same || found.is_nan() && float.is_nan(),
                    "{simd:?}: {float:e}"
                );
            }
        }
    }
}
