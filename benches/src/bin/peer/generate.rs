//! Text generation by the line protocol of `main`: greedy, without an end token.
//!
//! ```text
//! peer --generate DIR|FILE.gguf [--threads N] [--int4] [--precision auto|int8|fp32] [--kernel NAME]
//!
//! (start)                                              {"ready": true, "disk": BYTES}
//! {"cmd":"prefill","ids":[..],"n":3}                   {"ns": [..]}
//! {"cmd":"decode","ids":[..],"steps":32}               {"ns": [..], "out": [..]}
//! {"cmd":"prefill_many","prompts":[[..],..],"n":3}     {"ns": [..]}
//! {"cmd":"decode_many","prompts":[[..],..],"steps":32} {"ns": [..], "out": [[..],..]}
//! {"cmd":"nll","ids":[..]}                             {"nll": SUM, "tokens": N}
//! {"cmd":"rss"}                                        {"peak_mb": .., "now_mb": ..}
//! {"cmd":"quit"}
//! ```
//!
//! A prefill is timed from no conversations to the next token of each, a step from one token of each
//! conversation to the next. `nll` sums the negative logarithm of the probability of each token
//! after the first. Without an artefact weights are quantised to int8 when they are read, or with
//! `--int4` to 4 bits, unless the precision says otherwise; of a GGUF file, those of Q4_0 stay as they are.

use std::io::BufRead;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cs_model::Bundle;
use cs_model::generate::{Decoder, Likeliest};
use cs_model::gguf::Gguf;
use cs_quant::{Int4, NativeCausalLm, Precision, QuantConfig, RuntimeConfig, surprise};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Result, rss, say};

#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
enum Command {
    Prefill {
        ids: Vec<u32>,
        #[serde(default = "three")]
        n: usize,
    },
    Decode {
        ids: Vec<u32>,
        steps: usize,
    },
    PrefillMany {
        prompts: Vec<Vec<u32>>,
        #[serde(default = "three")]
        n: usize,
    },
    DecodeMany {
        prompts: Vec<Vec<u32>>,
        steps: usize,
    },
    Nll {
        ids: Vec<u32>,
    },
    Rss,
    Quit,
}

fn three() -> usize {
    3
}

/// What is generated, and the time of each step in nanoseconds.
struct Decoded {
    ns: Vec<u64>,
    out: Vec<Vec<u32>>,
}

/// A decoder that is asked on stdin.
#[derive(Debug)]
pub(super) struct Generate {
    model: NativeCausalLm,
    pub(super) disk: u64,
}

impl Generate {
    pub(super) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let (mut dir, mut int4) = (None, false);
        let mut config = RuntimeConfig {
            precision: Precision::Int8,
            ..RuntimeConfig::default()
        };
        while let Some(flag) = args.next() {
            if flag == "--int4" {
                int4 = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--generate" => dir = Some(PathBuf::from(value)),
                "--threads" => config.threads = Some(value.parse::<NonZeroUsize>()?),
                "--precision" => config.precision = value.parse()?,
                "--kernel" => config.kernel = Some(value.parse()?),
                _ => return Err(format!("unknown argument {flag}").into()),
            }
        }
        let dir = dir.ok_or("--generate DIR is missing")?;
        let quantise = int4.then(|| QuantConfig {
            int4: Int4::ALL,
            // Its memory is told, in which the model in fp32 would count.
            calibrate: false,
            ..QuantConfig::default()
        });
        let model = match (dir.is_file(), &quantise) {
            (true, None) => NativeCausalLm::open_gguf(Gguf::open(&dir)?, &config)?,
            (true, Some(quantise)) => {
                NativeCausalLm::open_gguf_quantised(Gguf::open(&dir)?, quantise, &config)?
            }
            (false, None) => NativeCausalLm::open(&dir, &config)?,
            (false, Some(quantise)) => NativeCausalLm::open_quantised(&dir, quantise, &config)?,
        };
        Ok(Self {
            disk: disk(&dir)?,
            model,
        })
    }

    pub(super) fn serve(mut self) -> Result<()> {
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
            Command::Prefill { ids, n } => Ok(json!({"ns": self.prefill(&[ids], n)?})),
            Command::PrefillMany { prompts, n } => Ok(json!({"ns": self.prefill(&prompts, n)?})),
            Command::Decode { ids, steps } => {
                let Decoded { ns, out } = self.decode(&[ids], steps)?;
                Ok(json!({"ns": ns, "out": out.first()}))
            }
            Command::DecodeMany { prompts, steps } => {
                let Decoded { ns, out } = self.decode(&prompts, steps)?;
                Ok(json!({"ns": ns, "out": out}))
            }
            Command::Nll { ids } => {
                let nll = self.nll(&ids)?;
                Ok(json!({"nll": nll, "tokens": ids.len().saturating_sub(1)}))
            }
            Command::Rss => rss(),
            Command::Quit => Ok(Value::Null),
        }
    }

    fn prefill(&mut self, prompts: &[Vec<u32>], n: usize) -> Result<Vec<u64>> {
        let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
        let mut times = Vec::with_capacity(n);
        for _ in 0..n {
            self.model.prefill(&[])?;
            let start = Instant::now();
            std::hint::black_box(self.model.prefill_likeliest(&prompts)?);
            times.push(start.elapsed().as_nanos() as u64);
        }
        Ok(times)
    }

    fn decode(&mut self, prompts: &[Vec<u32>], steps: usize) -> Result<Decoded> {
        let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
        let mut next = tokens(&self.model.prefill_likeliest(&prompts)?);
        let mut out: Vec<_> = next.iter().map(|&token| vec![token]).collect();
        let mut ns = Vec::with_capacity(steps);
        for _ in 0..steps {
            let start = Instant::now();
            next = tokens(&self.model.step_likeliest(&next)?);
            ns.push(start.elapsed().as_nanos() as u64);
            out.iter_mut()
                .zip(&next)
                .for_each(|(out, &token)| out.push(token));
        }
        Ok(Decoded { ns, out })
    }

    fn nll(&mut self, ids: &[u32]) -> Result<f64> {
        let logits = self.model.logits(&[ids])?;
        let next = ids.iter().skip(1).enumerate();
        Ok(next.map(|(row, &id)| surprise(logits.row(row), id)).sum())
    }
}

fn tokens(likeliest: &[Likeliest]) -> Vec<u32> {
    likeliest.iter().map(|next| next.token).collect()
}

/// The size of a GGUF file or an artefact, or of the checkpoint where there is none.
pub(super) fn disk(dir: &Path) -> Result<u64> {
    if dir.is_file() {
        return Ok(std::fs::metadata(dir)?.len());
    }
    let artefact = dir.join(Bundle::INT8_WEIGHTS);
    match artefact.is_file() {
        true => Ok(std::fs::metadata(artefact)?.len()),
        false => Ok(cs_model::Weights::open_folder(dir)?.file_size()),
    }
}
