//! A regular expression as an automaton over bytes that knows where a match is still possible.

use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::nfa::thompson::{self, NFA};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Hir, Look};

use crate::error::{Error, Result};

/// The most bytes that the automaton may take, in each form that it goes through.
const MOST_BYTES: usize = 16 << 20;

/// A deterministic automaton that accepts the whole texts which match an expression (Thompson 1968,
/// "Regular Expression Search Algorithm").
#[derive(Debug)]
pub(super) struct Automaton {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    /// Whether a match can be reached, by the number of a state.
    live: Vec<bool>,
}

impl Automaton {
    pub(super) fn new(expression: &str) -> Result<Self> {
        let refused = |reason: String| Error::field("regex", format!("{expression:?}"), reason);
        // What the parser shows of the expression takes several lines; the last has the reason.
        let parsed = syntax::parse(expression).map_err(|fault| {
            let fault = fault.to_string();
            refused(
                fault
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .replace("error: ", "an expression: "),
            )
        })?;
        let whole = Hir::concat(vec![parsed, Hir::look(Look::End)]);
        let limited = thompson::Config::new().nfa_size_limit(Some(MOST_BYTES));
        let nfa = NFA::compiler().configure(limited).build_from_hir(&whole);
        let nfa = nfa.map_err(|fault| refused(format!("a smaller one: {fault}")))?;
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(regex_automata::dfa::StartKind::Anchored)
            .dfa_size_limit(Some(MOST_BYTES))
            .determinize_size_limit(Some(MOST_BYTES));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa);
        let dfa = dfa.map_err(|fault| refused(format!("another one: {fault}")))?;
        let anchored = start::Config::new().anchored(Anchored::Yes);
        let start = dfa.start_state(&anchored);
        let start = start.map_err(|fault| refused(fault.to_string()))?;
        let mut automaton = Self {
            dfa,
            start,
            live: Vec::new(),
        };
        automaton.live = automaton.productive();
        match automaton.is_live(start) {
            true => Ok(automaton),
            false => Err(refused("an expression that a text matches".to_owned())),
        }
    }

    pub(super) fn start(&self) -> StateID {
        self.start
    }

    /// The state after one more byte, if a match can still be reached.
    pub(super) fn next(&self, state: StateID, byte: u8) -> Option<StateID> {
        Some(self.dfa.next_state(state, byte)).filter(|&next| self.is_live(next))
    }

    /// Whether the text so far matches.
    pub(super) fn is_match(&self, state: StateID) -> bool {
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }

    fn is_live(&self, state: StateID) -> bool {
        self.live.get(self.number(state)).copied().unwrap_or(false)
    }

    /// The number of a state, from 0 on without gaps.
    fn number(&self, state: StateID) -> usize {
        state.as_usize() >> self.dfa.stride2()
    }

    /// For every state that can be reached, by its number, whether a match can be reached from it.
    fn productive(&self) -> Vec<bool> {
        let mut before: Vec<Vec<StateID>> = Vec::new();
        let mut seen = vec![false; self.number(self.start) + 1];
        seen[self.number(self.start)] = true;
        let (mut waiting, mut matching) = (vec![self.start], Vec::new());
        // One byte for all that lead on alike.
        let classes = self.dfa.byte_classes().representatives(..);
        let bytes: Vec<u8> = classes.filter_map(|class| class.as_u8()).collect();
        while let Some(state) = waiting.pop() {
            if self.is_match(state) {
                matching.push(state);
            }
            for &byte in &bytes {
                let next = self.dfa.next_state(state, byte);
                let number = self.number(next);
                seen.resize(seen.len().max(number + 1), false);
                before.resize(seen.len(), Vec::new());
                if before[number].last() != Some(&state) {
                    before[number].push(state);
                }
                if !std::mem::replace(&mut seen[number], true) {
                    waiting.push(next);
                }
            }
        }
        let mut live = vec![false; seen.len()];
        while let Some(state) = matching.pop() {
            let number = self.number(state);
            if !std::mem::replace(&mut live[number], true) {
                matching.extend(before.get(number).into_iter().flatten());
            }
        }
        live
    }
}
