//! One version of what is known, and the next one in its place.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::check::{Checked, Checker};
use super::error::KnowledgeError;
use super::facts::Facts;
use super::linking::{Linker, LinkerConfig};

/// One version of facts, with what finds their names in texts and what holds replies against them.
pub struct Knowledge {
    facts: Arc<dyn Facts>,
    linker: Arc<Linker>,
    checker: Checker,
}

impl Knowledge {
    /// Reads the names and the properties of a graph.
    ///
    /// # Errors
    /// The graph cannot be read, or has more names than can be looked for.
    pub fn new(facts: Arc<dyn Facts>) -> Result<Self, KnowledgeError> {
        let linker = Arc::new(Linker::new(facts.as_ref(), LinkerConfig::default())?);
        let checker = Checker::new(Arc::clone(&facts), Arc::clone(&linker))?;
        Ok(Self {
            facts,
            linker,
            checker,
        })
    }

    /// Gives what tells this version from others.
    pub fn version(&self) -> &str {
        self.facts.version()
    }

    /// Gives the facts.
    pub fn facts(&self) -> &dyn Facts {
        self.facts.as_ref()
    }

    /// Gives what finds names in texts.
    pub fn linker(&self) -> &Linker {
        &self.linker
    }

    /// Gives what holds replies against the facts.
    pub fn checker(&self) -> &Checker {
        &self.checker
    }

    /// Checks a reply in a conversation about some things, each by its IRI or its name, the newest
    /// last.
    ///
    /// # Errors
    /// [`KnowledgeError::Unknown`] if the facts have no such thing; or the graph cannot be read.
    pub fn check(&self, reply: &str, about: &[String]) -> Result<Checked, KnowledgeError> {
        self.checker.check(reply, &self.checker.about(about)?)
    }
}

impl fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knowledge")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}

/// Gives the facts as they are now.
type Read = dyn Fn() -> Result<Arc<dyn Facts>, KnowledgeError> + Send + Sync;

/// What is known now. A new version takes the old one's place at once, while whoever has the old one
/// goes on with it.
///
/// ```
/// use std::sync::Arc;
/// use cs_serve::knowledge::{CurrentKnowledge, Graph, Limits};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("shop.ttl");
/// let facts = |price| format!(r#"
///     @prefix : <http://shop.example/> .
///     @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
///     :price rdfs:label "price"@en . :kettle rdfs:label "steel kettle"@en ; :price {price} ."#);
/// std::fs::write(&path, facts(199))?;
/// let file = path.clone();
/// let known = CurrentKnowledge::open(move || Ok(Arc::new(Graph::open(&file, &Limits::default())?)))?;
/// let before = known.get();
/// std::fs::write(&path, facts(249))?;
/// known.reload()?;
/// assert_ne!(before.version(), known.get().version()); // and `before` still answers
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CurrentKnowledge {
    read: Box<Read>,
    current: RwLock<Arc<Knowledge>>,
    /// Held while facts are read, which one does at a time.
    reading: Mutex<()>,
}

impl CurrentKnowledge {
    /// Reads facts for the first time, by what also reads them later.
    ///
    /// # Errors
    /// Those of `read` and of [`Knowledge::new`].
    pub fn open(
        read: impl Fn() -> Result<Arc<dyn Facts>, KnowledgeError> + Send + Sync + 'static,
    ) -> Result<Self, KnowledgeError> {
        let current = RwLock::new(Arc::new(Knowledge::new(read()?)?));
        Ok(Self {
            read: Box::new(read),
            current,
            reading: Mutex::new(()),
        })
    }

    /// Gives the version that answers now.
    pub fn get(&self) -> Arc<Knowledge> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the facts anew, which answer from then on, and gives that version. Until then the old one
    /// answers, and it stays if they cannot be read.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub fn reload(&self) -> Result<Arc<Knowledge>, KnowledgeError> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(Knowledge::new((self.read)()?)?);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, Arc::clone(&next));
        drop(current);
        drop(old); // a large one takes a while, which nobody waits for
        Ok(next)
    }
}

impl fmt::Debug for CurrentKnowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CurrentKnowledge")
            .field(&self.get())
            .finish()
    }
}
