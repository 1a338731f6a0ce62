//! The operator bridge gives back all it takes, whether a call succeeds or not. A file of its own,
//! so that no other test's memory counts.
#![cfg(all(feature = "torch", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

use cs_model::ops::{foreach_add_, foreach_mul_, foreach_norm};
use tch::{Device, Kind, Tensor};

/// Resident memory in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hundred_thousand_calls_leave_memory_flat() {
    tch::set_num_threads(1);
    let (x, y) = (
        Tensor::ones([16], (Kind::Float, Device::Cpu)),
        Tensor::ones([17], (Kind::Float, Device::Cpu)),
    );
    let run = |calls: usize| {
        for call in 0..calls {
            match call % 4 {
                // A list there, a list of new tensors back.
                0 => assert_eq!(foreach_norm(&[&x, &y]).unwrap().len(), 2),
                1 => foreach_mul_(&[&x, &y], 1.0).unwrap(),
                // The message of an exception; the stack of a call that fails.
                2 => assert!(foreach_add_(&[&x], &[&x, &y], 1.0).is_err()),
                _ => assert!(foreach_norm(&[]).is_err()),
            }
        }
    };
    run(4_000);
    let before = resident();
    run(100_000);
    let grown = resident().saturating_sub(before);
    // A tensor's handle alone, not freed in every fourth call, would be 800 KiB a list.
    assert!(grown < 600, "resident memory grew by {grown} KiB");
}
