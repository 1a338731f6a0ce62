//! Tagging schemes against seqeval, against each other, and over broken and mixed tags.

use std::ops::Range;

use cs_data::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::seeded;

fn tokens(count: usize) -> Vec<Range<usize>> {
    (0..count).map(|at| at * 3..at * 3 + 2).collect()
}

#[test]
fn entities_are_those_of_seqeval() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../reference/seqeval_schemes.json")).unwrap();
    for case in cases {
        let scheme: Scheme = case["scheme"].as_str().unwrap().parse().unwrap();
        let tags: Vec<&str> = case["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().unwrap())
            .collect();
        let entity = |entity: &Value| {
            let at = |i: usize| entity[i].as_u64().unwrap() as usize * 3;
            Span::new(at(1), at(2) + 2, entity[0].as_str().unwrap())
        };
        let expected: Vec<Span> = case["entities"]
            .as_array()
            .unwrap()
            .iter()
            .map(entity)
            .collect();
        let tokens = tokens(tags.len());
        assert_eq!(
            scheme.decode_lenient(&tokens, &tags),
            expected,
            "{scheme} {tags:?}"
        );
        let strict = scheme.decode(&tokens, &tags);
        if case["strict"] == true {
            assert_eq!(strict.as_ref(), Ok(&expected), "{scheme} {tags:?}");
        }
        if strict.is_ok() {
            assert_eq!(scheme.encode(&tokens, &expected).unwrap(), tags, "{scheme}");
        }
    }
}

#[test]
fn broken_tags_beside_valid_ones() {
    use Scheme::{Bilou, Bmes, Iob1, Iobes};
    let valid: [(Scheme, &[&str]); 6] = [
        (Iob1, &["I-a", "B-a", "I-a", "I-b", "O", "I-b"]),
        (
            Iobes,
            &["S-a", "B-a", "E-a", "S-b", "B-b", "I-b", "E-b", "O"],
        ),
        (
            Bilou,
            &["U-a", "B-a", "L-a", "U-b", "B-b", "I-b", "L-b", "O"],
        ),
        (
            Bmes,
            &["S-产品", "B-产品", "E-产品", "B-a-b", "M-a-b", "E-a-b"],
        ),
        (Bmes, &[]),
        (Bilou, &["O"]),
    ];
    for (scheme, tags) in valid {
        assert_eq!(scheme.validate(tags), Ok(()), "{scheme} {tags:?}");
    }
    let broken: [(Scheme, &[&str], &str); 14] = [
        (
            Iob1,
            &["B-a"],
            "tag 0 is \"B-a\" after the start, expected O or I-label",
        ),
        (
            Iob1,
            &["I-a", "B-b"],
            "tag 1 is \"B-b\" after I-a, expected O or I-label",
        ),
        (
            Iob1,
            &["I-a", "O", "B-a"],
            "tag 2 is \"B-a\" after O, expected O or I-label",
        ),
        (
            Iob1,
            &["E-a"],
            "tag 0 is \"E-a\", expected O, B-label or I-label",
        ),
        (
            Iobes,
            &["B-a", "O"],
            "tag 1 is \"O\" after B-a, expected I-a or E-a",
        ),
        (
            Iobes,
            &["B-a", "E-b"],
            "tag 1 is \"E-b\" after B-a, expected I-a or E-a",
        ),
        (
            Iobes,
            &["B-a", "I-a", "S-a"],
            "tag 2 is \"S-a\" after I-a, expected I-a or E-a",
        ),
        (
            Iobes,
            &["E-a"],
            "tag 0 is \"E-a\" after the start, expected O, B-label or S-label",
        ),
        (
            Iobes,
            &["B-a", "E-a", "I-a"],
            "tag 2 is \"I-a\" after E-a, expected O, B-label or S-label",
        ),
        (
            Iobes,
            &["O", "B-a"],
            "tag 1 is \"B-a\" at the end, expected I-a or E-a after it",
        ),
        (
            Bilou,
            &["E-a"],
            "tag 0 is \"E-a\", expected O or B-, I-, L- or U- with a label",
        ),
        (
            Bilou,
            &["U-a", "L-a"],
            "tag 1 is \"L-a\" after U-a, expected O, B-label or U-label",
        ),
        (
            Bmes,
            &["B-a", "I-a"],
            "tag 1 is \"I-a\", expected O or B-, M-, E- or S- with a label",
        ),
        (
            Bmes,
            &["S_a"],
            "tag 0 is \"S_a\", expected O or B-, M-, E- or S- with a label",
        ),
    ];
    for (scheme, tags, message) in broken {
        let error = scheme.validate(tags).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(message.starts_with(&format!("tag {} ", error.index().unwrap())));
        assert_eq!(scheme.decode(&tokens(tags.len()), tags).unwrap_err(), error);
        assert_eq!(scheme.convert(tags, Scheme::Iob2).unwrap_err(), error);
    }
}

