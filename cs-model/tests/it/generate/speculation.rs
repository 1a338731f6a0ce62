//! What is proposed changes nothing of what comes.

use cs_model::generate::{
    Continuation, Decoder, GenerateConfig, Generator, Likeliest, Prompt, Sampling, Verifier,
};
use cs_model::{Matrix, Result};
use proptest::prelude::*;

use super::{Tables, reference, small_config};

/// A decoder that verifies, and counts its forwards.
struct Verifying {
    tables: Tables,
    forwards: usize,
    /// The most rows of a sequence that were verified at once.
    most: usize,
}

impl Verifying {
    fn new() -> Self {
        Self {
            tables: Tables::new(&reference()),
            forwards: 0,
            most: 0,
        }
    }
}

impl Decoder for Verifying {
    fn vocab_size(&self) -> usize {
        self.tables.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        self.tables.max_positions()
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
        self.forwards += 1;
        self.tables.prefill(prompts)
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        self.forwards += 1;
        self.tables.step(tokens)
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        self.tables.reorder(sources)
    }

    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        Some(self)
    }
}

impl Verifier for Verifying {
    fn verify(&mut self, sequences: &[&[u32]], counts: &[usize]) -> Result<Matrix> {
        self.forwards += 1;
        let mut rows = Vec::new();
        for (tokens, &count) in sequences.iter().zip(counts) {
            self.most = self.most.max(count);
            let positions = self.max_positions().unwrap_or(usize::MAX);
            assert!((1..=tokens.len()).contains(&count) && tokens.len() <= positions);
            let ends = tokens.len() + 1 - count..=tokens.len();
            rows.extend(ends.flat_map(|end| self.tables.row(&tokens[..end])));
        }
        self.tables.sequences = sequences.iter().map(|tokens| tokens.to_vec()).collect();
        Matrix::new(counts.iter().sum(), self.vocab_size(), rows)
    }
}

/// What comes with proposals and without them, and the forwards of each.
fn both(config: &GenerateConfig, prompts: &[Vec<u32>]) -> [(Vec<Continuation>, usize); 2] {
    let prompts: Vec<_> = prompts.iter().map(|prompt| Prompt::new(prompt)).collect();
    let generator = Generator::new(config.clone(), 24).unwrap();
    [generator.clone(), generator.without_lookup()].map(|generator| {
        let mut model = Verifying::new();
        let longest = prompts.iter().map(|prompt| prompt.tokens.len()).max();
        model.tables.positions = longest.map(|length| length + config.max_new_tokens - 1);
        let found = generator.run(&mut model, &prompts, &mut |_| ()).unwrap();
        (found, model.forwards)
    })
}

