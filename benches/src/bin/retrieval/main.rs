//! Measures how well answered questions are found by others that have the same answer.
//!
//! ```text
//! retrieval --data FILE --columns text=instruction --embedder DIR [--prefix 'query: ']
//! retrieval --crosswoz DIR --embedder DIR [--prefix 'query: ']
//! ```
//!
//! `FILE` has labelled rows in any format that cs-data reads, as Bitext's customer support
//! (`with_entities_and_responses_4514.csv`): rows of an intent have the same answer. `--crosswoz` has
//! `val.json` or `val.json.zip`: turns that request the same slots of the same domains do. A seeded half
//! of the questions is indexed, and the other half asked: a hit is a question with the same answer among
//! the first one or five.
//!
//! Figures come as JSON: the recall by words, by meaning and of both fused; and for thresholds of
//! overlap and of cosine, how many are answered, and how many of these right. For these a tenth
//! of the answers, by the seed, has no question in the index, so that what asks for them should find none.

#[allow(dead_code, reason = "the binary crosswoz reads the rest")]
#[path = "../crosswoz/dialogues.rs"]
mod dialogues;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cs_benches::finish;
use cs_data::{Columns, Dataset, ReadOptions, SplitMix};
use cs_model::Bundle;
use cs_quant::RuntimeConfig;
use cs_serve::reply::retrieval::{Embedder, Found, NativeEmbedder, Retrieval};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measure how answered questions are found
#[derive(Debug, Parser)]
struct Arguments {
    /// Labelled rows
    #[arg(long, value_name = "FILE", required_unless_present = "crosswoz")]
    data: Option<PathBuf>,
    /// Which column fills which field
    #[arg(long, value_name = "FIELD=COLUMN,…", requires = "data")]
    columns: Option<Columns>,
    /// Folder of CrossWOZ's validation set
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    crosswoz: Option<PathBuf>,
    /// Folder of an encoder
    #[arg(long, value_name = "DIR")]
    embedder: Option<PathBuf>,
    /// Text before each text
    #[arg(long, value_name = "TEXT", default_value = "query: ")]
    prefix: String,
    /// Seed of the halves
    #[arg(long, default_value = "7")]
    seed: u64,
}

/// A question, and what answers it.
struct Question {
    text: String,
    answer: String,
}

/// What was found for a question, and whether each has its answer.
type Outcome = Vec<(Found, bool)>;

fn main() -> ExitCode {
    let figures = measure(&Arguments::parse());
    finish(figures)
}

fn measure(arguments: &Arguments) -> Result<Value> {
    let questions = match (&arguments.data, &arguments.crosswoz) {
        (Some(data), _) => rows(data, arguments.columns.clone().unwrap_or_default())?,
        (None, Some(crosswoz)) => requests(crosswoz)?,
        (None, None) => return Err("no questions, expected --data or --crosswoz".into()),
    };
    let embedder = arguments
        .embedder
        .as_ref()
        .map(|dir| -> Result<Arc<dyn Embedder>> {
            let config = RuntimeConfig::default();
            Ok(Arc::new(NativeEmbedder::open(
                &Bundle::open(dir)?,
                &arguments.prefix,
                &config,
            )?))
        });
    let embedder = embedder.transpose()?;
    let is_indexed =
        |at: usize| SplitMix::new(arguments.seed.wrapping_add(at as u64)).below(2) == 0;
    let numbered = || questions.iter().enumerate();
    let indexed: Vec<&Question> = numbered()
        .filter(|(at, _)| is_indexed(*at))
        .map(|it| it.1)
        .collect();
    let asked: Vec<&Question> = numbered()
        .filter(|(at, _)| !is_indexed(*at))
        .map(|it| it.1)
        .collect();
    let answers: BTreeSet<&str> = questions.iter().map(|it| it.answer.as_str()).collect();
    let is_left_out =
        |at: usize| SplitMix::new(!arguments.seed.wrapping_add(at as u64)).below(10) == 0;
    let left_out: BTreeSet<&str> = answers
        .iter()
        .enumerate()
        .filter(|(at, _)| is_left_out(*at))
        .map(|it| *it.1)
        .collect();
    let whole = outcomes(&indexed, &asked, embedder.clone())?;
    let kept: Vec<&Question> = indexed
        .into_iter()
        .filter(|it| !left_out.contains(it.answer.as_str()))
        .collect();
    let partial = outcomes(&kept, &asked, embedder)?;
    Ok(json!({
        "questions": questions.len(), "answers": answers.len(), "asked": asked.len(),
        "recall": {
            "words": recall(&whole, |_, it| it.lexical_rank),
            "meaning": recall(&whole, |_, it| it.semantic_rank),
            "fused": recall(&whole, |at, _| Some(at + 1)),
        },
        "answers_left_out": left_out.len(),
        "by_overlap": answered(&partial, |it| it.overlap, 40..100),
        "by_cosine": answered(&partial, |it| it.cosine.unwrap_or(0.0), 80..100),
    }))
}

