//! libtorch beside the native runtime.
#![cfg(feature = "torch")]
#![allow(
    clippy::unwrap_used,
    reason = "a panic in a test is the failure report"
)]

#[allow(dead_code, reason = "tests without libtorch use the rest")]
#[path = "it/bundles.rs"]
mod bundles;

use bundles::{answers_every_text, bert, bundle_for, close, light, tasks};
use cs_model::{Bundle, SlotHead, Tasks};
use cs_serve::{Assistant, Backend, Device, TorchBackend};

#[test]
fn libtorch_and_the_native_runtime_agree() {
    for (config, slot_head) in [
        (light(), SlotHead::Softmax),
        (bert(), SlotHead::Softmax),
        (bert(), SlotHead::Crf),
    ] {
        let tasks = Tasks {
            slot_head,
            ..tasks()
        };
        let dir = bundle_for(&config, tasks);
        let bundle = Bundle::open(dir.path()).unwrap();
        let backend = TorchBackend::open(&bundle, Device::Cpu).unwrap();
        assert_eq!(backend.name(), "torch");
        let torch = Assistant::new(bundle, Box::new(backend)).unwrap();
        let torch = answers_every_text(&torch);
        let native = answers_every_text(&Assistant::open(dir.path()).unwrap());
        let entities = native.iter().map(|turn| turn.entities.len());
        assert!(entities.sum::<usize>() > 0, "nothing to compare");
        for (a, b) in torch.iter().zip(&native) {
            assert!(close(a, b), "{a:?}\n{b:?}");
        }
    }
}
