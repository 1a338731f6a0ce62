//! Asks a running service many questions at once, and says how it bore them.
//!
//! ```text
//! load --url http://127.0.0.1:8080 --texts FILE --seconds 20 [--connections 64] [--rate N]
//!      [--deadline-ms 5000] [--swap light=A,B --swap-every-ms 1000 --key K] [--pid N] [--window 10]
//! ```
//!
//! Each connection asks its next question as soon as it has an answer. With `--rate`, questions
//! are due at fixed times instead, so many a second, and a connection asks the next one that is due
//! (late, if all are waiting: then more connections are needed; those not asked at the end are
//! `unasked`). Times count from when a question was due, so that one that could not be asked because
//! the service stood still counts as slow ("coordinated omission", as `wrk2` names it).
//!
//! An answer must be about its own text and from a model that is there: the one that answered
//! first, or one that `--swap` put in through `POST /v1/models`. What breaks that is `torn`. `late`
//! are answers after the deadline, counted from when they were asked for, and the service's own 504.
//!
//! It prints one JSON object: figures of the whole run and, as `windows`, of each `--window`
//! seconds, with the resident memory of process `--pid`.

mod client;
mod report;
mod swap;
#[cfg(test)]
mod tests;

use std::net::ToSocketAddrs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Builder;
use std::time::{Duration, Instant};

use clap::Parser;
use cs_benches::connection::{Connection, Result};
use cs_benches::finish;
use serde_json::json;

use client::Answers;
use report::Memory;
use swap::{Swap, Swaps};

/// Ask a running service many questions at once
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the service listens: http://HOST:PORT
    #[arg(long)]
    url: String,
    /// Questions, one a line
    #[arg(long, value_name = "FILE")]
    texts: PathBuf,
    /// Connections, each with one question at a time
    #[arg(long, default_value = "64")]
    connections: NonZeroUsize,
    /// Questions due a second; without it, each connection asks as soon as it may
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How long to ask
    #[arg(long, default_value = "20")]
    seconds: f64,
    /// After how long an answer is late
    #[arg(long, value_name = "MS", default_value = "5000")]
    deadline_ms: u64,
    /// Models to put in, in turn: SLOT=NAME,NAME
    #[arg(long, value_name = "SLOT=A,B")]
    swap: Option<Swap>,
    /// Time between two swaps
    #[arg(long, value_name = "MS", default_value = "1000", requires = "swap")]
    swap_every_ms: u64,
    /// API key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Process whose resident memory is reported
    #[arg(long, value_name = "N")]
    pid: Option<u32>,
    /// Seconds of a window
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    window: f64,
    /// Take any answer for a good one, as those of other services
    #[arg(long)]
    unchecked: bool,
}

/// What all threads share.
#[derive(Debug)]
struct Run {
    arguments: Arguments,
    host: String,
    texts: Vec<String>,
    start: Instant,
    length: Duration,
    /// The number of questions that were taken.
    taken: AtomicU64,
    is_over: AtomicBool,
}

fn main() -> ExitCode {
    let figures = Run::new(Arguments::parse()).and_then(Run::measure);
    finish(figures)
}

impl Run {
    fn new(arguments: Arguments) -> Result<Self> {
        let host = arguments.url.strip_prefix("http://");
        let host = host.ok_or_else(|| format!("--url {}, expected http://…", arguments.url))?;
        let host = host.trim_end_matches('/').to_owned();
        let path = &arguments.texts;
        let texts = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let texts: Vec<String> = texts.lines().map(str::to_owned).collect();
        if texts.is_empty() {
            return Err(format!("{}: no text, expected one a line", path.display()).into());
        }
        for (name, value) in [
            ("--rate", arguments.rate.unwrap_or(1.0)),
            ("--seconds", arguments.seconds),
            ("--window", arguments.window),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(format!("{name} {value}, expected more than 0").into());
            }
        }
        Ok(Self {
            host,
            texts,
            start: Instant::now(),
            length: Duration::try_from_secs_f64(arguments.seconds)?,
            taken: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            arguments,
        })
    }

    fn measure(mut self) -> Result<serde_json::Value> {
        let address = self.host.to_socket_addrs()?.next();
        let address = address.ok_or_else(|| format!("{}: no such host", self.host))?;
        let key = self.arguments.key.as_deref();
        let connect = || Connection::new(&self.host, address, key);
        let mut first = Answers::default();
        first.ask(&mut connect(), &self.texts[0], !self.arguments.unchecked)?;
        let connections: Vec<Connection> = (0..self.arguments.connections.get())
            .map(|_| connect())
            .collect();
        let swapping = connect();
        self.start = Instant::now();
        let run = &self;
        let (answers, swaps, memory) = std::thread::scope(|scope| {
            let small = || Builder::new().stack_size(256 << 10);
            let swaps = scope.spawn(|| Swaps::run(run, swapping));
            let memory = scope.spawn(|| Memory::sample(run));
            let mut asking = Vec::with_capacity(connections.len());
            for connection in connections {
                asking.push(small().spawn_scoped(scope, || run.ask(connection)));
            }
            let mut all = first;
            for asking in asking {
                let answers = asking.map(|thread| thread.join());
                if let Ok(Ok(answers)) = answers {
                    all.extend(answers);
                } else {
                    all.failed_threads += 1;
                }
            }
            run.is_over.store(true, Ordering::Relaxed);
            (all, swaps.join(), memory.join())
        });
        let swaps = swaps.map_err(|_| "the thread that swaps models panicked")?;
        let memory = memory.map_err(|_| "the thread that reads the memory panicked")?;
        if answers.failed_threads > 0 {
            return Err(format!("{} threads ended early", answers.failed_threads).into());
        }
        let mut report = report::report(&self, &answers, &memory);
        report["torn"] = json!(answers.torn + answers.strange(&swaps.versions));
        if self.arguments.swap.is_some() {
            report["swaps"] = swaps.json();
        }
        Ok(report)
    }

    /// Asks over one connection until the time is over.
    fn ask(&self, mut connection: Connection) -> Answers {
        let mut answers = Answers::default();
        while let Some((number, due)) = self.next() {
            std::thread::sleep(due.saturating_sub(self.start.elapsed()));
            let asked = self.start.elapsed();
            if asked > self.length {
                answers.unasked += 1;
                continue;
            }
            let text = &self.texts[number as usize % self.texts.len()];
            let status = answers.ask(&mut connection, text, !self.arguments.unchecked);
            answers.note(status.ok(), due.min(asked), asked, self.start.elapsed());
        }
        answers
    }

    /// Takes the next question: its number, and when it is due, as time since the start.
    fn next(&self) -> Option<(u64, Duration)> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let due = match self.arguments.rate {
            Some(rate) => Duration::try_from_secs_f64(number as f64 / rate).ok()?,
            None => self.start.elapsed(),
        };
        (due < self.length).then_some((number, due))
    }

    /// Sleeps until a time since the start; gives `false` once the run is over.
    fn rest(&self, until: Duration) -> bool {
        while !self.is_over.load(Ordering::Relaxed) {
            let left = until.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        false
    }
}
