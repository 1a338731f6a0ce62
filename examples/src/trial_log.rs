//! The log of a search: what was computed once is not computed again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cs_data::Dataset;
use cs_model::Bundle;
use cs_train::recipe::Start;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::run::note;
use crate::settings::Settings;
use crate::trial::Trial;

/// What a trial's metric depends on besides its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchKey {
    /// Fingerprint of the rows to learn from.
    train: String,
    /// Fingerprint of those that choose.
    validation: String,
    /// The model to start from, by its content.
    model: String,
    /// The settings that are not drawn.
    settings: String,
}

impl SearchKey {
    /// Of a search.
    ///
    /// # Errors
    ///
    /// A folder that is no model.
    pub fn new(sets: (&Dataset, &Dataset), start: &Start, settings: &Settings) -> Result<Self> {
        let model = match start {
            Start::Folder(folder) | Start::Trained(folder) => {
                Bundle::open(folder)?.fingerprint()?
            }
            start => format!("{start:?}"),
        };
        let drawn = Settings {
            epochs: None,
            lr: None,
            batch_size: None,
            label_smoothing: None,
            light_dropout: None,
            ..settings.clone()
        };
        Ok(Self {
            train: sets.0.fingerprint(),
            validation: sets.1.fingerprint(),
            model,
            settings: format!("{drawn:?}"),
        })
    }
}

/// A line of the log.
#[derive(Serialize, Deserialize)]
struct Entry<K, T> {
    search: K,
    #[serde(flatten)]
    trial: T,
}

/// A file of trials, one a line, that one search at a time may add to. Trials of other searches
/// stay in it and are not used.
#[derive(Debug)]
pub struct TrialLog {
    path: PathBuf,
    file: File,
    key: SearchKey,
    trials: Vec<Trial>,
}

impl TrialLog {
    /// Opens or makes a log. What a killed search left of a line is cut off.
    ///
    /// # Errors
    ///
    /// A file that cannot be written, or that another search has open; a line that is no trial, by
    /// its number.
    pub fn open(path: &Path, key: SearchKey) -> Result<Self> {
        let options = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path);
        let mut file = options.map_err(Error::io(path))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(Error::Unfit {
                path: path.to_owned(),
                found: "the log of a search that is running".to_owned(),
                expected: "a log of its own",
            });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io(path))?;
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < bytes.len() {
            let cut = bytes.len() - whole;
            note(format_args!(
                "{}: cut off {cut} bytes of a line that was not written to its end",
                path.display()
            ));
            file.set_len(whole as u64).map_err(Error::io(path))?;
            bytes.truncate(whole);
        }
        let (trials, foreign) = read(&bytes, path, &key)?;
        if foreign > 0 {
            note(format_args!(
                "{}: {foreign} trials are of other rows, models or settings, and are not used",
                path.display()
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            key,
            trials,
        })
    }

    /// The trial with these settings, if it was run.
    pub fn find(&self, wanted: &Trial) -> Option<&Trial> {
        self.trials.iter().find(|done| {
            let settings = Trial {
                metric: None,
                ..(*done).clone()
            };
            settings == *wanted
        })
    }

    /// Adds a trial, which outlasts a crash of the machine then.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&mut self, trial: &Trial) -> Result<()> {
        let entry = Entry {
            search: &self.key,
            trial,
        };
        let line = serde_json::to_string(&entry);
        let written = line.map_err(std::io::Error::from).and_then(|line| {
            self.file.seek(SeekFrom::End(0))?;
            self.file.write_all(format!("{line}\n").as_bytes())?;
            self.file.sync_data()
        });
        written.map_err(Error::io(&self.path))
    }
}

/// The trials of a search, and how many lines are of another one.
fn read(bytes: &[u8], path: &Path, key: &SearchKey) -> Result<(Vec<Trial>, usize)> {
    let (mut trials, mut foreign) = (Vec::new(), 0);
    for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let unreadable = |error: serde_json::Error| Error::Line {
            path: path.to_owned(),
            line: number + 1,
            column: error.column(),
            found: "no trial".to_owned(),
            expected: "a line that this example wrote",
        };
        // Of another version's trials, not even the fields need be the same.
        let value: serde_json::Value = serde_json::from_slice(line).map_err(unreadable)?;
        let search = value.get("search").cloned().unwrap_or_default();
        if serde_json::from_value(search).is_ok_and(|search: SearchKey| search == *key) {
            let entry: Entry<SearchKey, Trial> =
                serde_json::from_slice(line).map_err(unreadable)?;
            trials.push(entry.trial);
        } else {
            foreign += 1;
        }
    }
    Ok((trials, foreign))
}

#[cfg(test)]
mod tests {
    use cs_data::Utterance;

    use super::*;

    fn key(text: &str, settings: &Settings) -> SearchKey {
        let data = Dataset::from_utterances([Utterance::new("1", text)]).unwrap();
        SearchKey::new((&data, &data), &Start::Light, settings).unwrap()
    }

    #[test]
    fn trials_are_found_again_by_the_search_that_ran_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let settings = Settings::default();
        let trials = [0, 1].map(|number| Trial {
            metric: Some(0.1 + 0.2 * number as f64),
            ..Trial::draw(number, 1, &settings)
        });
        let wanted = |number| Trial::draw(number, 1, &settings);
        let mut log = TrialLog::open(&path, key("a", &settings)).unwrap();
        assert!(
            TrialLog::open(&path, key("a", &settings)).is_err(),
            "in use"
        );
        for trial in &trials {
            log.add(trial).unwrap();
        }
        drop(log);
        let log = TrialLog::open(&path, key("a", &settings)).unwrap();
        assert_eq!(log.find(&wanted(1)), Some(&trials[1]));
        assert_eq!(log.find(&wanted(2)), None);
        assert_eq!(log.find(&Trial::draw(0, 2, &settings)), None);
        drop(log);

        // Other rows, another setting that is not drawn; one that is drawn is the trial's own.
        let other = |text, settings: Settings| {
            let log = TrialLog::open(&path, key(text, &settings)).unwrap();
            log.find(&wanted(0)).cloned()
        };
        assert_eq!(other("b", settings.clone()), None);
        let patient = Settings {
            patience: Some(9),
            ..settings.clone()
        };
        assert_eq!(other("a", patient), None);
        let longer = Settings {
            epochs: Some(4),
            ..settings.clone()
        };
        assert_eq!(other("a", longer), Some(trials[0].clone()));
    }

    #[test]
    fn a_torn_tail_is_cut_and_a_broken_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let settings = Settings::default();
        let open = || TrialLog::open(&path, key("a", &settings));
        let trial = Trial::draw(0, 1, &settings);
        open().unwrap().add(&trial).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for torn in [1, whole.len() / 2, whole.len() - 1] {
            let bytes = [&whole[..], &whole[..torn]].concat();
            std::fs::write(&path, bytes).unwrap();
            let mut log = open().unwrap();
            assert!(log.find(&trial).is_some());
            assert_eq!(std::fs::read(&path).unwrap(), whole);
            log.add(&trial).unwrap();
            drop(log);
            assert_eq!(std::fs::read(&path).unwrap(), whole.repeat(2));
        }
        std::fs::write(&path, [&whole[..], b"{\"trial\": \n"].concat()).unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("log.jsonl:2:"), "{error}");
        // What an earlier version wrote.
        std::fs::write(&path, b"{\"trial\": 0, \"seed\": 42}\n").unwrap();
        assert!(open().unwrap().find(&trial).is_none());
    }
}
