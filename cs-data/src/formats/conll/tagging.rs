//! Which scheme a file's tags are in.

use std::ops::Range;

use crate::error::Result;
use crate::tags::IobError;
use crate::tags::Scheme;
use crate::text::Span;

/// The schemes in which all sentences so far are well-formed. A sentence that is so in several of
/// them has the same spans in each: two schemes share no sentence with a span, but IOBES and BMES,
/// which differ only in spans of three tokens and more.
pub(crate) struct Tagging {
    candidates: Vec<Scheme>,
    /// Line of the first sentence with a span; `None` if the scheme was given.
    seen: Option<usize>,
}

/// What is wrong with a sentence's tags.
pub(crate) struct WrongTag {
    pub(crate) index: Option<usize>,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Tagging {
    pub(crate) fn new(scheme: Option<Scheme>) -> Self {
        Tagging {
            candidates: scheme.map_or(Scheme::ALL.to_vec(), |scheme| vec![scheme]),
            seen: None,
        }
    }

    pub(crate) fn decode(
        &mut self,
        tokens: &[Range<usize>],
        tags: &[&str],
        line: usize,
    ) -> Result<Vec<Span>, WrongTag> {
        if tokens.len() != tags.len() {
            return Err(WrongTag {
                index: None,
                found: format!("{} tags", tags.len()),
                expected: format!("{}, one for each token", tokens.len()),
            });
        }
        if tags.iter().all(|tag| *tag == "O") {
            return Ok(Vec::new());
        }
        if let [scheme] = self.candidates[..] {
            let spans = scheme.decode(tokens, tags);
            return spans.map_err(|error| self.wrong(scheme, &error));
        }
        let candidates = self.candidates.iter().copied();
        let fitting = candidates.filter(|scheme| scheme.validate(tags).is_ok());
        let fitting: Vec<Scheme> = fitting.collect();
        let Some(scheme) = fitting.first() else {
            return Err(self.worst(tags));
        };
        self.seen.get_or_insert(line);
        let spans = scheme.decode_lenient(tokens, tags);
        self.candidates = fitting;
        Ok(spans)
    }

    /// The error of the scheme that explains most of the tags.
    fn worst(&self, tags: &[&str]) -> WrongTag {
        let errors = self.candidates.iter().rev();
        let errors = errors.filter_map(|scheme| Some((*scheme, scheme.validate(tags).err()?)));
        match errors.max_by_key(|(_, error)| error.index()) {
            Some((scheme, error)) => self.wrong(scheme, &error),
            None => WrongTag {
                index: None,
                found: "tags".into(),
                expected: "those of a scheme".into(),
            },
        }
    }

    fn wrong(&self, scheme: Scheme, error: &IobError) -> WrongTag {
        let message = error.to_string();
        let (found, expected) = message
            .split_once(", expected ")
            .unwrap_or((&message, "tags"));
        let since = self
            .seen
            .map_or(String::new(), |line| format!(" as from line {line}"));
        WrongTag {
            index: error.index(),
            found: found.into(),
            expected: format!("{expected} ({scheme}{since})"),
        }
    }
}
