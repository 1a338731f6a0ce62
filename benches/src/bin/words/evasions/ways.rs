//! Ways to disguise a word.

use std::collections::HashMap;
use std::path::Path;

use cs_data::SplitMix;
use cs_serve::safety::words::Trick;
use hanconv::RawDictionary;
use pinyin::ToPinyin;

use crate::Result;

/// A way to disguise a word by a trick.
pub(crate) struct Way {
    pub(crate) trick: Trick,
    pub(crate) name: &'static str,
    /// Whether it was not looked at when the filter was written.
    pub(crate) held_out: bool,
    pub(crate) disguise: fn(&Tables, &str, &mut SplitMix) -> Option<String>,
}

const fn way(
    trick: Trick,
    held_out: bool,
    name: &'static str,
    disguise: fn(&Tables, &str, &mut SplitMix) -> Option<String>,
) -> Way {
    Way {
        trick,
        name,
        held_out,
        disguise,
    }
}

/// All of them.
pub(crate) const WAYS: &[Way] = &[
    way(Trick::Exact, false, "as it is", |_, word, _| {
        Some(word.to_owned())
    }),
    way(Trick::Exact, true, "as it is", |_, word, _| {
        Some(word.to_owned())
    }),
    way(Trick::Case, false, "capitals", |_, word, _| {
        changed(word, |_, char| char.to_ascii_uppercase())
    }),
    way(Trick::Case, true, "every other a capital", |_, word, _| {
        changed(word, |at, char| {
            if at % 2 == 0 {
                char.to_ascii_uppercase()
            } else {
                char.to_ascii_lowercase()
            }
        })
    }),
    way(Trick::Width, false, "full width", |_, word, _| {
        shifted(word, 0xff41)
    }),
    way(Trick::Width, false, "in circles", |_, word, _| {
        shifted(word, 0x24d0)
    }),
    way(Trick::Width, true, "bold", |_, word, _| {
        shifted(word, 0x1d41a)
    }),
    way(Trick::Width, true, "sans serif", |_, word, _| {
        shifted(word, 0x1d5ba)
    }),
    way(Trick::Width, true, "in brackets", |_, word, _| {
        shifted(word, 0x249c)
    }),
    way(
        Trick::Traditional,
        false,
        "the first variant",
        |tables, word, _| tables.traditional(word, 0),
    ),
    way(
        Trick::Traditional,
        true,
        "the last variant",
        |tables, word, _| tables.traditional(word, usize::MAX),
    ),
    way(Trick::Symbols, false, "* everywhere", |_, word, _| {
        Some(between(word, "*"))
    }),
    way(Trick::Symbols, false, "- everywhere", |_, word, _| {
        Some(between(word, "-"))
    }),
    way(Trick::Symbols, false, "_ once", |_, word, random| {
        Some(once(word, "_", random))
    }),
    way(Trick::Symbols, false, ". once", |_, word, random| {
        Some(once(word, ".", random))
    }),
    way(Trick::Symbols, true, "~ everywhere", |_, word, _| {
        Some(between(word, "~"))
    }),
    way(Trick::Symbols, true, "☆ once", |_, word, random| {
        Some(once(word, "☆", random))
    }),
    way(Trick::Symbols, true, "/ once", |_, word, random| {
        Some(once(word, "/", random))
    }),
    way(Trick::Symbols, true, "·=· everywhere", |_, word, _| {
        Some(between(word, "·=·"))
    }),
    way(Trick::Spaces, false, "everywhere", |_, word, _| {
        Some(between(word, " "))
    }),
    way(Trick::Spaces, false, "once", |_, word, random| {
        Some(once(word, " ", random))
    }),
    way(Trick::Spaces, true, "three everywhere", |_, word, _| {
        Some(between(word, "   "))
    }),
    way(
        Trick::Spaces,
        true,
        "ideographic, once",
        |_, word, random| Some(once(word, "\u{3000}", random)),
    ),
    way(Trick::Repeat, false, "one twice", |_, word, random| {
        repeated(word, 2, random)
    }),
    way(
        Trick::Repeat,
        false,
        "one three times",
        |_, word, random| repeated(word, 3, random),
    ),
    way(Trick::Repeat, true, "one five times", |_, word, random| {
        repeated(word, 5, random)
    }),
    way(Trick::Repeat, true, "all twice", |_, word, _| {
        Some(word.chars().flat_map(|char| [char, char]).collect())
    }),
    way(Trick::Pinyin, false, "joined", |_, word, _| {
        spelt(word, "", |_| true)
    }),
    way(Trick::Pinyin, false, "the first one", |_, word, _| {
        spelt(word, "", |at| at == 0)
    }),
    way(Trick::Pinyin, true, "with spaces", |_, word, _| {
        spelt(word, " ", |_| true)
    }),
    way(Trick::Pinyin, true, "all but the first", |_, word, _| {
        spelt(word, "", |at| at > 0)
    }),
    way(Trick::Initials, false, "small", |_, word, _| initials(word)),
    way(Trick::Initials, true, "capitals", |_, word, _| {
        Some(initials(word)?.to_uppercase())
    }),
    way(Trick::Homophone, false, "all", |tables, word, random| {
        tables.homophones(word, random, |_, _| true)
    }),
    way(
        Trick::Homophone,
        true,
        "the first",
        |tables, word, random| tables.homophones(word, random, |at, _| at == 0),
    ),
    way(
        Trick::Homophone,
        true,
        "the last",
        |tables, word, random| tables.homophones(word, random, |at, len| at + 1 == len),
    ),
    way(Trick::Shape, false, "Cyrillic", |_, word, _| {
        mapped(word, "aceopxyi", "асеорхуі")
    }),
    way(Trick::Shape, false, "acute", |_, word, _| {
        mapped(word, "aeiou", "áéíóú")
    }),
    way(Trick::Shape, true, "Greek", |_, word, _| {
        mapped(word, "aiouvp", "αιουνρ")
    }),
    way(Trick::Shape, true, "small capitals", |_, word, _| {
        mapped(word, "cosuvwz", "ᴄᴏꜱᴜᴠᴡᴢ")
    }),
    way(Trick::Shape, true, "cedillas and rings", |_, word, _| {
        mapped(word, "acsuen", "åçşůęñ")
    }),
    way(Trick::Split, false, "all", |tables, word, _| {
        tables.split(word, |_| true)
    }),
    way(Trick::Split, true, "the first", |tables, word, _| {
        tables.split(word, |number| number == 0)
    }),
    way(Trick::Leet, false, "4 3 1 0", |_, word, _| {
        mapped(word, "aeio", "4310")
    }),
    way(Trick::Leet, false, "@ $", |_, word, _| {
        mapped(word, "as", "@$")
    }),
    way(Trick::Leet, true, "5 7", |_, word, _| {
        mapped(word, "st", "57")
    }),
    way(Trick::Leet, true, "! 8 9", |_, word, _| {
        mapped(word, "ibg", "!89")
    }),
    way(Trick::Emoji, false, "animals", |_, word, _| {
        mapped(word, "鸡马狗龟屎", "🐔🐎🐶🐢💩")
    }),
    way(
        Trick::Emoji,
        true,
        "for what sounds the same",
        |_, word, _| mapped(word, "妈操草巴比笔", "🐴🌿🌿🍺🖊🖊").filter(|_| !word.contains('巴')),
    ),
    way(Trick::Emoji, true, "others", |_, word, _| {
        mapped(word, "日水口花蛋奶", "☀💧👄🌸🥚🥛")
    }),
    way(
        Trick::Invisible,
        false,
        "zero-width spaces",
        |_, word, _| Some(between(word, "\u{200b}")),
    ),
    way(Trick::Invisible, false, "a joiner", |_, word, random| {
        Some(once(word, "\u{200d}", random))
    }),
    way(Trick::Invisible, true, "soft hyphens", |_, word, _| {
        Some(between(word, "\u{ad}"))
    }),
    way(Trick::Invisible, true, "bidi controls", |_, word, _| {
        Some(between(word, "\u{202c}\u{2066}"))
    }),
    way(
        Trick::Invisible,
        true,
        "a variation selector",
        |_, word, random| Some(once(word, "\u{fe0f}", random)),
    ),
];

