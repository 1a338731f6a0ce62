//! The figures of an engine that writes texts.

use std::fmt;

use super::{head, histogram};
use crate::engine::generation::GenerationSnapshot;

pub(super) fn write(f: &mut fmt::Formatter<'_>, snapshot: &GenerationSnapshot) -> fmt::Result {
    let help = "Texts that were to be written, by what came of it.";
    head(f, "cs_generation_requests_total", "counter", help)?;
    let refused = snapshot.refused;
    let refused =
        refused.full + refused.overloaded + refused.too_large + refused.closed + refused.unreadable;
    for (outcome, count) in [
        ("answered", snapshot.answered),
        ("failed", snapshot.failed),
        ("late", snapshot.late),
        ("cancelled", snapshot.cancelled),
        ("cut-off", snapshot.cut_off),
        ("refused", refused),
    ] {
        writeln!(
            f,
            "cs_generation_requests_total{{outcome=\"{outcome}\"}} {count}"
        )?;
    }
    let help = "Tokens of prompts, those of them that were not read anew, and tokens written.";
    head(f, "cs_generation_tokens_total", "counter", help)?;
    for (kind, count) in [
        ("prompt", snapshot.prompt_tokens),
        ("reused", snapshot.reused_tokens),
        ("new", snapshot.new_tokens),
    ] {
        writeln!(f, "cs_generation_tokens_total{{kind=\"{kind}\"}} {count}")?;
    }
    for (name, help, value) in [
        (
            "cs_generation_waiting",
            "Texts that wait to be written.",
            snapshot.waiting,
        ),
        (
            "cs_generation_active",
            "Texts that are being written.",
            snapshot.active,
        ),
        (
            "cs_generation_cache_tokens",
            "Tokens that the cache has room for.",
            snapshot.cache_tokens,
        ),
        (
            "cs_generation_used_tokens",
            "Tokens that the cache holds.",
            snapshot.used_tokens,
        ),
    ] {
        head(f, name, "gauge", help)?;
        writeln!(f, "{name} {value}")?;
    }
    write_seconds(f, snapshot)
}

fn write_seconds(f: &mut fmt::Formatter<'_>, snapshot: &GenerationSnapshot) -> fmt::Result {
    let name = "cs_generation_seconds";
    head(f, name, "histogram", "Seconds on the way to a text.")?;
    for (stage, seconds) in [
        ("wait", &snapshot.wait),
        ("first-token", &snapshot.first_token),
        ("between-tokens", &snapshot.between_tokens),
        ("step", &snapshot.step),
    ] {
        histogram(f, name, &format!("stage=\"{stage}\""), seconds)?;
    }
    Ok(())
}
