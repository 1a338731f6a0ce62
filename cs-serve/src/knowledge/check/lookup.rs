//! The facts that one check looks up, each once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::properties::local_name;
use crate::knowledge::error::KnowledgeError;
use crate::knowledge::facts::{Fact, Facts, Iri, Object};

const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";

/// Facts, as one check sees them. What cannot be read is as if it were not there until the check
/// asks for [`Self::error`] at its end.
pub(super) struct Lookup<'a> {
    facts: &'a dyn Facts,
    about: RefCell<HashMap<Iri, Rc<Vec<Fact>>>>,
    classes: RefCell<HashMap<Iri, Rc<Vec<Iri>>>>,
    failed: RefCell<Option<KnowledgeError>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(facts: &'a dyn Facts) -> Self {
        Self {
            facts,
            about: RefCell::default(),
            classes: RefCell::default(),
            failed: RefCell::default(),
        }
    }

    /// Gives the first error of a look-up.
    pub(super) fn error(&self) -> Result<(), KnowledgeError> {
        self.failed.take().map_or(Ok(()), Err)
    }

    pub(super) fn about(&self, thing: &Iri) -> Rc<Vec<Fact>> {
        if let Some(known) = self.about.borrow().get(thing) {
            return Rc::clone(known);
        }
        let facts = Rc::new(self.or_none(self.facts.about(thing)));
        self.about
            .borrow_mut()
            .insert(thing.clone(), Rc::clone(&facts));
        facts
    }

    pub(super) fn classes_of(&self, thing: &Iri) -> Rc<Vec<Iri>> {
        if let Some(known) = self.classes.borrow().get(thing) {
            return Rc::clone(known);
        }
        let classes = Rc::new(self.or_none(self.facts.classes_of(thing)));
        self.classes
            .borrow_mut()
            .insert(thing.clone(), Rc::clone(&classes));
        classes
    }

    /// Gives the number of things that have a value.
    pub(super) fn having(&self, predicate: &Iri, object: &Object) -> usize {
        self.or_none(self.facts.having(predicate, object)).len()
    }

    /// Gives a thing's name, in Chinese or not, if it has one of that language.
    pub(super) fn name_of(&self, thing: &Iri, chinese: bool) -> String {
        let facts = self.about(thing);
        let names = facts.iter().filter(|it| it.predicate.as_str() == LABEL);
        let literals = names.filter_map(|it| match &it.object {
            Object::Literal(literal) => Some(literal),
            Object::Entity(_) => None,
        });
        let is_chinese = |it: &str| it.starts_with("zh");
        let fits =
            |language: &Option<String>| language.as_deref().is_some_and(is_chinese) == chinese;
        let best = literals.clone().find(|it| fits(&it.language));
        let best = best.or_else(|| literals.clone().next());
        best.map_or_else(|| local_name(thing), |it| it.text.clone())
    }

    fn or_none<T: Default>(&self, found: Result<T, KnowledgeError>) -> T {
        found.unwrap_or_else(|error| {
            self.failed.borrow_mut().get_or_insert(error);
            T::default()
        })
    }
}
