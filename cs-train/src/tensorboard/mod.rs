//! Event files that TensorBoard reads, in plain Rust.
//!
//! [`EventWriter`] writes [`Summary`]s: scalars, texts, [`Histogram`](crate::metrics::Histogram)s
//! and [`PrCurve`](crate::metrics::PrCurve)s, and a run's [`HParams`]. It knows nothing of
//! training, so it serves any other program as well; `TensorBoard` is the observer that records a
//! run with it.
//!
//! ```
//! use cs_train::metrics::PrCurve;
//! use cs_train::tensorboard::{EventWriter, HParams, Summary};
//!
//! let runs = tempfile::tempdir()?;
//! let mut events = EventWriter::create(&runs.path().join("first"))?;
//! events.hparams(&HParams::new(["eval/f1"]).with("lr", 3e-5).with("model", "light"))?;
//! events.write(1, Summary::new().scalar("train/loss", 2.3))?;
//! let curve: PrCurve = [(0.9, true), (0.2, false)].into_iter().collect();
//! events.write(1, Summary::new().scalar("eval/f1", 0.7).pr_curve("eval/refund", &curve))?;
//! events.end(true)?;
//! events.flush()?;
//! // tensorboard --logdir RUNS
//! assert!(events.path().exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod encode;
mod hparams;
#[cfg(feature = "torch")]
mod observer;
mod proto;
mod record;
mod summary;
#[cfg(test)]
mod tests;
mod writer;

pub use hparams::{HParam, HParams};
#[cfg(feature = "torch")]
pub use observer::TensorBoard;
pub use summary::Summary;
pub use writer::EventWriter;
