//! Text out of tokens: stop strings, and pieces as they come.

use std::path::{Path, PathBuf};

use cs_data::Tokenizer;
use cs_model::Result;
use cs_model::generate::{
    Decode, Detokenizer, EarlyStopping, Finish, GenerateConfig, Generator, Prompt, StopStrings,
};
use proptest::prelude::*;
use serde_json::Value;

use super::{Tables, reference};

/// Two letters of the alphabet a token, so that stop strings lie across tokens.
pub(super) fn letters(tokens: &[u32]) -> Result<String> {
    let pair = |&token: &u32| {
        let letter = |offset| char::from(b'a' + ((token + offset) % 24) as u8);
        [letter(0), letter(1)]
    };
    Ok(tokens.iter().flat_map(pair).collect())
}

#[test]
fn stop_strings_end_a_text_across_tokens() {
    let stored = reference();
    // Greedily 5 goes on with 23, 14, 2, 10, 1, 12: "xaopcdklbcmn".
    for (ends, tokens, text) in [
        (vec!["dk", "zz"], 4, "xaopc"),
        (vec!["opcdk"], 4, "xa"),
        (vec!["mz"], 6, "xaopcdklbcmn"),
        (vec!["xa"], 1, ""),
        (vec!["lb", "dkl"], 4, "xaopc"),
    ] {
        let config = GenerateConfig {
            max_new_tokens: 6,
            stop_strings: ends.into_iter().map(str::to_owned).collect(),
            ..Default::default()
        };
        let generator = Generator::with_text(config, 24, letters).unwrap();
        let mut pieces = String::new();
        let mut model = Tables::new(&stored);
        let found = generator
            .run(&mut model, &[Prompt::new(&[5])], &mut |piece| {
                pieces.push_str(piece.text)
            })
            .unwrap();
        assert_eq!(found[0].tokens.len(), tokens);
        assert_eq!(found[0].text.as_deref(), Some(text));
        assert_eq!(pieces, text);
        assert_eq!(found[0].finish == Finish::Stop, tokens < 6);
    }
}

#[test]
fn a_stop_string_ends_beams_too() {
    let stored = reference();
    // By beams 5 goes on with 23, 22, 16, 10, 11, 0: the last of which is not written.
    let config = GenerateConfig {
        num_beams: 3,
        max_new_tokens: 12,
        eos_token_id: vec![0],
        early_stopping: EarlyStopping::Never,
        ..Default::default()
    };
    let run = |config| {
        let generator = Generator::with_text(config, 24, letters).unwrap();
        let mut model = Tables::new(&stored);
        generator
            .run(&mut model, &[Prompt::new(&[5])], &mut |_| ())
            .unwrap()
            .remove(0)
    };
    let whole = run(config.clone());
    assert_eq!(whole.tokens, [23, 22, 16, 10, 11, 0]);
    assert_eq!(whole.text.as_deref(), Some("xawxqrkllm"));
    let stopped = run(GenerateConfig {
        stop_strings: vec!["rk".to_owned()],
        ..config
    });
    assert_eq!(stopped.finish, Finish::Stop);
    let text = stopped.text.unwrap();
    assert!(!text.contains("rk"), "{text}");
    assert_eq!(
        letters(&stopped.tokens).unwrap().find("rk"),
        Some(text.len())
    );
}

