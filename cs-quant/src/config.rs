//! What a caller may choose.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Kernel;
use crate::error::{QuantError, Result};

/// How a model is run.
///
/// ```
/// use cs_quant::{Precision, RuntimeConfig};
///
/// let config = RuntimeConfig { precision: Precision::Int8, ..RuntimeConfig::default() };
/// assert_eq!(config.threads, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Threads a forward may use, the caller's included. `None`: as many as the machine (or the
    /// control group) offers.
    pub threads: Option<NonZeroUsize>,
    /// The kernel to use. `None`: the fastest that runs here.
    pub kernel: Option<Kernel>,
    /// Which weights to use.
    pub precision: Precision,
}

/// The precision of the linear layers' weights.
///
/// ```
/// use cs_quant::Precision;
///
/// assert_eq!("int8".parse::<Precision>()?, Precision::Int8);
/// assert_eq!(Precision::default(), Precision::Auto);
/// # Ok::<(), cs_quant::QuantError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// int8 if the folder has an artefact, else fp32.
    #[default]
    Auto,
    /// int8: from the artefact, or quantised while loading if there is none.
    Int8,
    /// The fp32 (or 16-bit) weights, widened.
    Fp32,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Int8 => "int8",
            Self::Fp32 => "fp32",
        })
    }
}

impl FromStr for Precision {
    type Err = QuantError;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "int8" => Ok(Self::Int8),
            "fp32" => Ok(Self::Fp32),
            _ => Err(QuantError::UnknownName {
                what: "precision",
                found: name.to_owned(),
                expected: "auto, int8 or fp32",
            }),
        }
    }
}

/// How a model is quantised.
///
/// ```
/// use cs_quant::QuantConfig;
///
/// let config = QuantConfig::default();
/// assert_eq!(config.weight_bits, 7);
/// assert!(config.keeps_fp32("heads.intent.weight"));
/// assert!(!config.keeps_fp32("encoder.layer.0.output.dense.weight"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuantConfig {
    /// Tensors whose name starts with one of these stay as they are. Default: `heads.`, which are
    /// small and come last, so that nothing averages their error out.
    pub keep_fp32: Vec<String>,
    /// Bits of the linear layers' weights, 7 (default) or 8; stored in a byte either way. With 7
    /// the AVX2 tile adds two products before it widens them: a third more multiplications a
    /// second, for a step twice as coarse. Embeddings always take 8.
    pub weight_bits: u8,
}

impl Default for QuantConfig {
    fn default() -> Self {
        Self {
            keep_fp32: vec!["heads.".to_owned()],
            weight_bits: 7,
        }
    }
}

impl QuantConfig {
    /// Whether a tensor of this name stays as it is.
    #[must_use]
    pub fn keeps_fp32(&self, name: &str) -> bool {
        self.keep_fp32
            .iter()
            .any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`QuantError::Config`] if `weight_bits` is neither 7 nor 8, or a prefix is empty.
    pub fn validate(&self) -> Result<()> {
        if !matches!(self.weight_bits, 7 | 8) {
            return Err(QuantError::Config {
                setting: "weight_bits",
                found: self.weight_bits.to_string(),
                expected: "7 or 8",
            });
        }
        if self.keep_fp32.iter().any(String::is_empty) {
            return Err(QuantError::Config {
                setting: "keep_fp32",
                found: "an empty prefix".to_owned(),
                expected: "prefixes of tensor names",
            });
        }
        Ok(())
    }

    /// Largest magnitude of a linear layer's weight.
    pub(crate) fn limit(&self) -> i8 {
        if self.weight_bits == 7 {
            crate::kernel::pack::NARROW
        } else {
            i8::MAX
        }
    }
}
