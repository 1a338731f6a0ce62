//! A connection of HTTP/1.1 to a running service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What a connection gives, or how it failed.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long a connection waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the service, opened when it is first needed, and again after an error.
#[derive(Debug)]
pub struct Connection {
    host: String,
    address: SocketAddr,
    key: Option<String>,
    stream: Option<BufReader<TcpStream>>,
    request: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// Opens none yet.
    #[must_use]
    pub fn new(host: &str, address: SocketAddr, key: Option<&str>) -> Self {
        Self {
            host: host.to_owned(),
            address,
            key: key.map(str::to_owned),
            stream: None,
            request: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Posts a JSON document, and gives the status and the body of the answer.
    ///
    /// # Errors
    ///
    /// A connection that cannot be had, or fails.
    pub fn post(&mut self, path: &str, document: &Value) -> Result<(u16, &[u8])> {
        self.ask("POST", path, &document.to_string())
    }

    /// Gets a path, and gives the status and the body of the answer.
    ///
    /// # Errors
    ///
    /// As [`post`](Self::post).
    pub fn get(&mut self, path: &str) -> Result<(u16, &[u8])> {
        self.ask("GET", path, "")
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, &[u8])> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            self.host,
            body.len()
        )?;
        if let Some(key) = &self.key {
            write!(self.request, "Authorization: Bearer {key}\r\n")?;
        }
        write!(self.request, "\r\n{body}")?;
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.get_mut().write_all(&self.request)?;
        let (status, stays) = read(&mut stream, &mut self.body)?;
        self.stream = stays.then_some(stream);
        Ok((status, &self.body))
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

/// Reads an answer, and gives its status and whether the connection stays open.
fn read(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<(u16, bool)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or("no status line in the answer")?;
    let (mut length, mut stays) = (None, true);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        } else if name.eq_ignore_ascii_case("connection") {
            stays = !value.eq_ignore_ascii_case("close");
        }
    }
    let length = match status {
        204 => 0,
        _ => length.ok_or("no Content-Length in the answer")?,
    };
    body.resize(length, 0);
    stream.read_exact(body)?;
    Ok((status, stays))
}
