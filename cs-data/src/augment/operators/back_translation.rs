//! Paraphrases by way of another language.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::augment::{BatchAugmenter, Candidate, LineProcess, Row};
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::Edits;

use super::tokens::{Kind, kind};

/// Translates lines.
///
/// ```
/// use cs_data::augment::Translator;
/// struct Echo;
/// impl Translator for Echo {
///     fn translate(&self, lines: &[String]) -> cs_data::Result<Vec<String>> {
///         Ok(lines.to_vec())
///     }
/// }
/// assert_eq!(Echo.translate(&["在吗".into()])?, ["在吗"]);
/// # Ok::<(), cs_data::Error>(())
/// ```
pub trait Translator: Send + Sync {
    /// Gives a translation of each line, in order. Placeholders such as `[E0]` are to be kept.
    ///
    /// # Errors
    ///
    /// When nothing can be translated.
    fn translate(&self, lines: &[String]) -> Result<Vec<String>>;
}

impl<T: Translator + ?Sized> Translator for Box<T> {
    fn translate(&self, lines: &[String]) -> Result<Vec<String>> {
        (**self).translate(lines)
    }
}

impl Translator for LineProcess {
    fn translate(&self, lines: &[String]) -> Result<Vec<String>> {
        self.lines(lines)
    }
}

/// Which translations back are taken.
///
/// ```
/// use cs_data::augment::BackTranslationConfig;
/// // Refuses candidates that share more of the text than usual.
/// let config = BackTranslationConfig {
///     similarity: 0.1..=0.8,
///     ..BackTranslationConfig::default()
/// };
/// assert!(config.length.contains(&2.0)); // at most twice as long
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BackTranslationConfig {
    /// Allowed ratio of the candidate's length to that of the text, in characters.
    pub length: RangeInclusive<f64>,
    /// Allowed Jaccard similarity of the sets of character bigrams (lower case) of both: below,
    /// another thing is said; above, the same in the same words.
    pub similarity: RangeInclusive<f64>,
}

impl Default for BackTranslationConfig {
    fn default() -> Self {
        BackTranslationConfig {
            length: 0.5..=2.0,
            similarity: 0.1..=0.95,
        }
    }
}

/// Back translation: a paraphrase by way of another language. Entities travel as placeholders
/// `[E0]`, `[E1]`, … and are put back in.
///
/// A candidate is refused, with the reason counted, when a placeholder is missing or doubled
/// (`entity lost`), when entities of different labels changed positions (`entities reordered`:
/// edits move no span over another), and when `length`, `script` (Chinese or not) or `similarity`
/// do not fit.
///
/// ```
/// use cs_data::Utterance;
/// use cs_data::augment::{
///     BackTranslation, BackTranslationConfig, Pipeline, PipelineConfig, Translator,
/// };
/// struct Swap(&'static str, &'static str);
/// impl Translator for Swap {
///     fn translate(&self, lines: &[String]) -> cs_data::Result<Vec<String>> {
///         Ok(lines.iter().map(|line| line.replace(self.0, self.1)).collect())
///     }
/// }
/// let operator = BackTranslation::new(
///     Swap("我要退款", "refund please"),
///     Swap("refund please", "请给我退款"),
///     BackTranslationConfig::default(),
/// )?;
/// let data = cs_data::Dataset::from_utterances([Utterance::new("1", "我要退款")])?;
/// let pipeline = Pipeline::new(PipelineConfig::default()).with_batch(operator, 1.0)?;
/// assert_eq!(pipeline.run(&data)?.0.utterance(0).unwrap().text, "请给我退款");
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BackTranslation<F, B> {
    forward: F,
    backward: B,
    config: BackTranslationConfig,
}

impl<F: Translator, B: Translator> BackTranslation<F, B> {
    /// Makes an operator that translates there by `forward` and back by `backward`.
    ///
    /// # Errors
    ///
    /// A range that is empty or not a number.
    pub fn new(forward: F, backward: B, config: BackTranslationConfig) -> Result<Self> {
        let ranges = [
            ("length", &config.length),
            ("similarity", &config.similarity),
        ];
        if let Some((name, range)) = ranges.into_iter().find(|(_, range)| range.is_empty()) {
            return Err(Error::argument(
                name,
                format!("{range:?}"),
                "a lower and an upper bound",
            ));
        }
        Ok(BackTranslation {
            forward,
            backward,
            config,
        })
    }

    fn candidate(&self, row: Row<'_>, back: &str) -> Candidate {
        let (gaps, order) = project(back.trim(), row.entities.len()).ok_or("entity lost")?;
        let label = |at: usize| row.entities[at].label;
        if order
            .iter()
            .enumerate()
            .any(|(at, &from)| label(at) != label(from))
        {
            return Err("entities reordered");
        }
        let value = |at: usize| &row.text[row.entities[at].range.clone()];
        let mut text = gaps[0].to_owned();
        for (&from, gap) in order.iter().zip(&gaps[1..]) {
            text.push_str(value(from));
            text.push_str(gap);
        }
        self.check(row.text, &text)?;
        let mut edits = Edits::default();
        let mut from = 0;
        for (at, gap) in gaps.iter().enumerate() {
            let entity = row.entities.get(at);
            let range = from..entity.map_or(row.text.len(), |entity| entity.range.start);
            if &row.text[range.clone()] != *gap {
                edits.replace(range, gap);
            }
            if let Some(entity) = entity {
                if value(at) != value(order[at]) {
                    edits.replace(entity.range.clone(), value(order[at]));
                }
                from = entity.range.end;
            }
        }
        Ok(edits)
    }

