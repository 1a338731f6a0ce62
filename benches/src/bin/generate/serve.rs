//! One prompt after the other, by a line protocol.

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use cs_model::CausalLm;
use cs_model::generate::Decoder;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Place, Result, say};

#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
enum Command {
    Prefill { ids: Vec<u32>, n: Option<usize> },
    Decode { ids: Vec<u32>, steps: usize },
    Rss,
    Quit,
}

pub(crate) fn run(dir: &Path, place: &Place) -> Result<()> {
    let start = Instant::now();
    let mut model = CausalLm::open(dir, place.device, place.dtype())?;
    let load = start.elapsed().as_secs_f64();
    let disk = std::fs::metadata(dir.join("model.safetensors"))?.len();
    say(&json!({"ready": true, "disk": disk, "load_seconds": load}))?;
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Command::Prefill { ids, n } => {
                let times = (0..n.unwrap_or(3)).map(|_| Ok(prefill(&mut model, &ids)?.1));
                json!({"ns": times.collect::<Result<Vec<_>>>()?})
            }
            Command::Decode { ids, steps } => decode(&mut model, &ids, steps)?,
            Command::Rss => json!({"peak_mb": peak_mb()?}),
            Command::Quit => break,
        };
        say(&answer)?;
    }
    Ok(())
}

/// Reads a prompt, all of it, and gives the likeliest token after it and the time in ns.
fn prefill(model: &mut CausalLm, ids: &[u32]) -> Result<(u32, u64)> {
    model.prefill(&[])?;
    let start = Instant::now();
    let found = model.prefill_likeliest(&[ids])?;
    let first = found.first().ok_or("no token")?;
    Ok((first.token, start.elapsed().as_nanos() as u64))
}

fn decode(model: &mut CausalLm, ids: &[u32], steps: usize) -> Result<Value> {
    let (mut token, _) = prefill(model, ids)?;
    let (mut out, mut ns) = (vec![token], Vec::with_capacity(steps));
    for _ in 0..steps {
        let start = Instant::now();
        let found = model.step_likeliest(&[token])?;
        token = found.first().ok_or("no token")?.token;
        ns.push(start.elapsed().as_nanos() as u64);
        out.push(token);
    }
    Ok(json!({"ns": ns, "out": out}))
}

/// The most memory that the process had, in MB.
fn peak_mb() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().next());
    Ok(kb.ok_or("no VmHWM")?.parse::<u64>()? / 1000)
}
