//! Models with fewer words against whole ones.

use std::collections::BTreeMap;
use std::path::Path;

use cs_data::{TokenBatch, Tokenizer};
use cs_model::names::{BERT, Role};
use cs_model::{Bundle, Dtype, EncoderConfig, RawTensor, Weights, write_safetensors};
use cs_quant::{NativeModel, Precision, TrimConfig, trim_vocabulary};
use serde_json::{Value, json};

use crate::common::{config, tasks, write_bundle};

const SEEN: TrimConfig = TrimConfig {
    min_count: 1,
    keep_characters: false,
};

fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<Option<String>> {
    let ids = tokenizer.encode(text, 32).unwrap().ids;
    ids.into_iter().map(|id| tokenizer.token(id)).collect()
}

fn answer(bundle: &Bundle, text: &str) -> Vec<f32> {
    let ids = bundle.tokenizer().unwrap().encode(text, 32).unwrap().ids;
    let model = NativeModel::open(bundle, &config(Precision::Fp32, 1, None)).unwrap();
    let batch = TokenBatch::pack([&ids[..]]);
    match bundle.tasks().intent {
        Some(_) => model.forward(&batch).unwrap().intent.unwrap().data,
        None => model.hidden(&batch).unwrap().data,
    }
}

#[test]
fn a_trimmed_model_answers_its_texts_as_before() {
    for model in ["bert_gelu", "lstm"] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        write_bundle(&dir.path().join("a"), model, tasks());
        let bundle = Bundle::open(&dir.path().join("a")).unwrap();
        let corpus = ["w1 w2 w22", "w3 w1", "w2w1 !"];
        let report = trim_vocabulary(&bundle, &out, corpus, &SEEN).unwrap();
        assert!(report.words_after < report.words_before, "{report:?}");
        assert!(report.bytes_after < report.bytes_before, "{report:?}");
        let trimmed = Bundle::open(&out).unwrap();
        assert_eq!(trimmed.config().vocab_size(), report.words_after);
        let (before, after) = (bundle.tokenizer().unwrap(), trimmed.tokenizer().unwrap());
        assert_eq!(after.vocab_size(), report.words_after);
        assert_eq!(after.pad_id(), trimmed.config().pad_token_id());
        for text in corpus {
            assert_eq!(tokens(&before, text), tokens(&after, text));
            assert_eq!(answer(&bundle, text), answer(&trimmed, text));
        }
        // With all characters, nothing becomes unknown that was not.
        let out = dir.path().join("b");
        trim_vocabulary(&bundle, &out, corpus, &TrimConfig::default()).unwrap();
        let characters = Bundle::open(&out).unwrap().tokenizer().unwrap();
        let unknown = Some("[UNK]".to_owned());
        assert!(!tokens(&characters, "w17 w29").contains(&unknown));
    }
}

/// The pieces of a multilingual tokenizer, and how likely they are.
const PIECES: [(&str, f64); 26] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -3.9),
    ("退款", -6.0),
    ("▁退款", -7.5),
    ("退", -11.0),
    ("款", -9.0),
    ("订单", -6.5),
    ("订", -12.0),
    ("单", -8.0),
    ("▁order", -7.0),
    ("or", -9.5),
    ("d", -6.1),
    ("e", -5.2),
    ("r", -5.3),
    ("o", -5.8),
    ("▁where", -8.2),
    ("где", -11.4),
    ("г", -9.8),
    ("д", -9.6),
    ("!", -6.6),
    ("7", -8.8),
    ("쀍", -19.5),
    ("<mask>", 0.0),
];

/// A folder as multilingual models have it: a Unigram tokenizer that pads with 1 where the
/// configuration says 0, more rows than tokens, and fp16 weights.
fn write_multilingual(dir: &Path) {
    let special = |content: &str, id: usize| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": content == "<mask>",
            "rstrip": false, "normalized": false, "special": true})
    };
    let template =
        |content: &str, id: u32| json!({"id": content, "ids": [id], "tokens": [content]});
    let part = |content: &str| json!({"SpecialToken": {"id": content, "type_id": 0}});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special("<s>", 0), special("<pad>", 1), special("</s>", 2), special("<unk>", 3),
            special("<mask>", PIECES.len() - 1)],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [part("<s>"), {"Sequence": {"id": "A", "type_id": 0}}, part("</s>")],
            "pair": [part("<s>"), {"Sequence": {"id": "A", "type_id": 0}}, part("</s>")],
            "special_tokens": {"<s>": template("<s>", 0), "</s>": template("</s>", 2)}},
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "model": {"type": "Unigram", "unk_id": 3, "byte_fallback": false, "vocab": PIECES},
    });
    let config = json!({
        "architectures": ["BertForMaskedLM"], "model_type": "bert", "vocab_size": PIECES.len() + 4,
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 40, "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": [2, 25],
        "mask_token_id": 27,
    });
    let decoder = json!({"0": special("<s>", 0), "25": special("<mask>", 25)});
    let put = |name: &str, value: Value| std::fs::write(dir.join(name), value.to_string()).unwrap();
    std::fs::create_dir_all(dir.join("1_Pooling")).unwrap();
    put("tokenizer.json", tokenizer);
    put("config.json", config);
    put(
        "tokenizer_config.json",
        json!({"tokenizer_class": "XLMRobertaTokenizer", "added_tokens_decoder": decoder}),
    );
    put("special_tokens_map.json", json!({"pad_token": "<pad>"}));
    put(
        "modules.json",
        json!([{"path": "", "type": "m.Transformer"}, {"path": "1_Pooling", "type": "m.Pooling"},
            {"path": "../x", "type": "m.Normalize"}]),
    );
    put(
        "1_Pooling/config.json",
        json!({"pooling_mode_mean_tokens": true}),
    );
    put("sentencepiece.bpe.model", json!("none"));
    let config = EncoderConfig::open(dir).unwrap();
    write_half_weights(&dir.join(Bundle::WEIGHTS), &config);
}

