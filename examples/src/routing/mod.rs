//! What `route` does: outcomes of labelled rows for the fit, traffic to measure on, and figures.

mod args;
mod outcomes;
mod pairs;
mod traffic;

pub use args::RouteArgs;
pub use outcomes::{Pair, Rows, outcomes_of};
pub use pairs::{DistanceFigures, UnseenFigures, fit_pairs};
pub use traffic::{Cascades, Figures, FullCached, Measured, Requests};