proptest! {
    #[test]
    fn what_comes_is_the_same_with_proposals(
        config in small_config(),
        prompts in prop::collection::vec(prop::collection::vec(0_u32..24, 1..30), 1..5),
        penalty in 0.8_f64..1.5,
        new in 1_usize..60,
    ) {
        let config = GenerateConfig {
            max_new_tokens: new,
            no_repeat_ngram_size: match config.no_repeat_ngram_size {
                // The words would run out.
                1 => 4,
                size => size,
            },
            repetition_penalty: if new % 2 == 0 { penalty } else { 1.0 },
            bad_words_ids: vec![vec![3, 4]],
            ..config
        };
        let [(found, _), (expected, _)] = both(&config, &prompts);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_text_that_repeats_itself_takes_fewer_forwards() {
    let config = GenerateConfig {
        max_new_tokens: 200,
        ..Default::default()
    };
    let [(found, forwards), (expected, alone)] = both(&config, &[vec![1, 2, 3]]);
    assert_eq!(found, expected);
    // A model of two tokens soon goes round.
    assert_eq!(alone, 200);
    assert!(forwards < 60, "{forwards}");
}

#[test]
fn by_chance_or_beams_nothing_is_proposed() {
    let prompts = [vec![1, 2, 3, 1, 2, 3, 1, 2, 3]];
    let sampling = Some(Sampling::default());
    for (num_beams, sampling) in [(1, sampling), (2, None)] {
        let config = GenerateConfig {
            num_beams,
            sampling,
            ..Default::default()
        };
        let [(_, forwards), (_, alone)] = both(&config, &prompts);
        assert_eq!(forwards, alone);
    }
}

#[test]
fn a_draft_changes_nothing_but_the_number_of_forwards() {
    let config = GenerateConfig {
        max_new_tokens: 50,
        repetition_penalty: 1.1,
        ..Default::default()
    };
    let generator = Generator::new(config.clone(), 24).unwrap();
    let tokens = [vec![5, 9], vec![7, 1, 2]];
    let [(expected, _), _] = both(&config, &tokens);
    let prompts = [Prompt::new(&tokens[0]), Prompt::new(&tokens[1])];
    // One that answers as the model does but for n-grams, one that knows less, and one whose
    // positions soon end.
    let (same, mut other, mut short) = (Verifying::new(), Verifying::new(), Verifying::new());
    other.tables.before.iter_mut().for_each(|row| row.fill(0.0));
    short.tables.positions = Some(9);
    for mut draft in [same, other, short] {
        let mut model = Verifying::new();
        let found = generator.run_with_draft(&mut model, &mut draft, &prompts, &mut |_| ());
        assert_eq!(found.unwrap(), expected);
        assert!(draft.forwards > 0 && model.most > 1);
    }
}

#[test]
fn a_draft_that_is_of_no_use_is_refused() {
    let prompts = [Prompt::new(&[1])];
    let run = |config, model: &mut dyn Decoder, draft: &mut dyn Decoder| {
        let generator = Generator::new(config, 24).unwrap();
        let found = generator.run_with_draft(model, draft, &prompts, &mut |_| ());
        found.unwrap_err().to_string()
    };
    let beams = GenerateConfig {
        num_beams: 2,
        ..Default::default()
    };
    assert_eq!(
        run(beams, &mut Verifying::new(), &mut Verifying::new()),
        "draft is another model, expected none with beams or chance"
    );
    let mut plain = Tables::new(&reference());
    assert_eq!(
        run(GenerateConfig::default(), &mut plain, &mut Verifying::new()),
        "draft is another model, expected none for a decoder that cannot read several tokens as exactly as one"
    );
    let mut small = Tables::new(&reference());
    small.last.pop();
    let error = run(GenerateConfig::default(), &mut Verifying::new(), &mut small);
    assert!(error.contains("the decoder's vocabulary"), "{error}");
}

/// A decoder whose proposed rows are no numbers.
struct Broken(Verifying);

impl Decoder for Broken {
    fn vocab_size(&self) -> usize {
        self.0.vocab_size()
    }

    fn max_positions(&self) -> Option<usize> {
        None
    }

    fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Matrix> {
        self.0.prefill(prompts)
    }

    fn step(&mut self, tokens: &[u32]) -> Result<Matrix> {
        self.0.step(tokens)
    }

    fn step_likeliest(&mut self, tokens: &[u32]) -> Result<Vec<Likeliest>> {
        self.0.step_likeliest(tokens)
    }

    fn reorder(&mut self, sources: &[usize]) -> Result<()> {
        self.0.reorder(sources)
    }

    fn verifier(&mut self) -> Option<&mut dyn Verifier> {
        Some(self)
    }
}

impl Verifier for Broken {
    fn verify(&mut self, _: &[&[u32]], counts: &[usize]) -> Result<Matrix> {
        let rows: usize = counts.iter().sum();
        Matrix::new(rows, 24, vec![f32::NAN; rows * 24])
    }
}

#[test]
fn rows_that_are_no_numbers_are_refused_there_too() {
    let config = GenerateConfig {
        max_new_tokens: 100,
        ..Default::default()
    };
    let generator = Generator::new(config, 24).unwrap();
    let mut model = Broken(Verifying::new());
    let found = generator.run(&mut model, &[Prompt::new(&[1])], &mut |_| ());
    assert!(found.unwrap_err().to_string().contains("NaN"));
}

#[test]
fn a_continuation_tells_when_its_tokens_came() {
    let config = GenerateConfig {
        max_new_tokens: 20,
        ..Default::default()
    };
    let beams = config.clone().with_beams(2);
    for config in [config, beams] {
        let [(found, _), _] = both(&config, &[vec![1, 2], vec![3]]);
        for own in found {
            let latency = own.latency;
            assert_eq!(latency.between_tokens.len() + 1, own.tokens.len());
            let times = [0.0, 0.5, 0.95, 1.0].map(|share| latency.quantile(share));
            assert!(times.is_sorted() && times[3] <= latency.total() && !latency.total().is_zero());
        }
    }
}