/// A vocabulary of bytes, in which 256 is a special token that is not written.
fn bytes(tokens: &[u32]) -> Result<String> {
    let bytes: Vec<u8> = tokens
        .iter()
        .filter_map(|&token| u8::try_from(token).ok())
        .collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A SentencePiece vocabulary of words, of which the first loses its space.
fn words(tokens: &[u32]) -> Result<String> {
    let text: String = tokens.iter().map(|token| format!(" w{token}")).collect();
    Ok(text.trim_start().to_owned())
}

fn pieces(tokens: &[u32], decode: &Decode<'_>) -> Vec<String> {
    let mut detokenizer = Detokenizer::default();
    let mut pieces: Vec<_> = tokens
        .iter()
        .map(|&token| detokenizer.push(token, decode).unwrap())
        .collect();
    pieces.push(detokenizer.finish(decode).unwrap());
    pieces
}

/// Tokens of some text, with bytes that belong to no character between them.
fn byte_tokens() -> impl Strategy<Value = Vec<u32>> {
    let text = "[a-c好订é😀 \u{fffd}]{0,8}";
    let part = prop_oneof![
        4 => text.prop_map(|text| text.bytes().map(u32::from).collect::<Vec<_>>()),
        1 => prop::collection::vec(0_u32..257, 0..4),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn pieces_are_together_the_text(tokens in byte_tokens()) {
        for decode in [&bytes as &Decode<'_>, &words] {
            prop_assert_eq!(pieces(&tokens, decode).concat(), decode(&tokens).unwrap());
        }
    }

    #[test]
    fn no_piece_splits_a_character(text in "[a-c好订é😀]{0,12}") {
        let tokens: Vec<u32> = text.bytes().map(u32::from).collect();
        let found = pieces(&tokens, &bytes);
        prop_assert!(found.iter().all(|piece| !piece.contains(char::REPLACEMENT_CHARACTER)));
        let at_once = found.iter().filter(|piece| !piece.is_empty()).count();
        prop_assert_eq!(at_once, text.chars().count());
    }

    #[test]
    fn a_text_ends_before_its_first_stop_string(
        parts in prop::collection::vec("[ab好]{0,3}", 0..8),
        ends in prop::collection::vec("[ab好]{1,4}", 0..3),
    ) {
        let text = parts.concat();
        let mut stop = StopStrings::new(&ends);
        let mut given = String::new();
        for part in &parts {
            given.push_str(&stop.push(part));
            prop_assert!(ends.iter().all(|end| !given.contains(end.as_str())));
        }
        given.push_str(&stop.finish());
        let found = ends.iter().any(|end| text.contains(end.as_str()));
        prop_assert_eq!(stop.is_found(), found);
        prop_assert!(text.starts_with(&given));
        prop_assert!(found || given == text);
    }
}

#[test]
fn a_stop_string_that_ends_with_a_space_ends_a_text_at_once() {
    let stored = reference();
    // 5 goes on with 23, 14, 2, 10: "xa op cd kl".
    let spaced = |tokens: &[u32]| -> Result<String> {
        let pairs: Vec<String> = tokens
            .iter()
            .map(|&token| letters(&[token]))
            .collect::<Result<_>>()?;
        Ok(pairs.iter().map(|pair| format!("{pair} ")).collect())
    };
    let config = GenerateConfig {
        max_new_tokens: 6,
        stop_strings: vec!["cd ".to_owned()],
        ..Default::default()
    };
    let generator = Generator::with_text(config, 24, spaced).unwrap();
    let found = generator
        .run(&mut Tables::new(&stored), &[Prompt::new(&[5])], &mut |_| ())
        .unwrap();
    assert_eq!(found[0].tokens, [23, 14, 2]);
    assert_eq!(found[0].text.as_deref(), Some("xa op "));
    assert_eq!(found[0].finish, Finish::Stop);
}

/// Folders of tokenizers of every kind, with texts as `transformers` cuts and writes them.
fn tokenizer_folders() -> Vec<PathBuf> {
    let all =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../cs-data/tests/reference/tokenizer_files");
    let entries = std::fs::read_dir(all).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn pieces_of_any_tokenizer_are_together_its_text() {
    for folder in tokenizer_folders() {
        let tokenizer = Tokenizer::open(&folder).unwrap();
        let decode = |tokens: &[u32]| -> Result<String> { Ok(tokenizer.decode(tokens, true)?) };
        let cases = std::fs::read(folder.join("cases.json")).unwrap();
        let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            let found = pieces(&ids, &decode);
            assert_eq!(found.concat(), case["bare"], "{}", folder.display());
            let split = found
                .iter()
                .any(|piece| piece.contains(char::REPLACEMENT_CHARACTER));
            assert!(!split, "{}: {found:?}", folder.display());
        }
    }
}
