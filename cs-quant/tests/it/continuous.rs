//! Conversations of a native decoder that join and leave between steps.

use std::collections::BTreeMap;

use cs_model::generate::{
    BatchLimits, Constraint, ContinuousBatch, Conversations, GenerateConfig, Generation, Generator,
    Part, Prompt, Sampling,
};
use cs_quant::{NativeCausalLm, NativeConversations, Precision};

use crate::causal_lm::{FAMILIES, expected, greedy, open};

/// A few tokens at a time, in room for four conversations of two pages, or more that share one.
fn batch(model: &NativeCausalLm) -> ContinuousBatch<'static, NativeConversations> {
    let limits = BatchLimits {
        sequences: 5,
        prompt_tokens: 7,
        cache_bytes: model.token_bytes() * 32 * 8,
    };
    ContinuousBatch::new(model.continuous(), limits).unwrap()
}

/// A prompt, and how it is continued.
struct Case {
    prompt: Vec<u32>,
    config: GenerateConfig,
    constraint: Option<Constraint>,
}

impl Case {
    fn generator(&self, model: &NativeCausalLm) -> Generator<'static> {
        let generator = Generator::new(self.config.clone(), model.config().vocab_size()).unwrap();
        match &self.constraint {
            Some(constraint) => generator.constrained(constraint).unwrap(),
            None => generator,
        }
    }

    fn begin(&self, model: &NativeCausalLm) -> Generation<'static> {
        let positions = model.config().max_positions();
        let prompt = Prompt::new(&self.prompt);
        self.generator(model).begin(&prompt, positions).unwrap()
    }

    /// The prompt and what comes after it when nobody is beside it.
    fn alone(&self, model: &mut NativeCausalLm) -> Vec<u32> {
        let prompts = [Prompt::new(&self.prompt)];
        let mut found = self
            .generator(model)
            .run(model, &prompts, &mut |_| ())
            .unwrap();
        [&self.prompt[..], &found.remove(0).tokens].concat()
    }
}

/// Has each case join as soon as there is room, one between two steps, and gives the tokens of each.
fn together(model: &NativeCausalLm, cases: &[Case]) -> Vec<Vec<u32>> {
    let mut batch = batch(model);
    let (mut found, mut places) = (vec![Vec::new(); cases.len()], BTreeMap::new());
    let mut waiting = cases.iter().enumerate().peekable();
    while waiting.peek().is_some() || !batch.is_empty() {
        if let Some((place, generation)) = waiting
            .peek()
            .map(|(place, case)| (*place, case.begin(model)))
            .filter(|(_, generation)| batch.fits(generation))
        {
            places.insert(batch.join(generation).unwrap(), place);
            waiting.next();
        }
        for advance in batch.step() {
            if let Some(ended) = advance.ended {
                found[places[&advance.id]] = ended.unwrap().generation.tokens().to_vec();
            }
        }
        assert!(batch.used_tokens() <= batch.most_tokens());
    }
    found
}

#[test]
fn those_that_join_in_mid_flight_come_as_from_hugging_face() {
    let settings = greedy();
    for family in FAMILIES {
        let prompts = expected(family, "prompts");
        let pairs = prompts.iter().zip(expected(family, "greedy"));
        let whole: Vec<_> = pairs
            .map(|(prompt, new)| [&prompt[..], &new].concat())
            .collect();
        for threads in [1, 3] {
            let model = open(family, Precision::Fp32, threads);
            let case = |prompt: &Vec<u32>| Case {
                prompt: prompt.clone(),
                config: settings.clone(),
                constraint: None,
            };
            let cases: Vec<_> = prompts.iter().map(case).collect();
            assert_eq!(together(&model, &cases), whole, "{family}");
        }
    }
}

/// Cases of which several begin with the same two pages, each with settings of its own.
fn cases() -> Vec<Case> {
    let knowledge: Vec<u32> = (0..36).map(|i| i * 7 % 60).collect();
    let case = |i: u32| {
        let own = [i + 3, 2 * i + 1, 5];
        let prompt = match i % 4 {
            0 => own.to_vec(),
            rest => [&knowledge[..36 - rest as usize], &own[..]].concat(),
        };
        let sampling = Sampling {
            seed: i.into(),
            temperature: 1.5,
            ..Default::default()
        };
        let choices = [vec![3, 4, 5, 6], vec![3, 4, 9], vec![11, 4]];
        Case {
            prompt,
            config: GenerateConfig {
                max_new_tokens: 3 + i as usize % 7,
                eos_token_id: vec![2],
                repetition_penalty: if i.is_multiple_of(2) { 1.3 } else { 1.0 },
                sampling: i.is_multiple_of(3).then_some(sampling),
                ..Default::default()
            },
            constraint: (i % 5 == 4).then(|| Constraint::choices(&choices).unwrap()),
        }
    };
    (0..12).map(case).collect()
}

#[test]
fn what_comes_depends_neither_on_threads_nor_on_who_joins_and_shares() {
    for precision in [Precision::Fp32, Precision::Int8] {
        let mut solo = open("llama", precision, 1);
        let cases = cases();
        let alone: Vec<_> = cases.iter().map(|case| case.alone(&mut solo)).collect();
        for threads in [1, 2] {
            let model = open("llama", precision, threads);
            assert_eq!(together(&model, &cases), alone, "{precision:?}");
        }
    }
}

#[test]
fn conversations_are_as_they_were_after_an_error() {
    let model = open("qwen2", Precision::Fp32, 1);
    let mut all = model.continuous();
    let part = |conversation, tokens| Part {
        conversation,
        tokens,
        logits: 1,
    };
    let text: Vec<u32> = (0..40).collect();
    let rows = all.read(&[part(1, &text), part(2, &[5])]).unwrap();
    let error = all.read(&[part(1, &[6]), part(1, &[6])]).unwrap_err();
    assert!(error.to_string().contains("two parts"), "{error}");
    for (bad, expected) in [(&[][..], "no tokens"), (&[999], "token id 999")] {
        let error = all.read(&[part(1, &[6]), part(3, bad)]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(all.fork(3, 4, 32).is_err() && all.fork(2, 4, 32).is_err());
    all.fork(1, 4, 32).unwrap();
    let again = all.read(&[part(4, &text[32..]), part(3, &[5])]).unwrap();
    assert_eq!(again, rows);
    // None of them has read the 6 that came with an error, and no logits are computed in vain.
    let one = Part {
        logits: 0,
        ..part(2, &[7])
    };
    let next = all.read(&[part(1, &[6]), one, part(4, &[6])]).unwrap();
    assert_eq!((next.rows, next.row(0)), (2, next.row(1)));
    let more = Part {
        logits: 2,
        ..part(2, &[7])
    };
    assert!(all.read(&[more]).is_err());
    // What was read and taken back is read again as if it had never been.
    all.read(&[part(1, &text[..5])]).unwrap();
    all.rewind(1, 6).unwrap();
    assert!(all.rewind(1, 41).is_err() && all.rewind(9, 0).is_err());
    let again = all.read(&[part(1, &[6])]).unwrap();
    assert_eq!(again.row(0), next.row(0));
    all.end(1);
    assert!(all.fork(1, 5, 32).is_err());
}
