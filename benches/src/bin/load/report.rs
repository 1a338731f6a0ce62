//! Figures of what came back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Run;
use super::client::{Answers, Sample};

/// A process's resident memory over time.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Seconds since the start, and bytes.
    samples: Vec<(f64, u64)>,
}

impl Memory {
    /// Reads the memory ten times a second until the run is over, if it is asked for.
    pub(crate) fn sample(run: &Run) -> Self {
        let mut memory = Self::default();
        let Some(pid) = run.arguments.pid else {
            return memory;
        };
        while let Some(bytes) = resident(pid) {
            let now = run.start.elapsed();
            memory.samples.push((now.as_secs_f64(), bytes));
            if !run.rest(now + Duration::from_millis(100)) {
                break;
            }
        }
        memory
    }

    /// Gives the last figure before a time in seconds, in MB.
    fn at(&self, time: f64) -> Option<f64> {
        let before = self.samples.partition_point(|(at, _)| *at < time);
        let (_, bytes) = self.samples[..before].last()?;
        Some(*bytes as f64 / 1e6)
    }

    fn json(&self) -> Value {
        let bytes = || self.samples.iter().map(|(_, bytes)| *bytes as f64 / 1e6);
        json!({
            "first": bytes().next(),
            "last": bytes().next_back(),
            "most": bytes().reduce(f64::max),
        })
    }
}

/// The resident memory of a process in bytes; `None` if there is no such process.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line?.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Median, 99th percentile and maximum of times in microseconds, in milliseconds.
pub(crate) fn spread(mut times: Vec<u64>) -> Value {
    times.sort_unstable();
    let at = |share: f64| {
        let rank = (times.len() as f64 * share).ceil() as usize;
        let time = times.get(rank.max(1) - 1);
        time.map(|&micros| micros as f64 / 1e3)
    };
    json!({"p50": at(0.5), "p99": at(0.99), "max": at(1.0)})
}

fn is_answer(sample: &&Sample) -> bool {
    sample.status == Some(200)
}

fn is_refusal(sample: &&Sample) -> bool {
    matches!(sample.status, Some(429 | 503))
}

fn times<'a>(samples: impl Iterator<Item = &'a Sample>) -> Value {
    spread(samples.map(|it| it.done.saturating_sub(it.due)).collect())
}

/// Gives the figures of a run but for what its answers say.
pub(crate) fn report(run: &Run, answers: &Answers, memory: &Memory) -> Value {
    let samples = &answers.samples;
    let arguments = &run.arguments;
    let deadline = arguments.deadline_ms.saturating_mul(1000);
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for sample in samples {
        let status = sample.status.map_or("failed".into(), |it| it.to_string());
        *statuses.entry(status).or_default() += 1;
    }
    let is_late = |it: &&Sample| {
        it.status == Some(504) || is_answer(it) && it.done.saturating_sub(it.asked) > deadline
    };
    let end = samples.iter().map(|it| it.done).max().unwrap_or(0);
    let seconds = (end as f64 / 1e6).max(run.length.as_secs_f64());
    let answered = samples.iter().filter(is_answer).count();
    json!({
        "connections": arguments.connections.get(),
        "rate": arguments.rate,
        "seconds": seconds,
        "requests_per_second": samples.len() as f64 / seconds,
        "answers_per_second": answered as f64 / seconds,
        "statuses": statuses,
        "unasked": answers.unasked,
        "answer_ms": times(samples.iter().filter(is_answer)),
        "refusal_ms": times(samples.iter().filter(is_refusal)),
        "late": samples.iter().filter(is_late).count(),
        "memory_mb": memory.json(),
        "windows": windows(samples, memory, arguments.window),
    })
}

/// Figures of each window of time.
fn windows(samples: &[Sample], memory: &Memory, seconds: f64) -> Vec<Value> {
    let mut windows: BTreeMap<u64, Vec<&Sample>> = BTreeMap::new();
    for sample in samples.iter().filter(is_answer) {
        let window = sample.done as f64 / 1e6 / seconds;
        windows.entry(window as u64).or_default().push(sample);
    }
    let windows = windows.into_iter().map(|(window, samples)| {
        let end = (window + 1) as f64 * seconds;
        json!({
            "until": end,
            "answers_per_second": samples.len() as f64 / seconds,
            "answer_ms": times(samples.iter().copied()),
            "memory_mb": memory.at(end),
        })
    });
    windows.collect()
}
