//! Figures as Prometheus reads them.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::{Distribution, Snapshot};

/// The statuses that are counted; anything else is a bug, and counted as 500.
const STATUSES: [u16; 14] = [
    200, 400, 401, 403, 404, 405, 408, 413, 415, 429, GONE, 500, 503, 504,
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

    /// The number of a path.
    pub(super) fn place(&self, path: &str) -> usize {
        let known = self.paths.iter().position(|it| it.label == path);
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

/// Everything that is told.
pub(super) struct Exposition<'a> {
    pub(super) requests: &'a Requests,
    pub(super) engine: &'a Snapshot,
    pub(super) slot: &'a str,
    pub(super) version: &'a str,
}

impl fmt::Display for Exposition<'_> {
    /// Writes the text format of Prometheus, version 0.0.4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        head(
            f,
            "cs_requests_total",
            "counter",
            "Requests by path and status.",
        )?;
        for path in &self.requests.paths {
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
        let stages = &self.engine.stages;
        head(
            f,
            "cs_stage_seconds",
            "histogram",
            "Seconds on the way from text to answer.",
        )?;
        for (stage, seconds) in [
            ("encode", &stages.encode),
            ("wait", &stages.wait),
            ("forward", &stages.forward),
            ("decode", &stages.decode),
        ] {
            histogram(
                f,
                "cs_stage_seconds",
                &format!("stage=\"{stage}\""),
                seconds,
            )?;
        }
        head(f, "cs_batch_tokens", "histogram", "Tokens of a batch.")?;
        histogram(f, "cs_batch_tokens", "", &self.engine.batch_tokens)?;
        head(f, "cs_queue_length", "gauge", "Texts that wait.")?;
        writeln!(f, "cs_queue_length {}", self.engine.queue_texts)?;
        head(f, "cs_model_info", "gauge", "The model that answers.")?;
        let (slot, version) = (self.slot, self.version);
        writeln!(
            f,
            "cs_model_info{{slot=\"{slot}\",version=\"{version}\"}} 1"
        )
    }
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
