//! Spans of a text as tags that other scorers read.

use std::collections::BTreeSet;
use std::ops::Range;

use cs_data::Span;

/// A text's gold and predicted spans as IOB2 tags over common tokens, for other scorers.
///
/// ```
/// let tags = cs_train::metrics::scored_tags("two words", &[], &[]);
/// assert_eq!(tags.gold, ["O", "O"]);
/// assert_eq!(tags.tokens.len(), tags.predicted.len());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredTags {
    /// The tokens, as byte ranges of the text.
    pub tokens: Vec<Range<usize>>,
    /// One gold tag a token.
    pub gold: Vec<String>,
    /// One predicted tag a token.
    pub predicted: Vec<String>,
}

/// Tags `text` with gold and predicted spans such that a scorer of tags finds exactly these
/// spans: tokens are the words of the text, cut wherever a span of either side begins or ends.
///
/// White space is a token only where a span begins or ends in it. Spans that lie outside the
/// text or inside a character are left out.
///
/// ```
/// use cs_data::Span;
/// use cs_train::metrics::scored_tags;
///
/// let gold = [Span { start: 6, end: 11, label: "id".into() }];
/// let predicted = [Span { start: 6, end: 9, label: "id".into() }];
/// let tags = scored_tags("order 12345", &gold, &predicted);
/// assert_eq!(tags.tokens, [0..5, 6..9, 9..11]);
/// assert_eq!(tags.gold, ["O", "B-id", "I-id"]);
/// assert_eq!(tags.predicted, ["O", "B-id", "O"]);
/// ```
#[must_use]
pub fn scored_tags(text: &str, gold: &[Span], predicted: &[Span]) -> ScoredTags {
    let fits = |span: &&Span| span.start < span.end && text.get(span.start..span.end).is_some();
    let gold: Vec<&Span> = gold.iter().filter(fits).collect();
    let predicted: Vec<&Span> = predicted.iter().filter(fits).collect();
    let mut cuts = word_edges(text);
    let (mut starts, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for span in gold.iter().chain(&predicted) {
        starts.insert(span.start);
        ends.insert(span.end);
    }
    cuts.extend(starts.iter().chain(&ends));
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let tokens: Vec<Range<usize>> = cuts
        .windows(2)
        .map(|pair| pair[0]..pair[1])
        .filter(|token| {
            !text[token.clone()].trim().is_empty()
                || starts.contains(&token.start)
                || ends.contains(&token.end)
        })
        .collect();
    ScoredTags {
        gold: tag(&tokens, &gold),
        predicted: tag(&tokens, &predicted),
        tokens,
    }
}

/// Every position where white space begins or ends, and both ends of the text.
fn word_edges(text: &str) -> BTreeSet<usize> {
    let mut edges = BTreeSet::from([0, text.len()]);
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|b: char| b.is_whitespace() != c.is_whitespace()) {
            edges.insert(at);
        }
        before = Some(c);
    }
    edges
}

fn tag(tokens: &[Range<usize>], spans: &[&Span]) -> Vec<String> {
    let mut tags = vec!["O".to_owned(); tokens.len()];
    for span in spans {
        for (tag, token) in tags.iter_mut().zip(tokens) {
            if token.start >= span.start && token.end <= span.end {
                let prefix = if token.start == span.start { "B" } else { "I" };
                *tag = format!("{prefix}-{}", span.label);
            }
        }
    }
    tags
}
