//! Continuations that have to be one of some choices, or to match a regular expression.

use cs_data::TokenBytes;
use cs_model::generate::{Constraint, Finish, GenerateConfig, Generator, Prompt, Sampling};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Tables, reference};

const EOS: u32 = 0;

/// Tokens of a vocabulary of 24: the end, pieces of digits and letters, and bytes of a character.
fn texts() -> Vec<Option<TokenBytes>> {
    let texts: [&[u8]; 23] = [
        b"A",
        b"B",
        b"AB",
        b"0",
        b"1",
        b"12",
        b"123",
        b"-",
        b" ",
        b" A",
        "订".as_bytes(),
        &[0xe5],
        &[0x8d],
        &[0x95],
        b"yes",
        b"no",
        b"n",
        b"o",
        b"y",
        b"es",
        b"2",
        b"3",
        b"",
    ];
    let bytes = |text: &[u8]| TokenBytes {
        first: text.strip_prefix(b" ").unwrap_or(text).to_vec(),
        later: text.to_vec(),
    };
    std::iter::once(None)
        .chain(texts.map(|text| Some(bytes(text))))
        .collect()
}

fn text(tokens: &[u32]) -> String {
    let texts = texts();
    let parts = tokens.iter().enumerate().map(|(at, &token)| {
        let bytes = texts[token as usize].as_ref().unwrap();
        if at == 0 {
            bytes.first.clone()
        } else {
            bytes.later.clone()
        }
    });
    String::from_utf8(parts.flatten().collect()).unwrap()
}

fn config() -> GenerateConfig {
    GenerateConfig {
        max_new_tokens: 40,
        eos_token_id: vec![EOS],
        ..Default::default()
    }
}

/// Greedy, by beams and by chance.
fn ways(seed: u64) -> [GenerateConfig; 3] {
    let sampling = Sampling {
        seed,
        temperature: 2.0,
        ..Default::default()
    };
    [
        config(),
        GenerateConfig {
            num_beams: 3,
            renormalize_logits: true,
            ..config()
        },
        GenerateConfig {
            sampling: Some(sampling),
            ..config()
        },
    ]
}

/// What is generated after each of the stored prompts.
fn run(config: GenerateConfig, constraint: &Constraint) -> Vec<(Vec<u32>, Finish)> {
    let stored = reference();
    let generator = Generator::new(config, 24)
        .unwrap()
        .constrained(constraint)
        .unwrap();
    let prompts: Vec<Prompt<'_>> = stored
        .prompts
        .iter()
        .map(|prompt| Prompt::new(prompt))
        .collect();
    let found = generator
        .run(&mut Tables::new(&stored), &prompts, &mut |_| ())
        .unwrap();
    found
        .into_iter()
        .map(|found| (found.tokens, found.finish))
        .collect()
}

#[test]
fn a_choice_comes_whole_however_it_is_searched() {
    let choices = [vec![15, 3], vec![15], vec![16, 17, 18, 19], vec![4]];
    let constraint = Constraint::choices(&choices).unwrap();
    for config in ways(3) {
        for (mut tokens, finish) in run(config.clone(), &constraint) {
            assert_eq!((tokens.pop(), finish), (Some(EOS), Finish::Stop));
            assert!(choices.contains(&tokens), "{tokens:?} {config:?}");
        }
    }
}

