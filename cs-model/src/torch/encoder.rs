//! The encoder of any architecture.
//!
//! In the shapes, `N` is the number of packed tokens and `H` the hidden width.

use tch::Tensor;

use super::bilstm::BiLstm;
use super::parameters::Scope;
use super::transformer::Transformer;
use super::{InnerStates, PackedInput};
use crate::config::{Architecture, EncoderConfig};
use crate::error::Result;
use crate::ops::Device;

/// The encoder, which computes hidden states from tokens.
#[derive(Debug)]
pub(super) enum Encoder {
    Transformer(Box<Transformer>),
    BiLstm(BiLstm),
}

impl Encoder {
    pub(super) fn new(scope: Scope<'_>, config: &EncoderConfig, device: Device) -> Result<Self> {
        Ok(match config.architecture() {
            Architecture::Transformer(stack) => {
                Self::Transformer(Box::new(Transformer::new(scope, &stack, device)?))
            }
            Architecture::BiLstm(config) => Self::BiLstm(BiLstm::new(scope, config)?),
        })
    }

    /// Computes the last hidden states, and leaves the inner states in `states`, if there is such a
    /// list.
    ///
    /// # Shapes
    /// `N` tokens give `[N, H]`.
    pub(super) fn forward(
        &self,
        input: &PackedInput,
        train: bool,
        states: Option<&mut InnerStates>,
    ) -> Result<Tensor> {
        match self {
            Self::Transformer(encoder) => encoder.forward(input, None, train, states),
            Self::BiLstm(encoder) => {
                let (embedded, hidden) = encoder.forward(input, train)?;
                if let Some(states) = states {
                    states.hidden = vec![embedded, hidden.shallow_clone()];
                }
                Ok(hidden)
            }
        }
    }
}
