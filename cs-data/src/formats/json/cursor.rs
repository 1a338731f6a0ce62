//! A walk through a JSON file of any size, in the memory of one value.

use std::io::{BufRead, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::position::Position;
use crate::file::shown;
use crate::formats::input;
use crate::formats::row_reader::MAX_LINE_BYTES;

/// As deep as serde_json goes.
const MAX_DEPTH: usize = 127;

/// What a value is, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Scalar,
}

/// A value as it stands in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    /// Where it begins, from 1.
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Raw {
    pub(crate) fn position(&self) -> Position {
        Position {
            line: self.line,
            column: self.column,
        }
    }
}

/// An open object or array.
struct Frame {
    is_object: bool,
    /// Members begun.
    members: usize,
    /// The key or number of the member in hand.
    key: String,
}

/// Stands before a value: enters, keeps or skips it. All errors are final. The grammar is checked
/// whatever is done with a value; what strings contain, when it is kept.
pub(crate) struct Cursor {
    path: PathBuf,
    input: Box<dyn BufRead>,
    line: usize,
    column: usize,
    frames: Vec<Frame>,
    /// What is being kept.
    kept: Option<Vec<u8>>,
    /// How long that may be.
    limit: usize,
}

impl Cursor {
    /// Stands before the value that is the file; `path` is only for errors.
    pub(crate) fn new(path: &Path, input: Box<dyn BufRead>) -> Result<Self> {
        let mut cursor = Cursor {
            path: path.into(),
            input,
            line: 1,
            column: 1,
            frames: Vec::new(),
            kept: None,
            limit: MAX_LINE_BYTES,
        };
        if cursor.available()?.starts_with("\u{feff}".as_bytes()) {
            cursor.input.consume("\u{feff}".len());
        }
        Ok(cursor)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the value in hand is; an error at the end of the file.
    pub(crate) fn kind(&mut self) -> Result<Kind> {
        match self.next_byte()? {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(_) => Ok(Kind::Scalar),
            None => Err(self.wrong("a JSON value")),
        }
    }

    /// Goes into the object or array in hand, before its first member.
    pub(crate) fn enter(&mut self) -> Result<()> {
        let is_object = self.kind()? == Kind::Object;
        self.take()?;
        if self.frames.len() == MAX_DEPTH {
            return Err(self.wrong("values at most 127 deep"));
        }
        self.frames.push(Frame {
            is_object,
            members: 0,
            key: String::new(),
        });
        Ok(())
    }

    /// How many objects and arrays are open.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Goes to the next member of the innermost object or array, before its value; leaves it and
    /// says `false` if there is none.
    pub(crate) fn next_member(&mut self) -> Result<bool> {
        let Some(frame) = self.frames.last() else {
            return Ok(false);
        };
        let (is_object, is_first) = (frame.is_object, frame.members == 0);
        let (close, ended) = if is_object {
            (b'}', "a comma or }")
        } else {
            (b']', "a comma or ]")
        };
        match self.next_byte()? {
            Some(byte) if byte == close => {
                self.take()?;
                self.frames.pop();
                return Ok(false);
            }
            Some(b',') if !is_first => self.take()?,
            _ if is_first => {}
            _ => return Err(self.wrong(ended)),
        }
        let key = if is_object { Some(self.key()?) } else { None };
        if let Some(frame) = self.frames.last_mut() {
            frame.key = key.unwrap_or_else(|| frame.members.to_string());
            frame.members += 1;
        }
        Ok(true)
    }

    /// The key, or number from 0, of the member in hand of the object or array at a depth from 1.
    pub(crate) fn key_at(&self, depth: usize) -> &str {
        let frame = depth.checked_sub(1).and_then(|at| self.frames.get(at));
        frame.map_or("", |frame| &frame.key)
    }

    /// Takes the value in hand, which is to have at most `limit` bytes.
    pub(crate) fn keep(&mut self, limit: usize) -> Result<Raw> {
        self.limit = limit;
        self.space()?;
        let (line, column) = (self.line, self.column);
        self.kept = Some(Vec::new());
        self.skip()?;
        let bytes = self.kept.take().unwrap_or_default();
        Ok(Raw {
            bytes,
            line,
            column,
        })
    }

    /// Goes into the array in hand if it is empty or begins with an object, else takes it.
    pub(crate) fn enter_or_keep(&mut self, limit: usize) -> Result<Option<Raw>> {
        self.limit = limit;
        self.space()?;
        let (line, column) = (self.line, self.column);
        let depth = self.depth();
        self.kept = Some(Vec::new());
        self.enter()?;
        let enters = matches!(self.next_byte()?, Some(b'{' | b']'));
        if !enters {
            self.leave(depth)?;
        }
        let bytes = self.kept.take().unwrap_or_default();
        Ok((!enters).then_some(Raw {
            bytes,
            line,
            column,
        }))
    }

    /// Goes past the value in hand.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let depth = self.depth();
        if self.kind()? == Kind::Scalar {
            return self.scalar();
        }
        self.enter()?;
        self.leave(depth)
    }

