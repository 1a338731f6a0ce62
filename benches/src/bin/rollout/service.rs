//! The service, as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cs_benches::connection::{Connection, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Of;

const KEY: &str = "sesame";
const SHOP: &str = "examples/data/shop/serve.toml";

/// What customers say.
pub(crate) const TEXTS: [&str; 6] = [
    "我的订单DD88231207到哪了",
    "hello",
    "how long does a refund take?",
    "怎么开发票",
    "thank you",
    "清露玻璃水壶多少钱",
];

/// Where services have their files, and what they are started with.
pub(crate) struct Site {
    folder: TempDir,
    serve: PathBuf,
    model: PathBuf,
}

impl Site {
    /// Makes a candidate of the model: the same one, with another version.
    pub(crate) fn new(of: &Of) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let candidate = folder.path().join("candidate");
        fs::create_dir(&candidate)?;
        for entry in fs::read_dir(&of.model)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), candidate.join(entry.file_name()))?;
            }
        }
        let path = candidate.join("bundle.json");
        let mut bundle: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let longest = bundle["max_length"]
            .as_u64()
            .ok_or("bundle.json: no max_length")?;
        bundle["max_length"] = json!(longest - 1);
        fs::write(&path, bundle.to_string())?;
        fs::write(folder.path().join("keys"), KEY)?;
        Ok(Self {
            folder,
            serve: of.serve.clone(),
            model: of.model.clone(),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a service.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Service> {
        let mut child = Command::new(&self.serve)
            .args(["--config", SHOP, "--addr", "127.0.0.1:0", "--light"])
            .arg(&self.model)
            .arg("--api-keys")
            .arg(self.path("keys"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output of serve")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let told: Value = serde_json::from_str(&line)
            .map_err(|_| format!("serve does not start with {arguments:?}"))?;
        let url = told["listening"].as_str().unwrap_or_default();
        let host = url.trim_start_matches("http://").to_owned();
        let address = host
            .to_socket_addrs()?
            .next()
            .ok_or("no address of serve")?;
        Ok(Service {
            child,
            host,
            address,
        })
    }

    /// Starts one with the candidate, which sees copies and has a share in percent.
    pub(crate) fn start_with_candidate(
        &self,
        share: &str,
        journal: &Path,
        arguments: &[&str],
    ) -> Result<Service> {
        let candidate = self.path("candidate");
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or("a path without UTF-8")
        };
        let (candidate, journal) = (text(&candidate)?, text(journal)?);
        let mut all = vec![
            "--candidate",
            &candidate,
            "--rollout",
            &journal,
            "--plan",
            share,
        ];
        all.extend(arguments);
        self.start(&all)
    }
}

/// A running service. It is killed with this.
pub(crate) struct Service {
    child: Child,
    host: String,
    address: SocketAddr,
}

impl Service {
    pub(crate) fn connect(&self) -> Connection {
        Connection::new(&self.host, self.address, Some(KEY))
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Does what a person may do about the roll-out, and gives where it stands.
    pub(crate) fn act(&self, action: &str) -> Result<Value> {
        let mut connection = self.connect();
        let (status, body) = connection.post("/v1/rollout", &json!({ "action": action }))?;
        match status {
            200 => Ok(serde_json::from_slice(body)?),
            _ => Err(format!("{action}: {}", String::from_utf8_lossy(body)).into()),
        }
    }

    pub(crate) fn rollout(&self) -> Result<Value> {
        let mut connection = self.connect();
        Ok(serde_json::from_slice(connection.get("/v1/rollout")?.1)?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A turn of a conversation.
pub(crate) fn turn(session: &str, number: u32) -> Value {
    let text = TEXTS[number as usize % TEXTS.len()];
    json!({ "session": session, "turn": number, "text": text })
}
