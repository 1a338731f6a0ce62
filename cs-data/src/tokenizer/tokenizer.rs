//! Hugging Face tokenizers, with byte offsets and truncation of our own.

use std::fmt;
use std::path::Path;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::text::{ceil, floor, is_mark};

use super::bert::Bert;
use super::convert::GgmlVocabulary;
use super::encoding::{Encoding, Token};
use super::json::{Inner, Loaded};
pub(crate) use super::model::Model;
use super::word_rule::{Numbering, WordRule};
use super::wordpiece::Flavour;
use super::{convert, json, plain, prompt, wordpiece};

/// Below this many texts a batch is encoded on the caller's thread.
const PARALLEL_FROM: usize = 64;

/// The most ids, far more than any embedding has rows: what lists all of them takes their memory.
const MOST_IDS: usize = 1 << 24;

/// Bytes of a long text that are looked at first for each token wanted: three times what words
/// take.
const BYTES_A_TOKEN: usize = 16;
/// Bytes that are looked at at most for each token wanted.
const MOST_BYTES_A_TOKEN: usize = 64;

/// A Hugging Face tokenizer. Padding and truncation that its file asks for are switched off:
/// batches are packed, and the length is an argument.
///
/// ```
/// use cs_data::Tokenizer;
/// let tokenizer = Tokenizer::train(["where is my order", "my order is late"].into_iter(), 60)?;
/// let again = Tokenizer::from_json(&tokenizer.to_json()?, "tokenizer.json".as_ref())?;
/// let encoding = again.encode("My order", 16)?;
/// let tokens: Vec<_> = encoding.ids.iter().filter_map(|&id| again.token(id)).collect();
/// assert_eq!(tokens, ["[CLS]", "my", "order", "[SEP]"]);
///
/// let cut = again.encode("my order is late", 4)?;
/// assert_eq!(again.token(cut.ids[3]).as_deref(), Some("[SEP]"));
/// assert!(cut.truncated);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokenizer {
    pub(super) inner: Inner,
    /// The same, to which what looks like a special token is one.
    pub(super) prompts: Inner,
    /// Whether spaces before punctuation are left out of decoded texts.
    pub(super) clean_up: bool,
    /// The way that common texts are cut if the tokenizer is BERT's.
    bert: Option<Bert>,
    pad_id: u32,
    unknown_id: Option<u32>,
    /// Special tokens but for the unknown one, ascending: no text becomes one of them.
    control_ids: Vec<u32>,
    vocab_size: usize,
    words: WordRule,
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size)
            .field("pad_id", &self.pad_id)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// The names of the files that [`open`](Self::open) reads where they are there, but for
    /// `config.json`.
    pub const FILES: [&str; 14] = [
        "tokenizer.json",
        "source.spm",
        "target.spm",
        "sentencepiece.bpe.model",
        "spiece.model",
        "tokenizer.model",
        "sentencepiece.model",
        "vocab.json",
        "target_vocab.json",
        "merges.txt",
        "vocab.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    ];

    /// Opens the tokenizer of a model's folder, in the files that its family ships it in:
    ///
    /// - `tokenizer.json`;
    /// - `source.spm`, `target.spm` and `vocab.json`, Marian's: texts are source texts, what is
    ///   decoded is of the target language, and a text may begin with a code such as `>>cmn<<`;
    /// - a SentencePiece file: XLM-R's `sentencepiece.bpe.model`, ALBERT's `spiece.model`,
    ///   `tokenizer.model`, of unigrams or byte pairs;
    /// - `vocab.json` and `merges.txt`: bytes as GPT-2, RoBERTa, BART, Blenderbot and Qwen2 pair
    ///   them, or BlenderbotSmall's characters;
    /// - `vocab.txt`, BERT's WordPiece.
    ///
    /// Which family it is, its special tokens and how texts are normalised, `tokenizer_config.json`
    /// says, with `special_tokens_map.json`, `added_tokens.json` and the `model_type` of
    /// `config.json`; what they are silent about is as in `transformers`.
    ///
    /// # Errors
    ///
    /// A missing, unreadable or malformed file; the error says which.
    pub fn open(dir: &Path) -> Result<Self> {
        let found = convert::open(dir)?;
        let mut tokenizer = Self::of(found.loaded, &found.origin)?;
        tokenizer.clean_up = found.clean_up;
        Ok(tokenizer)
    }

    /// Makes the tokenizer that a GGUF file tells of; `origin` is its path, for errors. Ids are those
    /// of the file, but for tokens that it calls unused, which are none.
    ///
    /// # Errors
    ///
    /// Lists that do not fit each other, and a kind of tokenizer that is not read; the error names
    /// the key.
    pub fn from_ggml(vocabulary: &GgmlVocabulary<'_>, origin: &Path) -> Result<Self> {
        Self::from_json(&vocabulary.tokenizer_json(origin)?, origin)
    }

    /// Opens a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// An unreadable or malformed file.
    pub fn open_file(path: &Path) -> Result<Self> {
        Self::from_json(&convert::read(path)?, path)
    }

    /// Reads the bytes of a `tokenizer.json`; `origin` is the path for errors.
    ///
    /// # Errors
    ///
    /// Malformed JSON or an unknown or inconsistent tokenizer.
    pub fn from_json(bytes: &[u8], origin: &Path) -> Result<Self> {
        Self::of(json::load(bytes, origin)?, origin)
    }

    fn of(loaded: Loaded, origin: &Path) -> Result<Self> {
        let Loaded { mut inner, padding } = loaded;
        let named = || {
            ["[PAD]", "<pad>"]
                .iter()
                .find_map(|token| inner.token_to_id(token))
        };
        let pad_id = padding.or_else(named).unwrap_or(0);
        let unknown = ["[UNK]", "<unk>"];
        let unknown = unknown.iter().find_map(|token| inner.token_to_id(token));
        let unknown_id = inner.get_model().unknown().or(unknown);
        let added = inner.get_added_tokens_decoder().into_keys().max();
        let added = added.map_or(0, |id| id as usize + 1);
        let vocab_size = inner.get_model().ids().max(added);
        if vocab_size > MOST_IDS {
            let found = format!("a token with the id {}", vocab_size - 1);
            return Err(Error::file(origin, found, format!("ids below {MOST_IDS}")));
        }
        let prompts = prompt::reading_special_tokens(&inner)?;
        inner.set_encode_special_tokens(true);
        let mut tokenizer = Tokenizer {
            bert: Bert::of(&inner),
            inner,
            prompts,
            clean_up: false,
            pad_id,
            unknown_id,
            control_ids: Vec::new(),
            vocab_size,
            words: WordRule::default(),
        };
        tokenizer.control_ids = tokenizer.special_ids();
        tokenizer.control_ids.retain(|&id| Some(id) != unknown_id);
        // Special tokens carry ids of their own, which an embedding would be asked for.
        let special = tokenizer.encode("", usize::MAX)?.ids;
        match special
            .iter()
            .chain([&pad_id])
            .find(|&&id| id as usize >= vocab_size)
        {
            Some(id) => Err(Error::file(
                origin,
                format!("a special token with the id {id}"),
                format!("ids below {vocab_size}"),
            )),
            None => Ok(tokenizer),
        }
    }

    /// Learns a BERT-style WordPiece vocabulary of at most `vocab_size` entries from `texts`:
    /// `[PAD]` (0), `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`, the characters, then the most frequent
    /// pieces. Lower-cases, strips accents and splits CJK characters; adds `[CLS]` and `[SEP]`.
    ///
    /// The same texts, in any order, give the same bytes. Takes about a second for 10,000 short
    /// texts, unoptimised builds more.
    ///
    /// # Errors
    ///
    /// No words in `texts`, or a `vocab_size` below 6.
    pub fn train<'a>(texts: impl Iterator<Item = &'a str>, vocab_size: usize) -> Result<Self> {
        let entries = wordpiece::train(texts, vocab_size)?;
        let origin = Path::new("tokenizer.json");
        Self::from_json(
            &Flavour::default().tokenizer_json(&entries, origin)?,
            origin,
        )
    }

    /// Gives the bytes of a `tokenizer.json` that Hugging Face opens, without padding and
    /// truncation.
    ///
    /// # Errors
    ///
    /// A tokenizer that the library cannot write.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let json = self
            .inner
            .to_string(true)
            .map_err(|source| Error::Tokenizer { source })?;
        Ok(json.into_bytes())
    }

    /// Sets which tokens make up a word, instead of the default.
    #[must_use]
    pub fn with_words(mut self, rule: WordRule) -> Self {
        self.words = rule;
        self
    }

    /// The rule by which tokens make up a word.
    pub fn words(&self) -> WordRule {
        self.words
    }

    /// The library's own.
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// One more than the largest token id, added tokens included: the number of rows that an
    /// embedding needs.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Id of the padding token; 0 if the tokenizer has none.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// Id of a token such as `[MASK]`; `None` if it is no token.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["order"].into_iter(), 20)?;
    /// assert_eq!(tokenizer.id("[MASK]"), Some(4));
    /// assert_eq!(tokenizer.id("[NO]"), None);
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Ids of the tokens that stand for no text, ascending: those that the file marks as special,
    /// `[UNK]` among them.
    pub fn special_ids(&self) -> Vec<u32> {
        let added = self.inner.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, token)| token.special);
        let mut ids: Vec<u32> = special.map(|(&id, _)| id).collect();
        ids.sort_unstable();
        ids
    }

    /// Gives the token of an id; `None` if there is none.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The token that stands for a word to be guessed, such as `[MASK]` or `<mask>`; `None` without
    /// one.
    ///
    /// ```
    /// let tokenizer = cs_data::Tokenizer::train(["order"].into_iter(), 20)?;
    /// assert_eq!(tokenizer.mask_token().as_deref(), Some("[MASK]"));
    /// # Ok::<(), cs_data::Error>(())
    /// ```
    pub fn mask_token(&self) -> Option<String> {
        let special = self.control_ids.iter().filter_map(|&id| self.token(id));
        let is_mask = |token: &String| {
            let name = token.trim_matches(|char: char| !char.is_alphanumeric());
            name.eq_ignore_ascii_case("mask")
        };
        special.into_iter().find(is_mask)
    }

    /// Encodes `text` with special tokens at its ends; what looks like one in the text (`[SEP]`,
    /// `</s>`) is text. Of more than `max_length` tokens (special ones included) the first of the
    /// text stay, and the special tokens at both ends.
    ///
    /// Of a long text only the beginning is looked at, until there are tokens enough, and never
    /// more than 64 bytes for each of `max_length`: what takes longer to say so little is cut
    /// there, and the encoding says `truncated`. So time and memory are bounded by `max_length`,
    /// not by the text.
    ///
    /// # Errors
    ///
    /// A `max_length` without room for the special tokens; a text the tokenizer fails on.
    pub fn encode(&self, text: &str, max_length: usize) -> Result<Encoding> {
        let most = max_length.saturating_mul(MOST_BYTES_A_TOKEN);
        let mut limit = max_length.saturating_mul(BYTES_A_TOKEN);
        while limit < most && limit < text.len() {
            let beginning = &text[..floor(text, limit)];
            let tokens = self.tokens(beginning)?;
            if whole_tokens(&tokens) >= max_length {
                return self.cut(&tokens, beginning, max_length);
            }
            limit = limit.saturating_mul(2);
        }
        let beginning = &text[..floor(text, most)];
        let tokens = self.tokens(beginning)?;
        let mut encoding = self.cut(&tokens, beginning, max_length)?;
        encoding.truncated |= beginning.len() < text.len();
        Ok(encoding)
    }

    fn cut(&self, tokens: &[Token], text: &str, max_length: usize) -> Result<Encoding> {
        let mut encoding = cut(tokens, text, max_length, self.words)?;
        encoding.blank_unread(text, self.unknown_id);
        Ok(encoding)
    }

    fn tokens(&self, text: &str) -> Result<Vec<Token>> {
        if let (Some(bert), Model::WordPiece(model)) = (&self.bert, self.inner.get_model())
            && let Some(tokens) = bert.tokens(text, model, &self.control_ids)
        {
            return Ok(tokens);
        }
        if let Model::Renumbered(model) = self.inner.get_model()
            && let Some((code, length)) = model.language_code(text)
        {
            let mut tokens = vec![Token::special(&code)];
            tokens.extend(
                self.library_tokens(&text[length..])?
                    .into_iter()
                    .map(|token| token.after(length)),
            );
            return Ok(tokens);
        }
        self.library_tokens(text)
    }

    fn library_tokens(&self, text: &str) -> Result<Vec<Token>> {
        // `encode` gives byte offsets; `encode_char_offsets` would give characters.
        let encoding = self.inner.encode(text, true).map_err(Error::tokenizer)?;
        let model = self.inner.get_model();
        let encoding =
            plain::plain(encoding, text, model, &self.control_ids).map_err(Error::tokenizer)?;
        Ok(Token::of_library(&encoding, text))
    }

    /// Encodes each text as [`encode`](Self::encode) does; 64 or more on all cores.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode), for the first text that fails.
    pub fn encode_batch(&self, texts: &[&str], max_length: usize) -> Result<Vec<Encoding>> {
        each(texts, |text| self.encode(text, max_length))
    }
}

