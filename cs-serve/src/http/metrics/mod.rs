//! Figures as Prometheus reads them.

mod chat;
mod generation;
mod rollout;

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use super::canary::Canary;
use super::chats::Chats;
use super::models::Slot;
use crate::engine::generation::GenerationSnapshot;
use crate::engine::{Distribution, Snapshot, Stages};
use crate::log::Log;
#[cfg(feature = "redis")]
use crate::route::RedisState;
use crate::route::{Cascade, Route};

/// The statuses that are counted; anything else is a bug, and counted as 500.
const STATUSES: [u16; 16] = [
    200, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, GONE, 500, 503, 504,
];

/// The status, in the figures alone, of a request whose caller did not wait for the answer.
pub(super) const GONE: u16 = 499;

/// How many requests got which status.
pub(super) struct Requests {
    paths: Vec<Path>,
}

struct Path {
    label: String,
    counts: [AtomicU64; STATUSES.len()],
}

impl Requests {
    /// Counts requests by path, and those of any other path together.
    pub(super) fn new(paths: impl Iterator<Item = String>) -> Self {
        let path = |label| Path {
            label,
            counts: Default::default(),
        };
        let other = "other".to_owned();
        Self {
            paths: paths.chain([other]).map(path).collect(),
        }
    }

    /// The number of a path. What a path is of one session or another makes no difference.
    pub(super) fn place(&self, path: &str) -> usize {
        let known = self.paths.iter().position(|it| is_of(path, &it.label));
        known.unwrap_or(self.paths.len() - 1)
    }

    pub(super) fn label(&self, place: usize) -> &str {
        &self.paths[place].label
    }

    pub(super) fn count(&self, place: usize, status: u16) {
        let status = STATUSES.iter().position(|&it| it == status);
        let server_error = STATUSES.len() - 3;
        self.paths[place].counts[status.unwrap_or(server_error)].fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether a path is one of those that a label as `/v1/chat/{session}` is for.
fn is_of(path: &str, label: &str) -> bool {
    let (parts, names) = (path.split('/'), label.split('/'));
    let is_same =
        |(part, name): (&str, &str)| part == name || (name.starts_with('{') && !part.is_empty());
    parts.clone().count() == names.clone().count() && parts.zip(names).all(is_same)
}

/// Everything that is told. What engines do is told of all together.
pub(super) struct Exposition<'a> {
    pub(super) requests: &'a Requests,
    /// Each engine's slot, its model's version, and its figures.
    pub(super) engines: Vec<(Slot, String, Snapshot)>,
    pub(super) cascade: Option<&'a Cascade>,
    pub(super) chats: Option<&'a Chats>,
    pub(super) log: Option<&'a Log>,
    pub(super) generation: Option<GenerationSnapshot>,
    pub(super) canary: Option<&'a Canary>,
    /// The version of the facts.
    pub(super) knowledge: Option<String>,
}

impl fmt::Display for Exposition<'_> {
    /// Writes the text format of Prometheus, version 0.0.4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.requests.write(f)?;
        self.write_engines(f)?;
        if let Some(cascade) = self.cascade {
            write_routes(f, cascade)?;
        }
        if let Some(chats) = self.chats {
            chat::write(f, chats)?;
        }
        if let Some(log) = self.log {
            write_log(f, log)?;
        }
        if let Some(generation) = &self.generation {
            generation::write(f, generation)?;
        }
        if let Some(canary) = self.canary {
            rollout::write(f, canary)?;
        }
        if let Some(version) = &self.knowledge {
            head(f, "cs_knowledge_info", "gauge", "The facts that answer.")?;
            writeln!(f, "cs_knowledge_info{{version=\"{version}\"}} 1")?;
        }
        head(f, "cs_model_info", "gauge", "The models that answer.")?;
        for (slot, version, _) in &self.engines {
            let slot = slot.name();
            writeln!(
                f,
                "cs_model_info{{slot=\"{slot}\",version=\"{version}\"}} 1"
            )?;
        }
        Ok(())
    }
}