    /// Goes to where only `depth` objects and arrays are open.
    fn leave(&mut self, depth: usize) -> Result<()> {
        while self.depth() > depth {
            if !self.next_member()? {
                continue;
            }
            match self.kind()? {
                Kind::Scalar => self.scalar()?,
                Kind::Object | Kind::Array => self.enter()?,
            }
        }
        Ok(())
    }

    /// After the value that is the file, only white space may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.next_byte()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("the end of the file")),
        }
    }

    /// An error at a line and column from [`Raw`].
    pub(crate) fn error_at(
        &self,
        Position { line, column }: Position,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        Error::Text {
            path: self.path.clone(),
            line,
            column,
            found: found.into(),
            expected: expected.into(),
            labels: false,
        }
    }

    fn position(&self) -> Position {
        Position {
            line: self.line,
            column: self.column,
        }
    }

    /// An error at the next byte, which is shown.
    pub(crate) fn wrong(&mut self, expected: &str) -> Error {
        let place = self.position();
        let found = match self.available() {
            Err(error) => return error,
            Ok([]) => "the end of the file".into(),
            Ok(rest) => {
                let rest = &rest[..rest.len().min(80)];
                let text = String::from_utf8_lossy(rest);
                shown(text.lines().next().unwrap_or_default())
            }
        };
        self.error_at(place, found, expected)
    }

    fn key(&mut self) -> Result<String> {
        if self.next_byte()? != Some(b'"') {
            return Err(self.wrong("a key in quotation marks"));
        }
        let place = self.position();
        let outer = self.kept.replace(Vec::new());
        let walked = self.string();
        let bytes = std::mem::replace(&mut self.kept, outer).unwrap_or_default();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&bytes);
        }
        walked?;
        let key = serde_json::from_slice(&bytes).map_err(|_| {
            let found = shown(&String::from_utf8_lossy(&bytes));
            self.error_at(place, found, "a string in UTF-8")
        })?;
        if self.next_byte()? != Some(b':') {
            return Err(self.wrong("a colon behind the key"));
        }
        self.take()?;
        Ok(key)
    }

    fn scalar(&mut self) -> Result<()> {
        if self.next_byte()? == Some(b'"') {
            return self.string();
        }
        let place = self.position();
        let mut word = Vec::new();
        loop {
            let rest = self.available()?;
            let length = count_while(rest, |byte| {
                byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
            });
            let ended = length < rest.len() || length == 0;
            word.extend_from_slice(&rest[..length]);
            self.consume(length)?;
            if ended || word.len() > MAX_LINE_BYTES {
                break;
            }
        }
        if word.is_empty() {
            return Err(self.wrong("a JSON value"));
        }
        match serde_json::from_slice::<serde::de::IgnoredAny>(&word) {
            Ok(_) => Ok(()),
            Err(_) => {
                let found = shown(&String::from_utf8_lossy(&word));
                Err(self.error_at(place, found, "a JSON value"))
            }
        }
    }

    /// Goes past the string that begins here.
    fn string(&mut self) -> Result<()> {
        let place = self.position();
        self.take()?;
        loop {
            let rest = self.available()?;
            let length = count_while(rest, |byte| !matches!(byte, b'"' | b'\\' | ..0x20));
            self.consume(length)?;
            match self.available()?.first() {
                None => {
                    return Err(self.error_at(
                        place,
                        "a string that never closes",
                        "a quotation mark",
                    ));
                }
                Some(b'"') => return self.take(),
                Some(b'\\') => {
                    self.take()?;
                    self.take()?;
                }
                Some(..0x20) => return Err(self.wrong("an escape for a control character")),
                Some(_) => {}
            }
        }
    }

    fn space(&mut self) -> Result<()> {
        loop {
            let rest = self.available()?;
            let length = count_while(rest, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            if length == 0 {
                return Ok(());
            }
            self.consume(length)?;
        }
    }

    /// The next byte that is no white space.
    fn next_byte(&mut self) -> Result<Option<u8>> {
        self.space()?;
        Ok(self.available()?.first().copied())
    }

    fn take(&mut self) -> Result<()> {
        let length = self.available()?.len().min(1);
        self.consume(length)
    }

    /// What has been read and not consumed; empty at the end.
    fn available(&mut self) -> Result<&[u8]> {
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(input::failed(&self.path, error)),
            }
        }
        // Asked again because of the borrow; there is something, or it is the end.
        let path = &self.path;
        self.input
            .fill_buf()
            .map_err(|error| input::failed(path, error))
    }

    fn consume(&mut self, length: usize) -> Result<()> {
        let bytes = self.input.fill_buf().unwrap_or_default();
        let bytes = &bytes[..length.min(bytes.len())];
        for byte in bytes {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                0x80..0xc0 => {}
                _ => self.column += 1,
            }
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
            if kept.len() > self.limit {
                let found = format!("a value of more than {} bytes", self.limit);
                return Err(self.error_at(self.position(), found, "a shorter one"));
            }
        }
        self.input.consume(length);
        Ok(())
    }
}

/// How many of the first bytes are so.
fn count_while(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_so(**byte)).count()
}
