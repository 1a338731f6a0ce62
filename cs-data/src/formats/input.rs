//! Text files as UTF-8, whatever their encoding.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, Result};

/// So much of a file is looked at to know its encoding, in bytes.
const HEAD: usize = 1 << 16;

/// How the characters of a text file are encoded: a label of the WHATWG's
/// [Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels).
///
/// ```
/// use cs_data::Charset;
/// assert_eq!("gbk".parse::<Charset>()?.to_string(), "GBK");
/// assert_eq!("latin1".parse::<Charset>()?.to_string(), "windows-1252");
/// assert!("klingon".parse::<Charset>().is_err());
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Charset(&'static Encoding);

impl FromStr for Charset {
    type Err = Error;

    fn from_str(label: &str) -> Result<Self> {
        let known = Encoding::for_label_no_replacement(label.as_bytes());
        known.map(Charset).ok_or_else(|| Error::argument("encoding", label, "utf-8, gbk, gb18030, big5, utf-16le, utf-16be, windows-1252 or another label of the Encoding Standard"))
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Opens a text file. Without a charset it is UTF-8, or UTF-16 where a byte order mark or the zeros
/// of its ASCII characters leave no doubt. A mark of UTF-8 is left to the reader.
pub(crate) fn open(path: &Path, charset: Option<Charset>) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).map_err(|error| failed(path, error))?;
    let mut input = BufReader::with_capacity(HEAD, file);
    let head = input.fill_buf().map_err(|error| failed(path, error))?;
    let marked = Encoding::for_bom(head).map(|(encoding, _)| encoding);
    let encoding = match (charset, marked) {
        (Some(Charset(named)), Some(marked)) if !agree(named, marked) => {
            return Err(Error::file(
                path,
                format!("the byte order mark of {}", marked.name()),
                format!("{}, as --encoding says", named.name()),
            ));
        }
        (_, Some(marked)) => marked,
        (Some(Charset(named)), None) => named,
        (None, None) => by_zeros(head).unwrap_or(UTF_8),
    };
    if encoding == UTF_8 {
        return Ok(Box::new(input));
    }
    let decoder = encoding.new_decoder_with_bom_removal();
    let decoded = Decode {
        input,
        decoder,
        encoding,
        line: 1,
        column: 1,
        state: State::Open,
    };
    Ok(Box::new(BufReader::with_capacity(HEAD, decoded)))
}

/// `utf-16` without an order is the mark's.
fn agree(named: &Encoding, marked: &Encoding) -> bool {
    named == marked || is_wide(named) && is_wide(marked)
}

fn is_wide(encoding: &Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// UTF-16 without a mark: it begins with an ASCII character, which has a zero on one side, and is
/// text in that order, but as UTF-8 it is broken or a quarter of it zeros.
fn by_zeros(head: &[u8]) -> Option<&'static Encoding> {
    let head = &head[..head.len() & !1];
    let encoding = match head {
        [1..=255, 0, ..] => UTF_16LE,
        [0, 1..=255, ..] => UTF_16BE,
        _ => return None,
    };
    let zeros = memchr::memchr_iter(0, head).count();
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(fault) => fault.error_len().is_none(),
    };
    if zeros < 2 || is_utf8 && zeros < head.len() / 4 {
        return None;
    }
    // Half of a pair at the end of what is looked at says nothing.
    let whole = head.len() - if head.len() == HEAD { 2 } else { 0 };
    let text = encoding.decode_without_bom_handling_and_without_replacement(&head[..whole])?;
    text.chars().all(is_text).then_some(encoding)
}

fn is_text(c: char) -> bool {
    !c.is_control() || matches!(c, '\t' | '\n' | '\r')
}

/// What the system, or the decoder, found wrong.
pub(crate) fn failed(path: &Path, error: std::io::Error) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(Malformed {
            encoding,
            line,
            column,
        }) => Error::Text {
            path: path.into(),
            line: *line,
            column: *column,
            found: format!("bytes that are not {encoding}"),
            expected: "text, or another encoding by --encoding".into(),
            labels: false,
        },
        None => Error::Io {
            path: path.into(),
            source: error,
        },
    }
}

/// Bytes that an encoding does not have.
#[derive(Debug, Clone, thiserror::Error)]
#[error("bytes that are not {encoding}")]
struct Malformed {
    encoding: &'static str,
    line: usize,
    column: usize,
}

enum State {
    Open,
    Broken,
    Ended,
}

/// Decodes what it reads.
struct Decode {
    input: BufReader<File>,
    decoder: Decoder,
    encoding: &'static Encoding,
    /// Where what was read so far ends.
    line: usize,
    column: usize,
    state: State,
}

impl Decode {
    fn count(&mut self, text: &[u8]) {
        let last = memchr::memrchr(b'\n', text);
        if let Some(last) = last {
            self.line += memchr::memchr_iter(b'\n', text).count();
            self.column = 1 + chars(&text[last + 1..]);
        } else {
            self.column += chars(text);
        }
    }
}

/// Of UTF-8, in which every byte but a continuation begins one.
fn chars(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

impl Read for Decode {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::Broken => {
                    let fault = Malformed {
                        encoding: self.encoding.name(),
                        line: self.line,
                        column: self.column,
                    };
                    return Err(std::io::Error::new(ErrorKind::InvalidData, fault));
                }
                State::Open => {}
            }
            let bytes = self.input.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written) = self
                .decoder
                .decode_to_utf8_without_replacement(bytes, out, last);
            self.input.consume(read);
            self.count(&out[..written]);
            match result {
                DecoderResult::Malformed(..) => self.state = State::Broken,
                DecoderResult::InputEmpty if last => self.state = State::Ended,
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
