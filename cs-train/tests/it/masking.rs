//! Masking: rates, whole words, determinism.

use std::collections::HashSet;

use cs_data::{Encoding, Span, Tokenizer};
use cs_train::Error;
use cs_train::data::{MaskedRow, Masker, MaskingConfig, WordList, together};

const TEXTS: [&str; 4] = [
    "我要查询订单12345的退款申请进度",
    "where is the parcel that I ordered yesterday evening",
    "请问什么时候可以把钱退到银行卡",
    "unbelievable misunderstanding about international transfers",
];

fn tokenizer() -> Tokenizer {
    // Few pieces, so that long words have several.
    Tokenizer::train(TEXTS.into_iter(), 110).unwrap()
}

fn masker(tokenizer: &Tokenizer, config: MaskingConfig) -> Masker {
    Masker::new(tokenizer, config).unwrap()
}

/// Every row of every epoch.
fn masked(masker: &Masker, encodings: &[Encoding], epochs: u64) -> Vec<(usize, MaskedRow)> {
    let row = |epoch, row: usize| {
        let (ids, units) = (&encodings[row].ids, masker.units(&encodings[row], &[]));
        (row, masker.mask(ids, &units, epoch, &format!("row {row}")))
    };
    let rows = 0..encodings.len();
    let epochs = 0..epochs;
    epochs
        .flat_map(|epoch| rows.clone().map(move |r| row(epoch, r)))
        .collect()
}

fn encodings(tokenizer: &Tokenizer) -> Vec<Encoding> {
    TEXTS
        .iter()
        .map(|text| tokenizer.encode(text, 64).unwrap())
        .collect()
}

#[test]
fn shares_are_those_asked_for() {
    let tokenizer = tokenizer();
    let encodings = encodings(&tokenizer);
    for whole_words in [false, true] {
        let config = MaskingConfig {
            rate: 0.3,
            whole_words,
            ..MaskingConfig::default()
        };
        let masker = masker(&tokenizer, config);
        let rows = masked(&masker, &encodings, 3000);
        let mask = tokenizer.id("[MASK]").unwrap();
        let (mut tokens, mut chosen, mut hidden, mut kept) = (0.0, 0.0, 0.0, 0.0);
        for (row, masked) in &rows {
            tokens += (masked.ids.len() - 2) as f64;
            for (token, target) in masked.targets.iter().enumerate() {
                assert!(target.is_some() || masked.ids[token] == encodings[*row].ids[token]);
                let Some(target) = *target else { continue };
                assert_eq!(target, encodings[*row].ids[token]);
                chosen += 1.0;
                hidden += f64::from(u8::from(masked.ids[token] == mask));
                kept += f64::from(u8::from(masked.ids[token] == target));
            }
        }
        // Four standard errors of some 50,000 tokens are below 0.01, and words clump.
        assert!(
            (chosen / tokens - 0.3f64).abs() < 0.01,
            "{}",
            chosen / tokens
        );
        assert!(
            (hidden / chosen - 0.8f64).abs() < 0.01,
            "{}",
            hidden / chosen
        );
        // A random token may be the one that stood there.
        assert!((kept / chosen - 0.1f64).abs() < 0.01, "{}", kept / chosen);
    }
}

