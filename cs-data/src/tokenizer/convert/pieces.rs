//! SentencePiece files as `tokenizer.json`, as the converter of `transformers` writes it.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::Result;

use super::document::{Document, Edge, template};
use super::sentence_piece::{Algorithm, Kind, Opened, Piece};
use super::settings::{Settings, added, content_of};

/// SentencePiece's sign for a space.
pub(super) const SPACE: &str = "\u{2581}";

pub(super) type Merge<'a> = (&'a str, &'a str);

impl Opened {
    /// The tokenizer of a folder with this file: XLM-R's, ALBERT's or Llama's, or what the file
    /// itself says.
    pub(super) fn document(&self, settings: &Settings) -> Result<Document> {
        if settings.is_of(&["XLMRobertaTokenizer", "xlm-roberta"]) {
            self.xlm_roberta(settings)
        } else if settings.is_of(&["AlbertTokenizer", "albert"]) {
            self.albert(settings)
        } else if settings.is_of(&["LlamaTokenizer", "llama"]) {
            self.llama(settings, &self.merges_by_id())
        } else {
            self.plain(settings)
        }
    }

    /// Like SentencePiece itself: no special tokens around a text.
    fn plain(&self, settings: &Settings) -> Result<Document> {
        let trainer = &self.model.trainer;
        let mut defaults = vec![("unk_token", trainer.unk_piece())];
        if trainer.bos_id() >= 0 {
            defaults.push(("bos_token", trainer.bos_piece()));
        }
        if trainer.eos_id() >= 0 {
            defaults.push(("eos_token", trainer.eos_piece()));
        }
        let model = match trainer.algorithm() {
            Algorithm::Bpe => {
                let unknown = Some(trainer.unk_piece());
                let whole = self.user_defined().next().is_some();
                self.bpe(&self.merges_by_score(), unknown, whole)
            }
            _ => self.unigram(self.scores(), trainer.unk_id(), trainer.byte_fallback()),
        };
        let named = settings.added_tokens(&defaults);
        let control = self.special_pieces().into_iter();
        let control = control.filter(|token| token["special"] == true);
        Ok(Document {
            normalizer: self.normalizer(settings.flag("legacy").unwrap_or(true)),
            pre_tokenizer: self.pre_tokenizer(settings.flag("legacy").unwrap_or(true)),
            post_processor: self.edges(settings, &defaults)?,
            decoder: self.decoder(),
            model,
            added_tokens: joined(named, control),
            padding: None,
        })
    }

    fn xlm_roberta(&self, settings: &Settings) -> Result<Document> {
        let defaults = [
            ("bos_token", "<s>"),
            ("eos_token", "</s>"),
            ("unk_token", "<unk>"),
            ("sep_token", "</s>"),
            ("pad_token", "<pad>"),
            ("cls_token", "<s>"),
            ("mask_token", "<mask>"),
        ];
        let name = |role: &'static str| token_of(settings, &defaults, role);
        // fairseq's order, which has the four before SentencePiece's pieces but its first three.
        let head =
            ["bos_token", "pad_token", "eos_token", "unk_token"].map(|role| (name(role), 0.0));
        let mut scores = head.to_vec();
        scores.extend(self.scores().into_iter().skip(3));
        scores.push((name("mask_token"), 0.0));
        let id = |token: &str| {
            scores
                .iter()
                .position(|(text, _)| *text == token)
                .map(|at| at as u32)
        };
        let bos = Edge::new(name("bos_token"), id, &self.path)?;
        let eos = Edge::new(name("eos_token"), id, &self.path)?;
        Ok(Document {
            normalizer: self.charsmap().unwrap_or_default(),
            pre_tokenizer: words(settings),
            post_processor: template(&[bos], &[eos]),
            decoder: metaspace(settings),
            model: self.unigram(scores, 3, false),
            added_tokens: joined(settings.added_tokens(&defaults), self.special_pieces()),
            padding: Some(1),
        })
    }

    fn albert(&self, settings: &Settings) -> Result<Document> {
        let defaults = [
            ("bos_token", "[CLS]"),
            ("eos_token", "[SEP]"),
            ("unk_token", "<unk>"),
            ("sep_token", "[SEP]"),
            ("pad_token", "<pad>"),
            ("cls_token", "[CLS]"),
            ("mask_token", "[MASK]"),
        ];
        let quotes = ["``", "''"].map(|from| replaced(json!({"String": from}), "\""));
        let mut steps = quotes.to_vec();
        if settings.flag("keep_accents") != Some(true) {
            steps.extend([json!({"type": "NFKD"}), json!({"type": "StripAccents"})]);
        }
        if settings.flag("do_lower_case") != Some(false) {
            steps.push(json!({"type": "Lowercase"}));
        }
        steps.extend(self.charsmap());
        let edge = |role| self.edge(settings, &defaults, role);
        Ok(Document {
            normalizer: json!({"type": "Sequence", "normalizers": steps}),
            pre_tokenizer: words(settings),
            post_processor: template(&[edge("cls_token")?], &[edge("sep_token")?]),
            decoder: metaspace(settings),
            model: self.unigram(self.scores(), 1, false),
            added_tokens: joined(settings.added_tokens(&defaults), self.special_pieces()),
            padding: self.id(token_of(settings, &defaults, "pad_token")),
        })
    }

