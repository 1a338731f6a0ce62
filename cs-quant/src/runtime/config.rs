//! What a caller may choose about running a model.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::Kernel;
use crate::error::{Error, Result};

/// The settings with which a model is run: threads, kernel and precision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// The number of threads that a forward may use, the caller's included. `None`: as many as the
    /// machine (or the control group) offers. This does not limit how many forwards run at once:
    /// those of models with one thread each run side by side while there are cores.
    pub threads: Option<NonZeroUsize>,
    /// The kernel to use. `None`: the fastest one that runs on this machine.
    pub kernel: Option<Kernel>,
    /// The precision of the weights to use.
    pub precision: Precision,
}

/// The precision of the linear layers' weights.
///
/// ```
/// use cs_quant::Precision;
///
/// assert_eq!("int8".parse::<Precision>()?, Precision::Int8);
/// assert_eq!(Precision::default(), Precision::Auto);
/// # Ok::<(), cs_quant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// The weights are int8 if the folder has an artefact, else fp32. This is the default.
    #[default]
    Auto,
    /// The weights are int8: those of the artefact, or quantised while loading if there is none.
    Int8,
    /// The weights are those in fp32, or in 16 bits and widened.
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
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "int8" => Ok(Self::Int8),
            "fp32" => Ok(Self::Fp32),
            _ => Err(Error::UnknownName {
                what: "precision",
                found: name.to_owned(),
                expected: "auto, int8 or fp32",
            }),
        }
    }
}
