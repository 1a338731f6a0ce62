//! Tables to Turtle: a row is a thing, a column a property of it.

mod cells;
mod csv_table;
mod json_table;
mod table;
mod turtle;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use table::Table;
pub use turtle::to_turtle;

/// How the columns of tables become properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportConfig {
    /// What the IRIs of things and properties begin with; by default `urn:facts:`.
    pub namespace: String,
    /// Columns whose values are further names of the row's thing.
    pub aliases: BTreeSet<String>,
    /// The unit of a column's numbers, beside those that a heading has in brackets, as `价格（元）`.
    pub units: BTreeMap<String, String>,
    /// Columns in which everything true is stated, so that what is not is false.
    pub closed: BTreeSet<String>,
}

impl Default for ImportConfig {
    fn default() -> Self {
        Self {
            namespace: "urn:facts:".to_owned(),
            aliases: BTreeSet::new(),
            units: BTreeMap::new(),
            closed: BTreeSet::new(),
        }
    }
}
