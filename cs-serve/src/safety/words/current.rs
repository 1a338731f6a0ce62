//! One version of the words, and the next one in its place.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::super::error::ListError;
use super::filter::Filter;

/// Gives the words as they are now.
type Read = dyn Fn() -> Result<Filter, ListError> + Send + Sync;

/// The words that are looked for now. A new version takes the old one's place at once, while whoever has the old one
/// goes on with it.
///
/// ```
/// use cs_serve::safety::words::{CurrentFilter, Filter, FilterConfig, WordList};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("words.tsv");
/// std::fs::write(&path, "rascal")?;
/// let file = path.clone();
/// let words = CurrentFilter::open(move || Ok(Filter::new(WordList::open(&file)?, FilterConfig::default())))?;
/// let before = words.get();
/// std::fs::write(&path, "rogue")?;
/// words.reload()?;
/// assert_eq!(words.get().filter("rascal or rogue").masked, "rascal or *****");
/// assert_eq!(before.filter("rascal or rogue").masked, "****** or rogue");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CurrentFilter {
    read: Box<Read>,
    current: RwLock<Arc<Filter>>,
    /// Held while words are read, which one does at a time.
    reading: Mutex<()>,
}

impl CurrentFilter {
    /// Reads words for the first time, by what also reads them later.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn open(
        read: impl Fn() -> Result<Filter, ListError> + Send + Sync + 'static,
    ) -> Result<Self, ListError> {
        let current = RwLock::new(Arc::new(read()?));
        Ok(Self {
            read: Box::new(read),
            current,
            reading: Mutex::new(()),
        })
    }

    /// Gives the version that filters now.
    pub fn get(&self) -> Arc<Filter> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the words anew, which are looked for from then on. Until then the old ones are, and they stay if the
    /// new ones cannot be read.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn reload(&self) -> Result<Arc<Filter>, ListError> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new((self.read)()?);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::clone(&next));
        drop(current);
        drop(old); // a large one takes a while, which nobody waits for
        Ok(next)
    }
}

impl fmt::Debug for CurrentFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentFilter").field(&self.get()).finish()
    }
}
