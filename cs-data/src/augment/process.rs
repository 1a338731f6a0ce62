//! Another program that answers a line with a line.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The most bytes of an answer to one line that are taken, on average over a batch.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// How much of a program's last words an error shows, in bytes.
const SHOWN_BYTES: usize = 200;

/// A shell command that reads lines from its standard input until it ends, writes as many lines to
/// its standard output, and exits with status 0. It is started anew for each batch.
///
/// ```
/// use std::time::Duration;
/// use cs_data::augment::{LineProcess, Translator};
/// let upper = LineProcess::new("tr a-z A-Z", Duration::from_secs(60));
/// assert_eq!(upper.translate(&["order".into()])?, ["ORDER"]);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineProcess {
    command: String,
    timeout: Duration,
    mask: String,
}

/// What BERT's tokenizers call a masked word.
const MASK: &str = "[MASK]";

impl LineProcess {
    /// Makes a process of `command` for `sh -c`. A batch that takes longer than `timeout` is an
    /// error, and the program and those it has started are killed.
    pub fn new(command: impl Into<String>, timeout: Duration) -> Self {
        LineProcess {
            command: command.into(),
            timeout,
            mask: MASK.to_owned(),
        }
    }

    /// Sets the token, `[MASK]` if never set, for the piece that a
    /// [`MaskFiller`](super::MaskFiller) is asked about:
    /// [`Tokenizer::mask_token`](crate::Tokenizer::mask_token) of the program's model.
    #[must_use]
    pub fn with_mask(mut self, mask: impl Into<String>) -> Self {
        self.mask = mask.into();
        self
    }

    pub(crate) fn mask_token(&self) -> &str {
        &self.mask
    }

    /// Gives the answer to each line.
    ///
    /// # Errors
    ///
    /// A line that contains a line break; a program that cannot be started, fails, takes too long,
    /// or answers with something else than as many lines of UTF-8.
    pub fn lines(&self, lines: &[String]) -> Result<Vec<String>> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(line) = lines.iter().find(|line| line.contains(['\n', '\r'])) {
            return Err(self.fault(format!("asked {line:?}"), "a single line"));
        }
        let answer = self.run(
            lines.join("\n") + "\n",
            lines.len().saturating_mul(MAX_ANSWER_BYTES),
        )?;
        let answer = String::from_utf8(answer).map_err(|fault| {
            let good = fault.utf8_error().valid_up_to();
            let line = fault.as_bytes()[..good]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            let byte = fault.as_bytes()[good];
            self.fault(format!("the byte 0x{byte:02x} in line {line}"), "UTF-8")
        })?;
        let body = answer.strip_suffix('\n').unwrap_or(&answer);
        let found: Vec<String> = body
            .split('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned())
            .collect();
        let count = if answer.is_empty() { 0 } else { found.len() };
        if count != lines.len() {
            return Err(self.fault(format!("{count} lines"), format!("{}", lines.len())));
        }
        Ok(found)
    }

    fn fault(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::Process {
            command: self.command.clone(),
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// What the program wrote, once it has ended. Threads of their own write and read, so that
    /// neither side waits for the other with a full pipe.
    fn run(&self, input: String, limit: usize) -> Result<Vec<u8>> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let fail = |source: std::io::Error| self.fault(source.to_string(), "to be started");
        let mut child = Reaped {
            child: command.spawn().map_err(fail)?,
            has_ended: false,
        };
        let stdin = child.child.stdin.take();
        // A program that does not read to the end shows it by its status or its answer.
        thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        let output = read(child.child.stdout.take(), limit);
        let errors = last_words(child.child.stderr.take());
        let deadline = Instant::now().checked_add(self.timeout);
        let answer = self.wait(&output, deadline)?;
        if answer.len() > limit {
            return Err(self.fault(format!("more than {limit} bytes"), "an answer a line"));
        }
        let status = self.end(&mut child.child, deadline)?;
        child.has_ended = status.success();
        if !status.success() {
            // Others of its group would keep its standard error open.
            drop(child);
            let words = self.wait(&errors, deadline)?;
            let words = String::from_utf8_lossy(&words);
            let start = crate::text::ceil(&words, words.len().saturating_sub(SHOWN_BYTES));
            let words = words[start..].trim().replace(['\n', '\r'], " ");
            return Err(self.fault(format!("{status} ({words})"), "exit status 0"));
        }
        Ok(answer)
    }

    fn wait(
        &self,
        from: &Receiver<std::io::Result<Vec<u8>>>,
        deadline: Option<Instant>,
    ) -> Result<Vec<u8>> {
        let left = deadline.map_or(Duration::MAX, |end| {
            end.saturating_duration_since(Instant::now())
        });
        match from.recv_timeout(left) {
            Ok(read) => read.map_err(|source| self.fault(source.to_string(), "an answer")),
            Err(RecvTimeoutError::Timeout) => Err(self.late()),
            Err(RecvTimeoutError::Disconnected) => Err(self.fault("nothing", "an answer")),
        }
    }

    /// The status of a program that has closed its output, and so is about to end.
    fn end(&self, child: &mut Child, deadline: Option<Instant>) -> Result<ExitStatus> {
        loop {
            let status = child.try_wait();
            match status.map_err(|source| self.fault(source.to_string(), "an exit status"))? {
                Some(status) => return Ok(status),
                None if deadline.is_some_and(|end| Instant::now() >= end) => {
                    return Err(self.late());
                }
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn late(&self) -> Error {
        let found = format!("no end after {:?}", self.timeout);
        self.fault(found, "an answer in that time")
    }
}

/// Reads all, in a thread of its own; keeps at most one byte more than `limit`.
fn read(
    from: Option<impl Read + Send + 'static>,
    limit: usize,
) -> Receiver<std::io::Result<Vec<u8>>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = from.map_or(Ok(0), |from| {
            from.take((limit as u64).saturating_add(1))
                .read_to_end(&mut bytes)
        });
        // Nobody waits any more after the time is up.
        let _ = send.send(read.map(|_| bytes));
    });
    receive
}

/// The last bytes that a program says, read in a thread of its own.
fn last_words(from: Option<impl Read + Send + 'static>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut words = Vec::new();
        let mut piece = [0; 4096];
        let read = from.map_or(Ok(()), |mut from| {
            loop {
                match from.read(&mut piece) {
                    Ok(0) => return Ok(()),
                    Ok(length) => words.extend_from_slice(&piece[..length]),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                words.drain(..words.len().saturating_sub(SHOWN_BYTES));
            }
        });
        // Nobody waits any more after the time is up.
        let _ = send.send(read.map(|()| words));
    });
    receive
}

/// A program that leaves nothing running, and no zombie, when it goes out of scope.
struct Reaped {
    child: Child,
    /// Whether its status is known; what it left running then may stay.
    has_ended: bool,
}

impl Drop for Reaped {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        // Until it is waited for, no other group can have its number, even if it has ended.
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // Both fail only if it has ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
