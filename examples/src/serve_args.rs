//! The arguments of `serve`.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use cs_serve::RuntimeConfig;
use cs_serve::engine::EngineConfig;
use cs_serve::http::{HttpConfig, Slot};
use cs_serve::knowledge::{CurrentKnowledge, Endpoint, Graph, Limits};
use cs_serve::route::{Cache, Cascade, RedisConfig, RouteConfig};

use crate::candidate_args::CandidateArgs;
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

/// The models that `serve` answers with: what they are for, and their folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served<'a> {
    /// One model, for everything.
    One(Slot, &'a Path),
    /// A light and a full model as one.
    #[allow(missing_docs, reason = "the names say it")]
    Both { light: &'a Path, full: &'a Path },
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
    /// JSON file of what `route --out` fitted: when the full model is asked, what is kept of answers;
    /// for a light and a full model
    #[arg(long, value_name = "FILE")]
    pub route: Option<PathBuf>,
    /// Redis by which replicas share conversations, and the answers of a light and a full model, e.g.
    /// redis://127.0.0.1:6379
    #[arg(long, value_name = "URL")]
    pub redis: Option<String>,
    /// Facts (Turtle) that replies are held against
    #[arg(long, value_name = "FILE")]
    pub kb: Option<PathBuf>,
    /// SPARQL endpoint that keeps such facts, e.g. http://127.0.0.1:7878/query
    #[arg(long, value_name = "URL")]
    pub sparql: Option<String>,
    /// Flows (YAML): what customers are asked for, and what is done for them
    #[arg(long, value_name = "FILE")]
    pub flows: Option<PathBuf>,
    /// Replies (JSON lines) to intents and questions
    #[arg(long, value_name = "FILE")]
    pub replies: Option<PathBuf>,
    /// Folder or GGUF file of a language model that writes replies, from --kb and --replies
    #[arg(long, value_name = "DIR|FILE.gguf")]
    pub generator: Option<PathBuf>,
    /// Folder of an encoder by which answered questions are found by what they mean
    #[arg(long, value_name = "DIR")]
    pub embedder: Option<PathBuf>,
    /// Lists of words that customers' texts and replies are held against
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub words: Vec<PathBuf>,
    /// Folder of an encoder and of prohibited texts, whose meaning is not to be said
    #[arg(long, value_name = "DIR")]
    pub semantic: Option<PathBuf>,
    /// Folder in which turns and ratings are logged, masked
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// File of the two keys of tags that the log has in place of personal data, as `mask --key-file` takes it
    #[arg(long, value_name = "FILE")]
    pub mask_key: Option<PathBuf>,
    /// File in which conversations are kept; in memory if left out
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Service that does what flows ask for: POST URL/ACTION
    #[arg(long, value_name = "URL")]
    pub actions: Option<String>,
    /// What actions give (JSON lines), to try flows without such a service
    #[arg(long, value_name = "FILE")]
    pub scripted_actions: Option<PathBuf>,
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
    /// What is rolled out, and how.
    #[command(flatten)]
    pub rolling: CandidateArgs,
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
    /// The settings of a file alone.
    ///
    /// # Errors
    ///
    /// Those of [`ServeArgs::layered`].
    pub fn open(path: &Path) -> Result<Self> {
        from_file(path)
    }

    /// Refuses settings that contradict each other or are without effect, before anything is opened.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] names the setting; those of [`models`](Self::models) and [`routing`](Self::routing).
    pub fn check(&self) -> Result<()> {
        self.models()?;
        self.routing()?;
        if self.models_dir.is_some() && self.api_keys.is_none() {
            let line = "--models-dir: nobody may change the model without a key: give --api-keys";
            return Err(Error::Usage(line.to_owned()));
        }
        self.check_chat()
    }

    /// The models to serve.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is none, or a `--route` or `--redis` without a light and a full one.
    pub fn models(&self) -> Result<Served<'_>> {
        let refuse = |line: &str| Err(Error::Usage(line.to_owned()));
        let one = match (&self.light, &self.full) {
            (Some(light), Some(full)) => return Ok(Served::Both { light, full }),
            (Some(light), None) => Served::One(Slot::Light, light),
            (None, Some(full)) => Served::One(Slot::Full, full),
            (None, None) => return refuse("no model: give one by --light or --full, or both"),
        };
        if self.route.is_some() {
            return refuse("--route: it chooses between two models: give both, --light and --full");
        }
        if self.redis.is_some() && !self.chats() {
            return refuse(
                "--redis: there is nothing to share: it is for conversations (--flows, --replies), and for answers of \
                 two models, --light and --full",
            );
        }
        Ok(one)
    }

    /// How a light and a full model are made one: as the file says, or with the rules' defaults.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or has something else in it.
    pub fn routing(&self) -> Result<RouteConfig> {
        let Some(path) = &self.route else {
            return Ok(RouteConfig::default());
        };
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let config: RouteConfig = serde_json::from_slice(&bytes).map_err(|error| Error::Line {
            path: path.clone(),
            line: error.line(),
            column: error.column(),
            found: error.to_string(),
            expected: "what `route --out` writes",
        })?;
        config.validate().map_err(|source| Error::Fit {
            path: path.clone(),
            source,
        })?;
        Ok(config)
    }

    /// The light and the full model as one, which shares its answers with other replicas if there is
    /// a Redis to do so by.
    ///
    /// # Errors
    ///
    /// A `--redis` whose address is none, or that has no answers to share.
    pub fn cascade(&self, routing: &RouteConfig) -> Result<Cascade> {
        let cascade = Cascade::of(routing);
        let Some(url) = &self.redis else {
            return Ok(cascade);
        };
        let Some(cache) = routing.cache.clone() else {
            if self.chats() {
                return Ok(cascade);
            }
            let line = "--redis: no answers to share, as --route says that none are kept";
            return Err(Error::Usage(line.to_owned()));
        };
        let redis = RedisConfig {
            url: url.clone(),
            ..RedisConfig::default()
        };
        let cache = Cache::with_redis(cache, &redis)?;
        // Replicas that choose otherwise between the models would answer otherwise.
        cache.set_knowledge(&format!("{:?}", routing.policy));
        Ok(cascade.with_cache(cache))
    }

    /// The facts that replies are held against, if there are any.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for two sources of facts; [`Error::Knowledge`] for one that cannot be read.
    pub fn knowledge(&self) -> Result<Option<CurrentKnowledge>> {
        let limits = Limits::default();
        Ok(Some(match (self.kb.clone(), self.sparql.clone()) {
            (None, None) => return Ok(None),
            (Some(path), None) => {
                CurrentKnowledge::open(move || Ok(Arc::new(Graph::open(&path, &limits)?)))?
            }
            (None, Some(url)) => {
                CurrentKnowledge::open(move || Ok(Arc::new(Endpoint::open(&url, &limits)?)))?
            }
            (Some(_), Some(_)) => {
                let line = "--kb, --sparql: two sources of facts, expected one of them";
                return Err(Error::Usage(line.to_owned()));
            }
        }))
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
            route: self.route.or(other.route),
            redis: self.redis.or(other.redis),
            kb: self.kb.or(other.kb),
            sparql: self.sparql.or(other.sparql),
            flows: self.flows.or(other.flows),
            replies: self.replies.or(other.replies),
            generator: self.generator.or(other.generator),
            embedder: self.embedder.or(other.embedder),
            words: match self.words.is_empty() {
                true => other.words,
                false => self.words,
            },
            semantic: self.semantic.or(other.semantic),
            log_dir: self.log_dir.or(other.log_dir),
            mask_key: self.mask_key.or(other.mask_key),
            state: self.state.or(other.state),
            actions: self.actions.or(other.actions),
            scripted_actions: self.scripted_actions.or(other.scripted_actions),
            api_keys: self.api_keys.or(other.api_keys),
            models_dir: self.models_dir.or(other.models_dir),
            threads: self.threads.or(other.threads),
            queue: self.queue.or(other.queue),
            deadline_ms: self.deadline_ms.or(other.deadline_ms),
            max_body: self.max_body.or(other.max_body),
            max_batch: self.max_batch.or(other.max_batch),
            max_text: self.max_text.or(other.max_text),
            rate: self.rate.or(other.rate),
            rolling: self.rolling.or(other.rolling),
            addr: self.addr.or(other.addr),
        }
    }
}
