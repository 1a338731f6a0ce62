//! API keys.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::HttpError;

/// The keys that let a caller in. Only their hashes are kept.
pub(super) struct ApiKeys {
    keys: Vec<Key>,
}

struct Key {
    hash: [u8; 32],
    /// The caller's name, which tells the key's place and nothing of the key.
    caller: Arc<str>,
}

impl ApiKeys {
    pub(super) fn read(path: &Path) -> Result<Self, HttpError> {
        let text = std::fs::read_to_string(path).map_err(|source| HttpError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, HttpError> {
        let wrong = |line, expected| HttpError::Keys {
            path: path.to_owned(),
            line,
            expected,
        };
        let mut keys: Vec<Key> = Vec::new();
        for (line, key) in (1..).zip(text.lines().map(str::trim)) {
            if key.is_empty() || key.starts_with('#') {
                continue;
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong(line, "a key of visible ASCII characters"));
            }
            let hash = hash(key);
            if keys.iter().any(|known| known.hash == hash) {
                return Err(wrong(line, "each key once"));
            }
            let caller = format!("key {}", keys.len() + 1).into();
            keys.push(Key { hash, caller });
        }
        match keys.is_empty() {
            true => Err(wrong(1, "at least one key")),
            false => Ok(Self { keys }),
        }
    }

    /// The name of the caller who has `key`. How long this takes does not depend on which of the
    /// keys it resembles.
    pub(super) fn caller(&self, key: &str) -> Option<Arc<str>> {
        let asked = hash(key);
        let mut found = None;
        for known in &self.keys {
            if known.hash.ct_eq(&asked).into() {
                found = Some(&known.caller);
            }
        }
        found.cloned()
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}
