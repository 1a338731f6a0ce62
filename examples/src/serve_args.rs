//! The arguments of `serve`.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use cs_serve::RuntimeConfig;
use cs_serve::engine::EngineConfig;
use cs_serve::http::{HttpConfig, Slot};

use crate::configure::{from_environment, from_file};
use crate::error::{Error, Result};
use crate::number;

/// Answer over HTTP with a trained model
///
/// Each setting is a flag, a variable (CS_MAX_BODY) or a key of the TOML file (max_body); a flag
/// goes before a variable, and a variable before the file.
#[derive(Debug, Clone, Default, PartialEq, Parser)]
pub struct ServeArgs {
    /// TOML file of settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is served, and how.
    #[command(flatten)]
    pub settings: ServeSettings,
}

/// What `serve` may be told; what is left out is as the libraries have it.
#[derive(Debug, Clone, Default, PartialEq, Parser)]
pub struct ServeSettings {
    /// Folder of the light model
    #[arg(long, value_name = "DIR")]
    pub light: Option<PathBuf>,
    /// Folder of the full model
    #[arg(long, value_name = "DIR")]
    pub full: Option<PathBuf>,
    /// File of API keys, one a line; without it nobody may change the model
    #[arg(long, value_name = "FILE")]
    pub api_keys: Option<PathBuf>,
    /// Folder in which the models are that a request may change to
    #[arg(long, value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Threads that compute an answer; as many as there are cores if left out
    #[arg(long, value_name = "THREADS", value_parser = number::positive)]
    pub threads: Option<usize>,
    /// Texts that wait at most; 512 if left out
    #[arg(long, value_name = "TEXTS", value_parser = number::positive)]
    pub queue: Option<usize>,
    /// Time in which an answer has to be there; 5000 if left out
    #[arg(long, value_name = "MILLISECONDS", value_parser = number::positive)]
    pub deadline_ms: Option<usize>,
    /// Bytes of a request at most; 1048576 if left out
    #[arg(long, value_name = "BYTES", value_parser = number::positive)]
    pub max_body: Option<usize>,
    /// Texts of a request at most; 256 if left out
    #[arg(long, value_name = "TEXTS", value_parser = number::positive)]
    pub max_batch: Option<usize>,
    /// Bytes of a text at most; 65536 if left out
    #[arg(long, value_name = "BYTES", value_parser = number::text_bytes)]
    pub max_text: Option<usize>,
    /// Requests a second of a caller at most; no limit if left out
    #[arg(long, value_name = "REQUESTS", value_parser = number::above_zero)]
    pub rate: Option<f64>,
    /// Where to listen; port 0 is one that is free; 127.0.0.1:8080 if left out
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub addr: Option<SocketAddr>,
}

fn milliseconds(time: Option<usize>) -> Option<Duration> {
    time.map(|time| Duration::from_millis(time as u64))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse();
    address.map_err(|_| "expected an address and a port, e.g. 127.0.0.1:8080".to_owned())
}

impl ServeArgs {
    /// The settings of the flags; where they are silent, those of these variables, and then those
    /// of the file.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] with the place of one that is no setting or has a value that it does not
    /// take; [`Error::Io`] for a file that cannot be read.
    pub fn layered(
        self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<ServeSettings> {
        let environment: Self = from_environment(variables)?;
        let file = match self.config.or(environment.config) {
            Some(path) => from_file(&path)?,
            None => ServeSettings::default(),
        };
        Ok(self.settings.or(environment.settings).or(file))
    }
}

impl ServeSettings {
    /// The model to serve: what it is for, and its folder.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is none, or more than one.
    pub fn model(&self) -> Result<(Slot, &Path)> {
        let refuse = |line: &str| Err(Error::Usage(line.to_owned()));
        match (&self.light, &self.full) {
            (Some(light), None) => Ok((Slot::Light, light)),
            (None, Some(full)) => Ok((Slot::Full, full)),
            (None, None) => refuse("no model: give one by --light or --full"),
            (Some(_), Some(_)) => refuse(
                "a light and a full model: to choose between them for each question is not there yet; give one of \
                 --light and --full",
            ),
        }
    }

    /// How the model is computed.
    pub fn runtime(&self) -> RuntimeConfig {
        RuntimeConfig {
            threads: self.threads.and_then(NonZeroUsize::new),
            ..RuntimeConfig::default()
        }
    }

    /// The engine's settings.
    pub fn engine(&self) -> EngineConfig {
        let default = EngineConfig::default();
        let tokens = default.queue_tokens / default.queue_texts; // of a text
        let queue_texts = self.queue.unwrap_or(default.queue_texts);
        EngineConfig {
            queue_texts,
            queue_tokens: default.queue_tokens.max(queue_texts.saturating_mul(tokens)),
            deadline: milliseconds(self.deadline_ms).unwrap_or(default.deadline),
            ..default
        }
    }

    /// The interface's settings.
    pub fn http(&self) -> HttpConfig {
        let default = HttpConfig::default();
        HttpConfig {
            max_body: self.max_body.unwrap_or(default.max_body),
            max_batch: self.max_batch.unwrap_or(default.max_batch),
            max_text: self.max_text.unwrap_or(default.max_text),
            rate: self.rate.or(default.rate),
            api_keys: self.api_keys.clone(),
            models_dir: self.models_dir.clone(),
            ..default
        }
    }

    /// Where to listen: `127.0.0.1:8080` if nothing else was said.
    pub fn address(&self) -> SocketAddr {
        let default = || SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        self.addr.unwrap_or_else(default)
    }

    fn or(self, other: Self) -> Self {
        Self {
            light: self.light.or(other.light),
            full: self.full.or(other.full),
            api_keys: self.api_keys.or(other.api_keys),
            models_dir: self.models_dir.or(other.models_dir),
            threads: self.threads.or(other.threads),
            queue: self.queue.or(other.queue),
            deadline_ms: self.deadline_ms.or(other.deadline_ms),
            max_body: self.max_body.or(other.max_body),
            max_batch: self.max_batch.or(other.max_batch),
            max_text: self.max_text.or(other.max_text),
            rate: self.rate.or(other.rate),
            addr: self.addr.or(other.addr),
        }
    }
}
