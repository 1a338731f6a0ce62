//! Terms as numbers: each text is kept once, in one string.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use oxrdf::{BlankNode, Literal, NamedNode, Term, TermRef};

/// The number of a term.
pub(super) type Id = u32;

/// What the text of a term is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Iri,
    Blank,
    Typed { datatype: String },
    Tagged { language: String },
}

impl Kind {
    fn is_literal(&self) -> bool {
        matches!(self, Self::Typed { .. } | Self::Tagged { .. })
    }

    fn is_of(&self, term: TermRef<'_>) -> bool {
        match (self, term) {
            (Self::Iri, TermRef::NamedNode(_)) | (Self::Blank, TermRef::BlankNode(_)) => true,
            (Self::Typed { datatype }, TermRef::Literal(literal)) => {
                literal.language().is_none() && literal.datatype().as_str() == datatype
            }
            (Self::Tagged { language }, TermRef::Literal(literal)) => {
                literal.language() == Some(language)
            }
            _ => false,
        }
    }

    fn of(term: TermRef<'_>) -> Self {
        match term {
            TermRef::NamedNode(_) => Self::Iri,
            TermRef::BlankNode(_) => Self::Blank,
            TermRef::Literal(literal) => match literal.language() {
                Some(language) => Self::Tagged {
                    language: language.into(),
                },
                None => Self::Typed {
                    datatype: literal.datatype().as_str().into(),
                },
            },
        }
    }
}

fn text_of(term: TermRef<'_>) -> &str {
    match term {
        TermRef::NamedNode(node) => node.as_str(),
        TermRef::BlankNode(node) => node.as_str(),
        TermRef::Literal(literal) => literal.value(),
    }
}

/// All terms of a graph, each under its number.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// The texts, one after the other.
    texts: String,
    /// Where the text of each ends in `texts`.
    ends: Vec<u32>,
    /// What each is, as an index into `kinds`.
    kind_of: Vec<u32>,
    kinds: Vec<Kind>,
    ids: HashTable<Id>,
    hasher: RandomState,
}

impl Terms {
    /// Gives the number of a term, a new one if it is new; none if there is no more room.
    pub(super) fn insert(&mut self, term: TermRef<'_>) -> Option<Id> {
        if let Some(id) = self.find(term) {
            return Some(id);
        }
        let text = text_of(term);
        let id = Id::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.texts.len() + text.len()).ok()?;
        let kind = self.kind(term).unwrap_or_else(|| {
            self.kinds.push(Kind::of(term));
            self.kinds.len() - 1
        });
        self.texts.push_str(text);
        self.ends.push(end);
        self.kind_of.push(kind as u32); // no more kinds than terms
        let (texts, ends, hasher) = (&self.texts, &self.ends, &self.hasher);
        let rehash = |&id: &Id| hasher.hash_one(text_at(texts, ends, id));
        self.ids.insert_unique(hasher.hash_one(text), id, rehash);
        Some(id)
    }

    /// Gives the number of a term, if it is one of these.
    pub(super) fn find(&self, term: TermRef<'_>) -> Option<Id> {
        let text = text_of(term);
        let same = |&id: &Id| self.text(id) == text && self.kind_at(id).is_of(term);
        self.ids.find(self.hasher.hash_one(text), same).copied()
    }

    /// Gives the literals with a text, of whatever type or language.
    pub(super) fn literals(&self, text: &str) -> impl Iterator<Item = Id> {
        let same = self.ids.iter_hash(self.hasher.hash_one(text)).copied();
        same.filter(move |&id| self.text(id) == text && self.kind_at(id).is_literal())
    }

    fn kind(&self, term: TermRef<'_>) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.is_of(term))
    }

    fn kind_at(&self, id: Id) -> &Kind {
        &self.kinds[self.kind_of[id as usize] as usize]
    }

    /// Gives the IRI, the label of a blank node, or what a literal says.
    pub(super) fn text(&self, id: Id) -> &str {
        text_at(&self.texts, &self.ends, id)
    }

    /// Gives the IRI of a term that is one.
    pub(super) fn iri(&self, id: Id) -> Option<&str> {
        (*self.kind_at(id) == Kind::Iri).then(|| self.text(id))
    }

    pub(super) fn is_blank(&self, id: Id) -> bool {
        *self.kind_at(id) == Kind::Blank
    }

    pub(super) fn term(&self, id: Id) -> Term {
        let text = self.text(id);
        match self.kind_at(id) {
            Kind::Iri => NamedNode::new_unchecked(text).into(),
            Kind::Blank => BlankNode::new_unchecked(text).into(),
            Kind::Typed { datatype } => {
                Literal::new_typed_literal(text, NamedNode::new_unchecked(datatype)).into()
            }
            Kind::Tagged { language } => {
                Literal::new_language_tagged_literal_unchecked(text, language).into()
            }
        }
    }

    pub(super) fn shrink(&mut self) {
        self.texts.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.kind_of.shrink_to_fit();
    }
}

fn text_at<'a>(texts: &'a str, ends: &[u32], id: Id) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &texts[start as usize..ends[id] as usize]
}
