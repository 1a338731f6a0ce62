//! What the examples say about speed.

use cs_data::Utterance;
use cs_model::{Bundle, Device, Model};
use cs_quant::{NativeModel, Precision, RuntimeConfig, single_batches, time_in_turn};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::gate::texts_of;

/// Passes over the texts in a comparison.
const ROUNDS: usize = 9;

/// Median milliseconds for one text, on this machine's CPU.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// fp32 on libtorch.
    pub libtorch_fp32_ms: f64,
    /// fp32 on the native runtime.
    pub native_fp32_ms: f64,
    /// int8 on the native runtime.
    pub native_int8_ms: f64,
}

impl Latency {
    /// Measures one text at a time, each runtime with as many threads as it takes by default.
    ///
    /// # Errors
    ///
    /// A bundle whose weights cannot be read.
    pub fn measure(fp32: &Bundle, int8: &Bundle, rows: &[Utterance]) -> Result<Self> {
        let batches = single_batches(fp32, &texts_of(rows))?;
        let torch = Model::open(fp32, Device::Cpu)?;
        let native = |bundle, precision| {
            NativeModel::open(
                bundle,
                &RuntimeConfig {
                    precision,
                    ..RuntimeConfig::default()
                },
            )
        };
        let (slow, fast) = (
            native(fp32, Precision::Fp32)?,
            native(int8, Precision::Int8)?,
        );
        let seconds = time_in_turn::<Error, 3>(
            ROUNDS,
            [
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| torch.predict(batch).map(drop))?)
                },
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| slow.forward(batch).map(drop))?)
                },
                &mut || {
                    Ok(batches
                        .iter()
                        .try_for_each(|batch| fast.forward(batch).map(drop))?)
                },
            ],
        )?;
        let [libtorch_fp32_ms, native_fp32_ms, native_int8_ms] =
            seconds.map(|of_all| 1000.0 * of_all / batches.len().max(1) as f64);
        Ok(Self {
            libtorch_fp32_ms,
            native_fp32_ms,
            native_int8_ms,
        })
    }

    /// How many times faster int8 is than the faster of the two in fp32.
    pub fn speedup(&self) -> f64 {
        self.libtorch_fp32_ms.min(self.native_fp32_ms) / self.native_int8_ms
    }
}