/// What ways need to know.
pub(crate) struct Tables {
    /// For each simplified character the traditional ones.
    traditional: HashMap<char, Vec<char>>,
    /// For each pinyin the common characters.
    sounds: HashMap<&'static str, Vec<char>>,
    splits: HashMap<char, [char; 2]>,
}

impl Tables {
    pub(crate) fn new(splits: Option<&Path>) -> Result<Self> {
        let mut traditional: HashMap<char, Vec<char>> = HashMap::new();
        for (from, to) in RawDictionary::TSCharacters.iter() {
            if let (Some(from), Some(to)) = (from.chars().next(), to.chars().next())
                && from != to
            {
                traditional.entry(to).or_default().push(from);
            }
        }
        let mut sounds: HashMap<&str, Vec<char>> = HashMap::new();
        for char in common() {
            if let Some(sound) = char.to_pinyin() {
                sounds.entry(sound.plain()).or_default().push(char);
            }
        }
        let mut parts = HashMap::new();
        let lines = splits
            .map(std::fs::read_to_string)
            .transpose()?
            .unwrap_or_default();
        for line in lines.lines().filter(|line| !line.starts_with('#')) {
            let chars: Vec<char> = line.chars().filter(|char| !char.is_whitespace()).collect();
            if let [whole, one, other] = chars[..] {
                parts.insert(whole, [one, other]);
            }
        }
        Ok(Self {
            traditional,
            sounds,
            splits: parts,
        })
    }

