//! Generation against Hugging Face `transformers` (`reference/make_generate.py`), and what holds
//! whatever the model: seeds, batches.

mod constraint;
mod continuous;
mod settings;
mod speculation;
mod text;

use std::collections::BTreeMap;

use cs_model::generate::{
    Continuation, Decoder, Finish, GenerateConfig, Generator, Prompt, Sampling,
};
use cs_model::{Matrix, Result};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    last: Vec<Vec<f32>>,
    before: Vec<Vec<f32>>,
    prompts: Vec<Vec<u32>>,
    cases: BTreeMap<String, Case>,
    logits: Vec<Vec<f32>>,
    warped: BTreeMap<String, Warped>,
}

#[derive(Deserialize)]
struct Case {
    config: GenerateConfig,
    tokens: Vec<Vec<u32>>,
    /// Empty without beams.
    scores: Vec<f32>,
}

#[derive(Deserialize)]
struct Warped {
    sampling: Sampling,
    /// None for a token that is ruled out.
    scores: Vec<Vec<Option<f32>>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../reference/generate.json")).unwrap()
}

/// A model whose logits are a sum of two tables: of the last token, and of the one before it.
struct Tables {
    last: Vec<Vec<f32>>,
    before: Vec<Vec<f32>>,
    positions: Option<usize>,
    sequences: Vec<Vec<u32>>,
    /// The number of sequences in each step.
    widths: Vec<usize>,
}

impl Tables {
    fn new(stored: &Reference) -> Self {
        Self {
            last: stored.last.clone(),
            before: stored.before.clone(),
            positions: None,
            sequences: Vec::new(),
            widths: Vec::new(),
        }
    }

    fn row(&self, sequence: &[u32]) -> Vec<f32> {
        let (last, start) = sequence.split_last().unwrap();
        let mut row = self.last[*last as usize].clone();
        if let Some(before) = start.last() {
            let more = &self.before[*before as usize];
            row.iter_mut().zip(more).for_each(|(x, y)| *x += y);
        }
        row
    }

    fn rows(&mut self) -> Result<Matrix> {
        self.widths.push(self.sequences.len());
        let rows: Vec<_> = self.sequences.iter().map(|own| self.row(own)).collect();
        Matrix::new(rows.len(), self.vocab_size(), rows.concat())
    }
}

impl Decoder for Tables {
    fn vocab_size(&self) -> usize {
        self.last.len()
    }

    fn max_positions(&self) -> Option<usize> {
        self.positions
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
        self.sequences = prompts.iter().map(|prompt| prompt.to_vec()).collect();
        self.rows()
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        assert_eq!(tokens.len(), self.sequences.len());
        self.sequences
            .iter_mut()
            .zip(tokens)
            .for_each(|(own, &token)| own.push(token));
        self.rows()
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        self.sequences = sources
            .iter()
            .map(|&source| self.sequences[source].clone())
            .collect();
        Ok(())
    }
}

fn prompts(stored: &Reference) -> Vec<Prompt<'_>> {
    let numbered = (0..).zip(&stored.prompts);
    numbered
        .map(|(sequence, tokens)| Prompt {
            sequence,
            ..Prompt::new(tokens)
        })
        .collect()
}

fn run(config: &GenerateConfig, stored: &Reference) -> Vec<Continuation> {
    let mut model = Tables::new(stored);
    let generator = Generator::new(config.clone(), model.vocab_size()).unwrap();
    generator
        .run(&mut model, &prompts(stored), &mut |_| ())
        .unwrap()
}

