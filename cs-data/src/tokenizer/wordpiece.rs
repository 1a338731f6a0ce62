//! BERT's WordPiece: vocabulary files and training.
//!
//! The `tokenizers` crate's own trainer numbers continuing pieces in the order of a hash map with a
//! random seed, so two runs give two vocabularies. This one orders everything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use crate::error::{Error, Result};
use crate::file::position;

use super::convert::Settings;

/// Longer words are `[UNK]` to BERT.
const MAX_WORD_CHARS: usize = 100;
/// A piece seen once is noise.
const MIN_FREQUENCY: u64 = 2;

/// What `tokenizer_config.json` says beside the vocabulary.
pub(crate) struct Flavour {
    lowercase: bool,
    split_cjk: bool,
    strip_accents: Option<bool>,
    /// pad, unk, cls, sep, mask
    special: [String; 5],
}

impl Default for Flavour {
    fn default() -> Self {
        Flavour {
            lowercase: true,
            split_cjk: true,
            strip_accents: None,
            special: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from),
        }
    }
}

impl Flavour {
    pub(super) fn of(settings: &Settings) -> Self {
        let mut flavour = Flavour {
            lowercase: settings.flag("do_lower_case").unwrap_or(true),
            split_cjk: settings.flag("tokenize_chinese_chars").unwrap_or(true),
            strip_accents: settings.flag("strip_accents"),
            ..Flavour::default()
        };
        let roles = [
            "pad_token",
            "unk_token",
            "cls_token",
            "sep_token",
            "mask_token",
        ];
        for (role, name) in roles.iter().zip(&mut flavour.special) {
            if let Some(found) = settings.token(role) {
                *name = found.to_owned();
            }
        }
        flavour
    }

    /// The `tokenizer.json` that Hugging Face's converter would make of `entries`.
    pub(crate) fn tokenizer_json(
        &self,
        entries: &[(String, u32)],
        origin: &Path,
    ) -> Result<Vec<u8>> {
        let vocab: HashMap<&str, u32> = entries.iter().map(|(t, id)| (t.as_str(), *id)).collect();
        let [_, unk, cls, sep, _] = &self.special;
        if let Some(missing) = [unk, cls, sep]
            .into_iter()
            .find(|t| !vocab.contains_key(t.as_str()))
        {
            return Err(Error::file(
                origin,
                format!("a vocabulary of {} tokens without {missing}", vocab.len()),
                "the special tokens among them",
            ));
        }
        let mut known: Vec<(u32, &str)> = self
            .special
            .iter()
            .filter_map(|t| Some((*vocab.get(t.as_str())?, t.as_str())))
            .collect();
        known.sort_unstable();
        known.dedup();
        let added: Vec<Value> = known
            .iter()
            .map(|(id, token)| {
                json!({"id": id, "content": token, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": false, "special": true})
            })
            .collect();
        let file = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
            "normalizer": {"type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": self.split_cjk, "strip_accents": self.strip_accents,
                "lowercase": self.lowercase},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "TemplateProcessing",
                "single": [special(cls, 0), sequence("A", 0), special(sep, 0)],
                "pair": [special(cls, 0), sequence("A", 0), special(sep, 0), sequence("B", 1), special(sep, 1)],
                "special_tokens": {cls: describe(cls, vocab[&**cls]), sep: describe(sep, vocab[&**sep])}},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {"type": "WordPiece", "unk_token": unk, "continuing_subword_prefix": "##",
                "max_input_chars_per_word": MAX_WORD_CHARS, "vocab": vocab},
        });
        Ok(file.to_string().into_bytes())
    }
}

/// One token a line; its number is its id. As in Python, the last of equal lines counts.
pub(crate) fn read_vocab(path: &Path, bytes: &[u8]) -> Result<Vec<(String, u32)>> {
    let text = position::utf8(path, bytes)?;
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    Ok(lines
        .zip(0..)
        .map(|(line, id)| (line.strip_suffix('\r').unwrap_or(line).to_owned(), id))
        .collect())
}

/// The vocabulary with its ids. Merges the most frequent pair of adjacent pieces over and over
/// (Sennrich et al., arXiv:1508.07909), as Hugging Face's WordPiece trainer does; ties go to the
/// pieces with the lower ids.
pub(crate) fn train<'a>(
    texts: impl Iterator<Item = &'a str>,
    vocab_size: usize,
) -> Result<Vec<(String, u32)>> {
    let mut vocab = Vocab::default();
    for token in Flavour::default().special {
        vocab.id(token);
    }
    if vocab_size <= vocab.tokens.len() {
        return Err(Error::argument(
            "vocab_size",
            vocab_size.to_string(),
            format!("at least {}", vocab.tokens.len() + 1),
        ));
    }
    let counts = count_words(texts)?;
    if counts.is_empty() {
        return Err(Error::argument("texts", "empty", "at least one word"));
    }
    for piece in alphabet(&counts, vocab_size - vocab.tokens.len()) {
        vocab.id(piece);
    }
    let words = counts
        .iter()
        .filter_map(|(word, &count)| {
            // A word with a character that found no room is [UNK] whatever its other pieces.
            let pieces: Option<Vec<u32>> = pieces(word)
                .map(|piece| vocab.ids.get(&piece).copied())
                .collect();
            Some((pieces?, count))
        })
        .collect();
    Merger::new(words).run(&mut vocab, vocab_size);
    Ok(vocab.tokens.into_iter().zip(0..).collect())
}