    fn check(&self, source: &str, candidate: &str) -> std::result::Result<(), &'static str> {
        if candidate.contains(char::is_control) {
            return Err("control character");
        }
        let ratio = candidate.chars().count() as f64 / source.chars().count().max(1) as f64;
        if !self.config.length.contains(&ratio) {
            return Err("length");
        }
        if is_chinese(source) != is_chinese(candidate) {
            return Err("script");
        }
        match self.config.similarity.contains(&jaccard(source, candidate)) {
            true => Ok(()),
            false => Err("similarity"),
        }
    }
}

impl<F: Translator, B: Translator> BatchAugmenter for BackTranslation<F, B> {
    fn name(&self) -> &str {
        "back-translation"
    }

    fn edits(&self, rows: &[Row<'_>], _: &mut [SplitMix]) -> Result<Vec<Candidate>> {
        let lines: Vec<String> = rows.iter().map(|row| masked(*row)).collect();
        let there = self.forward.translate(&lines)?;
        same_number("forward", &lines, &there)?;
        // A placeholder that is gone does not come back.
        let there: Vec<String> = there
            .iter()
            .map(|line| line.replace(char::is_control, " "))
            .collect();
        let back = self.backward.translate(&there)?;
        same_number("backward", &lines, &back)?;
        let pairs = rows.iter().zip(&back).zip(&lines);
        let candidate = |((row, back), line): ((&Row<'_>, &String), &String)| match project(
            line,
            row.entities.len(),
        ) {
            None => Err("placeholder in the text"),
            Some(_) => self.candidate(*row, back),
        };
        Ok(pairs.map(candidate).collect())
    }
}

fn same_number(name: &'static str, asked: &[String], found: &[String]) -> Result<()> {
    if asked.len() == found.len() {
        return Ok(());
    }
    Err(Error::argument(
        name,
        format!("{} translations", found.len()),
        asked.len().to_string(),
    ))
}

/// The text on one line, entities as placeholders.
fn masked(row: Row<'_>) -> String {
    let mut out = String::with_capacity(row.text.len() + 8);
    let mut from = 0;
    for (at, entity) in row.entities.iter().enumerate() {
        out.push_str(&row.text[from..entity.range.start]);
        out.push_str(&format!("[E{at}]"));
        from = entity.range.end;
    }
    out.push_str(&row.text[from..]);
    out.replace(char::is_control, " ")
}

/// What stands between the placeholders, and their numbers in order; `None` unless each of 0 to
/// `entities` occurs once.
fn project(text: &str, entities: usize) -> Option<(Vec<&str>, Vec<usize>)> {
    let (mut gaps, mut order) = (Vec::new(), Vec::new());
    let mut from = 0;
    for (at, _) in text
        .char_indices()
        .filter(|(_, char)| "[［【".contains(*char))
    {
        if at >= from
            && let Some((number, len)) = placeholder(&text[at..])
        {
            gaps.push(&text[from..at]);
            order.push(number);
            from = at + len;
        }
    }
    gaps.push(&text[from..]);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..entities).then_some((gaps, order))
}

/// The number and length of a placeholder at the start of `text`, in any form that translators make
/// of it: `[E0]`, `[ e0 ]`, `【Ｅ０】`.
fn placeholder(text: &str) -> Option<(usize, usize)> {
    let mut chars = text.char_indices().skip(1).filter(|(_, char)| *char != ' ');
    let letter = chars.next().map(|(_, char)| char)?;
    if !"EeＥｅ".contains(letter) {
        return None;
    }
    let mut number: Option<usize> = None;
    for (at, char) in chars {
        let digit = match char {
            '０'..='９' => Some(char as u32 - '０' as u32),
            char => char.to_digit(10),
        };
        match digit {
            Some(digit) => {
                let more = number.unwrap_or(0).checked_mul(10)?;
                number = Some(more.checked_add(digit as usize)?);
            }
            None if "]］】".contains(char) => return Some((number?, at + char.len_utf8())),
            None => return None,
        }
    }
    None
}

/// Whether at least a third of the letters are Chinese: one stands for several Latin ones.
fn is_chinese(text: &str) -> bool {
    let letters = || text.chars().filter(|char| char.is_alphabetic());
    let chinese = letters().filter(|char| kind(*char) == Kind::Cjk).count();
    chinese > 0 && 3 * chinese >= letters().count()
}

/// Shared bigrams of characters to all; of texts without any, whether they are equal.
fn jaccard(a: &str, b: &str) -> f64 {
    let bigrams = |text: &str| -> HashSet<(char, char)> {
        let chars: Vec<char> = text.to_lowercase().chars().collect();
        chars.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (left, right) = (bigrams(a), bigrams(b));
    let shared = left.intersection(&right).count();
    match left.len() + right.len() - shared {
        0 => f64::from(u8::from(a == b)),
        all => shared as f64 / all as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_every_form() {
        let found = project("a[E1]b【 e０ 】［Ｅ12］c", 3);
        assert_eq!(found, None); // 12 is none of three
        let found = project("a[E1]b【 e０ 】c [E", 2);
        assert_eq!(found, Some((vec!["a", "b", "c [E"], vec![1, 0])));
        assert_eq!(project("[E0][E0]", 1), None);
        assert_eq!(
            project("[E99999999999999999999999]", 0),
            Some((vec!["[E99999999999999999999999]"], vec![]))
        );
    }

    #[test]
    fn similarity_is_that_of_bigrams() {
        assert_eq!(jaccard("abc", "ABC"), 1.0);
        assert_eq!(jaccard("abc", "abd"), 1.0 / 3.0);
        assert_eq!(jaccard("", ""), 1.0);
        assert!(is_chinese("订单12345") && !is_chinese("my order 订单") && !is_chinese(""));
    }
}
