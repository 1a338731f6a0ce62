//! CrossWOZ's dialogues (<https://github.com/thu-coai/CrossWOZ>), as they are published.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::Result;

/// A dialogue between a customer and a system, both played by people.
#[derive(Debug, Deserialize)]
pub(crate) struct Dialogue {
    pub(crate) messages: Vec<Message>,
}

/// One turn.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) content: String,
    role: String,
    #[serde(default)]
    pub(crate) dialog_act: Vec<Act>,
    /// Of a customer's turn, what the customer wants by now.
    #[serde(default)]
    pub(crate) user_state: Vec<Wanted>,
}

/// What a customer wants of a thing: its number, domain and slot, and the value, if it has been told;
/// and whether it has been spoken of.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted(
    pub(crate) u32,
    pub(crate) String,
    pub(crate) String,
    pub(crate) serde_json::Value,
    serde::de::IgnoredAny,
);

/// What a turn does, by those who labelled it: intent, domain, slot and value.
#[derive(Debug, Deserialize)]
pub(crate) struct Act(
    pub(crate) String,
    pub(crate) String,
    pub(crate) String,
    pub(crate) String,
);

impl Message {
    pub(crate) fn is_system(&self) -> bool {
        self.role == "sys"
    }

    /// Says whether the system tells something.
    pub(crate) fn informs(&self) -> bool {
        let mut acts = self.dialog_act.iter();
        self.is_system()
            && acts.any(|it| matches!(it.0.as_str(), "Inform" | "Recommend") && !it.3.is_empty())
    }
}

/// Reads the dialogues of `val.json`, or of `val.json.zip` by way of `unzip`, by number.
pub(crate) fn open(folder: &Path) -> Result<Vec<(u64, Dialogue)>> {
    let (plain, zipped) = (folder.join("val.json"), folder.join("val.json.zip"));
    let json = match plain.exists() {
        true => std::fs::read(&plain)?,
        false => {
            let unzipped = Command::new("unzip").arg("-p").arg(&zipped).output()?;
            if !unzipped.status.success() {
                let told = String::from_utf8_lossy(&unzipped.stderr);
                return Err(format!("{}: {}", zipped.display(), told.trim()).into());
            }
            unzipped.stdout
        }
    };
    let by_number: BTreeMap<u64, Dialogue> = serde_json::from_slice(&json)?;
    Ok(by_number.into_iter().collect())
}
