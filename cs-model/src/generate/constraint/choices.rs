//! Sequences of tokens of which one is chosen.

use std::collections::BTreeMap;

use super::Open;
use crate::error::{Error, Result};

/// A trie of sequences of tokens; the first node is the root.
#[derive(Debug)]
pub(super) struct Choices(Vec<Node>);

#[derive(Debug, Default)]
struct Node {
    next: BTreeMap<u32, usize>,
    is_end: bool,
}

impl Choices {
    pub(super) fn new(choices: &[Vec<u32>]) -> Result<Self> {
        if choices.is_empty() {
            return Err(Error::field("choices", "[]", "at least one"));
        }
        let mut nodes = vec![Node::default()];
        for (place, choice) in choices.iter().enumerate() {
            if choice.is_empty() {
                let field = format!("choices[{place}]");
                return Err(Error::field(field, "empty", "at least one token"));
            }
            let mut at = 0;
            for &token in choice {
                let new = nodes.len();
                let next = *nodes[at].next.entry(token).or_insert(new);
                if next == new {
                    nodes.push(Node::default());
                }
                at = next;
            }
            nodes[at].is_end = true;
        }
        Ok(Self(nodes))
    }

    /// Keeps the tokens that may follow, and says whether a choice is complete.
    pub(super) fn follow(&self, generated: &[u32], open: &mut Open<'_>) -> bool {
        let next = |node: &Node, token| Some(&self.0[*node.next.get(token)?]);
        let node = generated.iter().try_fold(&self.0[0], next);
        let Some(node) = node else {
            return false;
        };
        node.next.keys().for_each(|&token| open.keep(token));
        node.is_end
    }

    pub(super) fn last_token(&self) -> Option<u32> {
        let tokens = self.0.iter().flat_map(|node| node.next.keys().copied());
        tokens.max()
    }
}