fn close(found: f32, expected: f32) -> bool {
    found == expected || (found - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}

#[test]
fn continuations_are_those_of_transformers() {
    let stored = reference();
    assert_eq!(stored.cases.len(), 62);
    for (name, case) in &stored.cases {
        let found = run(&case.config, &stored);
        for (place, expected) in case.tokens.iter().enumerate() {
            assert_eq!(found[place].tokens, *expected, "{name}, prompt {place}");
            let ends = expected
                .last()
                .is_some_and(|last| case.config.eos_token_id.contains(last));
            assert_eq!(
                found[place].finish == Finish::Stop,
                ends,
                "{name}, prompt {place}"
            );
        }
        let scores: Vec<f32> = found.iter().filter_map(|own| own.score).collect();
        assert_eq!(scores.len(), case.scores.len(), "{name}");
        for (found, expected) in scores.iter().zip(&case.scores) {
            assert!(
                close(*found, *expected),
                "{name}: {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn scores_are_warped_as_by_transformers() {
    let stored = reference();
    assert_eq!(stored.warped.len(), 8);
    for (name, Warped { sampling, scores }) in &stored.warped {
        for (logits, expected) in stored.logits.iter().zip(scores) {
            let mut found = logits.clone();
            sampling.warp(&mut found);
            for (found, expected) in found.iter().zip(expected) {
                let expected = expected.unwrap_or(f32::NEG_INFINITY);
                assert!(
                    close(*found, expected),
                    "{name}: {found}, expected {expected}"
                );
            }
        }
    }
}

#[test]
fn tokens_are_drawn_by_their_probability() {
    let sampling = Sampling {
        seed: 3,
        ..Default::default()
    };
    let probabilities = [0.5_f32, 0.0, 0.125, 0.375];
    let scores = probabilities.map(f32::ln);
    let mut counts = [0; 4];
    for step in 0..20_000 {
        counts[sampling.draw(&scores, 1, step).unwrap() as usize] += 1;
    }
    for (count, probability) in counts.iter().zip(probabilities) {
        let share = f64::from(*count) / 20_000.0;
        // Five standard deviations of the likeliest.
        assert!((share - f64::from(probability)).abs() < 0.018, "{counts:?}");
    }
    assert_eq!(counts[1], 0);
    assert_eq!(sampling.draw(&[f32::NEG_INFINITY; 2], 0, 0), None);
}

#[test]
fn the_decoder_has_only_sequences_that_go_on() {
    let stored = reference();
    let mut model = Tables::new(&stored);
    let config = GenerateConfig {
        eos_token_id: vec![0],
        max_new_tokens: 12,
        ..Default::default()
    };
    let generator = Generator::new(config, model.vocab_size()).unwrap();
    let found = generator
        .run(&mut model, &prompts(&stored), &mut |_| ())
        .unwrap();
    let lengths: Vec<usize> = found.iter().map(|own| own.tokens.len()).collect();
    assert_eq!(lengths, [11, 3, 6, 2, 5]);
    assert_eq!(model.widths, [5, 5, 4, 3, 3, 2, 1, 1, 1, 1, 1]);
}

fn small_config() -> impl Strategy<Value = GenerateConfig> {
    let sampling = (1_usize..30, 0.1_f64..1.0, 0.5_f64..2.0, any::<u64>());
    let sampling = sampling.prop_map(|(top_k, top_p, temperature, seed)| Sampling {
        temperature,
        top_k,
        top_p,
        min_p: 0.01,
        seed,
    });
    (1_usize..4, prop::option::of(sampling), 0_usize..4).prop_map(|(beams, sampling, ngram)| {
        GenerateConfig {
            num_beams: if sampling.is_some() { 1 } else { beams },
            max_new_tokens: 10,
            no_repeat_ngram_size: ngram,
            eos_token_id: vec![0, 17],
            sampling,
            ..Default::default()
        }
    })
}

proptest! {
    #[test]
    fn a_batch_is_its_parts_in_any_order(config in small_config(), turn in 0_usize..5) {
        let stored = reference();
        let whole = run(&config, &stored);
        prop_assert_eq!(&whole, &run(&config, &stored));
        let generator = Generator::new(config, 24).unwrap();
        let mut prompts = prompts(&stored);
        for (prompt, expected) in prompts.iter().zip(&whole) {
            let alone = generator.run(&mut Tables::new(&stored), &[*prompt], &mut |_| ()).unwrap();
            prop_assert_eq!(&alone[0], expected);
        }
        prompts.rotate_left(turn);
        let mut turned = generator.run(&mut Tables::new(&stored), &prompts, &mut |_| ()).unwrap();
        turned.rotate_right(turn);
        prop_assert_eq!(turned, whole);
    }
}

#[test]
fn seeds_and_sequences_draw_differently() {
    let stored = reference();
    let drawn = |seed, sequence| {
        let sampling = Some(Sampling {
            seed,
            ..Default::default()
        });
        let generator = Generator::new(
            GenerateConfig {
                sampling,
                ..Default::default()
            },
            24,
        );
        let prompt = Prompt {
            sequence,
            ..Prompt::new(&[5])
        };
        let mut model = Tables::new(&stored);
        generator
            .unwrap()
            .run(&mut model, &[prompt], &mut |_| ())
            .unwrap()
            .remove(0)
            .tokens
    };
    assert_eq!(drawn(1, 0), drawn(1, 0));
    assert_ne!(drawn(1, 0), drawn(2, 0));
    assert_ne!(drawn(1, 0), drawn(1, 1));
}
