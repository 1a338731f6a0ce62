//! Vocabulary files against Hugging Face.

use serde_json::Value;

use super::{check_encodings, tokenizer_of};
use crate::common::reference;

#[test]
fn vocabulary_files_encode_as_hugging_face() {
    let vocab = std::fs::read_to_string(reference("vocab.txt")).unwrap();
    let lower = tokenizer_of(&vocab, "").unwrap();
    let cased = tokenizer_of(&vocab.replace('\n', "\r\n"), r#"{"do_lower_case": false}"#).unwrap();
    assert_eq!(
        (lower.vocab_size(), lower.pad_id()),
        (vocab.lines().count(), 0)
    );
    let choose = |case: &Value| {
        if case["lower"] == true {
            lower.clone()
        } else {
            cased.clone()
        }
    };
    check_encodings(choose, "bert_vocab.json");
}
