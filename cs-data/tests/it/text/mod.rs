//! Tests of a labelled turn: its text, spans and edits.

mod edit;
mod offsets;
mod utterance;
