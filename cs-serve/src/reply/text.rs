//! A text in one language or in both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Language, Template, TemplateError, Values};

/// A [`Template`] for each language, or one for all. In a file it is a string, or an object as
/// `{"zh": "好的。", "en": "All right."}`.
///
/// ```
/// use cs_serve::reply::{Language, Text, Values};
/// let text: Text = serde_json::from_str(r#"{"zh": "好的。", "en": "All right."}"#)?;
/// assert_eq!(text.render(Language::En, &Values::new())?, "All right.");
/// let text: Text = serde_json::from_str(r#""好的。""#)?;
/// assert_eq!(text.render(Language::En, &Values::new())?, "好的。");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Text {
    first: Written,
    second: Option<Written>,
    names: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct Written {
    language: Language,
    template: Template,
}

impl Text {
    /// Parses a text for each of these languages.
    ///
    /// # Errors
    /// [`TemplateError`] if there is no text at all, or one is no template.
    pub fn new(sources: BTreeMap<Language, String>) -> Result<Self, TemplateError> {
        let parse = |(language, source): (Language, String)| {
            let template = Template::new(&source)?;
            Ok(Written { language, template })
        };
        let mut all = sources.into_iter().map(parse);
        let first = all.next().unwrap_or_else(|| Err(nothing()))?;
        let second = all.next().transpose()?;
        let mut names = first.template.names().clone();
        names.extend(second.iter().flat_map(|it| it.template.names().clone()));
        Ok(Self {
            first,
            second,
            names,
        })
    }

    /// Parses a text that is the same in all languages.
    ///
    /// # Errors
    /// [`TemplateError`] if it is no template.
    pub fn of(source: &str) -> Result<Self, TemplateError> {
        let language = Language::of(source).unwrap_or(Language::En);
        Self::new(BTreeMap::from([(language, source.to_owned())]))
    }

    /// Gives the names of the places, of the texts in all languages.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Whether there is a text in a language.
    pub fn is_in(&self, language: Language) -> bool {
        let mut all = std::iter::once(&self.first).chain(&self.second);
        all.any(|it| it.language == language)
    }

    /// Gives the text in a language, or in the other one if there is none.
    ///
    /// # Errors
    /// [`TemplateError`] for a place that has no value, or a text that takes too much work.
    pub fn render(&self, language: Language, values: &Values) -> Result<String, TemplateError> {
        let second = self.second.as_ref();
        let written = second.filter(|it| it.language == language);
        written.unwrap_or(&self.first).template.render(values)
    }
}

fn nothing() -> TemplateError {
    TemplateError {
        line: 1,
        problem: "no text, expected one in zh or en".to_owned(),
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Sources::deserialize(deserializer)? {
            Sources::One(source) => Self::of(&source),
            Sources::Each(sources) => Self::new(sources),
        };
        text.map_err(D::Error::custom)
    }
}

/// Texts as a file has them.
#[derive(Debug)]
pub(super) enum Sources {
    /// One for all languages.
    One(String),
    Each(BTreeMap<Language, String>),
}

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourcesVisitor)
    }
}

struct SourcesVisitor;

impl<'de> Visitor<'de> for SourcesVisitor {
    type Value = Sources;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, or an object of texts in zh and en")
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<Sources, E> {
        Ok(Sources::One(source.to_owned()))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Sources, M::Error> {
        let mut sources = BTreeMap::new();
        while let Some((language, source)) = map.next_entry::<Language, String>()? {
            if sources.insert(language, source).is_some() {
                return Err(M::Error::custom("a language twice, expected each once"));
            }
        }
        Ok(Sources::Each(sources))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        let refused = serde_json::from_str::<Text>(json).unwrap_err();
        refused.to_string()
    }

    #[test]
    fn names_are_those_of_both_languages() {
        let text: Text =
            serde_json::from_str(r#"{"en": "{{a}} {{b}}", "zh": "{{b}}{{c}}"}"#).unwrap();
        let names: Vec<&str> = text.names().iter().map(String::as_str).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert!(refusal("{}").contains("no text, expected one in zh or en"));
        assert!(
            refusal(r#"{"fr": "oui"}"#).contains("unknown variant `fr`, expected `zh` or `en`")
        );
        assert!(refusal(r#"{"en": "a", "en": "b"}"#).contains("a language twice"));
        assert!(refusal(r#"{"en": "a {{b"}"#).contains("line 1: syntax error"));
        assert!(refusal("7").contains("expected a text, or an object of texts in zh and en"));
    }
}
