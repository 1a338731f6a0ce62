//! Writing a bundle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::bundle::{Bundle, CONFIG, MANIFEST, TOKENIZER};
use crate::config::EncoderConfig;
use crate::error::{Error, Result};
use crate::file;
use crate::manifest::{FORMAT_VERSION, FileSum, Manifest, validate_file_name};

/// Writes a bundle's files: first into a hidden folder inside the target, then, in
/// [`finish`](BundleWriter::finish), each to its place by renaming, `bundle.json` last. A writer
/// that is dropped before leaves the target as it was.
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
    staging: TempDir,
    files: BTreeMap<String, FileSum>,
}

impl BundleWriter {
    /// Starts a bundle in `dir`, which is made if need be.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let staging = tempfile::Builder::new().prefix(".bundle-").tempdir_in(dir);
        let staging = staging.map_err(Error::io(dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            staging,
            files: BTreeMap::new(),
        })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If `name` is a path rather than a name, or writing fails.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write_with(name, |path| {
            std::fs::write(path, bytes).map_err(Error::io(path))
        })
    }

    /// Adds a file that `write` puts at the path it is given.
    ///
    /// # Errors
    /// If `name` is a path rather than a name, `write` fails, or wrote nothing.
    pub fn write_with<E: From<Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        validate_file_name(name)?;
        let path = self.staging.path().join(name);
        write(&path)?;
        let (sha256, bytes) = file::sha256_of_file(&path)?;
        self.files
            .insert(name.to_owned(), FileSum { sha256, bytes });
        Ok(())
    }

    /// Adds a file of another bundle, verified, unchanged.
    ///
    /// # Errors
    /// If it is missing or damaged, or writing fails.
    pub fn copy_from(&mut self, bundle: &Bundle, name: &str) -> Result<()> {
        self.write(name, &bundle.read(name)?)
    }

    /// Puts all files in their places, then `bundle.json`. The manifest's version and list of
    /// files are filled in; files of an older bundle that are not written anew stay, unlisted.
    ///
    /// # Errors
    /// If `config.json` or `tokenizer.json` was not written, a value cannot be used, or a file
    /// cannot be moved.
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
        // Read it back: what this writer cannot read it does not write.
        Manifest::parse(&json, &path)?;
        for name in manifest.files.keys() {
            let staged = self.staging.path().join(name);
            let synced = std::fs::File::open(&staged).and_then(|file| file.sync_all());
            let target = self.dir.join(name);
            synced
                .and_then(|()| std::fs::rename(&staged, &target))
                .map_err(Error::io(&target))?;
        }
        file::write_atomically(&path, |out| out.write_all(&json))
    }
}
