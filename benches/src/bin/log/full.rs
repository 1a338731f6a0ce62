//! A disk that is full for a while.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cs_serve::log::{Log, LogConfig, LogFolder};
use serde_json::{Value, json};

use super::{Result, masker, planted};

/// What is in the way of rows at first, in bytes.
const BALLAST: usize = 1 << 19;

/// Rows that are lost before there is room again.
const LOST: u64 = 1000;

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct Full {
    /// A folder on a small disk of its own, of some MiB
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

impl Full {
    pub(crate) fn run(&self) -> Result<Value> {
        let dir = self.dir.join("log");
        let ballast = self.dir.join("ballast");
        fs::write(&ballast, vec![7; BALLAST])?;
        let config = LogConfig {
            sync: Duration::from_millis(50),
            file_bytes: 1 << 18,
            ..LogConfig::default()
        };
        let masker = masker()?;
        let log = Log::open(&dir, config, &masker)?;
        let mut rows = (0..).map(|it| planted::row(7, it).masked(&masker));
        let mut given: u64 = 0;
        let mut put = |count: u64| {
            let given = rows.by_ref().take(count as usize);
            given.filter(|it| log.write(it)).count() as u64
        };
        while log.lost() < LOST {
            given += put(100);
            log.drain(LIMIT);
        }
        let (was_failing, written_when_full) = (log.is_failing(), log.written());
        fs::remove_file(&ballast)?;
        given += put(500);
        let drained = log.drain(LIMIT);
        let (written, lost, is_failing) = (log.written(), log.lost(), log.is_failing());
        drop(log);
        let mut turns = Vec::new();
        let read = LogFolder::open(&dir)?.read(|row| {
            turns.push(row.turn);
            Ok::<(), std::convert::Infallible>(())
        })?;
        Ok(json!({
            "given": given, "written_when_full": written_when_full, "was_failing": was_failing, "written": written,
            "lost": lost, "drained_with_room": drained, "is_failing": is_failing, "rows": read.rows,
            "in_order": turns.is_sorted(), "torn_bytes": read.torn_bytes,
        }))
    }
}
