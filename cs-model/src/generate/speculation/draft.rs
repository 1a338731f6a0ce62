//! Proposals by a smaller model.

use super::Proposer;
use crate::error::Result;
use crate::generate::decoder::Decoder;

/// What a step of a draft is taken to be of the model's: one of a quarter of its size.
const STEP: f64 = 0.25;

/// Proposes what another model of the same vocabulary would go on with.
pub(in crate::generate) struct Draft<'a>(pub(in crate::generate) &'a mut dyn Decoder);

impl Proposer for Draft<'_> {
    fn price(&self) -> f64 {
        STEP
    }

    fn propose(&mut self, texts: &[&[u32]], most: &[usize]) -> Result<Vec<Vec<u32>>> {
        let positions = self.0.max_positions();
        let most = texts.iter().zip(most).map(|(text, &most)| {
            // The last proposal is never read.
            let room = positions.map(|all| (all + 1).saturating_sub(text.len()));
            most.min(room.unwrap_or(most))
        });
        let most: Vec<usize> = most.collect();
        let mut proposed = vec![Vec::new(); texts.len()];
        let asked: Vec<usize> = (0..texts.len()).filter(|&i| most[i] > 0).collect();
        if asked.is_empty() {
            return Ok(proposed);
        }
        let prompts: Vec<&[u32]> = asked.iter().map(|&i| texts[i]).collect();
        // The longest that all have room for.
        let count = asked.iter().map(|&i| most[i]).min().unwrap_or(0);
        let mut next = self.0.prefill_likeliest(&prompts)?;
        for step in 1..=count {
            for (&i, likeliest) in asked.iter().zip(&next) {
                proposed[i].push(likeliest.token);
            }
            if step < count {
                let tokens: Vec<u32> = next.iter().map(|likeliest| likeliest.token).collect();
                next = self.0.step_likeliest(&tokens)?;
            }
        }
        Ok(proposed)
    }
}
