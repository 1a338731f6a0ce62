//! What the tables promise: variety, both languages, and nothing shared between the splits.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn corpus() -> Corpus {
    Corpus::embedded().unwrap()
}

fn pooled(split: Split, corpus: &Corpus) -> BTreeMap<(String, Language), Vec<&Question>> {
    let mut pooled: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for question in corpus.questions.iter().filter(|q| q.split == split) {
        pooled
            .entry((question.intent.clone(), question.language))
            .or_default()
            .push(question);
    }
    pooled
}

#[test]
fn every_intent_has_both_languages_and_enough_templates() {
    let corpus = corpus();
    assert!(corpus.intents().len() >= 20, "{}", corpus.intents().len());
    for (split, least) in [(Split::Train, 7), (Split::Test, 3)] {
        let pooled = pooled(split, &corpus);
        assert_eq!(pooled.len(), corpus.intents().len() * Language::ALL.len());
        for (key, questions) in pooled {
            assert!(
                questions.len() >= least,
                "{key:?} {split:?}: {}",
                questions.len()
            );
        }
    }
}

#[test]
fn every_slot_has_values_and_every_value_a_slot() {
    let corpus = corpus();
    let mut used = BTreeSet::new();
    for question in corpus.questions.iter().chain(&corpus.pair_questions) {
        for pool in question.template.pools() {
            let found = corpus.values.pool(pool, question.language, question.split);
            assert!(
                found.is_some_and(|pool| pool.values.len() >= 3),
                "{pool} {question:?}"
            );
            used.insert(pool);
        }
    }
    assert_eq!(used.into_iter().collect::<Vec<_>>(), corpus.values.names());
    let labels: BTreeSet<&str> = corpus
        .values
        .names()
        .iter()
        .filter_map(|name| name.split('.').next())
        .collect();
    assert!(labels.len() >= 10, "{labels:?}");
}

/// Asserts that no text is in both splits.
fn assert_apart(texts_of: impl Fn(Split) -> BTreeSet<String>) {
    let (train, test) = (texts_of(Split::Train), texts_of(Split::Test));
    let shared: Vec<&String> = train.intersection(&test).collect();
    assert_eq!(shared, Vec::<&String>::new());
    assert!(!train.is_empty() && !test.is_empty());
}

#[test]
fn no_template_is_in_both_splits() {
    let corpus = corpus();
    assert_apart(|split| {
        let all = corpus.questions.iter().chain(&corpus.pair_questions);
        let of_split = all.filter(|q| q.split == split);
        let texts = of_split.flat_map(|q| q.template.skeletons());
        texts.map(|text| text.trim().to_lowercase()).collect()
    });
}

/// What a frame may say before or after a sentence.
fn skeletons(part: Option<&Template>) -> Vec<String> {
    part.map_or(vec![String::new()], Template::skeletons)
}

#[test]
fn no_frame_is_in_both_splits() {
    let corpus = corpus();
    assert_apart(|split| {
        let all = corpus.frames.iter().chain(&corpus.pair_frames);
        let of_split = all.filter(|f| f.split == split);
        let texts = of_split.flat_map(|f| {
            let after = skeletons(f.after.as_ref());
            let before = skeletons(f.before.as_ref()).into_iter();
            before.flat_map(move |b| after.clone().into_iter().map(move |a| format!("{b}…{a}")))
        });
        texts.collect()
    });
}

#[test]
fn no_value_is_in_both_splits() {
    let corpus = corpus();
    assert_apart(|split| {
        let rows = corpus.generate(split, 6000, 3);
        let values = rows.iter().flat_map(|row| {
            let spans = row.spans.iter();
            spans.map(|span| row.text[span.start..span.end].to_lowercase())
        });
        values.collect()
    });
}

