//! A log of conversations, from which personal data are masked.
//!
//! - [`Log`] writes turns and ratings of a running service into a folder. It takes what is
//!   [`Masked`](crate::safety::personal::Masked), and nothing else; what it is given never waits for the disk.
//! - [`Row`] is a turn, [`Rating`] what a customer said about it later, [`Comparison`] what a candidate made of it otherwise.
//!
//! Files are named by day of UTC and number, as `2026-11-29.000017.rows`. A row goes into the file of its own day, or
//! of the next one if that is at most an hour off; a clock that jumps begins another file. They grow by checksummed
//! frames ([`cs_data::file::Frames`]) of JSON.
//!
//! ```
//! use cs_serve::log::{Log, LogConfig, Rating, Row};
//! use cs_serve::safety::personal::{Keys, Masker};
//! use std::time::Duration;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let masker = Masker::new(Keys::random()?);
//! let log = Log::open(folder, LogConfig::default(), &masker)?;
//! let row = Row {
//!     time: 1_796_000_000_000,
//!     conversation: "7".to_owned(),
//!     turn: 1,
//!     text: "我的手机是13800138000".to_owned(),
//!     reply: "好的".to_owned(),
//!     ..Row::default()
//! };
//! log.write(&row.masked(&masker));
//! assert!(log.drain(Duration::from_secs(10)));
//! assert_eq!((log.written(), log.lost()), (1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod day;
mod error;
#[cfg(feature = "parquet")]
mod folder;
mod handle;
mod keys;
mod lock;
mod name;
mod recover;
mod row;
mod writer;

pub use config::LogConfig;
pub use day::Day;
pub use error::LogError;
#[cfg(feature = "parquet")]
pub use folder::{Converted, Deleted, LogFolder, ReadRows, SalvagedRows};
pub use handle::Log;
pub use row::{Comparison, Difference, Disagreement, Rating, Row};
