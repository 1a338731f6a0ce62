//! What `filter` and `serve` hold texts against: lists of words, and prohibited meanings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cs_model::Bundle;
use cs_serve::RuntimeConfig;
use cs_serve::reply::retrieval::{Embedder, NativeEmbedder};
use cs_serve::safety::ListError;
use cs_serve::safety::meaning::{Exemplar, ExemplarList, Likeness, Meaning};
use cs_serve::safety::words::{Filter, FilterConfig, WordList};

use crate::error::{Error, Result};

/// The share of ordinary texts that may be taken for prohibited ones.
const MAX_ALARMS: f64 = 0.005;
/// The most ordinary texts: each one is embedded at start.
const MOST_ORDINARY: usize = 20_000;
/// Texts that are embedded at once.
const BATCH: usize = 32;

/// Reads lists of words.
///
/// # Errors
///
/// One that cannot be read or is none, and lists without a word.
pub fn open_words(paths: &[PathBuf], config: FilterConfig) -> Result<Filter, ListError> {
    let mut words = WordList::new();
    for path in paths {
        let read = std::fs::read(path).map_err(|source| ListError::Io {
            path: path.clone(),
            source,
        })?;
        words.add(&read, path)?;
    }
    match (words.is_empty(), paths.first()) {
        (true, Some(path)) => Err(ListError::Empty { path: path.clone() }),
        _ => Ok(Filter::new(words, config)),
    }
}

/// What tells prohibited meanings, by a folder of three: an encoder; `exemplars.tsv`, a list of prohibited texts, and of fine
/// ones that are like them; and `ordinary.txt`, ordinary texts, a line each, of which at most one in 200 may alarm.
pub struct Semantic {
    /// The prohibited meanings.
    pub meaning: Meaning,
    /// What makes vectors of texts.
    pub embedder: Arc<dyn Embedder>,
}

impl Semantic {
    /// Opens a folder. Takes the encoder's time for each text in it.
    ///
    /// # Errors
    ///
    /// A file that is missing or none, and ordinary texts that are too few or too many.
    pub fn open(dir: &Path, runtime: &RuntimeConfig) -> Result<Self> {
        let path = dir.join("exemplars.tsv");
        let read = |path: &Path| std::fs::read(path).map_err(Error::io(path));
        let list = ExemplarList::read(&read(&path)?, &path)?;
        let ordinary = ordinary_texts(&dir.join("ordinary.txt"))?;
        let embedder = open_embedder(dir, runtime)?;
        let embed = |texts: &[&str]| embed(&*embedder, texts, dir);
        let vectors = embed(&texts(list.prohibited.iter().map(|it| &it.text)))?;
        let exemplars = list.prohibited.into_iter().zip(vectors);
        let exemplars = exemplars.map(|(it, vector)| Exemplar {
            category: it.category,
            severity: it.severity,
            action: it.action,
            vector,
        });
        let meaning = Meaning::fit(
            exemplars.collect(),
            embed(&texts(list.fine.iter()))?,
            &embed(&texts(ordinary.iter()))?,
            MAX_ALARMS,
        );
        let meaning = meaning.map_err(|source| Error::Meaning {
            path: dir.into(),
            source,
        })?;
        Ok(Self { meaning, embedder })
    }

    /// Gives what a text is like that is prohibited.
    ///
    /// # Errors
    ///
    /// A text that cannot be embedded.
    pub fn prohibited(&self, text: &str) -> Result<Option<Likeness<'_>>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let place = Path::new("<text>");
        let vectors = embed(&*self.embedder, &[text], place)?;
        let prohibited = self.meaning.prohibited(&vectors[0]);
        prohibited.map_err(|source| Error::Meaning {
            path: place.into(),
            source,
        })
    }
}

impl std::fmt::Debug for Semantic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Semantic")
            .field("threshold", &self.meaning.threshold())
            .finish_non_exhaustive()
    }
}

/// Opens an encoder that makes vectors of texts.
///
/// # Errors
///
/// A folder that is none, or whose encoder cannot be computed here.
pub(crate) fn open_embedder(dir: &Path, runtime: &RuntimeConfig) -> Result<Arc<dyn Embedder>> {
    /// What multilingual-e5 has before a question.
    const PREFIX: &str = "query: ";
    let bundle = Bundle::open(dir)?;
    Ok(Arc::new(NativeEmbedder::open(&bundle, PREFIX, runtime)?))
}

fn texts<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    texts.map(String::as_str).collect()
}

/// The lines of a file that have a text.
fn ordinary_texts(path: &Path) -> Result<Vec<String>> {
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    let unfit = |found, expected| Error::Unfit {
        path: path.into(),
        found,
        expected,
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        unfit(format!("no UTF-8 after {valid} bytes"), "a text a line")
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    match lines.len() {
        count if count > MOST_ORDINARY => {
            Err(unfit(format!("{count} texts"), "at most 20,000 of them"))
        }
        _ => Ok(lines),
    }
}

fn embed(embedder: &dyn Embedder, texts: &[&str], path: &Path) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        let embedded = embedder.embed(batch).map_err(|source| Error::Embedding {
            path: path.into(),
            source,
        })?;
        vectors.extend(embedded);
    }
    Ok(vectors)
}
