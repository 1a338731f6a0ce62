//! How a table of names is laid out and read.

use super::role::{Part, Role};

/// The names of a family's tensors, or of those of one of its layers.
///
/// A role that the family does not have, or has in every layer while none was
/// [chosen](Names::layer), gets a name that no checkpoint has, so that the error for the missing
/// tensor shows it.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    pub(super) table: &'static Table,
    layer: Option<usize>,
}

/// How a family's checkpoints name tensors.
#[derive(Debug)]
pub(super) struct Table {
    /// The beginning that the encoder's names have in a checkpoint of more than the encoder.
    pub(super) prefix: Option<&'static str>,
    /// The tensors in such checkpoints that no model here uses, without the prefix: a whole name,
    /// the beginning of several with its last dot, or a whole name in which `{layer}` stands for a
    /// layer's number.
    pub(super) unused: &'static [&'static str],
    /// The name of each role, in which `{layer}` stands for a layer's number from 0, and `{part}`
    /// for `weight` or `bias`.
    pub(super) roles: &'static [(Role, &'static str)],
    /// The table that has the name of each other role.
    pub(super) base: Option<&'static Table>,
}

impl Names {
    pub(super) const fn new(table: &'static Table) -> Self {
        Self { table, layer: None }
    }

    /// The names of the tensors in a layer, counted from 0; those outside of layers are the same.
    #[must_use]
    pub fn layer(self, layer: usize) -> Self {
        let layer = Some(layer);
        Self { layer, ..self }
    }

    /// The name of a layer's matrix, table or norm's factors, or of a layer that is one tensor.
    pub fn weight(self, role: Role) -> String {
        self.name(role, Part::Weight)
    }

    /// The name of the numbers that a layer adds.
    pub fn bias(self, role: Role) -> String {
        self.name(role, Part::Bias)
    }

    /// The name that a tensor has in a checkpoint of the whole model: that of all but the head
    /// begins with the family's prefix.
    pub fn in_checkpoint(self, name: &str) -> String {
        let head = [self.weight(Role::LmHead), self.bias(Role::LogitsBias)];
        let is_head = head.iter().any(|own| own == name);
        let prefix = self.table.prefix.filter(|_| !is_head);
        format!("{}{name}", prefix.unwrap_or_default())
    }

    /// The name of one of a layer's tensors.
    pub fn name(self, role: Role, part: Part) -> String {
        let Some(template) = self.table.template(role) else {
            return format!("{role:?}");
        };
        let name = template.replace("{part}", part.as_str());
        match self.layer {
            Some(layer) => name.replace("{layer}", &layer.to_string()),
            None => name,
        }
    }
}

impl Table {
    fn template(&self, role: Role) -> Option<&'static str> {
        let own = self.roles.iter().find(|(of, _)| *of == role);
        let base = || self.base.and_then(|base| base.template(role));
        own.map(|(_, template)| *template).or_else(base)
    }
}