#[test]
fn one_entity_tells_the_scheme() {
    use Scheme::{Bilou, Bmes, Iob1, Iob2, Iobes};
    let cases: [(&[&[&str]], Option<Scheme>); 9] = [
        (&[], None),
        (&[&[], &["O", "O"]], None),
        (&[&["O"], &["B-a"]], Some(Iob2)),
        (&[&["O"], &["I-a"]], Some(Iob1)),
        (&[&["S-a"]], Some(Iobes)), // or BMES, which then means the same
        (&[&["S-a"], &["B-a", "M-a", "E-a"]], Some(Bmes)),
        (&[&["B-a", "E-a"], &["B-a", "I-a", "E-a"]], Some(Iobes)),
        (&[&["U-a"]], Some(Bilou)),
        (&[&["B-产品", "L-产品"]], Some(Bilou)),
    ];
    for (sequences, scheme) in cases {
        assert_eq!(Scheme::detect(sequences), Ok(scheme), "{sequences:?}");
    }
}

#[test]
fn mixed_schemes_name_the_tag_that_contradicts() {
    let cases: [(&[&[&str]], &str); 5] = [
        (
            &[&["I-a", "O"], &["B-a"], &["O", "B-b", "I-b"]],
            "sequence 0 is not IOB2 as most are: tag 0 is \"I-a\" after the start, \
             expected the same label before it",
        ),
        (
            &[&["I-a"], &["I-a"], &["O"], &["B-b", "O"]],
            "sequence 3 is not IOB1 as most are: tag 0 is \"B-b\" after the start, \
             expected O or I-label",
        ),
        (
            &[&["S-a"], &["B-b", "E-b"], &["O", "U-a"]],
            "sequence 2 is not IOBES as most are: tag 1 is \"U-a\", \
             expected O or B-, I-, E- or S- with a label",
        ),
        (
            &[&["B-a", "I-a", "E-a", "B-b", "L-b"]],
            "sequence 0 is not IOBES as most are: tag 4 is \"L-b\", \
             expected O or B-, I-, E- or S- with a label",
        ),
        (
            &[&["nonsense"], &["B-a"]],
            "sequence 0 is not IOB2 as most are: tag 0 is \"nonsense\", \
             expected O, B-label or I-label",
        ),
    ];
    for (sequences, message) in cases {
        assert_eq!(Scheme::detect(sequences).unwrap_err().to_string(), message);
    }
}

#[test]
fn schemes_have_names() {
    for scheme in Scheme::ALL {
        assert_eq!(scheme.to_string().parse::<Scheme>().unwrap(), scheme);
        assert_eq!(
            scheme.to_string().to_lowercase().parse::<Scheme>().unwrap(),
            scheme
        );
    }
    assert_eq!("BIO".parse::<Scheme>().unwrap(), Scheme::Iob2);
    assert_eq!(
        "iob3".parse::<Scheme>().unwrap_err().to_string(),
        "scheme is iob3, expected iob1, iob2, iobes, bilou or bmes"
    );
}

fn scheme() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(Scheme::ALL.to_vec())
}

/// Tokens with gaps, and disjoint spans on their edges.
fn tagged() -> impl Strategy<Value = (Vec<Range<usize>>, Vec<Span>)> {
    let part = (0usize..3, 1usize..4, 0usize..4, "[ab]");
    proptest::collection::vec(part, 0..20).prop_map(|parts| {
        let (mut tokens, mut spans, mut at, mut free) = (Vec::new(), Vec::<Span>::new(), 0, true);
        for (gap, length, action, label) in parts {
            let token = at + gap..at + gap + length;
            at = token.end;
            match (action, spans.last_mut()) {
                (0, _) => free = true,
                (1, Some(last)) if !free => last.end = token.end,
                _ => {
                    spans.push(Span::new(token.start, token.end, label));
                    free = false;
                }
            }
            tokens.push(token);
        }
        (tokens, spans)
    })
}

proptest! {
    #![proptest_config(seeded(512))]

    #[test]
    fn tags_of_every_scheme_say_the_spans((tokens, spans) in tagged(), from in scheme(), to in scheme()) {
        let tags = from.encode(&tokens, &spans).unwrap();
        prop_assert_eq!(from.validate(&tags), Ok(()));
        prop_assert_eq!(&from.decode(&tokens, &tags).unwrap(), &spans);
        prop_assert_eq!(&from.decode_lenient(&tokens, &tags), &spans);
        let converted = from.convert(&tags, to).unwrap();
        prop_assert_eq!(&converted, &to.encode(&tokens, &spans).unwrap());
        prop_assert_eq!(to.convert(&converted, from).unwrap(), tags.clone());
        let detected = Scheme::detect([&tags]).unwrap();
        prop_assert_eq!(detected.is_some(), !spans.is_empty());
        if let Some(detected) = detected {
            prop_assert_eq!(detected.decode(&tokens, &tags).unwrap(), spans);
            prop_assert!(detected == from || (detected, from) == (Scheme::Iobes, Scheme::Bmes));
        }
    }

    #[test]
    fn what_is_well_formed_comes_back_from_its_spans(
        tags in proptest::collection::vec("O|[BIEMSLU]-[ab]|\\PC{0,3}", 0..8),
        scheme in scheme(),
    ) {
        let tokens = tokens(tags.len());
        let lenient = scheme.decode_lenient(&tokens, &tags);
        prop_assert_eq!(scheme.validate(&tags).is_ok(), scheme.encode(&tokens, &lenient).unwrap() == tags);
    }
}