impl Requests {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let help = "Requests by path and status.";
        head(f, "cs_requests_total", "counter", help)?;
        for path in &self.paths {
            for (status, count) in STATUSES.iter().zip(&path.counts) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let label = &path.label;
                    writeln!(
                        f,
                        "cs_requests_total{{path=\"{label}\",status=\"{status}\"}} {count}"
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl Exposition<'_> {
    fn write_engines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let help = "Seconds on the way from text to answer.";
        head(f, "cs_stage_seconds", "histogram", help)?;
        type Stage = fn(&Stages) -> &Distribution;
        let stages: [(&str, Stage); 4] = [
            ("encode", |it| &it.encode),
            ("wait", |it| &it.wait),
            ("forward", |it| &it.forward),
            ("decode", |it| &it.decode),
        ];
        for (stage, of) in stages {
            let label = format!("stage=\"{stage}\"");
            histogram(
                f,
                "cs_stage_seconds",
                &label,
                &self.sum(|it| of(&it.stages)),
            )?;
        }
        if let Some(chats) = self.chats {
            histogram(f, "cs_stage_seconds", "stage=\"chat\"", &chats.seconds())?;
        }
        head(f, "cs_batch_tokens", "histogram", "Tokens of a batch.")?;
        histogram(f, "cs_batch_tokens", "", &self.sum(|it| &it.batch_tokens))?;
        head(f, "cs_queue_length", "gauge", "Texts that wait.")?;
        let waiting: usize = self.engines.iter().map(|(.., it)| it.queue_texts).sum();
        writeln!(f, "cs_queue_length {waiting}")
    }

    /// The values of all engines, which have the same buckets.
    fn sum(&self, of: impl Fn(&Snapshot) -> &Distribution) -> Distribution {
        let mut engines = self.engines.iter().map(|(.., snapshot)| of(snapshot));
        let mut sum = engines.next().cloned().unwrap_or_default();
        for other in engines {
            sum.sum += other.sum;
            for (count, more) in sum.counts.iter_mut().zip(&other.counts) {
                *count += more;
            }
        }
        sum
    }
}

fn write_routes(f: &mut fmt::Formatter<'_>, cascade: &Cascade) -> fmt::Result {
    head(f, "cs_route_total", "counter", "Answers by route.")?;
    let counts = cascade.counts();
    for route in Route::ALL {
        let (name, count) = (route.name(), counts.of(route));
        writeln!(f, "cs_route_total{{route=\"{name}\"}} {count}")?;
    }
    let Some(cache) = cascade.cache() else {
        return Ok(());
    };
    let help = "Questions that the cache was asked, by what came of it.";
    head(f, "cs_cache_total", "counter", help)?;
    let counts = cache.counts();
    for (kind, count) in [
        ("exact", counts.exact),
        ("semantic", counts.semantic),
        ("shared", counts.shared),
        ("miss", counts.missed),
    ] {
        writeln!(f, "cs_cache_total{{kind=\"{kind}\"}} {count}")?;
    }
    #[cfg(feature = "redis")]
    if let Some(redis) = cache.redis() {
        write_redis(f, redis)?;
    }
    Ok(())
}

fn write_log(f: &mut fmt::Formatter<'_>, log: &Log) -> fmt::Result {
    let help = "Turns and ratings that were logged.";
    head(f, "cs_log_rows_total", "counter", help)?;
    writeln!(f, "cs_log_rows_total {}", log.written())?;
    let help = "Turns and ratings that the log lost, as the disk is full, broken or too slow.";
    head(f, "cs_log_lost_total", "counter", help)?;
    writeln!(f, "cs_log_lost_total {}", log.lost())?;
    let help = "Whether the log can be written; if not, answers go on.";
    head(f, "cs_log_up", "gauge", help)?;
    writeln!(f, "cs_log_up {}", u8::from(!log.is_failing()))
}

#[cfg(feature = "redis")]
fn write_redis(f: &mut fmt::Formatter<'_>, redis: RedisState) -> fmt::Result {
    let help = "Whether replicas share answers; if not, each goes by its own cache alone.";
    head(f, "cs_redis_up", "gauge", help)?;
    writeln!(f, "cs_redis_up {}", u8::from(redis.is_up))?;
    head(f, "cs_redis_total", "counter", "What came of asking Redis.")?;
    for (kind, count) in [
        ("found", redis.found),
        ("failed", redis.failed),
        ("refused", redis.refused),
        ("garbage", redis.garbage),
    ] {
        writeln!(f, "cs_redis_total{{kind=\"{kind}\"}} {count}")?;
    }
    Ok(())
}

fn head(f: &mut fmt::Formatter<'_>, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn histogram(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    label: &str,
    values: &Distribution,
) -> fmt::Result {
    let comma = if label.is_empty() { "" } else { "," };
    let mut below = 0;
    for (bound, count) in values.bounds.iter().zip(&values.counts) {
        below += count;
        writeln!(f, "{name}_bucket{{{label}{comma}le=\"{bound}\"}} {below}")?;
    }
    let count = values.count();
    writeln!(f, "{name}_bucket{{{label}{comma}le=\"+Inf\"}} {count}")?;
    let mut labels = String::new();
    if !label.is_empty() {
        write!(labels, "{{{label}}}")?;
    }
    writeln!(f, "{name}_sum{labels} {}", values.sum)?;
    writeln!(f, "{name}_count{labels} {count}")
}
