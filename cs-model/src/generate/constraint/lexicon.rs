//! The texts of a vocabulary, in an order in which their common beginnings are read once.

use regex_automata::util::primitives::StateID;

use super::Open;
use super::automaton::Automaton;

/// The tokens of a vocabulary by their bytes, ascending.
#[derive(Debug)]
pub(super) struct Lexicon(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    token: u32,
    /// How many bytes the entry before this one begins with as well.
    shared: usize,
    bytes: Vec<u8>,
}

impl Lexicon {
    /// Lists tokens with their bytes; those without any stand for no text, and never follow.
    pub(super) fn new<'a>(tokens: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let with_text = tokens.filter(|(_, bytes)| !bytes.is_empty());
        let mut entries: Vec<Entry> = with_text
            .map(|(token, bytes)| Entry {
                token,
                shared: 0,
                bytes: bytes.to_vec(),
            })
            .collect();
        entries.sort_by(|a, b| a.bytes.cmp(&b.bytes));
        for at in 1..entries.len() {
            let pairs = entries[at - 1].bytes.iter().zip(&entries[at].bytes);
            entries[at].shared = pairs.take_while(|(a, b)| a == b).count();
        }
        Self(entries)
    }

    /// Keeps the tokens whose bytes may come next in a state.
    pub(super) fn follow(&self, automaton: &Automaton, state: StateID, open: &mut Open<'_>) {
        // The states after 0, 1, 2 … bytes of the last entry, as far as it may come.
        let mut states = vec![state];
        for entry in &self.0 {
            // The byte that ruled out the entry before rules out this one too.
            if entry.shared >= states.len() {
                continue;
            }
            states.truncate(entry.shared + 1);
            let next = |bytes: &mut Vec<StateID>, byte: &u8| {
                let next = automaton.next(*bytes.last()?, *byte)?;
                bytes.push(next);
                Some(())
            };
            let rest = &entry.bytes[entry.shared..];
            if rest
                .iter()
                .try_for_each(|byte| next(&mut states, byte))
                .is_some()
            {
                open.keep(entry.token);
            }
        }
    }
}
