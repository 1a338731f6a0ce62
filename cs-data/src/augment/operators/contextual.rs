//! Words replaced by what a masked language model would say there.

use std::ops::Range;

use crate::augment::{BatchAugmenter, Candidate, LineProcess, Row};
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::Edits;

use super::tokens::{Token, tokens};

/// A text with a piece to be filled.
///
/// ```
/// use cs_data::augment::MaskedText;
/// let masked = MaskedText { text: "我要退款", range: 3..6 };
/// assert_eq!(masked.line("<mask>"), "我<mask>退款");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedText<'a> {
    /// The whole text.
    pub text: &'a str,
    /// The bytes to replace.
    pub range: Range<usize>,
}

impl MaskedText<'_> {
    /// Writes the text on one line with `mask` for the piece.
    pub fn line(&self, mask: &str) -> String {
        let (before, after) = (&self.text[..self.range.start], &self.text[self.range.end..]);
        format!("{before}{mask}{after}").replace(char::is_control, " ")
    }
}

/// Fills masked pieces.
///
/// ```
/// use cs_data::augment::{MaskFiller, MaskedText};
/// struct Want;
/// impl MaskFiller for Want {
///     fn fill(&self, masked: &[MaskedText<'_>]) -> cs_data::Result<Vec<Vec<String>>> {
///         Ok(masked.iter().map(|_| vec!["想".into()]).collect())
///     }
/// }
/// assert_eq!(Want.fill(&[MaskedText { text: "我要退款", range: 3..6 }])?, [["想"]]);
/// # Ok::<(), cs_data::Error>(())
/// ```
pub trait MaskFiller: Send + Sync {
    /// Gives candidates for each masked piece, likeliest first.
    ///
    /// # Errors
    ///
    /// When nothing can be filled.
    fn fill(&self, masked: &[MaskedText<'_>]) -> Result<Vec<Vec<String>>>;

    /// The text that stands for a masked piece, where it is one: no row with it is asked about.
    fn mask(&self) -> Option<&str> {
        None
    }
}

/// Reads texts with the [mask](LineProcess::with_mask), answers with candidates between tabs.
impl MaskFiller for LineProcess {
    fn fill(&self, masked: &[MaskedText<'_>]) -> Result<Vec<Vec<String>>> {
        let lines: Vec<String> = masked
            .iter()
            .map(|one| one.line(self.mask_token()))
            .collect();
        let answers = self.lines(&lines)?;
        let fields = |line: &String| {
            line.split('\t')
                .map(|field| field.trim().to_owned())
                .collect()
        };
        Ok(answers.iter().map(fields).collect())
    }

    fn mask(&self) -> Option<&str> {
        Some(self.mask_token())
    }
}

/// Contextual replacement: one token outside of the entities (a Chinese character, or a run of
/// other letters and digits) becomes one of the first candidates, each as likely.
///
/// ```
/// use cs_data::Utterance;
/// use cs_data::augment::{Contextual, MaskFiller, MaskedText, Pipeline, PipelineConfig};
/// struct Parcel;
/// impl MaskFiller for Parcel {
///     fn fill(&self, masked: &[MaskedText<'_>]) -> cs_data::Result<Vec<Vec<String>>> {
///         Ok(masked.iter().map(|_| vec!["parcel".into()]).collect())
///     }
/// }
/// let data = cs_data::Dataset::from_utterances([Utterance::new("1", "order?")])?;
/// let operator = Contextual::new(Parcel, 5)?;
/// let pipeline = Pipeline::new(PipelineConfig::default()).with_batch(operator, 1.0)?;
/// assert_eq!(pipeline.run(&data)?.0.utterance(0).unwrap().text, "parcel?");
/// # Ok::<(), cs_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Contextual<M> {
    filler: M,
    first: usize,
}

impl<M: MaskFiller> Contextual<M> {
    /// Makes an operator that asks `filler` and draws from the `first` of its candidates that
    /// differ from the token.
    ///
    /// # Errors
    ///
    /// `first` being 0.
    pub fn new(filler: M, first: usize) -> Result<Self> {
        if first > 0 {
            return Ok(Contextual { filler, first });
        }
        Err(Error::argument("first", "0", "at least 1"))
    }

    fn choose(
        &self,
        masked: &MaskedText<'_>,
        candidates: &[String],
        random: &mut SplitMix,
    ) -> Candidate {
        let old = &masked.text[masked.range.clone()];
        let fits = |candidate: &&String| {
            !candidate.is_empty() && *candidate != old && !candidate.contains(char::is_control)
        };
        let fitting: Vec<&String> = candidates.iter().filter(fits).take(self.first).collect();
        let chosen = random.pick(&fitting).ok_or("no candidate")?;
        let mut edits = Edits::default();
        edits.replace(masked.range.clone(), chosen);
        Ok(edits)
    }
}

impl<M: MaskFiller> BatchAugmenter for Contextual<M> {
    fn name(&self) -> &str {
        "context"
    }

    fn edits(&self, rows: &[Row<'_>], random: &mut [SplitMix]) -> Result<Vec<Candidate>> {
        let mut masked: Vec<Option<MaskedText<'_>>> = Vec::with_capacity(rows.len());
        for (row, random) in rows.iter().zip(&mut *random) {
            let mask = self.filler.mask();
            if mask.is_some_and(|mask| row.text.contains(mask)) {
                masked.push(None);
                continue;
            }
            let free = row.segments(false);
            let free: Vec<Token> = free.flat_map(|segment| tokens(row.text, segment)).collect();
            masked.push(random.pick(&free).map(|token| MaskedText {
                text: row.text,
                range: token.range.clone(),
            }));
        }
        let asked: Vec<MaskedText<'_>> = masked.iter().flatten().cloned().collect();
        let answers = self.filler.fill(&asked)?;
        if answers.len() != asked.len() {
            return Err(Error::argument(
                "fill",
                format!("{} answers", answers.len()),
                asked.len().to_string(),
            ));
        }
        let mut answers = answers.iter();
        let candidate = |(masked, random): (Option<MaskedText<'_>>, &mut SplitMix)| {
            let masked = masked.ok_or("no token")?;
            let candidates = answers.next().ok_or("no candidate")?;
            self.choose(&masked, candidates, random)
        };
        Ok(masked.into_iter().zip(random).map(candidate).collect())
    }
}
