//! Tokenizers of GGUF files against llama.cpp (`tests/reference/make_gguf_tokenizers.py`).

use cs_model::gguf::Gguf;
use serde_json::{Value, json};

use super::reference;

#[test]
fn texts_have_the_tokens_that_llama_cpp_gives_them() {
    let mut wrong = Vec::new();
    for name in ["gpt-2", "llama-bpe", "llama"] {
        let file = |kind: &str| reference(&format!("gguf_tokenizers/{name}.{kind}"));
        let tokenizer = Gguf::open(&file("gguf")).unwrap().tokenizer().unwrap();
        let cases = std::fs::read(file("json")).unwrap();
        let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
        assert!(cases.len() > 40);
        for case in cases {
            let text = case["text"].as_str().unwrap();
            let prompt = tokenizer.encode_prompt(text).unwrap();
            let whole = tokenizer.encode(text, usize::MAX).unwrap().ids;
            for (field, found) in [("prompt", prompt), ("whole", whole)] {
                if json!(found) != case[field] {
                    let expected = &case[field];
                    wrong.push(format!(
                        "{name} {field} {text:?}: {found:?}, expected {expected}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
