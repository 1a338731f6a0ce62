//! What a forward asks the allocator for. A program without the test harness, because the counts
//! are the process's, and the harness allocates in its own thread while a test runs.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "counts what the global allocator is asked for; a panic is the failure report"
)]

#[path = "it/common/mod.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{config, expected, open, pack, reference};
use cs_data::TokenBatch;
use cs_model::Matrix;
use cs_quant::{Error, Precision};

/// Counts, and refuses what is larger than the limit.
struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: passes everything on to the system's allocator, or reports that there is no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::SeqCst);
        if layout.size() > LIMIT.load(Ordering::SeqCst) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; it came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let (mut sequences, _) = expected();
    sequences.extend((1..60u32).map(|n| (0..n % 37 + 1).map(|i| (i * 7 + n) % 50).collect()));
    let long: Vec<u32> = (0..40).collect();
    let batches = [
        pack(&sequences),
        pack(&sequences[..1]),
        TokenBatch::pack([&long[..]]),
    ];
    for name in ["bert_gelu", "roberta", "albert", "lstm"] {
        for precision in [Precision::Fp32, Precision::Int8] {
            for threads in 1..4 {
                let model = open(&reference(name), &config(precision, threads, None));
                let mut out = Matrix::zeros(0, 0);
                for batch in &batches {
                    model.hidden_into(batch, &mut out).unwrap();
                }
                let before = COUNT.load(Ordering::SeqCst);
                for batch in batches.iter().cycle().take(30) {
                    model.hidden_into(batch, &mut out).unwrap();
                }
                let count = COUNT.load(Ordering::SeqCst) - before;
                assert_eq!(count, 0, "{name} {precision} {threads}");
            }
            // Whatever is refused first, the next call works.
            for limit in [200, 2_000, 20_000] {
                let model = open(&reference(name), &config(precision, 2, None));
                LIMIT.store(limit, Ordering::SeqCst);
                let refused = model.hidden(&batches[0]);
                LIMIT.store(usize::MAX, Ordering::SeqCst);
                assert!(matches!(refused, Err(Error::Memory { .. })), "{limit}");
                assert!(model.hidden(&batches[0]).is_ok());
            }
        }
    }
}
