//! A model's folder: `config.json`, `tokenizer.json`, weights and `bundle.json`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cs_data::Tokenizer;

use crate::calibration::Calibration;
use crate::config::EncoderConfig;
use crate::error::{Error, Result};
use crate::file::{self, OpenFile};
use crate::manifest::{FileSum, Manifest, validate_file_name};
use crate::tasks::Tasks;
use crate::weights::Weights;

pub(crate) const MANIFEST: &str = "bundle.json";
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// Longest input of a plain encoder folder, in tokens, unless it has fewer positions.
const DEFAULT_MAX_LENGTH: usize = 128;

/// An opened model folder. A plain Hugging Face folder, without `bundle.json`, opens as an encoder
/// without heads.
///
/// ```
/// use cs_data::Tokenizer;
/// use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Tasks};
///
/// # let dir = tempfile::tempdir()?;
/// # let dir = dir.path();
/// let tokenizer = Tokenizer::train(["where is my order", "退款"].into_iter(), 100)?;
/// let config = BiLstmConfig { vocab_size: tokenizer.vocab_size(), ..Default::default() };
///
/// let mut writer = BundleWriter::new(dir)?;
/// writer.write("config.json", &EncoderConfig::from(config).to_json()?)?;
/// writer.write("tokenizer.json", &tokenizer.to_json()?)?;
/// writer.finish(Manifest::new(Tasks { sentiment: true, ..Tasks::default() }, 64))?;
///
/// let bundle = Bundle::open(dir)?;
/// assert!(bundle.tasks().sentiment);
/// assert_eq!(bundle.max_length(), 64);
/// assert!(bundle.tokenizer()?.encode("my order", bundle.max_length())?.ids.len() >= 4);
/// assert!(bundle.int8_weights()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bundle {
    dir: PathBuf,
    config: EncoderConfig,
    tasks: Tasks,
    manifest: Option<Manifest>,
    max_length: usize,
    /// The verified `tokenizer.json`, if there is one.
    tokenizer: Option<Vec<u8>>,
}

impl Bundle {
    /// File of the fp32, fp16 or bf16 weights.
    pub const WEIGHTS: &str = "model.safetensors";
    /// File of the quantised weights.
    pub const INT8_WEIGHTS: &str = "model.int8.safetensors";

    /// Opens a folder: reads the small files, and checks that every file `bundle.json` lists is
    /// there and has its size. Sums are verified when a file is read: configuration and tokenizer
    /// here, weights when asked for. Takes a few milliseconds.
    ///
    /// # Errors
    /// A file that is missing, damaged or of a newer format, by name; a value that cannot be used.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(MANIFEST);
        let manifest = match std::fs::read(&path) {
            Ok(bytes) => Some(Manifest::parse(&bytes, &path)?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(&path)(error)),
        };
        for (name, sum) in manifest.iter().flat_map(|manifest| &manifest.files) {
            validate_file_name(name).map_err(|error| error.in_file(&path))?;
            check_size(&dir.join(name), sum)?;
        }
        let files = Files {
            dir,
            manifest: manifest.as_ref(),
        };
        let config = EncoderConfig::from_json(&files.read(CONFIG)?, &dir.join(CONFIG))?;
        let tokenizer = match manifest.is_some() || dir.join(TOKENIZER).exists() {
            true => Some(files.read(TOKENIZER)?),
            false => None,
        };
        if let Some(manifest) = &manifest {
            manifest
                .validate(&config)
                .map_err(|error| error.in_file(&path))?;
        }
        let positions = config.max_positions().unwrap_or(DEFAULT_MAX_LENGTH);
        let max_length = manifest.as_ref().map(|manifest| manifest.max_length);
        Ok(Self {
            dir: dir.to_owned(),
            config,
            tasks: manifest
                .as_ref()
                .map(|manifest| manifest.tasks.clone())
                .unwrap_or_default(),
            max_length: max_length.unwrap_or(positions.min(DEFAULT_MAX_LENGTH)),
            manifest,
            tokenizer,
        })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The encoder.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The heads; none for a plain encoder.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The `bundle.json`; `None` for a plain Hugging Face folder.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// How logits become confidences.
    pub fn calibration(&self) -> Calibration {
        self.manifest
            .as_ref()
            .map(|manifest| manifest.calibration)
            .unwrap_or_default()
    }

