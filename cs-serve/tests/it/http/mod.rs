//! The HTTP interface, asked as a router and over sockets, on scripted backends.

mod ask;
mod bodies;
mod callers;
mod chat;
mod document;
mod faults;
mod filters;
mod knowledge;
mod logs;
mod notes;
#[cfg(feature = "otel")]
mod otel;
mod rollout;
mod routes;
mod service;
mod shadow;
mod sockets;
mod swaps;
mod telling;
mod wishes;
