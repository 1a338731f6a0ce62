//! Latency and throughput with a candidate, and without.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cs_benches::connection::{Connection, Result};
use serde_json::{Value, json};

use crate::Of;
use crate::service::{Service, Site, turn};

/// The turns of a conversation.
const TURNS: u64 = 3;
/// The candidate's share, in percent.
const SHARE: &str = "30";

/// A service without a candidate and one with.
pub(crate) struct Load {
    services: [Service; 2],
    /// Holds the services' files until these have ended.
    _site: Site,
    connections: usize,
    length: Duration,
    /// The stretches so far, so that sessions have names of their own.
    stretches: AtomicU64,
}

/// What came back in a stretch.
#[derive(Debug, Default)]
struct Stretch {
    /// Milliseconds from when turns were due.
    millis: Vec<f64>,
    failed: u64,
    /// Turns that were due, and for which no connection was free until the end.
    unasked: u64,
}

impl Load {
    pub(crate) fn new(of: &Of, seconds: f64) -> Result<Self> {
        let site = Site::new(of)?;
        let journal = site.path("rollout.journal");
        let services = [
            site.start(&[])?,
            site.start_with_candidate(SHARE, &journal, &[])?,
        ];
        services[1].act("start")?;
        Ok(Self {
            services,
            _site: site,
            connections: of.connections,
            length: Duration::try_from_secs_f64(seconds)?,
            stretches: AtomicU64::new(0),
        })
    }

    /// Measures the throughput, then both in turn at a share of it.
    pub(crate) fn run(&self, share: f64, pairs: usize) -> Result<Value> {
        for service in &self.services {
            self.stretch(service, None, self.length.min(Duration::from_secs(3))); // warm
        }
        let most = self.stretch(&self.services[0], None, self.length);
        let rate = most.millis.len() as f64 / self.length.as_secs_f64();
        let (mut told, mut ratios) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
        for pair in 0..pairs {
            let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut both = [Stretch::default(), Stretch::default()];
            for at in order {
                both[at] = self.stretch(&self.services[at], Some(share * rate), self.length);
            }
            let [without, with] = both;
            ratios[0].push(with.percentile(0.5) / without.percentile(0.5));
            ratios[1].push(with.percentile(0.99) / without.percentile(0.99));
            ratios[2].push(with.millis.len() as f64 / without.millis.len().max(1) as f64);
            told.push(json!({ "without": without.json(), "with": with.json() }));
        }
        let [p50, p99, answered] = ratios.map(|mut it| {
            it.sort_by(f64::total_cmp);
            let middle = it.len() / 2;
            (it[middle] + it[(it.len() - 1) / 2]) / 2.0
        });
        let rollout = self.services[1].rollout()?;
        let ranking = rollout["shadow"]["ranking"].as_array().map_or(0, Vec::len);
        let mut shadow = rollout["shadow"].clone();
        shadow["ranking"] = json!(ranking);
        Ok(json!({
            "throughput": rate, "rate": share * rate, "pairs": told,
            "with_to_without": { "p50": p50, "p99": p99, "answered": answered },
            "begun": rollout["begun"], "shadow": shadow,
        }))
    }

    /// Holds conversations for some time: so many turns a second, or as many as come back.
    fn stretch(&self, service: &Service, rate: Option<f64>, length: Duration) -> Stretch {
        let stretch = self.stretches.fetch_add(1, Ordering::Relaxed);
        let (taken, start) = (AtomicU64::new(0), Instant::now());
        let due = |number: u64| match rate {
            Some(rate) => Duration::from_secs_f64(number as f64 / rate),
            None => start.elapsed(),
        };
        // A connection's turns come one after the other, so a conversation is one connection's.
        let hold = |mut connection: Connection, number: usize| {
            let mut held = Stretch::default();
            for count in 0.. {
                let due = due(taken.fetch_add(1, Ordering::Relaxed));
                if due >= length {
                    return held;
                }
                thread::sleep(due.saturating_sub(start.elapsed()));
                if start.elapsed() > length {
                    held.unasked += 1;
                    continue;
                }
                let session = format!("{stretch}-{number}-{}", count / TURNS);
                let turn = turn(&session, (count % TURNS) as u32 + 1);
                match connection.post("/v1/chat", &turn) {
                    Ok((200, _)) => {
                        let took = start.elapsed().saturating_sub(due);
                        held.millis.push(took.as_secs_f64() * 1e3);
                    }
                    _ => held.failed += 1,
                }
            }
            held
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|number| {
                    let connection = service.connect();
                    scope.spawn(move || hold(connection, number))
                })
                .collect();
            let mut all = Stretch::default();
            for thread in threads {
                let held = thread.join().unwrap_or_else(|_| Stretch {
                    failed: 1,
                    ..Stretch::default()
                });
                all.millis.extend(held.millis);
                all.failed += held.failed;
                all.unasked += held.unasked;
            }
            all.millis.sort_by(f64::total_cmp);
            all
        })
    }
}

impl Stretch {
    fn percentile(&self, share: f64) -> f64 {
        let at = (share * self.millis.len() as f64) as usize;
        self.millis.get(at).copied().unwrap_or(f64::NAN)
    }

    fn json(&self) -> Value {
        json!({
            "answered": self.millis.len(), "failed": self.failed, "unasked": self.unasked,
            "p50_ms": self.percentile(0.5), "p99_ms": self.percentile(0.99),
        })
    }
}
