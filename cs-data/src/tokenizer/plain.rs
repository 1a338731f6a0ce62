//! Special tokens that a text only looks like.

use tokenizers::{Encoding, Model, Offsets};

/// The encoding with every token of the text that is among `control` cut into what its characters
/// are without it. The library leaves special tokens out when it looks for added ones, but a
/// vocabulary has them as well: Unigram finds `</s>` there, and any model a word that is `[SEP]`.
///
/// # Errors
///
/// As [`Model::tokenize`].
pub(crate) fn plain(
    encoding: Encoding,
    text: &str,
    model: &impl Model,
    control: &[u32],
) -> tokenizers::Result<Encoding> {
    let inserted = encoding.get_special_tokens_mask();
    let pairs = encoding.get_ids().iter().zip(inserted);
    let is_control = |(id, &inserted): (&u32, &u32)| inserted == 0 && control.contains(id);
    if !pairs.clone().any(is_control) {
        return Ok(encoding);
    }
    let mut parts = Parts::default();
    for (index, pair) in pairs.enumerate() {
        let range = encoding.get_offsets()[index];
        let place = Place {
            word: encoding.get_word_ids()[index],
            inserted: inserted[index],
        };
        let token = &encoding.get_tokens()[index];
        if is_control(pair) {
            // One piece cannot be the token again, nor can what is left of it.
            let second = token.chars().next().map_or(0, char::len_utf8);
            let ends = ends(text, range, token);
            for (from, piece) in [(0, &token[..second]), (second, &token[second..])] {
                for found in model.tokenize(piece)? {
                    let (start, end) = (from + found.offsets.0, from + found.offsets.1);
                    let range = (ends(start).0, ends(end.saturating_sub(1)).1);
                    parts.push(found.id, found.value, range, place);
                }
            }
        } else {
            parts.push(*pair.0, token.clone(), range, place);
        }
    }
    Ok(parts.encoding())
}

/// Where the character of `token` at a byte begins and ends in the text: in `range`, character by
/// character if there are as many, else anywhere in it.
fn ends(text: &str, range: Offsets, token: &str) -> impl Fn(usize) -> Offsets {
    let (start, end) = range;
    let seen = text.get(start..end).unwrap_or_default();
    let same = seen.chars().count() == token.chars().count();
    let places: Vec<(usize, usize, usize)> = token
        .char_indices()
        .zip(seen.char_indices())
        .map(|((at, _), (from, char))| (at, start + from, start + from + char.len_utf8()))
        .collect();
    move |byte| {
        let place = places.iter().rev().find(|(at, _, _)| *at <= byte);
        match place.filter(|_| same) {
            Some(&(_, from, to)) => (from, to),
            None => (start, end),
        }
    }
}

/// What a token keeps when it is cut.
#[derive(Clone, Copy)]
struct Place {
    word: Option<u32>,
    inserted: u32,
}

/// The columns of an encoding.
#[derive(Default)]
struct Parts {
    ids: Vec<u32>,
    tokens: Vec<String>,
    offsets: Vec<Offsets>,
    words: Vec<Option<u32>>,
    inserted: Vec<u32>,
}

impl Parts {
    fn push(&mut self, id: u32, token: String, offsets: Offsets, place: Place) {
        self.ids.push(id);
        self.tokens.push(token);
        self.offsets.push(offsets);
        self.words.push(place.word);
        self.inserted.push(place.inserted);
    }

    fn encoding(self) -> Encoding {
        let len = self.ids.len();
        Encoding::new(
            self.ids,
            vec![0; len],
            self.tokens,
            self.words,
            self.offsets,
            self.inserted,
            vec![1; len],
            Vec::new(),
            Default::default(),
        )
    }
}
