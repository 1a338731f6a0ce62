//! A model's folder: `config.json`, `tokenizer.json`, weights and `bundle.json`.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use cs_data::Tokenizer;

use super::files::{Files, check_folder, read_manifest};
use super::manifest::{
    CONFIG, MANIFEST, Manifest, TOKENIZER, WEIGHTS, validate_file_name, validate_length,
};
use super::plain::{how_to_convert, plain, plain_sums};
use super::sentence::{LIMITS, Prompts, Sentence, check_pooling};
use super::shards::SHARDS;
use super::switch::Place;
use super::weights::Weights;
use crate::config::EncoderConfig;
use crate::error::{Error, Result};
use crate::file;
use crate::heads::{Calibration, Tasks};

/// An opened model folder, from which configuration, tokenizer and weights are read. A plain
/// Hugging Face folder, without `bundle.json`, opens as an encoder without heads: its longest input
/// is that of `sentence_bert_config.json` (`max_seq_length`), else all its positions, and its
/// vectors are pooled as `1_Pooling/config.json` states, else by the mean.
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
    place: Place,
    config: EncoderConfig,
    tasks: Tasks,
    manifest: Option<Manifest>,
    max_length: usize,
    version: Option<String>,
    lower_case: bool,
}

impl Bundle {
    /// The name of the file of the fp32, fp16 or bf16 weights.
    pub const WEIGHTS: &str = WEIGHTS;
    /// The name of the file of the quantised weights.
    pub const INT8_WEIGHTS: &str = "model.int8.safetensors";
    /// The name of the file of the [prompts](Bundle::prompts), as sentence-transformers writes it.
    pub const PROMPTS: &str = "config_sentence_transformers.json";

    /// Opens a model folder: reads the small files, and checks that every file `bundle.json` lists
    /// is there and has its size. Sums are verified when a file is read: that of the configuration
    /// here, those of tokenizer and weights when they are asked for. Takes about a millisecond.
    ///
    /// # Errors
    /// The folder is not there; a file is missing, damaged or of a newer format (the error names
    /// it); or a value cannot be used.
    pub fn open(dir: &Path) -> Result<Self> {
        check_folder(dir)?;
        let mut listed = read_manifest(dir)?;
        loop {
            let opened = Self::open_listed(listed.as_ref(), dir);
            let now = read_manifest(dir)?;
            // If the bundle was replaced meanwhile, the files are no longer those that this
            // manifest lists.
            if opened.is_ok() || now == listed {
                return opened;
            }
            listed = now;
        }
    }

    fn open_listed(listed: Option<&(Place, Vec<u8>)>, dir: &Path) -> Result<Self> {
        let place = listed.map_or(Place::Home, |(place, _)| *place);
        let path = dir.join(MANIFEST);
        let (manifest, version) = match listed {
            Some((_, bytes)) => {
                let version = file::sha256(bytes)[..VERSION_DIGITS].to_owned();
                (Some(Manifest::parse(bytes, &path)?), Some(version))
            }
            None => (None, None),
        };
        let files = Files {
            dir,
            place,
            manifest: manifest.as_ref(),
        };
        files.check_sizes(&path)?;
        let config = EncoderConfig::from_json(&files.read(CONFIG)?, &dir.join(CONFIG))?;
        if manifest.is_some() {
            files.check_listed(TOKENIZER)?;
        }
        if let Some(manifest) = &manifest {
            manifest
                .validate(&config)
                .map_err(|error| error.in_file(&path))?;
        }
        let sentence = match &manifest {
            Some(_) => Sentence::default(),
            None => Sentence::open(dir, config.hidden_size())?,
        };
        let (tasks, max_length) = match &manifest {
            Some(manifest) => (manifest.tasks.clone(), manifest.max_length),
            None => plain(&sentence, &config),
        };
        Ok(Self {
            dir: dir.to_owned(),
            place,
            config,
            tasks,
            max_length,
            manifest,
            version,
            lower_case: sentence.lower_case,
        })
    }

