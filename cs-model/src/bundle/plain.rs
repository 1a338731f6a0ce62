//! Plain Hugging Face folders: what they leave open, weights that are not read, and sums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cs_data::Tokenizer;

use super::files::Files;
use super::manifest::{CONFIG, FileSum, WEIGHTS};
use super::sentence::Sentence;
use super::shards::{SHARDS, ShardList};
use crate::config::EncoderConfig;
use crate::error::Result;
use crate::file;
use crate::heads::Tasks;

/// The longest input, in tokens, of a plain encoder folder that sets no limit at all.
const DEFAULT_MAX_LENGTH: usize = 512;
/// The names of weights in other formats, which are not read.
const FOREIGN: [&str; 5] = [
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
    "flax_model.msgpack",
    "model.ckpt.index",
];

/// States what to do about a plain folder whose weights are in another format; `None` if it has no
/// such weights.
pub(super) fn how_to_convert(dir: &Path) -> Option<String> {
    let found = FOREIGN.into_iter().find(|name| dir.join(name).is_file())?;
    let dir = dir.display();
    let command = format!(
        "from transformers import AutoModel; \
         AutoModel.from_pretrained('{dir}').save_pretrained('{dir}')"
    );
    Some(format!(
        "{found} is another format; to convert it: python3 -c \"{command}\""
    ))
}

/// Gives the heads (none) and the longest input of a plain folder.
pub(super) fn plain(sentence: &Sentence, config: &EncoderConfig) -> (Tasks, usize) {
    let tasks = Tasks {
        pooling: sentence.pooling,
        ..Tasks::default()
    };
    let positions = config.max_positions().unwrap_or(DEFAULT_MAX_LENGTH);
    let length = sentence.max_length.unwrap_or(positions);
    (tasks, length.min(positions))
}

/// Computes the sums of a plain folder's files, which are listed nowhere.
pub(super) fn plain_sums(files: &Files<'_>, is_sharded: bool) -> Result<BTreeMap<String, FileSum>> {
    let names = [CONFIG, WEIGHTS].into_iter().chain(Tokenizer::FILES);
    let mut names: BTreeSet<String> = names.map(str::to_owned).collect();
    if is_sharded {
        let list = ShardList::open(&files.dir.join(SHARDS))?;
        names.extend(list.files().into_iter().map(str::to_owned));
    }
    names.retain(|name| files.has(name));
    let mut sums = BTreeMap::new();
    for name in names {
        let (sha256, bytes) = file::sha256_of_file(&files.dir.join(&name))?;
        sums.insert(name, FileSum { sha256, bytes });
    }
    Ok(sums)
}
