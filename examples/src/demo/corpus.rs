//! The tables, and the rows made from them.

use cs_data::Utterance;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::tables::{
    Detail, Frame, Language, OUT_OF_SCOPE_LABEL, Question, Split, TableError, Tone, detail, either,
    foreign_question, frame, question, table,
};
use super::{Filled, Template, Values};

const TEMPLATES: &str = include_str!("../../data/templates.tsv");
const FRAMES: &str = include_str!("../../data/frames.tsv");
const VALUES: &str = include_str!("../../data/values.tsv");
const DETAILS: &str = include_str!("../../data/details.tsv");
const OUT_OF_SCOPE: &str = include_str!("../../data/out_of_scope.tsv");
const PAIR_TEMPLATES: &str = include_str!("../../data/pair_templates.tsv");
const PAIR_FRAMES: &str = include_str!("../../data/pair_frames.tsv");

/// Of ten neutral sentences, this many are said plainly, without a frame.
const PLAIN_OF_TEN: u32 = 4;
/// Of ten sentences, this many end with a mark.
const MARKED_OF_TEN: u32 = 4;
/// Of ten neutral training sentences, this many get a detail.
const DETAILED_OF_TEN: u32 = 2;
/// Number of the first row out of scope: each row has random numbers of its own.
const OUT_OF_SCOPE_ROWS: usize = 1_000_000;

/// The tables, read and checked.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// `templates.tsv`.
    pub questions: Vec<Question>,
    /// `frames.tsv`.
    pub frames: Vec<Frame>,
    /// `values.tsv`.
    pub values: Values,
    /// `details.tsv`.
    pub details: Vec<Detail>,
    /// `out_of_scope.tsv`.
    pub out_of_scope: Vec<Question>,
    /// `pair_templates.tsv`: what [`pairs`](Self::pairs) makes its unseen part of.
    pub pair_questions: Vec<Question>,
    /// `pair_frames.tsv`: how those are said.
    pub pair_frames: Vec<Frame>,
    intents: Vec<String>,
}

impl Corpus {
    /// The tables this crate carries.
    ///
    /// # Errors
    ///
    /// For a line that cannot be read; tests rule it out for the tables as committed.
    pub fn embedded() -> Result<Self, TableError> {
        let questions = table("templates.tsv", TEMPLATES, question)?;
        let frames = table("frames.tsv", FRAMES, frame)?;
        let mut values = Values::default();
        table("values.tsv", VALUES, |fields: [&str; 4]| {
            let [pool, language, split, text] = fields;
            values.add(pool, either(language)?, either(split)?, text);
            Ok(())
        })?;
        let mut intents: Vec<String> = questions
            .iter()
            .map(|q: &Question| q.intent.clone())
            .collect();
        intents.sort();
        intents.dedup();
        Ok(Self {
            questions,
            frames,
            values,
            details: table("details.tsv", DETAILS, detail)?,
            out_of_scope: table("out_of_scope.tsv", OUT_OF_SCOPE, foreign_question)?,
            pair_questions: table("pair_templates.tsv", PAIR_TEMPLATES, question)?,
            pair_frames: table("pair_frames.tsv", PAIR_FRAMES, frame)?,
            intents,
        })
    }

    /// The intents, sorted.
    pub fn intents(&self) -> &[String] {
        &self.intents
    }

    /// Makes `rows` labelled rows, every intent equally often. Each row is a function of the
    /// seed, the split and its number alone.
    pub fn generate(&self, split: Split, rows: usize, seed: u64) -> Vec<Utterance> {
        (0..rows).map(|row| self.row(split, row, seed)).collect()
    }

    /// Makes `rows` rows with the intent [`OUT_OF_SCOPE_LABEL`], as [`generate`](Self::generate)
    /// does.
    pub fn generate_out_of_scope(&self, split: Split, rows: usize, seed: u64) -> Vec<Utterance> {
        let questions = &self.out_of_scope;
        let row = |row| {
            self.row_of(
                questions,
                OUT_OF_SCOPE_LABEL,
                split,
                OUT_OF_SCOPE_ROWS + row,
                seed,
            )
        };
        (0..rows).map(row).collect()
    }

    fn row(&self, split: Split, row: usize, seed: u64) -> Utterance {
        let intent = &self.intents[row % self.intents.len()];
        self.row_of(&self.questions, intent, split, row, seed)
    }

    fn row_of(
        &self,
        questions: &[Question],
        intent: &str,
        split: Split,
        row: usize,
        seed: u64,
    ) -> Utterance {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(2 * row as u64 + u64::from(split == Split::Test));
        let language = if rng.random() {
            Language::Zh
        } else {
            Language::En
        };
        let questions: Vec<&Question> = questions
            .iter()
            .filter(|q| q.split == split && q.language == language && q.intent == intent)
            .collect();
        let question = questions[rng.random_range(0..questions.len())];
        let sentence = question.template.fill(&mut rng, &mut |rng, pool, so_far| {
            self.values.draw(rng, pool, language, split, &so_far.text)
        });
        let sentence = self.detailed(&mut rng, question, sentence);
        let (filled, tone) = self.say(&mut rng, question, sentence);
        let prefix = if split == Split::Train {
            "train"
        } else {
            "test"
        };
        Utterance::new(format!("{prefix}-{row:05}"), filled.text)
            .with_intent(intent)
            .with_spans(filled.spans)
            .with_sentiment(tone.sentiment())
    }

