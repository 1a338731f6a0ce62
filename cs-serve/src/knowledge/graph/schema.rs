//! What the graph says of its own terms: their names, and how properties behave.

use std::collections::HashSet;

use super::store::Graph;
use super::terms::Id;
use super::vocabulary::{
    ALT_LABEL, CLASS, DATATYPE_PROPERTY, FUNCTIONAL, LABEL, OBJECT_PROPERTY, OWL_CLASS, PROPERTY,
    RANGE, TYPE, is_of_graphs,
};
use crate::knowledge::facts::{Iri, Name, Named, Object, Predicate};

/// Which terms are classes and which are properties; all others are things.
pub(super) struct Sorts {
    pub(super) classes: HashSet<Id>,
    pub(super) predicates: HashSet<Id>,
}

impl Sorts {
    pub(super) fn of(graph: &Graph) -> Self {
        let is_own = |id: &Id| graph.terms().iri(*id).is_some_and(|iri| !is_of_graphs(iri));
        let used = graph.statements().predicates().filter(is_own);
        let declared = [PROPERTY, FUNCTIONAL, OBJECT_PROPERTY, DATATYPE_PROPERTY];
        let declared = declared.into_iter().flat_map(|class| graph.of_class(class));
        let classes = graph
            .with_predicate(TYPE)
            .map(|statement| statement.object)
            .filter(is_own);
        let declared_classes = [CLASS, OWL_CLASS]
            .into_iter()
            .flat_map(|class| graph.of_class(class));
        Self {
            classes: classes.chain(declared_classes).collect(),
            predicates: used.chain(declared).collect(),
        }
    }

    pub(super) fn named(&self, id: Id) -> Named {
        match (self.predicates.contains(&id), self.classes.contains(&id)) {
            (true, _) => Named::Predicate,
            (false, true) => Named::Class,
            (false, false) => Named::Entity,
        }
    }
}

/// Gives every name.
pub(super) fn names(graph: &Graph, each: &mut dyn FnMut(Name)) {
    let sorts = Sorts::of(graph);
    for (predicate, preferred) in [(LABEL, true), (ALT_LABEL, false)] {
        for statement in graph.with_predicate(predicate) {
            let (Some(iri), Object::Literal(name)) = (
                graph.terms().iri(statement.subject),
                graph.object(statement.object),
            ) else {
                continue;
            };
            each(Name {
                iri: Iri::checked(iri),
                named: sorts.named(statement.subject),
                text: name.text,
                language: name.language,
                preferred,
            });
        }
    }
}

/// Gives the properties, sorted.
pub(super) fn predicates(graph: &Graph) -> Vec<Predicate> {
    let functional: HashSet<Id> = graph.of_class(FUNCTIONAL).collect();
    let describe = |id: Id| {
        let first = |predicate| graph.value(id, predicate);
        let texts = |predicate| -> Vec<String> {
            let values = graph.values(id, predicate);
            let mut texts: Vec<String> =
                values.map(|it| graph.terms().text(it).to_owned()).collect();
            texts.sort();
            texts
        };
        Some(Predicate {
            iri: Iri::checked(graph.terms().iri(id)?),
            unit: first(graph.unit()).map(|unit| graph.terms().text(unit).to_owned()),
            single: functional.contains(&id),
            closed: first(graph.closed())
                .is_some_and(|id| ["true", "1"].contains(&graph.terms().text(id))),
            lowest: texts(graph.lowest()),
            highest: texts(graph.highest()),
            range: first(RANGE)
                .and_then(|range| graph.terms().iri(range))
                .map(Iri::checked),
        })
    };
    let mut predicates: Vec<_> = Sorts::of(graph)
        .predicates
        .into_iter()
        .filter_map(describe)
        .collect();
    predicates.sort_by(|a, b| a.iri.cmp(&b.iri));
    predicates
}
