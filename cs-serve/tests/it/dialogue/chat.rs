//! What a chat keeps to.