#[test]
fn words_entities_and_a_lists_words_stay_together() {
    let tokenizer = tokenizer();
    let masker = masker(&tokenizer, MaskingConfig::default());
    let text = TEXTS[0];
    let encoding = tokenizer.encode(text, 64).unwrap();
    let list = WordList::new(["退款", "退款申请", "查询"]).unwrap();
    let order = text.find("订单").unwrap();
    let entity = Span::new(order, order + "订单12345".len(), "order");
    let units = masker.units(&encoding, &together(text, &[entity], Some(&list)));
    let text_of = |unit: &std::ops::Range<usize>| {
        &text[encoding.offsets[unit.start].start..encoding.offsets[unit.end - 1].end]
    };
    let words: Vec<&str> = units.iter().map(text_of).collect();
    assert_eq!(
        words,
        [
            "我",
            "要",
            "查询",
            "订单12345",
            "的",
            "退款申请",
            "进",
            "度"
        ]
    );

    for epoch in 0..300 {
        let masked = masker.mask(&encoding.ids, &units, epoch, "x");
        let chosen = |unit: &std::ops::Range<usize>| {
            let all: HashSet<bool> = unit.clone().map(|i| masked.targets[i].is_some()).collect();
            assert_eq!(all.len(), 1, "a word is masked as a whole");
            all.contains(&true)
        };
        let count = units.iter().filter(|unit| chosen(unit)).count();
        assert!((1..=2).contains(&count), "15 % of 8 words");
    }
}

#[test]
fn special_tokens_and_unknown_words_are_never_masked() {
    let tokenizer = tokenizer();
    let config = MaskingConfig {
        rate: 0.99,
        ..MaskingConfig::default()
    };
    let masker = masker(&tokenizer, config);
    let encoding = tokenizer.encode("龘 the 龘", 64).unwrap();
    let unknown = tokenizer.id("[UNK]").unwrap();
    assert_eq!(encoding.ids[1], unknown);
    let everything = 0..100;
    for epoch in 0..100 {
        let units = masker.units(&encoding, std::slice::from_ref(&everything));
        let masked = masker.mask(&encoding.ids, &units, epoch, "x");
        let kept = [0, 1, encoding.ids.len() - 2, encoding.ids.len() - 1];
        assert!(kept.iter().all(|&i| masked.targets[i].is_none()));
        let special = tokenizer.special_ids();
        let mask = tokenizer.id("[MASK]").unwrap();
        let fine = |id: &u32| *id == mask || special.binary_search(id).is_err();
        assert!(masked.ids[2..masked.ids.len() - 2].iter().all(fine));
    }
    let nothing = tokenizer.encode("", 8).unwrap();
    let units = masker.units(&nothing, &[]);
    assert_eq!(masker.mask(&nothing.ids, &units, 1, "x").ids, nothing.ids);
}

#[test]
fn masks_depend_on_seed_and_row_alone() {
    let tokenizer = tokenizer();
    let encodings = encodings(&tokenizer);
    let masker = masker(&tokenizer, MaskingConfig::default());
    let alone = masked(&masker, &encodings, 50);
    let threads: Vec<_> = std::thread::scope(|scope| {
        let run = || masked(&masker, &encodings, 50);
        let started: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(threads.iter().all(|made| *made == alone));
    let of_row_1 = |epoch: usize| &alone[epoch * 4 + 1].1;
    assert!((1..50).any(|epoch| of_row_1(epoch) != of_row_1(0)));
}

#[test]
fn what_cannot_be_masked_with_is_refused() {
    let tokenizer = tokenizer();
    let with = |config| Masker::new(&tokenizer, config);
    let field = |config| match with(config) {
        Err(Error::Config { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let config = MaskingConfig::default;
    assert_eq!(
        field(MaskingConfig {
            rate: 0.0,
            ..config()
        }),
        "rate"
    );
    assert_eq!(
        field(MaskingConfig {
            rate: f64::NAN,
            ..config()
        }),
        "rate"
    );
    assert_eq!(
        field(MaskingConfig {
            random: -0.1,
            ..config()
        }),
        "random"
    );
    assert_eq!(
        field(MaskingConfig {
            keep: 0.95,
            ..config()
        }),
        "random + keep"
    );
    let json = String::from_utf8(tokenizer.to_json().unwrap()).unwrap();
    let bare = json.replace("[MASK]", "[HIDE]");
    let bare = Tokenizer::from_json(bare.as_bytes(), "tokenizer.json".as_ref()).unwrap();
    let error = Masker::new(&bare, config()).unwrap_err().to_string();
    assert_eq!(
        error,
        "tokenizer is without [MASK]; expected one with a token to mask with"
    );
}
