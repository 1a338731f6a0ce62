//! The terms by which a graph speaks of itself.

use oxrdf::NamedNodeRef;

macro_rules! terms {
    ($namespace:literal: $($name:ident = $local:literal),+ $(,)?) => {
        $(pub(crate) const $name: NamedNodeRef<'static> =
            NamedNodeRef::new_unchecked(concat!($namespace, $local));)+
    };
}

terms!("http://www.w3.org/1999/02/22-rdf-syntax-ns#": TYPE = "type", PROPERTY = "Property");
terms!(
    "http://www.w3.org/2000/01/rdf-schema#":
    LABEL = "label",
    CLASS = "Class",
    SUB_CLASS_OF = "subClassOf",
    RANGE = "range",
);
terms!(
    "http://www.w3.org/2002/07/owl#":
    OWL_CLASS = "Class",
    FUNCTIONAL = "FunctionalProperty",
    OBJECT_PROPERTY = "ObjectProperty",
    DATATYPE_PROPERTY = "DatatypeProperty",
);
terms!("http://www.w3.org/2004/02/skos/core#": ALT_LABEL = "altLabel");

/// The namespace of `cs:unit`, `cs:closed`, `cs:lowest` and `cs:highest`, unless a file declares the prefix `cs` otherwise.
pub(crate) const CS: &str = "urn:customer-service-model:";

/// The prefixes that a query may use without declaring them.
pub(crate) const PREFIXES: [(&str, &str); 6] = [
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("cs", CS),
];

/// Tells whether a term is about the graph and not about its things.
pub(crate) fn is_of_graphs(iri: &str) -> bool {
    PREFIXES
        .iter()
        .any(|(_, namespace)| iri.starts_with(namespace))
}
