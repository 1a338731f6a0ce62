//! The keys of tags.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::KeyError;

/// The number of bytes of a key.
const LENGTH: usize = 32;

/// What is expected of a line of a file.
const EXPECTED: &str = "expected 32 bytes, as 64 hexadecimal digits or in base64";

/// Two keys of 32 bytes, one for the tags of values and one for those of customers: who keeps logs may know
/// the one and not the other.
#[derive(Clone)]
pub struct Keys {
    pub(super) values: [u8; LENGTH],
    pub(super) customers: [u8; LENGTH],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Makes keys that nobody knows: the tags of one run tell nothing in the next.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the system has no random numbers.
    pub fn random() -> Result<Self, KeyError> {
        let mut keys = [[0; LENGTH]; 2];
        for key in &mut keys {
            getrandom::fill(key).map_err(|source| KeyError::Random { source })?;
        }
        let [values, customers] = keys;
        Ok(Self { values, customers })
    }

    /// Reads a file of two lines, the key of values and that of customers, each as 64 hexadecimal digits or
    /// in base64. Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The file cannot be read, or [`KeyError::File`] says which line is no key.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::Io {
            path: path.into(),
            source,
        })?;
        let wrong = |line: usize, problem: String| KeyError::File {
            path: path.into(),
            line,
            problem,
        };
        let lines = text.lines().map(str::trim).zip(1..);
        let mut lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let mut key = |name: &str| {
            let (line, number) = lines.next().ok_or_else(|| {
                wrong(
                    text.lines().count().max(1),
                    format!("no key of {name}, {EXPECTED}"),
                )
            })?;
            let key = key_of(line).map_err(|problem| wrong(number, problem))?;
            Ok((key, number))
        };
        let (values, _) = key("values")?;
        let (customers, second) = key("customers")?;
        if values == customers {
            let problem = "the key of the line before, expected another one for customers";
            return Err(wrong(second, problem.to_owned()));
        }
        match lines.next() {
            Some((_, number)) => Err(wrong(number, "a third key, expected two".to_owned())),
            None => Ok(Self { values, customers }),
        }
    }
}

fn key_of(line: &str) -> Result<[u8; LENGTH], String> {
    let is_hex = line.len() == 2 * LENGTH && line.bytes().all(|it| it.is_ascii_hexdigit());
    let bytes = match is_hex {
        true => (0..LENGTH)
            .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).ok())
            .collect(),
        false => STANDARD.decode(line).ok(),
    };
    let Some(bytes) = bytes else {
        return Err(format!(
            "{} characters that are no key, {EXPECTED}",
            line.chars().count()
        ));
    };
    let length = bytes.len();
    bytes
        .try_into()
        .map_err(|_| format!("a key of {length} bytes, {EXPECTED}"))
}
