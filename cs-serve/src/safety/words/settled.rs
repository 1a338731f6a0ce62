//! How much of a text is sure, whatever may follow.

use super::alphabet::{Kind, Letter};
use super::expressions::folded;
use super::filter::Filter;
use super::matching::MAX_GAP;
use super::view::{Reading, Unit, View};

/// The last characters of which a text does not yet say what they are.
const OPEN: usize = 2;

impl Filter {
    /// The byte up to which nothing that may follow a text, and is letters, changes what is found in it from a byte on.
    pub(super) fn settled(&self, text: &str, from: usize) -> usize {
        // What the last characters are may depend on the next one.
        let open = text[from..].char_indices().rev().take(OPEN).last();
        let end = open.map_or(from, |(at, _)| from + at);
        let end = end.min(self.settled_by_expressions(text, from));
        let end = self.settled_as_is(text, from, end);
        let end = self.settled_in_disguise(text, from, end);
        text[from..end]
            .char_indices()
            .rev()
            .take(self.lead)
            .last()
            .map_or(end, |(at, _)| from + at)
    }

    /// What a match may still begin in, or go on in, is kept back, and the character that tells a border. None goes on over
    /// more than [`MAX_GAP`] characters that are not seen, but for one that has them itself.
    fn settled_by_expressions(&self, text: &str, from: usize) -> usize {
        let reach = self.expression_reach;
        if reach == 0 {
            return text.len();
        }
        let (mut all, mut seen, mut unseen) = (0, 0, 0);
        let mut is_parted = false;
        for (at, char) in text[from..].char_indices().rev() {
            all += 1;
            match folded(char) {
                Some(_) => (seen, unseen) = (seen + 1, 0),
                None => unseen += 1,
            }
            is_parted |= unseen > MAX_GAP;
            if all > reach && (is_parted || seen > reach) {
                return from + at;
            }
        }
        from
    }

    fn settled_as_is(&self, text: &str, from: usize, end: usize) -> usize {
        // Whether a word has ended, the next character says that is seen.
        let seen = text.trim_end_matches(|char| Letter::of(char).kind == Kind::Invisible);
        let starts = text[from..end].char_indices().map(|(at, _)| from + at);
        let within = |&at: &usize| text.len() - at <= self.reach;
        let mut open = starts.filter(within).filter(|&at| {
            let rest = if at < seen.len() { seen } else { text };
            self.exact.may_begin(&rest.as_bytes()[at..])
        });
        open.next().unwrap_or(end)
    }

    fn settled_in_disguise(&self, text: &str, from: usize, mut end: usize) -> usize {
        let mut view = View::default();
        for reading in [Reading::Plain, Reading::Symbols, Reading::Parts] {
            view.read(text, from..text.len(), reading, &self.config.splits);
            let last = view.units.last().map_or(from, |unit| unit.end as usize);
            if text[last..].chars().nth(MAX_GAP).is_some() {
                continue;
            }
            let sure = view.units.iter().find(|unit| unit.end as usize > end);
            let sure = sure.map_or(view.letters().len(), |unit| unit.at as usize);
            let within = |unit: &&Unit| text.len() - unit.start as usize <= self.reach;
            let first = view.units.iter().filter(within).find(|unit| {
                let at = unit.at as usize;
                let letters = &view.letters()[at.min(sure)..sure];
                self.patterns.whole.may_begin(letters) || self.patterns.initials.may_begin(letters)
            });
            if let Some(first) = first {
                end = end.min(first.start as usize);
            }
        }
        end
    }
}
