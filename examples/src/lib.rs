//! What the examples share: the frame of a command ([`run()`], [`report`], [`Error`]), its input
//! ([`Texts`], [`DataArgs`]), its settings (`Settings`), the int8 gate ([`GateArgs`]), and the demo
//! data set ([`demo`]). Without the feature `torch` only what runs without it is left.

pub mod demo;
pub mod rolling;
pub mod routing;

mod author;
mod candidate_args;
mod chat_args;
mod cli;
#[cfg(feature = "torch")]
mod command;
mod configure;
#[cfg(feature = "torch")]
mod defaults;
#[cfg(feature = "torch")]
mod distill_args;
mod doctor;
mod error;
mod filters;
mod gate;
mod generation;
mod generator;
mod input;
#[cfg(feature = "torch")]
mod interrupt;
#[cfg(feature = "torch")]
mod labels;
mod lines;
pub mod number;
mod operators;
mod out;
mod playing;
mod predictions;
#[cfg(feature = "torch")]
mod progress;
#[cfg(feature = "torch")]
mod pruning;
mod rephrasing;
mod run;
mod same;
mod scripted_actions;
mod serve_args;
mod service;
mod serving;
#[cfg(feature = "torch")]
mod settings;
#[cfg(feature = "torch")]
mod speed;
mod table;
mod translating;
#[cfg(feature = "torch")]
mod trial;
#[cfg(feature = "torch")]
mod trial_log;
mod unseen;
mod vault;

pub use author::{Author, Written};
pub use candidate_args::{CandidateArgs, Shares};
pub use cli::{BackendKind, DataArgs, InputArgs, LengthArgs, Output};
#[cfg(feature = "torch")]
pub use command::{TrainArgs, TrainData, hold_out, note_interrupted, rows_of};
#[cfg(feature = "torch")]
pub use distill_args::DistillArgs;
pub use doctor::{Report, examine};
pub use error::{Error, Result};
pub use filters::{Semantic, open_words};
pub use gate::{
    ClipArg, GateArgs, Int4Part, QuantArgs, check_labelled, layer_sensitivity, texts_of, unjudged,
};
pub use generation::GenerationArgs;
pub use generator::Generator;
pub use input::{Line, Texts};
#[cfg(feature = "torch")]
pub use interrupt::{Interruptible, interrupted};
pub use lines::{answer_all_lines, answer_lines, count_cut, note_cut, try_answer_lines};
pub use operators::{LeftOut, Operators};
pub use out::OutArgs;
#[cfg(feature = "torch")]
pub use out::{Claim, REPORT, RunOutArgs};
pub use playing::{Expected, Failure, Line as ScriptLine, Played, Player, Script};
pub use predictions::write_predictions;
#[cfg(feature = "torch")]
pub use progress::Progress;
#[cfg(feature = "torch")]
pub use pruning::{PruneArgs, Pruner};
pub use run::{Outcome, note, print, print_json, report, run};
pub use same::refuse_input;
pub use scripted_actions::ScriptedActions;
pub use serve_args::{ServeArgs, ServeSettings, Served};
pub use service::Service;
pub use serving::{Logits, open, open_bundle};
#[cfg(feature = "torch")]
pub use settings::Settings;
#[cfg(feature = "torch")]
pub use speed::Latency;
pub use table::{readable, table};
#[cfg(feature = "torch")]
pub use trial::Trial;
#[cfg(feature = "torch")]
pub use trial_log::{SearchKey, TrialLog};
pub use unseen::warn_unseen;
pub use vault::open_vault;

/// The code of README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
