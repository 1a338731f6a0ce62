//! Holds replies against facts: what they claim, what is known, and what they should have said.
//!
//! ```text
//! cargo run --release --example check -p cs-examples --no-default-features -- \
//!     --kb examples/data/shop/facts.ttl --reply '晨曦不锈钢水壶的价格是139元。'
//! cargo run --release --example check -- --kb examples/data/shop/facts.ttl --input replies.jsonl --json
//! ```
//!
//! A line of `--input` is `{"reply": T}`, with `"about": […]` if the reply does not name what it is
//! about: names or IRIs of the facts, the newest last. With `--json`, a line per reply: `reply, verdict` (`supported`,
//! `contradicted`, `unknown`, `no-claim`)`, facts[{subject, predicate, claimed, known, start, end}],
//! corrected`. It exits with 1 if one is contradicted. A line that is none leaves `{"error": …, "line": N}`
//! in its place, and the exit status is 2.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cs_examples::{Error, Outcome, Output, Result, note, print, print_json, run};
use cs_serve::knowledge::check::{Checked, Checker, Verdict};
use cs_serve::knowledge::linking::{Linker, LinkerConfig};
use cs_serve::knowledge::{Facts, Graph, KnowledgeError, Limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Hold replies against facts
#[derive(Parser)]
struct Arguments {
    /// Facts, in Turtle
    #[arg(long, value_name = "FILE")]
    kb: PathBuf,
    /// A reply
    #[arg(long, value_name = "TEXT", required_unless_present = "input")]
    reply: Option<String>,
    /// Replies, a JSON object a line
    #[arg(long, value_name = "FILE", conflicts_with = "reply")]
    input: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// A line of `--input`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    reply: String,
    #[serde(default)]
    about: Vec<String>,
}

/// A line of the output.
#[derive(Serialize)]
struct Line<'a> {
    reply: &'a str,
    #[serde(flatten)]
    checked: &'a Checked,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let facts: Arc<dyn Facts> = Arc::new(Graph::open(&arguments.kb, &Limits::default())?);
        let linker = Arc::new(Linker::new(facts.as_ref(), LinkerConfig::default())?);
        let check = Check {
            checker: Checker::new(facts, linker)?,
            output: arguments.output,
        };
        match (arguments.reply, arguments.input) {
            (Some(reply), _) => check.line(&Asked::alone(reply)),
            (None, Some(path)) => check.lines(&path),
            (None, None) => Err(Error::Usage("--reply or --input is missing".to_owned())),
        }
    })
}

struct Check {
    checker: Checker,
    output: Output,
}

impl Check {
    fn line(&self, asked: &Asked) -> Result<Outcome> {
        let context = self.checker.about(&asked.about)?;
        let checked = self.checker.check(&asked.reply, &context)?;
        self.show(&asked.reply, &checked)?;
        Ok(match checked.verdict {
            Verdict::Contradicted => Outcome::Failed,
            _ => Outcome::Passed,
        })
    }

    fn show(&self, reply: &str, checked: &Checked) -> Result<()> {
        if self.output.json {
            return print_json(&Line { reply, checked });
        }
        print(format_args!("{}\t{reply}", checked.verdict))?;
        for fact in &checked.facts {
            let subject = fact.subject.as_deref().unwrap_or("?");
            let known = fact.known.as_deref().unwrap_or("?");
            let (predicate, claimed) = (&fact.predicate, &fact.claimed);
            print(format_args!(
                "    {subject}, {predicate}: {claimed} (known: {known})"
            ))?;
        }
        match &checked.corrected {
            Some(corrected) => print(format_args!("    {corrected}")),
            None => Ok(()),
        }
    }

    fn lines(&self, path: &Path) -> Result<Outcome> {
        let text = std::fs::read(path).map_err(Error::io(path))?;
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        if text.trim_ascii().is_empty() {
            return Err(Error::Unfit {
                path: path.to_owned(),
                found: "no reply".to_owned(),
                expected: "an object with a `reply` a line",
            });
        }
        let mut outcome = Outcome::Passed;
        let lines = text.split(|&byte| byte == b'\n').enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let place = Place { path, line: at + 1 };
            let asked: Result<Asked, _> = serde_json::from_slice(line);
            let found = match asked.map(|asked| self.line(&asked)) {
                Ok(Err(Error::Knowledge(KnowledgeError::Unknown { found }))) => {
                    self.bad_line(place.line, &place.unknown(line, &found))?
                }
                Ok(outcome) => outcome?,
                Err(error) => self.bad_line(place.line, &place.unread(&error))?,
            };
            // Bad input outweighs a contradiction, and that what passed.
            outcome = match (outcome, found) {
                (Outcome::BadInput, _) | (_, Outcome::BadInput) => Outcome::BadInput,
                (Outcome::Failed, _) | (_, Outcome::Failed) => Outcome::Failed,
                _ => Outcome::Passed,
            };
        }
        Ok(outcome)
    }

    fn bad_line(&self, line: usize, error: &Error) -> Result<Outcome> {
        note(format_args!("error: {error}"));
        if self.output.json {
            print_json(&json!({"error": error.to_string(), "line": line}))?;
        }
        Ok(Outcome::BadInput)
    }
}

/// A line of a file, from 1.
struct Place<'a> {
    path: &'a Path,
    line: usize,
}

impl Place<'_> {
    fn unread(&self, error: &serde_json::Error) -> Error {
        let message = error.to_string();
        let found = message.split(" at line ").next().unwrap_or(&message);
        Error::Line {
            path: self.path.to_owned(),
            line: self.line,
            column: error.column().max(1),
            found: found.to_owned(),
            expected: "an object with a `reply`, and `about`, a list of names, if need be",
        }
    }

    fn unknown(&self, line: &[u8], thing: &str) -> Error {
        let line = String::from_utf8_lossy(line);
        let before = line.rfind(thing).map_or("", |at| &line[..at]);
        Error::Line {
            path: self.path.to_owned(),
            line: self.line,
            column: before.chars().count() + 1,
            found: format!("{thing:?} is unknown"),
            expected: "the name or the IRI of a thing among the facts",
        }
    }
}

impl Asked {
    fn alone(reply: String) -> Self {
        let about = Vec::new();
        Self { reply, about }
    }
}
