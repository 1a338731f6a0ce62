//! The file of a synonym dictionary.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, Result};
use crate::file::{TextFile, shown};

/// The longest word or candidate, in bytes: an automaton of longer ones takes minutes to build.
const MAX_WORD_BYTES: usize = 1024;

/// A word and what may stand for it, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) word: String,
    /// The candidates, with weights above 0.
    pub(crate) candidates: Vec<(String, f64)>,
}

/// A candidate with its line and column, while the file is read.
struct Placed<'a> {
    text: &'a str,
    weight: f64,
    at: usize,
}

/// Reads a dictionary. Without `skipped` the first fault ends it; with it, what is at fault is left
/// out and said there.
pub(crate) fn read(path: &Path, mut skipped: Option<&mut Vec<Error>>) -> Result<Vec<Entry>> {
    let source = TextFile::open(path)?;
    let mut refuse = |error: Error| match &mut skipped {
        Some(skipped) => {
            skipped.push(error);
            Ok(())
        }
        None => Err(error),
    };
    let mut entries: Vec<(&str, Vec<Placed<'_>>)> = Vec::new();
    let mut known = HashSet::new();
    for (at, line) in source.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match entry(&source, at, line, &mut refuse)? {
            Some((word, _)) if !known.insert(word.to_lowercase()) => {
                let found = format!("{} for the second time", shown(word));
                refuse(source.error(at, found, "all its candidates on one line"))?;
            }
            Some(entry) => entries.push(entry),
            None => {}
        }
    }
    break_cycles(&source, &mut entries, &mut refuse)?;
    entries.retain(|(_, candidates)| !candidates.is_empty());
    if entries.is_empty() {
        return Err(Error::file(
            path,
            "no entries",
            "at least one word with a candidate",
        ));
    }
    let owned = |(word, candidates): (&str, Vec<Placed<'_>>)| Entry {
        word: word.to_owned(),
        candidates: candidates
            .iter()
            .map(|candidate| (candidate.text.to_owned(), candidate.weight))
            .collect(),
    };
    Ok(entries.into_iter().map(owned).collect())
}

/// A line's word and candidates; `None` if nothing of it is of use.
fn entry<'a>(
    source: &TextFile,
    at: usize,
    line: &'a str,
    refuse: &mut impl FnMut(Error) -> Result<()>,
) -> Result<Option<(&'a str, Vec<Placed<'a>>)>> {
    let mut fields = line.split('\t').map(|field| {
        let start = field.as_ptr().addr() - line.as_ptr().addr();
        let lead = field.len() - field.trim_start().len();
        (at + start + lead, field.trim())
    });
    let (_, word) = fields.next().unwrap_or((at, ""));
    if word.is_empty() {
        refuse(source.error(at, "no word", "word<TAB>candidate"))?;
        return Ok(None);
    }
    if word.len() > MAX_WORD_BYTES {
        refuse(source.error(at, too_long(word), AT_MOST))?;
        return Ok(None);
    }
    let mut candidates: Vec<Placed<'_>> = Vec::new();
    for (at, field) in fields {
        let (text, weight) = weighted(field);
        let fault = if text.is_empty() {
            Some(("an empty field".to_owned(), "a candidate"))
        } else if text.len() > MAX_WORD_BYTES {
            Some((too_long(text), AT_MOST))
        } else if !(weight > 0.0 && weight.is_finite()) {
            Some((format!("the weight {weight}"), "a number above 0"))
        } else if text.to_lowercase() == word.to_lowercase() {
            Some((format!("{} mapped to itself", shown(word)), "another word"))
        } else if candidates.iter().any(|known| known.text == text) {
            Some((format!("{} twice", shown(text)), "each candidate once"))
        } else {
            None
        };
        match fault {
            Some((found, expected)) => refuse(source.error(at, found, expected))?,
            None => candidates.push(Placed { text, weight, at }),
        }
    }
    if candidates.is_empty() {
        refuse(source.error(at + line.len(), "no candidate", "word<TAB>candidate"))?;
        return Ok(None);
    }
    Ok(Some((word, candidates)))
}

const AT_MOST: &str = "at most 1024";

fn too_long(word: &str) -> String {
    format!("a word of {} bytes", word.len())
}

/// Reads `退钱:2` as 退钱 with the weight 2; without a number after the last colon, all of it with 1.
fn weighted(field: &str) -> (&str, f64) {
    let parts = field.rsplit_once(':');
    parts
        .and_then(|(text, weight)| Some((text.trim_end(), weight.trim().parse().ok()?)))
        .unwrap_or((field, 1.0))
}

/// Takes out each candidate that leads back to a word on the way to it (depth first, in the order
/// of the file), and says so.
fn break_cycles(
    source: &TextFile,
    entries: &mut [(&str, Vec<Placed<'_>>)],
    refuse: &mut impl FnMut(Error) -> Result<()>,
) -> Result<()> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        OnPath,
        Done,
    }
    let words = entries.iter().map(|(word, _)| word.to_lowercase());
    let index: HashMap<String, usize> = words.zip(0..).collect();
    let mut states = vec![State::New; entries.len()];
    for root in 0..entries.len() {
        // Each word on the path, with the number of its candidates already followed.
        let mut path = vec![(root, 0)];
        if states[root] != State::New {
            continue;
        }
        states[root] = State::OnPath;
        while let Some((word, followed)) = path.last_mut() {
            let (word, at) = (*word, *followed);
            let Some(candidate) = entries[word].1.get(at) else {
                states[word] = State::Done;
                path.pop();
                continue;
            };
            *followed += 1;
            match index.get(&candidate.text.to_lowercase()) {
                Some(&next) if states[next] == State::New => {
                    states[next] = State::OnPath;
                    path.push((next, 0));
                }
                Some(&next) if states[next] == State::OnPath => {
                    let from = path.iter().skip_while(|(word, _)| *word != next);
                    let mut names: Vec<&str> = from.map(|&(word, _)| entries[word].0).collect();
                    names.push(candidate.text);
                    let found = format!("a cycle of {}", names.join(" -> "));
                    refuse(source.error(candidate.at, found, "synonyms that lead to no way back"))?;
                    entries[word].1.remove(at);
                    if let Some((_, followed)) = path.last_mut() {
                        *followed -= 1;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
