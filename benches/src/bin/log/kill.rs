//! Processes that write are killed.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cs_data::SplitMix;
use cs_serve::log::{Day, Log, LogConfig, LogFolder};
use serde_json::{Value, json};

use super::{Child, Result, masker, planted};

/// Rows between two syncs of the child.
const BATCH: u64 = 64;

/// Of so many children one turns days into Parquet.
const TIDY_EVERY: usize = 5;

/// More rows than a child writes before it is killed.
const MOST_ROWS: u64 = 20_000;

/// The bytes by which values are looked for in files.
const PROBE: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// Processes that are killed
    #[arg(long, default_value = "200")]
    times: usize,
    /// Seed of values and moments
    #[arg(long, default_value = "7")]
    seed: u64,
}

impl Kill {
    pub(crate) fn run(&self) -> Result<Value> {
        let folder = tempfile::tempdir()?;
        let dir = folder.path();
        let mut random = SplitMix::new(self.seed);
        let (mut synced, mut rows, mut cut) = (0, 0, 0);
        let mut tidied = 0;
        let mut leaks = Leaks::default();
        for time in 1..=self.times {
            let after = Duration::from_micros(20_000 + random.below(180_000) as u64);
            if time % TIDY_EVERY == 0 {
                tidied += usize::from(run(Child::Tidy { dir: dir.into() }, after)?.is_none());
                leaks.look_at_files(dir)?;
                continue;
            }
            let child = Child::Write {
                dir: dir.into(),
                from: rows,
                seed: self.seed,
            };
            synced = run(child, after)?.unwrap_or(synced);
            // Nobody knows yet how many rows there are.
            leaks.plant(self.seed, rows + MOST_ROWS);
            leaks.look_at_files(dir)?;
            let found = read(dir)?;
            if found < synced {
                return Err(format!("{found} rows after kill {time}, {synced} were synced").into());
            }
            if found < rows {
                return Err(format!("{found} rows after kill {time}, {rows} before").into());
            }
            if found - rows > MOST_ROWS {
                return Err(format!(
                    "{} rows of one child, expected at most {MOST_ROWS}",
                    found - rows
                )
                .into());
            }
            rows = found;
            cut += usize::from(found > synced);
        }
        tidy(dir)?;
        if read(dir)? != rows {
            return Err("Parquet has other rows".into());
        }
        leaks.look_at_files(dir)?;
        leaks.look_at_rows(dir)?;
        if leaks.found > 0 {
            return Err(format!("{} planted values are in the files", leaks.found).into());
        }
        Ok(json!({
            "killed": self.times, "killed_before_parquet_was_done": tidied, "rows": rows, "synced": synced,
            "kills_with_rows_beyond_the_last_sync": cut, "bytes": LogFolder::open(dir)?.bytes()?,
            "values": rows, "files_looked_at": leaks.files, "temporary_files_looked_at": leaks.temporary,
            "bytes_looked_at": leaks.bytes, "values_found": leaks.found,
        }))
    }
}

/// Runs a child for a time, then kills it, and gives the last number that it printed.
fn run(child: Child, time: Duration) -> Result<Option<u64>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    match &child {
        Child::Write { dir, from, seed } => {
            let numbers = [from.to_string(), seed.to_string()];
            command.arg("write").arg(dir).args(numbers)
        }
        Child::Tidy { dir } => command.arg("tidy").arg(dir),
    };
    let mut running = command.stdout(Stdio::piped()).spawn()?;
    let out = running.stdout.take().ok_or("no output")?;
    let reader = thread::spawn(move || {
        let lines = BufReader::new(out).lines().map_while(std::io::Result::ok);
        lines.filter_map(|it| it.parse().ok()).last()
    });
    let until = Instant::now() + time;
    while Instant::now() < until && running.try_wait()?.is_none() {
        thread::sleep(Duration::from_micros(500));
    }
    running.kill()?;
    running.wait()?;
    Ok(reader.join().map_err(|_| "the reader panicked")?)
}

/// Writes rows until it is killed, and says after each sync how many there are.
pub(crate) fn write(dir: &Path, from: u64, seed: u64) -> Result<()> {
    let config = LogConfig {
        file_bytes: 1 << 18,
        sync: Duration::from_millis(20),
        ..LogConfig::default()
    };
    let masker = masker()?;
    let log = Log::open(dir, config, &masker)?;
    for number in from.. {
        log.write(&planted::row(seed, number).masked(&masker));
        if number % BATCH == 0 && log.drain(Duration::from_secs(60)) {
            writeln!(std::io::stdout(), "{}", number + 1)?;
        }
    }
    Ok(())
}

/// Turns all days into Parquet, and says when it has.
pub(crate) fn tidy_and_say(dir: &Path) -> Result<()> {
    tidy(dir)?;
    writeln!(std::io::stdout(), "1")?;
    Ok(())
}

/// Turns all days into Parquet.
fn tidy(dir: &Path) -> Result<()> {
    LogFolder::open(dir)?.to_parquet(Day::of(u64::MAX))?;
    Ok(())
}

/// Gives the number of rows, which are those from 0 on, each once.
fn read(dir: &Path) -> Result<u64> {
    let mut next = 0;
    LogFolder::open(dir)?.read(|row| match u64::from(row.turn) == next {
        true => {
            next += 1;
            Ok(())
        }
        false => Err(format!("row {} where {next} is expected", row.turn)),
    })?;
    Ok(next)
}

/// What was looked at, and what was found there of the values that were planted.
#[derive(Default)]
struct Leaks {
    planted: u64,
    values: HashSet<String>,
    probes: HashSet<[u8; PROBE]>,
    files: u64,
    temporary: u64,
    bytes: u64,
    found: u64,
}

impl Leaks {
    /// Has the values of the first `rows` rows looked for.
    fn plant(&mut self, seed: u64, rows: u64) {
        for number in self.planted..rows {
            let value = planted::value(seed, number);
            self.probes.extend(value.as_bytes().first_chunk::<PROBE>());
            self.values.insert(value);
        }
        self.planted = self.planted.max(rows);
    }

    /// Looks at all files as they are there, temporary ones, too.
    fn look_at_files(&mut self, dir: &Path) -> Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let bytes = fs::read(entry.path())?;
            self.files += 1;
            self.temporary += u64::from(entry.file_name().to_string_lossy().starts_with('.'));
            self.bytes += bytes.len() as u64;
            self.look(&bytes);
        }
        Ok(())
    }

    fn look_at_rows(&mut self, dir: &Path) -> Result<()> {
        LogFolder::open(dir)?.read(|row| {
            self.look(row.text.as_bytes());
            self.look(row.reply.as_bytes());
            Ok::<(), Infallible>(())
        })?;
        Ok(())
    }

    fn look(&mut self, bytes: &[u8]) {
        for (at, window) in bytes.windows(PROBE).enumerate() {
            let is_probe = |it: &[u8; PROBE]| self.probes.contains(it);
            if !window.first_chunk().is_some_and(is_probe) {
                continue;
            }
            let end = bytes.len().min(at + 32);
            let text = String::from_utf8_lossy(&bytes[at..end]);
            let is_value = |it: &String| text.starts_with(it.as_str());
            self.found += u64::from(self.values.iter().any(is_value));
        }
    }
}
