//! Web addresses (RFC 3986) with a scheme, with `www.`, or with a path after a domain.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)(?:(?:https?|ftp|weixin|alipays)://|www\.)[!-~]+|[a-z0-9](?:[a-z0-9\-]{0,62}\.){1,4}(?:com|net|org|cn|io|edu|co|uk|de|hk|tw|me|cc|top|shop|example|test)(?::\d{1,5})?/[!-~]+",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.text.contains(['.', '/']) {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let text = found.as_str();
        let end = text.find(['<', '>', '"', '\'']).unwrap_or(text.len());
        let text = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ']', '}']);
        // A bracket that was opened before belongs to the sentence.
        let text = match text.contains('(') {
            true => text,
            false => text.trim_end_matches([')', '.', ',', '!', '?']),
        };
        let before = view.before(found.start());
        if before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '@' && c != '.') {
            search.add(
                Kind::Url,
                found.start(),
                found.start() + text.len(),
                Certainty::Checked,
            );
        }
    }
}