    /// Whether a folder has a bundle, or a plain folder's configuration, weights or tokenizer: what
    /// a new bundle there would replace. Looks for the files only, not into them.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// assert!(!cs_model::Bundle::is_in(dir.path()));
    /// std::fs::write(dir.path().join("config.json"), "{}")?;
    /// assert!(cs_model::Bundle::is_in(dir.path()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_in(dir: &Path) -> bool {
        let place = Place::of(dir);
        let names = [
            MANIFEST,
            CONFIG,
            TOKENIZER,
            Self::WEIGHTS,
            Self::INT8_WEIGHTS,
            SHARDS,
        ];
        names.iter().any(|name| place.path(dir, name).exists())
    }

    /// Sets another number of tokens as the longest input, for instance fewer for speed, or as many
    /// as the encoder has positions for.
    ///
    /// # Errors
    /// [`Error::Field`] for fewer than 3 or more than the encoder's positions.
    pub fn with_max_length(self, max_length: usize) -> Result<Self> {
        validate_length(max_length, &self.config)?;
        Ok(Self { max_length, ..self })
    }

    /// The path of the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The encoder's configuration.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// The heads and their labels; none for a plain encoder.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The content of `bundle.json`; `None` for a plain Hugging Face folder.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The version, which differs between any two models: the first 12 hexadecimal digits of the
    /// SHA-256 of `bundle.json`, which lists the sums of all other files. `None` for a plain
    /// Hugging Face folder.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Checks that this crate can make the folder's sentence vectors: by a
    /// [`Pooling`](crate::Pooling), with nothing after it that changes their direction. Always true
    /// of a bundle.
    ///
    /// # Errors
    /// [`Error::Field`] names the module of `modules.json` or the pooling of
    /// `1_Pooling/config.json` that this crate does not have. A file that does not parse is an
    /// error as well.
    pub fn check_pooling(&self) -> Result<()> {
        match self.manifest {
            Some(_) => Ok(()),
            None => check_pooling(&self.dir, self.config.hidden_size()),
        }
    }

    /// Reads the texts that the model expects in front of an input, by name, as
    /// `config_sentence_transformers.json` lists them; none without that file.
    ///
    /// # Errors
    /// The file is damaged, or does not list texts by name.
    pub fn prompts(&self) -> Result<Prompts> {
        let path = self.dir.join(Self::PROMPTS);
        match self.files().has(Self::PROMPTS) {
            true => Prompts::parse(&self.files().read(Self::PROMPTS)?, &path),
            false => Ok(Prompts::default()),
        }
    }

    /// How logits become confidences; without a change for a plain folder.
    pub fn calibration(&self) -> Calibration {
        self.manifest
            .as_ref()
            .map(|manifest| manifest.calibration)
            .unwrap_or_default()
    }

    /// The longest input in tokens, special ones included.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Reads the tokenizer from `tokenizer.json`, or from whichever files a plain folder has, with
    /// the words that the model was trained on. It is verified and parsed anew each time, which takes
    /// some 10 ms for 30,000 entries.
    ///
    /// # Errors
    /// The file is missing or damaged, does not parse, or has more entries than the encoder has
    /// embeddings.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let path = self.dir.join(TOKENIZER);
        let tokenizer = match self.manifest.is_some() {
            true => Tokenizer::from_json(&self.files().read(TOKENIZER)?, &path)?,
            false => Tokenizer::open(&self.dir)?,
        };
        let (found, most) = (tokenizer.vocab_size(), self.config.vocab_size());
        if found > most {
            let expected = format!("at most {most}, the vocab_size of {CONFIG}");
            let file = if path.exists() { &path } else { &self.dir };
            return Err(Error::field("vocab_size", found, expected).in_file(file));
        }
        if self.lower_case && tokenizer.encode("A", 16)?.ids != tokenizer.encode("a", 16)?.ids {
            let expected = "false, or a tokenizer that lower-cases";
            let error = Error::field("do_lower_case", true, expected);
            return Err(error.in_file(&self.dir.join(LIMITS)));
        }
        let words = self.manifest.as_ref().map(|manifest| manifest.words);
        Ok(tokenizer.with_words(words.unwrap_or_default()))
    }

    /// Reads the [tokenizer](Self::tokenizer) on a thread of its own while `open` runs on this one,
    /// and gives both results. Loading the weights takes about as long as the tokenizer does.
    pub fn tokenizer_beside<T>(&self, open: impl FnOnce() -> T) -> (Result<Tokenizer>, T) {
        std::thread::scope(|scope| {
            let helper = std::thread::Builder::new().spawn_scoped(scope, || self.tokenizer());
            let opened = open();
            let tokenizer = match helper {
                Ok(helper) => helper.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => self.tokenizer(),
            };
            (tokenizer, opened)
        })
    }

    /// Whether the folder has fp32, fp16 or bf16 weights, in one file or in several.
    pub fn has_weights(&self) -> bool {
        self.files().has(Self::WEIGHTS) || self.is_sharded()
    }

    /// Whether the weights lie in several files. Only those of plain folders may: this crate writes
    /// one file.
    fn is_sharded(&self) -> bool {
        let files = self.files();
        self.manifest.is_none() && !files.has(Self::WEIGHTS) && files.has(SHARDS)
    }

    /// The path that the fp32, fp16 or bf16 weights have if the bundle holds them in one file.
    pub fn weights_path(&self) -> PathBuf {
        self.place.path(&self.dir, Self::WEIGHTS)
    }

    /// The path of the quantised weights, if the bundle has any.
    pub fn int8_path(&self) -> Option<PathBuf> {
        self.files()
            .has(Self::INT8_WEIGHTS)
            .then(|| self.place.path(&self.dir, Self::INT8_WEIGHTS))
    }

    /// Verifies the fp32, fp16 or bf16 weights and reads their header. A tensor is read when it is
    /// asked for, from the same file, and not if the file was written to meanwhile.
    ///
    /// # Errors
    /// A file is missing, damaged or not in the safetensors format; if the weights are in another
    /// known format, the error tells how to convert them.
    pub fn weights(&self) -> Result<Weights> {
        let weights = self.unverified_weights()?;
        weights.verify()?;
        Ok(weights)
    }

    /// Reads the header of the weights as [`weights`](Self::weights) does, but leaves it to the
    /// caller to [verify](Weights::verify) them while they are read: what was read counts only if
    /// that succeeds.
    ///
    /// # Errors
    /// A file is missing or not in the safetensors format.
    pub fn unverified_weights(&self) -> Result<Weights> {
        if self.is_sharded() {
            return Weights::open_sharded(&self.dir.join(SHARDS));
        }
        let unreadable = self.manifest.is_none() && !self.has_weights();
        if let Some(needed_by) = unreadable.then(|| how_to_convert(&self.dir)).flatten() {
            let path = self.weights_path();
            return Err(Error::Missing { path, needed_by });
        }
        self.files().weights(Self::WEIGHTS)
    }

    /// Verifies the quantised weights and reads their header; `None` if the bundle has none.
    ///
    /// # Errors
    /// The file is damaged or not in the safetensors format.
    pub fn int8_weights(&self) -> Result<Option<Weights>> {
        let weights = self.unverified_int8_weights()?;
        if let Some(weights) = &weights {
            weights.verify()?;
        }
        Ok(weights)
    }

    /// Reads the header of the quantised weights as [`int8_weights`](Self::int8_weights) does, but
    /// leaves it to the caller to [verify](Weights::verify) them while they are read.
    ///
    /// # Errors
    /// The file is not in the safetensors format.
    pub fn unverified_int8_weights(&self) -> Result<Option<Weights>> {
        let files = self.files();
        files
            .has(Self::INT8_WEIGHTS)
            .then(|| files.weights(Self::INT8_WEIGHTS))
            .transpose()
    }

    /// Reads and verifies any file of the bundle.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        validate_file_name(name)?;
        self.files().read(name)
    }

    /// Computes the SHA-256 of the sums of all files of the model, in hexadecimal digits: equal for
    /// equal content. Reads the weights of a plain folder, whose sums are listed nowhere.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let sums = match &self.manifest {
            Some(manifest) => manifest.files.clone(),
            None => plain_sums(&self.files(), self.is_sharded())?,
        };
        let lines = sums
            .iter()
            .map(|(name, sum)| format!("{name} {}\n", sum.sha256));
        Ok(file::sha256(lines.collect::<String>().as_bytes()))
    }

    fn files(&self) -> Files<'_> {
        Files {
            dir: &self.dir,
            place: self.place,
            manifest: self.manifest.as_ref(),
        }
    }
}

/// The number of hexadecimal digits of a [version](Bundle::version).
const VERSION_DIGITS: usize = 12;
