//! Texts with places for values.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use minijinja::tests as conditions;
use minijinja::{Environment, UndefinedBehavior, filters};

use super::notation;

/// The values of places, by name.
pub type Values = BTreeMap<String, String>;

/// The work that a text may take: some ten thousand steps of the template language.
const FUEL: u64 = 10_000;
/// The longest text that comes out, and the longest value, in bytes.
const MOST_TEXT: usize = 64 << 10;
const MOST_VALUE: usize = 16 << 10;

/// What is wrong with a template, or with what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line in the template, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// A text in Jinja's notation, by [minijinja]: `Refund order {{order_id}}?` A place without a value
/// is an error, not an empty text.
///
/// Of the notation there are places, comparisons, `{% if %}`, `{% for %}`, comments, and the filters `upper`, `lower`,
/// `title`, `capitalize`, `trim`, `default`, `length`, `first`, `last`, `int` and `float`: nothing that makes much of
/// little. A value may have 16 KiB, the text 64 KiB.
///
/// ```
/// use cs_serve::reply::{Template, Values};
/// let template = Template::new("为订单{{order_id}}申请退款，对吗？")?;
/// assert_eq!(template.names().len(), 1);
/// let values = Values::from([("order_id".to_owned(), "A1".to_owned())]);
/// assert_eq!(template.render(&values)?, "为订单A1申请退款，对吗？");
/// assert!(template.render(&Values::new()).is_err());
/// # Ok::<(), cs_serve::reply::TemplateError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Template {
    environment: Arc<Environment<'static>>,
    names: BTreeSet<String>,
}

/// The name of the one template in its environment.
const NAME: &str = "text";

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// [`TemplateError`] with the line, for what is none.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        notation::check(source).map_err(|(line, problem)| TemplateError { line, problem })?;
        let mut environment = environment();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let added = environment.add_template_owned(NAME, source.to_owned());
        added.map_err(|error| told(&error))?;
        let template = environment
            .get_template(NAME)
            .map_err(|error| told(&error))?;
        let names = template.undeclared_variables(false).into_iter().collect();
        Ok(Self {
            environment: Arc::new(environment),
            names,
        })
    }

    /// Gives the names of the places.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Gives the text with these values, which are taken as they are: nothing in them is read as a
    /// template.
    ///
    /// # Errors
    /// [`TemplateError`] for a place that has no value, a value or a text that is too long, or a text that takes
    /// too much work.
    pub fn render(&self, values: &Values) -> Result<String, TemplateError> {
        let mut used = self.names.iter().filter_map(|it| values.get_key_value(it));
        if let Some((name, value)) = used.find(|(_, value)| value.len() > MOST_VALUE) {
            let problem = format!(
                "{name}: {} bytes, expected at most {MOST_VALUE}",
                value.len()
            );
            return Err(TemplateError { line: 1, problem });
        }
        let mut text = Bounded::default();
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|it| it.render_captured_to(values, &mut text));
        if text.is_full {
            let problem = format!("a text of more than {MOST_TEXT} bytes");
            return Err(TemplateError { line: 1, problem });
        }
        rendered.map_err(|error| told(&error))?;
        String::from_utf8(text.bytes).map_err(|error| TemplateError {
            line: 1,
            problem: error.to_string(),
        })
    }
}

/// An environment with the filters of texts, and the tests of a place's value.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("default", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("int", filters::int);
    environment.add_filter("float", filters::float);
    environment.add_test("defined", conditions::is_defined);
    environment.add_test("undefined", conditions::is_undefined);
    environment.add_test("in", conditions::is_in);
    environment
}

/// A text of bounded length that is being written.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.is_full |= piece.len() > MOST_TEXT - self.bytes.len();
        if self.is_full {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn told(error: &minijinja::Error) -> TemplateError {
    let detail = error.detail().map(|it| format!(": {it}"));
    TemplateError {
        line: error.line().unwrap_or(1),
        problem: format!("{}{}", error.kind(), detail.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::notation::FILTERS;

    fn refusal(source: &str, values: &[(&str, &str)]) -> String {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let rendered = Template::new(source).and_then(|it| it.render(&values.collect()));
        rendered.unwrap_err().to_string()
    }

    #[test]
    fn a_text_is_bounded_whatever_it_is_made_of() {
        let loops = "{% for a in v %}{% for b in v %}{{v}}{% endfor %}{% endfor %}";
        let long = "x".repeat(5_000);
        assert_eq!(
            refusal(loops, &[("v", &long)]),
            "line 1: a text of more than 65536 bytes"
        );
        let longer = "x".repeat(20_000);
        let told = refusal("{{v}}", &[("v", &longer)]);
        assert_eq!(told, "line 1: v: 20000 bytes, expected at most 16384");
        let long = "x".repeat(16_000);
        let slices = format!("{{% if [{}] %}}{{% endif %}}", "v[1:],".repeat(9_000));
        assert!(refusal(&slices, &[("v", &long)]).contains("fuel"));
        assert!(refusal("{{ 'x' * 1000000000 }}", &[]).contains("'*' in a place"));
    }

    #[test]
    fn filters_and_tests_of_texts_are_there() {
        for filter in FILTERS {
            let source = format!("{{{{ v | {filter} }}}}");
            let values = Values::from([("v".to_owned(), "12".to_owned())]);
            assert!(
                Template::new(&source).unwrap().render(&values).is_ok(),
                "{filter}"
            );
        }
        let source =
            "{% if w is defined and v in 'a12' %}{{w}}{% else %}{{ w | default('no') }}{% endif %}";
        let values = Values::from([("v".to_owned(), "12".to_owned())]);
        assert_eq!(
            Template::new(source).unwrap().render(&values).unwrap(),
            "no"
        );
    }
}
