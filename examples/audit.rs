//! Looks for what is wrong with labelled data before a model learns it.
//!
//! ```text
//! cargo run --release --example audit -- --data train.jsonl --against test.jsonl --svg audit.svg
//! cargo run --release --example audit -- --data train.csv --columns text=text,intent=category \
//!     --core core.txt --min-examples 20 --max-imbalance 5 --json
//! ```
//!
//! Coverage of the core intents, imbalance, spans at fault, duplicates, leaks, contradictory
//! labels, entities labelled in two ways, labels that look wrong, lengths and languages. Exit
//! status 1 if a rule fails, or if there is no label that a rule could judge; the other findings
//! are for reading. Builds without libtorch too (`-p cs-examples --no-default-features`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_data::audit::{Audit, ReadFault, Rules, read_core};
use cs_examples::{DataArgs, Outcome, Output, Result, note, print_json, refuse_input, run};

/// Look for what is wrong with labelled data
#[derive(Parser)]
struct Arguments {
    /// Labelled rows
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    #[command(flatten)]
    format: DataArgs,
    /// Core intents, one a line, and comments behind #; all that occur if left out
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
    /// Rows that a core intent needs to count as covered
    #[arg(long, default_value_t = Rules::default().min_examples)]
    min_examples: usize,
    /// Rows that must not occur in the data, say the test set
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// Share of the core intents that must be covered
    #[arg(long, default_value_t = Rules::default().min_coverage)]
    min_coverage: f64,
    /// Largest to smallest allowed, of intents and of positive to negative rows
    #[arg(long, default_value_t = Rules::default().max_imbalance)]
    max_imbalance: f64,
    /// Findings listed of each kind in the JSON
    #[arg(long, default_value_t = Rules::default().examples)]
    examples: usize,
    /// Draw the distributions of intents and lengths into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(audit)
}

fn audit(arguments: Arguments) -> Result<Outcome> {
    let rules = Rules {
        min_examples: arguments.min_examples,
        min_coverage: arguments.min_coverage,
        max_imbalance: arguments.max_imbalance,
        examples: arguments.examples,
        ..Rules::default()
    };
    // Before files are read, which may take long.
    rules.validate()?;
    if let Some(svg) = &arguments.svg {
        let others = [&arguments.core, &arguments.against];
        let others = others.into_iter().flatten();
        let inputs: Vec<&Path> = others
            .chain([&arguments.data])
            .map(|path| &**path)
            .collect();
        refuse_input(svg, &inputs)?;
    }
    let core = arguments.core.as_deref().map(read_core).transpose()?;
    let (data, skipped) = arguments.format.open_lenient(&arguments.data)?;
    let other = arguments.against.as_deref();
    let other = other.map(|path| arguments.format.open(path)).transpose()?;
    let faults = skipped.iter().map(ReadFault::from).collect();
    let mut audit = Audit::new(&data).faults(faults);
    if let Some(core) = core {
        audit = audit.core(core);
    }
    if let Some(other) = &other {
        audit = audit.against(other);
    }
    let report = audit.run(&rules)?;
    if let Some(path) = &arguments.svg {
        report.write_svg(path)?;
    }
    if arguments.output.json {
        print_json(&report)?;
    } else {
        note(format_args!("{report}"));
    }
    Ok(if report.passed {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}
