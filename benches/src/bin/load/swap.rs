//! Models put in while questions are asked.

use std::str::FromStr;
use std::time::{Duration, Instant};

use cs_benches::connection::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::report::spread;
use super::{Result, Run};

/// The models to put in, in turn.
#[derive(Debug, Clone)]
pub(crate) struct Swap {
    slot: String,
    names: Vec<String>,
}

impl FromStr for Swap {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once('=').filter(|(_, names)| !names.is_empty());
        let (slot, names) = parts.ok_or("expected SLOT=NAME,NAME")?;
        Ok(Self {
            slot: slot.to_owned(),
            names: names.split(',').map(str::to_owned).collect(),
        })
    }
}

/// What came of the swaps.
#[derive(Debug, Default)]
pub(crate) struct Swaps {
    /// The microseconds that each took.
    times: Vec<u64>,
    /// The versions of the models that were put in.
    pub(crate) versions: Vec<String>,
    failed: Vec<String>,
}

#[derive(Deserialize)]
struct Done {
    version: Option<String>,
}

impl Swaps {
    /// Swaps models until the run is over, if that is asked for.
    pub(crate) fn run(run: &Run, mut connection: Connection) -> Self {
        let mut swaps = Self::default();
        let Some(swap) = &run.arguments.swap else {
            return swaps;
        };
        let every = Duration::from_millis(run.arguments.swap_every_ms);
        for (number, name) in (1..).zip(swap.names.iter().cycle()) {
            if !run.rest(every.saturating_mul(number)) {
                break;
            }
            let started = Instant::now();
            match put_in(&mut connection, &swap.slot, name) {
                Ok(done) => {
                    swaps.times.push(started.elapsed().as_micros() as u64);
                    let version = done.version.unwrap_or_default();
                    if !swaps.versions.contains(&version) {
                        swaps.versions.push(version);
                    }
                }
                Err(error) => swaps.failed.push(error.to_string()),
            }
        }
        swaps
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "done": self.times.len(),
            "failed": self.failed.len(),
            "first_failure": self.failed.first(),
            "ms": spread(self.times.clone()),
            "versions": self.versions,
        })
    }
}

fn put_in(connection: &mut Connection, slot: &str, name: &str) -> Result<Done> {
    let mut document = json!({});
    document[slot] = json!(name);
    let (status, body) = connection.post("/v1/models", &document)?;
    if status != 200 {
        return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into());
    }
    Ok(serde_json::from_slice(body)?)
}
