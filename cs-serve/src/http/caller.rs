//! Who waits for an answer.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request that is waited for. When it goes, [`Caller`] knows.
#[derive(Default)]
pub(super) struct Here(Arc<AtomicBool>);

impl Here {
    pub(super) fn caller(&self) -> Caller {
        Caller(Arc::clone(&self.0))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether somebody waits for an answer.
pub(super) struct Caller(Arc<AtomicBool>);

impl Caller {
    pub(super) fn go_on(&self) -> ControlFlow<()> {
        match self.0.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
