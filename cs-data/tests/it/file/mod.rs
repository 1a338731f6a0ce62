//! Files as a whole.

mod frames;
