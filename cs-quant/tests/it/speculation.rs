//! Tokens that are read at once, as they are proposed, and one after the other.

use std::path::{Path, PathBuf};

use cs_model::generate::{Constraint, Decoder, GenerateConfig, Generator, Prompt, Verifier};
use cs_quant::{Int4, NativeCausalLm, Precision, QuantConfig};

use crate::common::config;

const FAMILIES: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];

fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../cs-model/tests/reference/decoders")
        .join(family)
}

/// The decoders of a family in fp32, int8 and int4.
fn in_all_precisions(family: &str) -> [NativeCausalLm; 3] {
    let int4 = QuantConfig {
        int4: Int4::ALL,
        ..QuantConfig::default()
    };
    let open = |precision| NativeCausalLm::open(&folder(family), &config(precision, 2, None));
    let quantised = config(Precision::Auto, 2, None);
    [
        open(Precision::Fp32).unwrap(),
        open(Precision::Int8).unwrap(),
        NativeCausalLm::open_quantised(&folder(family), &int4, &quantised).unwrap(),
    ]
}

fn text(length: u32, factor: u32) -> Vec<u32> {
    (0..length).map(|i| i * factor % 61).collect()
}

#[test]
fn rows_that_are_verified_are_those_of_steps_bit_for_bit() {
    for family in FAMILIES {
        for mut model in in_all_precisions(family) {
            let mut stepped = model.clone();
            let texts = [text(29, 7), text(3, 5)];
            let whole = [text(40, 7), text(6, 5)];
            let mut expected = [Vec::new(), Vec::new()];
            for (i, (start, all)) in texts.iter().zip(&whole).enumerate() {
                expected[i].extend(stepped.prefill(&[start]).unwrap().data);
                for &token in &all[start.len()..] {
                    expected[i].extend(stepped.step(&[token]).unwrap().data);
                }
            }
            model.prefill(&[&texts[0], &texts[1]]).unwrap();
            // What was proposed wrongly before is taken back, over the border of a page as well.
            let wrong = [[text(34, 7), vec![9, 9]], [texts[1].clone(), vec![60, 60]]];
            let wrong = wrong.map(|parts| parts.concat());
            let wrong = model.verify(&[&wrong[0], &wrong[1]], &[7, 2]);
            assert_eq!(wrong.unwrap().rows, 9);
            let sequences = [&whole[0][..], &whole[1][..]];
            let counts = [12, 4];
            let found = model.verify(&sequences, &counts).unwrap();
            assert!(found.data == expected.concat(), "{family}");
            // It goes on from there, and a sequence that is left out is gone.
            let next = model.verify(&[&text(42, 7)], &[2]).unwrap();
            let [a, b] = [40, 41].map(|i| stepped.prefill(&[&text(i + 1, 7)]).unwrap().data);
            assert!(next.data == [a, b].concat(), "{family}");
        }
    }
}

#[test]
fn replies_are_the_same_with_proposals_and_without() {
    let mut accepted = 0;
    for family in FAMILIES {
        for mut model in in_all_precisions(family) {
            let greedy = GenerateConfig {
                max_new_tokens: 34,
                ..GenerateConfig::default()
            };
            let penalised = GenerateConfig {
                repetition_penalty: 1.3,
                no_repeat_ngram_size: 3,
                min_new_tokens: 20,
                eos_token_id: vec![2],
                ..greedy.clone()
            };
            let repeated = [text(6, 3), text(6, 3), vec![0, 3]].concat();
            let prompts = [repeated, text(9, 11), vec![4; 12]];
            let prompts = prompts.each_ref().map(|prompt| Prompt::new(prompt));
            for config in [greedy, penalised] {
                for prompts in [&prompts[..], &prompts[..1], &prompts[2..]] {
                    let generator = Generator::new(config.clone(), 61).unwrap();
                    let found = generator.run(&mut model, prompts, &mut |_| ()).unwrap();
                    let alone = generator.without_lookup();
                    let expected = alone.run(&mut model, prompts, &mut |_| ()).unwrap();
                    assert_eq!(found, expected, "{family}");
                    let mut counted = Counted {
                        model: &mut model,
                        forwards: 0,
                    };
                    let generator = Generator::new(config.clone(), 61).unwrap();
                    generator.run(&mut counted, prompts, &mut |_| ()).unwrap();
                    let longest = expected.iter().map(|own| own.tokens.len()).max();
                    accepted += longest.unwrap() - counted.forwards;
                }
            }
        }
    }
    assert!(accepted > 50, "{accepted}");
}

