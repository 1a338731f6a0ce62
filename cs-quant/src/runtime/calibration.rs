//! What a decoder's matrices read, measured on a text that it writes itself.

use std::path::Path;

use cs_data::SplitMix;
use cs_model::generate::{GenerateConfig, Generator, Prompt, Sampling};

use super::causal_lm::NativeCausalLm;
use super::config::{Precision, RuntimeConfig};
use crate::error::Result;
use crate::format::equalise::InputSquares;
use crate::format::scheme::QuantConfig;

/// The number of texts: a step reads all weights for so many tokens.
const TEXTS: u64 = 8;

/// The number of tokens of a text after its first, which is any word.
const TOKENS: usize = 96;

/// Measures the inputs of a folder's decoder if the settings ask for it.
///
/// # Errors
///
/// Those of [`NativeCausalLm::open`]; logits that are no numbers.
pub(crate) fn measured(dir: &Path, config: &QuantConfig) -> Result<Option<Vec<InputSquares>>> {
    if !config.calibrate {
        return Ok(None);
    }
    let runtime = RuntimeConfig {
        precision: Precision::Fp32,
        ..RuntimeConfig::default()
    };
    measured_of(NativeCausalLm::open(dir, &runtime)?).map(Some)
}

/// Measures the inputs of a decoder in fp32. Eight texts are eight rows a step, which no thread shares with
/// another: what is added up does not depend on their number.
fn measured_of(mut model: NativeCausalLm) -> Result<Vec<InputSquares>> {
    let config = model.config();
    let words = config.vocab_size() as u64;
    let room = config.max_positions().map_or(TOKENS, |most| most - 1);
    let mut chance = SplitMix::named(0, "calibration");
    let first: Vec<[u32; 1]> = (0..TEXTS)
        .map(|_| [(chance.next() % words) as u32])
        .collect();
    let prompts = first.iter().zip(0..).map(|(first, sequence)| Prompt {
        sequence,
        ..Prompt::new(first)
    });
    let prompts: Vec<_> = prompts.collect();
    model.measure();
    let config = GenerateConfig {
        max_new_tokens: TOKENS.min(room),
        sampling: Some(Sampling::default()),
        ..GenerateConfig::default()
    };
    let generator = Generator::new(config, words as usize)?;
    generator.run(&mut model, &prompts, &mut |_| {})?;
    Ok(model.measured())
}
