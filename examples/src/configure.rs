//! Settings from a TOML file and from the environment. Each is declared once, as an argument of
//! clap: what the flag `--max-body` takes, the key `max_body` and the variable `CS_MAX_BODY` take.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Parser};
use cs_data::file::{Position, line_column};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};
use crate::run::note;

/// What the name of a variable begins with.
const PREFIX: &str = "CS_";

/// Why a setting does not take a value.
struct Fault {
    found: String,
    expected: String,
}

impl Fault {
    fn at(self, place: String) -> Error {
        let Self { found, expected } = self;
        let problem = format!("{found}, expected {expected}");
        Error::Setting { place, problem }
    }
}

/// The settings of a TOML file. Relative paths in it start at its folder.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be read; [`Error::Setting`] with line and column for one
/// that is no TOML, a key that is no setting, and a value that its setting does not take.
pub(crate) fn from_file<P: Parser + Default>(path: &Path) -> Result<P> {
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    let place = |at: usize| {
        let Position { line, column } = line_column(&bytes, at);
        format!("{}:{line}:{column}", path.display())
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| Error::Setting {
        place: place(error.valid_up_to()),
        problem: "bytes that are not UTF-8, expected TOML".to_owned(),
    })?;
    let table = DeTable::parse(text).map_err(|error| Error::Setting {
        place: place(error.span().map_or(0, |span| span.start)),
        problem: error.message().replace('\n', ", "),
    })?;
    let mut entries: Vec<_> = table.into_inner().into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start); // of several faults the first is told
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut settings, command) = (P::default(), P::command());
    for (key, value) in &entries {
        let arg = find(&command, key.get_ref()).map_err(|f| f.at(place(key.span().start)))?;
        let mut texts = Vec::new();
        for value in each(arg, value) {
            let text = value_text(arg, value.get_ref(), folder);
            texts.push(text.map_err(|fault| fault.at(place(value.span().start)))?);
        }
        set(&mut settings, arg, &texts).map_err(|fault| fault.at(place(value.span().start)))?;
    }
    Ok(settings)
}

/// The settings of the environment: its variables whose names begin with `CS_`. One that is no
/// setting may be another program's, so it is only warned of.
///
/// # Errors
///
/// [`Error::Setting`] with a variable's name for a value that its setting does not take.
pub(crate) fn from_environment<P: Parser + Default>(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<P> {
    let ours = |name: &str| name.starts_with(PREFIX) && name == name.to_uppercase();
    let variables = variables.into_iter();
    let variables = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let variables: BTreeMap<_, _> = variables.filter(|(name, _)| ours(name)).collect();
    let (mut settings, command) = (P::default(), P::command());
    for (name, value) in &variables {
        let key = name[PREFIX.len()..].to_lowercase();
        match find(&command, &key) {
            Ok(arg) => {
                let values = [value.as_os_str()];
                set(&mut settings, arg, &values).map_err(|fault| fault.at(name.clone()))?;
            }
            Err(Fault { found, expected }) => {
                note(format_args!(
                    "warning: {name}: {found}, expected {expected}"
                ));
            }
        }
    }
    Ok(settings)
}

fn find<'a>(command: &'a Command, key: &str) -> Result<&'a Arg, Fault> {
    let mut arguments = command.get_arguments();
    let known = |arg: &Arg| arg.get_id() == key;
    arguments.find(|arg| known(arg)).ok_or_else(|| Fault {
        found: format!("no setting {key:?}"),
        expected: nearest(command, key),
    })
}

/// The setting that was meant, if clap finds one, or else all of them.
fn nearest(command: &Command, key: &str) -> String {
    let id = key.replace('-', "_");
    if command
        .get_arguments()
        .any(|arg| arg.get_id() == id.as_str())
    {
        return format!("{id:?}");
    }
    let flag = format!("--{}", key.replace('_', "-"));
    let refused = command.clone().try_get_matches_from(["", &flag]);
    let error = refused.err();
    let similar = error
        .as_ref()
        .and_then(|error| error.get(ContextKind::SuggestedArg));
    if let Some(ContextValue::String(flag)) = similar {
        return format!("{:?}", flag.trim_start_matches('-').replace('-', "_"));
    }
    let all = command.get_arguments().map(|arg| arg.get_id().as_str());
    format!("one of {}", all.collect::<Vec<_>>().join(", "))
}

/// The values of a setting: several where it takes more than one.
fn each<'a, 'b>(arg: &Arg, value: &'a Spanned<DeValue<'b>>) -> Vec<&'a Spanned<DeValue<'b>>> {
    match value.get_ref() {
        DeValue::Array(values) if matches!(arg.get_action(), ArgAction::Append) => {
            values.iter().collect()
        }
        _ => vec![value],
    }
}

/// A value of TOML as on a command line.
fn value_text(arg: &Arg, value: &DeValue<'_>, folder: &Path) -> Result<OsString, Fault> {
    let kind = arg.get_value_parser().type_id();
    let is_number = kind == TypeId::of::<usize>() || kind == TypeId::of::<f64>();
    match value {
        DeValue::Integer(number) if is_number => Ok(number.to_string().into()),
        DeValue::Float(number) if is_number => Ok(number.as_str().into()),
        // A URL is no path, though it may stand where one may.
        DeValue::String(path)
            if kind == TypeId::of::<PathBuf>() && !path.is_empty() && !path.contains("://") =>
        {
            Ok(folder.join(&**path).into())
        }
        DeValue::String(text) if !is_number => Ok((&**text).into()),
        other => Err(Fault {
            found: format!("a value of type {}", other.type_str()),
            expected: if is_number { "a number" } else { "a string" }.to_owned(),
        }),
    }
}

/// Parses values as those of the flag, and keeps them.
fn set<P: Parser, V: AsRef<OsStr>>(settings: &mut P, arg: &Arg, values: &[V]) -> Result<(), Fault> {
    let flag = |value: &V| {
        let mut flag = OsString::from(format!("--{}=", arg.get_long().unwrap_or_default()));
        flag.push(value);
        flag
    };
    let command = [OsString::new()].into_iter();
    settings
        .try_update_from(command.chain(values.iter().map(flag)))
        .map_err(|error| {
            let reason = std::error::Error::source(&error).map(ToString::to_string);
            let expected = match error.kind() {
                ErrorKind::InvalidUtf8 => "UTF-8".to_owned(),
                _ => reason.unwrap_or_else(|| "a value".to_owned()),
            };
            Fault {
                found: found(values),
                expected: expected.trim_start_matches("expected ").to_owned(),
            }
        })
}

/// What was given, as an error tells it.
fn found<V: AsRef<OsStr>>(values: &[V]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|value| format!("{:?}", value.as_ref()))
        .collect();
    values.join(", ")
}
