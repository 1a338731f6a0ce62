//! Turns with values in them, and turns with what only looks like one.

use std::fmt;

use clap::ValueEnum;
use cs_data::SplitMix;
use cs_serve::safety::personal::Kind;
use serde_json::{Value, json};

use super::Result;
use super::grammar::{Grammar, Made};

/// How many turns have several values, as if they were one more kind.
const MIXED: usize = Kind::ALL.len();

/// A half of the sentences and formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Half {
    /// What the recognisers were written with
    Development,
    /// Written without a look at them, and mended on since
    #[value(name = "sealed-1")]
    Sealed1,
    /// Written likewise, at the same time, and measured when the first was mended
    #[value(name = "sealed-2")]
    Sealed2,
    /// Written alone by another hand, and measured before anybody had read it
    #[value(name = "sealed-3")]
    Sealed3,
    /// Written likewise by a third, and measured when what the third half showed was mended
    #[value(name = "sealed-4")]
    Sealed4,
    /// Written likewise by a fourth, and measured when what the fourth half showed was mended
    #[value(name = "sealed-5")]
    Sealed5,
}

/// The turns of a half.
#[derive(Debug)]
pub(super) struct Turns {
    chinese: Grammar,
    english: Grammar,
}

/// A turn of a customer.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) text: String,
    pub(super) values: Vec<Planted>,
    chinese: bool,
}

/// A value, in characters of its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planted {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Half {
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Development => (
                include_str!("halves/development.zh.txt"),
                include_str!("halves/development.en.txt"),
            ),
            Self::Sealed1 => (
                include_str!("halves/sealed_1.zh.txt"),
                include_str!("halves/sealed_1.en.txt"),
            ),
            Self::Sealed2 => (
                include_str!("halves/sealed_2.zh.txt"),
                include_str!("halves/sealed_2.en.txt"),
            ),
            Self::Sealed3 => (
                include_str!("halves/sealed_3.zh.txt"),
                include_str!("halves/sealed_3.en.txt"),
            ),
            Self::Sealed4 => (
                include_str!("halves/sealed_4.zh.txt"),
                include_str!("halves/sealed_4.en.txt"),
            ),
            Self::Sealed5 => (
                include_str!("halves/sealed_5.zh.txt"),
                include_str!("halves/sealed_5.en.txt"),
            ),
        }
    }
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Sealed1 => "sealed_1",
            Self::Sealed2 => "sealed_2",
            Self::Sealed3 => "sealed_3",
            Self::Sealed4 => "sealed_4",
            Self::Sealed5 => "sealed_5",
        })
    }
}

impl Turns {
    pub(super) fn of(half: Half) -> Result<Self> {
        let (chinese, english) = half.texts();
        let parse = |text, language| {
            Grammar::parse(text).map_err(|error| format!("{half}, {language}: {error}"))
        };
        Ok(Self {
            chinese: parse(chinese, "Chinese")?,
            english: parse(english, "English")?,
        })
    }

    /// Makes a turn; a third of them have no value.
    pub(super) fn make(&self, random: &mut SplitMix) -> Turn {
        let chinese = random.chance(0.5);
        let grammar = if chinese {
            &self.chinese
        } else {
            &self.english
        };
        let kind = match random.below(3) {
            0 => "none",
            _ => match random.below(MIXED + 1) {
                MIXED => "mixed",
                at => Kind::ALL[at].name(),
            },
        };
        let mut made = Made::default();
        grammar.expand(random, "lead", &mut made);
        if !chinese && !made.text.is_empty() {
            made.text.push(' ');
        }
        grammar.expand(random, &format!("turns {kind}"), &mut made);
        if !made.text.ends_with(['.', '?', '!', '。', '；']) {
            grammar.expand(random, "tail", &mut made);
        }
        let Made { text, values } = made;
        Turn {
            text,
            values,
            chinese,
        }
    }
}

impl Turn {
    pub(super) fn json(&self) -> Value {
        let value = |it: &Planted| json!({"kind": it.kind, "start": it.start, "end": it.end});
        let values: Vec<Value> = self.values.iter().map(value).collect();
        json!({"text": self.text, "lang": if self.chinese { "zh" } else { "en" }, "values": values})
    }
}
