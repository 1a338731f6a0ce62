//! The keys of tags.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::KeyError;

/// The number of bytes of a key.
const LENGTH: usize = 32;

/// What the keys of a file are for, line by line.
const NAMES: [&str; 3] = ["values", "customers", "a vault"];

/// What is expected of a line of a file.
const EXPECTED: &str = "expected 32 bytes, as 64 hexadecimal digits or in base64";

/// Keys of 32 bytes, one for the tags of values, one for those of customers and, if there is one, that of a
/// [`Vault`](super::Vault): who keeps logs may know the one and not the others. They are wiped from memory when dropped.
#[derive(Clone)]
pub struct Keys {
    pub(super) values: Key,
    pub(super) customers: Key,
    pub(super) vault: Option<Key>,
}

type Key = Zeroizing<[u8; LENGTH]>;

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
        let random = || {
            let mut key = Key::default();
            getrandom::fill(&mut *key).map_err(|source| KeyError::Random { source })?;
            Ok(key)
        };
        Ok(Self {
            values: random()?,
            customers: random()?,
            vault: Some(random()?),
        })
    }

    /// Reads a file of two or three lines, the key of values, that of customers and that of a vault, each as 64
    /// hexadecimal digits or in base64. Lines that begin with `#` are comments.
    ///
    /// # Errors
    /// The file cannot be read, or [`KeyError::File`] says which line is no key.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::Io {
            path: path.into(),
            source,
        })?;
        let text = Zeroizing::new(text);
        let wrong = |line: usize, problem: String| KeyError::File {
            path: path.into(),
            line,
            problem,
        };
        let lines = text.lines().map(str::trim).zip(1..);
        let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let mut keys: Vec<Key> = Vec::new();
        for (line, number) in lines {
            let key = key_of(line).map_err(|problem| wrong(number, problem))?;
            if keys.len() == NAMES.len() {
                return Err(wrong(
                    number,
                    "a fourth key, expected two or three".to_owned(),
                ));
            }
            if keys.contains(&key) {
                let name = NAMES[keys.len()];
                let problem =
                    format!("the key of another line, expected one of its own for {name}");
                return Err(wrong(number, problem));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let mut key = |name: &str| {
            let end = text.lines().count().max(1);
            keys.next()
                .ok_or_else(|| wrong(end, format!("no key of {name}, {EXPECTED}")))
        };
        Ok(Self {
            values: key(NAMES[0])?,
            customers: key(NAMES[1])?,
            vault: keys.next(),
        })
    }
}

fn key_of(line: &str) -> Result<Key, String> {
    let is_hex = line.len() == 2 * LENGTH && line.bytes().all(|it| it.is_ascii_hexdigit());
    let bytes: Option<Vec<u8>> = match is_hex {
        true => (0..LENGTH)
            .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).ok())
            .collect(),
        false => STANDARD.decode(line).ok(),
    };
    let Some(bytes) = bytes.map(Zeroizing::new) else {
        return Err(format!(
            "{} characters that are no key, {EXPECTED}",
            line.chars().count()
        ));
    };
    let key = bytes.as_slice().try_into().map(Zeroizing::new);
    key.map_err(|_| format!("a key of {} bytes, {EXPECTED}", bytes.len()))
}
