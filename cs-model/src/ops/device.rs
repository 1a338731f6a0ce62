//! Where tensors live.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The processor that a model runs on.
///
/// ```
/// use cs_model::Device;
///
/// assert_eq!("cpu".parse::<Device>()?, Device::Cpu);
/// assert_eq!("cuda:1".parse::<Device>()?, Device::Cuda(1));
/// assert_eq!(Device::Cuda(1).to_string(), "cuda:1");
/// assert!("tpu".parse::<Device>().is_err());
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The cores of the CPU.
    #[default]
    Cpu,
    /// The CUDA device of this number, from 0.
    Cuda(usize),
}

impl Device {
    /// Gives the first CUDA device if libtorch finds one, else the CPU.
    pub fn auto() -> Self {
        if tch::Cuda::is_available() {
            Self::Cuda(0)
        } else {
            Self::Cpu
        }
    }

    /// Checks that libtorch finds the device.
    ///
    /// # Errors
    /// [`Error::Field`] if it does not; the error states how many CUDA devices there are.
    pub fn check(self) -> Result<()> {
        let Self::Cuda(index) = self else {
            return Ok(());
        };
        let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
        if index < count {
            return Ok(());
        }
        Err(Error::field(
            "device",
            self,
            format!("one of the {count} CUDA devices, or cpu"),
        ))
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`; `auto` looks for a device at once.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::auto()),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| {
                    Error::field("device", format!("{text:?}"), "auto, cpu, cuda or cuda:N")
                }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl From<Device> for tch::Device {
    fn from(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu,
            Device::Cuda(index) => Self::Cuda(index),
        }
    }
}
