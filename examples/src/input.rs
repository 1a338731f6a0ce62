//! Texts to answer: a file's or standard input's lines.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use cs_data::{MAX_TEXT_BYTES, Utterance};
use serde_json::Value;

use crate::error::{Error, Result};

/// Longest line read, in bytes: a text in which every byte is escaped as `\u00xx`.
const MAX_LINE_BYTES: usize = 6 * MAX_TEXT_BYTES;

/// The lines of an input, one after the other. A line is a plain text, or a JSON object with a
/// `text`; one that begins with `{"` is meant to be such an object, while any other that begins
/// with `{` and is no object is a text like the rest. A line that cannot be answered, empty ones
/// not among them, tells why, and the next one follows.
///
/// ```
/// use cs_examples::Texts;
/// let lines = "我要退款\n{\"text\": \"hello\", \"intent\": \"greeting\"}\n{\"text\": 7}\n{x}\n";
/// let lines: Vec<_> = Texts::new(lines.as_bytes(), "here").collect::<Result<_, _>>()?;
/// let texts: Vec<_> = lines.iter().filter_map(|line| line.text.as_deref().ok()).collect();
/// assert_eq!(texts, ["我要退款", "hello", "{x}"]);
/// assert_eq!(lines[2].number, 3);
/// # Ok::<(), cs_examples::Error>(())
/// ```
#[derive(Debug)]
pub struct Texts<R> {
    reader: R,
    path: PathBuf,
    line: usize,
    failed: bool,
}

/// A line of the input.
#[derive(Debug)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// The text, or why there is none: [`Error::Line`].
    pub text: Result<String>,
    /// The `conversation` of an object, if it has one: a number as its figures.
    pub conversation: Option<String>,
}

/// What a line says.
struct Said {
    text: String,
    conversation: Option<String>,
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

impl Said {
    fn plain(line: &str) -> Self {
        Self {
            text: line.to_owned(),
            conversation: None,
        }
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

    fn read(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES as u64 + 1);
        limited
            .read_until(b'\n', &mut bytes)
            .map_err(Error::io(&self.path))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        let said = if bytes.len() > MAX_LINE_BYTES {
            if bytes.last() != Some(&b'\n') {
                skip_line(&mut self.reader).map_err(Error::io(&self.path))?;
            }
            let found = format!("more than {MAX_LINE_BYTES} bytes");
            Err(self.bad(1, found, "a shorter line"))
        } else {
            self.said(bytes)
        };
        let (text, conversation) = match said {
            Ok(said) => (Ok(said.text), said.conversation),
            Err(error) => (Err(error), None),
        };
        Ok(Some(Line {
            number: self.line,
            text,
            conversation,
        }))
    }

    fn said(&self, bytes: Vec<u8>) -> Result<Said> {
        let line = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let column = column(good, good.len());
            self.bad(column, "bytes that are not UTF-8".into(), "text")
        })?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bare = line.strip_prefix('\u{feff}').filter(|_| self.line == 1);
        let line = bare.unwrap_or(line);
        let said = match line.trim_start().strip_prefix('{') {
            None => Said::plain(line),
            Some(rest) => self.of_object(line, rest.trim_start().starts_with('"'))?,
        };
        match Utterance::new("", said.text.as_str()).validate() {
            Ok(()) => Ok(said),
            Err(error) => {
                let at = line.find('\0').unwrap_or(0);
                let column = column(line.as_bytes(), at);
                Err(self.bad(column, error.to_string(), "a text that can be answered"))
            }
        }
    }

    /// What an object says; a line that is none, and not `meant` to be, is a text itself.
    fn of_object(&self, line: &str, meant: bool) -> Result<Said> {
        const EXPECTED: &str = "a plain text, or a JSON object with a string `text`";
        let object: Value = match serde_json::from_str(line) {
            Ok(object) => object,
            Err(_) if !meant => return Ok(Said::plain(line)),
            Err(error) => {
                let column = column(line.as_bytes(), error.column().saturating_sub(1));
                let message = error.to_string();
                let reason = message.split(" at line ").next().unwrap_or(&message);
                return Err(self.bad(column, reason.to_owned(), EXPECTED));
            }
        };
        match object.get("text") {
            Some(Value::String(text)) => Ok(Said {
                text: text.clone(),
                conversation: match object.get("conversation") {
                    None | Some(Value::Null) => None,
                    Some(Value::String(name)) => Some(name.clone()),
                    Some(other) => Some(other.to_string()),
                },
            }),
            Some(text) => Err(self.bad(1, format!("`text` is {text}"), EXPECTED)),
            None => Err(self.bad(1, "no `text`".into(), EXPECTED)),
        }
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
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read().transpose();
        self.failed = matches!(read, Some(Err(_)));
        read
    }
}

/// The column, from 1, of the character at a byte of a line.
fn column(line: &[u8], byte: usize) -> usize {
    let before = &line[..byte.min(line.len())];
    String::from_utf8_lossy(before).chars().count() + 1
}

/// Passes over the rest of a line without holding it.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let (read, ended) = match reader.fill_buf() {
            Ok(buffer) => match buffer.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        reader.consume(read);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Result<String>> {
        let lines = Texts::new(bytes, "in.txt").enumerate();
        let text = |(i, line): (usize, Result<Line>)| {
            let line = line.unwrap();
            assert_eq!(line.number, i + 1);
            line.text
        };
        lines.map(text).collect()
    }

    #[test]
    fn what_is_no_text_names_the_place_and_the_next_line_follows() {
        let long_text = vec![b'x'; MAX_TEXT_BYTES + 5];
        let long_line = vec![b'x'; 3 * MAX_LINE_BYTES];
        let cases: [(&[u8], &str); 8] = [
            (b"{\"text\": 7}", "in.txt:2:1: `text` is 7"),
            (b"{\"intent\": \"x\"}", "in.txt:2:1: no `text`"),
            (b"{}", "in.txt:2:1: no `text`"),
            (
                "{\"text\": \"订单\", x}".as_bytes(),
                "in.txt:2:16: key must be a string",
            ),
            (b"\xe8\xae\xa2\xff", "in.txt:2:2: bytes that are not UTF-8"),
            ("订a\0b".as_bytes(), "in.txt:2:3: "),
            (&long_text, "in.txt:2:1: "),
            (&long_line, "in.txt:2:1: more than"),
        ];
        for (bytes, start) in cases {
            let input = [b"before\n", bytes, b"\nafter"].concat();
            let [before, bad, after] = &lines(&input)[..] else {
                panic!("{start}")
            };
            let around = (before.as_ref().unwrap(), after.as_ref().unwrap());
            assert_eq!(around, (&"before".to_owned(), &"after".to_owned()));
            let error = bad.as_ref().unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}\n{start}");
        }
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let input = "\u{feff}在吗\r\n  \r\n\n {收到} 退货\n{\n { \"text\": \"hi\" } \n[1]\n hi ";
        let texts: Vec<String> = lines(input.as_bytes())
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            texts,
            ["在吗", "  ", "", " {收到} 退货", "{", "hi", "[1]", " hi "]
        );
    }
}
