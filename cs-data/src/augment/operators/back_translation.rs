//! Paraphrases by way of another language.

use crate::augment::{BatchAugmenter, Candidate, LineProcess, Row};
use crate::error::{Error, Result};
use crate::random::SplitMix;

use super::paraphrase::{Paraphrase, ParaphraseConfig};

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
///     BackTranslation, ParaphraseConfig, Pipeline, PipelineConfig, Translator,
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
///     ParaphraseConfig::default(),
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
    config: ParaphraseConfig,
}

impl<F: Translator, B: Translator> BackTranslation<F, B> {
    /// Makes an operator that translates there by `forward` and back by `backward`.
    ///
    /// # Errors
    ///
    /// A range that is empty or not a number.
    pub fn new(forward: F, backward: B, config: ParaphraseConfig) -> Result<Self> {
        config.validate()?;
        Ok(BackTranslation {
            forward,
            backward,
            config,
        })
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
            Some(_) => match project(back.trim(), row.entities.len()) {
                None => Err("entity lost"),
                Some(paraphrase) => paraphrase.edits(*row, &self.config),
            },
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

/// Finds the placeholders in `text`; `None` unless each of 0 to `entities` occurs once.
fn project(text: &str, entities: usize) -> Option<Paraphrase<'_>> {
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
    let complete = sorted.into_iter().eq(0..entities);
    complete.then_some(Paraphrase { gaps, order })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_in_every_form() {
        let found = project("a[E1]b【 e０ 】［Ｅ12］c", 3);
        assert_eq!(found, None); // 12 is none of three
        let found = project("a[E1]b【 e０ 】c [E", 2).unwrap();
        assert_eq!(
            (&*found.gaps, &*found.order),
            (&["a", "b", "c [E"][..], &[1, 0][..])
        );
        assert_eq!(project("[E0][E0]", 1), None);
        let found = project("[E99999999999999999999999]", 0).unwrap();
        assert_eq!(found.gaps, ["[E99999999999999999999999]"]);
        assert!(found.order.is_empty());
    }
}
