//! A connection of HTTP/1.1, and what came back over it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Result;

/// How long a connection waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the service, opened when it is first needed, and again after an error.
#[derive(Debug)]
pub(crate) struct Connection {
    host: String,
    address: SocketAddr,
    key: Option<String>,
    stream: Option<BufReader<TcpStream>>,
    request: Vec<u8>,
    body: Vec<u8>,
}

/// A question's way, in microseconds since the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) due: u64,
    pub(crate) asked: u64,
    pub(crate) done: u64,
    /// `None` if the connection failed.
    pub(crate) status: Option<u16>,
}

/// All that came back to one thread, or to several.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) samples: Vec<Sample>,
    /// The number of answers that are not about their questions.
    pub(crate) torn: u64,
    /// The number of answers by the model that gave them.
    models: BTreeMap<Option<String>, u64>,
    /// The model of the first answer of all.
    first: Option<Option<String>>,
    /// The number of questions that were due, and for which no connection was free.
    pub(crate) unasked: u64,
    pub(crate) failed_threads: usize,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    model: Option<String>,
}

impl Connection {
    pub(crate) fn new(host: &str, address: SocketAddr, key: Option<&str>) -> Self {
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
    pub(crate) fn post(&mut self, path: &str, document: &Value) -> Result<(u16, &[u8])> {
        let body = document.to_string();
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
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
    let length = length.ok_or("no Content-Length in the answer")?;
    body.resize(length, 0);
    stream.read_exact(body)?;
    Ok((status, stays))
}

impl Answers {
    /// Asks a question, takes note of whether the answer is its own, and gives the status.
    pub(crate) fn ask(
        &mut self,
        connection: &mut Connection,
        text: &str,
        checked: bool,
    ) -> Result<u16> {
        let (status, body) = connection.post("/v1/understand", &json!({"text": text}))?;
        if status != 200 || !checked {
            return Ok(status);
        }
        match serde_json::from_slice::<Answer>(body) {
            Ok(answer) if answer.text == text => {
                self.first.get_or_insert_with(|| answer.model.clone());
                *self.models.entry(answer.model).or_default() += 1;
            }
            _ => self.torn += 1,
        }
        Ok(status)
    }

    pub(crate) fn note(
        &mut self,
        status: Option<u16>,
        due: Duration,
        asked: Duration,
        done: Duration,
    ) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.samples.push(Sample {
            due: micros(due),
            asked: micros(asked),
            done: micros(done),
            status,
        });
    }

    /// Adds those of another thread.
    pub(crate) fn extend(&mut self, other: Self) {
        self.samples.extend(other.samples);
        self.torn += other.torn;
        self.unasked += other.unasked;
        for (model, count) in other.models {
            *self.models.entry(model).or_default() += count;
        }
    }

    /// Counts the answers by models other than the first and those `put_in`.
    pub(crate) fn strange(&self, put_in: &[String]) -> u64 {
        let is_known = |model: &Option<String>| {
            self.first.as_ref() == Some(model)
                || model.as_ref().is_some_and(|model| put_in.contains(model))
        };
        let strange = self.models.iter().filter(|(model, _)| !is_known(model));
        strange.map(|(_, count)| count).sum()
    }
}
