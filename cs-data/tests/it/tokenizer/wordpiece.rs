//! Training a WordPiece vocabulary.

use std::path::Path;

use cs_data::*;

use super::check_encodings;
use crate::common::{TEXTS, reference};

#[test]
fn training_is_deterministic_and_its_file_opens_elsewhere() {
    let trained = Tokenizer::train(TEXTS.into_iter(), 160).unwrap();
    let json = trained.to_json().unwrap();
    assert_eq!(
        json,
        Tokenizer::train(TEXTS.into_iter().rev(), 160)
            .unwrap()
            .to_json()
            .unwrap()
    );
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained.json");
    std::fs::write(&fresh, &json).unwrap();
    assert!(
        json == std::fs::read(reference("trained.json")).unwrap(),
        "the trainer gives another file; if it should, take {} and run trained_encodings.py",
        fresh.display()
    );
    assert!(trained.vocab_size() <= 160);
    let special: Vec<_> = (0..5).filter_map(|id| trained.token(id)).collect();
    assert_eq!(special, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    let again = Tokenizer::open_file(&reference("trained.json")).unwrap();
    assert_eq!(again.to_json().unwrap(), json);
    check_encodings(|_| again.clone(), "trained_encodings.json");
}

#[test]
fn training_keeps_the_frequent_characters() {
    let tokenizer = Tokenizer::train(["aaa bbb bbb c"].into_iter(), 9).unwrap();
    let tokens: Vec<_> = (5..9).filter_map(|id| tokenizer.token(id)).collect();
    assert_eq!(tokens, ["a", "b", "##a", "##b"]);
    assert_eq!(tokenizer.encode("c", 8).unwrap().ids, [2, 1, 3]);
    for (texts, size) in [(vec!["a"], 5), (vec![], 100), (vec![" \u{200b}"], 100)] {
        assert!(Tokenizer::train(texts.into_iter(), size).is_err());
    }
}