/// What `of` makes of each item, in order, or the first error; many items on all cores.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    of: impl Fn(&T) -> Result<R> + Send + Sync,
) -> Result<Vec<R>> {
    if items.len() < PARALLEL_FROM {
        return items.iter().map(of).collect();
    }
    // Results stay in order; errors are looked for afterwards, so that the first is the first.
    let results: Vec<Result<R>> = items.par_iter().map(of).collect();
    results.into_iter().collect()
}

/// How many tokens there are, special ones included, without those of the last word: the text may
/// go on, and the word with it.
fn whole_tokens(tokens: &[Token]) -> usize {
    let last = tokens.iter().filter_map(|token| token.word).max();
    tokens.iter().filter(|token| token.word != last).count()
}

/// Truncates the body, keeps the special tokens at both ends, snaps offsets to characters.
fn cut(tokens: &[Token], text: &str, max_length: usize, rule: WordRule) -> Result<Encoding> {
    let is_special = |token: &&Token| token.word.is_none();
    let len = tokens.len();
    let head = tokens.iter().take_while(is_special).count();
    let tail = tokens[head..].iter().rev().take_while(is_special).count();
    if head + tail > max_length {
        return Err(Error::argument(
            "max_length",
            max_length.to_string(),
            format!("at least {} (the special tokens)", head + tail),
        ));
    }
    let body_end = (len - tail).min(max_length - tail);
    let kept = body_end + tail;
    let mut out = Encoding {
        ids: Vec::with_capacity(kept),
        offsets: Vec::with_capacity(kept),
        words: Vec::with_capacity(kept),
        truncated: len > max_length,
    };
    let mut numbering = Numbering::new(rule, text);
    for index in (0..body_end).chain(len - tail..len) {
        let token = &tokens[index];
        let (word, range) = match token.word {
            // A space put before the text has the first character's bytes.
            Some(_) if rule == WordRule::Script && token.is_space => (None, 0..0),
            Some(word) => {
                let start = floor(text, token.range.start);
                let end = ceil(text, token.range.end).max(start);
                let next = tokens.get(index + 1).filter(|next| next.word.is_some());
                let limit = next.map_or(text.len(), |next| next.range.start);
                numbering.number(word, start..past_marks(text, end, limit))
            }
            None => (None, 0..0),
        };
        out.ids.push(token.id);
        out.words.push(word);
        out.offsets.push(range);
    }
    Ok(out)
}

/// The end of the combining marks at `end`, before `limit`: a normaliser that strips accents leaves
/// them to no token, but they belong to the character before them.
fn past_marks(text: &str, end: usize, limit: usize) -> usize {
    let rest = text.get(end..limit).unwrap_or_default();
    end + rest
        .chars()
        .take_while(|&char| is_mark(char))
        .map(char::len_utf8)
        .sum::<usize>()
}
