//! Reading a bundle's files: those that its manifest lists, verified, whichever folder they are in.

use std::io::ErrorKind;
use std::path::Path;

use super::manifest::{FileSum, MANIFEST, Manifest, validate_file_name};
use super::switch::Place;
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::file::{self, OpenFile, same};

/// The files of an opened folder.
pub(crate) struct Files<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) place: Place,
    /// The manifest, which lists the files that belong to the bundle; `None` in a plain folder.
    pub(crate) manifest: Option<&'a Manifest>,
}

impl Files<'_> {
    /// Whether a file belongs to the bundle: what `bundle.json` does not list is no part of it.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self.manifest {
            Some(manifest) => manifest.files.contains_key(name),
            None => self.dir.join(name).is_file(),
        }
    }

    /// Checks that every file of the manifest, which was read from `path`, is there and has its
    /// size.
    pub(crate) fn check_sizes(&self, path: &Path) -> Result<()> {
        let listed = self.manifest.iter().flat_map(|manifest| &manifest.files);
        for (name, sum) in listed {
            validate_file_name(name).map_err(|error| error.in_file(path))?;
            at(self.place, self.dir, name, |path| check_size(path, sum))?;
        }
        Ok(())
    }

    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>> {
        self.check_listed(name)?;
        at(self.place, self.dir, name, |path| {
            let bytes = file::read(path)?;
            if let Some(sum) = self.sum(name) {
                same(path, "sha256", &sum.sha256, file::sha256(&bytes))?;
            }
            Ok(bytes)
        })
    }

    /// Reads the header of a weights file that is there. Comparing its sum is left to
    /// [`Weights::verify`], except that a header that cannot be read is reported as a wrong sum if
    /// the sum is wrong.
    pub(crate) fn weights(&self, name: &str) -> Result<Weights> {
        self.check_listed(name)?;
        at(self.place, self.dir, name, |path| {
            let sum = self.sum(name).map(|sum| sum.sha256.clone());
            let header = Weights::from_file(OpenFile::open(path)?, path);
            match (header, sum) {
                (Ok(weights), sum) => Ok(weights.with_sum(sum)),
                (Err(error @ Error::Safetensors { .. }), Some(sum)) => {
                    same(path, "sha256", &sum, OpenFile::open(path)?.sha256()?)?;
                    Err(error)
                }
                (Err(error), _) => Err(error),
            }
        })
    }

    fn sum(&self, name: &str) -> Option<&FileSum> {
        self.manifest.and_then(|manifest| manifest.files.get(name))
    }

    pub(crate) fn check_listed(&self, name: &str) -> Result<()> {
        if !self.has(name) {
            let path = self.dir.join(name);
            let needed_by = match self.manifest {
                Some(_) => format!("{MANIFEST} does not list it"),
                None => "a model folder needs it".to_owned(),
            };
            return Err(Error::Missing { path, needed_by });
        }
        Ok(())
    }
}

/// Reads the `bundle.json` of the newest bundle, and finds which folder its files are in; `None`
/// for a plain folder.
pub(crate) fn read_manifest(dir: &Path) -> Result<Option<(Place, Vec<u8>)>> {
    let place = Place::of(dir);
    match at(place, dir, MANIFEST, file::read) {
        Ok(bytes) => Ok(Some((place, bytes))),
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file of the newest bundle, which may be moved to the folder itself at this moment.
fn at<T>(place: Place, dir: &Path, name: &str, read: impl Fn(&Path) -> Result<T>) -> Result<T> {
    let path = place.path(dir, name);
    let home = dir.join(name);
    match read(&path) {
        Err(Error::Io { .. } | Error::Missing { .. }) if path != home && !path.exists() => {
            read(&home)
        }
        done => done,
    }
}

fn check_size(path: &Path, sum: &FileSum) -> Result<()> {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let needed_by = format!("{MANIFEST} lists it");
            return Err(Error::Missing {
                path: path.to_owned(),
                needed_by,
            });
        }
        Err(error) => return Err(Error::io(path)(error)),
    };
    same(
        path,
        "size in bytes",
        &sum.bytes.to_string(),
        found.to_string(),
    )
}

/// Checks that there is a folder.
pub(super) fn check_folder(dir: &Path) -> Result<()> {
    let found = match std::fs::metadata(dir) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "a file",
        Err(error) if error.kind() == ErrorKind::NotFound => "no such folder",
        Err(error) => return Err(Error::io(dir)(error)),
    };
    Err(Error::Folder {
        path: dir.to_owned(),
        found,
    })
}
