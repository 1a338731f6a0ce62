//! The native runtime served by a line protocol: one JSON object a line on stdin, one on stdout, so
//! that a driver can measure it beside other runtimes in one run.
//!
//! ```text
//! peer --model DIR [--threads N] [--precision auto|int8|fp32] [--kernel NAME]
//!
//! (start)                                              {"ready": true, "disk": BYTES}
//! {"cmd":"prep","b":1,"s":16,"ids":F,"mask":F,"raw_out":F}   {"ok": true}
//! {"cmd":"run","secs":0.4} or {"cmd":"run","n":10}     {"ns": [...]}
//! {"cmd":"load","model":DIR}                           {"load_ns": .., "bytes": .., "before": [...], "during": [...]}
//! {"cmd":"rss"}                                        {"peak_mb": .., "now_mb": ..}
//! {"cmd":"quit"}
//! ```
//!
//! With `--generate DIR|FILE.gguf` it is a decoder that is asked ([`generate`]), with `--translate DIR` an
//! encoder-decoder ([`translate`]).
//!
//! ids and mask are little-endian i64 `[b, s]`, padded on the right; the last hidden states are
//! written as little-endian f32 `[b, s, h]`, zero where there is padding. `load` opens a second
//! model while the first one goes on, and gives the times of its forwards for a second before and
//! until then.

mod generate;
mod translate;

use std::error::Error;
use std::io::{BufRead, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cs_data::TokenBatch;
use cs_model::{Bundle, Matrix};
use cs_quant::{NativeModel, Precision, RuntimeConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use self::generate::Generate;
use self::translate::Translate;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "lowercase")]
enum Command {
    Prep {
        b: usize,
        s: usize,
        ids: PathBuf,
        mask: PathBuf,
        raw_out: PathBuf,
    },
    Run {
        secs: Option<f64>,
        n: Option<usize>,
    },
    Load {
        model: PathBuf,
    },
    Rss,
    Quit,
}

fn main() -> ExitCode {
    let asked = |name: &str| std::env::args().any(|argument| argument == name);
    let args = std::env::args().skip(1);
    if asked("--generate") {
        run(Generate::from_args(args), |peer| peer.disk, Generate::serve)
    } else if asked("--translate") {
        run(
            Translate::from_args(args),
            |peer| peer.disk,
            Translate::serve,
        )
    } else {
        run(Peer::from_args(args), |peer| peer.disk, Peer::serve)
    }
}

/// Says what was opened, and serves it.
fn run<P>(
    opened: Result<P>,
    disk: impl Fn(&P) -> u64,
    serve: impl FnOnce(P) -> Result<()>,
) -> ExitCode {
    let peer = match opened {
        Ok(peer) => peer,
        Err(error) => {
            say(&json!({"error": error.to_string()}));
            return ExitCode::from(2);
        }
    };
    say(&json!({"ready": true, "disk": disk(&peer)}));
    match serve(peer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&json!({"error": error.to_string()}));
            ExitCode::FAILURE
        }
    }
}

fn say(answer: &Value) {
    let mut out = std::io::stdout().lock();
    // A driver that is gone ends us with the next read.
    let _ = writeln!(out, "{answer}").and_then(|()| out.flush());
}

#[derive(Debug)]
struct Peer {
    model: NativeModel,
    config: RuntimeConfig,
    disk: u64,
    sequences: Vec<Vec<u32>>,
}

