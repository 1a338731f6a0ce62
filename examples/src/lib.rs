//! What the examples share: the frame of a command ([`run()`], [`report`], [`Error`]), its input
//! ([`Texts`], [`DataArgs`]), training ([`fit()`]), the int8 gate ([`GateArgs`]), and the demo data set
//! ([`demo`]). Without the feature `torch` only what serves is left.

pub mod demo;

#[cfg(feature = "torch")]
mod base;
mod cli;
#[cfg(feature = "torch")]
mod command;
#[cfg(feature = "torch")]
mod defaults;
mod doctor;
mod error;
#[cfg(feature = "torch")]
mod fit;
#[cfg(feature = "torch")]
mod fitted;
mod gate;
mod input;
#[cfg(feature = "torch")]
mod interrupt;
#[cfg(feature = "torch")]
mod labels;
mod lines;
#[cfg(feature = "torch")]
pub mod number;
mod operators;
mod out;
mod predictions;
#[cfg(feature = "torch")]
mod pretraining;
#[cfg(feature = "torch")]
mod progress;
#[cfg(feature = "torch")]
mod pruning;
mod run;
mod same;
mod serving;
#[cfg(feature = "torch")]
mod settings;
#[cfg(feature = "torch")]
mod speed;
mod table;
#[cfg(feature = "torch")]
mod teaching;
#[cfg(feature = "torch")]
mod trial;
#[cfg(feature = "torch")]
mod trial_log;
mod unseen;
#[cfg(feature = "torch")]
mod variants;

#[cfg(feature = "torch")]
pub use base::Base;
pub use cli::{BackendKind, DataArgs, InputArgs, LengthArgs, Output};
#[cfg(feature = "torch")]
pub use command::{TrainArgs, TrainData, hold_out, note_interrupted};
pub use doctor::{Report, examine};
pub use error::{Error, Result};
#[cfg(feature = "torch")]
pub use fit::fit;
#[cfg(feature = "torch")]
pub use fitted::Fitted;
pub use gate::{
    ClipArg, GateArgs, Int4Part, QuantArgs, check_labelled, figures, layer_sensitivity,
    single_batches, unjudged, unlabelled_heads,
};
pub use input::{Line, Texts};
#[cfg(feature = "torch")]
pub use interrupt::{interrupted, stop_on_interrupt};
pub use lines::{answer_lines, count_cut, note_cut};
pub use operators::{LeftOut, Operators};
pub use out::OutArgs;
#[cfg(feature = "torch")]
pub use out::{Claim, RunOutArgs};
pub use predictions::write_predictions;
#[cfg(feature = "torch")]
pub use pretraining::Pretraining;
#[cfg(feature = "torch")]
pub use progress::Progress;
#[cfg(feature = "torch")]
pub use pruning::{PruneArgs, Pruner};
pub use run::{Outcome, note, print, print_json, report, run};
pub use same::refuse_input;
pub use serving::{Logits, open, open_bundle};
#[cfg(feature = "torch")]
pub use settings::Settings;
#[cfg(feature = "torch")]
pub use speed::Latency;
pub use table::{readable, table};
#[cfg(feature = "torch")]
pub use teaching::{DistillArgs, Teaching, distill};
#[cfg(feature = "torch")]
pub use trial::Trial;
#[cfg(feature = "torch")]
pub use trial_log::{SearchKey, TrialLog};
pub use unseen::warn_unseen;
#[cfg(feature = "torch")]
pub use variants::variants;

/// The code of README.md compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
