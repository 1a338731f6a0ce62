//! Encoder-decoders by the line protocol of `main`: targets of a forced length by beam search.
//!
//! ```text
//! peer --translate DIR [--threads N] [--precision auto|int8|fp32] [--kernel NAME]
//!
//! (start)                                                           {"ready": true, "disk": BYTES}
//! {"cmd":"translate","sources":[[..],..],"beams":4,"length":32,"n":3}   {"ns": [..], "out": [[..],..]}
//! {"cmd":"rss"}                                                     {"peak_mb": .., "now_mb": ..}
//! {"cmd":"quit"}
//! ```
//!
//! A time is from the sources' ids to the best target of each, all at once. Without an artefact
//! weights are quantised to int8 when they are read, unless the precision says otherwise.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cs_data::TokenBatch;
use cs_model::generate::{GenerateConfig, Generator, Prompt};
use cs_quant::{NativeSeq2SeqLm, Precision, RuntimeConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::generate::disk;
use super::{Result, rss, say};

#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
enum Command {
    Translate(Request),
    Rss,
    Quit,
}

#[derive(Debug, Deserialize)]
struct Request {
    sources: Vec<Vec<u32>>,
    beams: usize,
    length: usize,
    n: usize,
}

/// An encoder-decoder that is asked on stdin.
#[derive(Debug)]
pub(super) struct Translate {
    model: NativeSeq2SeqLm,
    pub(super) disk: u64,
}

impl Translate {
    pub(super) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut dir = None;
        let mut config = RuntimeConfig {
            precision: Precision::Int8,
            ..RuntimeConfig::default()
        };
        while let Some(name) = args.next() {
            let value = args
                .next()
                .ok_or_else(|| format!("{name}: a value is missing"))?;
            match name.as_str() {
                "--translate" => dir = Some(PathBuf::from(value)),
                "--threads" => config.threads = Some(value.parse()?),
                "--precision" => config.precision = value.parse()?,
                "--kernel" => config.kernel = Some(value.parse()?),
                _ => return Err(format!("unknown argument {name}").into()),
            }
        }
        let dir: &Path = &dir.ok_or("--translate DIR is missing")?;
        Ok(Self {
            model: NativeSeq2SeqLm::open(dir, &config)?,
            disk: disk(dir)?,
        })
    }

    pub(super) fn serve(self) -> Result<()> {
        for line in std::io::stdin().lock().lines() {
            say(&match serde_json::from_str(&line?)? {
                Command::Translate(request) => self.translate(&request)?,
                Command::Rss => rss()?,
                Command::Quit => return Ok(()),
            });
        }
        Ok(())
    }

    fn translate(&self, request: &Request) -> Result<Value> {
        let config = GenerateConfig {
            max_new_tokens: request.length,
            ..GenerateConfig::default()
        };
        let words = self.model.config().vocab_size();
        let generator = Generator::new(config.with_beams(request.beams), words)?;
        let start = [self.model.config().decoder_start_token_id()];
        let prompts = request.sources.iter().map(|source| Prompt {
            source,
            ..Prompt::new(&start)
        });
        let prompts: Vec<Prompt<'_>> = prompts.collect();
        let (mut ns, mut out) = (Vec::new(), Vec::new());
        for _ in 0..request.n {
            let started = Instant::now();
            let sources = request.sources.iter().map(Vec::as_slice);
            let mut decoder = self.model.encode(&TokenBatch::pack(sources))?;
            let found = generator.run(&mut decoder, &prompts, &mut |_| ())?;
            ns.push(started.elapsed().as_nanos() as u64);
            out = found.into_iter().map(|found| found.tokens).collect();
        }
        Ok(json!({"ns": ns, "out": out}))
    }
}