#[derive(Default)]
struct Vocab {
    tokens: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocab {
    /// The token's id; a new one if it has none yet.
    fn id(&mut self, token: String) -> u32 {
        *self.ids.entry(token).or_insert_with_key(|token| {
            self.tokens.push(token.clone());
            self.tokens.len() as u32 - 1
        })
    }
}

fn special(token: &str, segment: u32) -> Value {
    json!({"SpecialToken": {"id": token, "type_id": segment}})
}

fn sequence(id: &str, segment: u32) -> Value {
    json!({"Sequence": {"id": id, "type_id": segment}})
}

fn describe(token: &str, id: u32) -> Value {
    json!({"id": token, "ids": [id], "tokens": [token]})
}

/// How often each word occurs after BERT's normaliser and pre-tokenizer.
fn count_words<'a>(texts: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for text in texts {
        let mut normalized = NormalizedString::from(text);
        BertNormalizer::default()
            .normalize(&mut normalized)
            .map_err(Error::tokenizer)?;
        let mut words = PreTokenizedString::from(normalized);
        BertPreTokenizer
            .pre_tokenize(&mut words)
            .map_err(Error::tokenizer)?;
        for (word, _, _) in words.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            if word.chars().count() <= MAX_WORD_CHARS {
                *counts.entry(word.to_owned()).or_insert(0) += 1;
            }
        }
    }
    Ok(counts)
}

/// `order` as `o ##r ##d ##e ##r`.
fn pieces(word: &str) -> impl Iterator<Item = String> {
    word.chars()
        .enumerate()
        .map(|(at, c)| if at == 0 { c.into() } else { format!("##{c}") })
}

/// Every character alone and, where seen inside a word, as `##c`; the most frequent if there is
/// no room for all. In the order of code points, those that begin a word first.
fn alphabet(words: &BTreeMap<String, u64>, room: usize) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (word, count) in words {
        for (alone, piece) in word.chars().zip(pieces(word)) {
            let alone = alone.to_string();
            if piece != alone {
                *counts.entry(piece).or_default() += count;
            }
            *counts.entry(alone).or_default() += count;
        }
    }
    let mut kept: Vec<(String, u64)> = counts.into_iter().collect();
    kept.sort_by_key(|&(_, count)| Reverse(count)); // stable: ties stay in the order of the map
    kept.truncate(room);
    let mut kept: Vec<String> = kept.into_iter().map(|(piece, _)| piece).collect();
    kept.sort_by_cached_key(|piece| (piece.starts_with("##"), piece.clone()));
    kept
}

type Pair = (u32, u32);

/// The words as pieces, with an index of the pairs in them.
struct Merger {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Pair, u64>,
    places: HashMap<Pair, BTreeSet<usize>>,
    /// Outdated entries stay until they reach the top.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Merger {
    fn new(words: Vec<(Vec<u32>, u64)>) -> Self {
        let mut counts: HashMap<Pair, u64> = HashMap::new();
        let mut places: HashMap<Pair, BTreeSet<usize>> = HashMap::new();
        for (at, (word, count)) in words.iter().enumerate() {
            for pair in pairs(word) {
                *counts.entry(pair).or_default() += count;
                places.entry(pair).or_default().insert(at);
            }
        }
        let queue = counts
            .iter()
            .map(|(&pair, &count)| (count, Reverse(pair)))
            .collect();
        Merger {
            words,
            counts,
            places,
            queue,
        }
    }

    fn run(&mut self, vocab: &mut Vocab, vocab_size: usize) {
        while vocab.tokens.len() < vocab_size
            && let Some((count, Reverse(pair))) = self.queue.pop()
        {
            if self.counts.get(&pair) != Some(&count) {
                continue; // every change of a count queued the pair again
            }
            if count < MIN_FREQUENCY {
                break;
            }
            let (left, right) = (
                &vocab.tokens[pair.0 as usize],
                &vocab.tokens[pair.1 as usize],
            );
            let piece = format!("{left}{}", right.strip_prefix("##").unwrap_or(right));
            let piece = vocab.id(piece);
            self.merge(pair, piece);
        }
    }

    fn merge(&mut self, pair: Pair, piece: u32) {
        let mut changed = BTreeSet::new();
        for at in self.places.remove(&pair).unwrap_or_default() {
            let (word, count) = &mut self.words[at];
            for old in pairs(word) {
                if let Some(total) = self.counts.get_mut(&old) {
                    *total -= *count;
                }
                changed.insert(old);
            }
            *word = join(word, pair, piece);
            for new in pairs(word) {
                *self.counts.entry(new).or_default() += *count;
                self.places.entry(new).or_default().insert(at);
                changed.insert(new);
            }
        }
        for pair in changed {
            match self.counts.get(&pair) {
                Some(&count) if count > 0 => self.queue.push((count, Reverse(pair))),
                _ => {
                    self.counts.remove(&pair);
                }
            }
        }
    }
}

fn pairs(word: &[u32]) -> impl Iterator<Item = Pair> {
    word.windows(2).map(|pair| (pair[0], pair[1]))
}

/// `word` with each `pair`, from the left, replaced by `piece`.
fn join(word: &[u32], pair: Pair, piece: u32) -> Vec<u32> {
    let mut joined = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        if word[at] == pair.0 && word.get(at + 1) == Some(&pair.1) {
            joined.push(piece);
            at += 2;
        } else {
            joined.push(word[at]);
            at += 1;
        }
    }
    joined
}
