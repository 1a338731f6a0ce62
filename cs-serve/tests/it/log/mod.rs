//! Logs of conversations.

#[cfg(feature = "parquet")]
mod crash;
#[cfg(feature = "parquet")]
mod folder;
mod writing;

use std::path::Path;

use cs_data::file::{FrameKind, Frames, Torn};
use cs_serve::log::Row;
use cs_serve::safety::personal::{Keys, Masker};
use serde_json::Value;

/// The 29th of November 2026, 12:00 UTC.
const NOON: u64 = 1_795_953_600_000;

const HOUR: u64 = 60 * 60 * 1000;

const KIND: FrameKind = FrameKind {
    magic: *b"cs-log\r\n",
    version: 2,
};

/// Keys that are always the same.
pub(crate) fn masker() -> Masker {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, format!("{}\n{}\n", "1a".repeat(32), "2b".repeat(32))).unwrap();
    Masker::new(Keys::open(&path).unwrap())
}

fn row(time: u64, conversation: &str, turn: u32) -> Row {
    Row {
        time,
        conversation: conversation.to_owned(),
        turn,
        text: format!("订单 {turn} 到哪了？我的手机是13800138000"),
        reply: "已发货。".to_owned(),
        route: Some("light".to_owned()),
        source: Some("template".to_owned()),
        ..Row::default()
    }
}

/// What a file of rows has, and its torn end.
pub(crate) fn frames(path: &Path) -> (Vec<Value>, Option<Torn>) {
    let mut found = Vec::new();
    let torn = Frames::read(path, KIND, |_, bytes| {
        found.push(serde_json::from_slice(bytes)?);
        Ok::<(), serde_json::Error>(())
    });
    (found, torn.unwrap())
}

/// The log's files in a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|it| !it.ends_with(".lock") && it != "keys.json")
        .collect();
    names.sort();
    names
}
