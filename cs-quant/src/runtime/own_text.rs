//! Texts that a decoder writes by itself, to see what goes through it.

use cs_data::SplitMix;
use cs_model::generate::{Decoder, GenerateConfig, Generator, Prompt, Sampling};

use crate::error::Result;

/// The number of texts: a step reads all weights for so many tokens, which no thread shares with another, so
/// that what is added up does not depend on the number of threads.
const TEXTS: u64 = 8;

/// The number of tokens of a text after its first, which is any word.
const TOKENS: usize = 96;

/// Has a decoder write eight texts by chance, always the same ones.
///
/// # Errors
///
/// An error of the decoder; logits that are no numbers.
pub(super) fn write_own_texts(decoder: &mut dyn Decoder) -> Result<()> {
    let words = decoder.vocab_size();
    let room = decoder.max_positions().map_or(TOKENS, |most| most - 1);
    let config = GenerateConfig {
        max_new_tokens: TOKENS.min(room),
        sampling: Some(Sampling::default()),
        ..GenerateConfig::default()
    };
    let mut chance = SplitMix::named(0, "calibration");
    let first: Vec<[u32; 1]> = (0..TEXTS)
        .map(|_| [(chance.next() % words as u64) as u32])
        .collect();
    let prompts = first.iter().zip(0..).map(|(first, sequence)| Prompt {
        sequence,
        ..Prompt::new(first)
    });
    let generator = Generator::new(config, words)?;
    generator.run(decoder, &Vec::from_iter(prompts), &mut |_| {})?;
    Ok(())
}
