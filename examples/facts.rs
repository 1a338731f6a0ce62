//! Makes facts (Turtle) of tables, and says what is wrong with a file of facts.
//!
//! ```text
//! cargo run --release --example facts -- --table hotels.json --class 酒店 --unit 价格=元 --out hotels.ttl
//! cargo run --release --example facts -- --validate hotels.ttl
//! ```
//!
//! A row is a thing and a column a property of it; a value that is another row's name is that thing.
//! `--table` may be repeated, and `--class` then stands once for each, in their order. A table is a `.csv`
//! file with headings (several values in a cell between `;` or `|`), or a `.json` one, a list of objects
//! or of pairs of a name and an object.
//!
//! `--validate` writes a JSON line for each problem: `line, column, severity` (`error`, `warning`)`, kind,
//! problem`. It exits with 1 if there are errors.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_examples::{Error, Outcome, Output, Result, note, print_json, refuse_input, report, run};
use cs_serve::knowledge::import::{ImportConfig, Table, to_turtle};
use cs_serve::knowledge::{Graph, Limits, Severity};
use serde_json::json;

/// Make facts of tables, or check a file of facts
#[derive(Parser)]
struct Arguments {
    /// Tables, .csv or .json
    #[arg(
        long = "table",
        value_name = "FILE",
        required_unless_present = "validate"
    )]
    tables: Vec<PathBuf>,
    /// What the things of a table are; the file's name if left out
    #[arg(long = "class", value_name = "NAME", requires = "tables")]
    classes: Vec<String>,
    /// Column of the things' names, the first one if left out
    #[arg(long, value_name = "COLUMN", requires = "tables")]
    name: Option<String>,
    /// Column of further names
    #[arg(long = "alias", value_name = "COLUMN", requires = "tables")]
    aliases: Vec<String>,
    /// Unit of a column's numbers
    #[arg(long = "unit", value_name = "COLUMN=UNIT", value_parser = unit, requires = "tables")]
    units: Vec<(String, String)>,
    /// Column in which everything true is stated
    #[arg(long = "closed", value_name = "COLUMN", requires = "tables")]
    closed: Vec<String>,
    /// What the facts' IRIs begin with
    #[arg(long, value_name = "IRI", requires = "tables")]
    namespace: Option<String>,
    /// Facts to write
    #[arg(long, value_name = "FILE", required_unless_present = "validate")]
    out: Option<PathBuf>,
    /// Facts to check
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tables", "out"])]
    validate: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn unit(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, unit)) if !column.is_empty() && !unit.is_empty() => {
            Ok((column.into(), unit.into()))
        }
        _ => Err("expected COLUMN=UNIT, as price=USD".to_owned()),
    }
}

fn main() -> ExitCode {
    run(
        |arguments: Arguments| match (&arguments.validate, &arguments.out) {
            (Some(path), _) => validate(path),
            (None, Some(out)) => import(&arguments, out),
            (None, None) => Err(Error::Usage("--out or --validate is missing".to_owned())),
        },
    )
}

fn validate(path: &Path) -> Result<Outcome> {
    let problems = Graph::validate(path, &Limits::default())?;
    for problem in &problems {
        print_json(problem)?;
    }
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    note(format_args!(
        "errors: {errors}, warnings: {}",
        problems.len() - errors
    ));
    Ok(if errors == 0 {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

fn import(arguments: &Arguments, out: &Path) -> Result<Outcome> {
    let inputs: Vec<&Path> = arguments.tables.iter().map(PathBuf::as_path).collect();
    refuse_input(out, &inputs)?;
    if let Some((twice, _)) = (inputs.iter().zip(1..)).find(|(it, at)| inputs[*at..].contains(it)) {
        return Err(Error::Unfit {
            path: twice.to_path_buf(),
            found: "a table that is given twice".to_owned(),
            expected: "each table once",
        });
    }
    if !arguments.classes.is_empty() && arguments.classes.len() != inputs.len() {
        let (classes, tables) = (arguments.classes.len(), inputs.len());
        return Err(Error::Usage(format!(
            "{classes} --class, expected one for each of {tables} --table"
        )));
    }
    let class = |at: usize, path: &Path| match arguments.classes.get(at) {
        Some(class) => class.clone(),
        None => path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let tables = inputs
        .iter()
        .enumerate()
        .map(|(at, path)| Table::open(path, &class(at, path), arguments.name.as_deref()));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    let default = ImportConfig::default();
    let config = ImportConfig {
        namespace: arguments.namespace.clone().unwrap_or(default.namespace),
        aliases: arguments.aliases.iter().cloned().collect(),
        units: arguments.units.iter().cloned().collect(),
        closed: arguments.closed.iter().cloned().collect(),
    };
    let turtle = to_turtle(&tables, &config)?;
    let facts = Graph::from_turtle(&turtle, &Limits::default())?.len();
    cs_data::file::write(out, |file| file.write_all(turtle.as_bytes())).map_err(Error::io(out))?;
    report(
        arguments.output.json,
        &json!({"tables": tables.len(), "facts": facts}),
    )?;
    Ok(Outcome::Passed)
}
