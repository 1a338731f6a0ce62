//! Words of lists in texts.

mod expressions;
mod list;
mod streams;
mod tricks;

use cs_serve::safety::words::{Filter, FilterConfig, Trick, Tricks, WordList};

/// A list whose words are in `lines`.
fn list(lines: &str) -> WordList {
    let mut list = WordList::new();
    list.add(lines.as_bytes(), "words.tsv".as_ref()).unwrap();
    list
}

fn filter(lines: &str) -> Filter {
    Filter::new(list(lines), FilterConfig::default())
}

fn filter_by(lines: &str, tricks: impl IntoIterator<Item = Trick>) -> Filter {
    let tricks: Tricks = tricks.into_iter().collect();
    Filter::new(list(lines), FilterConfig::default().with_tricks(tricks))
}

/// The words found in a text, each with what stands there and its trick.
fn told(filter: &Filter, text: &str) -> Vec<(String, String, Trick)> {
    let chars: Vec<char> = text.chars().collect();
    let hits = filter.filter(text).hits;
    hits.into_iter()
        .map(|hit| {
            (
                hit.word,
                chars[hit.start..hit.end].iter().collect(),
                hit.trick,
            )
        })
        .collect()
}
