//! Texts with places for values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior};

/// The values of places, by name.
pub type Values = BTreeMap<String, String>;

/// The work that a text may take: some ten thousand steps of the template language.
const FUEL: u64 = 10_000;

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
        let mut environment = Environment::new();
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
    /// [`TemplateError`] for a place that has no value, or a text that takes too much work.
    pub fn render(&self, values: &Values) -> Result<String, TemplateError> {
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|it| it.render(values));
        rendered.map_err(|error| told(&error))
    }
}

fn told(error: &minijinja::Error) -> TemplateError {
    let detail = error.detail().map(|it| format!(": {it}"));
    TemplateError {
        line: error.line().unwrap_or(1),
        problem: format!("{}{}", error.kind(), detail.unwrap_or_default()),
    }
}
