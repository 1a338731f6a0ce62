//! What a GGUF file may tell of its tokenizer, put together by hand. Ids of whole files are compared
//! with llama.cpp's where the files are read.

use cs_data::*;

use crate::common::warnings_of;

/// Made of the letters of "abc", pairs of them, and a special token in a word's place.
fn of_pairs(merges: &[&str]) -> Result<Tokenizer> {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    let tokens: Vec<String> = texts(&["a", "b", "c", "ab", "<|lost|>", "abc"]);
    let merges: Vec<String> = texts(merges);
    let vocabulary = GgmlVocabulary {
        model: "gpt2",
        pre: Some("gpt-2"),
        tokens: &tokens,
        token_types: &[1, 1, 1, 1, 3, 1],
        merges: &merges,
        ..GgmlVocabulary::default()
    };
    Tokenizer::from_ggml(&vocabulary, "m.gguf".as_ref())
}

#[test]
fn merges_that_are_not_of_tokens_into_a_token_are_left_out() {
    let ids = |merges: &[&str]| of_pairs(merges).unwrap().encode_prompt("abc").unwrap();
    assert_eq!(warnings_of(|| assert_eq!(ids(&["a b", "ab c"]), [5])), "");
    let told = warnings_of(|| assert_eq!(ids(&["b c", "a b", "a bc", "d e", " "]), [3, 2]));
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    let expected =
        "m.gguf: 4 of 5 tokenizer.ggml.merges left out, as they are not of tokens into a token";
    assert!(told.trim_end().ends_with(expected), "{told}");
}

#[test]
fn merges_that_are_no_pairs_are_refused() {
    for merge in ["", "ab", "a b c"] {
        let error = of_pairs(&["a b", merge]).unwrap_err().to_string();
        let expected = format!(
            "m.gguf: {merge:?} at 1 of tokenizer.ggml.merges, expected two tokens with a space between"
        );
        assert_eq!(error, expected);
    }
}