    /// Llama's, which joins these pairs, the first ones first.
    pub(super) fn llama(&self, settings: &Settings, merges: &[Merge<'_>]) -> Result<Document> {
        let defaults = [
            ("bos_token", "<s>"),
            ("eos_token", "</s>"),
            ("unk_token", "<unk>"),
        ];
        let prefix = settings.flag("add_prefix_space") != Some(false);
        let scheme = match (prefix, settings.flag("legacy")) {
            (false, _) => "never",
            (true, Some(true)) => "always",
            (true, _) => "first",
        };
        let mut decoders = vec![
            spaces(),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        if prefix {
            decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        Ok(Document {
            normalizer: Value::Null,
            pre_tokenizer: json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": false}),
            post_processor: self.edges(settings, &defaults)?,
            decoder: json!({"type": "Sequence", "decoders": decoders}),
            model: self.bpe(merges, None, false),
            added_tokens: joined(settings.added_tokens(&defaults), self.special_pieces()),
            padding: None,
        })
    }

    /// The special tokens around a text that the settings ask for.
    fn edges(&self, settings: &Settings, defaults: &[(&str, &str)]) -> Result<Value> {
        let edge = |flag: &str, role: &'static str| {
            let wanted = settings.flag(flag) == Some(true);
            wanted
                .then(|| self.edge(settings, defaults, role))
                .transpose()
        };
        let (head, tail) = (
            edge("add_bos_token", "bos_token")?,
            edge("add_eos_token", "eos_token")?,
        );
        Ok(template(head.as_slice(), tail.as_slice()))
    }

    fn edge<'a>(
        &self,
        settings: &'a Settings,
        defaults: &[(&str, &'a str)],
        role: &'static str,
    ) -> Result<Edge<'a>> {
        let token = token_of(settings, defaults, role);
        Edge::new(token, |token| self.id(token), &self.path)
    }

    fn scores(&self) -> Vec<(&str, f32)> {
        self.model
            .pieces
            .iter()
            .map(|piece| (piece.text(), piece.score()))
            .collect()
    }

    pub(super) fn unigram(&self, scores: Vec<(&str, f32)>, unknown: i32, bytes: bool) -> Value {
        let vocab: Vec<(&str, f64)> = scores
            .into_iter()
            .map(|(text, score)| (text, score.into()))
            .collect();
        json!({"type": "Unigram", "unk_id": unknown, "vocab": vocab, "byte_fallback": bytes})
    }

    fn bpe(&self, merges: &[Merge<'_>], unknown: Option<&str>, whole: bool) -> Value {
        let bytes = unknown.is_none() || self.model.trainer.byte_fallback();
        json!({"type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": bytes, "ignore_merges": whole,
            "vocab": self.ids(|_| true), "merges": merges})
    }

    fn ids(&self, is_one: impl Fn(&Piece) -> bool) -> HashMap<&str, usize> {
        let pieces = self.model.pieces.iter().enumerate();
        pieces
            .filter(|(_, piece)| is_one(piece))
            .map(|(id, piece)| (piece.text(), id))
            .collect()
    }

    /// Every way to put a normal piece together of two, the likeliest piece first.
    pub(super) fn merges_by_score(&self) -> Vec<Merge<'_>> {
        let ids = self.ids(|piece| piece.kind() == Kind::Normal);
        let mut merges = merges(&ids);
        merges.sort_by_cached_key(|merge| {
            let id = ids.get(&*[merge.0, merge.1].concat()).copied();
            let id = id.unwrap_or_default();
            (Ordered(-self.model.pieces[id].score()), id, *merge)
        });
        merges
    }

    /// Every way to put a piece together of two, the piece with the lowest id first.
    fn merges_by_id(&self) -> Vec<Merge<'_>> {
        let ids = self.ids(|_| true);
        let mut merges = merges(&ids);
        let chars = |text: &str| text.chars().count();
        merges.sort_by_cached_key(|(first, second)| {
            (
                ids.get(&*[*first, *second].concat()).copied(),
                chars(first),
                chars(second),
            )
        });
        merges
    }

    /// What SentencePiece does to a text before its pieces are looked for.
    pub(super) fn normalizer(&self, legacy: bool) -> Value {
        let told = &self.model.normalizer;
        let mut steps: Vec<Value> = self.charsmap().into_iter().collect();
        if told.remove_extra_whitespaces() {
            steps.push(replaced(json!({"Regex": r"\A +| +\z"}), ""));
            steps.push(replaced(json!({"Regex": " {2,}"}), " "));
        }
        if told.escape_whitespaces() {
            steps.push(replaced(json!({"String": " "}), SPACE));
        }
        if told.add_dummy_prefix() && legacy {
            // Metaspace puts none before a text that begins with one.
            steps.push(replaced(
                json!({"Regex": format!(r"\A{SPACE}")}),
                &SPACE.repeat(2),
            ));
        }
        json!({"type": "Sequence", "normalizers": steps})
    }

    pub(super) fn pre_tokenizer(&self, legacy: bool) -> Value {
        let mut steps = Vec::new();
        if self.model.normalizer.add_dummy_prefix() {
            let scheme = if legacy { "always" } else { "first" };
            steps.push(json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": false}));
        }
        let mut whole: Vec<&str> = self.user_defined().collect();
        if !whole.is_empty() {
            whole.sort_by_key(|text| std::cmp::Reverse(text.chars().count()));
            let pattern: Vec<String> = whole.into_iter().map(escaped).collect();
            steps.push(
                json!({"type": "Split", "pattern": {"Regex": pattern.join("|")},
                "behavior": "Isolated", "invert": false}),
            );
        }
        match steps.is_empty() {
            true => Value::Null,
            false => json!({"type": "Sequence", "pretokenizers": steps}),
        }
    }

    fn decoder(&self) -> Value {
        let bytes = self.model.trainer.byte_fallback();
        let prefix = self.model.normalizer.add_dummy_prefix();
        let mut steps = vec![spaces()];
        if bytes {
            steps.push(json!({"type": "ByteFallback"}));
        }
        if bytes || prefix {
            steps.push(json!({"type": "Fuse"}));
        }
        if prefix {
            steps.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
        }
        json!({"type": "Sequence", "decoders": steps})
    }

    fn charsmap(&self) -> Option<Value> {
        let map = Some(self.model.normalizer.charsmap()).filter(|map| !map.is_empty())?;
        Some(json!({"type": "Precompiled", "precompiled_charsmap": STANDARD.encode(map)}))
    }

    fn user_defined(&self) -> impl Iterator<Item = &str> {
        let pieces = self.model.pieces.iter();
        pieces
            .filter(|piece| piece.kind() == Kind::UserDefined)
            .map(Piece::text)
    }

    /// The pieces that the normaliser leaves alone: control symbols, which are special, and symbols
    /// of the user, which are not.
    fn special_pieces(&self) -> Vec<Value> {
        let special = self
            .model
            .pieces
            .iter()
            .filter_map(|piece| match piece.kind() {
                Kind::Control => Some(added(piece.text(), true)),
                Kind::UserDefined => Some(
                    json!({"id": 0, "content": piece.text(), "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false, "special": false}),
                ),
                _ => None,
            });
        special.collect()
    }
}

/// Numbers in their order.
#[derive(PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Every way to cut one of these pieces into two of them, in no order.
fn merges<'a>(ids: &HashMap<&'a str, usize>) -> Vec<Merge<'a>> {
    let mut merges = Vec::new();
    for &piece in ids.keys() {
        let cuts = piece
            .char_indices()
            .skip(1)
            .map(|(at, _)| piece.split_at(at));
        merges.extend(
            cuts.filter(|(first, second)| ids.contains_key(first) && ids.contains_key(second)),
        );
    }
    merges
}

/// The special token of a role, or the family's.
fn token_of<'a>(settings: &'a Settings, defaults: &[(&str, &'a str)], role: &'a str) -> &'a str {
    let default = defaults
        .iter()
        .find(|(of, _)| *of == role)
        .map(|(_, token)| *token);
    settings.token(role).or(default).unwrap_or(role)
}

/// Tokens, and those others that are not among them.
fn joined(mut tokens: Vec<Value>, others: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut seen: HashSet<String> = tokens.iter().map(content_of).collect();
    tokens.extend(
        others
            .into_iter()
            .filter(|other| seen.insert(content_of(other))),
    );
    tokens
}

/// Words between white space, each with SentencePiece's space before it.
fn words(settings: &Settings) -> Value {
    json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace(settings)]})
}

fn metaspace(settings: &Settings) -> Value {
    let scheme = if settings.flag("add_prefix_space") == Some(false) {
        "never"
    } else {
        "always"
    };
    json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": true})
}

fn spaces() -> Value {
    replaced(json!({"String": SPACE}), " ")
}

/// A step of a normaliser, or of a decoder.
pub(super) fn replaced(pattern: Value, content: &str) -> Value {
    json!({"type": "Replace", "pattern": pattern, "content": content})
}

/// A regular expression for a text. `\<` and `\>` are the edges of a word.
fn escaped(text: &str) -> String {
    let escape = |char: char| match char {
        '<' | '>' => char.to_string(),
        _ if char.is_ascii_punctuation() => format!("\\{char}"),
        _ => char.to_string(),
    };
    text.chars().map(escape).collect()
}
