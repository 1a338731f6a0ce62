//! Tests of rows in batches, and of the batches of a run.

mod pack;
mod steps;
