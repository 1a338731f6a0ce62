//! [`Importance`]: what each part of a transformer is worth to its loss.

use serde::{Deserialize, Serialize};

use crate::config::TransformerConfig;
use crate::error::{Error, Result};

/// A score for each attention head and each feed-forward neuron of a transformer, larger for those
/// that matter more. Structured pruning decides by it. The scores are plain numbers, from
/// cs-train's gradients or from anywhere else, in any unit; the squares of parts that are removed
/// together add up.
///
/// ```
/// use cs_model::{Importance, TransformerConfig};
///
/// let importance: Importance =
///     serde_json::from_str(r#"{"heads": [[0.5, 0.1]], "neurons": [[0.0, 2.0, 1.0]]}"#)?;
/// let config = TransformerConfig {
///     hidden_size: 8,
///     num_hidden_layers: 1,
///     num_attention_heads: 2,
///     intermediate_size: 3,
///     ..Default::default()
/// };
/// assert!(importance.validate(&config).is_ok());
/// assert!(importance.validate(&TransformerConfig::default()).is_err());
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
    /// Checks that each head and neuron of `config` has a finite score of 0 or more.
    ///
    /// # Errors
    /// [`Error::Field`] names the layer and states what is wrong there.
    pub fn validate(&self, config: &TransformerConfig) -> Result<()> {
        type Width = fn(&TransformerConfig, usize) -> usize;
        let parts: [(_, _, Width); 2] = [
            ("heads", &self.heads, TransformerConfig::heads),
            ("neurons", &self.neurons, TransformerConfig::inner_size),
        ];
        for (name, layers, width) in parts {
            if layers.len() != config.num_hidden_layers {
                let expected = format!("{}", config.num_hidden_layers);
                let field = format!("the number of layers in importance.{name}");
                return Err(Error::field(field, layers.len(), expected));
            }
            for (layer, scores) in layers.iter().enumerate() {
                let field = |what: &str| format!("{what}importance.{name}[{layer}]");
                let width = width(config, layer);
                if scores.len() != width {
                    let field = field("the length of ");
                    return Err(Error::field(field, scores.len(), width.to_string()));
                }
                let bad = scores.iter().find(|s| !(s.is_finite() && **s >= 0.0));
                if let Some(score) = bad {
                    return Err(Error::field(field("a score of "), score, "0 or more"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let config = TransformerConfig {
            hidden_size: 8,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 3,
            ..TransformerConfig::default()
        };
        let good = Importance {
            heads: vec![vec![0.0; 2]; 2],
            neurons: vec![vec![1.0; 3]; 2],
        };
        assert!(good.validate(&config).is_ok());
        let text = |change: fn(&mut Importance)| {
            let mut importance = good.clone();
            change(&mut importance);
            importance.validate(&config).unwrap_err().to_string()
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
