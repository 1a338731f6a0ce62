//! Chat templates, in the subset of Jinja that `transformers` has.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use minijinja::{AutoEscape, Environment, ErrorKind, Value, context};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::turn::Turn;
use super::{date, json};
use crate::error::{Error, Result};

/// The name by which the engine knows the template.
const NAME: &str = "chat";
/// The most bytes of a source, several times those of the longest of any known model.
const MOST_SOURCE_BYTES: usize = 64 << 10;
/// The stack of the engine, which calls itself for each sign of a source, and for each value within
/// a value.
const STACK_BYTES: usize = 256 << 20;
/// The number of the engine's instructions that a template may take: those of some ten thousand turns.
const FUEL: u64 = 2_000_000;
/// The most bytes of a text, more than the longest prompt that any model reads.
const MOST_BYTES: usize = 16 << 20;

/// A chat template: how the turns of a conversation are written as one text.
///
/// What `transformers` has in templates is here: `raise_exception`, `strftime_now`, `tojson`, loop
/// controls, Python's methods of strings, lists and dictionaries, and `{% generation %}`, which
/// changes nothing. A template cannot reach files; one that loops on and on, or writes on and on, fails.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    path: PathBuf,
    special: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// Parses the source of a template; `path` is the file for errors.
    ///
    /// # Errors
    /// [`Error::Template`] for a source that does not parse.
    pub fn new(source: &str, path: &Path) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        environment.add_filter("tojson", json::tojson);
        environment.add_function("raise_exception", raise_exception);
        if source.len() > MOST_SOURCE_BYTES {
            let found = source.len();
            return Err(Error::Template {
                path: path.to_owned(),
                line: 1,
                reason: format!("{found} bytes, expected at most {MOST_SOURCE_BYTES}"),
            });
        }
        let source = without_generation(source);
        let added = with_deep_stack(path, || environment.add_template_owned(NAME, source))?;
        added.map_err(|fault| error(path, &fault))?;
        Ok(Self {
            environment,
            path: path.to_owned(),
            special: BTreeMap::new(),
        })
    }

    /// Sets what `bos_token` and other names of special tokens stand for.
    #[must_use]
    pub fn with_special_tokens(mut self, special: BTreeMap<String, String>) -> Self {
        self.special = special;
        self
    }

    /// Gives the turns as a text that ends where the assistant's next turn begins. `now` is what
    /// `strftime_now` writes, in UTC.
    ///
    /// # Errors
    /// [`Error::Template`] for turns that the template refuses or fails on, and for a template that
    /// takes too long.
    pub fn render(&self, turns: &[Turn], now: SystemTime) -> Result<String> {
        let mut environment = self.environment.clone();
        environment.add_function("strftime_now", move |format: &str| {
            date::strftime(format, now).ok_or_else(|| {
                let message = format!("strftime_now cannot write {format:?}");
                minijinja::Error::new(ErrorKind::InvalidOperation, message)
            })
        });
        let values = context! {
            messages => turns, add_generation_prompt => true, tools => (), documents => (),
            ..Value::from_serialize(&self.special)
        };
        let rendered = with_deep_stack(&self.path, move || -> Result<_, minijinja::Error> {
            let mut text = Bounded(Vec::new());
            let template = environment.get_template(NAME)?;
            template.render_captured_to(values, &mut text)?;
            Ok(text.0)
        })?;
        let text = rendered.map_err(|fault| error(&self.path, &fault))?;
        // Templates write whole texts, so that nothing is lost here.
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Runs the engine where it has [`STACK_BYTES`], which take memory only as they are used; `path` is
/// the file for errors.
fn with_deep_stack<T: Send>(path: &Path, work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES);
        let started = thread.spawn_scoped(scope, work).map_err(Error::io(path))?;
        Ok(started
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// A text of at most [`MOST_BYTES`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn raise_exception(message: String) -> Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

fn error(path: &Path, fault: &minijinja::Error) -> Error {
    let reason = match fault.kind() {
        ErrorKind::OutOfFuel => "the template takes too long".to_owned(),
        ErrorKind::WriteFailure => format!("the text is longer than {MOST_BYTES} bytes"),
        kind => fault
            .detail()
            .map_or_else(|| kind.to_string(), str::to_owned),
    };
    Error::Template {
        path: path.to_owned(),
        line: fault.line().unwrap_or(1),
        reason,
    }
}

/// A template whose tags `generation` and `endgeneration`, which mark what the assistant said, are
/// conditions that hold.
fn without_generation(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let start = at + 2 + usize::from(rest[at + 2..].starts_with(['-', '+']));
        let tag = &rest[start..];
        let spaces = tag.len() - tag.trim_start().len();
        text.push_str(&rest[..start + spaces]);
        rest = &tag[spaces..];
        for (name, condition) in [("generation", "if true"), ("endgeneration", "endif")] {
            let after = rest.strip_prefix(name);
            if let Some(after) =
                after.filter(|after| after.trim_start().starts_with(['-', '+', '%']))
            {
                text.push_str(condition);
                text.push(' ');
                rest = after;
                break;
            }
        }
    }
    text.push_str(rest);
    text
}
