//! What a word may be read as.

use super::alphabet::{Kind, Letter, has_lookalikes, lookalikes, sound};
use super::index::{Builder, Index};
use super::splits::Splits;
use super::tables::is_ordinary_word;
use super::trick::{Trick, Tricks};
use super::view::{Reading, View};

/// The fewest characters of a word whose first letters are looked for.
const MIN_INITIALS: usize = 3;

/// What is looked for in a view.
#[derive(Debug)]
pub(super) struct Patterns {
    /// Words by their letters, or what stands for each of them.
    pub(super) whole: Index,
    /// By the first letters of their pinyin.
    pub(super) initials: Index,
}

/// Gathers what words may be read as.
#[derive(Debug)]
pub(super) struct PatternBuilder<'a> {
    tricks: Tricks,
    splits: &'a Splits,
    view: View,
    whole: Builder,
    initials: Builder,
}

impl<'a> PatternBuilder<'a> {
    pub(super) fn new(tricks: Tricks, splits: &'a Splits) -> Self {
        Self {
            tricks,
            splits,
            view: View::default(),
            whole: Builder::default(),
            initials: Builder::default(),
        }
    }

    /// Adds a word, and gives the number of bytes that it is read as: none if it has no letters, and is not added.
    pub(super) fn add(&mut self, text: &str, word: u32) -> usize {
        let len = read(&mut self.view, text, self.splits).len();
        if len == 0 {
            return 0;
        }
        self.whole.add(self.view.letters(), word);
        if text.is_ascii() {
            return len;
        }
        if self.tricks.has(Trick::Shape) {
            for alike in alike(text) {
                self.whole
                    .add(read(&mut self.view, &alike, self.splits), word);
            }
        }
        if (self.tricks.has(Trick::Pinyin) || self.tricks.has(Trick::Homophone))
            && let Some(sounds) = sounds_of_repeated(text)
        {
            self.whole
                .add(read(&mut self.view, &sounds, self.splits), word);
        }
        if self.tricks.has(Trick::Initials)
            && let Some(initials) = initials(text)
        {
            self.initials
                .add(read(&mut self.view, &initials, self.splits), word);
        }
        len
    }

    pub(super) fn build(self) -> Patterns {
        Patterns {
            whole: self.whole.build(),
            initials: self.initials.build(),
        }
    }
}

fn read<'a>(view: &'a mut View, text: &str, splits: &Splits) -> &'a [u8] {
    view.read(text, 0..text.len(), Reading::Plain, splits);
    view.letters()
}

/// The word with one of its Chinese characters after the other replaced by those that look like it but sound otherwise.
fn alike(word: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, char) in word.char_indices().filter(|&(_, char)| !char.is_ascii()) {
        let base = Letter::of(char).base;
        if Letter::of(char).kind == Kind::Han && has_lookalikes(base) {
            let others = lookalikes(base).filter(|&other| sound(other) != sound(base));
            words.extend(
                others.map(|other| {
                    format!("{}{other}{}", &word[..at], &word[at + char.len_utf8()..])
                }),
            );
        }
    }
    words
}

/// The pinyin of a word that has a Chinese character twice in a row, which is read as one.
fn sounds_of_repeated(word: &str) -> Option<String> {
    let is_han = |char: char| Letter::of(char).kind == Kind::Han;
    let mut pairs = word.chars().zip(word.chars().skip(1));
    if !pairs.any(|(one, other)| one == other && is_han(one)) {
        return None;
    }
    let mut sounds = String::new();
    for char in word.chars() {
        match sound(Letter::of(char).base).filter(|_| is_han(char)) {
            Some(sound) => sounds.push_str(sound),
            None => sounds.push(char),
        }
    }
    Some(sounds)
}

/// The first letters of a Chinese word's pinyin, if they say nothing else.
fn initials(word: &str) -> Option<String> {
    let initial = |char: char| {
        let letter = Letter::of(char);
        let sound = sound(letter.base).filter(|_| letter.kind == Kind::Han)?;
        sound.chars().next()
    };
    let initials = word.chars().map(initial).collect::<Option<String>>()?;
    (initials.len() >= MIN_INITIALS && !is_ordinary_word(&initials)).then_some(initials)
}
