//! Conversations that remember.