#[test]
fn what_is_constrained_is_the_same_as_well() {
    let choices = [vec![7, 8, 9, 7, 8, 9, 7, 8, 11], vec![5]];
    let constraint = Constraint::choices(&choices).unwrap();
    let config = GenerateConfig {
        max_new_tokens: 30,
        eos_token_id: vec![2],
        ..GenerateConfig::default()
    };
    let [_, mut model, _] = in_all_precisions("llama");
    let generator = Generator::new(config, 61).unwrap();
    let generator = generator.constrained(&constraint).unwrap();
    let prompts = [Prompt::new(&[7, 8, 9, 7, 8, 9, 7])];
    let found = generator.run(&mut model, &prompts, &mut |_| ()).unwrap();
    let alone = generator.without_lookup();
    let expected = alone.run(&mut model, &prompts, &mut |_| ()).unwrap();
    assert_eq!(found, expected);
    assert!(choices.contains(&found[0].tokens[..found[0].tokens.len() - 1].to_vec()));
}

#[test]
fn another_model_that_drafts_changes_nothing() {
    let config = GenerateConfig {
        max_new_tokens: 28,
        ..GenerateConfig::default()
    };
    let generator = Generator::new(config, 61).unwrap();
    let (one, two) = (text(20, 7), text(5, 3));
    for prompts in [
        &[Prompt::new(&one)][..],
        &[Prompt::new(&one), Prompt::new(&two)],
    ] {
        let [mut model, mut quantised, _] = in_all_precisions("qwen2");
        let expected = generator.run(&mut model, prompts, &mut |_| ()).unwrap();
        // Its own weights in int8, and another family's.
        for draft in [&mut quantised, &mut in_all_precisions("llama")[1]] {
            let found = generator.run_with_draft(&mut model, draft, prompts, &mut |_| ());
            assert_eq!(found.unwrap(), expected);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_but_not_for_proposals() {
    let [_, model, _] = in_all_precisions("llama");
    let mut model = model.with_most_tokens(32);
    let message = |result: cs_model::Result<cs_model::Matrix>| result.unwrap_err().to_string();
    assert_eq!(
        message(model.verify(&[&[1, 2]], &[])),
        "malformed batch: 0 counts, expected one for each sequence"
    );
    for count in [0, 3] {
        let error = message(model.verify(&[&[1, 2]], &[count]));
        assert!(error.starts_with("sequence 0: "), "{error}");
    }
    assert!(message(model.verify(&[&[1, 61]], &[1])).contains("token id 61"));
    model.prefill(&[&text(30, 7)]).unwrap();
    assert_eq!(model.verify(&[&text(36, 7)], &[6]).unwrap().rows, 6);
    let error = message(model.verify(&[&text(36, 7)], &[2]));
    assert!(error.starts_with("the cache is full"), "{error}");
}

/// A decoder whose forwards are counted.
struct Counted<'a> {
    model: &'a mut NativeCausalLm,
    forwards: usize,
}

impl Decoder for Counted<'_> {
    fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.model.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> cs_model::Result<cs_model::Matrix> {
        self.forwards += 1;
        self.model.prefill(prompts)
    }

    fn step(&mut self, tokens: &[u32]) -> cs_model::Result<cs_model::Matrix> {
        self.forwards += 1;
        self.model.step(tokens)
    }

    fn reorder(&mut self, sources: &[usize]) -> cs_model::Result<()> {
        self.model.reorder(sources)
    }

    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        Some(self)
    }
}

impl Verifier for Counted<'_> {
    fn verify(
        &mut self,
        sequences: &[&[u32]],
        counts: &[usize],
    ) -> cs_model::Result<cs_model::Matrix> {
        self.forwards += 1;
        self.model.verify(sequences, counts)
    }
}
