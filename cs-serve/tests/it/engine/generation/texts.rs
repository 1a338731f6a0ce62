//! What is written, and how it comes.

use std::future::poll_fn;
use std::time::Duration;

use cs_model::generate::{Constraint, Finish, GenerateConfig, Sampling};
use cs_serve::engine::Options;
use cs_serve::engine::generation::{
    GenerationConfig, GenerationEvent, GenerationRequest, GenerationStream,
};

use super::{END, FIRST, alone, ask, assert_settled, config, plain, refusal, settings, start};
use crate::engine::models::block_on;

#[test]
fn a_text_comes_in_pieces_with_its_figures() {
    let (engine, handle) = start(plain(), config());
    let prompt = [FIRST, FIRST + 1, FIRST + 2];
    let (mut text, mut tokens, mut ended) = (String::new(), 0, None);
    for event in ask(&handle, &prompt, 12) {
        match event.unwrap() {
            GenerationEvent::Delta(delta) => {
                assert!(!delta.text.is_empty() && delta.tokens > 0);
                text += &delta.text;
                tokens += delta.tokens;
            }
            GenerationEvent::End(end) => ended = Some(end),
        }
    }
    let end = ended.unwrap();
    assert_eq!(end.tokens, alone(&prompt, 12));
    let model = handle.model();
    let whole = model.tokenizer().decode(&end.tokens, true).unwrap();
    assert_eq!((&end.text, &text), (&whole, &whole));
    assert!(tokens <= 12 && end.finish == Finish::Length);
    assert_eq!((end.prompt_tokens, end.reused_tokens), (3, 0));
    assert_eq!(end.latency.between_tokens.len(), 11);
    assert_settled(&handle);
    let it = handle.snapshot();
    assert_eq!((it.new_tokens, it.prompt_tokens, it.answered), (13, 4, 2));
    assert_eq!((it.first_token.count(), it.between_tokens.count()), (2, 11));
    assert!(engine.drain(Duration::MAX).is_clean());
}

#[test]
fn a_prompt_may_be_a_text_and_a_stream_a_future() {
    let (_engine, handle) = start(plain(), config());
    let model = handle.model();
    let prompt = model
        .tokenizer()
        .encode("where is order 12345", 99)
        .unwrap()
        .ids;
    let request = GenerationRequest::new("where is order 12345", model.settings().clone());
    let mut stream = handle.generate(request, &Options::default()).unwrap();
    let end = block_on(async {
        while let Some(event) = poll_fn(|context| stream.poll_next(context)).await {
            if let GenerationEvent::End(end) = event.unwrap() {
                return Some(end);
            }
        }
        None
    });
    assert_eq!(end.unwrap().tokens, alone(&prompt, 8));
    assert!(stream.next().is_none());
}

#[test]
fn each_has_settings_of_its_own() {
    let (_engine, handle) = start(plain(), config());
    let generate = |config, constraint| -> GenerationStream {
        let request = GenerationRequest {
            constraint,
            ..GenerationRequest::new(vec![FIRST], config)
        };
        handle.generate(request, &Options::default()).unwrap()
    };
    let expected = alone(&[FIRST], 9);
    let ended = GenerateConfig {
        eos_token_id: vec![expected[3]],
        ..settings(9)
    };
    let drawn = |seed| GenerateConfig {
        sampling: Some(Sampling {
            seed,
            temperature: 5.0,
            ..Sampling::default()
        }),
        ..settings(9)
    };
    let choices = Constraint::choices(&[vec![30, 31], vec![40]]).unwrap();
    let streams = [
        generate(settings(9), None),
        generate(ended, None),
        generate(drawn(1), None),
        generate(drawn(1), None),
        generate(drawn(2), None),
        generate(settings(9), Some(choices)),
    ];
    let found = streams.map(|stream| stream.wait().unwrap());
    assert_eq!(found[0].tokens, expected);
    assert_eq!(
        (&found[1].tokens[..], found[1].finish),
        (&expected[..4], Finish::Stop)
    );
    assert_eq!(found[2].tokens, found[3].tokens);
    assert_ne!(found[2].tokens, found[4].tokens);
    assert_eq!(found[5].tokens.last(), Some(&END));
    assert_settled(&handle);
}

#[test]
fn what_cannot_be_written_is_refused_with_what_is_wrong() {
    let (_engine, handle) = start(plain(), config());
    let vocab = handle.model().tokenizer().vocab_size();
    let beams = GenerateConfig {
        num_beams: 2,
        ..settings(4)
    };
    for (prompt, config, expected) in [
        (
            vec![],
            settings(4),
            "prompt is empty, expected at least one token".to_owned(),
        ),
        (
            vec![9999],
            settings(4),
            format!("prompt[0] is 9999, expected less than the vocabulary's {vocab}"),
        ),
        (
            vec![FIRST],
            settings(0),
            "max_new_tokens is 0, expected 1 to 65536".to_owned(),
        ),
        (
            vec![FIRST],
            beams,
            "num_beams is 2, expected 1, as one sequence is continued".to_owned(),
        ),
        (
            vec![FIRST; 999],
            settings(3),
            "prompt is 999 tokens long, expected at most 1000 positions with max_new_tokens 3"
                .to_owned(),
        ),
        (
            vec![FIRST; 150],
            settings(12),
            "a prompt of 150 tokens and 12 to come, expected at most 160 together".to_owned(),
        ),
    ] {
        assert_eq!(refusal(&handle, &prompt, config), expected);
    }
    assert!(ask(&handle, &[FIRST; 150], 11).wait().is_ok());
    let long = GenerationRequest::new("a".repeat(70_000), settings(4));
    let error = handle.generate(long, &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a text of 70000 bytes, expected at most 65536"
    );
    let now = Options {
        deadline: Some(Duration::ZERO),
        ..Options::default()
    };
    let request = GenerationRequest::new(vec![FIRST], settings(4));
    let error = handle.generate(request, &now).unwrap_err();
    assert_eq!(error.to_string(), "no answer within 0 ms");
    let refused = handle.snapshot().refused;
    assert_eq!(
        (refused.too_large, refused.unreadable, refused.overloaded),
        (1, 6, 1)
    );
    assert_settled(&handle);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for (json, expected) in [
        (r#"{"sequences": 0}"#, "nonzero"),
        (r#"{"threads": 2}"#, "unknown field"),
        (r#"{"deadline_ms": -1}"#, "invalid value"),
    ] {
        let error = serde_json::from_str::<GenerationConfig>(json).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    for (json, expected) in [
        (
            r#"{"prompt_tokens": 0}"#,
            "prompt_tokens = 0, expected at least 1",
        ),
        (
            r#"{"cache_bytes": 0}"#,
            "cache_bytes = 0, expected at least 1",
        ),
        (
            r#"{"deadline_ms": 0}"#,
            "deadline = 0ns, expected more than nothing",
        ),
        (
            r#"{"cache_bytes": 7}"#,
            "cache_bytes is 7, expected at least the 8 bytes of a page",
        ),
    ] {
        let config: GenerationConfig = serde_json::from_str(json).unwrap();
        let error = cs_serve::engine::generation::GenerationEngine::start(plain(), config);
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
