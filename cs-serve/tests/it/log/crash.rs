//! A process that is killed while it writes.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use cs_serve::log::{Log, LogConfig, LogFolder};

use super::{NOON, masker, row};

/// The folder that the process writes to which is killed; it is this test once more.
const FOLDER: &str = "CS_TESTS_LOG_FOLDER";

const KILLS: u32 = 3;

#[test]
fn what_was_synced_is_there_after_a_kill_and_in_order() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write(folder.as_ref());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for kill in 1..=KILLS {
        let synced = write_and_kill(folder.path(), before + 50 * kill);
        let turns = turns(folder.path());
        assert_eq!(turns, (1..=turns.len() as u32).collect::<Vec<_>>());
        before = turns.len() as u32;
        assert!(before >= synced, "{before} rows of {synced}");
    }
}

fn turns(folder: &Path) -> Vec<u32> {
    let mut turns = Vec::new();
    let read = LogFolder::open(folder).unwrap().read(|row| {
        turns.push(row.turn);
        Ok::<(), Infallible>(())
    });
    assert_eq!(read.unwrap().torn_bytes, 0);
    turns
}

/// Writes rows after those that there are, until it is killed.
fn write(folder: &Path) {
    let first = turns(folder).len() as u32 + 1;
    let config = LogConfig {
        file_bytes: 10_000,
        ..LogConfig::default()
    };
    let (log, masker) = (Log::open(folder, config, &masker()).unwrap(), masker());
    let mut out = std::io::stderr();
    for turn in first.. {
        log.write(&row(NOON, "c1", turn).masked(&masker));
        if turn % 10 == 0 && log.drain(Duration::from_secs(60)) {
            // Nobody reads it: the test that waits for it has failed.
            if writeln!(out, "synced {turn}").is_err() {
                return;
            }
        }
    }
}

/// Gives the last row that is known to be synced.
fn write_and_kill(folder: &Path, until: u32) -> u32 {
    let test = "log::crash::what_was_synced_is_there_after_a_kill_and_in_order";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let synced = lines.map_while(Result::ok).filter_map(|line| {
        let turn = line.strip_prefix("synced ")?;
        turn.parse::<u32>().ok()
    });
    let synced = synced.take_while(|&it| it <= until).last();
    child.kill().unwrap();
    child.wait().unwrap();
    synced.unwrap()
}
