//! A file on its way into a graph: terms as numbers, the line of each triple, and what is wrong.

use std::ops::ControlFlow;
use std::path::Path;

use memchr::memmem;
use oxrdf::{Term, Triple};

use super::limits::Limits;
use super::problems::{Finding, MOST_PROBLEMS, Place, Problem};
use super::statements::{self, Statement};
use super::terms::Terms;
use super::turtle::{self, PlacedTriple};
use super::validate;
use crate::knowledge::error::KnowledgeError;

/// The lines before that of a triple in which its beginning is looked for.
const LINES_BACK: usize = 50;

/// What was read of a file.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) terms: Terms,
    pub(super) triples: Vec<statements::Triple>,
    /// The line of each triple.
    pub(super) lines: Vec<u32>,
    pub(super) syntax: Vec<Problem>,
    pub(super) findings: Vec<Finding>,
    /// What the prefix `cs` stands for.
    pub(super) namespace: Option<String>,
}

impl Reading {
    pub(super) fn of(text: &[u8], path: &Path, limits: &Limits) -> Result<Self, KnowledgeError> {
        let mut reading = Self::default();
        let mut full = false;
        reading.namespace = turtle::read(text, |read| {
            match read {
                Ok(placed) => full |= reading.take(&placed, limits).is_none(),
                Err(problem) => reading.syntax.push(problem),
            }
            match full || reading.syntax.len() + reading.findings.len() >= MOST_PROBLEMS {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        match full {
            true => Err(KnowledgeError::TooLarge { path: path.into() }),
            false => Ok(reading),
        }
    }

    /// Takes a triple; gives none if there is no more room.
    fn take(&mut self, placed: &PlacedTriple, limits: &Limits) -> Option<()> {
        let Triple {
            subject,
            predicate,
            object,
        } = &placed.triple;
        if let Term::Literal(literal) = object
            && let Some((kind, problem)) = validate::literal(literal, limits)
        {
            let at = literal
                .value()
                .chars()
                .take_while(|c| !"\"\\\n\r".contains(*c))
                .take(80);
            self.findings.push(Finding {
                line: placed.line,
                at: at.collect(),
                kind,
                problem,
            });
            return Some(());
        }
        let subject = self.terms.insert(subject.as_ref().into())?;
        let predicate = self.terms.insert(predicate.as_ref().into())?;
        let object = self.terms.insert(object.as_ref())?;
        self.triples.push([subject, predicate, object]);
        self.lines.push(placed.line);
        Some(())
    }
}

/// A file that has been read, in which places are looked up.
pub(super) struct Source<'a> {
    pub(super) text: &'a [u8],
    pub(super) triples: Vec<statements::Triple>,
    pub(super) lines: Vec<u32>,
    pub(super) syntax: Vec<Problem>,
}

impl Source<'_> {
    /// The line of a statement.
    pub(super) fn line(&self, statement: Statement) -> u32 {
        let triple = [statement.subject, statement.predicate, statement.object];
        let at = self.triples.iter().position(|read| *read == triple);
        at.map_or(1, |at| self.lines[at])
    }

    /// The problems that were found, with their places and by them.
    pub(super) fn problems(self, findings: Vec<Finding>) -> Vec<Problem> {
        let mut problems = self.syntax;
        if !findings.is_empty() {
            let lines: Vec<&[u8]> = self.text.split(|byte| *byte == b'\n').collect();
            problems.extend(findings.into_iter().map(|finding| {
                let place = place(&lines, finding.line as usize, &finding.at);
                Problem::new(place, finding.kind, finding.problem)
            }));
        }
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }
}

/// Where `at` stands last, up to a line; else the beginning of that line.
fn place(lines: &[&[u8]], line: usize, at: &str) -> Place {
    let first = line.saturating_sub(LINES_BACK).max(1);
    let found = (first..=line).rev().find_map(|line| {
        let text = lines.get(line - 1)?;
        Some((line, memmem::rfind(text, at.as_bytes())?))
    });
    let (line, byte) = found.unwrap_or((line, 0));
    let before = lines.get(line - 1).map_or(0, |text| {
        text[..byte]
            .iter()
            .filter(|&&byte| byte & 0xc0 != 0x80)
            .count()
    });
    Place {
        line,
        column: before + 1,
    }
}
