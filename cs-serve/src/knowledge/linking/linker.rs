//! From a graph's names to mentions.

use std::collections::HashMap;
use std::fmt;

use super::form::Form;
use super::index::Index;
use super::mention::{Candidate, Mention};
use super::overlaps::{Reading, resolve};
use super::search::Match;
use super::typos::{Letter, MAX_ERRORS};
use super::variants::Said;
use super::ways::{Owner, Phrase, Way, Ways};
use crate::knowledge::common_words::is_common_word;
use crate::knowledge::{Facts, Iri, KnowledgeError, Name, Named};

/// The most things that one mention may mean.
const MAX_CANDIDATES: usize = 200;

/// What a typing error takes from a score, besides the characters that it changed.
const ERROR: f32 = 0.05;

/// The share of a name that has to be right where it is all of a text.
const ALONE: f32 = 0.3;

/// The most characters between a name and its class that supports it.
const NEARBY: usize = 10;

/// How names are looked for.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkerConfig {
    /// The most typing errors in a name, 0 to 2: names of fewer than four characters have to stand
    /// as they are, those of four to seven may have one. 2 if not set.
    pub max_errors: usize,
    /// The least [score](Candidate::score) of a candidate with errors, 0 to 1. 0.5 if not set. A text
    /// that is nothing but a name needs less.
    pub min_score: f32,
    /// Words that are not taken for names where only the word itself says so, besides those that
    /// everybody uses.
    pub common_words: Vec<String>,
}

impl Default for LinkerConfig {
    fn default() -> Self {
        Self {
            max_errors: MAX_ERRORS,
            min_score: 0.5,
            common_words: Vec::new(),
        }
    }
}

impl LinkerConfig {
    fn validate(&self) -> Result<(), KnowledgeError> {
        if self.max_errors > MAX_ERRORS {
            return Err(KnowledgeError::Config {
                name: "max_errors",
                found: self.max_errors.to_string(),
                expected: "0, 1 or 2",
            });
        }
        if !(0.0..=1.0).contains(&self.min_score) {
            return Err(KnowledgeError::Config {
                name: "min_score",
                found: self.min_score.to_string(),
                expected: "a number from 0 to 1",
            });
        }
        Ok(())
    }
}

/// Finds the names of a graph in texts. It holds about 1 kB a name. A text of 60 characters takes a
/// quarter of a millisecond with 200,000 names: it is compared with a bounded number of them, those
/// that share its rarest pieces.
///
/// Names are compared as people write them: full-width or not, in whatever case, with brackets,
/// spaces, quotes and hyphens or without. A name may lack its article or what stands in brackets at
/// its end, and `全聚德(王府井店)` is also 王府井全聚德. A name with `…` in it is a phrase of parts, as
/// `周边…酒店`, with a few other words between them.
///
/// ```
/// use cs_serve::knowledge::linking::{Linker, LinkerConfig};
/// # use cs_serve::knowledge::{Fact, Facts, Iri, KnowledgeError, Name, Named, Object, Predicate, Rows};
/// # struct Two;
/// # impl Facts for Two {
/// #     fn names(&self, each: &mut dyn FnMut(Name)) -> Result<(), KnowledgeError> {
/// #         for (at, text) in ["全聚德(王府井店)", "全聚德(前门店)"].into_iter().enumerate() {
/// #             let iri = Iri::new(&format!("http://duck.example/{at}"))?;
/// #             let (named, text) = (Named::Entity, text.to_owned());
/// #             each(Name { iri, named, text, language: None, preferred: true });
/// #         }
/// #         Ok(())
/// #     }
/// #     fn predicates(&self) -> Result<Vec<Predicate>, KnowledgeError> { Ok(vec![]) }
/// #     fn classes_of(&self, _: &Iri) -> Result<Vec<Iri>, KnowledgeError> { Ok(vec![]) }
/// #     fn about(&self, _: &Iri) -> Result<Vec<Fact>, KnowledgeError> { Ok(vec![]) }
/// #     fn having(&self, _: &Iri, _: &Object) -> Result<Vec<Iri>, KnowledgeError> { Ok(vec![]) }
/// #     fn instances(&self, _: &Iri) -> Result<Vec<Iri>, KnowledgeError> { Ok(vec![]) }
/// #     fn select(&self, _: &str) -> Result<Rows, KnowledgeError> { Ok(Rows::default()) }
/// #     fn version(&self) -> &str { "1" }
/// # }
/// # let facts = Two; // 全聚德(王府井店) and 全聚德(前门店)
///
/// let linker = Linker::new(&facts, LinkerConfig::default())?;
/// let mentions = linker.mentions("王府景全聚德几点开门？"); // 景 for 井
/// assert_eq!((mentions[0].start, mentions[0].end), (0, 6));
/// assert_eq!(mentions[0].sure().unwrap().name, "全聚德(王府井店)");
///
/// let which_one = linker.mentions("全聚德几点开门？");
/// assert!(which_one[0].sure().is_none());
/// assert_eq!(which_one[0].likeliest().len(), 2);
/// # Ok::<(), KnowledgeError>(())
/// ```
pub struct Linker {
    pub(super) config: LinkerConfig,
    pub(super) names: Vec<Name>,
    pub(super) letters: Vec<Letter>,
    pub(super) owners: Vec<Owner>,
    pub(super) ways: Vec<Way>,
    pub(super) index: Index,
    /// By the way to say their first part.
    pub(super) phrases: HashMap<u32, Vec<Phrase>>,
    /// Of things that are called by a common word, their classes.
    pub(super) classes: HashMap<u32, Vec<Iri>>,
}

