//! Entities that a tokenizer's words do not show: Chinese in the pieces of a unigram model.

use cs_data::{Span, Tokenizer, Utterance, WordRule};
use cs_model::{BiLstmConfig, Calibration, Device, EncoderConfig, Model};
use cs_train::Error;
use cs_train::data::{Prepared, examples, tasks_of};
use cs_train::evaluation::{EvaluateOptions, evaluate};
use cs_train::inference::predict;
use cs_train::objective::FineTune;
use serde_json::{Value, json};

use crate::common::tiny::{alone, config, fit};

const CITIES: [&str; 4] = ["上海", "北京", "Oslo", "深圳"];

/// XLM-R's kind of tokenizer: unigram pieces between spaces, several characters each.
fn unigram() -> Tokenizer {
    let pieces = [
        "▁", "▁从", "从", "出发", "去", "到", "上海", "北京", "深圳", "的票", "▁to", "Oslo",
        "▁Oslo", "订单", "12", "34", "5", "6", "7", "8", "9",
    ];
    let mut vocab: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>"]
        .map(|t| json!([t, 0.0]))
        .into();
    vocab.extend(pieces.iter().map(|piece| json!([piece, -2.0])));
    let special = |(id, token): (usize, &str)| {
        json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let special: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>"]
        .into_iter()
        .enumerate()
        .map(special)
        .collect();
    let json = json!({
        "version": "1.0",
        "added_tokens": special,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}}],
            "pair": [],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}
        },
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab, "byte_fallback": false}
    });
    Tokenizer::from_json(json.to_string().as_bytes(), "unigram.json".as_ref()).unwrap()
}

/// Chinese sentences, which have no spaces, and an English one.
fn rows() -> Vec<Utterance> {
    let forms = ["从{}出发", "去{}的票", "到{}订单12345", "从12去{}", "to {}"];
    let row = |number: usize| {
        let (city, form) = (CITIES[number % 4], forms[number % 5]);
        let start = form.find("{}").unwrap();
        let span = Span::new(start, start + city.len(), "city");
        Utterance::new(number.to_string(), form.replace("{}", city)).with_spans(vec![span])
    };
    (0..40).map(row).collect()
}

fn model(tokenizer: &Tokenizer, data: &Prepared) -> Model {
    let encoder = EncoderConfig::from(BiLstmConfig {
        vocab_size: tokenizer.vocab_size(),
        embedding_size: 24,
        hidden_size: 24,
        dropout: 0.1,
        ..BiLstmConfig::default()
    });
    Model::new(&encoder, &tasks_of(&data.rows).unwrap(), Device::Cpu, 7).unwrap()
}

#[test]
fn chinese_entities_are_learned_with_a_unigram_tokenizer() {
    let _alone = alone();
    let tokenizer = unigram();
    let data = examples(rows(), &tokenizer, &tasks_of(rows()).unwrap(), 64).unwrap();
    assert_eq!(data.misaligned, []);
    let mut model = model(&tokenizer, &data);
    fit(&mut model, config(20, 0.02), &data);
    let answers = predict(&model, &data, 1024, &Calibration::default()).unwrap();
    let evaluation = evaluate(&data.rows, &answers, &EvaluateOptions::default()).unwrap();
    assert!(evaluation.slot_f1.unwrap() > 0.95, "{evaluation:?}");
}

#[test]
fn a_label_that_is_lost_altogether_is_an_error() {
    let tokenizer = unigram().with_words(WordRule::PreTokenizer);
    let chinese: Vec<Utterance> = rows()
        .into_iter()
        .filter(|row| !row.text.is_ascii())
        .collect();
    let tasks = tasks_of(&chinese).unwrap();
    let data = examples(chinese, &tokenizer, &tasks, 64).unwrap();
    let count = data.rows.len();
    let mut model = model(&tokenizer, &data);
    let error = FineTune::new(&mut model, &data, None, &config(1, 0.01)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "none of the {count} spans of \"city\" in the training set can be learned: {count} begin or end inside \
             a word of the tokenizer, 0 lie where their text was cut (raise the maximum length); the first is in row \"0\""
        )
    );
}

#[test]
fn what_lies_behind_the_cut_is_told_apart() {
    let tokenizer = unigram();
    let long = |row: Utterance| Utterance {
        text: format!("{}去去去去去去", row.text),
        ..row
    };
    let mut rows: Vec<Utterance> = rows().into_iter().map(long).collect();
    let text = &mut rows[0].text;
    text.push_str("北京");
    let span = Span::new(text.len() - 6, text.len(), "city");
    rows[0].spans.push(span.clone());
    rows[1].spans[0].end -= 3; // half of a piece
    let data = examples(rows, &tokenizer, &tasks_of(self::rows()).unwrap(), 10).unwrap();
    let lost: Vec<(&str, bool)> = data
        .misaligned
        .iter()
        .map(|m| (m.id.as_str(), m.truncated))
        .collect();
    assert_eq!(lost, [("0", true), ("1", false)]);
    assert!(data.truncated() > 0 && data.truncated() < data.rows.len());
    // Some are left: training goes on.
    assert!(FineTune::new(&mut model(&tokenizer, &data), &data, None, &config(1, 0.01)).is_ok());

    let error = Error::LostSpans {
        label: "city".into(),
        count: 3,
        truncated: 2,
        id: "7".into(),
    };
    assert!(
        error.to_string().contains("1 begin or end inside"),
        "{error}"
    );
}
