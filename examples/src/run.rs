//! The frame of every example: arguments in, exit status out.
//!
//! Exit status 0: fine. 1: a check did not pass. 2: bad input, with one line on stderr.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::table::table;

/// How an example that ran to its end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Passed,
    /// A check (a gate, an audit) did not pass: exit status 1.
    Failed,
    /// Some of the input was bad, as was said: exit status 2.
    BadInput,
}

/// Parses the command line, runs `main` on it, and turns what comes back into an exit status.
/// Warnings of the libraries go to stderr.
pub fn run<A: Parser>(main: impl FnOnce(A) -> Result<Outcome>) -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .without_time()
        .with_target(false)
        .init();
    let outcome = match A::try_parse() {
        Ok(arguments) => main(arguments),
        Err(help) if !help.use_stderr() => print(format_args!("{help}")).map(|()| Outcome::Passed),
        Err(error) => Err(Error::Usage(usage_line(&error.to_string()))),
    };
    match outcome {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::BadInput) => ExitCode::from(2),
        // Whoever read our output has seen enough.
        Err(Error::Stdout(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("error: {}", error.line()));
            ExitCode::from(2)
        }
    }
}

/// Clap's message and its tips, on one line, without its own `error: ` and what comes after.
fn usage_line(message: &str) -> String {
    let rest = |line: &&str| !line.starts_with("Usage: ") && !line.starts_with("For more ");
    let mut said = String::new();
    let mut paragraph = false;
    for line in message.lines().take_while(rest).map(str::trim) {
        if !line.is_empty() && !said.is_empty() {
            said.push_str(if paragraph { "; " } else { " " });
        }
        said.push_str(line);
        paragraph = line.is_empty();
    }
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    format!("{said} (--help lists the arguments)")
}

/// Writes a line to stderr: progress, tables, what was found.
pub fn note(line: Arguments<'_>) {
    // Nobody reads stderr: nothing to be done about it.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a line to stdout.
///
/// # Errors
///
/// [`Error::Stdout`].
pub fn print(line: Arguments<'_>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(Error::Stdout)
}

/// Reports an example's result: with `json` as one line on stdout, else as a table on stderr.
///
/// # Errors
///
/// [`Error::Stdout`].
pub fn report(json: bool, result: &impl Serialize) -> Result<()> {
    if json {
        return print_json(result);
    }
    let value = serde_json::to_value(result).map_err(|error| Error::Stdout(error.into()))?;
    note(format_args!("{}", table(&value)));
    Ok(())
}

/// Writes a JSON line to stdout, keys in the order of the struct.
///
/// # Errors
///
/// [`Error::Stdout`].
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(value).map_err(|error| Error::Stdout(error.into()))?;
    print(format_args!("{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_takes_one_line() {
        let message = "error: the following required arguments were not provided:\n  --model <DIR>\n\nUsage: …";
        assert_eq!(
            usage_line(message),
            "the following required arguments were not provided: --model <DIR> (--help lists the arguments)"
        );
    }

    #[test]
    fn a_mistyped_argument_is_told_its_neighbour() {
        #[derive(Debug, Parser)]
        struct Arguments {
            #[arg(long)]
            model: Option<String>,
            #[arg(long)]
            holdout: Option<f64>,
        }
        let line = |arguments: &[&str]| {
            let error = Arguments::try_parse_from(arguments).unwrap_err();
            usage_line(&error.to_string())
        };
        assert_eq!(
            line(&["train", "--modle", "light"]),
            "unexpected argument '--modle' found; tip: a similar argument exists: '--model' \
             (--help lists the arguments)"
        );
        assert_eq!(
            line(&["train", "--holdout", "half"]),
            "invalid value 'half' for '--holdout <HOLDOUT>': invalid float literal \
             (--help lists the arguments)"
        );
    }
}