fn write_half_weights(path: &Path, config: &EncoderConfig) {
    let mut tensors = config.tensors();
    tensors.extend(config.masked_lm_tensors().unwrap());
    let mut seed = 7u32;
    let mut half = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // From 0.125 to 0.5, of either sign.
        let bits = (seed >> 16) as u16;
        ((bits & 0x8000) | 0x3000 | (bits & 0x07ff)).to_le_bytes()
    };
    let values: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, shape)| (0..shape.iter().product()).flat_map(|_| half()).collect())
        .collect();
    let tensors = tensors.iter().zip(&values);
    let tensors =
        tensors.map(|((name, shape), data)| (name, RawTensor::from_bytes(Dtype::F16, shape, data)));
    write_safetensors(path, tensors, &BTreeMap::new()).unwrap();
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_multilingual_folder_stays_one() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, out) = (dir.path().join("a"), dir.path().join("new/b"));
    write_multilingual(&whole);
    let bundle = Bundle::open(&whole).unwrap();
    let corpus = ["退款 订单!", "where 退款7", "¿ order 鬱"];
    let report = trim_vocabulary(&bundle, &out, corpus, &TrimConfig::default()).unwrap();
    assert_eq!(report.left_out, ["sentencepiece.bpe.model"]);
    let trimmed = Bundle::open(&out).unwrap();
    assert!(trimmed.manifest().is_none(), "as before");
    for text in corpus {
        let before = bundle.tokenizer().unwrap();
        assert_eq!(
            tokens(&before, text),
            tokens(&trimmed.tokenizer().unwrap(), text)
        );
        assert_eq!(answer(&bundle, text), answer(&trimmed, text), "{text}");
    }
    let tokenizer = trimmed.tokenizer().unwrap();
    let has = |token: &str| tokenizer.id(token).is_some();
    assert!(
        ["退", "订", "o", "d", "<mask>"].into_iter().all(has),
        "characters of the scripts"
    );
    assert!(
        !["где", "г", "or"].into_iter().any(has),
        "other words and scripts"
    );
    // A row for each token and for the id that only the configuration has.
    assert_eq!(report.words_before, 30);
    assert_eq!(report.words_after, tokenizer.vocab_size() + 1);
    let mask = tokenizer.id("<mask>").unwrap();
    let config = json(&out.join("config.json"));
    assert_eq!(config["vocab_size"], report.words_after);
    assert_eq!(
        (&config["pad_token_id"], &config["bos_token_id"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(config["eos_token_id"], json!([2, mask]));
    assert_eq!(config["mask_token_id"], json!(tokenizer.vocab_size()));
    assert_eq!(tokenizer.pad_id(), 1);
    let decoder = &json(&out.join("tokenizer_config.json"))["added_tokens_decoder"];
    assert_eq!(decoder.as_object().unwrap().len(), 2);
    assert_eq!(decoder[mask.to_string()]["content"], "<mask>");
    assert!(out.join("1_Pooling/config.json").is_file());
    // fp16 as it was, with the biases of masked words.
    let weights = Weights::open(&out.join(Bundle::WEIGHTS)).unwrap();
    let biases = weights.raw(&BERT.bias(Role::MaskedLmBias)).unwrap();
    assert_eq!(
        (biases.dtype, &biases.shape[..]),
        (Dtype::F16, &[report.words_after][..])
    );
    assert_eq!(weights.metadata()["format"], "pt");
}

#[test]
fn rarer_pieces_go_if_asked() {
    let dir = tempfile::tempdir().unwrap();
    write_multilingual(&dir.path().join("a"));
    let bundle = Bundle::open(&dir.path().join("a")).unwrap();
    let often = TrimConfig {
        min_count: 2,
        ..TrimConfig::default()
    };
    let out = dir.path().join("b");
    trim_vocabulary(&bundle, &out, ["退款 订单", "退款"], &often).unwrap();
    let tokenizer = Bundle::open(&out).unwrap().tokenizer().unwrap();
    assert!(tokenizer.id("▁退款").is_some());
    assert!(tokenizer.id("订单").is_none(), "once");
    let unknown = Some("<unk>".to_owned());
    assert!(
        !tokens(&tokenizer, "退款 订单").contains(&unknown),
        "its characters are left"
    );
}

#[test]
fn what_cannot_be_trimmed_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_multilingual(&dir.path().join("a"));
    let bundle = Bundle::open(&dir.path().join("a")).unwrap();
    let out = dir.path().join("b");
    let trim = |out: &Path, texts: &[&str], min_count| {
        let config = TrimConfig {
            min_count,
            ..TrimConfig::default()
        };
        let trimmed = trim_vocabulary(&bundle, out, texts.iter().copied(), &config);
        trimmed.unwrap_err().to_string()
    };
    assert_eq!(trim(&out, &[], 1), "texts: none, expected at least one");
    assert_eq!(trim(&out, &["退款"], 0), "min_count: 0, expected 1 or more");
    assert!(!out.exists());
    assert!(trim(&dir.path().join("a"), &["退款"], 1).contains("the model's own folder"));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("x"), "x").unwrap();
    assert!(
        trim(&out, &["退款"], 1)
            .ends_with("a folder with something in it, expected a new or an empty folder")
    );
    assert!(trim(&out.join("x"), &["退款"], 1).contains("a file, expected"));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        2,
        "no remains"
    );
}