/// What is found for each question.
fn outcomes(
    indexed: &[&Question],
    asked: &[&Question],
    embedder: Option<Arc<dyn Embedder>>,
) -> Result<Vec<Outcome>> {
    let texts: Vec<&str> = indexed.iter().map(|it| it.text.as_str()).collect();
    let retrieval = Retrieval::new(&texts, embedder)?;
    let outcome = |question: &&Question| -> Result<Outcome> {
        let found = retrieval.search(&question.text, usize::MAX)?;
        let judged = found
            .into_iter()
            .map(|it| (it, indexed[it.question].answer == question.answer));
        Ok(judged.collect())
    };
    asked.iter().map(outcome).collect()
}

/// The shares of questions with a hit among the first one and five of a ranking.
fn recall(outcomes: &[Outcome], rank: impl Fn(usize, &Found) -> Option<usize>) -> Value {
    let share = |most: usize| {
        let is_hit = |(at, (found, is_right)): (usize, &(Found, bool))| {
            *is_right && rank(at, found).is_some_and(|it| it <= most)
        };
        let hits = outcomes
            .iter()
            .filter(|it| it.iter().enumerate().any(is_hit));
        hits.count() as f64 / outcomes.len().max(1) as f64
    };
    json!({"at_1": share(1), "at_5": share(5)})
}

/// The shares of questions that are answered, and of answers that are right, by the least of a value
/// in hundredths: the first that has it is the answer, as in the order of the fusion.
fn answered(outcomes: &[Outcome], value: impl Fn(&Found) -> f32, least: Range<usize>) -> Value {
    let at = |least: usize| {
        let is_sure = |it: &&(Found, bool)| value(&it.0) >= least as f32 / 100.0;
        let answers: Vec<bool> = outcomes
            .iter()
            .filter_map(|it| it.iter().find(is_sure))
            .map(|it| it.1)
            .collect();
        let right = answers.iter().filter(|it| **it).count() as f64 / answers.len().max(1) as f64;
        let share = answers.len() as f64 / outcomes.len().max(1) as f64;
        json!({"least": least as f64 / 100.0, "answered": share, "right": right})
    };
    let step = if least.len() > 30 { 5 } else { 1 };
    least.step_by(step).map(at).collect()
}

/// Rows with an intent, which is their answer.
fn rows(path: &Path, columns: Columns) -> Result<Vec<Question>> {
    let options = ReadOptions {
        columns,
        ..ReadOptions::default()
    };
    let rows = Dataset::open(path, &options)?;
    let question = |it: cs_data::Utterance| {
        Some(Question {
            text: it.text,
            answer: it.intent?,
        })
    };
    Ok(rows.iter().filter_map(question).collect())
}

/// Customers' turns that request something, which is their answer.
fn requests(folder: &Path) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for (_, dialogue) in dialogues::open(folder)? {
        for message in dialogue.messages.iter().filter(|it| !it.is_system()) {
            let requests = message.dialog_act.iter().filter(|it| it.0 == "Request");
            let wanted: BTreeSet<String> =
                requests.map(|it| format!("{} {}", it.1, it.2)).collect();
            if !wanted.is_empty() {
                questions.push(Question {
                    text: message.content.clone(),
                    answer: wanted.into_iter().collect::<Vec<_>>().join(", "),
                });
            }
        }
    }
    Ok(questions)
}
