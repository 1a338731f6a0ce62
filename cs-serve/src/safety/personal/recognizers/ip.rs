//! IP addresses, of version 4 in four numbers and of version 6 (RFC 4291), as Rust's library reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

static V4: Pattern =
    Pattern::new(|| pattern(r"\d{1,3}(?:\.\d{1,3}){3,9}|\d{1,3}(?: ?\. ?\d{1,3}){3}"));

/// With full stops that are spoken, or written so that nobody follows it.
static V4_IN_WORDS: Pattern = Pattern::new(|| {
    pattern(
        r"\d{1,3}(?:(?: ?[\[(] ?(?:\.|dot) ?[\])] ?| dot | point | ?点 ?| ?。 ?| ?, ?| ?· ?|-)\d{1,3}){3}",
    )
});

/// What four numbers that are no address are called.
const VERSIONS: &[&str] = &[
    "version",
    "版本",
    "firmware",
    "固件",
    "build",
    "release",
    "ver.",
    "升级到",
    "更新到",
    "软件",
    "app ",
    "clause",
    "section",
    "条款",
    "chapter",
    "§",
    "章节",
    "article",
];

static V6: Pattern =
    Pattern::new(|| pattern(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\d*(?:\.\d{1,3}){3})?"));

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.has_digit {
        for found in V4.find_iter(&view.text) {
            let address = found.as_str().replace(' ', "").parse::<Ipv4Addr>();
            // 255.255.255.0 is the mask of a net.
            let is_address =
                address.is_ok_and(|it| !matches!(it.octets(), [255, ..] | [0, 0, 0, 0]));
            if is_address
                && !is_version(search, found.start())
                && view.is_apart(found.start(), found.end())
            {
                search.add(Kind::Ip, found.start(), found.end(), Certainty::Form);
            }
        }
        for found in V4_IN_WORDS.find_iter(&view.text) {
            let parts = found.as_str().split(|c: char| !c.is_ascii_digit());
            let parts: Vec<&str> = parts.filter(|it| !it.is_empty()).collect();
            let is_address = parts.join(".").parse::<Ipv4Addr>().is_ok();
            let is_plain = found.as_str().contains([',', '·', '-']);
            if is_address
                && (!is_plain || is_said(search, found.start()))
                && view.is_apart(found.start(), found.end())
            {
                search.add(Kind::Ip, found.start(), found.end(), Certainty::Form);
            }
        }
    }
    if view.text.contains(':') {
        for found in V6.find_iter(&view.text) {
            // A colon that stands before or after it is not of it.
            let whole = found.as_str();
            let text = match whole.strip_prefix(':') {
                Some(rest) if !rest.starts_with(':') => rest,
                _ => whole,
            };
            let start = found.end() - text.len();
            let text = match text.strip_suffix(':') {
                Some(rest) if !rest.ends_with(':') => rest,
                _ => text,
            };
            // Nor is a port, where all of the address is there.
            let text = match text.rsplit_once(':') {
                Some((rest, _)) if text.split(':').count() == 9 => rest,
                _ => text,
            };
            let is_address = text
                .parse::<Ipv6Addr>()
                .is_ok_and(|it| !it.is_unspecified());
            if is_address && view.is_apart(start, start + text.len()) {
                search.add(Kind::Ip, start, start + text.len(), Certainty::Form);
            }
        }
    }
}

fn is_version(search: &Search<'_>, at: usize) -> bool {
    let before = search.view.tail(at, 16).to_ascii_lowercase();
    VERSIONS.iter().any(|it| before.contains(it))
}

/// Says whether an address is spoken of right before.
fn is_said(search: &Search<'_>, at: usize) -> bool {
    let before = search.view.tail(at, 12).to_ascii_lowercase();
    before.contains("ip") || before.contains("网关")
}
