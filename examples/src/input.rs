//! Texts to answer: a file's or standard input's lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use cs_data::{MAX_TEXT_BYTES, Utterance};
use serde_json::Value;

use crate::error::{Error, Result};

/// Longest line read, in bytes: a text in which every byte is escaped as `\u00xx`.
const MAX_LINE_BYTES: usize = 6 * MAX_TEXT_BYTES;

/// The texts of an input, one after the other. A line is a plain text, or a JSON object with a
/// `text` if it begins with `{`; empty lines are skipped.
///
/// ```
/// use cs_examples::Texts;
/// let lines = "我要退款\n\n{\"text\": \"hello\", \"intent\": \"greeting\"}\n";
/// let texts: Vec<String> = Texts::new(lines.as_bytes(), "here").collect::<Result<_, _>>()?;
/// assert_eq!(texts, ["我要退款", "hello"]);
/// # Ok::<(), cs_examples::Error>(())
/// ```
#[derive(Debug)]
pub struct Texts<R> {
    reader: R,
    path: PathBuf,
    line: usize,
    failed: bool,
}

impl Texts<Box<dyn BufRead>> {
    /// The lines of a file, or of standard input without one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened, or is a folder.
    pub fn open(file: Option<&Path>) -> Result<Self> {
        let Some(path) = file else {
            return Ok(Self::new(Box::new(std::io::stdin().lock()), "<stdin>"));
        };
        let file = File::open(path).map_err(Error::io(path))?;
        Ok(Self::new(Box::new(BufReader::new(file)), path))
    }
}

impl<R: BufRead> Texts<R> {
    /// The lines of `reader`, called `path` in errors.
    pub fn new(reader: R, path: impl Into<PathBuf>) -> Self {
        Self {
            reader,
            path: path.into(),
            line: 0,
            failed: false,
        }
    }

    fn read(&mut self) -> Result<Option<String>> {
        loop {
            let mut bytes = Vec::new();
            let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 1);
            limited
                .read_until(b'\n', &mut bytes)
                .map_err(Error::io(&self.path))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if bytes.len() > MAX_LINE_BYTES {
                return Err(self.bad(
                    1,
                    format!("more than {MAX_LINE_BYTES} bytes"),
                    "a shorter line",
                ));
            }
            let text = String::from_utf8(bytes).map_err(|error| {
                let good = error.utf8_error().valid_up_to();
                let before = String::from_utf8_lossy(&error.as_bytes()[..good])
                    .chars()
                    .count();
                self.bad(before + 1, "bytes that are not UTF-8".into(), "text")
            })?;
            let text = text
                .strip_prefix('\u{feff}')
                .filter(|_| self.line == 1)
                .unwrap_or(&text)
                .trim();
            if !text.is_empty() {
                return self.text(text).map(Some);
            }
        }
    }

    fn text(&self, line: &str) -> Result<String> {
        let text = match line.starts_with('{') {
            false => line.to_owned(),
            true => self.text_of_object(line)?,
        };
        match Utterance::new("", text.as_str()).validate() {
            Ok(()) => Ok(text),
            Err(error) => Err(self.bad(1, error.to_string(), "a text that can be answered")),
        }
    }

    fn text_of_object(&self, line: &str) -> Result<String> {
        const EXPECTED: &str = "a plain text, or a JSON object with a string `text`";
        let object: Value = serde_json::from_str(line).map_err(|error| {
            let bytes = error.column().saturating_sub(1).min(line.len());
            let column = String::from_utf8_lossy(&line.as_bytes()[..bytes])
                .chars()
                .count()
                + 1;
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or(&message);
            self.bad(column, reason.to_owned(), EXPECTED)
        })?;
        let text = object
            .get("text")
            .ok_or_else(|| self.bad(1, "no `text`".into(), EXPECTED))?;
        let text = text
            .as_str()
            .ok_or_else(|| self.bad(1, format!("`text` is {text}"), EXPECTED))?;
        Ok(text.to_owned())
    }

    fn bad(&self, column: usize, found: String, expected: &'static str) -> Error {
        Error::Line {
            path: self.path.clone(),
            line: self.line,
            column,
            found,
            expected,
        }
    }
}

impl<R: BufRead> Iterator for Texts<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read().transpose();
        self.failed = matches!(read, Some(Err(_)));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_error(bytes: &[u8]) -> String {
        let results: Vec<_> = Texts::new(bytes, "in.txt").collect();
        results.last().unwrap().as_ref().unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_text_names_the_place() {
        let cases: [(&[u8], &str); 5] = [
            (b"ok\n{\"text\": 7}\n", "in.txt:2:1: `text` is 7"),
            (b"{\"intent\": \"x\"}", "in.txt:1:1: no `text`"),
            (
                "{\"text\": \"订单\", x}".as_bytes(),
                "in.txt:1:16: key must be a string",
            ),
            (
                b"ok\n\xe8\xae\xa2\xff\n",
                "in.txt:2:2: bytes that are not UTF-8",
            ),
            (b"a\0b\n", "in.txt:1:1: "),
        ];
        for (bytes, start) in cases {
            let error = last_error(bytes);
            assert!(error.starts_with(start), "{error}\n{start}");
        }
        assert!(last_error(&vec![b'x'; MAX_LINE_BYTES + 5]).starts_with("in.txt:1:1: more than"));
        assert!(last_error(&vec![b'x'; MAX_TEXT_BYTES + 5]).starts_with("in.txt:1:1: "));
    }

    #[test]
    fn blank_lines_marks_and_carriage_returns_are_no_text() {
        let texts = Texts::new("\u{feff}在吗\r\n  \r\nhi".as_bytes(), "in.txt");
        assert_eq!(texts.collect::<Result<Vec<_>>>().unwrap(), ["在吗", "hi"]);
    }
}