impl Linker {
    /// Reads the names of a graph: some seconds for 200,000.
    ///
    /// # Errors
    /// [`KnowledgeError::Config`] for a setting out of range, [`KnowledgeError::Names`] for more
    /// names than can be looked for, and those of the graph.
    pub fn new(facts: &dyn Facts, config: LinkerConfig) -> Result<Self, KnowledgeError> {
        config.validate()?;
        let mut names = Vec::new();
        facts.names(&mut |name| names.push(name))?;
        let mut ways = Ways::new(&names, &config);
        for (at, name) in (0..).zip(&names) {
            ways.add(at, name);
        }
        ways.finish(facts, names, config)
    }

    /// Finds what a text names, in the text's order. Of names that overlap, the longest stands.
    #[must_use]
    pub fn mentions(&self, text: &str) -> Vec<Mention> {
        let form = Form::new(text);
        let mut matches = self.search(&form);
        let view = View {
            linker: self,
            form: &form,
            classes: self.classes_in(&matches),
        };
        matches.retain(|found| view.is_likely(found) && view.owners(found).next().is_some());
        resolve(matches, |found| {
            usize::from(self.ways[found.way as usize].len)
        })
        .into_iter()
        .map(|reading| view.mention(reading))
        .collect()
    }

    pub(super) fn letters(&self, way: u32) -> &[Letter] {
        let way = &self.ways[way as usize];
        let start = way.letters as usize;
        &self.letters[start..start + usize::from(way.len)]
    }

    fn owners(&self, way: u32) -> &[Owner] {
        let owners = &self.ways[way as usize].owners;
        &self.owners[owners.start as usize..owners.end as usize]
    }

    fn classes_in(&self, matches: &[Match]) -> Vec<(Match, &Iri)> {
        let classes = |found: &Match| {
            let names = self
                .owners(found.way)
                .iter()
                .map(|owner| &self.names[owner.name as usize]);
            let found = *found;
            names
                .filter(|name| name.named == Named::Class)
                .map(move |name| (found, &name.iri))
        };
        matches.iter().flat_map(classes).collect()
    }
}

impl fmt::Debug for Linker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker")
            .field("config", &self.config)
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}

/// A text, as its names are weighed.
struct View<'a> {
    linker: &'a Linker,
    form: &'a Form,
    /// The classes that the text names.
    classes: Vec<(Match, &'a Iri)>,
}

impl<'a> View<'a> {
    /// Whether enough of a name is there.
    fn is_likely(&self, found: &Match) -> bool {
        if found.errors == 0 {
            return true;
        }
        let words = &self.form.chars[found.start..found.end];
        let is_all = words.len() == self.form.chars.len();
        let least = if is_all {
            ALONE
        } else {
            self.linker.config.min_score
        };
        self.right(found) >= least && !is_common_word(&words.iter().collect::<String>())
    }

    /// The share of a name's weight that is right.
    fn right(&self, found: &Match) -> f32 {
        1.0 - found.lost / self.linker.ways[found.way as usize].weight
    }

    /// The names that a match may be.
    fn owners(&self, found: &Match) -> impl Iterator<Item = Owner> {
        let owners = self.linker.owners(found.way).iter().copied();
        owners.filter(|owner| !self.is_common(found, owner) || self.is_supported(found, owner))
    }

    fn is_common(&self, found: &Match, owner: &Owner) -> bool {
        let way = &self.linker.ways[found.way as usize];
        (way.is_common || owner.said == Said::Word)
            && self.linker.names[owner.name as usize].named == Named::Entity
    }

    /// Whether more than the word itself says that it is a name: quotes, a capital letter within a
    /// sentence, or the name of its class nearby.
    fn is_supported(&self, found: &Match, owner: &Owner) -> bool {
        let classes = self
            .linker
            .classes
            .get(&owner.name)
            .map_or(&[][..], Vec::as_slice);
        let nearby = |(class, iri): &(Match, &Iri)| {
            classes.contains(iri) && is_nearby(self.form, found, class)
        };
        self.form.is_quoted(found.start, found.end)
            || self.form.is_capital_within(found.start)
            || self.classes.iter().any(nearby)
    }

    fn mention(&self, reading: Reading) -> Mention {
        let (start, end) = self
            .form
            .places(reading.matches[0].start, reading.matches[0].end);
        let mut candidates: Vec<Candidate> = reading
            .matches
            .iter()
            .flat_map(|found| self.candidates(found))
            .collect();
        candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
        let mut seen = std::collections::HashSet::new();
        candidates.retain(|candidate| seen.insert(candidate.iri.clone()));
        candidates.truncate(MAX_CANDIDATES);
        let nested = resolve(reading.nested, |found| found.end - found.start)
            .into_iter()
            .map(|reading| self.mention(reading))
            .filter(|nested| {
                nested
                    .candidates
                    .iter()
                    .all(|inner| !seen.contains(&inner.iri))
            })
            .collect();
        Mention {
            start,
            end,
            candidates,
            nested,
        }
    }

    fn candidates(&self, found: &Match) -> impl Iterator<Item = Candidate> {
        let right = self.right(found) - ERROR * found.errors as f32;
        self.owners(found).take(MAX_CANDIDATES).map(move |owner| {
            let name = &self.linker.names[owner.name as usize];
            Candidate {
                iri: name.iri.clone(),
                named: name.named,
                name: name.text.clone(),
                score: (right * owner.said.share()).max(0.0),
                errors: found.errors,
            }
        })
    }
}

/// Whether a class is named close to a match, in the same clause.
fn is_nearby(form: &Form, found: &Match, class: &Match) -> bool {
    let between = if class.end <= found.start {
        class.end..found.start
    } else if found.end <= class.start {
        found.end..class.start
    } else {
        return false;
    };
    between.len() <= NEARBY && form.is_clause(between)
}