    /// Longest input in tokens, special ones included.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// The tokenizer: `tokenizer.json`, or `vocab.txt` in a plain folder, with the words that the model was
    /// trained on. Parses anew each time,
    /// some 50 ms for 30,000 entries.
    ///
    /// # Errors
    /// A file that does not parse, or has more entries than the encoder has embeddings.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let path = self.dir.join(TOKENIZER);
        let tokenizer = match &self.tokenizer {
            Some(json) => Tokenizer::from_json(json, &path)?,
            None => Tokenizer::open(&self.dir)?,
        };
        let (found, most) = (tokenizer.vocab_size(), self.config.vocab_size());
        if found > most {
            let expected = format!("at most {most}, the vocab_size of {CONFIG}");
            let file = if self.tokenizer.is_some() {
                path
            } else {
                self.dir.join("vocab.txt")
            };
            return Err(Error::field("vocab_size", found, expected).in_file(&file));
        }
        let words = self.manifest.as_ref().map(|manifest| manifest.words);
        Ok(tokenizer.with_words(words.unwrap_or_default()))
    }

    /// Where the fp32, fp16 or bf16 weights are, if the bundle has any.
    pub fn weights_path(&self) -> PathBuf {
        self.dir.join(Self::WEIGHTS)
    }

    /// Where the quantised weights are, if the bundle has any.
    pub fn int8_path(&self) -> Option<PathBuf> {
        self.files()
            .has(Self::INT8_WEIGHTS)
            .then(|| self.dir.join(Self::INT8_WEIGHTS))
    }

    /// Verifies the fp32, fp16 or bf16 weights and reads their header; tensors are read when they
    /// are asked for, from the same file, and not if it was written to meanwhile.
    ///
    /// # Errors
    /// A missing, damaged or foreign file.
    pub fn weights(&self) -> Result<Weights> {
        Weights::from_file(self.files().open(Self::WEIGHTS)?, &self.weights_path())
    }

    /// Verifies the quantised weights and reads their header; `None` if the bundle has none.
    ///
    /// # Errors
    /// A damaged or foreign file.
    pub fn int8_weights(&self) -> Result<Option<Weights>> {
        let Some(path) = self.int8_path() else {
            return Ok(None);
        };
        Weights::from_file(self.files().open(Self::INT8_WEIGHTS)?, &path).map(Some)
    }

    /// Reads and verifies any file of the bundle.
    ///
    /// # Errors
    /// A missing or damaged file.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        validate_file_name(name)?;
        self.files().read(name)
    }

    fn files(&self) -> Files<'_> {
        Files {
            dir: &self.dir,
            manifest: self.manifest.as_ref(),
        }
    }
}

struct Files<'a> {
    dir: &'a Path,
    manifest: Option<&'a Manifest>,
}

impl Files<'_> {
    /// What `bundle.json` does not list is no part of the bundle.
    fn has(&self, name: &str) -> bool {
        match self.manifest {
            Some(manifest) => manifest.files.contains_key(name),
            None => self.dir.join(name).is_file(),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.path(name)?;
        let bytes = file::read(&path)?;
        if let Some(sum) = self.sum(name) {
            same(&path, "sha256", &sum.sha256, file::sha256(&bytes))?;
        }
        Ok(bytes)
    }

    /// A file that is there and has the right sum, for what is too large to be held.
    fn open(&self, name: &str) -> Result<OpenFile> {
        let path = self.path(name)?;
        let mut file = OpenFile::open(&path)?;
        if let Some(sum) = self.sum(name) {
            same(&path, "sha256", &sum.sha256, file.sha256()?)?;
        }
        Ok(file)
    }

    fn sum(&self, name: &str) -> Option<&FileSum> {
        self.manifest.and_then(|manifest| manifest.files.get(name))
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        if !self.has(name) {
            let needed_by = match self.manifest {
                Some(_) => format!("{MANIFEST} does not list it"),
                None => "a model folder needs it".to_owned(),
            };
            return Err(Error::Missing { path, needed_by });
        }
        Ok(path)
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

fn same(path: &Path, what: &'static str, expected: &str, found: String) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Sum {
        path: path.to_owned(),
        what,
        expected: expected.to_owned(),
        found,
    })
}