impl Peer {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut dir = None;
        let mut config = RuntimeConfig::default();
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--model" => dir = Some(PathBuf::from(value)),
                "--threads" => config.threads = Some(value.parse::<NonZeroUsize>()?),
                "--precision" => config.precision = value.parse()?,
                "--kernel" => config.kernel = Some(value.parse()?),
                _ => return Err(format!("unknown argument {flag}").into()),
            }
        }
        let dir = dir.ok_or("--model DIR is missing")?;
        let bundle = Bundle::open(&dir)?;
        let model = NativeModel::open(&bundle, &config)?;
        let artefact = bundle
            .int8_path()
            .filter(|_| model.precision() == Precision::Int8);
        let weights = artefact.unwrap_or_else(|| bundle.weights_path());
        Ok(Self {
            model,
            config,
            disk: std::fs::metadata(weights)?.len(),
            sequences: Vec::new(),
        })
    }

    fn serve(mut self) -> Result<()> {
        for line in std::io::stdin().lock().lines() {
            let answer = match serde_json::from_str(&line?) {
                Ok(Command::Quit) => return Ok(()),
                Ok(command) => self.answer(command),
                Err(error) => Err(error.into()),
            };
            say(&answer.unwrap_or_else(|error| json!({"error": error.to_string()})));
        }
        Ok(())
    }

    fn answer(&mut self, command: Command) -> Result<Value> {
        match command {
            Command::Prep {
                b,
                s,
                ids,
                mask,
                raw_out,
            } => {
                let (ids, mask) = (read_i64(&ids, b, s)?, read_i64(&mask, b, s)?);
                self.sequences = unpad(&ids, &mask, s)?;
                let hidden = self.forward()?;
                write_padded(&raw_out, &hidden, &self.sequences, s)?;
                for _ in 0..3 {
                    self.forward()?;
                }
                Ok(json!({"ok": true}))
            }
            Command::Run { secs, n } => Ok(json!({"ns": self.run(secs, n)?})),
            Command::Load { model } => self.load(&model),
            Command::Rss => rss(),
            Command::Quit => Ok(Value::Null),
        }
    }

    /// What is measured: packing and the forward.
    fn forward(&self) -> Result<Matrix> {
        let batch = TokenBatch::pack(self.sequences.iter().map(Vec::as_slice));
        Ok(self.model.hidden(&batch)?)
    }

    fn run(&self, secs: Option<f64>, n: Option<usize>) -> Result<Vec<u64>> {
        if self.sequences.is_empty() {
            return Err("run before prep".into());
        }
        let limit = match secs {
            Some(secs) => Duration::try_from_secs_f64(secs)?,
            None => Duration::MAX,
        };
        let most = n.unwrap_or(if secs.is_some() { usize::MAX } else { 1 });
        // Other runtimes ran in between: their data is in the caches.
        for _ in 0..2 {
            self.forward()?;
        }
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.len() < most && (times.len() < 2 || begin.elapsed() < limit) {
            times.push(timed(|| self.forward())?);
        }
        Ok(times)
    }

    /// Times of forwards before and while another model is opened.
    fn load(&self, dir: &Path) -> Result<Value> {
        let before = self.run(Some(1.0), None)?;
        let open = || {
            let start = Instant::now();
            let bundle = Bundle::open(dir).map_err(|error| error.to_string())?;
            let model = NativeModel::open(&bundle, &self.config);
            let model = model.map_err(|error| error.to_string())?;
            Ok::<_, String>((model.weight_bytes(), start.elapsed().as_nanos() as u64))
        };
        std::thread::scope(|scope| {
            let opened = scope.spawn(open);
            let mut during = Vec::new();
            while !opened.is_finished() {
                during.push(timed(|| self.forward())?);
            }
            let opened = opened.join().map_err(|_| "the load panicked")?;
            let (bytes, load_ns) = opened?;
            Ok(json!({"load_ns": load_ns, "bytes": bytes, "before": before, "during": during}))
        })
    }
}

fn timed(forward: impl FnOnce() -> Result<Matrix>) -> Result<u64> {
    let start = Instant::now();
    std::hint::black_box(forward()?);
    Ok(start.elapsed().as_nanos() as u64)
}

fn read_i64(path: &Path, b: usize, s: usize) -> Result<Vec<i64>> {
    let bytes = std::fs::read(path)?;
    let expected = b.checked_mul(s).and_then(|n| n.checked_mul(8));
    if expected != Some(bytes.len()) || s == 0 {
        let found = bytes.len();
        return Err(format!("{}: {found} bytes, expected {b} x {s} x 8", path.display()).into());
    }
    let (values, _) = bytes.as_chunks::<8>();
    Ok(values.iter().map(|&v| i64::from_le_bytes(v)).collect())
}

/// The rows of `ids` as far as `mask` is not zero.
fn unpad(ids: &[i64], mask: &[i64], s: usize) -> Result<Vec<Vec<u32>>> {
    let rows = ids.chunks_exact(s).zip(mask.chunks_exact(s));
    rows.map(|(ids, mask)| {
        let length = mask.iter().take_while(|&&m| m != 0).count();
        if mask[length..].iter().any(|&m| m != 0) {
            return Err("the mask has a gap, expected padding on the right".into());
        }
        let id = |&id: &i64| u32::try_from(id).map_err(|_| format!("token id {id}").into());
        ids[..length].iter().map(id).collect()
    })
    .collect()
}

fn write_padded(path: &Path, hidden: &Matrix, sequences: &[Vec<u32>], s: usize) -> Result<()> {
    let mut bytes = Vec::with_capacity(sequences.len() * s * hidden.cols * 4);
    let mut row = 0;
    for (i, sequence) in sequences.iter().enumerate() {
        for _ in sequence {
            bytes.extend(hidden.row(row).iter().flat_map(|v| v.to_le_bytes()));
            row += 1;
        }
        bytes.resize((i + 1) * s * hidden.cols * 4, 0);
    }
    Ok(std::fs::write(path, bytes)?)
}

/// Memory in MB (10^6 bytes), from /proc.
fn rss() -> Result<Value> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let megabytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0 / 1e6)
    };
    Ok(json!({"peak_mb": megabytes("VmHWM:"), "now_mb": megabytes("VmRSS:")}))
}