/// An expression, and whether a text is what it says, told otherwise.
type Said = (&'static str, fn(&str) -> bool);

const EXPRESSIONS: [Said; 5] = [
    ("[AB]{2}-?\\d{3,5}", |text| {
        let (letters, rest) = text.split_at(2);
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let all = letters.bytes().all(|b| b"AB".contains(&b))
            && digits.bytes().all(|b| b.is_ascii_digit());
        all && (3..=5).contains(&digits.len())
    }),
    ("yes|no|nono", |text| ["yes", "no", "nono"].contains(&text)),
    ("订单(A|AB)", |text| ["订单A", "订单AB"].contains(&text)),
    ("(?x) A B 1 2 # and no more", |text| text == "AB12"),
    ("\\d+-(yes)+", |text| {
        let (digits, rest) = text.split_once('-').unwrap_or_default();
        let digits_only = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits_only && !rest.is_empty() && rest.replace("yes", "").is_empty()
    }),
];

#[test]
fn a_text_matches_however_it_is_searched() {
    for (expression, is_said) in EXPRESSIONS {
        let constraint = Constraint::regex(expression, texts()).unwrap();
        for config in ways(5) {
            for (mut tokens, finish) in run(config.clone(), &constraint) {
                if finish == Finish::Stop {
                    assert_eq!(tokens.pop(), Some(EOS));
                    assert!(is_said(&text(&tokens)), "{expression}: {:?}", text(&tokens));
                } else {
                    assert_eq!(tokens.len(), 40);
                }
            }
        }
    }
}

/// What may follow, by its tokens; the end among it.
fn open(constraint: &Constraint, generated: &[u32]) -> Vec<u32> {
    let mut scores = [0.5; 24];
    constraint.apply(generated, &[EOS], &mut scores);
    (0..24)
        .filter(|&token| scores[token as usize] == 0.5)
        .collect()
}

#[test]
fn a_token_is_open_while_a_match_is_possible() {
    let open = |expression, generated: &[u32]| {
        open(&Constraint::regex(expression, texts()).unwrap(), generated)
    };
    assert_eq!(open("12", &[]), [5, 6]); // 1, 12
    assert_eq!(open("12", &[5]), [21]); // 2
    assert_eq!(open("12", &[6]), [EOS]);
    assert_eq!(open("1|12", &[5]), [EOS, 21]);
    assert_eq!(open("A A", &[]), [1, 10]); // the first space of a text is not written
    assert_eq!(open("A A", &[1]), [9, 10]);
    assert_eq!(open("单", &[]), [12]);
    assert_eq!(open("单", &[12, 13]), [14]);
    assert_eq!(open("1[^\\s\\S]|2", &[]), [21]); // after 1 nothing could match
    assert!(open("2", &[5]).is_empty());
}

#[test]
fn what_no_text_could_meet_is_refused() {
    let refused = |expression: &str| {
        Constraint::regex(expression, texts())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("a)|(b"),
        "regex is \"a)|(b\", expected an expression: unopened group"
    );
    assert!(refused("[^\\s\\S]").ends_with("expected an expression that a text matches"));
    assert!(
        refused("z+")
            .ends_with("expected an expression whose matches begin with the text of a token")
    );
    assert!(
        refused("(\\w{1,200}){1,200}").contains("expected a"),
        "a limit of memory"
    );
    assert!(
        refused("\\bA").contains("word bound"),
        "{}",
        refused("\\bA")
    );
    for (choices, message) in [
        (vec![], "choices is [], expected at least one"),
        (
            vec![vec![1], vec![]],
            "choices[1] is empty, expected at least one token",
        ),
    ] {
        assert_eq!(
            Constraint::choices(&choices).unwrap_err().to_string(),
            message
        );
    }
    let constraint = Constraint::choices(&[vec![24]]).unwrap();
    let error = Generator::new(config(), 24)
        .unwrap()
        .constrained(&constraint)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "constraint is one with token 24, expected tokens less than the vocabulary's 24"
    );
    let endless = GenerateConfig {
        eos_token_id: vec![],
        ..config()
    };
    let constraint = Constraint::choices(&[vec![2]]).unwrap();
    let error = Generator::new(endless, 24)
        .unwrap()
        .constrained(&constraint)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("eos_token_id is [], expected at least one token")
    );
}

#[test]
fn a_condition_that_other_settings_rule_out_fails_and_ends() {
    let constraint = Constraint::choices(&[vec![2, 3]]).unwrap();
    let stored = reference();
    for num_beams in [1, 3] {
        let config = GenerateConfig {
            suppress_tokens: vec![3],
            num_beams,
            ..config()
        };
        let generator = Generator::new(config, 24)
            .unwrap()
            .constrained(&constraint)
            .unwrap();
        let error = generator.run(&mut Tables::new(&stored), &[Prompt::new(&[5])], &mut |_| ());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("tokens that may come next")
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// A token is open exactly if its text keeps the regular expression alive, by trying what follows.
    #[test]
    fn open_tokens_are_those_that_a_match_begins_with(matches in prop::collection::vec("[AB12]{1,4}", 1..4), length in 0usize..3) {
        let constraint = Constraint::regex(&matches.join("|"), texts()).unwrap();
        let mut generated = Vec::new();
        for _ in 0..length {
            let found = open(&constraint, &generated);
            let Some(&token) = found.iter().find(|&&token| token != EOS) else { break };
            generated.push(token);
        }
        let so_far = text(&generated);
        let found = open(&constraint, &generated);
        for token in 1..23 {
            let bytes = texts()[token as usize].clone().unwrap();
            let Ok(piece) = String::from_utf8(if generated.is_empty() { bytes.first } else { bytes.later }) else { continue };
            let begun = [&*so_far, &*piece].concat();
            let expected = !piece.is_empty() && matches.iter().any(|one| one.starts_with(&begun));
            prop_assert_eq!(found.contains(&token), expected, "{:?} after {:?}", piece, so_far);
        }
        prop_assert_eq!(found.contains(&EOS), matches.contains(&so_far));
    }
}