    /// Adds an entity to a neutral sentence of training, at times: one of a label it does not have
    /// yet.
    fn detailed(&self, rng: &mut ChaCha8Rng, question: &Question, sentence: Filled) -> Filled {
        let plain = question.split == Split::Test
            || question.tone != Tone::Neutral
            || question.intent == OUT_OF_SCOPE_LABEL;
        if plain || !rng.random_ratio(DETAILED_OF_TEN, 10) {
            return sentence;
        }
        let fit = |detail: &&Detail| {
            let parts = detail.before.iter().chain(&detail.after);
            let mut labels = parts.flat_map(Template::pools);
            let has = |label: &str| sentence.spans.iter().any(|span| span.label == label);
            detail.language == question.language && !labels.any(has)
        };
        let details: Vec<&Detail> = self.details.iter().filter(fit).collect();
        let Some(detail) = details.choose(rng) else {
            return sentence;
        };
        let mut part = |part: &Option<Template>, so_far: &str| match part {
            Some(part) => part.fill(rng, &mut |rng, pool, _| {
                self.values
                    .draw(rng, pool, question.language, Split::Train, so_far)
            }),
            None => Filled::default(),
        };
        let mut said = part(&detail.before, &sentence.text);
        let after = part(&detail.after, &sentence.text);
        said.push(&sentence);
        said.push(&after);
        said
    }

    /// Puts a neutral sentence into a frame, usually; then tidies up.
    fn say(&self, rng: &mut ChaCha8Rng, question: &Question, sentence: Filled) -> (Filled, Tone) {
        let frames: Vec<&Frame> = self
            .frames
            .iter()
            .filter(|f| f.split == question.split && f.language == question.language)
            .collect();
        let plain = question.tone != Tone::Neutral || rng.random_ratio(PLAIN_OF_TEN, 10);
        let asked = asks(&sentence.text, question.language);
        let (mut said, tone) = if plain {
            (sentence, question.tone)
        } else {
            let frame = frames[rng.random_range(0..frames.len())];
            let mut fixed = |part: &Option<Template>| match part {
                Some(part) => part.fill(rng, &mut |_, pool, _| pool.to_owned()),
                None => Filled::default(),
            };
            let mut said = fixed(&frame.before);
            let after = fixed(&frame.after);
            said.push(&sentence);
            said.push(&after);
            (said, frame.tone)
        };
        said = tidy(&said);
        if rng.random() {
            capitalise(&mut said);
        }
        if rng.random_ratio(MARKED_OF_TEN, 10) && said.text.ends_with(char::is_alphanumeric) {
            said.text.push(match (question.language, asked) {
                (Language::Zh, true) => '？',
                (Language::Zh, false) => '。',
                (Language::En, true) => '?',
                (Language::En, false) => '.',
            });
        }
        (said, tone)
    }
}

/// Whether a sentence reads like a question.
fn asks(sentence: &str, language: Language) -> bool {
    const CHINESE: [&str; 7] = ["吗", "么", "哪", "几", "多久", "多少", "没有"];
    const ENGLISH: [&str; 16] = [
        "where", "what", "when", "why", "who", "how", "which", "can", "could", "is", "are", "do",
        "does", "has", "will", "did",
    ];
    match language {
        Language::Zh => CHINESE.iter().any(|word| sentence.contains(word)),
        Language::En => ENGLISH.iter().any(|word| {
            let rest = sentence
                .get(..word.len())
                .filter(|start| start.eq_ignore_ascii_case(word));
            rest.is_some() && sentence[word.len()..].starts_with([' ', '\''])
        }),
    }
}

/// Drops blanks at both ends and repeated ones, which empty alternatives leave behind.
pub(super) fn tidy(filled: &Filled) -> Filled {
    let mut tidied = Filled::default();
    let mut at = vec![0; filled.text.len() + 1];
    for (index, character) in filled.text.char_indices() {
        at[index] = tidied.text.len();
        let blank_before = tidied.text.is_empty() || tidied.text.ends_with(' ');
        if !(character == ' ' && blank_before) {
            let keep = if ",.?!".contains(character) {
                tidied.text.trim_end().len()
            } else {
                tidied.text.len()
            };
            tidied.text.truncate(keep);
            at[index] = keep;
            tidied.text.push(character);
        }
    }
    at[filled.text.len()] = tidied.text.len();
    tidied.text.truncate(tidied.text.trim_end().len());
    tidied.spans = filled.spans.clone();
    for span in &mut tidied.spans {
        span.start = at[span.start];
        span.end = at[span.end].min(tidied.text.len());
    }
    tidied
}

/// Starts with a capital, unless the first word is a value.
fn capitalise(filled: &mut Filled) {
    if filled.spans.first().is_none_or(|span| span.start > 0)
        && let Some(first) = filled.text.get(..1)
    {
        let capital = first.to_ascii_uppercase();
        filled.text.replace_range(..1, &capital);
    }
}

#[cfg(test)]
#[path = "corpus_tests.rs"]
mod tests;
