//! [`Importance`]: what each part of a transformer is worth to its loss.

use serde::{Deserialize, Serialize};

use crate::config::Stack;
use crate::error::{Error, Result};

/// A score for each attention head and each feed-forward neuron of a transformer, larger for those
/// that matter more. Structured pruning decides by it. The scores are plain numbers, from
/// cs-train's gradients or from anywhere else, in any unit; the squares of parts that are removed
/// together add up.
///
/// ```
/// use cs_model::{BertConfig, Importance};
///
/// let importance: Importance =
///     serde_json::from_str(r#"{"heads": [[0.5, 0.1]], "neurons": [[0.0, 2.0, 1.0]]}"#)?;
/// let config = BertConfig {
///     hidden_size: 8,
///     num_hidden_layers: 1,
///     num_attention_heads: 2,
///     intermediate_size: 3,
///     ..Default::default()
/// };
/// assert!(importance.validate(&config.stack()).is_ok());
/// assert!(importance.validate(&BertConfig::default().stack()).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The score of each attention head, as `heads[layer][head]`.
    pub heads: Vec<Vec<f64>>,
    /// The score of each neuron between a block's two feed-forward layers, as
    /// `neurons[layer][neuron]`.
    pub neurons: Vec<Vec<f64>>,
}

impl Importance {
    /// Checks that each head and neuron of a transformer has a finite score of 0 or more.
    ///
    /// # Errors
    /// [`Error::Field`] names the layer and states what is wrong there.
    pub fn validate(&self, stack: &Stack) -> Result<()> {
        let heads: Vec<usize> = stack.blocks.iter().map(|block| block.heads).collect();
        let neurons: Vec<usize> = stack.blocks.iter().map(|block| block.inner_size).collect();
        check("importance.heads", &self.heads, &heads)?;
        check("importance.neurons", &self.neurons, &neurons)
    }
}

/// Checks that each layer has as many scores as `widths` gives, all finite and 0 or more.
fn check(field: &str, layers: &[Vec<f64>], widths: &[usize]) -> Result<()> {
    if layers.len() != widths.len() {
        let field = format!("the number of layers in {field}");
        return Err(Error::field(field, layers.len(), widths.len().to_string()));
    }
    for (layer, (scores, &width)) in layers.iter().zip(widths).enumerate() {
        if scores.len() != width {
            let field = format!("the length of {field}[{layer}]");
            return Err(Error::field(field, scores.len(), width.to_string()));
        }
        let bad = scores.iter().find(|s| !(s.is_finite() && **s >= 0.0));
        if let Some(score) = bad {
            let field = format!("a score of {field}[{layer}]");
            return Err(Error::field(field, score, "0 or more"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BertConfig;

    #[test]
    fn what_does_not_fit_is_named() {
        let config = BertConfig {
            hidden_size: 8,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 3,
            ..BertConfig::default()
        };
        let stack = config.stack();
        let good = Importance {
            heads: vec![vec![0.0; 2]; 2],
            neurons: vec![vec![1.0; 3]; 2],
        };
        assert!(good.validate(&stack).is_ok());
        let text = |change: fn(&mut Importance)| {
            let mut importance = good.clone();
            change(&mut importance);
            importance.validate(&stack).unwrap_err().to_string()
        };
        assert_eq!(
            text(|i| i.heads.truncate(1)),
            "the number of layers in importance.heads is 1, expected 2"
        );
        assert_eq!(
            text(|i| i.neurons[1].push(1.0)),
            "the length of importance.neurons[1] is 4, expected 3"
        );
        assert_eq!(
            text(|i| i.heads[0][1] = f64::NAN),
            "a score of importance.heads[0] is NaN, expected 0 or more"
        );
    }
}
