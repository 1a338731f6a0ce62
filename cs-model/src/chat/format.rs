//! How a model wants conversations written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use cs_data::Tokenizer;
use serde_json::{Map, Value};

use super::template::ChatTemplate;
use super::turn::{Role, Turn};
use crate::error::{Error, Result};
use crate::file;

const SETTINGS: &str = "tokenizer_config.json";
const SPECIAL: &str = "special_tokens_map.json";
const TEMPLATE: &str = "chat_template.jinja";
const CONFIG: &str = "config.json";
const EOS: &str = "eos_token";
/// What stands between two turns of Blenderbot.
const BETWEEN: &str = "  ";

/// How a model wants conversations written: by its chat template, or as its family was trained.
#[derive(Debug, Clone)]
pub enum ChatFormat {
    /// By a chat template.
    Template(Box<ChatTemplate>),
    /// DialoGPT's: a token ends every turn (Zhang et al. 2020, "DialoGPT", section 2.1).
    DialoGpt {
        /// The token that ends a turn.
        end: u32,
    },
    /// Blenderbot's and BlenderbotSmall's: two spaces between turns, one more before a user's, and a
    /// token at the end. What is too long loses its beginning (Roller et al. 2021, "Recipes for
    /// building an open-domain chatbot").
    Blenderbot {
        /// The token at the end.
        end: u32,
    },
}

impl ChatFormat {
    /// Reads the format of a model's folder: `chat_template.jinja`, else the `chat_template` of
    /// `tokenizer_config.json` (of several the one named `default`), else what the family that
    /// `config.json` names was trained with.
    ///
    /// # Errors
    /// A file that does not parse, and a folder whose format cannot be told.
    pub fn open(dir: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        let mut settings = object(&dir.join(SETTINGS))?;
        for (name, value) in object(&dir.join(SPECIAL))? {
            settings.entry(name).or_insert(value);
        }
        let config = object(&dir.join(CONFIG))?;
        let family = config
            .get("model_type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut special: BTreeMap<String, String> = settings
            .iter()
            .filter(|(name, _)| name.ends_with("_token"))
            .filter_map(|(name, token)| Some((name.clone(), content(token)?.to_owned())))
            .collect();
        if let Some(end) = end_of(family) {
            special
                .entry(EOS.to_owned())
                .or_insert_with(|| end.to_owned());
        }
        let path = dir.join(TEMPLATE);
        let template = if path.is_file() {
            Some(ChatTemplate::new(&source(&path)?, &path)?)
        } else if let Some(source) = settings.get("chat_template").and_then(default_template) {
            Some(ChatTemplate::new(source, &dir.join(SETTINGS))?)
        } else {
            None
        };
        match (template, special.get(EOS)) {
            (Some(template), _) => Ok(Self::Template(Box::new(
                template.with_special_tokens(special),
            ))),
            (None, Some(end)) if end_of(family).is_some() => {
                let missing = || {
                    let expected = "a token of the vocabulary";
                    Error::field(EOS, format!("{end:?}"), expected).in_file(&dir.join(SETTINGS))
                };
                let end = tokenizer.id(end).ok_or_else(missing)?;
                Ok(match family {
                    "gpt2" => Self::DialoGpt { end },
                    _ => Self::Blenderbot { end },
                })
            }
            _ => {
                let expected = "a chat_template in tokenizer_config.json, or gpt2, blenderbot or blenderbot-small";
                let error = Error::field("model_type", format!("{family:?}"), expected);
                Err(error.in_file(&dir.join(CONFIG)))
            }
        }
    }

    /// Gives the tokens of turns, after which the assistant's next turn comes. What looks like a
    /// special token in a turn is text. `now` is the date that a template may write.
    ///
    /// # Errors
    /// Turns that a template refuses, and a system's turn where the family has none.
    pub fn tokens(
        &self,
        turns: &[Turn],
        tokenizer: &Tokenizer,
        now: SystemTime,
    ) -> Result<Vec<u32>> {
        if let Self::Template(template) = self {
            let literal = |turn: &Turn| Turn::new(turn.role, tokenizer.literal(&turn.content));
            let turns: Vec<Turn> = turns.iter().map(literal).collect();
            return Ok(tokenizer.encode_prompt(&template.render(&turns, now)?)?);
        }
        if turns.iter().any(|turn| turn.role == Role::System) {
            let expected = "user or assistant, as the model was trained without others";
            return Err(Error::field("role", "system", expected));
        }
        let (texts, end) = match self {
            Self::Blenderbot { end } => (vec![joined(turns)], *end),
            Self::DialoGpt { end } => (
                turns.iter().map(|turn| turn.content.clone()).collect(),
                *end,
            ),
            Self::Template(_) => (Vec::new(), 0),
        };
        let mut tokens = Vec::new();
        for text in texts {
            tokens.extend(tokenizer.encode_prompt(&tokenizer.literal(&text))?);
            tokens.push(end);
        }
        Ok(tokens)
    }
}

/// The token that ends a turn of the families that have a format of their own, where no file names
/// another.
fn end_of(family: &str) -> Option<&'static str> {
    match family {
        "gpt2" => Some("<|endoftext|>"),
        "blenderbot" => Some("</s>"),
        "blenderbot-small" => Some("__end__"),
        _ => None,
    }
}

/// The text of a file.
fn source(path: &Path) -> Result<String> {
    String::from_utf8(file::read(path)?).map_err(|fault| {
        let before = &fault.as_bytes()[..fault.utf8_error().valid_up_to()];
        Error::Template {
            path: path.to_owned(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            reason: "bytes that are not UTF-8".to_owned(),
        }
    })
}

/// Turns in Blenderbot's format.
fn joined(turns: &[Turn]) -> String {
    let written = |turn: &Turn| match turn.role {
        Role::User => format!(" {}", turn.content),
        _ => turn.content.clone(),
    };
    let turns: Vec<String> = turns.iter().map(written).collect();
    turns.join(BETWEEN)
}

/// The template, or of several the default one.
fn default_template(templates: &Value) -> Option<&str> {
    let named = |list: &'_ Vec<Value>| {
        list.iter()
            .position(|template| template["name"] == "default")
    };
    match templates {
        Value::String(source) => Some(source),
        Value::Array(list) => list[named(list)?]["template"].as_str(),
        _ => None,
    }
}

/// The text of a token that is written as a string or as an object.
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// The object in a file of JSON; an empty one without the file.
fn object(path: &Path) -> Result<Map<String, Value>> {
    match path.is_file() {
        true => file::parse_json(&file::read(path)?, path),
        false => Ok(Map::new()),
    }
}
