//! The texts that were answered, by the intent and the vector that the light model gives them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::meaning::Meaning;
use super::question::Key;

/// The versions whose texts are held: the present one, and the one that is about to go.
const VERSIONS: usize = 2;

/// Texts by version and intent. A search is a scan over the texts of one intent: exact, and with a
/// thousand of them some microseconds, as a text whose meaning disagrees costs a comparison.
#[derive(Debug)]
pub(super) struct Index {
    most: usize,
    versions: RwLock<Vec<(Arc<str>, Intents)>>,
}

/// The texts by intent.
type Intents = HashMap<Box<str>, Arc<RwLock<Texts>>>;

/// The texts of an intent. Once they are as many as may be, the oldest goes.
#[derive(Debug, Default)]
struct Texts {
    width: usize,
    vectors: Vec<f32>,
    rows: Vec<(Meaning, Key)>,
    oldest: usize,
}

impl Index {
    /// Makes an index that holds at most `most` texts of an intent.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            versions: RwLock::default(),
        }
    }

    fn texts(&self, version: &str, intent: &str) -> Option<Arc<RwLock<Texts>>> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let (_, intents) = versions.iter().find(|(of, _)| **of == *version)?;
        intents.get(intent).map(Arc::clone)
    }

    /// Gives the nearest text that means the same, if it is no farther than `most` away.
    pub(super) fn nearest(
        &self,
        version: &str,
        intent: &str,
        meaning: &Meaning,
        vector: &[f32],
        most: f32,
    ) -> Option<Key> {
        let vector = unit(vector)?;
        let texts = self.texts(version, intent)?;
        let texts = texts.read().unwrap_or_else(PoisonError::into_inner);
        if texts.width != vector.len() {
            return None;
        }
        let mut best = None;
        let mut least = 1.0 - most;
        for (row, (of, key)) in texts.vectors.chunks_exact(texts.width).zip(&texts.rows) {
            if of == meaning {
                let similarity = dot(row, &vector);
                if similarity >= least {
                    (least, best) = (similarity, Some(key));
                }
            }
        }
        best.cloned()
    }

    /// Adds a text; in the place of the same one, if it is there.
    pub(super) fn insert(&self, intent: &str, key: &Key, meaning: Meaning, vector: &[f32]) {
        let Some(vector) = unit(vector) else {
            return;
        };
        let texts = match self.texts(&key.version, intent) {
            Some(texts) => texts,
            None => self.add(&key.version, intent),
        };
        let mut texts = texts.write().unwrap_or_else(PoisonError::into_inner);
        if texts.width != vector.len() {
            *texts = Texts {
                width: vector.len(),
                ..Texts::default()
            };
        }
        texts.insert((meaning, key.clone()), &vector, self.most);
    }

    fn add(&self, version: &Arc<str>, intent: &str) -> Arc<RwLock<Texts>> {
        let mut versions = self
            .versions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let at = match versions.iter().position(|(of, _)| of == version) {
            Some(at) => at,
            None => {
                if versions.len() == VERSIONS {
                    versions.remove(0);
                }
                versions.push((Arc::clone(version), Intents::new()));
                versions.len() - 1
            }
        };
        Arc::clone(versions[at].1.entry(intent.into()).or_default())
    }

    /// Removes a text.
    pub(super) fn remove(&self, intent: &str, key: &Key) {
        if let Some(texts) = self.texts(&key.version, intent) {
            let mut texts = texts.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(row) = texts.rows.iter().position(|(_, of)| of == key) {
                texts.remove(row);
            }
        }
    }
}

impl Texts {
    fn insert(&mut self, row: (Meaning, Key), vector: &[f32], most: usize) {
        let same = self.rows.iter().position(|(_, key)| *key == row.1);
        let at = match same {
            Some(at) => at,
            None if self.rows.len() >= most => {
                let at = self.oldest % self.rows.len().max(1);
                self.oldest = at + 1;
                at
            }
            None => {
                self.rows.push(row);
                self.vectors.extend_from_slice(vector);
                return;
            }
        };
        self.rows[at] = row;
        self.vectors[at * self.width..][..self.width].copy_from_slice(vector);
    }

    fn remove(&mut self, row: usize) {
        let last = self.rows.len() - 1;
        self.rows.swap_remove(row);
        let (from, to) = (last * self.width, row * self.width);
        self.vectors.copy_within(from..from + self.width, to);
        self.vectors.truncate(from);
    }
}

/// The vector at length 1; `None` for one without a direction.
pub(super) fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = dot(vector, vector).sqrt();
    let has_direction = length > 0.0 && length.is_finite();
    has_direction.then(|| vector.iter().map(|x| x / length).collect())
}

/// The product of two vectors of one length, in eight sums that the compiler adds at once.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_rows, a_rest) = a.as_chunks::<8>();
    let (b_rows, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_rows.iter().zip(b_rows) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
