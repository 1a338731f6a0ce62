//! One case table over every kernel, against plain references.
#![allow(
    clippy::print_stdout,
    reason = "a run on another machine should say what it tested"
)]

mod attention;
mod cached;
mod functions;
mod layers;
mod lstm;
mod products;
mod rows;

use super::{Kernel, Simd};

fn kernels() -> Vec<Simd> {
    Kernel::ALL
        .into_iter()
        .filter_map(|kernel| Simd::new(kernel).ok())
        .collect()
}

struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    fn float(&mut self) -> f32 {
        self.bits() as f32 / (1u64 << 30) as f32 - 1.0
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    /// Weights of any size.
    fn weights(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.bits() as u8 as i8).collect()
    }
}

#[test]
fn a_kernel_the_machine_lacks_is_refused() {
    for kernel in Kernel::ALL {
        // Shown with `--nocapture`: which kernels the other tests ran.
        println!(
            "{kernel}: {}",
            if kernel.is_supported() {
                "tested"
            } else {
                "not here"
            }
        );
        assert_eq!(Simd::new(kernel).is_ok(), kernel.is_supported());
        assert_eq!(kernel.to_string().parse::<Kernel>().unwrap(), kernel);
    }
    assert!("neon".parse::<Kernel>().is_err());
}
