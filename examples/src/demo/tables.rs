//! The tables, a line each.

use std::str::FromStr;

use super::{Template, TemplateError};

/// The intent of rows that a customer-service model has no answer for: learned like any other.
pub const OUT_OF_SCOPE_LABEL: &str = "out_of_scope";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(word: &str) -> Result<Self, ()> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(()),
                }
            }
        }
    };
}

words! {
    /// The language of a template.
    Language {
        /// Chinese.
        Zh = "zh",
        /// English.
        En = "en"
    }
}

words! {
    /// Which of the two disjoint halves of the tables.
    Split {
        /// For training.
        Train = "train",
        /// For testing.
        Test = "test"
    }
}

words! {
    /// How content the customer sounds.
    Tone {
        /// Furious: 0.05.
        Angry = "angry",
        /// Worried or disappointed: 0.25.
        Upset = "upset",
        /// Neither: 0.5.
        Neutral = "neutral",
        /// Polite: 0.7.
        Friendly = "friendly",
        /// Delighted: 0.95.
        Pleased = "pleased"
    }
}

impl Tone {
    /// The sentiment label, 0 to 1.
    pub fn sentiment(self) -> f32 {
        match self {
            Self::Angry => 0.05,
            Self::Upset => 0.25,
            Self::Neutral => 0.5,
            Self::Friendly => 0.7,
            Self::Pleased => 0.95,
        }
    }
}

/// What a customer asks: a line of `templates.tsv`.
#[derive(Debug, Clone)]
pub struct Question {
    /// The intent.
    pub intent: String,
    /// Its language.
    pub language: Language,
    /// Where it may be used.
    pub split: Split,
    /// The tone of the wording itself. Only neutral wording goes into a frame.
    pub tone: Tone,
    /// The wording.
    pub template: Template,
}

/// How it is said: a line of `frames.tsv`.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its language.
    pub language: Language,
    /// Where it may be used.
    pub split: Split,
    /// The tone it gives the sentence.
    pub tone: Tone,
    /// What precedes the sentence.
    pub before: Option<Template>,
    /// What follows it.
    pub after: Option<Template>,
}

/// An entity said beside what is asked, in training: a line of `details.tsv`.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Its language.
    pub language: Language,
    /// What precedes the sentence.
    pub before: Option<Template>,
    /// What follows it.
    pub after: Option<Template>,
}

/// A line of a table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}:{line}: {reason}")]
pub struct TableError {
    /// The file's name.
    pub table: &'static str,
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// Reads a table of `N` columns.
pub(super) fn table<'a, const N: usize, T>(
    name: &'static str,
    text: &'a str,
    mut row: impl FnMut([&'a str; N]) -> Result<T, String>,
) -> Result<Vec<T>, TableError> {
    let numbered = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with("# "));
    numbered
        .map(|(index, line)| {
            let fields: Vec<&str> = line.split('\t').collect();
            let found = fields.len();
            <[&str; N]>::try_from(fields)
                .map_err(|_| format!("{found} fields instead of {N}"))
                .and_then(&mut row)
                .map_err(|reason| TableError {
                    table: name,
                    line: index + 1,
                    reason,
                })
        })
        .collect()
}

fn word<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("unknown word {text:?}"))
}

pub(super) fn either<T: FromStr>(text: &str) -> Result<Option<T>, String> {
    if text == "*" {
        Ok(None)
    } else {
        word(text).map(Some)
    }
}

pub(super) fn question(fields: [&str; 5]) -> Result<Question, String> {
    let [intent, language, split, tone, template] = fields;
    Ok(Question {
        intent: intent.to_owned(),
        language: word(language)?,
        split: word(split)?,
        tone: word(tone)?,
        template: template
            .parse()
            .map_err(|error: TemplateError| error.to_string())?,
    })
}

pub(super) fn foreign_question(fields: [&str; 3]) -> Result<Question, String> {
    let [language, split, template] = fields;
    question([OUT_OF_SCOPE_LABEL, language, split, "neutral", template])
}

pub(super) fn frame(fields: [&str; 4]) -> Result<Frame, String> {
    let [language, split, tone, text] = fields;
    let (before, after) = around(text)?;
    Ok(Frame {
        language: word(language)?,
        split: word(split)?,
        tone: word(tone)?,
        before,
        after,
    })
}

pub(super) fn detail(fields: [&str; 2]) -> Result<Detail, String> {
    let [language, text] = fields;
    let (before, after) = around(text)?;
    Ok(Detail {
        language: word(language)?,
        before,
        after,
    })
}

/// What stands before and after `…`.
fn around(text: &str) -> Result<(Option<Template>, Option<Template>), String> {
    let (before, after) = text.split_once('…').ok_or("no `…` for the sentence")?;
    let part = |part: &str| match part {
        "" => Ok(None),
        _ => part
            .parse()
            .map(Some)
            .map_err(|error: TemplateError| error.to_string()),
    };
    Ok((part(before)?, part(after)?))
}