    fn traditional(&self, word: &str, which: usize) -> Option<String> {
        changed(word, |_, char| match self.traditional.get(&char) {
            Some(variants) => variants[which.min(variants.len() - 1)],
            None => char,
        })
    }

    fn homophones(
        &self,
        word: &str,
        random: &mut SplitMix,
        which: fn(usize, usize) -> bool,
    ) -> Option<String> {
        let len = word.chars().count();
        let is_han = |char: char| char.to_pinyin().is_some();
        if !word.chars().all(is_han) {
            return None;
        }
        changed(word, |at, char| {
            let sound = char
                .to_pinyin()
                .map(|sound| sound.plain())
                .unwrap_or_default();
            let others: Vec<char> = self
                .sounds
                .get(sound)
                .into_iter()
                .flatten()
                .copied()
                .filter(|&other| other != char)
                .collect();
            match which(at, len) && !others.is_empty() {
                true => others[random.below(others.len())],
                false => char,
            }
        })
    }

    fn split(&self, word: &str, which: fn(usize) -> bool) -> Option<String> {
        let mut number = 0;
        let mut text = String::new();
        for char in word.chars() {
            match self.splits.get(&char) {
                Some(parts) => {
                    if which(number) {
                        text.extend(parts);
                    } else {
                        text.push(char);
                    }
                    number += 1;
                }
                None => text.push(char),
            }
        }
        (number > 0).then_some(text)
    }
}

/// The 3,755 common characters of GB 2312.
fn common() -> impl Iterator<Item = char> {
    let codes = (0xb0..=0xd7u8).flat_map(|row| (0xa1..=0xfeu8).map(move |cell| [row, cell]));
    codes.filter_map(|code| {
        let (text, _, has_errors) = encoding_rs::GBK.decode(&code);
        text.chars()
            .next()
            .filter(|char| !has_errors && ('\u{4e00}'..='\u{9fff}').contains(char))
    })
}

/// The word with its characters changed, if that changes it.
fn changed(word: &str, mut change: impl FnMut(usize, char) -> char) -> Option<String> {
    let text: String = word
        .chars()
        .enumerate()
        .map(|(at, char)| change(at, char))
        .collect();
    (text != word).then_some(text)
}

/// The word with its small Latin letters counted from another one than `a`.
fn shifted(word: &str, first: u32) -> Option<String> {
    changed(word, |_, char| match char {
        'a'..='z' => char::from_u32(first + (char as u32 - 'a' as u32)).unwrap_or(char),
        _ => char,
    })
}

fn mapped(word: &str, from: &str, to: &str) -> Option<String> {
    changed(word, |_, char| {
        let at = from.chars().position(|other| other == char);
        at.and_then(|at| to.chars().nth(at)).unwrap_or(char)
    })
}

/// The word with something between all of its characters.
fn between(word: &str, what: &str) -> String {
    let chars: Vec<String> = word.chars().map(String::from).collect();
    chars.join(what)
}

/// The word with something between two of its characters.
fn once(word: &str, what: &str, random: &mut SplitMix) -> String {
    let places: Vec<usize> = word.char_indices().map(|(at, _)| at).skip(1).collect();
    let at = places[random.below(places.len())];
    format!("{}{what}{}", &word[..at], &word[at..])
}

fn repeated(word: &str, times: usize, random: &mut SplitMix) -> Option<String> {
    let places: Vec<(usize, char)> = word
        .char_indices()
        .filter(|(_, char)| char.is_alphanumeric())
        .collect();
    let &(at, char) = places.get(random.below(places.len().max(1)))?;
    let more = String::from(char).repeat(times - 1);
    Some(format!("{}{more}{}", &word[..at], &word[at..]))
}

fn spelt(word: &str, space: &str, which: fn(usize) -> bool) -> Option<String> {
    let mut parts = Vec::new();
    for (at, char) in word.chars().enumerate() {
        let sound = char.to_pinyin()?.plain();
        parts.push(if which(at) {
            sound.replace('ü', "v")
        } else {
            char.into()
        });
    }
    Some(parts.join(space))
}

fn initials(word: &str) -> Option<String> {
    let initial = |char: char| char.to_pinyin()?.plain().chars().next();
    let initials: String = word.chars().map(initial).collect::<Option<_>>()?;
    (initials.chars().count() > 2).then_some(initials)
}
