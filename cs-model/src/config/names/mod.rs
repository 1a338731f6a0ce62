//! Names of tensors, by the role that each has in a model.
//!
//! A name is the checkpoint's, as Hugging Face writes it; those of heads are this crate's own. No file outside of this
//! folder spells one.

mod decoders;
mod encoders;
mod heads;
mod role;
mod seq2seq;
mod table;

use std::borrow::Cow;

pub use self::decoders::{GGUF, GPT2, LLAMA};
pub use self::encoders::{ALBERT, BERT, BILSTM, DISTILBERT, ROBERTA};
pub use self::heads::{ALL_HEADS, HEADS};
pub use self::role::{Part, Role};
pub use self::seq2seq::{BART_DECODER, BART_ENCODER, UNTIED_BART_DECODER, UNTIED_BART_ENCODER};
pub use self::table::Names;
use self::table::Table;

/// The names of every family, and those of the heads; not those of files that name all families'
/// tensors alike.
const ALL: [Names; 12] = [
    BERT,
    ROBERTA,
    DISTILBERT,
    ALBERT,
    BILSTM,
    GPT2,
    LLAMA,
    BART_ENCODER,
    BART_DECODER,
    UNTIED_BART_ENCODER,
    UNTIED_BART_DECODER,
    HEADS,
];

/// What a tensor is, as read from its name: a layer's role, its number and which of its tensors.
///
/// ```
/// use cs_model::names::{Part, Role, TensorRole};
///
/// let tensor = TensorRole::parse("encoder.layer.11.output.dense.weight").unwrap();
/// assert_eq!((tensor.role, tensor.layer), (Role::FeedForwardOut, Some(11)));
/// assert_eq!(tensor.part, Part::Weight);
/// assert_eq!(TensorRole::parse("encoder.layer.11.output.dense"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorRole {
    /// The role of the layer.
    pub role: Role,
    /// The number of the block, or of the LSTM's layer, from 0; `None` outside of them.
    pub layer: Option<usize>,
    /// Which of the layer's tensors it is.
    pub part: Part,
}

impl TensorRole {
    /// Finds what a tensor of any family is by its name; `None` for a name that no model here has.
    /// Names that checkpoints spell otherwise have to be [normalised](normalise_name) first.
    pub fn parse(name: &str) -> Option<Self> {
        parse(name).map(|(_, tensor)| tensor)
    }

    /// Whether the tensor is the matrix, table or norm's factors of a layer with this role.
    pub fn is_weight_of(self, role: Role) -> bool {
        self.role == role && self.part == Part::Weight
    }
}

/// Finds what a tensor is, and the names of the first family that has it.
fn parse(name: &str) -> Option<(Names, TensorRole)> {
    ALL.into_iter().find_map(|names| {
        let mut roles = names.table.roles.iter();
        roles.find_map(|&(role, template)| {
            let (layer, part) = fit(template, name)?;
            Some((names, TensorRole { role, layer, part }))
        })
    })
}

/// Gives layer and part of a name that fits the template.
fn fit(template: &str, name: &str) -> Option<(Option<usize>, Part)> {
    let (mut template, mut name) = (template, name);
    let mut layer = None;
    // The part of a template without `{part}`.
    let mut part = if template.ends_with("bias") {
        Part::Bias
    } else {
        Part::Weight
    };
    while let Some((literal, rest)) = template.split_once('{') {
        name = name.strip_prefix(literal)?;
        let (slot, rest) = rest.split_once('}')?;
        template = rest;
        if slot == "layer" {
            let end = name
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(name.len());
            layer = Some(name[..end].parse().ok()?);
            name = &name[end..];
        } else {
            part = [Part::Weight, Part::Bias]
                .into_iter()
                .find(|part| name.starts_with(part.as_str()))?;
            name = &name[part.as_str().len()..];
        }
    }
    (name == template).then_some((layer, part))
}

/// Gives the name, without the part, of the first matrix of a matrix' product: those that read the
/// same input and have one precision at run time, as queries, keys and values of a block or both
/// directions of an LSTM. Any other matrix is a product of its own.
///
/// ```
/// use cs_model::names::product;
///
/// let value = "encoder.layer.0.attention.self.value.weight";
/// assert_eq!(product(value), "encoder.layer.0.attention.self.query");
/// assert_eq!(product("encoder.lstm.weight_ih_l1_reverse"), "encoder.lstm.weight_ih_l1");
/// assert_eq!(product("heads.intent.weight"), "heads.intent");
/// ```
pub fn product(name: &str) -> String {
    let first = parse(name).and_then(|(names, tensor)| {
        let role = match tensor.role {
            Role::Key | Role::Value => Role::Query,
            Role::CrossValue => Role::CrossKey,
            Role::LstmInputReverse => Role::LstmInput,
            Role::LstmHiddenReverse => Role::LstmHidden,
            _ => return None,
        };
        Some(names.layer(tensor.layer?).name(role, tensor.part))
    });
    let first = first.as_deref().unwrap_or(name);
    first.strip_suffix(".weight").unwrap_or(first).to_owned()
}

