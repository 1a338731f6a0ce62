//! Answering an input line by line.

use cs_data::Utterance;
use cs_model::Bundle;
use serde_json::json;

use crate::cli::{InputArgs, Output};
use crate::error::{Error, Result};
use crate::input::{Line, Texts};
use crate::run::{Outcome, note, print_json};

/// Answers the lines of an input in batches, those of standard input as they come, and shows each
/// answer. A line that cannot be answered is told on stderr, takes its place among the lines of
/// `--json` as `{"error": …, "line": N}`, and makes the outcome [`Outcome::BadInput`].
///
/// # Errors
///
/// An input that cannot be read, or a file without a line; what `answer` and `show` fail with.
pub fn answer_lines<A>(
    input: &InputArgs,
    output: Output,
    batch: usize,
    answer: impl Fn(&[&str]) -> Result<Vec<A>>,
    show: impl FnMut(&A) -> Result<()>,
) -> Result<Outcome> {
    let all = |texts: &[&str]| Ok(answer(texts)?.into_iter().map(Ok).collect());
    try_answer_lines(input, output, batch, all, show)
}

/// The same, where a text may have an error in place of an answer, as a line that cannot be read.
///
/// # Errors
///
/// As [`answer_lines`].
pub fn try_answer_lines<A>(
    input: &InputArgs,
    output: Output,
    batch: usize,
    mut answer: impl FnMut(&[&str]) -> Result<Vec<Result<A>>>,
    show: impl FnMut(&A) -> Result<()>,
) -> Result<Outcome> {
    let of_lines = |lines: &[&Line]| {
        let texts = lines.iter().filter_map(|line| line.text.as_deref().ok());
        answer(&texts.collect::<Vec<&str>>())
    };
    answer_all_lines(input, output, batch, of_lines, show)
}

/// The same, where an answer is of more than the text. Lines without a text are not asked for one.
///
/// # Errors
///
/// As [`answer_lines`].
pub fn answer_all_lines<A>(
    input: &InputArgs,
    output: Output,
    batch: usize,
    mut answer: impl FnMut(&[&Line]) -> Result<Vec<Result<A>>>,
    mut show: impl FnMut(&A) -> Result<()>,
) -> Result<Outcome> {
    let file = input.input.as_deref();
    let batch = if file.is_some() { batch } else { 1 };
    let mut lines = Texts::open(file)?;
    let (mut read, mut bad) = (0, 0);
    loop {
        let mut failed = None;
        let waiting: Vec<Line> = lines
            .by_ref()
            .map_while(|line| line.map_err(|error| failed = Some(error)).ok())
            .take(batch)
            .collect();
        let asked: Vec<&Line> = waiting.iter().filter(|line| line.text.is_ok()).collect();
        let answers = match asked.is_empty() {
            true => Vec::new(),
            false => answer(&asked)?,
        };
        let mut answers = answers.into_iter();
        read += waiting.len();
        let is_last = waiting.len() < batch;
        for line in waiting {
            let found = match line.text {
                Ok(_) => answers.next().transpose(),
                Err(error) => Err(error),
            };
            match found {
                Ok(answer) => answer.iter().try_for_each(&mut show)?,
                Err(error) => {
                    bad += 1;
                    tell(line.number, &error, output)?;
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if is_last {
            break;
        }
    }
    match file {
        Some(path) if read == 0 => Err(Error::Unfit {
            path: path.to_owned(),
            found: "no text".to_owned(),
            expected: "a text a line",
        }),
        _ if bad > 0 => Ok(Outcome::BadInput),
        _ => Ok(Outcome::Passed),
    }
}

fn tell(number: usize, error: &Error, output: Output) -> Result<()> {
    let error = error.line();
    note(format_args!("error: {error}"));
    match output.json {
        true => print_json(&json!({"error": error, "line": number})),
        false => Ok(()),
    }
}

/// Warns of texts of which only the beginning was read.
pub fn note_cut(cut: usize, max_length: usize) {
    if cut > 0 {
        note(format_args!(
            "warning: {cut} texts were longer than {max_length} tokens, and only their beginning was read \
             (--max-length)"
        ));
    }
}

/// Rows of which a model reads only the beginning.
///
/// # Errors
///
/// A tokenizer that does not parse; a text it fails on.
pub fn count_cut(bundle: &Bundle, rows: &[Utterance]) -> Result<usize> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let encodings = bundle
        .tokenizer()?
        .encode_batch(&texts, bundle.max_length())?;
    Ok(encodings
        .iter()
        .filter(|encoding| encoding.truncated)
        .count())
}
