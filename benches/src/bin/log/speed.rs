//! Rows a second.

use std::time::{Duration, Instant};

use clap::Args;
use cs_serve::log::{Log, LogConfig, LogFolder};
use serde_json::{Value, json};

use super::{Result, masker, planted};

#[derive(Debug, Args)]
pub(crate) struct Speed {
    /// How long rows are written
    #[arg(long, default_value = "10")]
    seconds: u64,
    /// Only rows that were masked before
    #[arg(long)]
    masked: bool,
}

impl Speed {
    pub(crate) fn run(&self) -> Result<Value> {
        let folder = tempfile::tempdir()?;
        let masker = masker()?;
        let log = Log::open(folder.path(), LogConfig::default(), &masker)?;
        let masked = planted::row(0, 0).masked(&masker);
        let start = Instant::now();
        let (mut turns, limit) = (0, Duration::from_secs(self.seconds));
        while start.elapsed() < limit {
            match self.masked {
                true => log.write(&masked),
                false => log.write(&planted::row(0, turns % 100_000).masked(&masker)),
            };
            turns += 1;
        }
        let given = start.elapsed();
        let drained = log.drain(Duration::from_secs(600));
        let seconds = start.elapsed().as_secs_f64();
        let (written, lost) = (log.written(), log.lost());
        drop(log);
        Ok(json!({
            "turns": turns, "written": written, "lost": lost, "drained": drained,
            "microseconds_a_turn": given.as_secs_f64() * 1e6 / turns as f64,
            "written_a_second": written as f64 / seconds,
            "bytes_a_row": LogFolder::open(folder.path())?.bytes()? / written.max(1),
        }))
    }
}