/// Figures of different versions are compared on this file: only what is learned from may change.
#[test]
fn the_test_rows_are_those_of_the_first_version() {
    use sha2::{Digest, Sha256};

    let folder = tempfile::tempdir().unwrap();
    let demo = crate::demo::Demo::new(42).unwrap();
    demo.write(folder.path()).unwrap();
    let sum = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        format!("{:x}", Sha256::digest(bytes))
    };
    assert_eq!(
        sum("test.jsonl"),
        "0cf526a10590610409a41177c2ee4cabda0984667324979f2082772ed4ea3dc0"
    );
    let train: BTreeSet<String> = demo
        .train
        .iter()
        .map(|row| row.text.to_lowercase())
        .collect();
    let held_out = demo.test.iter().chain(&demo.out_of_scope);
    let seen = held_out.filter(|row| train.contains(&row.text.to_lowercase()));
    assert_eq!(
        seen.map(|row| &row.text).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn rows_out_of_scope_are_told_apart_and_their_wording_is_of_one_split() {
    let corpus = corpus();
    assert!(
        !corpus
            .intents()
            .iter()
            .any(|intent| intent == OUT_OF_SCOPE_LABEL)
    );
    let texts = |split| -> BTreeSet<String> {
        let of_split = corpus.out_of_scope.iter().filter(|q| q.split == split);
        of_split
            .flat_map(|q| q.template.skeletons())
            .map(|text| text.to_lowercase())
            .collect()
    };
    let (train, test) = (texts(Split::Train), texts(Split::Test));
    assert!(
        train.len() > 150 && test.len() > 50,
        "{} {}",
        train.len(),
        test.len()
    );
    assert!(train.is_disjoint(&test));
    for row in corpus.generate_out_of_scope(Split::Train, 300, 3) {
        row.validate().unwrap();
        assert_eq!(
            (row.intent.as_deref(), row.spans.len()),
            (Some(OUT_OF_SCOPE_LABEL), 0)
        );
    }
}

#[test]
fn a_detail_adds_an_entity_of_another_label() {
    let corpus = corpus();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let ask = |split| {
        let of_split = |q: &&Question| q.split == split && q.tone == Tone::Neutral;
        corpus.questions.iter().find(of_split).unwrap()
    };
    let sentence = || Filled {
        text: "where is A7".to_owned(),
        spans: vec![cs_data::Span::new(9, 11, "order_id")],
    };
    let mut detailed = 0;
    for _ in 0..200 {
        let said = corpus.detailed(&mut rng, ask(Split::Train), sentence());
        detailed += usize::from(said != sentence());
        let labels: Vec<&str> = said.spans.iter().map(|span| span.label.as_str()).collect();
        let given = labels.iter().filter(|label| **label == "order_id").count();
        assert_eq!(given, 1, "{said:?}");
        assert_eq!(
            corpus.detailed(&mut rng, ask(Split::Test), sentence()),
            sentence()
        );
    }
    assert!((20..80).contains(&detailed), "{detailed}");
}

#[test]
fn rows_are_valid_varied_and_disjoint() {
    let corpus = corpus();
    let train = corpus.generate(Split::Train, 4000, 11);
    let test = corpus.generate(Split::Test, 2000, 11);
    for row in train.iter().chain(&test) {
        row.validate().unwrap();
        assert_eq!(row.text.trim(), row.text);
        assert!(
            !row.text.contains(['[', ']', '{', '}', '|', '…', '\t']),
            "{}",
            row.text
        );
        assert!(!row.text.contains("  "), "{}", row.text);
        for span in &row.spans {
            assert_eq!(
                row.text[span.start..span.end].trim(),
                &row.text[span.start..span.end]
            );
        }
    }
    let texts: BTreeSet<String> = train.iter().map(|row| row.text.to_lowercase()).collect();
    assert!(texts.len() > 3300, "{} distinct of 4000", texts.len());
    assert_eq!(
        test.iter()
            .filter(|row| texts.contains(&row.text.to_lowercase()))
            .count(),
        0
    );
    for tone in Tone::ALL {
        let with = test
            .iter()
            .filter(|row| row.sentiment == Some(tone.sentiment()))
            .count();
        assert!(with > 60, "{tone:?}: {with}");
    }
}

#[test]
fn questions_are_told_from_statements() {
    for (sentence, language, question) in [
        ("where is it", Language::En, true),
        ("what's the status", Language::En, true),
        ("whatever", Language::En, false),
        ("退款到账了吗", Language::Zh, true),
        ("我要退款", Language::Zh, false),
    ] {
        assert_eq!(asks(sentence, language), question, "{sentence}");
    }
}

#[test]
fn a_row_depends_on_seed_and_number_only() {
    let corpus = corpus();
    let many = corpus.generate(Split::Test, 90, 5);
    assert_eq!(corpus.generate(Split::Test, 30, 5), many[..30]);
    assert_ne!(corpus.generate(Split::Test, 30, 6), many[..30]);
}

#[test]
fn tidying_moves_the_spans() {
    let mut filled = Filled::default();
    filled.text.push_str("  send  ");
    let value: Template = "{city}".parse().unwrap();
    filled.push(
        &value.fill(&mut ChaCha8Rng::seed_from_u64(0), &mut |_, _, _| {
            "New York".to_owned()
        }),
    );
    filled.text.push_str(" , please  ");
    let tidied = tidy(&filled);
    assert_eq!(tidied.text, "send New York, please");
    assert_eq!(
        &tidied.text[tidied.spans[0].start..tidied.spans[0].end],
        "New York"
    );
}

#[test]
fn a_broken_table_names_the_line() {
    let error = table(
        "templates.tsv",
        "# head\nx\tzh\ttrain\tneutral\t[a",
        question,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "templates.tsv:2: column 1: `[` is never closed"
    );
    let error = table("frames.tsv", "zh\ttrain\tneutral", frame).unwrap_err();
    assert_eq!(error.to_string(), "frames.tsv:1: 3 fields instead of 4");
}
