//! CrossWOZ's databases: a list of `[name, {property: value}]` a domain.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::Result;

/// Domains, and the files of their databases.
pub(crate) const DOMAINS: [(&str, &str); 3] = [
    ("景点", "attraction_db.json"),
    ("餐馆", "restaurant_db.json"),
    ("酒店", "hotel_db.json"),
];

/// What is known of a thing.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    values: BTreeMap<String, Value>,
}

/// The rows by domain.
#[derive(Debug)]
pub(crate) struct Databases(BTreeMap<&'static str, Vec<Row>>);

impl Databases {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut tables = BTreeMap::new();
        for (domain, file) in DOMAINS {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let rows: Vec<(String, BTreeMap<String, Value>)> = serde_json::from_str(&text)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let rows = rows.into_iter().map(|(name, values)| Row { name, values });
            tables.insert(domain, rows.collect());
        }
        Ok(Self(tables))
    }

    pub(crate) fn rows(&self, domain: &str) -> &[Row] {
        self.0.get(domain).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Row> {
        self.0.values().flatten()
    }
}

impl Row {
    /// Gives the values of a property, none if it is not known.
    pub(crate) fn values(&self, slot: &str) -> Vec<String> {
        match self.values.get(slot) {
            Some(Value::Array(values)) => values.iter().filter_map(said).collect(),
            Some(value) => said(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|it| !it.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