/// Gives the name by which this crate refers to a Hugging Face tensor: without the beginning
/// that a checkpoint of a whole model gives its family's names, such as `bert.`, and with the old
/// `gamma` and `beta` of layer norms as `weight` and `bias`. `None` for what no model here uses:
/// pooler, next-sentence head, the decoder of masked words (it is the table of word embeddings),
/// position ids, masks. A name that no family has stays as it is.
///
/// ```
/// use cs_model::normalise_name;
///
/// let name = normalise_name("bert.embeddings.LayerNorm.beta");
/// assert_eq!(name.as_deref(), Some("embeddings.LayerNorm.bias"));
/// assert_eq!(normalise_name("bert.pooler.dense.weight"), None);
/// ```
pub fn normalise_name(name: &str) -> Option<Cow<'_, str>> {
    let name = modern(name);
    let mut found = None;
    for table in ALL.into_iter().map(|names| names.table) {
        let bare = table.prefix.and_then(|prefix| name.strip_prefix(prefix));
        let bare = bare.unwrap_or(&name);
        if table.leaves_out(bare) {
            return None;
        }
        if found.is_none() && bare.len() < name.len() && table.has(bare) {
            found = Some(bare.to_owned());
        }
    }
    Some(found.map_or(name, Cow::Owned))
}

/// Gives the name with the parts of layer norms as they are called today.
fn modern(name: &str) -> Cow<'_, str> {
    for (old, new) in [("gamma", "weight"), ("beta", "bias")] {
        let owner = name.strip_suffix(old);
        if let Some(owner) = owner.filter(|owner| owner.ends_with("LayerNorm.")) {
            return Cow::Owned(format!("{owner}{new}"));
        }
    }
    Cow::Borrowed(name)
}

impl Table {
    /// Whether the family has a tensor of this name.
    fn has(&self, name: &str) -> bool {
        let mut roles = self.roles.iter();
        roles.any(|(_, template)| fit(template, name).is_some())
            || self.base.is_some_and(|base| base.has(name))
    }

    /// Whether the family's checkpoints may have a tensor of this name that no model here uses.
    fn leaves_out(&self, name: &str) -> bool {
        self.unused.iter().any(|unused| {
            let begins = unused.ends_with('.') && name.starts_with(unused);
            begins || fit(unused, name).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_its_role_and_no_other() {
        for names in ALL {
            for &(role, template) in names.table.roles {
                for part in [Part::Weight, Part::Bias] {
                    let name = names.layer(12).name(role, part);
                    let tensor = TensorRole::parse(&name).unwrap();
                    assert_eq!(tensor.role, role, "{name}");
                    assert_eq!(tensor.layer, template.contains("{layer}").then_some(12));
                    let parts = template.contains("{part}");
                    let only = [Part::Weight, Part::Bias][usize::from(name.ends_with("bias"))];
                    assert_eq!(tensor.part, if parts { part } else { only });
                }
            }
        }
    }

    #[test]
    fn a_product_has_the_name_of_its_first_matrix() {
        for names in [BERT, ROBERTA, DISTILBERT, ALBERT] {
            let names = names.layer(0);
            let query = names.weight(Role::Query);
            let query = query.strip_suffix(".weight").unwrap();
            for role in [Role::Query, Role::Key, Role::Value] {
                assert_eq!(product(&names.weight(role)), query);
            }
            let output = names.weight(Role::AttentionOutput);
            assert_eq!(format!("{}.weight", product(&output)), output);
        }
    }

    #[test]
    fn other_names_have_no_role() {
        for name in [
            "",
            "encoder.layer.1.output.dense",
            "encoder.layer..output.dense.weight",
            "encoder.layer.1.output.dense.weight.scale",
            "encoder.layer.99999999999999999999.output.dense.weight",
            "encoder.lstm.weight_ih_l0_revers",
            "heads.slots.transitions.weight",
            "heads.x.weight",
        ] {
            assert_eq!(TensorRole::parse(name), None, "{name}");
        }
        let none = BILSTM.layer(0).weight(Role::Query);
        assert_eq!((none.as_str(), TensorRole::parse(&none)), ("Query", None));
        assert_eq!(TensorRole::parse(&BERT.weight(Role::Query)), None);
    }
}
