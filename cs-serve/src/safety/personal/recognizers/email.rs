//! E-mail addresses (RFC 5321), also with their signs in words.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

static PATTERN: Pattern = Pattern::new(|| {
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9._%+'\-]{0,63} ?@ ?[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})(?:\.[A-Za-z0-9\-]{1,63}| ?[.。] ?(?:com|cn|net|org|edu)(?-u:\b)){1,5}",
    )
});

/// With a sign that stands for nothing else.
static IN_BRACKETS: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)[a-z0-9][a-z0-9._%+'\-]{0,63}(?: ?[(\[](?:at|@)[)\]] ?|_at_)[a-z0-9\-]{1,63}(?: ?(?:\.|[(\[]dot[)\]]) ?[a-z0-9\-]{2,63}){1,4}",
    )
});

static IN_WORDS: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)[a-z0-9][a-z0-9._%+'\-]{0,63} ?(?:[(\[](?:at|@)[)\]]| at |_at_|艾特|#|@) ?[a-z0-9](?:[a-z0-9\-]{0,62})(?: ?(?:\.|[(\[]dot[)\]]| dot |点) ?[a-z0-9\-]{2,63}){0,3} ?(?:\.|[(\[]dot[)\]]| dot |点) ?(?:com|net|org|cn|io|edu|gov|info|co|uk|de|fr|it|es|nl|jp|kr|in|au|ca|us|eu|hk|tw|sg|me|example|test)(?-u:\b)",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.text.contains('@') {
        for found in PATTERN.find_iter(&view.text) {
            let text = found.as_str().trim_end_matches(['.', '-']);
            search.add(
                Kind::Email,
                found.start(),
                found.start() + text.len(),
                Certainty::Checked,
            );
        }
    }
    let signs = [
        "艾特", "#", "at ", "at)", "at]", "AT ", "AT)", "AT]", "@]", "@)", "_at_", "dot",
    ];
    if signs.iter().any(|it| view.text.contains(it)) {
        for found in IN_BRACKETS.find_iter(&view.text) {
            search.add(Kind::Email, found.start(), found.end(), Certainty::Form);
        }
        for found in IN_WORDS.find_iter(&view.text) {
            // "A review at example.com/7" has no address.
            if view.at(found.end()) != Some('/') {
                search.add(Kind::Email, found.start(), found.end(), Certainty::Form);
            }
        }
    }
}
