//! Writing a bundle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::folder::Bundle;
use super::manifest::{
    CONFIG, FORMAT_VERSION, FileSum, MANIFEST, Manifest, TOKENIZER, validate_file_name,
};
use super::switch::{self, Staging};
use crate::config::EncoderConfig;
use crate::error::{Error, Result};
use crate::file;

/// Writes a bundle's files into a hidden folder inside the target, which becomes the bundle all at
/// once in [`finish`](BundleWriter::finish): a crash at any point leaves the bundle that was there,
/// or the new one, for [`Bundle::open`] to read. A writer that is dropped before that leaves the
/// target as it was. Whatever else is in the target stays there.
///
/// See [`Bundle`] for an example.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// let mut writer = cs_model::BundleWriter::new(dir.path())?;
/// writer.write("tokenizer.json", b"{}")?;
/// drop(writer);
/// assert_eq!(std::fs::read_dir(dir.path())?.count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BundleWriter {
    dir: PathBuf,
    staging: Staging,
    files: BTreeMap<String, FileSum>,
}

impl BundleWriter {
    /// Starts a bundle in `dir`, which is made if need be.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            staging: Staging::new(dir).map_err(Error::io(dir))?,
            files: BTreeMap::new(),
        })
    }

    /// Adds a file of this content.
    ///
    /// # Errors
    /// `name` is a path rather than a name, or writing fails.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_with(name, |path| {
            switch::step(|| std::fs::write(path, bytes)).map_err(Error::io(path))
        })
    }

    /// Adds a file that `write` puts at the path it is given.
    ///
    /// # Errors
    /// `name` is a path rather than a name, or `write` fails or has written nothing.
    pub fn write_with<E: From<Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        validate_file_name(name)?;
        let path = self.staging.path().join(name);
        write(&path)?;
        switch::sync(&path).map_err(Error::io(&path))?;
        let (sha256, bytes) = file::sha256_of_file(&path)?;
        self.files
            .insert(name.to_owned(), FileSum { sha256, bytes });
        Ok(())
    }

    /// Adds a file of another bundle, verified and unchanged.
    ///
    /// # Errors
    /// The file is missing or damaged, or writing fails.
    pub fn copy_from(&mut self, bundle: &Bundle, name: &str) -> Result<()> {
        self.write(name, &bundle.read(name)?)
    }

    /// Makes the files the bundle of the folder. The manifest's version and list of files are
    /// filled in. Files of an older bundle that are not written anew stay, unlisted.
    ///
    /// # Errors
    /// `config.json` or `tokenizer.json` was not written, a value cannot be used, or a file cannot
    /// be moved.
    pub fn finish(self, mut manifest: Manifest) -> Result<()> {
        for name in [CONFIG, TOKENIZER] {
            if !self.files.contains_key(name) {
                let (path, needed_by) = (self.dir.join(name), "every bundle has one".to_owned());
                return Err(Error::Missing { path, needed_by });
            }
        }
        let config = EncoderConfig::open(self.staging.path())?;
        manifest.format_version = FORMAT_VERSION;
        manifest.files = self.files;
        manifest.validate(&config)?;
        let path = self.dir.join(MANIFEST);
        let mut json = serde_json::to_vec_pretty(&manifest)
            .map_err(|source| Error::json(&path, b"", source))?;
        json.push(b'\n');
        // It is read back, so that nothing is written that a reader would refuse.
        Manifest::parse(&json, &path)?;
        let staged = self.staging.path().join(MANIFEST);
        switch::step(|| std::fs::write(&staged, &json))
            .and_then(|()| switch::sync(&staged))
            .and_then(|()| self.staging.publish(&self.dir))
            .map_err(Error::io(&self.dir))
    }
}

#[cfg(test)]
mod tests {
    use cs_data::Tokenizer;

    use super::*;
    use crate::bundle::switch::crash;
    use crate::config::BiLstmConfig;
    use crate::heads::Tasks;

    fn write(dir: &Path, seed: usize) -> Result<()> {
        let text = ["where is my order", "我要退款", "a refund, please"][seed % 3];
        let tokenizer = Tokenizer::train([text].into_iter(), 60)?;
        let config = BiLstmConfig {
            vocab_size: 60,
            hidden_size: 2 + seed,
            ..BiLstmConfig::default()
        };
        let mut writer = BundleWriter::new(dir)?;
        writer.write(CONFIG, &EncoderConfig::from(config).to_json()?)?;
        writer.write(TOKENIZER, &tokenizer.to_json()?)?;
        writer.write("notes.txt", format!("written {seed}").as_bytes())?;
        let manifest = Manifest::new(Tasks::default(), 10 + seed);
        writer.finish(manifest)
    }

    /// Which of the bundles is there, whole.
    fn found(dir: &Path) -> Option<usize> {
        let bundle = Bundle::open(dir).ok().filter(|b| b.manifest().is_some())?;
        bundle.tokenizer().unwrap();
        let seed = bundle.max_length() - 10;
        assert_eq!(bundle.config().hidden_size(), 2 * (2 + seed));
        let notes = bundle.read("notes.txt").unwrap();
        assert_eq!(notes, format!("written {seed}").as_bytes());
        Some(seed)
    }

    #[test]
    fn a_crash_at_any_point_leaves_the_old_bundle_or_the_new_one() {
        for old in [None, Some(1)] {
            let mut seen = Vec::new();
            for crash in 0.. {
                let dir = tempfile::tempdir().unwrap();
                let kept = dir.path().join("checkpoints");
                std::fs::create_dir(&kept).unwrap();
                if let Some(old) = old {
                    write(dir.path(), old).unwrap();
                }
                crash::after(crash);
                let written = write(dir.path(), 2);
                crash::after(usize::MAX);
                let now = found(dir.path());
                assert!(now == old || now == Some(2), "{now:?} at {crash}");
                seen.push(now);
                // Whoever writes next takes over from there.
                write(dir.path(), 3).unwrap();
                assert_eq!(found(dir.path()), Some(3));
                let names = std::fs::read_dir(dir.path()).unwrap();
                let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
                assert!(kept.is_dir() && names.len() == 5, "{names:?} at {crash}");
                if written.is_ok() {
                    break;
                }
            }
            assert!(seen.len() > 15, "{seen:?}");
            assert!(seen.is_sorted_by_key(|now| *now == Some(2)), "{seen:?}");
            assert!(seen.iter().filter(|now| **now == Some(2)).count() > 5);
        }
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join(".bundle-left");
        std::fs::create_dir(&left).unwrap();
        std::fs::write(left.join("config.json"), b"{").unwrap();
        let living = BundleWriter::new(dir.path()).unwrap();
        write(dir.path(), 1).unwrap();
        assert!(!left.exists());
        assert!(living.staging.path().is_dir());
        drop(living);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4);
    }
}
