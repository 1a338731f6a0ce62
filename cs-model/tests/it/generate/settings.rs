//! Settings, prompts and logits that do not fit.

use std::path::Path;

use cs_model::generate::{EarlyStopping, GenerateConfig, Generator, Prompt, Sampling};

use super::text::letters;
use super::{Tables, reference};

#[test]
fn settings_that_do_not_fit_are_refused() {
    let cases = [
        (
            r#"{"max_new_tokens": 0}"#,
            "max_new_tokens is 0, expected 1 to 65536",
        ),
        (r#"{"num_beams": 0}"#, "num_beams is 0, expected 1 to 1024"),
        (
            r#"{"min_new_tokens": 65}"#,
            "min_new_tokens is 65, expected at most max_new_tokens, 64",
        ),
        (
            r#"{"min_new_tokens": 1}"#,
            "min_new_tokens is 1, expected 0, as eos_token_id is empty",
        ),
        (
            r#"{"eos_token_id": [24]}"#,
            "eos_token_id is 24, expected less than the vocabulary's 24",
        ),
        (
            r#"{"forced_bos_token_id": 99}"#,
            "forced_bos_token_id is 99, expected less than",
        ),
        (
            r#"{"repetition_penalty": 0}"#,
            "repetition_penalty is 0, expected 0.000001 to 1000000",
        ),
        (
            r#"{"repetition_penalty": 1e-50}"#,
            "repetition_penalty is 0.00000000",
        ),
        (
            r#"{"num_beams": 65536}"#,
            "num_beams is 65536, expected 1 to 1024",
        ),
        (
            r#"{"sampling": {"temperature": 1e-50}}"#,
            "temperature is 0.0000000",
        ),
        (
            r#"{"length_penalty": 2}"#,
            "length_penalty is 2, expected 1, as num_beams is 1",
        ),
        (
            r#"{"early_stopping": true}"#,
            "early_stopping is Yes, expected No, as num_beams is 1",
        ),
        (
            r#"{"renormalize_logits": true}"#,
            "renormalize_logits is true, expected false, as num_beams is 1",
        ),
        (
            r#"{"bad_words_ids": [[3], []]}"#,
            "bad_words_ids[1] is [], expected at least one token",
        ),
        (
            r#"{"bad_words_ids": [[3, 24]]}"#,
            "bad_words_ids is 24, expected less than the vocabulary's 24",
        ),
        (
            r#"{"num_beams": 2, "sampling": {}}"#,
            "num_beams is 2, expected 1 where there is",
        ),
        (
            r#"{"sampling": {"temperature": 0}}"#,
            "temperature is 0, expected at least 0.000001; without",
        ),
        (
            r#"{"sampling": {"top_p": 1.5}}"#,
            "top_p is 1.5, expected 0 to 1",
        ),
        (
            r#"{"sampling": {"min_p": -0.5}}"#,
            "min_p is -0.5, expected 0 to 1",
        ),
        (
            r#"{"stop_strings": ["x"]}"#,
            "stop_strings is \"x\", expected none",
        ),
    ];
    for (json, expected) in cases {
        let found = Generator::new(serde_json::from_str(json).unwrap(), 24)
            .unwrap_err()
            .to_string();
        assert!(found.starts_with(expected), "{found}");
    }
    let many = GenerateConfig {
        num_beams: 2,
        eos_token_id: vec![0; 24],
        ..Default::default()
    };
    let found = Generator::new(many, 24).unwrap_err().to_string();
    assert!(
        found.ends_with("expected 1, as the vocabulary of 24 has fewer than 25"),
        "{found}"
    );
    let nan = GenerateConfig {
        length_penalty: f64::NAN,
        ..Default::default()
    };
    let found = Generator::new(nan, 24).unwrap_err().to_string();
    assert_eq!(found, "length_penalty is NaN, expected a finite number");
    let empty = GenerateConfig {
        stop_strings: vec![String::new()],
        ..Default::default()
    };
    let found = Generator::with_text(empty, 24, letters)
        .unwrap_err()
        .to_string();
    assert_eq!(
        found,
        "stop_strings[0] is \"\", expected at least one character"
    );
}

#[test]
fn unknown_words_are_refused() {
    let found = serde_json::from_str::<GenerateConfig>(r#"{"early_stopping": "ever"}"#);
    assert!(
        found
            .unwrap_err()
            .to_string()
            .contains("expected false, true or \"never\"")
    );
    let found = serde_json::from_str::<GenerateConfig>(r#"{"beams": 2}"#);
    assert!(
        found
            .unwrap_err()
            .to_string()
            .contains("unknown field `beams`")
    );
}

#[test]
fn prompts_and_logits_that_do_not_fit_are_refused() {
    let stored = reference();
    let mut model = Tables::new(&stored);
    let generator = Generator::new(GenerateConfig::default(), 24).unwrap();
    let error = |model: &mut Tables, tokens: &[u32]| {
        let prompts = [Prompt::new(&[1]), Prompt::new(tokens)];
        generator
            .run(model, &prompts, &mut |_| ())
            .unwrap_err()
            .to_string()
    };
    let found = error(&mut model, &[]);
    assert_eq!(found, "prompts[1] is empty, expected at least one token");
    let found = error(&mut model, &[3, 24]);
    assert_eq!(
        found,
        "prompts[1][1] is 24, expected less than the vocabulary's 24"
    );
    model.positions = Some(64);
    let found = error(&mut model, &[3, 4]);
    let expected =
        "prompts[1] is 2 tokens long, expected at most 64 positions with max_new_tokens 64";
    assert_eq!(found, expected);
    model.last[5][7] = f32::NAN;
    assert!(error(&mut model, &[5]).contains("a row, number 1, that has NaN"));
    let all = GenerateConfig {
        suppress_tokens: (0..24).collect(),
        ..Default::default()
    };
    for config in [
        all.clone(),
        GenerateConfig {
            num_beams: 2,
            ..all
        },
    ] {
        let generator = Generator::new(config, 24).unwrap();
        let error = generator.run(&mut Tables::new(&stored), &[Prompt::new(&[1])], &mut |_| ());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("tokens that may come next: ")
        );
    }
}

#[test]
fn settings_survive_json() {
    let config = GenerateConfig {
        num_beams: 4,
        early_stopping: EarlyStopping::Never,
        eos_token_id: vec![1, 2],
        sampling: Some(Sampling {
            top_p: 0.9,
            ..Default::default()
        }),
        ..Default::default()
    };
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<GenerateConfig>(&json).unwrap(),
        config
    );
    let none: GenerateConfig = serde_json::from_str("{}").unwrap();
    assert_eq!(none, GenerateConfig::default());
}

fn parse(json: &str) -> cs_model::Result<GenerateConfig> {
    GenerateConfig::from_json(json.as_bytes(), Path::new("dir/generation_config.json"))
}

#[test]
fn a_file_says_what_transformers_would_do() {
    let config = parse(
        r#"{"max_length": 128, "min_length": 8, "eos_token_id": [2, 3], "do_sample": true,
            "temperature": 0.7, "top_p": 0.8, "length_penalty": 2.0, "early_stopping": true,
            "renormalize_logits": true, "bad_words_ids": [[1]], "typical_p": 1, "top_k": null,
            "forced_eos_token_id": [2], "stop_strings": "END", "pad_token_id": 1, "of": "later"}"#,
    );
    let expected = GenerateConfig {
        max_new_tokens: 127,
        min_new_tokens: 7,
        eos_token_id: vec![2, 3],
        forced_eos_token_id: Some(2),
        stop_strings: vec!["END".into()],
        bad_words_ids: vec![vec![1]],
        sampling: Some(Sampling {
            temperature: 0.7,
            top_k: 50,
            top_p: 0.8,
            ..Default::default()
        }),
        ..Default::default() // what only beams heed is passed over
    };
    assert_eq!(config.unwrap(), expected);
    assert_eq!(parse("{}").unwrap(), GenerateConfig::default());
    let beams = r#"{"num_beams": 3, "length_penalty": 2.0, "temperature": 0.7, "min_length": 5}"#;
    let expected = GenerateConfig {
        num_beams: 3,
        length_penalty: 2.0,
        ..Default::default()
    };
    assert_eq!(parse(beams).unwrap(), expected);
}

#[test]
fn what_a_file_asks_for_in_vain_is_named() {
    for (json, reason) in [
        (
            r#"{"num_beam_groups": 2}"#,
            " num_beam_groups is 2, expected 1",
        ),
        (
            r#"{"guidance_scale": 1.5}"#,
            " guidance_scale is 1.5, expected 1",
        ),
        (
            r#"{"sequence_bias": [[[1], 2.0]]}"#,
            " sequence_bias is [[[1],2.0]], expected null",
        ),
        (
            r#"{"forced_eos_token_id": [1, 2]}"#,
            " forced_eos_token_id is [1, 2], expected a token",
        ),
        (
            r#"{"num_beams": 4, "do_sample": true}"#,
            " do_sample is true, expected false, as num_beams is 4",
        ),
        ("{\"num_beams\":\n \"x\"}", "2:4: invalid type: string"),
        ("[]", "1:1: invalid type: sequence"),
    ] {
        let error = parse(json).unwrap_err().to_string();
        let start = format!("dir/generation_config.json:{reason}");
        assert!(error.starts_with(&start), "{error}");
    }
}
