//! Tests of spans as tags, and of tags as numbers.

mod align;
mod iob2;
mod scheme;
mod tag_set;
